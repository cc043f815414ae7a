"""What is recorded of a call, as frozen values every sink understands."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol, TypeAlias
from uuid import UUID

from qms_mcp import __version__
from qms_mcp.auth.principal import Principal

CallKind: TypeAlias = Literal["tool", "resource", "prompt"]
CallState: TypeAlias = Literal["awaiting_input", "finished"]
RunStatus: TypeAlias = Literal["completed", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class Client:
    """The program that calls, as it named itself."""

    name: str | None = None
    version: str | None = None
    protocol_version: str | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """A client connection or a sub-agent.

    Attributes:
        id: Of the run.
        agent_type: `client` for a connection, else the kind of sub-agent.
        parent_id: The run that started this one.
        dispatch_id: The dispatch a sub-agent works for: its calls are part of the trace of that.
        fence: What a sub-agent's run had when this process took it; None for a connection.
    """

    id: UUID
    agent_type: str
    started_at: datetime
    client: Client
    principal: Principal | None = None
    parent_id: UUID | None = None
    dispatch_id: UUID | None = None
    fence: int | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A call as it begins.

    Attributes:
        id: Of the row in `agents.tool_calls`.
        trace_id: Of its span in `agents.agent_traces`.
        arguments: With secrets masked and large values cut.
        tool_use_id: The id the model gave the call, when its client passes it on.
        parent_span_id: The span around it, in the trace of a dispatch.
    """

    id: UUID
    trace_id: UUID
    run: Run
    kind: CallKind
    name: str
    arguments: Any
    started_at: datetime
    request_id: str | None = None
    tool_use_id: str | None = None
    parent_span_id: UUID | None = None

    @property
    def langfuse_trace_id(self) -> str:
        """The trace in Langfuse: one per connection or dispatch, so that a conversation reads as one."""
        return langfuse_trace(self.run.dispatch_id or self.run.id)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a call ended, or that it waits for the user.

    Attributes:
        output: Structured content, or text; secrets masked and large values cut.
        rounds: Requests the call took so far.
    """

    state: CallState
    success: bool
    finished_at: datetime
    duration_ms: int
    output: Any = None
    error: str | None = None
    error_code: str | None = None
    rounds: int = 1


class Sink(Protocol):
    """Something that wants to know of finished calls; it never slows one down and never raises."""

    def finished(self, call: Call, outcome: Outcome) -> None:
        """Take note of a finished call, which the ledger has by now."""
        ...

    def span_ended(self) -> None:
        """Take note that a span around calls has ended, which the ledger has by now."""
        ...

    async def run(self) -> None:
        """Work in the background, until closed or cancelled."""
        ...

    async def aclose(self) -> None:
        """Let go of everything within a second or two."""
        ...


def langfuse_trace(root: UUID) -> str:
    """Return the trace in Langfuse of a connection or a dispatch."""
    return hashlib.sha256(root.bytes).hexdigest()[:32]


Entry: TypeAlias = dict[str, Any]


# An entry is whole in itself: a call brings its run along and an outcome its call. So it makes no difference in which
# order files of a spool are replayed, or whether an earlier entry was lost with the process that had it.


def begin_run_entry(run: Run) -> Entry:
    """Return the ledger entry that opens a run."""
    return {"op": "begin_run", **run_entry(run)}


def end_run_entry(run: Run, status: RunStatus, at: datetime) -> Entry:
    """Return the ledger entry that ends a run."""
    return {"op": "end_run", **run_entry(run), "status": status, "ended_at": at.isoformat()}


def begin_call_entry(call: Call) -> Entry:
    """Return the ledger entry that opens a call."""
    return {"op": "begin_call", **_call(call)}


def resume_call_entry(call: Call) -> Entry:
    """Return the ledger entry of a call that goes on with what the user answered."""
    return {"op": "resume_call", **_call(call)}


def finish_call_entry(call: Call, outcome: Outcome, *, to_langfuse: bool = False) -> Entry:
    """Return the ledger entry that closes a call, and with it puts the call into the outbox."""
    finished = outcome.state == "finished"
    return {
        "op": "finish_call",
        **_call(call),
        "state": outcome.state,
        "success": outcome.success if finished else None,
        "error": outcome.error,
        "error_code": outcome.error_code,
        "tool_output": outcome.output,
        "duration_ms": outcome.duration_ms,
        "finished_at": outcome.finished_at.isoformat() if finished else None,
        "rounds": outcome.rounds,
        "to_langfuse": to_langfuse,
    }


def run_entry(run: Run) -> Entry:
    """Return a run as every entry brings it along."""
    principal = run.principal
    return {
        "id": str(run.id),
        "agent_type": run.agent_type,
        "parent_run_id": str(run.parent_id) if run.parent_id else None,
        "created_at": run.started_at.isoformat(),
        "organization_id": str(principal.organization_id) if principal else None,
        "user_id": str(principal.user_id) if principal else None,
        "actor_kind": principal.actor_kind if principal else None,
        "client_name": run.client.name,
        "client_version": run.client.version,
        "protocol_version": run.client.protocol_version,
        "server_version": __version__,
        "fence": run.fence,
    }


def _call(call: Call) -> Entry:
    return {
        "id": str(call.id),
        "trace_id": str(call.trace_id),
        "run": run_entry(call.run),
        "langfuse_trace_id": call.langfuse_trace_id,
        "parent_span_id": str(call.parent_span_id) if call.parent_span_id else None,
        "kind": call.kind,
        "tool_name": call.name,
        "tool_input": call.arguments,
        "request_id": call.request_id,
        "tool_use_id": call.tool_use_id,
        "started_at": call.started_at.isoformat(),
    }
