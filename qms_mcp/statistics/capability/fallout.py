"""What lies outside the specification: expected under a distribution, observed with its exact interval."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qms_mcp.statistics.capability.specification import Specification
from qms_mcp.statistics.intervals import Interval, clopper_pearson
from qms_mcp.statistics.quantiles import normal_probability, normal_quantile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MILLION = 1e6


@dataclass(frozen=True, slots=True)
class Expected:
    """Parts per million expected outside.

    Attributes:
        below: Below lsl; None when there is none.
        above: Above usl; None when there is none.
        total: Both.
        z_bench: The z beyond which a normal distribution has as much on one side; long-term as the sigma it is made
            of, with no shift of 1.5 added. None when nothing or everything is outside as far as doubles can tell.
    """

    below: float | None
    above: float | None
    total: float
    z_bench: float | None


@dataclass(frozen=True, slots=True)
class Observed:
    """Values seen outside: how many on each side, of how many, and parts per million with the exact interval."""

    below: int | None
    above: int | None
    n: int
    ppm: float
    interval: Interval


def expected_normal(mean: float, sigma: float, specification: Specification) -> Expected:
    """Return what a normal distribution has outside; Z.bench as in Minitab and Bothe, Measuring Process Capability."""
    below = None if specification.lsl is None else normal_probability((specification.lsl - mean) / sigma)
    above = None if specification.usl is None else normal_probability((mean - specification.usl) / sigma)
    return expected_of(below, above)


def expected_of(below: float | None, above: float | None) -> Expected:
    """Return it from the two probabilities."""
    total = (below or 0.0) + (above or 0.0)
    z = -normal_quantile(total) if 0.0 < total < 1.0 else None
    return Expected(
        None if below is None else below * MILLION, None if above is None else above * MILLION, total * MILLION, z
    )


def observed(values: "NDArray[np.float64]", specification: Specification, level: float) -> Observed:
    """Return how many values lie outside; a value on a limit is inside. The interval is Clopper and Pearson's."""
    import numpy as np  # noqa: PLC0415

    below = None if specification.lsl is None else int(np.count_nonzero(values < specification.lsl))
    above = None if specification.usl is None else int(np.count_nonzero(values > specification.usl))
    count, n = (below or 0) + (above or 0), int(values.size)
    low, high = clopper_pearson(count, n, level)
    return Observed(below, above, n, count / n * MILLION, Interval(low * MILLION, high * MILLION))
