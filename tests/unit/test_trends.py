"""Trends, changes and seasons: published examples, agreement with scipy, and what must hold whatever the numbers."""

import math
from typing import Any

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.anomalies.times import seconds
from qms_mcp.statistics.trends.autocorrelation import acf, effective_n, lag1, ljung_box
from qms_mcp.statistics.trends.change_level import change_level, pettitt_p
from qms_mcp.statistics.trends.changes import binary, pelt, pettitt
from qms_mcp.statistics.trends.corrections import corrected
from qms_mcp.statistics.trends.line import straight_line
from qms_mcp.statistics.trends.mann_kendall import mann_kendall, sen_slope
from qms_mcp.statistics.trends.many import adjusted
from qms_mcp.statistics.trends.order_one import order_one, simulated
from qms_mcp.statistics.trends.periods import days_of
from qms_mcp.statistics.trends.seasons import season_test, seasonal_kendall, without_season
from tests.support.nile import NILE
from tests.support.spc_data import answers, spc_column, spc_columns

stats: Any = scipy.stats
NILE_FLOW = np.array(NILE)


def test_times_with_and_without_a_zone_are_not_mixed() -> None:
    for read in (seconds, days_of):
        with pytest.raises(InvalidInputError, match="some have none"):
            read(["2026-03-29T01:30:00+01:00", "2026-04-01"], "when")
        read(["2026-03-29T01:30:00+01:00", None, "2026-03-29T02:30:00Z"], "when")


def test_values_that_differ_in_their_last_digits_are_not_called_equal() -> None:
    noise = np.random.default_rng(1).normal(size=30)
    small, large = lag1(1e-300 * noise), lag1(1e9 + 1e-5 * noise)
    assert small.r1 == pytest.approx(lag1(noise).r1)
    assert large.r1 == pytest.approx(small.r1, abs=0.05)
    with pytest.raises(InvalidInputError, match="equal"):
        lag1(np.full(30, 1e9))


@pytest.mark.parametrize("name", ["strd_michelso.csv", "strd_mavro.csv", "strd_numacc1.csv"])
def test_the_autocorrelation_is_the_certified_one_to_nine_digits(name: str) -> None:
    # NIST StRD, univariate summary statistics. The values stand in the last column.
    values = np.array(list(spc_columns(name).values())[-1], dtype=float)
    assert lag1(values).r1 == pytest.approx(answers()[name]["certified"]["lag1_autocorr"], rel=1e-9)


def test_pettitt_finds_the_nile_of_1898() -> None:
    # Cobb, Biometrika 65 (1978), and R's trend::pettitt.test(Nile): U* = 1617 at 28 (1898), p-value = 3.591e-07.
    found = pettitt(NILE_FLOW)
    assert (found.k, found.at) == (1617.0, 28)
    assert found.p == pytest.approx(3.591e-07, rel=1e-3)


def test_every_way_finds_that_change_and_no_other() -> None:
    level = change_level(NILE_FLOW)
    price = level.critical * level.long_run
    assert pelt(NILE_FLOW, price) == binary(NILE_FLOW, price) == [28]
    assert pettitt_p(NILE_FLOW) < 0.001


def test_the_variance_of_s_is_that_of_gilbert() -> None:
    # Gilbert 1987, formula 16.2: [n (n-1) (2n+5) - sum t (t-1) (2t+5)] / 18; 10 values with one pair of ties.
    found = mann_kendall(np.array([10.0, 15, 14, 20, 22, 25, 25, 28, 31, 33]))
    # Of 45 pairs one is tied and one (15, 14) falls.
    assert found.s == 43 - 1
    assert found.variance == pytest.approx((10 * 9 * 25 - 2 * 1 * 9) / 18)


def test_ranks_agree_with_scipy_with_and_without_ties() -> None:
    random = np.random.default_rng(4)
    for n in (8, 20, 60):
        for values in (random.normal(size=n), random.integers(0, 5, n).astype(float)):
            theirs: Any = stats.kendalltau(np.arange(n), values)
            assert mann_kendall(values).tau == pytest.approx(theirs.statistic, abs=1e-12)


def test_the_exact_p_agrees_with_scipy() -> None:
    random = np.random.default_rng(5)
    for n in (5, 9, 25, 40):
        values = random.permutation(n).astype(float)
        theirs: Any = stats.kendalltau(np.arange(n), values, method="exact")
        assert mann_kendall(values).p == pytest.approx(theirs.pvalue, rel=1e-9)


def test_sens_slope_agrees_with_theil_sen_of_scipy() -> None:
    random = np.random.default_rng(6)
    times = np.cumsum(random.uniform(0.5, 2, 30))
    values = 3 * times + random.normal(size=30)
    theirs: Any = stats.theilslopes(values, times)
    found = sen_slope(values, times)
    assert found.slope == pytest.approx(theirs.slope)
    # scipy takes the next order statistic where Gilbert interpolates.
    assert found.low == pytest.approx(theirs.low_slope, abs=0.02)
    assert found.high == pytest.approx(theirs.high_slope, abs=0.02)


def test_the_straight_line_agrees_with_scipy() -> None:
    theirs: Any = stats.linregress(np.arange(100), NILE_FLOW)
    found = straight_line(NILE_FLOW, np.arange(100.0))
    assert (found.slope, found.error, found.p) == pytest.approx((theirs.slope, theirs.stderr, theirs.pvalue))


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(-1_000, 1_000), min_size=16, max_size=16))
def test_a_monotone_transformation_changes_neither_the_test_nor_its_correction(numbers: list[int]) -> None:
    values = np.array(numbers, dtype=float)
    bent = np.exp(values / 300)
    one, other = mann_kendall(values), mann_kendall(bent)
    assert (one.s, one.p) == (other.s, other.p)
    if one.variance > 0:
        assert order_one(values, one.s, one.variance).p == order_one(bent, other.s, other.variance).p


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=8, max_size=40))
def test_backwards_a_rise_is_a_fall(numbers: list[float]) -> None:
    values = np.array(numbers)
    assert mann_kendall(values[::-1]).s == -mann_kendall(values).s


def test_a_perfect_rise_is_a_trend_with_the_correction_too() -> None:
    values = np.arange(12.0)
    found = mann_kendall(values)
    assert found.tau == pytest.approx(1)
    assert order_one(values, found.s, found.variance).p < 0.01


def test_an_autocorrelated_series_is_called_a_trend_less_often_with_the_correction() -> None:
    series = simulated(40, 0.6, 80, seed=8)
    plain = [mann_kendall(one) for one in series]
    uncorrected = np.mean([found.p <= 0.05 for found in plain])
    ours = np.mean([order_one(x, f.s, f.variance).p <= 0.05 for x, f in zip(series, plain, strict=True)])
    assert uncorrected > 0.2
    assert ours < 0.11


@pytest.mark.parametrize("how", ["hamed_rao", "yue_wang", "prewhitening", "tfpw"])
def test_published_corrections_leave_a_clear_trend(how: Any) -> None:
    random = np.random.default_rng(9)
    assert corrected(np.arange(60.0) + random.normal(size=60), how).p < 1e-3


def test_ljung_box_by_hand() -> None:
    values = np.array([1.0, 2, 3, 4, 5])
    r1 = float(acf(values, 1)[1])
    assert r1 == pytest.approx(0.4)
    assert ljung_box(values, 1).statistic == pytest.approx(5 * 7 * 0.4**2 / 4)
    assert effective_n(values) == pytest.approx(5 * 0.6 / 1.4)


def test_a_gap_breaks_a_pair_and_nothing_else() -> None:
    values = np.array([1.0, 2, math.nan, 4, 5])
    assert acf(values, 1)[1] == pytest.approx(((-2) * (-1) + 1 * 2) / 10)


def test_equal_values_have_no_autocorrelation() -> None:
    with pytest.raises(InvalidInputError, match="equal"):
        lag1(np.full(10, 1e9 + 0.1))


def test_holm_and_benjamini_hochberg_adjust_as_scipy_and_the_definition_do() -> None:
    p = [0.01, 0.04, 0.03, 0.005]
    # Holm: 4 x 0.005, 3 x 0.01, 2 x 0.03, then not below that.
    assert adjusted(p, "holm") == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert adjusted(p, "bh") == pytest.approx(list(stats.false_discovery_control(p)))
    assert adjusted(p, "none") == p


def test_a_season_is_found_taken_out_and_no_trend_is_left() -> None:
    random = np.random.default_rng(10)
    places = np.arange(60) % 12
    values = 5 * np.sin(2 * np.pi * places / 12) + random.normal(size=60)
    assert season_test(values, places, 12).p < 1e-4
    assert season_test(random.normal(size=60), places, 12).p > 0.01
    assert float(np.ptp(without_season(values, places, 12))) < float(np.ptp(values))
    assert seasonal_kendall(values + 0.1 * np.arange(60), places, 12).p < 1e-4


def test_variance_and_counts_have_changes_of_their_own() -> None:
    random = np.random.default_rng(11)
    spread = np.concatenate([random.normal(0, 1, 60), random.normal(0, 5, 60)])
    assert any(abs(place - 60) <= 3 for place in pelt(spread, 20.0, "variance"))
    counts = np.concatenate([random.poisson(2, 50), random.poisson(8, 50)]).astype(float)
    assert any(abs(place - 50) <= 3 for place in pelt(counts, 15.0, "poisson"))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(-50, 50), min_size=9, max_size=11), st.floats(0.1, 500))
def test_pelt_finds_the_cheapest_division_of_all(numbers: list[int], price: float) -> None:
    values = np.array(numbers, dtype=float)

    def cost(parts: list[int]) -> float:
        pieces = np.split(values, parts)
        return sum(float(piece @ piece - piece.sum() ** 2 / piece.size) for piece in pieces) + price * len(parts)

    n = values.size
    every: list[list[int]] = [[]]
    for a in range(3, n - 2):
        every.append([a])
        every += [[a, b] for b in range(a + 3, n - 2)]
    assert cost(pelt(values, price)) <= min(map(cost, every)) + 1e-6


def test_the_drift_of_the_standard_resistor_is_a_trend() -> None:
    values = np.array(spc_column("nist_standard_resistor_drift_dziuba1.csv", "ohms"))
    found = mann_kendall(values)
    assert order_one(values, found.s, found.variance).p < 1e-4
    assert sen_slope(values, np.arange(1_000.0)).low > 0
