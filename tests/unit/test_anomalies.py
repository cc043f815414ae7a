"""Anomalies: what is found, what is not, and how often nothing at all is called something."""

import math
from typing import Any, cast

import numpy as np
import pytest
import scipy.stats

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.anomalies.control import called
from qms_mcp.statistics.anomalies.rare import surges, unlikely_together
from qms_mcp.statistics.anomalies.rates import judge_rates
from qms_mcp.statistics.anomalies.robust import scale_of
from qms_mcp.statistics.anomalies.seasonal import _others, seasonal
from qms_mcp.statistics.anomalies.texts import novelty, words
from qms_mcp.statistics.anomalies.times import after, limit_of, moment, name_of, seconds, start_of

stats = cast("Any", scipy.stats)


def test_the_mad_of_leys() -> None:
    # Leys et al., Journal of Experimental Social Psychology 49 (2013): 1, 3, 3, 6, 8, 10, 10, 1000 has 7 and 5.1891.
    scale = scale_of(np.array([1.0, 3, 3, 6, 8, 10, 10, 1000]))
    assert scale.centre == 7
    assert scale.above == pytest.approx(5.1891, abs=1e-4)
    assert scale.z(np.array([1000.0]))[0] == pytest.approx((1000 - 7) / 5.1891, rel=1e-4)


def test_wild_values_do_not_hide_each_other() -> None:
    values = np.random.default_rng(2).normal(10, 1, 50)
    values[:5] = 40
    found = called(scale_of(values).chance(values), 0.05)
    assert sorted(found.at.tolist()) == [0, 1, 2, 3, 4]
    assert found.expected_false == pytest.approx(0.25)


def test_what_is_called_lies_outside_of_what_is_expected_and_nothing_else_does() -> None:
    values = np.random.default_rng(2).normal(0, 1, 300)
    values[:3] = [6, -7, 8]
    scale = scale_of(values)
    found = called(scale.chance(values), 0.05)
    low, high = scale.expected(found.threshold)
    outside = np.flatnonzero((values < low) | (values > high))
    assert sorted(found.at.tolist()) == outside.tolist() == [0, 1, 2]


@pytest.mark.parametrize("n", [6, 10, 21, 60, 500])
def test_the_chance_of_a_value_is_what_it_says(n: int) -> None:
    random = np.random.default_rng(n)
    small = 0
    for _ in range(max(40, 6_000 // n)):
        values = random.normal(3, 2, n)
        small += int((scale_of(values).chance(values) < 0.01).sum())
    rate = small / (max(40, 6_000 // n) * n)
    assert 0.003 < rate < 0.016


def test_skewed_values_are_judged_by_their_logarithms() -> None:
    values = np.random.default_rng(3).lognormal(0, 1, 400)
    scale = scale_of(values)
    assert scale.power == 0
    assert not called(scale.chance(values), 0.05).at.size
    low, high = scale.expected(0.001)
    assert 0 < low < high


def test_each_side_has_its_own_width_where_logarithms_do_not_help() -> None:
    random = np.random.default_rng(3)
    values = -random.lognormal(0, 1, 400)
    scale = scale_of(values)
    assert scale.how == "double mad"
    assert scale.below > 1.5 * scale.above


def test_long_tails_are_allowed_for() -> None:
    values = np.random.default_rng(5).standard_t(2, 2_000)
    scale = scale_of(values)
    assert "long_tails" in [flag.code for flag in scale.flags]
    assert called(scale.chance(values), 0.05).at.size <= 2


def test_a_mad_of_zero_is_told_and_the_odd_one_found() -> None:
    values = np.array([5.0] * 60 + [9.0])
    scale = scale_of(values)
    assert scale.how == "mean deviation"
    assert "zero_dispersion" in [flag.code for flag in scale.flags]
    assert called(scale.chance(values), 0.05).at.tolist() == [60]


@pytest.mark.parametrize(("values", "says"), [([1.0, 2, 3, 4, 5], "5 values"), ([2.0] * 9, "equal")])
def test_too_few_and_equal_values_are_refused(values: list[float], says: str) -> None:
    with pytest.raises(InvalidInputError, match=says):
        scale_of(np.array(values))


@pytest.mark.parametrize(("offset", "size"), [(0, 1), (0, 1e-12), (1e9, 1), (-1e9, 0.1)])
def test_the_robust_z_keeps_its_digits(offset: float, size: float) -> None:
    values = np.round(np.random.default_rng(1).normal(0, 1, 31), 2)
    one = scale_of(values).z(values)
    other = scale_of(offset + size * values).z(offset + size * values)
    assert other == pytest.approx(one, rel=1e-5, abs=1e-5)


def test_the_rate_of_false_calls_is_below_the_level_where_nothing_is_unusual() -> None:
    random = np.random.default_rng(9)
    tables = sum(bool(called(random.uniform(size=200), 0.05).at.size) for _ in range(1_000))
    assert tables / 1_000 == pytest.approx(0.05, abs=0.021)


def test_a_chance_that_was_not_tested_is_not_called() -> None:
    found = called(np.array([math.nan, 1e-9, 0.4]), 0.05)
    assert found.at.tolist() == [1]
    assert found.tested == 2


# --- seasons


def monthly(n: int = 120, seed: int = 1) -> np.ndarray:
    at = np.arange(n)
    random = np.random.default_rng(seed)
    return 50 + 0.1 * at + 5 * np.sin(2 * np.pi * at / 12) + random.normal(0, 0.5, n)


def test_a_value_that_only_its_season_makes_odd_is_found() -> None:
    values = monthly()
    values[63] = values[57]  # the height of a summer in a winter: within the range of all values
    made = seasonal(values, 12)
    found = called(made.scale.chance(made.left), 0.05)
    assert found.at.tolist() == [63]
    assert not called(scale_of(values).chance(values), 0.05).at.size
    assert made.strength > 0.9


def test_without_a_season_its_strength_is_small() -> None:
    assert seasonal(np.random.default_rng(2).normal(0, 1, 240), 12).strength < 0.3


def test_a_step_and_missing_values_do_not_disturb_the_season() -> None:
    values = monthly()
    values[60:] += 20
    values[[5, 77]] = np.nan
    values[90] += 6
    made = seasonal(values, 12)
    kept = np.where(np.isnan(made.left), np.nan, made.scale.chance(np.nan_to_num(made.left)))
    assert 90 in called(kept, 0.05).at
    assert np.isnan(made.left[[5, 77]]).all()


def test_the_median_of_the_others_leaves_the_value_itself_out() -> None:
    values = np.array([3.0, 1.0, np.nan, 9.0, 4.0, 7.0])
    kept = np.flatnonzero(~np.isnan(values))
    known = [float(np.median(np.delete(values[kept], at))) for at in range(len(kept))]
    assert _others(values)[kept].tolist() == known


def test_three_seasons_are_too_few() -> None:
    with pytest.raises(InvalidInputError, match="at least 4 seasons"):
        seasonal(np.arange(36.0), 12)


# --- rates


def test_a_rate_is_judged_by_the_exact_conditional_test() -> None:
    counts, exposure = np.array([3.0, 5, 4, 15]), np.array([10.0, 10, 10, 12])
    found = judge_rates(counts, exposure)
    share = 12 / 42
    assert found.p[3] == pytest.approx(2 * stats.binom.sf(14, 27, share))
    assert found.expected[3] == pytest.approx(12 * 12 / 30)
    assert found.law == "Poisson"


def test_trials_are_judged_by_the_hypergeometric_distribution() -> None:
    counts, trials = np.array([1.0, 2, 9]), np.array([50.0, 60, 55])
    found = judge_rates(counts, trials, trials=True)
    assert found.p[2] == pytest.approx(2 * stats.hypergeom.sf(8, 165, 12, 55))
    assert found.law == "binomial"


def test_counts_that_vary_more_than_poisson_are_allowed_to() -> None:
    random = np.random.default_rng(4)
    wide = random.negative_binomial(5, 5 / (5 + 40), 60).astype(float)
    found = judge_rates(wide, np.ones(60))
    assert found.law == "negative binomial"
    assert called(found.p, 0.05).at.size <= 1
    poisson = judge_rates(random.poisson(40, 60).astype(float), np.ones(60))
    assert (poisson.law, poisson.excess) == ("Poisson", 1.0)


def test_a_known_peak_does_not_make_the_others_look_low() -> None:
    counts = np.array([20.0, 22, 19, 21, 500])
    apart = np.array([False] * 4 + [True])
    found = judge_rates(counts, np.ones(5), apart=apart)
    assert found.expected[0] == pytest.approx((22 + 19 + 21) / 3)
    assert found.p[:4].min() > 0.1
    assert found.p[4] < 1e-100


@pytest.mark.parametrize(
    ("counts", "exposure", "trials"),
    [
        ([1.0, 2], [1.0, 1], False),
        ([1.0, -2, 3], [1.0, 1, 1], False),
        ([1.0, 2.5, 3], [1.0, 1, 1], False),
        ([1.0, 2, 3], [1.0, 0, 1], False),
        ([0.0, 0, 0], [1.0, 1, 1], False),
        ([5.0, 2, 3], [4.0, 9, 9], True),
    ],
)
def test_what_are_no_counts_is_refused(counts: list[float], exposure: list[float], trials: bool) -> None:
    with pytest.raises(InvalidInputError):
        judge_rates(np.array(counts), np.array(exposure), trials=trials)


# --- categories


def later(n: int, last: int) -> np.ndarray:
    return np.arange(n) >= n - last


def test_a_category_never_seen_before_has_the_exact_chance() -> None:
    found = surges(["a"] * 90 + ["a"] * 7 + ["Ölleck"] * 3, later(100, 10))
    new = next(surge for surge in found.surges if surge.category == "Ölleck")
    assert (new.before, new.after, new.first) == (0, 3, 97)
    assert new.p == pytest.approx(math.comb(10, 3) / math.comb(100, 3))


def test_new_categories_are_no_surprise_where_they_always_came() -> None:
    ever_new = [f"serial {row}" for row in range(200)]
    found = surges(ever_new, later(200, 20))
    assert found.unseen > 0.9
    assert found.new_p > 0.5
    padded = np.array([surge.p for surge in found.surges] + [1.0] * 180)
    assert not called(padded, 0.05).at.size


def test_where_none_came_before_one_is_unlikely() -> None:
    found = surges(["a", "b"] * 500 + ["c"], later(1001, 1))
    assert found.unseen == pytest.approx(0.5 / 1000)
    assert found.new_rows == 1
    assert found.new_p == pytest.approx(0.5 / 1000)


def test_an_exception_to_a_rule_is_found_and_a_rare_pair_is_not() -> None:
    first = ["a"] * 500 + ["b"] * 500 + ["rare"]
    second = ["A"] * 500 + ["B"] * 499 + ["A"] + ["odd"]
    seen = {one.categories: one for one in unlikely_together([first, second])}
    assert seen["b", "A"].p < 1e-50
    assert seen["b", "A"].count == 1
    assert seen["rare", "odd"].p == 1.0
    assert seen["a", "A"].p == 1.0


# --- texts

_USUAL = (
    "Seal leaks at the pump housing of unit {}",
    "Label printed crooked on carton {}",
    "Screw missing from the bracket of station {}",
    "Customer reports a scratch on the display {}",
    "Kabel am Stecker {} gebrochen, Isolierung beschädigt",
)
_WORDS = ("red", "blue", "small", "left", "upper", "warm", "morning", "pallet", "north", "spare")


def complaints(n: int) -> list[str]:
    random = np.random.default_rng(8)
    return [_USUAL[at % 5].format(_WORDS[int(random.integers(10))]) for at in range(n)]


def test_a_new_subject_is_found_and_named() -> None:
    texts = complaints(300) + [f"Battery swells after charging, {word} cover pops open" for word in _WORDS[:6]]
    found = novelty(texts, later(306, 40))
    new = min(found.clusters, key=lambda cluster: cluster.p)
    assert (new.before, new.after) == (0, 6)
    assert {"battery", "swells"} & set(new.terms)
    assert new.p == pytest.approx(math.prod((40 - k) / (306 - k) for k in range(6)))
    assert sum(cluster.p < 0.01 for cluster in found.clusters) == 1


def test_nothing_new_is_not_called_new() -> None:
    found = novelty(complaints(300), later(300, 60))
    assert min(cluster.p for cluster in found.clusters) > 0.01


def test_the_same_texts_give_the_same_clusters() -> None:
    texts = [*complaints(120), "totally different thing entirely"]
    assert novelty(texts, later(121, 20)) == novelty(texts, later(121, 20))


def test_a_text_alone_is_told_but_is_no_cluster() -> None:
    found = novelty([*complaints(100), "Gearbox gives off smoke and smells of burning"], later(101, 11))
    assert [row for row, _, _ in found.alone] == [100]
    row, nearest, share = found.alone[0]
    assert nearest < 0.2
    assert share == pytest.approx(1 / 91, abs=0.02)
    assert row == 100


def test_words_of_all_scripts_are_read() -> None:
    assert words("Größe GRÖSSE ﬁn 123 a") == ["grösse", "grösse", "fin"] or words("GRÖSSE") == words("Größe")
    assert words("電池が膨張") == ["電池", "池が", "が膨", "膨張"]
    assert words("café") == words("cafe\u0301")


def test_a_new_subject_in_a_script_without_spaces_is_found() -> None:
    texts = ["ラベルが曲がって印刷された", "ポンプのシールから漏れ"] * 60 + [
        "充電後に電池が膨張した",
        "電池が充電中に膨張した",
    ] * 3
    found = novelty(texts, later(126, 12))
    new = min(found.clusters, key=lambda cluster: cluster.p)
    assert (new.before, new.after) == (0, 6)


@pytest.mark.parametrize("texts", [["", "1", "!"] * 10, ["a word"] * 4])
def test_texts_without_words_or_too_few_are_refused(texts: list[str]) -> None:
    with pytest.raises(InvalidInputError):
        novelty(texts, later(len(texts), 1))


# --- times


@pytest.mark.parametrize(
    ("written", "iso"),
    [
        ("2026-03-31", "2026-03-31T00:00:00+00:00"),
        ("2026-03-31T14:00:00+02:00", "2026-03-31T12:00:00+00:00"),
        ("2026-03", "2026-03-01T00:00:00+00:00"),
        ("2026-Q2", "2026-04-01T00:00:00+00:00"),
        ("2026", "2026-01-01T00:00:00+00:00"),
    ],
)
def test_moments_are_read(written: str, iso: str) -> None:
    read = moment(written)
    assert read is not None
    assert read.isoformat() == iso


def test_what_is_no_moment_is_refused_by_its_place() -> None:
    with pytest.raises(InvalidInputError, match=r"row 2 \('soon'\)"):
        seconds(["2026-01-01", "soon"], "time")
    with pytest.raises(InvalidInputError, match="0 lie before"):
        limit_of("2020", seconds(["2026-01-01", "2026-01-02"], "time"), "time")


def test_periods_begin_and_end_where_the_calendar_says() -> None:
    from datetime import date

    assert name_of(start_of(date(2024, 12, 31), "week"), "week") == "2025-W01"
    assert after(date(2024, 12, 1), "month") == date(2025, 1, 1)
    assert start_of(date(2026, 5, 20), "quarter") == date(2026, 4, 1)
    assert name_of(date(2026, 4, 1), "quarter") == "2026-Q2"
