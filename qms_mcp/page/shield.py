"""What every request passes before the page sees it, and every answer before the browser does.

Only the page's own addresses are answered (a name an attacker points at 127.0.0.1 is not among them), bodies are
small, posts come from the page itself, and nothing of it may be framed, cached, sniffed or told to other sites.
"""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, Final, TypeAlias

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

MOST_BYTES: Final = 32_768
_HEADERS: Final = tuple(
    (name.encode(), value.encode())
    for name, value in {
        "content-security-policy": "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'",
        "x-frame-options": "DENY",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cache-control": "no-store",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": "camera=(), geolocation=(), microphone=()",
    }.items()
)


class Shield:
    """An ASGI application around the page.

    Args:
        app: The page.
        hosts: The values of `Host` that are answered, such as `127.0.0.1:8765`.
    """

    def __init__(self, app: App, hosts: Iterable[str]) -> None:
        self._app = app
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        guarded = _with_headers(send)
        refusal = self._refusal(scope["method"], headers)
        if refusal is not None:
            await _refuse(guarded, *refusal)
            return
        body = await _body(receive)
        if body is None:
            await _refuse(guarded, 413, "Too much was sent.")
            return
        await self._app(scope, _replay(body, receive), guarded)

    def _refusal(self, method: str, headers: dict[bytes, bytes]) -> tuple[int, str] | None:
        host = headers.get(b"host", b"").decode("latin-1").lower()
        if host not in self._hosts:
            return 421, "This is not an address of the approval page."
        if method not in {"GET", "POST"}:
            return 405, "The page reads and posts, nothing else."
        if method == "POST" and not _own_post(host, headers):
            return 403, "This did not come from the approval page."
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > MOST_BYTES:
            return 413, "Too much was sent."
        return None


def _own_post(host: str, headers: dict[bytes, bytes]) -> bool:
    """Say whether a post comes from the page itself, as far as the browser tells.

    A page that tells nobody where it is referred from has `null` as its origin; the form token decides then.
    """
    site = headers.get(b"sec-fetch-site", b"same-origin")
    origin = headers.get(b"origin", b"null").decode("latin-1").lower()
    kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    return (
        site == b"same-origin"
        and origin in {"null", f"http://{host}", f"https://{host}"}
        and kind == b"application/x-www-form-urlencoded"
    )


def _with_headers(send: Send) -> Send:
    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *_HEADERS]
        await send(message)

    return guarded


async def _body(receive: Receive) -> bytes | None:
    """Return the whole body, or None when there is more of it than a form of ours can have."""
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return body
        body += message.get("body", b"")
        if len(body) > MOST_BYTES:
            return None
        if not message.get("more_body", False):
            return body


def _replay(body: bytes, receive: Receive) -> Receive:
    held = [body]

    async def replayed() -> Message:
        if held:
            return {"type": "http.request", "body": held.pop(), "more_body": False}
        return await receive()

    return replayed


async def _refuse(send: Send, status: int, words: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": words.encode()})
