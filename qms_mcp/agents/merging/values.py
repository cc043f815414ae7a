"""Values of a measure: numbers with their units, sides of an axis, or the words of a status."""

from qms_mcp.agents.merging.quantities import apart, quantity
from qms_mcp.agents.merging.reading import Reading
from qms_mcp.agents.merging.wording import EXCLUSIVE

_SHORT = 3


def disagree(one: Reading, other: Reading, measure: Reading) -> bool | None:
    """Tell whether two values of one measure can't both be right; None when words alone don't tell."""
    if one.normal == other.normal:
        return False
    first, second = quantity(one.normal), quantity(other.normal)
    if first is not None and second is not None:
        return apart(first, second)
    return _words_disagree(one, other, measure) if first is None and second is None else None


def _words_disagree(one: Reading, other: Reading, measure: Reading) -> bool | None:
    if one.content == other.content:
        return (one.axes, one.negated) != (other.axes, other.negated)
    sides = dict(other.axes)
    if one.negated == other.negated and any(side and sides.get(axis) == -side for axis, side in one.axes):
        return True
    if EXCLUSIVE & set(measure.normal.replace("_", " ").split()):
        return max(len(one.normal.split()), len(other.normal.split())) <= _SHORT or None
    return None
