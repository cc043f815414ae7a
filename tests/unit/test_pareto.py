"""Pareto analysis: order, shares, intervals, and what it refuses."""

import math
from typing import Any, cast

import numpy as np
import pytest
import scipy.stats

from qms_mcp.errors import InvalidInputError
from qms_mcp.services.analysis.methods.pareto import PARETO, ParetoAnswer, ParetoOptions
from qms_mcp.services.analysis.table import Table
from qms_mcp.statistics.pareto import NONE, pareto

stats = cast("Any", scipy.stats)

DEFECTS = {"Scratch": 45, "Dent": 30, "Crack": 12, "Stain": 8, "Chip": 5}
ROWS = [name for name, count in DEFECTS.items() for _ in range(count)]


def answer(columns: dict[str, list[Any]], **options: Any) -> ParetoAnswer:
    return PARETO.compute(Table(columns), ParetoOptions(**options)).answer


def test_long_categories_are_cut_and_stay_apart() -> None:
    long = "x" * 1_000
    found = answer({"c": [long + "a", long + "b", long + "b"]}, category="c")
    names = [row[0] for row in found.rows[1:]]
    assert len(set(names)) == 2
    assert all(len(name) <= 80 for name in names)


def test_categories_come_largest_first_with_their_cumulated_share() -> None:
    found = pareto(ROWS)
    assert [bar.category for bar in found.bars] == ["Scratch", "Dent", "Crack", "Stain", "Chip"]
    assert [bar.cumulative for bar in found.bars] == pytest.approx([0.45, 0.75, 0.87, 0.95, 1.0])
    assert found.vital == 3


def test_a_limit_that_is_reached_exactly_needs_no_further_category() -> None:
    assert pareto(["a"] * 5 + ["b"] * 3 + ["c"] * 2, limit=0.8).vital == 2
    assert pareto(["a", "b", "c"], [0.1, 0.6, 0.3], weighs="amount", limit=0.9).vital == 2


def test_counted_tables_and_rows_say_the_same() -> None:
    counted = pareto(list(DEFECTS), [float(count) for count in DEFECTS.values()], weighs="count")
    one_by_one = pareto(ROWS)
    assert [(bar.category, bar.share, bar.low, bar.high) for bar in counted.bars] == [
        (bar.category, bar.share, bar.low, bar.high) for bar in one_by_one.bars
    ]


def test_the_order_may_be_another_by_cost() -> None:
    found = pareto(["a", "a", "a", "b"], [1.0, 1.0, 1.0, 50.0], weighs="amount")
    assert [bar.category for bar in found.bars] == ["b", "a"]


def test_goodmans_intervals_solve_their_equation() -> None:
    found = pareto(ROWS)
    n, a = 100, float(stats.chi2.isf(0.05 / 5, 1))
    for bar in found.bars:
        for end in (bar.low, bar.high):
            assert end is not None
            assert (bar.share - end) ** 2 == pytest.approx(a * end * (1 - end) / n)


def test_the_intervals_of_costs_hold_what_they_say() -> None:
    random = np.random.default_rng(4)
    held = 0
    for _ in range(200):
        n = random.poisson([200, 100, 50])
        names = ["a"] * int(n[0]) + ["b"] * int(n[1]) + ["c"] * int(n[2])
        found = pareto(names, random.exponential(1.0, int(n.sum())), weighs="amount")
        true = {"a": 200 / 350, "b": 100 / 350, "c": 50 / 350}
        held += all((bar.low or 0) <= true[bar.category] <= (bar.high or 1) for bar in found.bars)
    assert held >= 182  # of 200, at 95 % (binomial: 3.3 standard deviations below)


def test_equal_frequencies_are_tested_as_scipy_does() -> None:
    found = pareto(ROWS).evenness
    assert found is not None
    known = stats.chisquare(list(DEFECTS.values()))
    assert (found.chi_square, found.p) == pytest.approx((known.statistic, known.pvalue), rel=1e-9)


def test_few_counts_are_tested_by_drawing() -> None:
    found = pareto(["a", "a", "a", "b"]).evenness
    assert found is not None
    assert "simulated" in found.how
    assert found.p == pytest.approx(10 / 16, abs=0.015)  # 3:1, 1:3, 4:0, 0:4 of sixteen


def test_an_order_by_chance_is_said_to_be_one() -> None:
    found = pareto(["a"] * 11 + ["b"] * 10 + ["c"] * 9)
    assert "ranking_by_chance" in [flag.code for flag in found.flags]
    assert "ranking_by_chance" not in [flag.code for flag in pareto(ROWS).flags]


def test_the_first_two_may_not_be_told_apart() -> None:
    found = pareto(["a"] * 32 + ["b"] * 30 + ["c"] * 5)
    assert found.first_two_p == pytest.approx(stats.binomtest(30, 62).pvalue)
    assert "first_not_clear" in [flag.code for flag in found.flags]


def test_ties_at_the_line_are_told_and_ordered_by_name() -> None:
    found = pareto(["a"] * 8 + ["c"] * 1 + ["b"] * 1, limit=0.9)
    assert [bar.category for bar in found.bars] == ["a", "b", "c"]
    assert "ties" in [flag.code for flag in found.flags]


def test_a_missing_category_is_shown_and_told() -> None:
    found = pareto(["a", "", " ", "a", "a"])
    assert found.bars[1].category == NONE
    assert found.bars[1].rows == 2
    assert "missing" in [flag.code for flag in found.flags]


def test_the_tail_is_one_row_that_says_what_it_is_made_of() -> None:
    found = answer({"d": [f"k{at:02}" for at in range(30) for _ in range(31 - at)]}, category="d", bars=10)
    assert len(found.rows) == 12
    assert found.rows[-1][0] == "(20 smaller ones)"
    assert found.rows[-1][1] == sum(range(2, 22))
    assert found.rows[-1][4] == 1.0
    assert "tail" in [flag.code for flag in found.flags]


def test_a_category_called_other_stays_what_it_is() -> None:
    found = answer({"d": ["Other"] * 5 + ["a"] * 3 + list("bcdefgh")}, category="d", bars=3)
    assert [row[0] for row in found.rows[1:]] == ["Other", "a", "b", "(6 smaller ones)"]


def test_spellings_that_may_be_one_are_told() -> None:
    found = answer({"d": ["Öl-Leck"] * 3 + ["öl leck"] * 2 + ["x"]}, category="d")
    assert "alike" in [flag.code for flag in found.flags]
    assert found.rows[1][0] == "Öl-Leck"


def test_combinations_of_columns_are_ranked() -> None:
    found = answer({"d": ["a", "a", "b"], "line": ["1", "1", ""]}, category=["d", "line"])
    assert [row[0] for row in found.rows[1:]] == ["a + 1", "b + (none)"]


@pytest.mark.parametrize(
    ("weights", "weighs", "says"),
    [
        ([1.0, -2.0], "amount", "negative"),
        ([1.0, 2.5], "count", "no whole number"),
        ([0.0, 0.0], "amount", "All weights are zero"),
        ([1.0, math.inf], "amount", "infinite"),
        ([1.0, "many"], "amount", "not a number"),
        ([1.0], "amount", "2 categories and 1 weights"),
        ([1e308, 1.0], "amount", "too large"),
    ],
)
def test_weights_that_are_none_are_refused(weights: list[Any], weighs: Any, says: str) -> None:
    with pytest.raises(InvalidInputError, match=says):
        pareto(["a", "b"], weights, weighs=weighs)


def test_no_rows_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="no row"):
        pareto([])


def test_a_missing_or_zero_cost_is_told() -> None:
    codes = [flag.code for flag in pareto(["a", "b", "b"], [5.0, None, 0.0], weighs="amount").flags]
    assert {"missing", "zero_weights"} <= set(codes)


def test_one_category_is_no_ranking() -> None:
    found = answer({"d": ["a", "a"]}, category="d")
    assert "one_category" in [flag.code for flag in found.flags]
    assert "one category" in found.headline


def test_a_hundred_thousand_rows_are_ranked() -> None:
    names = np.random.default_rng(1).choice(["a", "b", "Ü"], 100_000, p=[0.6, 0.3, 0.1]).tolist()
    found = pareto(names)
    assert [bar.category for bar in found.bars] == ["a", "b", "Ü"]
    assert found.vital == 2


def test_the_picture_cumulates_to_a_hundred_on_the_right() -> None:
    picture = PARETO.compute(Table({"d": ROWS}), ParetoOptions(category="d")).picture
    assert picture is not None
    panel = picture.panels[0]
    assert panel.percent_right
    line = next(series for series in panel.series if series.right)
    assert line.y[-1] == pytest.approx(100)
    assert panel.categories == ("Scratch", "Dent", "Crack", "Stain", "Chip")
