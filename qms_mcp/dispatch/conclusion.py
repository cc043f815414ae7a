"""The end of a dispatch: what the agents found becomes one result, and its status says how whole that is."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from qms_mcp.auth.principal import Principal
from qms_mcp.db.queries import query
from qms_mcp.dispatch.tracing import DispatchTrace
from qms_mcp.services.dispatch.rows import GRACE, DispatchRows

if TYPE_CHECKING:
    from qms_mcp.ledger.recorder import Recorder
    from qms_mcp.services.container import Services

_FIND, _TASKS = query("dispatch.find"), query("dispatch.tasks")


class Conclusion:
    """Concludes dispatches.

    Args:
        services: Of the process.
        rows: Of dispatches.
        recorder: Where the trace goes.
    """

    def __init__(self, services: "Services", rows: DispatchRows, recorder: "Recorder") -> None:
        self._services = services
        self._rows = rows
        self._recorder = recorder

    async def begin(self, principal: Principal, dispatch_id: UUID) -> None:
        """Put the dispatch into its trace."""
        dispatch, tasks = await self._read(principal, dispatch_id)
        await self._trace(principal, dispatch).begin(tasks=len(tasks), run_key=dispatch["run_key"])

    async def conclude(self, principal: Principal, dispatch_id: UUID, fence: int) -> str:
        """Gather, merge and record the result; return the status.

        Raises:
            TakenOverError: Another process has the dispatch, or it was cancelled.
        """
        dispatch, tasks = await self._read(principal, dispatch_id)
        if dispatch["purpose"] == "work":
            result = await self._services.dispatches.gathering.gather(principal, tasks)
        else:  # whoever measures reads the answer to each case
            result = {"cases": len(tasks), "purpose": dispatch["purpose"]}
        status = _status(tasks)
        await self._rows.finish(
            principal, dispatch_id, fence, status, result, _error(tasks) if status == "failed" else ""
        )
        usd, tokens = sum(task["spent_usd"] for task in tasks), sum(task["spent_tokens"] for task in tasks)
        await self._trace(principal, dispatch).end(status, result, cost_usd=usd, tokens=tokens)
        return status

    async def cancelled(self, dispatch_id: UUID) -> None:
        """End the trace of a dispatch that was cancelled; what its agents had done is there."""
        principal = await self._rows.principal(dispatch_id)
        if principal is not None:
            dispatch, _ = await self._read(principal, dispatch_id)
            trace = self._trace(principal, dispatch)
            await trace.end(dispatch["status"], None, error=dispatch["cancel_reason"] or "")

    async def _read(self, principal: Principal, dispatch_id: UUID) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        async with self._services.database.transaction(principal, read_only=True) as transaction:
            found = await transaction.fetch_dicts(_FIND, {"named": str(dispatch_id), "grace": GRACE})
            return found[0], await transaction.fetch_dicts(_TASKS, {"dispatch_id": dispatch_id})

    def _trace(self, principal: Principal, dispatch: Mapping[str, Any]) -> DispatchTrace:
        began = dispatch["created_at"]
        return DispatchTrace(self._recorder, dispatch["id"], principal, dispatch["request"], began)


def _status(tasks: Sequence[Mapping[str, Any]]) -> str:
    done = [task for task in tasks if task["state"] == "done"]
    if not done:
        return "failed"
    whole = len(done) == len(tasks) and all(task["run_status"] == "completed" for task in done)
    return "completed" if whole else "partial"


def _error(tasks: Sequence[Mapping[str, Any]]) -> str:
    reasons = sorted({f"{task['agent']}: {task['error']}" for task in tasks if task["error"]})
    return "No agent got done. " + " ".join(reasons)[:2_000]
