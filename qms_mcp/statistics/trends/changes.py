"""Where the level changed: segments of a series, found so that a series without a change seldom gets one.

- `pelt`: the best division of all, for a price per change (Killick, Fearnhead and Eckley, JASA 107 (2012));
- `binary`: one change after the other, as a check (Scott and Knott, Biometrics 30 (1974));
- `pettitt`: one change, by ranks (Pettitt, Applied Statistics 28 (1979)).

What a change costs is in `change_level`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from qms_mcp.statistics.trends.ranks import ranks

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Values = NDArray[np.float64]

Cost = Literal["mean", "variance", "poisson"]
SHORTEST = 3


@dataclass(frozen=True, slots=True)
class Pettitt:
    """Pettitt's test: K, the number of values before the change, and p by his approximation (independent values)."""

    k: float
    at: int
    p: float


def pettitt(values: "Values") -> Pettitt:
    """Return Pettitt's test; `at` is how many values lie before the change (the first place with the largest |U|)."""
    import numpy as np  # noqa: PLC0415

    n = values.size
    u = np.abs(2 * np.cumsum(ranks(values)) - np.arange(1, n + 1) * (n + 1))[:-1]
    at = int(np.argmax(u)) + 1
    k = float(u[at - 1])
    return Pettitt(k, at, min(1.0, 2 * math.exp(-6 * k * k / (n**3 + n**2))))


def pelt(values: "Values", price: float, cost: Cost = "mean", shortest: int = SHORTEST) -> list[int]:
    """Return the places where segments begin (without 0) in the division with the least cost.

    Args:
        values: Without gaps.
        price: Of a change, on the scale of the cost: squared deviations (`mean`), n log variance (`variance`: mean and
            variance change), or twice the log-likelihood (`poisson`).
        cost: Which.
        shortest: How many values a segment has at least.
    """
    import numpy as np  # noqa: PLC0415

    n, of = values.size, _costs(values, cost)
    best = np.full(n + 1, np.inf)
    best[0] = -price
    last = np.zeros(n + 1, dtype=np.intp)
    starts = np.array([0], dtype=np.intp)
    # A start that is beaten at one end is beaten at every end that leaves room for a segment between: not before.
    until = np.array([n + shortest], dtype=np.intp)
    for end in range(shortest, n + 1):
        kept = until > end
        starts, until = starts[kept], until[kept]
        long_enough = end - starts >= shortest
        there = starts[long_enough]
        totals = best[there] + of(there, end) + price
        at = int(np.argmin(totals))
        best[end], last[end] = totals[at], there[at]
        beaten = totals - price > best[end]
        until[long_enough] = np.where(beaten, np.minimum(until[long_enough], end + shortest), until[long_enough])
        starts, until = np.append(starts, end - shortest + 1), np.append(until, n + shortest)
    found, end = list[int](), n
    while end > 0:
        end = int(last[end])
        if end:
            found.append(end)
    return found[::-1]


def binary(values: "Values", price: float, cost: Cost = "mean", shortest: int = SHORTEST) -> list[int]:
    """Return the places where segments begin, found by dividing in two as long as that is worth the price."""
    import numpy as np  # noqa: PLC0415

    of, found = _costs(values, cost), list[int]()
    waiting = [(0, values.size)]
    while waiting:
        start, end = waiting.pop()
        middles = np.arange(start + shortest, end - shortest + 1)
        if not middles.size:
            continue
        whole = float(of(np.array([start]), end)[0])
        left = np.array([float(of(np.array([start]), int(middle))[0]) for middle in middles])
        gains = whole - left - of(middles, end)
        at = int(np.argmax(gains))
        if gains[at] > price:
            middle = int(middles[at])
            found.append(middle)
            waiting += [(start, middle), (middle, end)]
    return sorted(found)


def _costs(values: "Values", cost: Cost) -> "Callable[[NDArray[np.intp], int], Values]":
    """Return a function that gives the costs of the segments from several starts to one end."""
    import numpy as np  # noqa: PLC0415

    centred = values if cost == "poisson" else values - values.mean()
    sums = np.concatenate([[0.0], np.cumsum(centred)])
    squares = np.concatenate([[0.0], np.cumsum(centred * centred)])
    floor = 1e-12 * max(float(squares[-1]) / values.size, 1e-300)

    def of(starts: Any, end: int) -> "Values":
        length = end - starts
        total = sums[end] - sums[starts]
        if cost == "poisson":
            rate = np.where(total > 0, total / length, 1.0)
            return np.asarray(2 * (np.maximum(total, 0.0) - total * np.log(rate)), dtype=np.float64)
        spread = np.maximum(squares[end] - squares[starts] - total * total / length, 0.0)
        if cost == "mean":
            return np.asarray(spread, dtype=np.float64)
        return np.asarray(length * np.log(np.maximum(spread / length, floor)), dtype=np.float64)

    return of
