"""`qms-mcp doctor`."""

import dataclasses
import json
import os
from itertools import groupby

import click

from qms_mcp.doctor.findings import Finding, State

_MARKS: dict[State, tuple[str, str]] = {
    "ok": ("✓", "green"),
    "missing": ("○", "cyan"),
    "warning": ("!", "yellow"),
    "broken": ("✗", "red"),
}


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def command(*, as_json: bool) -> int:
    """Say what works, what is missing and what that turns off.

    Exits with 1 when something needed is broken. Secrets are never shown, only whether they are set.
    """
    import anyio  # noqa: PLC0415 - only this command needs it

    found = anyio.run(_examined)
    broken = sum(finding.state == "broken" for finding in found)
    if as_json:
        report = {"healthy": broken == 0, "findings": [dataclasses.asdict(finding) for finding in found]}
        click.echo(json.dumps(report, indent=2, ensure_ascii=False))
    else:
        _show(found)
        click.echo(f"\n{broken} broken." if broken else "\nNothing needed is broken.")
    return 1 if broken else 0


async def _examined() -> list[Finding]:
    from qms_mcp.doctor import examine  # noqa: PLC0415

    return [finding async for finding in examine(os.environ)]


def _show(found: list[Finding]) -> None:
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    console = Console(highlight=False)
    for part, findings in groupby(found, key=lambda finding: finding.part):
        console.print(Text(part.capitalize(), style="bold"))
        table = Table.grid(padding=(0, 2))
        table.add_column()
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for finding in findings:
            mark, colour = _MARKS[finding.state]
            says = Text(finding.says)
            if finding.effect:
                says.append(f"\n{finding.effect}", style="dim")
            table.add_row(Text(f" {mark}", style=colour), finding.name, says)
        console.print(table)
