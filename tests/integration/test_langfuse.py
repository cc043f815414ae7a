"""Langfuse by way of the outbox: spans arrive whole and once, whenever the host can be reached, and nobody waits."""

import importlib
import json
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import pytest

from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.wiring import Wiring
from qms_mcp.ledger.langfuse import LangfuseSink
from qms_mcp.ledger.langfuse.sink import Pace
from qms_mcp.ledger.postgres import PostgresStore
from qms_mcp.ledger.record import Call
from qms_mcp.ledger.recorder import Recorder
from qms_mcp.ledger.spool import Spool
from qms_mcp.masking import keepable
from qms_mcp.settings import Settings
from tests.conftest import Tenants
from tests.support.langfuse_receiver import Receiver, credentials, langfuse_receiver
from tests.support.ledger import a_call, a_run, an_outcome, until

pytestmark = pytest.mark.anyio

QUICK = Pace(gather=0.02, look=0.2, first_wait=0.05, last_wait=0.2)


@pytest.fixture
def receiver() -> Generator[Receiver]:
    with langfuse_receiver() as running:
        yield running


def settings_for(receiver: Receiver) -> Settings:
    return Settings.from_environment(
        {"LANGFUSE_PUBLIC_KEY": "pk-lf-test", "LANGFUSE_SECRET_KEY": "sk-lf-test", "LANGFUSE_HOST": receiver.address}
    )


class Server:
    """As much of a server as records calls and ships them."""

    def __init__(self, recorder: Recorder, sink: LangfuseSink, principal: Principal) -> None:
        self.recorder = recorder
        self.sink = sink
        self.run = a_run(principal)

    async def call(self, name: str = "list_tables", *, error: str | None = None, output: Any = None) -> Call:
        call = a_call(self.run, name, keepable({"schema": "qms", "password": "hunter2"}))
        await self.recorder.begin(call)
        await self.recorder.finish(call, an_outcome(call, output or {"n": 1}, error=error))
        return call


@asynccontextmanager
async def serving(
    receiver: Receiver, database: Database, principal: Principal, folder: Path, pace: Pace = QUICK
) -> AsyncGenerator[Server]:
    recorder = Recorder(Spool(folder), to_langfuse=True)
    sink = LangfuseSink(settings_for(receiver), database, principal.organization_id, pace=pace)
    async with anyio.create_task_group() as tasks:
        recorder.start(tasks)
        await recorder.attach(PostgresStore(database))
        recorder.add_sink(sink)
        try:
            yield Server(recorder, sink, principal)
        finally:
            with anyio.CancelScope(shield=True), anyio.fail_after(3):
                await recorder.aclose()
            tasks.cancel_scope.cancel()


async def outbox(database: Database) -> list[dict[str, Any]]:
    async with database.owner_transaction() as transaction:
        await transaction.connection.execute("SET LOCAL ROLE qms_ledger")
        rows = await transaction.connection.execute(
            "SELECT id, attempts, last_error, given_up_at IS NOT NULL FROM agents.otlp_outbox ORDER BY id"
        )
        return [dict(zip(("id", "attempts", "error", "given_up"), row, strict=True)) for row in await rows.fetchall()]


async def until_outbox(database: Database, true: Callable[[list[dict[str, Any]]], bool]) -> None:
    with anyio.fail_after(10):
        while not true(await outbox(database)):  # noqa: ASYNC110 - the database sets no event
            await anyio.sleep(0.05)


def expected(calls: list[Call]) -> list[str]:
    return sorted(call.id.hex[:16] for call in calls)


async def test_a_call_arrives_as_a_whole_span(
    receiver: Receiver, database: Database, tenants: Tenants, tmp_path: Path
) -> None:
    async with serving(receiver, database, tenants.ours, tmp_path) as server:
        call = await server.call(output={"tables": [1, 2]})
        await until(lambda: receiver.received.spans)
        (span,) = receiver.received.spans
    assert (span.name, span.trace_id, span.scope) == ("list_tables", call.langfuse_trace_id, "langfuse-sdk")
    began = datetime.fromtimestamp(span.start / 1e9, UTC)
    assert abs((began - call.started_at).total_seconds()) < 1e-5
    assert span.end - span.start == 250_000_000
    shown = span.attributes
    assert shown["langfuse.observation.type"] == "tool"
    assert json.loads(shown["langfuse.observation.input"]) == {"schema": "qms", "password": "[masked]"}
    assert json.loads(shown["langfuse.observation.output"]) == {"tables": [1, 2]}
    assert (shown["user.id"], shown["session.id"]) == (str(tenants.ours.user_id), str(server.run.id))
    metadata = {
        name.removeprefix("langfuse.observation.metadata."): json.loads(value)
        for name, value in shown.items()
        if name.startswith("langfuse.observation.metadata.")
    }
    assert metadata["call_id"] == str(call.id)
    assert metadata["organization_id"] == str(tenants.ours.organization_id)
    assert (metadata["tool_use_id"], metadata["client_name"], metadata["protocol_version"], metadata["actor_kind"]) == (
        "toolu_1", "test client", "2025-11-25", "agent",
    )  # fmt: skip
    request = receiver.received.requests[0]
    assert request["headers"]["x-langfuse-ingestion-version"] == "4"
    assert credentials(request) == "pk-lf-test:sk-lf-test"
    assert "hunter2" not in str(receiver.received)


async def test_a_failed_call_is_an_error_with_its_reason(
    receiver: Receiver, database: Database, tenants: Tenants, tmp_path: Path
) -> None:
    async with serving(receiver, database, tenants.ours, tmp_path) as server:
        await server.call(error="There is no such table.")
        await until(lambda: receiver.received.spans)
    (span,) = receiver.received.spans
    assert (span.status, span.message) == (2, "There is no such table.")
    assert span.attributes["langfuse.observation.level"] == "ERROR"
    assert span.attributes["langfuse.observation.status_message"] == "There is no such table."


async def test_the_calls_of_a_run_are_one_trace_and_arrive_once(
    receiver: Receiver, database: Database, tenants: Tenants, tmp_path: Path
) -> None:
    async with serving(receiver, database, tenants.ours, tmp_path) as server:
        calls = [await server.call() for _ in range(230)]
        await until(lambda: len(receiver.received.spans) >= 230, 20)
    assert receiver.received.span_ids() == expected(calls)
    assert len({span.trace_id for span in receiver.received.spans}) == 1
    assert await outbox(database) == []


def test_the_attributes_are_those_the_client_itself_writes() -> None:
    """The client is asked to write the same observation, in a process of its own."""
    code = """
import json, os
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from langfuse import Langfuse, propagate_attributes
kept = InMemorySpanExporter()
client = Langfuse(public_key="pk-lf-1", secret_key="sk-lf-1", base_url="http://127.0.0.1:9", span_exporter=kept)
with propagate_attributes(user_id="u", session_id="s", trace_name="t"):
    client.start_observation(name="n", as_type="tool", input={"ä": 1}, output="text", level="ERROR",
        status_message="m", version="1", metadata={"call_id": "c", "rounds": 1}).end()
client.flush()
(span,) = kept.get_finished_spans()
print(json.dumps({**span.attributes, "scope": span.instrumentation_scope.name, "kind": span.kind.name}), flush=True)
os._exit(0)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    theirs = json.loads(done.stdout)
    from qms_mcp.ledger.langfuse.spans import METADATA, attributes

    row = dict.fromkeys(METADATA) | {
        "id": "c", "rounds": 1, "client_name": "t", "user_id": "u", "run_id": "s", "tool_input": {"ä": 1},
        "tool_output": "text", "success": False, "error": "m", "kind": "tool",
    }  # fmt: skip
    ours = {name: value for name, value in attributes(row).items() if value is not None}
    assert (theirs.pop("scope"), theirs.pop("kind")) == ("langfuse-sdk", "INTERNAL")
    extra = {"langfuse.observation.metadata.kind", "langfuse.observation.metadata.client_name"}
    assert set(ours) - extra == set(theirs) - {"langfuse.internal.as_root"}
    for name in set(theirs) & set(ours) - {"langfuse.version"}:
        assert _comparable(ours[name]) == _comparable(theirs[name]), name


def _comparable(value: Any) -> Any:
    try:
        return json.loads(value)
    except (ValueError, TypeError):
        return value


@pytest.mark.parametrize("trouble", ["refused", "401", "503", "429", "silent"])
async def test_a_host_in_trouble_slows_no_call_and_no_exit_and_gets_all_spans_later(
    receiver: Receiver, wiring: Wiring, database: Database, tenants: Tenants, tmp_path: Path, trouble: str
) -> None:
    async def timed(server: Server) -> tuple[float, list[Call]]:
        calls: list[Call] = []
        times: list[float] = []
        for _ in range(30):
            started = time.perf_counter()
            calls.append(await server.call())
            times.append(time.perf_counter() - started)
        return sorted(times)[len(times) // 2], calls

    async with serving(receiver, database, tenants.ours, tmp_path) as server:
        await server.call("warm up")
        await until(lambda: receiver.received.spans)
        healthy, before = await timed(server)
        await until(lambda: len(receiver.received.spans) == 31)
    if trouble == "refused":
        receiver.down()
    elif trouble == "silent":
        receiver.black_hole(on=True)
    else:
        receiver.status, receiver.retry_after = int(trouble), "0" if trouble == "429" else None
    async with serving(receiver, database, tenants.ours, tmp_path) as server:
        troubled, during = await timed(server)
        if trouble != "refused":
            await until(lambda: len(receiver.received.requests) > 3)
        started = time.perf_counter()
        await server.recorder.aclose()
        assert time.perf_counter() - started < 2.5
    assert troubled < 2 * healthy + 0.005
    assert len(receiver.received.spans) == 31
    if trouble == "refused":
        receiver.up()
    receiver.black_hole(on=False)
    receiver.status, receiver.retry_after = 200, None
    restarted = Database(wiring)
    await restarted.open()
    try:
        async with serving(receiver, restarted, tenants.ours, tmp_path) as server:
            after = await server.call()
            await until(lambda: len(receiver.received.spans) >= 62, 15)
    finally:
        await restarted.close()
    assert set(expected([*before, *during, after])) < set(receiver.received.span_ids())
    assert len(set(receiver.received.span_ids())) == len(receiver.received.spans) == 62
    assert await outbox(database) == []


async def test_the_same_server_ships_when_the_host_comes_back(
    receiver: Receiver, database: Database, tenants: Tenants, tmp_path: Path
) -> None:
    receiver.down()
    async with serving(receiver, database, tenants.ours, tmp_path) as server:
        calls = [await server.call() for _ in range(5)]
        await anyio.sleep(0.3)
        receiver.up()
        await until(lambda: len(receiver.received.spans) == 5)
    assert receiver.received.span_ids() == expected(calls)


async def test_the_host_may_say_when_to_come_back(
    receiver: Receiver, database: Database, tenants: Tenants, tmp_path: Path
) -> None:
    receiver.status, receiver.retry_after = 429, "30"
    async with serving(receiver, database, tenants.ours, tmp_path) as server:
        await server.call()
        await until(lambda: receiver.received.requests)
        for _ in range(5):
            await server.call()
        await anyio.sleep(0.5)  # several of our own longest waits
        assert len(receiver.received.requests) == 1


async def test_a_row_the_host_refuses_holds_up_no_other_and_is_kept(
    receiver: Receiver, database: Database, tenants: Tenants, tmp_path: Path
) -> None:
    receiver.refuse_names = {"bad"}
    pace = Pace(gather=0.1, look=0.05, first_wait=0.01, last_wait=0.05, tries=3)
    async with serving(receiver, database, tenants.ours, tmp_path, pace) as server:
        async with anyio.create_task_group() as tasks:
            for name in ("good", "bad", "good"):
                tasks.start_soon(server.call, name)
        await until(lambda: len(receiver.received.spans) == 2)
        await until_outbox(database, lambda rows: bool(rows and rows[0]["given_up"]))
    (row,) = await outbox(database)
    assert (row["attempts"], row["error"]) == (3, "the host answered 400")


async def test_several_servers_ship_at_once_without_doubles(
    receiver: Receiver, database: Database, tenants: Tenants, tmp_path: Path
) -> None:
    pace = Pace(gather=0.01, look=0.02, batch=7)
    async with (
        serving(receiver, database, tenants.ours, tmp_path, pace) as one,
        serving(receiver, database, tenants.ours, tmp_path, pace) as other,
    ):
        calls = [await (one if number % 2 else other).call() for number in range(100)]
        await until(lambda: len(receiver.received.spans) >= 100)
    assert receiver.received.span_ids() == expected(calls)


async def test_a_server_ships_what_is_its_organizations_only(
    receiver: Receiver, database: Database, tenants: Tenants, tmp_path: Path
) -> None:
    with langfuse_receiver() as theirs:
        async with (
            serving(receiver, database, tenants.ours, tmp_path) as our_server,
            serving(theirs, database, tenants.theirs, tmp_path) as their_server,
        ):
            our_calls = [await our_server.call() for _ in range(5)]
            their_calls = [await their_server.call() for _ in range(5)]
            await until(lambda: len(receiver.received.spans) == 5 == len(theirs.received.spans))
        assert receiver.received.span_ids() == expected(our_calls)
        assert theirs.received.span_ids() == expected(their_calls)


async def test_a_full_outbox_drops_the_oldest_and_says_so(
    receiver: Receiver, database: Database, tenants: Tenants, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.down()
    pace = Pace(look=0.05, gather=0.01, first_wait=0.05, last_wait=0.05, most_rows=10)
    async with serving(receiver, database, tenants.ours, tmp_path, pace) as server:
        calls = [await server.call() for _ in range(25)]
        await until_outbox(database, lambda rows: len(rows) == 10)
        receiver.up()
        await until(lambda: len(receiver.received.spans) == 10)
    assert receiver.received.span_ids() == expected(calls[-10:])
    assert "rows were dropped" in caplog.text


async def test_scores_take_the_same_way(
    receiver: Receiver, database: Database, tenants: Tenants, tmp_path: Path
) -> None:
    receiver.down()
    async with serving(receiver, database, tenants.ours, tmp_path) as server:
        call = await server.call()
        first = await server.sink.score(call.langfuse_trace_id, "accuracy", 0.9, "read by a person")
        await server.sink.score(call.langfuse_trace_id, "verdict", "good")
        receiver.up()
        await until(lambda: len(receiver.received.scores) == 2 and receiver.received.spans)
    accuracy = receiver.received.scores[0]
    assert {name: accuracy[name] for name in ("id", "traceId", "name", "value", "comment", "dataType")} == {
        "id": first, "traceId": call.langfuse_trace_id, "name": "accuracy", "value": 0.9,
        "comment": "read by a person", "dataType": "NUMERIC",
    }  # fmt: skip
    assert receiver.received.scores[1]["dataType"] == "CATEGORICAL"


async def test_a_call_that_went_through_the_spool_is_shipped_too(
    receiver: Receiver, database: Database, tenants: Tenants, tmp_path: Path
) -> None:
    recorder, call = Recorder(Spool(tmp_path), to_langfuse=True), a_call(a_run(tenants.ours))
    async with anyio.create_task_group() as tasks:
        recorder.start(tasks)
        await recorder.begin(call)
        await recorder.finish(call, an_outcome(call))
        await recorder.aclose()
        tasks.cancel_scope.cancel()
    assert Spool(tmp_path).waiting()
    async with serving(receiver, database, tenants.ours, tmp_path):
        await until(lambda: receiver.received.spans)
    assert receiver.received.span_ids() == expected([call])


async def test_last_words_are_shipped_when_the_server_stops(
    receiver: Receiver, database: Database, tenants: Tenants, tmp_path: Path
) -> None:
    importlib.import_module("qms_mcp.ledger.langfuse.spans")  # may take longer than last words may
    slow = Pace(gather=5.0)
    async with serving(receiver, database, tenants.ours, tmp_path, slow) as server:
        calls = [await server.call() for _ in range(3)]
    assert receiver.received.span_ids() == expected(calls)


async def test_without_keys_nothing_enters_the_outbox(database: Database, tenants: Tenants, tmp_path: Path) -> None:
    recorder = Recorder(Spool(tmp_path), to_langfuse=Settings.from_environment({}).langfuse_configured)
    async with anyio.create_task_group() as tasks:
        recorder.start(tasks)
        await recorder.attach(PostgresStore(database))
        call = a_call(a_run(tenants.ours))
        await recorder.begin(call)
        await recorder.finish(call, an_outcome(call))
        await recorder.aclose()
        tasks.cancel_scope.cancel()
    assert await outbox(database) == []


def test_the_sink_itself_imports_no_client_library() -> None:
    code = "import sys, qms_mcp.ledger.langfuse; print('langfuse' in sys.modules, 'opentelemetry.sdk' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["False", "False"]
