"""The Langfuse host: what is posted to it, and what its answers mean for what was sent."""

import gzip
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import Enum

import httpx2

from qms_mcp.settings import Settings

SPANS_PATH = "/api/public/otel/v1/traces"
SCORES_PATH = "/api/public/scores"
PROTOBUF, JSON = "application/x-protobuf", "application/json"
_TIMEOUT = httpx2.Timeout(10.0, connect=5.0)
_LONGEST_WAIT = 3600.0
_SUCCESS, _CLIENT_ERROR, _SERVER_ERROR = 200, 400, 500
# Answers about us or the moment, not about what was sent: keys, address, time-outs, too many requests.
_NOT_ABOUT_CONTENT = frozenset({401, 402, 403, 404, 405, 407, 408, 421, 425, 429})
# What is posted to other paths names things that have to be there, and some hosts do not have these paths.
_NOT_THERE = frozenset({404, 405})


class Verdict(Enum):
    """What became of a request."""

    TAKEN = "taken"
    LATER = "later"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the host said.

    Attributes:
        reason: In words, without a secret.
        retry_after: Seconds it asks us to wait.
    """

    verdict: Verdict
    reason: str = ""
    retry_after: float = 0.0


class Host:
    """Posts to Langfuse; never raises for what the network does."""

    def __init__(self, settings: Settings) -> None:
        public, secret = settings.langfuse_public_key, settings.langfuse_secret_key
        self._public = public.get_secret_value() if public else ""
        self._secret = secret.get_secret_value() if secret else ""
        self._address = str(settings.langfuse_host).rstrip("/")
        self._client: httpx2.AsyncClient | None = None

    async def post(self, path: str, content: bytes, content_type: str) -> Answer:
        """Post `content`, compressed."""
        headers = {
            "content-type": content_type,
            "content-encoding": "gzip",
            "x-langfuse-ingestion-version": "4",
            "x-langfuse-public-key": self._public,
        }
        try:
            response = await self._connected().post(
                self._address + path, content=gzip.compress(content, 6), headers=headers
            )
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            return Answer(Verdict.LATER, f"{type(error).__name__}: the host can't be reached")
        if response.status_code in _NOT_THERE and path not in {SPANS_PATH, SCORES_PATH}:
            return Answer(Verdict.REFUSED, f"the host answered {response.status_code}")
        return _answer(response)

    async def aclose(self) -> None:
        """Let go of the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    def _connected(self) -> httpx2.AsyncClient:
        if self._client is None:
            self._client = httpx2.AsyncClient(auth=(self._public, self._secret), timeout=_TIMEOUT)
        return self._client


def _answer(response: httpx2.Response) -> Answer:
    status = response.status_code
    if _SUCCESS <= status < _SUCCESS + 100:
        return Answer(Verdict.TAKEN)
    reason = f"the host answered {status}"
    if _CLIENT_ERROR <= status < _SERVER_ERROR and status not in _NOT_ABOUT_CONTENT:
        return Answer(Verdict.REFUSED, reason)
    return Answer(Verdict.LATER, reason, _retry_after(response))


def _retry_after(response: httpx2.Response) -> float:
    given = response.headers.get("retry-after", "").strip()
    try:
        seconds = float(given) if given.replace(".", "", 1).isdigit() else _until(given, response)
    except (ValueError, TypeError):
        return 0.0
    return min(max(seconds, 0.0), _LONGEST_WAIT)


def _until(given: str, response: httpx2.Response) -> float:
    """Return the seconds to a date, by the clock of the host."""
    if not given or "date" not in response.headers:
        return 0.0
    return (parsedate_to_datetime(given) - parsedate_to_datetime(response.headers["date"])).total_seconds()
