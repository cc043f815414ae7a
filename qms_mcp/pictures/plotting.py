"""Series and limits on a pair of axes, each in its own way."""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from statistics import median
from typing import Any, TypeAlias

from qms_mcp.pictures.model import Band, Level, Series, Style
from qms_mcp.pictures.palette import DASHES, HATCHES, LEVELS, MARKERS, Colours
from qms_mcp.pictures.scales import drawable
from qms_mcp.pictures.sheet import Axes

_Draw: TypeAlias = Callable[[Axes, Series, Colours], None]


def draw_series(axes: Axes, series: Series, colours: Colours, *, over: bool = False) -> None:
    """Draw a series in its style, with its intervals.

    Args:
        axes: Where.
        series: With a place for every value.
        colours: By name.
        over: There are bars, from which its line has to stand out.
    """
    if not series.y or not series.x:
        return
    if over and series.style in {"line", "line_points", "steps"}:
        where = "steps-post" if series.style == "steps" else "default"
        axes.plot(series.x, _values(series), color=colours["paper"], linewidth=4.2, drawstyle=where, zorder=3.5)
    if series.low and series.high:
        _intervals(axes, series, colours)
    _STYLES[series.style](axes, series, colours)


def _values(series: Series) -> list[float]:
    return [drawable(value) for value in series.y]


def marker_size(count: int) -> float:
    """Return how large markers are, in pixels; 0 where so many would only be a smear."""
    if count <= 60:  # noqa: PLR2004
        return 6.0
    if count <= 150:  # noqa: PLR2004
        return 4.5
    return 3.0 if count <= 400 else 0.0  # noqa: PLR2004


def _line(axes: Axes, series: Series, colours: Colours) -> None:
    values = _values(series)
    alone = sum(not math.isnan(value) for value in values) < 2  # noqa: PLR2004 - one point makes no line
    marked = series.style == "line_points" or alone
    size = marker_size(len(values)) if marked else 0.0
    colour = colours[series.role]
    crossed = MARKERS[series.role] == "x"
    axes.plot(
        series.x,
        values,
        color=colour,
        linestyle=DASHES[series.role],
        linewidth=1.4 if marked else 1.9,
        marker=MARKERS[series.role] if size else "None",
        markersize=size,
        markeredgecolor=colour if crossed else colours["paper"],
        markeredgewidth=1.4 if crossed else 0.6,
        zorder=4,
    )


def _points(axes: Axes, series: Series, colours: Colours) -> None:
    size = max(marker_size(len(series.y)), 2.5)
    crossed = MARKERS[series.role] == "x"
    axes.plot(
        series.x,
        _values(series),
        linestyle="None",
        color=colours[series.role],
        marker=MARKERS[series.role],
        markersize=size + (1.5 if series.low else 0),
        markeredgecolor=colours[series.role] if crossed else colours["paper"],
        markeredgewidth=1.4 if crossed else 0.5,
        zorder=4,
    )


def _bars(axes: Axes, series: Series, colours: Colours) -> None:
    drawn: dict[str, Any] = {
        "color": colours[series.role],
        "edgecolor": colours["paper"],
        "linewidth": 0.8,
        "hatch": HATCHES[series.role] or None,
        "zorder": 2,
    }
    known = [(place, value) for place, value in zip(series.x, _values(series), strict=False) if not math.isnan(value)]
    places, values = [place for place, _ in known], [value for _, value in known]
    if series.style == "barh":
        axes.barh(places, values, height=series.width, **drawn)
    else:
        axes.bar(places, values, width=series.width, **drawn)


def _steps(axes: Axes, series: Series, colours: Colours) -> None:
    axes.step(
        series.x,
        _values(series),
        where="post",
        color=colours[series.role],
        linestyle=DASHES[series.role],
        linewidth=1.7,
        zorder=4,
    )


def _area(axes: Axes, series: Series, colours: Colours) -> None:
    axes.fill_between(series.x, _values(series), color=colours[series.role], alpha=0.22, linewidth=0, zorder=2)
    axes.plot(series.x, _values(series), color=colours[series.role], linewidth=1.6, zorder=3)


def _boxes(axes: Axes, series: Series, colours: Colours) -> None:
    colour = colours[series.role]
    width = min(series.width, 0.6)
    for place, start in zip(series.x, range(0, len(series.y) - 4, 5), strict=False):
        five = [drawable(value) for value in series.y[start : start + 5]]
        if any(math.isnan(value) for value in five):
            continue
        low, first, middle, third, high = five
        axes.vlines([place, place], [low, third], [first, high], color=colour, linewidth=1.4, zorder=3)
        axes.hlines([low, high], place - width / 5, place + width / 5, color=colour, linewidth=1.4, zorder=3)
        axes.bar([place], [third - first], width, bottom=[first], color=colour, alpha=0.25, linewidth=0, zorder=2)
        axes.bar([place], [third - first], width, bottom=[first], fill=False, edgecolor=colour, linewidth=1.4, zorder=3)
        axes.hlines([middle], place - width / 2, place + width / 2, color=colours["ink"], linewidth=2.2, zorder=4)


def _intervals(axes: Axes, series: Series, colours: Colours) -> None:
    known = [
        (place, drawable(low), drawable(high))
        for place, low, high in zip(series.x, series.low, series.high, strict=False)
        if not math.isnan(drawable(low)) and not math.isnan(drawable(high))
    ]
    if not known:
        return
    at, low, high = (list(column) for column in zip(*known, strict=True))
    ink = colours["ink" if series.style in {"bars", "barh"} else series.role]
    looks: dict[str, Any] = {"color": ink, "linewidth": 1.5, "zorder": 5}
    ends: dict[str, Any] = {"linestyle": "None", "markersize": 8, "markeredgewidth": 1.5, "color": ink, "zorder": 5}
    if series.style == "barh":
        axes.hlines(at, low, high, **looks)
        axes.plot([*low, *high], [*at, *at], marker="|", **ends)
    else:
        axes.vlines(at, low, high, **looks)
        axes.plot([*at, *at], [*low, *high], marker="_", **ends)


_STYLES: Mapping[Style, _Draw] = {
    "line": _line,
    "points": _points,
    "line_points": _line,
    "bars": _bars,
    "barh": _bars,
    "steps": _steps,
    "area": _area,
    "box": _boxes,
}


def draw_level(axes: Axes, level: Level, colours: Colours, *, upright: bool, over: bool = False) -> None:
    """Draw a limit: along all of the axes, or where it holds; limits that change go up and down between points.

    Args:
        axes: Where.
        level: The limit.
        colours: By name.
        upright: It is a place of x.
        over: There are bars, from which it has to stand out.
    """
    look = LEVELS[level.kind]
    drawn: dict[str, Any] = {"color": colours[level.kind], "linestyle": look.dash, "linewidth": look.width, "zorder": 3}
    values = [drawable(value) for value in level.values]
    if not values or all(math.isnan(value) for value in values):
        return
    if upright:
        if over:
            axes.axvline(values[0], color=colours["paper"], linewidth=look.width + 2.4, zorder=2.5)
        axes.axvline(values[0], **drawn)
    elif not level.x and len(values) == 1:
        if over:
            axes.axhline(values[0], color=colours["paper"], linewidth=look.width + 2.4, zorder=2.5)
        axes.axhline(values[0], **drawn)
    else:
        places = level.x or tuple(float(place) for place in range(1, len(values) + 1))
        if len(values) == 1:
            values *= len(places)
        if level.kind == "fit":
            axes.plot(places, values, **drawn)
        else:
            axes.plot(*stepped(places, values), **drawn)


def stepped(places: Sequence[float], values: Sequence[float]) -> tuple[list[float], list[float]]:
    """Return a line that changes half-way between places and reaches half a step beyond both ends; or from, to."""
    if len(places) == 2 and values[0] == values[1]:  # noqa: PLR2004 - from, to
        return list(places), list(values)
    if len(places) == 1:
        return [places[0] - 0.5, places[0] + 0.5], [values[0], values[0]]
    half = median(after - before for before, after in pairwise(places)) / 2
    edges = [places[0] - half]
    for before, after in pairwise(places):
        edges += [(before + after) / 2] * 2
    return [*edges, places[-1] + half], [value for value in values for _ in (0, 1)]


def draw_band(axes: Axes, band: Band, colours: Colours, ends: tuple[float, float]) -> None:
    """Shade a range of y, along all of the axes or between the places it has."""
    low, high = [drawable(value) for value in band.low], [drawable(value) for value in band.high]
    places: Sequence[float] = band.x
    if not places:
        places = ends if len(low) == 1 else tuple(float(place) for place in range(1, len(low) + 1))
    if len(low) == 1:
        low, high = low * len(places), high * len(places)
    shown: dict[str, Any] = {"color": colours[band.role], "linewidth": 0, "zorder": 1, "alpha": 0.16}
    axes.fill_between(places, low, high, **shown)
