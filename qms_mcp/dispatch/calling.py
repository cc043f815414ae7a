"""How an agent's calls are made: numbered, within its limits, and never twice once their answer is kept.

The nth call of a run is `c<n>`. A run that goes on in another process makes its calls in the same order; those whose
answer is in its memory are answered from there. One that was in flight is made again, as another row of the ledger
but with the same idempotency key, so a record it may have made is found and not doubled.
"""

import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, cast
from uuid import UUID, uuid5

import anyio
from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR, CallToolResult, TextContent

from qms_mcp.agents.definition import ToolAnswer
from qms_mcp.agents.stopping import AgentStoppedError
from qms_mcp.agents.working import Memory, ToolOffer
from qms_mcp.dispatch.tool_server import IDEMPOTENCY_KEY, AgentTools
from qms_mcp.errors import InternalError, TakenOverError

KIND = "tool"
LONGEST_TEXT = 24_000
MOST_CONTENT = 400_000
_CODE = re.compile(r"\[([a-z_]+)\]$")


class AgentCalls:
    """The calls of one run, as long as one process has it; whoever takes the run over makes another of these.

    Args:
        tools: Of the agent.
        memory: Of the run.
        most: Calls it may make, all processes together.
        deadline: Until when, by the clock of the event loop (`anyio.current_time()`).
        parent: The span a call belongs to at the moment it is made.
        keys: Of the task, for all its attempts: the same call made again, by whichever, is the same draft.
    """

    def __init__(
        self,
        tools: AgentTools,
        memory: Memory,
        *,
        most: int,
        deadline: float = math.inf,
        parent: Callable[[], UUID | None] = lambda: None,
        keys: UUID | None = None,
    ) -> None:
        self._tools = tools
        self._memory = memory
        self._most = most
        self._deadline = deadline
        self._parent = parent
        self._kept = {int(entry["ordinal"]): entry for entry in memory.entries(KIND)}
        self._made = 0
        self._keys = keys or tools.run.id
        self._same: Counter[tuple[str, str]] = Counter()

    @property
    def made(self) -> int:
        """Calls made so far, those answered from memory included."""
        return self._made

    def may(self, tool: str) -> bool:
        """Whether the agent may call a tool in this run."""
        return tool in self._tools.tools

    def offers(self) -> list[ToolOffer]:
        """Return the tools as a model is offered them."""
        return self._tools.offers()

    async def call(self, tool: str, /, **arguments: Any) -> ToolAnswer:
        """Call a tool and return what it said; an error of the tool is an answer too.

        Raises:
            AgentStoppedError: The run may not go on.
            InternalError: The run went another way than the process before it.
        """
        ordinal = self._made = self._made + 1  # before anything is awaited: calls begun together are numbered in order
        digest = _digest(arguments)
        self._same[tool, digest] += 1
        kept = self._kept.get(ordinal)
        if kept is not None:
            return _remembered(kept, tool, digest)
        key = uuid5(self._keys, f"{tool}:{digest}:{self._same[tool, digest]}")
        answer = await self._fresh(tool, arguments, ordinal, key)
        entry = {"ordinal": ordinal, "tool": tool, "arguments": digest, **_entry(answer)}
        await self._memory.keep(KIND, entry)
        return answer

    async def _fresh(self, tool: str, arguments: dict[str, Any], ordinal: int, key: UUID) -> ToolAnswer:
        if ordinal > self._most:
            raise AgentStoppedError("tool_call_limit", f"The agent has made its {self._most} tool calls.")
        run = self._tools.run
        call_id = uuid5(run.id, f"{run.fence}:{ordinal}")
        if self._tools.takes_key(tool):
            # Of the task, not of the fence or the attempt: who takes over, or tries again, repeats it by the same key.
            arguments = {**arguments, IDEMPOTENCY_KEY: str(key)}
        result: CallToolResult | MCPError | None = None
        if anyio.current_time() < self._deadline:
            with anyio.CancelScope(deadline=self._deadline):
                result = await self._asked(tool, arguments, call_id)
        if result is None:
            raise AgentStoppedError("timeout", "The time of the agent is over.")
        answer = _answer(result, f"c{ordinal}", call_id)
        if answer.error_code == TakenOverError.code:
            raise AgentStoppedError("taken_over", answer.text)
        return answer

    async def _asked(self, tool: str, arguments: dict[str, Any], call_id: UUID) -> CallToolResult | MCPError:
        try:
            return await self._tools.call(tool, arguments, call_id=call_id, parent_id=self._parent())
        except MCPError as refused:
            return refused
        except RuntimeError as unfit:  # the client found the answer to be other than the tool had promised
            return MCPError(code=INTERNAL_ERROR, message=str(unfit))


def _remembered(kept: Mapping[str, Any], tool: str, digest: str) -> ToolAnswer:
    if kept["tool"] != tool or kept["arguments"] != digest:
        raise InternalError(
            f"Call {kept['label']} of this run was {kept['tool']} before, and is {tool} or has other arguments now.",
            hint="A run that goes on has to repeat its calls; it can't be continued and has to be started again.",
        )
    return ToolAnswer(
        label=kept["label"],
        call_id=UUID(kept["call_id"]),
        ok=kept["ok"],
        content=kept["content"],
        text=kept["text"],
        error_code=kept["error_code"],
    )


def _entry(answer: ToolAnswer) -> dict[str, Any]:
    return {
        "label": answer.label,
        "call_id": str(answer.call_id),
        "ok": answer.ok,
        "text": answer.text,
        "content": answer.content,
        "error_code": answer.error_code,
    }


def _answer(result: CallToolResult | MCPError, label: str, call_id: UUID) -> ToolAnswer:
    if isinstance(result, MCPError):
        return ToolAnswer(label, call_id, ok=False, content={}, text=_text(result.error.message), error_code="internal")
    text = "\n".join(block.text for block in result.content if isinstance(block, TextContent))
    if result.is_error:
        said = _CODE.search(text)
        return ToolAnswer(
            label, call_id, ok=False, content={}, text=_text(text), error_code=said[1] if said else "internal"
        )
    content = cast("dict[str, Any]", _storable(result.structured_content or {}))
    whole = json.dumps(content, ensure_ascii=False)
    return ToolAnswer(
        label,
        call_id,
        ok=True,
        content=content if len(whole) <= MOST_CONTENT else {},
        text=_text(text or whole),
    )


def _text(whole: str) -> str:
    """Return what a model reads: all of it, or its beginning and how to have the rest."""
    clean = cast("str", _storable(whole))
    encoded = clean.encode()
    if len(encoded) <= LONGEST_TEXT:
        return clean
    head = encoded[:LONGEST_TEXT].decode(errors="ignore")
    return (
        f"{head}\n[cut: {len(head):,} of {len(clean):,} characters. Call again for less: a smaller limit, the next "
        "cursor, fewer columns or a narrower filter.]"
    )


def _storable(value: Any) -> Any:
    """Return JSON without what PostgreSQL can't keep: NUL characters and halves of surrogate pairs."""
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {_storable(key): _storable(item) for key, item in cast("Mapping[str, Any]", value).items()}
    return [_storable(item) for item in cast("list[Any]", value)] if isinstance(value, list) else value


def _digest(arguments: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(arguments, sort_keys=True, default=str).encode()).hexdigest()
