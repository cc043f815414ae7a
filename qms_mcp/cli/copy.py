"""`qms-mcp copy`: a controlled copy of a document, written to a file."""

from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import click

from qms_mcp.cli.opened import opened_database
from qms_mcp.errors import InvalidInputError

if TYPE_CHECKING:
    from qms_mcp.services.documents.copies import ControlledCopy, CopyForm


@click.command("copy")
@click.argument("document")
@click.option("--version", type=click.IntRange(1), help="Of the document; without it the effective one.")
@click.option("--pdf", "form", flag_value="pdf", default="pdf", help="A PDF (this is what you get without either).")
@click.option("--html", "form", flag_value="html", help="One page of HTML.")
@click.option(
    "-o",
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A new file; without it one in this folder, named after the version.",
)
@click.option(
    "--reason", default="a controlled copy was asked for", show_default=True, help="Stands in the audit trail."
)
def command(document: str, version: int | None, form: "CopyForm", out: Path | None, reason: str) -> None:
    """Write a controlled copy of DOCUMENT (such as SOP-014), with its signatures, history and state.

    That it was made, and the sha256 of the file, is noted in the audit trail.
    """
    _refuse_existing(out)
    made = anyio.run(_issue, document, version, form, reason)
    target = out or Path(made.file_name)
    try:
        with target.open("xb") as file:
            file.write(made.content)
    except FileExistsError:
        raise _exists(target) from None
    except OSError as error:
        raise InvalidInputError(f"{target} can't be written: {error.strerror}.") from None
    click.echo(f"{made.label} ({made.state.replace('_', ' ')}): {len(made.content):,} bytes in {target}.")
    click.echo(f"sha256: {made.sha256}")
    if made.unprintable:
        click.echo(f"{made.unprintable} different characters are in no font here and stand as code points.", err=True)


def _refuse_existing(out: Path | None) -> None:
    """Refuse before the trail says that a copy was made."""
    if out is not None and out.exists():
        raise _exists(out)


def _exists(out: Path) -> InvalidInputError:
    return InvalidInputError(f"{out} exists already.", hint="Name another file, or remove it first.")


async def _issue(document: str, version: int | None, form: "CopyForm", reason: str) -> "ControlledCopy":
    from qms_mcp.services.documents.copies import Copies  # noqa: PLC0415 - only when a command needs it
    from qms_mcp.services.identify import identify  # noqa: PLC0415
    from qms_mcp.settings import Settings  # noqa: PLC0415

    settings = Settings.from_environment()
    async with opened_database(settings) as database:
        principal = await identify(database, settings)
        return await Copies(database).issue(principal, document, version=version, form=form, reason=reason)
