"""Draws a described picture: everything gets its place first, then the sheet is drawn once.

    draw(picture, "svg")                     # one file for light and dark, text as text
    draw(picture, "png", "dark", width=600)  # two pixels for each of the layout

The same picture gives the same bytes with the same version of matplotlib. matplotlib is loaded by the first drawing.
"""

import hashlib
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from qms_mcp.pictures import png, svg
from qms_mcp.pictures.framing import Frame, framed, slant_overhang, widened
from qms_mcp.pictures.model import Format, Panel, Picture, Theme
from qms_mcp.pictures.painting import paint
from qms_mcp.pictures.palette import colours
from qms_mcp.pictures.placing import Place, Placed, placed_words
from qms_mcp.pictures.sheet import SETTINGS, Sheet
from qms_mcp.pictures.words import Words, wrapped

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

TITLE, SUBTITLE, NOTE = 16.0, 12.0, 11.5
_EDGE, _GAP = 14.0, 18.0
_NARROWEST, _WIDEST = 320, 4000
_UNLABELLED = "Some marks stand too close for their labels; the table has them all."
# One drawing at a time: the settings of matplotlib are shared by all threads.
_one_at_a_time = threading.Lock()


def draw(picture: Picture, form: Format, theme: Theme = "light", width: int = 800) -> bytes:
    """Return a picture as SVG (for light and dark at once) or PNG (for one of them).

    Args:
        picture: What is shown.
        form: `svg` or `png`.
        theme: Of a PNG; an SVG follows the reader's.
        width: In pixels, 320 to 4000; a PNG has twice as many.
    """
    with _one_at_a_time:
        width = min(max(width, _NARROWEST), _WIDEST)
        with _settings(picture):
            words = Words(picture, form)
            plan = _planned(picture, words, float(width))
            sheet = Sheet(width, plan.height, colours(form, theme), words)
            _write(sheet, plan)
            drawn = sheet.bytes(form)
        return svg.finished(drawn, picture, words, _salt(picture)) if form == "svg" else png.finished(drawn, theme)


@dataclass(slots=True)
class _Plan:
    """Where everything is."""

    height: float
    title: list[str]
    subtitle: list[str]
    notes: list[str]
    notes_top: float
    panels: list[tuple[Frame, Place, list[Placed]]]


def _settings(picture: Picture) -> "AbstractContextManager[None]":
    """Return matplotlib's own settings with ours, whatever the machine has."""
    import matplotlib as mpl  # noqa: PLC0415

    kept = {
        name: value for name, value in mpl.rcParamsDefault.items() if not name.startswith(("backend", "interactive"))
    }
    settings: dict[str, Any] = {**kept, **SETTINGS, "svg.hashsalt": _salt(picture)}
    return cast("Any", mpl).rc_context(settings)


def _salt(picture: Picture) -> str:
    return hashlib.sha256(picture.model_dump_json().encode("utf-8", "replace")).hexdigest()[:8]


def _columns(picture: Picture) -> int:
    count = len(picture.panels)
    if not picture.side_by_side or count == 1:
        return 1
    return count if count <= 3 else 2 if count == 4 else 3  # noqa: PLR2004 - more would be too narrow to read


def _axes_height(picture: Picture, panel: Panel, place: int, columns: int) -> float:
    if any(one.style == "barh" for one in panel.series):
        rows = max((len(one.y) for one in panel.series), default=1)
        return max(120.0, min(rows, 60) * 30.0)
    count = len(picture.panels)
    if columns > 1:
        return 250.0 if count <= columns else 165.0
    if count == 1:
        return 330.0
    return (250.0 if place == 0 else 160.0) if count <= 3 else 140.0  # noqa: PLR2004


def _planned(picture: Picture, words: Words, width: float) -> _Plan:
    room = width - 2 * _EDGE
    title = wrapped(words.shown(picture.title), TITLE, room, lines=3, weight="bold")
    subtitle = wrapped(words.shown(picture.subtitle), SUBTITLE, room, lines=3)
    columns = _columns(picture)
    alike = picture.panels if _alike(picture, columns) else ()
    frames = [
        framed(panel, words, _axes_height(picture, panel, place, columns), alike)
        for place, panel in enumerate(picture.panels)
    ]
    if alike:
        _say_limits_once(frames, columns)
    top = _EDGE + 21 * len(title) + 17 * len(subtitle) + 8
    placed: list[tuple[Frame, Place]] = []
    column_width = (room - _GAP * (columns - 1)) / columns
    _align(frames, words, column_width, columns)
    for start in range(0, len(frames), columns):
        row = frames[start : start + columns]
        above = max(frame.above for frame in row)
        for number, frame in enumerate(row):
            left = _EDGE + number * (column_width + _GAP) + frame.margin_left
            axes_width = max(column_width - frame.margin_left - frame.margin_right, 60.0)
            placed.append((frame, Place(left, top + above, axes_width, frame.height)))
        top += max(above + frame.height + frame.below for frame in row) + 10
    inside = [placed_words(frame, place, words) for frame, place in placed]
    said = [*picture.notes[:6], *dict.fromkeys(note for frame in frames for note in frame.notes)]
    said += [] if all(complete for _, complete in inside) else [_UNLABELLED]
    notes = [line for note in said for line in wrapped(words.shown(note), NOTE, room, lines=3)]
    notes += wrapped(words.note, NOTE, room, lines=2) if words.note else []
    height = top + (16 * len(notes) + 4 if notes else 0) + _EDGE - 8
    panels = [(frame, place, found) for (frame, place), (found, _) in zip(placed, inside, strict=True)]
    return _Plan(round(height), title, subtitle, notes, top, panels)


def _alike(picture: Picture, columns: int) -> bool:
    """Return whether panels in a grid show one thing, by their label, so that they get one scale."""
    labels = {panel.y_label for panel in picture.panels if panel.y_label.strip()}
    return columns > 1 and len(picture.panels) > columns and len(labels) == 1


def _say_limits_once(frames: list[Frame], columns: int) -> None:
    """Leave limits that are the same in a row of panels to its last one."""
    for start in range(0, len(frames), columns):
        *before, last = frames[start : start + columns]
        for frame in before:
            if frame.limits == last.limits:
                frame.limits, frame.margin_right = (), 12.0


def _align(frames: list[Frame], words: Words, column_width: float, columns: int) -> None:
    """Give frames above each other the same margins, and let all know their width."""
    for number in range(columns):
        column = frames[number::columns]
        left = max((frame.margin_left for frame in column), default=0.0)
        right = max((frame.margin_right for frame in column), default=0.0)
        for position, frame in enumerate(column):
            frame.first_signals = not any(_signals(other) for other in frames[: frames.index(frame)])
            frame.margin_left, frame.margin_right = left, right
            below = column[position + 1] if position + 1 < len(column) else None
            axes_width = max(column_width - left - right, 60.0)
            above = column[position - 1] if position else None
            frame.told = above is not None and columns == 1 and _same_x(above, frame)
            widened(frame, words, axes_width, bare=below is not None and columns == 1 and _same_x(frame, below))
            if (beyond := slant_overhang(frame, axes_width) + 4 - left) > 0:
                frame.margin_left += beyond
                widened(frame, words, axes_width - beyond, bare=False)


def _signals(frame: Frame) -> bool:
    return any(mark.role == "signal" for mark in frame.panel.marks)


def _same_x(frame: Frame, below: Frame) -> bool:
    return (
        not frame.flat
        and not below.flat
        and frame.panel.categories == below.panel.categories
        and (frame.x.low, frame.x.high) == (below.x.low, below.x.high)
    )


def _write(sheet: Sheet, plan: _Plan) -> None:
    y = _EDGE + 8
    for line in plan.title:
        sheet.text(_EDGE, y, line, size=TITLE, weight="bold")
        y += 21
    for line in plan.subtitle:
        sheet.text(_EDGE, y, line, size=SUBTITLE, colour="soft")
        y += 17
    for frame, place, placed in plan.panels:
        paint(sheet, frame, place, placed)
    for number, line in enumerate(plan.notes):
        sheet.text(_EDGE, plan.notes_top + 10 + number * 16, line, size=NOTE, colour="soft")
