"""Counts that do not fit their exposure: each against the rate of all others, by the exact tail.

Given all counts together, one count is binomial with its share of the exposure if all rates are equal (for a number of
trials: hypergeometric). Where the middle of the counts varies more than that, as counts of many causes do, the excess
is estimated robustly (Spiegelhalter 2005 winsorizes; here by the MAD of the square roots, which wild counts do not
move) and the tails are those of a negative binomial with that variance.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.flags import Flag

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Law = Literal["Poisson", "binomial", "negative binomial"]
LEAST = 3
_WIDE = 1.0
_NORMAL = 1.482602218505602


@dataclass(frozen=True, slots=True)
class RateJudged:
    """Counts as they are judged.

    Attributes:
        expected: By the rate of all others.
        p: The chance, two-sided (twice the smaller tail), of a count so far off or farther.
        law: By which distribution.
        excess: The variance by that of the law without excess.
        rate: Of all together.
        flags: What to know beside it.
    """

    expected: "Floats"
    p: "Floats"
    law: Law
    excess: float
    rate: float
    flags: tuple[Flag, ...]

    def range_of(self, at: int, threshold: float) -> tuple[float, float]:
        """Return from where to where the count of one lies but for a chance of `threshold`."""
        from scipy import stats  # noqa: PLC0415

        mean, tails = float(self.expected[at]), (threshold / 2, 1 - threshold / 2)
        laws = cast("Any", stats)
        wide = self.excess > _WIDE
        made = laws.nbinom(mean / (self.excess - 1), 1 / self.excess) if wide else laws.poisson(mean)
        low, high = (float(made.ppf(tail)) for tail in tails)
        return max(0.0, low), high


def judge_rates(
    counts: "Floats", exposure: "Floats", *, trials: bool = False, apart: "NDArray[np.bool_] | None" = None
) -> RateJudged:
    """Return how well each count fits the rate of all others.

    Args:
        counts: Whole and not negative.
        exposure: Units, hours, days; positive.
        trials: The exposure is a number of trials, and a count is how many of them had the event.
        apart: Those known to be unusual: they are judged too, but no other is judged by them.

    Raises:
        InvalidInputError: There are fewer than three, a count is no count, or no event at all.
    """
    import numpy as np  # noqa: PLC0415
    from scipy import special  # noqa: PLC0415

    _refuse(counts, exposure, trials=trials)
    usual = np.ones(len(counts)) if apart is None else (~apart).astype(np.float64)
    total, whole = float((counts * usual).sum()), float((exposure * usual).sum())
    # Each against the others that are usual: itself is never among them.
    rest, rest_counts = whole - exposure * usual, total - counts * usual
    expected = exposure * rest_counts / rest
    excess = _excess(counts, exposure, total / whole, trials=trials)
    flags = list[Flag]()
    if excess > _WIDE:
        middle = np.maximum(expected, 1e-12)
        size, share = middle / (excess - 1), 1 / excess
        laws = cast("Any", special)
        low = np.asarray(laws.betainc(size, counts + 1, share))
        high = np.where(counts > 0, np.asarray(laws.betainc(np.maximum(counts, 1), size, 1 - share)), 1.0)
        law: Law = "negative binomial"
        says = f"The counts vary {excess:.2g} times as much as {'binomial' if trials else 'Poisson'} counts"
        flags.append(Flag("overdispersed", f"{says} even in their middle; that is allowed for."))
    elif trials:
        low, high = _hypergeometric(counts, exposure, rest_counts, rest)
        law = "binomial"
    else:
        share, n = exposure / (exposure + rest), counts + rest_counts
        # Tails of the binomial distribution as incomplete beta functions; at the ends they are one.
        most, beta = counts >= n, cast("Any", special).betainc
        low = np.where(most, 1.0, beta(np.where(most, 1.0, n - counts), counts + 1, 1 - share))
        high = np.where(counts > 0, beta(np.maximum(counts, 1), n - counts + 1, share), 1.0)
        law = "Poisson"
    p = np.minimum(1.0, 2 * np.minimum(low, high))
    if total < 5 * len(counts):
        says = f"There are {total:.0f} events in {len(counts)} periods or groups: none is too low to be chance."
        flags.append(Flag("few", says))
    return RateJudged(expected, p, law, excess, total / whole, tuple(flags))


def _refuse(counts: "Floats", exposure: "Floats", *, trials: bool) -> None:
    import numpy as np  # noqa: PLC0415

    if len(counts) < LEAST:
        raise InvalidInputError(
            f"There are {len(counts)} counts; at least {LEAST} are needed to tell an unusual one.",
            hint="Choose shorter periods, or compare two groups.",
        )
    wrong = np.flatnonzero((counts < 0) | (counts != np.floor(counts)) | (exposure <= 0))
    if trials:
        wrong = np.union1d(wrong, np.flatnonzero(counts > exposure))
    if wrong.size:
        at = int(wrong[0])
        raise InvalidInputError(
            f"{wrong.size} rows are no counts with an exposure; the first: {counts[at]:g} of {exposure[at]:g}.",
            hint="Counts are whole and not negative, the exposure is positive, and no count is above its trials.",
        )
    if not counts.sum():
        raise InvalidInputError("There is no event at all.", hint="Check the filter.")


def _hypergeometric(
    counts: "Floats", trials: "Floats", rest_counts: "Floats", rest: "Floats"
) -> "tuple[Floats, Floats]":
    import numpy as np  # noqa: PLC0415
    from scipy import stats  # noqa: PLC0415

    whole, total = (trials + rest).astype(np.int64), (counts + rest_counts).astype(np.int64)
    law = cast("Any", stats).hypergeom(whole, total, trials.astype(np.int64))
    return np.asarray(law.cdf(counts)), np.asarray(law.sf(counts - 1))


def _excess(counts: "Floats", exposure: "Floats", rate: float, *, trials: bool) -> float:
    """Return the robust ratio of variances; 1 where it is no larger than chance makes it."""
    import numpy as np  # noqa: PLC0415

    able = exposure * rate >= 2  # noqa: PLR2004 - below, roots of counts have no stable variance
    n = int(able.sum())
    if n < 10:  # noqa: PLR2004
        return _WIDE
    # The rate of the middle: wild counts must not make all others look low.
    middle = float(np.median(counts[able] / exposure[able]))
    mean = exposure[able] * middle
    # Anscombe 1948: 2 sqrt(count + 3/8) has a variance of about one.
    z = 2 * (np.sqrt(counts[able] + 0.375) - np.sqrt(mean + 0.375))
    if trials:
        z = z / np.sqrt(max(1 - rate, 1e-9))
    width = _NORMAL * float(np.median(np.abs(z - np.median(z))))
    # The MAD of n values is uncertain by about 1.17 / sqrt(n): up to two of that is chance.
    return width**2 if width > 1 + 2 * 1.17 / np.sqrt(n) else _WIDE
