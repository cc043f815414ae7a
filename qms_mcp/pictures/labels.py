"""Labels beside each other: apart where their places are close, in rows, and next to the points they speak of."""

from collections.abc import Sequence
from typing import NamedTuple


class Box(NamedTuple):
    """A rectangle in pixels."""

    left: float
    top: float
    right: float
    bottom: float

    def touches(self, other: "Box") -> bool:
        """Return whether the two have a point in common."""
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )


def apart(places: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Return places at least `gap` apart that are as near to the wanted ones as can be, between `low` and `high`.

    Neighbours that are too close form a block that is centred where they wanted to be on average; blocks that touch
    become one. If there is no room for all, they keep an equal, smaller distance.
    """
    if not places:
        return []
    gap = min(gap, (high - low) / max(1, len(places) - 1))
    order = sorted(range(len(places)), key=lambda index: places[index])
    blocks: list[tuple[float, list[int]]] = []
    for index in order:
        blocks.append((places[index], [index]))
        while len(blocks) > 1 and _end(blocks[-2], gap) + gap > _start(blocks[-1], gap) + 1e-9:
            second, first = blocks.pop(), blocks.pop()
            members = first[1] + second[1]
            centre = (first[0] * len(first[1]) + second[0] * len(second[1])) / len(members)
            blocks.append((_within(centre, len(members), gap, low, high), members))
        centre, members = blocks[-1]
        blocks[-1] = (_within(centre, len(members), gap, low, high), members)
    found = [0.0] * len(places)
    for centre, members in blocks:
        for position, index in enumerate(members):
            found[index] = centre + (position - (len(members) - 1) / 2) * gap
    return found


def _start(block: tuple[float, list[int]], gap: float) -> float:
    return block[0] - gap * (len(block[1]) - 1) / 2


def _end(block: tuple[float, list[int]], gap: float) -> float:
    return block[0] + gap * (len(block[1]) - 1) / 2


def _within(centre: float, count: int, gap: float, low: float, high: float) -> float:
    half = gap * (count - 1) / 2
    return min(max(centre, low + half), high - half)


def in_rows(spans: Sequence[tuple[float, float]], gap: float) -> list[int]:
    """Return in which row each span stands, so that none in a row is nearer to another than `gap`."""
    rows: list[list[tuple[float, float]]] = []
    found: list[int] = []
    for left, right in spans:
        for number, row in enumerate(rows):
            if all(right + gap <= other[0] or other[1] + gap <= left for other in row):
                row.append((left, right))
                found.append(number)
                break
        else:
            found.append(len(rows))
            rows.append([(left, right)])
    return found


def beside(
    point: tuple[float, float], size: tuple[float, float], taken: Sequence[Box], within: Box, *, up: bool
) -> Box | None:
    """Return where a label next to a point has room: above or below it, further away, at its sides; None if nowhere.

    Args:
        point: The point, x and y in pixels, y downwards.
        size: Width and height of the label.
        taken: Where there is something already.
        within: Where it has to stay.
        up: Above is better than below.
    """
    (x, y), (wide, high) = point, size
    sides = (-1, 1) if up else (1, -1)
    for distance in (9.0, 22.0):
        for side in sides:
            top = y + distance if side > 0 else y - distance - high
            for shift in (0.0, wide / 2 + 2, -wide / 2 - 2):
                left = min(max(x - wide / 2 + shift, within.left), within.right - wide)
                box = Box(left, top, left + wide, top + high)
                inside = within.top <= box.top and box.bottom <= within.bottom
                if inside and not any(box.touches(other) for other in taken):
                    return box
    return None
