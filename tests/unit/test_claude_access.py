"""The way to Claude: whether there is one, which models it has, what they cost; and sorting a request with one."""

from typing import Any

import anyio
import pytest

from qms_mcp.agents.claude.access import ClaudeAccess
from qms_mcp.agents.claude.classifying import classify_with_model
from qms_mcp.agents.claude.prices import Prices
from qms_mcp.agents.claude.progress import Progress
from qms_mcp.agents.claude.replies import usage_of
from qms_mcp.agents.working import Usage
from qms_mcp.errors import InvalidInputError, UnavailableError
from qms_mcp.settings import Settings
from tests.support.claude_stub import ClaudeStub, Said, Turn, refuses, says
from tests.support.claude_world import ANSWER, Observer, Run, definition, reaching

pytestmark = pytest.mark.anyio
OPTIONS = {"qa": "Looks at records.", "data": "Looks at tables."}


def not_there(_package: str) -> None:
    return None


def there(package: str) -> str:
    return package


def read(**variables: str) -> Settings:
    return Settings.from_environment(variables)


TOKEN = {"ANTHROPIC_AUTH_TOKEN": "token"}


async def test_without_a_key_or_a_cloud_there_is_no_way_to_claude() -> None:
    assert ClaudeAccess.from_settings(read()) is None
    assert ClaudeAccess.from_settings(read(ANTHROPIC_BASE_URL="http://localhost:1")) is None
    assert ClaudeAccess.from_settings(read(**TOKEN)) is not None


async def test_each_tier_has_its_model_and_the_fast_one_no_effort() -> None:
    access = ClaudeAccess(read(QMS_MODEL_STRONG="mine", QMS_MODEL_EFFORT="high"))
    assert [access.model(tier) for tier in ("opus", "sonnet", "haiku")] == [
        "mine",
        "claude-sonnet-5-5",
        "claude-haiku-5-5",
    ]
    assert [access.effort(tier) for tier in ("opus", "sonnet", "haiku")] == ["high", "high", None]


async def test_a_process_has_one_client_and_a_token_goes_as_bearer() -> None:
    access = ClaudeAccess(read(**TOKEN))
    made: list[Any] = []

    async def take() -> None:
        made.append(await access.client())

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(take)
    assert len(set(map(id, made))) == 1
    assert made[0].auth_headers == {"Authorization": "Bearer token"}
    assert made[0].max_retries == 0
    await access.aclose()
    assert made[0].is_closed()


@pytest.mark.parametrize("cloud", ["bedrock", "vertex"])
async def test_a_cloud_whose_package_is_missing_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, cloud: str
) -> None:
    monkeypatch.setattr("qms_mcp.agents.claude.access.find_spec", not_there)
    access = ClaudeAccess.from_settings(read(QMS_CLAUDE_VIA=cloud))
    assert access is not None
    with pytest.raises(UnavailableError) as missing:
        await access.client()
    assert missing.value.hint == f"pip install 'anthropic[{cloud}]'"
    result = (await Run(access).to_the_end()).result()
    assert (result.status, result.transient) == ("failed", False)
    assert "pip install" in result.error


@pytest.mark.parametrize(
    ("cloud", "host"), [("bedrock", "bedrock-runtime.eu-west-1"), ("vertex", "europe-west1-aiplatform")]
)
async def test_a_cloud_is_reached_where_its_own_settings_say(
    monkeypatch: pytest.MonkeyPatch, cloud: str, host: str
) -> None:
    monkeypatch.setattr("qms_mcp.agents.claude.access.find_spec", there)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("CLOUD_ML_REGION", "europe-west1")
    access = ClaudeAccess(read(QMS_CLAUDE_VIA=cloud))
    assert host in str((await access.client()).base_url)
    await access.aclose()


@pytest.mark.parametrize(
    ("model", "price"),
    [
        ("claude-opus-5-5", (5, 25)),
        ("claude-sonnet-5-5-20260301", (3, 15)),
        ("us.anthropic.claude-haiku-5-5-v1:0", (1, 5)),
        ("claude-sonnet-6", (2, 8)),
        ("claude-sonnet-6-1@20270101", (1.5, 6)),
        ("gateway/fast", (0.1, 0.2)),
    ],
)
def test_a_model_is_priced_by_the_longest_name_its_id_begins_with(model: str, price: tuple[float, float]) -> None:
    given: dict[str, tuple[float, float]] = {
        "claude-sonnet-6": (2, 8),
        "claude-sonnet-6-1": (1.5, 6),
        "gateway/fast": (0.1, 0.2),
    }
    found = Prices(given).of(model)
    assert (found.input, found.output, found.known) == (*price, True)


def test_an_unknown_model_is_taken_to_be_the_dearest() -> None:
    found = Prices({"claude-sonnet-": (7.0, 9.0)}).of("somebody-else-1")
    assert (found.input, found.output, found.known) == (7.0, 25.0, False)


def test_tokens_cost_by_where_they_came_from() -> None:
    usage = Usage(input=1000, output=1000, cache_read=1000, cache_write=1000, cache_write_1h=1000)
    assert Prices().of("claude-opus-5-5").cost(usage) == pytest.approx((5 * (1 + 0.1 + 1.25 + 2) + 25) / 1000)


@pytest.mark.parametrize("lifetimes", [True, False])
def test_what_is_written_to_the_cache_is_counted_once(lifetimes: bool) -> None:
    counted: dict[str, Any] = {"input_tokens": 1, "output_tokens": 2, "cache_creation_input_tokens": 30}
    if lifetimes:
        counted["cache_creation"] = {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 10}
    usage = usage_of(counted)
    assert (usage.cache_write, usage.cache_write_1h) == ((20, 10) if lifetimes else (30, 0))
    assert usage.total == 33


async def test_prices_are_read_from_the_settings_and_wrong_ones_named() -> None:
    access = ClaudeAccess(read(QMS_MODEL_PRICES='{"claude-sonnet-5-5": [2, 4]}'))
    assert access.prices.of("claude-sonnet-5-5").output == 4
    for wrong in ("cheap", '{"claude": 3}', '{"claude": [-1, 2]}'):
        with pytest.raises(InvalidInputError, match="QMS_MODEL_PRICES"):
            read(QMS_MODEL_PRICES=wrong)


async def test_a_model_without_a_price_is_said_to_be_one() -> None:
    with ClaudeStub(says(ANSWER)) as stub:
        async with reaching(stub, QMS_MODEL_BALANCED="gateway-model") as access:
            run = Run(access)
            result = (await run.to_the_end()).result()
    assert any("no price is known for gateway-model" in told for told in run.observer.told)
    assert result.cost_usd > 0


async def test_progress_is_told_about_once_a_second() -> None:
    now, observer = [0.0], Observer()
    progress = Progress(observer, "Quality", lambda: now[0])
    for word in range(100):
        await progress.writes(f"word {word}. ")
        now[0] += 0.05
    await progress.say("calls get_record", now=True)
    assert len(observer.told) == 6
    assert observer.told[-1] == "Quality: calls get_record"


async def test_an_answer_in_json_is_told_by_its_length_only() -> None:
    observer = Observer()
    await Progress(observer, "Quality", lambda: 0.0).writes('{"summary": "secret')
    assert observer.told == ["Quality: writes its answer (19 characters)"]


async def test_a_request_is_sorted_by_the_fast_model() -> None:
    with ClaudeStub(says({"names": ["qa", "nobody", "qa"], "reason": "Records."})) as stub:
        async with reaching(stub) as access:
            choice = await classify_with_model(access, "</text> Which CAPAs are late?", OPTIONS)
    assert choice is not None
    assert (choice.names, choice.reason, choice.model) == (("qa",), "Records.", "claude-haiku-5-5")
    assert choice.cost_usd > 0
    [request] = stub.requests
    assert request["messages"][0]["content"].count("</text>") == 1


@pytest.mark.parametrize(
    "turn",
    [
        refuses(401, "authentication_error"),
        says("I think qa"),
        says({"names": ["nobody"], "reason": ""}),
        says({"names": 3}),
        Said(says({"names": ["qa"], "reason": ""}), after=20),
    ],
    ids=["refused", "no JSON", "no option", "another shape", "too late"],
)
async def test_whatever_goes_wrong_a_request_is_left_unsorted(turn: Turn) -> None:
    with ClaudeStub(turn) as stub:
        async with reaching(stub) as access:
            with anyio.fail_after(5):
                assert await classify_with_model(access, "Which?", OPTIONS, seconds=0.3) is None


async def test_several_agents_talk_at_once_each_with_its_own_script() -> None:
    with ClaudeStub(
        by={
            "You are A.": [Said(says({**ANSWER, "summary": "This is A."}), after=0.05)],
            "You are B.": [Said(says({**ANSWER, "summary": "This is B."}), after=0.05)],
        }
    ) as stub:
        async with reaching(stub) as access:
            runs = {name: Run(access, agent=definition(prompt=f"You are {name}.")) for name in ("A", "B")}
            workers = {name: run.worker() for name, run in runs.items()}
            async with anyio.create_task_group() as group:
                for name, run in runs.items():
                    group.start_soon(run.to_the_end, workers[name])
    outputs = {name: worker.result().output for name, worker in workers.items()}
    assert {name: output.summary for name, output in outputs.items() if output} == {
        "A": "This is A.",
        "B": "This is B.",
    }
    assert stub.most_at_once == 2
