"""Exact intervals against published tables, and against the tails they are defined by."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qms_mcp.errors import InvalidInputError
from qms_mcp.services.domain.exact_tests import binomial_tail, poisson_tail
from qms_mcp.statistics.intervals import (
    clopper_pearson,
    mean_interval,
    mean_interval_of,
    poisson_difference,
    poisson_rate,
    poisson_ratio,
    sd_interval,
    sd_interval_of,
    wilson,
)
from tests.support.spc_data import answers, spc_column

# Newcombe, Statistics in Medicine 17 (1998) 857-872, table I: methods 3 (score) and 5 (Clopper-Pearson).
NEWCOMBE = [
    (81, 263, (0.2553, 0.3662), (0.2527, 0.3676)),
    (15, 148, (0.0624, 0.1605), (0.0578, 0.1617)),
    (0, 20, (0.0000, 0.1611), (0.0000, 0.1684)),
    (1, 29, (0.0061, 0.1718), (0.0009, 0.1776)),
]
# Conover, Practical Nonparametric Statistics, table A4 (95 %, n = 10), after Clopper and Pearson (1934).
CONOVER = [(0, 0.000, 0.308), (1, 0.003, 0.445), (5, 0.187, 0.813)]
# Garwood (1936), as in Pearson and Hartley, Biometrika Tables for Statisticians I, table 40 (95 %).
GARWOOD = [
    (0, 0.0, 3.69),
    (1, 0.0253, 5.57),
    (2, 0.242, 7.22),
    (3, 0.619, 8.77),
    (4, 1.09, 10.24),
    (5, 1.62, 11.67),
    (10, 4.80, 18.39),
    (20, 12.22, 30.89),
    (50, 37.11, 65.92),
]


@pytest.mark.parametrize(("k", "n", "score", "exact"), NEWCOMBE)
def test_proportions_have_the_intervals_newcombe_prints(
    k: int, n: int, score: tuple[float, float], exact: tuple[float, float]
) -> None:
    assert wilson(k, n) == pytest.approx(score, abs=5e-5)
    assert clopper_pearson(k, n) == pytest.approx(exact, abs=5e-5)


@pytest.mark.parametrize(("k", "low", "high"), CONOVER)
def test_the_exact_interval_is_that_of_the_table(k: int, low: float, high: float) -> None:
    # The table cuts 0.3085 to .308.
    assert clopper_pearson(k, 10) == pytest.approx((low, high), abs=6e-4)


@pytest.mark.parametrize(("k", "low", "high"), GARWOOD)
def test_counts_have_the_limits_garwood_tabulated(k: int, low: float, high: float) -> None:
    found = poisson_rate(k, 1.0)
    assert found.low == pytest.approx(low, rel=3e-3)
    assert found.high == pytest.approx(high, abs=6e-3)


def test_no_event_leaves_an_upper_limit_of_minus_the_logarithm_of_the_tail() -> None:
    assert poisson_rate(0, 1.0).high == pytest.approx(-math.log(0.025), rel=1e-14)
    assert poisson_rate(0, 4.0).high == pytest.approx(3.688879454113936 / 4, rel=1e-14)
    assert clopper_pearson(0, 60, 0.90).high == pytest.approx(1 - 0.05 ** (1 / 60), rel=1e-13), "rule of three"


def test_a_rate_has_the_interval_of_the_manual_of_r() -> None:
    # help(poisson.test) of R: 137 events in 24.19893 give 5.661407, 95 % 4.753125 to 6.692709.
    assert poisson_rate(137, 24.19893) == pytest.approx((4.753125, 6.692709), abs=1e-6)


@given(st.integers(0, 400), st.integers(1, 400), st.sampled_from([0.8, 0.95, 0.99]))
def test_the_ends_of_an_exact_proportion_leave_half_of_the_rest_in_each_tail(k: int, more: int, level: float) -> None:
    n, tail = k + more, (1 - level) / 2
    low, high = clopper_pearson(k, n, level)
    assert binomial_tail(k, n, high, "at_most") == pytest.approx(tail, rel=1e-7)
    if k:
        assert binomial_tail(k, n, low, "at_least") == pytest.approx(tail, rel=1e-7)


@given(st.integers(0, 400), st.floats(1e-3, 1e6), st.sampled_from([0.8, 0.95, 0.99]))
def test_the_ends_of_an_exact_rate_leave_half_of_the_rest_in_each_tail(k: int, exposure: float, level: float) -> None:
    low, high = poisson_rate(k, exposure, level)
    tail = (1 - level) / 2
    assert poisson_tail(k, high * exposure, "at_most") == pytest.approx(tail, rel=1e-7)
    if k:
        assert poisson_tail(k, low * exposure, "at_least") == pytest.approx(tail, rel=1e-6)


@given(st.integers(0, 60), st.integers(0, 60), st.floats(0.01, 100))
def test_a_ratio_excludes_one_exactly_when_the_test_says_so(k1: int, k2: int, exposure: float) -> None:
    if not k1 + k2:
        return
    found = poisson_ratio(k1, exposure, k2, 1.0)
    outside = found.low > 1 or (found.high is not None and found.high < 1)
    assert outside is (found.p < 0.05) or found.p == pytest.approx(0.05, rel=1e-6)
    back = poisson_ratio(k2, 1.0, k1, exposure)
    assert back.p == pytest.approx(found.p, rel=1e-9)
    if found.high is not None and back.high is not None and found.low > 0:
        assert back.low * found.high == pytest.approx(1, rel=1e-9)
    assert (found.high is None) is (k2 == 0)


def test_a_difference_of_rates_lies_within_its_interval_and_turns_its_sign() -> None:
    forth, back = poisson_difference(12, 100, 3, 80), poisson_difference(3, 80, 12, 100)
    assert forth.low < 12 / 100 - 3 / 80 == forth.difference < forth.high
    assert (back.low, back.high) == pytest.approx((-forth.high, -forth.low), rel=1e-14)
    none = poisson_difference(0, 1, 0, 1)
    assert none.high == pytest.approx(3.688879454, rel=1e-9) == -none.low


def test_mean_and_sd_have_the_intervals_nist_prints() -> None:
    published = answers()["nist_furnace_oxide_ppc51.csv"]["published"]
    values = spc_column("nist_furnace_oxide_ppc51.csv", "thickness_angstrom")
    assert mean_interval(values) == pytest.approx(published["mean_ci95"], abs=5e-5)
    assert sd_interval(values) == pytest.approx(published["sd_ci95"], abs=5e-5)
    assert sd_interval_of(published["sd"], 168) == pytest.approx(published["sd_ci95"], abs=1e-4)


def test_an_offset_and_a_scale_cost_no_digits() -> None:
    values = [0.0, 1.0, 3.0, 4.0, 7.5]
    low, high = mean_interval(values)
    assert mean_interval([1e9 + value for value in values]) == pytest.approx((1e9 + low, 1e9 + high), rel=1e-15)
    assert sd_interval([value * 1e-200 for value in values]) == pytest.approx(
        [end * 1e-200 for end in sd_interval(values)], rel=1e-12
    )
    assert sd_interval([1e9 + value for value in values]) == pytest.approx(sd_interval(values), rel=1e-12)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: clopper_pearson(3, 2), "3 of 2"),
        (lambda: clopper_pearson(0, 0), "0 of 0"),
        (lambda: clopper_pearson(-1, 2), "count"),
        (lambda: wilson(1, 2, 95), "between 0 and 1"),
        (lambda: poisson_rate(1, 0), "exposure"),
        (lambda: poisson_rate(1, math.inf), "exposure"),
        (lambda: poisson_rate(-1, 1), "count"),
        (lambda: poisson_ratio(0, 1, 0, 1), "no events"),
        (lambda: mean_interval([1.0]), "at least two"),
        (lambda: mean_interval([2.0, 2.0, 2.0]), "All 3 values are 2"),
        (lambda: mean_interval([1.0, None]), "missing"),
        (lambda: sd_interval([1.0, "a"]), "not a number"),
        (lambda: mean_interval_of(0, -1, 5), "not negative"),
        (lambda: sd_interval_of(1, 1), "at least two"),
    ],
)
def test_what_has_no_interval_is_refused(call: "object", words: str) -> None:
    assert callable(call)
    with pytest.raises(InvalidInputError, match=words):
        call()
