"""One picture of each kind, computed by the methods from numbers made up for it."""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from qms_mcp.pictures.model import Level, Mark, Panel, Picture, Series
from qms_mcp.services.analysis.method import Method
from qms_mcp.services.analysis.table import Table


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture of the gallery.

    Attributes:
        name: Of its file.
        heading: What it is.
        words: What it is for, in a line.
        make: Computes it.
    """

    name: str
    heading: str
    words: str
    make: Callable[[], Picture]


def _of(
    method: Method[Any, Any], columns: dict[str, Sequence[Any]], units: dict[str, str] | None = None, **options: Any
) -> Picture:
    computed = method.compute(Table(columns, units or {}, says="made up"), method.options.model_validate(options))
    assert computed.picture is not None
    return computed.picture


def _normal(seed: int, count: int, mean: float, sd: float, digits: int = 4) -> list[float]:
    draw = random.Random(seed)  # noqa: S311 - an example
    return [round(draw.gauss(mean, sd), digits) for _ in range(count)]


def _spc(columns: dict[str, Sequence[Any]], units: dict[str, str] | None = None, **options: Any) -> Picture:
    from qms_mcp.services.analysis.methods.spc_chart import SPC_CHART

    return _of(SPC_CHART, columns, units, **options)


def individuals() -> Picture:
    before, after = _normal(4, 24, 24.98, 0.011), _normal(9, 20, 25.012, 0.008)
    before[16] = 25.041
    after[12:18] = [25.018, 25.021, 25.024, 25.027, 25.029, 25.033]
    stages = ["first mould"] * len(before) + ["second mould"] * len(after)
    return _spc({"bore": before + after, "mould": stages}, {"bore": "mm"}, value="bore", stage="mould", rules="nelson")


def subgroups() -> Picture:
    values = _normal(21, 125, 350.4, 1.2, 1)
    values[85:90] = [value + 2.6 for value in values[85:90]]
    return _spc({"fill": values}, {"fill": "ml"}, value="fill", subgroup_size=5)


def proportions() -> Picture:
    draw = random.Random(3)  # noqa: S311 - an example
    sizes = [draw.choice([80, 120, 200, 260]) for _ in range(26)]
    rejected = [sum(draw.random() < 0.05 for _ in range(size)) for size in sizes]
    rejected[18] = round(sizes[18] * 0.14)
    weeks = [f"2026-W{week:02d}" for week in range(1, 27)]
    columns: dict[str, Sequence[Any]] = {"week": weeks, "rejected": rejected, "inspected": sizes}
    return _spc(columns, value="rejected", size="inspected", time="week", chart="p")


def ewma() -> Picture:
    values = _normal(31, 20, 6.8, 0.1, 3) + _normal(32, 16, 6.88, 0.1, 3)
    return _spc({"ph": values}, value="ph", chart="ewma", target=6.8, sigma=0.1)


def cusum() -> Picture:
    values = _normal(41, 22, 50.0, 1.0, 2) + _normal(42, 14, 51.1, 1.0, 2)
    return _spc({"torque": values}, {"torque": "Nm"}, value="torque", chart="cusum", target=50.0, sigma=1.0)


def rare_events() -> Picture:
    draw = random.Random(8)  # noqa: S311 - an example
    gaps = [int(math.log(1 - draw.random()) / math.log(1 - 0.012)) for _ in range(24)]
    gaps[19] = 520
    return _spc({"parts": gaps}, value="parts", chart="g")


def capability() -> Picture:
    from qms_mcp.services.analysis.methods.process_capability import PROCESS_CAPABILITY

    values = _normal(51, 120, 12.03, 0.021, 3)
    return _of(
        PROCESS_CAPABILITY,
        {"width": values},
        {"width": "mm"},
        value="width",
        lsl=11.94,
        usl=12.1,
        target=12.02,
        subgroup=4,
    )


def gauge() -> Picture:
    from qms_mcp.services.analysis.methods.measurement_system import MEASUREMENT_SYSTEM

    draw = random.Random(61)  # noqa: S311 - an example
    parts = [10 + 0.09 * part for part in (0, 3, -2, 5, 1, -4, 2, 6, -1, 4)]
    rows = [
        (f"part {number}", person, round(true + lean + draw.gauss(0, 0.035), 3))
        for number, true in enumerate(parts, 1)
        for person, lean in (("Ada", 0.0), ("Ben", 0.03), ("Cem", -0.01))
        for _ in range(3)
    ]
    part, person, value = (list(column) for column in zip(*rows, strict=True))
    columns: dict[str, Sequence[Any]] = {"part": part, "person": person, "diameter": value}
    return _of(MEASUREMENT_SYSTEM, columns, {"diameter": "mm"}, value="diameter", part="part", operator="person")


def pareto() -> Picture:
    from qms_mcp.services.analysis.methods.pareto import PARETO

    counts = {
        "Seal leaks": 61, "Label unreadable": 34, "Wrong torque": 22, "Scratched housing": 14, "Part missing": 9,
        "Connector bent": 6, "Packaging torn": 4, "Other": 3,
    }  # fmt: skip
    return _of(PARETO, {"defect": list(counts), "count": list(counts.values())}, category="defect", count="count")


def boxes() -> Picture:
    from qms_mcp.services.analysis.methods.compare_groups import COMPARE_GROUPS

    groups = {
        "Line A": (12.0, 0.5, 30),
        "Line B": (12.2, 0.6, 28),
        "Line C": (13.1, 0.5, 31),
        "Line D": (12.1, 1.1, 25),
    }
    values, names = list[float](), list[str]()
    for seed, (name, (mean, sd, count)) in enumerate(groups.items()):
        values += _normal(70 + seed, count, mean, sd, 2)
        names += [name] * count
    return _of(COMPARE_GROUPS, {"time": values, "line": names}, {"time": "min"}, value="time", group="line")


def intervals() -> Picture:
    from qms_mcp.services.analysis.methods.compare_groups import COMPARE_GROUPS

    columns: dict[str, Sequence[Any]] = {
        "supplier": ["Alba", "Borea", "Castor", "Delphin", "Eos"],
        "rejected": [14, 9, 31, 4, 7],
        "inspected": [420, 310, 405, 260, 95],
    }
    return _of(COMPARE_GROUPS, columns, value="rejected", trials="inspected", group="supplier")


def sampling() -> Picture:
    from qms_mcp.services.analysis.methods.sampling_plan import SAMPLING_PLAN

    return _of(SAMPLING_PLAN, {}, lot_size=1500, aql=1.0)


def anomalies() -> Picture:
    from qms_mcp.services.analysis.methods.find_anomalies import FIND_ANOMALIES

    values = [
        round(120 + 18 * math.sin(day * 2 * math.pi / 7) + noise, 1) for day, noise in enumerate(_normal(91, 84, 0, 3))
    ]
    values[45] += 34
    days = [f"2026-{4 + day // 28:02d}-{1 + day % 28:02d}" for day in range(84)]
    return _of(FIND_ANOMALIES, {"day": days, "calls": values}, value="calls", time="day", season=7, kind="seasonal")


def trend() -> Picture:
    from qms_mcp.services.analysis.methods.detect_trends import DETECT_TRENDS

    noise = _normal(111, 36, 0, 0.8)
    values = [round(14 + 0.05 * month + (4 if month >= 24 else 0) + noise[month], 1) for month in range(36)]
    months = [f"{2023 + month // 12}-{1 + month % 12:02d}-01" for month in range(36)]
    return _of(DETECT_TRENDS, {"month": months, "complaints": values}, value="complaints", time="month")


def small_multiples() -> Picture:
    """A picture of our own: what one characteristic does on six machines."""
    panels = list[Panel]()
    for machine in range(1, 7):
        values = _normal(100 + machine, 24, 5 + (0.5 if machine == 4 else 0), 0.22, 3)
        panels.append(
            Panel(
                title=f"Press {machine}",
                series=(Series(y=tuple(values)),),
                levels=(
                    Level(values=(5.6,), kind="control", label="UCL"),
                    Level(values=(5.0,), kind="center", label="Mean"),
                    Level(values=(4.4,), kind="control", label="LCL"),
                ),
                y_label="kN" if machine in {1, 4} else "",
                marks=tuple(Mark(x=at, y=value, label="1") for at, value in enumerate(values, 1) if value > 5.6),
            )
        )
    return Picture(
        title="Force by press",
        subtitle="24 strokes each, limits of all presses together",
        panels=tuple(panels),
        alt="Press 4 runs above the others.",
        side_by_side=True,
    )


def ranking() -> Picture:
    """A picture of our own: lying bars, with long names."""
    rows = (
        ("CAPA effectiveness check overdue", 41.0), ("Change request waits for the supplier", 33.0),
        ("Complaint not yet classified", 18.0), ("Deviation without root cause", 12.0), ("Audit finding open", 7.0),
    )  # fmt: skip
    series = Series(
        y=tuple(days for _, days in rows),
        style="barh",
        low=tuple(days * 0.8 for _, days in rows),
        high=tuple(days * 1.3 for _, days in rows),
    )
    panel = Panel(
        series=(series,),
        x_label="days, median with 95 % interval",
        categories=tuple(name for name, _ in rows),
        levels=(Level(values=(30.0,), kind="spec", label="Limit"),),
    )
    return Picture(title="Where time is lost", panels=(panel,), alt="CAPA effectiveness checks wait longest, 41 days.")


GALLERY: tuple[Shown, ...] = (
    Shown("individuals", "Individuals and moving range", "Single values, with limits of each stage.", individuals),
    Shown("subgroups", "Averages and ranges", "Subgroups: where the process is, and how much it scatters.", subgroups),
    Shown(
        "proportions",
        "Proportions",
        "Rejected parts of samples of unequal size: the limits follow the size.",
        proportions,
    ),
    Shown("ewma", "EWMA", "An average with a memory finds small shifts.", ewma),
    Shown("cusum", "CUSUM", "Sums of deviations from a target find small, lasting shifts.", cusum),
    Shown("rare-events", "Rare events", "Good parts between two bad ones; a high point is good news.", rare_events),
    Shown("capability", "Capability", "Values against their specification, and whether the model fits.", capability),
    Shown("gauge", "Measurement system", "How much of what is seen comes from measuring.", gauge),
    Shown("sampling", "Sampling plan", "What a plan does to good and to bad lots.", sampling),
    Shown("anomalies", "Anomalies", "What does not fit the season and the level before it.", anomalies),
    Shown("trend", "Trend", "A slope with its interval, and where the level changed.", trend),
    Shown("pareto", "Pareto", "The few categories that hold most of it.", pareto),
    Shown("boxes", "Groups", "Quartiles, and means with their intervals.", boxes),
    Shown("intervals", "Proportions of groups", "Rates with exact intervals: few parts, wide interval.", intervals),
    Shown("ranking", "Lying bars", "Long names, and a limit.", ranking),
    Shown("small-multiples", "Small multiples", "The same scale for all, to compare.", small_multiples),
)
