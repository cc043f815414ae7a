"""`qms://chart/{calculation}.svg` and `.png`: the picture of a calculation, drawn again from what was kept."""

from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.resources import ResourceSecurity

from qms_mcp.context import Ctx, caller, services
from qms_mcp.protocol_errors import in_protocol_words

_WORDS = "The picture of a calculation (its id is in provenance)"


def install(server: MCPServer[Any]) -> None:
    """Add both formats."""
    security = ResourceSecurity(exempt_params={"calculation"})
    server.resource(
        "qms://chart/{calculation}.svg",
        name="chart_svg",
        title="A chart as SVG",
        description=f"{_WORDS}; follows light and dark.",
        mime_type="image/svg+xml",
        security=security,
    )(chart_svg)
    server.resource(
        "qms://chart/{calculation}.png",
        name="chart_png",
        title="A chart as PNG",
        description=f"{_WORDS}, on white.",
        mime_type="image/png",
        security=security,
    )(chart_png)


async def chart_svg(calculation: str, ctx: Ctx) -> str:
    """Return a picture as SVG text."""
    with in_protocol_words():
        return (await services(ctx).analysis.draw(caller(ctx), calculation, "svg")).decode()


async def chart_png(calculation: str, ctx: Ctx) -> bytes:
    """Return a picture as PNG."""
    with in_protocol_words():
        return await services(ctx).analysis.draw(caller(ctx), calculation, "png")
