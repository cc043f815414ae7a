"""A stub of the Messages API on loopback, speaking the true wire format (JSON and server-sent events).

    with claude_stub([[text("SELECT 1")]]) as stub:
        client = AsyncAnthropic(base_url=stub.url, api_key="stub")
        ...
        stub.requests[0]["messages"]

Each request takes the next turn of the script; when it is used up, the answer is the text `done`. A turn is a list of
content blocks, or an `HttpFailure`. `only_with_tools` keeps side requests of a client (titles, quota checks) from
taking turns.
"""

import json
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeAlias
from uuid import uuid4

Block: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class HttpFailure:
    """A turn that fails."""

    status: int
    kind: str
    retry_after: str | None = None


Turn: TypeAlias = Sequence[Block] | HttpFailure


def text(words: str) -> Block:
    """Return a block of text."""
    return {"type": "text", "text": words}


def tool_use(name: str, arguments: dict[str, Any], use_id: str | None = None) -> Block:
    """Return a block that calls a tool."""
    return {"type": "tool_use", "id": use_id or f"toolu_{uuid4().hex[:20]}", "name": name, "input": arguments}


@dataclass
class ClaudeStub:
    """What the stub will say and what it heard."""

    script: list[Turn]
    only_with_tools: bool
    url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    lock: threading.Lock = field(default_factory=threading.Lock)

    def offered_tools(self) -> set[str]:
        """Return the names of all tools any request offered."""
        offered: list[list[Block]] = [request.get("tools") or [] for request in self.requests]
        return {tool["name"] for tools in offered for tool in tools}

    def next_turn(self, request: dict[str, Any]) -> Turn:
        """Note a request and return the turn that answers it."""
        with self.lock:
            self.requests.append(request)
            if self.only_with_tools and not request.get("tools"):
                return [text("ok")]
            return self.script.pop(0) if self.script else [text("done")]


@contextmanager
def claude_stub(script: Sequence[Turn], *, only_with_tools: bool = False) -> Generator[ClaudeStub]:
    """Run a stub on a free port of loopback."""
    stub = ClaudeStub(list(script), only_with_tools)

    class Handler(_Handler):
        speaks_for = stub

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    stub.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    speaks_for: ClaudeStub

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
        """Say nothing."""

    def do_GET(self) -> None:  # noqa: N802
        """Answer the list of models."""
        self._json({"data": [], "has_more": False, "first_id": None, "last_id": None})

    def do_POST(self) -> None:  # noqa: N802
        """Answer a request for a message."""
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        request: dict[str, Any] = json.loads(body or b"{}")
        path = self.path.split("?")[0]
        if path == "/v1/messages/count_tokens":
            self._json({"input_tokens": len(body) // 4})
        elif path != "/v1/messages":
            self._json(_error("not_found_error", path), 404)
        else:
            self._turn(request, self.speaks_for.next_turn(request))

    def _turn(self, request: dict[str, Any], turn: Turn) -> None:
        if isinstance(turn, HttpFailure):
            headers = {"retry-after": turn.retry_after} if turn.retry_after else {}
            self._json(_error(turn.kind, "stub"), turn.status, headers)
        elif request.get("stream"):
            self._stream(_message(request, turn))
        else:
            self._json(_message(request, turn))

    def _json(self, answer: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> None:
        encoded = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(encoded)))
        self.send_header("request-id", f"req_{uuid4().hex[:20]}")
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(encoded)

    def _stream(self, message: dict[str, Any]) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.send_header("request-id", f"req_{uuid4().hex[:20]}")
        self.end_headers()
        for event in _events(message):
            encoded = f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(encoded), encoded))
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")


def _error(kind: str, message: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message}}


def _message(request: dict[str, Any], blocks: Sequence[Block]) -> dict[str, Any]:
    uses_tools = any(block["type"] == "tool_use" for block in blocks)
    return {
        "id": f"msg_{uuid4().hex[:20]}",
        "type": "message",
        "role": "assistant",
        "model": request.get("model", "claude-stub"),
        "content": list(blocks),
        "stop_reason": "tool_use" if uses_tools else "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": len(json.dumps(request)) // 4,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": len(json.dumps(list(blocks))) // 4,
            "service_tier": "standard",
        },
    }


def _events(message: dict[str, Any]) -> Generator[dict[str, Any]]:
    opening: dict[str, Any] = {
        **message,
        "content": [],
        "stop_reason": None,
        "usage": {**message["usage"], "output_tokens": 1},
    }
    yield {"type": "message_start", "message": opening}
    for index, block in enumerate(message["content"]):
        is_text = block["type"] == "text"
        shell: dict[str, Any] = {"type": "text", "text": ""} if is_text else {**block, "input": {}}
        yield {"type": "content_block_start", "index": index, "content_block": shell}
        whole, kind, key = (
            (block["text"], "text_delta", "text")
            if is_text
            else (json.dumps(block["input"]), "input_json_delta", "partial_json")
        )
        for start in range(0, len(whole), 16):
            delta = {"type": kind, key: whole[start : start + 16]}
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    ending = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    yield {"type": "message_delta", "delta": ending, "usage": {"output_tokens": message["usage"]["output_tokens"]}}
    yield {"type": "message_stop"}
