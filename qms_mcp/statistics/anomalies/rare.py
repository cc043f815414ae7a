"""Categories that were never or seldom seen before, and now are.

Given how often a category was seen in all, if nothing changed each of its rows is as likely to lie before a moment as
any other row is; so the number of them after it is hypergeometric, exactly, whatever the categories are. How often
something new is to be expected at all is told by Good and Turing's estimate (Good, Biometrika 40, 1953): the share of
rows whose category was seen once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.comparing.tails import binomial_at_least, poisson_at_most

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_DIRICHLET = 0.5
_EXCEPTION = 0.1


@dataclass(frozen=True, slots=True)
class Surge:
    """A category, before and after.

    Attributes:
        category: Its name.
        before: Rows before.
        after: Rows after.
        expected: Rows after, to be expected from those before (Dirichlet, 1/2 a category).
        p: The chance of so many after, of all it has, if nothing changed.
        first: The first row after the moment that has it.
    """

    category: str
    before: int
    after: int
    expected: float
    p: float
    first: int


@dataclass(frozen=True, slots=True)
class Surges:
    """All categories, and how usual it is that a new one comes.

    Attributes:
        surges: Of every category that has rows after the moment.
        categories: How many there are in all.
        before: Rows before.
        after: Rows after.
        unseen: The chance that the next row has a category not seen before (Good-Turing, from the rows before).
        new_rows: Rows after the moment whose category was never seen before.
        new_p: The chance of so many rows of new categories, if they come as often as before.
    """

    surges: tuple[Surge, ...]
    categories: int
    before: int
    after: int
    unseen: float
    new_rows: int
    new_p: float


def surges(categories: Sequence[str], later: "NDArray[np.bool_]") -> Surges:
    """Return how each category does after a moment, given how it did before.

    Args:
        categories: One a row.
        later: Whether the row lies after the moment.

    Raises:
        InvalidInputError: There is no row before, or none after.
    """
    import numpy as np  # noqa: PLC0415

    n_after, n = int(later.sum()), len(categories)
    n_before = n - n_after
    if not n_before or not n_after:
        raise InvalidInputError(
            f"Of {n} rows {n_before} lie before and {n_after} after.", hint="Choose another moment."
        )
    names, first, place = np.unique(np.asarray(categories, dtype=object), return_index=True, return_inverse=True)
    in_all = np.bincount(place, minlength=len(names))
    after = np.bincount(place[later], minlength=len(names))
    before = in_all - after
    first = np.full(len(names), n)
    np.minimum.at(first, place[later], np.flatnonzero(later))
    p = chance(after, in_all, n_after, n)
    known = int((before > 0).sum()) + 1
    expected = n_after * (before + _DIRICHLET) / (n_before + _DIRICHLET * known)
    made = tuple(
        Surge(str(names[at]), int(before[at]), int(after[at]), float(expected[at]), float(p[at]), int(first[at]))
        for at in np.flatnonzero(after > 0)
    )
    unseen = min(1.0, (float((before == 1).sum()) + _DIRICHLET) / n_before)
    new_rows = int(after[before == 0].sum())
    return Surges(made, len(names), n_before, n_after, unseen, new_rows, binomial_at_least(new_rows, n_after, unseen))


def chance(after: "NDArray[np.intp]", in_all: "NDArray[np.intp]", n_after: int, n: int) -> "Floats":
    """Return the chance that of `in_all` rows among `n`, `after` or more are among the last `n_after`."""
    import numpy as np  # noqa: PLC0415
    from scipy import stats  # noqa: PLC0415

    return np.asarray(cast("Any", stats).hypergeom.sf(after - 1, n, n_after, in_all), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Together:
    """A combination that is all but excluded, and yet was seen: an exception to a rule.

    Attributes:
        row: The first row that has it.
        categories: One of each column.
        count: Rows.
        expected: By the product of the shares, if the columns had nothing to do with each other.
        p: The chance to see it so seldom, if so.
    """

    row: int
    categories: tuple[str, ...]
    count: int
    expected: float
    p: float


def unlikely_together(columns: Sequence[Sequence[str]]) -> list[Together]:
    """Return the combinations seen, with the chance to see each so seldom if the columns were independent (Poisson).

    A combination of two rare categories is rare and no wonder; one of two frequent ones that hardly ever meet is.
    Those seen more than a tenth as often as that are no exceptions and have the chance 1.

    Raises:
        InvalidInputError: There are fewer than two columns.
    """
    import numpy as np  # noqa: PLC0415

    if len(columns) < 2:  # noqa: PLR2004
        raise InvalidInputError("A combination needs two columns.", hint="Name several columns, or give a time.")
    n = len(columns[0])
    share = np.ones(n)
    for column in columns:
        _, place = np.unique(np.asarray(column, dtype=object), return_inverse=True)
        share *= np.bincount(place)[place] / n
    seen: dict[tuple[str, ...], list[int]] = {}
    for at, row in enumerate(zip(*columns, strict=True)):
        seen.setdefault(row, [at, 0])[1] += 1
    return [
        Together(
            at,
            row,
            count,
            float(n * share[at]),
            poisson_at_most(count, n * float(share[at])) if count <= _EXCEPTION * n * share[at] else 1.0,
        )
        for row, (at, count) in seen.items()
    ]
