"""Supabase Storage on loopback: the three requests originals need, with the wire format of the real service.

    with storage_stub(key="service") as storage:
        storage.objects["originals/<path>"]     # the bytes that were uploaded

The real service answers most refusals with HTTP 400 and says the status in the body.
"""

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_PREFIX = "/storage/v1/object/"
Refusal = tuple[str, str, str]


@dataclass
class Storage:
    """What the stub holds and how it behaves.

    Attributes:
        objects: By bucket and path.
        media_types: Of the objects.
        refusal: When set, every upload is answered with it: status, error and message.
    """

    address: str = ""
    key: str = "service"
    buckets: set[str] = field(default_factory=lambda: {"originals"})
    objects: dict[str, bytes] = field(default_factory=dict[str, bytes])
    media_types: dict[str, str] = field(default_factory=dict[str, str])
    uploads: list[str] = field(default_factory=list[str])
    refusal: Refusal | None = None


@contextmanager
def storage_stub(key: str = "service") -> Generator[Storage]:
    """Run the stub."""
    storage = Storage(key=key)

    class Handler(_Handler):
        held = storage

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    storage.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield storage
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    held: Storage
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        del format, args

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        place = self._place()
        if place is None:
            return
        self.held.uploads.append(place)
        if self.held.refusal is not None:
            self._refuse(*self.held.refusal)
        elif place in self.held.objects and self.headers.get("x-upsert") != "true":
            self._refuse("409", "Duplicate", "The resource already exists")
        else:
            self.held.objects[place], self.held.media_types[place] = self._file(body)
            self._answer(200, json.dumps({"Key": place, "Id": "9a1c0c1e-0000-4000-8000-000000000001"}).encode())

    def do_GET(self) -> None:
        place = self._place()
        if place is None:
            return
        if place not in self.held.objects:
            self._refuse("404", "not_found", "Object not found")
        else:
            self._answer(200, self.held.objects[place], self.held.media_types[place])

    def _place(self) -> str | None:
        """Return bucket and path, or refuse the request."""
        if (
            self.headers.get("authorization") != f"Bearer {self.held.key}"
            or self.headers.get("apikey") != self.held.key
        ):
            self._refuse("403", "Unauthorized", "Invalid Compact JWS")
            return None
        place = self.path.removeprefix(_PREFIX)
        if not self.path.startswith(_PREFIX) or place.split("/", 1)[0] not in self.held.buckets:
            self._refuse("404", "Bucket not found", "Bucket not found")
            return None
        return place

    def _file(self, body: bytes) -> tuple[bytes, str]:
        header = f"Content-Type: {self.headers['content-type']}\r\n\r\n".encode()
        whole: Message = BytesParser(policy=HTTP).parsebytes(header + body)
        parts = {part.get_param("name", header="content-disposition"): part for part in whole.walk()}
        assert parts["cacheControl"].get_payload(decode=True) == b"3600"
        content = parts["file"].get_payload(decode=True)
        assert isinstance(content, bytes)
        return content, parts["file"].get_content_type()

    def _refuse(self, status: str, error: str, message: str) -> None:
        said = {"statusCode": status, "error": error, "message": message}
        self._answer(400, json.dumps(said).encode())

    def _answer(self, status: int, body: bytes, media_type: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("content-type", media_type)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
