"""Telling a pipeline outside what the loop wants and proposes: one POST to the one address that is set.

The body is JSON with an `id` that is the same whenever the same is told again. Where a secret is set, the header
`X-QMS-Signature` is `sha256=` and the HMAC-SHA256 of the time in `X-QMS-Timestamp`, a dot and the body. Nothing else is
ever asked: no redirect is followed and no proxy of the environment used. That it fails is noted and stops nothing.
"""

import hashlib
import hmac
import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import anyio

if TYPE_CHECKING:
    from qms_mcp.settings import Settings

Event: TypeAlias = Literal["retrain.requested", "version.proposed"]
_TRIES = 3
_SECONDS = 5.0
_NOT_AGAIN = range(400, 500)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Told:
    """What came of telling.

    Attributes:
        ok: Whether it was taken.
        words: `200`, or why it was not.
    """

    ok: bool
    words: str


class Webhook:
    """Tells one address.

    Args:
        url: Where to.
        secret: What the body is signed with; None: it is not.
        first_wait: Seconds before the second try; doubled each time.
    """

    def __init__(self, url: str, secret: str | None = None, *, first_wait: float = 0.5) -> None:
        self._url = url
        self._secret = secret
        self._first_wait = first_wait

    @classmethod
    def from_settings(cls, settings: "Settings") -> "Webhook | None":
        """Return the one that is set, if one is."""
        if settings.ml_retrain_webhook is None:
            return None
        secret = settings.ml_retrain_webhook_secret
        return cls(str(settings.ml_retrain_webhook), secret.get_secret_value() if secret else None)

    async def tell(self, event: Event, about: Mapping[str, Any]) -> Told:
        """Tell of an event; it never fails.

        Args:
            event: What happened.
            about: Parts of the body; the same parts have the same id.
        """
        parts = {"event": event, **about}
        known = json.dumps(parts, sort_keys=True, ensure_ascii=False, default=str)
        body = json.dumps({"id": hashlib.sha256(known.encode()).hexdigest()[:32], **parts}, default=str).encode()
        told = Told(ok=False, words="it was not tried")
        for attempt in range(_TRIES):
            if attempt:
                await anyio.sleep(self._first_wait * 2 ** (attempt - 1))
            told, again = await self._post(body)
            if told.ok or not again:
                break
        if not told.ok:
            _log.warning("The webhook for retraining did not take %s: %s", event, told.words)
        return told

    async def _post(self, body: bytes) -> tuple[Told, bool]:
        """Return what came of one try, and whether another makes sense."""
        import httpx2  # noqa: PLC0415 - only where a webhook is set

        try:
            async with httpx2.AsyncClient(trust_env=False, follow_redirects=False, timeout=_SECONDS) as client:
                answer = await client.post(self._url, content=body, headers=self._headers(body))
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as failed:
            # The message of a failed connection can hold the address with what is secret in it.
            return Told(ok=False, words=type(failed).__name__), True
        return Told(answer.is_success, str(answer.status_code)), answer.status_code not in _NOT_AGAIN

    def _headers(self, body: bytes) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "User-Agent": "qms-mcp"}
        if self._secret is not None:
            now = str(int(time.time()))
            signed = hmac.new(self._secret.encode(), f"{now}.".encode() + body, hashlib.sha256).hexdigest()
            headers |= {"X-QMS-Timestamp": now, "X-QMS-Signature": f"sha256={signed}"}
        return headers
