"""The improvement loop against whoever would go round it: as the application, with an identity of an agent."""

import json
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg.conninfo import conninfo_to_dict

from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.embedded import EmbeddedPostgres
from qms_mcp.db.queries import Query
from qms_mcp.errors import ConflictError, InvalidInputError, NotFoundError, QmsError
from qms_mcp.services.learning.rollout.service import Rollouts
from qms_mcp.services.learning.versions import Versions
from qms_mcp.services.signing.service import Signing
from tests.conftest import Tenants
from tests.support.dispatching import Rows
from tests.support.people import person_with_password, sign
from tests.support.rollouts import WHY, Fleet, Tasks

pytestmark = [pytest.mark.anyio, pytest.mark.shared_database]

_OPEN = Query("test", "SELECT o.id FROM agents.open_dispatch(%(asked)s, %(tasks)s) AS o")
_LOSE = Query("test", "SELECT agents.lose_run(%(dispatch)s, 'one', %(attempt)s, 'Its process was killed.') AS lost")
_ASK = Query(
    "test",
    "SELECT a.content FROM ml_loop.request_promotion('qa', %(step)s, %(version)s, %(share)s, 'dispatch', '{}', "
    "'a reason that is long enough', NULL) AS a",
)
FORGED = "It is better.\nVersion: qa@000000000000, shipped\r\u2028Gate report: \u202ePASSED\u202c: all six gates."


@dataclass(frozen=True)
class World:
    """An organization with a shipped version and a better one, and people who may sign."""

    database: Database
    rows: Rows
    fleet: Fleet
    rollouts: Rollouts
    ours: Principal
    theirs: Principal
    maker: Principal
    signer: Principal
    password: str
    shipped: UUID
    better: UUID

    async def sign(self, approval_id: UUID | None) -> None:
        assert approval_id is not None
        await sign(self.database, approval_id, self.signer, self.password)

    async def execute(self, statement: str, who: Principal | None = None, **params: Any) -> list[dict[str, Any]]:
        async with self.database.transaction(who or self.ours) as transaction:
            return await transaction.fetch_dicts(Query("test", statement), params)

    async def promoted(self, version: UUID, over: UUID) -> None:
        self.fleet.gates(version, over, self.maker.user_id)
        asked = await self.rollouts.promote(
            self.ours, "qa", str(version), to="production", reason=WHY, without_canary="a test has no people to try"
        )
        await self.sign(asked.approval_id)


@pytest.fixture
async def world(database: Database, tenants: Tenants, embedded: EmbeddedPostgres) -> World:
    rows = Rows(embedded.conninfo(str(conninfo_to_dict(database.wiring.server)["dbname"]), "postgres"))
    ours = tenants.ours.organization_id
    maker, _ = await person_with_password(database, ours, "northwind", "approver")
    signer, password = await person_with_password(database, ours, "northwind", "qa_approver")
    versions = Versions(database)
    fleet = Fleet(rows, ours)
    shipped = await versions.find(signer, "qa", "shipped")
    return World(
        database, rows, fleet, Rollouts(database, versions, Signing(database)), tenants.ours, tenants.theirs, maker,
        signer, password, shipped.id, fleet.version(maker.user_id),
    )  # fmt: skip


def dispatch(**parts: Any) -> str:
    asked: dict[str, Any] = {
        "run_key": uuid4().hex, "request": "r", "request_sha256": "a" * 64, "plan": {}, "on_failure": "continue",
        "may_draft": False, "offered": None, "at_once": 5, "budget_tokens": None, "budget_usd": None,
        "runs_in": "server", "parent_run_id": None, "call_id": None,
    }  # fmt: skip
    return json.dumps({**asked, **parts})


# What a person is shown -----------------------------------------------------------------------------------------------


async def test_what_somebody_wrote_cant_look_like_what_the_database_wrote(world: World) -> None:
    world.fleet.gates(world.better, world.shipped, world.maker.user_id)
    asked = await world.rollouts.promote(
        world.ours, "qa", str(world.better), to="production", reason=FORGED, without_canary=FORGED
    )
    lines = (asked.content or "").splitlines()
    assert sum(line.startswith("Version: ") for line in lines) == 1
    assert sum(line.startswith("Gate report") for line in lines) == 1
    assert not any(hidden in (asked.content or "") for hidden in "\r\u2028\u202e\u202c")
    assert "Why: It is better. Version: qa@000000000000, shipped Gate report: PASSED : all six gates." in lines


async def test_a_share_nobody_named_is_not_everybody(world: World) -> None:
    world.fleet.gates(world.better, world.shipped, world.maker.user_id)
    for step in ("canary", "experiment"):
        with pytest.raises(InvalidInputError, match="share of the requests"):
            async with world.database.transaction(world.ours) as transaction:
                await transaction.fetch_dicts(_ASK, {"step": step, "version": world.better, "share": None})


async def test_a_roll_back_replaces_what_it_said_it_would_and_nothing_else(world: World) -> None:
    await world.promoted(world.better, world.shipped)
    back = await world.rollouts.rollback(world.ours, "qa", to="shipped", reason=WHY)
    newest = world.fleet.version(world.maker.user_id)
    await world.promoted(newest, world.better)
    with pytest.raises(ConflictError, match="what was shown"):
        await world.sign(back.approval_id)
    assert world.fleet.production() == newest


async def test_whoever_first_had_the_shipped_version_answer_may_let_people_go_back_to_it(world: World) -> None:
    assert world.rows.value("SELECT created_by FROM ml_loop.model_versions WHERE id = %(id)s", id=world.shipped) == (
        world.signer.user_id
    )
    await world.promoted(world.better, world.shipped)
    back = await world.rollouts.rollback(world.ours, "qa", to="shipped", reason=WHY)
    await world.sign(back.approval_id)
    assert world.fleet.production() == world.shipped


# Who answers ----------------------------------------------------------------------------------------------------------


async def test_no_request_of_a_person_names_the_version_that_answers_it(world: World) -> None:
    task: dict[str, Any] = {
        "key": "one", "agent": "qa", "request": "Look.", "subject": "", "needs": [], "after": [], "priority": 5,
        "seconds": 60, "max_attempts": 2, "tokens": 1000, "usd": 0, "version_id": str(world.better),
    }  # fmt: skip
    with pytest.raises(QmsError, match="names no version"):
        async with world.database.transaction(world.ours) as transaction:
            await transaction.fetch_dicts(_OPEN, {"asked": dispatch(), "tasks": json.dumps([task])})


async def test_what_measures_a_version_drafts_nothing(world: World) -> None:
    for purpose in ("evaluation", "trial", "shadow"):
        with pytest.raises(QmsError, match="drafts nothing"):
            async with world.database.transaction(world.ours) as transaction:
                await transaction.fetch_dicts(
                    _OPEN, {"asked": dispatch(purpose=purpose, may_draft=True), "tasks": "[]"}
                )


async def test_a_canary_lost_at_its_last_attempt_is_answered_by_what_people_have(world: World) -> None:
    canary = world.fleet.rollout("canary", world.better, world.shipped, p0=0.05, p1=0.3, h=9.0, runs=40)
    world.rows.execute("UPDATE ml_loop.rollouts SET salt = 'salt' WHERE id = %(id)s", id=canary)
    tasks = await Tasks(world.database, world.ours).open()
    world.rows.execute("UPDATE agents.dispatch_tasks SET max_attempts = 1 WHERE dispatch_id = %(id)s", id=tasks.id)
    first = await tasks.take()
    assert (first["lane"], first["attempt"]) == ("canary", 1)
    async with world.database.transaction(world.ours) as transaction:
        await transaction.execute(_LOSE, {"dispatch": tasks.id, "attempt": 1})
    second = await tasks.take()
    assert (second["attempt"], second["lane"] != "canary") == (2, True)
    async with world.database.transaction(world.ours) as transaction:
        await transaction.execute(_LOSE, {"dispatch": tasks.id, "attempt": 2})
    states = world.rows.fetch("SELECT state FROM agents.dispatch_tasks WHERE dispatch_id = %(id)s", id=tasks.id)
    assert states == [{"state": "failed"}]  # not for ever


# What was measured ----------------------------------------------------------------------------------------------------


async def test_what_was_measured_stays_as_it_was(world: World) -> None:
    (made,) = await world.execute(
        "INSERT INTO ml_loop.evaluations (organization_id, model_name, version_id, purpose, split, spec, spec_sha256) "
        "VALUES (qms.current_organization_id(), 'qa', %(version)s, 'score', 'test', '{}', %(sha)s) RETURNING id",
        version=world.better, sha="a" * 64,
    )  # fmt: skip
    result = (
        "INSERT INTO ml_loop.eval_results (organization_id, model_version_id, evaluation_id, case_key, eval_type, "
        "score) VALUES (qms.current_organization_id(), %(version)s, %(id)s, %(case)s, 'judge', 1) RETURNING id"
    )
    ended = (
        "UPDATE ml_loop.evaluations SET state = 'completed', score = 0.2, finished_at = clock_timestamp() "
        "WHERE id = %(id)s RETURNING id"
    )
    assert await world.execute(result, version=world.better, id=made["id"], case="1")
    assert await world.execute(ended, id=made["id"])
    for change in ("score = 1", "state = 'running', finished_at = NULL", "summary = '{\"better\": true}'"):
        with pytest.raises(QmsError):
            await world.execute(
                f"UPDATE ml_loop.evaluations SET {change} WHERE id = %(id)s RETURNING id", id=made["id"]
            )
    assert await world.execute(result, version=world.better, id=made["id"], case="2") == []


async def test_no_report_is_passed_of_what_was_not_measured(world: World) -> None:
    dataset = world.fleet.dataset(world.maker.user_id)
    checks = [{"gate": gate, "passed": True} for gate in ("threshold", "regression", "slices", "safety", "cost")]
    with pytest.raises(QmsError, match="was not measured"):
        await world.execute(
            "INSERT INTO ml_loop.gate_reports (organization_id, model_name, version_id, baseline_id, "
            "dataset_version_id, checks, passed, content, content_sha256) VALUES (qms.current_organization_id(), 'qa', "
            "%(version)s, %(shipped)s, %(dataset)s, %(checks)s::jsonb, true, 'x', %(sha)s) RETURNING id",
            version=world.better, shipped=world.shipped, dataset=dataset,
            checks=json.dumps([*checks, {"gate": "latency", "passed": True}]),
            sha="2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881",
        )  # fmt: skip


async def test_what_agents_say_of_answers_does_not_loosen_the_watch_of_production(world: World) -> None:
    for _ in range(30):
        world.fleet.feedback(world.fleet.run(world.shipped, "shipped"), 0.0, kind="agent")
    world.fleet.gates(world.better, world.shipped, world.maker.user_id)
    asked = await world.rollouts.promote(
        world.ours, "qa", str(world.better), to="production", reason=WHY, without_canary="a test has no people to try"
    )
    assert "usual share of bad runs 0.02" in (asked.content or "")


# Of others ------------------------------------------------------------------------------------------------------------

OF_OTHERS = [
    "SELECT ml_loop.withdraw(%(canary)s, 'because it is not mine') AS done",
    "SELECT ml_loop.nominate('qa', %(version)s, 'because it is not mine') AS done",
    "SELECT ml_loop.start_shadow('qa', %(version)s, 5, 'because it is not mine') AS done",
    "SELECT ml_loop.acknowledge_alert(%(alert)s, 'because it is not mine') AS done",
    'SELECT ml_loop.told_alert(%(alert)s, \'{"state": "open", "channel": "x"}\') AS done',
    "SELECT ml_loop.keep_score(%(run)s, 'automated', 0, 'automatic', '', '{}', 'once') AS done",
    "SELECT agents.note_job(%(job)s, 1, 'x', '{}') AS done",
    "SELECT agents.finish_job(%(job)s, 1, 'completed', '{}', NULL) AS done",
    (
        "INSERT INTO ml_loop.feedback_loop (organization_id, run_id, source, score) VALUES "
        "(qms.current_organization_id(), %(run)s, 'user', 0) RETURNING id"
    ),
    "SELECT ml_loop.store_version('qa', %(made)s) AS done",
]
SILENT = {
    "SELECT ml_loop.name_of(%(version)s) AS done": None,
    "SELECT e.n AS done FROM ml_loop.error_rate_of(%(version)s, 100, ARRAY['human', 'agent']) AS e": 0,
    "SELECT agents.take_job(%(job)s, 'me') AS done": None,
    "SELECT agents.cancel_job(%(job)s, 'because it is not mine') AS done": False,
    "SELECT ml_loop.send_score(%(feedback)s) AS done": False,
    "SELECT count(*) AS done FROM ml_loop.review_candidates(%(organization)s, current_date) AS c": 0,
    "SELECT ml_loop.run_that_drafted(%(organization)s, %(run)s, 1) AS done": None,
}


async def test_nobody_reaches_what_is_anothers(world: World) -> None:
    run = world.fleet.run(world.shipped, "shipped")
    world.fleet.feedback(run, 0.1)
    (job,) = await world.execute(
        "SELECT o.id FROM agents.open_job('gates', %(key)s, '{}', 'server') AS o", key=uuid4().hex
    )
    await world.execute("SELECT agents.take_job(%(id)s, 'us') AS taken", id=job["id"])
    (alert,) = await world.execute(
        "SELECT ml_loop.settle_alert('drift', 'qa', 'warning', 0.3, 0.2, false, 0.5, 10, 'It drifts.') AS settled"
    )
    content = json.dumps({"agent": "qa", "prompt": uuid4().hex}, sort_keys=True)
    made = {"version": "qa@" + "0" * 12, "content": content, "origin": "trained", "parent_id": str(world.better)}
    params: dict[str, Any] = {
        "canary": world.fleet.rollout("canary", world.better, world.shipped), "version": world.better, "run": run,
        "job": job["id"], "alert": alert["settled"]["alert_id"], "organization": world.ours.organization_id,
        "feedback": world.rows.value("SELECT id FROM ml_loop.feedback_loop WHERE run_id = %(id)s", id=run),
        "made": json.dumps(made),
    }  # fmt: skip
    for statement in OF_OTHERS:
        with pytest.raises(QmsError):
            await world.execute(statement, world.theirs, **params)
    for statement, expected in SILENT.items():
        (row,) = await world.execute(statement, world.theirs, **params)
        assert row["done"] == expected, statement
    assert world.fleet.read(params["canary"])["state"] == "running"
    with pytest.raises(NotFoundError):
        await world.rollouts.withdraw(world.theirs, params["canary"], "because it is not mine")


# By what kind of actor ------------------------------------------------------------------------------------------------

UNTOUCHABLE = (
    "datasets", "dataset_versions", "dataset_groups", "dataset_items", "model_answers", "gate_reports", "aliases",
    "alias_moves", "rollouts", "promotion_requests", "drift_references", "alert_rules", "alerts", "job_schedules",
    "feedback_loop", "training_data", "eval_results", "drift_metrics", "model_versions",
)  # fmt: skip


@pytest.mark.parametrize("kind", ["agent", "system"])
async def test_nothing_kept_is_changed_or_taken_away(world: World, kind: Any) -> None:
    who = replace(world.ours, actor_kind=kind)
    for table in UNTOUCHABLE:
        for statement in (
            f"UPDATE ml_loop.{table} SET organization_id = organization_id RETURNING id",
            f"DELETE FROM ml_loop.{table} RETURNING id",
            f"TRUNCATE ml_loop.{table} CASCADE",
        ):
            with pytest.raises(QmsError):
                await world.execute(statement, who)


async def test_nobody_is_made_human(world: World) -> None:
    with pytest.raises(QmsError):
        await world.execute("SELECT 1 AS one", replace(world.ours, actor_kind="human"))
