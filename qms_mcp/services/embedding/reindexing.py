"""Another model, while searches go on.

The new model is registered and filled beside the one in use; by this process and by every worker there is. When all
pieces have their vector, its index is built, and in one transaction searches go over to it. The one before stays until
no search can be under way with it, and is dropped then. Each step finds what an interrupted run has left and goes on
from there, so a change that was killed is continued by starting it again.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio

from qms_mcp.db.queries import Query, query
from qms_mcp.errors import ConflictError, InvalidInputError, UnavailableError
from qms_mcp.services.embedding.models import EmbeddingModel, Progress
from qms_mcp.services.embedding.pricing import price_per_million
from qms_mcp.services.embedding.provider import Embedders
from qms_mcp.services.embedding.queue import Number, queue_of_all
from qms_mcp.services.embedding.worker import Done, Worker, worker_name

if TYPE_CHECKING:
    from qms_mcp.db.database import Database
    from qms_mcp.db.transaction import Transaction
    from qms_mcp.settings import Settings

_ADMINISTER = query("embedding.administer")
_MODELS = query("embedding.models")
_VOLUME = query("embedding.volume")
_ADD = query("embedding.add_model")
_QUEUE = query("embedding.queue_model")
_REVIVE = query("embedding.revive")
_MEMORY = query("embedding.memory_for_index")
_BUILD = query("embedding.build_index")
_ACTIVATE = query("embedding.activate_model")
_PATIENCE = query("embedding.patience")
_DROP = query("embedding.drop_model")
_LOCK_MILLISECONDS = 300
_LOCK_PAUSE = 0.5
_LOCK_ATTEMPTS = 240
_OTHERS_AT_WORK = 1.0
# Longer than servers go on with the model they know, and than a search takes.
GRACE_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """The model to change to."""

    key: str
    provider: str
    model: str
    dims: int
    base_url: str | None = None
    query_prefix: str = ""
    document_prefix: str = ""


@dataclass(frozen=True, slots=True)
class Volume:
    """How much there is to embed: texts that differ, their bytes, and the pieces they are."""

    texts: int
    bytes: int
    pieces: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a change would take.

    Attributes:
        texts: Texts that differ; equal ones of an organization are embedded once.
        cost: US dollars; none where nobody is paid or the price is not known.
    """

    pieces: int
    texts: int
    tokens: int
    cost: float | None


Told = Callable[[str], None]


def _unheard(_step: str) -> None:
    """Nobody wants to know."""


class Reindexing:
    """Changes the model.

    Args:
        database: With the login of its owner.
        settings: Where keys and addresses come from.
        told: Is called with each step.
        worked: Is called with what the worker of this process has done.
        grace: How many seconds the model before stays after the change.
    """

    def __init__(
        self,
        database: "Database",
        settings: "Settings",
        *,
        told: Told | None = None,
        worked: Callable[[Done], None] | None = None,
        grace: float | None = None,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        self._database, self._settings = database, settings
        self._told = told or _unheard
        self._worked = worked
        self._grace, self._sleep = GRACE_SECONDS if grace is None else grace, sleep
        self._queue = queue_of_all(database, worker_name())

    async def forecast(self, wanted: Wanted) -> Forecast:
        """Return what a change to this model would take."""
        async with self._administering() as transaction:
            volume = await transaction.fetch_one(_VOLUME, row=Volume)
        pieces, size, texts = (volume.pieces, volume.bytes, volume.texts) if volume else (0, 0, 0)
        tokens = size // 4 + texts
        price = None
        if wanted.provider != "local":
            price = price_per_million(wanted.model, self._settings.qms_embedding_price_per_million)
        return Forecast(pieces, texts, tokens, None if price is None else tokens * price / 1_000_000)

    async def progress(self) -> list[Progress]:
        """Return how far each model is, over all organizations."""
        return await self._queue.progress()

    async def change(self, wanted: Wanted) -> EmbeddingModel:
        """Change to a model, or finish a change that was interrupted; returns the model now in use.

        Raises:
            ConflictError: A change to another model is under way.
            InvalidInputError: The key is taken by another model, or some pieces can't be embedded by this one.
            UnusableModelError: The model can't be used: no key, other dimensions.
        """
        embedders = Embedders(self._settings)
        try:
            await self._try_out(wanted, embedders)
            model = await self._registered(wanted)
            await self._fill(model, embedders)
            await self._switch(model)
            # Pieces whose transactions were under way when the model was registered did not know of it.
            await self._fill(model, embedders)
        finally:
            await embedders.aclose()
        await self._drop_retired()
        return model

    @asynccontextmanager
    async def _administering(self) -> "AsyncGenerator[Transaction]":
        async with self._database.owner_transaction() as transaction:
            await transaction.execute(_ADMINISTER)
            yield transaction

    async def _try_out(self, wanted: Wanted, embedders: Embedders) -> None:
        """Make one vector before anything is changed: it shows whether key, address, model and dimensions are right."""
        if wanted.provider not in {"local", "voyage", "openai", "compatible"}:
            raise InvalidInputError(
                f"There is no provider {wanted.provider}.", hint="It is one of: local, voyage, openai, compatible."
            )
        self._told(f"trying {wanted.model}")
        model = EmbeddingModel(
            0, wanted.key, wanted.provider, wanted.model, wanted.dims,
            wanted.query_prefix, wanted.document_prefix, "", wanted.base_url,
        )  # fmt: skip
        await embedders.of(model).documents(["A quality management system."])

    async def _registered(self, wanted: Wanted) -> EmbeddingModel:
        filling = [model for model in await self._models() if model.state == "filling" and model.key != wanted.key]
        if filling:
            raise ConflictError(
                f"{filling[0].key} is being filled.", hint=f"Finish it with `qms-mcp reindex --model {filling[0].key}`."
            )
        params = {
            "key": wanted.key,
            "provider": wanted.provider,
            "model": wanted.model,
            "dims": wanted.dims,
            "base_url": wanted.base_url,
            "prefixes": [wanted.query_prefix, wanted.document_prefix],
        }
        number = await self._patiently(_ADD, params)
        model = next(model for model in await self._models() if model.id == number)
        if model.state == "retired":
            raise ConflictError(f"{model.key} was retired and is not dropped yet.", hint="Choose another key.")
        async with self._administering() as transaction:
            await transaction.fetch_one(_REVIVE, {"model_id": model.id}, row=Number)
        return model

    async def _models(self) -> list[EmbeddingModel]:
        async with self._administering() as transaction:
            return await transaction.fetch_all(_MODELS, row=EmbeddingModel)

    async def _fill(self, model: EmbeddingModel, embedders: Embedders) -> None:
        """Work until every piece there is has its vector; pieces may come while this goes on."""
        self._told("making vectors")
        worker = Worker(self._queue, embedders, told=self._worked)
        while True:
            async with self._administering() as transaction:
                await transaction.fetch_one(_QUEUE, {"model_id": model.id}, row=Number)
            done = await worker.drain()
            state = next(state for state in await self.progress() if state.model_id == model.id)
            if state.queued == 0 and state.failed == 0 and state.done >= state.chunks:
                return
            if state.queued == 0 and state.failed:
                raise InvalidInputError(
                    f"{state.failed} pieces have no vector by {model.key}: {state.last_error}",
                    hint="The model before stays in use. Start the same command again to try these once more.",
                )
            if model.key in done.postponed:
                raise UnavailableError(
                    done.postponed[model.key], hint="What is done is kept: start the same command again later."
                )
            # The rest is leased to other workers.
            await self._sleep(_OTHERS_AT_WORK)

    async def _switch(self, model: EmbeddingModel) -> None:
        self._told("building the index")
        async with self._database.owner_transaction() as transaction:
            await transaction.fetch_dicts(_MEMORY, {"memory": "256MB"})
            await transaction.fetch_dicts(_BUILD, {"model_id": model.id})
        self._told("changing over")
        await self._patiently(_ACTIVATE, {"model_id": model.id})

    async def _drop_retired(self) -> None:
        retired = [model for model in await self._models() if model.state == "retired"]
        if not retired:
            return
        self._told("waiting for searches with the model before")
        await self._sleep(self._grace)
        for model in retired:
            self._told(f"dropping {model.key}")
            await self._patiently(_DROP, {"model_id": model.id})

    async def _patiently(self, statement: Query, params: Mapping[str, Any]) -> int | None:
        """Run a statement that needs a lock on what searches use, without keeping searches waiting behind it.

        Raises:
            ConflictError: The lock was not to be had for minutes.
        """
        held = ConflictError("The lock is not to be had.")
        for _ in range(_LOCK_ATTEMPTS):
            try:
                async with self._database.owner_transaction() as transaction:
                    await transaction.fetch_dicts(_PATIENCE, {"milliseconds": str(_LOCK_MILLISECONDS)})
                    rows = await transaction.fetch_dicts(statement, params)
            except ConflictError as error:
                held = error
                await self._sleep(_LOCK_PAUSE)
            else:
                return rows[0].get("number")
        raise held
