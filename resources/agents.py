"""`qms://agents`, who can be sent, and `qms://dispatch/{id}`, what came of it."""

import json
from collections.abc import Iterator
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.resources import ResourceSecurity

from qms_mcp.agents.definition import AgentDefinition
from qms_mcp.agents.roster import roster
from qms_mcp.context import Ctx, caller, services
from qms_mcp.protocol_errors import in_protocol_words


def install(server: MCPServer[Any]) -> None:
    """Add the pages."""
    server.resource(
        "qms://agents",
        name="agents",
        title="Agents",
        description="The agents dispatch_agents can send: what each is good at, its tools, limits and version.",
        mime_type="text/markdown",
    )(agents_page)
    server.resource(
        "qms://dispatch/{id}",
        name="dispatch",
        title="Report of a dispatch",
        description="A dispatch with its timeline, spend and whole merged result, by its id or run_key.",
        mime_type="application/json",
        security=ResourceSecurity(exempt_params={"id"}),
    )(dispatch_report)


def agents_page() -> str:
    """Return the roster as Markdown."""
    return "\n".join(line for agent in (None, *roster().values()) for line in _lines(agent)) + "\n"


async def dispatch_report(id: str, ctx: Ctx) -> str:  # noqa: A002 - the address calls it that
    """Return a whole report as JSON."""
    with in_protocol_words():
        report = await services(ctx).dispatches.report(caller(ctx), id)
    return json.dumps(report.model_dump(mode="json"), ensure_ascii=False)


def _lines(agent: AgentDefinition | None) -> Iterator[str]:
    if agent is None:
        yield "# Agents"
        yield ""
        yield "`dispatch_agents` chooses among them, or takes them by name in `tasks`. Each reaches these tools alone,"
        yield "with the rights of whoever sends it; those that draft only with `may_draft`. None signs or closes."
        return
    limits = agent.limits
    yield ""
    yield f"## `{agent.name}`: {agent.title}"
    yield ""
    yield agent.purpose
    yield ""
    yield f"- version {agent.version}, model tier {agent.tier}"
    yield (
        f"- at most {limits.turns} turns, {limits.tokens:,} tokens, {limits.seconds} s, {limits.tool_calls} tool calls"
    )
    if agent.after:
        yield f"- after {', '.join(agent.after)}, where they are part of the same dispatch"
    yield f"- reads with {', '.join(agent.reads)}"
    if agent.drafts:
        yield f"- drafts with {', '.join(agent.drafts)}"
