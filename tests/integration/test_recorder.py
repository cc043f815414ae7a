"""The recorder: every entry ends up in the database once, whatever happens to the database meanwhile."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import anyio
import pytest

from qms_mcp.db.database import Database
from qms_mcp.db.queries import Query
from qms_mcp.errors import UnavailableError
from qms_mcp.ledger.postgres import PostgresStore
from qms_mcp.ledger.record import Entry, begin_call_entry, end_run_entry, finish_call_entry
from qms_mcp.ledger.recorder import Recorder
from qms_mcp.ledger.spool import Spool
from qms_mcp.masking import keepable
from tests.conftest import Tenants
from tests.support.ledger import a_call, a_run, an_outcome, calls_of, ids, runs_of, until

pytestmark = [pytest.mark.anyio, pytest.mark.shared_database]


class Switch:
    """A store that can be cut off, like a database that is stopped."""

    def __init__(self, database: Database) -> None:
        self._store = PostgresStore(database)
        self.on = True
        self.silent = False
        self.written: list[Sequence[Entry]] = []

    async def record(self, entries: Sequence[Entry]) -> None:
        if self.silent:
            await anyio.sleep_forever()
        if not self.on:
            raise UnavailableError("The database can't be reached.")
        await self._store.record(entries)
        if entries:
            self.written.append(entries)


@asynccontextmanager
async def recording(store: Switch | None, folder: Path) -> AsyncGenerator[Recorder]:
    recorder = Recorder(Spool(folder))
    async with anyio.create_task_group() as tasks:
        recorder.start(tasks)
        if store is not None:
            await recorder.attach(store)
        try:
            yield recorder
        finally:
            with anyio.CancelScope(shield=True), anyio.fail_after(5):
                await recorder.aclose()
            tasks.cancel_scope.cancel()


@pytest.fixture
def store(database: Database) -> Switch:
    return Switch(database)


def spooled(folder: Path) -> list[Path]:
    return list(folder.glob("*.jsonl"))


async def test_a_call_is_in_the_ledger_before_its_work_and_closed_before_its_answer(
    database: Database, tenants: Tenants, store: Switch, tmp_path: Path
) -> None:
    run = a_run(tenants.ours)
    call = a_call(run, arguments={"schema": "qms"})
    async with recording(store, tmp_path) as recorder:
        await recorder.begin_run(run)
        await recorder.begin(call)
        begun = (await calls_of(database, tenants.ours))[0]
        await recorder.finish(call, an_outcome(call, {"tables": 3}))
        done = (await calls_of(database, tenants.ours))[0]
        await recorder.end_run(run, "completed")
        ended = (await runs_of(database, tenants.ours))[0]
    assert (begun["state"], begun["success"], begun["tool_input"]) == ("unfinished", None, {"schema": "qms"})
    assert (done["state"], done["success"], done["tool_output"], done["duration_ms"]) == (
        "finished", True, {"tables": 3}, 250,
    )  # fmt: skip
    assert (done["tool_use_id"], done["client_name"], done["protocol_version"]) == (
        "toolu_1", "test client", "2025-11-25",
    )  # fmt: skip
    assert not done["replayed"]
    assert (ended["status"], ended["client_version"]) == ("completed", "1.0")
    assert not spooled(tmp_path)


async def test_each_organization_sees_its_own_calls_only(
    database: Database, tenants: Tenants, store: Switch, tmp_path: Path
) -> None:
    async with recording(store, tmp_path) as recorder:
        for principal in (tenants.ours, tenants.theirs, None):
            call = a_call(a_run(principal))
            await recorder.begin(call)
            await recorder.finish(call, an_outcome(call))
    assert len(await calls_of(database, tenants.ours)) == 1
    assert len(await calls_of(database, tenants.theirs)) == 1


async def test_fifty_calls_at_once_take_few_round_trips(
    database: Database, tenants: Tenants, store: Switch, tmp_path: Path
) -> None:
    run = a_run(tenants.ours)

    async def one(recorder: Recorder) -> None:
        call = a_call(run)
        await recorder.begin(call)
        await recorder.finish(call, an_outcome(call))

    async with recording(store, tmp_path) as recorder, anyio.create_task_group() as tasks:
        for _ in range(50):
            tasks.start_soon(one, recorder)
    calls = await calls_of(database, tenants.ours)
    assert [call["state"] for call in calls] == ["finished"] * 50
    assert len(store.written) < 25


async def test_what_comes_before_the_database_is_there_is_replayed_when_it_is(
    database: Database, tenants: Tenants, store: Switch, tmp_path: Path
) -> None:
    run = a_run(tenants.ours)
    call = a_call(run)
    async with recording(None, tmp_path) as recorder:
        await recorder.begin_run(run)
        await recorder.begin(call)
        assert spooled(tmp_path)
        await recorder.attach(store)
        await recorder.finish(call, an_outcome(call))
        await until(lambda: not spooled(tmp_path))
    row = (await calls_of(database, tenants.ours))[0]
    assert (row["state"], row["replayed"]) == ("finished", True)


async def test_a_database_lost_in_mid_call_costs_no_record_and_hardly_any_time(
    database: Database, tenants: Tenants, store: Switch, tmp_path: Path
) -> None:
    run = a_run(tenants.ours)
    before, during, after = (a_call(run, name) for name in ("before", "during", "after"))
    async with recording(store, tmp_path) as recorder:
        await recorder.begin(before)
        store.on = False
        with anyio.fail_after(1):
            await recorder.finish(before, an_outcome(before, {"n": 1}))
            await recorder.begin(during)
            await recorder.finish(during, an_outcome(during))
        assert spooled(tmp_path)
        store.on = True
        await until(lambda: not spooled(tmp_path), 20)
        await recorder.begin(after)
        await recorder.finish(after, an_outcome(after))
    rows = {row["tool_name"]: row for row in await calls_of(database, tenants.ours)}
    assert {name: row["state"] for name, row in rows.items()} == dict.fromkeys(
        ("before", "during", "after"), "finished"
    )
    assert {name: row["replayed"] for name, row in rows.items()} == {"before": True, "during": True, "after": False}
    assert rows["before"]["tool_output"] == {"n": 1}


async def test_a_database_that_does_not_answer_is_not_waited_for(
    tenants: Tenants, store: Switch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qms_mcp.ledger.recorder._STORE_TIMEOUT", 0.2)
    async with recording(store, tmp_path) as recorder:
        store.silent = True
        with anyio.fail_after(2):
            await recorder.begin(a_call(a_run(tenants.ours)))
        assert spooled(tmp_path)


async def test_the_next_process_replays_what_a_dead_one_left(
    database: Database, tenants: Tenants, store: Switch, tmp_path: Path
) -> None:
    store.on = False
    call = a_call(a_run(tenants.ours))
    async with recording(store, tmp_path) as recorder:
        await recorder.begin(call)
        await recorder.finish(call, an_outcome(call))
    store.on = True
    async with recording(store, tmp_path):
        await until(lambda: not spooled(tmp_path))
    assert [row["state"] for row in await calls_of(database, tenants.ours)] == ["finished"]


async def test_two_processes_share_a_spool_and_double_nothing(
    database: Database, tenants: Tenants, store: Switch, tmp_path: Path
) -> None:
    store.on = False
    calls = [a_call(a_run(tenants.ours)) for _ in range(30)]
    async with recording(store, tmp_path) as one, recording(store, tmp_path) as other:
        for number, call in enumerate(calls):
            await (one if number % 2 else other).begin(call)
            await (other if number % 3 else one).finish(call, an_outcome(call))
        store.on = True
        await until(lambda: not spooled(tmp_path), 20)
    rows = await calls_of(database, tenants.ours)
    assert ids(rows) == {call.id for call in calls}
    assert len(rows) == 30
    assert {row["state"] for row in rows} == {"finished"}


async def test_entries_may_be_replayed_in_any_order_and_more_than_once(database: Database, tenants: Tenants) -> None:
    store, run = PostgresStore(database), a_run(tenants.ours)
    call = a_call(run, arguments={"x": 1})
    begin, finish = begin_call_entry(call), finish_call_entry(call, an_outcome(call, {"y": 2}))
    end = end_run_entry(run, "completed", datetime.now(UTC))
    for entry in (end, finish, begin, finish, begin, end):
        await store.record([entry])
    (row,) = await calls_of(database, tenants.ours)
    (kept_run,) = await runs_of(database, tenants.ours)
    assert (row["state"], row["tool_input"], row["tool_output"]) == ("finished", {"x": 1}, {"y": 2})
    assert (kept_run["id"], kept_run["status"]) == (run.id, "completed")


async def test_a_finished_call_never_changes(database: Database, tenants: Tenants) -> None:
    store, call = PostgresStore(database), a_call(a_run(tenants.ours))
    await store.record([finish_call_entry(call, an_outcome(call, {"first": True}))])
    await store.record([finish_call_entry(call, an_outcome(call, {"second": True}, error="changed"))])
    (row,) = await calls_of(database, tenants.ours)
    assert (row["success"], row["tool_output"]) == (True, {"first": True})
    for change in ("UPDATE agents.tool_calls SET error = 'x'", "DELETE FROM agents.tool_calls"):
        with pytest.raises(Exception, match=r"append-only|permission denied"):
            async with database.transaction(tenants.ours) as transaction:
                await transaction.execute(Query("test", change))


async def test_an_entry_the_database_refuses_is_set_aside_and_holds_up_nobody(
    database: Database, tenants: Tenants, store: Switch, tmp_path: Path
) -> None:
    run = a_run(tenants.ours)
    poison = replace(a_call(run), kind="dance")  # type: ignore[arg-type]
    good = [a_call(run) for _ in range(5)]
    async with recording(store, tmp_path) as recorder:
        async with anyio.create_task_group() as tasks:
            for call in [*good[:3], poison, *good[3:]]:
                tasks.start_soon(recorder.begin, call)
        store.on = False
        await recorder.finish(poison, an_outcome(poison))  # by way of the spool it fares the same
        for call in good:
            await recorder.finish(call, an_outcome(call))
        store.on = True
        await until(lambda: not spooled(tmp_path), 20)
    rows = await calls_of(database, tenants.ours)
    assert ids(rows) == {call.id for call in good}
    assert {row["state"] for row in rows} == {"finished"}
    assert (tmp_path / "refused.txt").read_text().count(str(poison.id)) == 2


async def test_whatever_a_call_holds_can_be_written(database: Database, tenants: Tenants, tmp_path: Path) -> None:
    deep: Any = []
    for _ in range(200):
        deep = [deep]
    hostile = [
        "nul \x00", "half \ud800 pair", "\\u0000", float("nan"), float("inf"), 10**300, deep, {"": {"\x00": 1}},
        "x" * 100_000, {"password": "hunter2"}, b"bytes", uuid4(), "'; DROP TABLE agents.tool_calls; --", "%s %(x)s",
    ]  # fmt: skip
    run = a_run(tenants.ours)
    calls = [a_call(run, arguments=keepable({"value": value})) for value in hostile]
    async with recording(Switch(database), tmp_path) as recorder:
        for call, value in zip(calls, hostile, strict=True):
            await recorder.begin(call)
            await recorder.finish(call, an_outcome(call, keepable(value)))
    rows = await calls_of(database, tenants.ours)
    assert len(rows) == len(hostile)
    assert {row["state"] for row in rows} == {"finished"}
    assert "hunter2" not in str(rows)
    assert not (tmp_path / "refused.txt").exists()


async def test_a_cancelled_caller_leaves_its_entry_with_the_writer(
    database: Database, tenants: Tenants, store: Switch, tmp_path: Path
) -> None:
    call = a_call(a_run(tenants.ours))
    async with recording(store, tmp_path) as recorder:
        with anyio.CancelScope() as scope:
            scope.cancel()
            await recorder.begin(call)
    assert ids(await calls_of(database, tenants.ours)) == {call.id}


async def test_closing_writes_what_is_queued_and_takes_what_still_comes(
    database: Database, tenants: Tenants, store: Switch, tmp_path: Path
) -> None:
    run = a_run(tenants.ours)
    calls, late = [a_call(run) for _ in range(20)], a_call(run)
    async with recording(store, tmp_path) as recorder, anyio.create_task_group() as tasks:
        for call in calls:
            tasks.start_soon(recorder.begin, call)
        await anyio.lowlevel.checkpoint()
        await recorder.aclose()
        with anyio.fail_after(1):
            await recorder.begin(late)
    assert ids(await calls_of(database, tenants.ours)) == {call.id for call in calls}
    async with recording(store, tmp_path):
        await until(lambda: not spooled(tmp_path))
    assert ids(await calls_of(database, tenants.ours)) == {call.id for call in [*calls, late]}


async def test_closing_with_a_silent_database_is_quick_and_loses_nothing(
    database: Database, tenants: Tenants, store: Switch, tmp_path: Path
) -> None:
    call = a_call(a_run(tenants.ours))
    async with recording(store, tmp_path) as recorder, anyio.create_task_group() as tasks:
        store.silent = True
        tasks.start_soon(recorder.begin, call)
        await anyio.lowlevel.checkpoint()
        with anyio.fail_after(2):
            await recorder.aclose()
            tasks.cancel_scope.cancel()
    store.silent = False
    async with recording(store, tmp_path):
        await until(lambda: not spooled(tmp_path))
    assert ids(await calls_of(database, tenants.ours)) == {call.id}


async def test_a_call_of_several_rounds_stays_one_row(
    database: Database, tenants: Tenants, store: Switch, tmp_path: Path
) -> None:
    call = a_call(a_run(tenants.ours))
    states: list[tuple[str, int]] = []

    async def look() -> None:
        (row,) = await calls_of(database, tenants.ours)
        states.append((row["state"], row["rounds"]))

    async with recording(store, tmp_path) as recorder:
        await recorder.begin(call)
        await recorder.finish(call, replace(an_outcome(call), state="awaiting_input", success=False))
        await look()
        await recorder.resume(call)
        await look()
        await recorder.finish(call, replace(an_outcome(call), rounds=2))
        await look()
    assert states == [("awaiting_input", 1), ("unfinished", 1), ("finished", 2)]
