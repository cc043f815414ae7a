"""Runs changes of rows that somebody else wrote: as a preview that is rolled back, or once for good.

Both run as the application under the identity of the caller, so row-level security decides what is reached, and the
guard has looked at the statement first. Parameters are `$1`...; they travel apart from the statement.

A preview finds the rows by the number of its own transaction: new versions carry it while the transaction is open,
and the versions they replaced still carry it after the rollback.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from psycopg import sql

from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import SQL_SEARCH_PATH
from qms_mcp.db.drafts import RowsWritten
from qms_mcp.db.exchange import Command, exchange
from qms_mcp.db.guard import Guard, Verdict
from qms_mcp.db.queries import query
from qms_mcp.db.transaction import Transaction
from qms_mcp.errors import ConflictError, LimitExceededError

if TYPE_CHECKING:
    from qms_mcp.db.database import Database

MOST_ROWS = 10_000
_COMPARED = 200
_PREVIEW_TIMEOUT, _APPLY_TIMEOUT = "10s", "15s"
_MOST_COMPARED = _MOST_RETURNED = 8 * 1024 * 1024
_LIMITS = query("transforms.limits")
_KEY = query("transforms.primary_key")
_ROWS = query("migrations.rows_written")
_USE = query("transforms.use")
_MARK = query("transforms.mark")

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a statement would change.

    Attributes:
        rows: How many rows.
        before: Some of the rows as they are.
        after: Some of the rows as they would be.
        key: The columns of the primary key.
        written: The rows written by table, also by triggers.
    """

    rows: int
    before: list[Row]
    after: list[Row]
    key: list[str]
    written: list[RowsWritten]


@dataclass(frozen=True, slots=True)
class _Limits:
    waits: str
    runs: str
    finds: str
    transaction_number: str


@dataclass(frozen=True, slots=True)
class _Column:
    name: str


@dataclass(frozen=True, slots=True)
class _Used:
    id: UUID


class _RolledBack(Exception):  # noqa: N818 - no error: it takes the transaction back
    """Ends a preview."""


async def inspect(database: "Database", guard: Guard, statement: str, parameters: Sequence[Any]) -> Verdict:
    """Return what a statement would change; nothing of it runs.

    Raises:
        RefusedStatementError: It is not exactly one INSERT, UPDATE, DELETE or MERGE the guard lets through.
    """
    async with database.probe_transaction() as transaction:
        types = ["unknown"] * len(parameters)
        return await guard.inspect_write(transaction.connection, statement, parameter_types=types)


async def preview(
    database: "Database", principal: Principal, verdict: Verdict, parameters: Sequence[Any], *, because: str
) -> Snapshot:
    """Run a change under the identity of the caller, look at it, and roll it back.

    Raises:
        LimitExceededError: It would change more than 10,000 rows, or takes too long.
        StatementError: PostgreSQL refuses it.
    """
    after: list[Row] = []
    found: Snapshot | None = None
    number = ""
    try:
        async with database.transaction(principal, because=because) as transaction:
            number = await _limited(transaction, _PREVIEW_TIMEOUT)
            counted = await transaction.fetch_all(_ROWS, row=RowsWritten)
            rows = await _run(transaction, verdict, parameters)
            key = await transaction.fetch_all(_KEY, {"target": verdict.target}, row=_Column)
            after = await _versions(transaction, verdict, "xmin", number)
            written = _since(counted, await transaction.fetch_all(_ROWS, row=RowsWritten))
            found = Snapshot(rows, [], after, [column.name for column in key], written)
            raise _RolledBack  # noqa: TRY301 - the only way out of a transaction that commits
    except _RolledBack:
        pass
    if found is None:
        raise ConflictError("The preview did not run.")
    async with database.transaction(principal, read_only=True) as transaction:
        before = await _versions(transaction, verdict, "xmax", number)
    return Snapshot(found.rows, before, found.after, found.key, found.written)


async def apply(
    database: "Database",
    principal: Principal,
    verdict: Verdict,
    parameters: Sequence[Any],
    *,
    draft: tuple[UUID, UUID, str],
    rows_expected: int,
    because: str,
) -> int:
    """Spend an approval and run the change it is for, in one transaction; return how many rows changed.

    Args:
        database: Where.
        principal: On whose behalf.
        verdict: What the guard said of the statement.
        parameters: Its values.
        draft: The draft's id, the approval's id, and the sha256 that was approved.
        rows_expected: As many rows as the preview changed.
        because: The reason given with the draft.

    Raises:
        NotAllowedError: There is no approval for exactly this text.
        ConflictError: It changes another number of rows than the preview; nothing has changed.
    """
    draft_id, approval_id, sha256 = draft
    params = {"draft_id": draft_id, "approval_id": approval_id, "sha256": sha256}
    async with database.transaction(principal, because=because) as transaction:
        await transaction.fetch_one(_USE, params, row=_Used)
        await _limited(transaction, _APPLY_TIMEOUT)
        rows = await _run(transaction, verdict, parameters)
        if rows != rows_expected:
            raise ConflictError(
                f"It would change {rows:,} rows now; the preview that was approved changed {rows_expected:,}. "
                "Nothing was changed.",
                hint="Call transform_data with the statement again: it makes a new preview to approve.",
            )
        if not await transaction.execute(_MARK, {**params, "rows_changed": rows}):
            raise ConflictError("It was applied already.")
    return rows


def _since(before: list[RowsWritten], after: list[RowsWritten]) -> list[RowsWritten]:
    """Return what was written in between: the counters still hold earlier transactions of the session."""
    known = {row.relation: row for row in before}
    nothing = RowsWritten("", 0, 0, 0)
    rest = [(row, known.get(row.relation, nothing)) for row in after]
    written = [
        RowsWritten(new.relation, new.inserted - old.inserted, new.updated - old.updated, new.deleted - old.deleted)
        for new, old in rest
    ]
    return [row for row in written if row.inserted or row.updated or row.deleted]


async def _limited(transaction: Transaction, statement_timeout: str) -> str:
    params = {"statement_timeout": statement_timeout, "search_path": SQL_SEARCH_PATH}
    limits = await transaction.fetch_one(_LIMITS, params, row=_Limits)
    return limits.transaction_number if limits else ""


async def _run(transaction: Transaction, verdict: Verdict, parameters: Sequence[Any]) -> int:
    values = [
        _as_text(value, verdict.parameter_types[index] if index < len(verdict.parameter_types) else "")
        for index, value in enumerate(parameters)
    ]
    given = [None if value is None else value.encode() for value in values]
    answer = (
        await exchange(transaction.connection, [Command(verdict.statement.encode(), given)], budget=_MOST_RETURNED)
    )[0]
    if not answer.whole:
        raise LimitExceededError("It returns too much.", hint="Leave RETURNING out: the preview shows the rows.")
    if answer.touched > MOST_ROWS:
        raise LimitExceededError(
            f"It would change {answer.touched:,} rows; at most {MOST_ROWS:,} go at once.",
            hint="Narrow it with WHERE and go in steps.",
        )
    return answer.touched


async def _versions(transaction: Transaction, verdict: Verdict, stamp: str, number: str) -> list[Row]:
    if verdict.target is None:
        return []
    target = sql.SQL(".").join(sql.Identifier(part) for part in _parts(verdict.target))
    statement = sql.SQL(
        "SELECT w.seen::jsonb FROM ("
        "SELECT v.seen, sum(octet_length(v.seen)) OVER (ROWS UNBOUNDED PRECEDING) AS bytes FROM ("
        "SELECT to_jsonb(t)::text AS seen FROM {} AS t WHERE t.{} = {}::xid LIMIT {}) AS v) AS w WHERE w.bytes <= {}"
    ).format(target, sql.Identifier(stamp), sql.Literal(number), sql.Literal(_COMPARED), sql.Literal(_MOST_COMPARED))
    cursor = await transaction.connection.execute(statement)
    return [row[0] for row in await cursor.fetchall()]


def _parts(target: str) -> list[str]:
    return [part.strip('"').replace('""', '"') for part in target.split(".", 1)]


def _as_text(value: Any, type_name: str) -> str | None:
    """Return a JSON value as PostgreSQL reads it, whatever type it infers for the parameter."""
    if value is None:
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, list) and type_name.endswith("[]"):
        elements = cast("list[Any]", value)
        return "{" + ",".join(_element(element, type_name[:-2]) for element in elements) + "}"
    return json.dumps(value, ensure_ascii=False)


def _element(value: Any, type_name: str) -> str:
    text = _as_text(value, type_name)
    if text is None:
        return "NULL"
    if isinstance(value, list):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
