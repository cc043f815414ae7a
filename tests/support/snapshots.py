"""`python -m tests.support.snapshots`: writes one JSON file per tool, as a client sees it."""

import json
from pathlib import Path
from typing import Any

import anyio
from mcp.server.mcpserver import MCPServer

from qms_mcp.app import build_server
from qms_mcp.settings import Settings

FOLDER = Path(__file__).parents[1] / "snapshots"


def listed_tools() -> dict[str, dict[str, Any]]:
    """Return every tool as `tools/list` shows it, by name."""
    server: MCPServer[Any] = build_server(Settings())

    async def collect() -> dict[str, dict[str, Any]]:
        tools = await server.list_tools()
        return {tool.name: tool.model_dump(by_alias=True, mode="json", exclude_none=True) for tool in tools}

    return anyio.run(collect)


def rendered(tool: dict[str, Any]) -> str:
    """Return the text of a snapshot."""
    return json.dumps(tool, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write the files and remove those of tools that are gone."""
    tools = listed_tools()
    for stale in FOLDER.glob("*.json"):
        if stale.stem not in tools:
            stale.unlink()
    for name, tool in tools.items():
        (FOLDER / f"{name}.json").write_text(rendered(tool), encoding="utf-8")


if __name__ == "__main__":
    main()
