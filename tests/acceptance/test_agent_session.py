"""A real session of the Claude Agent SDK, with a stub where the model would be."""

import json
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from claude_agent_sdk import AssistantMessage, ClaudeAgentOptions, ResultMessage, SystemMessage, UserMessage, query

from tests.support.claude_stub import ClaudeStub, by_turn, calls, says
from tests.support.stdio import COMMAND, Workplace, workplace

pytestmark = pytest.mark.anyio

CALLS = [
    ("toolu_look", "list_tables", {"schema": "qms"}),
    ("toolu_ask", "execute_query", {"statement": "SELECT count(*) AS records FROM qms.quality_items"}),
    ("toolu_fail", "execute_query", {"statement": "DROP TABLE qms.quality_items"}),
]


def session_options(place: Workplace, stub: ClaudeStub, folder: Path) -> ClaudeAgentOptions:
    """Return options under which the session knows nothing of this machine."""
    return ClaudeAgentOptions(
        mcp_servers={
            "qms": {"type": "stdio", "command": COMMAND[0], "args": COMMAND[1:], "env": dict(place.environment)}
        },
        strict_mcp_config=True,
        setting_sources=[],
        tools=[],
        allowed_tools=["mcp__qms"],
        permission_mode="default",
        cwd=str(folder),
        max_turns=8,
        env={
            "HOME": str(folder),
            "ANTHROPIC_BASE_URL": stub.url,
            "ANTHROPIC_API_KEY": "stub",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_TELEMETRY": "1",
            "DISABLE_AUTOUPDATER": "1",
            "DISABLE_ERROR_REPORTING": "1",
        },
    )


async def talk(options: ClaudeAgentOptions) -> list[Any]:
    return [message async for message in query(prompt="How many records are there?", options=options)]


def tool_results(messages: list[Any]) -> dict[str, tuple[bool, str]]:
    """Return what each tool use was answered, by its id."""
    found: dict[str, tuple[bool, str]] = {}
    for message in messages:
        if isinstance(message, UserMessage) and isinstance(message.content, list):
            for block in message.content:
                use_id = getattr(block, "tool_use_id", None)
                if use_id:
                    found[use_id] = (bool(getattr(block, "is_error", False)), json.dumps(getattr(block, "content", "")))
    return found


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder of the session's own; nothing of this process's environment that configures a session is passed on."""
    import os

    for name in list(os.environ):
        if name.startswith(("ANTHROPIC_", "CLAUDE", "MCP_", "QMS_", "AWS_", "DATABASE_URL")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="module")
def place() -> Generator[Workplace]:
    """One database for all sessions; each session starts a server of its own on it."""
    with workplace() as made:
        yield made


async def test_a_session_lists_and_calls_our_tools_and_every_call_is_in_the_ledger(
    place: Workplace, outside: Path
) -> None:
    script = [calls(f"mcp__qms__{name}", arguments, use_id) for use_id, name, arguments in CALLS]
    with ClaudeStub(*script, says("There are none."), only_with_tools=True) as stub:
        messages = await talk(session_options(place, stub, outside))
        offered = stub.offered_tools()
        with psycopg.connect(place.conninfo()) as connection:
            rows = connection.execute(
                "SELECT c.tool_use_id, c.tool_name, c.state, c.success, c.error_code, r.agent_type "
                "FROM agents.tool_calls AS c JOIN agents.agent_traces AS t ON t.id = c.trace_id "
                "JOIN agents.agent_runs AS r ON r.id = t.run_id WHERE c.tool_use_id IS NOT NULL ORDER BY c.created_at"
            ).fetchall()

    started = [m for m in messages if isinstance(m, SystemMessage) and m.subtype == "init"]
    assert started
    assert {"name": "qms", "status": "connected"}.items() <= started[0].data["mcp_servers"][0].items()
    assert {"mcp__qms__list_tables", "mcp__qms__execute_query", "mcp__qms__create_migration"} <= offered
    results = tool_results(messages)
    assert not results["toolu_look"][0]
    assert "quality_items" in results["toolu_look"][1]
    assert not results["toolu_ask"][0]
    assert "records" in results["toolu_ask"][1]
    assert results["toolu_fail"][0]
    assert "refused_statement" in results["toolu_fail"][1]
    assert any(isinstance(m, AssistantMessage) for m in messages)
    assert [m.is_error for m in messages if isinstance(m, ResultMessage)] == [False]
    assert rows == [
        ("toolu_look", "list_tables", "finished", True, None, "client"),
        ("toolu_ask", "execute_query", "finished", True, None, "client"),
        ("toolu_fail", "execute_query", "finished", False, "refused_statement", "client"),
    ]


REVIEW = {"request": "Prepare the weekly quality review", "reason": "The meeting is tomorrow.", "run_key": "weekly"}
FINDING = {
    "statement": "Nothing is open, so nothing can be late.", "severity": "minor", "confidence": 0.9,
    "evidence": {"calls": ["c1"], "records": []}, "subject": "open records", "measure": "count", "value": "0",
}  # fmt: skip
CONCLUDED = {"summary": "There is nothing to do.", "insights": [FINDING], "actions": [], "recommendations": []}


async def reviewed(place: Workplace, session: ClaudeStub, folder: Path) -> tuple[bool, Any]:
    """Let a session send agents, and return what its call was answered."""
    messages = await talk(session_options(place, session, folder))
    assert [m.is_error for m in messages if isinstance(m, ResultMessage)] == [False]
    failed, content = tool_results(messages)["toolu_send"]
    blocks = json.loads(content)
    text = blocks if isinstance(blocks, str) else "".join(block["text"] for block in blocks)
    return failed, json.loads(text) if not failed else text


@pytest.mark.slow
async def test_a_session_sends_agents_and_gets_one_result_also_without_a_key(place: Workplace, outside: Path) -> None:
    script = [calls("mcp__qms__dispatch_agents", REVIEW, "toolu_send"), says("Done.")]
    # What a session starts inherits its environment: a server that is not to use its key is told so.
    keyless = replace(place, environment={**place.environment, "ANTHROPIC_API_KEY": ""})
    with ClaudeStub(*script, only_with_tools=True) as stub:
        failed, report = await reviewed(keyless, stub, outside)
    assert not failed, report
    assert report["status"] == "completed", report
    assert {one["agent"] for one in report["agents"]} >= {"qa", "data", "analytics", "feedback"}
    assert {one["model"] for one in report["agents"]} == {"playbook"}
    assert report["result"]["insights"]


@pytest.mark.slow
async def test_a_session_gets_what_agents_with_a_model_found_through_our_tools(place: Workplace, outside: Path) -> None:
    script = [calls("mcp__qms__dispatch_agents", {**REVIEW, "run_key": "with-model"}, "toolu_send"), says("Done.")]
    look = calls("list_records", {"show": "open"})
    agents = ClaudeStub(by={"": by_turn(look, says(CONCLUDED))})
    with ClaudeStub(*script, only_with_tools=True) as session, agents:
        key = {"ANTHROPIC_API_KEY": "stub", "ANTHROPIC_BASE_URL": agents.url}
        thinking = replace(place, environment={**place.environment, **key})
        failed, report = await reviewed(thinking, session, outside)
        with psycopg.connect(place.conninfo()) as connection:
            rows = connection.execute(
                "SELECT r.agent_type, count(*) FROM agents.tool_calls AS c "
                "JOIN agents.agent_runs AS r ON r.id = c.run_id "
                "WHERE c.tool_name = 'list_records' AND c.success AND r.dispatch_id = %s GROUP BY 1",
                (report["id"],),
            ).fetchall()
    assert not failed, report
    assert report["status"] == "completed", report["note"]
    assert not {"playbook"} & {one["model"] for one in report["agents"]}
    (item,) = report["result"]["insights"]
    assert item["statement"] == FINDING["statement"]
    assert item["agreement"] == len(report["agents"])
    assert all(source["calls"] for source in item["sources"])
    assert report["spend"]["spent_tokens"] > 0
    assert dict(rows).keys() >= {"qa", "data", "analytics", "feedback"}
