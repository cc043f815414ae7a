"""Dispatches as a client on stdio uses them: no key, an embedded database, and what is seen while agents work."""

import json
from collections.abc import AsyncGenerator, Generator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import anyio
import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, TextResourceContents

from tests.support.stdio import Workplace, connected, text_of, workplace

pytestmark = pytest.mark.anyio

WHY = "A test asks for it."
REVIEW = "Prepare the weekly quality review"
PAIR = [{"agent": "qa"}, {"agent": "data", "key": "second", "needs": ["qa"]}]


@dataclass
class Seen:
    """The progress a client was told of."""

    told: list[tuple[float, float | None, str]] = field(default_factory=list[tuple[float, float | None, str]])

    async def __call__(self, progress: float, total: float | None, message: str | None) -> None:
        self.told.append((progress, total, message or ""))


@pytest.fixture(scope="module")
def place() -> Generator[Workplace]:
    with workplace() as made:
        yield made


@pytest.fixture(scope="module")
async def client(place: Workplace) -> AsyncGenerator[Client]:
    """One server for all tests: each sends under names of its own."""
    async with connected(place) as one:
        await one.read_resource("qms://guide")  # the database is made
        yield one


async def asked(client: Client, tool: str, seen: Seen | None = None, **arguments: Any) -> CallToolResult:
    given = {"reason": WHY, **arguments} if tool in {"dispatch_agents", "cancel_dispatch"} else arguments
    return await client.call_tool(tool, given, progress_callback=seen)


async def answer(client: Client, tool: str, seen: Seen | None = None, **arguments: Any) -> dict[str, Any]:
    result = await asked(client, tool, seen, **arguments)
    assert not result.is_error, text_of(result)
    assert result.structured_content is not None
    return result.structured_content


async def ended(client: Client, name: str) -> dict[str, Any]:
    with anyio.fail_after(60):
        while True:
            found = await answer(client, "get_dispatch", dispatch=name)
            if found["status"] not in {"queued", "running"}:
                return found
            await anyio.sleep(0.1)


async def test_one_call_plans_sends_shows_progress_and_returns_one_result(client: Client) -> None:
    planned = await answer(client, "dispatch_agents", request=REVIEW, plan_only=True)
    assert planned["status"] == "planned"
    assert "id" not in planned
    chosen = {task["agent"] for task in planned["plan"]["tasks"]}
    assert {"qa", "data", "analytics", "feedback"} <= chosen
    assert (await answer(client, "list_dispatches"))["total"] == 0

    seen = Seen()
    done = await answer(client, "dispatch_agents", seen, request=REVIEW, run_key="weekly")
    assert done["status"] == "completed"
    assert {one["agent"] for one in done["agents"]} == chosen
    assert {one["model"] for one in done["agents"]} == {"playbook"}
    assert "without a model" in done["note"]
    result = done["result"]
    assert result["totals"]["insights"] == len(result["insights"]) > 0
    assert all(item["sources"] for item in result["insights"])
    assert len(json.dumps(done)) < 50_000

    assert len(seen.told) >= len(chosen)
    steps = [step for step, _, _ in seen.told]
    assert steps == sorted(set(steps))
    assert steps[-1] == len(chosen)
    assert {total for _, total, _ in seen.told} == {len(chosen)}
    assert any("at work" in sentence for _, _, sentence in seen.told)

    again = await answer(client, "dispatch_agents", request=REVIEW, run_key="weekly")
    assert (again["id"], again["agents"]) == (done["id"], done["agents"])
    assert (await answer(client, "list_dispatches"))["total"] == 1
    other = await asked(client, "dispatch_agents", request="Something else", run_key="weekly")
    assert other.is_error
    assert "belongs to another request" in text_of(other)

    for name in (done["id"], "weekly"):
        (kept,) = (await client.read_resource(f"qms://dispatch/{name}")).contents
        assert isinstance(kept, TextResourceContents)
        assert json.loads(kept.text)["id"] == done["id"]
        assert json.loads(kept.text)["result"]["summary"] == result["summary"]
    short = await answer(client, "get_dispatch", dispatch="weekly", detail="concise")
    assert short["status"] == "completed"
    assert "result" not in short


async def test_not_waiting_returns_at_once_and_the_result_comes_later(client: Client) -> None:
    sent = await answer(client, "dispatch_agents", request="Look twice", tasks=PAIR, run_key="later", wait=False)
    assert sent["status"] in {"queued", "running"}
    assert {one["key"]: one["state"] for one in sent["agents"]}["second"] == "waiting"
    found = await ended(client, "later")
    assert (found["id"], found["status"]) == (sent["id"], "completed")
    first, second = (next(one for one in found["agents"] if one["key"] == key) for key in ("qa", "second"))
    assert second["queued_at"] >= first["finished_at"]


async def test_a_cancelled_dispatch_keeps_what_was_done_and_stops_the_rest(client: Client) -> None:
    chain = [{"agent": "qa", "key": "t0"}] + [
        {"agent": "qa", "key": f"t{place}", "needs": [f"t{place - 1}"]} for place in range(1, 9)
    ]
    await answer(client, "dispatch_agents", request="Look again and again", tasks=chain, run_key="long", wait=False)
    stopped = await answer(client, "cancel_dispatch", dispatch="long")
    assert stopped["status"] == "cancelled"
    assert WHY in stopped["note"]
    states = [one["state"] for one in stopped["agents"]]
    assert set(states) <= {"done", "cancelled"}
    assert states[-1] == "cancelled"
    assert (await answer(client, "cancel_dispatch", dispatch="long"))["status"] == "cancelled"
    listed = await answer(client, "list_dispatches", status="cancelled")
    assert [row["run_key"] for row in listed["items"]] == ["long"]
    again = await asked(client, "dispatch_agents", request="Try again", retry_failed=True)
    assert "needs the run_key" in text_of(again)


async def test_who_stops_waiting_stops_nothing(client: Client) -> None:
    started = anyio.Event()

    async def told(progress: float, total: float | None, message: str | None) -> None:
        if "agents done" in (message or ""):
            started.set()

    async with anyio.create_task_group() as tasks:

        async def wait() -> None:
            given = {"request": "Look twice", "tasks": PAIR, "run_key": "left", "reason": WHY}
            await client.call_tool("dispatch_agents", given, progress_callback=told)

        tasks.start_soon(wait)
        with anyio.fail_after(30):
            await started.wait()
        tasks.cancel_scope.cancel()
    assert (await ended(client, "left"))["status"] == "completed"


async def test_what_there_is_not_is_not_found_and_limits_are_kept(client: Client, place: Workplace) -> None:
    for missing in (str(uuid4()), "nothing-of-this-name"):
        for tool in ("get_dispatch", "cancel_dispatch"):
            assert "There is no dispatch" in text_of(await asked(client, tool, dispatch=missing))
        with pytest.raises(MCPError, match="not_found"):
            await client.read_resource(f"qms://dispatch/{missing}")
    unknown = await asked(client, "dispatch_agents", request="Do it all", tasks=[{"agent": "ceo"}])
    assert unknown.is_error
    small = await asked(client, "dispatch_agents", request=REVIEW, reason="short")
    assert small.is_error
    (page,) = (await client.read_resource("qms://agents")).contents
    assert isinstance(page, TextResourceContents)
    assert all(f"## `{name}`" in page.text for name in ("schema", "data", "qa", "analytics", "ml_eval", "feedback"))
    async with connected(place, arguments=("--read-only",)) as reader:
        names = {tool.name for tool in (await reader.list_tools()).tools}
        assert {"get_dispatch", "list_dispatches"} <= names
        assert not {"dispatch_agents", "cancel_dispatch"} & names
