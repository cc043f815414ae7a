"""The engine of a process that runs agents: it joins the durable workflows, and keeps its hold on what it runs.

A server starts it with its first dispatch (or when an earlier server of the same person ended in the middle of one); a
worker is nothing else. Its lease is in the database before it takes any work, so another process can tell whether it
lives. What a dead process had is put back into the queue by whoever notices first, and taken up once.

A server works for one person: its workflows carry that person in their version, so no other server takes them up and
spends somebody else's key. Workers work for everybody.
"""

import asyncio
import logging
import os
import socket
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, contextmanager, suppress
from contextvars import Context
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID, uuid4

import anyio
import anyio.to_thread

from qms_mcp import __version__
from qms_mcp.agents.definition import AgentDefinition
from qms_mcp.agents.roster import roster
from qms_mcp.auth.principal import Principal
from qms_mcp.db.durable import SCHEMA, durable_schema_is_there, ensure_durable_schema, system_url
from qms_mcp.dispatch.conclusion import Conclusion
from qms_mcp.dispatch.course import Course
from qms_mcp.dispatch.jobs import ENDED, JobWorker
from qms_mcp.dispatch.run import AgentRun
from qms_mcp.dispatch.tool_server import AgentHost
from qms_mcp.errors import QmsError, UnavailableError
from qms_mcp.services.dispatch.rows import GRACE, DispatchRows, TakenRun

if TYPE_CHECKING:
    from qms_mcp.agents.claude.access import ClaudeAccess
    from qms_mcp.db.wiring import Wiring
    from qms_mcp.ledger.recorder import Recorder
    from qms_mcp.rate_limit import RateLimiter
    from qms_mcp.registry import ToolSpec
    from qms_mcp.services.container import Services
    from qms_mcp.settings import Settings

_log = logging.getLogger(__name__)
_APPLICATION = "qms-mcp"
_WORKFLOWS = "1"  # raised when the steps of the workflows change: then processes of two versions do not mix

_BEAT_SECONDS, _WATCH_SECONDS = 1.0, 0.25
_IN_PROCESS_POLL, _QUEUE_POLL = 0.5, 0.05
_LET_GO_SECONDS = 1.0


class Engine:
    """Runs dispatches.

    Args:
        settings: What the environment says.
        services: Over the database.
        wiring: Its logins.
        recorder: Of this process.
        limiter: Counts calls per organization.
        offered: The tools this process offers; None for all.
        person: On whose behalf a server works; None for a worker.
    """

    def __init__(
        self,
        settings: "Settings",
        services: "Services",
        wiring: "Wiring",
        *,
        recorder: "Recorder",
        limiter: "RateLimiter",
        offered: "Sequence[ToolSpec] | None" = None,
        person: Principal | None = None,
    ) -> None:
        self.kind: Literal["server", "worker"] = "worker" if person is None else "server"
        self.executor = f"{self.kind}:{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"
        self.claude: ClaudeAccess | None = services.dispatches.claude
        self.rows = DispatchRows(services.database)
        self._settings = settings
        self._services = services
        self._wiring = wiring
        self._recorder = recorder
        self._limiter = limiter
        self._offered = offered
        self._person = person
        self._conclusion = Conclusion(services, self.rows, recorder)
        self._work = JobWorker(self, services)
        self._room = asyncio.Semaphore(settings.qms_agents_at_once)
        self._held: dict[UUID, tuple[int, anyio.CancelScope]] = {}
        self._stirred: dict[UUID, anyio.Event] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._starting = anyio.Lock()
        self._joined = False
        self._closing = False

    # What the workflows ask for -------------------------------------------------------------------------------------

    @property
    def poll_seconds(self) -> float:
        """How often to look for what other processes did."""
        return _QUEUE_POLL if self.kind == "worker" else _IN_PROCESS_POLL

    def course(self, dispatch_id: str, opening: int) -> Course:
        """Return what drives a dispatch."""
        begin, conclude = self._conclusion.begin, self._conclusion.conclude
        return Course(self, self.rows, dispatch_id, opening, dead=self._dead, begin=begin, conclude=conclude)

    def run(self, dispatch_id: str, key: str, attempt: int) -> AgentRun:
        """Return what drives a task."""
        return AgentRun(self, self.rows, dispatch_id, key, attempt)

    @contextmanager
    def working_on(self) -> Generator[None]:
        """Count the workflow of this task among those the process has, for as long as it runs."""
        task = asyncio.current_task()
        if self._closing or task is None:
            raise asyncio.CancelledError
        self._tasks.add(task)
        try:
            yield
        finally:
            self._tasks.discard(task)

    def hold(self, subject: UUID, fence: int) -> anyio.CancelScope:
        """Return a scope that is cancelled when the subject is lost."""
        scope = anyio.CancelScope()
        self._held[subject] = (fence, scope)
        return scope

    def release(self, subject: UUID) -> None:
        """Stop watching a subject."""
        self._held.pop(subject, None)
        self._stirred.pop(subject, None)

    def stirred(self, dispatch_id: UUID) -> anyio.Event:
        """Return the event that is set when a task of the dispatch ends in this process."""
        event = self._stirred[dispatch_id] = anyio.Event()
        return event

    def stir(self, dispatch_id: UUID) -> None:
        """Say that a task of the dispatch has ended."""
        for event in list(self._stirred.values()):  # others may have waited for its place
            event.set()
        del dispatch_id

    async def do_job(self, job_id: str) -> str:
        """Do the work of a job, for as long as this process has it."""
        return await self._work.do(UUID(job_id))

    async def ended(self, principal: Principal, run: TakenRun) -> None:
        """Take note that a run has ended: it is scored, and what is on trial is watched. It never fails."""
        await self._work.run_ended(principal, run)

    def definition(self, agent: str) -> AgentDefinition:
        """Return an agent."""
        return roster()[agent]

    def shipped(self, agents: Sequence[str] | None = None) -> Mapping[str, Mapping[str, str]]:
        """Return the version and content of agents as they are shipped; of all when none is named."""
        return {
            name: {"version": definition.version, "content": definition.content}
            for name, definition in roster().items()
            if agents is None or name in agents
        }

    def host_of(self, principal: Principal) -> AgentHost:
        """Return what the calls of an agent are made on."""
        return AgentHost(self._recorder, self._services, principal, self._limiter)

    def specs(self) -> "Sequence[ToolSpec] | None":
        """Return the tools this process offers; None for all."""
        return self._offered

    async def room(self) -> AsyncExitStack:
        """Wait for a place among the agents of this process; closed, it is free again."""
        await self._room.acquire()
        stack = AsyncExitStack()
        stack.callback(self._room.release)
        return stack

    # What starts and ends dispatches ----------------------------------------------------------------------------------

    async def start(self, dispatch_id: UUID, opening: int, *, in_workers: bool) -> None:
        """Start a dispatch here or in workers; started already, it is left alone.

        Raises:
            UnavailableError: The tables of the workflows are missing, or the database is away.
        """
        await self.join()
        from qms_mcp.dispatch import workflows  # noqa: PLC0415 - loaded by now

        if in_workers:
            await workflows.enqueue_dispatch(str(dispatch_id), opening, worker_version())
            return
        starting = asyncio.get_running_loop().create_task(
            workflows.start_dispatch(str(dispatch_id), opening),
            context=Context(),  # nothing of the call that asked for it goes along
        )
        await asyncio.shield(starting)

    async def cancelled(self, dispatch_id: UUID, opening: int) -> None:
        """Stop what this process does for a dispatch that was cancelled, and keep others from taking it up."""
        await self._look_around()
        await self._conclusion.cancelled(dispatch_id)
        if not self._joined:
            return
        from qms_mcp.dispatch import workflows  # noqa: PLC0415

        with suppress(Exception):  # it is cancelled in our tables: that decides
            await workflows.cancel(str(dispatch_id), opening)

    async def start_job(self, job_id: UUID, *, in_workers: bool) -> None:
        """Start a job here or in workers; started already, it is left alone.

        Raises:
            UnavailableError: The tables of the workflows are missing, or the database is away.
        """
        await self.join()
        from qms_mcp.dispatch import workflows  # noqa: PLC0415 - loaded by now

        if in_workers:
            await workflows.enqueue_job(str(job_id), worker_version())
            return
        starting = asyncio.get_running_loop().create_task(workflows.start_job(str(job_id)), context=Context())
        await asyncio.shield(starting)

    async def workers_are_there(self) -> bool:
        """Whether some worker takes dispatches from the queue now."""
        return bool(await self.rows.living(GRACE, "worker"))

    async def join(self) -> None:
        """Take part in the durable workflows: from now on this process has a lease and takes work.

        Raises:
            UnavailableError: The tables of the workflows are missing, or the database is away.
        """
        async with self._starting:
            if self._joined or self._closing:
                return
            if self._settings.embedded:
                await ensure_durable_schema(self._wiring.owner)
            elif not await durable_schema_is_there(self._wiring.server):
                raise UnavailableError(
                    "The tables of the durable workflows are missing.",
                    hint="Run `qms-mcp migrate` as the owner of the database (DATABASE_URL_DIRECT).",
                )
            workflows = await anyio.to_thread.run_sync(_import_workflows)
            await self._beat()  # before it can have any work
            workflows.bind(self)
            most = self._settings.qms_agents_at_once
            await workflows.launch(self._configuration(), queues=self.kind == "worker", most=most)
            self._joined = True

    async def live(self) -> None:
        """Beat, look around and take over from the dead, until cancelled."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._keep_lease)
            tasks.start_soon(self._keep_watch)
            tasks.start_soon(self._work.keep_time, self._person)

    async def aclose(self) -> None:
        """Stop at once and hand back what is under way: another process, or this one's successor, goes on with it."""
        self._closing = True
        if not self._joined:
            return
        from qms_mcp.dispatch import workflows  # noqa: PLC0415

        workflows.bind(None)
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_LET_GO_SECONDS)
        await anyio.to_thread.run_sync(workflows.leave, abandon_on_cancel=True)
        # DBOS had put its own threads in the place of those of the loop, and they are gone.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor())
        with suppress(QmsError):
            await self.rows.leave(self.executor)
        if self.claude is not None:
            await self.claude.aclose()

    # How it lives -----------------------------------------------------------------------------------------------------

    async def _keep_lease(self) -> None:
        while True:
            try:
                if self._closing:
                    return
                if self._joined:
                    await self._beat()
                    await self._take_over()
                    await self._begin_forgotten()
                    await self._work.begin_forgotten(self._person)
                elif self._person is None or await self.rows.left_behind(self._person, GRACE):
                    await self.join()
            except QmsError as error:
                _log.warning("the agents of this process are on hold: %s", error.message)
            except Exception:  # noqa: BLE001 - whatever it is, it goes on
                _log.exception("the agents of this process are on hold")
            await anyio.sleep(_BEAT_SECONDS if self._joined else _BEAT_SECONDS * 5)

    async def _keep_watch(self) -> None:
        while True:
            await anyio.sleep(_WATCH_SECONDS)
            with suppress(QmsError):  # without a database nothing can be lost, and nothing kept
                await self._look_around()

    async def _look_around(self) -> None:
        if not self._held:
            return
        held = {subject: fence for subject, (fence, _) in self._held.items()}
        for subject in await self.rows.lost(held):
            fence, scope = self._held.get(subject, (None, None))
            if scope is not None and fence == held[subject]:
                scope.cancel()
                self._held.pop(subject, None)

    async def _beat(self) -> None:
        person = self._person
        await self.rows.beat(
            {
                "id": self.executor,
                "kind": self.kind,
                "organization_id": str(person.organization_id) if person else None,
                "user_id": str(person.user_id) if person else None,
                "host": socket.gethostname(),
                "pid": os.getpid(),
                "version": __version__,
            }
        )

    async def _take_over(self) -> None:
        from qms_mcp.dispatch import workflows  # noqa: PLC0415

        having_work = await workflows.executors_with_work(self._version())
        if having_work <= {self.executor}:
            return
        dead = having_work - await self.rows.living(GRACE) - {self.executor}
        if dead:
            _log.warning("taking over what %s had", ", ".join(sorted(dead)))
            await workflows.recover(sorted(dead))

    async def _begin_forgotten(self) -> None:
        """Start what was recorded by a process that died before it could start it."""
        from qms_mcp.dispatch import workflows  # noqa: PLC0415

        for dispatch_id, opening in await self.rows.not_begun(self._person, GRACE / 2):
            begun = await workflows.status(workflows.dispatch_workflow(str(dispatch_id), opening))
            if begun in ENDED:
                await self.rows.abandon(dispatch_id, "It could not be begun; the log of qms-mcp says more.")
            elif begun is None:
                await self.start(dispatch_id, opening, in_workers=self._person is None)

    async def _dead(self, dispatch_id: UUID, active: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
        """Return those tasks whose workflow has ended, although nobody said how."""
        from qms_mcp.dispatch import workflows  # noqa: PLC0415

        found: list[tuple[str, int]] = []
        for key, attempt in active:
            if await workflows.status(workflows.task_workflow(str(dispatch_id), key, attempt)) in ENDED:
                found.append((key, attempt))
        return found

    def _version(self) -> str:
        person = self._person
        return worker_version() if person is None else f"{_WORKFLOWS}:{person.organization_id}:{person.user_id}"

    def _configuration(self) -> dict[str, Any]:
        connect: dict[str, Any] = {"prepare_threshold": None, "application_name": "qms-mcp workflows"}
        return {
            "name": _APPLICATION,
            "system_database_url": system_url(self._wiring.server),
            "dbos_system_schema": SCHEMA,
            "executor_id": self.executor,
            "application_version": self._version(),
            "run_migrations": False,
            "use_listen_notify": False,  # so that it also works behind a pooler
            "sys_db_pool_size": 4,
            "sys_db_idle_transaction_timeout_sec": 0,
            "db_engine_kwargs": {"connect_args": connect},
            "log_level": "CRITICAL",
            "enable_otlp": False,
        }


def worker_version() -> str:
    """Return the version of workflows that workers take."""
    return f"{_WORKFLOWS}:workers"


def _import_workflows():  # noqa: ANN202 - the module itself
    from qms_mcp.dispatch import workflows  # noqa: PLC0415 - it imports DBOS

    return workflows
