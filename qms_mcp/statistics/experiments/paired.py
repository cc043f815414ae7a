"""Two versions on the same cases: how much better the second is, how sure that is, and whether it passes more often.

A case that is hard is hard for both, so what is looked at are differences within cases: they vary far less than scores
do, and a version is found better or worse with fewer cases. Everything is after minus before: positive is better.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.comparing.effects import small_sample
from qms_mcp.statistics.comparing.paired import signed_rank
from qms_mcp.statistics.comparing.samples import Sample, sample_of
from qms_mcp.statistics.experiments.resampling import bca, sign_flip
from qms_mcp.statistics.intervals import LEVEL, Interval
from qms_mcp.statistics.quantiles import binomial_probability, normal_quantile, t_quantile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_TWO = 2


@dataclass(frozen=True, slots=True)
class Paired:
    """Scores of two versions, compared case by case.

    Attributes:
        n: Cases.
        before: Mean of the first version.
        after: Of the second.
        difference: After minus before, mean over cases.
        student: Student's interval of the difference; None when all differ by the same.
        bootstrap: The same from drawing cases again (BCa).
        lower: One-sided lower bound of the difference at the level, the most careful of three; the difference itself
            when all differ by the same.
        upper: One-sided upper bound, as careful.
        p: Two-sided, of the sign-flip test of the mean.
        p_better: One-sided: the chance of a gain as large, were there none.
        p_worse: One-sided: of a loss as large.
        exact: Whether p counts all combinations of signs.
        p_ranks: Two-sided, of Wilcoxon's signed ranks; None when no case differs.
        effect: The mean difference in standard deviations of the differences, corrected for small samples.
        improved: Cases the second is better at.
        worsened: Cases it is worse at.
        equal: Cases that do not differ.
    """

    n: int
    before: float
    after: float
    difference: float
    student: Interval | None
    bootstrap: Interval
    lower: float
    upper: float
    p: float
    p_better: float
    p_worse: float
    exact: bool
    p_ranks: float | None
    effect: float | None
    improved: int
    worsened: int
    equal: int


def compared(before: Sequence[float], after: Sequence[float], *, level: float = LEVEL, seed: int = 0) -> Paired:
    """Return how two versions compare on the same cases.

    Sources: Student 1908 for the interval, Efron 1987 for the bootstrap, Fisher 1935 for the sign flips, Wilcoxon 1945
    for the ranks, Cohen 1988 for the effect (d of pairs) with the correction of Hedges 1981.

    Args:
        before: Scores of the first version.
        after: Scores of the second, of the same cases in the same order.
        level: Of confidence.
        seed: Of what is drawn.

    Raises:
        InvalidInputError: There are fewer than two cases, not as many of both, or one is no number.
    """
    import numpy as np  # noqa: PLC0415

    first, second = _column(before), _column(after)
    if first.size != second.size:
        raise InvalidInputError(f"{first.size} scores can't be paired with {second.size}.", hint="Give the same cases.")
    if first.size < _TWO:
        raise InvalidInputError(f"A comparison takes at least two cases; there is {first.size}.", hint="Use more.")
    # What floats leave of 0.3 - 0.1 - 0.2 is no difference.
    differences = np.round(second - first, 12)
    of = sample_of("difference", differences, differences, 0.0)
    drawn = differences.reshape(-1, 1)
    chance, ranks = sign_flip(differences, seed), signed_rank(of)
    lower, upper = _bounds(drawn, of, level, seed)
    return Paired(
        n=of.n,
        before=float(first.mean()),
        after=float(second.mean()),
        difference=of.centre,
        student=_student(of.centre, of.sd, of.n, level) if of.sd else None,
        bootstrap=bca(drawn, _mean, level=level, seed=seed),
        lower=lower,
        upper=upper,
        p=chance.p,
        p_better=chance.p_greater,
        p_worse=chance.p_less,
        exact=chance.exact,
        p_ranks=ranks.p if ranks else None,
        effect=of.centre / of.sd * small_sample(of.n - 1) if of.sd else None,
        improved=int((differences > 0).sum()),
        worsened=int((differences < 0).sum()),
        equal=int((differences == 0).sum()),
    )


def _column(values: Sequence[float]) -> "Floats":
    import numpy as np  # noqa: PLC0415

    column = np.asarray(values, dtype=np.float64)
    if column.size and not bool(np.isfinite(column).all()):
        raise InvalidInputError("A score is no number.", hint="A case without an answer scores 0.")
    return column


def _mean(means: "Floats") -> "Floats":
    return means[:, 0]


def _student(centre: float, sd: float, n: int, level: float) -> Interval:
    reach = t_quantile((1 + level) / 2, n - 1) * sd / math.sqrt(n)
    return Interval(centre - reach, centre + reach)


def _bounds(drawn: "Floats", of: Sample, level: float, seed: int) -> tuple[float, float]:
    """Return one-sided bounds: the most careful of three ways.

    An interval of 2 level - 1 has them for its ends. Scores of few cases are lumpy: a rare large loss may not be among
    them yet, and then both usual ways promise too much. The third is Student's with a gain and a loss added that are
    as large as the largest difference seen, in the way of Agresti and Coull, The American Statistician 52 (1998).
    """
    import numpy as np  # noqa: PLC0415

    if not of.sd:
        return of.centre, of.centre
    inner, most = 2 * level - 1, float(np.abs(drawn).max())
    more = np.append(drawn[:, 0], [most, -most])
    careful = sample_of("with a gain and a loss more", more, more, 0.0)
    ends = (
        _student(of.centre, of.sd, of.n, inner),
        _student(careful.centre, careful.sd, careful.n, inner),
        bca(drawn, _mean, level=inner, seed=seed),
    )
    return min(end.low for end in ends), max(end.high for end in ends)


@dataclass(frozen=True, slots=True)
class Passing:
    """Cases passed by one version, by the other, by both.

    Attributes:
        lost: Passed before and not after.
        gained: Passed after and not before.
        difference: Share passed after minus before.
        low: Of its interval.
        high: Of its interval.
        p: Two-sided.
    """

    n: int
    before: int
    after: int
    lost: int
    gained: int
    difference: float
    low: float
    high: float
    p: float


def passing(before: Sequence[bool], after: Sequence[bool], *, level: float = LEVEL) -> Passing:
    """Return whether cases pass more or less often, by those that changed.

    Sources: the exact form of McNemar, Psychometrika 12 (1947): half of the changes would be gains. The interval is
    Agresti and Min, Statistics in Medicine 24 (2005): Wald's with half a case added to each of the four cells.

    Raises:
        InvalidInputError: There is no case, or not as many of both.
    """
    n = len(before)
    if not n or n != len(after):
        raise InvalidInputError(f"{n} cases can't be paired with {len(after)}.", hint="Give the same cases.")
    lost = sum(was and not now for was, now in zip(before, after, strict=True))
    gained = sum(now and not was for was, now in zip(before, after, strict=True))
    changed = lost + gained
    # binomial_probability(k, n, p) is that of at most k.
    p = min(1.0, 2 * binomial_probability(min(lost, gained), changed, 0.5)) if changed else 1.0
    whole, up, down = n + 2.0, gained + 0.5, lost + 0.5
    centre = (up - down) / whole
    error = math.sqrt((up + down) - (up - down) ** 2 / whole) / whole
    reach = normal_quantile((1 + level) / 2) * error
    return Passing(
        n, sum(before), sum(after), lost, gained, (gained - lost) / n, max(-1.0, centre - reach),
        min(1.0, centre + reach), p,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times as much something takes with the second version: cost, time.

    Attributes:
        before: Mean of the first version, in the unit of the values.
        after: Of the second.
        ratio: After by before; None when before is 0.
        low: Of its interval.
        high: Of its interval.
    """

    n: int
    before: float
    after: float
    ratio: float | None
    low: float | None
    high: float | None


def ratio_of(before: Sequence[float], after: Sequence[float], *, level: float = LEVEL, seed: int = 0) -> Ratio:
    """Return the ratio of two means over the same cases, with its bootstrap interval (Efron 1987).

    Of means rather than of cases: what it costs in all is what is paid, and a case that cost nothing has no ratio.

    Args:
        before: Of the first version, none negative.
        after: Of the second.
        level: Of confidence, two-sided.
        seed: Of the draws.

    Raises:
        InvalidInputError: There is no case, not as many of both, or one is negative or no number.
    """
    import numpy as np  # noqa: PLC0415

    first, second = _column(before), _column(after)
    if not first.size or first.size != second.size:
        raise InvalidInputError(f"{first.size} can't be paired with {second.size}.", hint="Give the same cases.")
    if min(float(first.min()), float(second.min())) < 0:
        raise InvalidInputError("A negative cost or duration has no ratio.", hint="Check where it comes from.")
    base, now = float(first.mean()), float(second.mean())
    if base == 0:
        return Ratio(first.size, base, now, None, None, None)
    if first.size < _TWO:
        return Ratio(first.size, base, now, now / base, None, None)

    def by(means: "Floats") -> "Floats":
        # A draw of cases that all cost nothing before is as far up as there is.
        some = means[:, 0] > 0
        return np.where(some, means[:, 1] / np.where(some, means[:, 0], 1.0), np.finfo(np.float64).max)

    found = bca(np.column_stack([first, second]), by, level=level, seed=seed)
    return Ratio(first.size, base, now, now / base, found.low, found.high)
