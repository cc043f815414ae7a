"""The trace of a dispatch: a tree of dispatch, agents, replies and calls, in the ledger and in Langfuse alike."""

import json
from collections.abc import Generator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import anyio
import pytest

from qms_mcp.agents.definition import Task
from qms_mcp.agents.outputs import AgentOutput
from qms_mcp.agents.working import PLAYBOOK, AgentResult, Generation, Usage
from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.queries import Query
from qms_mcp.dispatch.tracing import DispatchTrace, RunTrace, agent_span_id, dispatch_span_id
from qms_mcp.ledger.langfuse import LangfuseSink
from qms_mcp.ledger.langfuse.sink import Pace
from qms_mcp.ledger.record import Run, langfuse_trace
from qms_mcp.ledger.spool import Spool
from qms_mcp.settings import Settings
from tests.conftest import Tenants
from tests.support.agent_runs import VERSION, Agents, Kept, agents_on
from tests.support.langfuse_receiver import Receiver, Span, langfuse_receiver
from tests.support.ledger import calls_of, until
from tests.support.ledger_tools import SPECS

pytestmark = pytest.mark.anyio

QUICK = Pace(gather=0.02, look=0.2, first_wait=0.05, last_wait=0.2)
BEGAN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
OUTPUT = AgentOutput(summary="All is well.", insights=[], actions=[], recommendations=[])
_SPANS = Query("test", "SELECT * FROM agents.agent_traces AS t ORDER BY t.start_time, t.id")


@pytest.fixture
def receiver() -> Generator[Receiver]:
    with langfuse_receiver() as running:
        yield running


def sink_for(receiver: Receiver, database: Database, principal: Principal) -> LangfuseSink:
    settings = Settings.from_environment(
        {"LANGFUSE_PUBLIC_KEY": "pk-lf-test", "LANGFUSE_SECRET_KEY": "sk-lf-test", "LANGFUSE_HOST": receiver.address}
    )
    return LangfuseSink(settings, database, principal.organization_id, pace=QUICK)


def a_reply(turn: int, *, seconds: float = 1.0, error: str = "", prompt: Any = "What is the case?") -> Generation:
    started = BEGAN + timedelta(seconds=10 * turn)
    usage = Usage(
        input=100 * turn, output=20, cache_read=1_000, cache_write=50, cache_write_1h=5, thinking=7, requests=1
    )
    return Generation(
        turn=turn,
        model="claude-haiku-5-5",
        started_at=started,
        ended_at=started + timedelta(seconds=seconds),
        prompt=prompt,
        answer=None if error else [{"type": "text", "text": "I will look. password=hunter2secret"}],
        usage=usage,
        cost_usd=0.25 * turn,
        error=error,
    )


def a_result(**changes: Any) -> AgentResult:
    return replace(AgentResult("completed", OUTPUT, "claude-haiku-5-5", turns=2), **changes)


async def spans_of(database: Database, principal: Principal) -> dict[UUID, dict[str, Any]]:
    async with database.transaction(principal) as transaction:
        return {row["id"]: row for row in await transaction.fetch_dicts(_SPANS)}


def dispatch_of(process: Agents, run: Run) -> DispatchTrace:
    assert run.principal is not None
    assert run.dispatch_id is not None
    return DispatchTrace(process.recorder, run.dispatch_id, run.principal, "Look at everything.", BEGAN)


async def converse(process: Agents, run: Run) -> None:
    """An agent of two turns, with two calls at once after the first and one after the second."""
    trace = RunTrace(process.recorder, run, version=VERSION)
    await trace.begin(Task(run.agent_type, run.agent_type, "Look.", "CAPA-2026-0001"), attempt=1)
    async with process.calls(run, ["note"], specs=SPECS, parent=trace.parent) as calls:
        await trace.generation(a_reply(1))
        async with anyio.create_task_group() as tasks:
            for number in (1, 2):
                tasks.start_soon(lambda number=number: calls.call("note", number=number))
        await trace.generation(a_reply(2))
        await calls.call("apply_migration")
    await trace.end(a_result(usage=Usage(input=300, output=40, cache_read=2_000, requests=2), cost_usd=0.75))


def named(spans: list[Span], name: str) -> list[Span]:
    return [span for span in spans if span.name == name]


async def test_the_tree_arrives_with_its_tokens_and_its_cost(
    receiver: Receiver, database: Database, tenants: Tenants, tmp_path: Path
) -> None:
    sink = sink_for(receiver, database, tenants.ours)
    async with agents_on(database, tmp_path, sinks=[sink]) as process:
        qa, data = await process.dispatched(tenants.ours, "qa", "data")
        dispatch = dispatch_of(process, qa)
        await dispatch.begin(run_key="weekly")
        async with anyio.create_task_group() as tasks:
            for run in (qa, data):
                tasks.start_soon(converse, process, run)
        assert named(receiver.received.spans, "dispatch") == []
        await dispatch.end("completed", {"insights": []}, cost_usd=1.5)
        await until(lambda: len(receiver.received.spans) == 13)
    assert qa.dispatch_id is not None
    spans = receiver.received.spans
    assert {span.trace_id for span in spans} == {langfuse_trace(qa.dispatch_id)}
    (root,) = named(spans, "dispatch")
    assert (root.parent_id, root.span_id) == ("", dispatch_span_id(qa.dispatch_id).hex[:16])
    for run in (qa, data):
        (agent,) = named(spans, run.agent_type)
        assert (agent.parent_id, agent.span_id) == (root.span_id, agent_span_id(run.id).hex[:16])
        replies = [span for span in spans if span.parent_id == agent.span_id]
        first, second = sorted(replies, key=lambda span: span.start)
        assert [span.name for span in spans if span.parent_id == first.span_id] == ["note", "note"]
        (refused,) = [span for span in spans if span.parent_id == second.span_id]
        assert (refused.name, refused.status, refused.attributes["langfuse.observation.level"]) == (
            "apply_migration", 2, "ERROR",
        )  # fmt: skip
        for span, turn in ((first, 1), (second, 2)):
            shown = span.attributes
            assert shown["langfuse.observation.type"] == "generation"
            assert shown["langfuse.observation.model.name"] == "claude-haiku-5-5"
            assert json.loads(shown["langfuse.observation.usage_details"]) == {
                "input": 100 * turn, "output": 20, "input_cache_read": 1_000, "input_cache_creation_5m": 50,
                "input_cache_creation_1h": 5, "total": 100 * turn + 1_075,
            }  # fmt: skip
            assert json.loads(shown["langfuse.observation.cost_details"]) == {"total": 0.25 * turn}
            assert shown["langfuse.version"] == VERSION
            assert span.end - span.start == 1_000_000_000
        assert agent.attributes["langfuse.observation.type"] == "agent"
        assert json.loads(agent.attributes["langfuse.observation.metadata.cost_usd"]) == 0.75
        assert json.loads(agent.attributes["langfuse.observation.metadata.usage"])["cache_read"] == 2_000
        mine = [agent, first, second, refused]
        assert {tuple(span.attributes["langfuse.trace.tags"]) for span in mine} == {("qms-ml-loop", run.agent_type)}
    assert root.attributes["langfuse.trace.tags"] == ["qms-ml-loop"]
    assert {span.attributes["session.id"] for span in spans} == {str(qa.dispatch_id)}
    assert {span.attributes["user.id"] for span in spans} == {str(tenants.ours.user_id)}
    assert [span.name for span in spans if span.attributes.get("langfuse.internal.is_app_root")] == ["dispatch"]
    assert len({span.span_id for span in spans}) == 13
    assert "hunter2secret" not in str(spans)


async def test_the_ledger_holds_the_same_tree_and_what_each_agent_cost(
    database: Database, tenants: Tenants, tmp_path: Path
) -> None:
    secret = "sk-ant-" + "0123456789abcdef" * 2
    answers = [{"type": "tool_result", "content": "x" * 1_989 + " " + secret + "y" * 50_000}]
    long: list[dict[str, Any]] = [
        {"role": "user", "content": "Look."},
        {"role": "assistant", "content": []},
        {"role": "user", "content": answers},
    ]
    async with agents_on(database, tmp_path) as process:
        (run,) = await process.dispatched(tenants.ours, "qa")
        dispatch = dispatch_of(process, run)
        await dispatch.begin()
        trace = RunTrace(process.recorder, run, version=VERSION)
        await trace.begin(Task("qa", "qa", "Look.", "", {"data": OUTPUT}))
        await trace.generation(a_reply(1, prompt=long))
        reply = trace.parent()
        await trace.generation(a_reply(2, error="The model is overloaded."))
        assert trace.parent() == reply
        await trace.end(a_result(status="failed", output=None, error="It was overloaded.", model=PLAYBOOK))
        await trace.end(a_result())
        await dispatch.end("failed", None, error="No agent got done.")
    spans = await spans_of(database, tenants.ours)
    assert run.dispatch_id is not None
    root, agent = spans[dispatch_span_id(run.dispatch_id)], spans[agent_span_id(run.id)]
    assert (root["span_type"], root["parent_span_id"], root["run_id"]) == ("dispatch", None, None)
    assert (agent["span_type"], agent["parent_span_id"], agent["run_id"]) == ("agent", str(root["id"]), run.id)
    assert (agent["metadata"]["status"], agent["metadata"]["error"]) == ("failed", "It was overloaded.")
    assert agent["input"] == {"request": "Look.", "subject": "", "inputs": ["data"]}
    first, second = [row for row in spans.values() if row["parent_span_id"] == str(agent["id"])]
    known = first["metadata"]
    assert (known["turn"], known["cost_usd"], known["usage"]["thinking"]) == (1, 0.25, 7)
    assert (first["duration_ms"], first["span_type"], first["input"]["earlier_messages"]) == (1_000, "generation", 2)
    (shown,) = first["input"]["message"]["content"]
    assert shown["content"].startswith("x" * 1_989 + " [masked]")
    assert len(shown["content"]) < 2_100
    assert "0123456789abcdef" not in str(spans)
    assert second["metadata"]["error"] == "The model is overloaded."
    assert all(row["end_time"] is not None for row in spans.values())
    assert await spans_of(database, tenants.theirs) == {}


async def test_a_run_that_goes_on_elsewhere_stays_one_tree(
    receiver: Receiver, database: Database, tenants: Tenants, tmp_path: Path
) -> None:
    sink = sink_for(receiver, database, tenants.ours)
    memory = Kept()
    async with agents_on(database, tmp_path, sinks=[sink]) as process:
        (run,) = await process.dispatched(tenants.ours, "qa")
        before = RunTrace(process.recorder, run, version=VERSION)
        await before.begin(Task("qa", "qa", "Look."))
        await before.generation(a_reply(1))
        async with process.calls(run, ["note"], memory, specs=SPECS, parent=before.parent) as calls:
            await calls.call("note", number=1)
        taken = await process.taken_over(run)
        after = RunTrace(process.recorder, taken, version=VERSION)
        await after.begin(Task("qa", "qa", "Look."))
        await after.resume(database)
        async with process.calls(taken, ["note"], memory, specs=SPECS, parent=after.parent) as calls:
            await calls.call("note", number=1)
            await calls.call("note", number=2)
        await before.end(a_result(status="cancelled", output=None))  # the process that lost it wakes up
        await after.end(a_result())
        await after.end(a_result())
        await until(lambda: named(receiver.received.spans, "qa"))
    spans = await spans_of(database, tenants.ours)
    assert sorted(row["span_name"] for row in spans.values()) == ["note", "note", "qa", "qa turn 1"]
    (agent,) = named(receiver.received.spans, "qa")
    assert json.loads(agent.attributes["langfuse.observation.metadata.status"]) == "completed"
    (reply,) = named(receiver.received.spans, "qa turn 1")
    assert {span.parent_id for span in named(receiver.received.spans, "note")} == {reply.span_id}
    assert {call["fence"] for call in await calls_of(database, tenants.ours)} == {1, 2}


async def test_spans_wait_in_the_spool_while_the_database_is_away_and_arrive_whole(
    receiver: Receiver, database: Database, tenants: Tenants, tmp_path: Path
) -> None:
    async with agents_on(database, tmp_path) as process:
        (run,) = await process.dispatched(tenants.ours, "qa")
    sink = sink_for(receiver, database, tenants.ours)
    async with agents_on(database, tmp_path, sinks=[sink], attached=False) as process:
        dispatch, trace = dispatch_of(process, run), RunTrace(process.recorder, run, version=VERSION)
        await dispatch.begin()
        await trace.begin(Task("qa", "qa", "Look."))
        await trace.generation(a_reply(1))
        await trace.end(a_result())
        await dispatch.end("completed", {})
    assert Spool(tmp_path / "spool").waiting()
    async with agents_on(database, tmp_path, sinks=[sink_for(receiver, database, tenants.ours)]):
        await until(lambda: len(receiver.received.spans) == 3)
    assert {span.name for span in receiver.received.spans} == {"dispatch", "qa", "qa turn 1"}
    assert not Spool(tmp_path / "spool").waiting()
