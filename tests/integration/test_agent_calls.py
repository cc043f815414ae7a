"""What an agent calls: as itself, within its list and its limits, once, and on the record."""

from pathlib import Path
from typing import Annotated, Any
from uuid import UUID, uuid5

import anyio
import pytest
from pydantic import BaseModel, Field

from qms_mcp.agents.stopping import AgentStoppedError
from qms_mcp.context import Ctx, caller, current_call
from qms_mcp.db.database import Database
from qms_mcp.db.queries import Query
from qms_mcp.dispatch.calling import LONGEST_TEXT
from qms_mcp.dispatch.tool_server import AgentTools
from qms_mcp.errors import InternalError
from qms_mcp.ledger.record import Run
from qms_mcp.registry import ToolSpec, tool
from tests.conftest import Tenants
from tests.support.agent_runs import VERSION, Kept, KilledError, agents_on
from tests.support.in_process import client_for
from tests.support.ledger import calls_of, until
from tests.support.ledger_tools import SPECS

pytestmark = pytest.mark.anyio

REASON = "An agent found it."
_RECORDS = Query("test", "SELECT i.number, i.title FROM qms.quality_items AS i ORDER BY i.number")
_TRAIL = Query(
    "test", "SELECT DISTINCT a.client, a.tool_call_id FROM qms.audit_logs AS a WHERE a.tool_call_id IS NOT NULL"
)
EVENT = {"type": "nonconformance", "title": "Seal leaks", "what_happened": "It leaked.", "reason": REASON}


class Seen(BaseModel):
    """Who a tool says called it."""

    organization: str
    user: str
    call: str
    client: str


class Long(BaseModel):
    """An answer of any length."""

    text: str


_here: list[str] = []


@tool(toolset="operations", title="Who", reads=True)
async def who(ctx: Ctx, together: int = 1) -> Seen:
    """Say who calls, once as many are there as should be."""
    call = current_call(ctx)
    _here.append(str(call.id))
    await until(lambda: len(_here) >= together)
    now = current_call(ctx)
    return Seen(
        organization=str(caller(ctx).organization_id),
        user=str(now.principal.user_id),
        call=str(now.id),
        client=now.client_name or "",
    )


@tool(toolset="operations", title="Long", reads=True)
async def long(ctx: Ctx, length: Annotated[int, Field(ge=0)], letter: str = "ü") -> Long:
    """Answer at length."""
    return Long(text=letter * length)


MINE: list[ToolSpec] = [*SPECS, *(getattr(fn, "__qms_tool__") for fn in (who, long))]  # noqa: B009 - typed as functions


async def titles(database: Database, tenants: Tenants) -> list[str]:
    async with database.transaction(tenants.ours) as transaction:
        return [row["title"] for row in await transaction.fetch_dicts(_RECORDS)]


def an_id(run: Run, ordinal: int) -> UUID:
    return uuid5(run.id, f"{run.fence}:{ordinal}")


async def test_a_call_is_recorded_as_the_agents_on_behalf_of_whoever_sent_it(
    database: Database, tenants: Tenants, tmp_path: Path
) -> None:
    async with agents_on(database, tmp_path) as process:
        (run,) = await process.dispatched(tenants.ours, "qa")
        async with process.calls(run, ["note", "fail", "ask"], specs=MINE) as calls:
            good = await calls.call("note", number=1, password="hunter2")  # noqa: S106
            bad = await calls.call("fail", how="on purpose")
            wrong = await calls.call("note", number="many", tool="x", self="y")
            asks = await calls.call("ask", number=1)
    assert (good.label, good.ok, good.content["number"], good.call_id) == ("c1", True, 1, an_id(run, 1))
    assert good.text.startswith('{"number":1')
    assert (bad.ok, bad.error_code, bad.content) == (False, "conflict", {})
    assert bad.text.endswith("It is closed already. Open it first. [conflict]")
    assert (wrong.label, wrong.error_code) == ("c3", "invalid_input")
    assert (asks.label, asks.ok) == ("c4", False)  # there is nobody to ask
    rows = await calls_of(database, tenants.ours)
    assert [(row["tool_name"], row["success"], row["error_code"]) for row in rows[:3]] == [
        ("note", True, None), ("fail", False, "conflict"), ("note", False, "invalid_input"),
    ]  # fmt: skip
    assert [row["id"] for row in rows] == [an_id(run, ordinal) for ordinal in (1, 2, 3, 4)]
    for row in rows:
        assert (row["run_id"], row["user_id"], row["actor_kind"], row["fence"], row["state"]) == (
            run.id, tenants.ours.user_id, "agent", 1, "finished",
        )  # fmt: skip
        assert (row["client_name"], row["client_version"]) == ("qms-mcp agent qa", VERSION)
    assert rows[0]["tool_input"] == {"number": 1, "password": "[masked]"}


async def test_no_argument_and_no_name_reaches_beyond_the_list(
    database: Database, tenants: Tenants, tmp_path: Path
) -> None:
    allowed = ["get_record", "list_records", "no_such_tool"]
    async with agents_on(database, tmp_path) as process:
        theirs, ours = [(await process.dispatched(person, "qa"))[0] for person in (tenants.theirs, tenants.ours)]
        async with process.calls(theirs, ["report_event"]) as calls:
            made = await calls.call("report_event", **EVENT)
            number = made.content["number"]
        async with process.calls(ours, allowed) as calls:
            assert [offer.name for offer in calls.offers()] == ["get_record", "list_records"]
            answers = [
                await calls.call("apply_migration", migration_id="0001"),
                await calls.call("report_event", **EVENT),
                await calls.call("no_such_tool"),
                await calls.call("Get_Record", record=number),
                await calls.call("get_record", record=number),
                await calls.call("get_record", record=number, organization_id=str(tenants.theirs.organization_id)),
            ]
            assert (calls.may("get_record"), calls.may("apply_migration")) == (True, False)
    assert [answer.error_code for answer in answers] == ["not_allowed"] * 4 + ["not_found", "invalid_input"]
    assert answers[0].text == (
        "This agent has no tool 'apply_migration'. It has: get_record, list_records. [not_allowed]"
    )
    rows = await calls_of(database, tenants.ours)
    assert [(row["tool_name"], row["success"], row["error_code"]) for row in rows] == [
        ("apply_migration", False, "not_allowed"), ("report_event", False, "not_allowed"),
        ("no_such_tool", False, "not_allowed"), ("Get_Record", False, "not_allowed"),
        ("get_record", False, "not_found"), ("get_record", False, "invalid_input"),
    ]  # fmt: skip
    assert await titles(database, tenants) == []


async def test_a_client_can_name_neither_the_row_nor_the_span_of_its_call(
    database: Database, tenants: Tenants, tmp_path: Path
) -> None:
    chosen = "00000000-0000-4000-8000-000000000001"
    meta: Any = {"qms-mcp/callId": chosen, "qms-mcp/parentSpan": chosen}
    async with client_for(database, tenants.ours, tmp_path, more_tools=SPECS) as client:
        await client.call_tool("note", {"number": 1}, meta=meta)
    (row,) = await calls_of(database, tenants.ours)
    assert (row["success"], row["id"] == UUID(chosen), row["fence"]) == (True, False, None)
    spans = Query("test", "SELECT t.parent_span_id FROM agents.agent_traces AS t")
    async with database.transaction(tenants.ours) as transaction:
        assert await transaction.fetch_dicts(spans) == [{"parent_span_id": None}]


async def test_after_a_crash_kept_answers_are_not_asked_for_again_and_a_lost_one_doubles_nothing(
    database: Database, tenants: Tenants, tmp_path: Path
) -> None:
    memory = Kept(dies_at=1)
    tools = ["note", "report_event"]
    async with agents_on(database, tmp_path) as process:
        specs = [*MINE, *(spec for spec in _discovered() if spec.name == "report_event")]
        (first,) = await process.dispatched(tenants.ours, "qa")
        async with process.calls(first, tools, memory, specs=specs) as calls:
            noted = await calls.call("note", number=1)
            with pytest.raises(KilledError):
                await calls.call("report_event", **EVENT, idempotency_key="the agent's own")
        second = await process.taken_over(first)
        async with process.calls(second, tools, memory, specs=specs) as calls:
            again = await calls.call("note", number=1)
            reported = await calls.call("report_event", **EVENT, idempotency_key="the agent's own")
            assert "idempotency_key" not in str([offer.input_schema for offer in calls.offers()])
        third = await process.taken_over(second)
        async with process.calls(third, tools, memory, specs=specs) as calls:
            with pytest.raises(InternalError, match="c1 of this run was note"):
                await calls.call("note", number=2)
            assert await calls.call("report_event", **EVENT, idempotency_key="the agent's own") == reported
    assert again == noted
    assert reported.ok
    assert await titles(database, tenants) == ["Seal leaks"]
    rows = await calls_of(database, tenants.ours)
    assert [(row["id"], row["fence"], row["success"]) for row in rows] == [
        (an_id(first, 1), 1, True), (an_id(first, 2), 1, True), (an_id(second, 2), 2, True),
    ]  # fmt: skip
    assert rows[1]["tool_input"] == rows[2]["tool_input"]
    assert rows[1]["tool_output"]["number"] == rows[2]["tool_output"]["number"] == reported.content["number"]
    async with database.transaction(tenants.ours) as transaction:
        trail = await transaction.fetch_dicts(_TRAIL)
    assert trail == [{"client": f"qms-mcp agent qa/{VERSION}", "tool_call_id": str(an_id(first, 2))}]


async def test_whoever_lost_its_run_changes_nothing_any_more(
    database: Database, tenants: Tenants, tmp_path: Path
) -> None:
    async with agents_on(database, tmp_path) as process:
        lost, cancelled = await process.dispatched(tenants.ours, "qa", "data")
        async with process.calls(lost, ["report_event"]) as calls:
            await process.taken_over(lost)
            with pytest.raises(AgentStoppedError) as stopped:
                await calls.call("report_event", **EVENT)
        assert stopped.value.reason == "taken_over"
        async with process.calls(cancelled, ["report_event"]) as calls:
            await process.cancel(cancelled)
            with pytest.raises(AgentStoppedError):
                await calls.call("report_event", **EVENT)
    assert await titles(database, tenants) == []
    rows = await calls_of(database, tenants.ours)
    assert [(row["run_id"], row["fence"], row["error_code"]) for row in rows] == [
        (lost.id, 1, "taken_over"), (cancelled.id, 1, "taken_over"),
    ]  # fmt: skip


async def test_without_the_ledger_an_agent_reads_and_changes_nothing(
    database: Database, tenants: Tenants, tmp_path: Path
) -> None:
    async with agents_on(database, tmp_path) as process:
        (run,) = await process.dispatched(tenants.ours, "qa")
    async with (
        agents_on(database, tmp_path, attached=False) as process,
        process.calls(run, ["report_event", "list_records"]) as calls,
    ):
        refused = await calls.call("report_event", **EVENT)
        read = await calls.call("list_records")
    assert (refused.ok, refused.error_code, read.ok) == (False, "unavailable", True)
    assert await titles(database, tenants) == []


async def test_agents_at_once_in_one_process_stay_who_they_are(
    database: Database, tenants: Tenants, tmp_path: Path
) -> None:
    _here.clear()
    found: list[tuple[Run, Any]] = []

    async def work(process: Any, run: Run) -> None:
        async with process.calls(run, ["who"], specs=MINE) as calls, anyio.create_task_group() as tasks:

            async def ask() -> None:
                found.append((run, await calls.call("who", together=12)))

            for _ in range(4):
                tasks.start_soon(ask)

    async with agents_on(database, tmp_path) as process:
        runs = [*await process.dispatched(tenants.ours, "qa", "data"), *await process.dispatched(tenants.theirs, "qa")]
        async with anyio.create_task_group() as tasks:
            for run in runs:
                tasks.start_soon(work, process, run)
    assert len(found) == 12
    for run, answer in found:
        assert run.principal is not None
        assert answer.content == {
            "organization": str(run.principal.organization_id), "user": str(run.principal.user_id),
            "call": str(answer.call_id), "client": f"qms-mcp agent {run.agent_type}",
        }  # fmt: skip
    assert {answer.label for _, answer in found} == {"c1", "c2", "c3", "c4"}
    assert {row["run_id"] for row in await calls_of(database, tenants.ours)} == {runs[0].id, runs[1].id}
    assert {row["run_id"] for row in await calls_of(database, tenants.theirs)} == {runs[2].id}


async def test_a_run_stops_at_its_limits_and_says_at_which(
    database: Database, tenants: Tenants, tmp_path: Path
) -> None:
    memory = Kept()
    async with agents_on(database, tmp_path) as process:
        (run,) = await process.dispatched(tenants.ours, "qa")
        async with process.calls(run, ["note", "wait", "long"], memory, specs=MINE, most=3) as calls:
            short = await calls.call("long", length=5)
            cut = await calls.call("long", length=LONGEST_TEXT)
            odd = await calls.call("long", length=3, letter="\x00")
            with pytest.raises(AgentStoppedError) as at_limit:
                await calls.call("note", number=1)
        run = await process.taken_over(run)
        over = anyio.current_time() + 0.1
        async with process.calls(run, ["note", "wait"], specs=MINE, deadline=over) as calls:
            with anyio.fail_after(5), pytest.raises(AgentStoppedError) as late:
                await calls.call("wait")
            with pytest.raises(AgentStoppedError) as later:
                await calls.call("note", number=1)
        run = await process.taken_over(run)
        async with process.calls(run, ["long"], memory, specs=MINE, most=2, deadline=over) as calls:
            assert [await calls.call("long", length=5), await calls.call("long", length=LONGEST_TEXT)] == [short, cut]
    assert (at_limit.value.reason, late.value.reason, later.value.reason) == ("tool_call_limit", "timeout", "timeout")
    assert cut.content["text"] == "ü" * LONGEST_TEXT
    assert LONGEST_TEXT < len(cut.text.encode()) < LONGEST_TEXT + 300
    assert "[cut: 12," in cut.text
    assert odd.content["text"] == "\ufffd" * 3
    rows = await calls_of(database, tenants.ours)
    assert [(row["tool_name"], row["error_code"]) for row in rows] == [
        ("long", None), ("long", None), ("long", None), ("wait", "cancelled"),
    ]  # fmt: skip


async def test_tools_are_opened_called_and_closed_from_different_tasks_and_close_when_cancelled(
    database: Database, tenants: Tenants, tmp_path: Path
) -> None:
    async with agents_on(database, tmp_path) as process:
        (run,) = await process.dispatched(tenants.ours, "qa")
        tools = AgentTools(process.host(tenants.ours), run, ["note", "wait"], specs=MINE)
        answers: list[Any] = []

        async def once(step: Any) -> None:
            answers.append(await step)

        async def in_a_task(step: Any) -> None:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(once, step)

        await in_a_task(tools.__aenter__())
        await in_a_task(tools.call("note", {"number": 1}, call_id=an_id(run, 1)))
        with anyio.move_on_after(0.05):
            await tools.call("wait", {}, call_id=an_id(run, 2))
        with anyio.CancelScope() as scope:
            scope.cancel()
            await in_a_task(tools.__aexit__(None, None, None))
        with anyio.fail_after(2):
            await tools.__aexit__(None, None, None)
        assert not [task for task in anyio.get_running_tasks() if str(run.id) in str(task.name)]
        with pytest.raises(InternalError):
            await tools.call("note", {"number": 2}, call_id=an_id(run, 3))
    assert answers[1].structured_content["number"] == 1
    rows = await calls_of(database, tenants.ours)
    assert [(row["tool_name"], row["error_code"]) for row in rows] == [("note", None), ("wait", "cancelled")]


def _discovered() -> list[ToolSpec]:
    from qms_mcp.registry import discover

    return discover()
