"""The improvement loop under kill -9: a training goes on where it was, once, and no feedback is lost.

Real servers on stdio, killed by their own process id; a stand-in for the model that does what its instructions say.
"""

import random
from collections.abc import Generator
from typing import Any

import anyio
import psycopg
import pytest

from tests.support.claude_stub import ClaudeStub
from tests.support.learning_kills import (
    ANSWERED,
    NO_LANGFUSE,
    WAITS,
    WHY,
    Came,
    Served,
    came_to,
    killed_in,
    killing,
    reaching,
    rows,
    send,
    served,
    sweep,
    trained,
    twin,
    until,
    until_done,
    words_of,
)
from tests.support.loop_world import Model, plant
from tests.support.stdio import Workplace, workplace

pytestmark = pytest.mark.anyio

SEED = 20261123
# Every stage of a training, as it is told; how many seconds into it the server is killed.
STAGES: tuple[tuple[str, float], ...] = (
    ("dataset", 0.0), ("parent", 0.0), ("parent", 0.7), ("exemplars", 0.0), ("exemplars", 1.5), ("gepa", 0.0),
    ("proposal", 0.0), ("gepa", 1.0), ("chosen", 0.0), ("gates", 0.0), ("running", 0.0), ("running", 0.6),
    ("judging", 0.0), ("judging", 0.3), ("running .* with", 0.9),
)  # fmt: skip


@pytest.fixture(scope="module")
def model() -> Generator[ClaudeStub]:
    with ClaudeStub(by={"": Model()}) as stub:
        yield stub


@pytest.fixture(scope="module")
def world(model: ClaudeStub) -> Generator[Workplace]:
    with workplace(empty=False, **reaching(model)) as made:
        yield made


@pytest.fixture(scope="module")
async def curated(world: Workplace) -> dict[str, Any]:
    """What is asked of a training, in a home that has feedback and a frozen dataset."""
    async with served(world) as server:
        plant(world, weak=False)
        await _rated(world, server, "good", range(1, 41), 0.95)
        plant(world, weak=True)
        await _rated(world, server, "poor", range(41, 61), 0.1)
        dataset = await server.call("curate_dataset", agent="qa", validated="weighted", days=60, reason=WHY)
    return {"agent": "qa", "dataset": dataset["dataset"], "budget_usd": 100.0, "reason": WHY}


@pytest.fixture(scope="module")
async def undisturbed(world: Workplace, curated: dict[str, Any]) -> Came:
    """What the training comes to when nobody disturbs it."""
    with twin(world) as place:
        report = await trained(place, curated)
        assert report["state"] == "completed", report
        assert report["proposal"].startswith("qa@"), report
        assert report["gates"].startswith("passed"), report
        return came_to(place, report["job_id"])


@pytest.mark.slow
async def test_no_feedback_is_lost_or_doubled_by_a_kill_even_while_langfuse_refuses_connections(
    model: ClaudeStub,
) -> None:
    """Killed when all runs have ended and none is scored, while a word is being stored, and when it just was."""
    with workplace(empty=False, **reaching(model), **NO_LANGFUSE) as place:
        await _killed_before_anything_is_scored(place, range(1, 3))
        async with served(place) as server:
            runs = await until_done(place, server, "unscored")
        said = {"run": runs[0], "score": 0.2, "comment": "It did not count.", "reason": WHY}
        await _killed_while_a_word_is_stored(place, {**said, "idempotency_key": "during"})
        assert words_of(place) == []
        await _killed_when_a_word_is_stored(place, {**said, "idempotency_key": "after"})
        assert words_of(place) == ["after"]
        async with served(place) as server:
            for key in ("during", "after", "during", "after"):
                await server.call("record_feedback", **said, idempotency_key=key)
        assert words_of(place) == ["after", "during"]
        assert (sweep(place), sweep(place)) == (2, 0)
        scored = rows(place, "SELECT run_id FROM ml_loop.feedback_loop WHERE source = 'automated'")
        assert sorted(str(one["run_id"]) for one in scored) == sorted(runs)
        waiting = rows(place, "SELECT path FROM agents.otlp_outbox WHERE path IS NOT NULL")
        assert len(waiting) >= 4


@pytest.mark.slow
async def test_a_training_killed_in_every_stage_ends_at_the_version_it_would_have_come_to(
    world: Workplace, curated: dict[str, Any], undisturbed: Came
) -> None:
    with twin(world) as place:
        killed = [await killed_in(place, curated, stage, after) for stage, after in STAGES]
        assert not {"completed", "failed", "cancelled"} & set(killed), killed
        report = await trained(place, curated)
        assert came_to(place, report["job_id"]) == undisturbed


@pytest.mark.slow
@pytest.mark.parametrize("seed", [SEED, SEED + 1])
async def test_a_training_killed_at_moments_nobody_chose_ends_at_the_same_version(
    world: Workplace, curated: dict[str, Any], undisturbed: Came, seed: int
) -> None:
    chance, killed = random.Random(seed), list[str]()  # noqa: S311  moments, no secrets
    with twin(world) as place:
        for _ in range(12):
            killed.append(await killed_in(place, curated, "", chance.uniform(0.0, 9.0)))
            if killed[-1] == "completed":
                break
        report = await trained(place, curated)
        assert came_to(place, report["job_id"]) == undisturbed


@pytest.mark.slow
async def test_a_training_goes_on_while_langfuse_refuses_connections(
    world: Workplace, curated: dict[str, Any], undisturbed: Came
) -> None:
    with twin(world, **NO_LANGFUSE) as place:
        report = await trained(place, curated)
        assert came_to(place, report["job_id"]) == undisturbed


async def _rated(place: Workplace, server: Served, name: str, lines: range, score: float) -> None:
    """Have lines answered, two in a dispatch, and rate the answers."""
    for line in lines[::2]:
        await send(server, f"{name}-{line}", range(line, line + 2))
    for line in lines[::2]:
        for run in await until_done(place, server, f"{name}-{line}"):
            await server.call("record_feedback", run=run, score=score, comment="Of a test.", reason=WHY)


async def _killed_before_anything_is_scored(place: Workplace, lines: range) -> None:
    """Send work, keep scores from being stored until all of it has ended, and kill the server then."""
    with killing(), psycopg.connect(place.conninfo()) as connection:
        async with served(place) as server:
            connection.execute("LOCK TABLE ml_loop.feedback_loop IN SHARE ROW EXCLUSIVE MODE")
            await send(server, "unscored", lines)
            await until(lambda: len(rows(place, ANSWERED)) == len(lines))
            server.kill()
    assert not rows(place, "SELECT 1 FROM ml_loop.feedback_loop")


async def _killed_while_a_word_is_stored(place: Workplace, said: dict[str, Any]) -> None:
    with killing(), psycopg.connect(place.conninfo()) as connection:
        async with served(place) as server, anyio.create_task_group() as tasks:
            connection.execute("LOCK TABLE ml_loop.feedback_loop IN SHARE ROW EXCLUSIVE MODE")
            tasks.start_soon(server.client.call_tool, "record_feedback", said)
            await until(lambda: bool(rows(place, WAITS)))
            server.kill()


async def _killed_when_a_word_is_stored(place: Workplace, said: dict[str, Any]) -> None:
    with killing():
        async with served(place) as server, anyio.create_task_group() as tasks:
            tasks.start_soon(server.client.call_tool, "record_feedback", said)
            await until(lambda: bool(words_of(place)))
            server.kill()
