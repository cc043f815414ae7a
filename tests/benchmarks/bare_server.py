"""The baseline: a server of the SDK with one tool that does nothing."""

from mcp.server.mcpserver import MCPServer
from pydantic import BaseModel

server: MCPServer = MCPServer("bare")


class Answer(BaseModel):
    """What the tool returns."""

    value: int


@server.tool()
async def nothing(statement: str) -> Answer:
    """Do nothing."""
    return Answer(value=len(statement))


if __name__ == "__main__":
    server.run("stdio")
