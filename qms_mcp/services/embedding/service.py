"""Vectors of questions, for whoever searches: of the model that is active now, or a word why there is none.

Which model that is, is looked up at most every two seconds. A model that has been replaced can be searched for a while
longer, so a search under way never fails for it.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Sequence
from time import monotonic
from typing import TYPE_CHECKING

from qms_mcp.db.queries import query
from qms_mcp.errors import QmsError
from qms_mcp.services.embedding.models import EmbeddingModel, QueryVector
from qms_mcp.services.embedding.provider import Embedder, Embedders, UnusableModelError
from qms_mcp.services.embedding.queue import queue_of
from qms_mcp.services.embedding.worker import Worker, worker_name

if TYPE_CHECKING:
    from qms_mcp.auth.principal import Principal
    from qms_mcp.db.database import Database
    from qms_mcp.settings import Settings

_log = logging.getLogger(__name__)
_ACTIVE = query("embedding.active_model")
_LOOK_EVERY = 2.0
_MOST_KEPT = 512
_AT_ONCE = 32
_LOAD_SECONDS = 10.0
# A search may wait so long for a model that is being loaded; after that, words answer alone.
_PATIENCE = 1.5
# After a failure of a provider, searches do not wait for it for a while.
_REST = 20.0


class Embedding:
    """The vectors of questions, and the worker that makes those of texts.

    Args:
        database: Where models are registered.
        settings: Where keys and addresses of providers come from.
        embedders: What makes vectors; the default makes them as the settings say.
    """

    def __init__(self, database: "Database", settings: "Settings", embedders: Embedders | None = None) -> None:
        self._database = database
        self._embedders = embedders or Embedders(settings)
        self._active: EmbeddingModel | None = None
        self._looked_at = float("-inf")
        self._kept: OrderedDict[tuple[int, str], tuple[float, ...]] = OrderedDict()
        self._resting_until, self._why = float("-inf"), ""
        self._worker: Worker | None = None

    async def query_vector(self, principal: "Principal", text: str) -> QueryVector:
        """Return the vector of a question by the active model, or why there is none now.

        Raises:
            UnavailableError: The database can't be reached.
        """
        model = await self.active(principal)
        if model is None:
            return QueryVector(None, "", None, "no model is active")
        kept = self._kept.get((model.id, text))
        if kept is not None:
            self._kept.move_to_end((model.id, text))
            return QueryVector(model.id, model.key, kept)
        try:
            vector = await self._made(model, text)
        except QmsError as error:
            return QueryVector(None, model.key, None, error.message.rstrip("."))
        self._kept[model.id, text] = vector
        if len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)
        return QueryVector(model.id, model.key, vector)

    async def statement_vectors(
        self, principal: "Principal", texts: Sequence[str]
    ) -> dict[str, tuple[float, ...]] | None:
        """Return a vector for each text by the active model, in as few requests as it takes; None when there is none.

        Raises:
            UnavailableError: The database can't be reached.
        """
        model = await self.active(principal)
        if model is None or monotonic() < self._resting_until:
            return None
        embedder = self._embedders.of(model)
        try:
            async with asyncio.timeout(_LOAD_SECONDS):
                await embedder.warm()
            made: dict[str, tuple[float, ...]] = {}
            for start in range(0, len(texts), _AT_ONCE):
                some = list(texts[start : start + _AT_ONCE])
                batch = await embedder.documents(some)
                made.update(zip(some, (tuple(vector.tolist()) for vector in batch.vectors), strict=True))
        except (QmsError, TimeoutError) as error:
            _log.info("statements are compared by their letters: %s", error)
            return None
        return made

    async def active(self, principal: "Principal") -> EmbeddingModel | None:
        """Return the model that is searched."""
        if monotonic() - self._looked_at >= _LOOK_EVERY:
            async with self._database.transaction(principal, read_only=True) as transaction:
                found = await transaction.fetch_one(_ACTIVE, row=EmbeddingModel)
            if found != self._active:
                self._resting_until = float("-inf")
            self._active, self._looked_at = found, monotonic()
        return self._active

    def invalidate(self) -> None:
        """Look at once which model is active, when next asked."""
        self._looked_at = float("-inf")

    async def warm(self, principal: "Principal") -> None:
        """Load the active model, so that the first search need not wait; whatever fails, fails later."""
        try:
            model = await self.active(principal)
            if model is not None:
                await self._embedders.of(model).warm()
        except QmsError as error:
            _log.info("the model is not loaded: %s", error.message)

    def worker(self, principal: "Principal") -> Worker:
        """Return the worker for the organization of somebody; a server lets its `run()` go on in the background."""
        if self._worker is None:
            self._worker = Worker(queue_of(self._database, principal, worker_name()), self._embedders)
        return self._worker

    def wake(self) -> None:
        """New texts may wait for their vectors."""
        if self._worker is not None:
            self._worker.wake()

    async def aclose(self) -> None:
        """Let go of the connections to providers."""
        await self._embedders.aclose()

    async def _made(self, model: EmbeddingModel, text: str) -> tuple[float, ...]:
        if monotonic() < self._resting_until:
            raise UnusableModelError(self._why)
        embedder = self._embedders.of(model)
        await _loaded(embedder)
        try:
            batch = await embedder.query(text)
        except QmsError as error:
            self._resting_until, self._why = monotonic() + _REST, error.message
            raise
        return tuple(batch.vectors[0].tolist())


async def _loaded(embedder: Embedder) -> None:
    """Wait a moment for a model that is being loaded.

    Raises:
        UnusableModelError: It is not there yet, or never will be.
    """
    if embedder.ready():
        return
    try:
        async with asyncio.timeout(_PATIENCE):
            await embedder.warm()
    except TimeoutError:
        raise UnusableModelError("the model is being loaded") from None
