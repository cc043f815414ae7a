"""`qms-mcp models`: versions of agents from the terminal: where they stand, to people and back, and why one answered.

Nothing here signs: what needs a person is asked for, and decided on the approval page.
"""

import json
from typing import TYPE_CHECKING, TypeVar

import anyio
import click

from qms_mcp.cli.opened import opened_database

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from qms_mcp.auth.principal import Principal
    from qms_mcp.services.learning.loop import Learning
    from qms_mcp.services.learning.rollout.models import ModelsPage, Moved, Step

T = TypeVar("T")
_WHY = click.option("--reason", required=True, help="Why; the person who signs reads it.")


@click.group("models")
def command() -> None:
    """Versions of agents: list, explain, promote, rollback, watch."""


@command.command("list")
@click.argument("agent", required=False)
@click.option("--ended", is_flag=True, help="Also roll-outs that ended within 30 days.")
@click.option("--limit", default=20, type=click.IntRange(1, 100), help="Versions at most.")
def list_(agent: str | None, *, ended: bool, limit: int) -> None:
    """List the versions of an agent, or of all, and where they stand."""

    async def work(learning: "Learning", principal: "Principal") -> "ModelsPage":
        return await learning.models.page(principal, agent, ended=ended, limit=limit)

    page = _run(work)
    click.echo(page.headline)
    for one in page.versions:
        score = "" if one.score is None else f", score {one.score:.3f}"
        gates = f", gates {one.gates}" if one.gates else ""
        stands = f"  [{', '.join(one.stands)}]" if one.stands else ""
        click.echo(f"{one.version}  {one.created_at:%Y-%m-%d %H:%M}  {one.origin}{score}{gates}{stands}")
    for one in page.rollouts:
        seen = "" if one.cusum is None else f" {one.bad} of {one.runs} bad, sum {one.cusum:g} of {one.limit:g}."
        click.echo(f"{one.kind} of {one.version}: {one.percent:g} %, {one.state}.{seen} {one.note}")
    for waiting in page.waiting:
        click.echo(f"waits: {waiting}")


@command.command()
@click.argument("agent")
@click.argument("version", default="production")
def show(agent: str, version: str) -> None:
    """Show the content of a version: prompt, exemplars, model, limits, tools."""

    async def work(learning: "Learning", principal: "Principal") -> str:
        return (await learning.versions.find(principal, agent, version)).content

    click.echo(json.dumps(json.loads(_run(work)), indent=2, ensure_ascii=False))


@command.command()
@click.argument("run")
@click.option("--agent", default="", help="Of a dispatch: which agent or task.")
@click.option("--full", is_flag=True, help="With the prompt, the answers of tools and the gate report.")
def explain(run: str, agent: str, *, full: bool) -> None:
    """Say why an agent answered as it did, by the id of a run, a dispatch or a tool call."""

    async def work(learning: "Learning", principal: "Principal") -> str:
        detail = "full" if full else "concise"
        told = await learning.explanations.explain(principal, run, agent=agent, detail=detail)
        return json.dumps(told.model_dump(mode="json"), indent=2, ensure_ascii=False)

    click.echo(_run(work))


@command.command()
@click.argument("agent")
@click.argument("version")
@click.option("--to", type=click.Choice(["shadow", "canary", "experiment", "production"]), default="canary")
@click.option("--percent", type=click.FloatRange(0, 100, min_open=True), help="Of requests.")
@click.option("--without-canary", default="", help="Why it goes to production without one.")
@_WHY
def promote(agent: str, version: str, to: "Step", percent: float | None, without_canary: str, reason: str) -> None:
    """Ask a person to let a version answer more; a shadow starts at once."""

    async def work(learning: "Learning", principal: "Principal") -> "Moved":
        return await learning.rollouts.promote(
            principal, agent, version, to=to, percent=percent, without_canary=without_canary, reason=reason
        )

    click.echo(_run(work).headline)


@command.command()
@click.argument("agent")
@click.option("--to", default=None, help="`shipped`, a version or an id: asks a person to put it in production again.")
@_WHY
def rollback(agent: str, to: str | None, reason: str) -> None:
    """End what is on trial at once, or ask a person to go back in production."""

    async def work(learning: "Learning", principal: "Principal") -> "Moved":
        return await learning.rollouts.rollback(principal, agent, to=to, reason=reason)

    click.echo(_run(work).headline)


@command.command()
@click.argument("agent", required=False)
def watch(agent: str | None) -> None:
    """Look at the roll-outs that run now, as is done after every run: take back what went wrong."""

    async def work(learning: "Learning", principal: "Principal") -> list[str]:
        return [f"{one.version}: {one.event}. {one.reason}" for one in await learning.rollouts.watch(principal, agent)]

    for line in _run(work) or ["Nothing to do."]:
        click.echo(line)


def _run(work: "Callable[[Learning, Principal], Awaitable[T]]") -> T:
    async def opened() -> T:
        from qms_mcp.auth.acting import acting  # noqa: PLC0415 - only when it runs
        from qms_mcp.services.container import Services  # noqa: PLC0415
        from qms_mcp.services.identify import identify  # noqa: PLC0415
        from qms_mcp.settings import Settings  # noqa: PLC0415

        settings = Settings.from_environment()
        async with opened_database(settings) as database:
            principal = await identify(database, settings)
            with acting(None, "qms-mcp models"):
                return await work(Services.over(database, settings).learning, principal)

    return anyio.run(opened)
