"""However a conversation with Claude goes wrong, it ends in a clear state with what was done so far."""

import math
from collections.abc import Generator
from itertools import count
from typing import Any

import anyio
import pytest

from qms_mcp.agents.definition import Limits
from qms_mcp.agents.working import Allowance
from tests.support.claude_stub import ClaudeStub, Refusal, Said, Turn, calls, calls_badly, refuses, says
from tests.support.claude_world import ANSWER, Memory, Run, count_records, definition, reaching, say_much, stop

pytestmark = pytest.mark.anyio
LOOK = calls("search_records", {"query": "overdue"}, "use_1")
OVERLOADED = refuses(529, "overloaded_error")
BROKEN = {**ANSWER, "insights": [{**ANSWER["insights"][0], "severity": "huge"}]}


@pytest.fixture
def stub() -> Generator[ClaudeStub]:
    with ClaudeStub() as serving:
        yield serving


def looking(turn: int) -> list[dict[str, Any]]:
    return calls("search_records", {"query": f"page {turn}"})


def last_texts(request: dict[str, Any]) -> list[str]:
    return [block.get("text") or block.get("content") or "" for block in request["messages"][-1]["content"]]


@pytest.mark.parametrize(
    "failing",
    [
        OVERLOADED,
        refuses(500, "api_error"),
        refuses(429, "rate_limit_error", retry_after="0.01"),
        Said(says(ANSWER), cut_after=5),
        Said(says(ANSWER), ends_after=5),
        Said(says(ANSWER), ends_after=-1),
        Said(says(ANSWER), fails_after=3),
    ],
    ids=["529", "500", "429", "connection lost", "stream cut", "end missing", "overloaded in the stream"],
)
async def test_a_passing_failure_is_got_over_and_one_that_stays_is_told(stub: ClaudeStub, failing: Turn) -> None:
    stub.add(LOOK, failing, failing, says(ANSWER), LOOK, *[failing] * 3)
    async with reaching(stub, retries=2) as access:
        got_over = await Run(access).to_the_end()
        assert got_over.result().status == "completed"
        run = Run(access)
        failed = (await run.to_the_end()).result()
    assert (failed.status, failed.transient, failed.stop) == ("failed", True, None)
    assert failed.error
    assert (failed.turns, failed.tool_calls) == (1, 1)
    assert failed.output is not None
    assert "search_records (c1)" in failed.output.summary
    assert failed.output.findings() == []
    assert any("Trying again" in told for told in run.observer.told)
    assert run.observer.generations[-1].error == failed.error


async def test_what_a_cut_reply_cost_is_counted(stub: ClaudeStub) -> None:
    stub.add(Said(says(ANSWER), cut_after=12, usage={"input_tokens": 1_000}), says(ANSWER))
    async with reaching(stub, retries=1) as access:
        run = Run(access)
        result = (await run.to_the_end()).result()
        assert (await run.to_the_end(run.worker())).result().usage == result.usage
    [lost] = run.memory.entries("lost")
    assert lost["usage"]["input"] == 1_000
    whole = run.observer.generations[-1].usage
    assert result.usage.total == whole.total + 1_000 + lost["usage"]["cache_write"] + lost["usage"]["output"]


async def test_a_wait_longer_than_there_is_time_is_not_begun(stub: ClaudeStub) -> None:
    stub.add(refuses(429, "rate_limit_error", retry_after="600"))
    async with reaching(stub, retries=2) as access:
        with anyio.fail_after(5):
            result = (await Run(access).to_the_end()).result()
    assert (result.status, result.transient) == ("failed", True)
    assert "600 s" in result.error
    assert len(stub.requests) == 1


async def test_nobody_there_is_a_passing_failure() -> None:
    with ClaudeStub() as gone:
        pass
    async with reaching(gone, retries=1) as access:
        result = (await Run(access).to_the_end()).result()
    assert (result.status, result.transient, result.output) == ("failed", True, None)
    assert "can't be reached" in result.error


@pytest.mark.parametrize(
    ("refusal", "hint"),
    [
        (refuses(401, "authentication_error"), "ANTHROPIC_API_KEY"),
        (refuses(403, "permission_error"), "ANTHROPIC_API_KEY"),
        (refuses(404, "not_found_error"), "QMS_MODEL"),
        (refuses(400, "invalid_request_error"), "as the script says"),
    ],
)
async def test_what_another_try_will_not_mend_is_not_tried_again(stub: ClaudeStub, refusal: Refusal, hint: str) -> None:
    stub.add(refusal)
    async with reaching(stub, retries=3) as access:
        result = (await Run(access).to_the_end()).result()
    assert (result.status, result.transient) == ("failed", False)
    assert hint in result.error
    assert len(stub.requests) == 1


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (calls_badly("search_records", '{"query": "x"'), "have to be one JSON object"),
        (calls_badly("search_records", '["x"]'), "have to be one JSON object"),
        (calls("serch_records", {}), "has no tool 'serch_records'"),
    ],
    ids=["no JSON", "no object", "no such tool"],
)
async def test_a_malformed_call_is_answered_in_words_and_the_conversation_goes_on(
    stub: ClaudeStub, bad: list[dict[str, Any]], words: str
) -> None:
    stub.add([*bad, *LOOK], says(ANSWER))
    async with reaching(stub) as access:
        run = Run(access)
        result = (await run.to_the_end()).result()
    wrong, right = stub.requests[1]["messages"][-1]["content"]
    assert wrong["is_error"]
    assert words in wrong["content"]
    assert "is_error" not in right
    assert all(isinstance(block["input"], dict) for block in stub.requests[1]["messages"][1]["content"])
    assert (result.status, len(run.answers.ran)) == ("completed", 1)


async def test_characters_that_cannot_be_kept_are_left_out(stub: ClaudeStub) -> None:
    stub.add(calls_badly("search_records", r'{"query": "a\u0000b\ud800c"}'), says(ANSWER))
    async with reaching(stub) as access:
        run = Run(access)
        assert (await run.to_the_end()).result().status == "completed"
    assert run.answers.kept[1].content["asked"] == {"query": "ab?c"}


async def test_a_tool_that_raises_is_one_failed_call_and_does_not_end_the_others(stub: ClaudeStub) -> None:
    def fall(_arguments: dict[str, Any]) -> Any:
        raise ZeroDivisionError("secret")

    stub.add([*calls("get_record", {}), *LOOK], says(ANSWER))
    async with reaching(stub) as access:
        result = (await Run(access, tools={"get_record": fall, "search_records": count_records}).to_the_end()).result()
    failed, worked = last_texts(stub.requests[1])
    assert "ZeroDivisionError" in failed
    assert "secret" not in failed
    assert worked.startswith("[c2] ok")
    assert result.status == "completed"


async def test_a_model_that_repeats_a_call_is_told_once_and_then_stopped_with_a_last_answer(stub: ClaudeStub) -> None:
    again = calls("search_records", {"query": "same"})
    stub.add(again, again, again, again, says(ANSWER))
    async with reaching(stub) as access:
        run = Run(access)
        result = (await run.to_the_end()).result()
    assert "was called with the same arguments before (c1, c2)" in last_texts(stub.requests[3])[0]
    assert stub.requests[4]["tool_choice"] == {"type": "none"}
    assert "circles" in last_texts(stub.requests[4])[-1]
    assert (result.status, result.stop, result.turns) == ("partial", "looping", 5)
    assert result.output is not None
    assert len(result.output.insights) == 1
    assert len(run.answers.ran) == 2


async def test_a_model_that_learns_nothing_new_is_told_once_and_then_stopped(stub: ClaudeStub) -> None:
    stub.add(*[looking(turn) for turn in range(6)])

    def same(_arguments: dict[str, Any]) -> dict[str, Any]:
        return {"records": 0}

    async with reaching(stub) as access:
        result = (await Run(access, tools={"search_records": same}).to_the_end()).result()
    assert "brought nothing new" in last_texts(stub.requests[4])[-1]
    assert stub.requests[6]["tool_choice"] == {"type": "none"}
    assert (result.status, result.stop) == ("partial", "looping")


async def test_an_answer_that_breaks_the_schema_is_repaired(stub: ClaudeStub) -> None:
    stub.add(says(BROKEN), says(ANSWER))
    async with reaching(stub) as access:
        result = (await Run(access).to_the_end()).result()
    assert "insights.0.severity: Input should be 'critical'" in last_texts(stub.requests[1])[0]
    assert (result.status, result.turns) == ("completed", 2)


async def test_an_answer_that_breaks_the_schema_after_two_repairs_fails(stub: ClaudeStub) -> None:
    stub.add(LOOK, *[says(BROKEN)] * 4)
    async with reaching(stub) as access:
        result = (await Run(access).to_the_end()).result()
    assert (result.status, result.turns, result.transient) == ("failed", 4, False)
    assert "schema after 2 repairs" in result.error
    assert "severity" in result.error


async def test_a_reply_that_is_cut_off_is_asked_for_again_with_more_room_and_its_calls_do_not_run(
    stub: ClaudeStub,
) -> None:
    cut = Said([*says('{"summary": "Two CAPAs'), *calls_badly("search_records", '{"que')], stop_reason="max_tokens")
    stub.add(cut, says(ANSWER))
    async with reaching(stub) as access:
        run = Run(access)
        result = (await run.to_the_end()).result()
    called, said = last_texts(stub.requests[1])
    assert "cut off" in called
    assert "cut off" in said
    assert stub.requests[1]["max_tokens"] == 2 * stub.requests[0]["max_tokens"]
    assert (result.status, run.answers.ran) == ("completed", [])


async def test_an_answer_that_is_always_cut_off_fails_with_that_reason(stub: ClaudeStub) -> None:
    stub.add(*[Said(says('{"summary": "Two'), stop_reason="max_tokens")] * 4)
    async with reaching(stub) as access:
        result = (await Run(access).to_the_end()).result()
    assert (result.status, result.turns) == ("failed", 3)
    assert "cut off" in result.error


async def test_a_refusal_ends_it_with_the_models_words(stub: ClaudeStub) -> None:
    stub.add(LOOK, Said([], stop_reason="refusal", explanation="This is not for me."))
    async with reaching(stub) as access:
        result = (await Run(access).to_the_end()).result()
    assert (result.status, result.stop, result.transient) == ("failed", "refused", False)
    assert result.error == "The model refused: This is not for me."


async def test_the_last_turn_is_kept_for_an_answer(stub: ClaudeStub) -> None:
    stub.add(looking(1), looking(2), says(ANSWER))
    async with reaching(stub) as access:
        result = (await Run(access, agent=definition(limits=Limits(turns=3))).to_the_end()).result()
    assert [request["tool_choice"]["type"] for request in stub.requests] == ["auto", "auto", "none"]
    assert "your last reply" in last_texts(stub.requests[2])[-1]
    assert (result.status, result.stop, result.turns) == ("partial", "turn_limit", 3)
    assert result.output is not None
    assert len(result.output.insights) == 1


async def test_more_calls_than_allowed_are_not_made_and_the_answer_is_asked_for(stub: ClaudeStub) -> None:
    many = [block for turn in range(4) for block in looking(turn)]
    stub.add(many, says(ANSWER))
    async with reaching(stub) as access:
        run = Run(access, agent=definition(limits=Limits(tool_calls=2)))
        result = (await run.to_the_end()).result()
    assert [text[:5] for text in last_texts(stub.requests[1])[:4]] == ["[c1] ", "[c2] ", "Not c", "Not c"]
    assert (result.status, result.stop, result.tool_calls) == ("partial", "tool_call_limit", 2)


async def test_a_stop_by_whoever_runs_it_asks_for_the_answer_once(stub: ClaudeStub) -> None:
    stub.add(LOOK, looking(1))
    async with reaching(stub) as access:
        result = (await Run(access, tools={"search_records": stop("budget")}).to_the_end()).result()
    assert "It is budget." in last_texts(stub.requests[1])[0]
    assert stub.requests[1]["tool_choice"] == {"type": "none"}
    assert (result.status, result.stop) == ("partial", "budget")


@pytest.mark.parametrize(
    "allowance",
    [Allowance(tokens=18_000), Allowance(tokens=1_000_000, usd=0.06)],
    ids=["tokens", "money"],
)
async def test_a_budget_is_kept_and_its_end_leaves_room_for_an_answer(stub: ClaudeStub, allowance: Allowance) -> None:
    pages = count(1)

    def look_until_told(body: dict[str, Any]) -> list[dict[str, Any]]:
        return says(ANSWER) if body["tool_choice"]["type"] == "none" else looking(next(pages))

    stub.add(*[look_until_told] * 12)
    async with reaching(stub) as access:
        run = Run(access, tools={"search_records": say_much}, allowance=allowance)
        result = (await run.to_the_end()).result()
    assert (result.status, result.stop) == ("partial", "budget")
    assert result.turns >= 3
    assert result.output is not None
    assert len(result.output.insights) == 1
    assert result.usage.total <= allowance.tokens
    assert result.cost_usd <= (allowance.usd or math.inf)


async def test_a_budget_too_small_to_look_anything_up_is_told_and_nothing_is_spent(stub: ClaudeStub) -> None:
    async with reaching(stub) as access:
        result = (await Run(access, allowance=Allowance(tokens=2_000)).to_the_end()).result()
    assert (result.status, result.stop, result.usage.total, stub.requests) == ("failed", "budget", 0, [])


async def test_time_that_runs_out_is_kept_for_an_answer(stub: ClaudeStub) -> None:
    now = [0.0]

    def slow(arguments: dict[str, Any]) -> Any:
        now[0] += 85
        return arguments

    stub.add(LOOK, says(ANSWER))
    async with reaching(stub) as access:
        run = Run(access, tools={"search_records": slow}, allowance=Allowance(tokens=1_000_000, seconds=90))
        result = (await run.to_the_end(run.worker(clock=lambda: now[0]))).result()
    assert stub.requests[1]["tool_choice"] == {"type": "none"}
    assert (result.status, result.stop) == ("partial", "timeout")
    assert result.output is not None
    assert len(result.output.insights) == 1


async def test_time_is_counted_over_all_processes_that_had_the_run(stub: ClaudeStub) -> None:
    stub.add(LOOK, says(ANSWER))
    async with reaching(stub) as access:
        run = Run(access, allowance=Allowance(tokens=1_000_000, seconds=55))
        await run.worker(clock=lambda: 0.0).turn()
        run.memory.kept = [(kind, text.replace('"elapsed": 0.0', '"elapsed": 50.0')) for kind, text in run.memory.kept]
        await run.worker(clock=lambda: 1_000.0).turn()
    assert stub.requests[1]["tool_choice"] == {"type": "none"}


@pytest.mark.parametrize("hangs", ["the model", "a tool"])
async def test_what_hangs_is_given_up_when_the_time_is_over(stub: ClaudeStub, hangs: str) -> None:
    async def never(_arguments: dict[str, Any]) -> Any:
        await anyio.sleep_forever()

    stub.add(LOOK, Said(says(ANSWER), after=30))
    tools = {"search_records": never if hangs == "a tool" else count_records}
    async with reaching(stub) as access:
        run = Run(access, tools=tools, allowance=Allowance(tokens=1_000_000, seconds=0.5))
        with anyio.fail_after(5):
            result = (await run.to_the_end()).result()
    assert (result.status, result.stop) == ("partial", "timeout")
    assert result.output is not None
    assert result.output.findings() == []


async def test_a_checkpoint_that_fails_ends_the_run_in_a_state_that_may_be_tried_again(stub: ClaudeStub) -> None:
    def fall(_kind: str, _when: str) -> None:
        raise OSError

    stub.add(LOOK)
    async with reaching(stub) as access:
        result = (await Run(access, memory=Memory(on_keep=fall)).to_the_end()).result()
    assert (result.status, result.transient) == ("failed", True)
    assert "OSError" in result.error


async def test_after_its_end_a_turn_changes_nothing(stub: ClaudeStub) -> None:
    stub.add(says(ANSWER))
    async with reaching(stub) as access:
        worker = await Run(access).to_the_end()
        before = worker.result()
        assert await worker.turn()
    assert worker.result() is before
    assert len(stub.requests) == 1
