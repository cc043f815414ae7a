"""A version goes to people in a running company: who signed is known of each answer, and nobody is left without one."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from qms_mcp.agents.roster import roster
from qms_mcp.agents.versioning import revised
from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.embedded import EmbeddedPostgres
from qms_mcp.demo.load import load_companies
from qms_mcp.errors import InvalidInputError, NotFoundError
from qms_mcp.services.dispatch.models import DispatchReport
from qms_mcp.services.learning.rollout.explanation import Explanation
from qms_mcp.services.learning.rollout.service import Rollouts
from tests.conftest import copied_database, wiring_for
from tests.support.agent_world import OWNER, AgentWorld, agents_at_work, answers, competent, finding, use
from tests.support.claude_stub import refuses
from tests.support.dispatching import Rows, until
from tests.support.people import person_with_password, sign
from tests.support.rollouts import WHY, Fleet

pytestmark = pytest.mark.anyio

QUERY = "SELECT count(*) AS n FROM qms.nonconformances AS n"
BROKEN = "You are about to break."


@dataclass(frozen=True)
class World:
    """A demo company, somebody who may sign there, and versions of the agent `data`."""

    here: AgentWorld
    fleet: Fleet
    signer: Principal
    password: str

    @property
    def rollouts(self) -> Rollouts:
        return self.here.services.learning.rollouts

    async def asked(self, key: str = "count") -> DispatchReport:
        """Ask an agent that counts, unless its prompt breaks it."""

        def role(body: dict[str, Any]) -> Any:
            if BROKEN in str(body["system"]):
                return refuses(400, "invalid_request_error")
            looks = [use("execute_query", statement=QUERY)]
            return competent(looks, lambda seen: answers(finding(f"{len(seen)} look at them.", "c1")))(body)

        return await self.here.done(self.here.asks("data", role, key=key))

    async def explain(self, named: object, **parts: Any) -> Explanation:
        return await self.here.services.learning.explanations.explain(OWNER, str(named), **parts)

    async def version(self, prompt: str) -> UUID:
        """Store a version as a training does, with its gates passed."""
        versions = self.here.services.learning.versions
        shipped = await versions.find(OWNER, "data", "shipped")
        made = await versions.register(
            OWNER, revised(roster()["data"], prompt=prompt), origin="trained", parent_id=shipped.id
        )
        self.fleet.gates(made.id, shipped.id, OWNER.user_id, content="Held-out score +0.1, nothing worse.")
        return made.id

    async def canary(self, version: UUID) -> UUID:
        """Let it go to everybody who asks from now on."""
        moved = await self.rollouts.promote(OWNER, "data", str(version), percent=100, reason=WHY)
        assert moved.approval_id is not None
        await sign(self.here.database, moved.approval_id, self.signer, self.password, why="The report is convincing.")
        found = "SELECT id FROM ml_loop.rollouts WHERE approval_id = %(id)s"
        return self.here.rows.value(found, id=moved.approval_id)


@pytest.fixture(scope="module")
async def world(
    embedded: EmbeddedPostgres, template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[World]:
    with copied_database(embedded, template) as name:
        database = Database(wiring_for(embedded, name))
        await database.open()
        await load_companies(database)
        rows = Rows(embedded.conninfo(name, "postgres"))
        slug = rows.value("SELECT slug FROM qms.organizations WHERE id = %(id)s", id=OWNER.organization_id)
        signer, password = await person_with_password(database, OWNER.organization_id, slug, "qa_approver")
        async with agents_at_work(database, tmp_path_factory.mktemp("agents"), rows) as here:
            yield World(here, Fleet(rows, OWNER.organization_id, "data"), signer, password)
        await database.close()


async def test_one_call_says_who_asked_what_answered_and_what_it_rests_on(world: World) -> None:
    report = await world.asked()
    told = await world.explain(report.id)
    run = world.here.run(report, "count")
    assert told.run_id == str(run["id"])
    assert told.asked["dispatch_id"] == str(report.id)
    assert "Look around." in told.asked["request"]
    assert told.version["version"] == roster()["data"].version
    assert told.version["reproduced"].startswith("Its content is stored whole")
    assert told.why_version["lane"] == "shipped"
    (call,) = told.calls
    assert (call["label"], call["tool"], call["ok"]) == ("c1", "execute_query", True)
    (one,) = told.answered["findings"]
    assert one["rests_on"] == [f"c1: execute_query (worked), call {call['id']}"]
    assert told.rest["checkpoints"] > 0
    assert told.rest["cost_usd"] > 0
    # By a call of it, by its own id, and with everything.
    assert (await world.explain(call["id"])).run_id == (await world.explain(run["id"])).run_id == told.run_id
    full = await world.explain(run["id"], detail="full")
    assert full.version["prompt"] == roster()["data"].prompt
    assert "prompt" not in told.version
    assert full.calls[0]["arguments"]["statement"] == QUERY


async def test_of_several_agents_one_has_to_be_named(world: World) -> None:
    role = competent([], lambda _: answers())
    report = await world.here.done(world.here.asks("data", role, key="one"), world.here.asks("qa", role, key="two"))
    with pytest.raises(InvalidInputError, match="2 runs belong to it: one, two"):
        await world.explain(report.id)
    assert (await world.explain(report.id, agent="qa")).asked["task"] == "two"
    with pytest.raises(NotFoundError):
        await world.explain(report.id, agent="schema")
    with pytest.raises(NotFoundError):
        await world.explain("nothing")


async def test_what_a_canary_answered_names_who_signed_and_on_which_report(world: World) -> None:
    version = await world.version("You look at data, carefully.")
    rollout = await world.canary(version)
    told = await world.explain((await world.asked()).id, detail="full")
    why = told.why_version
    assert (why["lane"], why["rollout"]["id"]) == ("canary", str(rollout))
    assert why["approval"]["signed_why"] == "The report is convincing."
    assert why["approval"]["gate_report"]["text"] == "Held-out score +0.1, nothing worse."
    assert "signed it on" in told.headline
    assert told.version["parent"] == roster()["data"].version
    assert told.version["prompt"] == "You look at data, carefully."
    await world.rollouts.rollback(OWNER, "data", reason="The test of it is over.")
    after = await world.explain((await world.asked()).id)
    assert after.why_version["lane"] == "shipped"


async def test_a_canary_that_breaks_is_taken_back_by_itself_and_nobodys_call_is_lost(world: World) -> None:
    rollout = await world.canary(await world.version(BROKEN))
    asked = 0
    while world.fleet.read(rollout)["state"] == "running" and asked < 10:
        report = await world.asked()
        asked += 1
        assert report.status == "completed"
        (task,) = world.here.rows.tasks(UUID(str(report.id))).values()
        first, last = sorted(world.here.rows.runs(UUID(str(report.id))), key=lambda run: run["attempt"])
        assert (first["lane"], first["status"], last["lane"], last["status"]) == (
            "canary", "failed", "shipped", "completed",
        )  # fmt: skip
        assert task["run_id"] == last["id"]
        told = await world.explain(report.id)
        assert [one["lane"] for one in told.rest["other_attempts"]] == ["canary"]
        await world.rollouts.watch(OWNER, "data")
    row = world.fleet.read(rollout)
    assert (row["state"], row["outcome"]["bad"]) == ("rolled_back", asked)
    assert "cumulative sum" in row["end_reason"]
    assert [run["lane"] for run in world.here.rows.runs(UUID(str((await world.asked()).id)))] == ["shipped"]


async def test_a_shadow_answers_too_is_compared_and_shows_to_nobody(world: World) -> None:
    version = await world.version("You look at data twice.")
    moved = await world.rollouts.promote(OWNER, "data", str(version), to="shadow", percent=100, reason=WHY)
    report = await world.asked()
    assert [run["lane"] for run in world.here.rows.runs(UUID(str(report.id)))] == ["shipped"]
    agreed = "SELECT * FROM ml_loop.eval_results WHERE model_version_id = %(id)s AND eval_type = 'shadow_agreement'"
    await until(lambda: world.here.rows.fetch(agreed, id=version))
    (one,) = world.here.rows.fetch(agreed, id=version)
    assert one["score"] == pytest.approx(1.0)
    page = await world.here.services.learning.models.page(OWNER, "data")
    (line,) = [line for line in page.rollouts if line.id == moved.rollout_id]
    assert "1 answers compared" in line.note
    await world.rollouts.rollback(OWNER, "data", reason="The test of it is over.")
