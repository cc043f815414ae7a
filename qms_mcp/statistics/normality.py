"""Tests of whether values could come from a normal distribution, whose mean and sd are estimated from them.

    anderson_darling(values).p      # as the usual quality programs print it

A small p says that they hardly do. A large one proves nothing: with few values there is no test that would see it; and
with thousands the slightest rounding is seen.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.flags import Flag
from qms_mcp.statistics.moments import moments
from qms_mcp.statistics.numbers import clean

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_LEAST = 3
_TRUSTED = 8
_MOST_SHAPIRO = 5000
_FARTHEST = 10.0
_SMALLEST_P = 3.7e-24


@dataclass(frozen=True, slots=True)
class NormalityTest:
    """A test and what it found.

    Attributes:
        statistic: A2 of Anderson-Darling (unadjusted, as programs print it) or W of Shapiro-Wilk.
        p: The chance of so large a departure, or a larger one, in a sample of a normal distribution.
        n: How many values.
        adjusted: A*2, the statistic adjusted for n, from which p follows; None for Shapiro-Wilk.
        test: Which test it was.
        flags: What to know beside it.
    """

    statistic: float
    p: float
    n: int
    adjusted: float | None = None
    test: str = "Anderson-Darling"
    flags: tuple[Flag, ...] = ()


def anderson_darling(x: "Sequence[Any] | NDArray[np.float64]") -> NormalityTest:
    """Return the Anderson-Darling test of the normal distribution, mean and sd estimated.

    A2 is Stephens' (JASA 69, 1974), adjusted as A*2 = A2 (1 + 0.75/n + 2.25/n^2); p by the approximation in D'Agostino
    and Stephens, Goodness-of-Fit Techniques (1986), table 4.9, which holds for n >= 8; smaller samples are flagged.

    Raises:
        InvalidInputError: Fewer than three values, one that is missing or no number, or all are equal.
    """
    import numpy as np  # noqa: PLC0415
    import scipy.special  # noqa: PLC0415

    z = np.sort(_standardized(x))
    n = int(z.size)
    log_ndtr = cast("Any", scipy.special).log_ndtr
    weight = 2.0 * np.arange(1, n + 1) - 1.0
    # log(1 - F(z)) as log F(-z): the other form loses all digits in the tail.
    a2 = float(-n - np.sum(weight * (log_ndtr(z) + log_ndtr(-z[::-1]))) / n)
    adjusted = a2 * (1.0 + 0.75 / n + 2.25 / n**2)
    return NormalityTest(a2, p_of_adjusted(adjusted), n, adjusted, flags=_few(n))


def shapiro_wilk(x: "Sequence[Any] | NDArray[np.float64]") -> NormalityTest:
    """Return the Shapiro-Wilk test: the most powerful of the usual ones for small samples.

    Source: Shapiro and Wilk, Biometrika 52 (1965), with W and p as in Royston, Applied Statistics 44 (1995), AS R94.

    Raises:
        InvalidInputError: Fewer than 3 or more than 5,000 values (for which p was not worked out), one that is
            missing or no number, or all are equal.
    """
    import scipy.stats  # noqa: PLC0415

    z = _standardized(x)
    n = int(z.size)
    if n > _MOST_SHAPIRO:
        raise InvalidInputError(
            f"The p of Shapiro-Wilk is known for at most {_MOST_SHAPIRO:,} values; given: {n:,}.",
            hint="Use Anderson-Darling, or look at the probability plot: with so many values any test sees rounding.",
        )
    w, p = cast("tuple[float, float]", cast("Any", scipy.stats).shapiro(z))
    return NormalityTest(float(w), float(p), n, test="Shapiro-Wilk", flags=_few(n))


def _standardized(x: "Sequence[Any] | NDArray[np.float64]") -> "NDArray[np.float64]":
    """Return (x - mean) / sd."""
    values = clean(x, "the values", missing=False)
    n = int(values.size)
    if n < _LEAST:
        raise InvalidInputError(f"A test of normality needs at least three values; given: {n}.", hint="Collect more.")
    if float(values.min()) == float(values.max()):
        raise InvalidInputError(
            f"All {n} values are {values[0]:g}: there is no distribution to test.",
            hint="Check the resolution of the measurement, and whether the right column was read.",
        )
    mean, sd, _ = moments(values)
    return (values - mean) / sd


def p_of_adjusted(a: float) -> float:
    """Return p of A*2; at most 1, and 3.7e-24 beyond 10, where the formula would turn round."""
    if a > _FARTHEST:
        return _SMALLEST_P
    if a >= 0.6:  # noqa: PLR2004 - the four pieces of table 4.9
        p = math.exp(1.2937 - 5.709 * a + 0.0186 * a * a)
    elif a >= 0.34:  # noqa: PLR2004
        p = math.exp(0.9177 - 4.279 * a - 1.38 * a * a)
    elif a >= 0.2:  # noqa: PLR2004
        p = -math.expm1(-8.318 + 42.796 * a - 59.938 * a * a)
    else:
        p = -math.expm1(-13.436 + 101.14 * a - 223.73 * a * a)
    return min(1.0, max(0.0, p))


def _few(n: int) -> tuple[Flag, ...]:
    if n >= _TRUSTED:
        return ()
    return (Flag("few", f"{n} values are too few for a test of normality to see anything.", "Look at the process."),)
