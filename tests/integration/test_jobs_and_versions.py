"""Jobs that outlive their call, and which version of an agent answers, on a real database."""

import hashlib
import json
from collections.abc import AsyncGenerator, Generator, Mapping
from typing import Any
from uuid import UUID, uuid4

import anyio
import pytest
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict

from qms_mcp.agents.definition import Limits
from qms_mcp.agents.versioning import revised
from qms_mcp.db.database import Database
from qms_mcp.db.durable import ensure_durable_schema
from qms_mcp.db.embedded import EmbeddedPostgres
from qms_mcp.errors import ConflictError, NotAllowedError, NotFoundError, TakenOverError
from qms_mcp.services.dispatch.cases import CaseTask
from qms_mcp.services.jobs.models import RunningJob
from tests.conftest import Tenants, two_tenants
from tests.support import dispatching_agents
from tests.support.dispatching import Process, Rows, process_on, task

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def actors() -> Generator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for module in (
            "qms_mcp.dispatch.engine", "qms_mcp.services.dispatch.planning", "qms_mcp.services.dispatch.cases",
            "qms_mcp.services.learning.versions",
        ):  # fmt: skip
            patch.setattr(f"{module}.roster", dispatching_agents.actors)
        yield


@pytest.fixture(scope="module")
async def tenants(shared_database: Database) -> Tenants:
    await ensure_durable_schema(shared_database.wiring.owner)
    return await two_tenants(shared_database)


@pytest.fixture(scope="module")
async def process(
    actors: None,
    embedded: EmbeddedPostgres,
    shared_database: Database,
    tenants: Tenants,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncGenerator[Process]:
    del actors
    name = conninfo_to_dict(shared_database.wiring.server)["dbname"]
    rows = Rows(embedded.conninfo(str(name), "postgres"))
    async with process_on(shared_database, tenants.ours, tmp_path_factory.mktemp("server"), rows) as one:
        yield one


# Versions ------------------------------------------------------------------------------------------------------------


async def test_the_shipped_version_is_stored_whole_when_it_first_answers(process: Process) -> None:
    report = await process.done(task("t"))
    (run,) = process.rows.runs(report.id)  # pyright: ignore[reportArgumentType]
    stored = process.rows.fetch("SELECT * FROM ml_loop.model_versions WHERE id = %(id)s", id=run["version_id"])[0]
    assert run["lane"] == "shipped"
    assert stored["version"] == run["agent_version"] == f"qa@{stored['content_sha256'][:12]}"
    assert hashlib.sha256(stored["content"].encode()).hexdigest() == stored["content_sha256"]
    assert json.loads(stored["content"])["prompt"] == "You are qa."
    await process.done(task("t"))
    count = "SELECT count(*) FROM ml_loop.model_versions WHERE model_name = 'qa' AND organization_id = %(o)s"
    assert process.rows.value(count, o=process.principal.organization_id) == 1


async def test_a_case_is_answered_by_the_version_it_names_and_counts_as_no_work(process: Process) -> None:
    versions = process.services.learning.versions
    shipped = await versions.find(process.principal, "data", "production")
    short = revised(shipped.definition, limits=Limits(turns=1, tokens=10_000, seconds=30, tool_calls=2))
    made = await versions.register(process.principal, short, origin="written", parent_id=shipped.id)
    again = await versions.register(process.principal, short, origin="written", parent_id=shipped.id)
    assert (again.id, again.created_kind) == (made.id, "agent")
    cases = [CaseTask(f"c{n}", "data", dispatching_agents.request(n=n), made.id) for n in range(3)]
    opened = await process.services.dispatches.open_cases(
        process.principal, cases, purpose="evaluation", run_key="cases-1"
    )
    progress = await process.services.dispatches.wait(process.principal, opened.id)
    assert (progress.status, progress.settled) == ("completed", 3)
    runs = process.rows.runs(opened.id)
    assert {(run["version_id"], run["agent_version"], run["lane"]) for run in runs} == {
        (made.id, made.version, "evaluation")
    }
    same = await process.services.dispatches.open_cases(
        process.principal, cases, purpose="evaluation", run_key="cases-1"
    )
    assert (same.id, same.created) == (opened.id, False)
    with pytest.raises(ConflictError):
        await process.services.dispatches.open_cases(process.principal, cases[:2], purpose="trial", run_key="cases-1")
    page = await process.services.dispatches.page(process.principal)
    assert opened.id not in {row.id for row in page.items}


async def test_a_version_never_changes_and_its_name_is_its_hash(process: Process) -> None:
    found = await process.services.learning.versions.find(process.principal, "data", "shipped")
    with pytest.raises(errors.DatabaseError, match="does not change"):
        process.rows.execute("UPDATE ml_loop.model_versions SET notes = 'x' WHERE id = %(id)s", id=found.id)
    lie = (
        "INSERT INTO ml_loop.model_versions (organization_id, model_name, version, config, content, content_sha256) "
        "SELECT organization_id, model_name, 'data@000000000000', config, content, content_sha256 "
        "FROM ml_loop.model_versions WHERE id = %(id)s"
    )
    with pytest.raises(errors.CheckViolation):
        process.rows.execute(lie, id=found.id)


async def test_a_version_of_another_organization_is_unknown(process: Process, tenants: Tenants) -> None:
    found = await process.services.learning.versions.find(process.principal, "data", "shipped")
    with pytest.raises(NotFoundError):
        await process.services.learning.versions.find(tenants.theirs, "data", str(found.id))


# Jobs ----------------------------------------------------------------------------------------------------------------


async def test_a_job_is_done_once_and_its_result_is_kept(process: Process) -> None:
    done: list[UUID] = []

    async def count(job: RunningJob) -> Mapping[str, Any]:
        done.append(job.id)
        await job.note("counting", {"to": job.spec["to"]})
        return {"counted": job.spec["to"]}

    process.services.jobs.register("count", count)
    first = await process.services.jobs.open(process.principal, "count", "to-three", {"to": 3})
    second = await process.services.jobs.open(process.principal, "count", "to-three", {"to": 3})
    ended = await process.services.jobs.wait(process.principal, first.id, 20)
    assert (second.id, ended.state, ended.result, ended.stage) == (first.id, "completed", {"counted": 3}, "counting")
    assert done == [first.id]
    with pytest.raises(ConflictError):
        await process.services.jobs.open(process.principal, "count", "to-three", {"to": 4})


async def test_a_job_that_fails_says_so_in_words(process: Process) -> None:
    async def refuse(_job: RunningJob) -> Mapping[str, Any]:
        raise NotFoundError("There is no such dataset.", hint="Make one.")

    async def break_down(_job: RunningJob) -> Mapping[str, Any]:
        raise RuntimeError("password=hunter2secret")

    process.services.jobs.register("refuse", refuse)
    process.services.jobs.register("break", break_down)
    opened = [await process.services.jobs.open(process.principal, kind, "x", {}) for kind in ("refuse", "break", "odd")]
    ended = [await process.services.jobs.wait(process.principal, job.id, 20) for job in opened]
    assert [job.state for job in ended] == ["failed"] * 3
    assert "There is no such dataset" in str(ended[0].error)
    assert "RuntimeError" in str(ended[1].error)
    assert "hunter2" not in str(ended[1].error)
    assert "knows no odd jobs" in str(ended[2].error)


async def test_a_job_goes_on_from_its_notes_and_the_process_that_lost_it_writes_no_more(process: Process) -> None:
    async def add_up(job: RunningJob) -> Mapping[str, Any]:
        for number in range(len(job.notes), 3):
            await job.note("adding", {"number": number})
        return {"sum": sum(note.note["number"] for note in job.notes), "notes": len(job.notes)}

    jobs = process.services.jobs
    jobs.register("add", add_up)
    job = await jobs.open(process.principal, "add", uuid4().hex, {}, start=False)
    dead = await jobs.rows.take(process.principal, job.id, "a process that dies")
    assert dead is not None
    await dead.note("adding", {"number": 0})
    ended = await jobs.run_here(process.principal, job.id)
    assert ended.result == {"sum": 3, "notes": 3}
    with pytest.raises(TakenOverError):
        await dead.note("adding", {"number": 99})
    with pytest.raises(TakenOverError):
        await jobs.rows.finish(dead, "completed", {"sum": 99})


async def test_a_cancelled_job_stops_and_stays_cancelled(process: Process) -> None:
    begun, left = anyio.Event(), anyio.Event()

    async def wait_for_ever(_job: RunningJob) -> Mapping[str, Any]:
        begun.set()
        try:
            return {"never": await anyio.sleep_forever()}
        finally:
            left.set()

    process.services.jobs.register("wait", wait_for_ever)
    job = await process.services.jobs.open(process.principal, "wait", "for-ever", {})
    with anyio.fail_after(20):
        await begun.wait()
        ended = await process.services.jobs.cancel(process.principal, str(job.id), "not needed any more")
        await left.wait()
    assert (ended.state, ended.error) == ("cancelled", "not needed any more")


async def test_jobs_are_paged_and_those_of_others_are_unknown(process: Process, tenants: Tenants) -> None:
    jobs = process.services.jobs
    made = [await jobs.open(process.principal, "paged", f"page/{n}", {}, start=False) for n in range(5)]
    first = await jobs.page(process.principal, kind="paged", limit=3)
    rest = await jobs.page(process.principal, kind="paged", limit=3, cursor=first.next_cursor)
    assert [job.id for job in (*first.items, *rest.items)] == [job.id for job in reversed(made)]
    assert (first.total, rest.next_cursor) == (5, "")
    assert (await jobs.page(tenants.theirs, kind="paged")).items == []
    with pytest.raises(NotFoundError):
        await jobs.get(tenants.theirs, str(made[0].id))


async def test_an_auditor_begins_no_job(process: Process, tenants: Tenants) -> None:
    with pytest.raises(NotAllowedError):
        await process.services.jobs.open(tenants.auditor, "count", "by an auditor", {"to": 1})
