"""`qms://models/{agent}`: the versions of an agent, how they go to people, and how that came about."""

from collections.abc import Iterator
from typing import Any

from mcp.server.mcpserver import MCPServer

from qms_mcp.context import Ctx, caller, services
from qms_mcp.protocol_errors import in_protocol_words
from qms_mcp.services.learning.rollout.models import ModelsPage, RolloutLine, VersionLine
from qms_mcp.services.learning.versions import shipped_agent


def install(server: MCPServer[Any]) -> None:
    """Add the page."""
    server.resource(
        "qms://models/{agent}",
        name="models",
        title="Versions of an agent",
        description="Its versions with origin, scores and gates, roll-outs with their watch, and every move of a name.",
        mime_type="text/markdown",
    )(models_page)


async def models_page(agent: str, ctx: Ctx) -> str:
    """Return the page as Markdown."""
    with in_protocol_words():
        shipped = shipped_agent(agent)
        models = services(ctx).learning.models
        page = await models.page(caller(ctx), shipped.name, ended=True, limit=100)
        moves = await models.moves(caller(ctx), shipped.name)
    return "\n".join(_lines(shipped.title, shipped.version, page, moves)) + "\n"


def _lines(title: str, shipped: str, page: ModelsPage, moves: list[dict[str, Any]]) -> Iterator[str]:
    yield f"# {title}: versions"
    yield ""
    yield page.headline
    yield f"This program ships `{shipped}`."
    if page.waiting:
        yield from ("", "## Waits for a signature", "")
        yield from (f"- {one}" for one in page.waiting)
    if page.rollouts:
        yield from ("", "## Roll-outs", "")
        yield from map(_rollout, page.rollouts)
    if page.versions:
        yield from ("", "## Versions", "")
        yield "| version | stands | origin | from | dataset | score | gates | made |"
        yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
        yield from map(_version, page.versions)
    if moves:
        yield from ("", "## Moves", "")
        yield from map(_move, moves)


def _rollout(one: RolloutLine) -> str:
    seen = "" if one.cusum is None else f"; {one.bad} of {one.runs} runs bad, sum {one.cusum:g} of {one.limit:g}"
    return (
        f"- {one.kind} of `{one.version}` against `{one.against}`, {one.percent:g} %, {one.state} since "
        f"{one.since:%Y-%m-%d %H:%M}{seen}. {one.note}"
    )


def _version(one: VersionLine) -> str:
    score = "" if one.score is None else f"{one.score:.3f}"
    cells = (
        f"`{one.version}`", ", ".join(one.stands), one.origin, f"`{one.parent}`" if one.parent else "", one.dataset,
        score, one.gates, f"{one.created_at:%Y-%m-%d %H:%M}",
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


def _move(move: dict[str, Any]) -> str:
    who = move["moved_by"] or "the system"
    return (
        f"- {move['moved_at']:%Y-%m-%d %H:%M} {move['alias']}: `{move['from_version'] or 'none'}` to "
        f"`{move['to_version']}` by {who} ({move['moved_kind']}): {' '.join(str(move['reason']).split())}"
    )
