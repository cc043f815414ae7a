"""A panel prepared for drawing: its scales, what is written around it, and how much room that takes.

All lengths are pixels. Nothing is drawn here, so that everything has its place before the first line is.
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from qms_mcp.pictures.labels import in_rows
from qms_mcp.pictures.model import Level, Panel, Series
from qms_mcp.pictures.scales import Scale, drawable, linear, logarithmic, number, reach
from qms_mcp.pictures.words import Words, fitted, width_of, wrapped

TICK, LABEL, HEADING = 12.0, 12.0, 13.0  # sizes of letters
ROW = 17.0  # the height of a line of them
HANDLE = 30.0  # what a legend shows of a line
_SLANT = math.radians(35)
_LONGEST_LABEL = 170.0
_LONGEST_CATEGORY = 220.0
_FEW = 24  # up to so many categories every one is named
_NUMBER = re.compile(r"[-\u2212]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_RULES = re.compile(r"\d{1,2}(, ?\d{1,2})*")
_BARS = frozenset({"bars", "barh", "area"})


class Tick(NamedTuple):
    """A tick with its lines of text."""

    at: float
    lines: tuple[str, ...]


class Written(NamedTuple):
    """Words at a place on a scale."""

    at: float
    text: str
    kind: str


class Entry(NamedTuple):
    """A line of the legend: what it stands for, and where it stands in its row."""

    text: str
    part: int
    of: str
    left: float
    row: int


@dataclass(slots=True)
class Frame:
    """A panel with what surrounds it.

    Attributes:
        panel: What is shown.
        series: Its series with the places of their values filled in.
        flat: Categories run down, values to the right.
        x: The scale below.
        y: The scale on the left.
        right: The scale on the right, if there is one.
        x_ticks: The ticks below; none if the panel below has the same.
        slanted: What they say runs upwards.
        y_ticks: The ticks on the left.
        limits: Labels of limits, for the right margin.
        strip: What stands above the axes at a place of x, and in which row.
        legend: What lines and shades stand for.
        margin_left: Room for the scale on the left and its label.
        margin_right: Room for the labels of limits or the scale on the right.
        below: Room for the ticks and the label below.
        height: Of the axes.
        told: The panel above has the same x scale, and says what its dividers are.
        first_signals: No panel before it has signals, so its legend says what they look like.
        heading: The title of the panel, in lines.
        notes: What has to be said about it below the picture.
    """

    panel: Panel
    series: tuple[Series, ...]
    flat: bool
    x: Scale
    y: Scale
    right: Scale | None
    x_ticks: tuple[Tick, ...] = ()
    slanted: bool = False
    y_ticks: tuple[Tick, ...] = ()
    limits: tuple[Written, ...] = ()
    strip: tuple[tuple[Written, int], ...] = ()
    legend: tuple[Entry, ...] = ()
    margin_left: float = 0.0
    margin_right: float = 0.0
    below: float = 0.0
    height: float = 0.0
    told: bool = False
    first_signals: bool = True
    heading: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list[str])

    @property
    def rows_above(self) -> int:
        """How many rows of words stand above the axes."""
        legend = max((entry.row for entry in self.legend), default=-1) + 1
        strip = max((row for _, row in self.strip), default=-1) + 1
        return len(self.heading) + legend + strip

    @property
    def above(self) -> float:
        """The room above the axes."""
        return self.rows_above * ROW + (6 if self.rows_above else 4)


def placed_series(panel: Panel) -> tuple[Series, ...]:
    """Return the series with the place of every value; bars that would stand in one place stand side by side."""
    plain_bars = [one for one in panel.series if one.style in {"bars", "barh"} and not one.x and not one.right]
    placed: list[Series] = []
    for one in panel.series:
        count = len(one.y) // 5 if one.style == "box" else len(one.y)
        x = one.x[:count] or tuple(range(1, count + 1))
        width = one.width
        if one in plain_bars and len(plain_bars) > 1:
            width = one.width / len(plain_bars)
            shift = (plain_bars.index(one) - (len(plain_bars) - 1) / 2) * width
            x = tuple(place + shift for place in x)
        placed.append(one.model_copy(update={"x": tuple(float(place) for place in x), "width": width}))
    return tuple(placed)


def framed(panel: Panel, words: Words, height: float, alike: Sequence[Panel] = ()) -> Frame:
    """Return a panel with its scales and the words at its sides; what depends on its width is added by `widened`.

    Args:
        panel: What is shown.
        words: As they can be drawn.
        height: Of the axes.
        alike: Panels whose values are on the same scale, so that they can be compared.
    """
    series = placed_series(panel)
    flat = any(one.style == "barh" for one in series)
    values, values_log = _value_scale(alike or (panel,), height, flat=flat)
    places = _place_range(panel, series, flat=flat)
    right = _right_scale(panel, series, height)
    frame = Frame(panel, series, flat, Scale(*places, (), ()), values, right)
    if panel.log_y and not values_log:
        frame.notes.append("A logarithmic scale cannot show values of zero or less; this one is linear.")
    frame.height = height
    if flat:
        frame.x, frame.y = values, Scale(places[1], places[0], (), ())
        names = [words.shown(name) for name in panel.categories] or [f"{place:g}" for place in series[0].x]
        frame.y_ticks = tuple(
            Tick(place, tuple(wrapped(name, TICK, _LONGEST_CATEGORY, lines=2)) or ("",))
            for place, name in enumerate(names, 1)
        )
    else:
        frame.y_ticks = tuple(Tick(tick, (label,)) for tick, label in zip(values.ticks, values.labels, strict=True))
    frame.limits = () if flat else tuple(_limits(frame, words))
    frame.margin_left = _left_margin(frame, words)
    frame.margin_right = _right_margin(frame)
    return frame


def widened(frame: Frame, words: Words, width: float, *, bare: bool) -> None:
    """Add what depends on the width of the axes: ticks below, the legend, the words above.

    Args:
        frame: The panel.
        words: As they can be drawn.
        width: Of the axes.
        bare: The panel below has the same x scale and says it.
    """
    panel = frame.panel
    if bare:
        frame.below = 8.0
    else:
        frame.x_ticks, frame.slanted = _x_ticks(frame, words, width)
        frame.below = 8 + _tick_height(frame) + (ROW + 4 if panel.x_label.strip() else 0)
    whole = width + frame.margin_right - 4
    frame.heading = tuple(wrapped(words.shown(panel.title), HEADING, whole, lines=2, weight="bold"))
    frame.legend = _legend(frame, words, whole)
    frame.strip = _strip(frame, words, width)


def _value_scale(panels: Sequence[Panel], height: float, *, flat: bool) -> tuple[Scale, bool]:
    values = [value for panel in panels for value in _values_of(panel, flat=flat)]
    panel = panels[0]
    based = any(one.style in _BARS and not one.right for each in panels for one in each.series)
    positive = [value for value in values if not math.isnan(value)]
    if panel.log_y and positive and min(positive) > 0:
        low, high = reach(values)
        return logarithmic(max(low, high / 10**12) / 1.3, high * 1.3), True
    low, high = reach(values, zero=based)
    # A label of a mark needs room above or below its point.
    pad = (high - low) * (max(0.07, 30 / height) if any(mark.label for mark in panel.marks) and not flat else 0.07)
    low, high = low - (0 if based and low >= 0 else pad), high + (0 if based and high <= 0 else pad)
    return linear(low, high, 520 if flat else height, each=85 if flat else 36), False


def _values_of(panel: Panel, *, flat: bool) -> Iterable[float]:
    """Yield all that has to be on the scale of values; nan for gaps."""
    for one in panel.series:
        if not one.right:
            yield from map(drawable, (*one.y, *one.low, *one.high))
    for level in panel.levels:
        if flat or not level.upright:
            yield from map(drawable, level.values)
    for band in panel.bands:
        yield from map(drawable, (*band.low, *band.high))
    yield from (drawable(mark.x if flat else mark.y) for mark in panel.marks)


def _place_range(panel: Panel, series: Sequence[Series], *, flat: bool) -> tuple[float, float]:
    """Return from where to where the places of the values go."""
    if panel.categories:
        last = max([len(panel.categories), *(round(max(one.x)) for one in series if one.x)])
        return 0.4, last + 0.6
    half = [one.width / 2 if one.style in {"bars", "barh"} else 0.0 for one in series]
    places = [
        place + side for one, reach_ in zip(series, half, strict=True) for place in one.x for side in (-reach_, reach_)
    ]
    places += [place for part in (*panel.levels, *panel.bands) for place in part.x]
    places += [
        value for level in panel.levels if level.upright and not flat for value in level.values if value is not None
    ]
    places += [mark.y if flat else mark.x for mark in panel.marks] + [divider.x for divider in panel.dividers]
    low, high = reach(map(drawable, places))
    if len(set(places)) == 1:
        return places[0] - 1, places[0] + 1
    pad = (high - low) * (0.04 if any(half) else 0.02)
    indexes = all(place == int(place) for place in places if abs(place) < 1e9) and high - low >= 1  # noqa: PLR2004
    return (low - max(pad, 0.5), high + max(pad, 0.5)) if indexes and high - low < 1000 else (low - pad, high + pad)  # noqa: PLR2004


def _right_scale(panel: Panel, series: Sequence[Series], height: float) -> Scale | None:
    if panel.percent_right:
        ticks = (0.0, 20.0, 40.0, 60.0, 80.0, 100.0)
        return Scale(0.0, 104.0, ticks, tuple(f"{tick:.0f} %" for tick in ticks))
    values = [drawable(value) for one in series if one.right for value in one.y]
    if not values:
        return None
    low, high = reach(values)
    return linear(low - (high - low) * 0.07, high + (high - low) * 0.07, height, each=36)


def labelled(level: Level, words: Words, scale: Scale) -> str:
    """Return the words of a limit: its label and its value, unless the label has a number already."""
    shown = words.shown(level.label)
    last = next((value for value in reversed(level.values) if value is not None and math.isfinite(value)), None)
    if last is None or level.kind == "fit":
        return shown
    if any(_is(float(found.replace("\u2212", "-")), last) for found in _NUMBER.findall(shown)):
        return shown
    value = number(last, abs(scale.high - scale.low) / 1000)
    return f"{shown} {value}".strip()


def _is(told: float, value: float) -> bool:
    """Return whether a number in words is this value, rounded or as per cent."""
    return any(math.isclose(told, meant, rel_tol=0.006, abs_tol=1e-12) for meant in (value, 100 * value))


def ends_early(level: Level, frame: Frame) -> bool:
    """Return whether a limit ends clearly before the last point: its words stand beside it, not at the right margin."""
    if not level.x:
        return False
    ends = [other.x[-1] for other in frame.panel.levels if other.x and not other.upright]
    last = max([*ends, *(max(one.x) for one in frame.series if one.x)])
    span = frame.x.high - frame.x.low
    return level.x[-1] < last - max(0.03 * span, 0.6 if span > 5 else 0.0)  # noqa: PLR2004 - points by number


def _limits(frame: Frame, words: Words) -> Iterable[Written]:
    for level in frame.panel.levels:
        values = [value for value in level.values if value is not None]
        if level.upright or not values or not level.label or ends_early(level, frame):
            continue
        text = fitted(labelled(level, words, frame.y), LABEL, _LONGEST_LABEL)
        yield Written(values[-1], text, level.kind)


def _left_margin(frame: Frame, words: Words) -> float:
    ticks = max((width_of(line, TICK) for tick in frame.y_ticks for line in tick.lines), default=0.0)
    return ticks + 12 + (22 if words.shown(frame.panel.y_label) else 0)


def _right_margin(frame: Frame) -> float:
    if frame.right:
        return max((width_of(label, TICK) for label in frame.right.labels), default=0.0) + 16
    return max((width_of(limit.text, LABEL) + 16 for limit in frame.limits), default=12.0)


def _x_ticks(frame: Frame, words: Words, width: float) -> tuple[tuple[Tick, ...], bool]:
    if frame.flat:
        return tuple(Tick(tick, (label,)) for tick, label in zip(frame.x.ticks, frame.x.labels, strict=True)), False
    if frame.panel.categories:
        return _categories(frame, [words.shown(name) for name in frame.panel.categories], width)
    whole = all(place == int(place) for one in frame.series for place in one.x if math.isfinite(place))
    bars = any(one.style == "bars" for one in frame.series)
    scale = linear(frame.x.low, frame.x.high, width, each=60, whole=whole and not bars)
    widest = max((width_of(label, TICK) for label in scale.labels), default=0.0)
    scale = linear(frame.x.low, frame.x.high, width, each=max(60.0, widest + 18), whole=whole and not bars)
    ticks = tuple(Tick(tick, (label,)) for tick, label in zip(scale.ticks, scale.labels, strict=True))
    if whole and not bars:  # numbered points: there is none before the first
        first = min((place for one in frame.series for place in one.x), default=frame.x.low)
        ticks = tuple(tick for tick in ticks if tick.at >= first) or ticks
    return ticks, False


def _categories(frame: Frame, names: Sequence[str], width: float) -> tuple[tuple[Tick, ...], bool]:
    """Return the names of categories: in a line, in several, slanted, or only some of them."""
    slot = width / (frame.x.high - frame.x.low)
    widest = max(width_of(name, TICK) for name in names)
    if widest <= slot - 8:
        return tuple(Tick(place, (name,)) for place, name in enumerate(names, 1)), False
    apart = any(one.style in {"bars", "box"} for one in frame.series)
    words = [word for name in names for word in name.split()]
    if len(names) <= _FEW and slot >= 50 and max(width_of(word, TICK) for word in words) <= slot - 8:  # noqa: PLR2004
        broken = [tuple(wrapped(name, TICK, slot - 8, lines=4)) for name in names]
        if max(map(len, broken)) <= 3:  # noqa: PLR2004 - more is a column, not a label
            return tuple(Tick(place, lines or ("",)) for place, lines in enumerate(broken, 1)), False
    if apart and len(names) <= _FEW and slot >= 16:  # noqa: PLR2004 - the height of slanted letters
        return tuple(Tick(place, (fitted(name, TICK, 150),)) for place, name in enumerate(names, 1)), True
    short = [fitted(name, TICK, 110) for name in names]
    every = math.ceil((max(width_of(name, TICK) for name in short) + 14) / slot)
    return tuple(Tick(place, (name,)) for place, name in list(enumerate(short, 1))[::every]), False


def _tick_height(frame: Frame) -> float:
    if frame.slanted:
        return max(width_of(tick.lines[0], TICK) for tick in frame.x_ticks) * math.sin(_SLANT) + TICK + 2
    return max((len(tick.lines) for tick in frame.x_ticks), default=0) * 15.0 + 2


def slant_overhang(frame: Frame, width: float) -> float:
    """Return how far slanted names reach beyond the left end of the axes."""
    if not frame.slanted:
        return 0.0
    return max(
        width_of(tick.lines[0], TICK) * math.cos(_SLANT) - frame.x.share(tick.at) * width for tick in frame.x_ticks
    )


def _legend(frame: Frame, words: Words, width: float) -> tuple[Entry, ...]:
    named = [(words.shown(one.name), part, "series") for part, one in enumerate(frame.series) if one.name.strip()]
    named += [
        (words.shown(band.label), part, "band") for part, band in enumerate(frame.panel.bands) if band.label.strip()
    ]
    signals = [mark for mark in frame.panel.marks if mark.role == "signal"]
    if signals and frame.first_signals:
        ruled = all(_RULES.fullmatch(mark.label) for mark in signals)
        named.append(("signal, with its rule" if ruled else "signal", 0, "mark"))
    entries: list[Entry] = []
    left, row = 0.0, 0
    for text, part, of in named:
        short = fitted(text, LABEL, width - HANDLE - 10)
        needs = HANDLE + width_of(short, LABEL)
        if left and left + needs > width:
            left, row = 0.0, row + 1
        entries.append(Entry(short, part, of, left, row))
        left += needs + 18
    return tuple(entries)


def _strip(frame: Frame, words: Words, width: float) -> tuple[tuple[Written, int], ...]:
    """Return what stands above the axes, in rows in which nothing touches."""
    panel = frame.panel
    stage = max(120.0, width / max(1, len(panel.dividers)) - 12)
    items = [
        Written(divider.x, fitted(words.shown(divider.label), LABEL, stage), "divider")
        for divider in panel.dividers
        if divider.label.strip() and not frame.told
    ]
    for level in panel.levels:
        values = [value for value in level.values if value is not None]
        if (level.upright or frame.flat) and values and level.label.strip():
            items.append(Written(values[0], fitted(labelled(level, words, frame.x), LABEL, 200), level.kind))
    spans: list[tuple[float, float]] = []
    for item in items:
        place, wide = frame.x.share(item.at) * width, width_of(item.text, LABEL)
        left = place if item.kind == "divider" else place - wide / 2
        left = min(max(left, 0.0), max(0.0, width - wide))
        spans.append((left, left + wide))
    return tuple(zip(items, in_rows(spans, gap=10), strict=True))
