"""The tools of one sub-agent: a server of its own in this process, and the one client that reaches it.

The server holds only the tools of the agent's list, so nothing a prompt or a record says can widen it, and its calls
pass the same middleware as any client's. Calls run in the task of whoever makes them, so each has its own identity and
is cancelled with it. What the SDK wants opened and closed in one task is held by a task of its own: agents call from
whichever task they are in.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

import anyio
from mcp.client import Client
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.tools import Tool
from mcp_types import CallToolResult

from qms_mcp import __version__
from qms_mcp.agents.working import ToolOffer
from qms_mcp.arguments import ArgumentCheck
from qms_mcp.auth.principal import Principal
from qms_mcp.errors import InternalError, NotAllowedError
from qms_mcp.ledger.record import Client as NamedClient
from qms_mcp.ledger.record import Run
from qms_mcp.ledger.recorder import Recorder
from qms_mcp.middleware import CALL_ID, PARENT_SPAN, Recording
from qms_mcp.registered import registered
from qms_mcp.registry import ToolSpec, discover

if TYPE_CHECKING:
    from qms_mcp.rate_limit import RateLimiter
    from qms_mcp.services.container import Services

PROTOCOL = "2026-07-28"
IDEMPOTENCY_KEY = "idempotency_key"


@dataclass(frozen=True, slots=True)
class AgentHost:
    """What the calls of a sub-agent are made on.

    Attributes:
        recorder: Of the process.
        services: Of the process; they act for whoever a call is for.
        principal: On whose behalf the dispatch is.
        limiter: The one clients are counted by, so that agents take from the same allowance.
    """

    recorder: Recorder
    services: "Services"
    principal: Principal
    limiter: "RateLimiter"

    async def ready(self, tell: Any = None) -> None:
        """Return at once: agents run only where there is a database."""
        del tell

    def first_answer_sent(self) -> None:
        """Nobody waits for it."""


def agent_run(
    run_id: UUID,
    agent: str,
    version: str,
    principal: Principal,
    *,
    dispatch_id: UUID,
    fence: int,
    started_at: datetime,
    parent_id: UUID | None = None,
) -> Run:
    """Return the run of a sub-agent as the ledger knows it; `version` is the one of its definition."""
    client = NamedClient(f"qms-mcp agent {agent}"[:200], version, PROTOCOL)
    return Run(run_id, agent, started_at, client, principal, parent_id, dispatch_id, fence)


class AgentTools:
    """The tools of one run; they are open as long as it is entered.

    Args:
        host: What calls are made on.
        run: Whose calls they are.
        allowed: Names of the tools it may call; one this process does not offer is left out.
        specs: The tools this process offers; all there are if left out.
    """

    def __init__(
        self, host: AgentHost, run: Run, allowed: Collection[str], *, specs: Iterable[ToolSpec] | None = None
    ) -> None:
        offered = {spec.name: spec for spec in (specs if specs is not None else _discovered())}
        self.run = run
        self.tools: Mapping[str, Tool] = {name: registered(offered[name]) for name in allowed if name in offered}
        self._check = _Allowed(lambda: self.tools)
        self._server = MCPServer[Any](
            f"qms-mcp agent {run.agent_type}",
            version=__version__,
            tools=list(self.tools.values()),
            middleware=[Recording(host, self._check, run=run)],
            log_level="WARNING",
        )
        self._client: Client | None = None
        self._failure: BaseException | None = None
        self._opened = anyio.Event()
        self._over = anyio.Event()
        self._holder: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Open."""
        self._holder = asyncio.get_running_loop().create_task(self._hold(), name=f"tools of run {self.run.id}")
        try:
            await self._opened.wait()
        except BaseException:
            self._over.set()
            raise
        if self._failure is not None:
            raise InternalError("The tools of an agent could not be opened.") from self._failure
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close; calls that are still being made end with whoever makes them."""
        self._over.set()
        if self._holder is not None:
            with anyio.CancelScope(shield=True):
                await asyncio.wait([self._holder])

    async def call(
        self, tool: str, arguments: dict[str, Any], *, call_id: UUID, parent_id: UUID | None = None
    ) -> CallToolResult:
        """Call a tool as the agent; what it refuses is an answer too.

        Args:
            tool: Its name; one outside the list is refused, and the refusal recorded.
            arguments: As the agent gave them.
            call_id: Of the row in the ledger.
            parent_id: The span around it.

        Raises:
            MCPError: The call failed in a way no tool words.
        """
        if self._client is None:
            raise InternalError("The tools of this agent are not open.")
        meta: Any = {CALL_ID: str(call_id)}
        if parent_id is not None:
            meta[PARENT_SPAN] = str(parent_id)
        return await self._client.call_tool(tool, arguments, meta=meta)

    def offers(self) -> list[ToolOffer]:
        """Return the tools as a model is offered them; keys that make a call repeatable are not its to choose."""
        return [
            ToolOffer(name, tool.description or "", _without_key(tool.parameters)) for name, tool in self.tools.items()
        ]

    def takes_key(self, tool: str) -> bool:
        """Return whether a tool can be told that a call is a repetition."""
        found = self.tools.get(tool)
        return found is not None and IDEMPOTENCY_KEY in found.parameters.get("properties", {})

    async def _hold(self) -> None:
        try:
            # No elicitation: nobody is there to be asked.
            async with Client(self._server, mode=PROTOCOL, cache=None) as self._client:
                self._opened.set()
                await self._over.wait()
        except Exception as failure:  # noqa: BLE001 - whoever opens it is told
            self._failure = failure
        finally:
            self._client = None
            self._opened.set()


class _Allowed(ArgumentCheck):
    """Refuses what is not on the list, and says what is."""

    def check(self, params: Mapping[str, Any]) -> None:
        name = str(params.get("name"))
        if name not in self._tools():
            raise NotAllowedError(
                f"This agent has no tool {name[:80]!r}.", hint=f"It has: {', '.join(sorted(self._tools()))}."
            )
        super().check(params)


@cache
def _discovered() -> tuple[ToolSpec, ...]:
    return tuple(discover())


def _without_key(schema: Mapping[str, Any]) -> dict[str, Any]:
    properties = {name: part for name, part in schema.get("properties", {}).items() if name != IDEMPOTENCY_KEY}
    return {**schema, "properties": properties}
