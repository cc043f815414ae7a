"""Comparing the groups of a table: the right comparison for the column, and what it says in words."""

import json
import math
from typing import Any

import numpy as np
import pytest

from qms_mcp.errors import InvalidInputError
from qms_mcp.pictures.model import Picture
from qms_mcp.services.analysis.evaluating import dumped
from qms_mcp.services.analysis.method import Computed
from qms_mcp.services.analysis.methods.compare_groups import COMPARE_GROUPS
from qms_mcp.services.analysis.methods.compare_groups_model import CompareAnswer, CompareOptions
from qms_mcp.services.analysis.table import Table

RANDOM = np.random.default_rng(20)
A: list[float] = RANDOM.normal(10, 1, 30).round(2).tolist()
B: list[float] = RANDOM.normal(11.5, 1.5, 28).round(2).tolist()


def computed(
    columns: dict[str, list[Any]], units: dict[str, str] | None = None, **options: Any
) -> Computed[CompareAnswer]:
    made = COMPARE_GROUPS.compute(Table(columns, units or {}), CompareOptions(**options))
    assert len(json.dumps(dumped(made))) < 60_000
    assert isinstance(made.picture, Picture)
    return made


def answer(columns: dict[str, list[Any]], units: dict[str, str] | None = None, **options: Any) -> CompareAnswer:
    return computed(columns, units, **options).answer


def codes(found: CompareAnswer) -> list[str]:
    return [flag.code for flag in found.flags]


def effect(found: CompareAnswer, name: str) -> list[Any]:
    return next(row for row in found.effects if row[0].startswith(name))


TWO: dict[str, list[Any]] = {"line": ["A"] * 30 + ["B"] * 28, "d": A + B}


def test_two_groups_say_how_large_and_how_sure() -> None:
    found = answer(TWO, {"d": "mm"}, group="line")
    assert (found.verdict, found.test) == ("different", "Welch t")
    assert "mm lower on average in 'A' than in 'B'" in found.headline
    assert "n = 30 and 28" in found.headline
    difference = effect(found, "difference of means")
    assert difference[1] == pytest.approx(sum(A) / 30 - sum(B) / 28)
    assert difference[2] < difference[1] < difference[3] < 0


def test_no_difference_found_is_not_called_equal() -> None:
    found = answer({"g": ["a"] * 10 + ["b"] * 10, "d": A[:20]}, group="g")
    assert found.verdict == "no difference found"
    assert "that they are equal is not shown" in found.headline
    assert found.detectable is not None
    assert found.detectable > 0


def test_a_margin_shows_equivalence() -> None:
    values = np.linspace(-1, 1, 40)
    columns = {"g": ["a"] * 40 + ["b"] * 40, "d": [*values, *(values + 0.01)]}
    assert answer(columns, group="g", margin=0.5).verdict == "equivalent"
    assert answer(columns, group="g", margin=0.05).verdict == "no difference found"


def test_columns_side_by_side_are_groups() -> None:
    one, other = (
        answer({"A": A[:28], "B": B}, value=["A", "B"]),
        answer({"g": ["A"] * 28 + ["B"] * 28, "d": A[:28] + B}, group="g"),
    )
    assert one.p == other.p


def test_columns_of_different_units_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="different units"):
        computed({"A": A[:28], "B": B}, {"A": "mm", "B": "in"}, value=["A", "B"])


def test_rows_can_be_pairs() -> None:
    found = answer({"x": [1.0, 2, 3, 4, 5.5], "y": [1.5, 2.4, 3.6, 4.5, 5.9]}, value=["x", "y"], pair="rows")
    assert (found.test, found.verdict) == ("paired t", "different")
    assert found.groups[-1][:2] == ["x - y", 5]


def test_before_and_after_a_moment() -> None:
    days = [f"2026-{month:02}-10" for month in range(1, 13)]
    found = answer(
        {"t": days * 3, "d": [10.0, 11, 12, 10, 11, 12, 20, 21, 22, 20, 21, 22] * 3}, time="t", split="2026-07"
    )
    assert found.verdict == "different"
    assert found.differences[1][:3] == ["after", "before", pytest.approx(10)]


def test_few_values_that_are_far_from_normal_are_compared_by_ranks() -> None:
    skewed = [math.exp(value) for value in np.random.default_rng(2).normal(0, 2, 24)]
    found = answer({"g": ["a", "b"] * 12, "d": skewed}, group="g")
    assert found.test == "Mann-Whitney"
    assert "not_normal" in codes(found)
    assert "of all pairs" in found.headline
    assert "Welch t" in [row[0] for row in found.tests]


def test_several_groups_name_the_pairs_that_differ() -> None:
    columns = {"g": ["A"] * 30 + ["B"] * 28 + ["C"] * 30, "d": A + B + [value + 0.05 for value in A]}
    found = answer(columns, group="g")
    assert found.test == "Welch ANOVA"
    assert {tuple(row[:2]) for row in found.differences[1:] if row[5] < 0.05} == {("A", "B"), ("B", "C")}
    assert [row[0] for row in found.anova] == ["source", "between", "within"]


def test_more_than_fifty_groups_are_compared_with_the_rest() -> None:
    values = np.random.default_rng(1).normal(0, 1, 600)
    values[:10] += 6
    found = answer({"g": [f"m{row // 10:03}" for row in range(600)], "d": values.tolist()}, group="g")
    assert found.differences[1][:2] == ["m000", "all others"]
    assert "many_groups" in codes(found)
    assert len(found.differences) <= 61


def test_proportions_by_what_counts() -> None:
    found = answer(
        {"g": ["x"] * 20 + ["y"] * 20, "r": (["ok"] * 19 + ["FAIL"]) + ["ok"] * 12 + ["Fail"] * 8}, group="g"
    )
    assert (found.test, found.verdict) == ("Fisher exact", "different")
    assert found.groups[1][:3] == ["x", 20, 1]
    assert "event_chosen" in codes(found)
    named = answer({"g": ["x"] * 20 + ["y"] * 20, "r": ["ok"] * 32 + ["fail"] * 8}, group="g", event="ok")
    assert named.groups[1][2] == 20


def test_counted_proportions() -> None:
    found = answer({"g": ["milk", "tea"], "k": [3, 1], "n": [4, 4]}, group="g", value="k", trials="n")
    assert found.p == pytest.approx(34 / 70)
    assert "not shown" in found.headline


def test_zeros_and_ones_are_proportions() -> None:
    assert answer({"g": ["a", "b"] * 10, "late": [0, 1] * 10}, group="g").test == "Fisher exact"


def test_proportions_can_be_equivalent() -> None:
    columns = {"g": ["a", "b"], "k": [100, 101], "n": [1000, 1000]}
    assert answer(columns, group="g", value="k", trials="n", margin=0.05).verdict == "equivalent"
    assert answer(columns, group="g", value="k", trials="n", margin=0.01).verdict == "no difference found"


def test_paired_proportions() -> None:
    columns = {
        "g": ["a"] * 20 + ["b"] * 20,
        "p": [str(row) for row in range(20)] * 2,
        "r": [True] * 12 + [False] * 8 + [True] * 2 + [False] * 18,
    }
    found = answer(columns, group="g", value="r", pair="p")
    assert found.test == "McNemar exact"
    assert found.p == pytest.approx(2 * 0.5**10)


def test_rates_by_exposure() -> None:
    found = answer({"g": ["a", "b"], "k": [11, 21], "u": [800, 3011]}, group="g", value="k", exposure="u")
    assert effect(found, "rate ratio")[1:] == pytest.approx([1.971488095, 0.8584264034, 4.277265944])
    assert found.verdict == "no difference found"


def test_a_group_without_events_has_a_rate_all_the_same() -> None:
    found = answer({"g": ["a", "b"], "k": [0, 12], "u": [100, 100]}, group="g", value="k", exposure="u")
    assert found.verdict == "different"
    assert found.groups[1][5] == pytest.approx(0.036888, rel=1e-4)


def test_counts_that_vary_too_much_widen_the_test() -> None:
    columns = {"g": ["a"] * 6 + ["b"] * 6, "k": [0, 20, 1, 25, 0, 22, 2, 30, 1, 28, 0, 31], "u": [10] * 12}
    found = answer(columns, group="g", value="k", exposure="u")
    assert found.test == "quasi-Poisson"
    assert "overdispersed" in codes(found)
    assert found.verdict == "no difference found"


def test_a_mix_of_categories() -> None:
    columns = {
        "g": ["früh"] * 60 + ["spät"] * 60,
        "d": (["Riß"] * 40 + ["Öl"] * 10 + ["x"] * 10) + ["Riß", "Öl", "x"] * 20,
    }
    found = answer(columns, group="g")
    assert found.verdict == "different"
    assert found.differences[1][:2] in (["früh", "Riß"], ["spät", "Riß"])


def test_missing_and_repeated_rows_are_told() -> None:
    columns = {"g": ["a"] * 6 + ["b"] * 6, "d": [1.0, 2, 3, 1, None, 4, 5, 6, 5, 5, 7, 5], "who": ["x"] * 12}
    found = answer(columns, group="g", value="d")
    assert {"missing", "duplicates"} <= set(codes(found))


def test_a_group_of_one_takes_no_part_in_welchs_test() -> None:
    found = answer({"g": ["a"] * 5 + ["b"] * 5 + ["c"], "d": [1.0, 2, 3, 4, 5, 11, 12, 13, 14, 15, 100]}, group="g")
    assert "few" in codes(found)
    assert found.groups[3][:3] == ["c", 1, 100.0]
    assert found.verdict == "different"


def test_a_group_that_does_not_vary_is_told() -> None:
    found = answer({"g": ["a"] * 6 + ["b"] * 6 + ["c"] * 6, "d": [5.0] * 6 + [1.0, 2, 3, 4, 5, 6] * 2}, group="g")
    assert found.test == "Kruskal-Wallis"
    assert "zero_dispersion" in codes(found)


def test_a_hundred_thousand_rows() -> None:
    values = np.random.default_rng(6).normal(0, 1, 100_000)
    found = answer({"g": (["a", "b", "c", "d"] * 25_000), "d": values.tolist()}, group="g")
    assert sum(row[1] for row in found.groups[1:]) == 100_000


BAD: list[tuple[dict[str, list[Any]], dict[str, Any], str]] = [
    ({"g": ["a", "b"], "d": ["1", "x1"]}, {"group": "g", "value": "d", "kind": "mean"}, "not a number"),
    ({"g": ["a", "b"] * 3, "d": [1.0, math.inf] * 3}, {"group": "g", "value": "d"}, "infinite"),
    ({"g": ["a", "b"] * 3, "d": [1.0, 1e308] * 3}, {"group": "g", "value": "d"}, "too large"),
    ({"g": ["a", "b"], "d": [1.0, 2.0]}, {"group": "g", "value": "d"}, "nothing shows how much"),
    ({"g": ["a"] * 4, "d": [1.0, 2, 3, 4]}, {"group": "g", "value": "d"}, "at least two groups"),
    ({"g": ["a", "b"] * 3, "d": [2.5] * 6}, {"group": "g", "value": "d"}, "All 6 values of d are equal"),
    ({"g": ["a", "b"] * 3, "d": [1.0, 2.0] * 3}, {"group": "g", "value": "d"}, "do not vary within any group"),
    (
        {"g": ["a", "b"] * 2, "d": ["1 mm", "2 mm", "3 in", "4 mm"]},
        {"group": "g", "value": "d", "kind": "mean"},
        "mixed",
    ),
    ({"g": ["a", "b"], "k": [5, 1], "n": [4, 9]}, {"group": "g", "value": "k", "trials": "n"}, "no proportion"),
    ({"g": ["a", "b"], "k": [0.5, 1], "n": [4, 9]}, {"group": "g", "value": "k", "trials": "n"}, "whole counts"),
    ({"g": ["a", "b"], "k": [5, 1], "n": [4, 0]}, {"group": "g", "value": "k", "exposure": "n"}, "exposure of 0"),
    ({"g": ["a", "b"], "d": [1, 2]}, {"value": "d"}, "not said what the groups are"),
    ({"g": ["a", "b", "c"], "p": ["1"] * 3, "d": [1, 2, 3.5]}, {"group": "g", "value": "d", "pair": "p"}, "two groups"),
    (
        {"g": ["a", "b"] * 2, "p": list("1122"), "d": [1, 2, 3, 4]},
        {"group": "g", "value": "d", "pair": "p"},
        "by the same",
    ),
    ({"g": ["a"] * 3, "d": list("xyz")}, {"group": "g", "value": "d"}, "1 groups"),
    ({"g": [str(n) for n in range(1200)], "d": list(range(1200))}, {"group": "g", "value": "d"}, "identifier"),
    ({"g": ["a", "b"] * 3, "d": [None] * 6}, {"group": "g", "value": "d"}, "no value"),
]


@pytest.mark.parametrize(("columns", "options", "says"), BAD)
def test_bad_values_are_refused_with_the_reason(
    columns: dict[str, list[Any]], options: dict[str, Any], says: str
) -> None:
    with pytest.raises(InvalidInputError, match=says):
        computed(columns, **options)
