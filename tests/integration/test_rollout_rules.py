"""How a version goes to people: what may be asked for, who may sign, and what happens then."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from psycopg.conninfo import conninfo_to_dict

from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.embedded import EmbeddedPostgres
from qms_mcp.db.queries import Query
from qms_mcp.errors import ConflictError, InvalidInputError, NotAllowedError, NotFoundError, QmsError
from qms_mcp.services.learning.rollout.listing import ModelList
from qms_mcp.services.learning.rollout.models import Moved
from qms_mcp.services.learning.rollout.service import Rollouts
from qms_mcp.services.learning.versions import VersionRow, Versions
from qms_mcp.services.signing.service import Signing
from tests.conftest import Tenants
from tests.support.dispatching import Rows
from tests.support.people import person_with_password, sign
from tests.support.rollouts import WHY, Fleet

pytestmark = [pytest.mark.anyio, pytest.mark.shared_database]


@dataclass(frozen=True)
class World:
    """An organization with a shipped version, a better one, and people who may sign."""

    database: Database
    rows: Rows
    fleet: Fleet
    rollouts: Rollouts
    versions: Versions
    asker: Principal
    maker: Principal
    signer: Principal
    password: str
    maker_password: str
    shipped: UUID
    better: UUID

    async def sign(self, moved: Moved, **parts: Any) -> None:
        assert moved.approval_id is not None
        await sign(self.database, moved.approval_id, self.signer, self.password, **parts)

    async def ask(self, to: Any = "canary", version: UUID | None = None, **parts: Any) -> Moved:
        return await self.rollouts.promote(self.asker, "qa", str(version or self.better), to=to, reason=WHY, **parts)

    def passed(self, version: UUID | None = None, baseline: UUID | None = None, **parts: Any) -> UUID:
        return self.fleet.gates(version or self.better, baseline or self.shipped, self.maker.user_id, **parts)

    def running(self) -> list[dict[str, Any]]:
        return self.rows.fetch(
            "SELECT * FROM ml_loop.rollouts WHERE organization_id = %(org)s AND state = 'running' ORDER BY started_at",
            org=self.asker.organization_id,
        )

    def last_entry(self, of: UUID) -> dict[str, Any]:
        return self.rows.fetch("SELECT * FROM qms.audit_logs WHERE entity_id = %(id)s ORDER BY seq DESC", id=of)[0]

    def moves(self) -> list[dict[str, Any]]:
        return self.rows.fetch(
            "SELECT * FROM ml_loop.alias_moves WHERE organization_id = %(org)s ORDER BY moved_at",
            org=self.asker.organization_id,
        )


@pytest.fixture
def rows(embedded: EmbeddedPostgres, database: Database) -> Rows:
    name = str(conninfo_to_dict(database.wiring.server)["dbname"])
    return Rows(embedded.conninfo(name, "postgres"))


@pytest.fixture
async def world(database: Database, tenants: Tenants, rows: Rows) -> World:
    ours = tenants.ours.organization_id
    maker, maker_password = await person_with_password(database, ours, "northwind", "approver")
    signer, password = await person_with_password(database, ours, "northwind", "qa_approver")
    versions = Versions(database)
    fleet = Fleet(rows, ours)
    shipped = await versions.find(tenants.ours, "qa", "shipped")
    return World(
        database, rows, fleet, Rollouts(database, versions, Signing(database)), versions, tenants.ours, maker, signer,
        password, maker_password, shipped.id, fleet.version(maker.user_id),
    )  # fmt: skip


# What may be asked for ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("to", ["canary", "experiment", "production"])
async def test_nothing_goes_to_people_that_has_not_passed_the_gates(world: World, to: str) -> None:
    with pytest.raises(ConflictError, match="has not been through the gates"):
        await world.ask(to, without_canary="there is nobody to try it on")
    world.passed(passed=False)
    with pytest.raises(ConflictError, match="was not passed"):
        await world.ask(to, without_canary="there is nobody to try it on")


async def test_a_report_against_another_version_or_of_another_version_does_not_count(world: World) -> None:
    other = world.fleet.version(world.maker.user_id)
    world.passed(other)
    world.passed(baseline=other)
    with pytest.raises(ConflictError, match="has not been through the gates"):
        await world.ask()


async def test_a_report_that_was_not_passed_takes_back_one_that_was(world: World) -> None:
    world.passed()
    world.passed(passed=False)
    with pytest.raises(ConflictError, match="was not passed"):
        await world.ask()


async def test_a_step_of_an_optimiser_goes_to_nobody(world: World) -> None:
    step = world.fleet.version(world.maker.user_id, origin="trial")
    world.passed(step)
    for to in ("canary", "shadow"):
        with pytest.raises(QmsError, match="step of an optimiser"):
            await world.ask(to, step)


async def test_versions_of_others_are_not_found(world: World, tenants: Tenants) -> None:
    with pytest.raises(NotFoundError):
        await world.rollouts.promote(tenants.theirs, "qa", str(world.better), reason=WHY)
    with pytest.raises(NotFoundError):
        await world.rollouts.promote(world.asker, "data", str(world.better), reason=WHY)


async def test_production_needs_a_canary_or_the_reason_why_not_which_the_signer_reads(world: World) -> None:
    world.passed()
    with pytest.raises(ConflictError, match="has not come through a canary"):
        await world.ask("production")
    with pytest.raises(ConflictError, match="has not come through a canary"):
        await world.ask("production", without_canary="none")
    asked = await world.ask("production", without_canary="the agent is asked twice a year")
    assert "WITHOUT A CANARY: the agent is asked twice a year" in asked.content


async def test_whoever_only_reads_asks_for_nothing(world: World, tenants: Tenants) -> None:
    world.passed()
    with pytest.raises(NotAllowedError):
        await world.rollouts.promote(tenants.auditor, "qa", str(world.better), reason=WHY)


async def test_a_reason_is_needed_and_a_percentage_is_one(world: World) -> None:
    world.passed()
    with pytest.raises(InvalidInputError, match="at least 10"):
        await world.rollouts.promote(world.asker, "qa", str(world.better), reason="because")
    with pytest.raises(InvalidInputError, match="no percentage"):
        await world.ask(percent=0.0)


async def test_the_same_request_is_one_approval_and_another_share_is_another(world: World) -> None:
    world.passed()
    first, again, other = await world.ask(), await world.ask(), await world.ask(percent=20)
    assert first.approval_id == again.approval_id != other.approval_id


# Who may sign ---------------------------------------------------------------------------------------------------------


async def test_what_is_signed_is_written_by_the_database_from_its_rows(world: World) -> None:
    world.passed(content="Six gates, all passed: +0.12 on held-out cases.")
    asked = await world.ask()
    row: VersionRow = await world.versions.find(world.asker, "qa", str(world.better))
    assert asked.content.startswith(f"Let {row.version} answer 5 % of the requests to the agent qa (canary, by disp")
    for words in (WHY, "Six gates, all passed: +0.12 on held-out cases.", "goes back to qa@", "through an agent"):
        assert words in asked.content
    assert asked.headline.startswith("Nothing has changed yet")
    assert world.running() == []


async def test_neither_who_asked_nor_who_made_it_may_sign(world: World) -> None:
    world.passed()
    moved = await world.rollouts.promote(world.signer, "qa", str(world.better), reason=WHY)
    assert moved.approval_id is not None
    with pytest.raises(NotAllowedError, match="whoever asked for it"):
        await sign(world.database, moved.approval_id, world.signer, world.password)
    with pytest.raises(NotAllowedError, match="whoever made the version"):
        await sign(world.database, moved.approval_id, world.maker, world.maker_password)
    assert world.running() == []


async def test_it_takes_a_role_to_sign(world: World) -> None:
    reporter, password = await person_with_password(
        world.database, world.asker.organization_id, "northwind", "reporter"
    )
    world.passed()
    moved = await world.ask()
    assert moved.approval_id is not None
    with pytest.raises(NotAllowedError, match="takes the role"):
        await sign(world.database, moved.approval_id, reporter, password)


FORBIDDEN = [
    "SELECT qms_private.carry_out(a, 'because') FROM qms.approvals AS a",
    "SELECT ml_loop.carry_out_promotion(a) FROM qms.approvals AS a",
    "SELECT ml_loop.put_in_production('qa', gen_random_uuid(), 'x', NULL, 'human', 'completed')",
    "SELECT ml_loop.move_alias('qa', 'production', gen_random_uuid(), 'x', NULL, 'human')",
    "UPDATE qms.approvals SET state = 'approved'",
    "UPDATE ml_loop.aliases SET version_id = version_id",
    (
        "INSERT INTO ml_loop.aliases (organization_id, model_name, alias, version_id) "
        "SELECT v.organization_id, 'qa', 'production', v.id FROM ml_loop.model_versions AS v LIMIT 1"
    ),
    (
        "INSERT INTO ml_loop.rollouts (organization_id, model_name, kind, version_id, percent) "
        "SELECT v.organization_id, 'qa', 'canary', v.id, 100 FROM ml_loop.model_versions AS v LIMIT 1"
    ),
    (
        "INSERT INTO qms.approvals (organization_id, tool, subject_id, content_sha256, summary, content, "
        "requested_by, requested_kind, reason) SELECT o.id, 'promote_model', o.id, repeat('a', 64), 'x', 'x', "
        "o.id, 'agent', 'x' FROM qms.organizations AS o LIMIT 1"
    ),
    "SELECT qms_private.confirm_approval((SELECT a.id FROM qms.approvals AS a LIMIT 1), 'approved')",
]


async def test_no_agent_can_let_a_version_go_to_people(world: World) -> None:
    world.passed()
    await world.ask()
    for statement in FORBIDDEN:
        with pytest.raises(QmsError):
            async with world.database.transaction(world.signer) as transaction:
                await transaction.execute(Query("test", statement))
    assert (world.running(), world.fleet.production()) == ([], None)


async def test_a_request_a_caller_wrote_itself_is_carried_out_by_nobody(world: World) -> None:
    """The requests are rows of the application; the approval is not, and it is bound to what it was written for."""
    world.passed()
    moved = await world.ask()
    world.rows.execute("ALTER TABLE ml_loop.promotion_requests DISABLE TRIGGER append_only")
    try:
        world.rows.execute(
            "UPDATE ml_loop.promotion_requests SET content = 'Nothing of note.' WHERE id = "
            "(SELECT subject_id FROM qms.approvals WHERE id = %(id)s)",
            id=moved.approval_id,
        )
    finally:
        world.rows.execute("ALTER TABLE ml_loop.promotion_requests ENABLE TRIGGER append_only")
    with pytest.raises(ConflictError, match="what was shown"):
        await world.sign(moved)
    assert world.running() == []


# What happens then ----------------------------------------------------------------------------------------------------


async def test_a_signed_canary_begins_and_the_trail_says_who_let_it(world: World) -> None:
    gates = world.passed()
    moved = await world.ask(percent=20, sticky_by="person")
    await world.sign(moved)
    (begun,) = world.running()
    assert (begun["kind"], begun["version_id"], begun["baseline_id"]) == ("canary", world.better, world.shipped)
    assert (float(begun["percent"]), begun["sticky_by"], begun["approval_id"]) == (20, "person", moved.approval_id)
    assert begun["gate_report_id"] == gates
    assert begun["plan"].keys() >= {"p0", "p1", "h", "runs"}
    last = world.last_entry(begun["id"])
    assert (last["action"], last["actor_kind"], last["actor_id"]) == ("started", "human", world.signer.user_id)


async def test_another_version_waits_until_the_trial_has_ended(world: World) -> None:
    world.passed()
    await world.sign(await world.ask())
    other = world.fleet.version(world.maker.user_id)
    world.passed(other)
    for to in ("canary", "experiment", "production"):
        with pytest.raises(ConflictError, match="on trial already"):
            await world.ask(to, other, without_canary="it is only a small change")
    with pytest.raises(ConflictError, match="on trial already"):
        await world.ask(percent=50)


async def test_what_was_true_when_it_was_asked_for_is_looked_at_again_when_it_is_signed(world: World) -> None:
    world.passed()
    moved = await world.ask()
    world.passed(passed=False)
    with pytest.raises(ConflictError, match="can't be done any more"):
        await world.sign(moved)
    assert world.running() == []


async def test_a_rejection_changes_nothing(world: World) -> None:
    world.passed()
    await world.sign(await world.ask(), verdict="rejected", why="The cases say nothing of suppliers.")
    assert (world.running(), world.moves()) == ([], [])


async def test_from_canary_to_production_and_back_to_what_was_shipped(world: World) -> None:
    world.passed()
    await world.sign(await world.ask())
    (canary,) = world.running()
    with pytest.raises(ConflictError, match="has not come through"):
        await world.ask("production")
    for _ in range(canary["plan"]["runs"]):
        world.fleet.run(world.better, "canary", canary["id"])
    (event,) = await world.rollouts.watch(world.asker, "qa")
    assert (event.event, event.kind) == ("ready", "canary")
    assert await world.rollouts.watch(world.asker, "qa") == []
    assert world.fleet.production() is None  # it is for a person to say

    moved = await world.ask("production")
    await world.sign(moved)
    assert world.fleet.production() == world.better
    (watched,) = world.running()
    assert (watched["kind"], watched["baseline_id"]) == ("production", world.shipped)
    assert world.fleet.read(canary["id"])["state"] == "completed"
    (move,) = world.moves()
    assert (move["to_id"], move["approval_id"], move["moved_kind"]) == (world.better, moved.approval_id, "human")
    assert (await world.versions.find(world.asker, "qa", "production")).id == world.better

    back = await world.rollouts.rollback(world.asker, "qa", reason="It words findings too harshly.")
    assert back.status == "waiting"
    assert world.fleet.production() == world.better
    await world.sign(back)
    assert world.fleet.production() == world.shipped
    assert world.fleet.read(watched["id"])["state"] == "rolled_back"
    with pytest.raises(ConflictError, match="is in production already"):
        await world.rollouts.rollback(world.asker, "qa", to="shipped", reason=WHY)


async def test_nobody_goes_back_to_what_was_never_there(world: World) -> None:
    with pytest.raises(ConflictError, match="was never in production"):
        await world.rollouts.rollback(world.asker, "qa", to=str(world.better), reason=WHY)
    with pytest.raises(NotFoundError, match="nothing was ever promoted"):
        await world.rollouts.rollback(world.asker, "qa", reason=WHY)


async def test_whoever_writes_ends_a_trial_at_once(world: World, tenants: Tenants) -> None:
    world.passed()
    await world.sign(await world.ask())
    with pytest.raises(NotAllowedError):
        await world.rollouts.rollback(tenants.auditor, "qa", reason=WHY)
    ended = await world.rollouts.rollback(world.asker, "qa", reason="Customers complain about it.")
    assert (ended.status, world.running()) == ("done", [])
    row = world.fleet.read(ended.rollout_id)  # pyright: ignore[reportArgumentType]
    assert (row["state"], row["end_reason"], row["ended_kind"]) == ("stopped", "Customers complain about it.", "agent")
    last = world.last_entry(row["id"])
    assert (last["action"], last["reason"]) == ("stopped", "Customers complain about it.")


async def test_a_trial_ends_when_what_it_is_compared_with_is_no_longer_there(world: World) -> None:
    world.passed()
    await world.sign(await world.ask("production", without_canary="the agent is asked twice a year"))
    other = world.fleet.version(world.maker.user_id)
    world.passed(other, world.better)
    await world.sign(await world.ask("canary", other))
    await world.sign(await world.rollouts.rollback(world.asker, "qa", to="shipped", reason=WHY))
    (ended,) = world.rows.fetch("SELECT * FROM ml_loop.rollouts WHERE version_id = %(id)s", id=other)
    assert ended["state"] == "stopped"
    assert "no longer in production" in ended["end_reason"]


async def test_a_shadow_needs_nobody_and_answers_nobody(world: World) -> None:
    moved = await world.ask("shadow", percent=50)
    assert (moved.status, moved.approval_id) == ("done", None)
    assert (await world.ask("shadow", percent=50)).rollout_id == moved.rollout_id
    other = world.fleet.version(world.maker.user_id)
    with pytest.raises(ConflictError, match="in the shadow already"):
        await world.ask("shadow", other)
    assert world.fleet.production() is None
    assert (await world.rollouts.rollback(world.asker, "qa", reason="It has shown enough.")).status == "done"


async def test_a_candidate_is_a_name_and_no_more(world: World) -> None:
    await world.rollouts.nominate(world.asker, "qa", world.better, "The training proposed it.")
    assert (await world.versions.find(world.asker, "qa", "candidate")).id == world.better
    assert world.fleet.production() is None


async def test_the_list_says_what_stands_where_and_what_waits(world: World) -> None:
    world.passed()
    await world.sign(await world.ask(percent=20))
    (canary,) = world.running()
    world.fleet.run(world.better, "canary", canary["id"], status="failed")
    models = ModelList(world.database, world.versions)
    page = await models.page(world.asker, "qa")
    by_stand = {stand: line for line in page.versions for stand in line.stands}
    assert (by_stand["production"].origin, by_stand["canary"].gates) == ("shipped", "passed")
    (line,) = page.rollouts
    assert (line.kind, line.percent, line.runs, line.bad) == ("canary", 20, 1, 1)
    assert 0 < (line.cusum or 0) < (line.limit or 0)
    assert "on canary for 20 %" in page.headline
    first = await models.page(world.asker, "qa", limit=1)
    rest = await models.page(world.asker, "qa", limit=10, cursor=first.next_cursor)
    assert [one.version for one in (*first.versions, *rest.versions)] == [one.version for one in page.versions]
    await world.rollouts.rollback(world.asker, "qa", reason="It has shown enough.")
    await world.ask()
    assert len((await models.page(world.asker, "qa")).waiting) == 1
    with pytest.raises(InvalidInputError, match="no cursor"):
        await models.page(world.asker, cursor="there")
