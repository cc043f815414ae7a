"""Every run of an agent has its automatic score when it has ended, and a scorer that fails takes no run with it."""

from collections.abc import AsyncGenerator
from typing import Any
from unittest.mock import patch

import pytest

from qms_mcp.db.database import Database
from qms_mcp.db.embedded import EmbeddedPostgres
from qms_mcp.demo.load import load_companies
from qms_mcp.services.learning.feedback.service import Feedback
from tests.conftest import copied_database, wiring_for
from tests.support.agent_world import OWNER, AgentWorld, Read, agents_at_work, answers, competent, finding, use
from tests.support.claude_stub import Block
from tests.support.dispatching import Rows, until

pytestmark = pytest.mark.anyio
LOOKS = [use("list_records", category="capa", limit=2)]


@pytest.fixture(scope="module")
async def world(
    embedded: EmbeddedPostgres, template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[AgentWorld]:
    with copied_database(embedded, template) as name:
        database = Database(wiring_for(embedded, name))
        await database.open()
        await load_companies(database)
        rows = Rows(embedded.conninfo(name, "postgres"))
        async with agents_at_work(database, tmp_path_factory.mktemp("agents"), rows) as here:
            yield here
        await database.close()


async def score_of(world: AgentWorld, run: dict[str, Any]) -> dict[str, Any]:
    def scores() -> list[dict[str, Any]]:
        statement = "SELECT * FROM ml_loop.feedback_loop WHERE run_id = %(id)s"
        return world.rows.fetch(statement, id=run["id"])

    await until(scores)
    (row,) = scores()
    return row


async def test_a_run_is_scored_when_it_ends_and_what_it_could_not_show_costs_it(world: AgentWorld) -> None:
    def honest(seen: list[Read]) -> list[Block]:
        return answers(finding("There are some.", seen[0].label))

    def liar(seen: list[Read]) -> list[Block]:
        return answers(finding("There are none.", seen[0].label, records=["CAPA-1999-0099"]))

    report = await world.done(
        world.asks("qa", competent(LOOKS, honest), key="honest"), world.asks("qa", competent(LOOKS, liar), key="liar")
    )
    runs = {key: world.run(report, key) for key in ("honest", "liar")}
    good, bad = await score_of(world, runs["honest"]), await score_of(world, runs["liar"])
    assert good["details"]["scores"]["evidence"] == 1
    # A citation that is not there is sent back to the model; this one insists, and the run is worth less.
    assert bad["score"] < good["score"]
    assert (good["model_name"], good["agent_version"]) == ("qa", runs["honest"]["agent_version"])
    assert good["given_kind"] == "system"
    assert good["langfuse_trace_id"]


async def test_a_scorer_that_fails_takes_no_run_with_it_and_the_score_is_made_up_for(world: AgentWorld) -> None:
    task = world.asks("qa", competent(LOOKS, lambda seen: answers(finding("Some.", seen[0].label))), key="one")
    with patch.object(Feedback, "score_run", side_effect=RuntimeError("a planted failure")):
        report = await world.done(task)
    assert report.status == "completed"
    assert await world.services.learning.feedback.score_unscored(OWNER) == 1
    assert (await score_of(world, world.run(report, "one")))["label"] == "automatic"
