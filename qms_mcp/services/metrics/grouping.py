"""Metrics cut by a field of the records, and by the same column of the tables that were sent along."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from qms_mcp.services.metrics.answer import GroupBy
from qms_mcp.services.metrics.definitions import MetricDefinition
from qms_mcp.services.metrics.scope import Measured, Record, Scope
from qms_mcp.services.metrics.shares import repeats_of
from qms_mcp.statistics.flags import Flag

NOT_SAID = "(not said)"
_MOST_COMPUTED = 200
_MOST_ROWS = 400
_MOST_SHOWN = 50
_LEAST_SHOWN = 5
_WHOLE = ("complaint_rate", "supplier_ppm")
_FIELDS: Mapping[GroupBy, str] = {
    "product": "product", "part": "part_number", "stage": "detected_at_stage", "source": "source_kind", "lot": "lot",
    "owner": "owner", "area": "area", "supplier": "supplier", "cause_category": "cause_category", "grade": "grade",
    "priority": "priority", "risk_class": "risk_class", "person": "person", "document": "document",
}  # fmt: skip
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Groups:
    """By the name of a metric: its groups, the highest value first.

    Attributes:
        flags: How many groups are not there, and what could not be divided.
    """

    of: dict[str, list[tuple[str, Measured]]]
    flags: list[Flag]


def grouped(
    chosen: Sequence[MetricDefinition], scope: Scope, by: GroupBy, compute: Mapping[str, Callable[[Scope], Measured]]
) -> Groups:
    """Return each metric by group."""
    records: dict[str, list[Record]] = defaultdict(list)
    for one in scope.records:
        records[value_of(one, by)].append(one)
    # A record repeats a former one whatever group that one is in.
    scope = replace(scope, repeats=repeats_of(scope)) if any(one.name == "repeat_rate" for one in chosen) else scope
    shown = min(_MOST_SHOWN, max(_LEAST_SHOWN, _MOST_ROWS // max(1, len(chosen))))
    named: dict[str, list[tuple[str, Measured]]] = {}
    flags: list[Flag] = []
    hidden = 0
    for one in chosen:
        volumes, undivided = _divided(one, scope.volumes, by)
        costs, _ = _divided(one, scope.costs, by)
        if undivided:
            flags.append(_undivided(one, by))
        rows: list[tuple[str, Measured]] = []
        values = _values(one, scope, records, set() if undivided or not one.columns else {*volumes, *costs})
        for value in values[:_MOST_COMPUTED]:
            part = replace(
                scope,
                records=records.get(value, []),
                volumes=scope.volumes if undivided else volumes.get(value, []),
                costs=costs.get(value, []),
            )
            measured = compute[one.name](part)
            if measured.value is not None:
                rows.append((value, measured))
        rows.sort(key=lambda row: (-(row[1].value or 0.0), row[0]))
        hidden += max(0, len(values) - _MOST_COMPUTED) + max(0, len(rows) - shown)
        named[one.name] = rows[:shown]
    if hidden:
        says = f"{hidden} groups are not shown; each metric has its {shown} highest of those with the most records."
        flags.append(Flag("more_groups", says, "Ask for fewer metrics, or for one type of record."))
    return Groups(named, flags)


def value_of(record: Record, by: GroupBy) -> str:
    """Return the group of a record."""
    if by in {"type", "state"}:
        return str(getattr(record, by))
    value = record.fields.get(_FIELDS[by])
    return NOT_SAID if value in {None, ""} else str(value)


def _values(
    one: MetricDefinition, scope: Scope, records: Mapping[str, Sequence[Record]], of_rows: set[str]
) -> list[str]:
    """Return the groups a metric has, those with the most records first."""
    wanted = frozenset(one.types or scope.types)
    counts = Counter({value: sum(r.type in wanted for r in held) for value, held in records.items()})
    return sorted({value for value, n in counts.items() if n} | of_rows, key=lambda value: (-counts[value], value))


def _divided(one: MetricDefinition, rows: Sequence[Row], by: GroupBy) -> tuple[dict[str, list[Row]], bool]:
    """Return rows by group, and whether they stand for all groups because no row names one.

    Only what is divided by units or deliveries keeps a meaning then: complaints of an area per units of all.
    """
    parts: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        value = row.get(by)
        parts[NOT_SAID if value in {None, ""} else str(value)].append(row)
    whole = one.name in _WHOLE and bool(rows) and not any(by in row or "rejected" in row for row in rows)
    return parts, whole and by != "type"


def _undivided(one: MetricDefinition, by: GroupBy) -> Flag:
    return Flag(
        "undivided",
        f"The table has no column {by}, so {one.name} of each group is per the units of all groups.",
        f"Add a column {by} to the table.",
    )
