"""Seasons: whether the place in the year (or week) matters, and the test of a trend that compares like with like.

Hirsch, Slack and Smith, Water Resources Research 18 (1982): Mann-Kendall's S within each season, added up; the slope is
the median of the slopes within seasons. Whether there is a season at all is tested by Kruskal and Wallis on the values
freed of their trend.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qms_mcp.statistics.quantiles import chi2_tail, normal_probability
from qms_mcp.statistics.trends.mann_kendall import Slope, pair_slopes, score, slope_of, variance_of_s, z_of
from qms_mcp.statistics.trends.ranks import ranks

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Values = NDArray[np.float64]
    Places = NDArray[np.intp]

LEAST_SEASONS = 3
LENGTHS = {"day": 7, "week": 52, "month": 12, "quarter": 4}
_TWO = 2


@dataclass(frozen=True, slots=True)
class SeasonTest:
    """Kruskal-Wallis over the places of a season: H, p, how many places."""

    statistic: float
    p: float
    season: int


@dataclass(frozen=True, slots=True)
class SeasonalKendall:
    """The seasonal test: S and its variance added up over seasons, z and p by the normal distribution."""

    s: int
    variance: float
    z: float
    p: float


def season_test(values: "Values", places: "Places", season: int) -> SeasonTest:
    """Return whether values differ by their place in the season, freed of their trend (straight line of ranks).

    Args:
        values: In order, without gaps.
        places: Of each value in the season, 0 to season - 1.
        season: How many places there are.
    """
    import numpy as np  # noqa: PLC0415

    n = values.size
    at = np.arange(n, dtype=np.float64)
    slope = float(np.median(pair_slopes(values, at)))
    ranked = ranks(values - slope * at)
    groups = [ranked[places == place] for place in range(season)]
    there = [group for group in groups if group.size]
    counts = np.unique(ranked, return_counts=True)[1].astype(np.float64)
    ties = 1 - float((counts**3 - counts).sum()) / (n**3 - n)
    if ties <= 0 or len(there) < _TWO:
        return SeasonTest(0.0, 1.0, season)
    h = 12 / (n * (n + 1)) * sum(float(group.sum()) ** 2 / group.size for group in there) - 3 * (n + 1)
    return SeasonTest(h / ties, chi2_tail(max(h / ties, 0.0), len(there) - 1), season)


def seasonal_kendall(values: "Values", places: "Places", season: int) -> SeasonalKendall:
    """Return the seasonal test of a trend, for values that are independent from one to the next."""
    import numpy as np  # noqa: PLC0415

    s, variance = 0, 0.0
    for place in range(season):
        same = values[places == place]
        if same.size >= _TWO:
            s += score(same)
            variance += variance_of_s(same.size, np.unique(same, return_counts=True)[1].astype(np.float64))
    z = z_of(s, variance)
    return SeasonalKendall(s, variance, z, min(1.0, 2 * normal_probability(-abs(z))))


def seasonal_slope(values: "Values", times: "Values", places: "Places", season: int, spread: float) -> Slope:
    """Return the median of the slopes within seasons, with the interval of `sen_slope`.

    Args:
        values: In order, without gaps.
        times: When.
        places: Of each value in the season.
        season: How many places there are.
        spread: Half the reach of the interval in S.
    """
    import numpy as np  # noqa: PLC0415

    slopes = np.sort(np.concatenate([pair_slopes(values[places == k], times[places == k]) for k in range(season)]))
    return slope_of(slopes, spread, values, times)


def without_season(values: "Values", places: "Places", season: int) -> "Values":
    """Return values freed of the median of their place, of what a trend leaves; the level stays."""
    import numpy as np  # noqa: PLC0415

    at = np.arange(values.size, dtype=np.float64)
    slopes = [pair_slopes(values[places == k], at[places == k]) for k in range(season)]
    slope = float(np.median(np.concatenate(slopes)))
    left = values - slope * at
    middle = float(np.median(left))
    shift = np.array([np.median(left[places == k]) - middle if (places == k).any() else 0.0 for k in range(season)])
    return np.asarray(values - shift[places], dtype=np.float64)
