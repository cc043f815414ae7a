"""What a control chart answers: the verdict in a sentence, limits by stage, signals with their rules, the points."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from qms_mcp.services.analysis.method import Analysed, flagged, significant
from qms_mcp.services.analysis.methods.spc_options import FrozenLimits, SpcOptions
from qms_mcp.services.analysis.methods.spc_reading import Read
from qms_mcp.services.answer import Answer
from qms_mcp.statistics.flags import Flag
from qms_mcp.statistics.spc.model import Chart, Panel, Settings, Stage
from qms_mcp.statistics.spc.rules import Hits, Rule

if TYPE_CHECKING:
    from qms_mcp.statistics.spc.rules import PerPoint

MOST_ROWS: Final = 200
_FEW_TO_JUDGE: Final = 8


class Rows(Answer):
    """A table: what its columns are called, and its rows; `total` when there are more.

    Attributes:
        rules: Of signals: what the rules that fire say, by number.
    """

    columns: list[str]
    rows: list[list[Any]]
    total: int | None = None
    rules: dict[str, str] | None = None


class SpcChart(Analysed):
    """A control chart.

    Attributes:
        phase: I, or II with what it is judged against.
        n: How many observations it rests on.
        stages: The limits of each stage and panel.
        signals: Each rule at each point it fires at; `first` where it begins to.
        points: What is plotted, the last 200, with limits that change and the rules broken.
        made_with: Rule set, convention of the factors, points left out and why.
        limits_to_freeze: Of phase I: what a baseline keeps.
    """

    chart: str
    why: str
    phase: str
    in_control: bool | None = None
    n: int
    stages: Rows
    signals: Rows | None = None
    points: Rows
    made_with: dict[str, Any]
    limits_to_freeze: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Signal:
    """A rule that fires at a point.

    Attributes:
        at: The 0-based place of the point that completes the pattern.
        panel: On which panel.
        value: What is plotted there.
        rule: Which rule.
        first: It is where the rule begins to fire.
        excluded: The point was left out of the estimates, for a cause that was found.
    """

    at: int
    panel: str
    value: float
    rule: Rule
    first: bool
    excluded: bool


@dataclass(frozen=True, slots=True)
class Signals:
    """What signals, as far as anybody reads it.

    Attributes:
        shown: In order: the first of each rule, and those among the last points.
        total: How many there are: each rule at each point.
        points: How many points signal, those left out apart.
        first: The first one at a point that was not left out.
    """

    shown: tuple[Signal, ...]
    total: int
    points: int
    first: Signal | None


def signals_of(chart: Chart) -> Signals:
    """Return where rules fire; `first` where one begins to."""
    import numpy as np  # noqa: PLC0415

    shown, total = list[Signal](), 0
    points = np.zeros(0, dtype=np.intp)
    last = sum(stage.points for stage in chart.stages) - MOST_ROWS
    for stage, panel, hits in _fired(chart):
        places = hits.at + stage.start
        total += places.size
        # A range that touches a point left out signals that point.
        left_out = np.isin(places, [at + more for at in chart.excluded for more in range(panel.reach)])
        points = np.union1d(points, places[~left_out])
        begins = np.ones(places.shape, dtype=np.bool_)
        begins[1:] = places[1:] > places[:-1] + 1
        counted = np.cumsum(~left_out)
        chosen = np.flatnonzero((np.arange(places.size) < MOST_ROWS) | (counted == 1) | (places >= last))
        shown += [
            Signal(
                int(places[at]),
                panel.name,
                float(panel.values[hits.at[at]]),
                hits.rule,
                bool(begins[at]),
                bool(left_out[at]),
            )
            for at in chosen.tolist()
        ]
    shown.sort(key=lambda signal: (signal.at, signal.panel, signal.rule.number))
    first = next((signal for signal in shown if not signal.excluded), None)
    return Signals(tuple(shown), total, points.size, first)


def _fired(chart: Chart) -> "Iterator[tuple[Stage, Panel, Hits]]":
    for stage in chart.stages:
        for panel in stage.panels:
            for hits in panel.hits:
                if hits.at.size:
                    yield stage, panel, hits


def answered(read: Read, chart: Chart, options: SpcOptions, settings: Settings, flags: tuple[Flag, ...]) -> SpcChart:
    """Return the answer of a chart."""
    signals = signals_of(chart)
    phase = "II" if all(stage.estimate.known for stage in chart.stages) else "I"
    in_control = False if signals.first else (None if len(read.labels) < _FEW_TO_JUDGE else True)
    return SpcChart(
        headline=_headline(read, chart, signals, in_control),
        flags=flagged([*flags, *_of_baseline(options, read)]),
        chart=chart.kind,
        why=read.why,
        phase=_phase(phase, options),
        in_control=in_control,
        n=read.n,
        stages=_stage_rows(chart),
        signals=_signal_rows(read, chart, signals) if signals.total else None,
        points=_point_rows(read, chart, signals.shown),
        made_with={
            "rules": _rules_said(chart, options, settings),
            "constants": settings.constants.convention,
            **_excluded(chart, options),
        },
        limits_to_freeze=frozen(read, chart, settings) if phase == "I" and len(chart.stages) == 1 else None,
    )


def frozen(read: Read, chart: Chart, settings: Settings) -> dict[str, Any]:
    """Return the limits of a chart of one stage as they can be kept: nothing is rounded."""
    estimate = chart.stages[0].estimate
    sizes = _sizes(read)
    return FrozenLimits(
        chart=chart.kind,
        center=estimate.center,
        sigma=estimate.sigma,
        subgroup_sizes=(min(sizes), max(sizes)) if sizes else (),
        constants=settings.constants.convention,
        sigma_method=settings.sigma_method,
        sigma_limits=settings.limits_at,
        span=settings.span,
        sigma_z=estimate.sigma_z,
        shape=estimate.shape,
        sd_center=estimate.sd_center,
        rare_limits=settings.rare_limits,
        lambda_=settings.weight,
        steady=settings.steady,
        k=settings.reference,
        h=settings.decision,
        head_start=settings.head_start,
        points=len(read.labels) - len(chart.excluded),
        value=read.value,
        unit=read.unit,
    ).model_dump(mode="json", exclude_defaults=True, exclude={"name", "version", "signed_off"})


def _sizes(read: Read) -> list[float]:
    import numpy as np  # noqa: PLC0415

    observed = read.observations
    if observed.values.ndim > 1:
        there = (~np.isnan(observed.values)).sum(axis=1)
        return [float(size) for size in there if size]
    return [] if observed.sizes is None else [float(size) for size in observed.sizes if not np.isnan(size)]


def _headline(read: Read, chart: Chart, signals: Signals, in_control: bool | None) -> str:
    what = f"{chart.kind} chart of {read.value}"
    last = chart.stages[-1]
    limits = limits_said(last.panels[0], read.unit)
    where = f" (stage {last.name})" if len(chart.stages) > 1 else ""
    held = f"{limits}{where}"
    if in_control is None:
        return f"{what}: no signal, but {len(read.labels)} points are too few to call it in control; {held}."
    first = signals.first
    if first is None:
        return f"{what}: in control, no signal in {len(read.labels)} points; {held}."
    named = read.labels[first.at]
    label = "" if named == str(first.at + 1) else f" ({named})"
    return (
        f"{what}: not in control, {signals.points} of {len(read.labels)} points signal; the first is point "
        f"{first.at + 1}{label}, {first.panel} {first.value:.6g}: {first.rule.words}; {held}."
    )


def limits_said(panel: Panel, unit: str) -> str:
    """Return the limits of a panel in words."""
    of = f" {unit}" if unit and panel.name in ("I", "X-bar", "EWMA", "t", "C+") else ""
    if panel.name == "C+":
        return f"decision interval {_short(panel.ucl)}{of}"
    if not isinstance(panel.ucl, float | int):
        return f"centre {_short(panel.center)}{of}, limits by point"
    return f"centre {_short(panel.center)}{of}, limits {_short(panel.lcl)} to {_short(panel.ucl)}"


def _short(line: "PerPoint | None") -> str:
    return f"{line:.6g}" if isinstance(line, float | int) else "by point"


def _phase(phase: str, options: SpcOptions) -> str:
    if phase == "I":
        return "I"
    if options.baseline is None:
        return "II: a standard given"
    return f"II: {options.baseline.name or 'a baseline'}"


def _of_baseline(options: SpcOptions, read: Read) -> list[Flag]:
    baseline = options.baseline
    if baseline is None:
        return []
    found = list[Flag]()
    if not baseline.signed_off:
        found.append(
            Flag("not_signed_off", f"Nobody signed the limits {baseline.name or 'given'}.", "Have them signed.")
        )
    if baseline.value and baseline.value != read.value:
        says = f"The baseline was made from {baseline.value}, this is {read.value}."
        found.append(Flag("other_quantity", says, "Make sure that both are the same characteristic."))
    if baseline.unit and not read.unit:
        says = f"The baseline is in {baseline.unit}; in what {read.value} is measured is not said."
        found.append(Flag("unit_unknown", says, "Give units of the source."))
    sizes = _sizes(read)
    if sizes and baseline.subgroup_sizes and {min(sizes), max(sizes)} != set(baseline.subgroup_sizes):
        made = " to ".join(f"{size:g}" for size in dict.fromkeys(baseline.subgroup_sizes))
        found.append(
            Flag(
                "unequal_sizes",
                f"The baseline was made from sizes of {made}, here they are {min(sizes):g} to {max(sizes):g}; the "
                "limits were computed anew for these from the same centre and sigma.",
            )
        )
    return found


def _rules_said(chart: Chart, options: SpcOptions, settings: Settings) -> str:
    used = {hits.rule.number: hits.rule for panel in chart.stages[0].panels for hits in panel.hits}
    numbers = ", ".join(
        f"{rule.number} ({rule.length})" if rule.pattern == "one_side" else str(rule.number) for rule in used.values()
    )
    left = ", ".join(str(rule.number) for rule in settings.rules if rule.number not in used)
    apart = f"; {left} {'makes' if len(left) == 1 else 'make'} no sense on this chart" if left else ""
    return f"{options.rules.split()[0].strip(':')}: rules {numbers or 'none'}{apart}"


def _excluded(chart: Chart, options: SpcOptions) -> dict[str, Any]:
    if not chart.excluded:
        return {}
    places = [at + 1 for at in chart.excluded]
    return {"excluded": places[:MOST_ROWS], "because": options.exclude_reason or "beyond the limits (iterate)"}


def _stage_rows(chart: Chart) -> Rows:
    rows = list[list[Any]]()
    for stage in chart.stages:
        span = f"{stage.start + 1}-{stage.start + stage.points}"
        rows += [
            [
                stage.name or "all",
                span,
                panel.name,
                _number(panel.center),
                _number(panel.lcl),
                _number(panel.ucl),
                significant(stage.estimate.sigma),
                _how(stage),
            ]
            for panel in stage.panels
        ]
    columns = ["stage", "points", "panel", "center", "lcl", "ucl", "sigma", "sigma_from"]
    return Rows(columns=columns, rows=rows[:MOST_ROWS])


def _how(stage: Stage) -> str:
    z = stage.estimate.sigma_z
    return stage.estimate.method + (f"; sigma_z {z:.6g}" if z is not None else "")


def _number(line: "PerPoint | None") -> float | str | None:
    if line is None:
        return None
    return significant(float(line)) if isinstance(line, float | int) else "by point"


def _signal_rows(read: Read, chart: Chart, signals: Signals) -> Rows:
    rows = [
        [
            signal.at + 1,
            read.labels[signal.at],
            signal.panel,
            significant(signal.value),
            signal.rule.number,
            ("first" if signal.first else "goes on") + (", left out" if signal.excluded else ""),
        ]
        for signal in signals.shown[:MOST_ROWS]
    ]
    rules = {str(hits.rule.number): hits.rule.words for _, _, hits in _fired(chart)}
    columns = ["point", "label", "panel", "value", "rule", "fires"]
    return Rows(columns=columns, rows=rows, total=signals.total, rules=rules)


def _point_rows(read: Read, chart: Chart, signals: Sequence[Signal]) -> Rows:
    """Return the last points, as many as anybody reads; a limit has a column when it changes from point to point."""
    names = [panel.name for panel in chart.stages[0].panels]
    varying = [
        (at, which)
        for at in range(len(names))
        for which in ("lcl", "ucl")
        if any(not isinstance(getattr(stage.panels[at], which), float | int | None) for stage in chart.stages)
    ]
    broken: dict[int, list[str]] = {}
    for signal in signals:
        mark = str(signal.rule.number) + ("" if signal.panel == names[0] else f" {signal.panel}")
        broken.setdefault(signal.at, []).append(mark)
    rows = list[list[Any]]()
    start = max(0, len(read.labels) - MOST_ROWS)
    for stage in chart.stages:
        for at in range(max(stage.start, start), stage.start + stage.points):
            place = at - stage.start
            rows.append(
                [
                    at + 1,
                    read.labels[at],
                    *(_value(panel, place) for panel in stage.panels),
                    *(_line(stage.panels[panel], which, place) for panel, which in varying),
                    ", ".join(broken.get(at, [])),
                ]
            )
    columns = ["point", "label", *names, *(f"{names[at]} {which}" for at, which in varying), "rules"]
    return Rows(columns=columns, rows=rows, total=len(read.labels))


def _value(panel: Panel, place: int) -> float | None:
    value = float(panel.values[place])
    return None if value != value else significant(value)  # noqa: PLR0124 - nan: a gap


def _line(panel: Panel, which: Any, place: int) -> float | None:
    value = panel.line(which, place)
    return None if value is None else significant(value)
