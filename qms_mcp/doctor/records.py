"""The database: whether it runs, what it is, how the roles are kept apart, and who we are to it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import anyio.to_thread

from qms_mcp.db.database import Database
from qms_mcp.db.durable import durable_schema_is_there
from qms_mcp.db.embedded import EmbeddedPostgres
from qms_mcp.db.local_owner import has_local_owner
from qms_mcp.db.migrate import Migrator
from qms_mcp.db.queries import query
from qms_mcp.db.wiring import Wiring, external_wiring
from qms_mcp.doctor.findings import Finding
from qms_mcp.errors import QmsError
from qms_mcp.services.dispatch.service import QUEUE_ALERT
from qms_mcp.services.identify import identify
from qms_mcp.settings import Settings
from qms_mcp.startup import embedded_wiring

_PART = "database"
_SERVER = query("doctor.server")
_LOGIN = query("doctor.login")
_UNFORCED = query("doctor.unforced")
_OUTBOX = query("doctor.outbox")
_AS_LEDGER = query("doctor.as_ledger")
_AGENTS = query("doctor.agents")


@dataclass(frozen=True, slots=True)
class Server:
    """The server behind a connection."""

    version: str
    vector: str | None
    size: str


@dataclass(frozen=True, slots=True)
class Login:
    """What a login could do."""

    name: str
    superuser: bool
    bypasses_rls: bool
    owns_records: bool


@dataclass(frozen=True, slots=True)
class Named:
    """A name."""

    name: str


@dataclass(frozen=True, slots=True)
class Outbox:
    """What is on its way to Langfuse."""

    waiting: int
    given_up: int
    last_error: str | None


@dataclass(frozen=True, slots=True)
class AgentQueue:
    """What waits for agents, and who runs them."""

    depth: int
    servers: int
    workers: int


async def look_at_records(settings: Settings, home: Path) -> AsyncIterator[Finding]:
    """Look at the database, starting the embedded one when there is one; nothing is migrated or changed."""
    embedded = EmbeddedPostgres(home, linger=settings.qms_linger_seconds) if settings.embedded else None
    try:
        if embedded is not None:
            status = await anyio.to_thread.run_sync(embedded.status)
            yield Finding(_PART, "embedded PostgreSQL", "ok", f"{status.version}, its programs run here")
            if not (status.data_dir / "PG_VERSION").exists():
                yield Finding(_PART, "records", "missing", "none yet", "They are made at the first start.")
                return
            await anyio.to_thread.run_sync(embedded.ensure_running)
        wiring = embedded_wiring(embedded) if embedded else external_wiring(settings)
        async for finding in _look_inside(settings, wiring):
            yield finding
    except QmsError as error:
        effect = f"{error.hint} Without it, no tool works; calls are kept in the spool."
        yield Finding(_PART, "reachable", "broken", error.message, effect.strip())
    finally:
        if embedded is not None:
            embedded.release()


async def _look_inside(settings: Settings, wiring: Wiring) -> AsyncIterator[Finding]:
    database = Database(wiring)
    await database.open()
    try:
        async with database.plumbing() as transaction:
            server = await transaction.fetch_one(_SERVER, row=Server)
            login = await transaction.fetch_one(_LOGIN, row=Login)
        if server is not None:
            yield Finding(_PART, "reachable", "ok", f"PostgreSQL {server.version}, {server.size}")
            yield _vector(server)
        if login is not None:
            yield _server_login(login)
        yield _sql_login(database, wiring)
        pending = await _pending(wiring, migrates_itself=settings.embedded)
        yield pending
        yield await look_at_workflows(wiring, makes_itself=settings.embedded)
        if pending.state == "ok":
            yield await look_at_agents(database)
            yield await look_at_policies(database)
            yield await look_at_outbox(database)
            yield await _identity(database, settings)
    finally:
        await database.close()


def _vector(server: Server) -> Finding:
    if server.vector is None:
        return Finding(_PART, "pgvector", "broken", "not installed in this database", "Run `qms-mcp migrate`.")
    return Finding(_PART, "pgvector", "ok", server.vector)


def _server_login(login: Login) -> Finding:
    able = [
        words
        for words, holds in (
            ("is a superuser", login.superuser),
            ("passes row-level security", login.bypasses_rls),
            ("owns the tables", login.owns_records),
        )
        if holds
    ]
    if able:
        return Finding(_PART, "server login", "broken" if login.superuser else "warning",
                       f"{login.name} {' and '.join(able)}",
                       "Give the server a login that is a member of qms_server only; see SECURITY.md.")  # fmt: skip
    return Finding(_PART, "server login", "ok", f"{login.name}: no superuser, owns nothing")


def _sql_login(database: Database, wiring: Wiring) -> Finding:
    if database.sql_refusal:
        return Finding(_PART, "SQL login", "broken", database.sql_refusal, "The SQL tools are switched off.")
    if wiring.sql_role:
        return Finding(_PART, "SQL login", "warning", "shares the login of the server",
                       "Set DATABASE_URL_SQL to a login in qms_sql only; see SECURITY.md.")  # fmt: skip
    return Finding(_PART, "SQL login", "ok", "a login of its own that can only read")


async def _pending(wiring: Wiring, *, migrates_itself: bool) -> Finding:
    states = await Migrator(wiring.owner).status()
    wrong = [state for state in states if state.state == "changed"]
    if wrong:
        return Finding(_PART, "schema", "broken", f"migration {wrong[0].version} was applied with another text",
                       "Use the version of qms-mcp that applied it.")  # fmt: skip
    waiting = [state for state in states if state.state == "pending"]
    if waiting:
        says = f"{len(waiting)} of {len(states)} migrations are not applied"
        if migrates_itself:
            return Finding(_PART, "schema", "warning", says, "The next start of a server applies them.")
        return Finding(_PART, "schema", "broken", says, "Run `qms-mcp migrate`.")
    return Finding(_PART, "schema", "ok", f"up to date: migration {states[-1].version}")


async def look_at_workflows(wiring: Wiring, *, makes_itself: bool) -> Finding:
    """Say whether the tables are there by which agents outlive their process."""
    if await durable_schema_is_there(wiring.server):
        return Finding(_PART, "durable workflows", "ok", "the schema dbos is up to date")
    says = "the schema dbos is missing, or older than this version needs"
    if makes_itself:
        return Finding(_PART, "durable workflows", "missing", says, "The first dispatch of agents makes it.")
    effect = "dispatch_agents and `qms-mcp worker` are off: run `qms-mcp migrate`."
    return Finding(_PART, "durable workflows", "warning", says, effect)


async def look_at_agents(database: Database) -> Finding:
    """Say how many tasks of agents wait, in all organizations, and who is there to work on them."""
    async with database.owner_transaction(rollback=True) as transaction:
        await transaction.execute(_AS_LEDGER)
        queue = await transaction.fetch_one(_AGENTS, row=AgentQueue) or AgentQueue(0, 0, 0)
    there = f"{queue.servers} servers and {queue.workers} workers run agents"
    if queue.depth > QUEUE_ALERT:
        return Finding(_PART, "agents", "warning", f"{queue.depth} tasks wait; {there}",
                       "Start `qms-mcp worker` on this database, or cancel what nobody needs.")  # fmt: skip
    return Finding(_PART, "agents", "ok", f"{queue.depth or 'no'} tasks wait; {there}")


async def look_at_policies(database: Database) -> Finding:
    """Say whether any table of an organization is open."""
    async with database.owner_transaction(rollback=True) as transaction:
        open_tables = [named.name for named in await transaction.fetch_all(_UNFORCED, row=Named)]
    if open_tables:
        return Finding(_PART, "row-level security", "broken", f"not forced on {', '.join(open_tables)}",
                       "An organization could see rows of another. `check_rls` says more.")  # fmt: skip
    return Finding(_PART, "row-level security", "ok", "forced on every table of an organization")


async def look_at_outbox(database: Database) -> Finding:
    """Say how much waits for Langfuse."""
    async with database.owner_transaction(rollback=True) as transaction:
        await transaction.execute(_AS_LEDGER)
        outbox = await transaction.fetch_one(_OUTBOX, row=Outbox) or Outbox(0, 0, None)
    if outbox.waiting or outbox.given_up:
        says = f"{outbox.waiting} calls and messages wait for Langfuse, {outbox.given_up} were given up"
        effect = f"Last error: {outbox.last_error}." if outbox.last_error else ""
        return Finding(_PART, "outbox", "warning", says, effect)
    return Finding(_PART, "outbox", "ok", "empty")


async def _identity(database: Database, settings: Settings) -> Finding:
    if settings.embedded and settings.qms_access_token is None and not await has_local_owner(database):
        return Finding(_PART, "identity", "missing", "no local owner yet", "The next start of a server records one.")
    try:
        principal = await identify(database, settings)
    except QmsError as error:
        return Finding(_PART, "identity", "broken", error.message, f"{error.hint} No tool works without it.")
    until = f", token holds until {principal.expires_at:%Y-%m-%d %H:%M} UTC" if principal.expires_at else ""
    who = principal.email or str(principal.user_id)
    return Finding(_PART, "identity", "ok", f"on behalf of {who} ({', '.join(sorted(principal.roles))}){until}")
