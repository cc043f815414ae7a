"""The seasonal test of a trend in a series whose values hang on the one before: `order_one` with seasons.

S is added up within seasons (Hirsch, Slack and Smith 1982) and divided by the standard deviation it has for independent
values, times that of a mean in an AR(1) process. The quotient is compared with the same quotient of simulated AR(1)
series that went the same way: their seasons taken out, their autocorrelation estimated. So what taking out a season
costs is in the comparison, which matters when there are only three or four of them.
"""

import functools
import math
from typing import TYPE_CHECKING

from qms_mcp.statistics.trends.order_one import OrderOne, cautious, simulated, tail_of
from qms_mcp.statistics.trends.ranks import ranks, ranks_by_row
from qms_mcp.statistics.trends.seasons import seasonal_kendall

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Values = NDArray[np.float64]
    Places = NDArray[np.intp]

_SEED = 20_240_302
_CELLS = 400_000
_HIGHEST = 0.95


def seasonal_order_one(values: "Values", places: "Places", season: int, alpha: float = 0.05) -> OrderOne:
    """Return the seasonal test under first-order autocorrelation; `inflation` is of the variance of the seasonal S.

    Args:
        values: In order, without gaps.
        places: Of each value in the season, 0 to season - 1.
        season: How many places there are.
        alpha: For which the critical value is wanted.
    """
    import numpy as np  # noqa: PLC0415

    n = values.size
    plain = seasonal_kendall(values, places, season)
    phi = _unbiased(float(_estimates(ranks(values)[None, :], places, season)[0]), n)
    inflation = (1 + phi) / (1 - phi)
    t = max(abs(plain.s) - 1, 0.0) / math.sqrt(plain.variance * inflation) if plain.variance > 0 else 0.0
    table = _quotients(n, season, round(round(cautious(phi, n) / 0.05) * 0.05, 2))
    return OrderOne(phi, inflation, tail_of(table, t), float(np.quantile(table, 1 - alpha)))


def _unbiased(r: float, n: int) -> float:
    """Return the autocorrelation of a normal process; taking out all places of a season adds no bias, the line does."""
    normal = 2 * math.sin(math.pi * max(min(r, 1.0), -1.0) / 6)
    return min(max((n * normal + 1) / max(n - 3, 1), 0.0), _HIGHEST)


@functools.lru_cache(maxsize=128)
def _quotients(n: int, season: int, phi: float) -> "Values":
    import numpy as np  # noqa: PLC0415

    series = simulated(n, min(phi, _HIGHEST), max(399, min(1_999, _CELLS // n)), _SEED)
    places = np.arange(n, dtype=np.intp) % season
    sizes = np.bincount(places, minlength=season).astype(np.float64)
    variance = float((sizes * (sizes - 1) * (2 * sizes + 5)).sum()) / 18
    known = np.array([_unbiased(float(r), n) for r in _estimates(ranks_by_row(series), places, season)])
    s = np.zeros(len(series))
    for lag in range(season, n, season):
        s += np.sign(series[:, lag:] - series[:, :-lag]).sum(axis=1)
    return np.sort(np.maximum(np.abs(s) - 1, 0.0) / np.sqrt(variance * (1 + known) / (1 - known)))


def _estimates(ranked: "Values", places: "Places", season: int) -> "Values":
    """Return the autocorrelation at lag 1 of each row of ranks, freed of a season and a straight line."""
    import numpy as np  # noqa: PLC0415

    n = ranked.shape[1]
    columns = (places[:, None] == np.arange(season)).astype(np.float64)
    columns = columns[:, columns.any(axis=0)]
    basis = np.linalg.qr(np.column_stack([columns, np.arange(n, dtype=np.float64)]))[0]
    left: Values = ranked - (ranked @ basis) @ basis.T
    total: Values = (left * left).sum(axis=1)
    flat = total <= 1e-9 * n
    return np.where(flat, 0.0, (left[:, 1:] * left[:, :-1]).sum(axis=1) / np.where(flat, 1.0, total))
