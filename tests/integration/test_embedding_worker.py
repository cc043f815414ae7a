"""The worker: every piece gets its vector, whatever fails on the way, and nobody sees the work of others."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest
from pydantic import SecretStr

from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.queries import Query, query
from qms_mcp.errors import UnavailableError
from qms_mcp.services.embedding.local import LocalEmbedder, Runtime
from qms_mcp.services.embedding.models import EmbeddingModel, Progress
from qms_mcp.services.embedding.provider import Embedders, UnusableModelError
from qms_mcp.services.embedding.queue import Queue, queue_of, queue_of_all
from qms_mcp.services.embedding.service import Embedding
from qms_mcp.services.embedding.worker import Done, Worker, worker_name
from qms_mcp.settings import Settings
from tests.conftest import Tenants
from tests.support.embedding_stub import KEY, EmbeddingStub, Refusal, Request

pytestmark = pytest.mark.anyio

SETTINGS = Settings(openai_api_key=SecretStr(KEY))
PUT = Query(
    "test",
    "SELECT count(search.put_text('note', 'Note', t.content, NULL, NULL, '{}')) AS n "
    "FROM unnest(%(texts)s::text[]) AS t (content)",
)
JOBS = Query(
    "test",
    "SELECT c.content, j.attempts, j.dead, j.last_error, j.leased_by FROM search.embedding_jobs AS j "
    "INNER JOIN search.chunks AS c ON j.chunk_id = c.id ORDER BY c.id",
)
VECTORS = Query(
    "test",
    "SELECT c.content, e.model_id, e.embedding::text AS vector FROM search.embeddings_by_model AS e "
    "INNER JOIN search.chunks AS c ON e.chunk_id = c.id ORDER BY c.id",
)
USAGE = Query("test", "SELECT u.requests, u.tokens, u.cost FROM search.embedding_usage AS u")
ENDED = Query("test", "UPDATE search.embedding_jobs SET leased_until = now() - interval '1 second' RETURNING chunk_id")
ADD = query("embedding.add_model")
ACTIVATE = query("embedding.activate_model")


@dataclass(frozen=True)
class Site:
    """A database whose active model is that of the stub."""

    database: Database
    tenants: Tenants
    stub: EmbeddingStub
    made: list[Embedders] = field(default_factory=list[Embedders])

    def queue(self, who: Principal, name: str = "w1") -> Queue:
        return queue_of(self.database, who, name)

    def embedders(self, settings: Settings = SETTINGS) -> Embedders:
        self.made.append(Embedders(settings))
        return self.made[-1]

    def worker(self, who: Principal | None = None, name: str = "w1", settings: Settings = SETTINGS) -> Worker:
        return Worker(self.queue(who or self.tenants.ours, name), self.embedders(settings), poll_seconds=0.02)

    async def put(self, *texts: str, who: Principal | None = None) -> None:
        async with self.database.transaction(who or self.tenants.ours, because="A test asks for it.") as transaction:
            await transaction.fetch_dicts(PUT, {"texts": list(texts)})

    async def rows(self, statement: Query, who: Principal | None = None) -> list[dict[str, Any]]:
        async with self.database.transaction(who or self.tenants.ours) as transaction:
            return await transaction.fetch_dicts(statement)

    async def progress(self, who: Principal | None = None) -> Progress:
        found = await self.queue(who or self.tenants.ours).progress()
        return next(model for model in found if model.key == "stub-8")


@pytest.fixture
async def site(database: Database, tenants: Tenants) -> AsyncGenerator[Site]:
    with EmbeddingStub(dims=8) as stub:
        await use_stub(database, stub)
        site = Site(database, tenants, stub)
        yield site
        for embedders in site.made:
            await embedders.aclose()


async def use_stub(database: Database, stub: EmbeddingStub) -> None:
    params = {"key": "stub-8", "provider": "openai", "model": "text-embedding-3-small", "dims": 8}
    async with database.owner_transaction() as transaction:
        made = await transaction.fetch_dicts(ADD, {**params, "base_url": stub.url, "prefixes": ["", ""]})
        await transaction.fetch_dicts(ACTIVATE, {"model_id": made[0]["number"]})


async def test_each_piece_gets_the_vector_of_its_text(site: Site) -> None:
    await site.put("pump leaks", "label torn")
    assert (await site.progress()).queued == 2
    done = await site.worker().drain()
    assert done.embedded == 2
    now = await site.progress()
    assert (now.done, now.queued, now.failed) == (2, 0, 0)
    vectors = {row["content"]: np.array(json.loads(row["vector"])) for row in await site.rows(VECTORS)}
    assert set(vectors) == {"pump leaks", "label torn"}
    assert all(abs(np.linalg.norm(vector) - 1) < 0.01 for vector in vectors.values())
    assert not np.allclose(vectors["pump leaks"], vectors["label torn"], atol=0.1)


async def test_a_text_that_is_there_already_is_not_embedded_again(site: Site) -> None:
    await site.put("pump leaks")
    await site.worker().drain()
    asked = len(site.stub.requests)
    await site.put("pump leaks")
    assert (await site.progress()).queued == 1
    await site.worker().drain()
    assert len(site.stub.requests) == asked
    assert (await site.progress()).done == 2


async def test_a_text_the_model_refuses_is_set_aside_and_blocks_no_other(site: Site) -> None:
    site.stub.poison = "POISON"
    texts = [f"text {number}" for number in range(9)]
    await site.put(*texts[:4], "POISON", *texts[4:])
    done = await site.worker().drain()
    assert (done.embedded, done.failed) == (9, 1)
    (left,) = await site.rows(JOBS)
    assert left["content"] == "POISON"
    assert left["dead"]
    assert "refused the text" in left["last_error"]
    now = await site.progress()
    assert (now.done, now.queued, now.failed) == (9, 0, 1)
    assert now.last_error == left["last_error"]


async def test_a_text_the_model_breaks_on_is_tried_again_later_and_blocks_no_other(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qms_mcp.services.embedding.remote._ATTEMPTS", 1)
    site.stub.failing = "BREAKS"
    await site.put("one", "BREAKS", "two", "three")
    done = await site.worker().drain()
    assert (done.embedded, done.failed) == (3, 1)
    (left,) = await site.rows(JOBS)
    assert (left["content"], left["attempts"], left["dead"]) == ("BREAKS", 1, False)


async def test_a_provider_that_is_down_costs_few_attempts_and_is_left_alone(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qms_mcp.services.embedding.remote._ATTEMPTS", 1)
    site.stub.always = Refusal(503)
    await site.put(*[f"text {number}" for number in range(16)])
    worker = site.worker()
    done = await worker.drain()
    assert done.embedded == 0
    assert "stub-8" in done.postponed
    assert sum(row["attempts"] for row in await site.rows(JOBS)) == 2
    assert all(row["leased_by"] is None for row in await site.rows(JOBS))
    asked = len(site.stub.requests)
    await worker.drain()
    assert len(site.stub.requests) == asked


async def test_a_wrong_key_is_noted_with_the_pieces_and_costs_no_attempt(site: Site) -> None:
    await site.put("one", "two")
    done = await site.worker(settings=Settings(openai_api_key=SecretStr("sk-wrong"))).drain()
    assert done.embedded == 0
    rows = await site.rows(JOBS)
    assert [row["attempts"] for row in rows] == [0, 0]
    assert all("does not accept the key" in row["last_error"] for row in rows)
    assert "sk-wrong" not in str(rows)


async def test_without_a_key_nothing_is_taken_on(site: Site) -> None:
    await site.put("one")
    done = await site.worker(settings=Settings()).drain()
    assert done.postponed == {"stub-8": "OPENAI_API_KEY is not set."}
    assert site.stub.requests == []


async def test_what_a_provider_was_paid_is_noted(site: Site) -> None:
    await site.put("pump leaks at the valve")
    await site.worker().drain()
    (usage,) = await site.rows(USAGE)
    tokens = sum(len(text.split()) for text in site.stub.texts)
    assert usage["requests"] == 1
    assert usage["tokens"] == tokens
    assert float(usage["cost"]) == pytest.approx(tokens * 0.02 / 1e6)


async def test_two_workers_share_the_work_and_make_no_vector_twice(site: Site) -> None:
    await site.put(*[f"text {number}" for number in range(300)])
    workers = [site.worker(name="w1"), site.worker(name="w2")]
    async with anyio.create_task_group() as tasks:
        for worker in workers:
            tasks.start_soon(worker.drain)
    assert sum(worker.done.embedded for worker in workers) == 300
    assert len(site.stub.texts) == 300


async def test_a_worker_sees_only_the_texts_of_its_organization(site: Site) -> None:
    await site.put("ours")
    await site.put("theirs", who=site.tenants.theirs)
    await site.worker().drain()
    assert [text.splitlines()[-1] for text in site.stub.texts] == ["ours"]
    assert (await site.progress(site.tenants.theirs)).queued == 1


async def test_the_owner_of_the_database_may_work_for_all_organizations(site: Site) -> None:
    await site.put("ours")
    await site.put("theirs", who=site.tenants.theirs)
    worker = Worker(queue_of_all(site.database, "w1"), site.embedders())
    assert (await worker.drain()).embedded == 2
    for who in (site.tenants.ours, site.tenants.theirs):
        assert (await site.progress(who)).done == 1
        assert [row["requests"] for row in await site.rows(USAGE, who)] == [1]


async def test_a_worker_that_is_stopped_hands_back_what_it_has(site: Site) -> None:
    await site.put("one", "two")
    asked = anyio.Event()
    token = anyio.lowlevel.current_token()

    def tell(_request: Request) -> None:
        anyio.from_thread.run_sync(asked.set, token=token)

    site.stub.every = tell
    site.stub.always = Refusal(503, headers={"retry-after": "30"})
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(site.worker().drain)
        with anyio.fail_after(10):
            await asked.wait()
        tasks.cancel_scope.cancel()
    rows = await site.rows(JOBS)
    assert [(row["leased_by"], row["attempts"]) for row in rows] == [(None, 0), (None, 0)]


async def test_what_a_worker_had_that_died_is_taken_on_when_its_lease_has_ended(site: Site) -> None:
    await site.put("one", "two")
    (model,) = [model for model in await site.queue(site.tenants.ours).waiting() if model.key == "stub-8"]
    assert len(await site.queue(site.tenants.ours, "dead").claim(model, 10)) == 2
    assert (await site.worker(name="heir").drain()).embedded == 0
    await site.rows(ENDED)
    assert (await site.worker(name="heir").drain()).embedded == 2


async def test_a_worker_in_the_background_finds_work_when_it_is_woken(site: Site) -> None:
    finished = anyio.Event()

    def told(done: Done) -> None:
        if done.embedded:
            finished.set()

    worker = Worker(site.queue(site.tenants.ours), site.embedders(), told=told, poll_seconds=3600)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(worker.run)
        await site.put("one")
        with anyio.fail_after(10):
            while not finished.is_set():
                worker.wake()
                await anyio.lowlevel.checkpoint()
        tasks.cancel_scope.cancel()


async def test_a_worker_outlives_a_database_that_is_away(site: Site) -> None:
    queue, finished = site.queue(site.tenants.ours), anyio.Event()
    waiting, away = queue.waiting, [UnavailableError("away"), UnavailableError("away"), ValueError("strange")]

    async def at_first_away() -> list[EmbeddingModel]:
        if away:
            raise away.pop()
        return await waiting()

    queue.waiting = at_first_away  # type: ignore[method-assign]
    worker = Worker(queue, site.embedders(), told=lambda _done: finished.set(), poll_seconds=0.005)
    await site.put("one")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(worker.run)
        with anyio.fail_after(10):
            await finished.wait()
        tasks.cancel_scope.cancel()
    assert away == []


async def test_a_question_gets_the_vector_of_the_active_model_once(site: Site) -> None:
    embedding = Embedding(site.database, SETTINGS)
    first = await embedding.query_vector(site.tenants.ours, "pump leaks")
    again = await embedding.query_vector(site.tenants.ours, "pump leaks")
    await embedding.aclose()
    assert first.key == "stub-8"
    assert first.vector is not None
    assert len(first.vector) == 8
    assert again == first
    assert len(site.stub.requests) == 1


async def test_a_question_without_a_usable_model_gets_the_reason_and_does_not_ask_each_time(site: Site) -> None:
    embedding = Embedding(site.database, SETTINGS)
    site.stub.always = Refusal(503, "overloaded")
    for text in ("one", "two", "three"):
        found = await embedding.query_vector(site.tenants.ours, text)
        assert found.vector is None
        assert "503" in found.why
    await embedding.aclose()
    assert len(site.stub.requests) == 1
    keyless = Embedding(site.database, Settings())
    assert (await keyless.query_vector(site.tenants.ours, "one")).why == "OPENAI_API_KEY is not set"


def nothing(_anything: object) -> None:
    """Return nothing."""


LOCAL = EmbeddingModel(1, "minilm-l6-v2-int8", "local", "all-MiniLM-L6-v2", 384, "", "", "active", None)


async def test_the_model_of_this_machine_knows_what_is_alike() -> None:
    embedder = LocalEmbedder(LOCAL)
    await embedder.warm()
    assert embedder.ready()
    texts = ["The pump leaks oil at the seal.", "The label has the wrong expiry date.", "short", "long " * 400]
    batch = await embedder.documents(texts)
    alone = np.concatenate([(await embedder.documents([text])).vectors for text in texts])
    question = (await embedder.query("hydraulic fluid escapes from the pump gasket")).vectors[0]
    np.testing.assert_allclose(np.linalg.norm(batch.vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(batch.vectors, alone, atol=0.02)
    pump, label = (float(question @ vector) for vector in batch.vectors[:2])
    assert pump > 0.5
    assert label < 0.2


async def test_another_file_than_the_model_is_not_run(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"something else")
    embedder = LocalEmbedder(LOCAL, Runtime(tmp_path / "model.onnx"))
    with pytest.raises(UnusableModelError, match="not the one it should be"):
        await embedder.warm()
    assert not embedder.ready()
    assert "not the one it should be" in (embedder.unusable() or "")


async def test_without_onnxruntime_a_question_gets_the_reason(
    database: Database, tenants: Tenants, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qms_mcp.services.embedding.local.find_spec", nothing)
    monkeypatch.setattr("qms_mcp.services.embedding.local.runtime", Runtime)
    embedding = Embedding(database, Settings())
    assert "onnxruntime is not installed" in (await embedding.query_vector(tenants.ours, "pump")).why
    worker = embedding.worker(tenants.ours)
    assert (await worker.drain()).embedded == 0


async def test_the_first_question_does_not_wait_long_for_the_model(
    database: Database, tenants: Tenants, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Runtime()
    monkeypatch.setattr(slow, "_load", nothing)  # begins, and is never done
    monkeypatch.setattr("qms_mcp.services.embedding.local.runtime", lambda: slow)
    monkeypatch.setattr("qms_mcp.services.embedding.service._PATIENCE", 0.01)
    embedding = Embedding(database, Settings())
    with anyio.fail_after(5):
        assert (await embedding.query_vector(tenants.ours, "pump")).why == "the model is being loaded"


@pytest.mark.slow
def test_the_command_on_a_fresh_machine_has_nothing_to_do_and_ends(clean_environment: dict[str, str]) -> None:
    environment = {**clean_environment, "QMS_HOME": clean_environment["HOME"], "QMS_LINGER_SECONDS": "1"}
    run = [sys.executable, "-m", "qms_mcp", "embed", "--once"]
    once = subprocess.run(run, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert (once.returncode, once.stdout) == (0, "0 vectors made.\n"), once.stderr


def test_a_worker_has_a_name_of_its_own() -> None:
    assert worker_name() != worker_name()
    assert str(os.getpid()) in worker_name()
