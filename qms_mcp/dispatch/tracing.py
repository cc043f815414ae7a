"""The trace of a dispatch: which agents, which replies of their models, and which calls those asked for.

Everything goes through the recorder, so it is in the ledger (or, without a database, in the spool) and, where Langfuse
is configured, on its way there. The id of a span comes from what it is about: put again by a process that goes on with
the work, it is the same span.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID, uuid5

from qms_mcp.agents.definition import Task
from qms_mcp.agents.working import AgentResult, Generation, Usage
from qms_mcp.auth.principal import Principal
from qms_mcp.db.queries import query
from qms_mcp.ledger.record import Run
from qms_mcp.ledger.recorder import Recorder
from qms_mcp.ledger.span import Span
from qms_mcp.masking import mask_text

if TYPE_CHECKING:
    from qms_mcp.db.database import Database

_LONG = 2_000
_LATEST_GENERATION = query("ledger.latest_generation")


def dispatch_span_id(dispatch_id: UUID) -> UUID:
    """Return the id of the span of a dispatch."""
    return uuid5(dispatch_id, "dispatch")


def agent_span_id(run_id: UUID) -> UUID:
    """Return the id of the span of an agent's run."""
    return uuid5(run_id, "agent")


@dataclass(frozen=True, slots=True)
class _Latest:
    id: UUID


class DispatchTrace:
    """The span of a dispatch.

    Args:
        recorder: Where it goes.
        dispatch_id: Which.
        principal: On whose behalf.
        request: What was asked for.
        started_at: When it began; the same for every process that works on it.
    """

    def __init__(
        self, recorder: Recorder, dispatch_id: UUID, principal: Principal, request: str, started_at: datetime
    ) -> None:
        self._recorder = recorder
        self._span = Span(
            id=dispatch_span_id(dispatch_id),
            type="dispatch",
            name="dispatch",
            principal=principal,
            dispatch_id=dispatch_id,
            started_at=started_at,
            input={"request": request},
        )

    async def begin(self, **metadata: Any) -> None:
        """Record that it began; again by another process, it changes nothing."""
        self._span = replace(self._span, metadata=metadata)
        await self._recorder.put_span(self._span)

    async def end(self, status: str, output: Any, *, error: str = "", **metadata: Any) -> None:
        """Record how it ended, once: its status in the words of `agents.dispatches`, and what it cost."""
        ended = {**self._span.metadata, "status": status, "error": error or None, **metadata}
        await self._recorder.put_span(replace(self._span, ended_at=datetime.now(UTC), output=output, metadata=ended))


class RunTrace:
    """The span of an agent's run and of the replies of its model; an `Observer` of the run.

    Args:
        recorder: Where they go.
        run: Of the agent; it names its dispatch.
        version: Of the agent.
        tell: Who wants to hear where the work stands.
    """

    def __init__(
        self, recorder: Recorder, run: Run, *, version: str, tell: Callable[[str], Awaitable[None]] | None = None
    ) -> None:
        if run.dispatch_id is None or run.principal is None:
            raise ValueError("only a run of a dispatch has a trace of its own")
        self._recorder = recorder
        self._tell = tell
        self._known = {"agent": run.agent_type, "agent_version": version, "run_id": str(run.id)}
        self._span = Span(
            id=agent_span_id(run.id),
            type="agent",
            name=run.agent_type,
            principal=run.principal,
            dispatch_id=run.dispatch_id,
            started_at=run.started_at,
            parent_id=dispatch_span_id(run.dispatch_id),
            run=run,
            metadata=self._known,
        )
        self._parent = self._span.id

    def parent(self) -> UUID:
        """Return the span a call made now belongs to: the reply that asked for it, or else the agent."""
        return self._parent

    async def begin(self, task: Task, **metadata: Any) -> None:
        """Record that the agent began; again by another process, it changes nothing."""
        asked = {"request": task.request, "subject": task.subject, "inputs": sorted(task.inputs)}
        self._span = replace(self._span, input=asked, metadata={**self._known, "task": task.key, **metadata})
        await self._recorder.put_span(self._span)

    async def resume(self, database: "Database") -> None:
        """Let calls that are made again belong to the reply that asked for them in the process before.

        Raises:
            QmsError: The database can't be read.
        """
        async with database.transaction(self._span.principal, read_only=True) as transaction:
            latest = await transaction.fetch_one(
                _LATEST_GENERATION, {"parent_span_id": str(self._span.id)}, row=_Latest
            )
        if latest is not None:
            self._parent = latest.id

    async def generation(self, generation: Generation) -> None:
        """Record a reply of the model; the calls that follow belong to it."""
        # Of its beginning too: a reply that was lost before it was kept is asked for again, and both were paid.
        began = generation.started_at.isoformat()
        span_id = uuid5(self._span.id, f"generation:{generation.turn}:{began}")
        await self._recorder.put_span(
            replace(
                self._span,
                id=span_id,
                type="generation",
                name=f"{self._span.name} turn {generation.turn}",
                parent_id=self._span.id,
                started_at=generation.started_at,
                ended_at=generation.ended_at,
                input=_new(generation.prompt),
                output=_brief(generation.answer),
                metadata={
                    **self._known,
                    "turn": generation.turn,
                    "error": generation.error or None,
                    **_spent(generation.model, generation.usage, generation.cost_usd),
                },
            )
        )
        if not generation.error:
            self._parent = span_id

    async def tell(self, message: str) -> None:
        """Say where the work stands; it never fails."""
        if self._tell is not None:
            with suppress(Exception):
                await self._tell(message)

    async def end(self, result: AgentResult) -> None:
        """Record how the run ended, once, with what it cost in all."""
        metadata: Mapping[str, Any] = {
            **self._span.metadata,
            "status": result.status,
            "stop": result.stop,
            "fallback_reason": result.fallback_reason or None,
            "error": result.error or None,
            "turns": result.turns,
            "tool_calls": result.tool_calls,
            **_spent(result.model, result.usage, result.cost_usd),
        }
        output = result.output.model_dump(mode="json") if result.output else None
        await self._recorder.put_span(replace(self._span, ended_at=datetime.now(UTC), output=output, metadata=metadata))


def _new(prompt: Any) -> Any:
    """Return what a reply was asked for that the replies before it were not: the last message of the conversation."""
    if not isinstance(prompt, list):
        return _brief(prompt)
    asked = cast("list[Any]", prompt)
    return {"earlier_messages": max(len(asked) - 1, 0), "message": _brief(asked[-1] if asked else None)}


def _brief(value: Any) -> Any:
    """Return JSON with the beginnings of its long texts: answers of tools are in the ledger already."""
    if isinstance(value, str):
        # Masked before it is cut: half a secret would not be known for one.
        return value if len(value) <= _LONG else f"{mask_text(value[: 2 * _LONG])[:_LONG]}… ({len(value)} characters)"
    if isinstance(value, Mapping):
        return {str(key): _brief(item) for key, item in cast("Mapping[Any, Any]", value).items()}
    if isinstance(value, (list, tuple)):
        return [_brief(item) for item in cast("Sequence[Any]", value)]
    return value


def _spent(model: str, usage: Usage, cost_usd: float) -> dict[str, Any]:
    return {"model": model, "usage": asdict(usage), "cost_usd": cost_usd}
