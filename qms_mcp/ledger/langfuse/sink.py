"""The shipper: takes what is due from the outbox and posts it, with back-off, until it is told to stop.

What the host can't take now (it is away, the keys are wrong, too many requests) goes back to the outbox untouched
and the shipper waits, longer each time. What it refuses for its content is tried again alone, so that one bad row
can't hold up the others, and after a few tries it is kept and no longer sent.
"""

import json
import logging
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import anyio
import anyio.to_thread

from qms_mcp.db.database import Database
from qms_mcp.errors import QmsError
from qms_mcp.ledger.langfuse.host import JSON, PROTOBUF, SCORES_PATH, SPANS_PATH, Answer, Host, Verdict
from qms_mcp.ledger.langfuse.outbox import Outbox, Parcel
from qms_mcp.ledger.record import Call, Outcome
from qms_mcp.masking import keepable, mask_text
from qms_mcp.settings import Settings

_DATABASE_TIMEOUT, _LAST_DATABASE_TIMEOUT = 5.0, 0.5
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """How the shipper works.

    Attributes:
        gather: Seconds to wait after a call for others to go with it.
        look: Seconds between looks for rows other servers left.
        first_wait: Seconds of the first back-off.
        last_wait: Seconds of the longest back-off.
        batch: Rows in one request.
        tries: How often a row is sent that the host refuses for its content.
        most_rows: Rows of the outbox; beyond that the oldest go.
        last_words: Seconds for what is left when the server stops.
    """

    gather: float = 0.2
    look: float = 30.0
    first_wait: float = 1.0
    last_wait: float = 300.0
    batch: int = 100
    tries: int = 5
    most_rows: int = 100_000
    last_words: float = 1.0


class LangfuseSink:
    """Ships the calls of one organization.

    Args:
        settings: Address and keys.
        database: Where the outbox is.
        organization_id: Whose calls to ship: the keys are theirs.
        pace: How the shipper works; other than the default in tests.
    """

    def __init__(
        self, settings: Settings, database: Database, organization_id: UUID, *, pace: Pace | None = None
    ) -> None:
        self._pace = pace or Pace()
        self._public_key = settings.langfuse_public_key.get_secret_value() if settings.langfuse_public_key else ""
        self._host = Host(settings)
        self._outbox = Outbox(database, organization_id)
        self._wake = anyio.Event()
        self._stop = anyio.Event()
        self._stopped = anyio.Event()
        self._scope: anyio.CancelScope | None = None
        self._wait = 0.0
        self._held: dict[int, Parcel] = {}

    def finished(self, call: Call, outcome: Outcome) -> None:
        """Take note that the outbox has something new."""
        del call, outcome
        self._wake.set()

    def span_ended(self) -> None:
        """Take note of the same for a span around calls."""
        self._wake.set()

    async def score(
        self, trace_id: str, name: str, value: float | str, comment: str | None = None, *, score_id: str | None = None
    ) -> str:
        """Give a trace a score and return the id of the score; given twice, an id is one score.

        Raises:
            UnavailableError: The database can't be reached.
        """
        score = {
            "id": score_id or str(uuid4()),
            "traceId": trace_id,
            "name": mask_text(name)[:200],
            "value": mask_text(value) if isinstance(value, str) else value,
            "dataType": "CATEGORICAL" if isinstance(value, str) else "NUMERIC",
            "timestamp": datetime.now(UTC).isoformat(),
        }
        if comment is not None:
            score["comment"] = keepable(comment)
        await self._outbox.put(SCORES_PATH, score)
        self._wake.set()
        return str(score["id"])

    async def run(self) -> None:
        """Ship until closed or cancelled."""
        try:
            with anyio.CancelScope() as self._scope:
                await self._ship_until_stopped()
        finally:
            await self._let_go()
            self._stopped.set()

    async def aclose(self) -> None:
        """Ship what is left if that is quick, else leave it for the next server."""
        self._stop.set()
        self._wake.set()
        if self._scope is not None:
            with anyio.move_on_after(self._pace.last_words):
                await self._stopped.wait()
            self._scope.cancel()
            await self._stopped.wait()
        await self._host.aclose()

    async def _ship_until_stopped(self) -> None:
        last_trim = -3600.0
        while True:
            self._wake = anyio.Event()
            last_words = self._stop.is_set()
            try:
                if anyio.current_time() - last_trim > self._pace.look:
                    last_trim = anyio.current_time()
                    await self._trim()
                more = await self._ship_once()
            except QmsError as error:
                _log.info("nothing goes to Langfuse for now: %s", error.message)
                self._back_off(Answer(Verdict.LATER))
                more = False
            except Exception:  # noqa: BLE001 - whatever it is, the server goes on
                _log.exception("the Langfuse shipper failed and goes on")
                self._back_off(Answer(Verdict.LATER))
                more = False
            if not more and not last_words:
                await self._pause()
            # There is no point in last words to a host that does not answer.
            if self._stop.is_set() and (self._wait or (last_words and not more)):
                return

    async def _pause(self) -> None:
        """Wait out the back-off, or until there may be something to ship."""
        if self._wait:
            with anyio.move_on_after(self._wait):
                await self._stop.wait()
            return
        with anyio.move_on_after(self._pace.look):
            await self._wake.wait()
        with anyio.move_on_after(self._pace.gather):
            await self._stop.wait()

    async def _ship_once(self) -> bool:
        """Ship a batch; whether there may be more to ship now."""
        with anyio.CancelScope(shield=True), anyio.move_on_after(self._patience()):
            for parcel in await self._outbox.claim(self._pace.batch if not self._wait else 1):
                self._held[parcel.id] = parcel
        parcels = list(self._held.values())
        if not parcels:
            self._wait = 0.0
        shipped = True
        for path in (None, SCORES_PATH):
            if batch := [parcel for parcel in parcels if parcel.path == path]:
                shipped = await self._ship(batch) and shipped
        others = [parcel for parcel in parcels if parcel.path not in {None, SCORES_PATH}]
        ordered = sorted(others, key=lambda parcel: parcel.id)
        return bool(parcels) and await self._ship_singly(ordered, shipped=shipped)

    async def _ship_singly(self, parcels: Sequence[Parcel], *, shipped: bool) -> bool:
        """Ship what goes one by one, in its order; when the host is away, the rest waits."""
        for place, parcel in enumerate(parcels):
            if not shipped:
                rest = parcels[place:]
                with self._settling(rest):
                    await self._outbox.give_back(rest, "the host does not take anything now")
                break
            shipped = await self._ship([parcel])
        return shipped

    async def _ship(self, parcels: Sequence[Parcel]) -> bool:
        answer = await self._post(parcels)
        if answer.verdict is Verdict.TAKEN:
            self._wait = 0.0
            with self._settling(parcels):  # else they would be sent again
                await self._outbox.done(parcels)
        elif answer.verdict is Verdict.LATER:
            self._back_off(answer)
            with self._settling(parcels):
                await self._outbox.give_back(parcels, answer.reason)
        elif len(parcels) > 1:
            for parcel in parcels:
                await self._ship([parcel])
        else:
            await self._refused(parcels[0], answer)
        return answer.verdict is not Verdict.LATER

    async def _refused(self, parcel: Parcel, answer: Answer) -> None:
        give_up = parcel.attempts >= self._pace.tries
        if give_up:
            _log.warning("Langfuse refuses row %s of the outbox (%s); it is kept there", parcel.id, answer.reason)
        delay = min(self._pace.first_wait * 2**parcel.attempts, self._pace.last_wait)
        with self._settling([parcel]):
            await self._outbox.give_back([parcel], answer.reason, delay=delay, give_up=give_up)

    @contextmanager
    def _settling(self, parcels: Sequence[Parcel]) -> Generator[None]:
        with anyio.CancelScope(shield=True), anyio.move_on_after(self._patience()):
            yield
            for parcel in parcels:
                self._held.pop(parcel.id, None)

    def _patience(self) -> float:
        return _LAST_DATABASE_TIMEOUT if self._stop.is_set() else _DATABASE_TIMEOUT

    async def _let_go(self) -> None:
        """Give back what is held when the server stops: the next one need not wait for the lease to end."""
        if held := list(self._held.values()):
            with suppress(QmsError), self._settling(held):
                await self._outbox.give_back(held, "the server stopped before the host answered")

    async def _post(self, parcels: Sequence[Parcel]) -> Answer:
        payloads = [parcel.payload for parcel in parcels]
        if parcels[0].path is None:
            content = await anyio.to_thread.run_sync(_encoded, payloads, self._public_key)
            return await self._host.post(SPANS_PATH, content, PROTOBUF)
        content = payloads if parcels[0].path == SCORES_PATH else payloads[0]
        return await self._host.post(parcels[0].path, _json(content), JSON)

    def _back_off(self, answer: Answer) -> None:
        if not self._wait and answer.reason:
            _log.warning("Langfuse does not take spans now (%s); they wait in the outbox", answer.reason)
        longer = min(max(self._wait * 2, self._pace.first_wait), self._pace.last_wait)
        self._wait = max(longer, answer.retry_after)

    async def _trim(self) -> None:
        if dropped := await self._outbox.trim(self._pace.most_rows):
            _log.warning("the outbox for Langfuse is full: the oldest %d rows were dropped", dropped)


def _encoded(payloads: Sequence[dict[str, Any]], public_key: str) -> bytes:
    from qms_mcp.ledger.langfuse.spans import encoded  # noqa: PLC0415 - imports the client library

    return encoded(payloads, public_key)


def _json(content: Any) -> bytes:
    return json.dumps(content).encode()
