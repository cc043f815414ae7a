"""`qms://metrics`: what each metric is, with its formula."""

from typing import Any

from mcp.server.mcpserver import MCPServer

from qms_mcp.services.metrics.page import markdown


def install(server: MCPServer[Any]) -> None:
    """Add the page."""
    server.resource(
        "qms://metrics",
        name="metrics",
        title="Metrics",
        description="What calculate_metrics computes: formula, what counts and what is left out, interval, clause.",
        mime_type="text/markdown",
    )(markdown)
