"""One question to a model: kept, repaired once, refused in words, and never beyond its budget."""

import asyncio
import json
from collections.abc import Generator
from dataclasses import replace
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field

from qms_mcp.db.database import Database
from qms_mcp.errors import UnavailableError
from qms_mcp.services.learning.asking import (
    BudgetSpentError,
    LoopModel,
    ModelUnusableError,
    Question,
    Spend,
)
from tests.conftest import Tenants
from tests.support.claude_stub import ClaudeStub, Said, refuses, says
from tests.support.claude_world import reaching

pytestmark = [pytest.mark.anyio, pytest.mark.shared_database]


class Verdict(BaseModel):
    """What is asked for."""

    model_config = ConfigDict(extra="forbid")

    score: float = Field(ge=0, le=1)
    reason: str


GOOD = {"score": 0.5, "reason": "Half of it is there."}
ASKED = Question("judge", "You judge.", "How good is this?", schema=Verdict, max_tokens=200)


@pytest.fixture
def stub() -> Generator[ClaudeStub]:
    with ClaudeStub() as serving:
        yield serving


async def test_the_same_question_is_asked_once_and_then_costs_nothing(
    stub: ClaudeStub, database: Database, tenants: Tenants
) -> None:
    stub.add(says(GOOD))
    spend = Spend(1.0)
    async with reaching(stub) as access:
        first = await LoopModel(database, access).ask(tenants.ours, ASKED, spend)
        # Another process, after a crash, with nothing left to spend.
        again = await LoopModel(database, access).ask(tenants.ours, ASKED, Spend(0.0))
    assert (len(stub.requests), first.cached, again.cached) == (1, False, True)
    assert first.cost_usd == spend.spent_usd > 0
    assert (again.cost_usd, again.first_cost_usd) == (0.0, pytest.approx(first.cost_usd))
    assert again.parsed == first.parsed == Verdict.model_validate(GOOD)
    assert stub.requests[0]["output_config"]["format"]["type"] == "json_schema"


@pytest.mark.parametrize(
    "changed",
    [{"prompt": "And this?"}, {"system": "Judge."}, {"tier": "sonnet"}, {"max_tokens": 201}, {"schema": None},
     {"purpose": "optimiser"}, {"sample": 1}],
)  # fmt: skip
async def test_whatever_shapes_the_answer_makes_it_another_question(
    changed: dict[str, Any], stub: ClaudeStub, database: Database, tenants: Tenants
) -> None:
    stub.add(says(GOOD), says(GOOD))
    async with reaching(stub) as access:
        model = LoopModel(database, access)
        await model.ask(tenants.ours, ASKED, Spend(1.0))
        other = await model.ask(tenants.ours, replace(ASKED, **changed), Spend(1.0))
    assert (len(stub.requests), other.cached) == (2, False)


async def test_what_one_organization_was_answered_another_does_not_hear(
    stub: ClaudeStub, database: Database, tenants: Tenants
) -> None:
    stub.add(says(GOOD), says({**GOOD, "score": 0.1}))
    async with reaching(stub) as access:
        model = LoopModel(database, access)
        await model.ask(tenants.ours, ASKED, Spend(1.0))
        theirs = await model.ask(tenants.theirs, ASKED, Spend(1.0))
    assert (len(stub.requests), theirs.cached) == (2, False)


@pytest.mark.parametrize(
    "bad",
    ["I would say 0.9.", '{"score": 0.9', "[1, 2]", {"score": 7, "reason": ""}, {**GOOD, "more": 1}, {"score": 1}, ""],
)
async def test_an_answer_that_does_not_fit_is_repaired_once(
    bad: Any, stub: ClaudeStub, database: Database, tenants: Tenants
) -> None:
    stub.add(says(bad), says(GOOD))
    spend = Spend(1.0)
    async with reaching(stub) as access:
        said = await LoopModel(database, access).ask(tenants.ours, ASKED, spend)
    assert said.parsed == Verdict.model_validate(GOOD)
    assert "does not fit" in stub.requests[1]["messages"][-1]["content"]
    assert said.cost_usd == spend.spent_usd > _cost(stub.requests[1])


async def test_garbage_twice_is_an_error_is_counted_and_not_kept(
    stub: ClaudeStub, database: Database, tenants: Tenants
) -> None:
    stub.add(says("first"), says("second"), says(GOOD))
    spend = Spend(1.0)
    async with reaching(stub) as access:
        model = LoopModel(database, access)
        with pytest.raises(ModelUnusableError, match="asked twice: it is no JSON") as error:
            await model.ask(tenants.ours, ASKED, spend)
        assert error.value.cost_usd == spend.spent_usd > 0
        assert not (await model.ask(tenants.ours, ASKED, spend)).cached
    assert len(stub.requests) == 3


async def test_an_answer_that_was_cut_off_gets_more_room_once(
    stub: ClaudeStub, database: Database, tenants: Tenants
) -> None:
    free = replace(ASKED, schema=None)
    stub.add(Said(says("Half of a sen"), stop_reason="max_tokens"), says("A sentence."))
    stub.add(*[Said(says("Half of a sen"), stop_reason="max_tokens")] * 2)
    async with reaching(stub) as access:
        model = LoopModel(database, access)
        assert (await model.ask(tenants.ours, free, Spend(1.0))).text == "A sentence."
        with pytest.raises(ModelUnusableError, match="cut off at 400"):
            await model.ask(tenants.ours, replace(free, sample=1), Spend(1.0))
    assert [body["max_tokens"] for body in stub.requests] == [200, 400, 200, 400]


async def test_a_refusal_is_an_error_in_its_own_words(stub: ClaudeStub, database: Database, tenants: Tenants) -> None:
    stub.add(Said(says(""), stop_reason="refusal", explanation="I do not judge."))
    async with reaching(stub) as access:
        with pytest.raises(ModelUnusableError, match=r"refused: I do not judge\."):
            await LoopModel(database, access).ask(tenants.ours, ASKED, Spend(1.0))
    assert len(stub.requests) == 1


async def test_an_overloaded_model_is_tried_again_and_what_was_lost_is_counted(
    stub: ClaudeStub, database: Database, tenants: Tenants
) -> None:
    lost = Said(says(GOOD), usage={"input_tokens": 1_000}, cut_after=3)
    stub.add(refuses(529, "overloaded_error"), refuses(429, "rate_limit_error"), lost, says(GOOD))
    spend = Spend(1.0)
    async with reaching(stub, retries=3) as access:
        said = await LoopModel(database, access).ask(tenants.ours, ASKED, spend)
    assert len(stub.requests) == 4
    assert said.cost_usd == spend.spent_usd >= 0.001 + _cost(stub.requests[3])


@pytest.mark.parametrize(("status", "tries"), [(529, 3), (401, 1)])
async def test_a_model_that_stays_away_is_an_error(
    status: int, tries: int, stub: ClaudeStub, database: Database, tenants: Tenants
) -> None:
    stub.add(*[refuses(status, "some_error")] * 5)
    spend = Spend(1.0)
    async with reaching(stub, retries=2) as access:
        with pytest.raises(ModelUnusableError, match=f"{status}"):
            await LoopModel(database, access).ask(tenants.ours, ASKED, spend)
    assert (len(stub.requests), spend.spent_usd, spend.left_usd) == (tries, 0.0, 1.0)


async def test_a_silent_model_is_given_up_in_time(stub: ClaudeStub, database: Database, tenants: Tenants) -> None:
    stub.add(Said(says(GOOD), after=30.0))
    spend = Spend(1.0)
    async with reaching(stub) as access:
        with pytest.raises(ModelUnusableError, match="longer than"):
            await LoopModel(database, access).ask(tenants.ours, replace(ASKED, seconds=0.05), spend)
    assert spend.left_usd == 1.0


async def test_a_question_that_may_cost_too_much_is_not_asked(
    stub: ClaudeStub, database: Database, tenants: Tenants
) -> None:
    stub.add(says(GOOD))
    spend = Spend(0.0015)
    async with reaching(stub) as access:
        with pytest.raises(BudgetSpentError, match=r"0\.0015"):
            await LoopModel(database, access).ask(tenants.ours, ASKED, spend)
    assert (stub.requests, spend.spent_usd, spend.refused) == ([], 0.0, 1)


async def test_questions_at_once_never_go_beyond_what_they_share(
    stub: ClaudeStub, database: Database, tenants: Tenants
) -> None:
    dear = {"input_tokens": 900, "output_tokens": 200}
    stub.add(*[Said(says(GOOD), usage=dear)] * 20)
    spend = Spend(0.012)
    async with reaching(stub) as access:
        model = LoopModel(database, access)
        asked = [model.ask(tenants.ours, replace(ASKED, sample=n), spend) for n in range(20)]
        ended = await asyncio.gather(*asked, return_exceptions=True)
    refused = [one for one in ended if isinstance(one, BudgetSpentError)]
    assert 0 < len(refused) < 20
    assert len(stub.requests) == 20 - len(refused)
    assert spend.spent_usd <= 0.012
    assert len(refused) + len([one for one in ended if not isinstance(one, BaseException)]) == 20


async def test_without_a_key_it_says_what_to_set(database: Database, tenants: Tenants) -> None:
    with pytest.raises(UnavailableError, match="No model") as error:
        await LoopModel(database, None).ask(tenants.ours, ASKED, Spend(1.0))
    assert "ANTHROPIC_API_KEY" in error.value.hint
    assert not LoopModel(database, None).is_there


def _cost(body: dict[str, Any]) -> float:
    """What the stub counts for what was sent, in US dollars of the fast model."""
    return len(json.dumps([body.get("system"), body.get("tools"), body.get("messages")])) // 4 / 1_000_000
