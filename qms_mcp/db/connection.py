"""A connection that can be interrupted.

psycopg asks the server to stop a statement when its task is cancelled, but a cancel scope goes on cancelling whatever
is awaited, so that request is itself cut off and the statement runs on, unseen. Here it is sent, and the end of the
statement awaited, out of reach of the scope.
"""

import asyncio
from typing import Any, TypeVar

import anyio
import psycopg
from psycopg import pq, waiting
from psycopg.abc import PQGen

RV = TypeVar("RV")
_WAKE = 1.0
_PATIENCE = 5.0


class Connection(psycopg.AsyncConnection[Any]):
    """A psycopg connection whose statements stop when their caller does."""

    async def wait(self, gen: PQGen[RV], interval: float = _WAKE, timeout: float | None = None) -> RV:  # noqa: ASYNC109
        """Run a conversation with the server to its end, or stop what the server does when cancelled."""
        try:
            return await waiting.wait_async(gen, self.pgconn.socket, interval=max(interval, _WAKE), timeout=timeout)
        except asyncio.CancelledError:
            with anyio.CancelScope(shield=True):
                await self._stop(gen)
            raise

    async def _stop(self, gen: PQGen[Any]) -> None:
        if self.pgconn.transaction_status != pq.TransactionStatus.ACTIVE:
            return
        try:
            await self.cancel_safe(timeout=_PATIENCE)
            await waiting.wait_async(gen, self.pgconn.socket, interval=_WAKE, timeout=_PATIENCE)
        except psycopg.errors.QueryCanceled:
            pass
        except Exception:  # noqa: BLE001 - whatever went wrong, a connection in an unknown state is of no use
            self.pgconn.finish()
