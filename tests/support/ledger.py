"""Runs, calls and outcomes to record, and the rows they become."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import anyio

from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.queries import Query
from qms_mcp.ledger.record import Call, CallKind, Client, Outcome, Run

CLIENT = Client("test client", "1.0", "2025-11-25")
_CALLS = Query("test", "SELECT * FROM agents.tool_calls ORDER BY created_at, id")
_RUNS = Query("test", "SELECT * FROM agents.agent_runs ORDER BY created_at, id")


def a_run(principal: Principal | None) -> Run:
    return Run(uuid4(), "client", datetime.now(UTC), CLIENT, principal)


def a_call(run: Run, name: str = "list_tables", arguments: Any = None, kind: CallKind = "tool") -> Call:
    return Call(uuid4(), uuid4(), run, kind, name, arguments or {}, datetime.now(UTC), "7", "toolu_1")


def an_outcome(call: Call, output: Any = None, *, error: str | None = None, seconds: float = 0.25) -> Outcome:
    return Outcome(
        state="finished",
        success=error is None,
        finished_at=call.started_at + timedelta(seconds=seconds),
        duration_ms=round(seconds * 1000),
        output=output,
        error=error,
        error_code="not_found" if error else None,
    )


async def calls_of(database: Database, principal: Principal) -> list[dict[str, Any]]:
    """The calls as the organization itself sees them."""
    async with database.transaction(principal) as transaction:
        return await transaction.fetch_dicts(_CALLS)


async def runs_of(database: Database, principal: Principal) -> list[dict[str, Any]]:
    async with database.transaction(principal) as transaction:
        return await transaction.fetch_dicts(_RUNS)


def ids(calls: list[dict[str, Any]]) -> set[UUID]:
    return {row["id"] for row in calls}


async def until(true: Callable[[], Any], seconds: float = 10) -> None:
    """Wait until something out of our sight has happened."""
    with anyio.fail_after(seconds):
        while not true():  # noqa: ASYNC110 - there is nobody to set an event
            await anyio.sleep(0.02)
