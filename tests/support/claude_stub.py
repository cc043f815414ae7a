"""A stand-in for the Messages API on a free port of the loopback, for tests that must not leave the machine.

    with ClaudeStub(says({"sql": "SELECT 1"}), refuses(529, "overloaded_error")) as stub:
        client = AsyncAnthropic(api_key="stub", base_url=stub.url)

Turns are answered in the order of the script, as JSON or as server-sent events, whichever is asked for; after the
last one the stub says "done". A turn may also be a function of the request. Everything it was asked is in `requests`.

`by` holds scripts of their own for conversations whose system prompt or first message has some words in it, so that
several agents can talk at once. `by_turn` is a script that goes by how far the conversation is: whoever asks again
after a crash is told the same.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any, Self, TypeAlias, cast

from tests.support.claude_cache import PromptCache

Block: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Refusal:
    """An answer that is an error; `after` holds it back for so many seconds."""

    status: int
    kind: str
    after: float = 0.0
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Said:
    """A turn that is out of the ordinary.

    Attributes:
        after: Seconds it is held back.
        stop_reason: In place of the one that follows from the blocks.
        explanation: Of a refusal.
        usage: Counts in place of those that follow from the request.
        cut_after: After so many events of a stream the connection breaks.
        ends_after: After so many events the stream ends as if it were whole; -1 leaves out the last.
        fails_after: After so many events the stream says that the API is overloaded.
    """

    blocks: Sequence[Block]
    after: float = 0.0
    stop_reason: str | None = None
    explanation: str | None = None
    usage: Mapping[str, Any] = field(default_factory=dict[str, Any])
    cut_after: int | None = None
    ends_after: int | None = None
    fails_after: int | None = None


FixedTurn: TypeAlias = "Sequence[Block] | Refusal | Said"
Turn: TypeAlias = "FixedTurn | Callable[[dict[str, Any]], FixedTurn]"


def says(text: str | Mapping[str, Any]) -> list[Block]:
    """Return a turn of text; a mapping is said as JSON, which is what structured output looks like."""
    return [{"type": "text", "text": text if isinstance(text, str) else json.dumps(text)}]


def calls(name: str, arguments: Mapping[str, Any], use_id: str | None = None) -> list[Block]:
    """Return a turn that calls a tool; without an id of its own it gets one."""
    own_id = {"id": use_id} if use_id else {}
    return [{"type": "tool_use", **own_id, "name": name, "input": dict(arguments)}]


def calls_badly(name: str, text: str) -> list[Block]:
    """Return a turn that calls a tool with arguments that are not what they should be."""
    return [{"type": "tool_use", "name": name, "input": {}, "raw": text}]


def thinks(thought: str, signature: str = "signed") -> list[Block]:
    """Return a thought, to go before other blocks."""
    return [{"type": "thinking", "thinking": thought, "signature": signature}]


def by_turn(*turns: Turn) -> Callable[[dict[str, Any]], FixedTurn]:
    """Return a script that goes by how many replies the conversation has; the last turn is said again and again."""

    def turn(body: dict[str, Any]) -> FixedTurn:
        replies = sum(message["role"] == "assistant" for message in body["messages"])
        chosen = turns[min(replies, len(turns) - 1)]
        return chosen(body) if callable(chosen) else chosen

    return turn


def refuses(status: int, kind: str, *, after: float = 0.0, **headers: str) -> Refusal:
    """Return a turn that fails."""
    return Refusal(status, kind, after, headers)


class ClaudeStub:
    """The stub; a context manager that serves while it is open.

    Args:
        script: The turns, in order.
        only_with_tools: Requests that offer no tools (a client's own side questions) are answered "ok" and take no
            turn of the script.
        by: Scripts by words in the system prompt or the first message: turns in order, or one function for all.

    Attributes:
        requests: The bodies of all requests for messages, in order.
        most_at_once: How many were being answered at the same time, at most.
    """

    def __init__(
        self,
        *script: Turn,
        only_with_tools: bool = False,
        by: Mapping[str, Sequence[Turn] | Callable[[dict[str, Any]], FixedTurn]] | None = None,
    ) -> None:
        self._script: list[Turn] = list(script)
        self._by: dict[str, list[Turn] | Callable[[dict[str, Any]], FixedTurn]] = {
            words: own if callable(own) else list(own) for words, own in (by or {}).items()
        }
        self._cache = PromptCache()
        self._at_once = 0
        self.most_at_once = 0
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

    def enter(self, change: int) -> None:
        """Count who is being answered."""
        with self._lock:
            self._at_once += change
            self.most_at_once = max(self.most_at_once, self._at_once)

    def answer(self, body: dict[str, Any]) -> "tuple[dict[str, Any], Said] | Refusal":
        """Return the message for a request and how it is said, or the error."""
        with self._lock:
            self.requests.append(body)
            turn = self._turn(body)
        said = turn(body) if callable(turn) else turn
        if isinstance(said, Refusal):
            return said
        if not isinstance(said, Said):
            said = Said(said)
        content = [{"id": f"toolu_{next(self._ids):020}", **block} if block["type"] == "tool_use" else dict(block)
                   for block in said.blocks]  # fmt: skip
        called = any(block["type"] == "tool_use" for block in content)
        with self._lock:
            usage = {**_usage(body, content, self._cache), **said.usage}
        message = {
            "id": f"msg_{next(self._ids):020}",
            "type": "message",
            "role": "assistant",
            "model": body.get("model", "stub"),
            "content": content,
            "stop_reason": said.stop_reason or ("tool_use" if called else "end_turn"),
            "stop_sequence": None,
            "usage": usage,
        }
        if said.explanation is not None:
            message["stop_details"] = {"type": "refusal", "category": None, "explanation": said.explanation}
        return message, said

    def _turn(self, body: dict[str, Any]) -> Turn:
        if self._only_with_tools and not body.get("tools"):
            return says("ok")
        beginning = json.dumps([body.get("system"), *(body.get("messages") or [])[:1]], ensure_ascii=False)
        own = next((script for words, script in self._by.items() if words in beginning), self._script)
        if callable(own):
            return own
        return own.pop(0) if own else says("done")


def _usage(body: dict[str, Any], content: list[Block], cache: PromptCache) -> dict[str, Any]:
    plain, read, written = tokens([body.get("system"), body.get("tools"), body.get("messages")]), 0, 0
    if '"cache_control"' in json.dumps(body):
        counted = cache.count(body)
        plain, read, written = counted.plain, counted.read, counted.written
    thoughts = [block for block in content if block["type"] == "thinking"]
    return {
        "input_tokens": plain,
        "output_tokens": tokens(content),
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": read,
        "cache_creation": {"ephemeral_5m_input_tokens": written, "ephemeral_1h_input_tokens": 0},
        "service_tier": "standard",
        **({"output_tokens_details": {"thinking_tokens": tokens(thoughts)}} if thoughts else {}),
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
        started, deltas = _pieces(block)
        yield {"type": "content_block_start", "index": index, "content_block": started}
        for delta in deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    delta = {name: message[name] for name in ("stop_reason", "stop_sequence", "stop_details") if name in message}
    counts = {name: message["usage"][name] for name in ("output_tokens", "output_tokens_details")
              if name in message["usage"]}  # fmt: skip
    yield {"type": "message_delta", "delta": delta, "usage": counts}
    yield {"type": "message_stop"}


def _pieces(block: Block) -> tuple[Block, list[dict[str, Any]]]:
    """Return how a block begins and what is added to it."""
    match block["type"]:
        case "text":
            return {**block, "text": ""}, _cut_up(block["text"], "text_delta", "text")
        case "thinking":
            added = _cut_up(block["thinking"], "thinking_delta", "thinking")
            return {**block, "thinking": "", "signature": ""}, [
                *added,
                {"type": "signature_delta", "signature": block["signature"]},
            ]
        case _:
            whole = block.get("raw", json.dumps(block["input"]))
            started: Block = {name: value for name, value in block.items() if name != "raw"} | {"input": {}}
            return started, _cut_up(whole, "input_json_delta", "partial_json")


def _cut_up(whole: str, kind: str, name: str) -> list[dict[str, Any]]:
    return [{"type": kind, name: whole[start : start + 16]} for start in range(0, len(whole), 16)]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

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
        self._stub.enter(1)
        try:
            answer = self._stub.answer(body)
            if isinstance(answer, Refusal):
                self._stub.pause(answer.after)
                self._fail(answer)
                return
            message, said = answer
            self._stub.pause(said.after)
            if body.get("stream"):
                self._stream(message, said)
            else:
                self._send(message)
        finally:
            self._stub.enter(-1)

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

    def _stream(self, message: dict[str, Any], said: Said) -> None:
        with suppress(ConnectionError):
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            whole = list(events(message))
            for place, event in enumerate(whole):
                if place == said.cut_after:
                    self.close_connection = True
                    return
                if said.ends_after in {place, place - len(whole)}:
                    break
                if place == said.fails_after:
                    self._event({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})
                    break
                self._event(event)
            self.wfile.write(b"0\r\n\r\n")

    def _event(self, event: dict[str, Any]) -> None:
        text = f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(text), text))
        self.wfile.flush()
