"""How long a dispatch of twenty agents takes, against the best a list of tasks allows. `make bench` runs this.

The model is a stub that holds each reply back as long as a draw says, so the ideal is known: the schedule of the list,
five at once, without any overhead. Beside it, in the same run, the same replies are asked for by plain tasks under a
limiter. `BENCH_SCALE=0.2` makes all waits shorter, for a quick look; then overhead weighs more and no limit is held.
"""

import json
import math
import multiprocessing
import os
import random
import resource
import time
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import anyio
import pytest

from qms_mcp.agents.claude.access import ClaudeAccess
from qms_mcp.agents.scheduling import list_schedule
from qms_mcp.db.database import Database
from qms_mcp.db.durable import ensure_durable_schema
from qms_mcp.db.embedded import EmbeddedPostgres
from qms_mcp.settings import Settings
from tests.conftest import copied_database, two_tenants, wiring_for
from tests.support import dispatching_agents
from tests.support.claude_stub import ClaudeStub, Said, says
from tests.support.dispatching import Process, Rows, answer, process_on, task, until
from tests.support.dispatching_kills import herd

pytestmark = [pytest.mark.anyio, pytest.mark.bench]

SCALE = float(os.environ.get("BENCH_SCALE", "1"))
TASKS, AT_ONCE, MEAN_SECONDS, SPREAD = 20, 5, 2.0, 0.8
SEEDS = (1, 2, 3)
MOST_HERE, MOST_OVER_QUEUE = 1.03, 1.08
REPORT = os.environ.get("BENCH_REPORT", os.devnull)


def drawn(seed: int) -> dict[str, float]:
    """How long the reply for each task takes."""
    chance = random.Random(seed)  # noqa: S311 - the same each time
    middle = math.log(MEAN_SECONDS * SCALE) - SPREAD**2 / 2
    return {f"s{seed}t{number:02d}": chance.lognormvariate(middle, SPREAD) for number in range(TASKS)}


@pytest.fixture
async def process(
    embedded: EmbeddedPostgres, template: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[Process]:
    for module in ("qms_mcp.dispatch.engine", "qms_mcp.services.dispatch.planning"):
        monkeypatch.setattr(f"{module}.roster", dispatching_agents.actors)
    with copied_database(embedded, template) as name:
        database = Database(wiring_for(embedded, name))
        await database.open()
        await ensure_durable_schema(database.wiring.owner)
        ours = (await two_tenants(database)).ours
        rows = Rows(embedded.conninfo(name, "postgres"))
        async with process_on(database, ours, tmp_path, rows, qms_agents_at_once=50) as one:
            yield one
        await database.close()


async def measured(process: Process, durations: Mapping[str, float]) -> dict[str, float]:
    """Run a task for each duration, five at once, and say how long all took."""
    cpu = _cpu()
    async with process.sampling() as seen:
        opened = await process.send(*(task(key, case=f"own-{key}") for key in durations), at_once=AT_ONCE)
        report = await process.ended(opened.id, 300, every=0.2)
    assert report.status == "completed", report
    assert {each.model for each in report.agents} <= {"claude-sonnet-5-5"}, report
    assert seen.most <= AT_ONCE
    statement = "SELECT extract(epoch FROM finished_at - created_at)::float8 FROM agents.dispatches WHERE id = %(id)s"
    return {"seconds": process.rows.value(statement, id=opened.id), "cpu": _cpu() - cpu, "most": seen.most}


async def plain(access: ClaudeAccess, durations: Mapping[str, float]) -> dict[str, float]:
    """Ask for the same replies by tasks under a limiter."""
    client, limiter, cpu, began = await access.client(), anyio.CapacityLimiter(AT_ONCE), _cpu(), time.monotonic()

    async def ask(key: str) -> None:
        async with limiter:
            message = {"role": "user", "content": f"own-{key}"}
            async with client.messages.stream(model="claude-sonnet-5-5", max_tokens=100, messages=[message]) as stream:
                await stream.get_final_message()

    async with anyio.create_task_group() as tasks:
        for key in durations:
            tasks.start_soon(ask, key)
    return {"seconds": time.monotonic() - began, "cpu": _cpu() - cpu}


async def test_a_dispatch_takes_little_longer_than_the_schedule_of_its_list(
    process: Process, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    draws = {seed: drawn(seed) for seed in SEEDS}
    ideal = {seed: list_schedule(each, {}, AT_ONCE).makespan for seed, each in draws.items()}
    none = {f"none{place:02d}": 0.0 for place in range(TASKS)}
    script = {f"own-{key}": after for each in (*draws.values(), none) for key, after in each.items()}
    found: dict[str, list[dict[str, float]]] = {"plain": [], "here": [], "queue": []}
    with elsewhere(script) as url:
        given = {"ANTHROPIC_API_KEY": "k", "ANTHROPIC_BASE_URL": url}
        access = ClaudeAccess(Settings.from_environment(given), retries=0)
        process.engine.claude = process.services.dispatches.claude = access
        await measured(process, none)  # what is imported and connected once does not count
        overhead = {"here": (await measured(process, none))["seconds"] / TASKS}
        for seed in SEEDS:
            found["plain"].append(await plain(access, draws[seed]))
            found["here"].append(await measured(process, draws[seed]))
        with herd(process.database.wiring, process.principal, tmp_path, **given) as processes:
            for _ in range(2):
                processes.begin("worker:--agents:10")
            await until(lambda: processes.said().count("takes up to") > 1, 60)
            await measured(process, none)
            overhead["queue"] = (await measured(process, none))["seconds"] / TASKS
            found["queue"] = [await measured(process, draws[seed]) for seed in SEEDS]
        await access.aclose()
    ratios = {
        how: [round(each["seconds"] / ideal[seed], 4) for seed, each in zip(SEEDS, measures, strict=True)]
        for how, measures in found.items()
    }
    told = {"scale": SCALE, "ideal": ideal, "ratios": ratios, "overhead_per_agent": overhead, "measured": found}
    await anyio.Path(REPORT).write_text(json.dumps(told, indent=2))
    with capsys.disabled():
        print(json.dumps(told))  # noqa: T201 - what was measured
    if SCALE >= 1:
        for how, most in (("here", MOST_HERE), ("queue", MOST_OVER_QUEUE)):
            assert max(ratios[how]) <= most, ratios


@contextmanager
def elsewhere(waits: Mapping[str, float]) -> Generator[str]:
    """Serve the stub from a process of its own, as the API is: here it would take turns with what is measured."""
    spawning = multiprocessing.get_context("spawn")
    here, there = spawning.Pipe()
    stub = spawning.Process(target=_serve, args=(dict(waits), there), daemon=True)
    stub.start()
    try:
        yield here.recv()
    finally:
        here.send("over")
        stub.join(5)


def _serve(waits: dict[str, float], pipe: "Connection[str, str]") -> None:
    with ClaudeStub(by={words: _says(after) for words, after in waits.items()}) as stub:
        pipe.send(stub.url)
        pipe.recv()


def _says(after: float) -> Any:
    def say(_body: Mapping[str, Any]) -> Said:
        return Said(says(answer()), after=after)

    return say


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
