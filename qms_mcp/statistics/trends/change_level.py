"""What a change of level has to bring to count as one, when values hang on those before.

The statistic is the most that one change, or two (up and back, the half of it), takes off the squared deviations,
divided by the long-run variance of the values: that of what the best division leaves, times (1 + phi) / (1 - phi). It
is compared with the same of simulated AR(1) series, each with its own estimates, as in `order_one`. Its critical value
is the price of a change, so a series without one gets none in 1 - alpha of all cases. For comparison, BIC would charge
log n and the modified BIC (Zhang and Siegmund, Biometrics 63 (2007)) about 3 log n of the variance. Pettitt's K is
corrected the same way.
"""

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from qms_mcp.statistics.trends.changes import SHORTEST
from qms_mcp.statistics.trends.order_one import cautious, scaled, simulated, tail_of, unbiased
from qms_mcp.statistics.trends.ranks import ranks, ranks_by_row

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Values = NDArray[np.float64]

_DRAWS = 999
_SEED = 20_240_301
_CAUTION = 42.0
MOST_VALUES = 3_000


@dataclass(frozen=True, slots=True)
class ChangeLevel:
    """What a change has to bring.

    Attributes:
        statistic: What the best one brings, in long-run variances.
        critical: What it has to.
        p: By simulation, of no change at all.
        phi: The autocorrelation of what the best division leaves, freed of bias.
        variance: Of what it leaves.
        long_run: The same times (1 + phi) / (1 - phi): n times the variance of a mean.
    """

    statistic: float
    critical: float
    p: float
    phi: float
    variance: float
    long_run: float


def change_level(values: "Values", alpha: float = 0.05, spent: int = 0) -> ChangeLevel:
    """Return what a change of the mean has to bring.

    Args:
        values: In order, without gaps, not constant.
        alpha: How often a series without a change may get one.
        spent: How many degrees of freedom were taken out before (by a season).
    """
    import numpy as np  # noqa: PLC0415

    n = values.size
    scale = float(np.abs(values - values.mean()).max())
    found = _steps(((values - values.mean()) / scale)[None, :])
    phi = unbiased(float(found.r1[0]), n)
    variance = float(found.left[0]) / max(n - 3 - spent, 1) * scale * scale
    long_run = variance * (1 + phi) / (1 - phi)
    statistic = float(found.gain[0]) * scale * scale / long_run if long_run > 0 else math.inf
    table = _table(*scaled(n, cautious(phi, n, _CAUTION)), "steps")
    p = tail_of(table, statistic) if math.isfinite(statistic) else 1e-300
    return ChangeLevel(statistic, float(np.quantile(table, 1 - alpha)), p, phi, variance, long_run)


def pettitt_p(values: "Values") -> float:
    """Return the p of Pettitt's K under first-order autocorrelation, by simulation."""
    import numpy as np  # noqa: PLC0415

    n = values.size
    quotient, phi = _pettitt(ranks(values)[None, :])
    return tail_of(_table(*scaled(n, cautious(float(phi[0]), n, _CAUTION)), "pettitt"), float(np.asarray(quotient)[0]))


@dataclass(frozen=True, slots=True)
class _Steps:
    """Of each series: what the best division brings, what it leaves, and the autocorrelation of that."""

    gain: "Values"
    left: "Values"
    r1: "Values"


def _steps(series: "Values") -> _Steps:
    """Return the best of one change, and half the best of a stretch of another level, for each row."""
    import numpy as np  # noqa: PLC0415

    rows, n = series.shape
    centred = series - series.mean(axis=1, keepdims=True)
    sums = np.concatenate([np.zeros((rows, 1)), np.cumsum(centred, axis=1)], axis=1)
    best, one = np.full(rows, -1.0), np.full(rows, -1.0)
    start, length = np.zeros(rows, dtype=np.intp), np.full(rows, SHORTEST, dtype=np.intp)
    for size in range(SHORTEST, n - SHORTEST + 1):
        gains = (sums[:, size:] - sums[:, :-size]) ** 2 * (n / (size * (n - size)))
        one = np.maximum(one, np.maximum(gains[:, 0], gains[:, -1]))
        at = gains.argmax(axis=1)
        here = gains[np.arange(rows), at]
        better = here > best
        best, start, length = np.where(better, here, best), np.where(better, at, start), np.where(better, size, length)
    places = np.arange(n, dtype=np.intp)
    inside: NDArray[np.bool_] = (places >= start[:, None]) & (places < (start + length)[:, None])
    within: Values = (centred * inside).sum(axis=1) / length
    outside: Values = (centred * ~inside).sum(axis=1) / (n - length)
    left: Values = centred - np.where(inside, within[:, None], outside[:, None])
    total: Values = (left * left).sum(axis=1)
    flat = total <= 1e-24 * n
    r1 = np.where(flat, 0.0, (left[:, 1:] * left[:, :-1]).sum(axis=1) / np.where(flat, 1.0, total))
    return _Steps(np.maximum(one, best / 2), np.where(flat, 0.0, total), r1)


def _pettitt(ranked: "Values") -> "tuple[Values, Values]":
    """Return K, divided by what it is in an AR(1) process, and the phi of that, for each row."""
    import numpy as np  # noqa: PLC0415

    n = ranked.shape[1]
    centred = ranked - (n + 1) / 2
    u = 2 * np.abs(np.cumsum(centred, axis=1))[:, :-1]
    at = u.argmax(axis=1) + 1
    before: NDArray[np.bool_] = np.arange(n, dtype=np.intp) < at[:, None]
    first: Values = (centred * before).sum(axis=1) / at
    second: Values = (centred * ~before).sum(axis=1) / (n - at)
    left: Values = centred - np.where(before, first[:, None], second[:, None])
    total = np.maximum((left * left).sum(axis=1), 1e-9)
    phi = np.array([unbiased(float(r), n) for r in (left[:, 1:] * left[:, :-1]).sum(axis=1) / total])
    return u.max(axis=1) / np.sqrt((n**3 + n**2) * (1 + phi) / (1 - phi)), phi


@functools.lru_cache(maxsize=256)
def _table(n: int, phi: float, which: Literal["steps", "pettitt"]) -> "Values":
    import numpy as np  # noqa: PLC0415

    series = simulated(n, phi, _DRAWS, _SEED)
    if which == "pettitt":
        return np.sort(_pettitt(ranks_by_row(series))[0])
    found = _steps(series)
    known = np.array([unbiased(float(r), n) for r in found.r1])
    return np.sort(found.gain / (found.left / (n - 3) * (1 + known) / (1 - known)))
