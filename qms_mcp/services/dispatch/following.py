"""How a caller that waits follows a dispatch: it looks, tells what changed, and ends with the dispatch.

Whoever stops waiting stops nothing: the dispatch goes on.
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias
from uuid import UUID

import anyio

from qms_mcp.auth.principal import Principal

if TYPE_CHECKING:
    from qms_mcp.services.dispatch.service import Dispatches

Tell: TypeAlias = Callable[[float, float, str], Awaitable[None]]
_FIRST_LOOK, _LAST_LOOK, _SLOWER = 0.1, 0.5, 1.3
_TELL_EVERY = 10.0


async def follow(dispatches: "Dispatches", principal: Principal, dispatch_id: UUID, tell: Tell) -> None:
    """Return when a dispatch has ended; until then tell how far it is, on every change and every few seconds.

    Raises:
        NotFoundError: There is no such dispatch.
    """
    wait, told, told_at, step = _FIRST_LOOK, "", anyio.current_time(), _Rising()
    while True:
        progress = await dispatches.progress(principal, dispatch_id)
        sentence, now = progress.sentence(), anyio.current_time()
        if sentence != told or now - told_at >= _TELL_EVERY:
            await tell(step.after(progress.settled), progress.tasks, sentence)
            told, told_at, wait = sentence, now, _FIRST_LOOK
        if progress.finished:
            return
        await anyio.sleep(wait)
        wait = min(wait * _SLOWER, _LAST_LOOK)


class _Rising:
    """Makes of a count that may stand still one that rises, as the protocol wants it, and stays below the next."""

    def __init__(self) -> None:
        self._settled = self._repeats = 0

    def after(self, settled: int) -> float:
        if settled > self._settled:
            self._settled, self._repeats = settled, 0
            return settled
        self._repeats += 1
        return self._settled + 1 - 1 / (1 + self._repeats / 20)
