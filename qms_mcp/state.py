"""What one running server holds, and how it comes up in the background.

A client waits for `initialize`, so nothing heavy happens before it is answered. The database is then started (when
it is ours), migrated and opened by a task of its own; the first call that needs it waits here, and is told how far
it is.
"""

import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup

from qms_mcp.auth.principal import Principal
from qms_mcp.errors import QmsError, UnavailableError
from qms_mcp.ledger.recorder import Recorder
from qms_mcp.ledger.spool import Spool
from qms_mcp.settings import Settings

if TYPE_CHECKING:
    from qms_mcp.rate_limit import RateLimiter
    from qms_mcp.services.container import Services
    from qms_mcp.startup import Foundation

_log = logging.getLogger(__name__)
_RETRY_AFTER = 2.0
_TELL_EVERY = 0.5
_VECTORS_AFTER = 2.0
_HAND_BACK = 0.5

Tell = Callable[[float, str], Awaitable[None]]


class Agents(Protocol):
    """What runs agents in this process."""

    async def live(self) -> None:
        """Keep its lease and look after what it runs, until cancelled."""
        ...

    async def aclose(self) -> None:
        """Hand back what is under way."""
        ...


MakeAgents = Callable[["Foundation", Recorder], Agents]
LayFoundation = Callable[[Settings, Path, Callable[[str], None]], Awaitable["Foundation"]]


class ServerState:
    """The parts of a running server; the ones that need the database are there once it is ready.

    Attributes:
        recorder: Takes entries from the first moment on (to the spool, until there is a database).
        principal: On whose behalf the calls of this server are.

    Args:
        settings: What the environment says.
        home: Where the spool is.
        lay_foundation: What brings the database and the services up; the default is `qms_mcp.startup`'s.
        make_agents: Makes what runs agents; without it none are run.
    """

    def __init__(
        self,
        settings: Settings,
        home: Path,
        lay_foundation: LayFoundation | None = None,
        *,
        make_agents: MakeAgents | None = None,
    ) -> None:
        self.settings = settings
        self.home = home
        self._lay = lay_foundation or _lay_foundation
        self.recorder = Recorder(Spool(home / "spool"), to_langfuse=settings.langfuse_configured)
        self.services: Services | None = None
        self.principal: Principal | None = None
        self.limiter: RateLimiter | None = None
        self.stage = "starting"
        self.failure: QmsError | None = None
        self._foundation: Foundation | None = None
        self._make_agents = make_agents
        self._agents: Agents | None = None
        self._wanted = anyio.Event()
        self._settled = anyio.Event()
        self._vectors: anyio.CancelScope | None = None
        self._vectors_made = anyio.Event()

    def start(self, tasks: TaskGroup) -> None:
        """Start what works in the background."""
        self.recorder.start(tasks)
        tasks.start_soon(self._come_up, tasks)

    def first_answer_sent(self) -> None:
        """The client has its first answer: from now on the machine may be used for the database."""
        self._wanted.set()

    async def ready(self, tell: Tell | None = None) -> None:
        """Wait until the database is there, telling the caller how far it is.

        Raises:
            QmsError: It can't be had; why, and what to do.
        """
        self._wanted.set()
        waited = 0.0
        while not self._settled.is_set():
            with anyio.move_on_after(_TELL_EVERY):
                await self._settled.wait()
                break
            waited += _TELL_EVERY
            if tell is not None:
                await tell(waited, self.stage)
        if self.failure is not None:
            raise self.failure

    async def _come_up(self, tasks: TaskGroup) -> None:
        with anyio.move_on_after(1.0):
            await self._wanted.wait()
        while True:
            try:
                await self._lay_foundation()
            except QmsError as error:
                self.failure = error
                _log.warning("not ready: %s", error.prose())
            except Exception:  # noqa: BLE001 - whatever it is, the server answers and tries again
                self.failure = UnavailableError("The server could not start.", hint="`qms-mcp doctor` says more.")
                _log.exception("the server could not start")
            else:
                self.failure = None
            self._settled.set()
            if self.failure is None:
                tasks.start_soon(self._make_vectors)
                if self._agents is not None:
                    tasks.start_soon(self._agents.live)
                await self._escalate()
                return
            await anyio.sleep(_RETRY_AFTER)

    async def _escalate(self) -> None:
        """Raise what became overdue while no server ran, where its person may write at all."""
        if self.services is None or self.principal is None or self.principal.roles <= {"auditor"}:
            return
        try:
            await self.services.workflow.escalate(self.principal)
        except QmsError as error:
            _log.warning("what is overdue was not escalated: %s", error.prose())

    async def _make_vectors(self) -> None:
        """Make vectors of new texts in the background, once the first calls have had the machine for themselves."""
        if self.services is None or self.principal is None or not self.settings.qms_embed_in_server:
            return
        try:
            with anyio.CancelScope() as self._vectors:
                await anyio.sleep(_VECTORS_AFTER)
                await self.services.embedding.worker(self.principal).run()
        finally:
            self._vectors_made.set()

    async def _stop_vectors(self) -> None:
        """Let the worker hand back what it has while there is a database."""
        if self._vectors is not None:
            self._vectors.cancel()
            with anyio.move_on_after(_HAND_BACK):
                await self._vectors_made.wait()

    async def _lay_foundation(self) -> None:
        self.stage = "loading"
        self._foundation = await self._lay(self.settings, self.home, self._at_stage)
        self.services, self.principal = self._foundation.services, self._foundation.principal
        self.limiter = self._foundation.limiter
        await self.recorder.attach(self._foundation.store)
        for sink in self._foundation.sinks:
            self.recorder.add_sink(sink)
        if self._make_agents is not None:
            self._agents = await anyio.to_thread.run_sync(self._make_agents, self._foundation, self.recorder)
        self.stage = "ready"

    def _at_stage(self, stage: str) -> None:
        self.stage = stage

    async def aclose(self) -> None:
        """Write what is left and let go of everything."""
        if self._agents is not None:
            await self._agents.aclose()
        await self._stop_vectors()
        await self.recorder.aclose()
        if self._foundation is not None:
            await self._foundation.aclose()


async def _lay_foundation(settings: Settings, home: Path, at_stage: Callable[[str], None]) -> "Foundation":
    startup = await anyio.to_thread.run_sync(_import_startup)
    return await startup.lay_foundation(settings, home, at_stage)


def _import_startup():  # noqa: ANN202 - the module itself
    from qms_mcp import startup  # noqa: PLC0415 - heavy, and the client waits

    return startup
