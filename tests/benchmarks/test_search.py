"""What a search finds and what the tool adds to its statement, among 10,000 pieces. `make bench` runs this.

`make bench-search` measures the same among 100,000 and more, and writes docs/search-measurements.md.
"""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from qms_mcp.db.embedded import EmbeddedPostgres
from tests.benchmarks.search_growth import LEAST_RECALL, MOST_RATIO
from tests.benchmarks.search_measures import NARROWED, Bench, filled
from tests.benchmarks.search_tool import compared

pytestmark = [pytest.mark.anyio, pytest.mark.bench]

PIECES = 10_000


@pytest.fixture(scope="module")
async def bench(embedded: EmbeddedPostgres, template: str) -> AsyncGenerator[Bench]:
    """Yield three organizations with pieces and vectors of both sizes, for all tests of this module."""
    async with filled(embedded, template, PIECES, [384, 1536]) as made:
        await made.refresh()
        for dims in (384, 1536):
            made.build_index(dims)
        yield made


@pytest.mark.parametrize("who", LEAST_RECALL)
@pytest.mark.parametrize("dims", [384, 1536])
async def test_a_search_by_meaning_returns_what_an_exact_comparison_does(bench: Bench, who: str, dims: int) -> None:
    found = {
        name: await bench.recall(who, bench.questions(20, "semantic", dims, filters))
        for name, filters in NARROWED.items()
    }
    print(f"\nrecall@10, {who}, {dims}: {found}", end="")  # noqa: T201
    assert {name: recall for name, recall in found.items() if recall < LEAST_RECALL[who]} == {}


async def test_the_tool_takes_at_most_twice_the_time_of_its_statement(bench: Bench, tmp_path: Path) -> None:
    tool, bare = await compared(bench, "94 %", 60, tmp_path)
    ratio = tool.p50 / bare.p50
    print(f"\nsearch: {tool.p50:.1f} ms against {bare.p50:.1f} ms of its statement, ratio {ratio:.2f}", end="")  # noqa: T201
    assert ratio <= MOST_RATIO
