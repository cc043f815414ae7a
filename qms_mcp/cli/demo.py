"""`qms-mcp demo`."""

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from qms_mcp.errors import UnavailableError

if TYPE_CHECKING:
    from qms_mcp.demo.load import Loaded
    from qms_mcp.demo.show import Screen


@click.command("demo")
@click.option(
    "--home", type=click.Path(file_okay=False, path_type=Path), help="Where the demo's database is; its own by default."
)
@click.option("--plain", is_flag=True, help="No colour, for logs.")
def command(home: Path | None, *, plain: bool) -> int:
    """Walk through the main job on the records of a company that does not exist.

    Starts a database of its own, loads two companies, starts the server, connects a client and asks. It needs no key,
    no network and no answers. A second run finds everything in place.
    """
    import anyio  # noqa: PLC0415 - only when it runs

    from qms_mcp.demo.show import Screen  # noqa: PLC0415

    if isinstance(sys.stdout, _Reconfigurable):
        sys.stdout.reconfigure(errors="replace")  # a log in another encoding is no reason to stop
    place = (home or _default_place()).expanduser().absolute()
    return anyio.run(_demo, place, Screen(plain=plain))


class _Reconfigurable:
    """A stream whose encoding errors can be settled."""

    @classmethod
    def __subclasshook__(cls, other: type) -> bool:
        return hasattr(other, "reconfigure")

    def reconfigure(self, *, errors: str) -> None:
        """Settle them."""


def _default_place() -> Path:
    from qms_mcp.home import default_home  # noqa: PLC0415
    from qms_mcp.settings import Settings  # noqa: PLC0415

    wanted = Settings.from_environment({key: os.environ[key] for key in ("QMS_HOME",) if key in os.environ}).qms_home
    return (wanted or default_home()) / "demo"


async def _demo(home: Path, screen: "Screen") -> int:
    from mcp.shared.exceptions import MCPError  # noqa: PLC0415

    from qms_mcp.demo.walk import Walk, prepared  # noqa: PLC0415

    screen.title("qms-mcp: the main job, on a company that does not exist")
    screen.line(f"home: {home}", "dim")
    async with prepared(home, screen) as (loaded, people):
        _introduce(screen, loaded)
        walk = Walk(screen, home)
        try:
            await walk.main_job()
            await walk.story(people)
        except* MCPError as errors:
            raise UnavailableError(
                "The server did not answer.",
                hint=f"What it said is in {home / 'demo.log'}; `qms-mcp doctor` says more.",
            ) from errors
    _by_hand(screen, home, str(walk.memory.of("apply_migration").get("approval_id", "ID")))
    _paste(screen, home)
    tally = walk.tally
    screen.line()
    screen.line(
        f"{tally.steps} steps, {tally.as_expected} as expected", "bold green" if not tally.surprises else "bold red"
    )
    for asks in tally.surprises:
        screen.line(f"  not as expected: {asks}", "red")
    if tally.surprises:
        screen.line(f"  what the server said is in {home / 'demo.log'}", "dim")
    return 1 if tally.surprises else 0


def _introduce(screen: "Screen", companies: "list[Loaded]") -> None:
    for loaded in companies:
        what = "loaded now" if loaded.new else "in place"
        screen.line(
            f"{loaded.company.name}: {loaded.stock.items} quality records, "
            f"{loaded.stock.requirements} requirements, {len(loaded.company.people)} people ({what})"
        )


def _by_hand(screen: "Screen", home: Path, approval_id: str) -> None:
    from qms_mcp.demo.clients import Launch  # noqa: PLC0415
    from qms_mcp.demo.company import HALDEN  # noqa: PLC0415

    program = shlex.quote(Launch.here({}).command)
    screen.title("The other side: what only a person does, in a terminal")
    screen.line("The migration waits. To approve it, give yourself a password first; both ask on the terminal itself.")
    screen.line()
    lines = [
        f"export QMS_HOME={shlex.quote(str(home))} QMS_ORGANIZATION={HALDEN.slug}",
        f"{program} approvals show {approval_id}",
        f"{program} users passwd owner@localhost",
        f"{program} approvals approve {approval_id}",
        f"{program} ledger tail",
    ]
    screen.code("\n".join(lines), "bash")


def _paste(screen: "Screen", home: Path) -> None:
    from qms_mcp.demo.clients import Launch, snippets  # noqa: PLC0415
    from qms_mcp.demo.company import HALDEN  # noqa: PLC0415

    screen.title("Now with your own client")
    screen.line("This gives it the demo company. Leave out the variables to begin with records of your own.")
    for snippet in snippets(Launch.here({"QMS_HOME": str(home), "QMS_ORGANIZATION": HALDEN.slug})):
        screen.line()
        screen.line(f"{snippet.client} — {snippet.place}", "bold")
        screen.code(snippet.text, snippet.language)
    screen.line()
    screen.line("Then ask: “Which CAPAs are overdue, and what do their causes have in common?”", "italic")
