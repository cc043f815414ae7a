"""`qms-mcp pack`: an inspection pack, written to a folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import click

from qms_mcp.cli.opened import opened_database
from qms_mcp.errors import InvalidInputError

if TYPE_CHECKING:
    from qms_mcp.services.compliance.pack import InspectionPack


@click.command("pack")
@click.argument("framework")
@click.option("--clause", default=None, help="Only this clause and those under it, for example 8.5.2.")
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="A new or empty folder.")
@click.option(
    "--reason", default="an inspection pack was asked for", show_default=True, help="Stands in the audit trail."
)
def command(framework: str, clause: str | None, out: Path, reason: str) -> None:
    """Write the evidence for FRAMEWORK (such as iso-13485) to a folder: pages, a table, records, hashes.

    It holds what the person of this configuration may see, and that it was made is noted in the audit trail.
    """
    refuse_filled(out)
    made = anyio.run(_make, framework, clause, reason)
    write_files(made.files, out)
    click.echo(f"{made.about}: {made.clauses} clauses, {made.records} records, {len(made.files)} files in {out}.")
    click.echo(f"sha256 of manifest.json: {made.manifest_sha256}")


async def _make(framework: str, clause: str | None, reason: str) -> "InspectionPack":
    from qms_mcp.services.compliance.pack import InspectionPacks  # noqa: PLC0415 - only when a command needs it
    from qms_mcp.services.identify import identify  # noqa: PLC0415
    from qms_mcp.settings import Settings  # noqa: PLC0415

    settings = Settings.from_environment()
    async with opened_database(settings) as database:
        principal = await identify(database, settings)
        return await InspectionPacks(database).make(principal, framework, clause=clause, reason=reason)


def refuse_filled(out: Path) -> None:
    """Refuse a folder that holds something: a pack never mixes with other files.

    Raises:
        InvalidInputError: It is not empty.
    """
    if out.exists() and any(out.iterdir()):
        raise InvalidInputError(f"{out} is not empty.", hint="Name a new folder.")


def write_files(files: Mapping[str, bytes], out: Path) -> None:
    """Write a pack.

    Raises:
        InvalidInputError: The folder is not empty or can't be written.
    """
    refuse_filled(out)
    try:
        for path, content in files.items():
            target = out / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
    except OSError as error:
        raise InvalidInputError(f"{out} can't be written: {error.strerror}.") from None
