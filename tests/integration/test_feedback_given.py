"""Feedback: whose it is, what it is about, and what becomes of it, as the database has it."""

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr

from qms_mcp.auth.acting import acting
from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.embedded import EmbeddedPostgres
from qms_mcp.db.queries import Query
from qms_mcp.errors import ConflictError, InvalidInputError, NotAllowedError, NotFoundError, QmsError
from qms_mcp.services.embedding.service import Embedding
from qms_mcp.services.learning.feedback.analysing import Asked
from qms_mcp.services.learning.feedback.review_desk import Judgement, ReviewDesk
from qms_mcp.services.learning.feedback.service import About, Feedback
from qms_mcp.services.signing.desk import SigningDesk
from qms_mcp.settings import Settings
from tests.conftest import Tenants
from tests.support.dispatching import Rows
from tests.support.feedback import REQUEST, Runs, answer
from tests.support.people import person_with_password
from tests.support.workflow import small_record, small_workflow

pytestmark = [pytest.mark.anyio, pytest.mark.shared_database]

_INSERT = Query(
    "test",
    "INSERT INTO ml_loop.feedback_loop (organization_id, run_id, source, score, given_kind, given_by) VALUES "
    "(qms.current_organization_id(), %(run)s, %(source)s, 1, 'human', %(by)s) RETURNING given_kind, given_by",
)
_LEARN = Query(
    "test",
    "INSERT INTO ml_loop.training_data (organization_id, model_name, input, output, is_validated) VALUES "
    "(qms.current_organization_id(), 'qa', '{}', '{}', true) RETURNING is_validated",
)


@dataclass(frozen=True)
class World:
    """Two organizations, the runs of both, and the services."""

    database: Database
    runs: Runs
    their_runs: Runs
    feedback: Feedback
    tenants: Tenants

    @property
    def ours(self) -> Principal:
        return self.tenants.ours

    async def reviewer(self, *roles: str) -> tuple[ReviewDesk, str, Principal]:
        """Return a desk, the token of somebody who sits at it, and who that is."""
        place = self.ours.organization_id
        person, password = await person_with_password(self.database, place, "northwind", *(roles or ("qa_approver",)))
        token = await SigningDesk(self.database).sign_in(person.email or "", password)
        return ReviewDesk(self.database, to_langfuse=True), token, person


def settings(*, langfuse: bool = False) -> Settings:
    keys: dict[str, Any] = {"langfuse_public_key": SecretStr("pk"), "langfuse_secret_key": SecretStr("sk")}
    return Settings(**(keys if langfuse else {}))


@pytest.fixture
async def world(database: Database, tenants: Tenants, embedded: EmbeddedPostgres) -> World:
    rows = Rows(embedded.conninfo(str(conninfo_to_dict(database.wiring.server)["dbname"]), "postgres"))
    feedback = Feedback(database, Embedding(database, settings()), settings(langfuse=True))
    ours, theirs = tenants.ours.organization_id, tenants.theirs.organization_id
    return World(database, Runs(rows, ours), Runs(rows, theirs), feedback, tenants)


def on(run: UUID) -> About:
    return About(run=str(run))


# Given ----------------------------------------------------------------------------------------------------------------


async def test_what_a_model_passes_on_counts_and_is_told_apart(world: World) -> None:
    run = world.runs.run()
    world.runs.trace(run, "t" * 32)
    given = await world.feedback.record(world.ours, on(run), 0.25, label="wrong", comment="Es fehlt die Hälfte 🙁")
    assert (given.created, given.given_kind, given.agent, given.agent_version) == (
        True,
        "agent",
        "qa",
        "qa@0123456789ab",
    )
    assert given.langfuse_trace_id == "t" * 32
    (row,) = world.runs.stored(run)
    assert (row["given_by"], row["comment"]) == (world.ours.user_id, "Es fehlt die Hälfte 🙁")
    (example,) = world.runs.examples(run)
    assert (example["is_validated"], example["source"], example["feedback_score"]) == (False, "user", 0.25)
    assert (example["input"]["request"], example["output"]) == (REQUEST, answer("c1"))
    assert example["group_key"] == str(run)


async def test_a_tool_call_alone_finds_its_run_and_teaches_nothing_of_the_whole_answer(world: World) -> None:
    run = world.runs.run()
    call = world.runs.call(run, "c2", 7)
    given = await world.feedback.record(world.ours, About(tool_call=str(call)), 0)
    assert (given.run_id, given.tool_call_id, given.is_example) == (run, call, False)
    assert world.runs.examples(run) == []
    with pytest.raises(InvalidInputError, match="another run"):
        await world.feedback.record(world.ours, About(run=str(world.runs.run()), tool_call=str(call)), 0)


async def test_a_record_is_found_by_its_number_by_the_subject_of_a_run_and_finds_the_run_that_drafted_it(
    world: World,
) -> None:
    await small_workflow(world.database)
    by_hand = await small_record(world.database, world.ours, "A risk")
    number = world.runs.rows.value("SELECT number FROM qms.quality_items WHERE id = %(id)s", id=by_hand)
    given = await world.feedback.record(world.ours, About(record=number.lower()), 0.5)
    assert (given.record, given.run_id, given.agent) == (number, None, None)
    about = world.runs.run(input={"request": "Look.", "subject": number})
    assert (await world.feedback.record(world.ours, on(about), 1)).record == number
    run = world.runs.run()
    world.runs.dispatched(run, world.ours.user_id)
    with acting(world.runs.call(run, "c2", 7), "an agent", "1"):
        drafted = await small_record(world.database, world.ours, "Drafted")
    found = await world.feedback.record(world.ours, About(record=str(drafted)), 1)
    assert (found.run_id, found.agent, found.is_example) == (run, "qa", False)


async def test_the_same_key_is_the_same_feedback_and_other_words_under_it_are_refused(world: World) -> None:
    run = world.runs.run()
    first = await world.feedback.record(world.ours, on(run), 0.5, comment="So so.", idempotency_key="k1")
    again = await world.feedback.record(world.ours, on(run), 0.5, comment="So so.", idempotency_key="k1")
    assert (again.id, again.created) == (first.id, False)
    assert len(world.runs.stored(run)) == 1
    with pytest.raises(ConflictError, match="other feedback"):
        await world.feedback.record(world.ours, on(run), 0.9, idempotency_key="k1")


@pytest.mark.parametrize("source", ["automated", "llm-judge"])
async def test_an_agent_can_neither_be_a_scorer_nor_a_judge(world: World, source: Any) -> None:
    run = world.runs.run()
    with pytest.raises(NotAllowedError, match="scorers and the judge"):
        await world.feedback.record(world.ours, on(run), 1, source=source)
    system = replace(world.ours, actor_kind="system")
    given = await world.feedback.record(system, on(run), 1, source=source, label="a pipeline")
    assert given.given_kind == "system"
    with pytest.raises(NotAllowedError, match="the system is no user"):
        await world.feedback.record(system, on(run), 1)


async def test_nobody_can_say_that_a_person_gave_it(world: World) -> None:
    run = world.runs.run()
    async with world.database.transaction(world.ours) as transaction:
        params = {"run": run, "source": "user", "by": uuid4()}
        (row,) = await transaction.fetch_dicts(_INSERT, params)
        (example,) = await transaction.fetch_dicts(_LEARN)
    assert (row["given_kind"], row["given_by"]) == ("agent", world.ours.user_id)
    assert example["is_validated"] is False
    assert [one["is_validated"] for one in world.runs.examples(run)] == [False]


@pytest.mark.parametrize("lane", ["evaluation", "trial", "shadow"])
async def test_an_answer_nobody_was_shown_is_judged_by_nobody_and_never_learned_from(world: World, lane: str) -> None:
    run = world.runs.run(lane=lane)
    with pytest.raises(NotAllowedError, match="nobody was shown"):
        await world.feedback.record(world.ours, on(run), 1)
    await world.feedback.keep_judgement(world.ours, run, 0.8)
    assert world.runs.examples(run) == []
    desk, token, _ = await world.reviewer()
    shown = await desk.run(token, run)
    await desk.give(token, Judgement(run, 1, "", "", shown.sha256))
    assert world.runs.examples(run) == []


async def test_what_does_not_exist_and_what_is_others_are_the_same(world: World) -> None:
    theirs = world.their_runs.run()
    their_call = world.their_runs.call(theirs, "c2", 7)
    for about in (
        on(theirs), on(uuid4()), About(run="no id"), About(tool_call=str(their_call)), About(tool_call=str(uuid4())),
        About(record="CAPA-1999-0001"), About(record=str(uuid4())), About(record="Ω" * 60),
    ):  # fmt: skip
        with pytest.raises(NotFoundError) as refused:
            await world.feedback.record(world.ours, about, 1)
        assert refused.value.hint
        assert str(theirs) not in refused.value.message
    with pytest.raises(NotFoundError):
        await world.feedback.score_run(world.ours, theirs)
    assert world.their_runs.stored(theirs) == []


async def test_what_is_out_of_bounds_is_refused_with_the_bound(world: World) -> None:
    about = on(world.runs.run())
    with pytest.raises(InvalidInputError, match="102400 characters; 10000 are the most"):
        await world.feedback.record(world.ours, about, 1, comment="é" * 102_400)
    for score in (-0.1, 1.1, float("nan")):
        with pytest.raises(InvalidInputError, match="not between 0 and 1"):
            await world.feedback.record(world.ours, about, score)
    with pytest.raises(InvalidInputError, match="NUL"):
        await world.feedback.record(world.ours, about, 1, comment="a\0b")
    with pytest.raises(InvalidInputError, match="about something"):
        await world.feedback.record(world.ours, About(), 1)
    with pytest.raises(QmsError):
        await world.feedback.record(world.tenants.auditor, about, 1)


# Scored ---------------------------------------------------------------------------------------------------------------


async def test_a_run_gets_one_automatic_score_however_often_it_is_scored(world: World) -> None:
    run = world.runs.run(calls={"c1": True, "c2": False}, output=answer("c1", "c9", records=("CAPA-1999-0001",)))
    world.runs.trace(run, "f" * 32)
    first = await world.feedback.score_run(world.ours, run)
    assert (first.created, first.scores["evidence"], first.scores["tools"]) == (True, 0, 0.5)
    again = await world.feedback.score_run(world.ours, run)
    assert (again.created, again.feedback_id) == (False, first.feedback_id)
    (row,) = world.runs.stored(run)
    assert (row["label"], row["source"], row["given_kind"]) == ("automatic", "automated", "system")
    assert row["details"]["scores"] == first.scores
    assert "c9" in row["comment"]
    (sent,) = world.runs.rows.fetch(
        "SELECT payload FROM agents.otlp_outbox WHERE payload ->> 'id' = %(id)s", id=str(first.feedback_id)
    )
    assert sent["payload"]["traceId"] == "f" * 32


async def test_a_run_that_goes_on_or_was_cancelled_has_no_score(world: World) -> None:
    with pytest.raises(ConflictError, match="not ended"):
        await world.feedback.score_run(world.ours, world.runs.run(status="running", output=None))
    cancelled = world.runs.run(status="cancelled", output=None)
    assert (await world.feedback.score_run(world.ours, cancelled)).score is None
    assert world.runs.stored(cancelled) == []


async def test_scores_lost_in_a_crash_are_made_up_for_once(world: World) -> None:
    lost = [world.runs.run(), world.runs.run(status="failed", output=None, stop="refused")]
    theirs = world.their_runs.run()
    assert await world.feedback.score_unscored(world.ours) == 2
    assert await world.feedback.score_unscored(world.ours) == 0
    assert [len(world.runs.stored(run)) for run in (*lost, theirs)] == [1, 1, 0]
    assert world.runs.examples(lost[1]) == []


async def test_a_judge_is_kept_under_its_key(world: World) -> None:
    run = world.runs.run()
    first = await world.feedback.keep_judgement(world.ours, run, 0.7, label="rubric", idempotency_key="j1")
    assert await world.feedback.keep_judgement(world.ours, run, 0.7, label="rubric", idempotency_key="j1") == first
    (row,) = world.runs.stored(run)
    assert (row["source"], row["given_kind"]) == ("llm-judge", "system")


# Worth a look ---------------------------------------------------------------------------------------------------------


async def test_the_queue_says_what_is_worth_a_look_and_why(world: World) -> None:
    low, torn, fine, seen, told = (world.runs.run(age_hours=n) for n in range(1, 6))
    world.runs.feedback(low, 0.3)
    world.runs.feedback(torn, 1.0)
    world.runs.feedback(torn, 0.6, "automated", "system")
    world.runs.feedback(fine, 0.9)
    world.runs.feedback(seen, 0.1)
    world.runs.feedback(seen, 0.1, kind="human")
    world.runs.feedback(told, 0.1)
    world.their_runs.feedback(world.their_runs.run(), 0.0)
    page = await world.feedback.queue(world.ours, because="low_score")
    assert [one.run_id for one in page.items] == [told, low]
    assert page.items[0].review == f"/review/{told}"
    every = await world.feedback.queue(world.ours)
    reasons = {one.run_id: one.reasons for one in every.items}
    assert "disagreement" in reasons[torn]
    assert seen not in reasons
    assert every.by_reason["low_score"] == 2
    # One in twenty of the others is drawn each day: this may be one of them.
    assert reasons.get(fine, ["random"]) == ["random"]


async def test_the_queue_is_paged_and_what_drifted_is_drawn(world: World) -> None:
    for n in range(40):
        world.runs.run(age_hours=n)
    world.runs.rows.execute(
        "INSERT INTO ml_loop.drift_metrics (organization_id, model_name, metric_type, drift_score, severity) "
        "VALUES (%(org)s, 'qa', 'score', 0.5, 'severe')",
        org=world.ours.organization_id,
    )
    drifted = await world.feedback.queue(world.ours, because="drifted", limit=100)
    assert 1 <= drifted.total <= 20, "a fifth of 40, give or take"
    seen: list[UUID] = []
    cursor = ""
    while True:
        page = await world.feedback.queue(world.ours, limit=3, cursor=cursor)
        seen += [one.run_id for one in page.items]
        cursor = page.next_cursor
        if not cursor:
            break
    assert len(seen) == len(set(seen)) == page.total
    assert (await world.feedback.queue(world.ours, agent="data")).total == 0
    with pytest.raises(InvalidInputError, match="no agent"):
        await world.feedback.queue(world.ours, agent="nobody")


async def test_the_analysis_is_of_the_own_organization_and_leaves_measurements_out(world: World) -> None:
    for n in range(6):
        run = world.runs.run(input={"request": f"Check the torque certificates of press {n}", "subject": ""})
        world.runs.feedback(run, 0.2, comment="The torque was not looked at.")
        world.runs.feedback(run, 0.8, "llm-judge", "system")
    world.runs.feedback(world.runs.run(lane="evaluation"), 0.0, "automated", "system")
    world.their_runs.feedback(world.their_runs.run(), 0.0)
    found = await world.feedback.analyse(world.ours, Asked(agent="qa", by="version"))
    assert found.n == 12
    assert [(one["group"], one["n"]) for one in found.given_by] == [("users (passed on)", 6), ("judges", 6)]
    assert found.agreement[0]["bias"] == 0.6
    assert "torque" in found.patterns[0]["named"]
    assert (await world.feedback.analyse(world.tenants.theirs, Asked())).n == 1


# The review desk ------------------------------------------------------------------------------------------------------


async def test_a_person_validates_on_the_page_and_nobody_is_anchored(world: World) -> None:
    run = world.runs.run()
    world.runs.trace(run, "b" * 32)
    world.runs.feedback(run, 0.1, comment="Passed on.")
    desk, token, person = await world.reviewer()
    assert run in [one.run_id for one in await desk.waiting(token)]
    shown = await desk.run(token, run)
    assert (shown.own, shown.earlier, shown.others) == (None, [], 1)
    assert shown.calls[0].label == "c1"
    made = await desk.give(token, Judgement(run, 0.75, "incomplete", "Die Hälfte fehlt 🙁", shown.sha256))
    (row,) = [one for one in world.runs.stored(run) if one["id"] == made]
    assert (row["source"], row["given_kind"], row["given_by"]) == ("user", "human", person.user_id)
    assert [one["is_validated"] for one in world.runs.examples(run)] == [False, True]
    after = await desk.run(token, run)
    assert after.own is not None
    assert [one.comment for one in after.earlier] == ["Passed on."]
    assert run not in [one.run_id for one in await desk.waiting(token)]
    (entry,) = world.runs.rows.fetch(
        "SELECT actor_id, actor_kind FROM qms.audit_logs WHERE action = 'reviewed' AND entity_id = %(id)s", id=made
    )
    assert (entry["actor_id"], entry["actor_kind"]) == (person.user_id, "human")
    assert world.runs.rows.fetch("SELECT FROM agents.otlp_outbox WHERE payload ->> 'id' = %(id)s", id=str(made))
    with pytest.raises(ConflictError, match="already"):
        await desk.give(token, Judgement(run, 1, "", "", shown.sha256))


async def test_the_desk_refuses_what_is_not_the_persons_to_do(world: World) -> None:
    run, theirs = world.runs.run(), world.their_runs.run()
    desk, token, _ = await world.reviewer()
    sha256 = (await desk.run(token, run)).sha256
    with pytest.raises(NotFoundError):
        await desk.run(token, theirs)
    with pytest.raises(NotFoundError):
        await desk.give(token, Judgement(theirs, 1, "", "", sha256))
    with pytest.raises(ConflictError, match="not what the answer is"):
        await desk.give(token, Judgement(run, 1, "", "", "0" * 64))
    with pytest.raises(InvalidInputError, match="2000 are the most"):
        await desk.give(token, Judgement(run, 1, "", "x" * 2_001, sha256))
    with pytest.raises(QmsError):
        await desk.give("no such session", Judgement(run, 1, "", "", sha256))
    with pytest.raises(NotFoundError):
        await desk.run("no such session", run)
    auditing, auditors_token, _ = await world.reviewer("auditor")
    with pytest.raises(NotAllowedError, match="other than auditor"):
        await auditing.give(auditors_token, Judgement(run, 1, "", "", sha256))
    assert world.runs.stored(run) == []
