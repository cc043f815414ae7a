"""What the improvement loop does when a run has ended: each part takes note in turn, and none may stop another."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias
from uuid import UUID

if TYPE_CHECKING:
    from qms_mcp.auth.principal import Principal

# Runs that only measure a version: they count in no feedback, no drift and no roll-out.
MEASURING = frozenset({"evaluation", "trial", "shadow"})
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EndedRun:
    """A run that has ended.

    Attributes:
        lane: Why its version answered.
    """

    run_id: UUID
    agent: str
    lane: str

    @property
    def measures(self) -> bool:
        """Whether it only measured a version."""
        return self.lane in MEASURING


Hook: TypeAlias = Callable[["Principal", EndedRun], Awaitable[object]]


class AfterRuns:
    """Tells the parts of the loop of each run that has ended.

    Args:
        hooks: What they do with it, in this order.
    """

    def __init__(self, *hooks: Hook) -> None:
        self._hooks = hooks

    async def run_ended(self, principal: "Principal", run: EndedRun) -> None:
        """Tell all; what one of them can't do now is made up for by a job later."""
        for hook in self._hooks:
            try:
                await hook(principal, run)
            except Exception:  # noqa: BLE001 - the run has ended, whatever goes wrong here
                _log.exception("%s could not take note of run %s", hook, run.run_id)
