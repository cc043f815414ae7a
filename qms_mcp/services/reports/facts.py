"""Everything a report counts and lists, read at one moment and kept as one calculation.

Numbers that need a formula (rates, intervals, charts) are calculations of their own; what stands here are counts and
short lists of records, by the name of the query that found them. Computing it again reads the same queries.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from qms_mcp.db.queries import Query, query
from qms_mcp.services.analysis.method import Analysed, Computed, Options, Reader, RecordMethod
from qms_mcp.services.reports.asked import Kind
from qms_mcp.services.reports.periods import Period, Span, months_later, parsed_period, span_of, usual_period

Row = dict[str, Any]
_CHART_MONTHS = 24
_YEAR = 12
_MOST_ROWS = 15
_LONGEST = 200
_ALWAYS = ("organization", "flow")
_OF_EVENTS = (
    "nonconformances", "causes_of_a_year", "nonconformance_costs", "dispositions", "complaints", "reportability",
)  # fmt: skip
_OF_CAPAS = (
    "open_capas", "capa_stages", "capa_verdicts", "late_actions", "extensions", "repeat_causes", "preventive_actions",
)  # fmt: skip
_OF_SUPPLIERS = ("suppliers", "supplier_states", "supplier_nonconformances", "scars")
_OF_THE_SYSTEM = (
    "undecided_reports", "field_actions", "audits", "findings", "trainings", "equipment", "late_equipment", "changes",
    "open_changes", "documents", "risks", "high_risks", "workload", "overdue", "monthly", "first_month",
)  # fmt: skip
_OF_A_REVIEW = ("improvements", "frameworks", "former_reviews", "objectives")
_READ: dict[Kind, tuple[str, ...]] = {
    "monthly": (*_ALWAYS, *_OF_EVENTS, *_OF_CAPAS, *_OF_SUPPLIERS, *_OF_THE_SYSTEM),
    "management_review": (*_ALWAYS, *_OF_EVENTS, *_OF_CAPAS, *_OF_SUPPLIERS, *_OF_THE_SYSTEM, *_OF_A_REVIEW),
    "supplier": (*_ALWAYS, *_OF_SUPPLIERS),
    "capa_board": (*_ALWAYS, *_OF_CAPAS),
}
_MORE_ROWS = {"open_capas": 100, "suppliers": 100, "overdue": 20}
_QUERIES: dict[str, Query] = {name: query(f"reports.{name}") for names in _READ.values() for name in names}
_REVIEW_ACTIONS = query("reports.review_actions")


class FactsOptions(Options):
    """What a report is about.

    Attributes:
        period: As it is written; the usual one of the kind if left out.
        supplier_id: One supplier; all of them if left out.
        document_number: Of the report itself, which is no former review.
        as_of: The moment the report looks from at the latest; now if left out.
    """

    kind: Kind
    period: str | None = None
    supplier_id: str | None = None
    document_number: str = ""
    as_of: datetime | None = None


class ReportFacts(Analysed):
    """What was found.

    Attributes:
        organization: Its name.
        period: As it is written.
        first: First day of the period.
        last: Last day of it.
        at: The moment it looks from: the end of the period, or earlier while it still runs.
        running: It still runs.
        as_of: The day it looks from, whose own due dates are not overdue yet.
        zone: The time zone of the organization.
        days: How many days of the period the facts are of.
        days_before: How many days the period before has.
        whole_month: The last whole month before the moment: `2026-10`.
        found: Rows by the name of the query that found them.
    """

    organization: str
    period: str
    first: date
    last: date
    at: datetime
    running: bool
    as_of: date
    zone: str
    days: float
    days_before: float
    whole_month: str
    found: dict[str, list[Row]]

    def rows(self, name: str) -> list[Row]:
        """Return what a query found; nothing if it was not asked."""
        return self.found.get(name, [])

    def one(self, name: str) -> Row:
        """Return the one row of a query; an empty one if it found none."""
        return next(iter(self.rows(name)), Row())

    def flow(self, category: str) -> Row:
        """Return what came in, was closed and stands open of a type of record."""
        return next((row for row in self.rows("flow") if row["category"] == category), Row())


@dataclass(frozen=True, slots=True)
class _Look:
    """A period, and the parameters its queries take."""

    period: Period
    span: Span
    params: Mapping[str, Any]


def _settled(reader: Reader, options: FactsOptions) -> FactsOptions:
    """Return the options with the period and the moment named, so that computing again asks for the same."""
    period = options.period or usual_period(options.kind, reader.today).label
    return options.model_copy(update={"period": period, "as_of": options.as_of or reader.now})


async def _compute(reader: Reader, options: FactsOptions) -> Computed[ReportFacts]:
    look = _look(reader, options)
    found: dict[str, list[Row]] = {}
    for name in _READ[options.kind]:
        params = {**look.params, "max_rows": _MORE_ROWS.get(name, _MOST_ROWS)}
        found[name] = [_plain(row) for row in await reader.rows(_QUERIES[name], params)]
    if options.kind == "management_review":
        review = next(iter(found["former_reviews"]), None)
        params = {**look.params, "max_rows": _MOST_ROWS, "review_id": review["id"] if review else None}
        found["review_actions"] = [_plain(row) for row in await reader.rows(_REVIEW_ACTIONS, params)]
    zone = str(look.params["zone"])
    facts = ReportFacts(
        headline=f"Facts of {look.period.said}, as of {look.span.at.isoformat(timespec='minutes')}.",
        organization=str(found["organization"][0]["name"]) if found["organization"] else "",
        period=look.period.label,
        first=look.period.first,
        last=look.period.last,
        at=look.span.at,
        running=look.span.at < look.span.until,
        zone=zone,
        days=_days(look.span.since, look.span.at),
        days_before=_days(look.span.before, look.span.since),
        as_of=look.params["day"],
        whole_month=f"{months_later(look.span.at.astimezone(ZoneInfo(zone)).date().replace(day=1), -1):%Y-%m}",
        found=found,
    )
    return Computed(facts, n=sum(int(row["opened"]) for row in found["flow"]))


FACTS = RecordMethod("quality_report_facts", "1", FactsOptions, _compute, _settled)


def _look(reader: Reader, options: FactsOptions) -> _Look:
    zone = _known(reader.zone)
    period = parsed_period(options.period or usual_period(options.kind, reader.today).label)
    # A later computation looks from the same moment: what came after it is not counted.
    span = span_of(period, options.as_of or reader.now, zone)
    place = ZoneInfo(zone)
    moment = span.at.astimezone(place)
    # A day is over when it is over: on the last day of a period, what was due on it is not overdue yet.
    day = min(moment.date(), period.last)
    params = {
        "before": span.before,
        "since": span.since,
        "at": span.at,
        "day": day,
        "day_before": period.before.last,
        "first": period.first,
        "day_after": min(period.after, day + timedelta(days=1)),
        "year_from": datetime.combine(months_later(moment.date(), -_YEAR), moment.timetz()),
        "chart_from": months_later(moment.date().replace(day=1), -_CHART_MONTHS),
        "zone": zone,
        "supplier_id": options.supplier_id,
        "document_number": options.document_number,
    }
    return _Look(period, span, params)


def _days(first: datetime, last: datetime) -> float:
    return round((last - first).total_seconds() / 86_400, 3)


def _known(zone: str) -> str:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        return "UTC"
    return zone


def _plain(row: Row) -> Row:
    """Return a row as JSON holds it, without text longer than anybody reads in a report."""
    return {name: _short(value) for name, value in row.items()}


def _short(value: Any) -> Any:
    if isinstance(value, str):
        return value if len(value) <= _LONGEST else f"{value[: _LONGEST - 1].rstrip()}…"
    if isinstance(value, bool | int | float) or value is None:
        return value
    if isinstance(value, list | tuple):
        return [_short(one) for one in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {str(name): _short(one) for name, one in cast("dict[str, Any]", value).items()}
    return value.isoformat() if isinstance(value, date) else str(value)
