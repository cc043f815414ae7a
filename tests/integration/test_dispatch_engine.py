"""Dispatches in one process, on a real database: order, limits, failures, budgets, and what is seen meanwhile."""

import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import anyio
import anyio.lowlevel
import anyio.to_thread
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from qms_mcp.agents.claude.access import ClaudeAccess
from qms_mcp.db.database import Database
from qms_mcp.db.durable import ensure_durable_schema
from qms_mcp.db.embedded import EmbeddedPostgres
from qms_mcp.db.embedded.bootstrap import open_copy
from qms_mcp.dispatch import run as run_module
from qms_mcp.errors import ConflictError, NotAllowedError, NotFoundError, TakenOverError
from qms_mcp.services.dispatch.models import AskedTask
from qms_mcp.settings import Settings
from tests.conftest import Tenants, add_person, two_tenants, wiring_for
from tests.support import dispatching_agents
from tests.support.claude_stub import ClaudeStub, Said, refuses, says
from tests.support.dispatching import Process, Rows, answer, process_on, task

pytestmark = pytest.mark.anyio

UNCACHED = {"cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "cache_creation": None}


@pytest.fixture(scope="module")
def actors() -> Generator[None]:
    """The roster of this module's agents."""
    with pytest.MonkeyPatch.context() as patch:
        for module in ("qms_mcp.dispatch.engine", "qms_mcp.services.dispatch.planning"):
            patch.setattr(f"{module}.roster", dispatching_agents.actors)
        patch.setattr(run_module, "_FIRST_RETRY", timedelta(seconds=0.05))
        yield


@pytest.fixture(scope="module")
async def database(embedded: EmbeddedPostgres, template: str) -> AsyncGenerator[Database]:
    """A copy of the migrated database that nothing else is connected to: one test restarts its server."""
    name = f"t_{uuid4().hex[:12]}"
    with psycopg.connect(embedded.conninfo("postgres", "postgres"), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {template} OWNER qms_owner".encode())
    open_copy(embedded.conninfo(name, "postgres"))
    opened = Database(wiring_for(embedded, name))
    await opened.open()
    await ensure_durable_schema(opened.wiring.owner)
    yield opened
    await opened.close()
    with psycopg.connect(embedded.conninfo("postgres", "postgres"), autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture(scope="module")
async def both(database: Database) -> Tenants:
    return await two_tenants(database)


@pytest.fixture(scope="module")
async def process(
    actors: None,
    embedded: EmbeddedPostgres,
    database: Database,
    both: Tenants,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncGenerator[Process]:
    """One server of one person for all tests."""
    del actors
    rows = Rows(embedded.conninfo(conninfo_to_dict(database.wiring.server)["dbname"], "postgres"))  # pyright: ignore[reportArgumentType]
    async with process_on(database, both.ours, tmp_path_factory.mktemp("server"), rows) as one:
        yield one


@asynccontextmanager
async def with_model(process: Process, stub: ClaudeStub) -> AsyncGenerator[None]:
    """Let the agents of the process have a model."""
    access = ClaudeAccess(Settings.from_environment({"ANTHROPIC_API_KEY": "k", "ANTHROPIC_BASE_URL": stub.url}),
                          retries=0, first_wait=0.01)  # fmt: skip
    process.engine.claude = process.services.dispatches.claude = access
    try:
        yield
    finally:
        process.engine.claude = process.services.dispatches.claude = None
        await access.aclose()


async def test_a_task_begins_when_all_it_needs_is_done_and_has_their_answers(process: Process) -> None:
    report = await process.done(
        task("d", needs=["b", "c"]), task("a", seconds=0.1), task("b", needs=["a"], seconds=0.1), task("c", needs=["a"])
    )
    assert report.status == "completed", report
    rows = process.rows.tasks(report.id)  # pyright: ignore[reportArgumentType]
    for key, needs in {"d": "bc", "b": "a", "c": "a"}.items():
        assert all(rows[key]["queued_at"] >= rows[need]["finished_at"] for need in needs), rows
    assert report.result is not None
    assert "Task d saw b, c before it." in str(report.result)


async def test_a_task_that_comes_after_another_waits_for_its_end_but_not_for_its_success(process: Process) -> None:
    feedback = AskedTask(agent="feedback", request=dispatching_agents.request(n=1))
    report = await process.done(feedback, task("data", agent="data", fails=9, seconds=0.1, n=1))
    rows = process.rows.tasks(report.id)  # pyright: ignore[reportArgumentType]
    assert (rows["data"]["state"], rows["feedback"]["state"]) == ("failed", "done")
    assert rows["feedback"]["queued_at"] >= rows["data"]["finished_at"]
    assert report.status == "partial"


async def test_never_more_run_than_the_dispatch_or_the_organization_allows(process: Process) -> None:
    async with process.sampling() as seen:
        report = await process.done(*(task(f"t{n}", seconds=0.1) for n in range(9)), at_once=3)
    assert report.status == "completed"
    assert seen.most == 3, seen
    process.rows.execute(
        "UPDATE qms.organizations SET settings = settings || '{\"agents_at_once\": 4}' WHERE id = %(id)s",
        id=process.principal.organization_id,
    )
    try:
        async with process.sampling() as seen:
            first = await process.send(*(task(f"t{n}", seconds=0.15) for n in range(6)), at_once=3)
            second = await process.send(*(task(f"t{n}", seconds=0.15) for n in range(6)), at_once=3)
            assert (await process.ended(first.id)).status == (await process.ended(second.id)).status == "completed"
    finally:
        process.rows.execute(
            "UPDATE qms.organizations SET settings = settings - 'agents_at_once' WHERE id = %(id)s",
            id=process.principal.organization_id,
        )
    assert seen.most == 4, seen
    assert set(seen.most_of) == {first.id, second.id}


async def test_the_first_priority_goes_first(process: Process) -> None:
    report = await process.done(
        task("last", priority=9), task("first", priority=1), task("middle"), task("second", priority=1), at_once=1
    )
    started = {row["started_at"]: key for key, row in process.rows.tasks(report.id).items()}  # pyright: ignore[reportArgumentType]
    assert [started[moment] for moment in sorted(started)] == ["first", "second", "middle", "last"]


async def test_after_a_failure_the_others_go_on_or_what_has_not_begun_is_skipped(process: Process) -> None:
    def tasks(case: str) -> list[AskedTask]:
        return [task("bad", fails=9, case=case), task("needing", needs=["bad"], case=case),
                task("other", seconds=0.1, case=case), task("later", needs=["other"], case=case)]  # fmt: skip

    on = await process.done(*tasks("on"))
    stop = await process.done(*tasks("stop"), on_failure="stop")
    assert (on.status, stop.status) == ("partial", "partial")
    assert [(each.key, each.state) for each in on.agents] == [
        ("bad", "failed"), ("needing", "skipped"), ("other", "done"), ("later", "done"),
    ]  # fmt: skip
    assert [(each.key, each.state) for each in stop.agents] == [
        ("bad", "failed"), ("needing", "skipped"), ("other", "done"), ("later", "skipped"),
    ]  # fmt: skip
    assert "stops" in stop.agents[3].note


async def test_a_passing_failure_is_tried_again_alone_and_the_last_try_goes_by_the_playbook(process: Process) -> None:
    away = [refuses(529, "overloaded_error")] * 9
    by = {"case-fine": [says(answer())], "case-once": [away[0], says(answer())], "case-never": away}
    with ClaudeStub(by=by) as stub:
        async with with_model(process, stub):
            report = await process.done(
                task("fine", n="case-fine"), task("once", n="case-once"), task("never", n="case-never")
            )
    assert report.status == "completed", report
    done = {each.key: each for each in report.agents}
    assert [(done[key].attempt, done[key].model) for key in ("fine", "once", "never")] == [
        (1, "claude-sonnet-5-5"), (2, "claude-sonnet-5-5"), (3, "playbook"),
    ]  # fmt: skip
    assert len(stub.requests) == 1 + 2 + 2
    assert "the tries with a model failed" in report.note
    assert len(process.rows.runs(report.id)) == 1 + 2 + 3  # pyright: ignore[reportArgumentType]


async def test_time_counts_from_the_beginning_of_a_task_and_not_while_it_waits(process: Process) -> None:
    report = await process.done(
        task("long", seconds=1.1), task("waits", time_out=1, seconds=0.3), task("slow", time_out=1, seconds=30),
        at_once=1,
    )  # fmt: skip
    states = {each.key: each.state for each in report.agents}
    assert states == {"long": "done", "waits": "done", "slow": "failed"}, report
    slow = process.rows.tasks(report.id)["slow"]  # pyright: ignore[reportArgumentType]
    assert 0.9 < (slow["finished_at"] - slow["started_at"]).total_seconds() < 2.5
    assert "1 s" in slow["error"]


async def test_a_budget_is_reserved_before_a_task_begins_and_spent_once(process: Process) -> None:
    big = {"input_tokens": 25_000, "output_tokens": 100, **UNCACHED}
    by = {"case-first": [Said(says(answer()), after=0.4, usage=big)], "case-second": [says(answer())]}
    with ClaudeStub(by=by) as stub:
        async with with_model(process, stub):
            opened = await process.send(
                task("a", n="case-first"), task("b", n="case-second"), at_once=1, budget_tokens=40_000
            )
            await process.until(lambda seen: seen.agents[0].state == "running", opened.id)
            seen = await process.services.dispatches.report(process.principal, str(opened.id))
            report = await process.ended(opened.id)
    assert seen.spend is not None
    assert (seen.spend.reserved_tokens, seen.spend.spent_tokens) == (20_000, 0)
    assert report.spend is not None
    assert (report.spend.reserved_tokens, report.spend.spent_tokens) == (0, 25_100)
    assert report.spend.spent_usd == pytest.approx(25_000 * 3e-6 + 100 * 15e-6)
    # What is left is less than the second one may need: it does without.
    assert [each.model for each in report.agents] == ["claude-sonnet-5-5", "playbook"]
    assert "the budget of the dispatch was spent" in report.note
    assert len(stub.requests) == 1


async def test_a_budget_of_money_is_kept_too(process: Process) -> None:
    big = {"input_tokens": 25_000, "output_tokens": 1_000, **UNCACHED}
    by = {"case-first": [Said(says(answer()), usage=big)], "case-second": [says(answer())]}
    with ClaudeStub(by=by) as stub:
        async with with_model(process, stub):
            report = await process.done(
                task("a", n="case-first"), task("b", n="case-second"), at_once=1, budget_usd=0.15
            )
    assert report.spend is not None
    assert report.spend.spent_usd == pytest.approx(0.09)
    assert [each.model for each in report.agents] == ["claude-sonnet-5-5", "playbook"], report


async def test_cancelled_all_runs_stop_within_a_second_and_nothing_they_write_counts(process: Process) -> None:
    with ClaudeStub(by={"case-held": [Said(says(answer()), after=30)]}) as stub:
        async with with_model(process, stub):
            talking = await process.send(task("talks", n="case-held"))
            await process.until(lambda seen: seen.agents[0].state == "running" and bool(stub.requests), talking.id)
            process.engine.claude = process.services.dispatches.claude = None
            opened = await process.send(*(task(f"t{n}", seconds=30) for n in range(4)), task("w", needs=["t0"]))
            await process.until(lambda seen: sum(each.state == "running" for each in seen.agents) == 4, opened.id)
            held = process.rows.runs(opened.id)
            dispatching_agents.left.clear()
            since = time.monotonic()
            report = await process.services.dispatches.cancel(process.principal, str(opened.id), "It is not needed.")
            await process.services.dispatches.cancel(process.principal, str(talking.id), "It is not needed.")
            await process.nothing_is_under_way()
            assert time.monotonic() - since < 1.0
    assert len(dispatching_agents.left) == 4
    assert report.status == "cancelled"
    assert {each.state for each in report.agents} == {"cancelled"}
    assert {row["status"] for row in process.rows.runs(opened.id)} == {"cancelled"}
    for row in held:
        late = cast("Any", SimpleNamespace(run_id=row["id"], fence=row["fence"]))
        with pytest.raises(TakenOverError):
            await process.engine.rows.keep(process.principal, late, "model", {"late": True}, tokens=5, usd=1.0)
        with pytest.raises(TakenOverError):
            await process.engine.rows.finish_run(process.principal, late, {"status": "completed"},
                                                 retry_after=timedelta())  # fmt: skip
    assert process.rows.value("SELECT count(*) FROM agents.context_state WHERE run_id = ANY(%(runs)s)",
                              runs=[row["id"] for row in held]) == 0  # fmt: skip


async def test_the_same_name_is_the_same_dispatch_and_another_request_under_it_is_refused(process: Process) -> None:
    name = f"weekly {uuid4()}"
    first = await process.send(task("a", seconds=0.1), run_key=name)
    again = await process.send(task("a", seconds=0.1), run_key=name)
    assert (again.id, first.created, again.created) == (first.id, True, False)
    with pytest.raises(ConflictError, match="another request"):
        await process.send(task("b"), run_key=name)
    await process.ended(first.id)
    after = await process.send(task("a", seconds=0.1), run_key=name)
    assert (after.id, after.created) == (first.id, False)
    assert len(process.rows.runs(first.id)) == 1


async def test_only_what_failed_is_tried_again(process: Process) -> None:
    report = await process.done(task("fine"), task("bad", fails=1, case="again"), task("needing", needs=["bad"]))
    assert (report.status, [each.state for each in report.agents]) == ("partial", ["done", "failed", "skipped"])
    opened = await process.services.dispatches.retry(process.principal, str(report.id))
    report = await process.ended(opened.id)
    assert (report.status, [each.state for each in report.agents]) == ("completed", ["done"] * 3)
    assert [each.attempt for each in report.agents] == [1, 2, 1]
    with pytest.raises(ConflictError):
        await process.services.dispatches.retry(process.principal, str(report.id))


async def test_what_is_done_can_be_read_while_the_rest_is_at_work(process: Process) -> None:
    opened = await process.send(task("quick"), task("slow", seconds=0.6))
    await process.until(lambda seen: [each.state for each in seen.agents] == ["done", "running"], opened.id)
    report = await process.services.dispatches.report(process.principal, str(opened.id))
    assert report.status == "running"
    assert "Task quick saw nothing" in str(report.result)
    assert "Task slow" not in str(report.result)
    assert "Task slow" in str((await process.ended(opened.id)).result)


async def test_a_dispatch_ends_with_a_reason_when_its_person_has_left(process: Process, both: Tenants) -> None:
    leaver = await add_person(process.database, both.ours.organization_id, "northwind", "owner")
    opened = await process.send(task("a", seconds=0.3), task("b", needs=["a"], seconds=0.1), principal=leaver)
    await process.until(lambda seen: seen.agents[0].state == "running", opened.id)
    process.rows.execute("DELETE FROM qms.memberships WHERE user_id = %(id)s", id=leaver.user_id)
    report = await process.ended(opened.id)
    assert report.status == "failed", report
    assert "belong" in report.note
    assert not {each.state for each in report.agents} & {"waiting", "queued", "running"}


async def test_a_dispatch_of_somebody_else_is_followed_and_not_tried_again(process: Process, both: Tenants) -> None:
    colleague = await add_person(process.database, both.ours.organization_id, "northwind", "owner")
    opened = await process.send(task("a", seconds=5), run_key="the-weekly-one", principal=colleague)
    dispatches = process.services.dispatches
    await dispatches.cancel(process.principal, "the-weekly-one", "It is not needed any more.")
    with pytest.raises(NotAllowedError):
        await dispatches.retry(process.principal, "the-weekly-one")
    assert (await dispatches.report(process.principal, str(opened.id))).status == "cancelled"


async def test_nothing_to_try_again_leaves_a_dispatch_as_it_was(process: Process) -> None:
    report = await process.done(task("a"))
    with pytest.raises(ConflictError):
        await process.services.dispatches.retry(process.principal, str(report.id))
    assert (await process.services.dispatches.report(process.principal, str(report.id))).status == "completed"


async def test_nobody_of_another_organization_sees_a_dispatch(process: Process, both: Tenants) -> None:
    report = await process.done(task("a"))
    dispatches = process.services.dispatches
    for named in (str(report.id), report.run_key):
        with pytest.raises(NotFoundError):
            await dispatches.report(both.theirs, named)
        with pytest.raises(NotFoundError):
            await dispatches.cancel(both.theirs, named, "It is not theirs.")
    assert (await dispatches.page(both.theirs)).total == 0
    assert (await dispatches.page(process.principal)).total > 0


async def test_choices_calls_and_traces_are_on_record(process: Process) -> None:
    report = await process.done(
        task("a", lists=1), task("b", needs=["a"], drafts="A part is scratched."), may_draft=True
    )
    decisions = process.rows.fetch("SELECT * FROM agents.decisions WHERE dispatch_id = %(id)s", id=report.id)
    assert [row["decision"].partition(":")[0] for row in decisions] == ["Agents", "Order"]
    runs = {row["task_key"]: row for row in process.rows.runs(report.id)}  # pyright: ignore[reportArgumentType]
    calls = process.rows.fetch("SELECT * FROM agents.tool_calls WHERE run_id = ANY(%(runs)s) ORDER BY created_at",
                               runs=[row["id"] for row in runs.values()])  # fmt: skip
    assert [(call["tool_name"], call["success"], call["fence"]) for call in calls] == [
        ("list_records", True, 1), ("report_event", True, 1),
    ]  # fmt: skip
    spans = process.rows.fetch("SELECT span_type, end_time FROM agents.agent_traces WHERE run_id = ANY(%(runs)s)",
                               runs=[row["id"] for row in runs.values()])  # fmt: skip
    assert [span["span_type"] for span in spans].count("agent") == 2
    assert all(span["end_time"] for span in spans)


async def test_a_dispatch_whose_server_died_before_it_started_it_is_started(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dies(*_given: Any, **_options: Any) -> None:
        await anyio.lowlevel.checkpoint()

    with monkeypatch.context() as patch:
        patch.setattr(process.engine, "start", dies)
        opened = await process.send(task("a"))
    process.rows.execute("UPDATE agents.dispatches SET created_at = now() - interval '1 minute' WHERE id = %(id)s",
                         id=opened.id)  # fmt: skip
    assert (await process.ended(opened.id, 10)).status == "completed"


async def test_work_goes_on_after_the_database_was_restarted(process: Process, embedded: EmbeddedPostgres) -> None:
    opened = await process.send(task("a", seconds=0.5), task("b", needs=["a"], drafts="After it."), may_draft=True)
    await process.until(lambda seen: seen.agents[0].state == "running", opened.id)
    await anyio.to_thread.run_sync(embedded.stop)
    await anyio.sleep(0.7)
    await anyio.to_thread.run_sync(embedded.ensure_running)
    report = await process.ended(opened.id, 30)
    assert report.status == "completed", report
    assert [each.attempt for each in report.agents] == [1, 1]
    assert len(process.rows.runs(opened.id)) == 2
