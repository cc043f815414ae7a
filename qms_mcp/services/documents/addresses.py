"""Documents from web addresses on an allow-list, without a way into the network the server stands in.

An entry of the list is a host (`docs.example.com`, its ports 80 and 443) or a host with a port. An address behind a
listed name has to be a public one; only an entry that is that very address (`192.0.2.7:8080`), or `localhost` with a
port, allows others. The connection goes to the address that was checked, under the name that was asked for.
"""

import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from email.message import Message
from typing import TYPE_CHECKING
from urllib.parse import unquote

import anyio

from qms_mcp.errors import InvalidInputError, LimitExceededError, NotFoundError, UnavailableError

if TYPE_CHECKING:
    from httpx2 import URL, AsyncClient, Response

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_MOST_REDIRECTS = 3
_SECONDS = 120
_CONNECT_SECONDS, _READ_SECONDS = 10, 30
_PORTS = {"http": 80, "https": 443}
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
_LONGEST_URL = 2_000


@dataclass(frozen=True, slots=True)
class Fetched:
    """A document as bytes; `origin` is the resolved path or the address it came from."""

    content: bytes
    file_name: str
    origin: str


async def resolved(host: str, port: int) -> list[str]:
    """Return the addresses of a host, as the system resolves it."""
    try:
        found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        return []
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


async def fetch_url(url: str, hosts: Sequence[str], limit: int, *, resolve: Resolver = resolved) -> Fetched:
    """Fetch a document.

    Args:
        url: An http or https address without user or password.
        hosts: The allow-list.
        limit: Bytes at most.
        resolve: How a name becomes addresses.

    Raises:
        InvalidInputError: The address is not allowed.
        NotFoundError: The server has no such document, or does not show it without a login.
        LimitExceededError: It is larger than the limit.
        UnavailableError: The host can't be reached or fails.
    """
    import httpx2  # noqa: PLC0415 - heavy

    try:
        with anyio.fail_after(_SECONDS):
            return await _fetched(_parsed(url), frozenset(hosts), limit, resolve)
    except TimeoutError:
        raise _unreachable("it took too long") from None
    except httpx2.HTTPError as failed:
        raise _unreachable(type(failed).__name__) from None


async def _fetched(url: "URL", hosts: frozenset[str], limit: int, resolve: Resolver) -> Fetched:
    import httpx2  # noqa: PLC0415 - imported by now

    timeout = httpx2.Timeout(_READ_SECONDS, connect=_CONNECT_SECONDS)
    async with httpx2.AsyncClient(trust_env=False, follow_redirects=False, timeout=timeout) as client:
        for _ in range(_MOST_REDIRECTS + 1):
            address = await _checked(url, hosts, resolve)
            answer = await _asked(client, url, address)
            try:
                if not answer.has_redirect_location:
                    return await _taken(answer, url, limit)
                following = url.join(answer.headers["location"])
            finally:
                await answer.aclose()
            if url.scheme == "https" and following.scheme != "https":
                raise _refused("it redirects from https to http")
            url = _parsed(str(following))
    raise _refused(f"it redirects more than {_MOST_REDIRECTS} times")


def _parsed(url: str) -> "URL":
    import httpx2  # noqa: PLC0415 - imported by now

    try:
        parsed = httpx2.URL(url)
    except (httpx2.InvalidURL, ValueError, TypeError):
        raise _refused("it is no address") from None
    if parsed.scheme not in _PORTS or not parsed.host or len(url) > _LONGEST_URL:
        raise _refused("only http:// and https:// addresses are fetched")
    if parsed.userinfo:
        raise _refused("it holds a user or password")
    return parsed


async def _checked(url: "URL", hosts: frozenset[str], resolve: Resolver) -> str:
    """Return the address to connect to."""
    host = url.host.lower().rstrip(".")
    port = url.port or _PORTS[url.scheme]
    shown = f"[{host}]" if ":" in host else host
    listed = f"{shown}:{port}" in hosts or (shown in hosts and port in _PORTS.values())
    if not listed:
        raise _refused("its host is not on the allow-list")
    literal = _address(host)
    found = [host] if literal else list(await resolve(host, port))
    addresses = [_address(one) for one in found]
    if not addresses:
        raise _unreachable("its name is not known")
    if literal is not None:
        return host  # the operator named this very address
    local = host == "localhost" and f"localhost:{port}" in hosts
    for address in addresses:
        if address is None or not (is_public(address) or (local and address.is_loopback)):
            raise _refused("its host leads into a private network")
    return str(addresses[0])


def _address(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host.split("%", 1)[0])
    except ValueError:
        return None


def is_public(address: Address) -> bool:
    """Whether an address, and any that is wrapped in it, is a public one."""
    if isinstance(address, ipaddress.IPv6Address):
        inner: list[Address] = [a for a in (address.ipv4_mapped, address.sixtofour) if a is not None]
        inner += list(address.teredo or ())
        if address in _TRANSLATED or int(address) >> 32 == 0:
            inner.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        if inner:
            return all(is_public(one) for one in inner)
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


async def _asked(client: "AsyncClient", url: "URL", address: str) -> "Response":
    request = client.build_request(
        "GET",
        url.copy_with(host=address),
        headers={"Host": url.netloc.decode("ascii"), "Accept-Encoding": "identity", "User-Agent": "qms-mcp"},
        extensions={"sni_hostname": url.raw_host.decode("ascii")},
    )
    return await client.send(request, stream=True)


async def _taken(answer: "Response", url: "URL", limit: int) -> Fetched:
    if answer.status_code >= 500:  # noqa: PLR2004 - faults of the server
        raise _unreachable(f"it answered {answer.status_code}")
    if answer.status_code != 200:  # noqa: PLR2004 - the only one with a document
        raise NotFoundError(
            f"The address answered {answer.status_code}: no document without a login or at all.",
            hint="Check the address, or download the file and send its content.",
        )
    if answer.headers.get("content-encoding", "identity").lower() != "identity":
        raise _refused("its host packs what it sends, though asked not to")
    pieces: list[bytes] = []
    size = 0
    async for piece in answer.aiter_raw():
        size += len(piece)
        if size > limit:
            raise LimitExceededError(
                f"The document is larger than {limit / 1024**2:,.0f} MB.",
                hint="Split it, or raise QMS_INGEST_MAX_MEGABYTES.",
            )
        pieces.append(piece)
    return Fetched(b"".join(pieces), _name_of(answer, url), str(url))


def _name_of(answer: "Response", url: "URL") -> str:
    header = Message()
    header["content-disposition"] = answer.headers.get("content-disposition", "")
    try:
        named = header.get_filename() or ""
    except (ValueError, LookupError):
        named = ""
    last = (named or unquote(url.path)).replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    return re.sub(r"[\x00-\x1f\x7f]", "", last)[:200] or url.host


def _refused(why: str) -> InvalidInputError:
    return InvalidInputError(
        f"The address is not fetched: {why}.",
        hint="The operator lists hosts in QMS_INGEST_HOSTS; or download the file and send its content.",
    )


def _unreachable(why: str) -> UnavailableError:
    return UnavailableError(f"The document could not be fetched: {why}.", hint="Try again later, or send its content.")
