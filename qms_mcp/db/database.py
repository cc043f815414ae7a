"""The database as the rest of the project sees it: transactions that already know who acts.

There are four ways in, each its own role: `transaction` (the application, row-level security applies),
`sql_transaction` (the read-only SQL tools, on connections of their own), `probe_transaction` (analyses a statement
without running it) and `owner_transaction` (migrations). No caller can open a transaction without saying which.

A connection that turns out to be dead is replaced, and an embedded server that was killed is started again, before
the caller's first statement runs; after that, an error is the caller's to see.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import anyio
import psycopg
from psycopg import pq
from psycopg_pool import PoolTimeout

from qms_mcp.auth.principal import Principal
from qms_mcp.db.assuming import assuming
from qms_mcp.db.connection import Connection
from qms_mcp.db.exchange import Answer, Command, command, exchange
from qms_mcp.db.listening import heard
from qms_mcp.db.pool import Pool, Preamble
from qms_mcp.db.queries import Query, query
from qms_mcp.db.transaction import SqlTransaction, Transaction, translate
from qms_mcp.db.wiring import Wiring
from qms_mcp.errors import NotAllowedError, UnavailableError

_log = logging.getLogger(__name__)
_MINT = query("identity.mint")
_BEGIN, _BEGIN_READ_ONLY, _ROLLBACK = Command(b"BEGIN"), Command(b"BEGIN READ ONLY"), Command(b"ROLLBACK")
_BEGIN_ONE_MOMENT = Command(b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
_PROBE = Command(b"SET LOCAL ROLE qms_probe")
_BACKEND = Command(b"SELECT pg_catalog.pg_backend_pid()")
_PLUMBING = 3
# How long a ticket of the SQL tools is used again. The policies look at the membership all the same, each time.
_TICKET_SECONDS = 2.0
_MOST_TICKETS = 1_000
# What a statement of the SQL tools finds names in; the guard analyses under the same.
SQL_SEARCH_PATH = "public, extensions"
# How its values are written: PostgreSQL's default dates, and intervals and bytes in one known form.
_WRITING = {
    "search_path": SQL_SEARCH_PATH.replace(" ", ""),
    "datestyle": "ISO",
    "intervalstyle": "iso_8601",
    "bytea_output": "hex",
}
# Given when a session starts, they are also what it goes back to when it is cleaned. A transaction pooler gives
# nothing on; there each transaction sets them.
_OPTIONS = " ".join(f"-c {name}={value}" for name, value in _WRITING.items())
_FOR_TRANSACTION = tuple(Command(f"SET LOCAL {name} = {value}".encode()) for name, value in _WRITING.items())
_DISCARD = Command(b"DISCARD ALL")


class Database:
    """The pools and the four kinds of transaction.

    Args:
        wiring: Which logins to use; from the embedded server or from `DATABASE_URL`.
        revive: Brings a database back that has gone (starts the embedded server); may be left out.
    """

    def __init__(self, wiring: Wiring, *, revive: Callable[[], Awaitable[None]] | None = None) -> None:
        self.wiring = wiring
        self._revive = revive
        self._reviving = anyio.Lock()
        self._server = Pool("server", wiring.server, wiring)
        # Minting an identity and writing the ledger never wait for somebody's transaction.
        self._plumbing = Pool("plumbing", wiring.server, wiring, size=_PLUMBING)
        self._sql = Pool("sql", wiring.sql, wiring, configure=_discard, options="" if wiring.pooled else _OPTIONS)
        self._tickets: dict[tuple[Principal, int], tuple[bytes, float]] = {}
        self._cleaning: set[asyncio.Task[None]] = set()
        self.sql_refusal: str | None = None

    async def open(self) -> None:
        """Open the pools and look at what the SQL login may do; `UnavailableError` when there is no database."""
        for pool in (self._plumbing, self._server, self._sql):
            await pool.open()
        try:
            async with self._checked_out(self._sql, _nothing) as connection:
                self.sql_refusal = await _why_unsafe(connection, in_role=self.wiring.sql_role)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Close all connections."""
        while self._cleaning:
            await asyncio.wait(self._cleaning)
        for pool in (self._sql, self._server, self._plumbing):
            await pool.close()

    @asynccontextmanager
    async def transaction(
        self, principal: Principal, *, read_only: bool = False, one_moment: bool = False, because: str | None = None
    ) -> AsyncGenerator[Transaction]:
        """Open a transaction of the application on behalf of `principal`.

        Args:
            principal: On whose behalf.
            read_only: Nothing can be written.
            one_moment: The same, and all that is read is as of one moment.
            because: The reason for what is written, for the trail; changes of regulated records need one.

        Raises:
            NotAuthenticatedError: The membership is not valid (any more).
            UnavailableError: The database can't be reached.
        """
        begin = _BEGIN_ONE_MOMENT if one_moment else _BEGIN_READ_ONLY if read_only else _BEGIN
        assume = assuming(principal, because)

        async def preamble(connection: Connection) -> None:
            await exchange(connection, [begin, assume])

        async with self._checked_out(self._server, preamble) as connection, _ending(connection, b"COMMIT"):
            yield Transaction(connection)

    @property
    def can_listen(self) -> bool:
        """Whether announcements arrive: a transaction pooler passes none on."""
        return not self.wiring.pooled

    def listen(self, channel: str, begun: Callable[[], None]) -> AsyncIterator[str]:
        """Return what is announced on a channel, as it comes; see `qms_mcp.db.listening`."""
        return heard(self.wiring.server, channel, begun)

    @asynccontextmanager
    async def probe_transaction(self) -> AsyncGenerator[Transaction]:
        """Open a transaction in which statements are analysed and never run; it is always rolled back."""

        async def preamble(connection: Connection) -> None:
            await exchange(connection, [_BEGIN, _PROBE])

        async with self._checked_out(self._server, preamble) as connection, _ending(connection, b"ROLLBACK"):
            yield Transaction(connection)

    @asynccontextmanager
    async def sql_transaction(
        self,
        principal: Principal,
        *,
        timeout_ms: int,
        first: Sequence[Command] = (),
        budget: int = 1 << 62,
        only_first: bool = False,
    ) -> AsyncGenerator[SqlTransaction]:
        """Open a read-only transaction for a statement somebody else wrote.

        It runs as a login that only reads, is always rolled back, and the session is cleaned while the caller goes on.

        Args:
            principal: On whose behalf.
            timeout_ms: How long each statement may run.
            first: Commands that travel with the opening ones, to save a round trip; see `SqlTransaction.answers`.
            budget: How many bytes of values to take of the last of `first`.
            only_first: Nothing of theirs follows `first`: the end and the cleaning go along too.

        Raises:
            NotAllowedError: The only login there is could do more than read.
            LimitExceededError: The statement ran into its time limit.
        """
        if self.sql_refusal:
            raise NotAllowedError(
                f"The SQL tools are switched off: {self.sql_refusal}.",
                hint="Set DATABASE_URL_SQL to a login that is a member of qms_sql only.",
            )
        answers: list[Answer] = []

        async def preamble(connection: Connection) -> None:
            opening = await self._opening(principal, connection, timeout_ms)
            answers.clear()
            try:
                limit = budget if first else 1 << 62
                end = (_ROLLBACK, _DISCARD) if only_first else ()
                await exchange(connection, [*opening, *first], into=answers, budget=limit, after=end)
            except psycopg.Error as error:
                if len(answers) >= len(opening):
                    raise translate(error) from error  # theirs failed: running it again would not help
                raise
            del answers[: len(opening)]

        connection = await self._ready_connection(self._sql, preamble)
        try:
            yield SqlTransaction(connection, answers)
        except psycopg.Error as error:
            raise translate(error) from error
        finally:
            cleaned = connection.info.transaction_status == pq.TransactionStatus.IDLE
            if only_first and cleaned and answers and answers[-1].whole:
                await self._sql.putconn(connection)
            else:
                self._clean_later(connection)

    async def _opening(self, principal: Principal, connection: Connection, timeout_ms: int) -> list[Command]:
        """Return what begins the transaction and binds it to the identity."""
        pid, opening = connection.info.backend_pid, [_BEGIN_READ_ONLY]
        if self.wiring.pooled:
            pid = int((await exchange(connection, [*opening, _BACKEND]))[-1].rows[0][0] or 0)
            opening = []
        ticket = await self._ticket(principal, pid)
        escape = pq.Escaping(connection.pgconn)
        opening.append(Command(b"SET LOCAL qms.identity = " + escape.escape_literal(ticket)))
        opening.append(Command(f"SET LOCAL statement_timeout = {timeout_ms:d}".encode()))
        if self.wiring.pooled:
            opening.extend(_FOR_TRANSACTION)
        if self.wiring.sql_role:
            opening.append(Command(b"SET LOCAL ROLE " + escape.escape_identifier(self.wiring.sql_role.encode())))
        return opening

    def _clean_later(self, connection: Connection) -> None:
        task = asyncio.get_running_loop().create_task(_clean(self._sql, connection))
        self._cleaning.add(task)
        task.add_done_callback(self._cleaning.discard)

    @asynccontextmanager
    async def owner_transaction(self, *, rollback: bool = False) -> AsyncGenerator[Transaction]:
        """Open a transaction of the owner, on a connection of its own: migrations and administration."""
        try:
            connection = await _connect(self.wiring.owner)
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
        async with self._checked_out(self._plumbing, _nothing) as connection:
            yield Transaction(connection)

    async def _ticket(self, principal: Principal, pid: int) -> bytes:
        principal.check_current()
        held = self._tickets.get((principal, pid))
        if held is not None and time.monotonic() - held[1] < _TICKET_SECONDS:
            return held[0]
        ticket = await self._mint(principal, pid)
        if len(self._tickets) > _MOST_TICKETS:
            self._tickets.clear()
        self._tickets[principal, pid] = ticket, time.monotonic()
        return ticket

    def forget_tickets(self) -> None:
        """Make a new ticket for the next statement of everyone."""
        self._tickets.clear()

    async def _mint(self, principal: Principal, pid: int) -> bytes:
        params = {
            "user_id": principal.user_id,
            "organization_id": principal.organization_id,
            "actor_kind": principal.actor_kind,
            "pid": pid,
        }
        return (await self.run_plumbing(_MINT, params)).rows[0][0] or b""

    async def run_plumbing(self, query: Query, params: Mapping[str, Any]) -> Answer:
        """Run one repeatable statement of the server for nobody in particular, in one round trip.

        On a connection that turns out to be dead it is run again on another.

        Raises:
            UnavailableError: The database can't be reached.
        """
        answers: list[Answer] = []

        async def send(connection: Connection) -> None:
            answers.clear()
            await exchange(connection, [command(query, params)], into=answers)

        connection = await self._ready_connection(self._plumbing, send)
        with anyio.CancelScope(shield=True):
            await self._plumbing.putconn(connection)
        return answers[0]

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
            for _ in range(self.wiring.max_connections + 1):
                try:
                    return await _prepared_connection(pool, preamble)
                except PoolTimeout as silent:
                    last = silent
                    break
                except (psycopg.OperationalError, psycopg.InterfaceError) as dead:
                    last = dead
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


async def _discard(connection: Connection) -> None:
    """Put the session into the state in which statements of the SQL tools find it."""
    await exchange(connection, [_DISCARD])


async def _clean(pool: Pool, connection: Connection) -> None:
    """Undo whatever a statement may have left in the session, and give the connection back."""
    try:
        if connection.info.transaction_status == pq.TransactionStatus.ACTIVE:
            await _roll_back(connection)
        await exchange(connection, [_ROLLBACK, _DISCARD])
    except psycopg.Error:
        await connection.close()
    finally:
        await pool.putconn(connection)


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
    return await Connection.connect(conninfo, autocommit=True, prepare_threshold=None, application_name="qms-mcp owner")


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
