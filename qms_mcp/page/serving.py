"""Serving the page on the loopback address, in the process of the server, from the first link on.

It listens on 127.0.0.1 alone, on any free port unless one is set, and writes no access log: stdout is the protocol's.
"""

import asyncio
import logging
import socket
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final
from uuid import UUID

import anyio

from qms_mcp.errors import UnavailableError
from qms_mcp.services.learning.feedback.review_desk import ReviewDesk
from qms_mcp.services.signing.desk import SigningDesk

if TYPE_CHECKING:
    from qms_mcp.db.database import Database

_log = logging.getLogger(__name__)
HOST: Final = "127.0.0.1"
_AT_ONCE: Final = 32
_PATIENCE: Final = 1.0


class ApprovalPage:
    """The approval page of this process: nothing until a link is wanted, then served until it is closed.

    Args:
        database: Where the records are.
        port: On which port; 0 for any that is free.
        to_langfuse: Whether scores people give on it go there.
    """

    def __init__(self, database: "Database", *, port: int = 0, to_langfuse: bool = False) -> None:
        self._desk = SigningDesk(database)
        self._reviews = ReviewDesk(database, to_langfuse=to_langfuse)
        self._wanted_port = port
        self._starting = anyio.Lock()
        self._serving: asyncio.Task[None] | None = None
        self._address: str | None = None
        self._stop = _nothing

    async def link(self, approval_id: UUID) -> str:
        """Return a link that leads to an approval, once; the page is started if it is not up.

        Raises:
            NotAllowedError: There is no such approval to decide.
            UnavailableError: The port is taken.
        """
        token = await self._desk.make_link_token(approval_id)
        return f"{await self.start()}/a/{approval_id}?t={token}"

    async def start(self) -> str:
        """Serve the page, unless it is, and return its address.

        Raises:
            UnavailableError: The port is taken.
        """
        async with self._starting:
            if self._address is None or self._serving is None or self._serving.done():
                self._address = await self._start()
        return self._address

    async def aclose(self) -> None:
        """Stop serving."""
        if self._serving is None:
            return
        self._stop()
        with anyio.CancelScope(shield=True), anyio.move_on_after(_PATIENCE), suppress(asyncio.CancelledError):
            await asyncio.wait([self._serving])
        self._serving.cancel()
        self._serving, self._address = None, None

    async def forever(self) -> None:
        """Serve until the task is cancelled."""
        await self.start()
        if self._serving is not None:
            await self._serving

    async def _start(self) -> str:
        import uvicorn  # noqa: PLC0415 - only once somebody has to decide something

        from qms_mcp.page.application import build_page  # noqa: PLC0415

        class Server(uvicorn.Server):
            @contextmanager
            def capture_signals(self) -> Generator[None]:
                yield  # signals are the business of the process, not of the page

        listening = _listen(self._wanted_port)
        port = listening.getsockname()[1]
        hosts = [f"{HOST}:{port}", f"localhost:{port}", *([HOST, "localhost"] if port == 80 else [])]  # noqa: PLR2004
        config = uvicorn.Config(
            build_page(self._desk, self._reviews, hosts=hosts),
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            http="h11",
            server_header=False,
            proxy_headers=False,
            limit_concurrency=_AT_ONCE,
            timeout_keep_alive=5,
            timeout_graceful_shutdown=1,
        )
        server = Server(config)

        def stop() -> None:
            server.should_exit = server.force_exit = True

        self._stop = stop
        self._serving = asyncio.get_running_loop().create_task(server.serve(sockets=[listening]))
        # The socket listens already: a browser that comes before the server is up waits in its queue.
        _log.info("the approval page is at http://%s:%d", HOST, port)
        return f"http://{HOST}:{port}"


def _listen(port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
        listening.listen(64)
    except OSError as error:
        listening.close()
        raise UnavailableError(
            f"The approval page can't be served on port {port}.",
            hint="Set QMS_PAGE_PORT to another port, or to 0 for any that is free.",
        ) from error
    listening.setblocking(False)
    return listening


def _nothing() -> None:
    """Stop nothing."""
