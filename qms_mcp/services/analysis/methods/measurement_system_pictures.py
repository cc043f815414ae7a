"""What measurement studies look like."""

from collections.abc import Sequence

from qms_mcp.pictures.model import Band, Divider, Level, Mark, Panel, Picture, Role, Series
from qms_mcp.services.analysis.methods.measurement_system_words import line_of
from qms_mcp.statistics.measurement.agreement import Agreement, Share
from qms_mcp.statistics.measurement.bias import Bias
from qms_mcp.statistics.measurement.gauge import GaugeResult
from qms_mcp.statistics.measurement.linearity import Linearity
from qms_mcp.statistics.measurement.study import Study
from qms_mcp.statistics.spc.constants import PUBLISHED

_ROLES: tuple[Role, ...] = ("data", "second", "third", "good", "muted")
_MOST_CELLS = 600
_MOST_POINTS = 2_000
_CONSTANTS_TO = 25
_SHOWN = {
    "gauge_rr": "Gauge R&R",
    "repeatability": "Repeatability",
    "reproducibility": "Reproducibility",
    "part": "Part",
}


def gauge_picture(found: GaugeResult, study: Study, unit: str, alt: str) -> Picture:
    """Return components as bars, the interaction, ranges by operator, and readings by part."""
    label = f"Reading ({unit})" if unit else "Reading"
    panels = [_bars(found), _by_part(study, label)]
    notes = [flag.says for flag in found.flags if flag.code != "few"][:3]
    if len(study.operators) > 1 and not any(not cell for row in study.cells for cell in row):
        panels.insert(1, _interaction(study, label))
        if len(study.operators) > len(_ROLES):
            notes.append(f"The first {len(_ROLES)} of {len(study.operators)} operators are drawn.")
    if study.trials is not None and 1 < study.trials <= _CONSTANTS_TO:
        panels.append(_ranges(study, label))
    ndc = "" if found.ndc is None else f", ndc {found.ndc}"
    return Picture(
        title="Gauge R&R",
        subtitle=f"{found.components[0].of_study:.1f} % of the study variation{ndc}; {len(study.parts)} parts, "
        f"{len(study.operators)} operators, {study.n} readings",
        panels=tuple(panels),
        notes=tuple(notes),
        alt=alt,
    )


def _bars(found: GaugeResult) -> Panel:
    rows = [row for row in found.components if row.name in _SHOWN]
    shown: list[tuple[str, Role, list[float | None]]] = [
        ("% contribution", "data", [row.contribution for row in rows]),
        ("% study variation", "second", [row.of_study for row in rows]),
    ]
    if rows[0].of_tolerance is not None:
        shown.append(("% tolerance", "third", [row.of_tolerance for row in rows]))
    if rows[0].of_process is not None:
        shown.append(("% process", "good", [row.of_process for row in rows]))
    width = 0.8 / len(shown)
    series = tuple(
        Series(
            y=tuple(y),
            x=tuple(at + 1 + (number - (len(shown) - 1) / 2) * width for at in range(len(rows))),
            style="bars",
            name=name,
            role=role,
            width=width * 0.92,
        )
        for number, (name, role, y) in enumerate(shown)
    )
    return Panel(
        title="Components of variation",
        series=series,
        y_label="per cent",
        categories=tuple(_SHOWN[row.name] for row in rows),
    )


def _interaction(study: Study, label: str) -> Panel:
    return Panel(
        title="Averages of operators by part (parallel lines: no interaction)",
        series=tuple(
            Series(y=tuple(_mean(row[at]) for row in study.cells), name=name, role=role)
            for at, (name, role) in enumerate(zip(study.operators, _ROLES, strict=False))
        ),
        x_label="Part",
        y_label=label,
        categories=study.parts,
    )


def _by_part(study: Study, label: str) -> Panel:
    points = [(at + 1.0, value) for at, row in enumerate(study.cells) for cell in row for value in cell]
    step = max(1, -(-len(points) // _MOST_POINTS))
    means = tuple(_mean([value for cell in row for value in cell]) for row in study.cells)
    return Panel(
        title="Readings by part, with their average",
        series=(
            Series(
                y=tuple(y for _, y in points[::step]),
                x=tuple(x for x, _ in points[::step]),
                style="points",
                role="muted",
            ),
            Series(y=means, style="line_points", role="data", name="average"),
        ),
        x_label="Part",
        y_label=label,
        categories=study.parts,
    )


def _ranges(study: Study, label: str) -> Panel:
    ranges = [max(row[at]) - min(row[at]) for at in range(len(study.operators)) for row in study.cells]
    parts = len(study.parts)
    average = sum(ranges) / len(ranges)
    low, high = (factor * average for factor in PUBLISHED.range_factors(study.trials or 2))
    kept = ranges[:_MOST_CELLS]
    marks = tuple(Mark(x=at + 1.0, y=value) for at, value in enumerate(kept) if value > high or value < low)
    operators = range(-(-len(kept) // parts))
    several = len(study.operators) > 1
    return Panel(
        title="Ranges by operator (outside the limits: an operator who measures less consistently)",
        series=(Series(y=tuple(kept)),),
        levels=(
            Level(values=(high,), kind="control", label=f"UCL {high:.4g}"),
            Level(values=(average,), kind="center", label=f"Rbar {average:.4g}"),
            *((Level(values=(low,), kind="control", label=f"LCL {low:.4g}"),) if low > 0 else ()),
        ),
        marks=marks,
        dividers=tuple(Divider(x=at * parts + 0.5, label=study.operators[at]) for at in operators) if several else (),
        x_label="Part, by operator" if several else "Part",
        y_label=label.replace("Reading", "Range"),
        categories=tuple(study.parts[at % parts] for at in range(len(kept))),
    )


def bias_picture(found: Bias, readings: Sequence[float | None], unit: str, alt: str) -> Picture:
    """Return the readings in order, with the reference and their average."""
    shown = tuple(readings[:_MOST_POINTS])
    last = float(len(shown))
    shift = (found.reference + found.low, found.reference + found.high)
    interval = f"{100 * found.level:g} % interval {found.low:.4g} to {found.high:.4g}"
    return Picture(
        title="Bias study",
        subtitle=f"bias {found.bias:.4g}, {interval}; n = {found.n}",
        panels=(
            Panel(
                series=(Series(y=shown, style="points"),),
                levels=(
                    Level(values=(found.reference,), kind="target", label=f"reference {found.reference:g}"),
                    Level(values=(found.mean,), kind="center", label=f"average {found.mean:.5g}"),
                ),
                bands=(
                    Band(
                        low=(shift[0], shift[0]),
                        high=(shift[1], shift[1]),
                        x=(1.0, last),
                        label="interval of the average",
                    ),
                ),
                x_label="Reading",
                y_label=f"Value ({unit})" if unit else "Value",
            ),
        ),
        notes=tuple(flag.says for flag in found.flags),
        alt=alt,
    )


def linearity_picture(
    found: Linearity, readings: Sequence[float | None], references: Sequence[float], unit: str, alt: str
) -> Picture:
    """Return the bias of every reading over the reference, with line, band and the line of no bias."""
    points = [
        (reference, reading - reference)
        for reference, reading in zip(references, readings, strict=True)
        if reading is not None
    ]
    step = max(1, -(-len(points) // _MOST_POINTS))
    x = tuple(point.reference for point in found.band)
    return Picture(
        title="Linearity study",
        subtitle=f"{line_of(found)}; n = {found.n}",
        panels=(
            Panel(
                series=(
                    Series(
                        y=tuple(y for _, y in points[::step]), x=tuple(x for x, _ in points[::step]), style="points"
                    ),
                    Series(
                        y=tuple(sum(b for r, b in points if r == at) / sum(r == at for r, _ in points) for at in x),
                        x=x,
                        style="points",
                        role="third",
                        name="average bias",
                    ),
                    Series(y=tuple(point.fit for point in found.band), x=x, style="line", role="second", name="line"),
                ),
                levels=(Level(values=(0.0,), kind="target", label="no bias"),),
                bands=(
                    Band(
                        low=tuple(point.low for point in found.band),
                        high=tuple(point.high for point in found.band),
                        x=x,
                        label=f"{100 * found.level:g} % band of the line",
                    ),
                ),
                x_label=f"Reference ({unit})" if unit else "Reference",
                y_label=f"Bias ({unit})" if unit else "Bias",
            ),
        ),
        notes=tuple(flag.says for flag in found.flags),
        alt=alt,
    )


def agreement_picture(found: Agreement, alt: str) -> Picture:
    """Return agreement within operators and with the standard, with the ends of the exact intervals."""
    people = found.operators[:20]
    panels = [
        _shares(title, [row.operator or "operator" for row in people], [getattr(row, name) for row in people])
        for name, title in (("within", "Agreement of trials"), ("effectiveness", "Agreement with the standard"))
        if any(getattr(row, name) is not None for row in people)
    ]
    return Picture(
        title="Attribute agreement",
        subtitle=f"{found.parts} parts, {len(found.operators)} operators, {found.trials} trials; exact intervals",
        panels=tuple(panels) or (Panel(title="Nothing was judged twice"),),
        notes=tuple(flag.says for flag in found.flags),
        alt=alt,
        side_by_side=True,
    )


def _shares(title: str, names: Sequence[str], shares: Sequence[Share | None]) -> Panel:
    return Panel(
        title=title,
        series=(
            Series(y=tuple(None if s is None else 100 * s.share for s in shares), style="bars", width=0.6),
            Series(
                y=tuple(None if s is None else 100 * s.low for s in shares),
                style="points",
                role="second",
                name="low end",
            ),
            Series(
                y=tuple(None if s is None else 100 * s.high for s in shares),
                style="points",
                role="third",
                name="high end",
            ),
        ),
        y_label="% of parts",
        categories=tuple(names),
    )


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
