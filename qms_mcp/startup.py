"""Everything that takes time: the database, its schema, who we are, the services.

This module imports psycopg and friends, so it is itself imported only once the client has its first answer.
"""

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio.to_thread

from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.embedded import EmbeddedPostgres
from qms_mcp.db.local_owner import ensure_local_owner, has_local_owner
from qms_mcp.db.migrate import Migrator, check_schema
from qms_mcp.db.wiring import Wiring, external_wiring
from qms_mcp.ledger.postgres import PostgresStore
from qms_mcp.ledger.record import Sink
from qms_mcp.page.serving import ApprovalPage
from qms_mcp.rate_limit import RateLimiter
from qms_mcp.services.container import Services
from qms_mcp.services.identify import identify
from qms_mcp.settings import Settings

Stage = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Foundation:
    """What a server stands on once it is up."""

    database: Database
    services: Services
    principal: Principal
    limiter: RateLimiter
    store: PostgresStore
    sinks: Sequence[Sink]
    embedded: EmbeddedPostgres | None
    page: ApprovalPage | None = None

    async def aclose(self) -> None:
        """Stop the approval page, close the connections and let go of the embedded server."""
        if self.page is not None:
            await self.page.aclose()
        await self.services.embedding.aclose()
        await self.database.close()
        if self.embedded is not None:
            self.embedded.release()


async def lay_foundation(settings: Settings, home: Path, at_stage: Stage) -> Foundation:
    """Start, migrate and open the database, and find out who we are.

    Raises:
        QmsError: Something is missing; its hint says what to do.
    """
    embedded = EmbeddedPostgres(home, linger=settings.qms_linger_seconds) if settings.embedded else None
    try:
        database = await open_database(settings, embedded, at_stage)
        try:
            at_stage("checking who you are")
            principal = await identify(database, settings)
        except BaseException:
            await database.close()
            raise
    except BaseException:
        if embedded is not None:
            embedded.release()
        raise
    settle_memory()
    page = ApprovalPage(database, port=settings.qms_page_port, to_langfuse=settings.langfuse_configured)
    return Foundation(
        database=database,
        services=Services.over(database, settings, links=page, home=home),
        principal=principal,
        limiter=RateLimiter(settings.qms_rate_limit),
        store=PostgresStore(database),
        sinks=_sinks(settings, database, principal),
        embedded=embedded,
        page=page,
    )


def settle_memory() -> None:
    """Take what a running server never lets go of out of the rounds of the garbage collector."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 20, 50)


async def open_database(settings: Settings, embedded: EmbeddedPostgres | None, at_stage: Stage) -> Database:
    """Return the open database, migrated.

    An external database is only migrated by `qms-mcp migrate`; here it must be up to date already.
    """
    if embedded is None:
        database = Database(external_wiring(settings))
        at_stage("connecting to the database")
        await database.open()
        try:
            await check_schema(database)
        except BaseException:
            await database.close()
            raise
        return database

    async def revive() -> None:
        await anyio.to_thread.run_sync(embedded.ensure_running)

    at_stage("starting the embedded database")
    await revive()
    wiring = embedded_wiring(embedded)
    at_stage("bringing the schema up to date")
    await Migrator(wiring.owner).migrate()
    database = Database(wiring, revive=revive)
    await database.open()
    # Not only after a migration: a process may have died between the two.
    if not await has_local_owner(database):
        await ensure_local_owner(database)
    return database


def embedded_wiring(embedded: EmbeddedPostgres) -> Wiring:
    """Return the wiring of the embedded server: each purpose has a login of its own."""
    return Wiring(
        server=embedded.conninfo(user="qms_server"),
        sql=embedded.conninfo(user="qms_sql"),
        owner=embedded.conninfo(user="qms_owner"),
    )


def _sinks(settings: Settings, database: Database, principal: Principal) -> list[Sink]:
    if not settings.langfuse_configured:
        return []
    from qms_mcp.ledger.langfuse import LangfuseSink  # noqa: PLC0415 - costs a second, and only with keys

    return [LangfuseSink(settings, database, principal.organization_id)]
