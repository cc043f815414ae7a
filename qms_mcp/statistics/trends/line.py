"""The straight line of least squares, beside Sen's slope."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qms_mcp.statistics.quantiles import t_probability

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Values = NDArray[np.float64]

_TWO = 2


@dataclass(frozen=True, slots=True)
class StraightLine:
    """Slope, its standard error, p of no slope (independent normal errors), R squared, and the squares it leaves."""

    slope: float
    intercept: float
    error: float
    p: float
    r2: float
    left: float


def straight_line(values: "Values", times: "Values") -> StraightLine:
    """Return the line of least squares through at least three values at not all the same time.

    Source: NIST e-Handbook 4.1.4.1; deviations from the means, so that offsets cost no digits.
    """
    t, y = times - times.mean(), values - values.mean()
    across = float(t @ t)
    slope = float(t @ y) / across
    left, total = float(((y - slope * t) ** 2).sum()), float(y @ y)
    degrees = values.size - _TWO
    error = (left / degrees / across) ** 0.5
    p = 2 * t_probability(-abs(slope) / error, degrees) if error > 0 else 0.0
    intercept = float(values.mean()) - slope * float(times.mean())
    return StraightLine(slope, intercept, error, p, 1 - left / total if total > 0 else 0.0, left)
