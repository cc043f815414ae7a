"""Capability indices: published examples, two other programs, and what must not change them."""

import math
from typing import Any, cast

import pytest

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.capability.fallout import expected_normal, observed
from qms_mcp.statistics.capability.indices import indices, nearest_interval, spread_interval
from qms_mcp.statistics.capability.specification import Specification
from qms_mcp.statistics.capability.study import Study, StudySettings, study, study_of_summary
from qms_mcp.statistics.capability.subgroups import Subgrouped, by_label, by_size, individuals
from qms_mcp.statistics.capability.within import WithinMethod, equivalent_df, within_sigma
from qms_mcp.statistics.spc.constants import EXACT
from tests.support.spc_data import answers, spc_column, spc_columns

# capstat-core still calls scipy's anderson in the old way.
pytestmark = pytest.mark.filterwarnings("ignore:As of SciPy 1.17:FutureWarning")
# Montgomery, Introduction to Statistical Quality Control, example 6.1: flow width of the hard-bake process; only the
# averages are needed here: R-bar 0.32521, limits 1.50 +- 0.50, and he prints sigma 0.1398 and Cp 1.192.
HARD_BAKE_MEAN, HARD_BAKE_RANGE = 1.5056, 0.32521


def array(values: Any) -> Any:
    import numpy as np

    return np.asarray(values, dtype=np.float64)


def drawn(n: int, seed: int = 1, mean: float = 10.0, sd: float = 1.0) -> Any:
    import numpy as np

    return np.random.default_rng(seed).normal(mean, sd, n)


def in_fives(values: Any) -> Subgrouped:
    return by_size(values, 5)


def ppk(grouped: Subgrouped, limits: Specification, **settings: Any) -> Study:
    return study(grouped, limits, StudySettings(**settings))


def test_the_furnace_example_of_nist_comes_out() -> None:
    known = answers()["nist_furnace_oxide_ppc51.csv"]["recomputed"]
    values = array(spc_column("nist_furnace_oxide_ppc51.csv", "thickness_angstrom"))
    found = ppk(individuals(values), Specification(460, 660, 560)).overall.indices
    assert found.spread == pytest.approx(known["cp"], rel=1e-13)
    assert found.nearest == pytest.approx(known["cpk"], rel=1e-13)
    assert found.target == pytest.approx(known["cpm_target_560"], rel=1e-13)


def test_the_furnace_is_not_stable_however_it_is_subgrouped() -> None:
    columns = spc_columns("nist_furnace_oxide_ppc51.csv")
    values = array(columns["thickness_angstrom"])
    for grouped in (individuals(values), by_label(values, columns["run"])):
        made = ppk(grouped, Specification(460, 660))
        assert made.stability is not None
        assert made.stability.stable is False
        assert made.within is None
        assert "not stable" in made.withheld
        assert "not_stable" in {flag.code for flag in made.flags}
        anyway = ppk(grouped, Specification(460, 660), even_if_unstable=True)
        assert anyway.within is not None
        assert "not_stable" in {flag.code for flag in anyway.flags}


def test_mean_and_sd_alone_give_the_example_of_nist_6_1_6() -> None:
    published = answers()["capability_example_pmc16"]["published"]
    made = study_of_summary(16, 2, None, Specification(8, 20), 0.95)
    assert made.within is not None
    found = made.within.indices
    assert (found.spread, found.upper, found.lower, found.nearest) == pytest.approx(
        (published["cp"], published["cpu"], published["cpl"], published["cpk"]), abs=5e-5
    )
    assert made.overall.indices == found
    assert made.within.nearest_interval is None, "nothing is known of n"


def test_bottles_burst_as_montgomery_prints() -> None:
    # Montgomery, chapter 8: 100 bottles, mean 264.06 psi, s = 32.02 psi, lower limit 200 psi; Cpl = 0.67.
    made = study_of_summary(264.06, 32.02, 100, Specification(lsl=200), 0.95)
    assert made.overall.indices.lower == pytest.approx(0.67, abs=5e-3)
    assert made.overall.indices.spread is None
    assert made.overall.expected is not None
    assert made.overall.expected.total == pytest.approx(22_750, rel=0.01), "about what lies beyond two sigma"


def test_cp_has_the_interval_montgomery_prints() -> None:
    # Montgomery, example 8.4: n = 20, s = 1.75, limits 38 and 62: Cp 2.29, 95 % interval 1.57 to 3.01.
    made = study_of_summary(50, 1.75, 20, Specification(38, 62), 0.95).overall
    assert made.indices.spread == pytest.approx(2.29, abs=5e-3)
    assert made.spread_interval == pytest.approx((1.57, 3.01), abs=6e-3), "he goes on from 2.29"


def test_the_hard_bake_process_has_the_cp_montgomery_prints() -> None:
    sigma = HARD_BAKE_RANGE / 2.326
    assert sigma == pytest.approx(0.1398, abs=5e-5)
    found = indices(HARD_BAKE_MEAN, sigma, Specification(1.0, 2.0))
    assert found.spread == pytest.approx(1.192, abs=5e-4)


@pytest.mark.parametrize(
    ("cp", "both_sides"),
    # Montgomery, table 8.2: process fallout in ppm of two-sided specifications.
    [(0.25, 453_255), (0.50, 133_614), (0.75, 24_449), (1.00, 2_700), (1.25, 177), (1.50, 7)],
)
def test_expected_fallout_is_that_of_the_table(cp: float, both_sides: float) -> None:
    found = expected_normal(0.0, 1.0, Specification(-3 * cp, 3 * cp))
    assert found.total == pytest.approx(both_sides, abs=1.0)
    assert found.below == found.above
    one = expected_normal(0.0, 1.0, Specification(usl=3 * cp))
    assert one.z_bench == pytest.approx(3 * cp, rel=1e-12)
    assert one.below is None


def test_z_bench_adds_both_sides() -> None:
    found = expected_normal(16, 2, Specification(8, 20))
    assert found.total == pytest.approx(22_750.13195 + 31.67124, abs=1e-4)
    assert found.z_bench == pytest.approx(1.99941, abs=1e-5)


@pytest.mark.parametrize(
    ("n", "df"),
    # Duncan, Quality Control and Industrial Statistics, table D3 (AIAG MSA appendix C): df of one range.
    [(2, 1.0), (3, 2.0), (4, 2.9), (5, 3.8), (10, 7.7)],
)
def test_a_range_is_worth_the_degrees_of_freedom_duncan_gives(n: int, df: float) -> None:
    assert equivalent_df((EXACT.d3(n) / EXACT.d2(n)) ** 2) == pytest.approx(df, abs=0.06)


def test_the_degrees_of_freedom_of_a_standard_deviation_come_back() -> None:
    for df in (1.0, 4.0, 99.0, 5e3, 1e5):
        c4 = math.sqrt(2 / df) * math.exp(math.lgamma((df + 1) / 2) - math.lgamma(df / 2))
        assert equivalent_df(1 / c4**2 - 1) == pytest.approx(df, rel=1e-4)


def test_a_moving_range_of_many_values_is_worth_six_tenths_of_them() -> None:
    # 0.62 (n - 1) is the usual approximation; 0.605 (n - 1) is what it tends to.
    found = within_sigma(individuals(drawn(400)))
    assert found.df == pytest.approx(0.605 * 399, rel=5e-3)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("ours", "theirs"), [("range", "rbar_d2"), ("sd", "sbar_c4"), ("pooled", "pooled")])
def test_capstat_agrees_on_subgroups(seed: int, ours: WithinMethod, theirs: str) -> None:
    import capstat_core

    values = drawn(125, seed)
    expected = cast("Any", capstat_core).capability(
        values.reshape(25, 5), lsl=6.0, usl=13.0, target=9.5, within_method=theirs
    )
    made = ppk(
        by_size(values, 5),
        Specification(6.0, 13.0, 9.5),
        sigma_method=ours,
        convention="exact",
        even_if_unstable=True,
        distribution="normal",
    )
    assert made.within is not None
    within, overall = made.within.indices, made.overall.indices
    assert (within.spread, within.nearest, within.upper, within.lower, within.target) == pytest.approx(
        (expected.cp, expected.cpk, expected.cpu, expected.cpl, expected.cpm), rel=1e-9
    )
    assert (overall.spread, overall.nearest) == pytest.approx((expected.pp, expected.ppk), rel=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_shewhart_agrees_on_individuals_and_on_the_interval(seed: int) -> None:
    import shewhart

    values = drawn(80, seed)
    theirs = cast("Any", shewhart).capability(values, lsl=6.0, usl=13.0).stats
    made = ppk(
        individuals(values),
        Specification(6.0, 13.0),
        convention="exact",
        even_if_unstable=True,
        distribution="normal",
    )
    assert made.within is not None
    assert made.within.indices.nearest == pytest.approx(theirs["cpk"], rel=1e-9)
    assert made.overall.indices.nearest == pytest.approx(theirs["ppk"], rel=1e-12)
    assert made.overall.nearest_interval is not None
    assert made.overall.nearest_interval == pytest.approx((theirs["ppk_lci"], theirs["ppk_uci"]), rel=1e-9)


def test_published_constants_are_the_usual_ones() -> None:
    values = drawn(50)
    moving = float(abs(values[1:] - values[:-1]).mean())
    assert within_sigma(individuals(values)).sigma == pytest.approx(moving / 1.128, rel=1e-14)
    assert within_sigma(individuals(values), None, "exact").sigma == pytest.approx(
        moving / (2 / math.sqrt(math.pi)), rel=1e-9
    )
    grouped = by_size(values, 5)
    ranges = [float(values[at : at + 5].max() - values[at : at + 5].min()) for at in range(0, 50, 5)]
    found = within_sigma(grouped)
    assert found.method == "range"
    assert found.sigma == pytest.approx(sum(ranges) / 10 / 2.326, rel=1e-14)


def test_unequal_subgroups_are_pooled_and_weighted() -> None:
    values = drawn(29)
    labels = ["a"] * 9 + ["b"] * 5 + ["c"] * 1 + ["d"] * 14
    grouped = by_label(values, labels)
    assert grouped.sizes.tolist() == [9, 5, 1, 14]
    assert [flag.code for flag in grouped.flags] == ["unequal_sizes"]
    pooled = within_sigma(grouped, "pooled_unadjusted")
    squares = sum(float(((part - part.mean()) ** 2).sum()) for part in (values[:9], values[9:14], values[15:]))
    assert pooled.sigma == pytest.approx(math.sqrt(squares / 25), rel=1e-13)
    assert pooled.df == 25
    assert within_sigma(grouped).method == "pooled"
    for method in ("range", "sd"):
        estimate = within_sigma(grouped, method)
        assert 0.6 < estimate.sigma / pooled.sigma < 1.6
        assert estimate.df is not None
        assert estimate.df < 25


def test_labels_need_not_stand_together() -> None:
    values = drawn(20)
    apart = by_label(values, [str(at % 4) for at in range(20)])
    order = [at for start in range(4) for at in range(start, 20, 4)]
    together = by_size(values[order], 5)
    assert within_sigma(apart).sigma == pytest.approx(within_sigma(together).sigma, rel=1e-13)


def test_a_moving_range_is_not_taken_across_a_gap() -> None:
    values = array([1.0, 2.0, math.nan, 12.0, 13.0, 12.0])
    assert within_sigma(individuals(values)).sigma == pytest.approx(1 / 1.128, rel=1e-14)


def test_one_sided_limits_leave_out_what_needs_two() -> None:
    found = indices(10, 1, Specification(usl=13, target=11))
    assert (found.spread, found.lower) == (None, None)
    assert found.nearest == found.upper == pytest.approx(1.0)
    assert found.target == pytest.approx(2 / (3 * math.sqrt(2)))


@pytest.mark.parametrize(("scale", "offset"), [(1e-12, 0.0), (25.4, -3.0), (1.0, 1e9), (1e6, 1e3)])
def test_units_do_not_change_an_index(scale: float, offset: float) -> None:
    values = drawn(60, 5)
    plain = ppk(individuals(values), Specification(6, 13, 9), distribution="normal", even_if_unstable=True)
    made = ppk(
        individuals(values * scale + offset),
        Specification(6 * scale + offset, 13 * scale + offset, 9 * scale + offset),
        distribution="normal",
        even_if_unstable=True,
    )
    assert made.within is not None
    assert plain.within is not None
    near = 1e-6 if offset == 1e9 else 1e-10
    assert made.within.indices.nearest == pytest.approx(plain.within.indices.nearest, rel=near)
    assert made.overall.indices.target == pytest.approx(plain.overall.indices.target, rel=near)
    assert made.overall.expected is not None
    assert plain.overall.expected is not None
    assert made.overall.expected.total == pytest.approx(plain.overall.expected.total, rel=1e-4)


def test_a_mirror_exchanges_the_sides() -> None:
    values = drawn(60, 6)
    plain = ppk(individuals(values), Specification(6, 13)).overall
    turned = ppk(individuals(-values), Specification(-13, -6)).overall
    assert turned.indices.upper == pytest.approx(plain.indices.lower, rel=1e-13)
    assert turned.nearest_interval == pytest.approx(plain.nearest_interval, rel=1e-12)


def test_intervals_widen_with_confidence_and_narrow_with_n() -> None:
    narrow, wide = nearest_interval(1.33, 50, 49, 0.90), nearest_interval(1.33, 50, 49, 0.99)
    assert wide.low < narrow.low < 1.33 < narrow.high < wide.high
    assert spread_interval(1.33, 999, 0.95).low > spread_interval(1.33, 49, 0.95).low


def test_observed_counts_leave_a_value_on_a_limit_inside() -> None:
    seen = observed(array([1.0, 2.0, 3.0, 3.5]), Specification(1.0, 3.0), 0.95)
    assert (seen.below, seen.above, seen.n, seen.ppm) == (0, 1, 4, 250_000)
    assert seen.interval.low < 250_000 < seen.interval.high


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({}, "no specification limit"),
        ({"lsl": 5, "usl": 5}, "not below"),
        ({"lsl": 6, "usl": 5}, "not below"),
        ({"lsl": 1, "usl": 5, "target": 7}, "not within"),
        ({"usl": math.inf}, "no number"),
        ({"lsl": math.nan}, "no number"),
        ({"usl": 1e308}, "no number"),
    ],
)
def test_a_specification_that_cannot_be_is_refused(limits: dict[str, float], words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        Specification(**limits)


@pytest.mark.parametrize(
    ("values", "words"),
    [([5.0], "One value"), ([5.0] * 40, "All 40 values are 5"), ([0.1] * 7, "nothing varies")],
)
def test_values_that_tell_nothing_are_refused(values: list[float], words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        ppk(individuals(array(values)), Specification(0, 10))


def test_two_values_give_numbers_and_say_how_little_they_are_worth() -> None:
    made = ppk(individuals(array([4.0, 5.0])), Specification(0, 10))
    assert made.overall.nearest_interval is not None
    assert made.overall.nearest_interval.low < 0
    assert {"few", "coarse"} <= {flag.code for flag in made.flags} or "few" in {flag.code for flag in made.flags}
    assert made.stability is not None
    assert made.stability.stable is None


def test_no_variation_within_withholds_cp_and_keeps_pp() -> None:
    steps = array([1.0] * 5 + [2.0] * 5 + [3.0] * 5)
    made = ppk(by_size(steps, 5), Specification(0, 10))
    assert made.within is None
    assert "Nothing varies within" in made.withheld
    with pytest.raises(InvalidInputError, match="Nothing varies"):
        ppk(by_size(steps, 5), Specification(0, 10), sigma_method="range")


@pytest.mark.parametrize(("grouped", "method"), [(individuals, "range"), (in_fives, "moving_range")])
def test_a_sigma_method_that_does_not_fit_is_refused(grouped: Any, method: WithinMethod) -> None:
    with pytest.raises(InvalidInputError, match=method):
        within_sigma(grouped(drawn(30)), method)


def test_subgroups_that_are_none_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="one subgroup"):
        by_label(drawn(5), ["a"] * 5)
    with pytest.raises(InvalidInputError, match="Row 2 has no subgroup"):
        by_label(drawn(3), ["a", "", "b"])
    with pytest.raises(InvalidInputError, match="at least one"):
        by_size(drawn(5), 0)
    assert by_size(drawn(5), 1).individuals
    assert by_label(drawn(3), ["a", "b", "c"]).individuals, "a label a row is no subgroup"
