"""`qms-mcp import`: the rows of a file as records.

They are added on behalf of the same person as the server of the same configuration would act for (embedded: the local
owner; else the person of QMS_ACCESS_TOKEN), and count as drafted by an agent until a person adopts them.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import click

from qms_mcp.cli.opened import opened_database
from qms_mcp.errors import InvalidInputError

if TYPE_CHECKING:
    from qms_mcp.services.imports.maps import ImportMap
    from qms_mcp.services.imports.models import ImportReport


@click.command("import")
@click.argument("file", type=click.Path(dir_okay=False, exists=True, path_type=Path), required=False)
@click.option("--map", "named", metavar="MAP", help="Name of a map that comes along, or a TOML or JSON file.")
@click.option("--dry-run", "trial", is_flag=True, help="Do all of it and keep nothing.")
@click.option("--limit", type=click.IntRange(min=1), help="Rows at most.")
@click.option(
    "--report", "report_to", type=click.Path(dir_okay=False, path_type=Path), help="Write the report as JSON."
)
@click.option("--show-map", is_flag=False, flag_value="", metavar="[MAP]", help="Print a map, or the names of all.")
@click.option("--organization", default=None, help="Slug; needed when you belong to several.")
def command(
    file: Path | None,
    named: str | None,
    *,
    trial: bool,
    limit: int | None,
    report_to: Path | None,
    show_map: str | None,
    organization: str | None,
) -> int:
    """Import records from FILE: CSV, JSON lines, or a JSON document with a list.

    Each row becomes a record through the same guards and with the same trail as any other. Importing a file again adds
    only what is not there yet, so an interrupted import is simply repeated. Exit status 1 when rows were skipped.
    """
    if show_map is not None:
        _show_map(show_map)
        return 0
    if file is None or named is None:
        raise click.UsageError("FILE and --map are needed.")
    from qms_mcp.services.imports.maps import load_map  # noqa: PLC0415 - only when a command needs it

    done = anyio.run(_run, file, load_map(named), trial, limit, organization)
    if report_to is not None:
        try:
            report_to.write_text(done.model_dump_json(indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            raise InvalidInputError(f"{report_to} can't be written: {error.strerror}.") from None
    _say(done)
    return 1 if done.skipped else 0


async def _run(
    file: Path, map_: "ImportMap", trial: bool, limit: int | None, organization: str | None
) -> "ImportReport":
    from qms_mcp.services.identify import identify  # noqa: PLC0415 - only when a command needs it
    from qms_mcp.services.imports.service import Imports  # noqa: PLC0415
    from qms_mcp.settings import Settings  # noqa: PLC0415

    settings = Settings.from_environment()
    if organization is not None:
        settings = settings.model_copy(update={"qms_organization": organization})
    async with opened_database(settings) as database:
        principal = await identify(database, settings)
        with _progress(file.name) as at:
            return await Imports(database, principal).run(file, map_, trial=trial, limit=limit, at=at)


def _show_map(name: str) -> None:
    from qms_mcp.services.imports.maps import shipped_maps  # noqa: PLC0415

    maps = shipped_maps()
    if not name:
        click.echo("\n".join(sorted(maps)))
    elif name in maps:
        click.echo(maps[name], nl=False)
    else:
        raise InvalidInputError(f"No map {name!r} comes along.", hint=f"There are: {', '.join(sorted(maps))}.")


def _say(done: "ImportReport") -> None:
    would = "would be " if done.trial else ""
    numbers = f" ({done.first} to {done.last})" if done.first else ""
    click.echo(f"{done.read} rows read in {done.seconds:.1f} s.")
    click.echo(f"{done.added} records {would}added{numbers}, {done.there_already} were there already.")
    for reason, rows in done.skipped.items():
        click.echo(_printable(f"{rows.count} skipped: {reason}"), err=True)
        for one in rows.examples:
            named = f" ({one.external_id})" if one.external_id else ""
            click.echo(_printable(f"  line {one.line}{named}: {one.detail}"), err=True)


def _printable(words: str) -> str:
    """Return a text that is only text: a file could hold orders to the terminal."""
    return "".join(letter if letter.isprintable() else " " for letter in words)[:500]


@contextmanager
def _progress(what: str) -> "Generator[Callable[[ImportReport], None]]":
    """Show how far it is, on standard error of a terminal."""
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    words = TextColumn("{task.description}", markup=False)
    with Progress(words, TimeElapsedColumn(), console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(f"Importing {what}", total=None)

        def at(report: "ImportReport") -> None:
            counts = f"{report.read} read, {report.added} added, {report.skipped_rows} skipped"
            progress.update(task, description=f"Importing {what}: {counts}")

        yield at
