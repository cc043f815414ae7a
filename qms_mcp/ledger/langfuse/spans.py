"""Rows of the ledger as spans, in the bytes and with the attribute names the Langfuse client itself writes.

The client can't be told when a span began, and a shipper only has what is over; so the spans are made here, with the
client's own attributes. The id of a span comes from the id of its row: sent twice, it is the same span.

A connection is a trace of its calls, one beside the other. A dispatch is a trace too, and a tree: the dispatch, its
agents, the replies of their models, and the calls those asked for.

This module imports the client library and OpenTelemetry: import it in a worker thread.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from langfuse import LangfuseOtelSpanAttributes as Attribute
from langfuse import __version__ as langfuse_version
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from qms_mcp import __version__

TAG = "qms-ml-loop"
DISPATCH = "dispatch"
_TYPES = {
    "tool": "tool", "resource": "retriever", "prompt": "span",
    DISPATCH: "chain", "agent": "agent", "generation": "generation",
}  # fmt: skip
METADATA = (
    "id", "tool_use_id", "request_id", "client_name", "client_version", "protocol_version", "organization_id",
    "actor_kind", "error_code", "duration_ms", "rounds", "replayed", "kind",
)  # fmt: skip
# As Langfuse calls what its price lists know. Thinking is part of the output, so it is not counted beside it.
_USAGE = {
    "input": "input",
    "output": "output",
    "cache_read": "input_cache_read",
    "cache_write": "input_cache_creation_5m",
    "cache_write_1h": "input_cache_creation_1h",
}
_FAILED = frozenset({"failed", "lost"})


def encoded(rows: Sequence[Mapping[str, Any]], public_key: str) -> bytes:
    """Return an OTLP export request with a span for each row of `agents.tool_calls` and `agents.agent_traces`."""
    scope = InstrumentationScope("langfuse-sdk", langfuse_version, attributes={"public_key": public_key})
    return encode_spans(
        [_call(row, scope) if "tool_name" in row else _work(row, scope) for row in rows]
    ).SerializeToString()


def _call(call: Mapping[str, Any], scope: InstrumentationScope) -> ReadableSpan:
    return ReadableSpan(
        name=str(call["tool_name"]) or "unnamed",
        context=_context(call["langfuse_trace_id"], call["id"]),
        parent=_parent(call),
        resource=_resource(),
        attributes=_said(attributes(call)),
        kind=SpanKind.INTERNAL,
        status=_status(call["error"], failed=not call["success"]),
        start_time=_nanoseconds(call["created_at"]),
        end_time=_nanoseconds(call["finished_at"]),
        instrumentation_scope=scope,
    )


def _work(row: Mapping[str, Any], scope: InstrumentationScope) -> ReadableSpan:
    metadata = row["metadata"]
    return ReadableSpan(
        name=str(row["span_name"]) or "unnamed",
        context=_context(row["langfuse_trace_id"], row["id"]),
        parent=_parent(row),
        resource=_resource(),
        attributes=_said(work_attributes(row)),
        kind=SpanKind.INTERNAL,
        status=_status(metadata.get("error"), failed=_has_failed(metadata)),
        start_time=_nanoseconds(row["start_time"]),
        end_time=_nanoseconds(row["end_time"]),
        instrumentation_scope=scope,
    )


def attributes(call: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of a call, by their names in Langfuse; None where there is nothing to say."""
    metadata = {"call_id" if name == "id" else name: call.get(name) for name in METADATA}
    dispatch_id = call.get("dispatch_id")
    return {
        Attribute.TRACE_NAME: DISPATCH if dispatch_id else call["client_name"] or "qms-mcp",
        Attribute.TRACE_USER_ID: call["user_id"],
        Attribute.TRACE_SESSION_ID: dispatch_id or call["run_id"],
        Attribute.TRACE_TAGS: [TAG, call["agent"]] if dispatch_id else None,
        Attribute.IS_APP_ROOT: None if dispatch_id else True,
        Attribute.OBSERVATION_TYPE: _TYPES[call["kind"]],
        Attribute.OBSERVATION_INPUT: _serialized(call["tool_input"]),
        Attribute.OBSERVATION_OUTPUT: _serialized(call["tool_output"]),
        Attribute.OBSERVATION_LEVEL: None if call["success"] else "ERROR",
        Attribute.OBSERVATION_STATUS_MESSAGE: call["error"],
        Attribute.VERSION: __version__,
        **_metadata(metadata),
    }


def work_attributes(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of a dispatch, an agent's part of it or a reply of a model."""
    metadata: Mapping[str, Any] = row["metadata"]
    kind, agent = row["span_type"], metadata.get("agent")
    answered = kind == "generation"
    return {
        Attribute.TRACE_NAME: DISPATCH,
        Attribute.TRACE_USER_ID: metadata.get("user_id"),
        Attribute.TRACE_SESSION_ID: metadata.get("dispatch_id"),
        Attribute.TRACE_TAGS: [TAG, agent] if agent else [TAG],
        Attribute.IS_APP_ROOT: True if kind == DISPATCH else None,
        Attribute.OBSERVATION_TYPE: _TYPES[kind],
        Attribute.OBSERVATION_INPUT: _serialized(row["input"]),
        Attribute.OBSERVATION_OUTPUT: _serialized(row["output"]),
        Attribute.OBSERVATION_LEVEL: "ERROR" if _has_failed(metadata) else None,
        Attribute.OBSERVATION_STATUS_MESSAGE: metadata.get("error"),
        Attribute.OBSERVATION_MODEL: metadata.get("model") if answered else None,
        Attribute.OBSERVATION_USAGE_DETAILS: _serialized(_usage(metadata)) if answered else None,
        Attribute.OBSERVATION_COST_DETAILS: _serialized({"total": metadata.get("cost_usd", 0)}) if answered else None,
        Attribute.VERSION: metadata.get("agent_version") or __version__,
        **_metadata({**metadata, "organization_id": row["organization_id"], "duration_ms": row["duration_ms"]}),
    }


def _usage(metadata: Mapping[str, Any]) -> dict[str, int]:
    usage: Mapping[str, int] = metadata.get("usage") or {}
    counted = {theirs: usage[ours] for ours, theirs in _USAGE.items() if usage.get(ours)}
    return {**counted, "total": sum(counted.values())}


def _has_failed(metadata: Mapping[str, Any]) -> bool:
    return metadata.get("status") in _FAILED or ("status" not in metadata and bool(metadata.get("error")))


def _metadata(values: Mapping[str, Any]) -> dict[str, str]:
    return {
        f"{Attribute.OBSERVATION_METADATA}.{name}": json.dumps(value, ensure_ascii=False)
        for name, value in values.items()
        if value is not None
    }


def _said(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value is not None}


def _context(trace_id: str, row_id: str) -> SpanContext:
    return SpanContext(
        trace_id=int(trace_id, 16),
        span_id=UUID(row_id).int >> 64,
        is_remote=False,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )


def _parent(row: Mapping[str, Any]) -> SpanContext | None:
    parent = row.get("parent_span_id")
    return _context(row["langfuse_trace_id"], parent) if parent else None


def _status(error: str | None, *, failed: bool) -> Status:
    return Status(StatusCode.ERROR, error) if failed else Status(StatusCode.UNSET)


def _serialized(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _nanoseconds(moment: str) -> int:
    # By way of whole microseconds: a float of seconds would lose some of them.
    since = datetime.fromisoformat(moment) - datetime.fromisoformat("1970-01-01T00:00:00+00:00")
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1_000


@cache
def _resource() -> Resource:
    return Resource.create({"service.name": "qms-mcp", "service.version": __version__})
