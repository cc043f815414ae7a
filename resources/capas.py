"""`qms://capa/{number}/8d`: the 8D report of a CAPA as it is now."""

from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.resources import ResourceSecurity

from qms_mcp.context import Ctx, caller, services
from qms_mcp.protocol_errors import in_protocol_words
from qms_mcp.services.domain.eight_d_pages import markdown

_NO_PATHS = ResourceSecurity(exempt_params={"number"})


def install(server: MCPServer[Any]) -> None:
    """Add the 8D report."""
    server.resource(
        "qms://capa/{number}/8d",
        name="eight_d",
        title="8D report",
        description="D0 to D8 of a CAPA, with its diagrams of causes and its signatures.",
        mime_type="text/markdown",
        security=_NO_PATHS,
    )(eight_d_page)


async def eight_d_page(number: str, ctx: Ctx) -> str:
    """Return the 8D report of a CAPA as Markdown."""
    with in_protocol_words():
        return markdown(await services(ctx).capas.eight_d(caller(ctx), number))
