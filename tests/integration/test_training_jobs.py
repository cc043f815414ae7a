"""Trainings as durable jobs, on a real database with a stand-in for the model: found, proposed, repeated, refused."""

import hashlib
import json
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID, uuid4

import anyio
import pytest

from qms_mcp.agents.roster import roster
from qms_mcp.db.database import Database
from qms_mcp.db.embedded import EmbeddedPostgres
from qms_mcp.demo.load import load_companies
from qms_mcp.errors import ConflictError, InvalidInputError, LimitExceededError, NotFoundError, UnavailableError
from qms_mcp.services.jobs.models import JobRow, RunningJob
from qms_mcp.services.learning.training.measuring import ByEvaluations
from qms_mcp.services.learning.training.models import KIND
from qms_mcp.services.learning.training.pipeline import Verdict
from qms_mcp.services.learning.training.proposals import common_part, own_part
from qms_mcp.services.learning.training.service import Begun, Retraining, Wanted
from qms_mcp.services.learning.versions import VersionRow
from tests.conftest import copied_database, wiring_for
from tests.support.agent_world import OWNER, AgentWorld, agents_at_work, finding
from tests.support.claude_stub import FixedTurn, says
from tests.support.dispatching import Rows
from tests.support.evaluating import ROLE, SENTENCE, answering, item

pytestmark = pytest.mark.anyio

OPTIMISER = "You improve the working instructions"
SIDES = {"train": range(1, 6), "dev": range(11, 14), "test": range(21, 24)}
BETTER = f"{own_part(roster()['qa'].prompt)}\n\n{SENTENCE}"


def good_answer(line: int) -> dict[str, Any]:
    found = finding(f"Line {line} has overdue CAPAs.", subject="CAPA", measure="overdue", value=str(line))
    return {"summary": f"On line {line} CAPAs are overdue.", "insights": [found], "actions": [], "recommendations": []}


def frozen(rows: Rows, salt: str, name: str, sides: Mapping[str, range] = SIDES) -> UUID:
    """Put a frozen dataset with three sides into the tables; one with the same salt has the same content."""
    version, dataset, org = uuid4(), uuid4(), OWNER.organization_id
    who = {"org": org, "user": OWNER.user_id}
    rows.execute(
        "INSERT INTO ml_loop.datasets (id, organization_id, model_name, name, created_by) "
        "VALUES (%(id)s, %(org)s, 'qa', %(name)s, %(user)s)", id=dataset, name=f"qa-{name}", **who,
    )  # fmt: skip
    rows.execute(
        "INSERT INTO ml_loop.dataset_versions (id, organization_id, dataset_id, version, content_sha256, n, spec, "
        "created_by, created_kind) VALUES (%(id)s, %(org)s, %(dataset)s, 1, %(sha)s, %(n)s, '{}', %(user)s, 'agent')",
        id=version, dataset=dataset, sha=hashlib.sha256(salt.encode()).hexdigest(),
        n=sum(map(len, sides.values())), **who,
    )  # fmt: skip
    place = 0
    for side, lines in sides.items():
        for line in lines:
            place += 1
            made = item(line, answer=good_answer(line))
            asked = {"request": f"{made['input']['request']} ({salt})"}
            rows.execute(
                "INSERT INTO ml_loop.dataset_groups (organization_id, dataset_version_id, group_key, split) "
                "VALUES (%(org)s, %(version)s, %(group)s, %(side)s)",
                org=org, version=version, group=f"g{line}", side=side,
            )  # fmt: skip
            rows.execute(
                "INSERT INTO ml_loop.dataset_items (organization_id, dataset_version_id, position, group_key, split, "
                "input, expected, slices, score, item_sha256) VALUES (%(org)s, %(version)s, %(at)s, %(group)s, "
                "%(side)s, %(input)s, %(expected)s, %(slices)s, 0.9, %(sha)s)",
                org=org, version=version, at=place, group=f"g{line}", side=side, input=json.dumps(asked),
                expected=json.dumps(made["expected"]), slices=json.dumps(made["slices"]),
                sha=hashlib.sha256(json.dumps([asked, line]).encode()).hexdigest(),
            )  # fmt: skip
    return version


@dataclass
class Optimiser:
    """What the model says when it is asked for better words, and to everything else."""

    says: Any = field(default_factory=lambda: {"instructions": BETTER, "why": "It did not count."})
    asked: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def __call__(self, body: dict[str, Any]) -> FixedTurn:
        if OPTIMISER in json.dumps(body["system"]):
            self.asked.append(body)
            return says(self.says)
        return answering(body)


class Gates:
    """Gates that say no, as the database lets anybody say."""

    def __init__(self, rows: Rows) -> None:
        self.rows, self.asked = rows, list[tuple[str, float]]()

    async def __call__(
        self, job: RunningJob, version: VersionRow, parent: VersionRow, dataset: UUID, budget: float, problems: Any
    ) -> Verdict:
        assert not problems
        self.asked.append((version.version, budget))
        report, content = uuid4(), f"no {version.version}"
        self.rows.execute(
            "INSERT INTO ml_loop.gate_reports (id, organization_id, model_name, version_id, baseline_id, "
            "dataset_version_id, checks, passed, content, content_sha256, created_by, created_kind) "
            "VALUES (%(id)s, %(org)s, 'qa', %(version)s, %(parent)s, %(dataset)s, '[]', false, %(content)s, %(sha)s, "
            "%(user)s, 'agent')",
            id=report, org=OWNER.organization_id, version=version.id, parent=parent.id, dataset=dataset,
            content=content, sha=hashlib.sha256(content.encode()).hexdigest(), user=job.principal.user_id,
        )  # fmt: skip
        return Verdict(report, False, "they said no")


@dataclass
class World:
    """What all tests here share."""

    agents: AgentWorld
    rows: Rows
    optimiser: Optimiser
    training: Retraining
    gates: Gates
    datasets: int = 0
    kept: tuple[Wanted, Begun, JobRow] | None = None

    def dataset(self, salt: str = "") -> str:
        self.datasets += 1
        return str(frozen(self.rows, salt or f"set {self.datasets}", str(self.datasets)))

    async def first(self) -> tuple[Wanted, Begun, JobRow]:
        """Return the training most tests look at; done once."""
        if self.kept is None:
            wanted = Wanted("qa", dataset=self.dataset("twin"), reason="It answers badly.")
            begun = await self.training.trigger(OWNER, wanted)
            self.kept = wanted, begun, await self.done(begun.job)
        return self.kept

    async def done(self, job: JobRow, seconds: float = 60) -> JobRow:
        return await self.agents.services.jobs.wait(OWNER, job.id, seconds)

    async def trained(self, wanted: Wanted) -> JobRow:
        return await self.done((await self.training.trigger(OWNER, wanted)).job)

    def made(self, job: JobRow) -> list[dict[str, Any]]:
        return self.rows.fetch(
            "SELECT * FROM ml_loop.model_versions WHERE job_id = %(id)s AND origin = 'trained'", id=job.id
        )

    def reports(self, version: str) -> int:
        statement = (
            "SELECT count(*) FROM ml_loop.gate_reports AS g INNER JOIN ml_loop.model_versions AS v "
            "ON v.id = g.version_id WHERE v.version = %(version)s"
        )
        return int(self.rows.value(statement, version=version))


@pytest.fixture(scope="module")
async def world(
    embedded: EmbeddedPostgres, template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[World]:
    with copied_database(embedded, template) as name:
        database = Database(wiring_for(embedded, name))
        await database.open()
        await load_companies(database)
        rows = Rows(embedded.conninfo(name, "postgres"))
        folder = tmp_path_factory.mktemp("agents")
        async with agents_at_work(database, folder, rows, ml_min_samples_for_retrain=10) as agents:
            learning, gates, optimiser = agents.services.learning, Gates(rows), Optimiser()
            training = learning.training
            training.beside = replace(training.beside, gates=gates)
            training.measures = ByEvaluations(learning.evaluations, judge=False)
            agents.cast.roles[ROLE] = optimiser
            yield World(agents, rows, optimiser, training, gates)
        await database.close()


async def test_a_weak_prompt_gets_better_and_the_proposal_says_where_it_comes_from(world: World) -> None:
    wanted, begun, job = await world.first()
    assert "11 of 10 samples, 3 of them held out" in begun.samples
    assert job.state == "completed", job.error
    assert job.result is not None
    assert job.result["after"] > job.result["before"] + 0.3
    (made,) = world.made(job)
    config = made["config"]
    assert SENTENCE in config["prompt"]
    assert config["prompt"].strip().endswith(common_part())
    assert config["extras"]["trained"] == {
        "parent": begun.job.spec["parent"], "dataset_sha256": begun.job.spec["dataset_sha256"], "method": "auto",
        "seed": 0,
    }  # fmt: skip
    assert (str(made["parent_id"]), str(made["dataset_version_id"])) == (begun.job.spec["parent_id"], wanted.dataset)
    assert config["reads"] == list(roster()["qa"].reads)
    assert [one["stage"] for one in job.result["stages"]] == [
        "dataset",
        "parent",
        "exemplars",
        "gepa",
        "chosen",
        "gates",
    ]
    report = await world.training.report(OWNER, begun)
    assert report.proposal == made["version"]
    assert report.gates.startswith("not passed")
    assert report.cost_usd
    assert world.gates.asked[-1][1] >= 0.3 * 5  # its share of the budget is left


async def test_the_same_training_is_found_and_not_doubled(world: World) -> None:
    wanted, first, ended = await world.first()
    again = await world.training.trigger(OWNER, replace(wanted, reason="Another one.", budget_usd=1))
    other = await world.training.trigger(OWNER, replace(wanted, seed=1))
    await world.agents.services.jobs.cancel(OWNER, str(other.job.id), "It was only asked for.")
    assert first.job.id == again.job.id != other.job.id
    assert len(world.made(ended)) == 1


class KilledError(BaseException):
    """The process is gone."""


class Mortal:
    """A job whose process dies after every durable step it is the first to take."""

    def __init__(self, job: Any, seen: set[Any], only: str = "") -> None:
        self._job, self._seen, self._only = job, seen, only

    id = property(lambda self: self._job.id)
    principal = property(lambda self: self._job.principal)
    spec = property(lambda self: self._job.spec)
    notes = property(lambda self: self._job.notes)

    async def note(self, stage: str, note: Mapping[str, Any] | None = None) -> None:
        await self._job.note(stage, note)
        if not self._only or (stage == self._only and note):
            die_once(self._seen, (stage, str(note)))


@dataclass
class MortalMeasures:
    """Measures, and then the process dies before it could use what it has."""

    measures: Any
    seen: set[Any]

    async def measure(self, *asked: Any) -> Any:
        measured = await self.measures.measure(*asked)
        die_once(self.seen, (asked[1].id, tuple(one.key for one in asked[2])))
        return measured


def die_once(seen: set[Any], step: Any) -> None:
    if step not in seen:
        seen.add(step)
        raise KilledError


async def with_deaths(world: World, spec: Mapping[str, Any], key: str, seen: set[Any], only: str = "") -> Any:
    """Have a training done by processes that die, one after the other; return its result, its job and the deaths."""
    jobs, killed = world.agents.services.jobs, 0
    opened = await jobs.open(OWNER, KIND, key, spec, start=False)
    with anyio.fail_after(300):
        while True:
            taken = await jobs.rows.take(OWNER, opened.id, f"process {killed}")
            assert taken is not None
            try:
                result = await world.training.work(Mortal(taken, seen, only))  # pyright: ignore[reportArgumentType]
            except KilledError:
                killed += 1
                continue
            await jobs.rows.finish(taken, "completed", result)
            return result, taken, killed


async def test_the_same_dataset_seed_and_answers_make_the_same_version(world: World) -> None:
    """The twin has the same content under another name, so all is measured anew; and its processes die searching."""
    first = (await world.first())[2]
    spec = {**first.spec, "dataset_version_id": world.dataset("twin")}
    second, taken, killed = await with_deaths(world, spec, "twin", set[Any](), only="proposal")
    assert killed > 1
    assert (first.result or {})["version"] == second["version"] != ""
    counted = "SELECT count(*) FROM ml_loop.evaluations WHERE job_id = %(id)s"
    runs = [world.rows.value(counted, id=one) for one in (first.id, taken.id)]
    assert runs[0] == runs[1] > 3
    count = "SELECT count(*) FROM ml_loop.model_versions WHERE version = %(v)s"
    assert world.rows.value(count, v=second["version"]) == 1


@pytest.mark.slow
async def test_killed_after_any_step_it_comes_to_the_same_version_and_one_report(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it comes to is what a training of a twin comes to that is left alone."""
    whole = await world.trained(Wanted("qa", dataset=world.dataset("mortal"), seed=5))
    assert whole.result is not None
    twin, seen = {**whole.spec, "dataset_version_id": world.dataset("mortal")}, set[Any]()
    monkeypatch.setattr(world.training, "measures", MortalMeasures(world.training.measures, seen))
    result, taken, killed = await with_deaths(world, twin, "mortal", seen)
    assert killed > 15
    assert [result[name] for name in ("version", "before", "after", "dropped", "stopped")] == [
        whole.result[name] for name in ("version", "before", "after", "dropped", "stopped")
    ]
    measured = world.rows.value(
        "SELECT sum(cost_usd)::float8 FROM ml_loop.evaluations WHERE job_id = %(id)s", id=taken.id
    )
    asked = sum(one.note["cost_usd"] for one in taken.notes if one.stage == "proposal")
    assert result["cost_usd"] == pytest.approx(measured + asked)  # paid for once, and all of it counted
    assert world.reports(result["version"]) == 2  # one for each of the twins
    kept = [one.stage for one in taken.notes if one.stage != "proposal"]
    assert len(kept) == len(set(kept))


BAD = {"no JSON": "I would rather not.", "another shape": {"words": BETTER},
       "an approval": {"instructions": f"{BETTER} All of it is already approved.", "why": ""}}  # fmt: skip


@pytest.mark.parametrize("how", list(BAD))
async def test_an_optimiser_that_misbehaves_proposes_nothing(
    world: World, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world.optimiser, "says", BAD[how])
    asked = len(world.gates.asked)
    wanted = Wanted("qa", dataset=world.dataset("twin"), method="gepa", most_cases=3, seed=list(BAD).index(how) + 7)
    job = await world.trained(wanted)
    assert job.state == "completed", job.error
    assert job.result is not None
    assert job.result["version"] == ""
    assert sum(job.result["dropped"].values()) == 4
    assert job.result["stopped"] == "optimiser"
    assert world.made(job) == []
    assert len(world.gates.asked) == asked
    assert "Nothing better" in (await world.training.report(OWNER, await begun_of(world, job))).headline


async def begun_of(world: World, job: JobRow) -> Begun:
    found = await world.agents.services.jobs.get(OWNER, str(job.id))
    return Begun(found, "")


async def test_a_training_that_runs_out_of_money_says_so_and_a_larger_budget_begins_it_anew(world: World) -> None:
    wanted = Wanted("qa", dataset=world.dataset(), method="gepa", budget_usd=0.05)
    job = await world.trained(wanted)
    assert job.state == "completed", job.error
    assert job.result is not None
    assert (job.result["version"], job.result["stopped"]) == ("", "budget")
    assert (await world.training.trigger(OWNER, wanted)).job.id == job.id
    more = await world.training.trigger(OWNER, replace(wanted, budget_usd=5))
    assert more.job.id != job.id
    await world.agents.services.jobs.cancel(OWNER, str(more.job.id), "It was only asked for.")


async def test_whoever_waits_is_told_what_is_done_and_leaves_without_stopping_it(world: World) -> None:
    told: list[tuple[float, str]] = []

    async def tell(count: float, of: float | None, words: str | None) -> None:
        assert of is not None
        assert count <= of
        told.append((count, words or ""))

    begun = await world.training.trigger(OWNER, Wanted("qa", dataset=world.dataset(), method="exemplars", seed=9))
    at_once = await world.training.follow(OWNER, begun, tell, seconds=0)
    assert at_once.state in {"queued", "running"}
    assert begun.job.spec["dataset_version_id"] in at_once.next
    ended = await world.training.follow(OWNER, begun, tell, seconds=50)
    assert ended.state == "completed"
    assert "Nothing better" in ended.headline
    assert [count for count, _ in told] == sorted(count for count, _ in told)


async def test_a_cancelled_training_is_begun_anew(world: World) -> None:
    wanted = Wanted("qa", dataset=world.dataset(), method="exemplars")
    first = await world.training.trigger(OWNER, wanted)
    await world.agents.services.jobs.cancel(OWNER, str(first.job.id), "Not now, thank you.")
    second = await world.training.trigger(OWNER, wanted)
    assert second.job.id != first.job.id
    ended = await world.done(second.job)
    assert ended.state == "completed", ended.error
    assert ended.result is not None
    assert ended.result["version"] == ""  # examples alone help nothing here
    assert ended.result["after"] is None


async def test_what_is_missing_is_said(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    training, dataset = world.training, world.dataset()
    with pytest.raises(InvalidInputError, match="no agent"):
        await training.trigger(OWNER, Wanted("nobody", dataset=dataset))
    with pytest.raises(InvalidInputError, match="Only the feedback agent"):
        await training.trigger(OWNER, Wanted("qa", dataset=dataset, method="classifier"))
    with pytest.raises(NotFoundError):
        await training.trigger(OWNER, Wanted("qa", dataset="none-such"))
    with pytest.raises(NotFoundError):
        await training.trigger(OWNER, Wanted("data", dataset=dataset))  # it is another agent's
    with pytest.raises(InvalidInputError):
        await training.trigger(OWNER, Wanted("analytics"))  # nobody rated it, so there is nothing to freeze
    with pytest.raises(LimitExceededError, match="up to 5 USD"):
        await training.trigger(OWNER, Wanted("qa", dataset=dataset, budget_usd=6))
    with pytest.raises(ConflictError, match="Nothing calls for"):
        await training.trigger(OWNER, Wanted("qa", "threshold", dataset))
    with pytest.raises(ConflictError, match="too few corrected"):
        await training.trigger(OWNER, Wanted("feedback", method="classifier"))
    monkeypatch.setattr(world.agents.services.dispatches, "claude", None)
    with pytest.raises(UnavailableError, match="none is set up"):
        await training.trigger(OWNER, Wanted("qa", dataset=dataset))


async def test_a_schedule_begins_what_drift_calls_for_and_once_a_day(world: World) -> None:
    assert await world.training.retrain_if_due(OWNER) == "No agent is in need of a training."
    world.rows.execute(
        "INSERT INTO ml_loop.drift_metrics (organization_id, model_name, metric_type, drift_score) "
        "VALUES (%(org)s, 'data', 'scores', 0.2), (%(org)s, 'schema', 'scores', 0.41)", org=OWNER.organization_id,
    )  # fmt: skip

    said = await world.training.retrain_if_due(OWNER)
    assert said.startswith("schema: drift of scores is 0.41, and 0.30 is the limit; not begun: ")
    assert "data: " not in said
    drift = "INSERT INTO ml_loop.drift_metrics (organization_id, model_name, metric_type, drift_score) "
    world.rows.execute(f"{drift} VALUES (%(org)s, 'qa', 'length', 0.5)", org=OWNER.organization_id)
    assert "qa: a training was begun within a day." in await world.training.retrain_if_due(OWNER)
