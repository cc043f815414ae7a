"""Trend in a series whose values hang on the one before: Mann-Kendall's S against what an AR(1) process gives.

Autocorrelation makes S vary more, and a test that does not know finds trends that are none. The usual corrections
estimate the autocorrelation and take it for known; in short series that estimate is low and rough, and they still find
too many. Here S is divided by the standard deviation that its estimated autocorrelation gives, and the quotient is
compared with the same quotient of simulated AR(1) series without trend, each with an estimate of its own. So the error
of the estimate is in the comparison. Only ranks are used: the answer does not change under a monotone transformation.

The variance is that of Hamed and Rao, Journal of Hydrology 204 (1998), equation 9, with the autocorrelations of ranks
of a normal AR(1) process; the estimate is freed of its bias to first order (Tjostheim and Paulsen, Biometrika 70
(1983)); comparing a quotient with its own simulated distribution is the bootstrap-t of Hall (1992).
"""

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qms_mcp.statistics.trends.ranks import ranks, ranks_by_row

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Values = NDArray[np.float64]

DRAWS = 1_999
SEED = 20_240_229
MOST_SIMULATED = 120
_HIGHEST = 0.98
_GRID = 0.05
_FINE = 0.8
_HOLDS_FROM = 24


@dataclass(frozen=True, slots=True)
class OrderOne:
    """What autocorrelation leaves of a trend.

    Attributes:
        phi: The autocorrelation of the residuals at lag 1, freed of bias; what was simulated with.
        inflation: How many times as large the variance of S is as that of independent values.
        p: Two-sided, by simulation.
        critical: How many standard deviations |S| has to be away from 0 at the level asked for.
    """

    phi: float
    inflation: float
    p: float
    critical: float


def order_one(values: "Values", s: float, variance: float, alpha: float = 0.05) -> OrderOne:
    """Return the test of S under first-order autocorrelation.

    Args:
        values: In order, without gaps; the series S is of.
        s: Mann-Kendall's S of them.
        variance: Of S for independent values.
        alpha: For which the critical value is wanted.
    """
    import numpy as np  # noqa: PLC0415

    n = values.size
    raw = float(_estimates(ranks(values)[None, :])[0])
    phi = unbiased(raw, n)
    inflation = inflation_of(n, phi)
    t = max(abs(s) - 1, 0.0) / math.sqrt(variance * inflation) if variance > 0 else 0.0
    table = _quotients(*scaled(n, cautious(phi, n)))
    return OrderOne(phi, inflation, tail_of(table, t), float(np.quantile(table, 1 - alpha)))


def cautious(phi: float, n: int, caution: float = 50.0) -> float:
    """Return the autocorrelation to simulate with: short series get more than was estimated.

    How much was chosen by simulation (see docs/statistics-measurements.md), so that the level holds from 24 values on;
    below, that would leave nothing to be found, and less is added.
    """
    errors = min(2.0, caution / n) * min(1.0, n / _HOLDS_FROM)
    return min(phi + errors * math.sqrt((1 - phi * phi) / n), _HIGHEST)


def tail_of(table: "Values", t: float) -> float:
    """Return the share of an ordered table that is at least t; beyond its last hundredth by an exponential tail.

    The tail of such a quotient falls faster than exponentially, so the p it gives is rather too large than too small.
    """
    import numpy as np  # noqa: PLC0415

    start = float(np.quantile(table, 0.99))
    if t <= start:
        return min(1.0, (1 + int(table.size - np.searchsorted(table, t * (1 - 1e-12)))) / (1 + table.size))
    beyond = table[table > start]
    scale = float((beyond - start).mean()) if beyond.size else 1.0
    return max(0.01 * math.exp(-(t - start) / scale), 1e-300)


def unbiased(r: float, n: int) -> float:
    """Return the autocorrelation of a normal process from that of the detrended ranks, between 0 and 0.98."""
    normal = 2 * math.sin(math.pi * max(min(r, 1.0), -1.0) / 6)
    return min(max((n * normal + 2) / max(n - 4, 1), 0.0), _HIGHEST)


def inflation_of(n: int, phi: float) -> float:
    """Return how many times as large the variance of S is in an AR(1) process as for independent values."""
    import numpy as np  # noqa: PLC0415

    lags = np.arange(1, min(n, 2_000))
    of_ranks = 6 / math.pi * np.arcsin(phi**lags / 2)
    weights = (n - lags) * (n - lags - 1.0) * (n - lags - 2.0)
    return 1 + 2 * float(weights @ of_ranks) / (n * (n - 1.0) * (n - 2.0))


def scaled(n: int, phi: float) -> tuple[int, float]:
    """Return the length and autocorrelation to simulate with: a long series as every k-th value of it."""
    step = -(-n // MOST_SIMULATED)
    thinned = phi**step
    grid = _GRID if thinned < _FINE else _GRID / 5
    return -(-n // step), min(round(round(thinned / grid) * grid, 4), _HIGHEST)


def simulated(n: int, phi: float, draws: int, seed: int = SEED) -> "Values":
    """Return stationary normal AR(1) series of variance 1; shape (draws, n)."""
    import numpy as np  # noqa: PLC0415

    noise = np.random.default_rng(seed).standard_normal((draws, n))
    noise[:, 1:] *= math.sqrt(1 - phi * phi)
    for at in range(1, n):
        noise[:, at] += phi * noise[:, at - 1]
    return noise


@functools.lru_cache(maxsize=256)
def _quotients(n: int, phi: float) -> "Values":
    """Return the quotients of simulated series without trend, in order of size."""
    import numpy as np  # noqa: PLC0415

    series = simulated(n, phi, DRAWS)
    ranked = ranks_by_row(series)
    grid = np.linspace(0, _HIGHEST, 99)
    inflations = np.interp(
        [unbiased(float(raw), n) for raw in _estimates(ranked)], grid, [inflation_of(n, float(phi)) for phi in grid]
    )
    variance = n * (n - 1) * (2 * n + 5) / 18
    return np.sort(np.maximum(np.abs(scores(ranked)) - 1, 0.0) / np.sqrt(variance * inflations))


def scores(ranked: "Values") -> "Values":
    """Return S of each row."""
    import numpy as np  # noqa: PLC0415

    small = ranked.astype(np.float32)
    total = np.zeros(len(small))
    for lag in range(1, small.shape[1]):
        total += np.sign(small[:, lag:] - small[:, :-lag]).sum(axis=1)
    return total


def _estimates(ranked: "Values") -> "Values":
    """Return the autocorrelation at lag 1 of each row of ranks, freed of a straight line."""
    import numpy as np  # noqa: PLC0415

    n = ranked.shape[1]
    t: Values = np.arange(n, dtype=np.float64) - (n - 1) / 2
    centred = ranked - ranked.mean(axis=1, keepdims=True)
    left: Values = centred - (centred @ t / (t @ t))[:, None] * t
    total: Values = (left * left).sum(axis=1)
    flat = total <= 1e-9 * n  # a series that only rises leaves nothing over
    return np.where(flat, 0.0, (left[:, 1:] * left[:, :-1]).sum(axis=1) / np.where(flat, 1.0, total))
