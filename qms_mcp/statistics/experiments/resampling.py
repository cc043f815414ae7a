"""What chance alone does to a mean of differences: signs flipped, and cases drawn again.

Both are seeded: the same numbers and the same seed give the same answer.
"""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.intervals import LEVEL, Interval
from qms_mcp.statistics.quantiles import normal_probability, normal_quantile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Statistic: TypeAlias = "Callable[[Floats], Floats]"
RESAMPLES = 4_000
_EXACT = 18
_FLIPS = 20_000
_AT_ONCE = 2_000_000
_CLOSE = 1e-12


class SignFlip(NamedTuple):
    """The chance of a mean at least as far from 0, were each difference as likely to be its opposite.

    Attributes:
        p: Two-sided.
        p_greater: Of a mean at least as high.
        p_less: Of one at least as low.
        exact: Every combination of signs was counted; else many were drawn.
    """

    p: float
    p_greater: float
    p_less: float
    exact: bool


def sign_flip(differences: "Floats", seed: int = 0) -> SignFlip:
    """Return the permutation test of paired differences (Fisher 1935, The Design of Experiments, section 21).

    Differences of 0 say nothing either way and are left out. Up to 18 others, all combinations of signs are counted;
    beyond, 20,000 are drawn, the observed one among them (Phipson and Smyth 2010), so p is never 0.

    Args:
        differences: One for each case, shape (n,).
        seed: Of the draws.
    """
    import numpy as np  # noqa: PLC0415

    values = differences[differences != 0]
    if not values.size:
        return SignFlip(1.0, 1.0, 1.0, exact=True)
    observed = float(values.sum())
    exact = values.size <= _EXACT
    sums = _every_sum(values) if exact else _drawn_sums(values, seed)
    # Sums of the same numbers in another order differ in the last bits.
    near = _CLOSE * max(1.0, float(np.abs(values).sum()))
    more, n = 0 if exact else 1, sums.size + (0 if exact else 1)
    high = (int((sums >= observed - near).sum()) + more) / n
    low = (int((sums <= observed + near).sum()) + more) / n
    both = (int((np.abs(sums) >= abs(observed) - near).sum()) + more) / n
    return SignFlip(both, high, low, exact)


def _every_sum(values: "Floats") -> "Floats":
    import numpy as np  # noqa: PLC0415

    sums = np.zeros(1)
    for value in values.tolist():
        sums = np.concatenate([sums + value, sums - value])
    return sums


def _drawn_sums(values: "Floats", seed: int) -> "Floats":
    import numpy as np  # noqa: PLC0415

    random = np.random.default_rng(seed)
    rows = max(1, _AT_ONCE // values.size)
    parts = list["Floats"]()
    for start in range(0, _FLIPS, rows):
        signs = random.integers(0, 2, size=(min(rows, _FLIPS - start), values.size)) * 2.0 - 1.0
        parts.append(signs @ values)
    return np.concatenate(parts)


def bca(columns: "Floats", of: Statistic, *, level: float = LEVEL, seed: int = 0) -> Interval:
    """Return the bootstrap interval of a function of column means, corrected for bias and skewness (BCa).

    Source: Efron, Better Bootstrap Confidence Intervals, JASA 82 (1987), equations 6.6 and 6.7; the acceleration is
    that of the jackknife.

    Args:
        columns: The cases, which are drawn again as they are, shape (n, k).
        of: Means of the columns, shape (m, k), to statistics, shape (m,).
        level: Of confidence, two-sided.
        seed: Of the draws.

    Raises:
        InvalidInputError: There are fewer than two cases.
    """
    import numpy as np  # noqa: PLC0415

    n = len(columns)
    if n < 2:  # noqa: PLR2004
        raise InvalidInputError(f"Drawing again takes at least two cases; there is {n}.", hint="Measure on more.")
    observed = float(of(columns.mean(axis=0, keepdims=True))[0])
    drawn = np.sort(_drawn_statistics(columns, of, seed))
    if float(drawn[-1] - drawn[0]) <= _CLOSE * max(1.0, abs(observed)):
        return Interval(observed, observed)
    below = (float((drawn < observed).sum()) + float((drawn == observed).sum()) / 2) / drawn.size
    bias = normal_quantile(min(max(below, 1 / drawn.size), 1 - 1 / drawn.size))
    skew = _acceleration(columns, of)
    ends = [_adjusted(bias, skew, tail) for tail in ((1 - level) / 2, (1 + level) / 2)]
    low, high = np.quantile(drawn, ends)
    return Interval(float(low), float(high))


def _drawn_statistics(columns: "Floats", of: Statistic, seed: int) -> "Floats":
    import numpy as np  # noqa: PLC0415

    random, n = np.random.default_rng(seed), len(columns)
    rows = max(1, _AT_ONCE // (n * columns.shape[1]))
    parts = list["Floats"]()
    for start in range(0, RESAMPLES, rows):
        chosen = random.integers(0, n, size=(min(rows, RESAMPLES - start), n))
        parts.append(of(columns[chosen].mean(axis=1)))
    return np.concatenate(parts)


def _acceleration(columns: "Floats", of: Statistic) -> float:
    n = len(columns)
    without = of((columns.sum(axis=0, keepdims=True) - columns) / (n - 1))
    spread = without.mean() - without
    squares = float((spread**2).sum())
    return 0.0 if squares == 0 else float((spread**3).sum()) / (6 * squares**1.5)


def _adjusted(bias: float, skew: float, tail: float) -> float:
    z = bias + normal_quantile(tail)
    below = 1 - skew * z
    if below <= 0:
        return 1.0 if z > 0 else 0.0
    probability = normal_probability(bias + z / below)
    return probability if math.isfinite(probability) else tail
