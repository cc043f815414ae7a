"""calculate_metrics: reads the records once, computes each metric in all, by group and by period."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

import anyio.to_thread

from qms_mcp.db.queries import query
from qms_mcp.errors import InvalidInputError
from qms_mcp.services.analysis.method import Computed, Reader, RecordMethod, flagged, significant
from qms_mcp.services.metrics import outside, shares, timing
from qms_mcp.services.metrics.answer import COLUMNS, GROUPED, MetricsOptions, MetricsReport
from qms_mcp.services.metrics.definitions import BUNDLES, DEFINITIONS, EVENTS, MORE_TYPES, MetricDefinition
from qms_mcp.services.metrics.flags import flags_of
from qms_mcp.services.metrics.grouping import grouped
from qms_mcp.services.metrics.periods import Period, periods
from qms_mcp.services.metrics.picture import picture_of
from qms_mcp.services.metrics.scope import Measured, Scope, Window, record_of, rows_of
from qms_mcp.services.metrics.telling import headline_of

_RECORDS = query("metrics.records")
_MOST_ROWS = 500
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
    "finding_response": shares.finding_response,
    "scar_response": shares.scar_response,
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


def settled(reader: Reader, options: MetricsOptions) -> MetricsOptions:
    """Return the options with the days they mean.

    Raises:
        InvalidInputError: A day it is looked from is yet to come, or the window ends before it begins.
    """
    as_of = options.as_of or reader.today
    if as_of > reader.today:
        raise InvalidInputError(f"{as_of} is yet to come; today is {reader.today}.", hint="Leave as_of out.")
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

    def computed() -> Computed[MetricsReport]:
        whole = Scope([record_of(row, reader.zone) for row in rows], window, types, volumes, costs)
        return _report(chosen, whole, options, earlier=window.as_of < reader.today)

    return await anyio.to_thread.run_sync(computed)


def _report(
    chosen: Sequence[MetricDefinition], whole: Scope, options: MetricsOptions, *, earlier: bool
) -> Computed[MetricsReport]:
    window, scope = whole.window, whole.at(whole.window)
    found = {one.name: COMPUTE[one.name](scope) for one in chosen}
    there = [one for one in chosen if found[one.name].value is not None]
    groups = grouped(there, scope, options.by, COMPUTE) if options.by else None
    flags = flags_of(there, found, whole, options, earlier=earlier)
    if groups:
        flags += groups.flags
    answer = MetricsReport(
        headline=headline_of(there, found, window),
        flags=flagged(flags),
        window=_words(window),
        values=[COLUMNS, *(_row(one, found[one.name]) for one in there)],
        groups=groups and {
            name: [[options.by, *GROUPED], *([value, *numbers(part)] for value, part in parts)]
            for name, parts in groups.of.items()
        },
        periods=_periods(there, whole, options.period),
        left_out={one.name: found[one.name].why_not for one in chosen if found[one.name].value is None} or None,
        records={one.name: list(found[one.name].behind) for one in there if found[one.name].behind} or None,
    )  # fmt: skip
    return Computed(answer, len(scope.of({one.type for one in whole.records})), picture_of(there, answer))


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
    unknown = [one for one in options.types if one not in (*EVENTS, *MORE_TYPES)]
    if unknown:
        raise InvalidInputError(
            f"Metrics do not look at records of type {unknown[0]!r}.",
            hint=f"Types: {', '.join((*EVENTS, *MORE_TYPES))}.",
        )
    return [DEFINITIONS[name] for name in names], tuple(dict.fromkeys(options.types or types or EVENTS))


def _row(one: MetricDefinition, found: Measured) -> list[Any]:
    return [
        one.name,
        one.title,
        *numbers(found, with_unit=found.unit or one.unit),
        one.better,
        dict(found.detail) or None,
    ]


def numbers(found: Measured, *, with_unit: str = "") -> list[Any]:
    """Return value (and its unit, if asked), n, the ends of the interval, numerator and denominator."""

    def told(value: float | None) -> float | None:
        return None if value is None else significant(value, 6)

    unit = [with_unit] if with_unit else []
    ends = [told(found.low), told(found.high), told(found.numerator), told(found.denominator)]
    return [told(found.value), *unit, found.n, *ends]


def _periods(
    chosen: Sequence[MetricDefinition], whole: Scope, period: Period | None
) -> dict[str, list[list[Any]]] | None:
    window = whole.window
    if period is None or window.since is None or window.until is None:
        return None
    spans = list(periods(window.since, min(window.until, window.as_of), period))
    if len(spans) * len(chosen) > _MOST_ROWS:
        raise InvalidInputError(
            f"{len(chosen)} metrics over {len(spans)} periods are more than {_MOST_ROWS} rows.",
            hint="Ask for fewer metrics, longer periods or a shorter window.",
        )
    named: dict[str, list[list[Any]]] = {one.name: [["period", *GROUPED]] for one in chosen}
    for name, begin, end in spans:
        # As it stood at the end of each period, and not as it stands now.
        then = Window(max(begin, window.since), min(end, window.until), min(end, window.as_of))
        part = whole.at(then)
        for one in chosen:
            named[one.name].append([name, *numbers(COMPUTE[one.name](part))])
    return named


def _words(window: Window) -> str:
    begin = f"from {window.since} " if window.since else ""
    end = f"to {window.until} " if window.until else ""
    return f"{begin}{end}as of {window.as_of}"


CALCULATE_METRICS = RecordMethod("calculate_metrics", "1", MetricsOptions, compute, settled)
