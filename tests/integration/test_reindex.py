"""Another model while searches go on: none fails, none mixes two models, and the one before is gone at the end."""

import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import anyio
import pytest
from click.testing import CliRunner
from pydantic import SecretStr

from qms_mcp.cli import cli
from qms_mcp.db.database import Database
from qms_mcp.db.queries import Query
from qms_mcp.db.wiring import Wiring
from qms_mcp.errors import ConflictError, InvalidInputError, QmsError
from qms_mcp.services.embedding.provider import Embedders, UnusableModelError
from qms_mcp.services.embedding.queue import queue_of_all
from qms_mcp.services.embedding.reindexing import Reindexing, Wanted
from qms_mcp.services.embedding.service import Embedding
from qms_mcp.services.embedding.worker import Worker
from qms_mcp.services.search.service import Search
from qms_mcp.settings import Settings
from tests.conftest import Tenants, two_tenants
from tests.support.embedding_stub import KEY, EmbeddingStub

pytestmark = pytest.mark.anyio

SETTINGS = Settings(
    openai_api_key=SecretStr(KEY),
    voyage_api_key=SecretStr(KEY),
    qms_embedding_requests_per_minute=100_000,
    qms_embedding_tokens_per_minute=100_000_000,
)
PUT = Query(
    "test",
    "SELECT count(search.put_text('note', 'Note', 'part p' || n || ' batch b' || mod(n, 97), NULL, NULL, '{}')) AS n "
    "FROM generate_series(%(first)s::integer, %(last)s::integer) AS g (n)",
)
MODELS = Query("test", "SELECT m.key, m.state FROM search.embedding_models AS m WHERE m.provider <> 'given'")
PARTITIONS = Query(
    "test",
    "SELECT c.relname AS name FROM pg_inherits AS i INNER JOIN pg_class AS c ON i.inhrelid = c.oid "
    "WHERE i.inhparent = 'search.embeddings_by_model'::regclass ORDER BY c.relname",
)
LEFT = Query("test", "SELECT count(*) AS n FROM search.embedding_jobs")
NEAR = Query(
    "test",
    "SELECT f.similarity, c.content FROM search.find("
    "%(text)s, 'semantic', %(vector)s::extensions.halfvec, %(model_id)s::smallint, '{}', 3) AS f "
    "INNER JOIN search.chunks AS c ON f.chunk_id = c.id ORDER BY f.score DESC",
)


@dataclass
class Site:
    """A database whose texts have vectors of a model of OpenAI; a model of Voyage AI is to replace it."""

    database: Database
    tenants: Tenants
    openai: EmbeddingStub
    voyage: EmbeddingStub
    steps: list[str] = field(default_factory=list[str])

    def reindexing(self, **given: Any) -> Reindexing:
        return Reindexing(self.database, given.pop("settings", SETTINGS), told=self.steps.append, **given)

    @property
    def first(self) -> Wanted:
        return Wanted("openai-8", "openai", "text-embedding-3-small", 8, self.openai.url)

    @property
    def second(self) -> Wanted:
        return Wanted("voyage-16", "voyage", "voyage-4", 16, self.voyage.url)

    async def put(self, first: int, last: int) -> None:
        for who in (self.tenants.ours, self.tenants.theirs):
            async with self.database.transaction(who, because="A test asks for it.") as transaction:
                await transaction.fetch_dicts(
                    PUT, {"first": first, "last": last if who is self.tenants.ours else first}
                )

    async def rows(self, statement: Query) -> list[dict[str, Any]]:
        async with self.database.owner_transaction() as transaction:
            await transaction.execute(Query("test", "SET LOCAL ROLE qms_definer"))
            return await transaction.fetch_dicts(statement)

    async def near(self, params: dict[str, Any]) -> list[dict[str, Any]]:
        async with self.database.transaction(self.tenants.ours, read_only=True) as transaction:
            return await transaction.fetch_dicts(NEAR, params)

    async def state(self) -> dict[str, str]:
        return {row["key"]: row["state"] for row in await self.rows(MODELS)}


@asynccontextmanager
async def site_on(database: Database, pieces: int) -> AsyncGenerator[Site]:
    with EmbeddingStub() as openai, EmbeddingStub() as voyage:
        site = Site(database, await two_tenants(database), openai, voyage)
        await site.reindexing(grace=0).change(site.first)
        await site.put(1, pieces)
        embedders = Embedders(SETTINGS)
        await Worker(queue_of_all(database, "w0"), embedders).drain()
        await embedders.aclose()
        site.steps.clear()
        yield site


@pytest.fixture
async def site(database: Database) -> AsyncGenerator[Site]:
    async with site_on(database, 40) as site:
        yield site


class Searching:
    """Searches, one after the other, until they are told to stop; what came back is kept."""

    def __init__(self, site: Site, embedding: Embedding) -> None:
        self._site, self._embedding = site, embedding
        self._search = Search(site.database, embedding)
        self.models: list[str] = []
        self.slowest = 0.0
        self.retried = 0
        self._left, self._enough = 0, anyio.Event()

    async def ten_more(self) -> None:
        """Wait for ten more searches."""
        self._left, self._enough = 10, anyio.Event()
        await self._enough.wait()

    async def run(self, first: int, pieces: int) -> None:
        n = first
        while True:
            n = n % pieces + 1
            began = time.monotonic()
            await self._by_vector(n)
            self.slowest = max(self.slowest, time.monotonic() - began)
            if n % 5 == 0:
                found = await self._search.search(self._site.tenants.ours, f"part p{n}")
                assert found.mode == "hybrid", found.note
                assert len(found.hits) == 10

    async def _by_vector(self, n: int) -> None:
        try:
            await self._exactly_one(n)
        except ConflictError:
            self.retried += 1
            await self._exactly_one(n)

    async def _exactly_one(self, n: int) -> None:
        """Ask for a text by its own words: a vector of any other model would be far from it, or would not fit."""
        text = f"Note part p{n} batch b{n % 97}"
        asked = await self._embedding.query_vector(self._site.tenants.ours, text)
        assert asked.vector is not None, asked.why
        params = {"text": text, "vector": str(list(asked.vector)), "model_id": asked.model_id}
        rows = await self._site.near(params)
        assert rows[0]["similarity"] > 0.995, (n, asked.key, rows)
        self.models.append(asked.key)
        self._left -= 1
        if self._left == 0:
            self._enough.set()


async def change_under_searches(site: Site, pieces: int, seconds: float) -> Searching:
    embedding = Embedding(site.database, SETTINGS)
    searching = Searching(site, embedding)
    with anyio.fail_after(seconds):
        async with anyio.create_task_group() as tasks:
            for first in (1, pieces // 2):
                tasks.start_soon(searching.run, first, pieces)
            await site.reindexing(grace=2.5).change(site.second)
            await searching.ten_more()
            tasks.cancel_scope.cancel()
    await embedding.aclose()
    return searching


async def check_changed(site: Site, searching: Searching, pieces: int) -> None:
    assert set(searching.models) == {"openai-8", "voyage-16"}
    assert searching.models[-10:] == ["voyage-16"] * 10
    assert await site.state() == {"voyage-16": "active"}
    assert len(await site.rows(PARTITIONS)) == 2
    assert (await site.rows(LEFT))[0]["n"] == 0
    progress = {model.key: model for model in await site.reindexing().progress()}
    assert progress["voyage-16"].done == progress["voyage-16"].chunks == pieces + 1


async def test_no_search_fails_and_none_mixes_models_while_the_model_is_changed(database: Database) -> None:
    async with site_on(database, 300) as site:
        await check_changed(site, await change_under_searches(site, 300, 60), 300)


@pytest.mark.slow
@pytest.mark.parametrize("pieces", [2_000, 20_000])
async def test_no_search_fails_and_none_mixes_models_however_much_there_is(database: Database, pieces: int) -> None:
    async with site_on(database, pieces) as site:
        searching = await change_under_searches(site, pieces, 3600)
        await check_changed(site, searching, pieces)
        print(f"\n{len(searching.models)} searches, slowest {searching.slowest:.3f} s, retried {searching.retried}")  # noqa: T201


async def test_an_interrupted_change_is_continued_and_makes_no_vector_twice(site: Site) -> None:
    enough = anyio.Event()
    stop = anyio.CancelScope()

    def told(done: Any) -> None:
        if done.embedded:
            enough.set()
            stop.cancel()

    with stop:
        await site.reindexing(worked=told, grace=0).change(site.second)
    assert enough.is_set()
    assert await site.state() == {"openai-8": "active", "voyage-16": "filling"}
    made = len(site.voyage.texts)
    await site.reindexing(grace=0).change(site.second)
    assert await site.state() == {"voyage-16": "active"}
    # One more is the trial before each change.
    assert len(site.voyage.texts) - made <= 41 - (made - 1) + 1


async def test_pieces_that_come_during_a_change_are_in_it(site: Site) -> None:
    came = False

    async def no_pause(_seconds: float) -> None:
        """Time passes."""

    class Coming(Reindexing):
        async def _switch(self, model: Any) -> None:
            nonlocal came
            if not came:
                came = True
                await site.put(101, 110)
            await super()._switch(model)

    await Coming(site.database, SETTINGS, grace=0, sleep=no_pause).change(site.second)
    progress = {model.key: model for model in await site.reindexing().progress()}
    assert progress["voyage-16"].done == progress["voyage-16"].chunks == 41 + 11


async def test_a_change_to_wrong_dimensions_is_refused_before_anything_is_changed(site: Site) -> None:
    site.voyage.dims = 16
    with pytest.raises(UnusableModelError, match="16 dimensions; 12 are registered"):
        await site.reindexing().change(replace(site.second, model="voyage-law-2", dims=12))
    assert await site.state() == {"openai-8": "active"}


async def test_a_change_to_what_is_not_there_is_refused(site: Site) -> None:
    with pytest.raises(InvalidInputError, match="no provider cohere"):
        await site.reindexing().change(replace(site.second, provider="cohere"))
    with pytest.raises(UnusableModelError, match="VOYAGE_API_KEY is not set"):
        await site.reindexing(settings=Settings()).change(site.second)
    with pytest.raises(InvalidInputError, match="another model with the key"):
        await site.reindexing().change(replace(site.second, key="openai-8"))
    assert await site.state() == {"openai-8": "active"}
    assert len(await site.rows(PARTITIONS)) == 2


async def test_a_change_with_texts_the_model_refuses_leaves_the_model_in_use(site: Site) -> None:
    site.voyage.poison = "p7 "
    with pytest.raises(InvalidInputError, match="1 pieces have no vector") as refused:
        await site.reindexing(grace=0).change(site.second)
    assert "refused the text" in refused.value.message
    assert (await site.state())["openai-8"] == "active"
    with pytest.raises(ConflictError, match="voyage-16 is being filled"):
        await site.reindexing().change(replace(site.second, key="voyage-again"))
    site.voyage.poison = None
    await site.reindexing(grace=0).change(site.second)
    assert await site.state() == {"voyage-16": "active"}


async def test_a_forecast_counts_each_text_once_and_asks_nobody(site: Site) -> None:
    forecast = await site.reindexing().forecast(site.second)
    assert (forecast.pieces, forecast.texts) == (41, 41)
    assert 41 * 5 < forecast.tokens < 41 * 20
    assert forecast.cost == pytest.approx(forecast.tokens * 0.06 / 1e6)
    assert site.voyage.requests == []
    local = Wanted("minilm", "local", "all-MiniLM-L6-v2", 384)
    assert (await site.reindexing().forecast(local)).cost is None


async def test_a_model_that_is_gone_is_a_conflict_and_not_a_wrong_answer(site: Site) -> None:
    params = {"text": "part", "vector": str([0.5] * 8), "model_id": 9999}
    near = site.near(params)
    with pytest.raises(ConflictError, match="not in use any more"):
        await near


def test_the_commands_say_what_there_is_to_do_and_do_it(
    wiring: Wiring, database_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", wiring.server)
    monkeypatch.setenv("DATABASE_URL_DIRECT", wiring.owner)
    monkeypatch.setenv("VOYAGE_API_KEY", KEY)
    with EmbeddingStub() as voyage:
        wanted = ["--model", "voyage-16", "--provider", "voyage", "--model-name", "voyage-4", "--dims", "16"]
        planned = invoke("reindex", *wanted, "--base-url", voyage.url, "--dry-run")
        assert "0 pieces, 0 different texts, about 0 tokens, about $0.00." in planned
        assert voyage.requests == []
        monkeypatch.setattr("qms_mcp.services.embedding.reindexing.GRACE_SECONDS", 0.0)
        assert "Searches use voyage-16 now." in invoke("reindex", *wanted, "--base-url", voyage.url)
        assert "voyage-16: active, voyage, 16 dimensions, 0 of 0 done, 0 queued" in invoke("reindex", "--status")
        assert invoke("embed", "--once", "--all-organizations") == "0 vectors made.\n"


def test_a_change_needs_to_know_the_model() -> None:
    for arguments in (["reindex"], ["reindex", "--model", "m", "--provider", "voyage"]):
        result = CliRunner().invoke(cli, arguments)
        assert isinstance(result.exception, QmsError)


def invoke(*arguments: str) -> str:
    result = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout
