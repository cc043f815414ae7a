"""The course of one dispatch, as the process that has it drives it: round by round, and then the conclusion."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID

import anyio

from qms_mcp.auth.principal import Principal
from qms_mcp.errors import NotAuthenticatedError, QmsError, TakenOverError
from qms_mcp.services.dispatch.rows import Advance, DispatchRows

_log = logging.getLogger(__name__)
_LOOK_AFTER_SECONDS = 5.0

Begin = Callable[[Principal, UUID], Awaitable[None]]
Conclude = Callable[[Principal, UUID, int], Awaitable[str]]
Dead = Callable[[UUID, Sequence[tuple[str, int]]], Awaitable[list[tuple[str, int]]]]


class Host(Protocol):
    """What a course needs of the process it runs in."""

    @property
    def executor(self) -> str:
        """The name of the process."""
        ...

    @property
    def poll_seconds(self) -> float:
        """How often to look for what other processes did."""
        ...

    def hold(self, subject: UUID, fence: int) -> anyio.CancelScope:
        """Return the scope that is cancelled when the subject is lost."""
        ...

    def release(self, subject: UUID) -> None:
        """Stop watching a subject."""
        ...

    def stirred(self, dispatch_id: UUID) -> anyio.Event:
        """Return the event that is set when a task of the dispatch ends in this process."""
        ...


class Course:
    """Drives one dispatch."""

    def __init__(
        self,
        host: Host,
        rows: DispatchRows,
        dispatch_id: str,
        opening: int,
        *,
        dead: Dead,
        begin: Begin,
        conclude: Conclude,
    ) -> None:
        self._host = host
        self._rows = rows
        self._id = UUID(dispatch_id)
        self._opening = opening
        self._dead = dead
        self._begin = begin
        self._conclude = conclude
        self._principal: Principal | None = None
        self._fence: int | None = None
        self._traced = False

    async def advance(self, number: int) -> dict[str, Any]:
        """Wait until there is something to start or nothing is left, and say so."""
        state: Advance | None = None
        try:
            if await self._take():
                principal, fence = self._taken()
                with self._host.hold(self._id, fence):
                    state = await self._next(principal, fence, f"{self._opening}.{number}")
        except TakenOverError:
            pass
        except NotAuthenticatedError as left:
            await self._rows.abandon(self._id, left.message)
        if state is None:
            self._host.release(self._id)
            return {"start": [], "finished": True}
        return {"start": [list(task) for task in state.start], "finished": state.finished}

    async def conclude(self) -> str:
        """Gather what the agents found and end the dispatch."""
        try:
            if not await self._take():
                return "gone"
            return await self._conclude(*self._known())
        except TakenOverError:
            return "gone"
        except NotAuthenticatedError as left:
            await self._rows.abandon(self._id, left.message)
            return "gone"
        finally:
            self._host.release(self._id)

    async def break_off(self) -> None:
        """End the dispatch after a fault of this program, if it is still this process that has it."""
        why = "Something went wrong inside qms-mcp; its log says more."
        with suppress(QmsError):
            principal, fence = self._taken()
            await self._rows.finish(principal, self._id, fence, "failed", None, why)

    async def _take(self) -> bool:
        if self._fence is not None:
            return True
        self._principal = await self._rows.principal(self._id)
        if self._principal is None:
            await self._rows.abandon(self._id, "The person it was for does not belong to the organization any more.")
            return False
        try:
            self._fence = await self._rows.take(self._principal, self._id, self._host.executor)
        except NotAuthenticatedError as left:
            await self._rows.abandon(self._id, left.message)
        return self._fence is not None

    def _taken(self) -> tuple[Principal, int]:
        if self._principal is None or self._fence is None:
            raise TakenOverError("The dispatch has ended.")
        return self._principal, self._fence

    def _known(self) -> tuple[Principal, UUID, int]:
        principal, fence = self._taken()
        return principal, self._id, fence

    async def _next(self, principal: Principal, fence: int, round_name: str) -> Advance:
        since = anyio.current_time()
        while True:
            stirred = self._host.stirred(self._id)
            state = await self._rows.advance(principal, self._id, fence, round_name)
            if state.start or state.finished:
                return state
            if not self._traced:  # not before: the first agents would wait for it
                self._traced = True
                await self._begin(principal, self._id)
            with anyio.move_on_after(self._pause(state)):
                await stirred.wait()
            if anyio.current_time() - since > _LOOK_AFTER_SECONDS and state.active:
                since = anyio.current_time()
                await self._give_up_dead(principal, state)

    def _pause(self, state: Advance) -> float:
        if state.next_at is None or state.active:
            return self._host.poll_seconds
        wait = (state.next_at - datetime.now(UTC)).total_seconds()
        return min(max(wait, 0.01), self._host.poll_seconds)

    async def _give_up_dead(self, principal: Principal, state: Advance) -> None:
        """Let go of tasks whose workflow has ended without saying how."""
        try:
            for key, attempt in await self._dead(self._id, state.active):
                why = "No process could finish it."
                await self._rows.lose_run(principal, self._id, key, attempt, why)
        except QmsError as error:
            _log.warning("tasks could not be looked after: %s", error.message)
