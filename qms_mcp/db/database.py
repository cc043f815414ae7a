"""The database as the rest of the project sees it: transactions that already know who acts.

There are four ways in, each its own role: `transaction` (the application, row-level security applies),
`sql_transaction` (the read-only SQL tools, on connections of their own), `probe_transaction` (analyses a statement
without running it) and `owner_transaction` (migrations). No caller can open a transaction without saying which.

A connection that turns out to be dead is replaced, and an embedded server that was killed is started again, before
the caller's first statement runs; after that, an error is the caller's to see.
"""

import json
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import anyio
import psycopg
from psycopg import pq, sql
from psycopg.rows import AsyncRowFactory, tuple_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from qms_mcp.auth.principal import Principal
from qms_mcp.db.queries import query
from qms_mcp.db.transaction import Transaction, translate
from qms_mcp.db.wiring import Wiring
from qms_mcp.errors import NotAllowedError, UnavailableError

_log = logging.getLogger(__name__)
_ASSUME = query("identity.assume")
_MINT = query("identity.mint")
_POOL_TIMEOUT = 3.0

Connection: TypeAlias = psycopg.AsyncConnection[Any]
Pool: TypeAlias = AsyncConnectionPool[Connection]
Preamble: TypeAlias = Callable[[Connection], Awaitable[None]]


class Database:
    """The pools and the four kinds of transaction.

    Args:
        wiring: Which logins to use; from the embedded server or from `DATABASE_URL`.
        revive: Brings a database back that has gone (starts the embedded server); may be left out.
    """

    def __init__(self, wiring: Wiring, *, revive: Callable[[], Awaitable[None]] | None = None) -> None:
        self._wiring = wiring
        self._revive = revive
        self._reviving = anyio.Lock()
        self._server = _pool(wiring.server, wiring.max_connections, wiring)
        self._sql = _pool(wiring.sql, wiring.max_connections, wiring)
        self.sql_refusal: str | None = None

    async def open(self) -> None:
        """Open the pools and look at what the SQL login may do.

        Raises:
            UnavailableError: The database can't be reached.
        """
        await self._server.open()
        await self._sql.open()
        try:
            async with self._checked_out(self._sql, _nothing) as connection:
                self.sql_refusal = await _why_unsafe(connection, in_role=self._wiring.sql_role)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Close all connections."""
        await self._server.close()
        await self._sql.close()

    @asynccontextmanager
    async def transaction(self, principal: Principal, *, read_only: bool = False) -> AsyncGenerator[Transaction]:
        """Open a transaction of the application on behalf of `principal`.

        Raises:
            NotAuthenticatedError: The membership is not valid (any more).
            UnavailableError: The database can't be reached.
        """
        begin = b"BEGIN READ ONLY" if read_only else b"BEGIN"

        async def preamble(connection: Connection) -> None:
            await connection.execute(begin)
            await connection.execute(_ASSUME.text.encode(), _identity(principal, "qms_app"))

        async with self._checked_out(self._server, preamble) as connection, _ending(connection, b"COMMIT"):
            yield Transaction(connection)

    @asynccontextmanager
    async def probe_transaction(self) -> AsyncGenerator[Transaction]:
        """Open a transaction in which statements are analysed and never run; it is always rolled back."""

        async def preamble(connection: Connection) -> None:
            await connection.execute(b"BEGIN")
            await connection.execute(b"SET LOCAL ROLE qms_probe")

        async with self._checked_out(self._server, preamble) as connection, _ending(connection, b"ROLLBACK"):
            yield Transaction(connection)

    @asynccontextmanager
    async def sql_transaction(self, principal: Principal, *, timeout_ms: int) -> AsyncGenerator[Transaction]:
        """Open a read-only transaction for a statement somebody else wrote.

        It runs as a login that can only read, is always rolled back, and the session is cleaned afterwards.

        Raises:
            NotAllowedError: The only login there is could do more than read.
            LimitExceededError: The statement ran into its time limit.
        """
        if self.sql_refusal:
            raise NotAllowedError(
                f"The SQL tools are switched off: {self.sql_refusal}.",
                hint="Set DATABASE_URL_SQL to a login that is a member of qms_sql only.",
            )

        async def preamble(connection: Connection) -> None:
            ticket = await self._ticket(principal, connection)
            statements = [
                sql.SQL("BEGIN READ ONLY"),
                sql.SQL("SET LOCAL statement_timeout = {}").format(sql.Literal(timeout_ms)),
                sql.SQL("SET LOCAL qms.identity = {}").format(sql.Literal(ticket)),
            ]
            if self._wiring.sql_role:
                statements.append(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(self._wiring.sql_role)))
            # One message: none of its parts is somebody else's text.
            await connection.execute(sql.SQL("; ").join(statements), prepare=False)

        async with self._checked_out(self._sql, preamble) as connection, _ending(connection, b"ROLLBACK"):
            yield Transaction(connection)

    @asynccontextmanager
    async def owner_transaction(self, *, rollback: bool = False) -> AsyncGenerator[Transaction]:
        """Open a transaction of the owner, on a connection of its own: migrations and administration."""
        try:
            connection = await _connect(self._wiring.owner)
        except psycopg.Error as error:
            raise translate(error) from error
        try:
            await connection.execute(b"BEGIN")
            async with _ending(connection, b"ROLLBACK" if rollback else b"COMMIT"):
                yield Transaction(connection)
        except psycopg.Error as error:
            raise translate(error) from error
        finally:
            with anyio.CancelScope(shield=True):
                await connection.close()

    @asynccontextmanager
    async def plumbing(self) -> AsyncGenerator[Transaction]:
        """Lend a connection of the server in autocommit: for the ledger, which acts for nobody."""
        async with self._checked_out(self._server, _nothing) as connection:
            yield Transaction(connection)

    async def _ticket(self, principal: Principal, connection: Connection) -> str:
        pid = connection.info.backend_pid
        if self._wiring.pooled:
            row = await (await connection.execute(b"SELECT pg_backend_pid()")).fetchone()
            pid = int(row[0]) if row else pid
        async with self._checked_out(self._server, _nothing) as minting:
            params = {**_identity(principal, ""), "pid": pid}
            row = await (await minting.execute(_MINT.text.encode(), params)).fetchone()
        return str(row[0]) if row else ""

    @asynccontextmanager
    async def _checked_out(self, pool: Pool, preamble: Preamble) -> AsyncGenerator[Connection]:
        connection = await self._ready_connection(pool, preamble)
        try:
            yield connection
        except psycopg.Error as error:
            raise translate(error) from error
        finally:
            with anyio.CancelScope(shield=True):
                await pool.putconn(connection)

    async def _ready_connection(self, pool: Pool, preamble: Preamble) -> Connection:
        last: Exception | None = None
        for attempt in range(2):
            for _ in range(self._wiring.max_connections + 1):
                try:
                    return await _prepared_connection(pool, preamble)
                except (psycopg.OperationalError, psycopg.InterfaceError) as dead:
                    last = dead
                except PoolTimeout as silent:
                    last = silent
                    break
            if attempt == 0:
                await self._bring_back()
        raise UnavailableError(
            "The database can't be reached.", hint="Try again in a moment; `qms-mcp doctor` says more."
        ) from last

    async def _bring_back(self) -> None:
        if self._revive is None:
            return
        async with self._reviving:
            _log.warning("the database is gone; starting it again")
            await self._revive()


def _identity(principal: Principal, role: str) -> dict[str, Any]:
    principal.check_current()
    claims = {"sub": str(principal.user_id), "role": "authenticated", "organization": str(principal.organization_id)}
    return {
        "user_id": principal.user_id,
        "organization_id": principal.organization_id,
        "actor_kind": principal.actor_kind,
        "claims": json.dumps(claims),
        "role": role,
    }


def _pool(conninfo: str, size: int, wiring: Wiring) -> Pool:
    async def clean(connection: Connection) -> None:
        if connection.info.transaction_status != pq.TransactionStatus.IDLE:
            await connection.rollback()
        await connection.execute(b"DISCARD ALL")

    arguments = {"autocommit": True, "prepare_threshold": None, "application_name": "qms-mcp"}
    if not wiring.pooled and conninfo != wiring.sql:
        arguments["prepare_threshold"] = 5
    pool: Pool = AsyncConnectionPool(
        conninfo,
        kwargs=arguments,
        min_size=1,
        max_size=size,
        open=False,
        timeout=_POOL_TIMEOUT,
        reconnect_timeout=_POOL_TIMEOUT,
        reset=clean if conninfo == wiring.sql else None,
        name="sql" if conninfo == wiring.sql else "server",
    )
    return pool


async def _prepared_connection(pool: Pool, preamble: Preamble) -> Connection:
    connection = await pool.getconn()
    try:
        await preamble(connection)
    except BaseException as error:
        with anyio.CancelScope(shield=True):
            if connection.info.transaction_status != pq.TransactionStatus.IDLE:
                await _roll_back(connection)
            await pool.putconn(connection)
        if isinstance(error, psycopg.Error) and not isinstance(
            error, (psycopg.OperationalError, psycopg.InterfaceError)
        ):
            raise translate(error) from error
        raise
    return connection


@asynccontextmanager
async def _ending(connection: Connection, end: bytes) -> AsyncGenerator[None]:
    try:
        yield
    except BaseException:
        with anyio.CancelScope(shield=True):
            await _roll_back(connection)
        raise
    with anyio.CancelScope(shield=end == b"ROLLBACK"):
        await connection.execute(end)


async def _roll_back(connection: Connection) -> None:
    """Roll back; a statement still running (the caller was cancelled) is stopped first."""
    try:
        if connection.info.transaction_status == pq.TransactionStatus.ACTIVE:
            await connection.cancel_safe(timeout=2)
        await connection.execute(b"ROLLBACK")
    except psycopg.Error:
        await connection.close()


async def _connect(conninfo: str) -> Connection:
    factory: AsyncRowFactory[Any] = tuple_row
    return await psycopg.AsyncConnection.connect(
        conninfo, autocommit=True, prepare_threshold=None, row_factory=factory, application_name="qms-mcp owner"
    )


async def _nothing(_connection: Connection) -> None:
    """Prepare nothing."""


async def _why_unsafe(connection: Connection, *, in_role: str | None) -> str | None:
    row = await (
        await connection.execute(
            b"SELECT rolsuper, rolbypassrls FROM pg_catalog.pg_roles WHERE rolname = coalesce(%s, session_user)",
            [in_role],
        )
    ).fetchone()
    login = await (
        await connection.execute(b"SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = session_user")
    ).fetchone()
    if login and login[0]:
        return "their login is a superuser"
    if row and (row[0] or row[1]):
        return "their role could pass row-level security"
    return None
