"""What feedback says: groups, spread, trends, patterns and agreement, on rows made up for it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from math import sqrt
from statistics import correlation, fmean, stdev
from typing import Any
from uuid import UUID, uuid5

import pytest

from qms_mcp.services.learning.feedback.agreement import agreement, weighted_kappa
from qms_mcp.services.learning.feedback.analysing import Asked, Row, analysis_of, bad_answers, distribution
from qms_mcp.services.learning.feedback.models import FeedbackAnalysis
from qms_mcp.services.learning.feedback.patterns import BadAnswer, Vectors, by_letters, patterns_of

pytestmark = pytest.mark.anyio
START = datetime(2026, 9, 7, tzinfo=UTC)
_SPACE = UUID(int=7)
# 97.5 % quantiles of Student's distribution with four and five degrees of freedom, from its tables.
T_4, T_5 = 2.776445105, 2.570581836


def run_id(n: int) -> UUID:
    return uuid5(_SPACE, str(n))


def row(n: int, score: float, **parts: Any) -> Row:
    own: dict[str, Any] = {
        "id": uuid5(_SPACE, f"{n} {parts}"), "run_id": run_id(n), "source": "user", "given_kind": "agent",
        "score": score, "label": "", "comment": None, "agent": "qa", "version": "qa@1", "created_at": START,
        "request": "Look.", "is_partial": False, **parts,
    }  # fmt: skip
    return Row(**own)


async def letters(texts: Sequence[str]) -> Vectors:
    return by_letters(texts)


async def analysed(rows: Sequence[Row], **asked: Any) -> FeedbackAnalysis:
    return await analysis_of(Asked(**asked), START, START + timedelta(days=90), rows, letters, cut=False)


def test_scores_are_counted_in_tenths_and_one_is_in_the_last() -> None:
    assert distribution([0, 0.05, 0.1, 0.3, 0.7, 0.99, 1]) == [2, 1, 0, 1, 0, 0, 0, 1, 0, 2]
    assert distribution([]) == []


async def test_people_and_what_was_passed_on_are_told_apart() -> None:
    rows = [row(n, 0.9, given_kind="human") for n in range(6)] + [row(n, 0.2) for n in range(3)]
    rows += [row(n, 0.5, source="automated", given_kind="system") for n in range(8)]
    found = await analysed(rows)
    assert [(one["group"], one["n"], one["average"]) for one in found.given_by] == [
        ("people", 6, 0.9), ("users (passed on)", 3, 0.2), ("scorers", 8, 0.5),
    ]  # fmt: skip
    assert [one.get("few", False) for one in found.given_by] == [False, True, False]
    assert found.n == 17


async def test_an_interval_is_students() -> None:
    scores = [0.2, 0.4, 0.5, 0.5, 0.9]
    (found,) = (await analysed([row(n, score) for n, score in enumerate(scores)])).given_by
    half = T_4 * stdev(scores) / sqrt(5)
    assert found["interval"] == [round(fmean(scores) - half, 4), round(fmean(scores) + half, 4)]


async def test_groups_are_ordered_from_the_worst_and_days_by_time() -> None:
    rows = [row(1, 0.9, version="qa@1"), row(2, 0.1, version="qa@2"), row(3, 0.3, version="qa@2", given_kind="human")]
    found = await analysed(rows, by="version", min_n=2)
    assert [(one["group"], one["n"], one.get("few", False)) for one in found.groups] == [
        ("qa@2", 2, False), ("qa@1", 1, True),
    ]  # fmt: skip
    assert found.groups[0]["given_by"]["people"] == {"n": 1, "average": 0.3}
    days = [row(n, 0.5, created_at=START + timedelta(days=n)) for n in (3, 1, 2)]
    assert [one["group"] for one in (await analysed(days, by="day")).groups] == [
        "2026-09-08",
        "2026-09-09",
        "2026-09-10",
    ]


async def test_a_falling_average_is_a_trend_and_few_weeks_are_said() -> None:
    rows = [row(n, 0.95 - 0.1 * n, created_at=START + timedelta(weeks=n)) for n in range(8)]
    (trend,) = (await analysed(rows)).trends
    assert trend["tau"] == -1
    assert trend["p"] < 0.001
    assert trend["note"] == "It falls."
    (short,) = (await analysed(rows[:2])).trends
    assert "too few" in short["note"]
    assert "p" not in short


async def test_too_little_feedback_is_said() -> None:
    found = await analysed([row(1, 0.5)])
    assert any("too few" in note for note in found.notes)
    assert (await analysed([])).headline == "No feedback in this time."


def test_an_answer_is_bad_by_its_mean_and_scorers_say_nothing_of_why() -> None:
    rows = [
        row(1, 0.2, comment="The number is wrong."),
        row(1, 0.4, source="automated", comment="latency: 3 s"),
        row(2, 0.9),
        row(3, 0.1, is_partial=True),
    ]
    (bad,) = bad_answers(rows, 0.6)
    assert bad.run_id == run_id(1)
    assert bad.score == pytest.approx(0.3)
    assert bad.text == "Look.\nThe number is wrong."


async def test_answers_that_went_wrong_alike_are_one_pattern_named_by_its_words() -> None:
    torque = [f"Check the torque certificates of press {n}" for n in ("north", "south", "east", "west")]
    late = [f"Which supplier audits are overdue in {n}?" for n in ("March", "April", "June")]
    rows = [row(n, 0.1 + n / 100, request=text) for n, text in enumerate([*torque, *late, "Hello there my friend"])]
    found = (await analysed(rows)).patterns
    assert [one["n"] for one in found] == [4, 3]
    assert {"torque", "certificates"} <= set(found[0]["named"].split(", "))
    assert {"supplier", "audits", "overdue"} <= set(found[1]["named"].split(", "))
    assert [one["score"] for one in found[0]["examples"]] == [0.1, 0.11, 0.12]
    assert found[0]["examples"][0]["run_id"] == str(run_id(0))


async def test_patterns_are_found_in_scripts_without_spaces() -> None:
    same = ["設備の校正記録を確認してください", "設備の校正記録を見せてください"]
    bad = [BadAnswer(run_id(n), 0.1, text) for n, text in enumerate([*same, "Totally other words"])]
    (found,) = patterns_of(bad, by_letters([one.text for one in bad]))
    assert {one.run_id for one in found.members} == {run_id(0), run_id(1)}
    assert found.named
    assert all(word in same[0] or word in same[1] for word in found.named)


def test_one_bad_answer_is_no_pattern_and_empty_words_do_no_harm() -> None:
    assert patterns_of([BadAnswer(run_id(1), 0, "x")], by_letters(["x"])) == ()
    bad = [BadAnswer(run_id(n), 0, text) for n, text in enumerate(("!!!", "???", "1 2 3"))]
    assert all(one.named for one in patterns_of(bad, by_letters([one.text for one in bad])))


def test_agreement_is_that_of_the_books_and_the_bias_has_an_interval() -> None:
    pairs = [(0.9, 0.6), (0.8, 0.7), (0.5, 0.1), (0.95, 0.9), (0.3, 0.2), (0.7, 0.35)]
    found = agreement("judges", "people", pairs)
    assert found is not None
    judges, people = zip(*pairs, strict=True)
    assert found.pearson == pytest.approx(correlation(judges, people))
    # The ranks are 5 4 2 6 1 3 and 4 5 1 6 2 3: without ties, 1 - 6 * sum of squared differences / (n (n^2 - 1)).
    assert found.spearman == pytest.approx(1 - 6 * 4 / (6 * 35))
    differences = [one - other for one, other in pairs]
    half = T_5 * stdev(differences) / sqrt(6)
    assert found.low == pytest.approx(fmean(differences) - half)
    assert found.high == pytest.approx(fmean(differences) + half)
    assert found.bias > 0
    assert "Only 6 runs" in found.note


def test_a_judge_that_is_too_kind_is_said_to_be() -> None:
    pairs = [(min(1.0, 0.3 + n / 40 + 0.2 + (n % 3) / 50), 0.3 + n / 40) for n in range(24)]
    found = agreement("judges", "people", pairs)
    assert found is not None
    assert found.note == "judges scores higher than people, beyond chance."


def test_kappa_is_one_for_the_same_minus_one_for_the_opposite_and_undefined_where_nothing_varies() -> None:
    assert weighted_kappa([(0.1, 0.1), (0.9, 0.95), (0.6, 0.7)]) == 1
    assert weighted_kappa([(0.1, 0.9), (0.9, 0.1)]) == -1
    assert weighted_kappa([(0.9, 0.9), (0.95, 0.9)]) is None
    # By hand: the squared distances observed are 1, 0, 0 and 4; those by chance follow from the margins.
    pairs = [(0.1, 0.6), (0.6, 0.6), (0.9, 0.9), (0.1, 0.9)]
    ours, theirs = (0.5, 0.25, 0.25), (0.0, 0.5, 0.5)
    chance = sum(ours[a] * theirs[b] * (a - b) ** 2 for a in range(3) for b in range(3))
    assert weighted_kappa(pairs) == pytest.approx(1 - 1.25 / chance)


async def test_sources_are_compared_on_the_runs_both_have_scored() -> None:
    rows = [row(n, 0.8, source="llm-judge", given_kind="system") for n in range(5)]
    rows += [row(n, 0.5, given_kind="human") for n in range(3, 9)]
    (found,) = (await analysed(rows)).agreement
    assert found["sources"] == ["judges", "people"]
    assert (found["n"], found["bias"]) == (2, 0.3)
    assert "interval" not in found
