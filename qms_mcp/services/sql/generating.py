"""From a question to SQL: what the database has for it, and a statement.

Everything that is found is found by plain rules (see `relevance`), from what the caller may see. A model, if one is
configured, writes the statement from exactly that; without one the answer is the same context with a skeleton.
"""

import re
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from qms_mcp.auth.acting import current_acting
from qms_mcp.db.queries import query
from qms_mcp.db.run_query import PageSize
from qms_mcp.db.sample_values import ColumnName, few_values
from qms_mcp.errors import QmsError
from qms_mcp.services.sql.drafting import Draft, Drafter, DraftError
from qms_mcp.services.sql.models import EarlierQuery, GeneratedSql, TableHint, ValueHint
from qms_mcp.services.sql.relevance import ForeignKey, Match, ReadableColumn, ReadableTable, joins, rank
from qms_mcp.services.sql.skeleton import skeleton
from qms_mcp.services.sql.words import words

if TYPE_CHECKING:
    from qms_mcp.auth.principal import Principal
    from qms_mcp.db.database import Database
    from qms_mcp.services.sql.querying import Querying

_TABLES = query("sql_context.readable_tables")
_EARLIER = query("sql_context.earlier_statements")
_CATALOGUE_KEPT = 30.0
_MOST_COLUMNS, _MOST_SAMPLED, _MOST_VALUES = 40, 12, 30
_MOST_EARLIER, _LOOKED_BACK, _LEAST_SHARED = 3, 300, 2
_SAMPLE_MS = 1_500
_LEAST_SHARE = 0.3
_LONGEST_COMMENT, _LONGEST_STATEMENT = 160, 1_500
_NO_MODEL = "No model is configured (ANTHROPIC_API_KEY): sql is a skeleton from rules, finish it before you run it."
_NOTHING = "Nothing in the schema fits the words of the question: list_tables shows what there is."


class Generating:
    """Finds what a question is about, and has SQL written for it.

    Args:
        database: Where.
        querying: Inspects and explains what is written.
        drafter: Writes SQL; None when no model is configured.
    """

    def __init__(self, database: "Database", querying: "Querying", drafter: Drafter | None) -> None:
        self._database = database
        self._querying = querying
        self._drafter = drafter
        self._tables: tuple[float, dict[str, ReadableTable]] | None = None

    async def generate(self, principal: "Principal", question: str, *, max_tables: int) -> GeneratedSql:
        """Return what fits a question, with a drafted statement or a skeleton."""
        tables = await self._readable(principal)
        ranked = rank(question, tables.values())
        matches = [match for match in ranked if match.score >= ranked[0].score * _LEAST_SHARE][:max_tables]
        notes: list[str] = [] if matches else [_NOTHING]
        values = await self._values(principal, question, matches, notes)
        found = GeneratedSql(
            drafted_by="none",
            tables=[_hint(match) for match in matches],
            joins=joins([match.table for match in matches], tables),
            values=values,
            earlier=await self._earlier(principal, question),
            notes=notes,
        )
        if self._drafter is None or current_acting().by_agent or not matches:
            return _with_skeleton(found, question, matches, [] if not matches else [_NO_MODEL])
        return await self._drafted(self._drafter, principal, question, matches, found)

    async def _drafted(
        self, drafter: Drafter, principal: "Principal", question: str, matches: Sequence[Match], found: GeneratedSql
    ) -> GeneratedSql:
        context = found.model_dump_json(include={"tables", "joins", "values", "earlier"})
        try:
            draft = await drafter.draft(question, context)
            complaint = await self._complaint(principal, draft)
            if complaint is not None:
                draft = await drafter.repair(question, context, draft, complaint)
                complaint = await self._complaint(principal, draft)
        except DraftError as failed:
            return _with_skeleton(found, question, matches, [f"{failed} sql is a skeleton from rules."])
        note = f"It was not accepted: {complaint}" if complaint else ""
        return found.model_copy(
            update={
                "drafted_by": drafter.model,
                "sql": draft.sql,
                "explanation": draft.explanation,
                "checked": complaint is None,
                "notes": [*found.notes, *([note] if note else [])],
            }
        )

    async def _complaint(self, principal: "Principal", draft: Draft) -> str | None:
        """Return why a draft can't run as it is; None when the guard and the planner accept it."""
        try:
            verdict = await self._querying.inspect(draft.sql, ())
            if verdict.kind not in {"explain", "show"}:
                explain = await self._querying.inspect(f"EXPLAIN {verdict.statement}", ())
                await self._querying.run(principal, explain, (), PageSize(1))
        except QmsError as refused:
            return refused.prose()
        return None

    async def _readable(self, principal: "Principal") -> dict[str, ReadableTable]:
        """Return all tables that may be read: the same for everybody, so kept for a while."""
        now = time.monotonic()
        if self._tables is None or now - self._tables[0] > _CATALOGUE_KEPT:
            async with self._database.transaction(principal, read_only=True) as transaction:
                rows = await transaction.fetch_dicts(_TABLES, {})
            self._tables = (now, {row["name"]: _readable_table(row) for row in rows})
        return self._tables[1]

    async def _values(
        self, principal: "Principal", question: str, matches: Sequence[Match], notes: list[str]
    ) -> list[ValueHint]:
        wanted = [(match.table, column) for match in matches[:3] for column in match.table.columns if column.listed][
            :_MOST_SAMPLED
        ]
        names = [ColumnName(table.spelled, column.spelled) for table, column in wanted]
        if not names:
            return []
        try:
            lists = await few_values(self._database, principal, names, most=_MOST_VALUES, timeout_ms=_SAMPLE_MS)
        except QmsError as failed:
            notes.append(f"Values of columns are left out: {failed.message}")
            return []
        asked = set(words(question))
        return [
            ValueHint(
                column=f"{table.name}.{column.name}",
                values=values,
                matched=[value for value in values if _is_asked(value, asked)],
            )
            for (table, column), values in zip(wanted, lists, strict=True)
            if values
        ]

    async def _earlier(self, principal: "Principal", question: str) -> list[EarlierQuery]:
        asked = set(words(question))
        async with self._database.transaction(principal, read_only=True) as transaction:
            rows = await transaction.fetch_dicts(_EARLIER, {"max_rows": _LOOKED_BACK})
        scored: list[tuple[float, EarlierQuery]] = []
        for row in rows:
            used = set(words(re.sub(r"\s+", " ", row["statement"])))
            shared = sorted(asked & used)
            if len(shared) >= min(_LEAST_SHARED, len(asked)) and shared:
                query_text = str(row["statement"])[:_LONGEST_STATEMENT]
                scored.append((len(shared) / len(used) ** 0.5, EarlierQuery(statement=query_text, shared=shared)))
        return [earlier for _, earlier in sorted(scored, key=lambda pair: -pair[0])[:_MOST_EARLIER]]


def _is_asked(value: str, asked: set[str]) -> bool:
    """Return whether a question names a value; `CAPA-2026-0014` is not named by the word CAPA."""
    said = set(words(value))
    return bool(said & asked) and {word for word in said if word.isdigit()} <= asked


def _with_skeleton(found: GeneratedSql, question: str, matches: Sequence[Match], notes: Sequence[str]) -> GeneratedSql:
    sql = skeleton(question, matches, found.joins, found.values)
    return found.model_copy(update={"sql": sql, "notes": [*found.notes, *notes]})


def _readable_table(row: Mapping[str, object]) -> ReadableTable:
    columns: Sequence[Mapping[str, object]] = row["columns"]  # type: ignore[assignment]
    keys: Sequence[Mapping[str, object]] = row["foreign_keys"]  # type: ignore[assignment]
    return ReadableTable(
        name=str(row["name"]),
        spelled=str(row["spelled"]),
        comment=str(row["comment"]),
        columns=[ReadableColumn(**column) for column in columns],  # type: ignore[arg-type]
        foreign_keys=[ForeignKey(**key) for key in keys],  # type: ignore[arg-type]
    )


def _hint(match: Match) -> TableHint:
    columns = sorted(match.table.columns, key=lambda column: column.name not in match.columns)[:_MOST_COLUMNS]
    return TableHint(
        table=match.table.name,
        comment=match.table.comment[:_LONGEST_COMMENT],
        columns=[
            f"{column.name} {column.type}" + (f": {column.comment[:_LONGEST_COMMENT]}" if column.comment else "")
            for column in columns
        ],
        because="; ".join(f"{word}: {place}" for word, place in match.reasons.items()),
    )
