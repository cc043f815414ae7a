"""Paths, addresses and base64: nothing outside what the operator allowed is read, and nothing is told of it."""

import base64
import contextlib
import ipaddress
import os
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import anyio
import pytest

from qms_mcp.errors import InvalidInputError, LimitExceededError, NotFoundError, QmsError, UnavailableError
from qms_mcp.services.documents import fetching
from qms_mcp.services.documents.addresses import is_public
from qms_mcp.services.documents.fetching import decode_base64, fetch_url, list_folder, read_path
from qms_mcp.settings import Settings

pytestmark = pytest.mark.anyio


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "allowed"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.txt").write_text("inside")
    (folder / "sub" / "b.txt").write_text("below")
    (tmp_path / "secret.txt").write_text("outside")
    (tmp_path / "allowed-not").mkdir()
    (tmp_path / "allowed-not" / "c.txt").write_text("outside")
    return folder


@pytest.mark.parametrize("path", ["a.txt", "./sub/../a.txt", "{root}/a.txt"])
def test_a_file_in_an_allowed_folder_is_read(root: Path, path: str) -> None:
    fetched = read_path(path.format(root=root), [root])
    assert (fetched.content, fetched.file_name) == (b"inside", "a.txt")


@pytest.mark.parametrize(
    "path",
    [
        "../secret.txt", "{root}/../secret.txt", "/etc/passwd", "sub/../../secret.txt", "{root}-not/c.txt",
        "../missing.txt", "/nowhere/at/all", "missing.txt", "", "a.txt\0.pdf", "link-out", "link-folder/secret.txt",
        "/proc/self/environ",
    ],
)  # fmt: skip
def test_what_lies_outside_is_not_told_apart_from_what_is_not(root: Path, path: str) -> None:
    (root / "link-out").symlink_to(root.parent / "secret.txt")
    (root / "link-folder").symlink_to(root.parent)
    with pytest.raises(NotFoundError) as refused:
        read_path(path.format(root=root), [root])
    with pytest.raises(NotFoundError) as missing:
        read_path("surely-missing", [root])
    assert refused.value.prose() == missing.value.prose()


def test_a_link_inside_the_folder_is_followed_to_a_file_inside(root: Path) -> None:
    (root / "link").symlink_to(root / "sub" / "b.txt")
    assert read_path("link", [root]).content == b"below"


def test_a_link_that_is_swapped_in_between_check_and_opening_leads_nowhere(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = os.open

    def swap(path: str, flags: int) -> int:
        (root / "sub").rename(root / "gone")
        (root / "sub").symlink_to(root.parent)
        (root.parent / "b.txt").write_text("outside")
        return opened(path, flags)

    monkeypatch.setattr(fetching.os, "open", swap)
    with pytest.raises(NotFoundError):
        read_path("sub/b.txt", [root])


def test_folders_pipes_and_large_files_are_refused(root: Path) -> None:
    os.mkfifo(root / "pipe")
    for path in ("sub", "pipe"):
        with pytest.raises(InvalidInputError, match="not an ordinary file"):
            read_path(path, [root])
    with pytest.raises(LimitExceededError):
        read_path("a.txt", [root], limit=5)
    assert read_path("a.txt", [root], limit=6).content == b"inside"


def test_without_allowed_folders_no_file_is_read(root: Path) -> None:
    with pytest.raises(InvalidInputError) as refused:
        read_path(root / "a.txt", [])
    assert "QMS_INGEST_ROOTS" in refused.value.hint


def test_a_folder_is_listed_sorted_without_hidden_files_and_links_that_lead_out(root: Path) -> None:
    (root / ".hidden").write_text("x")
    (root / ".git").mkdir()
    (root / ".git" / "config").write_text("x")
    (root / "~$open.docx").write_text("x")
    (root / "out.txt").symlink_to(root.parent / "secret.txt")
    (root / "loop").symlink_to(root)
    assert [str(file.relative_to(root)) for file in list_folder(root, [root])] == ["a.txt", "sub/b.txt"]
    with pytest.raises(LimitExceededError):
        list_folder(root, [root], most=1)
    for path in ("..", "a.txt", "/etc"):
        with pytest.raises(NotFoundError):
            list_folder(path, [root])


def test_the_operator_names_folders_and_hosts(tmp_path: Path) -> None:
    variables = {"QMS_INGEST_ROOTS": f"{tmp_path}{os.pathsep}~/inbox", "QMS_INGEST_HOSTS": "Docs.example.com, [::1]:80"}
    settings = Settings.from_environment(variables)
    assert settings.qms_ingest_roots == (tmp_path, Path.home() / "inbox")
    assert settings.qms_ingest_hosts == ("docs.example.com", "[::1]:80")
    for name, value in (("QMS_INGEST_ROOTS", "relative/folder"), ("QMS_INGEST_HOSTS", "https://docs.example.com/x")):
        with pytest.raises(InvalidInputError, match=name):
            Settings.from_environment({name: value})


def test_base64_is_decoded_with_white_space_and_prefix_and_nothing_else() -> None:
    text = base64.b64encode(b"some bytes").decode()
    assert decode_base64(text[:4] + "\n " + text[4:]) == b"some bytes"
    assert decode_base64(f"data:text/plain;base64,{text}") == b"some bytes"
    with pytest.raises(InvalidInputError):
        decode_base64("not base64!")
    with pytest.raises(LimitExceededError):
        decode_base64(base64.b64encode(bytes(1_000)).decode(), limit=100)


@dataclass
class Site:
    """A server on the loopback address, and what it was asked."""

    port: int
    asked: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    @property
    def host(self) -> str:
        return f"localhost:{self.port}"


class Answers(BaseHTTPRequestHandler):
    """What the server answers, by path."""

    site: Site

    def do_GET(self) -> None:
        self.site.asked.append((self.path, self.headers["Host"]))
        path, _, target = self.path.partition("?to=")
        redirects = {"/redirect": target, "/round": "/round"}
        headers = {
            "/named": ("Content-Disposition", 'attachment; filename="../../etc/sop 14.pdf"'),
            "/packed": ("Content-Encoding", "gzip"),
        }
        self.send_response(302 if path in redirects else int(path[1:]) if path[1:].isdecimal() else 200)
        if path in redirects:
            self.send_header("Location", redirects[path])
        if path in headers:
            self.send_header(*headers[path])
        self.end_headers()
        with contextlib.suppress(OSError):  # who asked has heard enough
            for _ in range(1_000 if path == "/large" else 0):
                self.wfile.write(bytes(100_000))
            self.wfile.write(b"the document")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - named so in the base
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[Site]:
    listening = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    site = Answers.site = Site(listening.server_address[1])
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    yield site
    listening.shutdown()
    listening.server_close()
    thread.join()


def names(*addresses: str) -> Callable[[str, int], Awaitable[Sequence[str]]]:
    """Return a resolver that gives these addresses for every name."""

    async def resolve(host: str, port: int) -> Sequence[str]:
        await anyio.lowlevel.checkpoint()
        return addresses

    return resolve


LOOPBACK = names("127.0.0.1")


async def test_a_document_is_fetched_from_a_listed_host_under_its_name(server: Site) -> None:
    fetched = await fetch_url(f"http://{server.host}/a/sop%2014.md?x=1", [server.host], 1_000, resolve=LOOPBACK)
    assert (fetched.content, fetched.file_name) == (b"the document", "sop 14.md")
    assert server.asked[-1] == ("/a/sop%2014.md?x=1", server.host)
    assert (
        await fetch_url(f"http://{server.host}/named", [server.host], 1_000, resolve=LOOPBACK)
    ).file_name == "sop 14.pdf"
    literal = f"127.0.0.1:{server.port}"
    assert (await fetch_url(f"http://{literal}/x", [literal], 1_000)).content == b"the document"


@pytest.mark.parametrize(
    "url",
    [
        "http://other.example/x", "http://localhost:1/x", "http://127.0.0.1:{port}/x", "http://2130706433:{port}/x",
        "http://0x7f.1:{port}/x", "http://[::1]:{port}/x", "http://[::ffff:127.0.0.1]:{port}/x", "http://0.0.0.0:{port}/x",
        "http://169.254.169.254/latest/meta-data/", "file:///etc/passwd", "ftp://{host}/x", "gopher://{host}/x",
        "http://user:password@{host}/x", "http://{host}@169.254.169.254/x", "http://{host}.evil.example/x", "http:///x",
        "not an address", "", "http://docs.example:8080/x",
    ],
)  # fmt: skip
async def test_an_address_that_is_not_listed_is_not_even_resolved(server: Site, url: str) -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        raise AssertionError(f"{host} was resolved for {port}")

    hosts = [server.host, "docs.example"]
    with pytest.raises(InvalidInputError):
        await fetch_url(url.format(port=server.port, host=server.host), hosts, 1_000, resolve=resolve)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "169.254.169.254", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "0.0.0.0",  # noqa: S104
        "::1", "::", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::",
        "fe80::1%eth0", "fd00::1", "224.0.0.1", "255.255.255.255", "ff02::1", "240.0.0.1", "no address",
    ],
)  # fmt: skip
async def test_a_listed_name_that_leads_inside_is_refused_also_beside_a_public_address(address: str) -> None:
    for answer in (names(address), names("93.184.215.14", address)):
        with pytest.raises(InvalidInputError, match="private network"):
            await fetch_url("https://docs.example.com/x", ["docs.example.com"], 1_000, resolve=answer)


def test_public_addresses_are_public() -> None:
    for address in (
        "93.184.215.14",
        "2606:2800:21f:cb07:6820:80da:af6b:8b2c",
        "::ffff:93.184.215.14",
        "64:ff9b::5db8:d70e",
    ):
        assert is_public(ipaddress.ip_address(address)), address


async def test_localhost_is_allowed_with_its_port_only_and_only_where_it_is_the_loopback(server: Site) -> None:
    with pytest.raises(InvalidInputError):
        await fetch_url(f"http://{server.host}/x", ["localhost"], 1_000, resolve=LOOPBACK)
    with pytest.raises(InvalidInputError, match="private network"):
        await fetch_url(f"http://{server.host}/x", [server.host], 1_000, resolve=names("169.254.169.254"))


async def test_a_name_that_changes_between_check_and_connection_changes_nothing(server: Site) -> None:
    answers = [["127.0.0.1"], ["169.254.169.254"]]

    async def resolve(host: str, port: int) -> Sequence[str]:
        await anyio.lowlevel.checkpoint()
        return answers.pop(0)

    assert (
        await fetch_url(f"http://{server.host}/x", [server.host], 1_000, resolve=resolve)
    ).content == b"the document"
    assert answers == [["169.254.169.254"]], "it is resolved once"


async def test_each_redirect_is_checked_again_and_there_are_three_at_most(server: Site) -> None:
    before = len(server.asked)
    fetched = await fetch_url(f"http://{server.host}/redirect?to=/end.md", [server.host], 1_000, resolve=LOOPBACK)
    assert (fetched.file_name, fetched.origin) == ("end.md", f"http://{server.host}/end.md")
    for target in (
        "http://169.254.169.254/",
        "http://other.example/",
        "file:///etc/passwd",
        f"http://a:b@{server.host}/",
    ):
        with pytest.raises(InvalidInputError):
            await fetch_url(f"http://{server.host}/redirect?to={target}", [server.host], 1_000, resolve=LOOPBACK)
    before = len(server.asked)
    with pytest.raises(InvalidInputError, match="more than 3"):
        await fetch_url(f"http://{server.host}/round", [server.host], 1_000, resolve=LOOPBACK)
    assert len(server.asked) - before == 4


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/404", NotFoundError), ("/401", NotFoundError), ("/500", UnavailableError), ("/large", LimitExceededError),
        ("/packed", InvalidInputError),
    ],
)  # fmt: skip
async def test_answers_without_a_document_say_why(server: Site, path: str, error: type[QmsError]) -> None:
    with pytest.raises(error) as refused:
        await fetch_url(f"http://{server.host}{path}", [server.host], 150_000, resolve=LOOPBACK)
    assert refused.value.hint


async def test_a_proxy_of_the_environment_is_not_used(server: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert (
        await fetch_url(f"http://{server.host}/x", [server.host], 1_000, resolve=LOOPBACK)
    ).content == b"the document"


async def test_a_host_that_is_down_or_unknown_is_told_without_details() -> None:
    for resolve in (LOOPBACK, names()):
        with pytest.raises(UnavailableError):
            await fetch_url("http://localhost:1/x", ["localhost:1"], 1_000, resolve=resolve)
