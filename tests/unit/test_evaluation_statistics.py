"""Paired comparisons: against scipy, by hand, and in simulation."""

from itertools import product
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.experiments.paired import compared, passing, ratio_of
from qms_mcp.statistics.experiments.resampling import bca, sign_flip
from qms_mcp.statistics.experiments.slices import sliced

SCIPY = cast("Any", stats)
BEFORE = [0.50, 0.62, 0.41, 0.77, 0.35, 0.58, 0.69, 0.44, 0.51, 0.66]
AFTER = [0.61, 0.70, 0.40, 0.85, 0.52, 0.60, 0.81, 0.43, 0.64, 0.72]


def mean_of(values: Any, axis: int) -> Any:
    return values.mean(axis=axis)


def ratio_of_means(before: Any, after: Any, axis: int) -> Any:
    return after.mean(axis=axis) / before.mean(axis=axis)


scores = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=12)


def test_student_interval_and_effect_are_those_of_scipy_and_by_hand() -> None:
    found = compared(BEFORE, AFTER)
    theirs = SCIPY.ttest_rel(AFTER, BEFORE)
    interval = theirs.confidence_interval(0.95)
    assert found.student is not None
    assert found.student == pytest.approx((interval.low, interval.high), abs=1e-9)
    differences = np.array(AFTER) - np.array(BEFORE)
    # Hedges' factor for 9 degrees of freedom is 0.9143 by his table.
    assert found.effect == pytest.approx(differences.mean() / differences.std(ddof=1) * 0.9143, rel=1e-3)
    assert (found.improved, found.worsened, found.equal) == (8, 2, 0)


def test_the_sign_flip_test_is_scipys_exact_permutation_test() -> None:
    differences = np.array(AFTER) - np.array(BEFORE)
    theirs = {
        side: SCIPY.permutation_test(
            (differences,), mean_of, permutation_type="samples", n_resamples=np.inf,
            alternative=side, vectorized=True,
        ).pvalue
        for side in ("two-sided", "greater", "less")
    }  # fmt: skip
    found = sign_flip(differences)
    assert found.exact
    assert found.p == pytest.approx(theirs["two-sided"])
    assert found.p_greater == pytest.approx(theirs["greater"])
    assert found.p_less == pytest.approx(theirs["less"])


def test_three_gains_by_hand_have_two_in_eight() -> None:
    # All eight combinations of signs; only +++ and --- are as far from 0 as 6.
    sums = [
        sum(sign * value for sign, value in zip(signs, (1, 2, 3), strict=True)) for signs in product((1, -1), repeat=3)
    ]
    assert sum(abs(one) >= 6 for one in sums) == 2
    assert sign_flip(np.array([1.0, 2.0, 3.0])).p == 2 / 8


def test_many_differences_are_drawn_and_near_the_exact_answer_of_a_normal_sum() -> None:
    random = np.random.default_rng(4)
    differences = random.normal(0.25, 1.0, 80)
    found = sign_flip(differences, seed=1)
    assert not found.exact
    z = differences.sum() / np.sqrt((differences**2).sum())
    assert found.p == pytest.approx(2 * SCIPY.norm.sf(abs(z)), abs=0.01)
    assert sign_flip(differences, seed=1) == found
    assert sign_flip(np.full(80, 1.0)).p > 0


def test_wilcoxon_is_scipys() -> None:
    found = compared(BEFORE, AFTER)
    differences = np.round(np.array(AFTER) - np.array(BEFORE), 12)
    assert found.p_ranks == pytest.approx(SCIPY.wilcoxon(differences, method="approx", correction=False).pvalue)


@pytest.mark.parametrize("level", [0.90, 0.95])
def test_the_bootstrap_interval_is_near_scipys(level: float) -> None:
    random = np.random.default_rng(12)
    values = random.exponential(1.0, 60)
    found = bca(values.reshape(-1, 1), lambda means: means[:, 0], level=level, seed=3)
    theirs = SCIPY.bootstrap((values,), np.mean, confidence_level=level, method="BCa", n_resamples=20_000, rng=5)
    interval = theirs.confidence_interval
    assert found == pytest.approx((interval.low, interval.high), abs=0.02)


def test_the_bounds_are_one_sided_and_the_most_careful_of_three() -> None:
    found = compared(BEFORE, AFTER, level=0.95)
    inner = SCIPY.ttest_rel(AFTER, BEFORE).confidence_interval(0.90)
    assert found.lower <= inner.low + 1e-12
    assert found.upper >= inner.high - 1e-12
    # By hand: with a gain and a loss of 0.17 more, Student's bound of twelve.
    more = np.append(np.array(AFTER) - np.array(BEFORE), [0.17, -0.17])
    assert found.lower == pytest.approx(more.mean() - 1.7958848 * more.std(ddof=1) / np.sqrt(12), abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("n", [10, 30])
def test_the_lower_bound_holds_as_often_as_it_says_for_lumpy_scores_too(n: int) -> None:
    def drawn(size: int) -> tuple[Any, Any]:
        before = random.choice([0, 0.2, 0.5, 0.8, 1.0], size, p=[0.1, 0.1, 0.2, 0.3, 0.3])
        change = random.choice([-0.5, -0.2, 0, 0.2, 0.5], size, p=[0.08, 0.12, 0.6, 0.12, 0.08])
        return before, np.clip(before + change, 0, 1)

    random, held = np.random.default_rng(n), 0
    first, second = drawn(1_000_000)
    truth = float((second - first).mean())
    for _ in range(200):
        before, after = drawn(n)
        held += compared(before.tolist(), after.tolist()).lower <= truth
    assert held >= 0.92 * 200


def test_without_a_difference_false_alarms_are_as_rare_as_the_level_says() -> None:
    random, alarms = np.random.default_rng(9), 0
    for _ in range(400):
        differences = random.choice([-0.5, -0.1, 0.0, 0.1, 0.5], 12)
        alarms += sign_flip(differences).p <= 0.05
    assert alarms <= 0.05 * 400 + 3 * np.sqrt(400 * 0.05 * 0.95)


def test_two_that_never_differ_are_known_to_be_equal_on_these_cases_alone() -> None:
    found = compared([0.4, 0.9, 0.7], [0.4, 0.9, 0.7])
    assert (found.difference, found.p, found.p_ranks, found.effect, found.student) == (0, 1, None, None, None)
    assert (found.lower, found.upper, found.equal) == (0, 0, 3)


@settings(max_examples=40, deadline=None)
@given(scores)
def test_swapping_the_versions_turns_everything_around(pairs: list[tuple[float, float]]) -> None:
    before, after = [one for one, _ in pairs], [other for _, other in pairs]
    forth, back = compared(before, after), compared(after, before)
    assert forth.difference == pytest.approx(-back.difference, abs=1e-9)
    assert forth.p == pytest.approx(back.p)
    assert forth.p_better == pytest.approx(back.p_worse)
    assert (forth.improved, forth.worsened) == (back.worsened, back.improved)


@settings(max_examples=40, deadline=None)
@given(scores)
def test_a_bound_is_never_on_the_wrong_side(pairs: list[tuple[float, float]]) -> None:
    found = compared([one for one, _ in pairs], [other for _, other in pairs])
    assert found.lower <= found.difference + 1e-9
    assert found.upper >= found.difference - 1e-9
    assert 0 < found.p <= 1


def test_mcnemar_is_the_exact_binomial_of_those_that_changed() -> None:
    before = [True] * 20 + [False] * 10
    after = [True] * 18 + [False] * 2 + [True] * 7 + [False] * 3
    found = passing(before, after)
    assert (found.lost, found.gained, found.before, found.after) == (2, 7, 20, 25)
    assert found.p == pytest.approx(SCIPY.binomtest(2, 9, 0.5).pvalue)
    # Agresti and Min 2005 by hand: (7.5 - 2.5) / 32 and sqrt(10 - 25 / 32) / 32.
    assert (found.low, found.high) == pytest.approx(
        (5 / 32 - 1.959964 * 0.0948824, 5 / 32 + 1.959964 * 0.0948824), abs=1e-5
    )


def test_nothing_changed_is_no_evidence() -> None:
    found = passing([True, False], [True, False])
    assert found.p == 1
    assert found.low < 0 < found.high


def test_the_ratio_of_costs_is_that_of_the_means_with_an_interval() -> None:
    random = np.random.default_rng(2)
    before = random.gamma(2.0, 0.01, 80)
    after = before * 1.5 * random.lognormal(0, 0.1, 80)
    found = ratio_of(before.tolist(), after.tolist())
    assert found.ratio == pytest.approx(after.mean() / before.mean())
    assert found.low is not None
    assert found.high is not None
    theirs = SCIPY.bootstrap(
        (before, after), ratio_of_means, paired=True, method="BCa",
        n_resamples=9_999, rng=1, vectorized=True,
    ).confidence_interval  # fmt: skip
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=0.01)


def test_what_cost_nothing_before_has_no_ratio() -> None:
    found = ratio_of([0.0, 0.0], [1.0, 2.0])
    assert (found.ratio, found.low, found.after) == (None, None, 1.5)


def test_a_slice_that_got_worse_shows_though_the_whole_got_better() -> None:
    random = np.random.default_rng(5)
    labels = [{"subject": "capa" if at % 4 else "audit"} for at in range(80)]
    before = random.uniform(0.3, 0.7, 80)
    change = [0.15 if label["subject"] == "capa" else -0.2 for label in labels]
    after = before + change + random.normal(0, 0.05, 80)
    found = {one.name: one for one in sliced(before.tolist(), after.tolist(), labels)}
    assert compared(before.tolist(), after.tolist()).difference > 0
    audit, capa = found["audit"], found["capa"]
    assert audit.p_worse is not None
    assert audit.p_worse < 0.001
    assert audit.found is not None
    assert audit.found.upper < 0
    assert capa.p_better is not None
    assert capa.p_better < 0.001


def test_slices_pay_for_their_number_and_small_ones_are_only_named() -> None:
    random = np.random.default_rng(6)
    before = random.uniform(0, 1, 44)
    after = before - 0.02 + random.normal(0, 0.05, 44)
    labels = [{"line": f"{at // 10}"} for at in range(44)]
    found = sliced(before.tolist(), after.tolist(), labels)
    assert [one.n for one in found] == [10, 10, 10, 10, 4]
    assert found[-1].found is None
    assert found[-1].p_worse is None
    alone = compared(before[:10].tolist(), after[:10].tolist())
    assert found[0].found is not None
    assert found[0].p_worse is not None
    assert found[0].p_worse >= alone.p_worse
    assert found[0].found.lower <= alone.lower


@pytest.mark.parametrize(("before", "after"), [([0.5], [0.5]), ([0.5, 0.6], [0.5]), ([0.5, float("nan")], [0.5, 0.6])])
def test_what_can_not_be_compared_is_refused(before: list[float], after: list[float]) -> None:
    with pytest.raises(InvalidInputError):
        compared(before, after)
