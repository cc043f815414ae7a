"""The classifier of the feedback agent learned anew: what it learns from, what it is judged by, when it is proposed."""

import base64
import hashlib
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qms_mcp.services.embedding.local import MODEL_SHA256
from qms_mcp.services.embedding.provider import UnusableModelError
from qms_mcp.services.feedback_classes import training
from qms_mcp.services.feedback_classes.classifier import brought_by, weights_of
from qms_mcp.services.feedback_classes.models import CATEGORIES
from qms_mcp.services.learning.training.classifying import Learned, corpus_of, learn, usable
from qms_mcp.services.learning.training.rows import Correction

SHIPPED = (["It leaks.", "Where is it?"], [0, 1])
IDS = [UUID(int=number) for number in range(1, 400)]


def correction(number: int, category: str = "software", text: str = "") -> Correction:
    return Correction(uuid4(), IDS[number], category, f"C-{number}", text or f"Complaint {number}", None)


@given(st.sets(st.integers(0, 300), min_size=1), st.integers(0, 300), st.integers(0, 5))
def test_a_correction_that_is_added_moves_no_other_one_to_another_side(some: set[int], more: int, seed: int) -> None:
    def sides(numbers: set[int]) -> dict[str, bool]:
        corpus = corpus_of([correction(one) for one in sorted(numbers)], SHIPPED, seed)
        return dict(zip(corpus.texts, corpus.held_out, strict=True))

    before, after = sides(some), sides(some | {more})
    assert {text: after[text] for text in before} == before
    assert not after[SHIPPED[0][0]]


def test_another_seed_sets_others_aside_and_the_order_of_corrections_does_not_matter() -> None:
    some = [correction(one) for one in range(100)]
    first, same, other = (corpus_of(of, SHIPPED, seed) for of, seed in ((some, 1), (some[::-1], 1), (some, 2)))
    assert first.sha256 == same.sha256 != other.sha256
    assert 10 <= sum(first.held_out) <= 30


def test_categories_with_few_corrections_are_left_out_and_too_few_in_all_are_refused() -> None:
    many = [correction(one) for one in range(46)]
    assert "46 corrections in 1 categories" in usable(many)[1]
    few = [correction(100 + one, "delivery") for one in range(4)]
    assert "46 corrections in 1 categories" in usable([*many, *few])[1]
    kept, missing = usable([*many, *few, correction(104, "delivery")])
    assert (len(kept), missing) == (51, "")


def learned(monkeypatch: pytest.MonkeyPatch, *, told: bool) -> Learned:
    """Learn from corrections whose vectors tell the category, or do not."""
    monkeypatch.setattr(training, "_STEPS", 60)
    names = ["software", "usability"]
    some = [correction(one, names[one % 2]) for one in range(200)]
    corpus = corpus_of(some, SHIPPED, 0)
    draw = np.random.default_rng(3)
    vectors = draw.normal(size=(len(corpus.texts), 384)).astype(np.float32) * 0.2
    places: Any = np.array(corpus.classes)
    if told:
        vectors[places == list(CATEGORIES).index("software"), 0] += 2
        vectors[places == list(CATEGORIES).index("usability"), 1] += 2
    return learn(corpus, vectors)


def test_what_can_be_learned_is_learned_and_shown_on_corrections_never_learned_from(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = learned(monkeypatch, told=True)
    assert found.better
    assert found.n == sum(corpus_of([correction(one) for one in range(200)], SHIPPED, 0).held_out)
    assert found.accuracy > 0.95
    assert found.shipped < 0.5
    assert 0 < found.low < found.accuracy <= found.high <= 1
    assert found.validated > 0.95
    assert "set aside" in found.words
    assert learned(monkeypatch, told=True).classifier == found.classifier


def test_what_is_better_by_chance_is_not_proposed(monkeypatch: pytest.MonkeyPatch) -> None:
    found = learned(monkeypatch, told=True)
    assert not replace(found, gained=5, lost=1, p=0.21875).better
    assert not replace(found, gained=1, lost=20, p=0.0001).better


def test_weights_of_a_version_are_those_it_says_or_none() -> None:
    content = training.packed(np.zeros((384, 10), np.float32), np.arange(10, dtype=np.float32), examples="x")
    brought = {
        "weights": base64.b64encode(content).decode(), "sha256": hashlib.sha256(content).hexdigest(),
        "model_sha256": MODEL_SHA256,
    }  # fmt: skip
    assert brought_by(brought) == content
    assert weights_of(content)[1][9] == 9
    assert brought_by({**brought, "sha256": "0" * 64}) is None
    assert brought_by({**brought, "model_sha256": "another"}) is None
    assert brought_by({**brought, "weights": "no base64"}) is None
    assert brought_by(None) is brought_by({}) is None


@pytest.mark.parametrize(
    "content", [b"", b"PK no archive", training.packed(np.zeros((3, 10), np.float32), np.zeros(10, np.float32))]
)
def test_what_is_no_file_of_weights_is_refused_and_never_run(content: bytes) -> None:
    with pytest.raises(UnusableModelError):
        weights_of(content)
