"""The recorder: one writer per process that puts entries into the database, or into the spool.

Callers wait until their entry is committed; the writer takes whatever has gathered meanwhile in one round trip, so
fifty calls at once cost little more than one. When the database can't be reached, entries go to the spool at once
and the answer goes on; the writer looks again in growing intervals and replays.
"""

import logging
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Protocol

import anyio
import anyio.lowlevel
from anyio.abc import TaskGroup

from qms_mcp.errors import QmsError, UnavailableError
from qms_mcp.ledger.record import (
    Call,
    Entry,
    Outcome,
    Run,
    RunStatus,
    Sink,
    begin_call_entry,
    begin_run_entry,
    end_run_entry,
    finish_call_entry,
    resume_call_entry,
)
from qms_mcp.ledger.span import Span, put_span_entry
from qms_mcp.ledger.spool import Spool

_log = logging.getLogger(__name__)
_BATCH = 200
_FIRST_RETRY, _LAST_RETRY = 0.25, 15.0
_STORE_TIMEOUT = 5.0
_ATTACH_TIMEOUT = 3.0
_LOOK_FOR_LEFTOVERS = 60.0  # what other processes left behind when they died
_WRITER_TIMEOUT, _SINK_TIMEOUT = 0.8, 1.2
_DATA_FAULTS = ("22", "23", "54")  # SQLSTATE classes: data exception, constraint, program limit


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
        to_langfuse: Whether finished calls go into the outbox.
    """

    def __init__(self, spool: Spool, *, to_langfuse: bool = False) -> None:
        self._spool = spool
        self._to_langfuse = to_langfuse
        self._store: Store | None = None
        self._tasks: TaskGroup | None = None
        self._sinks: list[Sink] = []
        self._queue: list[_Waiting] = []
        self._wake = anyio.Event()
        self._look_again = anyio.Event()
        self._looked = anyio.Event()
        self._writing: anyio.CancelScope | None = None  # there is one only while the writer runs
        self._written = anyio.Event()
        self._closing = False
        self._spooling = True  # until there is a store

    def start(self, tasks: TaskGroup) -> None:
        """Start the writer and the one that replays."""
        self._tasks = tasks
        tasks.start_soon(self._write)
        tasks.start_soon(self._replay)

    async def attach(self, store: Store) -> None:
        """Write to `store` from now on, if it answers, and replay what was spooled."""
        self._store = store
        self._look_again.set()
        with anyio.move_on_after(_ATTACH_TIMEOUT):
            await self._looked.wait()

    def add_sink(self, sink: Sink) -> None:
        """Tell `sink` of finished calls from now on, and let it work."""
        self._sinks.append(sink)
        if self._tasks is not None:
            self._tasks.start_soon(sink.run)

    async def begin_run(self, run: Run) -> None:
        """Record that a client or a sub-agent is there."""
        await self._put(begin_run_entry(run))

    async def end_run(self, run: Run, status: RunStatus) -> None:
        """Record how a run ended."""
        await self._put(end_run_entry(run, status, datetime.now(UTC)))

    async def begin(self, call: Call, *, reads: bool = False) -> None:
        """Record a call before its work starts.

        One that only reads has no effect that could outlive its record, so its work starts as soon as the row is on
        its way; the row is there before the answer leaves, because the outcome is written after it.
        """
        await self._put(begin_call_entry(call), wait=not reads)

    async def resume(self, call: Call) -> None:
        """Record that a call goes on, before it does."""
        await self._put(resume_call_entry(call))

    async def finish(self, call: Call, outcome: Outcome) -> None:
        """Record how a call ended, before its answer leaves."""
        await self._put(finish_call_entry(call, outcome, to_langfuse=self._to_langfuse))
        if outcome.state == "finished":
            for sink in self._sinks:
                sink.finished(call, outcome)

    async def put_span(self, span: Span) -> None:
        """Record that a span around calls began, or how it ended.

        Only the end of a dispatch is waited for: entries are written in their order, so all of it is there by then.
        """
        ended = span.ended_at is not None
        whole = ended and span.type == "dispatch"
        await self._put(put_span_entry(span, to_langfuse=self._to_langfuse), wait=whole)
        if ended:
            for sink in self._sinks:
                sink.span_ended()

    @property
    def reaches_database(self) -> bool:
        """Whether entries go to the database now, and not to the spool."""
        return not self._spooling

    async def aclose(self) -> None:
        """Write what is left, to the spool if need be, and stop."""
        self._closing = True
        self._wake.set()
        self._look_again.set()
        if self._tasks is not None:
            with anyio.move_on_after(_WRITER_TIMEOUT):
                await self._written.wait()
            if self._writing is not None:
                self._writing.cancel()
            await self._written.wait()
        for sink in self._sinks:
            with anyio.move_on_after(_SINK_TIMEOUT):
                await sink.aclose()
        self._spool_all(self._queue)
        self._queue = []
        self._spool.close()

    async def _put(self, entry: Entry, *, wait: bool = True) -> None:
        if self._spooling or self._written.is_set():
            self._spool.append([entry])
            if self._written.is_set():
                self._spool.close()  # too late for the writer: the next process replays it
            return
        waiting = _Waiting(entry)
        self._queue.append(waiting)
        self._wake.set()
        # A caller that is cancelled leaves its entry with the writer: it is recorded all the same.
        if wait:
            await waiting.safe.wait()
        else:
            await anyio.lowlevel.checkpoint()  # the writer sends it now

    async def _write(self) -> None:
        try:
            self._writing = anyio.CancelScope()
            with self._writing:
                while self._queue or not self._closing:
                    await self._wake.wait()
                    if not self._closing:
                        self._wake = anyio.Event()
                    while self._queue:
                        batch, self._queue = self._queue[:_BATCH], self._queue[_BATCH:]
                        await self._write_batch(batch)
        finally:
            self._written.set()

    async def _write_batch(self, batch: Sequence[_Waiting]) -> None:
        entries = [waiting.entry for waiting in batch]
        try:
            if self._store is None or self._spooling:
                self._spool.append(entries)
            else:
                await _store_or_set_aside(self._store, self._spool, entries)
        except UnavailableError as error:
            _log.warning("the ledger goes to the spool: %s", error.message)
            self._go_to_spool()
            self._spool.append(entries)
        except BaseException:  # cancelled: nobody may wait for ever, and nothing may be lost
            self._spool.append(entries)
            raise
        finally:
            for waiting in batch:
                waiting.safe.set()

    def _spool_all(self, waiting: Iterable[_Waiting]) -> None:
        if left := list(waiting):
            self._spool.append(w.entry for w in left)
            for w in left:
                w.safe.set()

    def _go_to_spool(self) -> None:
        self._spooling = True
        self._look_again.set()

    async def _replay(self) -> None:
        delay = _FIRST_RETRY
        while not self._closing:
            with anyio.move_on_after(delay if self._spooling else _LOOK_FOR_LEFTOVERS):
                await self._look_again.wait()
                delay = _FIRST_RETRY
            self._look_again = anyio.Event()
            if self._store is None or self._closing:
                continue
            caught_up = await self._catch_up(self._store)
            delay = _FIRST_RETRY if caught_up else min(delay * 2, _LAST_RETRY)
            self._spooling = self._spooling or not caught_up
            self._looked.set()

    async def _catch_up(self, store: Store) -> bool:
        try:
            if self._spooling:
                await _record(store, [])  # is it there?
                self._spooling = False  # entries may arrive in any order, so new ones need not wait for old ones
                self._looked.set()
            with closing(self._spool.claims()) as claims:
                for claim in claims:
                    for batch in claim.batches(_BATCH):
                        await _store_or_set_aside(store, self._spool, batch)
                    claim.done()
        except UnavailableError:
            return False
        except OSError:
            _log.exception("the spool can't be read; it stays where it is")
        return True


async def _record(store: Store, entries: Sequence[Entry]) -> None:
    """Write entries; every failure that is not the fault of an entry counts as a store that is not there.

    Raises:
        UnavailableError: It failed, and may work later.
        QmsError: The database will never take one of the entries.
    """
    try:
        with anyio.fail_after(_STORE_TIMEOUT):
            await store.record(entries)
    except TimeoutError as late:
        raise UnavailableError("The database does not answer.") from late
    except UnavailableError:
        raise
    except QmsError as error:
        if _is_data_fault(error):
            raise
        raise UnavailableError(error.message, hint=error.hint) from error
    except ValueError as unwritable:  # text no encoding has
        raise QmsError(str(unwritable)) from unwritable
    except Exception as error:
        _log.exception("the ledger could not be written")
        raise UnavailableError("The ledger could not be written.") from error


async def _store_or_set_aside(store: Store, spool: Spool, entries: Sequence[Entry]) -> None:
    """Write entries; one the database will never take is set aside, so that it can't hold up the others.

    Raises:
        UnavailableError: The store can't be reached; entries may be there in part, which does no harm.
    """
    try:
        await _record(store, entries)
    except UnavailableError:
        raise
    except QmsError as error:
        if len(entries) == 1:
            _log.exception("a ledger entry was refused and set aside: %s", error.message)
            spool.set_aside(entries[0])
            return
        for entry in entries:
            await _store_or_set_aside(store, spool, [entry])


def _is_data_fault(error: QmsError) -> bool:
    return str(getattr(error.__cause__, "sqlstate", None) or "").startswith(_DATA_FAULTS)
