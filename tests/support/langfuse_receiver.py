"""A Langfuse that runs on loopback and decodes what it is sent; it can refuse, fail, or never answer.

`address` stays the same over `down()` and `up()`, so that a host can go away and come back.
"""

import gzip
import json
import socket
import threading
from base64 import b64decode
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

DATASET_PATHS = frozenset({"/api/public/v2/datasets", "/api/public/dataset-items", "/api/public/dataset-run-items"})


@dataclass(frozen=True)
class Span:
    trace_id: str
    span_id: str
    parent_id: str
    name: str
    start: int
    end: int
    status: int
    message: str
    scope: str
    attributes: dict[str, Any]
    resource: dict[str, Any]


@dataclass
class Received:
    """What has arrived; spans and scores only when they were accepted."""

    spans: list[Span] = field(default_factory=list[Span])
    scores: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    requests: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    posted: list[tuple[str, dict[str, Any]]] = field(default_factory=list[tuple[str, dict[str, Any]]])

    def span_ids(self) -> list[str]:
        return sorted(span.span_id for span in self.spans)


class Receiver:
    """The host."""

    def __init__(self) -> None:
        self.received = Received()
        self.status = 200
        self.retry_after: str | None = None
        self.refuse_names: set[str] = set()
        self.lacks: set[str] = set()
        self._silent = threading.Event()
        self._heard = threading.Event()
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = int(probe.getsockname()[1])

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def up(self) -> None:
        """Listen."""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name it has
                """Say nothing."""

            def do_POST(self) -> None:
                receiver._take(self)

        ThreadingHTTPServer.allow_reuse_address = True
        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def down(self) -> None:
        """Refuse connections."""
        self.black_hole(on=False)
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
            self._server = self._thread = None

    def black_hole(self, *, on: bool) -> None:
        """Take what comes and never answer, until switched off."""
        if on:
            self._heard.clear()
            self._silent.set()
        else:
            self._silent.clear()
            self._heard.set()

    def _take(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("content-length") or 0))
        if request.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        self.received.requests.append({"path": request.path, "headers": dict(request.headers), "bytes": len(body)})
        if self._silent.is_set():
            self._heard.wait(60)
            request.close_connection = True
            return
        status, answer, kind = self._judge(request.path, body)
        request.send_response(status)
        request.send_header("content-type", kind)
        request.send_header("content-length", str(len(answer)))
        if self.retry_after is not None:
            request.send_header("retry-after", self.retry_after)
        request.end_headers()
        request.wfile.write(answer)

    def _judge(self, path: str, body: bytes) -> tuple[int, bytes, str]:
        if self.status >= 300:
            return self.status, b'{"message": "no"}', "application/json"
        if path == "/api/public/otel/v1/traces":
            spans = decoded(body)
            if any(span.name in self.refuse_names for span in spans):
                return 400, b'{"message": "invalid span"}', "application/json"
            self.received.spans += spans
            return 200, ExportTraceServiceResponse().SerializeToString(), "application/x-protobuf"
        if path == "/api/public/scores":
            scores: list[dict[str, Any]] = json.loads(body)
            self.received.scores += scores
            return 202, json.dumps({"accepted": len(scores)}).encode(), "application/json"
        if path in DATASET_PATHS - self.lacks:
            return self._dataset(path, json.loads(body))
        return 404, b"{}", "application/json"

    def _dataset(self, path: str, sent: dict[str, Any]) -> tuple[int, bytes, str]:
        """Take what belongs to a dataset; what it belongs to has to be there, as with the real one."""
        names = {one["name"] for place, one in self.received.posted if place == "/api/public/v2/datasets"}
        items = {one["id"] for place, one in self.received.posted if place == "/api/public/dataset-items"}
        if sent.get("datasetName", "") not in names | {""} or sent.get("datasetItemId", "") not in items | {""}:
            return 404, b"{}", "application/json"
        self.received.posted.append((path, sent))
        return 200, b"{}", "application/json"


def decoded(body: bytes) -> list[Span]:
    """Return the spans in an OTLP export request."""
    request = ExportTraceServiceRequest()
    request.ParseFromString(body)
    return [
        Span(
            trace_id=span.trace_id.hex(),
            span_id=span.span_id.hex(),
            parent_id=span.parent_span_id.hex(),
            name=span.name,
            start=span.start_time_unix_nano,
            end=span.end_time_unix_nano,
            status=span.status.code,
            message=span.status.message,
            scope=scoped.scope.name,
            attributes={a.key: _plain(a.value) for a in span.attributes},
            resource={a.key: _plain(a.value) for a in group.resource.attributes},
        )
        for group in request.resource_spans
        for scoped in group.scope_spans
        for span in scoped.spans
    ]


def credentials(request: dict[str, Any]) -> str:
    """Return user and password of a request."""
    headers: dict[str, str] = {name.lower(): value for name, value in request["headers"].items()}
    return b64decode(headers["authorization"].removeprefix("Basic ")).decode()


def _plain(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_plain(item) for item in value.array_value.values]
    return None if kind is None else getattr(value, kind)


@contextmanager
def langfuse_receiver() -> Generator[Receiver]:
    """Run a receiver for the length of a test."""
    receiver = Receiver()
    receiver.up()
    try:
        yield receiver
    finally:
        receiver.down()
