"""The classifier of the feedback agent as a job: from what people corrected to a version, and to who uses it."""

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest
from psycopg.conninfo import conninfo_to_dict

from qms_mcp.agents.versioning import revised
from qms_mcp.auth.acting import acting
from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.embedded import EmbeddedPostgres
from qms_mcp.errors import ConflictError
from qms_mcp.services.container import Services
from qms_mcp.services.embedding.local import MODEL_SHA256
from qms_mcp.services.feedback_classes import training as feedback_training
from qms_mcp.services.feedback_classes.models import CATEGORIES
from qms_mcp.services.learning.training import service as training_service
from qms_mcp.services.learning.training.rows import Correction, TrainingRows
from qms_mcp.services.learning.training.service import Begun, Wanted
from qms_mcp.services.learning.versions import VersionRow, shipped_agent
from qms_mcp.settings import Settings
from tests.conftest import Tenants, two_tenants
from tests.support.dispatching import Rows

pytestmark = pytest.mark.anyio

NAMES: list[str] = list(CATEGORIES)
HALF = ["software", "usability"]
FED_BACK = (
    "INSERT INTO ml_loop.feedback_loop (organization_id, record_id, source, score, label, given_by, given_kind) "
    "VALUES (%(org)s, %(record)s, 'user', 0, %(label)s, %(user)s, %(kind)s)"
)


@dataclass
class World:
    """Two organizations without a model."""

    services: Services
    rows: Rows
    tenants: Tenants

    @property
    def ours(self) -> Principal:
        return self.tenants.ours

    async def complaint(self, title: str, by: Principal) -> UUID:
        made = await self.services.records.writer.add(by, "complaint", {"title": title}, "a customer wrote to us")
        return UUID(str(made.id))

    def correct(self, record: UUID, label: str, by: Principal, kind: str = "human") -> None:
        self.rows.execute(FED_BACK, org=by.organization_id, record=record, label=label, user=by.user_id, kind=kind)


@pytest.fixture(scope="module")
async def world(
    embedded: EmbeddedPostgres, shared_database: Database, tmp_path_factory: pytest.TempPathFactory
) -> World:
    home = tmp_path_factory.mktemp("home")
    services = Services.over(shared_database, Settings(qms_home=home), home=home)
    rows = Rows(embedded.conninfo(str(conninfo_to_dict(shared_database.wiring.server)["dbname"]), "postgres"))
    return World(services, rows, await two_tenants(shared_database))


async def test_what_people_corrected_is_learned_from_the_newest_of_each_and_nothing_a_model_said(world: World) -> None:
    ours, theirs = world.ours, world.tenants.theirs
    first, second, third = [await world.complaint(f"It crashed, {number}", ours) for number in range(3)]
    for label in ("delivery", "software"):
        world.correct(first, label, ours)
    world.correct(second, "no category", ours)
    world.correct(third, "software", ours, kind="agent")
    world.correct(await world.complaint("Theirs crashed", theirs), "software", theirs)
    found = await TrainingRows(world.services.database).corrections(ours)
    assert [(one.record_id, one.category, one.title) for one in found] == [(first, "software", "It crashed, 0")]
    with pytest.raises(ConflictError, match="0 corrections in 0 categories"):
        await world.services.learning.training.trigger(ours, Wanted("feedback"))  # auto, without a model


def corrections() -> list[Correction]:
    ids = [UUID(int=number) for number in range(1, 181)]
    return [
        Correction(uuid4(), one, HALF[at % 2], f"C-{at}", f"{HALF[at % 2]} {at}", None) for at, one in enumerate(ids)
    ]


async def vectors_of(texts: list[str]) -> Any:
    """Vectors that tell the category, and nothing else."""
    made = np.random.default_rng(1).normal(size=(len(texts), 384)).astype(np.float32) * 0.1
    for at, text in enumerate(texts):
        if text.split()[0] in HALF:
            made[at, NAMES.index(text.split()[0])] += 2
    return made


async def test_a_better_classifier_is_proposed_as_a_version_and_the_same_again_is_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    training, jobs = world.services.learning.training, world.services.jobs
    known = corrections()

    async def some(self: TrainingRows, principal: Principal) -> list[Correction]:
        del self, principal
        return known

    monkeypatch.setattr(TrainingRows, "corrections", some)
    monkeypatch.setattr(training_service, "vectors_of", vectors_of)
    monkeypatch.setattr(training_service, "examples", lambda: (["It leaks.", "It is late."], [0, 1]))
    monkeypatch.setattr(feedback_training, "_STEPS", 20)
    begun = await training.trigger(world.ours, Wanted("feedback"))
    assert begun.samples.startswith("180 corrections, ")
    assert begun.job.spec["method"] == "classifier"
    job = await jobs.run_here(world.ours, begun.job.id)
    assert job.state == "completed", job.error
    assert job.result is not None
    version = await world.services.learning.versions.find(world.ours, "feedback", job.result["version"])
    config = json.loads(version.content)
    content = base64.b64decode(config["extras"]["classifier"]["weights"])
    assert hashlib.sha256(content).hexdigest() == config["extras"]["classifier"]["sha256"]
    assert (config["prompt"], version.origin) == (shipped_agent("feedback").prompt, "trained")
    assert job.result["after"] > 0.9 > job.result["before"]
    report = await training.report(world.ours, Begun(job, begun.samples))
    assert report.gates.startswith("not asked: Of ")
    assert "dataset" in report.gates
    again = await jobs.open(world.ours, "training", "the same again", job.spec)
    repeated = await jobs.run_here(world.ours, again.id)
    assert repeated.result is not None
    assert repeated.result["version"] == version.version
    known.pop()
    stale = await jobs.open(world.ours, "training", "when corrections have changed", job.spec)
    assert "others than when" in ((await jobs.run_here(world.ours, stale.id)).error or "")


async def registered(world: World, favourite: str) -> VersionRow:
    """Store a version whose classifier says the same of everything."""
    bias = np.zeros(10, np.float32)
    bias[NAMES.index(favourite)] = 9
    content = feedback_training.packed(np.zeros((384, 10), np.float32), bias, examples=favourite)
    brought = {
        "weights": base64.b64encode(content).decode(), "sha256": hashlib.sha256(content).hexdigest(),
        "model_sha256": MODEL_SHA256,
    }  # fmt: skip
    definition = revised(shipped_agent("feedback"), extras={"classifier": brought})
    return await world.services.learning.versions.register(world.ours, definition, origin="written")


async def test_complaints_are_classified_by_the_version_that_answers(world: World) -> None:
    classify, text = world.services.feedback_classes.classify, "Ciao."
    production, trial = await registered(world, "packaging"), await registered(world, "usability")
    shipped = (await classify(world.ours, [text])).results[0].category
    world.rows.execute(
        "INSERT INTO ml_loop.aliases (organization_id, model_name, alias, version_id) "
        "VALUES (%(org)s, 'feedback', 'production', %(version)s)",
        org=world.ours.organization_id, version=production.id,
    )  # fmt: skip
    run = uuid4()
    world.rows.execute(
        "INSERT INTO agents.agent_runs (id, organization_id, agent_type, input, version_id) "
        "VALUES (%(id)s, %(org)s, 'feedback', '{}', %(version)s)",
        id=run, org=world.ours.organization_id, version=trial.id,
    )  # fmt: skip
    assert shipped not in {"packaging", "usability"}
    assert (await classify(world.ours, [text])).results[0].category == "packaging"
    with acting(None, by_agent=True, run_id=run):
        assert (await classify(world.ours, [text])).results[0].category == "usability"
