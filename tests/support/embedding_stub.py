"""A stand-in for providers of vectors on a free port of the loopback: Voyage AI and OpenAI, as they are on the wire.

    with EmbeddingStub(dims=8) as stub:
        settings = Settings(openai_api_key="sk-stub")
        model = EmbeddingModel(..., provider="openai", base_url=stub.url)

The vector of a text depends on its words, so texts with words in common are near each other. The next answers can be
replaced by refusals; everything that was asked is in `requests`.
"""

import base64
import json
import struct
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

KEY = "sk-stub-3f9a1c"


@dataclass(frozen=True)
class Refusal:
    """An answer that is no vectors; `raw` is sent as it is."""

    status: int
    message: str = ""
    code: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    raw: bytes | None = None


@dataclass(frozen=True)
class Request:
    path: str
    key: str | None
    body: dict[str, Any]


def vector_of(text: str, dims: int) -> list[float]:
    """Return the vector the stub gives a text: a little of each of its words."""
    vector = [1e-3] * dims
    for word in text.lower().split():
        digest = blake2b(word.encode(), digest_size=8).digest()
        vector[int.from_bytes(digest[:4], "big") % dims] += 1.0
        vector[int.from_bytes(digest[4:], "big") % dims] -= 0.5
    return vector


class EmbeddingStub:
    """The stub; a context manager that serves while it is open.

    Args:
        dims: Of the vectors, where the request does not say.
        model: The model it says it is; the default is the one that was asked.
        poison: A text that contains this is refused, with the whole request it came in.
        failing: Texts that contain this make the whole request fail with 500.
        every: Is called with each request, before it is answered.
    """

    def __init__(
        self,
        *,
        dims: int = 8,
        model: str | None = None,
        poison: str | None = None,
        failing: str | None = None,
        every: Callable[[Request], None] | None = None,
    ) -> None:
        self.dims, self.model, self.poison, self.failing, self.every = dims, model, poison, failing, every
        self.requests: list[Request] = []
        self.refusals: deque[Refusal] = deque()
        self.always: Refusal | None = None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._responder())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    @property
    def texts(self) -> list[str]:
        return [text for request in self.requests for text in request.body["input"]]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, request: Request) -> Refusal | dict[str, Any]:
        self.requests.append(request)
        if self.every is not None:
            self.every(request)
        if self.refusals:
            return self.refusals.popleft()
        if self.always is not None:
            return self.always
        if request.key != KEY:
            return Refusal(401, f"Incorrect API key provided: {request.key}.", "invalid_api_key")
        texts: list[str] = request.body["input"]
        if self.poison and any(self.poison in text for text in texts):
            return Refusal(400, "input is invalid")
        if self.failing and any(self.failing in text for text in texts):
            return Refusal(500, "internal")
        return self._vectors(request.body, texts)

    def _vectors(self, body: dict[str, Any], texts: list[str]) -> dict[str, Any]:
        dims = body.get("output_dimension") or body.get("dimensions") or self.dims
        packed = body.get("encoding_format") == "base64"
        rows = [
            {"object": "embedding", "index": index, "embedding": _written(vector_of(text, dims), packed=packed)}
            for index, text in enumerate(texts)
        ]
        tokens = sum(len(text.split()) for text in texts)
        # Nothing promises the order.
        usage = {"total_tokens": tokens} if "input_type" in body else {"prompt_tokens": tokens, "total_tokens": tokens}
        return {"object": "list", "data": rows[::-1], "model": self.model or body["model"], "usage": usage}

    def _responder(self) -> type[BaseHTTPRequestHandler]:
        stub = self

        class Responder(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                bearer = self.headers.get("authorization")
                key = bearer.removeprefix("Bearer ") if bearer else None
                answered = stub.answer(Request(self.path, key, body))
                if isinstance(answered, Refusal):
                    error = {"error": {"message": answered.message, "code": answered.code}}
                    raw = json.dumps(error).encode() if answered.raw is None else answered.raw
                    self._send(answered.status, raw, answered.headers)
                else:
                    self._send(200, json.dumps(answered).encode(), {})

            def _send(self, status: int, content: bytes, headers: Mapping[str, str]) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name in the base class
                """Say nothing."""

        return Responder


def _written(vector: list[float], *, packed: bool) -> Any:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode() if packed else vector
