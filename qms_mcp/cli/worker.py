"""`qms-mcp worker`: run agents for whoever sends them, for as long as it runs."""

import signal
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio
import click

from qms_mcp.errors import QmsError

if TYPE_CHECKING:
    from qms_mcp.db.database import Database
    from qms_mcp.dispatch.engine import Engine
    from qms_mcp.ledger.recorder import Recorder
    from qms_mcp.settings import Settings


@click.command("worker")
@click.option(
    "--agents", "at_once", default=None, type=click.IntRange(1, 100), help="At once; default: QMS_AGENTS_AT_ONCE."
)
def command(at_once: int | None) -> None:
    """Run agents for the dispatches of all organizations of this database.

    Each dispatch is worked on with the rights of the person who sent it, so a worker needs no access token. Several
    workers share what there is to do. SIGTERM and Ctrl-C end it: what it had taken on goes back at once, and another
    one goes on with it.
    """
    try:
        anyio.run(_work, at_once, backend_options={"use_uvloop": True})
    except BaseExceptionGroup as failed:
        ours, others = failed.split(QmsError)
        if ours is None or others is not None:
            raise
        raise _first(ours) from None  # tasks that worked together failed for one reason


def _first(failed: BaseExceptionGroup[QmsError]) -> QmsError:
    first = failed.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first


async def _work(at_once: int | None) -> None:
    from qms_mcp.cli.opened import opened_database  # noqa: PLC0415 - only when it runs
    from qms_mcp.settings import Settings  # noqa: PLC0415

    settings = Settings.from_environment()
    if at_once is not None:
        settings = settings.model_copy(update={"qms_agents_at_once": at_once})
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async with anyio.create_task_group() as tasks, opened_database(settings) as database:
            tasks.start_soon(_stop_when_told, signals, tasks.cancel_scope)
            async with _recorder(settings, database) as recorder, _engine(settings, database, recorder) as engine:
                await engine.join()
                click.echo(f"{engine.executor} takes up to {settings.qms_agents_at_once} agents at once.", err=True)
                await engine.live()


@asynccontextmanager
async def _recorder(settings: "Settings", database: "Database") -> "AsyncGenerator[Recorder]":
    """Lend what records calls; it outlives the agents that make them."""
    from qms_mcp.home import default_home  # noqa: PLC0415
    from qms_mcp.ledger.postgres import PostgresStore  # noqa: PLC0415
    from qms_mcp.ledger.recorder import Recorder  # noqa: PLC0415
    from qms_mcp.ledger.spool import Spool  # noqa: PLC0415

    home = settings.qms_home or default_home()
    # The servers of an organization send what it leaves for Langfuse: they have the keys of that organization.
    recorder = Recorder(Spool(home / "spool"), to_langfuse=settings.langfuse_configured)
    async with anyio.create_task_group() as tasks:
        recorder.start(tasks)
        try:
            await recorder.attach(PostgresStore(database))
            yield recorder
        finally:
            with anyio.CancelScope(shield=True):
                await recorder.aclose()
            tasks.cancel_scope.cancel()


@asynccontextmanager
async def _engine(settings: "Settings", database: "Database", recorder: "Recorder") -> "AsyncGenerator[Engine]":
    """Lend an engine that works for everybody."""
    from qms_mcp.dispatch.engine import Engine  # noqa: PLC0415
    from qms_mcp.rate_limit import RateLimiter  # noqa: PLC0415
    from qms_mcp.services.container import Services  # noqa: PLC0415
    from qms_mcp.startup import settle_memory  # noqa: PLC0415

    services = Services.over(database, settings)
    limiter = RateLimiter(settings.qms_rate_limit)
    engine = Engine(settings, services, database.wiring, recorder=recorder, limiter=limiter)
    services.dispatches.launch_with(engine)
    services.jobs.launch_with(engine)
    settle_memory()
    try:
        yield engine
    finally:
        with anyio.CancelScope(shield=True):
            await engine.aclose()
            await services.embedding.aclose()


async def _stop_when_told(signals: AsyncIterator[signal.Signals], scope: anyio.CancelScope) -> None:
    async for _ in signals:
        scope.cancel()
