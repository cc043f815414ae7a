"""What the tool `search` adds to its statement: the server in this process against one plain connection, in turns."""

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
from mcp.client import Client

from qms_mcp.app import build_server
from qms_mcp.auth.principal import Principal
from qms_mcp.db.assuming import assuming
from qms_mcp.db.queries import query
from qms_mcp.ledger.postgres import PostgresStore
from qms_mcp.rate_limit import RateLimiter
from qms_mcp.services.container import Services
from qms_mcp.services.search.service import COUNT_UP_TO, Search
from qms_mcp.settings import Settings
from qms_mcp.startup import Foundation
from tests.benchmarks.search_measures import Asked, Bench, Spread, as_text
from tests.support.search_world import Floats


@dataclass(frozen=True)
class QueryVector:
    """What a query is searched with."""

    model_id: int
    vector: Floats
    why: str = ""


@dataclass
class GivenVectors:
    """Knows the vectors of the queries there will be: no model runs."""

    known: dict[str, Floats]

    async def query_vector(self, principal: Principal, text: str) -> QueryVector:
        """Return the vector of a query."""
        del principal
        return QueryVector(1, self.known[text])

    def wake(self) -> None:
        """Do nothing: nothing waits."""


class _Borrowed(Foundation):
    async def aclose(self) -> None:
        """Leave the database open: who opened it closes it."""


async def compared(bench: Bench, who: str, count: int, home: Path) -> tuple[Spread, Spread]:
    """Return the times of the tool and of the statement behind it alone, on one plain connection, in turns."""
    drawn = bench.collection.world.questions(count, salt=2)
    vectors = bench.collection.world.vectors(drawn.latent, 384)
    known = dict(zip(drawn.texts, vectors, strict=True))
    ours: list[float] = []
    bare: list[float] = []
    async with _client(bench, who, GivenVectors(known), home) as client:
        with psycopg.connect(bench.login) as plain:
            statement = query("search.find").text.encode()
            bound = assuming(bench.people[who], None)
            plain.execute(b"BEGIN READ ONLY")
            plain.pgconn.exec_params(bound.text, list(bound.values))
            for number, (text, vector) in enumerate([*list(known.items())[:6], *known.items()]):
                started = time.perf_counter()
                answer = await client.call_tool("search", {"query": text, "mode": "hybrid"})
                between = time.perf_counter()
                values = Asked(text, "hybrid", as_text(vector)).values(COUNT_UP_TO + 1)
                plain.execute(statement, {**values, "model_id": 1, "first": 1, "last": 10}).fetchall()
                assert not answer.is_error, answer
                if number >= 6:
                    ours.append(between - started)
                    bare.append(time.perf_counter() - between)
    return Spread.of(ours), Spread.of(bare)


@asynccontextmanager
async def _client(bench: Bench, who: str, vectors: GivenVectors, home: Path) -> AsyncGenerator[Client]:
    settings = Settings(qms_rate_limit="1000000/minute")
    services = replace(Services.over(bench.database, settings, home=home), search=Search(bench.database, vectors))

    async def lay(settings: Settings, home: Path, at_stage: Callable[[str], None]) -> Foundation:
        del home, at_stage
        return _Borrowed(
            database=bench.database,
            services=services,
            principal=bench.people[who],
            limiter=RateLimiter(settings.qms_rate_limit),
            store=PostgresStore(bench.database),
            sinks=[],
            embedded=None,
        )

    async with Client(build_server(settings, home=home, lay_foundation=lay)) as client:
        yield client
