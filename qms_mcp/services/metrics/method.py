"""calculate_metrics: reads the records once, computes each metric in all, by group and by period."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from qms_mcp.db.queries import query
from qms_mcp.errors import InvalidInputError
from qms_mcp.services.analysis.method import Computed, FlagAnswer, Reader, RecordMethod, significant
from qms_mcp.services.metrics import outside, shares, timing
from qms_mcp.services.metrics.answer import COLUMNS, GROUPED, GroupBy, MetricsOptions, MetricsReport
from qms_mcp.services.metrics.definitions import BUNDLES, DEFINITIONS, EVENTS, MetricDefinition
from qms_mcp.services.metrics.periods import Period, periods
from qms_mcp.services.metrics.picture import picture_of
from qms_mcp.services.metrics.scope import Measured, Record, Scope, Window, day_of, record_of, rows_of
from qms_mcp.services.metrics.telling import headline_of

_RECORDS = query("metrics.records")
_FEW = 10
_MOST_GROUPS = 50
_NOT_SAID = "(not said)"
COMPUTE: Mapping[str, Callable[[Scope], Measured]] = {
    "reported": timing.reported,
    "ageing": timing.ageing,
    "overdue": shares.overdue,
    "cycle_time": timing.cycle_time,
    "on_time_closure": shares.on_time_closure,
    "change_lead_time": timing.change_lead_time,
    "repeat_rate": shares.repeat_rate,
    "escape_rate": shares.escape_rate,
    "effectiveness_rate": shares.effectiveness_rate,
    "findings_per_audit": timing.findings_per_audit,
    "training_compliance": shares.training_compliance,
    "reportability_on_time": shares.reportability_on_time,
    "calibration_on_time": shares.calibration_on_time,
    "review_on_time": shares.review_on_time,
    "complaint_rate": outside.complaint_rate,
    "first_pass_yield": outside.first_pass_yield,
    "supplier_ppm": outside.supplier_ppm,
    "lot_acceptance": outside.lot_acceptance,
    "cost_of_quality": outside.cost_of_quality,
}
_FIELDS: Mapping[GroupBy, str] = {
    "product": "product", "part": "part_number", "stage": "detected_at_stage", "source": "source_kind", "lot": "lot",
    "owner": "owner", "area": "area", "supplier": "supplier", "cause_category": "cause_category", "grade": "grade",
    "priority": "priority", "risk_class": "risk_class", "department": "department",
}  # fmt: skip


def settled(reader: Reader, options: MetricsOptions) -> MetricsOptions:
    """Return the options with the days they mean.

    Raises:
        InvalidInputError: A metric or a type does not exist, or the window ends before it begins.
    """
    as_of = options.as_of or reader.today
    until = options.until or (as_of if options.since or options.period else None)
    since = options.since
    if options.period and since is None and until is not None:
        since = date(until.year - 1, until.month, 1)
    if since and until and since > until:
        raise InvalidInputError(f"The window begins on {since} and ends before, on {until}.", hint="Swap the two days.")
    return options.model_copy(update={"as_of": as_of, "since": since, "until": until})


async def compute(reader: Reader, options: MetricsOptions) -> Computed[MetricsReport]:
    """Return the metrics."""
    chosen, types = _chosen(options)
    read = sorted({*types, *(of for one in chosen for of in one.types)})
    rows = await reader.rows(_RECORDS, {"types": read})
    volumes = rows_of(await reader.table(options.volumes)) if options.volumes else []
    costs = rows_of(await reader.table(options.costs)) if options.costs else []
    window = Window(options.since, options.until, options.as_of or reader.today)
    whole = Scope([record_of(row, reader.zone) for row in rows], window, types, volumes, costs)
    scope = whole.at(window)
    found = {one.name: COMPUTE[one.name](scope) for one in chosen}
    there = [one for one in chosen if found[one.name].value is not None]
    answer = MetricsReport(
        headline=headline_of(there, found, window),
        flags=_flags(there, found, scope),
        window=_words(window),
        values=[COLUMNS, *(_row(one, found[one.name]) for one in there)],
        groups=_groups(there, scope, options.by),
        periods=_periods(there, whole, options.period),
        left_out={one.name: found[one.name].why_not for one in chosen if found[one.name].value is None} or None,
        records={one.name: list(found[one.name].behind) for one in there if found[one.name].behind} or None,
    )
    return Computed(answer, len(scope.of(read)), picture_of(there, answer))


def _chosen(options: MetricsOptions) -> tuple[list[MetricDefinition], tuple[str, ...]]:
    names: dict[str, None] = {}
    types: list[str] = []
    for name in options.metrics:
        if name in BUNDLES:
            names |= dict.fromkeys(BUNDLES[name][0])
            types += BUNDLES[name][1]
        elif name in DEFINITIONS:
            names[name] = None
        else:
            known = ", ".join([*BUNDLES, *DEFINITIONS])
            raise InvalidInputError(f"There is no metric {name!r}.", hint=f"Bundles and metrics: {known}.")
    unknown = [one for one in options.types if one not in EVENTS]
    if unknown:
        raise InvalidInputError(
            f"Metrics do not look at records of type {unknown[0]!r}.", hint=f"Types: {', '.join(EVENTS)}."
        )
    return [DEFINITIONS[name] for name in names], tuple(dict.fromkeys(options.types or types or EVENTS))


def _row(one: MetricDefinition, found: Measured) -> list[Any]:
    return [
        one.name,
        one.title,
        *_numbers(found, with_unit=found.unit or one.unit),
        one.better,
        dict(found.detail) or None,
    ]


def _numbers(found: Measured, *, with_unit: str = "") -> list[Any]:
    def told(value: float | None) -> float | None:
        return None if value is None else significant(value, 6)

    unit = [with_unit] if with_unit else []
    ends = [told(found.low), told(found.high), told(found.numerator), told(found.denominator)]
    return [told(found.value), *unit, found.n, *ends]


def _groups(chosen: Sequence[MetricDefinition], scope: Scope, by: GroupBy | None) -> dict[str, list[list[Any]]] | None:
    if by is None:
        return None
    named: dict[str, list[list[Any]]] = {}
    for one in chosen:
        rows: list[list[Any]] = []
        for value in _values(scope, one, by):
            part = COMPUTE[one.name](_part(scope, by, value))
            if part.value is not None:
                rows.append([value, *_numbers(part)])
        rows.sort(key=lambda row: (-row[1], row[0]))
        named[one.name] = [[by, *GROUPED], *rows[:_MOST_GROUPS]]
    return named


def _part(scope: Scope, by: GroupBy, value: str) -> Scope:
    """Return what belongs to a group; rows sent along that name no group belong to each."""
    return scope.where(lambda one: _value(one, by) == value, lambda row: _cell(row, by) in {value, None})


def _values(scope: Scope, one: MetricDefinition, by: GroupBy) -> list[str]:
    seen = {_value(record, by) for record in scope.of(one.types)}
    if one.needs != "records":
        seen |= {cell for row in (*scope.volumes, *scope.costs) if (cell := _cell(row, by)) is not None}
    return sorted(seen)


def _value(record: Record, by: GroupBy) -> str:
    if by in {"type", "state"}:
        return str(getattr(record, by))
    value = record.fields.get(_FIELDS[by])
    return _NOT_SAID if value in {None, ""} else str(value)


def _cell(row: Mapping[str, Any], by: GroupBy) -> str | None:
    """Return the group of a row of a table that was sent along; None when it has no such column: it counts for all."""
    value = row.get(by)
    return None if value is None else str(value)


def _periods(
    chosen: Sequence[MetricDefinition], whole: Scope, period: Period | None
) -> dict[str, list[list[Any]]] | None:
    window = whole.window
    if period is None or window.since is None or window.until is None:
        return None
    named: dict[str, list[list[Any]]] = {one.name: [["period", *GROUPED]] for one in chosen}
    for name, begin, end in periods(window.since, min(window.until, window.as_of), period):
        # As it stood at the end of each period, and not as it stands now.
        then = Window(max(begin, window.since), min(end, window.until), min(end, window.as_of))
        part = whole.at(then)
        for one in chosen:
            named[one.name].append([name, *_numbers(COMPUTE[one.name](part))])
    return named


def _flags(there: Sequence[MetricDefinition], found: Mapping[str, Measured], scope: Scope) -> list[FlagAnswer]:
    few = [one.name for one in there if one.interval and one.name != "reported" and found[one.name].n < _FEW]
    flags: list[FlagAnswer] = []
    if few:
        says = f"Fewer than {_FEW} observations: {', '.join(few)}."
        instead = "Read the interval, not the value; or take a longer window."
        flags.append(FlagAnswer(code="few", says=says, instead=instead))
    tables = (*scope.volumes, *scope.costs)
    if tables and (scope.window.since or scope.window.until) and all(day_of(row) is None for row in tables):
        flags.append(_undated())
    return flags


def _undated() -> FlagAnswer:
    return FlagAnswer(
        code="undated",
        says="What was sent along has no column date, so all of it is taken to lie in the window.",
        instead="Give a column date (2026-03-31 or 2026-03), or only the rows of the window.",
    )


def _words(window: Window) -> str:
    begin = f"from {window.since} " if window.since else ""
    end = f"to {window.until} " if window.until else ""
    return f"{begin}{end}as of {window.as_of}"


CALCULATE_METRICS = RecordMethod("calculate_metrics", "1", MetricsOptions, compute, settled)
