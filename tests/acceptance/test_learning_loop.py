"""The improvement loop, once round: a weak version is noticed, a better one made, proved, signed and promoted.

A real client over stdio does all of it, people sign in a real Chromium, and a stand-in for the model does what its
instructions say. On the way the better version is made to fail while it is tried out: it is taken back by itself, and
every request is answered all the same.
"""

import json
import re
from collections.abc import AsyncGenerator, Generator
from dataclasses import dataclass, field
from typing import Any

import anyio
import pytest
from mcp.client import Client

from qms_mcp.demo.browsers import Browser, a_browser
from qms_mcp.demo.story import Signatory
from tests.acceptance.test_story import add_signatory
from tests.support.browser import CHROMIUM
from tests.support.claude_stub import ClaudeStub
from tests.support.loop_world import Model, count, plant, request, runs_of, weeks_ago
from tests.support.stdio import Workplace, connected, text_of, workplace

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.slow,  # a minute and a half
    pytest.mark.skipif(
        not CHROMIUM.exists(), reason=f"NO BROWSER: the loop is NOT signed in a browser without {CHROMIUM}"
    ),
]

WHY = "A test goes round the loop."
_LINK = re.compile(r"http://127\.0\.0\.1:\d+/\S+?(?=[\s)]|$)")


@dataclass
class Round:
    """What one turn of the loop needs, and what came of its steps."""

    place: Workplace
    client: Client
    model: Model
    browser: Browser
    signer: Signatory
    said: dict[str, Any] = field(default_factory=dict[str, Any])

    async def call(self, tool: str, /, **arguments: Any) -> dict[str, Any]:
        result = await self.client.call_tool(tool, arguments)
        assert not result.is_error, f"{tool} {json.dumps(arguments)[:300]}: {text_of(result)}"
        return dict(result.structured_content or {})

    async def send_often(self, run_key: str, lines: range, *, each: int = 4) -> list[dict[str, Any]]:
        """Ask about lines in many dispatches: what belongs together is never on both sides of a split."""
        starts = range(lines.start, lines.stop, each)
        return [run for n in starts for run in await self.send(f"{run_key}-{n}-", range(n, min(n + each, lines.stop)))]

    async def send(self, run_key: str, lines: range) -> list[dict[str, Any]]:
        """Ask the agent about lines, all in one dispatch, and return its runs."""
        tasks: list[dict[str, Any]] = [
            {"agent": "qa", "key": f"line-{line}", "request": request(line), "needs": []} for line in lines
        ]
        sent = await self.call(
            "dispatch_agents", request="How many CAPAs are overdue, line by line?", tasks=tasks, run_key=run_key,
            at_once=10, reason=WHY,
        )  # fmt: skip
        with anyio.fail_after(120):
            while sent["status"] in {"queued", "running"}:
                await anyio.sleep(0.3)
                sent = await self.call("get_dispatch", dispatch=run_key, detail="concise")
        assert {one["state"] for one in sent["agents"]} == {"done"}, sent
        return runs_of(self.place, run_key=run_key)

    async def rate(self, runs: list[dict[str, Any]], score: float, comment: str) -> None:
        for run in runs:
            await self.call("record_feedback", run=str(run["id"]), score=score, comment=comment, reason=WHY)

    async def sign(self, moved: dict[str, Any]) -> None:
        """Let the signer read what is asked for and sign it in the browser."""
        assert moved["status"] == "waiting", moved
        link = _LINK.search(moved["headline"])
        assert link is not None, moved
        assert "Approved" in await self.browser.sign(link[0], self.signer)


@pytest.fixture(scope="module")
def model() -> Model:
    return Model()


@pytest.fixture(scope="module")
def place(model: Model) -> Generator[Workplace]:
    with (
        ClaudeStub(by={"": model}) as stub,
        workplace(
            ANTHROPIC_API_KEY="stub", ANTHROPIC_BASE_URL=stub.url, ML_MIN_SAMPLES_FOR_RETRAIN="20",
            QMS_RATE_LIMIT="100000/minute", QMS_APPROVE_ABOVE_USD="1000",
        ) as made,
    ):  # fmt: skip
        yield made


@pytest.fixture(scope="module")
async def turn(place: Workplace, model: Model) -> AsyncGenerator[Round]:
    async with connected(place) as client, a_browser() as (browser, _name):
        await client.call_tool("my_work", {})
        signer = add_signatory(place, "Ingrid Solberg", "qa_approver")
        yield Round(place, client, model, browser, signer)


async def test_feedback_on_a_weak_version_shows_what_goes_wrong_and_that_it_drifted(turn: Round) -> None:
    plant(turn.place, weak=False)
    good = await turn.send_often("before", range(1, 61))
    await turn.rate(good, 0.95, "It counted.")
    weeks_ago(turn.place, 3)
    turn.said["weak"] = plant(turn.place, weak=True)
    poor = await turn.send_often("after", range(61, 101))
    assert {run["agent_version"] for run in poor} == {turn.said["weak"]}
    await turn.rate(poor, 0.1, "It did not count the CAPAs.")
    analysis = await turn.call("analyze_feedback", agent="qa")
    assert "qa" in json.dumps(analysis)
    turn.said["drift"] = await turn.call("detect_drift", agent="qa", reason=WHY)
    severe = count(turn.place, "SELECT count(*) FROM ml_loop.drift_metrics WHERE model_name = 'qa' AND alert_triggered")
    assert severe > 0, turn.said["drift"]


async def test_a_better_version_is_made_from_a_clean_dataset_and_passes_the_gates(turn: Round) -> None:
    dataset = await turn.call("curate_dataset", agent="qa", validated="weighted", days=60, reason=WHY)
    turn.said["dataset"] = dataset
    asked = {"agent": "qa", "dataset": dataset["dataset"], "budget_usd": 100.0, "reason": WHY}
    report = await turn.call("trigger_retrain", **asked)
    with anyio.fail_after(300):
        while report["state"] in {"queued", "running"}:
            await anyio.sleep(0.5)
            report = await turn.call("trigger_retrain", **asked)
    assert report["state"] == "completed", report
    assert report["proposal"].startswith("qa@"), report
    assert report["after"] > report["before"], report
    assert report["gates"].startswith("passed"), report
    turn.said["better"] = report["proposal"]


async def test_a_version_that_fails_while_it_is_tried_out_is_taken_back_and_no_request_is_lost(turn: Round) -> None:
    better = turn.said["better"]
    asked = await turn.call("promote_model", agent="qa", version=better, percent=100.0, reason=WHY)
    await turn.sign(asked)
    turn.model.broken = True
    runs = await turn.send("trial-1", range(101, 121))
    turn.model.broken = False
    failed = [run for run in runs if run["lane"] == "canary" and run["status"] == "failed"]
    assert failed
    assert {run["agent_version"] for run in failed} == {better}
    # Every request was answered, by what people had before.
    answered = {run["task_key"]: run for run in runs if run["status"] == "completed"}
    assert len(answered) == 20
    assert {run["agent_version"] for run in answered.values()} == {turn.said["weak"]}
    taken_back = "SELECT count(*) FROM ml_loop.rollouts WHERE state = 'rolled_back' AND ended_kind = 'system'"
    assert count(turn.place, taken_back) == 1
    alerts = await turn.call("get_alerts")
    assert "olled back by itself" in json.dumps(alerts)


async def test_what_comes_through_its_canary_is_promoted_by_a_signature(turn: Round) -> None:
    better = turn.said["better"]
    await turn.sign(await turn.call("promote_model", agent="qa", version=better, percent=100.0, reason=WHY))
    too_soon = await turn.client.call_tool(
        "promote_model", {"agent": "qa", "version": better, "to": "production", "reason": WHY}
    )
    assert too_soon.is_error
    assert "canary" in text_of(too_soon)
    runs = await turn.send("trial-2", range(121, 171))
    assert {run["lane"] for run in runs} == {"canary"}
    await turn.sign(await turn.call("promote_model", agent="qa", version=better, to="production", reason=WHY))
    (run,) = await turn.send("promoted", range(171, 172))
    assert (run["agent_version"], run["lane"]) == (better, "production")
    told = json.dumps(await turn.call("explain_run", run=str(run["id"])))
    assert better in told
    assert "Ingrid Solberg" in told
    listed = json.dumps(await turn.call("list_models", agent="qa"))
    assert better in listed
