"""Tests of normality against published points and against scipy."""

import itertools
import math
from typing import Any, cast

import pytest

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.normality import anderson_darling, p_of_adjusted, shapiro_wilk

# Shapiro and Wilk, Biometrika 52 (1965), table 8: weights of eleven men in pounds; they print W = 0.79.
WEIGHTS = [148.0, 154, 158, 160, 161, 162, 166, 170, 182, 195, 236]
# D'Agostino and Stephens, Goodness-of-Fit Techniques (1986), table 4.7: upper points of A*2.
POINTS = [(0.50, 0.341), (0.25, 0.470), (0.15, 0.561), (0.10, 0.631), (0.05, 0.752), (0.025, 0.873), (0.01, 1.035)]


def _normal(n: int, seed: int) -> Any:
    import numpy as np

    return np.random.default_rng(seed).normal(10.0, 2.0, n)


@pytest.mark.parametrize(("p", "point"), POINTS)
def test_p_at_the_tabulated_points_is_what_the_table_says(p: float, point: float) -> None:
    assert p_of_adjusted(point) == pytest.approx(p, rel=0.03)


def test_p_falls_as_the_statistic_grows_and_never_leaves_its_range() -> None:
    steps = [p_of_adjusted(at / 200) for at in range(1, 4_000)]
    assert all(0 < p <= 1 for p in steps)
    # The four pieces do not quite meet, so a little is forgiven where they join.
    assert all(after <= before + 2e-3 for before, after in itertools.pairwise(steps))


@pytest.mark.parametrize("n", [3, 8, 30, 500])
def test_the_statistic_is_that_of_scipy(n: int) -> None:
    import scipy.stats

    values = _normal(n, n)
    stats = cast("Any", scipy.stats)
    expected = stats.anderson(values, "norm", method="interpolate").statistic
    assert anderson_darling(values).statistic == pytest.approx(expected, rel=1e-10)
    assert shapiro_wilk(values).p == pytest.approx(stats.shapiro(values).pvalue, rel=1e-6)


def test_shapiro_and_wilk_have_the_value_they_printed() -> None:
    found = shapiro_wilk(WEIGHTS)
    assert found.statistic == pytest.approx(0.79, abs=5e-3)
    assert found.p == pytest.approx(0.0067, abs=5e-5), "as AS R94 has it"


def test_capstat_agrees() -> None:
    import capstat_core

    values = _normal(60, 3)
    theirs = cast("Any", capstat_core).anderson_darling(values)
    ours = anderson_darling(values)
    assert ours.p == pytest.approx(theirs.p_value, rel=1e-9)


def test_scale_and_offset_do_not_matter() -> None:
    values = _normal(40, 1)
    plain = anderson_darling(values)
    assert anderson_darling(values * 1e-200).statistic == pytest.approx(plain.statistic, rel=1e-9)
    assert anderson_darling(values * 1e148).statistic == pytest.approx(plain.statistic, rel=1e-9)
    assert anderson_darling(values + 1e6).statistic == pytest.approx(plain.statistic, rel=1e-6)


def test_what_is_far_from_normal_has_a_small_p_and_no_infinity() -> None:
    found = anderson_darling([0.0] * 500 + [1e9])
    assert found.p < 1e-20
    assert math.isfinite(found.statistic)
    assert anderson_darling([math.exp(value) for value in _normal(100, 2)]).p < 1e-6


def test_few_values_are_flagged() -> None:
    assert [flag.code for flag in anderson_darling([1.0, 2.0, 4.0]).flags] == ["few"]
    assert not anderson_darling(_normal(8, 1)).flags


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([1.0, 2.0], "at least three"),
        ([5.0] * 9, "All 9 values are 5"),
        ([1.0, None, 2.0, 3.0], "missing"),
        ([1.0, math.inf, 2.0], "infinite"),
        (["a", 1, 2], "not a number"),
        ([1e308, 1, 2], "too large"),
    ],
)
def test_what_cannot_be_tested_is_refused(values: list[Any], words: str) -> None:
    for test in (anderson_darling, shapiro_wilk):
        with pytest.raises(InvalidInputError, match=words):
            test(values)


def test_shapiro_wilk_is_not_asked_beyond_what_is_known() -> None:
    with pytest.raises(InvalidInputError, match="5,000"):
        shapiro_wilk(_normal(5_001, 1))
