"""`qms-mcp report`: a record as a report, on the terminal or in a file."""

from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import click

from qms_mcp.cli.opened import opened_database
from qms_mcp.errors import InvalidInputError

if TYPE_CHECKING:
    from qms_mcp.services.domain.eight_d import EightD


@click.group("report")
def command() -> None:
    """Reports of records, as the person of this configuration may see them."""


@command.command("8d")
@click.argument("capa")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A new file: a page to print when it ends in .html, Markdown otherwise.",
)
def eight_d(capa: str, out: Path | None) -> None:
    """Write the 8D report of CAPA, for example CAPA-2026-0014."""
    from qms_mcp.services.domain.eight_d_pages import html, markdown  # noqa: PLC0415 - only when a command needs it

    report = anyio.run(_report, capa)
    if out is None:
        click.echo(markdown(report), nl=False)
        return
    page = html(report) if out.suffix.lower() in {".html", ".htm"} else markdown(report)
    try:
        with out.open("x", encoding="utf-8") as target:
            target.write(page)
    except FileExistsError:
        raise InvalidInputError(f"{out} exists already.", hint="Name another file, or remove it first.") from None
    except OSError as error:
        raise InvalidInputError(f"{out} can't be written: {error.strerror}.") from None
    click.echo(f"{report.citation} written to {out}.", err=True)


async def _report(capa: str) -> "EightD":
    from qms_mcp.services.capas.reporting import EightDReporter  # noqa: PLC0415
    from qms_mcp.services.identify import identify  # noqa: PLC0415
    from qms_mcp.settings import Settings  # noqa: PLC0415

    settings = Settings.from_environment()
    async with opened_database(settings) as database:
        return await EightDReporter(database).report(await identify(database, settings), capa)
