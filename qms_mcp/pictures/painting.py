"""A prepared panel brought onto the sheet: axes, limits, series, marks and all words around them."""

import math
from collections.abc import Sequence

from qms_mcp.pictures.framing import HANDLE, HEADING, LABEL, ROW, TICK, Frame
from qms_mcp.pictures.labels import apart
from qms_mcp.pictures.palette import DASHES, HATCHES, MARKERS
from qms_mcp.pictures.placing import INSIDE, Place, Placed
from qms_mcp.pictures.plotting import draw_band, draw_level, draw_series
from qms_mcp.pictures.scales import drawable
from qms_mcp.pictures.sheet import Axes, Sheet
from qms_mcp.pictures.words import fitted, width_of

_FILLED = frozenset({"bars", "barh", "area", "box"})


def paint(sheet: Sheet, frame: Frame, place: Place, placed: Sequence[Placed]) -> None:
    """Draw a panel.

    Args:
        sheet: What is drawn on.
        frame: The panel.
        place: Where its axes are.
        placed: The words among its lines.
    """
    axes = sheet.axes(*place)
    axes.set_xlim(frame.x.low, frame.x.high)
    if frame.y.log:
        axes.set_yscale("log")
    axes.set_ylim(frame.y.low, frame.y.high)
    _grid(sheet, axes, frame)
    for band in frame.panel.bands:
        draw_band(axes, band, sheet.colours, (frame.x.low, frame.x.high))
    for divider in frame.panel.dividers:
        axes.axvline(divider.x, color=sheet.colours["axis"], linewidth=1.1, linestyle=(0, (3, 2)), zorder=2)
    filled = any(series.style in {"bars", "barh"} for series in frame.series)
    for level in frame.panel.levels:
        draw_level(axes, level, sheet.colours, upright=level.upright or frame.flat, over=filled)
    right = _right_axes(sheet, axes, frame) if frame.right else axes
    for series in frame.series:
        draw_series(right if series.right else axes, series, sheet.colours, over=filled)
    _rings(sheet, axes, frame)
    _above(sheet, frame, place)
    _sides(sheet, frame, place)
    _below(sheet, frame, place)
    for one in placed:
        middle = (one.box.top + one.box.bottom) / 2
        weight = "bold" if one.bold else "normal"
        x = (one.box.left + one.box.right) / 2
        sheet.text(x, middle, one.text, size=INSIDE, colour=one.colour, weight=weight, side="center", ground=True)


def _grid(sheet: Sheet, axes: Axes, frame: Frame) -> None:
    grid = {"color": sheet.colours["grid"], "linewidth": 1.0, "zorder": 0.5}
    axes.set_xticks([tick.at for tick in frame.x_ticks] if frame.x_ticks else [])
    axes.set_yticks([tick.at for tick in frame.y_ticks])
    axes.minorticks_off()
    axes.tick_params(length=0, labelleft=False, labelbottom=False)
    axes.grid(visible=True, axis="x" if frame.flat else "y", **grid)
    axes.set_axisbelow(True)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(True)
        axes.spines[side].set_color(sheet.colours["axis"])
        axes.spines[side].set_linewidth(1.0)
    if frame.x_ticks and not frame.panel.categories and not frame.flat:
        axes.tick_params(axis="x", length=4, color=sheet.colours["axis"])


def _right_axes(sheet: Sheet, axes: Axes, frame: Frame) -> Axes:
    right = axes.twinx()
    assert frame.right is not None  # noqa: S101 - asked for only then
    right.set_ylim(frame.right.low, frame.right.high)
    right.set_yticks([])
    for side in ("top", "left", "bottom"):
        right.spines[side].set_visible(False)
    right.spines["right"].set_color(sheet.colours["axis"])
    return right


def _rings(sheet: Sheet, axes: Axes, frame: Frame) -> None:
    """Draw marks around their points: what is below stays visible."""
    for mark in frame.panel.marks:
        if math.isnan(drawable(mark.x)) or math.isnan(drawable(mark.y)):
            continue
        axes.plot(
            [mark.x],
            [mark.y],
            linestyle="None",
            marker=MARKERS[mark.role],
            markersize=9.5 if mark.role == "signal" else 8.5,
            markerfacecolor="none",
            markeredgecolor=sheet.colours[mark.role],
            markeredgewidth=1.9,
            zorder=6,
            clip_on=False,
        )


def _above(sheet: Sheet, frame: Frame, place: Place) -> None:
    top = place.top - frame.above + ROW / 2
    for line in frame.heading:
        sheet.text(place.left, top, line, size=HEADING, weight="bold")
        top += ROW
    for entry in frame.legend:
        _handle(sheet, frame, entry.of, entry.part, (place.left + entry.left, top + entry.row * ROW))
        sheet.text(place.left + entry.left + HANDLE, top + entry.row * ROW, entry.text, size=LABEL)
    top += (max((entry.row for entry in frame.legend), default=-1) + 1) * ROW
    for written, row in frame.strip:
        x, wide = place.x(frame, written.at), width_of(written.text, LABEL)
        left = x if written.kind == "divider" else x - wide / 2
        left = min(max(left, place.left), place.left + max(0.0, place.width - wide))
        colour = "soft" if written.kind == "divider" else written.kind
        sheet.text(left, top + row * ROW, written.text, size=LABEL, colour=colour)
        sheet.line([x, x], [top + row * ROW + 8, place.top], colour=colour, width=0.8, dash=(0, (1, 2)))


def _handle(sheet: Sheet, frame: Frame, of: str, part: int, at: tuple[float, float]) -> None:
    """Draw what the legend shows beside a name: the line, the marker or the fill it has."""
    x, y = at
    if of == "mark":
        sheet.line([x + 11], [y], colour="signal", width=1.9, marker="D", marker_size=8)
    elif of == "band":
        band = frame.panel.bands[part]
        sheet.block(x, y - 5, 22, 10, colour=band.role, share=0.3, hatch="")
    else:
        series = frame.series[part]
        if series.style in _FILLED:
            share = 1.0 if series.style in {"bars", "barh"} else 0.35
            sheet.block(x, y - 5, 22, 10, colour=series.role, share=share, hatch=HATCHES[series.role])
            return
        marked = series.style in {"points", "line_points"}
        dash = DASHES[series.role] if series.style != "points" else "None"
        marker = MARKERS[series.role] if marked else ""
        sheet.line([x, x + 11, x + 22], [y] * 3, colour=series.role, width=1.6, dash=dash)
        if marker:
            sheet.line([x + 11], [y], colour=series.role, marker=marker, marker_size=6)


def _sides(sheet: Sheet, frame: Frame, place: Place) -> None:
    for tick in frame.y_ticks:
        y = place.y(frame, tick.at)
        for number, line in enumerate(tick.lines):
            offset = (number - (len(tick.lines) - 1) / 2) * 14
            sheet.text(place.left - 8, y + offset, line, size=TICK, colour="soft", side="right")
    if label := sheet.words.shown(frame.panel.y_label):
        x = place.left - frame.margin_left + 9
        sheet.text(
            x,
            place.top + place.height / 2,
            fitted(label, LABEL, place.height + 20),
            size=LABEL,
            side="center",
            turned=90.0,
        )
    edge = place.left + place.width
    if frame.right:
        for tick, label in zip(frame.right.ticks, frame.right.labels, strict=True):
            y = place.top + (1 - frame.right.share(tick)) * place.height
            sheet.text(edge + 8, y, label, size=TICK, colour="soft")
        return
    wanted = [place.y(frame, limit.at) for limit in frame.limits]
    spread = apart(wanted, 15.0, place.top - 2, place.top + place.height + 2)
    for limit, meant, y in zip(frame.limits, wanted, spread, strict=True):
        sheet.text(edge + 12, y, limit.text, size=LABEL, colour=limit.kind)
        sheet.line([edge, edge + 9], [meant, y], colour=limit.kind, width=0.9)


def _below(sheet: Sheet, frame: Frame, place: Place) -> None:
    bottom = place.top + place.height
    for tick in frame.x_ticks:
        x = place.x(frame, tick.at)
        if frame.slanted:
            sheet.text(x + 4, bottom + 10, tick.lines[0], size=TICK, colour="soft", side="right", turned=35.0)
            continue
        for number, line in enumerate(tick.lines):
            half = width_of(line, TICK) / 2
            middle = min(max(x, half + 2), sheet.width - half - 2)
            sheet.text(middle, bottom + 14 + number * 15, line, size=TICK, colour="soft", side="center")
    label = sheet.words.shown(frame.panel.x_label)
    if label and frame.x_ticks:
        y = bottom + frame.below - ROW / 2
        sheet.text(
            place.left + place.width / 2,
            y,
            fitted(label, LABEL, place.width + frame.margin_right),
            size=LABEL,
            side="center",
        )
