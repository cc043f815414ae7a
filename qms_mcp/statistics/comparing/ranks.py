"""Tests by ranks, for values that are far from normal or are but an order; and how large the difference is.

The rank-biserial correlation is P(a > b) - P(a < b) for one value of each group: 0 if neither is larger, 1 if every a
is larger than every b.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from qms_mcp.statistics.comparing.means import Outcome
from qms_mcp.statistics.comparing.samples import Sample
from qms_mcp.statistics.comparing.tails import chi2_above, normal_quantile, root

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MOST_PAIRS = 4_000_000
_HAIR = 1e-9


@dataclass(frozen=True, slots=True)
class Superiority:
    """The rank-biserial correlation of two groups, with its interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Shift:
    """By how much the values of one group are larger (Hodges and Lehmann 1963), with its interval (Moses 1965)."""

    value: float
    low: float
    high: float


def kruskal_wallis(samples: Sequence[Sample]) -> Outcome | None:
    """Return the test of Kruskal and Wallis (JASA 47, 1952), corrected for ties; None if all values are equal."""
    import numpy as np  # noqa: PLC0415

    ranks, ties = _ranks(samples)
    n = len(ranks)
    correction = 1 - ties / (n**3 - n)
    if correction <= 0:
        return None
    ends = np.cumsum([sample.n for sample in samples])[:-1]
    squares = math.fsum(float(part.sum() - len(part) * (n + 1) / 2) ** 2 / len(part) for part in np.split(ranks, ends))
    h = 12 / (n * (n + 1)) * squares / correction
    return Outcome("Kruskal-Wallis", h, len(samples) - 1, None, chi2_above(h, len(samples) - 1))


def mann_whitney(a: Sample, b: Sample) -> Outcome | None:
    """Return the test of Mann and Whitney (1947), two-sided; None if all values are equal.

    Exact where there are no ties and a group has at most eight values; else normal with corrections for ties and
    continuity. The statistic is U of the first group.
    """
    from scipy import stats  # noqa: PLC0415

    if _ranks([a, b])[1] >= (a.n + b.n) ** 3 - (a.n + b.n):
        return None
    found = cast("Any", stats).mannwhitneyu(a.deviations, b.deviations, alternative="two-sided", method="auto")
    return Outcome("Mann-Whitney", float(found.statistic), None, None, min(1.0, float(found.pvalue)))


def superiority(a: Sample, b: Sample, level: float = 0.95) -> Superiority:
    """Return the rank-biserial correlation with the interval of Newcombe (Statistics in Medicine 25, 2006, method 5).

    The interval holds those values that lie within z standard errors (Hanley and McNeil 1982) of the one seen; it
    stays within -1..1 and has a width even where every value of one group is larger.
    """
    ranks, _ = _ranks([a, b])
    u = float(ranks[: a.n].sum()) - a.n * (a.n + 1) / 2
    seen = u / (a.n * b.n)
    z, half = normal_quantile((1 + level) / 2), (a.n + b.n) / 2 - 1

    def far(theta: float) -> float:
        spread = 1 + half * ((1 - theta) / (2 - theta) + theta / (1 + theta))
        return (seen - theta) ** 2 - z * z * theta * (1 - theta) * spread / (a.n * b.n)

    # From a hair beside the value seen: at 0 and 1 its own variance would be none.
    low = 0.0 if seen == 0 else root(far, seen - min(_HAIR, seen / 2), 0.0)
    high = 1.0 if seen == 1 else root(far, seen + min(_HAIR, (1 - seen) / 2), 1.0)
    return Superiority(2 * seen - 1, 2 * low - 1, 2 * high - 1)


def shift(a: Sample, b: Sample, level: float = 0.95) -> Shift | None:
    """Return the median of all differences a - b, with its interval; None if there are more than four million."""
    import numpy as np  # noqa: PLC0415

    m, n = a.n, b.n
    if m * n > _MOST_PAIRS:
        return None
    differences = np.sort(np.subtract.outer(a.deviations, b.deviations), axis=None)
    reach = normal_quantile((1 + level) / 2) * math.sqrt(m * n * (m + n + 1) / 12)
    at = max(0, math.floor(m * n / 2 - reach))
    return Shift(float(np.median(differences)), float(differences[at]), float(differences[m * n - 1 - at]))


def _ranks(samples: Sequence[Sample]) -> "tuple[NDArray[np.float64], float]":
    """Return the mid-ranks of all values, group after group, and the sum of t^3 - t over the ties."""
    import numpy as np  # noqa: PLC0415

    values = np.concatenate([sample.deviations for sample in samples])
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    sizes = counts.astype(np.float64)
    return (ends - (counts - 1) / 2)[place], float((sizes**3 - sizes).sum())
