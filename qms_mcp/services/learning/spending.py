"""A budget for questions to a model: set aside before each, counted after it, shared by many at once."""

from threading import Lock

from qms_mcp.errors import LimitExceededError


class BudgetSpentError(LimitExceededError):
    """What may be spent does not pay for another question."""


class Spend:
    """What may be spent on many questions, side by side and one after the other.

    Args:
        limit_usd: At most; None: no limit.
        spent_usd: What was spent of it before.
    """

    def __init__(self, limit_usd: float | None, spent_usd: float = 0.0) -> None:
        self.limit_usd = limit_usd
        self._spent = spent_usd
        self._reserved = 0.0
        # Questions of one budget may be asked from several event loops.
        self._lock = Lock()
        self._refused = 0

    @property
    def spent_usd(self) -> float:
        """What was spent so far, estimated."""
        return self._spent

    @property
    def left_usd(self) -> float | None:
        """What is neither spent nor reserved; None when there is no limit."""
        return None if self.limit_usd is None else max(0.0, self.limit_usd - self._spent - self._reserved)

    @property
    def refused(self) -> int:
        """How many requests it did not pay for."""
        return self._refused

    def reserve(self, at_most: float) -> None:
        """Set aside what a request costs at most.

        Args:
            at_most: In US dollars.

        Raises:
            BudgetSpentError: There is less than that.
        """
        with self._lock:
            if self.limit_usd is not None and self._spent + self._reserved + at_most > self.limit_usd:
                self._refused += 1
                left = max(0.0, self.limit_usd - self._spent - self._reserved)
                raise BudgetSpentError(
                    f"Of {self.limit_usd:.4f} USD {left:.4f} are left; the next question may cost {at_most:.4f}.",
                    hint="Allow more, or measure on fewer cases.",
                )
            self._reserved += at_most

    def settle(self, reserved: float, cost: float) -> None:
        """Count what a request did cost in place of what was set aside for it."""
        with self._lock:
            self._reserved = max(0.0, self._reserved - reserved)
            self._spent += cost
