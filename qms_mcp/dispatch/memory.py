"""The checkpoints of one run, in `agents.context_state`."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from qms_mcp.agents.stopping import AgentStoppedError
from qms_mcp.agents.working import Usage
from qms_mcp.auth.principal import Principal
from qms_mcp.errors import TakenOverError
from qms_mcp.services.dispatch.rows import DispatchRows, TakenRun


class RunMemory:
    """What a run has kept, by this process and by those before it.

    What an entry cost is charged to the budget of its dispatch in the transaction that keeps it, so a process that is
    killed can neither lose nor double a charge.
    """

    def __init__(self, rows: DispatchRows, principal: Principal, run: TakenRun) -> None:
        self._rows = rows
        self._principal = principal
        self._run = run
        self._kept: list[tuple[str, Mapping[str, Any]]] = [(each["kind"], each["entry"]) for each in run.memory]

    def entries(self, kind: str) -> Sequence[Mapping[str, Any]]:
        """Return what was kept of a kind, in order."""
        return [entry for of_kind, entry in self._kept if of_kind == kind]

    async def keep(self, kind: str, entry: Mapping[str, Any]) -> None:
        """Keep an entry; it is durable when this returns.

        Raises:
            AgentStoppedError: Another process has the run, or it was cancelled.
        """
        tokens, usd = charge(entry)
        try:
            await self._rows.keep(self._principal, self._run, kind, entry, tokens=tokens, usd=usd)
        except TakenOverError as lost:
            raise AgentStoppedError("taken_over", lost.message) from lost
        self._kept.append((kind, entry))


def charge(entry: Mapping[str, Any]) -> tuple[int, float]:
    """Return what an entry cost: a reply names its usage as the API counted it, a lost one what is known of it."""
    received = cast("Mapping[str, Any]", entry.get("received") or entry)
    usage = cast("Mapping[str, Any] | None", received.get("usage"))
    if not usage:
        return 0, 0.0
    known = Usage(**{part: int(count or 0) for part, count in usage.items()})
    return known.total, float(entry.get("cost_usd") or 0.0)
