"""What callers do with jobs: open, follow, list, cancel; and what work there is to do for each kind."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

import anyio

from qms_mcp.auth.principal import Principal
from qms_mcp.db.queries import query
from qms_mcp.errors import ConflictError, InvalidInputError, NotFoundError
from qms_mcp.services.jobs.models import JobPage, JobRow, JobWork
from qms_mcp.services.jobs.rows import JobRows

if TYPE_CHECKING:
    from qms_mcp.db.database import Database
    from qms_mcp.settings import Settings

_OPEN, _FIND, _LIST, _COUNT = query("jobs.open"), query("jobs.find"), query("jobs.list"), query("jobs.count")
_CANCEL = query("jobs.cancel")
_FIRST_LOOK, _LAST_LOOK = 0.1, 1.0


class JobLauncher(Protocol):
    """Who works on jobs."""

    async def start_job(self, job_id: UUID, *, in_workers: bool) -> None:
        """Start a job; started already, it is left alone."""
        ...

    async def workers_are_there(self) -> bool:
        """Whether some worker takes work from the queue now."""
        ...


class Jobs:
    """The jobs of an organization.

    Args:
        database: Where they are.
        settings: What the environment says.
    """

    def __init__(self, database: "Database", settings: "Settings") -> None:
        self._database = database
        self._settings = settings
        self._works: dict[str, JobWork] = {}
        self._launcher: JobLauncher | None = None
        self.rows = JobRows(database)

    def register(self, kind: str, work: JobWork) -> None:
        """Say what is to be done for a kind of job."""
        self._works[kind] = work

    def work(self, kind: str) -> JobWork | None:
        """Return what is to be done for a kind; None when this process does not know it."""
        return self._works.get(kind)

    def launch_with(self, launcher: JobLauncher) -> None:
        """Say who works on jobs of this process."""
        self._launcher = launcher

    async def open(
        self, principal: Principal, kind: str, key: str, spec: Mapping[str, Any], *, start: bool = True
    ) -> JobRow:
        """Record a job and start it; one of the same kind and key is found and not doubled.

        Args:
            principal: On whose behalf.
            kind: What sort of work.
            key: What tells it from others of its kind.
            spec: What it is to do, as JSON.
            start: Whether to start it; else it is left to `run_here`, or to whoever finds it.

        Raises:
            ConflictError: The key belongs to a job with another spec.
            NotAllowedError: The caller only reads.
        """
        launcher = self._launcher
        in_workers = await self._in_workers(launcher)
        params = {
            "kind": kind,
            "key": key,
            "spec": json.dumps(dict(spec), ensure_ascii=False, default=str),
            "runs_in": "workers" if in_workers else "server",
        }
        async with self._database.transaction(principal) as transaction:
            opened = (await transaction.fetch_dicts(_OPEN, params))[0]
        job = await self.get(principal, str(opened["id"]))
        if job.spec != json.loads(params["spec"]):
            raise ConflictError(
                f"There is a {kind} job with the key {key!r} that does something else.", hint="Use another key."
            )
        # Somebody else's is followed and not started: their server works on it, as them.
        ours = job.runs_in == "workers" or job.user_id == principal.user_id
        if start and launcher is not None and not job.finished and ours:
            await launcher.start_job(job.id, in_workers=job.runs_in == "workers")
        return job

    async def get(self, principal: Principal, named: str) -> JobRow:
        """Return a job by its id or its key.

        Raises:
            NotFoundError: There is none.
        """
        async with self._database.transaction(principal, read_only=True) as transaction:
            found = await transaction.fetch_one(_FIND, {"named": named.strip()}, row=JobRow)
        if found is None:
            raise NotFoundError(f"There is no job {named[:80]!r}.", hint="`qms-mcp jobs history` shows what there is.")
        return found

    async def page(
        self,
        principal: Principal,
        *,
        kind: str | None = None,
        prefix: str | None = None,
        limit: int = 20,
        cursor: str = "",
    ) -> JobPage:
        """Return jobs, the newest first.

        Raises:
            InvalidInputError: The cursor is none of ours.
        """
        before, before_id = _position(cursor)
        asked = {"kind": kind, "prefix": prefix}
        params = {**asked, "before": before, "before_id": before_id, "max_rows": limit + 1}
        async with self._database.transaction(principal, read_only=True) as transaction:
            rows = await transaction.fetch_all(_LIST, params, row=JobRow)
            total = int((await transaction.fetch_dicts(_COUNT, asked))[0]["total"])
        shown = rows[:limit]
        more = f"{shown[-1].created_at.isoformat()}|{shown[-1].id}" if len(rows) > limit else ""
        return JobPage(total, shown, more)

    async def wait(self, principal: Principal, job_id: UUID, seconds: float) -> JobRow:
        """Wait for the end of a job, but no longer than this, and return how it stands."""
        pause = _FIRST_LOOK
        with anyio.move_on_after(seconds):
            while not (await self.get(principal, str(job_id))).finished:
                await anyio.sleep(pause)
                pause = min(pause * 1.5, _LAST_LOOK)
        return await self.get(principal, str(job_id))

    async def cancel(self, principal: Principal, named: str, reason: str) -> JobRow:
        """End a job now; what it has done so far stays.

        Raises:
            NotFoundError: There is none.
        """
        job = await self.get(principal, named)
        async with self._database.transaction(principal) as transaction:
            await transaction.fetch_dicts(_CANCEL, {"job_id": job.id, "reason": reason})
        return await self.get(principal, str(job.id))

    async def run_here(self, principal: Principal, job_id: UUID, executor: str = "here") -> JobRow:
        """Do the work of a job in this process, now, and return how it ended.

        Raises:
            ConflictError: This process does not know its kind.
            TakenOverError: Another process took it meanwhile.
        """
        job = await self.get(principal, str(job_id))
        work = self._works.get(job.kind)
        if work is None:
            raise ConflictError(f"This process does not know how to do a {job.kind} job.")
        await self.rows.carry_out(principal, job_id, executor, work)
        return await self.get(principal, str(job_id))

    async def _in_workers(self, launcher: JobLauncher | None) -> bool:
        where = self._settings.qms_agents_in
        if launcher is None:
            return False
        return where == "workers" or (where == "auto" and await launcher.workers_are_there())


def _position(cursor: str) -> tuple[datetime | None, UUID | None]:
    if not cursor:
        return None, None
    try:
        moment, last = cursor.split("|")
        return datetime.fromisoformat(moment), UUID(last)
    except ValueError as wrong:
        raise InvalidInputError("The cursor is none of ours.", hint="Pass next_cursor of the page before.") from wrong
