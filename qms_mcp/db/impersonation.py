"""Acting as a role, to see what it gets.

Everything happens in a transaction of the owner that is rolled back. A persona is a database role with an identity:
the caller's, somebody else's, a forged one, none. For each persona a statement is tried on the real table within a
savepoint, and each policy is evaluated, by that role, on rows that do not exist. Only whether something was reached
leaves this module: no value, no count.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from qms_mcp.db.queries import query
from qms_mcp.db.transaction import Transaction

_BECOME_DEFINER = query("rls.become_definer")
_SIGN = query("rls.sign")
_STEP_BACK = query("rls.step_back")
_CLAIM = query("rls.claim")
_REFUSED = "42501"
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a session claims to be: a signed identity, and settings that anybody can make."""

    identity: str
    claims: Mapping[str, Any]


@dataclass(frozen=True)
class _Ticket:
    ticket: str


class Impersonation:
    """Tries things as other roles, in one open transaction of the owner."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._connection = transaction.connection

    async def sign(self, claims: Mapping[str, Any]) -> str:
        """Return an identity with these claims, signed for this connection."""
        await self._transaction.execute(_BECOME_DEFINER)
        row = await self._transaction.fetch_one(_SIGN, {"claims": Jsonb(dict(claims))}, row=_Ticket)
        await self._transaction.execute(_STEP_BACK)
        return row.ticket if row else ""

    async def act_as(self, role: str, ticket: Ticket) -> bool:
        """Take a role and an identity; False when the owner may not act as this role."""
        await self._connection.execute(b"SAVEPOINT persona")
        await self._transaction.execute(_CLAIM, {"ticket": ticket.identity, "claims": json.dumps(dict(ticket.claims))})
        try:
            await self._connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(role)))
        except psycopg.errors.InsufficientPrivilege:
            await self.leave()
            return False
        await self._connection.execute(b"SAVEPOINT attempt")
        return True

    async def leave(self) -> None:
        """Be the owner again, with nothing claimed."""
        await self._connection.execute(b"ROLLBACK TO SAVEPOINT persona")
        await self._connection.execute(b"RELEASE SAVEPOINT persona")

    async def admits(self, relation: tuple[str, str], expression: str, rows: Sequence[Row]) -> bool | None:
        """Whether a policy admits any of some made-up rows; None when it can't be evaluated."""
        statement = sql.SQL(
            "SELECT coalesce(pg_catalog.bool_or({expression}), false) FROM ("
            "SELECT made.* FROM pg_catalog.jsonb_array_elements(%s) AS given (fields),"
            " LATERAL pg_catalog.jsonb_populate_record(NULL::{table}, given.fields) AS made) AS {alias}"
        ).format(
            # The expression is PostgreSQL's own print of a policy; a percent sign in it is no placeholder.
            expression=sql.SQL(expression.replace("%", "%%")),  # pyright: ignore[reportArgumentType]
            table=sql.Identifier(*relation),
            alias=sql.Identifier(relation[1]),
        )
        found, state = await self._attempt(statement, [Jsonb([dict(row) for row in rows])])
        return bool(found) if state is None else None

    async def sees(self, relation: tuple[str, str], tenant: str, organization: str, *, foreign: bool) -> bool | None:
        """Whether the table shows a row of the organization, or (foreign) of any other; None when it failed."""
        statement = sql.SQL("SELECT EXISTS (SELECT FROM {} AS t WHERE t.{} {} %s::uuid)").format(
            sql.Identifier(*relation), sql.Identifier(tenant), _comparison(foreign=foreign)
        )
        found, state = await self._attempt(statement, [organization])
        return bool(found) if state is None else (False if state == _REFUSED else None)

    async def sees_any(self, relation: tuple[str, str]) -> bool | None:
        """Whether the table shows any row at all; None when it failed."""
        found, state = await self._attempt(
            sql.SQL("SELECT EXISTS (SELECT FROM {})").format(sql.Identifier(*relation)), []
        )
        return bool(found) if state is None else (False if state == _REFUSED else None)

    async def adds(self, relation: tuple[str, str], columns: Sequence[str], row: Row) -> bool | None:
        """Whether row-level security lets a made-up row in; None when something else stood in the way.

        PostgreSQL checks policies before constraints, so a row that breaks a constraint has passed them.
        """
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        statement = sql.SQL(
            "INSERT INTO {table} ({names}) OVERRIDING SYSTEM VALUE "
            "SELECT {names} FROM pg_catalog.jsonb_populate_record(NULL::{table}, %s)"
        ).format(table=sql.Identifier(*relation), names=names)
        _, state = await self._attempt(statement, [Jsonb(dict(row))])
        if state is None or state.startswith("23"):
            return True
        return False if state == _REFUSED else None

    async def changes(
        self, relation: tuple[str, str], tenant: str, organization: str, *, column: str | None
    ) -> bool | None:
        """Whether a row of another organization can be changed, or removed when no column is given."""
        head = (
            sql.SQL("UPDATE {table} SET {column} = {column}").format(
                table=sql.Identifier(*relation), column=sql.Identifier(column)
            )
            if column
            else sql.SQL("DELETE FROM {table}").format(table=sql.Identifier(*relation))
        )
        statement = sql.SQL(
            "WITH reached AS ({head} WHERE ctid = ANY(ARRAY(SELECT t.ctid FROM {table} AS t"
            " WHERE t.{tenant} IS DISTINCT FROM %s::uuid LIMIT 1)) RETURNING 1) SELECT EXISTS (SELECT FROM reached)"
        ).format(head=head, table=sql.Identifier(*relation), tenant=sql.Identifier(tenant))
        found, state = await self._attempt(statement, [organization])
        return bool(found) if state is None else (False if state == _REFUSED else None)

    async def _attempt(self, statement: sql.Composed, params: Sequence[Any]) -> tuple[Any, str | None]:
        """Run one statement and undo it: its first value, or the SQLSTATE it failed with."""
        try:
            cursor = await self._connection.execute(statement, params, prepare=False)
            row = await cursor.fetchone() if cursor.description else None
            return (row[0] if row else None), None
        except psycopg.OperationalError as error:
            if self._connection.closed:
                raise
            return None, error.sqlstate or "XX000"
        except psycopg.Error as error:
            return None, error.sqlstate or "XX000"
        finally:
            if not self._connection.closed:
                await self._connection.execute(b"ROLLBACK TO SAVEPOINT attempt")


def _comparison(*, foreign: bool) -> sql.SQL:
    # A row without an organization is shared, not somebody else's: workflows that are shipped, for example.
    return sql.SQL("<>") if foreign else sql.SQL("=")
