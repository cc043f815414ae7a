"""What the analytics agent does without a model: ages, months, repetition and where most of it comes from."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from math import sqrt

from qms_mcp.agents.definition import Calls, Task
from qms_mcp.agents.inspecting import (
    COUNTED,
    LIKELY,
    Check,
    Inspection,
    Table,
    counted,
    inspect,
    noun,
    share,
    some,
    weight_of_late,
)
from qms_mcp.agents.outputs import AgentOutput

# A month is a change when it is further from the mean of those before than this many square roots of that mean.
_SWING = 2.0
_MONTHS_TO_COMPARE = 6
_LATE_SHARE = 0.25
_OLD_DAYS = 365
_REPEATED = 3
_MOST = 0.6


async def playbook(calls: Calls, task: Task) -> AgentOutput:
    """Compute the standing figures; those about data that is known to be wrong come with a caution."""
    checks = [
        Check("what the data agent found", _cautions),
        Check("open records and their age", _ages),
        Check("time to close", _closing),
        Check("events by month", _months),
        Check("complaints by product", _products),
        Check("nonconformances by supplier", _suppliers),
        Check("causes", _causes),
        Check("areas", _areas),
    ]
    return await inspect(calls, task, "Analytics", checks)


async def _cautions(inspection: Inspection) -> None:
    for key, answer in inspection.task.inputs.items():
        grave = [finding for _, finding in answer.findings() if finding.severity in {"critical", "major"}]
        measures = sorted({finding.measure for finding in grave if finding.measure})
        if not grave:
            continue
        records = sorted({number for finding in grave for number in finding.evidence.records})
        inspection.insight(
            f"Read these figures with care: {key} reported {counted(len(grave), 'grave finding')} on the records they "
            f"are computed from ({some(measures, 4)}).",
            call="", severity="minor", confidence=LIKELY, subject="figures", measure="findings on their data",
            value=len(grave), records=records,
        )  # fmt: skip


async def _ages(inspection: Inspection) -> None:
    table = await inspection.rows("open_by_type", "open records and their age")
    if table is None:
        return
    whole = sum(row["open"] for row in table.rows)
    per_type = some((f"{noun(row['category'])} {row['open']}" for row in table.rows), 12)
    inspection.insight(
        f"{counted(whole, 'record')} open{f': {per_type}' if per_type else ''}.",
        call=table.label, subject="records", measure="open", value=whole,
    )  # fmt: skip
    for row in table.rows:
        what = noun(row["category"])
        if row["category"] == "document":
            continue  # documents stay open as long as they are in force
        inspection.insight(
            f"An open {what} is {counted(row['median_days'], 'day')} old in the middle; the oldest of {row['open']}, "
            f"{row['oldest']}, {counted(row['oldest_days'], 'day')}.",
            call=table.label, severity="minor" if row["oldest_days"] > _OLD_DAYS else "info", subject=what,
            measure="median days open", value=row["median_days"], records=[row["oldest"]],
        )  # fmt: skip
        if row["overdue"]:
            inspection.insight(
                f"{row['overdue']} of {row['open']} open {what} records are past their due date.",
                call=table.label, severity=weight_of_late(row["overdue"], row["open"]), subject=what,
                measure="overdue", value=row["overdue"], records=[row["longest_overdue"]],
            )  # fmt: skip


async def _closing(inspection: Inspection) -> None:
    table = await inspection.rows("closed_by_type", "time to close")
    for row in table.rows if table else ():
        what = noun(row["category"])
        inspection.insight(
            f"Of {row['closed']} {what} records closed within a year, {row['late']} came after the due date "
            f"({share(row['late'], row['closed'])}); in the middle it took {counted(row['median_days'], 'day')}.",
            call=table.label if table else "", subject=what, measure="closed late in a year", value=row["late"],
            severity="minor" if row["late"] > _LATE_SHARE * row["closed"] else "info",
        )  # fmt: skip


async def _months(inspection: Inspection) -> None:
    table = await inspection.rows("events_by_month", "events by month")
    for category in sorted({row["category"] for row in table.rows}) if table else ():
        if table:
            _note_month(inspection, table, category)


def _note_month(inspection: Inspection, table: Table, category: str) -> None:
    newest = date.fromisoformat(table.rows[0]["newest"])
    by_month = {row["month"]: row["events"] for row in table.rows if row["category"] == category}
    counts = [by_month.get(month.isoformat(), 0) for month in _months_before(newest, 13)]
    *earlier, before, last = counts
    since = next((place for place, count in enumerate(counts) if count), 0)
    past = [*earlier, before][since:]
    what = noun(category)
    inspection.insight(
        f"{counted(last, what)} in {newest:%Y-%m}, {before} in the month before, "
        f"{sum(counts)} in the thirteen months up to it.",
        call=table.label, subject=what, measure=f"events in {newest:%Y-%m}", value=last,
    )  # fmt: skip
    if len(past) < _MONTHS_TO_COMPARE:
        return
    mean = sum(past) / len(past)
    if abs(last - mean) > _SWING * sqrt(mean):
        up = last > mean
        inspection.insight(
            f"{what} reports {'rose' if up else 'fell'}: {last} in {newest:%Y-%m} against a mean of {mean:.1f} in the "
            f"{len(past)} months before, more than chance would explain.",
            call=table.label, severity="major" if up else "info", confidence=LIKELY, subject=what, measure="trend",
            value="rising" if up else "falling",
        )  # fmt: skip


def _months_before(newest: date, how_many: int) -> list[date]:
    """Return the first days of months in order, the last of them `newest`."""
    places = [newest.year * 12 + newest.month - 1 - back for back in reversed(range(how_many))]
    return [date(place // 12, place % 12 + 1, 1) for place in places]


async def _products(inspection: Inspection) -> None:
    table = await inspection.rows("complaints_by_product", "complaints by product")
    if table is None or not table.rows:
        return
    whole = table.rows[0]["every"]
    unnamed = table.of(product=None).get("complaints", 0)
    if unnamed:
        inspection.recommend(
            f"{unnamed} of {counted(whole, 'complaint')} name no product, so no count by product is whole.",
            call=table.label, subject="complaint", measure="without product", value=unnamed,
        )  # fmt: skip
    repeated = [row for row in table.rows if row["product"] and row["complaints"] >= _REPEATED]
    for row in repeated[:3]:
        numbers = row["numbers"].split()
        inspection.insight(
            f"{counted(row['complaints'], 'complaint')} about {row['product']} in the year up to the newest one "
            f"({share(row['complaints'], whole)} of {whole}), {row['open']} of them open.",
            call=table.label, severity="major" if row["serious"] else "minor", subject=row["product"],
            measure="complaints in a year", value=row["complaints"], records=numbers,
        )  # fmt: skip
    if repeated:
        names = [row["product"] for row in repeated]
        inspection.action(
            f"Look at the complaints about {some(names, 3)} together before each is closed on its own.",
            call=table.label, severity="minor", subject="complaint", measure="products with repeated complaints",
            value=len(repeated), confidence=LIKELY,
        )  # fmt: skip


async def _suppliers(inspection: Inspection) -> None:
    table = await inspection.rows("nonconformances_by_supplier", "nonconformances by supplier")
    for row in table.rows[:3] if table else ():
        inspection.insight(
            f"{counted(row['nonconformances'], 'nonconformance')} with deliveries of {row['supplier']} ({row['name']}),"
            f" {row['open']} of them open.",
            call=table.label if table else "", subject=row["supplier"], measure="nonconformances",
            severity="minor" if row["nonconformances"] >= _REPEATED else "info", value=row["nonconformances"],
            records=[row["supplier"], *row["numbers"].split()],
        )  # fmt: skip


async def _causes(inspection: Inspection) -> None:
    table = await inspection.rows("causes", "causes")
    if table:
        _note_pareto(inspection, table, "cause_category", "cause")


async def _areas(inspection: Inspection) -> None:
    table = await inspection.rows("areas", "areas")
    if table:
        _note_pareto(inspection, table, "area", "area")


def _note_pareto(inspection: Inspection, table: Table, column: str, what: str) -> None:
    counts = Counter({row[column]: row["nonconformances"] for row in table.rows if row[column]})
    known, unknown = sum(counts.values()), table.of(**{column: None}).get("nonconformances", 0)
    if known:
        few = _vital_few([count for _, count in counts.most_common()])
        names = [f"{name} {count}" for name, count in counts.most_common(few)]
        covered = sum(count for _, count in counts.most_common(few))
        inspection.insight(
            f"{some(names, 4)}: {share(covered, known)} of {counted(known, 'nonconformance')} with a recorded {what}.",
            call=table.label, confidence=COUNTED, subject=f"nonconformance by {what}", measure="most frequent",
            value=names[0],
        )  # fmt: skip
    if unknown:
        inspection.recommend(
            f"{unknown} of {counted(known + unknown, 'nonconformance')} have no recorded {what}.",
            call=table.label, severity="minor", subject=f"nonconformance by {what}", measure=f"without {what}",
            value=unknown,
        )  # fmt: skip


def _vital_few(counts: Sequence[int]) -> int:
    """Return how many of the greatest counts make up most of the whole."""
    running, few = 0, 0
    for count in counts:
        running, few = running + count, few + 1
        if running >= _MOST * sum(counts):
            break
    return few
