"""Processes that run agents and are killed, frozen or told to go: others go on, and everything happens once."""

import os
import random
import signal
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any
from uuid import uuid4

import anyio
import pytest

from qms_mcp.db.database import Database
from qms_mcp.db.durable import ensure_durable_schema
from qms_mcp.db.embedded import EmbeddedPostgres
from qms_mcp.services.dispatch.models import AskedTask
from tests.conftest import copied_database, two_tenants, wiring_for
from tests.support import dispatching_agents
from tests.support.dispatching import Rows, task, until
from tests.support.dispatching_kills import STEPS, Desk, all_is_whole, counted, herd, scripted

pytestmark = pytest.mark.anyio
AT_ONCE = 3


@pytest.fixture(autouse=True)
def actors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qms_mcp.services.dispatch.planning.roster", dispatching_agents.actors)


@pytest.fixture(scope="module")
async def place(embedded: EmbeddedPostgres, template: str) -> AsyncGenerator[tuple[Database, Rows]]:
    """A database with the tables of the workflows."""
    with copied_database(embedded, template) as name:
        database = Database(wiring_for(embedded, name))
        await database.open()
        await ensure_durable_schema(database.wiring.owner)
        yield database, Rows(embedded.conninfo(name, "postgres"))
        await database.close()


@pytest.fixture
async def desk(place: tuple[Database, Rows], tmp_path: Path) -> Desk:
    database, rows = place
    rows.execute("UPDATE qms.organizations SET slug = 'former-' || id")
    return Desk(database, (await two_tenants(database)).ours, rows, tmp_path)


def tasks_of(names: list[str]) -> list[AskedTask]:
    """A task for each name; the last one waits for the first."""
    made = [task(name, case=f"own-{name}") for name in names[:-1]]
    return [*made, task(names[-1], needs=[names[0]], case=f"own-{names[-1]}")]


async def killed(desk: Desk, *, dispatches: int, kills: int, folder: Path, seed: int, after: float) -> dict[str, float]:
    """Run dispatches while processes are killed at random moments, and say how it went."""
    chance = random.Random(seed)  # noqa: S311 - the same moments each time
    groups = [[f"case-{uuid4().hex[:8]}" for _ in range(4)] for _ in range(dispatches)]
    names = [name for group in groups for name in group]
    with (
        scripted(names, after=after) as (stub, model),
        herd(desk.database.wiring, desk.principal, folder, **model, QMS_AGENTS_AT_ONCE=str(AT_ONCE)) as processes,
    ):
        for kind in ("server", "server", "worker", "worker"):
            processes.begin(kind)
        began = time.monotonic()
        for number, group in enumerate(groups):
            await desk.send(tasks_of(group), in_workers=number % 2 == 1, with_model=True)
        await until_something_runs(desk)
        while processes.kills < kills and desk.open_ones():
            await anyio.sleep(chance.uniform(0.1, 2.4 * after))
            await desk.look()
            processes.begin(processes.kill(chance.choice(sorted(processes.living))))
        await desk.until_all_ended(240)
        took, said, count = time.monotonic() - began, processes.said(), processes.kills
    asked = counted(stub, names)
    assert len(asked) == STEPS * len(names)
    repeated = sum(asked.values()) - len(asked)
    assert repeated <= count * AT_ONCE, asked
    all_is_whole(desk, [f"Scratch {name}" for name in names])
    assert "failed in a way it should not" not in said, said[-5_000:]
    return {"kills": count, "dispatches": dispatches, "steps": len(asked), "repeated": repeated, "seconds": took}


async def until_something_runs(desk: Desk) -> None:
    statement = "SELECT count(*) FROM agents.dispatch_tasks WHERE state = 'running' AND dispatch_id = ANY(%(ids)s)"
    await until(lambda: desk.rows.value(statement, ids=desk.opened), 60)


async def test_killed_at_random_moments_every_dispatch_is_done_once(desk: Desk, tmp_path: Path) -> None:
    seen = await killed(desk, dispatches=3, kills=4, folder=tmp_path, seed=5, after=0.2)
    assert seen["kills"] == 4, seen


@pytest.mark.slow
async def test_thirty_kills_lose_and_double_nothing(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = await killed(desk, dispatches=12, kills=30, folder=tmp_path, seed=30, after=0.6)
    with capsys.disabled():
        print(seen)  # noqa: T201 - what was measured
    assert seen["kills"] == 30, seen


@pytest.mark.slow
async def test_a_frozen_process_that_wakes_after_its_run_was_taken_over_writes_nothing(
    desk: Desk, tmp_path: Path
) -> None:
    title = f"Frozen {uuid4().hex[:8]}"
    run_of = "SELECT * FROM agents.agent_runs WHERE dispatch_id = %(id)s"
    with herd(desk.database.wiring, desk.principal, tmp_path, UNWATCHFUL="1") as processes:
        for _ in range(2):
            processes.begin("server")
        dispatch_id = await desk.send([task("a", blocks=2.5, drafts=title)], in_workers=False)
        await until_something_runs(desk)
        await anyio.sleep(0.3)
        first = desk.rows.fetch(run_of, id=dispatch_id)[0]
        frozen = int(first["executor"].split(":")[2])
        os.kill(frozen, signal.SIGSTOP)
        await until(lambda: desk.rows.fetch(run_of, id=dispatch_id)[0]["fence"] > first["fence"], 30)
        os.kill(frozen, signal.SIGCONT)  # the other one is at the same place now, and has drafted nothing yet
        await desk.until_all_ended(30)
        calls = "SELECT fence, success, error_code FROM agents.tool_calls WHERE run_id = %(id)s ORDER BY fence"
        await until(lambda: len(desk.rows.fetch(calls, id=first["id"])) > 1)
    made = desk.rows.fetch(calls, id=first["id"])
    runs = desk.rows.fetch(run_of, id=dispatch_id)
    assert [(run["status"], run["fence"]) for run in runs] == [("completed", 2)]
    assert runs[0]["executor"] != first["executor"]
    assert [(call["fence"], call["success"]) for call in made] == [(1, False), (2, True)], made
    assert made[0]["error_code"] == "taken_over"
    kept = desk.rows.fetch("SELECT fence FROM agents.context_state WHERE run_id = %(id)s", id=first["id"])
    assert {each["fence"] for each in kept} == {2}
    all_is_whole(desk, [title])


@pytest.mark.slow
async def test_workers_share_what_there_is_and_one_that_is_told_to_go_hands_it_back(desk: Desk, tmp_path: Path) -> None:
    with herd(desk.database.wiring, desk.principal, tmp_path) as processes:
        workers = [processes.begin("worker:--agents:2"), processes.begin("worker:--agents:2")]
        await until(lambda: processes.said().count("takes up to 2 agents") > 1, 60)
        dispatch_id = await desk.send([task(f"t{n}", seconds=3) for n in range(4)], in_workers=True, at_once=4)
        running = "SELECT executor FROM agents.agent_runs WHERE dispatch_id = %(id)s AND status = 'running'"
        await until(lambda: pids_of(desk.rows.fetch(running, id=dispatch_id)) == sorted(workers * 2), 20)
        await desk.send([task(f"u{n}", seconds=0.5) for n in range(4)], in_workers=True)
        os.kill(workers[0], signal.SIGTERM)
        told = time.monotonic()
        await until(lambda: not _is_there(workers[0]))
        assert time.monotonic() - told < 3.0
        del processes.living[workers[0]]
        # And not only when its heartbeat is too old.
        await until(lambda: workers[0] not in pids_of(desk.rows.fetch(running, id=dispatch_id)), 5)
        await desk.until_all_ended(40)
    all_is_whole(desk, [])


def pids_of(runs: list[dict[str, Any]]) -> list[int]:
    return sorted(int(run["executor"].split(":")[2]) for run in runs)


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
