"""A control chart as a picture: the values with their limits, below them the variation within."""

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from qms_mcp.pictures.model import Divider, Level, LevelKind, Mark, Panel, Picture, Series
from qms_mcp.services.analysis.methods.spc_answer import Signal, SpcChart, signals_of
from qms_mcp.services.analysis.methods.spc_reading import Read
from qms_mcp.statistics.spc.model import Chart, Stage
from qms_mcp.statistics.spc.model import Panel as ChartPanel

if TYPE_CHECKING:
    from qms_mcp.statistics.spc.rules import PerPoint, Values

MOST_POINTS: Final = 2_000
MOST_MARKS: Final = 60
_TITLED_STAGES: Final = 3
_LINES: Final[tuple[tuple[str, LevelKind, str], ...]] = (
    ("ucl", "control", "UCL"),
    ("center", "center", "Mean"),
    ("lcl", "control", "LCL"),
)


def drawn(read: Read, chart: Chart, answer: SpcChart) -> Picture:
    """Return the picture of a chart."""
    signals = signals_of(chart).shown
    if chart.kind == "CUSUM":
        panels = [_sums(read, chart, signals)]
    else:
        panels = [_panel(read, chart, at, signals) for at in range(len(chart.stages[0].panels))]
    notes = [flag.says for flag in answer.flags[:3]]
    if len(read.labels) > MOST_POINTS:
        notes.append(f"Of {len(read.labels)} points the lowest and highest of each stretch are drawn, and the signals.")
    if len({(signal.at, signal.panel) for signal in signals}) > MOST_MARKS:
        notes.append(
            f"In each panel {MOST_MARKS} points that signal are marked, first those where a rule begins to fire."
        )
    return Picture(
        title=f"{chart.kind} chart of {read.value}",
        panels=tuple(panels),
        subtitle=f"{len(read.labels)} points, phase {answer.phase}, {answer.made_with['rules']}",
        notes=tuple(notes),
        alt=answer.headline,
    )


def _panel(read: Read, chart: Chart, at: int, signals: Sequence[Signal]) -> Panel:
    import numpy as np  # noqa: PLC0415

    name = chart.stages[0].panels[at].name
    values = np.concatenate([stage.panels[at].values for stage in chart.stages])
    kept = _thinned(values, {signal.at for signal in signals if signal.panel == name})
    thin = len(kept) < values.size
    return Panel(
        series=(Series(y=tuple(_or_gap(values[place]) for place in kept), x=tuple(place + 1.0 for place in kept)),),
        y_label=f"{name} ({read.unit})" if read.unit and name in ("I", "X-bar", "MR", "R", "S", "EWMA", "t") else name,
        x_label="point" if thin or _numbered(read) else "",
        levels=tuple(level for stage in chart.stages for level in _levels(chart, stage, stage.panels[at])),
        marks=_marks(signals, {name: 1.0}),
        dividers=_dividers(chart),
        categories=() if thin or _numbered(read) else read.labels,
    )


def _sums(read: Read, chart: Chart, signals: Sequence[Signal]) -> Panel:
    """Draw both sums in one panel, the downward one below zero, as is usual."""
    import numpy as np  # noqa: PLC0415

    series, levels = list[Series](), list[Level]()
    for at, (name, side) in enumerate((("C+", 1.0), ("C-", -1.0))):
        values = side * np.concatenate([stage.panels[at].values for stage in chart.stages])
        kept = _thinned(values, {signal.at for signal in signals if signal.panel == name})
        series.append(
            Series(
                y=tuple(_or_gap(values[place]) for place in kept),
                x=tuple(place + 1.0 for place in kept),
                name=name,
                role="data" if side > 0 else "second",
            )
        )
        for stage in chart.stages:
            limit = side * float(stage.panels[at].ucl or 0.0)  # type: ignore[arg-type] - one number on a CUSUM
            label = f"H {limit:.5g}"
            levels.append(Level(values=(limit,), kind="control", label=label, x=_reach(chart, stage)))
    levels.append(Level(values=(0.0,), kind="center"))
    thin = len(read.labels) > MOST_POINTS
    return Panel(
        series=tuple(series),
        y_label=f"sum ({read.unit})" if read.unit else "sum",
        x_label="point" if thin or _numbered(read) else "",
        levels=tuple(levels),
        marks=_marks(signals, {"C+": 1.0, "C-": -1.0}),
        dividers=_dividers(chart),
        categories=() if thin or _numbered(read) else read.labels,
    )


def _levels(chart: Chart, stage: Stage, panel: ChartPanel) -> list[Level]:
    found = list[Level]()
    named = len(chart.stages) <= _TITLED_STAGES or stage is chart.stages[-1]
    for which, kind, words in _LINES:
        line: PerPoint | None = getattr(panel, which)
        if line is None:
            continue
        if isinstance(line, float | int):
            label = f"{words} {float(line):.5g}" if named else ""
            found.append(Level(values=(float(line),), kind=kind, label=label, x=_reach(chart, stage)))
        else:
            found.append(_by_point(stage, line, kind, words if named else ""))
    return found


def _by_point(stage: Stage, line: "Values", kind: LevelKind, words: str) -> Level:
    import numpy as np  # noqa: PLC0415

    places = np.unique(np.linspace(0, line.size - 1, min(line.size, MOST_POINTS)).astype(int)).tolist()
    values = tuple(_or_gap(float(line[place])) for place in places)
    last = next((value for value in reversed(values) if value is not None), None)
    label = f"{words} {last:.5g}" if words and last is not None else words
    return Level(values=values, kind=kind, label=label, x=tuple(stage.start + place + 1.0 for place in places))


def _reach(chart: Chart, stage: Stage) -> tuple[float, ...]:
    if len(chart.stages) == 1:
        return ()
    return (stage.start + 0.5, stage.start + stage.points + 0.5)


def _marks(signals: Sequence[Signal], sides: dict[str, float]) -> tuple[Mark, ...]:
    """Return a mark for each point that signals, with the numbers of its rules."""
    broken: dict[tuple[int, str], list[Signal]] = {}
    for signal in signals:
        if signal.panel in sides:
            broken.setdefault((signal.at, signal.panel), []).append(signal)
    begins = sorted(broken.items(), key=lambda found: not any(hit.first for hit in found[1]))[:MOST_MARKS]
    return tuple(
        Mark(
            x=at + 1.0,
            y=sides[panel] * hits[0].value,
            label=", ".join(str(hit.rule.number) for hit in hits),
            role="muted" if hits[0].excluded else "signal",
        )
        for (at, panel), hits in sorted(begins)
    )


def _dividers(chart: Chart) -> tuple[Divider, ...]:
    if len(chart.stages) == 1:
        return ()
    return tuple(Divider(x=stage.start + 0.5, label=stage.name) for stage in chart.stages)


def _thinned(values: "Values", needed: set[int]) -> list[int]:
    """Return the places drawn: all, or the lowest and highest of each of so many stretches, and the first signals."""
    import numpy as np  # noqa: PLC0415

    if values.size <= MOST_POINTS:
        return list(range(values.size))
    kept = set(sorted(needed)[:MOST_MARKS])
    edges = np.linspace(0, values.size, (MOST_POINTS - MOST_MARKS) // 2 + 1).astype(int).tolist()
    for start, stop in pairwise(edges):
        part = values[start:stop]
        if not np.isnan(part).all():
            kept |= {start + int(np.nanargmin(part)), start + int(np.nanargmax(part))}
    return sorted(kept)


def _numbered(read: Read) -> bool:
    return len(read.labels) > MOST_POINTS or all(label == str(at + 1) for at, label in enumerate(read.labels))


def _or_gap(value: float) -> float | None:
    number = float(value)
    return None if number != number else number  # noqa: PLR0124 - nan: a gap
