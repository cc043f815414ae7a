"""Models of providers, over HTTPS: batches, a pace, and patience where it helps.

What is busy or broken for a moment (429, 5xx, no answer) is asked again, after the pause it asks for or a growing one.
A key that is not accepted, an address that is not there, vectors of other dimensions: nothing is asked again until
somebody has looked, and no message ever holds the key.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import anyio

from qms_mcp.services.embedding.models import EmbeddingModel
from qms_mcp.services.embedding.pacing import Pace, asked_pause, pause_after
from qms_mcp.services.embedding.pricing import estimated_tokens, price_per_million
from qms_mcp.services.embedding.provider import (
    Batch,
    FailedTextsError,
    RefusedTextsError,
    UnusableModelError,
    normalised,
)
from qms_mcp.services.embedding.wire import WIRES, Purpose, Wire, fields_of

if TYPE_CHECKING:
    import httpx2
    from pydantic import SecretStr

    from qms_mcp.settings import Settings

_ATTEMPTS = 5
_LONGEST_ASKED_PAUSE = 60.0
_SECONDS, _SECONDS_OF_QUERY = 60.0, 5.0
_BUSY, _SERVER = 429, 500
_REFUSES_TEXT = {400, 413, 422}
_REFUSES_KEY = {401, 403}
_KEYS = {"voyage": "VOYAGE_API_KEY", "openai": "OPENAI_API_KEY", "compatible": "QMS_EMBEDDING_API_KEY"}


class RemoteEmbedder:
    """Makes vectors at a provider.

    Args:
        model: As it is registered.
        wire: How its provider is spoken to.
        address: Where, up to `/v1`.
        key: Of the account; an endpoint of one's own may want none.
        pace: How fast.
        price: US dollars for a million tokens, if known.
        sleep: How to wait between attempts.
    """

    def __init__(
        self,
        model: EmbeddingModel,
        wire: Wire,
        *,
        address: str,
        key: "SecretStr | None",
        pace: Pace,
        price: float | None = None,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        self.key, self.dims = model.key, model.dims
        self.most_texts = min(wire.most_texts, 128)
        self.price_per_million = price
        self._model, self._wire, self._address, self._secret = model, wire, address.rstrip("/"), key
        self._pace, self._sleep = pace, sleep
        self._client: httpx2.AsyncClient | None = None

    def unusable(self) -> str | None:
        """Return that the key is missing, if it is."""
        if self._secret is None and self._wire.address is not None:
            return f"{_KEYS[self._model.provider]} is not set."
        return None

    def ready(self) -> bool:
        """Nothing has to be loaded."""
        return self.unusable() is None

    async def warm(self) -> None:
        """Nothing has to be loaded."""
        self._refuse_missing_key()

    async def documents(self, texts: Sequence[str]) -> Batch:
        """Return the vectors of texts.

        Raises:
            RefusedTextsError: The provider can't take one of them.
            FailedTextsError: The provider failed, several times.
            UnusableModelError: The key, the address or the model is wrong, or there is too much to do.
        """
        import numpy as np  # noqa: PLC0415 - heavy

        given = [self._cut(self._model.document_prefix + text) for text in texts]
        batches = [await self._asked(part, "document", _ATTEMPTS) for part in self._parts(given)]
        return Batch(
            np.concatenate([batch.vectors for batch in batches]),
            tokens=sum(batch.tokens for batch in batches),
            requests=len(batches),
        )

    async def query(self, text: str) -> Batch:
        """Return the vector of a question, at the first attempt or not at all; raises like `documents`."""
        return await self._asked([self._cut(self._model.query_prefix + text)], "query", 1)

    async def aclose(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _refuse_missing_key(self) -> None:
        missing = self.unusable()
        if missing is not None:
            raise UnusableModelError(missing, hint="Set it, and start the server again.", retry_after=600)

    def _cut(self, text: str) -> str:
        most = self._wire.most_tokens_of_one * 3
        if len(text) * 4 <= most:
            return text or " "
        return text.encode("utf-8", "replace")[:most].decode("utf-8", "ignore")

    def _parts(self, texts: Sequence[str]) -> Iterator[list[str]]:
        part: list[str] = []
        tokens = 0
        for text in texts:
            more = estimated_tokens(text)
            if part and (len(part) == self._wire.most_texts or tokens + more > self._wire.most_tokens):
                yield part
                part, tokens = [], 0
            part.append(text)
            tokens += more
        if part:
            yield part

    async def _asked(self, texts: list[str], purpose: Purpose, attempts: int) -> Batch:
        self._refuse_missing_key()
        estimated = sum(map(estimated_tokens, texts))
        for attempt in range(attempts):
            if purpose == "document":
                await self._pace.admit(estimated)
            else:
                self._pace.count(estimated)
            answer = await self._posted(texts, purpose)
            if isinstance(answer, Batch):
                return answer
            pause = pause_after(attempt, answer.pause)
            last = attempt == attempts - 1
            if answer.busy and (last or pause > _LONGEST_ASKED_PAUSE):
                raise UnusableModelError(answer.what, hint="It is tried again later.", retry_after=max(pause, 15.0))
            if last:
                raise FailedTextsError(answer.what, hint="It is tried again later.")
            await self._sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    async def _posted(self, texts: list[str], purpose: Purpose) -> "Batch | _Trouble":
        import httpx2  # noqa: PLC0415 - only with a provider

        body = self._wire.body(self._model, texts, purpose)
        seconds = _SECONDS if purpose == "document" else _SECONDS_OF_QUERY
        try:
            response = await self._connected().post(f"{self._address}/embeddings", json=body, timeout=seconds)
        except httpx2.TimeoutException:
            return _Trouble(f"{self._host()} did not answer in time.")
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            return _Trouble(f"{self._host()} can't be reached ({type(error).__name__}).", busy=True)
        if response.is_success:
            return self._batch(response, texts)
        return self._trouble(response)

    def _batch(self, response: "httpx2.Response", texts: list[str]) -> Batch:
        try:
            answer = response.json()
        except ValueError:
            answer = None
        rows, tokens = self._wire.read(answer, self._model, len(texts))
        vectors = normalised(rows, self._model, len(texts))
        return Batch(vectors, sum(map(estimated_tokens, texts)) if tokens is None else tokens, requests=1)

    def _trouble(self, response: "httpx2.Response") -> "_Trouble":
        status, what = response.status_code, self._words(response)
        if status in _REFUSES_KEY:
            raise UnusableModelError(
                f"{self._host()} does not accept the key.",
                hint=f"Set {_KEYS[self._model.provider]} to a valid one and start the server again.",
                retry_after=600,
            )
        if status in _REFUSES_TEXT:
            raise RefusedTextsError(f"{self._host()} refused the text ({status}){what}.")
        if status == _BUSY and "insufficient_quota" in what:
            raise UnusableModelError(f"The account at {self._host()} has no credit left.", retry_after=600)
        if status == _BUSY:
            pause = asked_pause(response.headers.get("retry-after"))
            return _Trouble(f"{self._host()} is asked too often (429).", pause=pause, busy=True)
        if status >= _SERVER or status == 408:  # noqa: PLR2004 - request time-out
            pause = asked_pause(response.headers.get("retry-after"))
            return _Trouble(f"{self._host()} failed ({status}){what}.", pause=pause)
        raise UnusableModelError(f"{self._host()} answered {status} for {self._model.model}{what}.", retry_after=600)

    def _words(self, response: "httpx2.Response") -> str:
        """Return what the provider says about an error, shortened and without the key."""
        try:
            answer: Any = response.json()
        except ValueError:
            return ""
        fields = fields_of(answer)
        error = fields.get("error", fields.get("detail", fields.get("message")))
        if isinstance(error, dict):
            named = fields_of(error)
            error = f"{named.get('message', '')} {named.get('code') or ''}"
        words = " ".join(str(error or "").split())
        if self._secret is not None:
            words = words.replace(self._secret.get_secret_value(), "***")
        return f": {words[:200].rstrip('. ')}" if words else ""

    def _host(self) -> str:
        return urlsplit(self._address).hostname or self._model.provider

    def _connected(self) -> "httpx2.AsyncClient":
        if self._client is None:
            import httpx2  # noqa: PLC0415 - only with a provider

            headers = {"Authorization": f"Bearer {self._secret.get_secret_value()}"} if self._secret else {}
            self._client = httpx2.AsyncClient(headers=headers, follow_redirects=False)
        return self._client


class _Trouble:
    """An attempt that failed and may go better the next time.

    Attributes:
        busy: It is the provider, or the way there, and not these texts.
    """

    def __init__(self, what: str, *, pause: float | None = None, busy: bool = False) -> None:
        self.what, self.pause, self.busy = what, pause, busy


def remote_embedder(model: EmbeddingModel, settings: "Settings") -> RemoteEmbedder:
    """Return the embedder of a model of a provider.

    Raises:
        UnusableModelError: Nothing here speaks to this provider, or it has no address that may be used.
    """
    wire = WIRES.get(model.provider)
    if wire is None:
        raise UnusableModelError(f"Vectors of {model.key} are not made here.", retry_after=3600)
    own = str(settings.qms_embedding_base_url) if settings.qms_embedding_base_url else None
    address = model.base_url or (wire.address if model.provider != "compatible" else own)
    if address is None:
        raise UnusableModelError("QMS_EMBEDDING_BASE_URL is not set.", hint="Set it to the address, up to /v1.")
    key = {
        "voyage": settings.voyage_api_key,
        "openai": settings.openai_api_key,
        # The key of an endpoint of one's own goes to the address it was set with, wherever the model says it is.
        "compatible": settings.qms_embedding_api_key if own is None or _same(address, own) else None,
    }[model.provider]
    if key is not None and not _private(address):
        raise UnusableModelError(f"A key is not sent to {urlsplit(address).hostname} without TLS.", hint="Use https.")
    return RemoteEmbedder(
        model,
        wire,
        address=address,
        key=key,
        pace=Pace(settings.qms_embedding_requests_per_minute, settings.qms_embedding_tokens_per_minute),
        price=price_per_million(model.model, settings.qms_embedding_price_per_million),
    )


def _same(address: str, other: str) -> bool:
    one, two = urlsplit(address), urlsplit(other)
    return (one.scheme, one.hostname, one.port) == (two.scheme, two.hostname, two.port)


def _private(address: str) -> bool:
    """Return whether nobody on the way reads along: TLS, or this machine."""
    parts = urlsplit(address)
    if parts.scheme == "https" or parts.hostname == "localhost":
        return True
    try:
        return ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False
