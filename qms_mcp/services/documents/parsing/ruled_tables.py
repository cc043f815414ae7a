"""Tables with ruled lines on a page of a PDF.

Lines that cross make a grid. A table is a connected group of lines with at least two columns and two rows; its cells
are the rectangles between neighbouring lines, and what stands in a rectangle is the text of the cell. Tables without
lines are left as text: what looks like columns may be anything.
"""

from collections.abc import Iterable
from dataclasses import dataclass

Box = tuple[float, float, float, float]  # left, bottom, right, top, in points from the lower left corner

_THIN = 3.0
_NEAR = 3.0
_SHORTEST = 8.0
_MOST_LINES = 2_000


@dataclass(frozen=True)
class Grid:
    """A table: where its columns and rows are bounded, left to right and top to bottom."""

    columns: tuple[float, ...]
    rows: tuple[float, ...]

    @property
    def box(self) -> Box:
        """Return the rectangle the table takes."""
        return self.columns[0], self.rows[-1], self.columns[-1], self.rows[0]

    def cells(self) -> Iterable[list[Box]]:
        """Yield the rows of cells."""
        for top, bottom in zip(self.rows, self.rows[1:], strict=False):
            yield [(left, bottom, right, top) for left, right in zip(self.columns, self.columns[1:], strict=False)]


def grids_of(shapes: Iterable[Box]) -> list[Grid]:
    """Return the tables made by the drawn shapes of a page, from top to bottom."""
    lines: list[Box] = []
    for shape in shapes:
        lines += _lines_of(shape)
        if len(lines) > _MOST_LINES:
            return []  # a drawing
    grids = [grid for group in _groups(lines) if (grid := _grid(group))]
    return sorted(grids, key=lambda grid: -grid.rows[0])


def _lines_of(shape: Box) -> list[Box]:
    """Return a line as it is, and the four sides of a rectangle."""
    left, bottom, right, top = shape
    wide, high = right - left, top - bottom
    if wide <= _THIN or high <= _THIN:
        return [shape] if max(wide, high) >= _SHORTEST else []
    return [
        (left, top, right, top),
        (left, bottom, right, bottom),
        (left, bottom, left, top),
        (right, bottom, right, top),
    ]


def _groups(lines: list[Box]) -> list[list[Box]]:
    """Return the lines in groups of those that touch."""
    groups: list[tuple[Box, list[Box]]] = []
    for line in lines:
        touching = [group for group in groups if _touch(group[0], line) and any(_touch(line, one) for one in group[1])]
        merged = [line, *(one for group in touching for one in group[1])]
        groups = [group for group in groups if group not in touching]
        box = (
            min(b[0] for b in merged),
            min(b[1] for b in merged),
            max(b[2] for b in merged),
            max(b[3] for b in merged),
        )
        groups.append((box, merged))
    return [group for _, group in groups]


def _touch(one: Box, other: Box) -> bool:
    return (
        one[0] - _NEAR <= other[2]
        and other[0] - _NEAR <= one[2]
        and one[1] - _NEAR <= other[3]
        and other[1] - _NEAR <= one[3]
    )


def _grid(lines: list[Box]) -> Grid | None:
    upright = [(left + right) / 2 for left, bottom, right, top in lines if top - bottom > right - left]
    level = [(bottom + top) / 2 for left, bottom, right, top in lines if top - bottom <= right - left]
    columns, rows = _distinct(upright), _distinct(level)
    if len(columns) < 3 or len(rows) < 3:  # noqa: PLR2004 - two columns have three lines
        return None
    return Grid(tuple(columns), tuple(reversed(rows)))


def _distinct(places: list[float]) -> list[float]:
    kept: list[float] = []
    for place in sorted(places):
        if not kept or place - kept[-1] > _NEAR:
            kept.append(place)
    return kept
