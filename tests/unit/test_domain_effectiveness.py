"""Verdicts of effectiveness criteria, and exact tests against slow but certain sums of fractions."""

import math
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qms_mcp.errors import InvalidInputError
from qms_mcp.services.domain.effectiveness import (
    Baseline,
    Counted,
    Criterion,
    check_criterion,
    judge,
    observe_count,
    observe_rate,
    observe_value,
)
from qms_mcp.services.domain.exact_tests import binomial_tail, compare_counts, compare_proportions, poisson_tail

START, END = date(2026, 1, 1), date(2026, 3, 31)
AFTER = END + timedelta(days=1)
COUNT = Criterion(
    metric="complaints about leaks",
    measure="count",
    counted=Counted(category="complaint", tags=("leak",)),
    baseline=Baseline(value=12),
    target=3,
    window_start=START,
    window_end=END,
    minimum_sample=90,
)
RATE = COUNT.model_copy(
    update={
        "measure": "rate",
        "per": Counted(category="nonconformance"),
        "baseline": Baseline(value=0.1),
        "target": 0.02,
        "minimum_sample": 100,
    }
)


def test_a_count_is_met_only_after_its_window() -> None:
    seen = observe_count(COUNT, 2, END)
    assert judge(COUNT, seen, END).verdict == "too_early", "the last day is not over"
    over = judge(COUNT, observe_count(COUNT, 2, AFTER), AFTER)
    assert (over.verdict, over.value, over.sample) == ("met", 2.0, 90)
    assert over.chance == pytest.approx(poisson_tail(2, 12, "at_most"))
    assert "2 against <= 3 (baseline 12)" in over.why


def test_a_count_that_is_past_its_target_is_not_met_before_the_window_ends() -> None:
    midway = START + timedelta(days=30)
    assert judge(COUNT, observe_count(COUNT, 4, midway), midway).verdict == "not_met"
    grows = COUNT.model_copy(update={"comparator": ">=", "target": 20})
    assert judge(grows, observe_count(grows, 4, midway), midway).verdict == "too_early"


def test_a_rate_with_too_small_a_sample_is_too_early_however_good_it_looks() -> None:
    few = judge(RATE, observe_rate(RATE, 0, 99, AFTER), AFTER)
    assert few.verdict == "too_early"
    assert "99 opportunities seen, 100 needed" in few.why
    enough = judge(RATE, observe_rate(RATE, 2, 100, AFTER), AFTER)
    assert enough.verdict == "met"
    assert judge(RATE, observe_rate(RATE, 3, 100, AFTER), AFTER).verdict == "not_met"
    assert judge(RATE, observe_rate(RATE, 0, 0, AFTER), AFTER).verdict == "too_early"


def test_a_value_that_cannot_be_computed_is_no_verdict() -> None:
    value = COUNT.model_copy(update={"measure": "value", "statement": "x", "minimum_sample": 30, "comparator": ">="})
    value = value.model_copy(update={"baseline": Baseline(value=0.9), "target": 1.33})
    assert judge(value, observe_value(value, None, 50, AFTER), AFTER).verdict == "too_early"
    met = judge(value, observe_value(value, 1.4, 50, AFTER), AFTER)
    assert (met.verdict, met.chance, met.method) == ("met", None, "not computed")


@given(
    st.integers(0, 40),
    st.integers(0, 200),
    st.sampled_from(["<=", "<", ">=", ">"]),
    st.floats(0, 40, allow_nan=False),
)
def test_before_the_window_ends_nothing_is_ever_met(events: int, offset: int, comparator: str, target: float) -> None:
    criterion = COUNT.model_copy(update={"comparator": comparator, "target": target})
    today = START + timedelta(days=offset)
    verdict = judge(criterion, observe_count(criterion, events, today), today).verdict
    assert verdict != "met" or today > END


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"window_end": START}, "ends before it begins"),
        ({"target": 20}, "worse than the baseline"),
        ({"comparator": ">=", "target": 3}, "worse than the baseline"),
        ({"counted": None}, "which records count"),
        ({"measure": "rate"}, "records it is per"),
        ({"measure": "value"}, "needs a statement"),
        ({"minimum_sample": 0}, "1 or more"),
        ({"minimum_sample": 91}, "above its days"),
        ({"metric": " "}, "1 to 500 characters"),
    ],
)
def test_a_criterion_that_cannot_be_measured_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        check_criterion(COUNT.model_copy(update=change))
    assert check_criterion(COUNT) is COUNT


def exact_binomial(events: int, trials: int, p: Fraction) -> Fraction:
    return sum((math.comb(trials, k) * p**k * (1 - p) ** (trials - k) for k in range(events + 1)), Fraction(0))


@given(st.integers(0, 60), st.integers(1, 60), st.integers(1, 19))
def test_the_binomial_tails_are_those_of_fractions(events: int, trials: int, twentieths: int) -> None:
    events = min(events, trials)
    p = Fraction(twentieths, 20)
    expected = exact_binomial(events, trials, p)
    assert binomial_tail(events, trials, float(p), "at_most") == pytest.approx(float(expected), rel=1e-9)
    above = 1 - (exact_binomial(events - 1, trials, p) if events else Fraction(0))
    assert binomial_tail(events, trials, float(p), "at_least") == pytest.approx(float(above), rel=1e-9)


@given(st.integers(0, 30), st.integers(1, 30), st.integers(0, 30), st.integers(1, 30))
def test_fishers_test_is_that_of_fractions(events: int, trials: int, before: int, trials_before: int) -> None:
    events, before = min(events, trials), min(before, trials_before)
    total = events + before
    whole = math.comb(trials + trials_before, total)
    ways = sum(
        math.comb(trials, k) * math.comb(trials_before, total - k)
        for k in range(max(0, total - trials_before), events + 1)
    )
    assert compare_proportions(events, trials, before, trials_before, "at_most") == pytest.approx(
        float(Fraction(ways, whole)), rel=1e-9
    )


def test_known_poisson_values() -> None:
    assert poisson_tail(0, 3, "at_most") == pytest.approx(math.exp(-3))
    assert poisson_tail(2, 3, "at_most") == pytest.approx(math.exp(-3) * (1 + 3 + 4.5))
    assert poisson_tail(1, 3, "at_least") == pytest.approx(1 - math.exp(-3))
    assert poisson_tail(3, 0, "at_most") == 1
    assert poisson_tail(3, 0, "at_least") == 0
    assert poisson_tail(10_000, 10_000, "at_most") == pytest.approx(0.5, abs=0.01)


def test_equal_rates_are_no_surprise_and_a_clear_drop_is() -> None:
    assert compare_counts(10, 90, 10, 90, "at_most") > 0.5
    assert compare_counts(1, 90, 20, 90, "at_most") < 0.001
