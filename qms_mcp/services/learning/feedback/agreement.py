"""Whether people, judges and scorers agree: on runs that two of them have scored, each by its mean.

How they move together is Pearson's and Spearman's correlation; how far one lies above the other on average is its bias,
with Student's interval of paired differences; and whether both would call an answer bad, fair or good is Cohen's kappa
with quadratic weights (Cohen, Psychological Bulletin 70, 1968), which takes off what chance would agree on.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any, cast

# Below the first an answer is bad, below the second fair, else good.
CLASSES = (0.5, 0.8)
FEW = 20
_FEWEST = 3
_LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Agreement:
    """How two sources compare.

    Attributes:
        first: One of them.
        second: The other.
        n: Runs both have scored.
        bias: First minus second on average.
        low: Lower end of its 95 % interval; None below two pairs, or where all differences are the same.
        high: Upper end.
        pearson: None below three pairs, or where one source always says the same.
        spearman: The same of the ranks.
        kappa: Quadratically weighted, of bad, fair and good; None where both always say the same.
    """

    first: str
    second: str
    n: int
    bias: float
    low: float | None
    high: float | None
    pearson: float | None
    spearman: float | None
    kappa: float | None

    @property
    def note(self) -> str:
        """What to know beside the numbers."""
        if self.n < FEW:
            return (
                f"Only {self.n} run{'s' if self.n != 1 else ''} scored by both: too few to rely on ({FEW} are needed)."
            )
        if self.low is None or self.high is None or self.low <= 0 <= self.high:
            return "No bias beyond chance."
        return f"{self.first} scores {'higher' if self.bias > 0 else 'lower'} than {self.second}, beyond chance."


def agreement(first: str, second: str, pairs: Sequence[tuple[float, float]]) -> Agreement | None:
    """Return how two sources compare on the runs both have scored; None where there is none.

    Args:
        first: Name of one.
        second: Name of the other.
        pairs: Their scores of the same runs, from 0 to 1.
    """
    if not pairs:
        return None
    differences = [one - other for one, other in pairs]
    bias = fmean(differences)
    low, high = _interval(differences, bias)
    pearson, spearman = _correlations(pairs)
    return Agreement(first, second, len(pairs), bias, low, high, pearson, spearman, weighted_kappa(pairs))


def weighted_kappa(pairs: Sequence[tuple[float, float]]) -> float | None:
    """Return Cohen's kappa with quadratic weights over bad, fair and good; None where it is not defined."""
    placed = [(_place(one), _place(other)) for one, other in pairs]
    n, many = len(placed), len(CLASSES) + 1
    ours = [sum(one == place for one, _ in placed) / n for place in range(many)]
    theirs = [sum(other == place for _, other in placed) / n for place in range(many)]
    observed = fmean((one - other) ** 2 for one, other in placed)
    by_chance = sum(ours[a] * theirs[b] * (a - b) ** 2 for a in range(many) for b in range(many))
    return None if by_chance == 0 else 1 - observed / by_chance


def _place(score: float) -> int:
    return sum(score >= bound for bound in CLASSES)


def _interval(differences: Sequence[float], centre: float) -> tuple[float | None, float | None]:
    from qms_mcp.statistics.quantiles import t_quantile  # noqa: PLC0415 - scipy

    n = len(differences)
    if n < 2 or (spread := stdev(differences)) == 0:  # noqa: PLR2004
        return None, None
    half = t_quantile((1 + _LEVEL) / 2, n - 1) * spread / math.sqrt(n)
    return centre - half, centre + half


def _correlations(pairs: Sequence[tuple[float, float]]) -> tuple[float | None, float | None]:
    from scipy import stats  # noqa: PLC0415 - heavy

    ours, theirs = ([pair[place] for pair in pairs] for place in (0, 1))
    if len(pairs) < _FEWEST or len(set(ours)) == 1 or len(set(theirs)) == 1:
        return None, None
    of = cast("Any", stats)
    return float(of.pearsonr(ours, theirs)[0]), float(of.spearmanr(ours, theirs)[0])
