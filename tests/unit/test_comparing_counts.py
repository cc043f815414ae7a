"""Comparing proportions and rates: published answers, and agreement with scipy."""

from typing import Any, cast

import numpy as np
import pytest
import scipy.stats

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.comparing import power, proportions, rates
from qms_mcp.statistics.comparing.proportions import Share
from qms_mcp.statistics.comparing.rates import Rate

stats = cast("Any", scipy.stats)


def test_the_lady_tasting_tea() -> None:
    # Fisher, The Design of Experiments (1935), chapter II, with three of four right: 17 of 70 tables.
    both, higher, lower = proportions.fisher(Share("milk", 3, 4), Share("tea", 1, 4))
    assert both == pytest.approx(34 / 70)
    assert higher == pytest.approx(17 / 70)
    assert lower == pytest.approx(69 / 70)


def test_the_odds_ratio_of_the_tea_as_r_prints_it() -> None:
    # R, fisher.test(TeaTasting): estimate 6.408309, one-sided interval from 0.3135693.
    value, low, high = proportions.odds_ratio(Share("milk", 3, 4), Share("tea", 1, 4), 0.90)
    assert value == pytest.approx(6.408309, abs=2e-5)
    assert low == pytest.approx(0.3135693, abs=1e-5)
    assert high is not None


# Newcombe, Statistics in Medicine 17 (1998) 873-890, table II: methods 10 (Wilson) and 2 of Mee by Miettinen-Nurminen.
NEWCOMBE = [
    ((56, 70, 48, 80), (0.0524, 0.3339), (0.0528, 0.3382)),
    ((9, 10, 3, 10), (0.1705, 0.8090), (0.1700, 0.8406)),
    ((6, 7, 2, 7), (0.0582, 0.8062), (0.0342, 0.8534)),
    ((5, 56, 0, 29), (-0.0381, 0.1926), (-0.0326, 0.1933)),
    ((0, 10, 0, 20), (-0.1611, 0.2775), (-0.1658, 0.2844)),
    ((0, 10, 0, 10), (-0.2775, 0.2775), (-0.2879, 0.2879)),
    ((10, 10, 0, 20), (0.6791, 1.0), (0.7156, 1.0)),
    ((10, 10, 0, 10), (0.6075, 1.0), (0.6636, 1.0)),
]


@pytest.mark.parametrize(("table", "wilson", "score"), NEWCOMBE)
def test_the_intervals_of_newcombes_table(
    table: tuple[int, int, int, int], wilson: tuple[float, float], score: tuple[float, float]
) -> None:
    a, b = Share("a", table[0], table[1]), Share("b", table[2], table[3])
    hybrid, exact = proportions.newcombe(a, b), proportions.miettinen_nurminen(a, b)
    assert (hybrid.low, hybrid.high) == pytest.approx(wilson, abs=6e-5)
    assert (exact.low, exact.high) == pytest.approx(score, abs=6e-5)


@pytest.mark.parametrize("delta", [-0.3, -0.05, 0.0, 0.1, 0.3])
def test_the_restricted_proportions_are_the_likeliest(delta: float) -> None:
    a, b = Share("a", 56, 70), Share("b", 48, 80)
    grid = np.linspace(max(delta, 0) + 1e-6, min(1, 1 + delta) - 1e-6, 200_001)
    p, q = grid, grid - delta
    likelihood = 56 * np.log(p) + 14 * np.log1p(-p) + 48 * np.log(q) + 32 * np.log1p(-q)
    assert proportions._restricted(a, b, delta) == pytest.approx(grid[int(likelihood.argmax())], abs=1e-5)


def test_chi_square_agrees_with_scipy_and_sparse_tables_are_drawn() -> None:
    table = np.array([[30.0, 20.0, 10.0], [12.0, 30.0, 18.0]])
    known = stats.chi2_contingency(table, correction=False)
    found, least = proportions.chi_square(table)
    assert (found.statistic, found.p) == pytest.approx((known.statistic, known.pvalue), rel=1e-9)
    assert least == pytest.approx(known.expected_freq.min())
    sparse, _ = proportions.chi_square(np.array([[3.0, 1.0], [1.0, 3.0]]))
    assert "simulated" in sparse.name
    assert sparse.p == pytest.approx(34 / 70, abs=0.015)


def test_the_drawn_tables_keep_their_margins() -> None:
    drawn = proportions._drawn(np.array([3, 5, 2]), np.array([4, 6]), 200)
    assert (drawn.sum(axis=2) == [3, 5, 2]).all()
    assert (drawn.sum(axis=1) == [4, 6]).all()
    assert drawn.min() >= 0


def test_mcnemar_is_a_sign_test() -> None:
    assert proportions.mcnemar(2, 9) == pytest.approx(stats.binomtest(2, 11).pvalue)
    assert proportions.mcnemar(0, 0) == 1.0


def test_the_rates_of_rs_poisson_test() -> None:
    # R, example of poisson.test: 11 in 800 against 21 in 3011; p = 0.07967, interval 0.8584264 to 4.2772659.
    a, b = Rate("a", 11, 800), Rate("b", 6 + 8 + 7, 1083 + 1050 + 878)
    assert rates.likelier(a, b).p == pytest.approx(0.07967, abs=5e-6)
    found = rates.ratio(a, b)
    assert found.ratio == pytest.approx(1.971488, abs=5e-7)
    assert (found.low, found.high) == pytest.approx((0.8584264, 4.2772659), abs=5e-7)


def test_equal_rates_by_chi_square_and_by_draws() -> None:
    many = [Rate(str(at), count, 10.0) for at, count in enumerate((12, 20, 31))]
    assert rates.equal_rates(many).p == pytest.approx(stats.chisquare([12, 20, 31]).pvalue, rel=1e-9)
    few = rates.equal_rates([Rate("a", 3, 1.0), Rate("b", 0, 1.0)])
    assert "simulated" in few.name
    assert few.p == pytest.approx(0.25, abs=0.015)
    assert rates.equal_rates([Rate("a", 0, 1.0), Rate("b", 0, 1.0)]).p == 1.0


def test_overdispersion_is_seen_and_widens_the_interval() -> None:
    counts = np.array([1.0, 19, 2, 22, 0, 17, 3, 20])
    groups = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    found = rates.dispersion(counts, np.ones(8), groups)
    assert found is not None
    assert found.p < 1e-6
    a, b = Rate("a", 44, 4.0), Rate("b", 40, 4.0)
    wide, plain = rates.quasi_poisson(a, b, found.statistic, found.df or 1), rates.ratio(a, b)
    assert wide.low < plain.low
    assert wide.high is not None
    assert plain.high is not None
    assert wide.high > plain.high


@pytest.mark.parametrize(
    "shares", [[Share("a", 1, 2)], [Share("a", 3, 2), Share("b", 1, 2)], [Share("a", 0, 0), Share("b", 1, 2)]]
)
def test_what_is_no_proportion_is_refused(shares: list[Share]) -> None:
    with pytest.raises(InvalidInputError):
        proportions.checked(shares)


@pytest.mark.parametrize("made", [[Rate("a", 1, 2.0)], [Rate("a", 1, 0.0), Rate("b", 1, 2.0)]])
def test_what_is_no_rate_is_refused(made: list[Rate]) -> None:
    with pytest.raises(InvalidInputError):
        rates.checked(made)


def test_power_of_proportions_as_fleiss_tells_it() -> None:
    # By simulation: 20 % against 40 % with 100 each.
    random = np.random.default_rng(5)
    x, y = random.binomial(100, 0.2, 20_000), random.binomial(100, 0.4, 20_000)
    pooled = (x + y) / 200
    z = (x - y) / 100 / np.sqrt(np.maximum(pooled * (1 - pooled), 1e-9) * 0.02)
    seen = float((np.abs(z) > 1.959964).mean())
    assert power.power_of_proportions(0.2, 100, 0.4, 100) == pytest.approx(seen, abs=0.02)
    least = power.smallest_proportion(0.2, 100, 100)
    assert least is not None
    assert power.power_of_proportions(0.2, 100, least, 100) == pytest.approx(0.8, abs=1e-6)
    assert power.smallest_proportion(0.5, 2, 2) is None
