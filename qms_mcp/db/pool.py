"""A pool of connections in which waiting for a free one and waiting for a lost database are two things.

psycopg's pool knows one time-out for both: under load it would call a busy database a lost one. Here callers first
wait for a slot, of which there are as many as connections; whoever has one gets a connection at once, or there is no
database.
"""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import anyio
from psycopg import pq
from psycopg_pool import AsyncConnectionPool

from qms_mcp.db.connection import Connection
from qms_mcp.db.wiring import Wiring
from qms_mcp.errors import UnavailableError

Preamble: TypeAlias = Callable[[Connection], Awaitable[None]]

_CONNECT_TIMEOUT = 3.0
_SLOT_TIMEOUT = 60.0
# So many connections are handed on without the book-keeping of psycopg's pool.
_KEPT = 2


class Pool:
    """Connections of one purpose.

    Args:
        name: For the log.
        conninfo: How to connect.
        wiring: How many there may be of one purpose, and whether a transaction pooler is in between.
        size: How many connections at most; as many as the wiring allows when left out.
        configure: Prepares each new connection; given for those that run other people's statements.
        options: Settings of the server for each session.
    """

    def __init__(
        self,
        name: str,
        conninfo: str,
        wiring: Wiring,
        *,
        size: int | None = None,
        configure: Preamble | None = None,
        options: str = "",
    ) -> None:
        most = size or wiring.max_connections
        # What other people's statements run on prepares nothing; neither does what a transaction pooler may hand on.
        threshold = None if wiring.pooled or configure else 5
        arguments: dict[str, Any] = {"autocommit": True, "prepare_threshold": threshold, "application_name": "qms-mcp"}
        if options:
            arguments["options"] = options
        self._slots = anyio.Semaphore(most, fast_acquire=True)
        self._kept: list[Connection] = []
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            conninfo,
            connection_class=Connection,
            kwargs=arguments,
            min_size=1,
            max_size=most,
            open=False,
            timeout=_CONNECT_TIMEOUT,
            reconnect_timeout=_CONNECT_TIMEOUT,
            configure=configure,
            name=name,
        )

    async def open(self) -> None:
        """Start connecting."""
        await self._pool.open()

    async def close(self) -> None:
        """Close all connections."""
        while self._kept:
            await self._pool.putconn(self._kept.pop())
        await self._pool.close()

    async def getconn(self) -> Connection:
        """Lend a connection.

        Raises:
            psycopg_pool.PoolTimeout: None can be made: the database is not there.
            UnavailableError: All were busy for a minute.
        """
        await self._take_slot()
        try:
            while self._kept:
                connection = self._kept.pop()
                if not connection.closed:
                    return connection
                await self._pool.putconn(connection)
            return await self._pool.getconn()
        except BaseException:
            self._slots.release()
            raise

    async def putconn(self, connection: Connection) -> None:
        """Take a connection back."""
        try:
            idle = not connection.closed and connection.info.transaction_status == pq.TransactionStatus.IDLE
            if idle and len(self._kept) < _KEPT:
                self._kept.append(connection)
            else:
                await self._pool.putconn(connection)
        finally:
            self._slots.release()

    async def _take_slot(self) -> None:
        try:
            self._slots.acquire_nowait()
        except anyio.WouldBlock:
            try:
                with anyio.fail_after(_SLOT_TIMEOUT):
                    await self._slots.acquire()
            except TimeoutError as busy:
                raise UnavailableError("The server is too busy.", hint="Try again in a moment.") from busy
