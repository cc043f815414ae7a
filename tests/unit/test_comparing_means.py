"""Comparing means: certified and published answers, and agreement with scipy."""

import math
from itertools import pairwise
from typing import Any, cast

import numpy as np
import pytest
import scipy.stats

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.comparing import effects, equivalence, means, paired, posthoc, power, ranks, variance
from qms_mcp.statistics.comparing.samples import Sample, samples_of
from qms_mcp.statistics.comparing.tails import noncentral_t_below, studentized_range_above, studentized_range_quantile
from tests.support.strd_anova import NAMES, certified

stats = cast("Any", scipy.stats)

# Student 1908, as R ships it (`sleep`): hours of sleep gained with two drugs, ten patients.
SLEEP = (
    [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0],
    [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4],
)
# Dobson 1983, as R ships it (`PlantGrowth`).
PLANTS = (
    [4.17, 5.58, 5.18, 6.11, 4.50, 4.61, 5.17, 4.53, 5.33, 5.14],
    [4.81, 4.17, 4.41, 3.59, 5.87, 3.83, 6.03, 4.89, 4.32, 4.69],
    [6.31, 5.12, 5.54, 5.50, 5.37, 5.29, 4.92, 6.15, 5.80, 5.26],
)


def samples(*groups: "list[float] | np.ndarray") -> list[Sample]:
    named = [f"{at:03}" for at, group in enumerate(groups) for _ in group]
    return samples_of(named, np.concatenate([np.asarray(group, dtype=float) for group in groups]))[0]


def two(a: "list[float] | np.ndarray", b: "list[float] | np.ndarray") -> tuple[Sample, Sample]:
    first, second = samples(a, b)
    return first, second


def of_moments(n: int, mean: float, sd: float) -> np.ndarray:
    values = np.arange(n, dtype=float)
    return mean + (values - values.mean()) / values.std(ddof=1) * sd


@pytest.mark.parametrize("name", NAMES)
def test_the_analysis_of_variance_has_twelve_certified_digits(name: str) -> None:
    known = certified(name)
    table = means.anova(samples_of(known.groups, np.array(known.values))[0])
    assert table.f == pytest.approx(known.f, rel=1e-12)
    assert table.r_squared == pytest.approx(known.r_squared, rel=1e-12)
    assert table.residual_sd == pytest.approx(known.residual_sd, rel=1e-12)
    assert table.between_ss == pytest.approx(known.between_ss, rel=1e-12)
    assert table.within_ss == pytest.approx(known.within_ss, rel=1e-12)


def test_the_handbooks_resistances() -> None:
    # NIST e-Handbook 7.4.3.3.
    table = means.anova(samples([6.9, 5.4, 5.8, 4.6, 4.0], [8.3, 6.8, 7.8, 9.2, 6.5], [8.0, 10.5, 8.1, 6.9, 9.3]))
    assert (table.between_df, table.within_df) == (2, 12)
    assert table.between_ss == pytest.approx(27.897, abs=5e-4)
    assert table.within_ss == pytest.approx(17.452, abs=5e-4)
    assert table.f == pytest.approx(9.59, abs=5e-3)


def test_the_handbooks_cars() -> None:
    # NIST e-Handbook 1.3.5.3 (AUTO83B), from its printed means and standard deviations.
    a, b = samples(of_moments(249, 20.14458, 6.41470), of_moments(79, 30.48101, 6.10771))
    assert means.pooled_difference(a, b).t == pytest.approx(-12.62059, abs=2e-4)
    assert means.pooled_difference(a, b).df == 326
    assert means.difference(a, b).t == pytest.approx(-12.94627, abs=2e-4)
    assert means.difference(a, b).df == pytest.approx(136.8750, abs=2e-3)


def test_students_sleep_as_r_prints_it() -> None:
    a, b = two(*SLEEP)
    found = means.difference(a, b)
    assert found.t == pytest.approx(-1.8608, abs=5e-5)
    assert found.df == pytest.approx(17.776, abs=5e-4)
    assert found.p == pytest.approx(0.07939, abs=5e-6)
    assert (found.low, found.high) == pytest.approx((-3.3654832, 0.2054832), abs=5e-8)
    rank = ranks.mann_whitney(a, b)
    assert rank is not None
    assert (rank.statistic, rank.p) == (25.5, pytest.approx(0.06933, abs=5e-6))


def test_students_sleep_in_pairs_as_r_prints_it() -> None:
    keys = [str(row) for row in range(10)] * 2
    pairs = paired.matched(keys, ["1"] * 10 + ["2"] * 10, np.array(SLEEP[0] + SLEEP[1]))
    found = paired.paired_t(paired.differences(pairs))
    assert found.t == pytest.approx(-4.0621, abs=5e-5)
    assert found.p == pytest.approx(0.002833, abs=5e-7)
    assert (found.low, found.high) == pytest.approx((-2.4598858, -0.7001142), abs=5e-8)


def test_the_depression_scores_of_hollander_and_wolfe() -> None:
    # Hollander and Wolfe 1973, p. 29, as R prints it: V = 40, one-sided p = 0.01953.
    x = [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30]
    y = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29]
    pairs = paired.matched([str(row) for row in range(9)] * 2, ["x"] * 9 + ["y"] * 9, np.array(x + y))
    found = paired.signed_rank(paired.differences(pairs))
    assert found is not None
    assert found.p / 2 == pytest.approx(0.01953, abs=5e-6)


def test_dobsons_plants_as_r_prints_them() -> None:
    groups = samples(*PLANTS)
    whole, table, rank = means.welch(groups), means.anova(groups), ranks.kruskal_wallis(groups)
    spread = variance.brown_forsythe(groups)
    assert whole is not None
    assert rank is not None
    assert spread is not None
    assert (whole.statistic, whole.p) == (pytest.approx(5.181, abs=5e-4), pytest.approx(0.01739, abs=5e-6))
    assert whole.df2 == pytest.approx(17.128, abs=5e-4)
    assert (table.f, table.p) == (pytest.approx(4.8461, abs=5e-5), pytest.approx(0.01591, abs=5e-6))
    assert (rank.statistic, rank.p) == (pytest.approx(7.9882, abs=5e-5), pytest.approx(0.01842, abs=5e-6))
    assert (spread.statistic, spread.p) == (pytest.approx(1.1192, abs=5e-5), pytest.approx(0.3412, abs=5e-5))


def test_the_standardized_difference_of_borenstein() -> None:
    # Borenstein, Hedges, Higgins and Rothstein, Introduction to Meta-Analysis (2009), chapter 4.
    a, b = samples(of_moments(50, 103, 5.5), of_moments(50, 100, 4.5))
    g = effects.hedges_g(a, b)
    assert g is not None
    assert g.value == pytest.approx(0.5924, abs=1e-4)
    assert g.low < g.value < g.high


@pytest.mark.parametrize("seed", range(5))
def test_the_tests_agree_with_scipy(seed: int) -> None:
    random = np.random.default_rng(seed)
    x, y, z = random.normal(5, 1, 12), random.normal(6, 3, 30), random.lognormal(1, 1, 21)
    a, b, c = samples(x, y, z)
    found, known = means.difference(a, b), stats.ttest_ind(x, y, equal_var=False)
    assert (found.t, found.p) == pytest.approx((known.statistic, known.pvalue), rel=1e-9)
    whole, rank, spread = means.welch([a, b, c]), ranks.kruskal_wallis([a, b, c]), variance.brown_forsythe([a, b, c])
    assert whole is not None
    assert rank is not None
    assert spread is not None
    assert means.anova([a, b, c]).p == pytest.approx(stats.f_oneway(x, y, z).pvalue, rel=1e-9)
    known_whole = stats.f_oneway(x, y, z, equal_var=False)
    assert (whole.statistic, whole.p) == pytest.approx((known_whole.statistic, known_whole.pvalue), rel=1e-9)
    assert rank.p == pytest.approx(stats.kruskal(x, y, z).pvalue, rel=1e-9)
    assert spread.p == pytest.approx(stats.levene(x, y, z, center="median").pvalue, rel=1e-9)
    moved = ranks.shift(a, b)
    assert moved is not None
    assert moved.value == pytest.approx(float(np.median(np.subtract.outer(x, y))), rel=1e-12)


@pytest.mark.parametrize(("q", "groups", "df"), [(3.5, 5, 20.3), (4.2, 12, 3.5), (2, 2, 4.5), (8, 3, 7), (3.6, 3, 900)])
def test_the_studentized_range_agrees_with_scipy(q: float, groups: int, df: float) -> None:
    assert studentized_range_above(q, groups, df) == pytest.approx(stats.studentized_range.sf(q, groups, df), abs=1e-7)


def test_the_studentized_range_has_the_printed_quantiles() -> None:
    # Montgomery, Design and Analysis of Experiments, appendix VII: q_0.05(3, 10) = 3.88, q_0.05(5, 20) = 4.23.
    assert studentized_range_quantile(0.95, 3, 10) == pytest.approx(3.88, abs=5e-3)
    assert studentized_range_quantile(0.95, 5, 20) == pytest.approx(4.23, abs=5e-3)


@pytest.mark.parametrize(
    ("t", "df", "shift"), [(2.1, 5, 1.0), (0.3, 40, -1), (-3.2, 12, -2), (12, 3, 9), (30, 200, 28), (2.0, 1, 0.5)]
)
def test_the_noncentral_t_agrees_with_scipy(t: float, df: float, shift: float) -> None:
    assert noncentral_t_below(t, df, shift) == pytest.approx(stats.nct.cdf(t, df, shift), abs=1e-8)


def test_the_noncentral_t_is_a_number_far_out() -> None:
    assert noncentral_t_below(-38.8, 70, 60.0) == pytest.approx(0.0, abs=1e-12)
    assert noncentral_t_below(1000.0, 70, 1000.0) == pytest.approx(stats.chi2.sf(70, 70), abs=1e-3)


def test_two_groups_by_games_and_howell_are_welchs_t() -> None:
    groups = samples(*SLEEP)
    pair, whole = posthoc.post_hoc(groups).pairs[0], means.difference(groups[0], groups[1])
    assert pair.p == pytest.approx(whole.p, abs=1e-7)
    assert (pair.low, pair.high) == pytest.approx((whole.low, whole.high), abs=1e-6)


def test_holm_and_benjamini_hochberg_as_published() -> None:
    assert posthoc.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    # Benjamini and Hochberg 1995, section 4.1: of these 15, four are rejected at 0.05 (Bonferroni rejects three).
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590]
    assert int((posthoc.benjamini_hochberg(np.array([*p, 1.0])) <= 0.05).sum()) == 4


def test_many_groups_are_compared_each_with_all_others() -> None:
    random = np.random.default_rng(1)
    values = [random.normal(0, 1, 10) for _ in range(60)]
    values[7] = values[7] + 5
    found = posthoc.post_hoc(samples(*values))
    assert len(found.pairs) == 60
    assert (found.pairs[0].first, found.pairs[0].second) == ("007", posthoc.REST)
    assert found.pairs[0].p < 1e-5


def test_the_interval_of_eta_squared_leaves_zero_when_the_test_does() -> None:
    for gap in (0.0, 0.4, 0.8, 1.2):
        table = means.anova(samples(of_moments(20, 0, 1), of_moments(20, gap, 1), of_moments(20, 0, 1)))
        share = effects.eta_squared(table)
        assert (share.low > 0) == (table.p < 0.05)
        assert share.low <= share.value <= share.high


def test_the_interval_of_the_standardized_difference_leaves_zero_when_students_t_does() -> None:
    for gap in (0.3, 0.6, 0.7, 1.5, 20.0):
        a, b = samples(of_moments(15, gap, 1), of_moments(25, 0, 1))
        g = effects.hedges_g(a, b)
        assert g is not None
        assert (g.low > 0) == (means.pooled_difference(a, b).p < 0.05)


def test_every_value_larger_gives_an_interval_with_a_width() -> None:
    found = ranks.superiority(*two([1, 2, 3], [10, 11, 12, 13]))
    assert found.value == found.low == -1
    assert -1 < found.high < 0.5


def test_a_difference_of_the_detectable_size_is_found_in_four_of_five() -> None:
    random, n = np.random.default_rng(3), 15
    least = power.smallest_difference(*two(of_moments(n, 0, 1), of_moments(n, 0, 1)))
    x, y = random.normal(0, 1, (4000, n)), random.normal(least, 1, (4000, n))
    share = float((stats.ttest_ind(x, y, axis=1, equal_var=False).pvalue < 0.05).mean())
    assert share == pytest.approx(0.80, abs=0.02)


def test_equivalence_is_two_one_sided_tests() -> None:
    x, y = np.array(SLEEP[0]), np.array(SLEEP[1])
    error, df = means.standard_error(*two(x, y))
    found = equivalence.equivalence(float(x.mean() - y.mean()), error, df, 4.0)
    lower = stats.ttest_ind(x + 4.0, y, equal_var=False, alternative="greater").pvalue
    upper = stats.ttest_ind(x - 4.0, y, equal_var=False, alternative="less").pvalue
    assert found.p == pytest.approx(max(lower, upper), rel=1e-9)
    assert found.equivalent == (found.low > -4.0 and found.high < 4.0)


@pytest.mark.parametrize(("offset", "size"), [(0, 1), (0, 1e-12), (0, 1e12), (1e9, 1), (-1e9, 1), (1e9, 1e-4)])
def test_no_digits_are_lost(offset: float, size: float) -> None:
    a, b = samples(*(offset + size * np.array(group) for group in SLEEP))
    assert means.difference(a, b).t == pytest.approx(-1.8608134674868535, rel=1e-6 if offset and size < 1 else 1e-9)


def test_groups_come_in_their_natural_order_and_the_nameless_one_last() -> None:
    found, flags = samples_of(["10", "9", "", "Ä", "10", "9", "", "Ä"], np.arange(8.0))
    assert [sample.name for sample in found] == ["9", "10", "Ä", "(none)"]
    assert [flag.code for flag in flags] == ["no_group"]


@pytest.mark.parametrize(
    ("groups", "values", "says"),
    [
        (["a", "a"], [1.0, 2.0], "at least two groups"),
        (["a", "b"], [1.0, 2.0], "nothing shows how much values vary"),
        (["a", "a", "b", "b"], [1.0, 1.0, 2.0, 2.0], "do not vary within any group"),
    ],
)
def test_what_cannot_be_compared_is_refused(groups: list[str], values: list[float], says: str) -> None:
    with pytest.raises(InvalidInputError, match=says):
        means.anova(samples_of(groups, np.array(values))[0])


def test_a_pair_with_two_values_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="several values"):
        paired.matched(["1", "1", "1"], ["a", "a", "b"], np.arange(3.0))


def test_ranks_do_not_lose_ties() -> None:
    ranked, ties = ranks._ranks(samples([1, 2, 2], [2, 3, 3]))
    assert ranked.tolist() == [1, 3, 3, 3, 5.5, 5.5]
    assert ties == 24 + 6
    assert all(low <= high for low, high in pairwise(ranked))
    assert math.isclose(ranked.sum(), 21)
