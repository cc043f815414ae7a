"""Values far from what their place in the season lets expect: a robust trend, a robust season, and what is left.

A decomposition by medians in the manner of STL (Cleveland et al., Journal of Official Statistics 6, 1990): the trend is
a running median over two seasons of the values freed from the season; the season is the median of the same place in
the other seasons (the value itself left out, or each would explain itself); what is left is judged by a robust z.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.anomalies.robust import Scale, scale_of
from qms_mcp.statistics.flags import Flag

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LEAST_SEASONS = 4
_ROUNDS = 3
_MOST = 200_000


@dataclass(frozen=True, slots=True)
class Seasonal:
    """What was expected of each value, what was left, and the scale of that.

    Attributes:
        expected: Trend and season.
        left: Value minus that; nan where the value is missing.
        scale: Of what is left.
        season: How many values a season has.
        strength: The share of the variation about the trend that the season explains, 0 to 1.
    """

    expected: "Floats"
    left: "Floats"
    scale: Scale
    season: int
    strength: float
    flags: tuple[Flag, ...]


def seasonal(values: "Floats", season: int) -> Seasonal:
    """Return the decomposition of evenly spaced values.

    Args:
        values: In the order of time, evenly spaced; nan where one is missing.
        season: How many make a season (12 for months of a year, 7 for days of a week).

    Raises:
        InvalidInputError: There are fewer than four full seasons, or too many values.
    """
    import numpy as np  # noqa: PLC0415

    n = len(values)
    if season < 2 or n < LEAST_SEASONS * season:  # noqa: PLR2004
        raise InvalidInputError(
            f"There are {n} values for a season of {season}: at least {LEAST_SEASONS} seasons are needed.",
            hint="Give a longer series, or judge the values without a season.",
        )
    if n > _MOST:
        raise InvalidInputError(f"There are {n} values; a season takes at most {_MOST}.", hint="Use hourly means.")
    known = np.where(np.isnan(values), np.nanmedian(values), values)
    shape = np.zeros(n)
    trend = _trend(known, season)
    for _ in range(_ROUNDS):
        shape = _season(np.where(np.isnan(values), np.nan, values - trend), season)
        trend = _trend(known - shape, season)
    left = values - trend - shape
    kept = left[~np.isnan(left)]
    about = (values - trend)[~np.isnan(left)]
    strength = max(0.0, 1 - _width(kept) ** 2 / (_width(about) ** 2 or 1.0))
    scale = scale_of(kept)
    return Seasonal(trend + shape, left, scale, season, strength, scale.flags)


def _trend(values: "Floats", season: int) -> "Floats":
    import numpy as np  # noqa: PLC0415
    from scipy import ndimage  # noqa: PLC0415

    width = max(2 * season + 1, 15)
    ends = min(width // 2, len(values) - 1)
    whole = np.concatenate([_beyond(values, ends)[::-1], values, _beyond(values[::-1], ends)])
    smooth = np.asarray(cast("Any", ndimage).median_filter(whole, size=2 * ends + 1, mode="nearest"), dtype=np.float64)
    return smooth[ends : ends + len(values)]


def _beyond(values: "Floats", ends: int) -> "Floats":
    """Return values before the first one, the nearest first: a robust line goes on, what is left of it is mirrored."""
    import numpy as np  # noqa: PLC0415

    near = values[: 2 * ends + 1]
    half = len(near) // 2
    # Theil's incomplete method (1950): the median slope between both halves.
    slope = float(np.median(near[-half:] - near[:half])) / (len(near) - half)
    level = float(np.median(near - slope * np.arange(len(near))))
    line = level + slope * np.arange(-ends, len(near))
    return line[:ends][::-1] + (near[1 : ends + 1] - line[ends + 1 : 2 * ends + 1])


def _season(values: "Floats", season: int) -> "Floats":
    """Return for each value the median of the others at the same place, centred so that a season sums to about none."""
    import numpy as np  # noqa: PLC0415

    n = len(values)
    rows = -(-n // season)
    grid = np.concatenate([values, np.full(rows * season - n, np.nan)]).reshape(rows, season)
    made = np.empty_like(grid)
    for column in range(season):
        made[:, column] = _others(grid[:, column])
    return made.ravel()[:n] - float(np.nanmean(np.nanmedian(grid, axis=0)))


def _others(values: "Floats") -> "Floats":
    """Return the median of all others, for each value."""
    import numpy as np  # noqa: PLC0415

    known = np.flatnonzero(~np.isnan(values))
    made = np.full(len(values), 0.0)
    m = len(known)
    if m < 2:  # noqa: PLR2004
        return made
    ordered = np.sort(values[known])
    rank = np.empty(m, dtype=np.intp)
    rank[np.argsort(values[known], kind="stable")] = np.arange(m)
    # Without the value of rank r, the element k of the rest is k or, from r on, k + 1.
    first, second = (m - 2) // 2, (m - 1) // 2
    low = ordered[np.where(first >= rank, first + 1, first)]
    high = ordered[np.where(second >= rank, second + 1, second)]
    made[:] = float(np.median(ordered))
    made[known] = (low + high) / 2
    return made


def _width(values: "Floats") -> float:
    import numpy as np  # noqa: PLC0415

    return float(np.median(np.abs(values - np.median(values))))
