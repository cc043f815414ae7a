"""How a process works on jobs: every write names the fence it holds, and is refused when it has lost it."""

import json
import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from qms_mcp.auth.principal import Principal
from qms_mcp.db.queries import Query, query
from qms_mcp.errors import QmsError, TakenOverError
from qms_mcp.services.dispatch.rows import patiently
from qms_mcp.services.identify import Membership
from qms_mcp.services.jobs.models import JobWork, Note

if TYPE_CHECKING:
    from qms_mcp.db.database import Database
    from qms_mcp.db.transaction import Transaction

_TAKE, _NOTE, _FINISH = query("jobs.take"), query("jobs.note"), query("jobs.finish")
_ON_BEHALF, _ABANDON, _NOT_BEGUN = query("jobs.on_behalf"), query("jobs.abandon"), query("jobs.not_begun")
_KEEPERS = query("jobs.keepers")
_MEMBERSHIPS = query("identity.memberships")
_log = logging.getLogger(__name__)


class TakenJob:
    """A job this process has taken.

    Attributes:
        notes: What was kept so far, by this process and those before it, in order.
        fence: What its writes have to name.
    """

    def __init__(self, rows: "JobRows", principal: Principal, row: Mapping[str, Any]) -> None:
        self._rows = rows
        self.id = UUID(str(row["id"]))
        self.principal = principal
        self.kind = str(row["kind"])
        self.spec: Mapping[str, Any] = row["spec"]
        self.fence = int(row["fence"])
        self.notes = [Note(one["stage"], one["note"]) for one in row["notes"]]

    async def note(self, stage: str, note: Mapping[str, Any] | None = None) -> None:
        """Keep a checkpoint; without one, only say which stage has begun.

        Raises:
            TakenOverError: Another process has the job, or it was cancelled.
        """
        kept = None if note is None else _json(note)
        await self._rows.call(
            self.principal, _NOTE, {"job_id": self.id, "fence": self.fence, "stage": stage, "note": kept}
        )
        if kept is not None:
            self.notes.append(Note(stage, json.loads(kept)))


class JobRows:
    """The rows of jobs, as the processes that work on them see them."""

    def __init__(self, database: "Database") -> None:
        self._database = database

    async def principal(self, job_id: UUID) -> Principal | None:
        """Return on whose behalf to work; None when they do not belong to the organization any more."""
        async with self._database.plumbing() as transaction:
            found = await transaction.fetch_dicts(_ON_BEHALF, {"job_id": job_id})
            return await _still_belongs(transaction, found[0]) if found else None

    async def keepers(self) -> Sequence[Principal]:
        """Return on whose behalf a process without a person opens what is due: one who may, of each organization.

        It is the person for whom a scheduled job was opened last and who still belongs to the organization.
        """
        keepers = dict[UUID, Principal]()
        async with self._database.plumbing() as transaction:
            for row in await transaction.fetch_dicts(_KEEPERS):
                if row["organization_id"] in keepers:
                    continue
                person = await _still_belongs(transaction, row)
                if person is not None and not person.roles <= {"auditor"}:
                    keepers[person.organization_id] = person
        return list(keepers.values())

    async def take(self, principal: Principal, job_id: UUID, executor: str) -> TakenJob | None:
        """Take a job; None when it has ended."""
        row = await self.call(principal, _TAKE, {"job_id": job_id, "executor": executor})
        return None if row is None else TakenJob(self, principal, row)

    async def finish(
        self, job: TakenJob, state: str, result: Mapping[str, Any] | None = None, error: str | None = None
    ) -> None:
        """Record how a job ended.

        Raises:
            TakenOverError: Another process has the job, or it was cancelled.
        """
        params = {
            "job_id": job.id,
            "fence": job.fence,
            "state": state,
            "result": None if result is None else _json(result),
            "error": error,
        }
        await self.call(job.principal, _FINISH, params)

    async def carry_out(self, principal: Principal, job_id: UUID, executor: str, work: JobWork) -> str:
        """Take a job, do its work and record how it ended; return that, or `gone` when it is another's.

        Raises:
            TakenOverError: Another process took it meanwhile.
        """
        job = await self.take(principal, job_id, executor)
        return "gone" if job is None else await self.do(job, work)

    async def do(self, job: TakenJob, work: JobWork) -> str:
        """Do the work of a job that was taken, and record how it ended.

        Raises:
            TakenOverError: Another process has it, or it was cancelled.
        """
        try:
            result = await work(job)
        except TakenOverError:
            raise
        except QmsError as error:
            await self.finish(job, "failed", error=error.prose())
            return "failed"
        except Exception as error:  # noqa: BLE001 - a job that fails says so, and nothing else stops
            _log.exception("job %s of kind %s failed in a way it should not", job.id, job.kind)
            why = f"Something went wrong inside qms-mcp ({type(error).__name__}); its log says more."
            await self.finish(job, "failed", error=why)
            return "failed"
        await self.finish(job, "completed", result)
        return "completed"

    async def abandon(self, job_id: UUID, why: str) -> None:
        """End a job nobody can act for any more."""
        async with self._database.plumbing() as transaction:
            await transaction.fetch_dicts(_ABANDON, {"job_id": job_id, "why": why})

    async def not_begun(self, person: Principal | None, grace: timedelta) -> Sequence[UUID]:
        """Return the jobs of a person, or those for workers, that nobody has taken."""
        params = {
            "organization_id": person.organization_id if person else None,
            "user_id": person.user_id if person else None,
            "grace": grace,
        }
        async with self._database.plumbing() as transaction:
            return [row["id"] for row in await transaction.fetch_dicts(_NOT_BEGUN, params)]

    async def call(self, principal: Principal, named: Query, params: Mapping[str, Any]) -> Any:
        """Run a statement on behalf of somebody and return its value; a database that is away is waited for."""

        async def ask() -> Any:
            async with self._database.transaction(principal) as transaction:
                rows = await transaction.fetch_dicts(named, params)
            return next(iter(rows[0].values())) if rows else None

        return await patiently(ask)


async def _still_belongs(transaction: "Transaction", named: Mapping[str, Any]) -> Principal | None:
    memberships = await transaction.fetch_all(_MEMBERSHIPS, {"user_id": named["user_id"]}, row=Membership)
    for one in memberships:
        if one.organization_id == named["organization_id"]:
            return Principal(named["user_id"], one.organization_id, frozenset(one.roles), "agent", one.email)
    return None


def _json(value: Mapping[str, Any]) -> str:
    # PostgreSQL keeps no NUL in JSON text, and no half of a surrogate pair.
    text = json.dumps(dict(value), ensure_ascii=False, default=str)
    return text.replace("\\u0000", "\\ufffd").encode("utf-8", "replace").decode()
