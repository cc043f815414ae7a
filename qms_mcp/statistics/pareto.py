"""Pareto analysis: which few categories hold most of the total, and whether that order is more than chance.

A category weighs the rows it has, a count it was given, or an amount (cost, minutes) that is added up. The vital few
are the first categories, largest first, whose shares together reach the limit; those that weigh the same as the last of
them are tied with it and told.

Whether the order means anything: the chi-square test of equal frequencies (Pearson 1900; where expected counts are too
few for it by Koehler and Larntz 1980, simulated with a fixed seed), and simultaneous intervals of the shares (Goodman
1965) for counts; for amounts the intervals treat the rows as independent events of their own size (compound Poisson).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.comparing.tails import binomial_at_most
from qms_mcp.statistics.flags import Flag
from qms_mcp.statistics.numbers import clean

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Weighs = Literal["rows", "count", "amount"]
NONE = "(none)"
_DRAWS = 20_000
_SEED = 20_240_229


@dataclass(frozen=True, slots=True)
class Bar:
    """One category.

    Attributes:
        category: Its name; `(none)` where it is missing.
        weight: Rows, counts or the amount.
        rows: How many rows it has.
        share: Of the total, 0 to 1.
        cumulative: Share of this and all larger ones.
        low: Of the share: from here...
        high: ...to here, for all categories at once; None where it can't be said.
        vital: It is one of the vital few.
    """

    category: str
    weight: float
    rows: int
    share: float
    cumulative: float
    low: float | None
    high: float | None
    vital: bool


@dataclass(frozen=True, slots=True)
class Evenness:
    """The test of "all categories are equally frequent": chi-square, its degrees of freedom and its p-value."""

    chi_square: float
    df: int
    p: float
    how: str


@dataclass(frozen=True, slots=True)
class Pareto:
    """Categories, largest first.

    Attributes:
        bars: All of them.
        total: Their sum.
        vital: How many are the vital few.
        evenness: Whether the frequencies differ at all; None for amounts and for one category.
        first_two_p: Chance of so large a difference between the first two if they were equally frequent (exact
            binomial, two-sided); None where there is none or for amounts.
        flags: What to know beside it.
    """

    bars: tuple[Bar, ...]
    total: float
    vital: int
    evenness: Evenness | None
    first_two_p: float | None
    flags: tuple[Flag, ...]


def pareto(
    categories: Sequence[str],
    weights: "Sequence[Any] | Floats | None" = None,
    *,
    weighs: Weighs = "rows",
    limit: float = 0.8,
    level: float = 0.95,
) -> Pareto:
    """Return the categories by weight, the largest first; ties in the order of their names.

    Args:
        categories: One a row; empty text is a missing one and becomes `(none)`.
        weights: One a row, for `count` and `amount`.
        weighs: What a row weighs: one, a count (whole number) or an amount.
        limit: Up to which share of the total the vital few reach.
        level: Of the intervals, for all categories together.

    Raises:
        InvalidInputError: There is no row, a weight is negative or a count not whole, or all weigh nothing.
    """
    import numpy as np  # noqa: PLC0415

    if not categories:
        raise InvalidInputError("There is no row to count.", hint="Check the filter and the name of the column.")
    named = [category.strip() or NONE for category in categories]
    weight, flags = _weights(weights, len(named), weighs)
    names, place = np.unique(np.asarray(named, dtype=object), return_inverse=True)
    total = math.fsum(weight)
    if not total > 0:
        raise InvalidInputError("All weights are zero: there is nothing to rank.", hint="Check the weight column.")
    sums = np.bincount(place, weights=weight, minlength=len(names)).astype(np.float64)
    squares = np.bincount(place, weights=weight**2, minlength=len(names)).astype(np.float64)
    rows = np.bincount(place, minlength=len(names))
    order = np.lexsort((np.arange(len(names)), -sums))
    shares = sums / total
    low, high = _intervals(sums, squares, rows, weighs, level)
    cumulative = np.minimum(np.cumsum(sums[order]) / total, 1.0)
    # A last digit of rounding must not make one category more of it: 0.8 is reached by 0.7999999999.
    vital = int(np.searchsorted(cumulative, limit * (1 - 1e-12))) + 1
    bars = tuple(
        Bar(
            str(names[at]),
            float(sums[at]),
            int(rows[at]),
            float(shares[at]),
            float(cumulative[rank]),
            None if low is None else float(low[at]),
            None if high is None else float(high[at]),
            rank < vital,
        )
        for rank, at in enumerate(order)
    )
    evenness = _evenness(sums) if weighs != "amount" and len(names) > 1 else None
    first_two = _first_two(bars) if evenness else None
    flags += _flags(bars, vital, evenness, first_two, level, weighs)
    return Pareto(bars, total, min(vital, len(bars)), evenness, first_two, tuple(flags))


def _weights(given: "Sequence[Any] | Floats | None", n: int, weighs: Weighs) -> "tuple[Floats, list[Flag]]":
    import numpy as np  # noqa: PLC0415

    if given is None:
        return np.ones(n), []
    weight = clean(given, "the weight")
    if len(weight) != n:
        raise InvalidInputError(f"There are {n} categories and {len(weight)} weights.", hint="Give one a row.")
    flags = list[Flag]()
    lacking, negative, fraction = np.isnan(weight), weight < 0, weight != np.floor(weight)
    if negative.any():
        raise _bad_weights("negative", np.flatnonzero(negative), weight, "A credit belongs in a table of its own.")
    if weighs == "count" and (fraction & ~lacking).any():
        at = np.flatnonzero(fraction & ~lacking)
        raise _bad_weights("no whole number", at, weight, "Give them as an amount (cost, minutes) instead.")
    if lacking.any():
        says = f"{int(lacking.sum())} of {n} rows have no weight and count as zero."
        flags.append(Flag("missing", says, "Fill them in: a missing cost is not a cost of nothing."))
    if (weight == 0).any():
        flags.append(Flag("zero_weights", f"{int((weight == 0).sum())} rows weigh zero and add nothing."))
    return np.where(lacking, 0.0, weight), flags


def _bad_weights(what: str, at: "NDArray[np.intp]", weight: "Floats", hint: str) -> InvalidInputError:
    seen = ", ".join(f"row {int(row) + 1} ({weight[row]:g})" for row in at[:5])
    return InvalidInputError(f"{len(at)} weights are {what}: {seen}.", hint=hint)


def _intervals(
    sums: "Floats", squares: "Floats", rows: "NDArray[np.intp]", weighs: Weighs, level: float
) -> "tuple[Floats | None, Floats | None]":
    """Return simultaneous intervals of the shares."""
    import numpy as np  # noqa: PLC0415
    from scipy import special  # noqa: PLC0415

    total, share, k = sums.sum(), sums / sums.sum(), len(sums)
    if k == 1 or (weighs == "amount" and rows.max() == 1):
        return None, None  # amounts added up before they came here: how they vary can't be seen any more
    if weighs == "amount":
        # share = A / (A + B), A and B compound Poisson with the variances sum(w^2): the delta method.
        spread = np.sqrt((1 - share) ** 2 * squares + share**2 * (squares.sum() - squares)) / total
        reach = float(special.ndtri(1 - (1 - level) / (2 * k))) * spread
        return np.maximum(share - reach, 0.0), np.minimum(share + reach, 1.0)
    # Goodman 1965, equation 3: Wilson's interval with the chi-square quantile at 1 - alpha / k.
    a = float(special.chdtri(1, (1 - level) / k))
    root = np.sqrt(a * (a + 4 * sums * (total - sums) / total))
    return (a + 2 * sums - root) / (2 * (total + a)), (a + 2 * sums + root) / (2 * (total + a))


def _evenness(counts: "Floats") -> Evenness:
    import numpy as np  # noqa: PLC0415
    from scipy import special  # noqa: PLC0415

    n, k = counts.sum(), len(counts)
    chi_square = float(((counts - n / k) ** 2).sum() / (n / k))
    if n >= 10 and n * n / k >= 10 and n / k >= 1:  # noqa: PLR2004 - Koehler and Larntz 1980, p. 342
        return Evenness(chi_square, k - 1, float(special.chdtrc(k - 1, chi_square)), "chi-square")
    random = np.random.default_rng(_SEED)
    drawn = random.multinomial(int(n), np.full(k, 1 / k), size=max(200, min(_DRAWS, 5_000_000 // k)))
    seen = ((drawn - n / k) ** 2).sum(axis=1) / (n / k)
    p = (1 + int((seen >= chi_square * (1 - 1e-12)).sum())) / (len(seen) + 1)
    return Evenness(chi_square, k - 1, p, f"chi-square, simulated ({len(seen)} draws, seed {_SEED})")


def _first_two(bars: tuple[Bar, ...]) -> float:
    first, second = bars[0].weight, bars[1].weight
    return min(1.0, 2 * binomial_at_most(second, first + second, 0.5))


def _flags(
    bars: tuple[Bar, ...],
    vital: int,
    evenness: Evenness | None,
    first_two: float | None,
    level: float,
    weighs: Weighs,
) -> list[Flag]:
    flags, alpha = list[Flag](), 1 - level
    if len(bars) == 1:
        flags.append(Flag("one_category", f"Every row is {bars[0].category!r}.", "Choose a finer category."))
    if evenness and evenness.p > alpha:
        says = f"The frequencies differ no more than chance would have it (chi-square p = {evenness.p:.3g})."
        flags.append(Flag("ranking_by_chance", says, "Do not choose work by this order; collect more."))
    elif first_two is not None and first_two > alpha and len(bars) > 1:
        a, b = bars[0], bars[1]
        says = f"{a.category!r} ({a.weight:g}) and {b.category!r} ({b.weight:g}) can't be told apart"
        flags.append(Flag("first_not_clear", f"{says} (exact binomial p = {first_two:.3g})."))
    tied = [bar.category for bar in bars[vital:] if bar.weight == bars[vital - 1].weight] if vital < len(bars) else []
    if tied:
        says = f"{len(tied)} more weigh as much as the last of the vital few: {', '.join(map(repr, tied[:5]))}."
        flags.append(Flag("ties", says, "Where the line falls between them is the order of their names."))
    lacking = next((bar for bar in bars if bar.category == NONE), None)
    if lacking:
        says = f"{lacking.rows} rows have no category; they are shown as {NONE} ({lacking.share:.1%} of the total)."
        flags.append(Flag("missing", says, "Classify them: they may change the order."))
    if len(bars) > 1 and vital > 0.5 * len(bars) and len(bars) >= 4:  # noqa: PLR2004
        says = f"It takes {vital} of {len(bars)} categories to reach the limit: there are no vital few here."
        flags.append(Flag("no_vital_few", says, "Try another category, or cost instead of counts."))
    if weighs == "amount" and max(bar.rows for bar in bars) > 1:
        largest = max(bars, key=lambda bar: bar.weight)
        if largest.low is not None and largest.high is not None and largest.high - largest.low > 0.5:  # noqa: PLR2004
            reach = f"{largest.low:.0%} to {largest.high:.0%}"
            says = f"The share of {largest.category!r} hangs on few large amounts: it may be {reach}."
            flags.append(Flag("few", says))
    return flags
