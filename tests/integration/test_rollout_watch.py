"""The watch: a sum over the runs in order, a limit, and a way back without anybody having to look."""

import math
import random
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import anyio
import pytest
from psycopg.conninfo import conninfo_to_dict

from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.embedded import EmbeddedPostgres
from qms_mcp.services.learning.rollout.service import Rollouts
from qms_mcp.services.learning.versions import Versions
from qms_mcp.services.signing.service import Signing
from tests.conftest import Tenants
from tests.support.dispatching import Rows
from tests.support.rollouts import Fleet, Tasks, name_of, shipped_content

pytestmark = [pytest.mark.anyio, pytest.mark.shared_database]

PLAN: dict[str, Any] = {"p0": 0.05, "p1": 0.3, "h": 3.0, "runs": 40}
UP, DOWN = math.log(0.3 / 0.05), math.log(0.7 / 0.95)


@dataclass(frozen=True)
class World:
    """An organization with a version on trial."""

    database: Database
    rows: Rows
    fleet: Fleet
    rollouts: Rollouts
    ours: Principal
    shipped: UUID
    better: UUID

    def watched(self, rollout: UUID) -> dict[str, Any]:
        return self.fleet.read(rollout)["outcome"]

    async def alerts(self) -> list[dict[str, Any]]:
        return self.rows.fetch(
            "SELECT * FROM ml_loop.alerts WHERE organization_id = %(org)s", org=self.ours.organization_id
        )


@pytest.fixture
async def world(database: Database, tenants: Tenants, embedded: EmbeddedPostgres) -> World:
    rows = Rows(embedded.conninfo(str(conninfo_to_dict(database.wiring.server)["dbname"]), "postgres"))
    fleet = Fleet(rows, tenants.ours.organization_id)
    rollouts = Rollouts(database, Versions(database), Signing(database))
    return World(database, rows, fleet, rollouts, tenants.ours, fleet.shipped(), fleet.version())


def walk(outcomes: list[bool], h: float = 3.0) -> tuple[int, float, bool]:
    """Return after how many runs a sum stops, its value, and whether it gave the alarm."""
    value = 0.0
    for place, bad in enumerate(outcomes, start=1):
        value = max(0.0, value + (UP if bad else DOWN))
        if value >= h:
            return place, value, True
    return len(outcomes), value, False


async def test_a_canary_that_fails_is_taken_back_by_itself_and_says_why(world: World) -> None:
    canary = world.fleet.rollout("canary", world.better, world.shipped, **PLAN)
    for _ in range(10):
        world.fleet.run(world.better, "canary", canary)
    assert await world.rollouts.watch(world.ours, "qa") == []
    runs = [world.fleet.run(world.better, "canary", canary, status="failed") for _ in range(3)]
    (event,) = await world.rollouts.watch(world.ours, "qa")
    assert (event.event, event.kind, event.rollout_id) == ("rolled_back", "canary", canary)
    row = world.fleet.read(canary)
    assert (row["state"], row["ended_kind"]) == ("rolled_back", "system")
    assert row["end_reason"] == event.reason
    # 1.79 a bad run: the second of them is above 3
    assert (row["outcome"]["n"], row["outcome"]["bad"], row["outcome"]["at_run"]) == (12, 2, str(runs[1]))
    assert "2 of 12 runs" in event.reason
    assert "2 failed" in event.reason
    (move,) = world.rows.fetch(
        "SELECT * FROM ml_loop.alias_moves WHERE organization_id = %(o)s", o=row["organization_id"]
    )
    assert (move["alias"], move["moved_kind"], move["moved_by"]) == ("canary", "system", None)
    (entry,) = world.rows.fetch("SELECT * FROM qms.audit_logs WHERE entity_id = %(id)s", id=canary)
    assert (entry["action"], entry["actor_kind"], entry["reason"]) == ("rolled_back", "system", event.reason)
    (alert,) = await world.alerts()
    assert (alert["level"], alert["state"]) == ("critical", "open")
    assert event.reason in alert["message"]


async def test_a_production_that_fails_goes_back_to_what_was_there_before(world: World) -> None:
    watched = world.fleet.rollout("production", world.better, world.shipped, **PLAN)
    world.rows.execute(
        "INSERT INTO ml_loop.aliases (organization_id, model_name, alias, version_id) VALUES (%(o)s, 'qa', "
        "'production', %(v)s)",
        o=world.ours.organization_id, v=world.better,
    )  # fmt: skip
    for _ in range(2):
        world.fleet.run(world.better, "production", status="partial", stop="looping")
    (event,) = await world.rollouts.watch(world.ours)
    assert event.event == "rolled_back"
    assert world.fleet.production() == world.shipped
    assert world.fleet.read(watched)["state"] == "rolled_back"


async def test_looking_again_or_at_the_same_time_rolls_back_once(world: World) -> None:
    canary = world.fleet.rollout("canary", world.better, world.shipped, **PLAN)
    for _ in range(5):
        world.fleet.run(world.better, "canary", canary, status="failed")
    seen: list[int] = []

    async def look() -> None:
        seen.append(len(await world.rollouts.watch(world.ours, "qa")))

    async with anyio.create_task_group() as tasks:
        for _ in range(4):
            tasks.start_soon(look)
    await look()
    assert sorted(seen) == [0, 0, 0, 0, 1]
    assert len(await world.alerts()) == 1


@pytest.mark.parametrize(
    ("parts", "counts", "bad"),
    [
        ({"status": "failed"}, True, True),
        ({"status": "lost"}, True, True),
        ({"status": "partial", "stop": "timeout"}, True, True),
        ({"status": "partial", "stop": "budget"}, True, True),
        ({"status": "partial", "stop": "calls"}, True, False),
        ({"status": "completed"}, True, False),
        ({"status": "cancelled"}, False, False),
    ],
)
async def test_what_counts_as_bad(world: World, parts: dict[str, str], counts: bool, bad: bool) -> None:
    canary = world.fleet.rollout("canary", world.better, world.shipped, **{**PLAN, "runs": 1})
    world.fleet.run(world.better, "canary", canary, **parts)
    events = await world.rollouts.watch(world.ours, "qa")
    assert len(events) == int(counts)
    if counts:
        assert world.watched(canary)["bad"] == int(bad)


@pytest.mark.parametrize(
    ("given", "kind", "bad"),
    [
        ({"score": 0.2}, "canary", 1),
        ({"score": 0.2, "kind": "agent"}, "canary", 1),
        ({"score": 0.2, "kind": "agent"}, "production", 0),
        ({"score": 0.2}, "production", 1),
        ({"score": 0.6}, "canary", 0),
        ({"score": 0.4, "source": "automated", "label": "automatic", "kind": "system"}, "canary", 1),
        ({"score": 0.4, "source": "automated", "label": "latency", "kind": "system"}, "canary", 0),
        ({"score": 0.1, "source": "llm-judge", "kind": "system"}, "canary", 0),
    ],
)
async def test_whose_feedback_makes_a_run_bad(world: World, given: dict[str, Any], kind: str, bad: int) -> None:
    """What a model says that a person said may end a trial; what a person approved, it may not take back."""
    rollout = world.fleet.rollout(kind, world.better, world.shipped, **{**PLAN, "runs": 1})
    run = world.fleet.run(world.better, kind, rollout if kind == "canary" else None)
    world.fleet.feedback(run, **given)
    assert len(await world.rollouts.watch(world.ours, "qa")) == 1
    assert world.watched(rollout)["bad"] == bad


async def test_runs_of_the_others_and_of_measurements_do_not_count(world: World) -> None:
    canary = world.fleet.rollout("canary", world.better, world.shipped, **PLAN)
    for lane, rollout in (("control", canary), ("evaluation", None), ("shadow", None), ("production", None)):
        for _ in range(5):
            world.fleet.run(world.better, lane, rollout, status="failed")
    assert await world.rollouts.watch(world.ours, "qa") == []


async def test_a_production_that_comes_through_is_watched_no_longer(world: World) -> None:
    watched = world.fleet.rollout("production", world.better, world.shipped, **{**PLAN, "runs": 5})
    for _ in range(5):
        world.fleet.run(world.better, "production")
    (event,) = await world.rollouts.watch(world.ours, "qa")
    assert event.event == "completed"
    assert world.fleet.read(watched)["state"] == "completed"


@pytest.mark.parametrize("seed", range(6))
async def test_the_database_sums_as_the_formula_says(world: World, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - no secret
    canary = world.fleet.rollout("canary", world.better, world.shipped, **{**PLAN, "runs": 1})
    outcomes = [chance.random() < (0.05, 0.3)[seed % 2] for _ in range(40)]
    for bad in outcomes:
        world.fleet.run(world.better, "canary", canary, status="failed" if bad else "completed")
    n, value, alarm = walk(outcomes)
    (event,) = await world.rollouts.watch(world.ours, "qa")
    seen = world.watched(canary)
    assert (event.event == "rolled_back", seen["n"], seen["alarm"]) == (alarm, n, alarm)
    assert seen["value"] == pytest.approx(value, abs=1e-9)


# Which version answers ------------------------------------------------------------------------------------------------


async def test_a_share_is_near_its_percentage_and_always_the_same(world: World) -> None:
    statement = (
        "SELECT count(*) FILTER (WHERE ml_loop.share_of('salt', i::text) < 5)::float / 200 AS share, "
        "count(*) FILTER (WHERE ml_loop.share_of('salt', i::text) <> ml_loop.share_of('salt', i::text)) AS moved, "
        "corr((ml_loop.share_of('salt', i::text) < 50)::int, (ml_loop.share_of('other', i::text) < 50)::int) AS alike "
        "FROM generate_series(1, 20000) AS i"
    )
    (seen,) = world.rows.fetch(statement)
    assert seen["share"] == pytest.approx(5, abs=0.7)  # four standard errors
    assert seen["moved"] == 0
    assert abs(seen["alike"]) < 0.04  # another roll-out begins with other people


async def test_a_person_keeps_the_version_they_have(world: World) -> None:
    canary = world.fleet.rollout("canary", world.better, world.shipped, percent=50, **PLAN)
    world.rows.execute("UPDATE ml_loop.rollouts SET sticky_by = 'person' WHERE id = %(id)s", id=canary)
    lanes: set[str] = set()
    for _ in range(6):
        lanes.add((await (await Tasks(world.database, world.ours).open()).take())["lane"])
    assert len(lanes) == 1


async def test_what_a_canary_fails_at_is_answered_by_the_version_everybody_else_has(world: World) -> None:
    canary = world.fleet.rollout("canary", world.better, world.shipped, **PLAN)
    for _ in range(2):
        tasks = await Tasks(world.database, world.ours).open()
        first = await tasks.take()
        assert (first["lane"], first["agent_version"]) != ("shipped", name_of("qa", shipped_content()))
        assert await tasks.finish(first, "failed", error="It broke.") == "waiting"
        second = await tasks.take()
        assert (second["attempt"], second["lane"]) == (2, "shipped")
        assert second["agent_version"] == name_of("qa", shipped_content())
        assert await tasks.finish(second, "completed", output={"summary": "There."}) == "done"
        await world.rollouts.watch(world.ours, "qa")
    row = world.fleet.read(canary)
    assert (row["state"], row["outcome"]["bad"]) == ("rolled_back", 2)
    # And whoever asks next is not asked to take part any more.
    after = await (await Tasks(world.database, world.ours).open()).take()
    assert after["lane"] == "shipped"
