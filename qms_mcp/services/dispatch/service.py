"""What a caller does with dispatches: plan, open, follow, list, cancel, and try failed tasks again."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID, uuid4

import anyio

from qms_mcp.agents.claude.access import ClaudeAccess
from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.queries import query
from qms_mcp.errors import ConflictError, InvalidInputError, NotAllowedError, NotFoundError, UnavailableError
from qms_mcp.services.dispatch.cases import CaseTask, Purpose, case_rows, fingerprint
from qms_mcp.services.dispatch.gathering import Gathering
from qms_mcp.services.dispatch.models import (
    FINISHED,
    Asked,
    DispatchPage,
    DispatchReport,
    DispatchRow,
    Opened,
    Progress,
    QueueState,
)
from qms_mcp.services.dispatch.planning import Planning, decisions_of, task_rows
from qms_mcp.services.dispatch.reporting import report_of
from qms_mcp.services.dispatch.rows import GRACE

if TYPE_CHECKING:
    from qms_mcp.agents.plan_models import Plan
    from qms_mcp.services.embedding.service import Embedding
    from qms_mcp.settings import Settings

_OPEN, _FIND, _TASKS = query("dispatch.open"), query("dispatch.find"), query("dispatch.tasks")
_PROGRESS, _LIST, _COUNT = query("dispatch.progress"), query("dispatch.list"), query("dispatch.count")
_CANCEL, _REOPEN, _DECIDE = query("dispatch.cancel"), query("dispatch.reopen"), query("dispatch.decide")
_QUEUE = query("dispatch.queue_state")
QUEUE_ALERT = 100
_FIRST_LOOK, _LAST_LOOK = 0.1, 1.0
_TOLD_APART = ("request", "on_failure", "may_draft", "at_once", "budget_tokens", "budget_usd")
STATUSES = ("queued", "running", "completed", "partial", "failed", "cancelled")


class Launcher(Protocol):
    """Who runs dispatches."""

    async def start(self, dispatch_id: UUID, opening: int, *, in_workers: bool) -> None:
        """Start a dispatch; started already, it is left alone."""
        ...

    async def cancelled(self, dispatch_id: UUID, opening: int) -> None:
        """Stop the work for a dispatch that was cancelled."""
        ...

    async def workers_are_there(self) -> bool:
        """Whether some worker takes dispatches from the queue now."""
        ...


class Dispatches:
    """The dispatches of an organization.

    Args:
        database: Where they are.
        embedding: Makes vectors, to find statements that say the same.
        settings: What the environment says.
    """

    def __init__(self, database: Database, embedding: "Embedding", settings: "Settings") -> None:
        self._database = database
        self._settings = settings
        self.approve_above_usd = settings.qms_approve_above_usd
        self.claude = ClaudeAccess.from_settings(settings)
        self._planning = Planning(database, self.claude)
        self.gathering = Gathering(database, embedding)
        self._launcher: Launcher | None = None

    def launch_with(self, launcher: Launcher) -> None:
        """Say who runs dispatches of this process."""
        self._launcher = launcher

    async def plan(self, principal: Principal, asked: Asked) -> "Plan":
        """Return who would do what, in which order, at what estimated cost.

        Raises:
            InvalidInputError: There is no such agent, a task needs one that is not there, or the budget is too small.
        """
        # Workers have a key of their own: whether they do shows when they begin.
        with_model = self.claude is not None or await self._in_workers(self._launching())
        return await self._planning.plan(principal, asked, with_model=with_model)

    async def open(self, principal: Principal, asked: Asked, plan: "Plan", *, call_id: UUID | None = None) -> Opened:
        """Record a dispatch and start it; one of the same run_key is found and not doubled.

        Raises:
            ConflictError: The run_key belongs to another request.
            UnavailableError: Nobody can run agents here.
        """
        launcher = self._launching()
        in_workers = await self._in_workers(launcher)
        run_key = _name(asked.run_key) or f"run-{uuid4().hex[:12]}"
        fingerprint = _fingerprint(asked)
        row: dict[str, Any] = {
            "run_key": run_key,
            "request": asked.request,
            "request_sha256": fingerprint,
            "plan": plan.model_dump(mode="json"),
            "on_failure": asked.on_failure,
            "may_draft": asked.may_draft,
            "offered": sorted(asked.offered) or None,
            "at_once": asked.at_once,
            "budget_tokens": asked.budget_tokens,
            "budget_usd": asked.budget_usd,
            "runs_in": "workers" if in_workers else "server",
            "call_id": str(call_id) if call_id else None,
        }
        async with self._database.transaction(principal) as transaction:
            params = {"asked": json.dumps(row), "tasks": json.dumps(task_rows(plan))}
            found = (await transaction.fetch_dicts(_OPEN, params))[0]
            if found["created"]:
                choices = json.dumps(decisions_of(plan))
                await transaction.execute(_DECIDE, {"dispatch_id": found["id"], "choices": choices})
        if found["request_sha256"] != fingerprint:
            raise ConflictError(
                f"The run_key {run_key!r} belongs to another request.",
                hint="Use another run_key, or ask for exactly the same again; get_dispatch shows what it was.",
            )
        if found["created"]:
            await launcher.start(found["id"], 1, in_workers=in_workers)
        else:
            await self._start(principal, found["id"])
        return Opened(found["id"], run_key, found["created"])

    async def open_cases(
        self,
        principal: Principal,
        cases: Sequence[CaseTask],
        *,
        purpose: Purpose,
        run_key: str,
        at_once: int = 5,
        budget_usd: float | None = None,
    ) -> Opened:
        """Record cases and start them; those of the same run_key are found and not doubled.

        Raises:
            ConflictError: The run_key belongs to other cases.
            InvalidInputError: There is none, there are too many, or an agent does not exist.
            UnavailableError: Nobody can run agents here.
        """
        launcher = self._launching()
        in_workers = await self._in_workers(launcher)
        known_by = fingerprint(cases, purpose)
        tasks = case_rows(cases, budget_usd=budget_usd, at_once=at_once)
        row: dict[str, Any] = {
            "run_key": run_key,
            "request": f"{purpose}: {len(cases)} cases",
            "request_sha256": known_by,
            "plan": {},
            "on_failure": "continue",
            "may_draft": False,
            "offered": None,
            "at_once": at_once,
            "budget_tokens": None,
            "budget_usd": budget_usd,
            "runs_in": "workers" if in_workers else "server",
            "call_id": None,
            "purpose": purpose,
        }
        async with self._database.transaction(principal) as transaction:
            params = {"asked": json.dumps(row), "tasks": json.dumps(tasks)}
            found = (await transaction.fetch_dicts(_OPEN, params))[0]
        if found["request_sha256"] != known_by:
            raise ConflictError(f"The run_key {run_key!r} belongs to other cases.", hint="Use another run_key.")
        await self._start(principal, found["id"])
        return Opened(found["id"], run_key, found["created"])

    async def wait(self, principal: Principal, dispatch_id: UUID) -> Progress:
        """Wait until a dispatch has ended, and return how."""
        pause = _FIRST_LOOK
        while (progress := await self.progress(principal, dispatch_id)).status not in FINISHED:
            await anyio.sleep(pause)
            pause = min(pause * 1.5, _LAST_LOOK)
        return progress

    async def report(self, principal: Principal, named: str, *, full: bool = True) -> DispatchReport:
        """Return where a dispatch stands, and what came of it so far.

        Raises:
            NotFoundError: There is none of this id or run_key.
        """
        dispatch, tasks = await self._read(principal, named)
        result = dispatch["result"]
        if full and result is None and any(task["output"] for task in tasks):
            result = await self.gathering.gather(principal, tasks)
        return report_of(dispatch, tasks, result if full else None)

    async def progress(self, principal: Principal, dispatch_id: UUID) -> Progress:
        """Return how far a dispatch is, in one row."""
        async with self._database.transaction(principal, read_only=True) as transaction:
            found = await transaction.fetch_one(_PROGRESS, {"dispatch_id": dispatch_id}, row=Progress)
        if found is None:
            raise _unknown(str(dispatch_id))
        return found

    async def page(
        self, principal: Principal, *, status: str | None = None, limit: int = 20, cursor: str = ""
    ) -> DispatchPage:
        """Return dispatches, the newest first, and how full the queue is.

        Raises:
            InvalidInputError: The cursor or the status is none of ours.
        """
        if status is not None and status not in STATUSES:
            raise InvalidInputError(f"There is no status {status!r}.", hint=f"There is: {', '.join(STATUSES)}.")
        before, before_id = _position(cursor)
        params = {"status": status, "before": before, "before_id": before_id, "max_rows": limit + 1}
        async with self._database.transaction(principal, read_only=True) as transaction:
            rows = await transaction.fetch_dicts(_LIST, params)
            total = (await transaction.fetch_dicts(_COUNT, {"status": status}))[0]["total"]
            queue = await transaction.fetch_dicts(_QUEUE)
        shown = [DispatchRow(**row) for row in rows[:limit]]
        more = f"{shown[-1].created_at.isoformat()}|{shown[-1].id}" if len(rows) > limit else ""
        return DispatchPage(total=total, items=shown, next_cursor=more, queue=_queue(queue[0]))

    async def cancel(self, principal: Principal, named: str, reason: str) -> DispatchReport:
        """End a dispatch and all its runs now; what was finished stays.

        Raises:
            NotFoundError: There is none of this id or run_key.
        """
        dispatch, _ = await self._read(principal, named)
        async with self._database.transaction(principal) as transaction:
            await transaction.fetch_dicts(_CANCEL, {"dispatch_id": dispatch["id"], "reason": reason})
        if self._launcher is not None:
            await self._launcher.cancelled(dispatch["id"], dispatch["opening"])
        return await self.report(principal, named)

    async def retry(self, principal: Principal, named: str) -> Opened:
        """Try the tasks again that did not get done; those that did keep their answers.

        Raises:
            NotFoundError: There is none of this id or run_key.
            ConflictError: It has not ended, or nothing of it failed.
            NotAllowedError: It is somebody else's.
        """
        dispatch, _ = await self._read(principal, named)
        async with self._database.transaction(principal) as transaction:
            again = (await transaction.fetch_dicts(_REOPEN, {"dispatch_id": dispatch["id"]}))[0]["tasks"]
        if not again and dispatch["user_id"] != principal.user_id:
            raise NotAllowedError(
                f"{dispatch['run_key']} was sent by somebody else, and its agents act as them.",
                hint="Ask them to try it again, or send it under a run_key of your own.",
            )
        if not again:
            raise ConflictError(
                f"Nothing of {dispatch['run_key']} is to be tried again: it is {dispatch['status']}.",
                hint="Only failed, skipped and cancelled tasks of a dispatch that has ended are tried again.",
            )
        await self._start(principal, dispatch["id"])
        return Opened(dispatch["id"], dispatch["run_key"], created=False)

    async def _start(self, principal: Principal, dispatch_id: UUID) -> None:
        dispatch, _ = await self._read(principal, str(dispatch_id))
        in_workers = dispatch["runs_in"] == "workers"
        # Somebody else's is followed and not started: their server runs it, as them.
        if dispatch["finished_at"] is None and (in_workers or dispatch["user_id"] == principal.user_id):
            await self._launching().start(dispatch["id"], dispatch["opening"], in_workers=in_workers)

    async def _read(self, principal: Principal, named: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        name = named.strip().removeprefix("qms://dispatch/")
        async with self._database.transaction(principal, read_only=True) as transaction:
            found = await transaction.fetch_dicts(_FIND, {"named": name, "grace": GRACE})
            if not found:
                raise _unknown(name)
            tasks = await transaction.fetch_dicts(_TASKS, {"dispatch_id": found[0]["id"]})
        return found[0], tasks

    async def _in_workers(self, launcher: Launcher) -> bool:
        where = self._settings.qms_agents_in
        return where == "workers" or (where == "auto" and await launcher.workers_are_there())

    def _launching(self) -> Launcher:
        if self._launcher is None:
            raise UnavailableError("Agents can't be run here.", hint="Start them through `qms-mcp serve`.")
        return self._launcher


def _name(run_key: str) -> str:
    name = run_key.strip()
    if not name.isprintable():
        raise InvalidInputError("The run_key has characters nobody can see.", hint="Use letters, digits and hyphens.")
    return name


def _fingerprint(asked: Asked) -> str:
    """Return what tells one request from another; under which name it goes does not matter."""
    parts: Mapping[str, Any] = {
        **{name: getattr(asked, name) for name in _TOLD_APART},
        "tasks": [task.model_dump(mode="json") for task in asked.tasks],
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _position(cursor: str) -> tuple[datetime | None, UUID | None]:
    if not cursor:
        return None, None
    try:
        moment, last = cursor.split("|")
        return datetime.fromisoformat(moment), UUID(last)
    except ValueError as wrong:
        raise InvalidInputError("The cursor is none of ours.", hint="Pass next_cursor of the page before.") from wrong


def _queue(row: Mapping[str, Any]) -> QueueState:
    depth = row["waiting"] + row["queued"]
    oldest = row["oldest_waiting"]
    age = datetime.now(oldest.tzinfo) - oldest if oldest else timedelta()
    return QueueState(
        waiting=row["waiting"],
        queued=row["queued"],
        running=row["running"],
        oldest_seconds=max(0, round(age.total_seconds())),
        failed_last_hour=row["failed_last_hour"],
        servers=row["servers"],
        workers=row["workers"],
        alert=f"{depth} tasks wait, more than {QUEUE_ALERT}: start workers or ask for less."
        if depth > QUEUE_ALERT
        else "",
    )


def _unknown(named: str) -> NotFoundError:
    return NotFoundError(f"There is no dispatch {named[:80]!r}.", hint="list_dispatches shows what there is.")
