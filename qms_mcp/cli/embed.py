"""`qms-mcp embed`: make the vectors that wait, here and now or for as long as it runs."""

import signal
from typing import TYPE_CHECKING, Self

import anyio
import click

from qms_mcp.cli.opened import opened_database

if TYPE_CHECKING:
    from qms_mcp.db.database import Database
    from qms_mcp.services.embedding.queue import Queue
    from qms_mcp.services.embedding.worker import Done
    from qms_mcp.settings import Settings


@click.command("embed")
@click.option("--once", is_flag=True, help="End when nothing waits any more.")
@click.option("--all-organizations", is_flag=True, help="Work for all of them, with the login of the database's owner.")
@click.option("--quiet", is_flag=True, help="Say nothing but the result.")
def command(*, once: bool, all_organizations: bool, quiet: bool) -> None:
    """Make the vectors by which texts are found by meaning.

    A server does the same in the background; several workers share what there is to do. SIGTERM and Ctrl-C end it:
    what it had taken on is handed back.
    """
    anyio.run(_work, once, all_organizations, quiet)


async def _work(once: bool, all_organizations: bool, quiet: bool) -> None:
    from qms_mcp.services.embedding.provider import Embedders  # noqa: PLC0415 - only when it runs
    from qms_mcp.services.embedding.worker import Worker  # noqa: PLC0415
    from qms_mcp.settings import Settings  # noqa: PLC0415

    settings = Settings.from_environment()
    async with opened_database(settings) as database:
        queue = await _queue(database, settings, all_organizations=all_organizations)
        embedders = Embedders(settings)
        with _Telling(quiet=quiet) as telling:
            worker = Worker(queue, embedders, told=telling)
            try:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(_stop_when_told, tasks.cancel_scope)
                    await (worker.drain() if once else worker.run())
                    tasks.cancel_scope.cancel()
            finally:
                with anyio.CancelScope(shield=True):
                    await embedders.aclose()
        _report(worker.done)


async def _queue(database: "Database", settings: "Settings", *, all_organizations: bool) -> "Queue":
    from qms_mcp.services.embedding.queue import queue_of, queue_of_all  # noqa: PLC0415
    from qms_mcp.services.embedding.worker import worker_name  # noqa: PLC0415

    if all_organizations:
        return queue_of_all(database, worker_name())
    from qms_mcp.services.identify import identify  # noqa: PLC0415

    return queue_of(database, await identify(database, settings), worker_name())


async def _stop_when_told(scope: anyio.CancelScope) -> None:
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for _ in signals:
            scope.cancel()


def _report(done: "Done") -> None:
    failed = f", {done.failed} failed" if done.failed else ""
    click.echo(f"{done.embedded} vectors made{failed}.")
    for key, why in done.postponed.items():
        click.echo(f"{key}: {why}", err=True)


class _Telling:
    """A line on a terminal that says how far it is; nothing where nobody looks."""

    def __init__(self, *, quiet: bool) -> None:
        from rich.console import Console  # noqa: PLC0415

        console = Console(stderr=True)
        self._status = None if quiet or not console.is_terminal else console.status("looking for work")

    def __enter__(self) -> Self:
        if self._status is not None:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._status is not None:
            self._status.stop()

    def __call__(self, done: "Done") -> None:
        if self._status is not None:
            self._status.update(f"{done.embedded} vectors made, {done.failed} failed")
