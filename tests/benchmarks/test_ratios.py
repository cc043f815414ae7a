"""Speed, as ratios against a bare server of the SDK in the same minute. `make bench` runs this."""

import os
import statistics
import sys
import time
from collections.abc import Generator
from pathlib import Path

import anyio
import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from tests.support.stdio import COMMAND, Workplace, workplace

pytestmark = [pytest.mark.anyio, pytest.mark.bench]

BARE = [sys.executable, str(Path(__file__).with_name("bare_server.py"))]
STATEMENT = {"statement": "SELECT 1"}


@pytest.fixture(scope="module")
def place() -> Generator[Workplace]:
    with workplace(QMS_RATE_LIMIT="1000000/minute", QMS_LINGER_SECONDS="60") as made:
        made.embedded.ensure_running()
        yield made


def client_of(command: list[str], environment: dict[str, str]) -> Client:
    parameters = StdioServerParameters(command=command[0], args=command[1:], env=environment)
    return Client(stdio_client(parameters))


async def seconds_to_initialize(command: list[str], environment: dict[str, str]) -> float:
    started = time.perf_counter()
    async with client_of(command, environment):
        return time.perf_counter() - started


async def seconds_per_call(client: Client, tool: str, calls: int) -> list[float]:
    taken: list[float] = []
    for _ in range(calls):
        started = time.perf_counter()
        answer = await client.call_tool(tool, STATEMENT)
        taken.append(time.perf_counter() - started)
        assert not answer.is_error
    return taken


async def calls_per_second(client: Client, tool: str, calls: int, at_once: int) -> float:
    left = iter(range(calls))

    async def worker() -> None:
        for _ in left:
            answer = await client.call_tool(tool, STATEMENT)
            assert not answer.is_error

    started = time.perf_counter()
    async with anyio.create_task_group() as tasks:
        for _ in range(at_once):
            tasks.start_soon(worker)
    return calls / (time.perf_counter() - started)


def report(what: str, ours: float, bare: float, unit: str) -> float:
    ratio = ours / bare
    print(f"\n{what}: {ours:.4g} {unit} against {bare:.4g} {unit} bare, ratio {ratio:.2f}")  # noqa: T201
    return ratio


async def test_a_client_waits_hardly_longer_than_for_a_bare_server(place: Workplace) -> None:
    await seconds_to_initialize(COMMAND, place.environment)  # migrates, and warms the file cache
    await seconds_to_initialize(BARE, place.environment)
    ours: list[float] = []
    bare: list[float] = []
    for _ in range(7):
        ours.append(await seconds_to_initialize(COMMAND, place.environment))
        bare.append(await seconds_to_initialize(BARE, place.environment))
    assert report("spawn to initialize", statistics.median(ours), statistics.median(bare), "s") <= 1.25


async def test_a_query_with_identity_guard_and_ledger_costs_at_most_twice_a_call_that_does_nothing(
    place: Workplace,
) -> None:
    async with client_of(COMMAND, place.environment) as ours, client_of(BARE, place.environment) as bare:
        await seconds_per_call(ours, "execute_query", 100)
        await seconds_per_call(bare, "nothing", 100)
        our_calls: list[float] = []
        bare_calls: list[float] = []
        for _ in range(10):
            our_calls += await seconds_per_call(ours, "execute_query", 100)
            bare_calls += await seconds_per_call(bare, "nothing", 100)
    ms = 1000
    at_median = report("one call, median", statistics.median(our_calls) * ms, statistics.median(bare_calls) * ms, "ms")
    slow_ours, slow_bare = (statistics.quantiles(calls, n=20)[-1] * ms for calls in (our_calls, bare_calls))
    at_p95 = report("one call, p95", slow_ours, slow_bare, "ms")
    assert at_median <= 2.0
    assert at_p95 <= 3.0


async def test_fifty_calls_at_once_reach_half_the_throughput_of_calls_that_do_nothing(place: Workplace) -> None:
    async with client_of(COMMAND, place.environment) as ours, client_of(BARE, place.environment) as bare:
        await calls_per_second(ours, "execute_query", 200, 50)
        await calls_per_second(bare, "nothing", 200, 50)
        our_rates: list[float] = []
        bare_rates: list[float] = []
        for _ in range(3):
            our_rates.append(await calls_per_second(ours, "execute_query", 1000, 50))
            bare_rates.append(await calls_per_second(bare, "nothing", 1000, 50))
    ours_median, bare_median = statistics.median(our_rates), statistics.median(bare_rates)
    assert report("fifty at once", ours_median, bare_median, "calls/s") >= 0.5


async def test_the_first_start_ever_answers_a_query_within_seconds() -> None:
    with workplace(empty=True) as empty:
        environment = {**empty.environment, "PATH": os.environ["PATH"]}
        started = time.perf_counter()
        async with client_of(COMMAND, environment) as client:
            answer = await client.call_tool("execute_query", STATEMENT)
            taken = time.perf_counter() - started
        assert not answer.is_error
    print(f"\nfirst start on an empty home to the first query answered: {taken:.1f} s")  # noqa: T201
    assert taken <= 8.0
