"""How an engine does jobs, and what it does when a run has ended.

A job is one durable step: killed in it, another process takes the job and does its work again, from what it kept. While
it works, the engine watches whether the job is still its own.
"""

import logging
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

import anyio

from qms_mcp.auth.principal import Principal
from qms_mcp.errors import NotAuthenticatedError, QmsError, TakenOverError
from qms_mcp.services.dispatch.rows import GRACE, TakenRun
from qms_mcp.services.learning.after_runs import EndedRun

if TYPE_CHECKING:
    from datetime import datetime

    from qms_mcp.services.container import Services

_FIRST_TICK, _NEXT_TICK = 60.0, 20.0
ENDED = {"SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"}  # of a workflow
_log = logging.getLogger(__name__)


class Holder(Protocol):
    """What a job needs of the process it runs in."""

    executor: str

    def hold(self, subject: UUID, fence: int) -> anyio.CancelScope:
        """Return a scope that is cancelled when the subject is lost."""
        ...

    def release(self, subject: UUID) -> None:
        """Stop watching a subject."""
        ...

    async def start_job(self, job_id: UUID, *, in_workers: bool) -> None:
        """Start a job; started already, it is left alone."""
        ...


class JobWorker:
    """Does jobs for an engine."""

    def __init__(self, holder: Holder, services: "Services") -> None:
        self._holder = holder
        self._services = services

    async def do(self, job_id: UUID) -> str:
        """Do the work of a job and return how it ended; `gone` when it is another's."""
        jobs = self._services.jobs
        principal = await jobs.rows.principal(job_id)
        if principal is None:
            await jobs.rows.abandon(job_id, "The person it was for does not belong to the organization any more.")
            return "gone"
        try:
            job = await jobs.rows.take(principal, job_id, self._holder.executor)
            if job is None:
                return "gone"
            work = jobs.work(job.kind)
            if work is None:
                await jobs.rows.finish(job, "failed", error=f"This version of qms-mcp knows no {job.kind} jobs.")
                return "failed"
            with self._holder.hold(job_id, job.fence):
                return await jobs.rows.do(job, work)
        except (TakenOverError, NotAuthenticatedError) as lost:
            _log.info("job %s is gone: %s", job_id, lost.message)
        finally:
            self._holder.release(job_id)
        return "gone"

    async def begin_forgotten(self, person: Principal | None) -> None:
        """Start what was recorded by a process that died before it could start it."""
        from qms_mcp.dispatch import workflows  # noqa: PLC0415 - loaded by now

        jobs = self._services.jobs.rows
        for job_id in await jobs.not_begun(person, GRACE / 2):
            begun = await workflows.status(workflows.job_workflow(str(job_id)))
            if begun in ENDED:
                await jobs.abandon(job_id, "It could not be begun; the log of qms-mcp says more.")
            elif begun is None:
                await self._holder.start_job(job_id, in_workers=person is None)

    async def keep_time(self, person: Principal | None) -> None:
        """Open what is due on a schedule, for as long as the process runs.

        Args:
            person: On whose behalf; workers, who have none, go on for those it was done for before.
        """
        if person is not None and person.roles <= {"auditor"}:
            return
        await anyio.sleep(_FIRST_TICK)  # a server that is asked one thing and goes does nothing else
        while True:
            await self.tick(person)
            await anyio.sleep(_NEXT_TICK)

    async def tick(self, person: Principal | None, now: "datetime | None" = None) -> None:
        """Open what is due, now or at another moment; it never fails."""
        try:
            people = [person] if person is not None else await self._services.jobs.rows.keepers()
            for one in people:
                await self._services.operations.ticker.tick(one, now)
        except QmsError as error:
            _log.warning("what is due could not be begun: %s", error.message)
        except Exception:  # noqa: BLE001 - whatever it is, it goes on
            _log.exception("what is due could not be begun")

    async def run_ended(self, principal: Principal, run: TakenRun) -> None:
        """Let the improvement loop take note of a run; it never fails."""
        await self._services.learning.after_runs.run_ended(principal, EndedRun(run.run_id, run.agent, run.lane))
