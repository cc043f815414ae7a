"""Two versions of an agent, measured on a frozen dataset through real dispatches: kept, compared, resumed."""

import threading
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import anyio
import pytest

from qms_mcp.agents.versioning import revised
from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.embedded import EmbeddedPostgres
from qms_mcp.dispatch.run import NO_KEY
from qms_mcp.errors import ConflictError, InvalidInputError, NotFoundError, TakenOverError
from qms_mcp.services.learning.evaluation import running
from qms_mcp.services.learning.evaluation.asking import Asked
from qms_mcp.services.learning.evaluation.models import Case, Evaluation
from qms_mcp.services.learning.evaluation.service import KIND, Evaluations, Terms, job_spec
from qms_mcp.services.learning.judging.models import Grade, JudgedCase
from qms_mcp.services.learning.spending import Spend
from qms_mcp.services.learning.versions import VersionRow
from tests.conftest import Tenants, copied_database, two_tenants, wiring_for
from tests.support.agent_world import AgentWorld, agents_at_work
from tests.support.claude_stub import FixedTurn
from tests.support.dispatching import Rows
from tests.support.evaluating import ROLE, answering, frozen, item, two_versions

pytestmark = pytest.mark.anyio

LINES = range(1, 13)
NO_JUDGE = Terms(judge=False)


class FixedJudge:
    """Grades by whether there is a finding."""

    is_there = True
    version = "fixed@1"

    def __init__(self) -> None:
        self.asked: list[JudgedCase] = []
        self.silent = False

    async def grade(self, principal: Principal, cases: Sequence[JudgedCase], spend: Spend) -> Sequence[Grade]:
        del principal, spend
        self.asked.extend(cases)
        return [Grade(one.key, None if self.silent else _worth(one.answer), "By rule.", True) for one in cases]


def _worth(answer: Any) -> float:
    return 0.9 if isinstance(answer, Mapping) and answer["insights"] else 0.2


class World:
    """What all tests here share."""

    def __init__(
        self, agents: AgentWorld, tenants: Tenants, dataset: UUID, versions: tuple[VersionRow, VersionRow]
    ) -> None:
        self.us, self.them = tenants.ours, tenants.theirs
        self.agents, self.rows, self.dataset = agents, agents.rows, dataset
        self.weak, self.better = versions
        self.loop = agents.services.learning
        self.evaluations = self.loop.evaluations

    async def measured(self, version: VersionRow, terms: Terms = NO_JUDGE) -> Evaluation:
        cases = await self.evaluations.cases(self.us, "qa", str(self.dataset))
        with anyio.fail_after(60):
            return await self.evaluations.evaluate(self.us, version, cases, terms)

    def kept(self, evaluation_id: UUID) -> list[dict[str, Any]]:
        statement = "SELECT * FROM ml_loop.eval_results WHERE evaluation_id = %(id)s ORDER BY case_key, eval_type"
        return self.rows.fetch(statement, id=evaluation_id)


@pytest.fixture(scope="module")
async def world(
    embedded: EmbeddedPostgres, template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[World]:
    with copied_database(embedded, template) as name:
        database = Database(wiring_for(embedded, name))
        await database.open()
        tenants = await two_tenants(database)
        rows = Rows(embedded.conninfo(name, "postgres"))
        async with agents_at_work(database, tmp_path_factory.mktemp("agents"), rows, person=tenants.ours) as agents:
            agents.cast.roles[ROLE] = answering
            dataset = frozen(rows, tenants.ours, [item(line) for line in LINES])
            yield World(agents, tenants, dataset, await two_versions(agents.services.learning.versions, tenants.ours))
        await database.close()


async def test_the_better_version_scores_higher_and_the_difference_is_no_chance(world: World) -> None:
    weak, better = await world.measured(world.weak), await world.measured(world.better)
    assert (weak.state, better.state, weak.n) == ("completed", "completed", len(LINES))
    assert weak.score is not None
    assert better.score is not None
    assert better.score > weak.score + 0.3
    found = await world.evaluations.compare(world.us, weak, better)
    assert found.score.p < 0.01
    assert found.score.lower > 0.2
    assert found.score.difference == pytest.approx(better.score - weak.score)
    assert {one.name for one in found.slices if one.found} == {"early", "late"}
    assert found.scorers["findings"][0] == 0
    assert found.scorers["findings"][1] == pytest.approx(10 / 12)


async def test_every_case_has_a_row_for_each_scorer_with_its_run(world: World) -> None:
    better = await world.measured(world.better)
    rows = world.kept(better.id)
    whole = [row for row in rows if row["eval_type"] == "score"]
    assert len(whole) == len(LINES)
    assert {row["eval_type"] for row in rows} == {
        "score", "answered", "schema_valid", "evidence_valid", "tools_worked", "not_refused", "within_limits",
        "findings", "must_mention",
    }  # fmt: skip
    lanes = world.rows.fetch(
        "SELECT r.lane, r.version_id, r.agent_version FROM agents.agent_runs AS r WHERE r.id = ANY(%(ids)s)",
        ids=[row["run_id"] for row in whole],
    )
    assert {(one["lane"], one["version_id"], one["agent_version"]) for one in lanes} == {
        ("evaluation", world.better.id, world.better.version)
    }
    assert all(row["cost_usd"] > 0 and row["latency_ms"] is not None for row in whole)
    evidence = [row["score"] for row in rows if row["eval_type"] == "evidence_valid"]
    assert evidence == [1.0] * len(LINES)
    assert better.summary["latency_ms"]["n"] == len(LINES)
    assert better.cost_usd == pytest.approx(better.summary["cost_usd"]["sum"])


async def test_measured_once_it_is_not_paid_for_again(world: World) -> None:
    first = await world.measured(world.better)
    asked = len(world.agents.stub.requests)
    assert (await world.measured(world.better)).id == first.id
    assert len(world.agents.stub.requests) == asked
    other = await world.measured(world.better, Terms(judge=False, seed=7))
    assert other.id != first.id


async def test_interrupted_in_the_middle_it_goes_on_and_nothing_is_doubled(world: World) -> None:
    cases = await world.evaluations.cases(world.us, "qa", str(world.dataset))
    terms = Terms(judge=False, seed=11)
    spec = {"hash": ""}
    begun = anyio.Event()

    async def told(stage: str) -> None:
        del stage
        begun.set()

    async with anyio.create_task_group() as tasks:

        async def work() -> None:
            await world.evaluations.evaluate(world.us, world.better, cases, terms, tell=told)

        tasks.start_soon(work)
        await begun.wait()
        count = "SELECT count(*) FROM ml_loop.evaluations WHERE state = 'running' AND dispatch_id IS NOT NULL"
        with anyio.fail_after(20):
            while not world.rows.value(count):  # noqa: ASYNC110 - it is in the database
                await anyio.sleep(0.01)
        tasks.cancel_scope.cancel()
    del spec
    with anyio.fail_after(60):
        whole = await world.evaluations.evaluate(world.us, world.better, cases, terms)
    plain = await world.measured(world.better)
    kept = [(row["case_key"], row["eval_type"], row["score"]) for row in world.kept(whole.id)]
    assert kept == [(row["case_key"], row["eval_type"], row["score"]) for row in world.kept(plain.id)]
    assert len(kept) == len(set(kept))
    of_spec = "SELECT count(*) FROM ml_loop.evaluations WHERE spec_sha256 = %(sha)s"
    assert world.rows.value(of_spec, sha=whole.spec_sha256) == 1
    runs = world.rows.value("SELECT count(*) FROM agents.agent_runs WHERE dispatch_id = %(id)s", id=whole.dispatch_id)
    assert runs == len(LINES)


async def test_a_job_measures_and_its_result_names_the_evaluation(world: World) -> None:
    spec = job_spec("qa", world.weak.version, str(world.dataset), judge=False, seed=3)
    jobs = world.agents.services.jobs
    job = await jobs.open(world.us, KIND, "measure-3", spec)
    with anyio.fail_after(60):
        done = await jobs.wait(world.us, job.id, 50)
    assert done.state == "completed"
    assert done.result is not None
    measured = await world.evaluations.get(world.us, UUID(str(done.result["evaluation_id"])))
    assert (measured.job_id, measured.state) == (job.id, "completed")


async def test_a_case_nobody_could_answer_is_there_with_a_zero(world: World) -> None:
    cases = [
        Case("good", "How many CAPAs are overdue on line 3? [role measured]", slices={"shift": "early"}),
        Case("bad", "Nobody plays this. [role nobody]"),
    ]
    with anyio.fail_after(60):
        measured = await world.evaluations.evaluate(world.us, world.better, cases, NO_JUDGE)
    by_key = {one.key: one for one in await world.evaluations.results(world.us, measured.id)}
    assert by_key.keys() == {"good", "bad"}
    assert by_key["bad"].score == 0
    assert by_key["bad"].status == "failed"
    assert measured.score == pytest.approx(by_key["good"].score / 2)


async def test_the_judge_counts_for_its_share_and_is_shown_the_reference_and_the_rubric(world: World) -> None:
    judge = FixedJudge()
    ours = Evaluations(world.agents.database, world.agents.services.dispatches, world.loop.versions, judge)
    answer = {"summary": "Seven are overdue."}
    dataset = frozen(world.rows, world.us, [item(line, answer=answer, rubric="Counts.") for line in (1, 2, 3)])
    cases = await ours.cases(world.us, "qa", str(dataset))
    with anyio.fail_after(60):
        measured = await ours.evaluate(world.us, world.better, cases)
    assert measured.spec["judge"] == "fixed@1"
    assert {(one.rubric, str(one.reference)) for one in judge.asked} == {("Counts.", str(answer))}
    assert measured.summary["by_scorer"]["judge"] == {"score": pytest.approx(0.9), "n": 3}
    assert measured.score == pytest.approx(0.2 * 1 + 0.4 * 1 + 0.4 * 0.9)


async def test_a_judge_that_gives_nothing_usable_leaves_nothing_to_rely_on(world: World) -> None:
    judge = FixedJudge()
    judge.silent = True
    ours = Evaluations(world.agents.database, world.agents.services.dispatches, world.loop.versions, judge)
    cases = [Case(f"k{line}", f"How many on line {line}? [role measured]") for line in (1, 2)]
    with anyio.fail_after(60):
        failed = await ours.evaluate(world.us, world.better, cases, Terms(seed=5))
        assert failed.state == "failed"
        assert "judge" in str(failed.error)
        with pytest.raises(ConflictError):
            await ours.compare(world.us, failed, failed)
        judge.silent = False
        again = await ours.evaluate(world.us, world.better, cases, Terms(seed=5))
    assert again.state == "completed"
    assert again.id != failed.id


async def test_what_was_measured_otherwise_is_not_compared(world: World) -> None:
    one = await world.measured(world.weak)
    cases = [Case("other", "How many on line 1? [role measured]")]
    with anyio.fail_after(60):
        other = await world.evaluations.evaluate(world.us, world.better, cases, NO_JUDGE)
    with pytest.raises(ConflictError, match="cases"):
        await world.evaluations.compare(world.us, one, other)


async def test_datasets_and_evaluations_of_others_are_not_there(world: World) -> None:
    measured = await world.measured(world.weak)
    with pytest.raises(NotFoundError):
        await world.evaluations.cases(world.them, "qa", str(world.dataset))
    with pytest.raises(NotFoundError):
        await world.evaluations.get(world.them, measured.id)
    with pytest.raises(InvalidInputError, match="qa"):
        await world.evaluations.cases(world.us, "data", str(world.dataset))


def test_why_a_playbook_answers_is_said_in_the_same_words_everywhere() -> None:
    assert running.NO_KEY == NO_KEY


async def told(sentence: str) -> None:
    """Listen to nothing."""
    del sentence


async def test_a_caller_gets_score_comparison_and_worst_cases_and_joins_what_is_there(world: World) -> None:
    asked = Asked("qa", world.better.version, str(world.dataset), against=world.weak.version, judge=False)
    with anyio.fail_after(90):
        at_once = await world.loop.measuring.score(world.us, asked, 0.0, told)
        said = await world.loop.measuring.score(world.us, asked, 60.0, told)
        requests = len(world.agents.stub.requests)
        again = await world.loop.measuring.score(world.us, asked, 60.0, told)
    assert at_once.state == "running"
    assert "same call" in at_once.headline
    assert said.state == "completed"
    assert said.against is not None
    assert f"{world.better.version} is better than {world.weak.version}" in said.headline
    assert said.against["score"]["p"] < 0.01
    assert "No judge: it was not asked." in said.note
    assert again == said
    assert len(world.agents.stub.requests) == requests


async def test_of_a_weak_version_the_worst_cases_come_with_their_runs(world: World) -> None:
    asked = Asked("qa", world.weak.version, str(world.dataset), judge=False)
    with anyio.fail_after(90):
        said = await world.loop.measuring.score(world.us, asked, 60.0, told)
    assert said.worst is not None
    assert len(said.worst) == 5
    assert all(len(one["run"]) == 36 and "findings 0.00" in one["why"] for one in said.worst)


async def test_what_failed_is_told_until_it_is_asked_for_again(world: World) -> None:
    dataset = frozen(world.rows, world.us, [item(line) for line in (1, 2)])
    broken = revised(world.weak.definition, prompt="Something else.", effort="low")
    version = await world.loop.versions.register(world.us, broken, origin="written")
    asked = Asked("qa", version.version, str(dataset), judge=False, budget_usd=0.000_001)
    with anyio.fail_after(90):
        first = await world.loop.measuring.score(world.us, asked, 60.0, told)
        second = await world.loop.measuring.score(world.us, asked, 60.0, told)
        third = await world.loop.measuring.score(world.us, replace(asked, budget_usd=4.0, again=True), 60.0, told)
    assert (first.state, second.state, third.state) == ("failed", "failed", "completed")
    assert first.evaluation_id == second.evaluation_id != third.evaluation_id
    assert "not measured" in first.headline


async def test_more_than_may_be_spent_without_a_person_is_refused(world: World) -> None:
    asked = Asked("qa", "shipped", str(world.dataset), budget_usd=10_000.0)
    with pytest.raises(InvalidInputError, match="needs a person"):
        await world.loop.measuring.score(world.us, asked, 1.0, told)


async def test_a_version_is_not_compared_with_itself(world: World) -> None:
    asked = Asked("qa", "shipped", str(world.dataset), against="production")
    with pytest.raises(InvalidInputError, match="Both"):
        await world.loop.measuring.score(world.us, asked, 1.0, told)


async def test_a_cancelled_job_stops_its_cases_and_the_next_begins_anew(world: World) -> None:
    slow = [item(line, forbidden=["never said"]) for line in (1, 2, 3)]
    asked = Asked("qa", world.better.version, str(frozen(world.rows, world.us, slow)), judge=False)
    held = threading.Event()

    def waiting(body: dict[str, Any]) -> FixedTurn:
        held.wait(20)
        return answering(body)

    world.agents.cast.roles[ROLE] = waiting
    jobs = world.agents.services.jobs
    try:
        with anyio.fail_after(60):
            await world.loop.measuring.score(world.us, asked, 0.0, told)
            (job,) = (await jobs.page(world.us, kind=KIND, limit=1)).items
            running = "SELECT count(*) FROM agents.agent_runs WHERE status = 'running'"
            while not world.rows.value(running):  # noqa: ASYNC110 - it is in the database
                await anyio.sleep(0.02)
            await jobs.cancel(world.us, str(job.id), "Not needed any more.")
            ended = "SELECT error FROM ml_loop.evaluations WHERE job_id = %(id)s"
            while world.rows.value(ended, id=job.id) is None:  # noqa: ASYNC110 - the same
                await anyio.sleep(0.02)
    finally:
        held.set()
        world.agents.cast.roles[ROLE] = answering
    assert world.rows.value(ended, id=job.id) == "It was cancelled."
    state = "SELECT d.status FROM agents.dispatches AS d JOIN ml_loop.evaluations AS e ON e.dispatch_id = d.id WHERE "
    assert world.rows.value(f"{state} e.job_id = %(id)s", id=job.id) == "cancelled"
    with anyio.fail_after(60):
        assert (await world.loop.measuring.score(world.us, asked, 60.0, told)).state == "failed"
        again = await world.loop.measuring.score(world.us, replace(asked, again=True), 60.0, told)
    assert again.state == "completed"


async def test_a_job_whose_process_is_gone_goes_on_where_it_was(world: World) -> None:
    spec = job_spec("qa", world.better.version, str(world.dataset), judge=False, seed=21)
    jobs = world.agents.services.jobs
    job = await jobs.open(world.us, KIND, "measure-21", spec, start=False)
    gone = await jobs.rows.take(world.us, job.id, "a process that is gone")
    assert gone is not None
    with anyio.move_on_after(0.3):
        await world.evaluations.work(gone)
    with anyio.fail_after(60):
        done = await jobs.run_here(world.us, job.id)
    assert done.state == "completed"
    measured = world.rows.fetch(
        "SELECT id, state, dispatch_id FROM ml_loop.evaluations WHERE job_id = %(id)s", id=job.id
    )
    assert [one["state"] for one in measured] == ["completed"]
    assert len(world.rows.runs(measured[0]["dispatch_id"])) == len(LINES)
    with pytest.raises(TakenOverError):
        await gone.note("anything")
