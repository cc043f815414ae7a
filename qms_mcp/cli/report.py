"""`qms-mcp report`: a record as a report, on the terminal or in a file; and quality reports, kept as drafts."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import click

from qms_mcp.cli.opened import opened_database
from qms_mcp.errors import InvalidInputError

if TYPE_CHECKING:
    from qms_mcp.services.domain.eight_d import EightD
    from qms_mcp.services.reports.service import Made


_SUFFIXES = {"markdown": "md", "html": "html", "pdf": "pdf"}
_DUE = "the report was due"


@click.group("report")
def command() -> None:
    """Reports of records, and quality reports, as the person of this configuration may see them."""


def _usual_options(made: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options every quality report has."""
    for option in reversed((
        click.option("--period", help="2026-10, 2026-Q3, 2026-H2 or 2026; the last whole one if left out."),
        click.option(
            "--out", type=click.Path(file_okay=False, path_type=Path), help="A folder for the Markdown, HTML and PDF."
        ),
        click.option("--volumes", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A CSV of units."),
        click.option("--costs", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A CSV of costs."),
        click.option("--model", "drafted_by", flag_value="model", help="Have a model word it, if one is configured."),
        click.option("--preview", is_flag=True, help="Keep nothing; print or write the Markdown."),
        click.option("--reason", default=_DUE, show_default=True, help="Stands in the audit trail."),
        click.option("--key", help="The same key keeps one report, however often it is run."),
    )):  # fmt: skip
        made = option(made)
    return made


@command.command("monthly")
@_usual_options
def monthly(**options: Any) -> None:
    """Make the quality report of a month."""
    _quality_report("monthly", **options)


@command.command("management-review")
@_usual_options
def management_review(**options: Any) -> None:
    """Make the inputs of a management review: ISO 9001 9.3.2 and ISO 13485 5.6.2, by number."""
    _quality_report("management_review", **options)


@command.command("supplier")
@click.argument("supplier", required=False)
@_usual_options
def supplier(**options: Any) -> None:
    """Make the report on SUPPLIER, by number or name, or on all of them."""
    _quality_report("supplier", **options)


@command.command("capa-board")
@_usual_options
def capa_board(**options: Any) -> None:
    """Make the CAPA board: by stage and age, overdue, awaiting effectiveness, repeat causes."""
    _quality_report("capa_board", **options)


def _quality_report(
    kind: str, *, out: Path | None, volumes: Path | None, costs: Path | None, reason: str, key: str | None, **asked: Any
) -> None:
    from qms_mcp.services.reports.asked import ReportAsked  # noqa: PLC0415 - only when a command needs it

    given = {name: value for name, value in asked.items() if value is not None}
    for name, file in (("volumes", volumes), ("costs", costs)):
        if file is not None:
            given[name] = {"csv": _text_of(file)}
    if out is not None:
        _folder(out)
    made = anyio.run(_made, ReportAsked.model_validate({"kind": kind, **given}), reason, key)
    answer = made.answer
    for form, content in made.files.items() if out is not None else ():
        _write(Path(out or "", f"{_stem(answer.document, kind, answer.period)}.{_SUFFIXES[form]}"), content)
    if out is None and answer.markdown:
        click.echo(answer.markdown, nl=False)
        return
    click.echo(answer.headline)
    for form, file in answer.files.items():
        click.echo(f"{form}: sha256 {file['sha256']}  {file['uri']}")
    if answer.document:
        click.echo(f"{answer.document} ({answer.number}) is a {answer.state}: a person reviews and signs.")
    for warning in (*(flag.says for flag in answer.flags), *answer.warnings):
        click.echo(warning, err=True)


def _stem(document: str, kind: str, period: str) -> str:
    return document.replace(" ", "-") or f"{kind}-{period}-preview"


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise InvalidInputError(f"{file} can't be read as UTF-8 text.") from None


def _folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInputError(f"{out} can't be made: {error.strerror}.") from None


def _write(target: Path, content: bytes) -> None:
    try:
        with target.open("xb") as file:
            file.write(content)
    except FileExistsError:
        raise InvalidInputError(f"{target} exists already.", hint="Name another folder, or remove it.") from None
    except OSError as error:
        raise InvalidInputError(f"{target} can't be written: {error.strerror}.") from None
    click.echo(f"{target} written.", err=True)


async def _made(asked: Any, reason: str, key: str | None) -> "Made":
    from qms_mcp.services.container import Services  # noqa: PLC0415 - only when a command needs it
    from qms_mcp.services.identify import identify  # noqa: PLC0415
    from qms_mcp.settings import Settings  # noqa: PLC0415

    settings = Settings.from_environment()
    async with opened_database(settings) as database:
        principal = await identify(database, settings)

        async def at(done: int, total: int, says: str) -> None:
            click.echo(f"[{done}/{total}] {says}", err=True)

        reports = Services.over(database, settings).reports
        return await reports.make(principal, asked, reason, idempotency_key=key, at=at)


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
