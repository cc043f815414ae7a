"""What passes a server is in its ledger: each call once, in both eras of the protocol, whatever becomes of it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError
from mcp_types import ElicitRequestParams, ElicitResult

from qms_mcp.db.database import Database
from qms_mcp.errors import UnavailableError
from qms_mcp.ledger.postgres import PostgresStore
from qms_mcp.ledger.record import Entry
from qms_mcp.settings import Settings
from tests.conftest import Tenants
from tests.support.in_process import client_for
from tests.support.ledger import calls_of, runs_of, until
from tests.support.ledger_tools import SPECS
from tests.support.stdio import text_of

pytestmark = pytest.mark.anyio

ERAS = pytest.mark.parametrize("era", ["2026-07-28", "legacy"])
Row = tuple[str, str, str, bool | None, str | None]


async def rows(database: Database, tenants: Tenants) -> list[Row]:
    return [
        (row["kind"], row["tool_name"], row["state"], row["success"], row["error_code"])
        for row in await calls_of(database, tenants.ours)
    ]


async def agree(_context: Any, _params: ElicitRequestParams) -> ElicitResult:
    return ElicitResult(action="accept", content={"sure": True})


@ERAS
async def test_every_call_is_one_row_whatever_becomes_of_it(
    database: Database, tenants: Tenants, tmp_path: Path, era: str
) -> None:
    async with client_for(database, tenants.ours, tmp_path, more_tools=SPECS, mode=era) as client:
        await client.call_tool("note", {"number": 1, "password": "hunter2"})
        await client.call_tool("fail", {"how": "on purpose"})
        accident = await client.call_tool("fail", {"how": "by accident"})
        await client.call_tool("note", {"nmber": 1})
        await client.call_tool("note", {"number": "many"})
        await client.call_tool("no_such_tool", {})
        await client.read_resource("qms://guide")
        with pytest.raises(MCPError):
            await client.read_resource("qms://ledger/nonsense")
        await client.get_prompt("schema_review", {"schema": "qms"})
    assert "nobody's business" not in text_of(accident)
    assert await rows(database, tenants) == [
        ("tool", "note", "finished", True, None),
        ("tool", "fail", "finished", False, "conflict"),
        ("tool", "fail", "finished", False, "internal"),
        ("tool", "note", "finished", False, "invalid_input"),
        ("tool", "note", "finished", False, "invalid_input"),
        ("tool", "no_such_tool", "finished", False, "not_found"),
        ("resource", "qms://guide", "finished", True, None),
        ("resource", "qms://ledger/nonsense", "finished", False, "invalid_input"),
        ("prompt", "schema_review", "finished", True, None),
    ]
    calls = await calls_of(database, tenants.ours)
    assert calls[0]["tool_input"] == {"number": 1, "password": "[masked]"}
    assert calls[0]["tool_output"]["number"] == 1
    assert calls[1]["error"] == "It is closed already."
    assert not any(call["replayed"] for call in calls)
    (run,) = await runs_of(database, tenants.ours)
    assert run["status"] == "completed"
    assert {call["run_id"] for call in calls} == {run["id"]}


@ERAS
async def test_a_call_that_asks_the_user_is_one_row(
    database: Database, tenants: Tenants, tmp_path: Path, era: str
) -> None:
    async with client_for(
        database, tenants.ours, tmp_path, more_tools=SPECS, mode=era, elicitation_callback=agree
    ) as client:
        answer = await client.call_tool("ask", {"number": 7})
    assert answer.structured_content is not None
    assert answer.structured_content["number"] == 7
    (call,) = await calls_of(database, tenants.ours)
    assert (call["tool_name"], call["state"], call["success"], call["tool_input"]) == (
        "ask", "finished", True, {"number": 7},
    )  # fmt: skip
    assert call["rounds"] == (2 if era == "2026-07-28" else 1)


async def test_an_answer_of_the_user_that_is_sent_twice_is_two_calls(
    database: Database, tenants: Tenants, tmp_path: Path
) -> None:
    async with client_for(
        database, tenants.ours, tmp_path, more_tools=SPECS, mode="2026-07-28", elicitation_callback=agree
    ) as client:
        asked: Any = await client.session.call_tool("ask", {"number": 7}, allow_input_required=True)
        again: dict[str, Any] = {
            "input_responses": {
                str(key): ElicitResult(action="accept", content={"sure": True}) for key in asked.input_requests
            },
            "request_state": asked.request_state,
        }
        waiting = await rows(database, tenants)
        for _ in range(2):
            await client.session.call_tool("ask", {"number": 7}, **again)
    assert waiting == [("tool", "ask", "awaiting_input", None, None)]
    assert await rows(database, tenants) == [("tool", "ask", "finished", True, None)] * 2


async def test_the_id_the_model_gave_the_call_is_kept(database: Database, tenants: Tenants, tmp_path: Path) -> None:
    async with client_for(database, tenants.ours, tmp_path, more_tools=SPECS) as client:
        await client.call_tool("note", {"number": 1}, meta={"claudecode/toolUseId": "toolu_0123"})
        await client.call_tool("note", {"number": 2}, meta={"claudecode/toolUseId": {"odd": True}})
    assert [call["tool_use_id"] for call in await calls_of(database, tenants.ours)] == ["toolu_0123", None]


async def test_a_call_refused_for_coming_too_often_is_recorded(
    database: Database, tenants: Tenants, tmp_path: Path
) -> None:
    few = Settings(qms_rate_limit="2/hour")
    async with client_for(database, tenants.ours, tmp_path, settings=few, more_tools=SPECS) as client:
        for number in range(3):
            await client.call_tool("note", {"number": number})
    assert [row[4] for row in await rows(database, tenants)] == [None, None, "rate_limited"]


async def test_a_call_the_client_cancels_is_recorded_as_such(
    database: Database, tenants: Tenants, tmp_path: Path
) -> None:
    async with client_for(database, tenants.ours, tmp_path, more_tools=SPECS) as client:
        with anyio.move_on_after(0.5):
            await client.call_tool("wait", {})
        await client.call_tool("note", {"number": 1})
    found = await rows(database, tenants)
    assert ("tool", "wait", "finished", False, "cancelled") in found


async def test_a_hundred_calls_at_once_are_a_hundred_rows(database: Database, tenants: Tenants, tmp_path: Path) -> None:
    async def one(client: Client, number: int) -> None:
        await client.call_tool("note", {"number": number})

    async with (
        client_for(database, tenants.ours, tmp_path, more_tools=SPECS) as client,
        anyio.create_task_group() as tasks,
    ):
        for number in range(100):
            tasks.start_soon(one, client, number)
    calls = await calls_of(database, tenants.ours)
    assert sorted(call["tool_input"]["number"] for call in calls) == list(range(100))
    assert {call["state"] for call in calls} == {"finished"}


async def test_a_database_lost_in_mid_call_is_a_clear_error_and_the_record_follows_later(
    database: Database, tenants: Tenants, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = [False]
    original = PostgresStore.record

    async def record(store: PostgresStore, entries: Sequence[Entry]) -> None:
        if gone[0]:
            raise UnavailableError("The database can't be reached.")
        await original(store, entries)

    monkeypatch.setattr(PostgresStore, "record", record)
    async with client_for(database, tenants.ours, tmp_path, more_tools=SPECS) as client:
        await client.call_tool("note", {"number": 1})
        gone[0] = True
        await client.call_tool("note", {"number": 2})
        gone[0] = False
        await until(lambda: not list((tmp_path / "spool").glob("*.jsonl")), 20)
        await client.call_tool("note", {"number": 3})
    calls = await calls_of(database, tenants.ours)
    assert [(call["tool_input"]["number"], call["replayed"]) for call in calls] == [(1, False), (2, True), (3, False)]
