"""Runs of agents as a process has them: rows of a dispatch, tools of a real server, a memory that outlives both."""

import json
from collections.abc import AsyncGenerator, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import anyio
import anyio.lowlevel

from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.queries import Query
from qms_mcp.dispatch.calling import AgentCalls
from qms_mcp.dispatch.tool_server import AgentHost, AgentTools, agent_run
from qms_mcp.ledger.postgres import PostgresStore
from qms_mcp.ledger.record import Run, Sink
from qms_mcp.ledger.recorder import Recorder
from qms_mcp.ledger.spool import Spool
from qms_mcp.rate_limit import RateLimiter
from qms_mcp.registry import ToolSpec
from qms_mcp.services.container import Services
from qms_mcp.settings import Settings

VERSION = "qa@000000000000"
_BEGIN = Query(
    "test",
    "INSERT INTO agents.agent_runs (id, organization_id, user_id, actor_kind, agent_type, input, dispatch_id, "
    "task_key, attempt, agent_version, fence, created_at) VALUES (%(id)s, %(organization_id)s, %(user_id)s, 'agent', "
    "%(agent)s, '{}', %(dispatch_id)s, %(agent)s, 1, %(version)s, 1, %(started_at)s)",
)
_TAKE = Query("test", "UPDATE agents.agent_runs SET fence = fence + 1 WHERE id = %(id)s")
_CANCEL = Query("test", "UPDATE agents.agent_runs SET fence = fence + 1, status = 'cancelled' WHERE id = %(id)s")


class KilledError(BaseException):
    """The process died."""


@dataclass
class Kept:
    """A memory that other processes go on with; it can die before it keeps an entry."""

    entered: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    dies_at: int | None = None

    def entries(self, kind: str) -> Sequence[Mapping[str, Any]]:
        return [json.loads(entry) for of_kind, entry in self.entered if of_kind == kind]

    async def keep(self, kind: str, entry: Mapping[str, Any]) -> None:
        if self.dies_at == len(self.entered):
            self.dies_at = None
            raise KilledError
        await anyio.lowlevel.checkpoint()
        self.entered.append((kind, json.dumps(entry)))


@dataclass(frozen=True)
class Agents:
    """A process that runs agents."""

    database: Database
    recorder: Recorder
    services: Services

    def host(self, principal: Principal) -> AgentHost:
        return AgentHost(self.recorder, self.services, principal, RateLimiter("100000/minute"))

    async def dispatched(self, principal: Principal, *agents: str) -> list[Run]:
        """The runs of a dispatch to some agents, as the process that took them has them."""
        dispatch_id = uuid4()
        runs = [
            agent_run(
                uuid4(), agent, VERSION, principal, dispatch_id=dispatch_id, fence=1, started_at=datetime.now(UTC)
            )
            for agent in agents
        ]
        for run in runs:
            params = {
                "id": run.id, "organization_id": principal.organization_id, "user_id": principal.user_id,
                "agent": run.agent_type, "dispatch_id": dispatch_id, "version": VERSION, "started_at": run.started_at,
            }  # fmt: skip
            await self._as_ledger(_BEGIN, params)
        return runs

    async def taken_over(self, run: Run) -> Run:
        """The same run as the process has it that took it over."""
        await self._as_ledger(_TAKE, {"id": run.id})
        return replace(run, fence=(run.fence or 0) + 1)

    async def cancel(self, run: Run) -> None:
        await self._as_ledger(_CANCEL, {"id": run.id})

    async def _as_ledger(self, statement: Query, params: Mapping[str, Any]) -> None:
        async with self.database.owner_transaction() as transaction:
            await transaction.connection.execute("SET LOCAL ROLE qms_ledger")
            await transaction.execute(statement, params)

    @asynccontextmanager
    async def calls(
        self,
        run: Run,
        allowed: Collection[str],
        memory: Kept | None = None,
        *,
        specs: Iterable[ToolSpec] | None = None,
        most: int = 30,
        **options: Any,
    ) -> AsyncGenerator[AgentCalls]:
        """What the agent of a run calls tools with."""
        assert run.principal is not None
        async with AgentTools(self.host(run.principal), run, allowed, specs=specs) as tools:
            yield AgentCalls(tools, memory or Kept(), most=most, **options)


@asynccontextmanager
async def agents_on(
    database: Database, folder: Path, *, sinks: Iterable[Sink] = (), attached: bool = True
) -> AsyncGenerator[Agents]:
    """Run a process that runs agents; with sinks, what it records also goes to Langfuse."""
    sinks = list(sinks)
    recorder = Recorder(Spool(folder / "spool"), to_langfuse=bool(sinks))
    async with anyio.create_task_group() as tasks:
        recorder.start(tasks)
        if attached:
            await recorder.attach(PostgresStore(database))
        for sink in sinks:
            recorder.add_sink(sink)
        try:
            yield Agents(database, recorder, Services.over(database, Settings(), home=folder))
        finally:
            with anyio.CancelScope(shield=True), anyio.fail_after(3):
                await recorder.aclose()
            tasks.cancel_scope.cancel()
