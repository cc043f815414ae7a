"""Playing a playbook: the work of an agent without a model, in one turn.

Its calls are remembered by whoever makes them, and the answer is kept before it is given: a worker built anew in
another process finds it, or asks the same questions in the same order and gets the same answers.
"""

import logging
from dataclasses import asdict
from typing import Any, cast

from qms_mcp.agents.definition import AgentDefinition, Calls, Task, ToolAnswer
from qms_mcp.agents.inspecting import LOST
from qms_mcp.agents.outputs import AgentOutput
from qms_mcp.agents.stopping import AgentStoppedError, StopReason
from qms_mcp.agents.working import PLAYBOOK, AgentResult, Memory, Observer, ResultStatus

_log = logging.getLogger(__name__)
_KEPT = "playbook_result"
# When every call fails for one of these, the tools are out of reach, and another try may get further.
_PASSING = frozenset({"unavailable", "rate_limited", "internal"})


class PlaybookWorker:
    """An agent at work by its playbook.

    Args:
        definition: Which agent.
        task: What it is to do.
        calls: How it reaches its tools.
        memory: Where the answer is kept, if it is to outlive the process.
        observer: Who wants to know.
        fallback_reason: Why no model does it.
    """

    def __init__(
        self,
        definition: AgentDefinition,
        task: Task,
        calls: Calls,
        *,
        memory: Memory | None = None,
        observer: Observer | None = None,
        fallback_reason: str = "",
    ) -> None:
        self._definition = definition
        self._task = task
        self._calls = _Counted(calls, definition.limits.tool_calls)
        self._memory = memory
        self._observer = observer
        self._fallback_reason = fallback_reason
        kept = memory.entries(_KEPT) if memory else ()
        self._result = _restored(kept[-1]) if kept else None

    async def turn(self) -> bool:
        """Run the playbook, once; True, for it has only this turn.

        Raises:
            AgentStoppedError: The run was cancelled or taken over.
        """
        if self._result is None:
            if self._observer:
                await self._observer.tell(f"{self._definition.title}: working by its playbook")
            result = await self._play()
            if self._memory:
                await self._memory.keep(_KEPT, _keepable(result))
            self._result = result
        return True

    def result(self) -> AgentResult:
        """Return how it ended; before that, that nothing is there yet."""
        return self._result or self._ended("partial", None)

    async def _play(self) -> AgentResult:
        try:
            output = await self._definition.playbook(self._calls, self._task)
        except AgentStoppedError as stopped:
            if stopped.reason in LOST:
                raise
            return self._ended("partial", None, stop=stopped.reason, error=stopped.message)
        except Exception as fault:  # noqa: BLE001 - whatever it is, the run ends in a clear state
            _log.exception("the playbook of %s failed", self._definition.name)
            return self._ended("failed", None, error=f"The playbook failed: {type(fault).__name__}.")
        calls = self._calls
        if calls.stopped:
            return self._ended("partial", output, stop=calls.stopped.reason, error=calls.stopped.message)
        if calls.failures and calls.failures == calls.made:
            passing = calls.codes <= _PASSING
            return self._ended("failed", output, error="No tool gave an answer.", transient=passing)
        return self._ended("completed", output)

    def _ended(
        self,
        status: ResultStatus,
        output: AgentOutput | None,
        *,
        stop: StopReason | None = None,
        error: str = "",
        transient: bool = False,
    ) -> AgentResult:
        return AgentResult(
            status=status,
            output=output,
            model=PLAYBOOK,
            turns=1 if self._calls.made or output else 0,
            tool_calls=self._calls.made,
            fallback_reason=self._fallback_reason,
            stop=stop,
            error=error,
            transient=transient,
        )


class _Counted:
    """Calls, counted, no more of them than the agent may make, and what stopped them remembered."""

    def __init__(self, calls: Calls, at_most: int) -> None:
        self.made = 0
        self.failures = 0
        self.codes: set[str] = set()
        self.stopped: AgentStoppedError | None = None
        self._calls = calls
        self._at_most = at_most

    def may(self, tool: str) -> bool:
        return self._calls.may(tool)

    async def call(self, tool: str, /, **arguments: Any) -> ToolAnswer:
        if self.made >= self._at_most:
            self.stopped = AgentStoppedError("tool_call_limit", f"It made the {self._at_most} tool calls it may make.")
            raise self.stopped
        self.made += 1
        try:
            answer = await self._calls.call(tool, **arguments)
        except AgentStoppedError as stopped:
            self.stopped = stopped
            raise
        if not answer.ok:
            self.failures += 1
            self.codes.add(answer.error_code)
        return answer


def _keepable(result: AgentResult) -> dict[str, Any]:
    shown = asdict(result) | {"output": result.output.model_dump(mode="json") if result.output else None}
    del shown["usage"]  # no model, no tokens
    return shown


def _restored(entry: Any) -> AgentResult:
    shown = dict(cast("dict[str, Any]", entry))
    output = shown.pop("output")
    return AgentResult(output=AgentOutput.model_validate(output) if output else None, **shown)
