"""`qms://calculation/{id}`: a number as it was computed, whole."""

import json
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.resources import ResourceSecurity

from qms_mcp.context import Ctx, caller, services
from qms_mcp.protocol_errors import in_protocol_words


def install(server: MCPServer[Any]) -> None:
    """Add the page."""
    server.resource(
        "qms://calculation/{id}",
        name="calculation",
        title="A calculation",
        description="What was computed: method and version, source, options, n, software, answer, and its sha256.",
        mime_type="application/json",
        security=ResourceSecurity(exempt_params={"id"}),
    )(calculation)


async def calculation(id: str, ctx: Ctx) -> str:  # noqa: A002 - the address calls it that
    """Return a calculation as JSON."""
    with in_protocol_words():
        kept = await services(ctx).analysis.answer(caller(ctx), id)
    return json.dumps(kept, ensure_ascii=False, default=str)
