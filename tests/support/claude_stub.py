"""A stand-in for the Messages API on a free port of the loopback, for tests that must not leave the machine.

    with ClaudeStub(says({"sql": "SELECT 1"}), refuses(529, "overloaded_error")) as stub:
        client = AsyncAnthropic(api_key="stub", base_url=stub.url)

Turns are answered in the order of the script, as JSON or as server-sent events, whichever is asked for; after the
last one the stub says "done". A turn may also be a function of the request. Everything it was asked is in `requests`.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any, Self, TypeAlias, cast

Block: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Refusal:
    """An answer that is an error; `after` holds it back for so many seconds."""

    status: int
    kind: str
    after: float = 0.0
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


Turn: TypeAlias = "Sequence[Block] | Refusal | Callable[[dict[str, Any]], Sequence[Block]]"


def says(text: str | Mapping[str, Any]) -> list[Block]:
    """Return a turn of text; a mapping is said as JSON, which is what structured output looks like."""
    return [{"type": "text", "text": text if isinstance(text, str) else json.dumps(text)}]


def calls(name: str, arguments: Mapping[str, Any], use_id: str | None = None) -> list[Block]:
    """Return a turn that calls a tool; without an id of its own it gets one."""
    own_id = {"id": use_id} if use_id else {}
    return [{"type": "tool_use", **own_id, "name": name, "input": dict(arguments)}]


def refuses(status: int, kind: str, *, after: float = 0.0, **headers: str) -> Refusal:
    """Return a turn that fails."""
    return Refusal(status, kind, after, headers)


class ClaudeStub:
    """The stub; a context manager that serves while it is open.

    Args:
        script: The turns, in order.
        only_with_tools: Requests that offer no tools (a client's own side questions) are answered "ok" and take no
            turn of the script.

    Attributes:
        requests: The bodies of all requests for messages, in order.
    """

    def __init__(self, *script: Turn, only_with_tools: bool = False) -> None:
        self._script = list(script)
        self._only_with_tools = only_with_tools
        self._lock = threading.Lock()
        self._ids = count(1)
        self._stopping = threading.Event()
        self.requests: list[dict[str, Any]] = []
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """The address to give as base_url."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def add(self, *turns: Turn) -> None:
        """Add turns to the script."""
        with self._lock:
            self._script.extend(turns)

    def offered_tools(self) -> set[str]:
        """Return the names of all tools any request offered."""
        offered: list[list[Block]] = [request.get("tools") or [] for request in self.requests]
        return {tool["name"] for tools in offered for tool in tools}

    def pause(self, seconds: float) -> None:
        """Hold an answer back, but not past the end of the stub."""
        self._stopping.wait(seconds)

    def answer(self, body: dict[str, Any]) -> dict[str, Any] | Refusal:
        """Return the message for a request, or the error."""
        with self._lock:
            self.requests.append(body)
            if self._only_with_tools and not body.get("tools"):
                turn: Turn = says("ok")
            else:
                turn = self._script.pop(0) if self._script else says("done")
        if isinstance(turn, Refusal):
            return turn
        blocks = turn(body) if callable(turn) else turn
        content = [{"id": f"toolu_{next(self._ids):020}", **block} if block["type"] == "tool_use" else dict(block)
                   for block in blocks]  # fmt: skip
        called = any(block["type"] == "tool_use" for block in content)
        return {
            "id": f"msg_{next(self._ids):020}",
            "type": "message",
            "role": "assistant",
            "model": body.get("model", "stub"),
            "content": content,
            "stop_reason": "tool_use" if called else "end_turn",
            "stop_sequence": None,
            "usage": _usage(body, content),
        }


def _usage(body: dict[str, Any], content: list[Block]) -> dict[str, Any]:
    return {
        "input_tokens": tokens([body.get("system"), body.get("tools"), body.get("messages")]),
        "output_tokens": tokens(content),
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "service_tier": "standard",
    }


def tokens(value: Any) -> int:
    """Return about how many tokens a value has."""
    return max(1, len(json.dumps(value)) // 4)


def events(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a message as the events of a stream."""
    usage = {**message["usage"], "output_tokens": 1}
    yield {"type": "message_start", "message": {**message, "content": [], "stop_reason": None, "usage": usage}}
    yield {"type": "ping"}
    for index, block in enumerate(cast("list[Block]", message["content"])):
        if block["type"] == "text":
            started, whole, kind, name = {**block, "text": ""}, block["text"], "text_delta", "text"
        else:
            started, whole = {**block, "input": cast("dict[str, Any]", {})}, json.dumps(block["input"])
            kind, name = "input_json_delta", "partial_json"
        yield {"type": "content_block_start", "index": index, "content_block": started}
        for start in range(0, len(whole), 16):
            delta = {"type": kind, name: whole[start : start + 16]}
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    delta = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    yield {"type": "message_delta", "delta": delta, "usage": {"output_tokens": message["usage"]["output_tokens"]}}
    yield {"type": "message_stop"}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, stub: ClaudeStub) -> None:
        super().__init__(("127.0.0.1", 0), _Answering)
        self.stub = stub


class _Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def _stub(self) -> ClaudeStub:
        return cast("_Server", self.server).stub

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base's
        """Say nothing: stderr belongs to the test."""

    def do_GET(self) -> None:
        model = {"type": "model", "id": "claude-sonnet-5-5", "display_name": "stub"}
        model["created_at"] = "2026-01-01T00:00:00Z"
        if self.path.startswith("/v1/models"):
            self._send({"data": [model], "has_more": False, "first_id": model["id"], "last_id": model["id"]})
        else:
            self._fail(Refusal(404, "not_found_error"))

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"{}")
        path = self.path.partition("?")[0]
        if path == "/v1/messages/count_tokens":
            self._send({"input_tokens": tokens([body.get("system"), body.get("tools"), body.get("messages")])})
        elif path != "/v1/messages":
            self._fail(Refusal(404, "not_found_error"))
        else:
            self._message(body)

    def _message(self, body: dict[str, Any]) -> None:
        answer = self._stub.answer(body)
        if isinstance(answer, Refusal):
            self._stub.pause(answer.after)
            self._fail(answer)
        elif body.get("stream"):
            self._stream(answer)
        else:
            self._send(answer)

    def _fail(self, refusal: Refusal) -> None:
        error = {"type": "error", "error": {"type": refusal.kind, "message": "as the script says"}}
        self._send(error, refusal.status, refusal.headers)

    def _send(self, value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        text = json.dumps(value).encode()
        with suppress(ConnectionError):
            self.send_response(status)
            for name, content in {"content-type": "application/json", **(headers or {})}.items():
                self.send_header(name.replace("_", "-"), content)
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

    def _stream(self, message: dict[str, Any]) -> None:
        with suppress(ConnectionError):
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            for event in events(message):
                text = f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()
                self.wfile.write(b"%x\r\n%s\r\n" % (len(text), text))
                self.wfile.flush()
            self.wfile.write(b"0\r\n\r\n")
