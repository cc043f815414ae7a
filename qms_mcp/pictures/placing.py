"""Words among the lines of a panel: limits of earlier stages and the rules of signals, each where it has room."""

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from qms_mcp.pictures.framing import Frame, ends_early, labelled
from qms_mcp.pictures.labels import Box, beside
from qms_mcp.pictures.model import Level, Mark
from qms_mcp.pictures.scales import drawable
from qms_mcp.pictures.words import Words, fitted, width_of

INSIDE = 11.0  # the size of letters
_HIGH = 13.0
_MOST_OBSTACLES = 600
_FEW_POINTS = 120  # up to so many, the lines between points are minded too


class Place(NamedTuple):
    """Where the axes of a panel are on the sheet."""

    left: float
    top: float
    width: float
    height: float

    def x(self, frame: Frame, value: float) -> float:
        """Return where a value of the x scale is."""
        return self.left + frame.x.share(value) * self.width

    def y(self, frame: Frame, value: float) -> float:
        """Return where a value of the y scale is."""
        return self.top + (1 - frame.y.share(value)) * self.height


class Placed(NamedTuple):
    """Words with their place."""

    box: Box
    text: str
    colour: str
    bold: bool


def placed_words(frame: Frame, place: Place, words: Words) -> tuple[list[Placed], bool]:
    """Return the words among the lines, and whether all marks have got theirs."""
    points = list(_points(frame, place))
    limits = _limits(frame, place, words, points)
    marks, complete = _marks(frame, place, words, points, [one.box for one in limits])
    return [*limits, *marks], complete


def _limits(frame: Frame, place: Place, words: Words, points: Sequence[Box]) -> list[Placed]:
    """Return the labels of limits that do not reach the right margin, or have none: above or below their line."""
    written = {limit.text for limit in frame.limits}
    placed: list[Placed] = []
    for level in frame.panel.levels:
        in_margin = not frame.right and not ends_early(level, frame)
        if level.upright or frame.flat or in_margin or not level.label:
            continue
        text = fitted(labelled(level, words, frame.y), INSIDE, place.width / 2)
        free = [one.box for one in placed]
        boxes = [box for box in _along(level, frame, place, width_of(text, INSIDE)) if not _hit(box, free)]
        if text in written or not boxes:
            continue
        box = min(boxes, key=lambda box: sum(box.touches(point) for point in points))
        placed.append(Placed(box, text, level.kind, bold=False))
    return placed


def _along(level: Level, frame: Frame, place: Place, wide: float) -> Iterable[Box]:
    """Yield places along a line: at its left end, in the middle, at its right end; above it and below."""
    values = [drawable(value) for value in level.values]
    known = [(at, value) for at, value in enumerate(values) if not math.isnan(value)]
    if not known:
        return
    left = place.x(frame, level.x[0]) if level.x else place.left
    right = min(place.x(frame, level.x[-1]) if level.x else place.left + place.width, place.left + place.width)
    for share in (0.0, 1.0, 0.5, 0.25, 0.75):
        value = known[min(round(share * (len(known) - 1)), len(known) - 1)][1]
        y = place.y(frame, value)
        x = left + 3 + share * max(0.0, right - left - wide - 6)
        for top in (y - 15, y + 3):
            if place.top - 8 <= top <= place.top + place.height - _HIGH and x + wide <= place.left + place.width:
                yield Box(x, top, x + wide, top + _HIGH)


def _marks(
    frame: Frame, place: Place, words: Words, points: Sequence[Box], taken: Sequence[Box]
) -> tuple[list[Placed], bool]:
    """Return the labels of marks, beside their points, and whether there was room for all."""
    within = Box(place.left, place.top - 6, place.left + place.width, place.top + place.height)
    labels = [mark for mark in frame.panel.marks if words.shown(mark.label)]
    rings = [_around(frame, place, mark.x, mark.y, 6) for mark in frame.panel.marks]
    middle = place.top + place.height / 2
    placed: list[Placed] = []
    for mark in labels:
        text = fitted(words.shown(mark.label), INSIDE, 200)
        x, y = place.x(frame, mark.x), place.y(frame, mark.y)
        size = (width_of(text, INSIDE, "bold") + 2, _HIGH)
        taken_now = [*taken, *(one.box for one in placed)]
        near = [box for box in (*rings, *points) if abs(box.left - x) < size[0] + 40 and abs(box.top - y) < 60]  # noqa: PLR2004 - as far as a label can be
        box = beside((x, y), size, [*taken_now, *near], within, up=y < middle)
        box = box or beside((x, y), size, taken_now, within, up=y < middle)
        if box is not None:
            placed.append(Placed(box, text, _colour(mark), bold=True))
    return placed, len(placed) == len(labels)


def _colour(mark: Mark) -> str:
    return "soft" if mark.role == "muted" else mark.role


def _hit(box: Box, others: Sequence[Box]) -> bool:
    return any(box.touches(other) for other in others)


def _around(frame: Frame, place: Place, x: float, y: float, half: float) -> Box:
    at, down = place.x(frame, x), place.y(frame, y)
    return Box(at - half, down - half, at + half, down + half)


def _points(frame: Frame, place: Place) -> Iterable[Box]:
    """Yield where points are, and places on the lines between them if they are few; none if they are too many."""
    for one in frame.series:
        if one.right or one.style not in {"points", "line_points", "line"} or len(one.y) > _MOST_OBSTACLES:
            continue
        known = [(x, drawable(y)) for x, y in zip(one.x, one.y, strict=False)]
        yield from (_around(frame, place, x, y, 3) for x, y in known if not math.isnan(y))
        if one.style == "points" or len(known) > _FEW_POINTS:
            continue
        for (x, y), (next_x, next_y) in pairwise(known):
            if not math.isnan(y) and not math.isnan(next_y):
                yield from (
                    _around(frame, place, x + part * (next_x - x), y + part * (next_y - y), 1.5)
                    for part in (0.2, 0.4, 0.6, 0.8)
                )
