"""The planned criterion, computed on the data of its window.

The numbers come from the records alone, with what was counted said in words, so that anybody can count again. A check
may be kept with the CAPA; whether the actions were effective is for a person to say.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from qms_mcp.auth.principal import Principal
from qms_mcp.db.queries import query
from qms_mcp.db.transaction import Transaction
from qms_mcp.errors import ConflictError, InvalidInputError
from qms_mcp.services.capas.models import EffectivenessReport
from qms_mcp.services.capas.reading import CapaRow, hold_capa, read_capa, read_criterion
from qms_mcp.services.domain.effectiveness import (
    Counted,
    Criterion,
    Effectiveness,
    Observation,
    check_criterion,
    judge,
    observe_count,
    observe_rate,
    observe_value,
)
from qms_mcp.services.records.writing import RecordWriter
from qms_mcp.services.sql.models import QueryResult

if TYPE_CHECKING:
    from qms_mcp.db.database import Database

# Runs a reading statement with parameters, as the caller.
RunStatement = Callable[[Principal, str, list[Any]], Awaitable[QueryResult]]

_COUNTED = query("capas.counted")
_SHOWN = 20
_NOTE = "A comparison of numbers. A person who is neither owner nor did an action says whether it was effective."


@dataclass(frozen=True, slots=True)
class Seen:
    """What was observed, how, and on which records."""

    observation: Observation
    how: str
    records: list[str]


class EffectivenessChecker:
    """Computes criteria of effectiveness.

    Args:
        database: Where.
        run_statement: Runs the statement of a criterion that has one.
    """

    def __init__(self, database: "Database", run_statement: RunStatement) -> None:
        self._database = database
        self._run_statement = run_statement
        self._writer = RecordWriter(database)

    async def check(
        self, principal: Principal, reference: str, *, as_of: date | None = None, reason: str | None = None
    ) -> EffectivenessReport:
        """Compute the criterion of a CAPA.

        Args:
            principal: Who asks.
            reference: The CAPA.
            as_of: As if today were this day; today if left out. What is kept is always as of today.
            reason: Why the result is kept as an effectiveness check; it is only shown if left out.

        Raises:
            ConflictError: No criterion is planned.
            InvalidInputError: The statement of the criterion returns no value.
        """
        async with self._database.transaction(principal, read_only=True) as transaction:
            capa = await read_capa(transaction, reference)
            criterion = _criterion_of(capa)
        today = _day(capa, as_of, keeps=reason is not None)
        seen = await self._seen(principal, criterion, today)
        verdict = judge(criterion, seen.observation, today)
        report = _report(capa, criterion, seen, verdict)
        if reason is None:
            return report
        async with self._writer.open(principal, because=reason) as writing:
            held = await hold_capa(writing.transaction, capa.id, capa.version)
            kept = await writing.add_part(held.id, "effectiveness_checks", _kept(criterion, seen, verdict))
            written = await writing.written(held.id)
        return report.model_copy(update={"kept": str(kept), "citation": written.citation})

    async def try_statement(self, principal: Principal, criterion: Criterion) -> None:
        """Refuse a criterion whose statement does not run or returns no value.

        Raises:
            QmsError: It may not or can't run.
        """
        if criterion.measure == "value":
            await self._value(principal, criterion)

    async def _seen(self, principal: Principal, criterion: Criterion, today: date) -> Seen:
        if criterion.measure == "value" or criterion.counted is None:
            value, n = await self._value(principal, criterion)
            return Seen(observe_value(criterion, value, n, today), criterion.statement or "", [])
        window = f"{criterion.window_start} to {criterion.window_end}"
        how = f"{_words(criterion.counted)}, {window}"
        async with self._database.transaction(principal, read_only=True) as transaction:
            events, records = await _count(transaction, criterion, criterion.counted)
            if criterion.per is None:
                return Seen(observe_count(criterion, events, today), how, records)
            opportunities, _ = await _count(transaction, criterion, criterion.per)
        how = f"{_words(criterion.counted)}, per {_words(criterion.per)}, {window}"
        return Seen(observe_rate(criterion, events, opportunities, today), how, records)

    async def _value(self, principal: Principal, criterion: Criterion) -> tuple[float | None, int]:
        statement = criterion.statement or ""
        window = [criterion.window_start.isoformat(), criterion.window_end.isoformat()]
        used = [day for place, day in enumerate(window, 1) if f"${place}" in statement]
        result = await self._run_statement(principal, statement, used)
        names = [column.name for column in result.columns]
        if "value" not in names or len(result.rows) > 1:
            raise InvalidInputError(
                "The statement of the criterion has to return one row with a column named value.",
                hint="SELECT ... AS value, count(*) AS n FROM ...; $1::date and $2::date are the window.",
            )
        row = dict(zip(names, result.rows[0], strict=True)) if result.rows else {}
        return _number(row.get("value")), int(_number(row.get("n")) or 0)


def _number(value: Any) -> float | None:
    try:
        return None if value is None else float(value)
    except (TypeError, ValueError):
        raise InvalidInputError(
            "The statement of the criterion returned a value that is no number.", hint="Cast it to numeric."
        ) from None


def _criterion_of(capa: CapaRow) -> Criterion:
    criterion = read_criterion(capa)
    if criterion is None:
        raise ConflictError(f"{capa.number} has no effectiveness criterion yet.", hint="plan_capa plans one.")
    return check_criterion(criterion)


def _day(capa: CapaRow, as_of: date | None, *, keeps: bool) -> date:
    if as_of is None:
        return capa.today
    if keeps and as_of != capa.today:
        raise InvalidInputError("What is kept is always as of today.", hint="Leave out as_of, or the reason.")
    if as_of > capa.today:
        raise InvalidInputError(f"{as_of} is still to come; today is {capa.today}.")
    return as_of


async def _count(transaction: Transaction, criterion: Criterion, counted: Counted) -> tuple[int, list[str]]:
    rows = await transaction.fetch_dicts(
        _COUNTED,
        {
            "category": counted.category,
            "first_day": criterion.window_start,
            "last_day": criterion.window_end,
            "tags": list(counted.tags),
            "words": counted.words.lower().split(),
            "fields": json.dumps(counted.fields),
            "max_rows": _SHOWN,
        },
    )
    return (rows[0]["found"] if rows else 0), [f"{row['number']} v{row['version']}" for row in rows]


def _words(counted: Counted) -> str:
    parts = [
        f"tagged {' and '.join(counted.tags)}" if counted.tags else "",
        " and ".join(f"{name} = {value}" for name, value in counted.fields.items()),
        f"with the words {counted.words}" if counted.words else "",
    ]
    return " ".join((f"records of {counted.category}", *(part for part in parts if part)))


def _report(capa: CapaRow, criterion: Criterion, seen: Seen, verdict: Effectiveness) -> EffectivenessReport:
    return EffectivenessReport(
        citation=capa.citation,
        verdict=verdict.verdict,
        why=verdict.why,
        value=verdict.value,
        n=verdict.sample,
        events=seen.observation.events,
        baseline=criterion.baseline.value,
        target=f"{criterion.comparator} {criterion.target:g}",
        window=f"{criterion.window_start} to {criterion.window_end}",
        query=seen.how,
        records=seen.records,
        chance=verdict.chance,
        method=verdict.method,
        note=_NOTE,
    )


def _kept(criterion: Criterion, seen: Seen, verdict: Effectiveness) -> dict[str, Any]:
    return {
        "window_start": criterion.window_start.isoformat(),
        "window_end": criterion.window_end.isoformat(),
        "sample": verdict.sample,
        "value": verdict.value,
        "baseline": criterion.baseline.value,
        "target": criterion.target,
        "outcome": verdict.verdict,
        "detail": {
            "why": verdict.why,
            "query": seen.how,
            "events": seen.observation.events,
            "records": seen.records,
            "chance": verdict.chance,
            "method": verdict.method,
        },
    }
