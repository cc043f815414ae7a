"""`qms-mcp ingest`: a file or a folder of documents.

They are brought in on behalf of the same person as the server of the same configuration would act for, as drafts.
Interrupted at any moment, the same command goes on where it was.
"""

import signal
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import click

from qms_mcp.cli.opened import opened_database
from qms_mcp.errors import InvalidInputError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

    from qms_mcp.services.documents.models import FileOutcome, FolderIngested

_MOST_FILES = 1_000_000
_SHOWN = 50
_INTERRUPTED = 130


@click.command("ingest")
@click.argument("place", metavar="DIR", type=click.Path(exists=True, path_type=Path))
@click.option("--reason", default="documents were brought in", show_default=True, help="Stands in the audit trail.")
@click.option("--type", "document_type", default=None, help="Type of all of them: sop, form, ... Default: as they say.")
@click.option(
    "--report", "report_to", type=click.Path(dir_okay=False, path_type=Path), help="Write a report: .csv or .json."
)
@click.option("--dry-run", "trial", is_flag=True, help="Read all and say what would be; keep nothing.")
@click.option("--workers", type=click.IntRange(1, 8), default=1, show_default=True, help="Files read at the same time.")
@click.option("--organization", default=None, help="Slug; needed when you belong to several.")
def command(
    place: Path,
    reason: str,
    document_type: str | None,
    report_to: Path | None,
    *,
    trial: bool,
    workers: int,
    organization: str | None,
) -> int:
    """Bring in the documents of DIR and its subfolders: PDF, Office files, HTML, Markdown, text, e-mail.

    Each becomes a draft with its original, its sections and a place in the search. A file that is in is known again by
    its bytes. Ctrl-C ends after the file at hand. Exit status 1 when a file was refused.
    """
    if report_to is not None and report_to.suffix.lower() not in {".csv", ".json"}:
        raise click.UsageError("The name of the report ends with .csv or .json.")
    stopping: list[int] = []
    fields = {"document_type": document_type} if document_type else {}
    done = anyio.run(_run, *_files_of(place.resolve()), reason, fields, trial, workers, organization, stopping)
    if report_to is not None:
        _write_report(done, report_to)
    _say(done, trial=trial)
    if stopping:
        return _INTERRUPTED
    return 1 if done.count("refused") or done.stopped else 0


def _files_of(place: Path) -> tuple[Path, list[Path]]:
    """Return a folder and what is in it; of a file, its folder and itself."""
    from qms_mcp.services.documents.fetching import list_folder  # noqa: PLC0415 - only when a command needs it

    return (place, list_folder(place, [place], most=_MOST_FILES)) if place.is_dir() else (place.parent, [place])


async def _run(
    root: Path,
    files: list[Path],
    reason: str,
    fields: dict[str, str],
    trial: bool,
    workers: int,
    organization: str | None,
    stopping: list[int],
) -> "FolderIngested":
    from qms_mcp.home import default_home  # noqa: PLC0415 - only when a command needs it
    from qms_mcp.services.documents.fetching import read_path  # noqa: PLC0415
    from qms_mcp.services.documents.folder import Folder  # noqa: PLC0415
    from qms_mcp.services.documents.service import Documents  # noqa: PLC0415
    from qms_mcp.services.identify import identify  # noqa: PLC0415
    from qms_mcp.settings import Settings  # noqa: PLC0415

    settings = Settings.from_environment()
    if organization is not None:
        settings = settings.model_copy(update={"qms_organization": organization})
    async with opened_database(settings) as database:
        principal = await identify(database, settings)
        documents = Documents(database, settings, settings.qms_home or default_home())
        async with _told_to_stop(stopping), _progress(len(files)) as at:
            folder = Folder(
                root,
                files,
                partial(read_path, roots=[root], limit=documents.limit),
                fields,
                most_new=_MOST_FILES,
                at_once=workers,
                trial=trial,
                at=at,
                enough=lambda: bool(stopping),
            )
            return await documents.folders.ingest(principal, folder, reason)


@asynccontextmanager
async def _told_to_stop(stopping: list[int]) -> AsyncGenerator[None]:
    """Turn Ctrl-C into a wish that is fulfilled after the file at hand."""

    async def listen(*, task_status: anyio.abc.TaskStatus[None]) -> None:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            task_status.started()
            async for number in signals:
                stopping.append(number)  # noqa: PERF401 - each counts at once

    async with anyio.create_task_group() as tasks:
        await tasks.start(listen)
        try:
            yield
        finally:
            tasks.cancel_scope.cancel()


@asynccontextmanager
async def _progress(total: int) -> "AsyncGenerator[Callable[[int, int, FileOutcome], Awaitable[None]]]":
    """Show how far it is, on standard error of a terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    columns = (
        BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}", markup=False),
    )  # fmt: skip
    with Progress(*columns, console=_console(stderr=True), transient=True) as progress:
        yield _follower(progress, total)


def _follower(progress: "Progress", total: int) -> "Callable[[int, int, FileOutcome], Awaitable[None]]":
    task = progress.add_task("", total=total)

    async def at(done: int, _total: int, last: "FileOutcome") -> None:
        progress.update(task, completed=done, description=f"{last.file[-60:]}: {last.outcome}")

    return at


def _say(done: "FolderIngested", *, trial: bool) -> None:
    from rich.table import Table  # noqa: PLC0415 - only when there is something to show
    from rich.text import Text  # noqa: PLC0415

    table = Table("file", "outcome", "document", "what to know", box=None)
    worth = [file for file in done.files if file.why or file.warnings]
    for file in worth[:_SHOWN]:
        said = file.why or "; ".join(file.warnings)
        table.add_row(*(Text(_printable(words)) for words in (file.file, file.outcome, file.document, said)))
    if worth:
        _console().print(table)
    if len(worth) > _SHOWN:
        click.echo(f"... and {len(worth) - _SHOWN} more; --report writes all.")
    would = "would be " if trial else ""
    counts = done.counts
    click.echo(
        f"{len(done.files)} files: {counts['added']} {would}added, {counts['revised']} {would}new versions, "
        f"{counts['there already']} there already, {counts['refused']} refused."
    )
    if done.numberless and not trial:
        click.echo(done.numberless)
    if done.left:
        click.echo(f"{done.left} are left: the same command goes on with them.", err=True)
    if done.stopped:
        click.echo(_printable(done.stopped), err=True)


def _write_report(done: "FolderIngested", path: Path) -> None:
    import csv  # noqa: PLC0415 - only with a report
    import io  # noqa: PLC0415

    if path.suffix.lower() == ".json":
        text = done.model_dump_json(indent=2) + "\n"
    else:
        rows = io.StringIO()
        writer = csv.writer(rows, lineterminator="\n")
        writer.writerow(["file", "outcome", "document", "record", "code", "why", "warnings"])
        for file in done.files:
            row = (file.file, file.outcome, file.document, file.number, file.code, file.why, " | ".join(file.warnings))
            writer.writerow([_as_text(cell) for cell in row])
        text = rows.getvalue()
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidInputError(f"{path} can't be written: {error.strerror}.") from None


def _as_text(cell: str) -> str:
    """Return a cell a spreadsheet does not take for a formula."""
    return f"'{cell}" if cell[:1] in {"=", "+", "-", "@", "\t"} else cell


def _printable(words: str) -> str:
    """Return a text that is only text: a file could hold orders to the terminal."""
    return "".join(letter if letter.isprintable() else " " for letter in words)[:500]


def _console(*, stderr: bool = False) -> "Console":
    from rich.console import Console  # noqa: PLC0415 - only when there is something to show

    return Console(stderr=stderr, highlight=False)
