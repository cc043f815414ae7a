"""Datasets without a database: no leakage for any grouping, the same for any order, what is masked and left out."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qms_mcp.errors import InvalidInputError, LimitExceededError
from qms_mcp.services.learning.datasets.freezing import frozen, frozen_drafts
from qms_mcp.services.learning.datasets.hashing import content_sha256
from qms_mcp.services.learning.datasets.likeness import NEAR, likeness, near_blocks, numbers_of
from qms_mcp.services.learning.datasets.lines import drafts_of_lines
from qms_mcp.services.learning.datasets.models import Frozen, Spec, Standing, TrainingRow
from qms_mcp.services.learning.datasets.splitting import side_of

_START = datetime(2026, 1, 1, tzinfo=UTC)
_SHARES = (0.6, 0.2, 0.2)
_QUESTIONS = (
    "Which suppliers delivered late in the last quarter", "How many CAPAs are overdue on line 3",
    "What is the trend of weld seam complaints", "Is CAPA-2026-0014 effective", "Which audits found nothing",
    "Summarise the deviations of the filling line",
)  # fmt: skip
_WAYS = ("", "?", " please", " again", " now", " today please")


def answer(text: str = "Two CAPAs are overdue.", **parts: Any) -> dict[str, Any]:
    finding = {
        "statement": text, "severity": "major", "confidence": 0.9, "evidence": {"calls": ["c1"], "records": []},
        "subject": "CAPA", "measure": "overdue", "value": "2", **parts,
    }  # fmt: skip
    return {"summary": text, "insights": [finding], "actions": [], "recommendations": []}


def row(
    number: int,
    request: str,
    group: str,
    *,
    score: float = 0.9,
    standing: Standing = "human",
    run: int | None = None,
    output: Any = None,
    comment: str = "",
    label: str = "",
    details: dict[str, Any] | None = None,
    person: int = 1,
    validated: bool | None = None,
    too_long: bool = False,
) -> TrainingRow:
    return TrainingRow(
        id=UUID(int=number + 1),
        run_id=UUID(int=1_000_000 + (number if run is None else run)),
        feedback_id=UUID(int=2_000_000 + number),
        input=None if too_long else {"request": request},
        output=None if too_long else answer() if output is None else output,
        too_long=too_long,
        inputs={},
        score=score,
        is_validated=standing == "human" if validated is None else validated,
        standing=standing,
        given_by=UUID(int=person) if standing in {"human", "relayed"} else None,
        group_key=group,
        agent_version="qa@abc",
        label=label,
        comment=comment,
        details=details or {},
        created_at=_START + timedelta(minutes=number),
    )


def many(count: int = 30) -> list[TrainingRow]:
    return [row(one, f"How many CAPAs are overdue on line {one}?", f"g{one}") for one in range(count)]


def freeze(rows: Sequence[TrainingRow], people: Sequence[str] = (), seed: int | None = None, **spec: Any) -> Frozen:
    return frozen(rows, Spec(**spec), people, seed)


def requests(made: Frozen) -> set[str]:
    return {one.request for one in made.items}


# No leakage -----------------------------------------------------------------------------------------------------------

_texts = st.tuples(st.sampled_from(_QUESTIONS), st.sampled_from(_WAYS)).map("".join)
_asked = st.lists(st.tuples(_texts, st.integers(0, 9), st.sampled_from((0.2, 0.8, 1.0))), min_size=4, max_size=40)


def _rows(asked: Sequence[tuple[str, int, float]]) -> list[TrainingRow]:
    return [row(at, text, f"g{group}", score=score) for at, (text, group, score) in enumerate(asked)]


@settings(max_examples=40, deadline=None)
@given(_asked, st.integers(0, 5))
def test_no_conversation_item_or_near_copy_is_on_two_sides(asked: list[tuple[str, int, float]], seed: int) -> None:
    try:
        made = freeze(_rows(asked), seed=seed)
    except InvalidInputError:
        return
    sides: dict[str, set[str]] = {}
    for item in made.items:
        sides.setdefault(item.group_key, set()).add(item.split)
    assert all(len(side) == 1 for side in sides.values())
    assert len({one.item_sha256 for one in made.items}) == len(made.items)
    runs = [run for item in made.items for run in item.run_ids]
    assert len(runs) == len(set(runs))
    for one in made.items:
        for other in made.items:
            if one.split != other.split:
                assert likeness(one.request, other.request) < NEAR


@settings(max_examples=25, deadline=None)
@given(_asked, st.integers(0, 5), st.randoms())
def test_the_order_of_rows_changes_nothing(asked: list[tuple[str, int, float]], seed: int, draw: Random) -> None:
    rows = _rows(asked)
    shuffled = list(rows)
    draw.shuffle(shuffled)
    try:
        made = freeze(rows, seed=seed)
    except InvalidInputError:
        with pytest.raises(InvalidInputError):
            freeze(shuffled, seed=seed)
        return
    assert freeze(shuffled, seed=seed) == made
    assert made.content_sha256 == content_sha256(made.items)


@settings(max_examples=25, deadline=None)
@given(_asked, _asked)
def test_what_is_added_moves_no_conversation(
    asked: list[tuple[str, int, float]], added: list[tuple[str, int, float]]
) -> None:
    try:
        before = freeze(_rows(asked))
        after = freeze(_rows([*asked, *added]), seed=before.seed)
    except InvalidInputError:
        return
    assert after.seed == before.seed
    sides = {one.group_key: one.split for one in before.items}
    assert all(sides.get(one.group_key, one.split) == one.split for one in after.items)


def test_the_shares_are_those_asked_for() -> None:
    sides = [side_of(7, f"group {one}", _SHARES) for one in range(4_000)]
    assert abs(sides.count("train") / 4_000 - 0.6) < 0.03
    assert abs(sides.count("test") / 4_000 - 0.2) < 0.03
    assert {side_of(7, f"group {one}", (0.5, 0.0, 0.5)) for one in range(100)} == {"train", "test"}


@pytest.mark.parametrize("count", [30, 400, pytest.param(3_200, marks=pytest.mark.slow)])
def test_every_pair_that_is_near_is_found_among_few_and_among_many(count: int) -> None:
    draw = Random(3)  # noqa: S311 - no secret
    vocabulary = ["".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=7)) for _ in range(3_000)]
    texts = [" ".join(draw.sample(vocabulary, 8)) for _ in range(count)]
    texts += [f"{text} {draw.choice(vocabulary)}" for text in texts[:10]]
    ((places, near),) = near_blocks(texts)
    assert sorted(places) == list(range(count + 10))
    for at in range(10):
        assert near(at)[count + at] == pytest.approx(likeness(texts[at], texts[count + at]), abs=1e-6)
        assert near(count + at)[at] > NEAR


def test_requests_that_differ_in_a_number_or_in_a_negation_are_different_questions() -> None:
    assert likeness("How many CAPAs are overdue on line 3?", "How many CAPAs are overdue on line 4?") == 0
    assert likeness("Is CAPA-2026-0014 late?", "Is CAPA-2026-0015 late?") == 0
    assert likeness("Which of the CAPAs are overdue?", "Which of the CAPAs are not overdue?") == 0
    assert likeness("Which CAPAs are overdue at PERSON_1?", "Which CAPAs are overdue at PERSON_2?") > NEAR
    assert numbers_of("no CAPA-1 without 2") == ("2", "capa-1")


def test_a_copy_on_another_side_is_left_out_and_gives_no_sources_away() -> None:
    groups = {
        side: next(f"g{n}" for n in range(99) if side_of(0, f"g{n}", _SHARES) == side) for side in ("train", "test")
    }
    rows = [
        row(0, "Which suppliers are late again?", groups["train"], score=0.8),
        row(1, "Which suppliers are late again", groups["test"], score=1.0),
        *(row(10 + n, f"What about line {n}?", f"h{n}") for n in range(20)),
    ]
    made = freeze(rows, seed=0)
    (kept,) = [one for one in made.items if "suppliers" in one.request]
    assert (kept.split, kept.run_ids) == ("test", (UUID(int=1_000_001),))
    assert made.report["left_out"]["near_copies_of_another_side"] == 1


def test_copies_on_one_side_become_one_with_all_sources() -> None:
    rows = [row(0, "Which suppliers are late?", "a"), row(1, "which  suppliers are LATE", "a"), *many()[5:]]
    made = freeze(rows, seed=0)
    (kept,) = [one for one in made.items if "uppliers" in one.request]
    assert len(kept.run_ids) == len(kept.feedback_ids) == 2
    assert made.report["left_out"]["copies"] == 1


def test_too_few_conversations_are_refused_in_words() -> None:
    with pytest.raises(InvalidInputError, match="2 conversations"):
        freeze([row(0, "One?", "a"), row(1, "Two 2?", "b"), row(2, "Three 3?", "b")])
    three = freeze([row(0, "One?", "a"), row(1, "Two 2?", "b"), row(2, "Three 3?", "c")])
    assert {one.split for one in three.items} == {"train", "dev", "test"}
    with pytest.raises(InvalidInputError, match="would be empty"):
        freeze([row(0, "One?", "a"), row(1, "Two 2?", "b"), row(2, "Three 3?", "c")], seed=_bad_seed())


def _bad_seed() -> int:
    return next(seed for seed in range(99) if len({side_of(seed, one, _SHARES) for one in "abc"}) < 3)


# Whose word counts ----------------------------------------------------------------------------------------------------


def test_a_person_outweighs_a_model_that_outweighs_a_judge_that_outweighs_a_scorer() -> None:
    standings: tuple[tuple[Standing, float], ...] = (
        ("automatic", 1.0),
        ("judge", 0.9),
        ("relayed", 0.8),
        ("human", 0.75),
    )
    for heard in range(1, 5):
        rows = [
            row(at, "Which suppliers are late?", "x", score=score, standing=standing, run=500)
            for at, (standing, score) in enumerate(standings[:heard])
        ]
        made = freeze([*rows, *many()[10:]])
        (item,) = [one for one in made.items if "suppliers" in one.request]
        assert item.score == standings[heard - 1][1]
        assert item.weight == (0.1, 0.3, 0.6, 1.0)[heard - 1]
        assert len(item.feedback_ids) == heard


def test_of_one_person_the_latest_word_counts_and_of_several_the_mean() -> None:
    rows = [
        row(0, "Which suppliers are late?", "x", score=0.1, run=500),
        row(1, "Which suppliers are late?", "x", score=0.8, run=500),
        row(2, "Which suppliers are late?", "x", score=1.0, run=500, person=2),
    ]
    made = freeze([*rows, *many()[10:]])
    assert [one.score for one in made.items if "suppliers" in one.request] == [0.9]


def test_only_validated_leaves_out_what_no_person_validated() -> None:
    rows = [*many(20), *(row(50 + n, f"And line {n + 50}?", f"y{n}", standing="judge") for n in range(5))]
    assert freeze(rows, validated="only").report["left_out"] == {"not_validated": 5}
    assert len(freeze(rows).items) == 25


def test_a_poor_answer_stays_only_with_what_a_person_missed_and_without_the_answer() -> None:
    rows = [
        *many(20),
        row(50, "Poor without a word?", "p", score=0.1),
        row(51, "Poor and judged?", "q", score=0.1, standing="judge", comment="The judge misses dates."),
        row(52, "Poor and told?", "r", score=0.1, label="incomplete", comment="It misses CAPA-2026-0014.",
            details={"must_mention": ["CAPA-2026-0014"]}),
    ]  # fmt: skip
    made = freeze(rows)
    (hard,) = [one for one in made.items if one.slices["case"] == "hard"]
    assert hard.expected == {"rubric": "incomplete: It misses CAPA-2026-0014.", "must_mention": ["CAPA-2026-0014"]}
    assert made.report["left_out"] == {"below_threshold": 2}


def test_a_correction_by_a_person_is_the_expected_answer() -> None:
    rows = [*many(20), row(52, "Poor and corrected?", "r", score=0.1, details={"corrected": answer("Three are.")})]
    (hard,) = [one for one in freeze(rows).items if one.slices["case"] == "hard"]
    assert hard.expected["answer"]["summary"] == "Three are."


def test_what_is_too_long_or_no_answer_is_left_out_and_counted() -> None:
    rows = [
        *many(20),
        row(50, "Long?", "l", too_long=True),
        row(51, "Odd?", "o", output={"text": "?"}),
        row(52, "x" * 40_000, "z"),
    ]
    assert freeze(rows).report["left_out"] == {"too_long": 2, "unreadable": 1}


def test_balancing_keeps_the_validated_ones_and_counts_the_others() -> None:
    rows = [*many(20), *(row(50 + n, f"And line {n + 50}?", f"y{n}", standing="judge") for n in range(20))]
    made = freeze(rows, balance=12, seed=1)
    assert made.report["left_out"]["balanced_away"] == 40 - len(made.items)
    assert max(made.report["slices"]["subject"].values()) <= 24


def test_slices_name_subject_length_version_severity_and_kind() -> None:
    made = freeze([*many(), row(90, "Is CMP-2026-0003 reportable?", "c")])
    (one,) = [one for one in made.items if "CMP" in one.request]
    assert one.slices == {
        "subject": "complaint", "length": "short", "version": "qa@abc", "severity": "major", "case": "good",
    }  # fmt: skip


# Masking --------------------------------------------------------------------------------------------------------------

_PEOPLE = (
    "Zoë Ångström-Müller",
    "José Peña",
    "山田 太郎",
    "Nguyễn Thị Ánh",
    "Will Hunt",
    "Ольга Иванова",
    "O\u2019Neil Burke",
)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Ask Zoë Ångström-Müller or zoë ångström-müller.", "Ask PERSON_1 or PERSON_1."),
        ("Ask Zoe\u0308 A\u030angstro\u0308m-Mu\u0308ller.", "Ask PERSON_1."),
        ("Peña, José and J. Peña and Mr. Peña", "PERSON_1 and PERSON_1 and Mr. PERSON_1"),
        ("担当は山田 太郎です", "担当はPERSON_1です"),
        ("Nguyễn Thị Ánh and Ольга ИВАНОВА", "PERSON_1 and PERSON_2"),
        ("We will hunt for the cause.", "We PERSON_1 for the cause."),
        ("The hunt goes on; will it?", "The hunt goes on; will it?"),
        ("a.b+c@example.co.uk and A.B+c@example.co.uk", "EMAIL_1 and EMAIL_1"),
        ("Call +49 (0)30 1234567 or 555-123-4567.", "Call PHONE_1 or PHONE_2."),
        ("CAPA-2026-0014, NC-2026-123456, 2026-11-23, 10:30, 12,345.678 mm", None),
        ("sizes 1234567890123 and 4 x 0.0450 and ISO 13485:2016", None),
        ("DE89 3704 0044 0532 0130 00, not DE00 3704 9944 9532 9130 99", "IBAN_1, not DE00 3704 9944 9532 9130 99"),
        ("card 4111 1111 1111 1111", "card CARD_1"),
        ("lot LOT-2024-17 of PAT 00123 stays CAPA-2026-0001", "lot IDENTIFIER_1 of IDENTIFIER_2 stays CAPA-2026-0001"),
        ("key sk-" + "ant-" + "a1B2" * 8, "key [masked]"),
    ],
)  # fmt: skip
def test_secrets_and_personal_data_are_masked_and_records_stay(text: str, masked: str | None) -> None:
    made = freeze([*many(), row(90, text, "x")], _PEOPLE, identifiers=("LOT", "PAT"))
    assert (masked or text) in requests(made)


def test_the_same_person_has_the_same_placeholder_in_question_and_answer() -> None:
    said = answer("Ольга Иванова and José Peña were late.", subject="José Peña")
    made = freeze([*many(), row(90, "Was José Peña late?", "x", output=said)], _PEOPLE)
    (item,) = [one for one in made.items if "PERSON" in one.request]
    assert item.expected["answer"]["summary"] == "PERSON_2 and PERSON_1 were late."
    assert item.expected["answer"]["insights"][0]["subject"] == "PERSON_1"
    assert made.report["masked"] == {"person": 6}
    assert "José" not in json.dumps(made.items[0].expected, ensure_ascii=False)


def test_a_secret_is_masked_by_the_name_of_its_key_in_what_was_given_along() -> None:
    one = row(90, "Use it?", "x")
    given = replace(one, input={"request": "Use it?", "inputs": {"api_key": "abc", "note": "stays"}})
    (item,) = [item for item in freeze([*many(), given]).items if item.inputs]
    assert dict(item.inputs) == {"api_key": "[masked]", "note": "stays"}


# Written by hand ------------------------------------------------------------------------------------------------------


def test_lines_that_can_not_be_used_are_named_by_number() -> None:
    lines = [
        '{"request": "Fine?", "expected": {"must_mention": ["x"]}}', "", "{",
        '{"request": "", "expected": {"rubric": "x"}}',
        '{"request": "a", "expected": {"answer": {"summary": "s"}}}', '{"request": "a", "expect": 1}',
        '{"request": "a", "expected": {"numbers": NaN}}',
    ]  # fmt: skip
    with pytest.raises(InvalidInputError) as refused:
        drafts_of_lines(lines)
    for words in (
        "line 3: it is no JSON",
        "line 4: request is missing",
        "line 5: expected.answer.insights",
        "line 6: 'expect'",
        "line 7:",
    ):
        assert words in refused.value.message


def test_too_many_lines_are_refused() -> None:
    line = '{"request": "Fine?", "expected": {"must_mention": ["x"]}}'
    with pytest.raises(LimitExceededError):
        drafts_of_lines(line for _ in range(5_001))


def test_cases_written_by_hand_are_frozen_like_any_other() -> None:
    lines = [
        json.dumps({"request": f"How many on line {n}?", "expected": {"must_mention": [str(n)]}}) for n in range(12)
    ]
    made = frozen_drafts(drafts_of_lines(lines), Spec(min_n=1), ())
    assert len(made.items) == 12
    assert {one.slices["origin"] for one in made.items} == {"imported"}
    assert {one.split for one in made.items} == {"train", "dev", "test"}
