"""Performance indices by percentiles, for values that are not normal: ISO 22514-2, after Clements (1989).

The 0.135 %, 50 % and 99.865 % points stand where mean - 3 sigma, mean and mean + 3 sigma stand in the normal case:

    Pp = (USL - LSL)/(X99.865 - X0.135)    Ppu = (USL - X50)/(X99.865 - X50)    Ppl = (X50 - LSL)/(X50 - X0.135)

Intervals come from a bootstrap with a seed: samples are drawn from the fitted distribution (from the values for the
empirical one), and the ratio of their index to the one found stands for the ratio of the one found to the true one
(basic bootstrap on the logarithm: Davison and Hinkley, Bootstrap Methods and their Application, 5.2). Simulated, that
holds the true index nearer to its level than percentiles of the bootstrap do; see docs/statistics-measurements.md.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.capability.choosing import Model
from qms_mcp.statistics.capability.fallout import Expected, expected_of
from qms_mcp.statistics.capability.fitted import FITTED, Family, empirical_percentile, fit
from qms_mcp.statistics.capability.indices import Indices
from qms_mcp.statistics.capability.specification import Specification
from qms_mcp.statistics.intervals import Interval

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

POINTS: Final = (0.00135, 0.5, 0.99865)
MOST_BOOTSTRAPPED = 100_000
_RESAMPLES = 1_000
_AT_ONCE = 2_000_000


@dataclass(frozen=True, slots=True)
class ByPercentiles:
    """Indices by percentiles.

    Attributes:
        points: The 0.135 %, 50 % and 99.865 % points, in the unit of the values.
        indices: As in the normal case.
        spread_interval: Of Pp; None when there is no Pp or no bootstrap was made.
        nearest_interval: Of Ppk.
        nearest_bound: What Ppk is at least.
        expected: Outside, under the fitted distribution; None for the empirical one.
        resamples: How many bootstrap samples were drawn.
    """

    points: tuple[float, float, float]
    indices: Indices
    spread_interval: Interval | None
    nearest_interval: Interval | None
    nearest_bound: float | None
    expected: Expected | None
    resamples: int


def by_percentiles(
    values: "NDArray[np.float64]", model: Model, specification: Specification, level: float, seed: int
) -> ByPercentiles:
    """Return the indices of values under a fitted distribution, or by their own percentiles.

    Raises:
        InvalidInputError: So many values are equal that a side has no spread.
    """
    points = _points(values[None, :], model)
    low, middle, high = (float(point[0]) for point in points)
    if not low < middle < high:
        raise InvalidInputError(
            f"The median ({middle:g}) is also the 0.135 % or the 99.865 % point: most values are equal.",
            hint="The measurement is too coarse, or cut off; look at the histogram.",
        )
    sides = _sides(points, specification)
    nearest = _nearest(sides)
    width = specification.width
    found = Indices(
        None if width is None else width / (high - low),
        float(nearest[0]),
        None if sides[1] is None else float(sides[1][0]),
        None if sides[0] is None else float(sides[0][0]),
        _target(low, middle, high, specification),
    )
    drawn = _bootstrap(values, model, specification, seed)
    if drawn is None:
        return ByPercentiles((low, middle, high), found, None, None, None, _expected(model, specification), 0)
    tail = (1.0 - level) / 2.0
    spreads, nears = drawn
    spread = None
    if width is not None:
        spread = Interval(*_basic(width / (high - low), width / spreads, (tail, 1.0 - tail)))
    ends = _basic(found.nearest, nears, (tail, 1.0 - tail, 1.0 - level))
    return ByPercentiles(
        (low, middle, high),
        found,
        spread,
        Interval(ends[0], ends[1]),
        ends[2],
        _expected(model, specification),
        int(nears.size),
    )


def _points(samples: "NDArray[np.float64]", model: Model) -> "tuple[NDArray[np.float64], ...]":
    if model.distribution in FITTED:
        family: Family = model.distribution
        fitted = fit(family, samples)
        return tuple(fitted.percentile(point) for point in POINTS)
    return tuple(empirical_percentile(samples, point) for point in POINTS)


def _sides(
    points: "tuple[NDArray[np.float64], ...]", specification: Specification
) -> "tuple[NDArray[np.float64] | None, NDArray[np.float64] | None]":
    low, middle, high = points
    return (
        None if specification.lsl is None else (middle - specification.lsl) / (middle - low),
        None if specification.usl is None else (specification.usl - middle) / (high - middle),
    )


def _nearest(sides: "tuple[NDArray[np.float64] | None, NDArray[np.float64] | None]") -> "NDArray[np.float64]":
    import numpy as np  # noqa: PLC0415

    given = [side for side in sides if side is not None]
    return np.minimum.reduce(given)


def _target(low: float, middle: float, high: float, specification: Specification) -> float | None:
    """Return Cpm with a sixth of the spread for sigma and the median for the mean (Pearn and Kotz 1994)."""
    if specification.target is None:
        return None
    tau = (((high - low) / 6.0) ** 2 + (middle - specification.target) ** 2) ** 0.5
    limits = [limit for limit in (specification.lsl, specification.usl) if limit is not None]
    return min(abs(limit - specification.target) for limit in limits) / (3.0 * tau)


def _bootstrap(
    values: "NDArray[np.float64]", model: Model, specification: Specification, seed: int
) -> "tuple[NDArray[np.float64], NDArray[np.float64]] | None":
    """Return the spread and the nearest index of every resample; None when there are too many values, or no need."""
    import numpy as np  # noqa: PLC0415

    n = int(values.size)
    if n > MOST_BOOTSTRAPPED:
        return None
    count = max(200, min(_RESAMPLES, 20 * _AT_ONCE // n))
    rng = np.random.default_rng(seed)
    spreads, nears = list["NDArray[np.float64]"](), list["NDArray[np.float64]"]()
    rows = max(1, _AT_ONCE // n)
    for start in range(0, count, rows):
        shape = (min(rows, count - start), n)
        drawn = values[rng.integers(0, n, size=shape)] if model.fitted is None else model.fitted.draw(rng, shape)
        points = _points(drawn, model)
        # A resample in which most values are equal has no spread on one side.
        kept = (points[0] < points[1]) & (points[1] < points[2])
        points = tuple(point[kept] for point in points)
        spreads.append(points[2] - points[0])
        nears.append(_nearest(_sides(points, specification)))
    return np.concatenate(spreads), np.concatenate(nears)


def _basic(found: float, drawn: "NDArray[np.float64]", shares: tuple[float, ...]) -> list[float]:
    """Return quantiles of what the true index may be, by ratios; by differences when an index is not positive."""
    import numpy as np  # noqa: PLC0415

    turned = [float(value) for value in np.quantile(drawn, [1.0 - share for share in shares])]
    if found > 0.0 and float(drawn.min()) > 0.0:
        return [found * found / value for value in turned]
    return [2.0 * found - value for value in turned]


def _expected(model: Model, specification: Specification) -> Expected | None:
    import numpy as np  # noqa: PLC0415

    fitted = model.fitted
    if fitted is None:
        return None
    below = None if specification.lsl is None else float(fitted.below(np.array([specification.lsl]))[0])
    above = None if specification.usl is None else float(fitted.above(np.array([specification.usl]))[0])
    return expected_of(below, above)
