"""Changes of rows through SQL: previewed in a transaction that is rolled back, approved, applied once."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from qms_mcp.auth.principal import Principal
from qms_mcp.db import changes
from qms_mcp.db.database import SQL_SEARCH_PATH
from qms_mcp.db.guard import Guard, Verdict
from qms_mcp.db.queries import query
from qms_mcp.errors import ConflictError, InvalidInputError, NotFoundError, RefusedStatementError
from qms_mcp.services.transform_models import Preview, RowChange, TransformDraft

if TYPE_CHECKING:
    from qms_mcp.db.database import Database

_INSERT = query("transforms.insert")
_SAME = query("transforms.same")
_GET = query("transforms.get")
_REGULATED = query("transforms.regulated")
_SHOWN_ROWS = 5
_LONGEST = 160
# What only the server's own functions write, although the application has rights on it.
_NOT_BY_SQL = frozenset({"approvals", "migration_drafts", "transform_drafts", "audit_logs", "organizations",
                         "memberships", "people"})  # fmt: skip
_MOST_PARAMETERS = 200
_INSTEAD = (
    "update_record changes fields, transition_record moves the state, report_event adds a record; "
    "get_record says what is possible. transform_data is for tables of your own."
)


@dataclass(frozen=True, slots=True)
class _Protection:
    regulated: bool


class Transforms:
    """Changes of rows as drafts."""

    def __init__(self, database: "Database", guard: Guard | None = None) -> None:
        self._database = database
        self._guard = guard or Guard(search_path=SQL_SEARCH_PATH)

    async def draft(
        self, principal: Principal, *, statement: str, parameters: Sequence[Any], reason: str
    ) -> TransformDraft:
        """Preview a change and keep it; the same change with the same preview is the same draft.

        Raises:
            RefusedStatementError: It is not exactly one change of rows of an ordinary table.
            LimitExceededError: It changes too many rows or takes too long.
            ConflictError: It changes nothing.
        """
        if not reason.strip():
            raise InvalidInputError("A reason is needed.", hint="Say why the rows have to change.")
        verdict = await self._inspected(statement, parameters)
        snapshot = await changes.preview(self._database, principal, verdict, parameters, because=reason)
        if snapshot.rows == 0:
            raise ConflictError("It would change no row.", hint="Check the condition with execute_query.")
        params = {
            "organization_id": principal.organization_id,
            "user_id": principal.user_id,
            "actor_kind": principal.actor_kind,
            "statement": verdict.statement,
            "parameters": json.dumps(list(parameters)),
            "target": verdict.target or "",
            "rows_expected": snapshot.rows,
            "preview": json.dumps(_preview(verdict, snapshot).model_dump(mode="json")),
            "reason": reason,
        }
        async with self._database.transaction(principal, because=reason) as transaction:
            known = await transaction.fetch_one(_SAME, params, row=TransformDraft)
            draft = known or await transaction.fetch_one(_INSERT, params, row=TransformDraft)
        if draft is None:
            raise ConflictError("The draft could not be kept.")
        return draft

    async def get(self, principal: Principal, draft_id: UUID) -> TransformDraft:
        """Return a draft.

        Raises:
            NotFoundError: There is none in the caller's organization.
        """
        async with self._database.transaction(principal, read_only=True) as transaction:
            draft = await transaction.fetch_one(_GET, {"draft_id": draft_id}, row=TransformDraft)
        if draft is None:
            raise NotFoundError("There is no such draft.", hint="Call transform_data with the statement.")
        return draft

    async def ready_to_apply(
        self, principal: Principal, draft_id: UUID, *, statement: str | None, parameters: Sequence[Any]
    ) -> TransformDraft:
        """Return a draft that may be asked for; a statement that comes along has to be the drafted one.

        Raises:
            NotFoundError: There is none in the caller's organization.
            ConflictError: It was applied already, or the statement is another one.
        """
        draft = await self.get(principal, draft_id)
        if draft.state == "applied":
            raise ConflictError(f"It was applied already; it changed {draft.rows_changed} rows.")
        if (statement is not None and statement.strip().rstrip(";").rstrip() != draft.statement) or (
            parameters and list(parameters) != draft.parameters
        ):
            raise ConflictError(
                "The draft holds another statement or other parameters.",
                hint="Pass draft_id alone, or the statement alone for a new preview.",
            )
        return draft

    async def apply(self, principal: Principal, draft: TransformDraft, approval_id: UUID) -> int:
        """Run an approved change, once; return how many rows it changed.

        Raises:
            ConflictError: It was applied already, or would change another number of rows than the preview.
            NotAllowedError: There is no approval that can be used for exactly this text.
        """
        if draft.state == "applied":
            raise ConflictError("It was applied already.")
        verdict = await self._inspected(draft.statement, draft.parameters)
        return await changes.apply(
            self._database,
            principal,
            verdict,
            draft.parameters,
            draft=(draft.id, approval_id, draft.sha256),
            rows_expected=draft.rows_expected,
            because=draft.reason,
        )

    async def _inspected(self, statement: str, parameters: Sequence[Any]) -> Verdict:
        if len(parameters) > _MOST_PARAMETERS:
            raise InvalidInputError(f"At most {_MOST_PARAMETERS} parameters.", hint="Pass a list as one array.")
        verdict = await changes.inspect(self._database, self._guard, statement, parameters)
        schema, _, table = (verdict.target or "").partition(".")
        if schema in {"qms_private", "agents", "auth", "supabase_migrations", "dbos"} or (
            schema == "qms" and table in _NOT_BY_SQL
        ):
            raise RefusedStatementError(
                f"{verdict.target} is only written by the server itself.",
                hint="It keeps people, approvals or the trail.",
            )
        if verdict.target is not None and await self._regulated(verdict.target):
            raise RefusedStatementError(f"{verdict.target} holds quality records: no SQL changes them.", hint=_INSTEAD)
        return verdict

    async def _regulated(self, target: str) -> bool:
        async with self._database.probe_transaction() as transaction:
            found = await transaction.fetch_one(_REGULATED, {"target": target}, row=_Protection)
        return found is not None and found.regulated


def _preview(verdict: Verdict, snapshot: changes.Snapshot) -> Preview:
    pairs = _pairs(verdict, snapshot)
    columns = sorted({name for before, after in pairs for name in _different(before, after)})
    return Preview(
        target=verdict.target or "",
        rows=snapshot.rows,
        columns=columns,
        sample=[_change(before, after, snapshot.key) for before, after in pairs[:_SHOWN_ROWS]],
        also=[
            f"{row.relation}: {_counted(row.inserted, row.updated, row.deleted)}"
            for row in snapshot.written
            if row.relation != verdict.target and not row.relation.startswith("qms_private.")
        ],
    )


Pair = tuple[changes.Row | None, changes.Row | None]


def _pairs(verdict: Verdict, snapshot: changes.Snapshot) -> list[Pair]:
    if verdict.kind == "insert" and not snapshot.before:
        return [(None, after) for after in snapshot.after]
    old = {_key(row, snapshot.key): row for row in snapshot.before}
    paired: list[Pair] = [(old.pop(_key(after, snapshot.key), None), after) for after in snapshot.after]
    # Rows that were only locked (a foreign key) carry the number of the transaction too; only a DELETE loses rows.
    return paired + [(before, None) for before in old.values()] if verdict.kind in {"delete", "merge"} else paired


def _key(row: changes.Row, key: list[str]) -> str:
    return json.dumps([row.get(name) for name in key] if key else row, sort_keys=True, default=str)


def _different(before: changes.Row | None, after: changes.Row | None) -> list[str]:
    names = {**(before or {}), **(after or {})}
    if before is None or after is None:
        return [name for name in names if (before or after or {}).get(name) is not None]
    return [name for name in names if before.get(name) != after.get(name)]


def _change(before: changes.Row | None, after: changes.Row | None, key: list[str]) -> RowChange:
    names = _different(before, after)
    known = after or before or {}
    return RowChange(
        key={name: known.get(name) for name in key},
        before={name: _short(before.get(name)) for name in names} if before is not None else None,
        after={name: _short(after.get(name)) for name in names} if after is not None else None,
    )


def _short(value: Any) -> Any:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return value if len(text) <= _LONGEST else f"{text[:_LONGEST]}... ({len(text):,} characters)"


def _counted(inserted: int, updated: int, deleted: int) -> str:
    parts = [(inserted, "inserted"), (updated, "updated"), (deleted, "deleted")]
    return ", ".join(f"{count:,} {word}" for count, word in parts if count)
