"""`qms-mcp jobs`: what runs on a schedule: when, what came of it, and done now."""

import json
from typing import TYPE_CHECKING

import click

from qms_mcp.cli.operating import operate

if TYPE_CHECKING:
    from qms_mcp.auth.principal import Principal
    from qms_mcp.services.jobs.models import JobPage, JobRow
    from qms_mcp.services.operations.schedules import Schedule, Timetable
    from qms_mcp.services.operations.service import Operations

_CALLED = "qms-mcp jobs"


@click.group("jobs")
def command() -> None:
    """Scheduled jobs: list, run, history, schedule."""


@command.command("list")
def list_() -> None:
    """List the scheduled jobs, when they run and what came of the last time."""

    async def work(operations: "Operations", principal: "Principal") -> "tuple[Timetable, dict[str, str]]":
        last = dict[str, str]()
        table = await operations.schedules.timetable(principal)
        for schedule in table.schedules:
            page = await operations.history(principal, schedule.job, limit=1)
            last[schedule.job] = (
                f"{page.items[0].created_at:%Y-%m-%d %H:%M} {page.items[0].state}" if page.items else ""
            )
        return table, last

    table, last = operate(work, _CALLED)
    click.echo(f"Times are those of {table.zone}.")
    for one in table.schedules:
        when = one.cron if one.enabled else f"off ({one.cron})"
        click.echo(f"{one.job:<14} {when:<16} {last[one.job] or 'not yet':<28} {one.does}")


@command.command()
@click.argument("name")
def run(name: str) -> int:
    """Do the scheduled job NAME now, in this process. Exit status 1 when it fails."""

    async def work(operations: "Operations", principal: "Principal") -> "JobRow":
        return await operations.run_now(principal, name)

    job = operate(work, _CALLED)
    if job.result is not None:
        click.echo(json.dumps(dict(job.result), indent=2, ensure_ascii=False))
    click.echo(f"{name}: {job.state}.{f' {job.error}' if job.error else ''}", err=job.state != "completed")
    return 0 if job.state == "completed" else 1


@command.command()
@click.argument("name", required=False)
@click.option("--limit", default=20, type=click.IntRange(1, 200), help="Jobs at most.")
@click.option("--cursor", default="", help="Where the page before ended.")
def history(name: str | None, limit: int, cursor: str) -> None:
    """List what ran, the newest first: of the scheduled job NAME, or all jobs, trainings and evaluations too."""

    async def work(operations: "Operations", principal: "Principal") -> "JobPage":
        return await operations.history(principal, name, limit=limit, cursor=cursor)

    page = operate(work, _CALLED)
    click.echo(f"{page.total} job{'' if page.total == 1 else 's'}.")
    for one in page.items:
        took = f"{(one.finished_at - one.created_at).total_seconds():.1f} s" if one.finished_at else one.stage
        why = f"  {one.error}" if one.error else ""
        click.echo(f"{one.created_at:%Y-%m-%d %H:%M:%S}  {one.state:<10} {one.kind} {one.key}  {took}{why}")
    if page.next_cursor:
        click.echo(f"more: --cursor '{page.next_cursor}'")


@command.command()
@click.argument("name")
@click.option("--cron", default=None, help="Five fields, in the organization's time zone, e.g. '17 2 * * *'.")
@click.option("--enable/--disable", "enabled", default=None, help="Whether it runs.")
@click.option("--reason", required=True, help="Why.")
def schedule(name: str, cron: str | None, enabled: bool | None, reason: str) -> None:
    """Change when the scheduled job NAME runs, from now on."""

    async def work(operations: "Operations", principal: "Principal") -> "Schedule":
        return await operations.schedules.set(principal, name, cron=cron, enabled=enabled, reason=reason)

    if cron is None and enabled is None:
        raise click.UsageError("Give --cron, --enable or --disable.")
    now = operate(work, _CALLED)
    click.echo(f"{now.job}: {now.cron}{'' if now.enabled else ', off'}.")
