"""`qms-mcp ledger`: the record of calls, as a table or as a file.

It shows what the server of the same configuration would: the calls of one organization, on behalf of the same person.
"""

import csv
import json
import sys
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO
from uuid import UUID

import anyio
import click

from qms_mcp.cli.opened import opened_database
from qms_mcp.errors import InvalidInputError, QmsError

if TYPE_CHECKING:
    from rich.text import Text

    from qms_mcp.services.ledger_export import LedgerExport, LoggedCall

_LOOK_EVERY = 1.0
_FOLLOWED = 500
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Moment(click.ParamType[datetime]):
    """A date or a time in ISO 8601; without a zone it is UTC."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return the moment."""
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is no time such as 2026-03-01 or 2026-03-01T08:30+01:00", param, ctx)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@click.group("ledger")
def command() -> None:
    """The record of every call of a tool, a resource or a prompt: tail, export.

    Secrets are masked and large values cut before anything is recorded.
    """


@command.command()
@click.option("-n", "--number", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many calls.")
@click.option("-f", "--follow", is_flag=True, help="Go on and show calls as they end; stop with Ctrl-C.")
@click.option("--failed", is_flag=True, help="Only calls that failed or were refused.")
@click.option("--tool", metavar="NAME", default=None, help="Only calls of this tool, resource or prompt.")
def tail(number: int, tool: str | None, *, follow: bool, failed: bool) -> None:
    """Show the latest calls, the latest last."""

    async def work() -> None:
        async with _ledger() as ledger:
            calls = await ledger.latest(number, only_failed=failed, tool=tool)
            if not calls and not follow:
                click.echo("No such call is recorded." if failed or tool else "No call is recorded yet.", err=True)
            _show(calls)
            if follow:
                await _follow(ledger, calls, only_failed=failed, tool=tool)

    anyio.run(work)


@command.command()
@click.option("--since", type=Moment(), help="From this time on (ISO 8601; UTC unless it says otherwise).")
@click.option("--until", type=Moment(), help="To before this time.")
@click.option("--run", type=click.UUID, help="Only calls of this run (a client connection or a sub-agent).")
@click.option("--format", "form", type=click.Choice(["jsonl", "csv"]), default="jsonl", show_default=True)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), required=False)
def export(since: datetime | None, until: datetime | None, run: UUID | None, form: str, file: Path | None) -> None:
    """Write calls, the oldest first, to FILE or to standard output.

    jsonl has one object per line. csv is meant for a spreadsheet: a text that would be taken for a formula gets an
    apostrophe in front. An existing FILE is not overwritten.
    """

    async def work(target: TextIO) -> int:
        written = 0
        async with _ledger() as ledger:
            async for page in ledger.pages(since=since, until=until, run=run):
                _write(target, page, form, header=not written)
                written += len(page)
        return written

    if file is None:
        anyio.run(work, sys.stdout)
        return
    try:
        with file.open("x", encoding="utf-8", newline="") as target:
            written = anyio.run(work, target)
    except QmsError:
        file.unlink(missing_ok=True)  # half an export looks like a whole one
        raise
    except FileExistsError:
        raise InvalidInputError(f"{file} exists already.", hint="Name another file, or remove it first.") from None
    except OSError as error:
        raise InvalidInputError(f"{file} can't be written: {error.strerror}.") from None
    click.echo(f"{written} calls written to {file}.", err=True)


@asynccontextmanager
async def _ledger() -> "AsyncGenerator[LedgerExport]":
    from qms_mcp.services.identify import identify  # noqa: PLC0415 - only when a command needs it
    from qms_mcp.services.ledger_export import LedgerExport  # noqa: PLC0415
    from qms_mcp.settings import Settings  # noqa: PLC0415

    settings = Settings.from_environment()
    async with opened_database(settings) as database:
        yield LedgerExport(database, await identify(database, settings))


async def _follow(
    ledger: "LedgerExport", shown: "Iterable[LoggedCall]", *, only_failed: bool, tool: str | None
) -> None:
    """Show calls once they have ended."""
    seen = {call.id for call in shown if call.state == "finished"}
    while True:
        await anyio.sleep(_LOOK_EVERY)
        latest = await ledger.latest(_FOLLOWED, only_failed=only_failed, tool=tool)
        _show([call for call in latest if call.state == "finished" and call.id not in seen], title=False)
        seen = {call.id for call in latest if call.state == "finished"}


def _show(calls: "list[LoggedCall]", *, title: bool = True) -> None:
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    if not calls:
        return
    table = Table(show_header=title, box=None, pad_edge=False)
    table.add_column("When", width=19, no_wrap=True)
    table.add_column("Called", min_width=22, overflow="fold")
    table.add_column("Took", width=9, justify="right", no_wrap=True)
    table.add_column("By", min_width=12, overflow="fold")
    table.add_column("How it went", ratio=1, overflow="fold")
    for call in calls:
        when = call.created_at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        table.add_row(when, _text(call.tool_name), _took(call), _text(call.client_name or "-"), _how(call))
    Console().print(table)


def _how(call: "LoggedCall") -> "Text":
    if call.state == "awaiting_input":
        return _text("waits for what the user answers", "yellow")
    if call.state != "finished":
        return _text("began and has not ended (under way, or its server died)", "yellow")
    if call.success:
        return _text("done", "green")
    return _text(f"{(call.error_code or 'failed').replace('_', ' ')}: {call.error or 'no reason was given'}", "red")


def _took(call: "LoggedCall") -> str:
    if call.duration_ms is None:
        return ""
    return f"{call.duration_ms} ms" if call.duration_ms < 10_000 else f"{call.duration_ms / 1000:.1f} s"  # noqa: PLR2004


def _text(words: str, style: str = "") -> "Text":
    """Return text that is only text: names come from clients, and could hold orders to the terminal."""
    from rich.text import Text  # noqa: PLC0415

    return Text("".join(c if c.isprintable() else " " for c in words), style=style)


def _write(target: TextIO, page: list[dict[str, Any]], form: str, *, header: bool) -> None:
    if form == "jsonl":
        target.writelines(json.dumps(row, ensure_ascii=False, default=_plain) + "\n" for row in page)
        return
    writer = csv.writer(target, lineterminator="\n")
    if header:
        writer.writerow(page[0])
    writer.writerows([_cell(value) for value in row.values()] for row in page)


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _cell(value: Any) -> str | int | None:
    if value is None or isinstance(value, int):
        return value
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else _plain(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
