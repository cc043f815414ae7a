"""The statistics of drift: against numbers worked out elsewhere, and what they say of odd data."""

from typing import Any

import numpy as np
import pytest
from scipy import stats as scipy_stats

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.drift.categories import shift_of_categories
from qms_mcp.statistics.drift.errors import run, shift_of_errors
from qms_mcp.statistics.drift.model import Shift, band, holm
from qms_mcp.statistics.drift.values import shift_of_values, stability_index
from qms_mcp.statistics.drift.vectors import shift_of_vectors
from tests.support.drift import false_alarms
from tests.support.spc_data import spc_column

ALPHA = 0.01
stats: Any = scipy_stats  # its types are weak


def normal(seed: int, n: int, mean: float = 0.0) -> list[float]:
    return np.random.default_rng(seed).normal(mean, 1, n).tolist()


def test_the_tests_of_values_are_those_of_scipy() -> None:
    before, now = normal(1, 200), normal(2, 150, 0.4)
    found = shift_of_values(before, now)
    level = stats.mannwhitneyu(now, before, alternative="two-sided", method="asymptotic")
    other = stats.ks_2samp(before, now, method="asymp")
    assert found.details["p_level"] == pytest.approx(level.pvalue)
    assert found.details["ks_distance"] == pytest.approx(other.statistic)
    assert found.p == pytest.approx(2 * min(level.pvalue, other.pvalue))
    dominance = np.sign(np.subtract.outer(now, before)).mean()
    assert found.effect == pytest.approx(dominance)
    assert found.severity == pytest.approx(max(abs(dominance), other.statistic))


def test_units_and_the_order_of_values_do_not_matter() -> None:
    before, now = normal(3, 100), normal(4, 100, 0.5)
    found = shift_of_values(before, now)
    for other in (
        shift_of_values([1e9 + 3 * x for x in before], [1e9 + 3 * x for x in now]),
        shift_of_values(before[::-1], now[::-1]),
    ):
        assert (other.p, other.severity) == pytest.approx((found.p, found.severity))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_is_refused(value: float) -> None:
    with pytest.raises(InvalidInputError, match="not finite"):
        shift_of_values([*normal(1, 50), value], normal(2, 50))


def test_too_few_is_said_and_nothing_else() -> None:
    for found in (
        shift_of_values(normal(1, 29), normal(2, 500, 9.0)),
        shift_of_categories(["a"] * 29, ["b"] * 500),
        shift_of_vectors([[1.0]] * 39, [[2.0]] * 500),
        shift_of_errors([False] * 29, [True] * 500),
    ):
        assert (found.p, found.enough, found.severity) == (None, False, 0.0)
        assert band(found, None, alpha=ALPHA) == "too few"


def test_values_that_are_all_alike_have_not_moved_and_others_have() -> None:
    assert shift_of_values([1.0] * 50, [1.0] * 50).p == 1.0
    moved = shift_of_values([1.0] * 50, [2.0] * 50)
    assert (moved.effect, moved.severity) == (1.0, 1.0)
    assert band(moved, moved.p, alpha=ALPHA) == "severe"


def test_a_spread_that_grows_is_found_though_the_level_stays() -> None:
    found = shift_of_values(normal(5, 400), [3 * x for x in normal(6, 400)])
    assert found.details["p_level"] > ALPHA
    assert found.p is not None
    assert found.p < ALPHA
    assert found.severity > 0.2


def test_the_stability_index_of_known_shares_is_its_formula() -> None:
    # Two values only: one bin below and one above; shares 60/40 and 40/60, with half an observation added to each.
    index, limit = stability_index(np.array([0.0] * 600 + [1.0] * 400), np.array([0.0] * 400 + [1.0] * 600))
    p, q = np.array([600.5, 400.5]) / 1001, np.array([400.5, 600.5]) / 1001
    assert index == pytest.approx(float(((q - p) * np.log(q / p)).sum()))
    assert limit == pytest.approx(2 / 1000 * stats.chi2.ppf(0.99, 1))


def test_chi_square_is_that_of_scipy_and_rare_categories_stand_together() -> None:
    before, now = ["a"] * 60 + ["b"] * 40, ["a"] * 40 + ["b"] * 60
    found = shift_of_categories(before, now)
    expected = stats.chi2_contingency([[60, 40], [40, 60]], correction=False)
    assert (found.statistic, found.p) == pytest.approx((expected.statistic, expected.pvalue))
    assert found.severity == pytest.approx(0.2)
    rare = shift_of_categories(["a"] * 95 + list("bcdef"), ["a"] * 95 + list("ghijk"))
    assert rare.details["moved"] == [["a", 0.95, 0.95], ["others", 0.05, 0.05]]


def test_few_expected_are_dealt_with_and_the_same_seed_deals_the_same() -> None:
    before, now = ["a"] * 38 + ["b"] * 2, ["a"] * 36 + ["b"] * 4
    found = shift_of_categories(before, now)
    assert found.details["dealt"] is True
    assert found == shift_of_categories(before, now)
    exact = stats.fisher_exact([[38, 2], [36, 4]]).pvalue
    assert found.p == pytest.approx(exact, abs=0.05)


def test_vectors_that_moved_in_one_direction_are_told_apart() -> None:
    rng = np.random.default_rng(7)
    before, now = rng.normal(size=(150, 8)), rng.normal(size=(150, 8))
    now[:, 3] += 1.0
    found = shift_of_vectors(before.tolist(), now.tolist())
    assert found.p is not None
    assert found.p < ALPHA
    assert found == shift_of_vectors(before.tolist(), now.tolist())
    assert shift_of_vectors([[1.0, 2.0]] * 60, [[1.0, 2.0]] * 60).p == 1.0


def test_the_cumulative_sum_adds_up_as_by_hand() -> None:
    # p0 = 0.1, p1 = 0.4: up ln 4, down ln(2/3).
    up, down = np.log(4), np.log(2 / 3)
    alarm = run([False, True, False, True, True], 0.1, 0.4, 3.0)
    assert alarm is not None
    assert (alarm.at, alarm.since) == (5, 2)
    assert alarm.value == pytest.approx(up + down + up + up)
    assert run([True, *[False] * 9] * 3, 0.1, 0.4, 3.0) is None


def test_errors_that_rise_alarm_with_the_place_where_they_began() -> None:
    rng = np.random.default_rng(8)
    quiet = (rng.random(300) < 0.03).tolist()
    found = shift_of_errors(quiet, [*quiet[:100], *(rng.random(60) < 0.5).tolist()])
    assert found.p is not None
    assert found.p <= ALPHA
    assert 95 <= found.details["since"] <= 110
    same = shift_of_errors(quiet, quiet[:150])
    assert same.p is not None
    assert same.p > ALPHA


def test_holm_adjusts_as_in_a_worked_example() -> None:
    shifts = {name: Shift("m", 50, 50, p=p) for name, p in {"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005}.items()}
    shifts["few"] = Shift("m", 1, 1)
    assert holm(shifts) == pytest.approx({"d": 0.02, "a": 0.03, "c": 0.06, "b": 0.06})


@pytest.mark.parametrize(
    ("severity", "adjusted", "expected"),
    [(0.05, 0.001, "none"), (0.2, 0.001, "mild"), (0.3, 0.001, "severe"), (0.9, 0.02, "none")],
)
def test_a_difference_matters_when_it_is_sure_and_large(severity: float, adjusted: float, expected: str) -> None:
    assert band(Shift("m", 50, 50, p=0.001, severity=severity), adjusted, alpha=ALPHA) == expected


@pytest.mark.parametrize("n", [100])
@pytest.mark.parametrize("kind", ["normal", "skewed", "tied", "categories", "errors"])
def test_false_alarms_are_rare(kind: str, n: int) -> None:
    # 200 samples: 7 or more would come up once in two thousand times if one in a hundred were false.
    assert false_alarms(kind, n, 200, seed=11) <= 7


def test_a_real_series_that_drifts_is_found_and_a_real_stable_one_is_not() -> None:
    drifting = spc_column("nist_standard_resistor_drift_dziuba1.csv", "ohms")
    third = len(drifting) // 3
    found = shift_of_values(drifting[:third], drifting[-third:])
    assert band(found, found.p, alpha=ALPHA) == "severe"
    # Oxide from one furnace over 21 runs: the first half of the wafers against the second.
    stable = spc_column("nist_furnace_oxide_ppc51.csv", "thickness_angstrom")
    same = shift_of_values(stable[: len(stable) // 2], stable[len(stable) // 2 :])
    assert band(same, same.p, alpha=ALPHA) == "none"
