"""The worker: takes pieces from the queue, has vectors made of them, and puts these where searches find them.

It runs in the background of a server, or by itself as `qms-mcp embed`; any number of them share the work. A text no
model can take is found by halving its batch and set aside alone. A model that can't be used is left alone for a while,
and its pieces wait without losing an attempt. One that is told to stop hands back what it has; one that dies loses its
lease.
"""

import logging
import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic
from uuid import uuid4

import anyio

from qms_mcp.errors import QmsError
from qms_mcp.services.embedding.models import EmbeddingModel, Job
from qms_mcp.services.embedding.provider import (
    Embedder,
    Embedders,
    FailedTextsError,
    RefusedTextsError,
    UnusableModelError,
)
from qms_mcp.services.embedding.queue import Queue

_log = logging.getLogger(__name__)
_POLL_SECONDS = 2.0
_LONGEST_PAUSE = 60.0
_RETRY_SECONDS = 30.0
# So many single texts in a row on which a model fails: more likely it is the model.
_TEXTS_OR_MODEL = 2
_TERMS_EVERY = 60.0
_HAND_BACK_SECONDS = 5.0


@dataclass(slots=True)
class Done:
    """What a worker has done.

    Attributes:
        embedded: Pieces with a new vector.
        failed: Pieces given back after an error of their own.
        postponed: Why a model was left alone, by its key.
    """

    embedded: int
    failed: int
    postponed: dict[str, str]


def worker_name() -> str:
    """Return a name no other worker has, that says where it runs."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{uuid4().hex[:8]}"


class Worker:
    """One worker.

    Args:
        queue: Where its work comes from.
        embedders: What makes the vectors.
        told: Is called with what has been done so far, after each batch.
        poll_seconds: How often to look whether there is something to do.
    """

    def __init__(
        self,
        queue: Queue,
        embedders: Embedders,
        *,
        told: Callable[[Done], None] | None = None,
        poll_seconds: float = _POLL_SECONDS,
    ) -> None:
        self._queue, self._embedders = queue, embedders
        self._told = told
        self._poll_seconds = poll_seconds
        self._wake = anyio.Event()
        self._resting: dict[int, float] = {}
        self._in_a_row: dict[int, int] = {}
        self._terms_at = 0.0
        self.done = Done(0, 0, {})

    def wake(self) -> None:
        """There may be something to do now."""
        self._wake.set()

    async def run(self) -> None:
        """Work for as long as it is let; a database that is away is waited for."""
        pause = self._poll_seconds
        while True:
            self._wake = anyio.Event()
            try:
                await self.drain()
                pause = self._poll_seconds
            except QmsError as error:
                _log.info("no vectors are made now: %s", error.message)
                pause = min(pause * 2, _LONGEST_PAUSE)
            except Exception:  # noqa: BLE001 - whatever it is, texts without a vector are found by their words
                _log.exception("the worker that makes vectors failed; it goes on")
                pause = min(pause * 2, _LONGEST_PAUSE)
            with anyio.move_on_after(pause):
                await self._wake.wait()

    async def drain(self) -> Done:
        """Work until nothing is left that could be done now, and return what was done.

        Raises:
            QmsError: The database can't be reached, or the worker may not work for its organization any more.
        """
        before = self.done.embedded + self.done.failed
        while models := [model for model in await self._queue.waiting() if self._may_use(model)]:
            for model in models:
                await self._work_on(model)
        if self.done.embedded + self.done.failed > before or monotonic() - self._terms_at > _TERMS_EVERY:
            self._terms_at = monotonic()
            await self._queue.refresh_terms()
        return self.done

    def _may_use(self, model: EmbeddingModel) -> bool:
        if monotonic() < self._resting.get(model.id, 0.0):
            return False
        try:
            why = self._embedders.of(model).unusable()
        except UnusableModelError as error:
            why = error.message
        if why is not None:
            self._rest(model, why, _LONGEST_PAUSE)
        return why is None

    def _rest(self, model: EmbeddingModel, why: str, seconds: float) -> None:
        self._resting[model.id] = monotonic() + seconds
        self.done.postponed[model.key] = why
        self._tell()

    async def _work_on(self, model: EmbeddingModel) -> None:
        """Empty the queue of one model, or leave the model alone."""
        embedder = self._embedders.of(model)
        try:
            while jobs := await self._queue.claim(model, embedder.most_texts):
                if not await self._embed(model, embedder, jobs):
                    return
        except BaseException:
            with anyio.move_on_after(_HAND_BACK_SECONDS, shield=True):
                await self._hand_back()
            raise

    async def _hand_back(self) -> None:
        try:
            await self._queue.release()
        except QmsError as error:
            _log.info("pieces are not handed back, their lease will end: %s", error.message)

    async def _embed(self, model: EmbeddingModel, embedder: Embedder, jobs: Sequence[Job]) -> bool:
        """Make the vectors of pieces; return whether the model can be used further."""
        try:
            batch = await embedder.documents([job.text for job in jobs])
        except UnusableModelError as error:
            await self._queue.postpone(model, jobs, error.message, seconds=error.retry_after)
            self._rest(model, error.message, error.retry_after)
            return False
        except (RefusedTextsError, FailedTextsError) as error:
            if len(jobs) > 1:
                return await self._halve(model, embedder, jobs)
            return await self._give_up(model, jobs[0], error)
        self.done.embedded += await self._queue.finish(model, jobs, batch, embedder.price_per_million)
        self._in_a_row.pop(model.id, None)
        self.done.postponed.pop(model.key, None)
        self._tell()
        return True

    async def _halve(self, model: EmbeddingModel, embedder: Embedder, jobs: Sequence[Job]) -> bool:
        middle = len(jobs) // 2
        parts = jobs[:middle], jobs[middle:]
        usable = await self._embed(model, embedder, parts[0])
        if not usable:
            await self._queue.postpone(model, parts[1], "the model was left alone", seconds=_RETRY_SECONDS)
            return False
        return await self._embed(model, embedder, parts[1])

    async def _give_up(self, model: EmbeddingModel, job: Job, error: RefusedTextsError | FailedTextsError) -> bool:
        """Give one piece back with its error; return whether the model can be used further."""
        fatal = isinstance(error, RefusedTextsError)
        await self._queue.fail(model, job, error.message, seconds=_RETRY_SECONDS, fatal=fatal)
        self.done.failed += 1
        self._tell()
        self._in_a_row[model.id] = 0 if fatal else self._in_a_row.get(model.id, 0) + 1
        if self._in_a_row[model.id] < _TEXTS_OR_MODEL:
            return True
        self._rest(model, error.message, _RETRY_SECONDS)
        return False

    def _tell(self) -> None:
        if self._told is not None:
            self._told(self.done)
