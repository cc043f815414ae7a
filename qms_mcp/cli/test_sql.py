"""`qms-mcp test-sql`."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import anyio
import click

if TYPE_CHECKING:
    from qms_mcp.services.sql_tests.running import ScriptReport

_MARKS = {"passed": "[green]ok[/]", "failed": "[bold red]not ok[/]", "skipped": "[yellow]skipped[/]"}


@click.command("test-sql")
@click.argument("scripts", nargs=-1, required=True, metavar="FILE...")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def command(scripts: tuple[str, ...], *, as_json: bool) -> int:
    """Run SQL test scripts: files, folders and patterns such as 'tests/*.sql'.

    Each script runs in a transaction of the schema's owner that is rolled back: nothing stays in the database.
    Scripts are made by the tools generate_tests and generate_rls, or by hand: a test begins with `-- test: name` and
    passes when it raises nothing; `-- expect: 23505` says how its last statement must fail. pgTAP scripts run, too.
    Exit status 1 when a test fails.
    """
    from qms_mcp.services.sql_tests.running import scripts_of  # noqa: PLC0415 - only this command needs it

    texts = [(str(path), path.read_text(encoding="utf-8")) for path in scripts_of(scripts)]
    reports = anyio.run(_run_all, texts)
    if as_json:
        click.echo(json.dumps(_as_json(reports), indent=2))
    else:
        _show(reports)
    return 1 if any(report.failed for report in reports) else 0


async def _run_all(texts: list[tuple[str, str]]) -> "list[ScriptReport]":
    from qms_mcp.db.embedded import EmbeddedPostgres  # noqa: PLC0415
    from qms_mcp.home import default_home  # noqa: PLC0415
    from qms_mcp.services.sql_tests.running import run_script  # noqa: PLC0415
    from qms_mcp.settings import Settings  # noqa: PLC0415
    from qms_mcp.startup import open_database  # noqa: PLC0415

    settings = Settings.from_environment()
    embedded = None
    if settings.embedded:
        embedded = EmbeddedPostgres(settings.qms_home or default_home(), linger=settings.qms_linger_seconds)
    try:
        database = await open_database(settings, embedded, lambda _stage: None)
        try:
            return [await run_script(database, text, name) for name, text in texts]
        finally:
            await database.close()
    finally:
        if embedded is not None:
            embedded.release()


def _as_json(reports: "list[ScriptReport]") -> dict[str, Any]:
    states = [outcome.state for report in reports for outcome in report.outcomes]
    return {
        "passed": states.count("passed"),
        "failed": states.count("failed"),
        "skipped": states.count("skipped"),
        "scripts": [{"name": r.name, "tests": [asdict(outcome) for outcome in r.outcomes]} for r in reports],
    }


def _show(reports: "list[ScriptReport]") -> None:
    from rich.console import Console  # noqa: PLC0415
    from rich.markup import escape  # noqa: PLC0415

    console = Console(highlight=False, soft_wrap=True)
    number = 0
    for report in reports:
        console.print(f"[bold]# {escape(report.name)}[/]")
        for outcome in report.outcomes:
            number += 1
            took = f" [dim]({outcome.duration_ms:.1f} ms)[/]" if outcome.state != "skipped" else ""
            console.print(f"{_MARKS[outcome.state]} {number} - {escape(outcome.name)}{took}")
            if outcome.message:
                console.print(f"    # {escape(outcome.message)}")
            if outcome.statement:
                console.print(f"    # line {outcome.line}: {escape(' '.join(outcome.statement.split())[:200])}")
    counts = _as_json(reports)
    console.print(f"1..{number}")
    console.print(f"# {counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
