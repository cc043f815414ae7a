"""One agent's task, as the process that has it drives it: turn by turn, and then its outcome.

Nothing here is needed to go on elsewhere: another process takes the run, with a higher fence, and builds the worker
anew from what was kept.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID, uuid5

import anyio

from qms_mcp.agents.definition import AgentDefinition, Task
from qms_mcp.agents.outputs import AgentOutput
from qms_mcp.agents.playing import PlaybookWorker
from qms_mcp.agents.stopping import AgentStoppedError
from qms_mcp.agents.versioning import definition_from
from qms_mcp.agents.working import AgentResult, Allowance, Worker
from qms_mcp.auth.principal import Principal
from qms_mcp.dispatch.calling import AgentCalls
from qms_mcp.dispatch.memory import RunMemory, charge
from qms_mcp.dispatch.tool_server import AgentHost, AgentTools, agent_run
from qms_mcp.dispatch.tracing import RunTrace
from qms_mcp.errors import NotAuthenticatedError, TakenOverError
from qms_mcp.services.dispatch.rows import DispatchRows, TakenRun

if TYPE_CHECKING:
    from qms_mcp.agents.claude.access import ClaudeAccess
    from qms_mcp.registry import ToolSpec

_log = logging.getLogger(__name__)
_FIRST_RETRY = timedelta(seconds=2)
_LAST_WORDS = 1.0  # workers end by their own clock; this is for one that does not
NO_KEY = "no key for the Claude API is set"
NO_BUDGET = "the budget of the dispatch was spent"
API_AWAY = "the tries with a model failed"


class Host(Protocol):
    """What a run needs of the process it runs in."""

    executor: str
    claude: "ClaudeAccess | None"

    def hold(self, subject: UUID, fence: int) -> anyio.CancelScope:
        """Return the scope that is cancelled when the subject is lost."""
        ...

    def release(self, subject: UUID) -> None:
        """Stop watching a subject."""
        ...

    def stir(self, dispatch_id: UUID) -> None:
        """Say that a task of the dispatch has ended."""
        ...

    def definition(self, agent: str) -> AgentDefinition:
        """Return an agent."""
        ...

    def shipped(self, agents: Sequence[str] | None = None) -> Mapping[str, Mapping[str, str]]:
        """Return the version and content of agents as they are shipped."""
        ...

    async def ended(self, principal: Principal, run: TakenRun) -> None:
        """Take note that a run has ended; it never fails."""
        ...

    def host_of(self, principal: Principal) -> AgentHost:
        """Return what the calls of an agent are made on."""
        ...

    def specs(self) -> "Sequence[ToolSpec] | None":
        """Return the tools this process offers; None for all."""
        ...

    async def room(self) -> AsyncExitStack:
        """Wait for a place among the agents of this process; closed, it is free again."""
        ...


@dataclass(frozen=True, slots=True)
class _Taken:
    """A run this process has, with all that belongs to it."""

    principal: Principal
    run: TakenRun
    worker: Worker
    trace: RunTrace
    deadline: float


class AgentRun:
    """Drives one attempt at one task."""

    def __init__(self, host: Host, rows: DispatchRows, dispatch_id: str, key: str, attempt: int) -> None:
        self._host = host
        self._rows = rows
        self._dispatch_id = UUID(dispatch_id)
        self._key = key
        self._attempt = attempt
        self._open = AsyncExitStack()
        self._taken: _Taken | None = None

    async def turn(self) -> str:
        """Go one turn on; `more`, the state of the task when that was the last, or `gone` when the run is another's."""
        try:
            taken = await self._have()
            if taken is None:
                return "gone"
            if not await self._is_over(taken):
                return "more"
            return await self._finish(taken)
        except (AgentStoppedError, TakenOverError, NotAuthenticatedError) as stop:
            _log.info("run %s of %s is gone: %s", self._key, self._dispatch_id, stop.message)
        return "gone"

    async def _is_over(self, taken: _Taken) -> bool:
        """Let the worker go one turn on, and say whether that was the last.

        Raises:
            TakenOverError: The run was lost meanwhile.
        """
        with self._host.hold(taken.run.run_id, taken.run.fence):
            with anyio.move_on_at(taken.deadline + _LAST_WORDS):
                return await taken.worker.turn()
            return True  # out of time: what there is so far is its answer
        raise TakenOverError("The run was cancelled, or another process has it.")

    async def _finish(self, taken: _Taken) -> str:
        result = _judged(taken, late=anyio.current_time() >= taken.deadline)
        delay = _FIRST_RETRY * 4 ** (taken.run.attempt - 1)
        outcome = _outcome(result, taken.run)
        state = await self._rows.finish_run(taken.principal, taken.run, outcome, retry_after=delay)
        self._host.stir(self._dispatch_id)  # its place is free from here on
        await taken.trace.end(result)
        await self._host.ended(taken.principal, taken.run)
        return state

    async def aclose(self) -> None:
        """Let go of everything the run held in this process."""
        if self._taken is not None:
            self._host.release(self._taken.run.run_id)
        self._host.stir(self._dispatch_id)
        await self._open.aclose()

    async def _have(self) -> _Taken | None:
        if self._taken is None:
            self._taken = await self._take()
        return self._taken

    async def _take(self) -> _Taken | None:
        principal = await self._rows.principal(self._dispatch_id)
        if principal is None:
            return None  # the course of the dispatch says so
        self._open.push_async_callback((await self._host.room()).aclose)
        try:
            run = await self._rows.take_run(
                principal,
                self._dispatch_id,
                self._key,
                self._attempt,
                executor=self._host.executor,
                shipped=self._host.shipped(),
            )
        except NotAuthenticatedError:
            return None
        if run is None:
            return None
        return await self._begin(principal, _version(self._host.definition(run.agent), run), run)

    async def _begin(self, principal: Principal, definition: AgentDefinition, run: TakenRun) -> _Taken:
        host = self._host.host_of(principal)
        ledger_run = agent_run(
            run.run_id,
            run.agent,
            definition.version,
            principal,
            dispatch_id=run.dispatch_id,
            fence=run.fence,
            started_at=run.created_at,
            parent_id=run.parent_run_id,
        )
        trace = RunTrace(host.recorder, ledger_run, version=definition.version)
        listed = definition.tools(drafts=run.may_draft)
        allowed = [name for name in listed if run.offered is None or name in run.offered]
        tools = AgentTools(host, ledger_run, allowed, specs=self._host.specs())
        await self._open.enter_async_context(tools)
        deadline = anyio.current_time() + run.seconds
        memory = RunMemory(self._rows, principal, run)
        calls = AgentCalls(
            tools,
            memory,
            most=definition.limits.tool_calls,
            deadline=deadline,
            parent=trace.parent,
            keys=uuid5(run.dispatch_id, f"task:{run.key}"),
        )
        task = Task(run.key, run.agent, run.request, run.subject, _inputs(run))
        await trace.begin(task, attempt=run.attempt)
        if run.memory:
            await trace.resume(host.services.database)
        worker = self._worker(definition, task, run, calls, memory, trace)
        return _Taken(principal, run, worker, trace, deadline)

    def _worker(
        self,
        definition: AgentDefinition,
        task: Task,
        run: TakenRun,
        calls: AgentCalls,
        memory: RunMemory,
        trace: RunTrace,
    ) -> Worker:
        reason = self._why_without(run)
        if self._host.claude is None or reason:
            return PlaybookWorker(definition, task, calls, memory=memory, observer=trace, fallback_reason=reason)
        from qms_mcp.agents.claude.worker import ClaudeWorker  # noqa: PLC0415 - only with a key

        tokens, usd = _spent_here(run)
        # What earlier attempts spent stays reserved.
        money = run.reserved_usd - run.spent_usd + usd
        allowance = Allowance(
            tokens=run.reserved_tokens - run.spent_tokens + tokens,
            usd=money if run.limits_money else None,
            seconds=float(run.seconds),
        )
        return ClaudeWorker(
            definition,
            task,
            access=self._host.claude,
            calls=calls,
            memory=memory,
            observer=trace,
            offers=calls.offers(),
            allowance=allowance,
            drafts=run.may_draft,
        )

    def _why_without(self, run: TakenRun) -> str:
        """Return why this attempt goes without a model; empty when it has one."""
        if self._host.claude is None:
            return NO_KEY
        # A version is measured with its model or not at all.
        if run.attempt >= run.max_attempts and run.purpose == "work":
            return f"{API_AWAY}: {run.failed_before}" if run.failed_before else API_AWAY
        return NO_BUDGET if run.reserved_tokens <= run.spent_tokens - _spent_here(run)[0] else ""


def _version(shipped: AgentDefinition, run: TakenRun) -> AgentDefinition:
    """Return the agent as the version of this run describes it."""
    if not run.version_content or run.agent_version == shipped.version:
        return shipped
    return definition_from(json.loads(run.version_content), shipped)


def _spent_here(run: TakenRun) -> tuple[int, float]:
    """Return what this attempt has spent already: its worker counts it, and what was reserved includes it."""
    charged = [charge(kept["entry"]) for kept in run.memory]
    return sum(tokens for tokens, _ in charged), sum(usd for _, usd in charged)


def _inputs(run: TakenRun) -> dict[str, AgentOutput]:
    return {key: AgentOutput.model_validate(output) for key, output in run.inputs.items()}


def _judged(taken: _Taken, *, late: bool) -> AgentResult:
    result = taken.worker.result()
    if not late or result.status == "completed":
        return result
    message = f"It had not finished after {taken.run.seconds} s."
    status = "partial" if result.output is not None else "failed"
    return replace(result, status=status, stop="timeout", error=message, transient=False)


def _outcome(result: AgentResult, run: TakenRun) -> dict[str, Any]:
    return {
        "status": result.status,
        "output": result.output.model_dump(mode="json") if result.output else None,
        "error": result.error or None,
        "model": result.model,
        "stop": result.stop,
        "fallback_reason": result.fallback_reason or None,
        "usage": asdict(result.usage),
        "cost_usd": result.cost_usd,
        "transient": result.transient and run.attempt < run.max_attempts,
    }
