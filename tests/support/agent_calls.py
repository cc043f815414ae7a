"""Calls of an agent over a client of the real server, and calls that are scripted."""

from collections.abc import Callable, Collection, Mapping
from typing import Any
from uuid import uuid4

from mcp.client import Client
from mcp_types import TextContent

from qms_mcp.agents.definition import ToolAnswer
from qms_mcp.agents.stopping import AgentStoppedError


class ClientCalls:
    """Calls through a client, of the tools an agent may use."""

    def __init__(self, client: Client, tools: Collection[str]) -> None:
        self.made: list[tuple[str, dict[str, Any]]] = []
        self.answers: dict[str, ToolAnswer] = {}
        self._client = client
        self._tools = frozenset(tools)

    def may(self, tool: str) -> bool:
        return tool in self._tools

    async def call(self, tool: str, /, **arguments: Any) -> ToolAnswer:
        assert self.may(tool), tool
        self.made.append((tool, arguments))
        label = f"c{len(self.made)}"
        result = await self._client.call_tool(tool, arguments)
        (block,) = result.content
        assert isinstance(block, TextContent)
        code = block.text.rpartition("[")[2].rstrip("]") if result.is_error else ""
        answer = ToolAnswer(
            label, uuid4(), not result.is_error, result.structured_content or {}, block.text, error_code=code
        )
        self.answers[label] = answer
        return answer


class ScriptedCalls:
    """Calls that are answered by name; a tool nobody scripted fails."""

    def __init__(
        self,
        answers: Mapping[str, Callable[[], Mapping[str, Any]]] | None = None,
        *,
        stop_at: int = 0,
        stopped: AgentStoppedError | None = None,
        code: str = "unavailable",
    ) -> None:
        self.made: list[str] = []
        self._answers = answers or {}
        self._stop_at = stop_at
        self._stopped = stopped
        self._code = code

    def may(self, tool: str) -> bool:
        return bool(tool)

    async def call(self, tool: str, /, **arguments: Any) -> ToolAnswer:
        del arguments
        if self._stopped and len(self.made) == self._stop_at:
            raise self._stopped
        self.made.append(tool)
        label = f"c{len(self.made)}"
        if tool in self._answers:
            return ToolAnswer(label, uuid4(), ok=True, content=self._answers[tool](), text="")
        return ToolAnswer(label, uuid4(), ok=False, content={}, text="It failed.", error_code=self._code)
