"""Mann-Kendall's test of a monotone trend, and Sen's slope: both rest on comparing every value with every later one.

    found = mann_kendall(values)        # S, its variance, z and p
    slope = sen_slope(values, times)    # the median of all slopes, with an interval

Mann, Econometrica 13 (1945); Kendall, Rank Correlation Methods (1975); Sen, JASA 63 (1968); Gilbert, Statistical
Methods for Environmental Pollution Monitoring (1987), chapter 16.
"""

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.quantiles import normal_probability, normal_quantile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Values = NDArray[np.float64]

EXACT_TO = 40
MOST = 3_000
_FEWEST = 3


@dataclass(frozen=True, slots=True)
class MannKendall:
    """Mann-Kendall's test for independent values.

    Attributes:
        s: Pairs that rise less pairs that fall.
        variance: Of S when there is no trend, with the correction for ties.
        z: S by its standard deviation, with the correction for continuity.
        p: Two-sided: exact without ties up to 40 values, else by the normal distribution.
        p_normal: Two-sided, by the normal distribution.
        tau: Kendall's tau-b: 1 when every later value is higher, -1 when every one is lower.
        n: How many values there are.
        exact: Whether p is exact.
    """

    s: int
    variance: float
    z: float
    p: float
    p_normal: float
    tau: float
    n: int
    exact: bool


@dataclass(frozen=True, slots=True)
class Slope:
    """Sen's slope per unit of time, its interval, and the line's value at time 0 (median of value - slope * time)."""

    slope: float
    low: float
    high: float
    intercept: float


def mann_kendall(values: "Values", times: "Values | None" = None) -> MannKendall:
    """Return Mann-Kendall's test of values in the order of time.

    Args:
        values: At least three, in order; a gap (nan) is left out.
        times: When; values of one time are not compared with each other, and the variance allows for it (Gilbert 1987,
            16.4.2). Every value has a time of its own if left out.

    Raises:
        InvalidInputError: There are fewer than three values or more than 3,000.
    """
    import numpy as np  # noqa: PLC0415

    there = ~np.isnan(values)
    known = values[there]
    n = _checked(known)
    ties = _ties(known)
    moments = np.ones(n) if times is None else _ties(times[there])
    if moments.size == n or times is None:
        s, variance = score(known), variance_of_s(n, ties)
    else:
        s, variance = _score_apart(known, times[there]), _variance_of_both(n, ties, moments)
    pairs = n * (n - 1) / 2
    untied, apart = (pairs - float((tied * (tied - 1) / 2).sum()) for tied in (ties, moments))
    z = z_of(s, variance)
    p_normal = min(1.0, 2 * normal_probability(-abs(z)))
    exact = n <= EXACT_TO and ties.size == moments.size == n
    tau = s / math.sqrt(apart * untied) if untied and apart else 0.0
    return MannKendall(s, variance, z, _exact_p(abs(s), n) if exact else p_normal, p_normal, tau, n, exact)


def score(values: "Values") -> int:
    """Return S: over all pairs, the sign of the later less the earlier value."""
    import numpy as np  # noqa: PLC0415

    ranks = np.unique(values, return_inverse=True)[1].astype(np.int32)
    return sum(int(np.sign(ranks[at + 1 :] - ranks[at]).sum()) for at in range(ranks.size - 1))


def _ties(values: "Values") -> "Values":
    import numpy as np  # noqa: PLC0415

    return np.unique(values, return_counts=True)[1].astype(np.float64)


def _score_apart(values: "Values", times: "Values") -> int:
    """Return S over the pairs at different times."""
    import numpy as np  # noqa: PLC0415

    return sum(
        int((np.sign(values[at + 1 :] - values[at]) * np.sign(times[at + 1 :] - times[at])).sum())
        for at in range(values.size - 1)
    )


def _variance_of_both(n: int, ties: "Values", moments: "Values") -> float:
    """Return the variance of S with ties of values and of times (Kendall 1975; Gilbert 1987, 16.4.2)."""
    plain = variance_of_s(n, ties) - float((moments * (moments - 1) * (2 * moments + 5)).sum()) / 18
    pairs = float((ties * (ties - 1)).sum()) * float((moments * (moments - 1)).sum())
    triples = float((ties * (ties - 1) * (ties - 2)).sum()) * float((moments * (moments - 1) * (moments - 2)).sum())
    return plain + pairs / (2 * n * (n - 1)) + triples / (9 * n * (n - 1) * (n - 2))


def variance_of_s(n: int, ties: "Values") -> float:
    """Return the variance of S for independent values, with groups of ties of these sizes (Kendall 1975)."""
    tied = float((ties * (ties - 1) * (2 * ties + 5)).sum())
    return (n * (n - 1) * (2 * n + 5) - tied) / 18


def z_of(s: float, variance: float) -> float:
    """Return S as a normal deviate, with the correction for continuity."""
    return 0.0 if not s or variance <= 0 else math.copysign(max(abs(s) - 1, 0.0), s) / math.sqrt(variance)


def sen_slope(values: "Values", times: "Values", spread: float | None = None, level: float = 0.95) -> Slope:
    """Return Sen's slope with the interval of Gilbert (1987), 16.4.3.

    Args:
        values: In the order of time; a gap (nan) is left out.
        times: When; pairs at the same time have no slope and do not count.
        spread: Half the reach of the interval in S: the quantile times the standard deviation of S, when a correction
            for autocorrelation makes it wider; that of independent values if left out.
        level: Of the interval.

    Raises:
        InvalidInputError: There are fewer than three values or more than 3,000, or all are at one time.
    """
    import numpy as np  # noqa: PLC0415

    there = ~np.isnan(values)
    y, t = values[there], times[there]
    _checked(y)
    slopes = pair_slopes(y, t)
    if not slopes.size:
        raise InvalidInputError("All values are at one time, so nothing is known of a slope.", hint="Check the times.")
    if spread is None:
        ties = np.unique(y, return_counts=True)[1].astype(np.float64)
        spread = normal_quantile((1 + level) / 2) * math.sqrt(max(variance_of_s(y.size, ties), 0.0))
    return slope_of(slopes, spread, y, t)


def slope_of(slopes: "Values", spread: float, values: "Values", times: "Values") -> Slope:
    """Return the median of slopes in order of size, and those so many ranks below and above it."""
    import numpy as np  # noqa: PLC0415

    slope = float(np.median(slopes))
    ranks = np.arange(1, slopes.size + 1)
    low = float(np.interp((slopes.size - spread) / 2, ranks, slopes))
    high = float(np.interp((slopes.size + spread) / 2 + 1, ranks, slopes))
    return Slope(slope, min(low, slope), max(high, slope), float(np.median(values - slope * times)))


def pair_slopes(values: "Values", times: "Values") -> "Values":
    """Return the slopes of all pairs at different times, in order of size."""
    import numpy as np  # noqa: PLC0415

    first, second = np.triu_indices(values.size, 1)
    apart = times[second] - times[first]
    kept = apart != 0
    return np.sort((values[second[kept]] - values[first[kept]]) / apart[kept])


def _checked(known: "Values") -> int:
    if known.size < _FEWEST:
        raise InvalidInputError(f"A trend takes at least three values; there are {known.size}.", hint="Collect more.")
    if known.size > MOST:
        raise InvalidInputError(
            f"There are {known.size} values; all pairs of at most {MOST} are compared.", hint="Aggregate to periods."
        )
    return int(known.size)


def _exact_p(s: int, n: int) -> float:
    """Return P(|S| >= s) over all orders of n different values."""
    pairs = n * (n - 1) // 2
    # S = pairs - 2 * inversions, so S >= s means at most (pairs - s) / 2 inversions.
    return min(1.0, 2 * math.fsum(_inversions(n)[: (pairs - s) // 2 + 1])) if s > 0 else 1.0


@functools.cache
def _inversions(n: int) -> tuple[float, ...]:
    """Return the shares of the orders of n values with 0, 1, 2, ... inversions."""
    import numpy as np  # noqa: PLC0415

    shares = np.ones(1)
    for size in range(2, n + 1):
        shares = np.convolve(shares, np.full(size, 1 / size))
    return tuple(shares.tolist())
