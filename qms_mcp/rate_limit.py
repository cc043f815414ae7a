"""A fair share for everyone: calls per organization in a moving window."""

import time
from uuid import UUID

from limits import parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from qms_mcp.errors import RateLimitedError


class RateLimiter:
    """Counts calls per organization in this process.

    Args:
        limit: For example `600/minute`.
    """

    def __init__(self, limit: str) -> None:
        self._limit = parse(limit)
        self._window = MovingWindowRateLimiter(MemoryStorage())

    async def check(self, organization_id: UUID) -> None:
        """Count a call.

        Raises:
            RateLimitedError: There were too many; the hint says when to try again.
        """
        key = str(organization_id)
        if await self._window.hit(self._limit, key):
            return
        stats = await self._window.get_window_stats(self._limit, key)
        wait = max(1, round(stats.reset_time - time.time()))
        raise RateLimitedError(
            f"Too many calls: at most {self._limit} for your organization.", hint=f"Try again in {wait} s."
        )
