"""How a process works on dispatches: every write names the fence it holds, and is refused when it has lost it."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any, TypeVar, cast
from uuid import UUID

import anyio

from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.queries import Query, query
from qms_mcp.errors import QmsError, UnavailableError
from qms_mcp.services.identify import Membership

_TAKE, _ADVANCE, _FINISH = query("dispatch.take"), query("dispatch.advance"), query("dispatch.finish")
_TAKE_RUN, _KEEP = query("dispatch.take_run"), query("dispatch.keep")
_FINISH_RUN, _LOSE_RUN = query("dispatch.finish_run"), query("dispatch.lose_run")
_BEAT, _LEAVE, _LIVING = query("dispatch.beat"), query("dispatch.leave"), query("dispatch.living")
_WATCH, _ON_BEHALF = query("dispatch.watch"), query("dispatch.on_behalf")
_ABANDON, _LEFT_BEHIND = query("dispatch.abandon"), query("dispatch.left_behind")
_NOT_BEGUN = query("dispatch.not_begun")
_LIMIT, _MEMBERSHIPS = query("dispatch.organization_limit"), query("identity.memberships")
GRACE = timedelta(seconds=6)  # a heartbeat older than this is of a dead process
DEFAULT_PER_ORGANIZATION = 20
_FIRST_WAIT, _LAST_WAIT = 0.2, 5.0
_REMEMBERED = 5.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Advance:
    """What a step of a dispatch decided.

    Attributes:
        start: Tasks to start now, each with its attempt.
        active: Tasks under way, those included.
        waiting: Tasks that wait for others, for room, or for their next try.
        next_at: When the first of these may be tried again.
    """

    start: tuple[tuple[str, int], ...]
    active: tuple[tuple[str, int], ...]
    waiting: int
    settled: int
    next_at: datetime | None

    @property
    def finished(self) -> bool:
        """Nothing is left to do."""
        return not self.start and not self.active and self.waiting == 0


@dataclass(frozen=True, slots=True)
class TakenRun:
    """A task a process has taken, with all it needs to go on.

    Attributes:
        fence: What its writes have to name.
        version_content: Of the version that does it; empty where none is stored.
        lane: Why that version.
        purpose: Of the dispatch: `work`, or to measure a version.
        may_draft: Whether it may use tools that draft.
        offered: The tools of the server that was asked; None for all.
        failed_before: Why the try before failed.
        reserved_tokens: Of this dispatch's budget, for all attempts of the task.
        spent_tokens: By all attempts so far.
        inputs: Answers of the tasks it waited for.
        memory: What earlier processes kept of this attempt, in order.
    """

    dispatch_id: UUID
    organization_id: UUID
    user_id: UUID
    key: str
    agent: str
    request: str
    subject: str
    seconds: int
    attempt: int
    max_attempts: int
    run_id: UUID
    fence: int
    agent_version: str
    version_content: str
    lane: str
    purpose: str
    may_draft: bool
    offered: frozenset[str] | None
    failed_before: str
    parent_run_id: UUID | None
    reserved_tokens: int
    reserved_usd: float
    spent_tokens: int
    spent_usd: float
    limits_money: bool
    created_at: datetime
    inputs: Mapping[str, Any]
    memory: Sequence[Mapping[str, Any]]


class DispatchRows:
    """The rows of dispatches, as the processes that run agents see them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._principals: dict[UUID, tuple[Principal, float]] = {}
        self._stored: set[tuple[UUID, str]] = set()  # shipped versions, by organization and agent

    async def principal(self, dispatch_id: UUID) -> Principal | None:
        """Return on whose behalf to work; None when they do not belong to the organization any more.

        For a moment it is remembered: the policies look at the membership again in every transaction.
        """
        known = self._principals.get(dispatch_id)
        if known is not None and monotonic() - known[1] < _REMEMBERED:
            return known[0]
        self._principals.pop(dispatch_id, None)
        found = await patiently(lambda: self._principal(dispatch_id))
        if found is not None:
            self._principals[dispatch_id] = found, monotonic()
        return found

    async def _principal(self, dispatch_id: UUID) -> Principal | None:
        async with self._database.plumbing() as transaction:
            found = await transaction.fetch_dicts(_ON_BEHALF, {"dispatch_id": dispatch_id})
            if not found:
                return None
            user_id, organization_id = found[0]["user_id"], found[0]["organization_id"]
            memberships = await transaction.fetch_all(_MEMBERSHIPS, {"user_id": user_id}, row=Membership)
        for membership in memberships:
            if membership.organization_id == organization_id:
                return Principal(user_id, organization_id, frozenset(membership.roles), "agent", membership.email)
        return None

    async def take(self, principal: Principal, dispatch_id: UUID, executor: str) -> int | None:
        """Take a dispatch and return the fence; None when it has ended."""
        params = {"dispatch_id": dispatch_id, "executor": executor}
        return cast("int | None", await self._value(principal, _TAKE, params))

    async def advance(self, principal: Principal, dispatch_id: UUID, fence: int, round_name: str) -> Advance:
        """Settle what ended and choose what starts; the same round chooses the same again.

        Raises:
            TakenOverError: Another process has the dispatch, or it was cancelled.
        """

        async def decide() -> Any:
            async with self._database.transaction(principal) as transaction:
                limits = await transaction.fetch_dicts(_LIMIT)
                limit = (limits[0]["at_once"] if limits else None) or DEFAULT_PER_ORGANIZATION
                params = {"dispatch_id": dispatch_id, "fence": fence, "round": round_name, "per_organization": limit}
                return (await transaction.fetch_dicts(_ADVANCE, params))[0]["state"]

        state = await patiently(decide)
        return Advance(
            _tasks(state["start"]),
            _tasks(state["active"]),
            state["waiting"],
            state["settled"],
            datetime.fromisoformat(state["next_at"]) if state["next_at"] else None,
        )

    async def take_run(
        self,
        principal: Principal,
        dispatch_id: UUID,
        key: str,
        attempt: int,
        *,
        executor: str,
        shipped: Mapping[str, Mapping[str, str]],
    ) -> TakenRun | None:
        """Take a task; None when there is nothing to do any more.

        Args:
            principal: On whose behalf.
            dispatch_id: Of which dispatch.
            key: Of the task.
            attempt: At the task.
            executor: This process.
            shipped: The `version` and `content` of each agent as it is shipped: where no other one is to answer.
        """
        params = {
            "dispatch_id": dispatch_id,
            "key": key,
            "attempt": attempt,
            "executor": executor,
            "versions": _json(self._as_known(principal, shipped)),
        }
        run = await self._value(principal, _TAKE_RUN, params)
        if run is None:
            return None
        self._stored.add((principal.organization_id, run["agent"]))
        return _taken(run)

    def _as_known(
        self, principal: Principal, shipped: Mapping[str, Mapping[str, str]]
    ) -> Mapping[str, Mapping[str, str]]:
        """Leave the content out of versions the organization has stored already: it is long."""
        return {
            name: {"version": one["version"]} if (principal.organization_id, name) in self._stored else one
            for name, one in shipped.items()
        }

    async def keep(
        self, principal: Principal, run: TakenRun, kind: str, entry: Mapping[str, Any], *, tokens: int, usd: float
    ) -> None:
        """Keep a checkpoint and what it cost.

        Raises:
            TakenOverError: Another process has the run, or it was cancelled.
        """
        params = {
            "run_id": run.run_id,
            "fence": run.fence,
            "kind": kind,
            "entry": _json(entry),
            "tokens": tokens,
            "usd": usd,
        }
        await self._value(principal, _KEEP, params)

    async def finish_run(
        self, principal: Principal, run: TakenRun, outcome: Mapping[str, Any], *, retry_after: timedelta
    ) -> str:
        """Record how a run ended and return the state of its task.

        Raises:
            TakenOverError: Another process has the run, or it was cancelled.
        """
        params = {
            "run_id": run.run_id,
            "fence": run.fence,
            "outcome": _json(outcome),
            "retry_after": retry_after,
        }
        return str(await self._value(principal, _FINISH_RUN, params))

    async def lose_run(self, principal: Principal, dispatch_id: UUID, key: str, attempt: int, why: str) -> None:
        """Give up a run that no process can finish."""
        params = {"dispatch_id": dispatch_id, "key": key, "attempt": attempt, "why": why}
        await self._value(principal, _LOSE_RUN, params)

    async def finish(
        self,
        principal: Principal,
        dispatch_id: UUID,
        fence: int,
        status: str,
        result: Mapping[str, Any] | None,
        error: str,
    ) -> None:
        """Record what came of a dispatch.

        Raises:
            TakenOverError: Another process has the dispatch, or it was cancelled.
        """
        params = {
            "dispatch_id": dispatch_id,
            "fence": fence,
            "status": status,
            "result": None if result is None else _json(result),
            "error": error or None,
        }
        await self._value(principal, _FINISH, params)

    async def abandon(self, dispatch_id: UUID, why: str) -> None:
        """End a dispatch nobody can act for any more."""
        await self._plumb(_ABANDON, {"dispatch_id": dispatch_id, "why": why})

    async def beat(self, executor: Mapping[str, Any]) -> None:
        """Say that a process is there."""
        await self._plumb(_BEAT, {"executor": json.dumps(dict(executor))})

    async def leave(self, executor: str) -> None:
        """Say that a process ends."""
        await self._plumb(_LEAVE, {"executor": executor})

    async def living(self, grace: timedelta, kind: str | None = None) -> set[str]:
        """Return the processes whose heartbeat is recent."""
        return {row["id"] for row in await self._plumb(_LIVING, {"grace": grace, "kind": kind})}

    async def lost(self, held: Mapping[UUID, int]) -> set[UUID]:
        """Return which of these runs and dispatches, by the fence held, belong to somebody else by now."""
        params = {"runs": list(held), "fences": list(held.values())}
        return {row["id"] for row in await self._plumb(_WATCH, params)}

    async def left_behind(self, principal: Principal, grace: timedelta) -> bool:
        """Whether a server of this person ended in the middle of a dispatch."""
        params = {"organization_id": principal.organization_id, "user_id": principal.user_id, "grace": grace}
        rows = await self._plumb(_LEFT_BEHIND, params)
        return bool(rows and rows[0]["found"])

    async def not_begun(self, person: Principal | None, grace: timedelta) -> list[tuple[UUID, int]]:
        """Return the dispatches of a person, or those for workers, that nobody has taken, each with its opening."""
        params = {
            "organization_id": person.organization_id if person else None,
            "user_id": person.user_id if person else None,
            "grace": grace,
        }
        return [(row["id"], row["opening"]) for row in await self._plumb(_NOT_BEGUN, params)]

    async def _plumb(self, named: Query, params: Mapping[str, Any]) -> list[dict[str, Any]]:
        async with self._database.plumbing() as transaction:
            return await transaction.fetch_dicts(named, params)

    async def _value(self, principal: Principal, named: Query, params: Mapping[str, Any]) -> Any:
        async def ask() -> Any:
            async with self._database.transaction(principal) as transaction:
                rows = await transaction.fetch_dicts(named, params)
            return next(iter(rows[0].values())) if rows else None

        return await patiently(ask)


async def patiently(work: Callable[[], Awaitable[T]]) -> T:
    """Do work that may be repeated, for as long as the database is away: a run outlives that."""
    wait = _FIRST_WAIT
    while True:
        try:
            return await work()
        except QmsError as error:
            if not (isinstance(error, UnavailableError) or _collided(error)):
                raise
            await anyio.sleep(wait)
            wait = min(wait * 2, _LAST_WAIT)


def _collided(error: QmsError) -> bool:
    """Whether the database ended a transaction for the sake of another, which may be repeated."""
    return getattr(error.__cause__, "sqlstate", None) in {"40001", "40P01"}


def _tasks(listed: Sequence[Mapping[str, Any]]) -> tuple[tuple[str, int], ...]:
    return tuple((task["key"], task["attempt"]) for task in listed)


def _json(value: Mapping[str, Any]) -> str:
    # PostgreSQL keeps no NUL in JSON text, and no half of a surrogate pair.
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text.replace("\\u0000", "\\ufffd").encode("utf-8", "replace").decode()


def _taken(run: Mapping[str, Any]) -> TakenRun:
    parent = run["parent_run_id"]
    return TakenRun(
        dispatch_id=UUID(run["dispatch_id"]),
        organization_id=UUID(run["organization_id"]),
        user_id=UUID(run["user_id"]),
        key=run["key"],
        agent=run["agent"],
        request=run["request"],
        subject=run["subject"],
        seconds=run["seconds"],
        attempt=run["attempt"],
        max_attempts=run["max_attempts"],
        run_id=UUID(run["run_id"]),
        fence=run["fence"],
        agent_version=run["agent_version"],
        version_content=run["version_content"] or "",
        lane=run["lane"] or "",
        purpose=run["purpose"],
        may_draft=run["may_draft"],
        offered=frozenset(run["offered"]) if run["offered"] is not None else None,
        failed_before=run["failed_before"] or "",
        parent_run_id=UUID(parent) if parent else None,
        reserved_tokens=run["reserved_tokens"],
        reserved_usd=float(run["reserved_usd"]),
        spent_tokens=run["spent_tokens"],
        spent_usd=float(run["spent_usd"]),
        limits_money=run["budget_usd"] is not None,
        created_at=datetime.fromisoformat(run["created_at"]),
        inputs=run["inputs"],
        memory=run["memory"],
    )
