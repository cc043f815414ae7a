"""Calls of the ledger as spans, in the bytes and with the attribute names the Langfuse client itself writes.

The client can't be told when a span began, and a shipper only has calls that are over; so the spans are made here,
with the client's own attributes. One run is one trace. The id of a span comes from the id of its call: sent twice,
it is the same span.

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

_TYPES = {"tool": "tool", "resource": "retriever", "prompt": "span"}
METADATA = (
    "id", "tool_use_id", "request_id", "client_name", "client_version", "protocol_version", "organization_id",
    "actor_kind", "error_code", "duration_ms", "rounds", "replayed", "kind",
)  # fmt: skip


def encoded(calls: Sequence[Mapping[str, Any]], public_key: str) -> bytes:
    """Return an OTLP export request with a span for each row of `agents.tool_calls`."""
    scope = InstrumentationScope("langfuse-sdk", langfuse_version, attributes={"public_key": public_key})
    return encode_spans([_span(call, scope) for call in calls]).SerializeToString()


def _span(call: Mapping[str, Any], scope: InstrumentationScope) -> ReadableSpan:
    context = SpanContext(
        trace_id=int(call["langfuse_trace_id"], 16),
        span_id=UUID(call["id"]).int >> 64,
        is_remote=False,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )
    failed = not call["success"]
    return ReadableSpan(
        name=str(call["tool_name"]) or "unnamed",
        context=context,
        resource=_resource(),
        attributes={name: value for name, value in attributes(call).items() if value is not None},
        kind=SpanKind.INTERNAL,
        status=Status(StatusCode.ERROR, call["error"]) if failed else Status(StatusCode.UNSET),
        start_time=_nanoseconds(call["created_at"]),
        end_time=_nanoseconds(call["finished_at"]),
        instrumentation_scope=scope,
    )


def attributes(call: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of a call, by their names in Langfuse; None where there is nothing to say."""
    metadata = {"call_id" if name == "id" else name: call.get(name) for name in METADATA}
    return {
        Attribute.TRACE_NAME: call["client_name"] or "qms-mcp",
        Attribute.TRACE_USER_ID: call["user_id"],
        Attribute.TRACE_SESSION_ID: call["run_id"],
        Attribute.IS_APP_ROOT: True,
        Attribute.OBSERVATION_TYPE: _TYPES[call["kind"]],
        Attribute.OBSERVATION_INPUT: _serialized(call["tool_input"]),
        Attribute.OBSERVATION_OUTPUT: _serialized(call["tool_output"]),
        Attribute.OBSERVATION_LEVEL: None if call["success"] else "ERROR",
        Attribute.OBSERVATION_STATUS_MESSAGE: call["error"],
        Attribute.VERSION: __version__,
        **{
            f"{Attribute.OBSERVATION_METADATA}.{name}": json.dumps(value, ensure_ascii=False)
            for name, value in metadata.items()
            if value is not None
        },
    }


def _serialized(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _nanoseconds(moment: str) -> int:
    # By way of whole microseconds: a float of seconds would lose some of them.
    since = datetime.fromisoformat(moment) - datetime.fromisoformat("1970-01-01T00:00:00+00:00")
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1_000


@cache
def _resource() -> Resource:
    return Resource.create({"service.name": "qms-mcp", "service.version": __version__})
