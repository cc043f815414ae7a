"""`qms://guide`: how things are named here and where they are."""

from importlib.resources import files
from typing import Any

from mcp.server.mcpserver import MCPServer


def install(server: MCPServer[Any]) -> None:
    """Add the guide."""
    server.resource(
        "qms://guide",
        name="guide",
        title="Guide to qms-mcp",
        description="How things are named, who may do what, how drafts and approvals go, how to ask, what is limited.",
        mime_type="text/markdown",
    )(guide)


def guide() -> str:
    """Return the guide."""
    return files("qms_mcp.resources").joinpath("guide.md").read_text(encoding="utf-8")
