"""Not too fast: what a provider takes in a minute, and how long to wait after it refused."""

import random
import time
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import anyio

_WINDOW = 60.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0


class Pace:
    """Admits requests so that no minute has more of them, or more tokens, than allowed.

    Args:
        requests: Most requests in a minute.
        tokens: Most tokens in a minute; a request of more waits for a minute of its own.
        sleep: How to wait.
        clock: What time it is, in seconds.
    """

    def __init__(
        self,
        requests: int,
        tokens: int,
        *,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._requests, self._tokens = requests, tokens
        self._sleep, self._clock = sleep, clock
        self._sent: deque[tuple[float, int]] = deque()
        self._turn = anyio.Lock()

    async def admit(self, tokens: int) -> None:
        """Wait until a request of so many tokens may go, and count it."""
        async with self._turn:
            while (pause := self._pause(tokens)) > 0:
                await self._sleep(pause)
            self.count(tokens)

    def count(self, tokens: int) -> None:
        """Count a request that does not wait."""
        self._sent.append((self._clock(), tokens))

    def _pause(self, tokens: int) -> float:
        now = self._clock()
        while self._sent and self._sent[0][0] <= now - _WINDOW:
            self._sent.popleft()
        if not self._sent:
            return 0.0
        full = len(self._sent) >= self._requests or sum(n for _, n in self._sent) + tokens > self._tokens
        return self._sent[0][0] + _WINDOW - now if full else 0.0


def pause_after(attempt: int, asked: float | None, *, chance: Callable[[], float] = random.random) -> float:
    """Return the seconds to wait after a failed attempt (from 0): what was asked for, or twice as long each time.

    A part is left to chance, so that several workers do not come back at the same moment.
    """
    if asked is not None:
        return asked
    return min(_FIRST_PAUSE * 2**attempt, _LONGEST_PAUSE) * (0.5 + chance() / 2)


def asked_pause(retry_after: str | None) -> float | None:
    """Return the seconds a `Retry-After` header asks for: it has a number or a date."""
    if not retry_after:
        return None
    try:
        return max(0.0, float(retry_after))
    except ValueError:
        pass
    try:
        at = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return max(0.0, ((at if at.tzinfo else at.replace(tzinfo=UTC)) - datetime.now(UTC)).total_seconds())
