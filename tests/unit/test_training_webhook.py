"""What an outside pipeline is told: signed, three times at most, at the one address that is set."""

import hashlib
import hmac
import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from qms_mcp.services.learning.training.webhook import Webhook
from qms_mcp.settings import Settings

pytestmark = pytest.mark.anyio


@dataclass
class Pipeline:
    """An address that answers as it is told."""

    url: str
    answers: list[int]
    heard: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list[tuple[str, dict[str, str], bytes]])


@contextmanager
def pipeline(*answers: int) -> Generator[Pipeline]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            one.heard.append((self.path, dict(self.headers), body))
            status = one.answers.pop(0)
            self.send_response(status)
            if status == 302:
                self.send_header("Location", f"{one.url}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            del code, size

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        one = Pipeline(f"http://127.0.0.1:{server.server_port}", list(answers))
        thread = Thread(target=server.serve_forever, args=[0.01], daemon=True)
        thread.start()
        yield one
        server.shutdown()
        thread.join()


async def test_what_is_told_is_signed_and_has_an_id_that_stays() -> None:
    with pipeline(204, 204) as one:
        webhook = Webhook(f"{one.url}/hook?of=qms", "s3cret")
        for _ in range(2):
            told = await webhook.tell("version.proposed", {"agent": "qa", "version": "qa@0123456789ab"})
            assert (told.ok, told.words) == (True, "204")
    (path, headers, body), (_, _, again) = one.heard
    assert path == "/hook?of=qms"
    said = json.loads(body)
    assert (said["event"], said["agent"], said["version"]) == ("version.proposed", "qa", "qa@0123456789ab")
    assert json.loads(again)["id"] == said["id"]
    wanted = hmac.new(b"s3cret", headers["X-QMS-Timestamp"].encode() + b"." + body, hashlib.sha256).hexdigest()
    assert headers["X-QMS-Signature"] == f"sha256={wanted}"


async def test_it_is_tried_again_when_that_can_help() -> None:
    with pipeline(503, 500, 200) as one:
        told = await Webhook(one.url, first_wait=0).tell("retrain.requested", {"agent": "qa"})
    assert told.ok
    assert len(one.heard) == 3
    assert "X-QMS-Signature" not in one.heard[0][1]


async def test_a_refusal_is_final_and_three_failures_are_enough() -> None:
    with pipeline(403) as one:
        assert (await Webhook(one.url, first_wait=0).tell("retrain.requested", {})).words == "403"
    with pipeline(500, 500, 500, 200) as two:
        assert not (await Webhook(two.url, first_wait=0).tell("retrain.requested", {})).ok
    assert (len(one.heard), len(two.heard)) == (1, 3)


async def test_a_redirect_is_not_followed() -> None:
    with pipeline(302, 302, 302) as one:
        assert not (await Webhook(one.url, first_wait=0).tell("retrain.requested", {})).ok
    assert {path for path, _, _ in one.heard} == {"/"}


async def test_nobody_at_the_address_is_no_error_and_tells_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    with pipeline() as one:
        pass
    told = await Webhook(f"{one.url}/token-in-path", "s3cret", first_wait=0).tell("retrain.requested", {})
    assert not told.ok
    assert "token-in-path" not in caplog.text + told.words
    assert "s3cret" not in caplog.text


def test_without_an_address_nobody_is_told() -> None:
    assert Webhook.from_settings(Settings.from_environment({})) is None
    made = Webhook.from_settings(
        Settings.from_environment({"ML_RETRAIN_WEBHOOK": "https://example.org/x", "ML_RETRAIN_WEBHOOK_SECRET": "s"})
    )
    assert made is not None
