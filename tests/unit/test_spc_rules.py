"""Each rule of each set: where it first fires, that it goes on, and the nearest pattern that must not fire."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.spc.rule_sets import applicable, rule_set
from qms_mcp.statistics.spc.rules import Plotted, Rule, evaluate

N = float("nan")
SIX_UP = [-1.0, -0.5, 0.1, 0.3, 0.6, 1.5]
FOURTEEN = [0.5, -0.5] * 7


def fires(values: list[float], rule: Rule) -> list[int]:
    return evaluate(Plotted(np.array(values), 0.0, -3.0, 3.0, 1.0), (rule,))[0].at.tolist()


def numbered(name: str, number: int, run_length: int | None = None) -> Rule:
    return next(rule for rule in rule_set(name, run_length) if rule.number == number)


PATTERNS: list[tuple[str, int, list[float], list[int]]] = [
    # set, rule, values, the 0-based places where it fires
    ("nelson", 1, [0, 3.1, 0, -3.1, 4], [1, 3, 4]),
    ("nelson", 1, [0, 3.0, -3.0], []),
    ("nelson", 2, [0.1] * 9, [8]),
    ("nelson", 2, [-0.1] * 11, [8, 9, 10]),
    ("nelson", 2, [0.1] * 8, []),
    ("nelson", 2, [0.1] * 8 + [0.0] + [0.1] * 8, []),
    ("nelson", 2, [0.1] * 8 + [N] + [0.1] * 8, []),
    ("nelson", 2, [-1] + [0.1] * 9 + [-1], [9]),
    ("nelson", 3, SIX_UP, [5]),
    ("nelson", 3, SIX_UP[1:], []),
    ("nelson", 3, SIX_UP[::-1], [5]),
    ("nelson", 3, [*SIX_UP, 2.0], [5, 6]),
    ("nelson", 3, [-1.0, -0.5, 0.1, 0.1, 0.6, 1.5, 1.6], []),
    ("nelson", 3, [-1.0, -0.5, 0.1, N, 0.6, 1.5, 1.6], []),
    ("nelson", 4, FOURTEEN, [13]),
    ("nelson", 4, FOURTEEN[1:], []),
    ("nelson", 4, [*FOURTEEN, 0.5], [13, 14]),
    ("nelson", 4, FOURTEEN[:7] + FOURTEEN[6:], []),
    ("nelson", 5, [2.1, 0, 2.1], [2]),
    ("nelson", 5, [2.1, 2.1, 0], [1]),
    ("nelson", 5, [2.1, 0, 0, 2.1], []),
    ("nelson", 5, [2.1, 0, -2.1], []),
    ("nelson", 5, [2.1, 0, 2.0], []),
    ("nelson", 5, [2.1, N, 2.1], []),
    ("nelson", 5, [N, 2.1, 2.1], [2]),
    ("nelson", 6, [1.1, 1.1, 0, 1.1, 1.1], [4]),
    ("nelson", 6, [1.1, 1.1, 1.1, 1.1, 0], [3]),
    ("nelson", 6, [1.1, 1.1, 0, 0, 1.1, 1.1], []),
    ("nelson", 6, [1.1, 1.1, 0, -1.1, -1.1], []),
    ("nelson", 6, [1.1, 1.1, N, 1.1, 1.1], []),
    ("nelson", 6, [-1.1, -1.1, 0, -1.1, -1.1, 0], [4]),
    ("nelson", 7, [0.9, -0.9, 0] * 5, [14]),
    ("nelson", 7, [0.9, -0.9] * 7, []),
    ("nelson", 7, [0.9, -0.9] * 7 + [N] + [0.5] * 3, []),
    ("nelson", 7, [0.9, -0.9] * 7 + [1.1] + [0.5] * 14, []),
    ("nelson", 8, [1.1, -1.1] * 4, [7]),
    ("nelson", 8, [1.1] * 8, [7]),
    ("nelson", 8, [1.1, -1.1] * 3 + [0.9, -1.1], []),
    ("western_electric", 1, [0, 3.1], [1]),
    ("western_electric", 1, [0, 3.0], []),
    ("western_electric", 2, [-2.1, 0, -2.1], [2]),
    ("western_electric", 2, [-2.1, 0, 2.1], []),
    ("western_electric", 3, [1.1, 0, 1.1, 1.1, 1.1], [4]),
    ("western_electric", 3, [1.1, 0, 1.1, 0, 1.1], []),
    ("western_electric", 4, [0.1] * 8, [7]),
    ("western_electric", 4, [0.1] * 7, []),
    ("aiag", 1, [3.1], [0]),
    ("aiag", 2, [0.1] * 7, [6]),
    ("aiag", 2, [0.1] * 6, []),
    ("aiag", 3, SIX_UP, [5]),
    ("aiag", 4, FOURTEEN, [13]),
    ("aiag", 5, [2.1, 0, 2.1], [2]),
    ("aiag", 6, [1.1, 1.1, 0, 1.1, 1.1], [4]),
    ("aiag", 7, [0.9, -0.9, 0] * 5, [14]),
    ("aiag", 8, [1.1, -1.1] * 4, [7]),
    ("limits", 1, [3.1], [0]),
]


@pytest.mark.parametrize(("name", "number", "values", "places"), PATTERNS)
def test_a_rule_fires_at_the_point_that_completes_its_pattern_and_not_before(
    name: str, number: int, values: list[float], places: list[int]
) -> None:
    assert fires(values, numbered(name, number)) == places


def test_the_run_length_is_a_parameter() -> None:
    assert fires([0.1] * 8, numbered("nelson", 2, run_length=7)) == [6, 7]
    assert numbered("nelson", 2, run_length=7).words == "7 points in a row on one side of the centre"


def test_a_set_can_be_narrowed_to_some_of_its_rules() -> None:
    assert [rule.number for rule in rule_set("nelson 1-4")] == [1, 2, 3, 4]
    assert [rule.number for rule in rule_set("AIAG: 1, 5")] == [1, 5]
    assert len(rule_set("nelson")) == len(rule_set("aiag")) == 8
    assert len(rule_set("western_electric")) == 4


@pytest.mark.parametrize("name", ["shewhart", "nelson 9", "", "nelson;drop"])
def test_an_unknown_set_or_rule_is_refused(name: str) -> None:
    with pytest.raises(InvalidInputError):
        rule_set(name)


def test_a_run_of_two_is_no_rule() -> None:
    with pytest.raises(InvalidInputError, match="run of 2"):
        rule_set("nelson", 2)


def test_zone_rules_are_for_points_that_are_about_normal() -> None:
    rules = rule_set("nelson")
    assert [rule.number for rule in applicable(rules, "normal")] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert [rule.number for rule in applicable(rules, "count")] == [1, 2, 3, 4]
    assert [rule.number for rule in applicable(rules, "dispersion")] == [1, 2, 3, 4]
    assert [rule.number for rule in applicable(rules, "correlated")] == [1]


def slowly(values: NDArray[np.float64], rule: Rule) -> list[int]:
    """Apply the definition of a rule to each window on its own."""
    found = list[int]()
    for at in range(values.size):
        window = values[max(0, at - rule.length + 1) : at + 1]
        window = window[(np.flatnonzero(np.isnan(window)) + 1).max(initial=0) :]  # what follows the last gap
        whole = window.size == rule.length
        steps = np.diff(window)
        pattern = {
            "beyond": abs(values[at]) > 3,
            "one_side": whole and (bool((window > 0).all()) or bool((window < 0).all())),
            "trend": whole and (bool((steps > 0).all()) or bool((steps < 0).all())),
            "alternating": whole and bool((steps[1:] * steps[:-1] < 0).all()),
            "most_beyond": any(
                side * values[at] > rule.zone and (side * window > rule.zone).sum() >= rule.needed for side in (1, -1)
            ),
            "within": whole and bool((abs(window) <= rule.zone).all()),
            "outside": whole and bool((abs(window) > rule.zone).all()),
        }[rule.pattern]
        if pattern:
            found.append(at)
    return found


@settings(deadline=None)
@given(st.lists(st.sampled_from([N, -3.5, -2.5, -1.5, -0.5, -0.2, 0.2, 0.5, 1.5, 2.5, 3.5]), max_size=60))
def test_the_fast_way_finds_what_the_definition_says(values: list[float]) -> None:
    array = np.array(values, dtype=np.float64)
    for hits in evaluate(Plotted(array, 0.0, -3.0, 3.0, 1.0), rule_set("nelson")):
        assert hits.at.tolist() == slowly(array, hits.rule), hits.rule.words


def test_a_pattern_across_the_edge_of_a_block_is_found() -> None:
    values = np.random.default_rng(3).normal(size=140_000)
    values[65_528:65_543] = 0.01  # the blocks are of 65,536 points
    hits = {hit.rule.number: hit.at for hit in evaluate(Plotted(values, 0.0, -3.0, 3.0, 1.0), rule_set("nelson"))}
    assert {65_536, 65_542} <= set(hits[2].tolist())
    part = slice(65_400, 65_700)
    for rule in rule_set("nelson"):
        expected = [at for at in slowly(values[part], rule) if at >= rule.length]
        assert [at - part.start for at in hits[rule.number].tolist() if 65_400 + rule.length <= at < 65_700] == expected
