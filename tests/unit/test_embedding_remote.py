"""Models of providers, spoken to over the loopback: what is sent, what is refused, and what is waited for."""

import base64
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pydantic import SecretStr

from qms_mcp.services.embedding.models import EmbeddingModel
from qms_mcp.services.embedding.pacing import Pace, asked_pause, pause_after
from qms_mcp.services.embedding.provider import (
    Embedders,
    FailedTextsError,
    RefusedTextsError,
    UnusableModelError,
)
from qms_mcp.services.embedding.remote import RemoteEmbedder
from qms_mcp.services.embedding.wire import WIRES
from qms_mcp.settings import Settings
from tests.support.embedding_stub import KEY, EmbeddingStub, Refusal, vector_of

pytestmark = pytest.mark.anyio
OPENAI = EmbeddingModel(7, "openai-8", "openai", "text-embedding-3-small", 8, "", "", "active", None)
VOYAGE = EmbeddingModel(8, "voyage-8", "voyage", "voyage-4", 8, "", "", "active", None)
COMPATIBLE = EmbeddingModel(9, "own-8", "compatible", "nomic", 8, "query: ", "passage: ", "active", None)


class Waits:
    """A sleep that takes no time and is remembered; the clock goes with it."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.now = 0.0

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        self.now += seconds


def embedder(stub: EmbeddingStub, model: EmbeddingModel, waits: Waits | None = None, **given: Any) -> RemoteEmbedder:
    sleep = waits or Waits()
    pace = given.pop("pace", None) or Pace(1000, 10_000_000, sleep=sleep, clock=lambda: sleep.now)
    key = given.pop("key", SecretStr(KEY))
    wire = given.pop("wire", WIRES[model.provider])
    return RemoteEmbedder(model, wire, address=stub.url, key=key, pace=pace, sleep=sleep, **given)


def unit(text: str, dims: int = 8) -> "np.ndarray[Any, Any]":
    vector = np.array(vector_of(text, dims), np.float32)
    return vector / np.linalg.norm(vector)


@contextmanager
def refused(kind: type[Exception], match: str) -> "Generator[pytest.ExceptionInfo[Any]]":
    with pytest.raises(kind, match=match) as error:
        yield error
    assert KEY not in str(error.value)
    assert KEY not in getattr(error.value, "hint", "")


@pytest.mark.parametrize("model", [OPENAI, VOYAGE, COMPATIBLE], ids=lambda model: model.provider)
async def test_each_text_gets_its_own_vector_of_length_one_whatever_the_order_of_the_answer(
    model: EmbeddingModel,
) -> None:
    with EmbeddingStub() as stub:
        at = embedder(stub, model)
        batch = await at.documents(["pump leaks", "label torn", "pump stops"])
        await at.aclose()
    expected = [unit(model.document_prefix + text) for text in ("pump leaks", "label torn", "pump stops")]
    np.testing.assert_allclose(batch.vectors, expected, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(batch.vectors, axis=1), 1, atol=1e-5)
    assert batch.tokens == sum(len((model.document_prefix + text).split()) for text in ("a b", "a b", "a b"))
    assert batch.requests == 1


async def test_openai_is_asked_as_it_expects() -> None:
    with EmbeddingStub() as stub:
        at = embedder(stub, OPENAI)
        await at.documents(["one", "two"])
        await at.aclose()
    (request,) = stub.requests
    assert request.path == "/v1/embeddings"
    assert request.key == KEY
    assert request.body == {
        "model": "text-embedding-3-small",
        "input": ["one", "two"],
        "encoding_format": "base64",
        "dimensions": 8,
    }


async def test_voyage_is_told_what_is_a_question_and_what_is_a_text() -> None:
    with EmbeddingStub() as stub:
        at = embedder(stub, VOYAGE)
        await at.documents(["one"])
        await at.query("which one")
        await at.aclose()
    document, question = (request.body for request in stub.requests)
    assert document["input_type"] == "document"
    assert question["input_type"] == "query"
    assert question["output_dimension"] == 8
    assert "dimensions" not in question


async def test_a_model_of_voyage_with_fixed_dimensions_is_not_asked_for_others() -> None:
    with EmbeddingStub() as stub:
        at = embedder(stub, replace(VOYAGE, model="voyage-law-2"))
        await at.documents(["one"])
        await at.aclose()
    assert "output_dimension" not in stub.requests[0].body


async def test_a_compatible_endpoint_gets_the_prefixes_and_no_field_it_may_not_know() -> None:
    with EmbeddingStub() as stub:
        at = embedder(stub, COMPATIBLE)
        await at.query("leak")
        await at.documents(["leak"])
        await at.aclose()
    assert stub.texts == ["query: leak", "passage: leak"]
    assert set(stub.requests[0].body) == {"model", "input"}


async def test_texts_are_sent_in_requests_of_a_size_the_provider_takes() -> None:
    wire = replace(WIRES["openai"], most_texts=3, most_tokens=36)
    with EmbeddingStub() as stub:
        at = embedder(stub, OPENAI, wire=wire)
        texts = [f"text {number}" for number in range(7)] + ["word " * 20, "word " * 20]
        batch = await at.documents(texts)
        await at.aclose()
    assert [len(request.body["input"]) for request in stub.requests] == [3, 3, 1, 1, 1]
    assert stub.texts == texts
    np.testing.assert_allclose(batch.vectors[5], unit("text 5"), atol=1e-5)


async def test_a_text_that_is_too_long_is_cut_and_not_refused() -> None:
    wire = replace(WIRES["openai"], most_tokens_of_one=10)
    with EmbeddingStub() as stub:
        at = embedder(stub, OPENAI, wire=wire)
        await at.documents(["é" * 100])
        await at.aclose()
    assert stub.texts == ["é" * 15]


@pytest.mark.parametrize("status", [429, 500, 502, 503])
async def test_a_provider_that_is_busy_or_broken_is_asked_again_after_growing_pauses(status: int) -> None:
    waits = Waits()
    with EmbeddingStub() as stub:
        stub.refusals.extend([Refusal(status)] * 3)
        at = embedder(stub, OPENAI, waits)
        batch = await at.documents(["one"])
        await at.aclose()
    assert batch.vectors.shape == (1, 8)
    assert len(stub.requests) == 4
    first, second, third = waits.seconds
    assert 0.25 <= first <= 0.5 <= second <= 1.0 <= third <= 2.0


async def test_the_pause_a_provider_asks_for_is_kept() -> None:
    waits = Waits()
    with EmbeddingStub() as stub:
        stub.refusals.append(Refusal(429, headers={"retry-after": "7"}))
        at = embedder(stub, VOYAGE, waits)
        await at.documents(["one"])
        await at.aclose()
    assert waits.seconds == [7.0]


async def test_a_pause_that_is_too_long_is_left_to_the_queue() -> None:
    waits = Waits()
    with EmbeddingStub() as stub:
        stub.refusals.append(Refusal(429, headers={"retry-after": "900"}))
        at = embedder(stub, VOYAGE, waits)
        with refused(UnusableModelError, "asked too often") as error:
            await at.documents(["one"])
        await at.aclose()
    assert error.value.retry_after == 900
    assert waits.seconds == []


async def test_a_provider_that_fails_every_time_is_given_up_and_says_what_failed() -> None:
    with EmbeddingStub() as stub:
        stub.always = Refusal(503, "overloaded")
        at = embedder(stub, OPENAI)
        with refused(FailedTextsError, r"failed \(503\): overloaded"):
            await at.documents(["one"])
        await at.aclose()
    assert len(stub.requests) == 5


async def test_a_question_is_asked_once_only() -> None:
    waits = Waits()
    with EmbeddingStub() as stub:
        stub.always = Refusal(503)
        at = embedder(stub, OPENAI, waits)
        with refused(FailedTextsError, "503"):
            await at.query("one")
        await at.aclose()
    assert len(stub.requests) == 1
    assert waits.seconds == []


async def test_a_wrong_key_is_one_clear_error_without_the_key() -> None:
    with EmbeddingStub() as stub:
        at = embedder(stub, OPENAI, key=SecretStr("sk-wrong"))
        with pytest.raises(UnusableModelError, match="does not accept the key") as error:
            await at.documents(["one"])
        await at.aclose()
    assert "sk-wrong" not in error.value.prose()
    assert "OPENAI_API_KEY" in error.value.hint
    assert len(stub.requests) == 1


async def test_an_error_message_that_quotes_the_key_is_passed_on_without_it() -> None:
    with EmbeddingStub() as stub:
        stub.refusals.append(Refusal(404, f"no such model for {KEY}"))
        at = embedder(stub, OPENAI)
        with refused(UnusableModelError, r"404.*no such model for \*\*\*"):
            await at.documents(["one"])
        await at.aclose()


async def test_an_account_without_credit_is_not_asked_again() -> None:
    with EmbeddingStub() as stub:
        stub.always = Refusal(429, "You exceeded your current quota", "insufficient_quota")
        at = embedder(stub, OPENAI)
        with refused(UnusableModelError, "no credit"):
            await at.documents(["one"])
        await at.aclose()
    assert len(stub.requests) == 1


async def test_a_text_that_is_refused_is_not_sent_again() -> None:
    with EmbeddingStub(poison="POISON") as stub:
        at = embedder(stub, OPENAI)
        with refused(RefusedTextsError, "refused the text"):
            await at.documents(["fine", "POISON"])
        await at.aclose()
    assert len(stub.requests) == 1


async def test_an_endpoint_that_is_not_there_leaves_the_model_alone() -> None:
    with EmbeddingStub() as stub:
        pass
    at = embedder(stub, OPENAI)
    with refused(UnusableModelError, "can't be reached"):
        await at.documents(["one"])
    await at.aclose()


async def test_vectors_of_other_dimensions_are_refused() -> None:
    with EmbeddingStub(dims=6) as stub:
        at = embedder(stub, COMPATIBLE)
        with refused(UnusableModelError, "6 dimensions; 8 are registered"):
            await at.documents(["one"])
        await at.aclose()


async def test_vectors_of_another_model_are_refused() -> None:
    with EmbeddingStub(model="text-embedding-3-large") as stub:
        at = embedder(stub, OPENAI)
        with refused(UnusableModelError, "never mixed"):
            await at.documents(["one"])
        await at.aclose()


@pytest.mark.parametrize(
    "raw",
    [
        b"<html>bad gateway</html>",
        b"[]",
        b'{"data": []}',
        b'{"data": [{"index": 3, "embedding": [1,0,0,0,0,0,0,0]}]}',
        b'{"data": [{"index": 0, "embedding": "!!!"}]}',
        b'{"data": [{"index": 0, "embedding": null}]}',
        b'{"data": [{"index": 0, "embedding": ["a"]}]}',
    ],
)
async def test_an_answer_that_is_no_vectors_is_refused(raw: bytes) -> None:
    with EmbeddingStub() as stub:
        stub.refusals.append(Refusal(200, raw=raw))
        at = embedder(stub, COMPATIBLE)
        with refused(UnusableModelError, "list of vectors|one vector for each text"):
            await at.documents(["one"])
        await at.aclose()


@pytest.mark.parametrize("number", [0.0, float("nan"), float("inf")])
async def test_a_vector_without_direction_is_refused(number: float) -> None:
    packed = base64.b64encode(np.full(8, number, "<f4").tobytes()).decode()
    with EmbeddingStub() as stub:
        stub.refusals.append(Refusal(200, raw=f'{{"data": [{{"index": 0, "embedding": "{packed}"}}]}}'.encode()))
        at = embedder(stub, COMPATIBLE)
        with refused(RefusedTextsError, "no vector"):
            await at.documents(["one"])
        await at.aclose()


async def test_no_minute_has_more_requests_than_allowed() -> None:
    waits = Waits()
    pace = Pace(2, 1_000_000, sleep=waits, clock=lambda: waits.now)
    for _ in range(5):
        await pace.admit(10)
    assert waits.seconds == [60.0, 60.0]


async def test_no_minute_has_more_tokens_than_allowed_and_a_request_beyond_all_gets_one_of_its_own() -> None:
    waits = Waits()
    pace = Pace(100, 1000, sleep=waits, clock=lambda: waits.now)
    for tokens in (600, 400, 1, 5000, 1):
        await pace.admit(tokens)
    assert waits.seconds == [60.0, 60.0, 60.0]


def test_a_pause_may_be_asked_for_in_seconds_or_as_a_date() -> None:
    assert asked_pause("3") == 3.0
    assert asked_pause("Wed, 21 Oct 2015 07:28:00 GMT") == 0.0
    assert asked_pause("soon") is None
    assert asked_pause(None) is None
    assert pause_after(20, None, chance=lambda: 1.0) == 30.0


def made(**given: Any) -> Callable[[EmbeddingModel], Any]:
    return Embedders(Settings(**given)).of


def test_without_a_key_a_model_says_so_before_it_is_asked() -> None:
    assert made()(OPENAI).unusable() == "OPENAI_API_KEY is not set."
    assert made()(VOYAGE).unusable() == "VOYAGE_API_KEY is not set."
    assert made(voyage_api_key=SecretStr("k"))(VOYAGE).unusable() is None


def test_a_compatible_endpoint_needs_an_address_and_no_key() -> None:
    with pytest.raises(UnusableModelError, match="QMS_EMBEDDING_BASE_URL"):
        made()(COMPATIBLE)
    assert made(qms_embedding_base_url="http://vectors.local/v1")(COMPATIBLE).unusable() is None


def test_a_key_is_not_sent_without_tls_to_another_machine() -> None:
    given = {"qms_embedding_base_url": "http://vectors.example/v1", "qms_embedding_api_key": SecretStr("k")}
    with pytest.raises(UnusableModelError, match="without TLS"):
        made(**given)(COMPATIBLE)


def test_the_key_of_an_own_endpoint_goes_to_no_address_a_model_names() -> None:
    given = {"qms_embedding_base_url": "https://vectors.example/v1", "qms_embedding_api_key": SecretStr("k")}
    elsewhere = replace(COMPATIBLE, base_url="https://elsewhere.example/v1")
    assert made(**given)(COMPATIBLE)._secret is not None
    assert made(**given)(elsewhere)._secret is None


def test_the_price_is_the_list_price_or_what_was_set() -> None:
    key = SecretStr("k")
    assert made(openai_api_key=key)(OPENAI).price_per_million == 0.02
    assert made(openai_api_key=key, qms_embedding_price_per_million=0.5)(OPENAI).price_per_million == 0.5
    assert made(openai_api_key=key)(replace(OPENAI, model="text-embedding-9")).price_per_million is None
