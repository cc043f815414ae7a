"""`qms-mcp audit`: the audit trail as a file, its verification, and its head written down elsewhere.

It shows what the server of the same configuration would: the trail of one organization, on behalf of the same person
(embedded: the local owner; else the person of QMS_ACCESS_TOKEN). Exports and anchors are noted in the trail as made by
an agent for that person, because a command can't show that a person typed it.
"""

from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import anyio
import click

from qms_mcp.cli.opened import opened_database
from qms_mcp.errors import InvalidInputError, QmsError

if TYPE_CHECKING:
    from qms_mcp.auth.principal import Principal
    from qms_mcp.db.database import Database
    from qms_mcp.services.trail.chain import Anchor
    from qms_mcp.services.trail.models import Verification

_ORGANIZATION = click.option("--organization", default=None, help="Slug; needed when you belong to several.")


class Moment(click.ParamType[datetime]):
    """A date or a time in ISO 8601; without a zone it is the organization's."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return the moment."""
        try:
            return datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is no time such as 2026-03-01 or 2026-03-01T08:30+01:00", param, ctx)


@click.group("audit")
def command() -> None:
    """The audit trail: export, verify, anchor."""


@command.command()
@click.option("--format", "form", type=click.Choice(["jsonl", "html"]), default="jsonl", show_default=True)
@click.option("--record", default=None, help="Only of this record (number or id), its parts and decisions.")
@click.option("--from", "since", type=Moment(), help="From this time on (ISO 8601; the organization's zone).")
@click.option("--to", "until", type=Moment(), help="To before this time.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="A file that is not there.")
@_ORGANIZATION
def export(
    form: Literal["jsonl", "html"],
    record: str | None,
    since: datetime | None,
    until: datetime | None,
    out: Path,
    organization: str | None,
) -> None:
    """Write the trail to a file.

    jsonl can be verified without a database (`qms-mcp audit verify FILE`); html is for reading and printing. That it
    was exported is noted in the trail.
    """
    from qms_mcp.services.trail.export import TrailExport  # noqa: PLC0415 - only when a command needs it
    from qms_mcp.services.trail.scope import TrailFilter  # noqa: PLC0415

    wanted = TrailFilter(record=record, since=since, until=until)

    async def work(target: Any) -> int:
        async with _acting(organization) as (database, principal):
            with _progress("Exporting") as at:
                return (await TrailExport(database, principal).write(target, wanted, form, at=at)).entries

    try:
        with out.open("x", encoding="utf-8", newline="\n") as target:
            written = anyio.run(work, target)
    except FileExistsError:
        raise InvalidInputError(f"{out} exists already.", hint="Name another file, or remove it first.") from None
    except OSError as error:
        raise InvalidInputError(f"{out} can't be written: {error.strerror}.") from None
    except (QmsError, KeyboardInterrupt):
        out.unlink(missing_ok=True)  # half an export looks like a whole one
        raise
    click.echo(f"{written} entries written to {out}.", err=True)


@command.command()
@click.argument("file", type=click.Path(dir_okay=False, exists=True, path_type=Path), required=False)
@click.option("--from-entry", "from_seq", type=click.IntRange(min=1), default=1, help="First entry (not of a FILE).")
@click.option("--to-entry", "to_seq", type=click.IntRange(min=1), default=None, help="Last entry (not of a FILE).")
@click.option(
    "--anchor",
    "anchors",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    help="A file of anchors kept elsewhere, to compare with.",
)
@_ORGANIZATION
def verify(file: Path | None, from_seq: int, to_seq: int | None, anchors: Path | None, organization: str | None) -> int:
    """Recompute the trail in the database, or in an exported JSONL FILE without any database.

    Exit status 1 when an entry is missing, altered, replaced or added; it is named.
    """
    if file is not None:
        found = _verify_file(file, anchors)
    else:
        found = anyio.run(_verify_database, from_seq, to_seq, anchors, organization)
    _say(found)
    return 0 if found.intact else 1


@command.command()
@click.option("--to", "target", required=True, metavar="FILE|URL|git:DIRECTORY", help="Where the head is written down.")
@_ORGANIZATION
def anchor(target: str, organization: str | None) -> None:
    """Write the head of the chain down outside of the database.

    Appends a line to a FILE (keep it on other storage), posts it to a URL (https, or this machine), or commits it in a
    git repository. Later, `qms-mcp audit verify --anchor FILE` compares the trail with it.
    """

    async def work() -> "tuple[Anchor, str]":
        from qms_mcp.services.trail.anchoring import anchor_to, place_of  # noqa: PLC0415

        place = place_of(target)
        async with _acting(organization) as (database, principal):
            return await anchor_to(database, principal, place), place.name

    kept, where = anyio.run(work)
    click.echo(f"Entry {kept.seq}, {kept.row_hash}, is written down at {where}.")


async def _verify_database(
    from_seq: int, to_seq: int | None, anchors: Path | None, organization: str | None
) -> "Verification":
    from qms_mcp.services.trail.chain import read_anchors  # noqa: PLC0415
    from qms_mcp.services.trail.service import Trail  # noqa: PLC0415

    async with _acting(organization) as (database, principal):
        outside = None
        if anchors is not None:
            outside = read_anchors(_lines(anchors), str(principal.organization_id))
            _check_some(outside, anchors)
        with _progress("Verifying") as at:
            return await Trail(database).verify(
                principal, from_seq=from_seq, to_seq=to_seq, outside=outside, place=str(anchors or ""), at=at
            )


def _verify_file(file: Path, anchors: Path | None) -> "Verification":
    from qms_mcp.services.trail.offline import verify_file  # noqa: PLC0415

    with _progress("Verifying") as at:
        return verify_file(file, anchors, at)


def _check_some(outside: "list[Anchor]", anchors: Path) -> None:
    if not outside:
        raise InvalidInputError(f"{anchors} holds no anchor of this organization.", hint="Is it the right file?")


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise InvalidInputError(f"{path} can't be read as UTF-8 text.") from None


def _say(found: "Verification") -> None:
    from rich.console import Console  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    console = Console(highlight=False, soft_wrap=True)
    if found.intact:
        console.print(Text("Intact: ", style="bold green") + Text(f"{found.entries} entries recomputed."))
    else:
        console.print(Text("Broken: ", style="bold red") + Text(found.problem or ""))
    if found.head:
        console.print(Text(f"Head: entry {found.last}, {found.head}"))
    if found.anchors:
        console.print(Text(f"Anchors compared: {found.anchors}"))
    console.print(Text(f"This proves: {found.proves}"))
    console.print(Text(f"It does not prove: {found.does_not_prove}"))


@asynccontextmanager
async def _acting(organization: str | None) -> "AsyncGenerator[tuple[Database, Principal]]":
    from qms_mcp.services.identify import identify  # noqa: PLC0415 - only when a command needs it
    from qms_mcp.settings import Settings  # noqa: PLC0415

    settings = Settings.from_environment()
    if organization is not None:
        settings = settings.model_copy(update={"qms_organization": organization})
    async with opened_database(settings) as database:
        yield database, await identify(database, settings)


@contextmanager
def _progress(what: str) -> "Generator[Callable[[int, int], None]]":
    """Show how far it is, on standard error of a terminal."""
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import Progress  # noqa: PLC0415

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=None)

        def at(done: int, of: int) -> None:
            progress.update(task, completed=done, total=max(of, 1))

        yield at
