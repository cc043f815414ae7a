"""The queue of pieces that wait for a vector, as one worker sees it.

A piece is leased, so that no two workers make the same vector and none is lost when one dies. Each step is a short
transaction; no connection is held while a model works.
"""

from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from qms_mcp.db.queries import Query, query
from qms_mcp.services.embedding.models import EmbeddingModel, Job, Progress, literal
from qms_mcp.services.embedding.provider import Batch

if TYPE_CHECKING:
    from qms_mcp.auth.principal import Principal
    from qms_mcp.db.database import Database
    from qms_mcp.db.transaction import Transaction

_ADMINISTER = query("embedding.administer")
_WAITING = query("embedding.waiting")
_CLAIM = query("embedding.claim")
_FINISH = query("embedding.finish")
_FAIL = query("embedding.fail")
_POSTPONE = query("embedding.postpone")
_RELEASE = query("embedding.release")
_SPEND = query("embedding.spend")
_PROGRESS = query("embedding.progress")
_REFRESH_TERMS = query("embedding.refresh_terms")
# Longer than a provider that answers badly keeps one waiting.
_LEASE_SECONDS = 600

Opening: TypeAlias = "Callable[[], AbstractAsyncContextManager[Transaction]]"


@dataclass(frozen=True, slots=True)
class Number:
    """A count a function returned."""

    number: int


class Queue:
    """What one worker may do with the queue.

    Args:
        opening: Opens a transaction that sees the pieces to work on.
        worker: Name of the worker, of its own among all.
        counts_terms: Its transactions are of one organization, whose terms it counts again after work.
    """

    def __init__(self, opening: Opening, worker: str, *, counts_terms: bool) -> None:
        self._opening = opening
        self._worker = worker
        self._counts_terms = counts_terms

    async def waiting(self) -> list[EmbeddingModel]:
        """Return the models for which there is something to do."""
        async with self._opening() as transaction:
            return await transaction.fetch_all(_WAITING, row=EmbeddingModel)

    async def claim(self, model: EmbeddingModel, most: int) -> list[Job]:
        """Take on at most so many pieces."""
        params = {"model_id": model.id, "max_rows": most, "worker": self._worker, "seconds": _LEASE_SECONDS}
        async with self._opening() as transaction:
            return await transaction.fetch_all(_CLAIM, params, row=Job)

    async def finish(self, model: EmbeddingModel, jobs: Sequence[Job], batch: Batch, price: float | None) -> int:
        """Store vectors, and what they cost; return how many were still wanted."""
        params = {
            "model_id": model.id,
            "worker": self._worker,
            "chunks": [job.chunk_id for job in jobs],
            "sha256s": [job.content_sha for job in jobs],
            "vectors": [literal(vector) for vector in batch.vectors.tolist()],
        }
        async with self._opening() as transaction:
            stored = await transaction.fetch_one(_FINISH, params, row=Number)
            if batch.requests:
                await self._spend(transaction, model, jobs, batch, price)
        return stored.number if stored else 0

    async def fail(self, model: EmbeddingModel, job: Job, error: str, *, seconds: float, fatal: bool) -> None:
        """Give one piece back: to be tried later, or to be set aside."""
        params = {
            "model_id": model.id,
            "worker": self._worker,
            "chunk_id": job.chunk_id,
            "error": error,
            "seconds": seconds,
            "fatal": fatal,
        }
        await self._execute(_FAIL, params)

    async def postpone(self, model: EmbeddingModel, jobs: Sequence[Job], error: str, *, seconds: float) -> None:
        """Give pieces back whose model can't be used now."""
        chunks = [job.chunk_id for job in jobs]
        params = {"model_id": model.id, "worker": self._worker, "chunks": chunks, "error": error, "seconds": seconds}
        await self._execute(_POSTPONE, params)

    async def release(self) -> None:
        """Hand back everything this worker has."""
        await self._execute(_RELEASE, {"worker": self._worker})

    async def refresh_terms(self) -> None:
        """Count the terms of the organization again, if enough has changed."""
        if self._counts_terms:
            await self._execute(_REFRESH_TERMS)

    async def progress(self) -> list[Progress]:
        """Return how far each model is."""
        async with self._opening() as transaction:
            return await transaction.fetch_all(_PROGRESS, row=Progress)

    async def _execute(self, statement: Query, params: dict[str, Any] | None = None) -> None:
        async with self._opening() as transaction:
            await transaction.execute(statement, params)

    async def _spend(
        self, transaction: "Transaction", model: EmbeddingModel, jobs: Sequence[Job], batch: Batch, price: float | None
    ) -> None:
        """Share the tokens of a request among its organizations, by the length of their texts."""
        lengths = Counter[Any]()
        for job in jobs:
            lengths[job.organization_id] += len(job.text) + 1
        whole = sum(lengths.values())
        for organization_id, length in sorted(lengths.items()):
            tokens = round(batch.tokens * length / whole)
            cost = tokens * (price or 0.0) / 1_000_000
            params = {"organization_id": organization_id, "model_id": model.id, "tokens": tokens, "cost": cost}
            await transaction.execute(_SPEND, params)


def queue_of(database: "Database", principal: "Principal", worker: str) -> Queue:
    """Return the queue of the organization somebody acts for."""
    return Queue(lambda: database.transaction(principal), worker, counts_terms=True)


def queue_of_all(database: "Database", worker: str) -> Queue:
    """Return the queue of all organizations, for the owner of the database."""

    @asynccontextmanager
    async def opening() -> "AsyncGenerator[Transaction]":
        async with database.owner_transaction() as transaction:
            await transaction.execute(_ADMINISTER)
            yield transaction

    return Queue(opening, worker, counts_terms=False)
