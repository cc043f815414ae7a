"""A span around calls: a dispatch, an agent's part of it, a reply of a model.

It is put when it begins and again, with its end, when it ends: one row either way, whatever arrives first or twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeAlias
from uuid import UUID

from qms_mcp.auth.principal import Principal
from qms_mcp.ledger.record import Entry, Run, langfuse_trace, run_entry
from qms_mcp.masking import keepable

SpanType: TypeAlias = Literal["dispatch", "agent", "generation"]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of work.

    Attributes:
        id: Of its row in `agents.agent_traces`.
        principal: On whose behalf.
        dispatch_id: The dispatch it belongs to, whose trace it is part of.
        parent_id: The span around it.
        run: The run of the agent; a dispatch has none.
        input: What it began with; masked and cut when it is put.
        ended_at: When it ended; None as long as it goes on.
        metadata: What else is worth knowing; what is put with the end is added.
    """

    id: UUID
    type: SpanType
    name: str
    principal: Principal
    dispatch_id: UUID
    started_at: datetime
    parent_id: UUID | None = None
    run: Run | None = None
    input: Any = None
    ended_at: datetime | None = None
    output: Any = None
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])


def put_span_entry(span: Span, *, to_langfuse: bool = False) -> Entry:
    """Return the ledger entry that opens a span or, with an end, completes it and puts it into the outbox."""
    principal = span.principal
    return {
        "op": "put_span",
        "id": str(span.id),
        "type": span.type,
        "name": span.name,
        "organization_id": str(principal.organization_id),
        "langfuse_trace_id": langfuse_trace(span.dispatch_id),
        "parent_span_id": str(span.parent_id) if span.parent_id else None,
        "run": run_entry(span.run) if span.run else None,
        "input": keepable(span.input),
        "output": keepable(span.output),
        "metadata": {
            "dispatch_id": str(span.dispatch_id),
            "user_id": str(principal.user_id),
            "actor_kind": principal.actor_kind,
            **keepable({name: value for name, value in span.metadata.items() if value is not None}),
        },
        "started_at": span.started_at.isoformat(),
        "ended_at": span.ended_at.isoformat() if span.ended_at else None,
        "to_langfuse": to_langfuse,
    }
