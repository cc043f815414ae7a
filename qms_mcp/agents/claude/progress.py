"""Telling where an agent stands, at most about once a second, however fast the words come."""

from collections.abc import Callable
from time import monotonic

from qms_mcp.agents.working import Observer

_EVERY = 1.0
_LONGEST = 160


class Progress:
    """What an observer is told.

    Args:
        observer: Who.
        title: Of the agent.
        clock: Seconds that only grow.
    """

    def __init__(self, observer: Observer, title: str, clock: Callable[[], float] = monotonic) -> None:
        self._observer = observer
        self._title = title
        self._clock = clock
        self._told_at: float | None = None
        self._written = ""

    async def say(self, what: str, *, now: bool = False) -> None:
        """Say something, unless something has just been said.

        Args:
            what: It follows the title of the agent.
            now: Say it in any case.
        """
        self._written = ""
        if now or self._is_due():
            await self._tell(what)

    async def writes(self, text: str) -> None:
        """Take note of words as they come: sentences are passed on, of an answer in JSON only how long it is."""
        self._written += text
        if not self._is_due():
            return
        if self._written.lstrip().startswith(("{", "`")):
            await self._tell(f"writes its answer ({len(self._written)} characters)")
        else:
            await self._tell(" ".join(self._written[-_LONGEST:].split()))

    def _is_due(self) -> bool:
        return self._told_at is None or self._clock() - self._told_at >= _EVERY

    async def _tell(self, what: str) -> None:
        self._told_at = self._clock()
        await self._observer.tell(f"{self._title}: {what}"[: _LONGEST * 2])
