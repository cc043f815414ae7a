"""The recorder: one writer per process that puts entries into the database, or into the spool.

Callers wait until their entry is committed; the writer takes whatever has gathered meanwhile in one round trip, so
fifty calls at once cost little more than one. When the database can't be reached, entries go to the spool at once
and the answer goes on; the writer looks again in growing intervals and replays in order.
"""

import logging
from collections.abc import Sequence
from typing import Protocol

import anyio
from anyio.abc import TaskGroup

from qms_mcp.errors import QmsError, UnavailableError
from qms_mcp.ledger.record import (
    Call,
    Entry,
    Outcome,
    Run,
    Sink,
    begin_call_entry,
    begin_run_entry,
    finish_call_entry,
)
from qms_mcp.ledger.spool import Spool

_log = logging.getLogger(__name__)
_BATCH = 200
_FIRST_RETRY, _LAST_RETRY = 0.25, 15.0


class Store(Protocol):
    """Where entries end up."""

    async def record(self, entries: Sequence[Entry]) -> None:
        """Write entries in order, in one transaction.

        Raises:
            UnavailableError: The store can't be reached.
        """
        ...


class _Waiting:
    """An entry on its way, and the event that says it is safe."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.safe = anyio.Event()


class Recorder:
    """Records runs and calls.

    Args:
        spool: Where entries wait while there is no store.
        sinks: Who else wants to know of finished calls.
    """

    def __init__(self, spool: Spool, sinks: Sequence[Sink] = ()) -> None:
        self._spool = spool
        self._store: Store | None = None
        self.sinks = list(sinks)
        self._queue: list[_Waiting] = []
        self._wake = anyio.Event()
        self._attached = anyio.Event()
        self._gone = anyio.Event()
        self._closing = False
        self._spooling = False
        self._go_to_spool()  # until there is a store

    def attach(self, store: Store) -> None:
        """Write to `store` from now on; what was spooled is replayed first."""
        self._store = store
        self._attached.set()

    def start(self, tasks: TaskGroup) -> None:
        """Start the writer and the one that replays."""
        tasks.start_soon(self._write)
        tasks.start_soon(self._replay)

    async def begin_run(self, run: Run) -> None:
        """Record that a client or a sub-agent is there."""
        await self._put(begin_run_entry(run))

    async def end_run(self, run: Run, status: str) -> None:
        """Record how a run ended."""
        await self._put({"op": "end_run", "id": str(run.id), "status": status})

    async def begin(self, call: Call) -> None:
        """Record a call before its work starts."""
        await self._put(begin_call_entry(call))

    async def finish(self, call: Call, outcome: Outcome) -> None:
        """Record how a call ended, before its answer leaves."""
        await self._put(finish_call_entry(call, outcome))
        if outcome.state == "finished":
            for sink in self.sinks:
                sink.finished(call, outcome)

    async def aclose(self) -> None:
        """Write what is left, to the spool if need be, and stop."""
        self._closing = True
        self._wake.set()
        self._gone.set()
        for sink in self.sinks:
            with anyio.move_on_after(2):
                await sink.aclose()
        if left := [waiting.entry for waiting in self._queue]:
            self._spool.append(left)
        self._spool.close()

    async def _put(self, entry: Entry) -> None:
        if self._spooling:
            self._spool.append([entry])
            return
        waiting = _Waiting(entry)
        self._queue.append(waiting)
        self._wake.set()
        # A caller that is cancelled leaves its entry with the writer: it is recorded all the same.
        await waiting.safe.wait()

    async def _write(self) -> None:
        while not self._closing:
            await self._wake.wait()
            self._wake = anyio.Event()
            while self._queue:
                batch, self._queue = self._queue[:_BATCH], self._queue[_BATCH:]
                await self._write_batch(batch)

    async def _write_batch(self, batch: Sequence[_Waiting]) -> None:
        entries = [waiting.entry for waiting in batch]
        try:
            if self._store is None or self._spooling:
                self._spool.append(entries)
            else:
                await self._store_or_reject(self._store, entries)
        except QmsError as error:
            _log.warning("the ledger goes to the spool: %s", error.message)
            self._go_to_spool()
            self._spool.append(entries)
        except BaseException:
            self._spool.append(entries)
            raise
        finally:
            for waiting in batch:
                waiting.safe.set()

    async def _store_or_reject(self, store: Store, entries: Sequence[Entry]) -> None:
        """Write entries; one the database will never take is set aside, so that it can't hold up the others."""
        try:
            await store.record(entries)
        except UnavailableError:
            raise
        except QmsError as error:
            if len(entries) == 1:
                _log.exception("a ledger entry was refused: %s", error.message)
                self._spool.set_aside(entries[0])
                return
            for entry in entries:
                await self._store_or_reject(store, [entry])

    def _go_to_spool(self) -> None:
        self._spooling = True
        self._gone.set()

    async def _replay(self) -> None:
        delay = _FIRST_RETRY
        while not self._closing:
            await self._gone.wait()
            if self._closing:
                return
            if self._store is not None and await self._replayed(self._store):
                if not self._spooling:
                    self._gone = anyio.Event()
                delay = _FIRST_RETRY
                continue
            with anyio.move_on_after(delay):
                await self._attached.wait()
                self._attached = anyio.Event()
            delay = min(delay * 2, _LAST_RETRY)

    async def _replayed(self, store: Store) -> bool:
        try:
            for claim in self._spool.claims():
                for start in range(0, len(claim.entries), _BATCH):
                    await self._store_or_reject(store, claim.entries[start : start + _BATCH])
                claim.done()
            await store.record([])
        except QmsError:
            return False
        # Nothing awaits between this look and the switch, so no entry of this process can slip in between.
        if self._spool.own_is_empty():
            self._spooling = False
        return True
