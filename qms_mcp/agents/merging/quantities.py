"""Quantities and when two of them can't both be right."""

import re
from dataclasses import dataclass
from math import isclose

from qms_mcp.agents.merging.wording import UNITS

TOLERANCE = 0.01
_QUANTITY = re.compile(r"\A\D{0,12}?(?P<number>[-+]?\d+(?:[.,]\d+)*)\s*(?P<unit>[^\W\d_]*)")
_GROUPED = re.compile(r"[-+]?\d{1,3}(?:,\d{3})+(?:\.\d+)?\Z")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number in the base unit of its dimension; no dimension where there is no unit we know."""

    number: float
    dimension: str
    whole: bool


def canonical(number: str) -> str:
    """Return a number as it is compared: `1,200` and `1200.0` are `1200`, `0,5` is `0.5`."""
    plain = number.replace(",", "") if _GROUPED.match(number) or "." in number else number.replace(",", ".")
    try:
        return f"{float(plain):.12g}" if abs(float(plain)) < 1e11 else plain  # noqa: PLR2004 - digits that fit
    except ValueError:
        return number.lstrip("+")


def quantity(words: str) -> Quantity | None:
    """Return the quantity a normalised value begins with, if it is one."""
    match = _QUANTITY.match(words)
    if match is None:
        return None
    try:
        number = float(canonical(match["number"]))
    except ValueError:
        return None
    dimension, factor = UNITS.get(match["unit"], ("", 1.0))
    return Quantity(number * factor, dimension, whole=not dimension and number.is_integer())


def apart(one: Quantity, other: Quantity) -> bool | None:
    """Tell whether two quantities can't both be right; None when their dimensions differ."""
    if one.dimension != other.dimension:
        if {one.dimension, other.dimension} == {"", "share"}:  # 0.12 and 12 percent
            return not isclose(one.number, other.number, rel_tol=TOLERANCE)
        return None
    if one.whole and other.whole:
        return one.number != other.number
    return not isclose(one.number, other.number, rel_tol=TOLERANCE)
