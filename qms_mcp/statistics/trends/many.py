"""Many tests at once: p values adjusted so that a level keeps its meaning over all of them."""

from collections.abc import Sequence
from typing import Literal

from qms_mcp.errors import InvalidInputError

Adjustment = Literal["holm", "bh", "none"]


def adjusted(p: Sequence[float], how: Adjustment) -> list[float]:
    """Return adjusted p values in the order given.

    Args:
        p: Of all tests that were made.
        how: `holm`: the chance of a single false finding among all stays below the level (Holm 1979). `bh`: the share
            of false ones among the findings does (Benjamini and Hochberg 1995). `none`: as they are.

    Raises:
        InvalidInputError: A p is not between 0 and 1.
    """
    if any(not 0 <= value <= 1 for value in p):
        raise InvalidInputError("A p value lies between 0 and 1.", hint="Check what was given.")
    if how == "none":
        return list(p)
    order = sorted(range(len(p)), key=lambda at: p[at])
    return _holm(p, order) if how == "holm" else _benjamini_hochberg(p, order)


def _holm(p: Sequence[float], order: list[int]) -> list[float]:
    made, highest = [1.0] * len(p), 0.0
    for rank, at in enumerate(order):
        highest = max(highest, min(1.0, (len(p) - rank) * p[at]))
        made[at] = highest
    return made


def _benjamini_hochberg(p: Sequence[float], order: list[int]) -> list[float]:
    made, lowest = [1.0] * len(p), 1.0
    for rank in range(len(p), 0, -1):
        at = order[rank - 1]
        lowest = min(lowest, p[at] * len(p) / rank)
        made[at] = lowest
    return made
