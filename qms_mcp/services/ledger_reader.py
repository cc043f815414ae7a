"""The ledger, read: runs and their calls, of the caller's organization only.

It is written elsewhere (`qms_mcp.ledger`); here is only what was recorded.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from qms_mcp.auth.principal import Principal
from qms_mcp.db.queries import query
from qms_mcp.errors import InvalidInputError, NotFoundError

if TYPE_CHECKING:
    from qms_mcp.db.database import Database
    from qms_mcp.db.transaction import Transaction

CURRENT = "current"
_RUNS = query("ledger_reader.runs")
_RUN = query("ledger_reader.run")
_RUN_OF_CALL = query("ledger_reader.run_of_call")
_CALLS = query("ledger_reader.calls")
_LONGEST_BEGINNING = 36


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A client connection or a sub-agent, and how its calls went."""

    id: UUID
    agent_type: str
    status: str
    client_name: str | None
    created_at: datetime
    completed_at: datetime | None
    calls: int
    failures: int


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run with everything recorded of it but its calls."""

    id: UUID
    agent_type: str
    status: str
    client_name: str | None
    client_version: str | None
    protocol_version: str | None
    parent_run_id: UUID | None
    created_at: datetime
    completed_at: datetime | None
    calls: int
    failures: int


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """A call as it was recorded."""

    id: UUID
    kind: str
    tool_name: str
    tool_input: Any
    state: str
    success: bool | None
    error: str | None
    error_code: str | None
    duration_ms: int | None
    rounds: int
    tool_use_id: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class RunLedger:
    """A run and its latest calls, the latest first."""

    run: RunRow
    calls: list[RecordedCall]


@dataclass(frozen=True, slots=True)
class _Id:
    id: UUID | None


class LedgerReader:
    """Reads what was recorded.

    Args:
        database: Where it is.
    """

    def __init__(self, database: "Database") -> None:
        self._database = database

    async def runs(self, principal: Principal, *, beginning: str = "", limit: int = 20) -> list[RunSummary]:
        """Return the latest runs of the caller's organization whose id begins like this."""
        params = {"beginning": _hexadecimal(beginning), "max_rows": limit}
        async with self._database.transaction(principal, read_only=True) as transaction:
            return await transaction.fetch_all(_RUNS, params, row=RunSummary)

    async def run_ledger(
        self, principal: Principal, run: str, *, call_id: UUID | None = None, limit: int = 100
    ) -> RunLedger:
        """Return a run and its latest calls.

        Args:
            principal: Who asks.
            run: The id of the run, or `current` for the one `call_id` belongs to.
            call_id: The call that asks.
            limit: Calls at most.

        Raises:
            InvalidInputError: That is not the id of a run.
            NotFoundError: The caller's organization has no such run.
        """
        async with self._database.transaction(principal, read_only=True) as transaction:
            run_id = await _run_id(transaction, run, call_id)
            found = await transaction.fetch_one(_RUN, {"run_id": run_id}, row=RunRow)
            if found is None:
                raise NotFoundError(f"There is no run {run_id}.", hint="qms://ledger/current is the run you are in.")
            calls = await transaction.fetch_all(_CALLS, {"run_id": run_id, "max_rows": limit}, row=RecordedCall)
        return RunLedger(found, calls)


async def _run_id(transaction: "Transaction", run: str, call_id: UUID | None) -> UUID:
    if run.casefold() == CURRENT:
        found = await transaction.fetch_one(_RUN_OF_CALL, {"call_id": call_id}, row=_Id)
        if found is None or found.id is None:
            raise NotFoundError("The current run is not recorded yet.", hint="Try again in a moment.")
        return found.id
    try:
        return UUID(run)
    except ValueError:
        raise InvalidInputError(f"{run[:80]!r} is not the id of a run.", hint="Give a UUID or `current`.") from None


def _hexadecimal(beginning: str) -> str:
    lowered = beginning[:_LONGEST_BEGINNING].casefold()
    return "".join(letter for letter in lowered if letter in "0123456789abcdef-")
