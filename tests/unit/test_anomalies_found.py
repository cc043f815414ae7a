"""Finding anomalies in a table: the right search for the column, with a why in words and numbers."""

import json
import math
from typing import Any

import numpy as np
import pytest

from qms_mcp.errors import InvalidInputError
from qms_mcp.services.analysis.evaluating import dumped
from qms_mcp.services.analysis.method import Computed
from qms_mcp.services.analysis.methods.find_anomalies import FIND_ANOMALIES
from qms_mcp.services.analysis.methods.find_anomalies_model import AnomalyAnswer, AnomalyOptions
from qms_mcp.services.analysis.methods.find_anomalies_values import thinned
from qms_mcp.services.analysis.table import Table


def computed(columns: dict[str, list[Any]], **options: Any) -> Computed[AnomalyAnswer]:
    made = FIND_ANOMALIES.compute(Table(columns), AnomalyOptions(**options))
    assert len(json.dumps(dumped(made))) < 60_000
    return made


def answer(columns: dict[str, list[Any]], **options: Any) -> AnomalyAnswer:
    return computed(columns, **options).answer


def codes(found: AnomalyAnswer) -> list[str]:
    return [flag.code for flag in found.flags]


def wild(n: int = 200) -> list[float]:
    values = np.random.default_rng(3).normal(10, 1, n)
    values[17] = 19
    return values.round(3).tolist()


def test_a_wild_value_comes_with_why() -> None:
    found = answer({"thickness": [f"{value} mm" for value in wild()]}, value="thickness", kind="value")
    assert (found.kind, found.found, found.tested) == ("value", 1, 200)
    assert found.anomalies[1][0] == 18
    why = found.anomalies[1][-1]
    assert "19 mm is" in why
    assert "robust sd above the median" in why
    assert "by chance" in why
    assert found.expected_false == pytest.approx(0.05)


def test_nothing_is_found_in_nothing() -> None:
    found = answer({"d": np.random.default_rng(5).normal(0, 1, 300).tolist()})
    assert found.found == 0
    assert found.headline.startswith("Nothing unusual among 300 values of d")


def test_a_value_is_judged_within_its_group() -> None:
    random = np.random.default_rng(4)
    columns: dict[str, list[Any]] = {
        "g": ["a"] * 50 + ["b"] * 50 + ["c"] * 3,
        "d": [*random.normal(0, 1, 50), *random.normal(100, 1, 50), 1, 2, 3],
    }
    columns["d"][7] = 100.0
    found = answer(columns, value="d", group="g")
    assert [row[0] for row in found.anomalies[1:]] == [8]
    assert "few" in codes(found)


def test_values_whose_neighbours_are_alike_are_called_out() -> None:
    drift = np.cumsum(np.random.default_rng(1).normal(0, 1, 200)).tolist()
    found = answer({"d": drift, "t": list(range(200))}, value="d", time="t")
    assert "autocorrelated" in codes(found)


def test_a_season_is_taken_from_the_times() -> None:
    at = np.arange(96)
    values = 10 + 3 * np.sin(2 * np.pi * at / 12) + np.random.default_rng(1).normal(0, 0.2, 96)
    values[40] += 2
    found = answer(
        {"t": [f"{2018 + int(month) // 12}-{int(month) % 12 + 1:02}" for month in at], "d": values.tolist()},
        value="d",
        time="t",
        kind="seasonal",
    )
    assert [row[0] for row in found.anomalies[1:]] == [41]
    assert "season_chosen" in codes(found)


def test_rows_are_counted_by_period_and_empty_periods_count() -> None:
    days = [f"2026-{month:02}-{day:02}" for month in (1, 2, 3, 4, 6, 7, 8) for day in range(1, 21)] + [
        "2026-08-15"
    ] * 40
    found = answer({"t": days}, time="t", period="month")
    assert {row[0] for row in found.anomalies[1:]} == {"2026-05", "2026-08"}
    assert found.tested == 8


def test_counts_by_group_with_exposure() -> None:
    columns = {"line": list("abcdefgh"), "bad": [5, 7, 4, 6, 30, 5, 6, 4], "made": [1000] * 8}
    found = answer(columns, value="bad", group="line", exposure="made")
    assert [row[0] for row in found.anomalies[1:]] == ["e"]
    assert "times the" in found.anomalies[1][-1]
    assert answer(columns, value="bad", group="line", trials="made").anomalies[1][0] == "e"


def test_each_group_is_followed_over_its_periods() -> None:
    columns: dict[str, list[Any]] = {"t": [], "g": []}
    for group, size in (("a", 3), ("b", 30)):
        for month in range(1, 13):
            n = size * (4 if (group, month) == ("a", 7) else 1)
            columns["t"] += [f"2026-{month:02}-05"] * n
            columns["g"] += [group] * n
    found = answer(columns, time="t", period="month", group="g")
    assert [row[0] for row in found.anomalies[1:]] == ["a, 2026-07"]


def test_a_category_that_is_new_since_a_day() -> None:
    columns = {"t": [f"2026-01-{day:02}" for day in range(1, 29) for _ in range(10)]}
    columns["c"] = [("Ölleck" if row >= 270 and row % 2 else "abc"[row % 3]) for row in range(280)]
    found = answer(columns, value="c", time="t", since="2026-01-28")
    assert found.anomalies[1][:3] == ["Ölleck", 0, 5]
    assert "never in 270 rows before" in found.anomalies[1][-1]


def test_a_new_category_seen_once_among_many_new_ones_is_listed_and_not_called() -> None:
    found = answer({"c": [f"serial {row}" for row in range(100)]}, value="c", kind="category")
    assert found.found == 0
    assert len(found.also) == 21
    assert "since_chosen" in codes(found)


def test_an_exceptional_combination() -> None:
    columns = {"part": ["a"] * 200 + ["b"] * 200, "tool": ["A"] * 200 + ["B"] * 199 + ["A"]}
    found = answer(columns, value=["part", "tool"])
    assert found.anomalies[1][:2] == [400, "b + A"]
    assert "exclude each other" in found.anomalies[1][-1]


def test_texts_that_speak_of_something_new() -> None:
    usual = ["Label printed crooked on the carton", "Screw missing from the bracket", "Seal leaks at the pump housing"]
    places = ["Turin", "Lyon", "Graz", "Gent", "Oslo", "Porto", "Brno"]
    texts = [f"{usual[row % 3]} in {places[row % 7]}" for row in range(210)]
    texts += [f"Battery swells after charging in {place}" for place in places[:5]]
    found = answer({"text": texts}, value="text")
    assert found.kind == "text"
    assert found.found == 1
    assert "battery" in found.anomalies[1][0]
    assert found.anomalies[1][1:3] == [0, 5]


def test_a_hundred_thousand_values_are_thinned_for_the_picture_only() -> None:
    made = computed({"d": wild(100_000)})
    assert made.answer.tested == 100_000
    assert made.answer.anomalies[1][0] == 18
    assert made.picture is not None
    assert len(made.picture.panels[0].series[0].y) <= 2_001
    assert [mark.x for mark in made.picture.panels[0].marks] == [18.0]


def test_thinning_keeps_the_extremes_and_what_is_to_be_kept() -> None:
    values = np.zeros(50_000)
    values[12_345], values[40_000] = 9, -9
    kept = thinned(values, [7])
    assert {7, 12_345, 40_000} <= set(kept.tolist())
    assert len(kept) <= 2_001


BAD: list[tuple[dict[str, list[Any]], dict[str, Any], str]] = [
    ({"d": [1.0, 2.0, "x"] * 5}, {"value": "d"}, "not a number"),
    ({"d": [1.0, math.inf] * 5}, {"value": "d"}, "infinite"),
    ({"d": [1.0, 2, 3, 4, 1e308, 5, 6]}, {"value": "d"}, "too large"),
    ({"d": [1.0]}, {"value": "d"}, "1 values"),
    ({"d": [4.0] * 30}, {"value": "d"}, "All 30 values are equal"),
    ({"d": ["1 mm", "2 in"] * 9}, {"value": "d", "kind": "value"}, "mixed units"),
    ({"d": []}, {"value": "d"}, "no rows"),
    ({"d": [None] * 9}, {"value": "d"}, "no value"),
    ({"d": [1.0, 2] * 9}, {"value": "d", "kind": "seasonal"}, "not said how many"),
    ({"d": [1.0, 2] * 9}, {"value": "d", "season": 12}, "at least 4 seasons"),
    ({"d": [1, 2, 3], "u": [1, 1, 0]}, {"value": "d", "exposure": "u"}, "no counts with an exposure"),
    ({"d": [1, 2.5, 3], "u": [1, 1, 1]}, {"value": "d", "exposure": "u"}, "no counts with an exposure"),
    ({"d": ["a", "b"]}, {"value": "d", "since": "2026"}, "no column of times"),
    ({"d": ["a", "b"], "t": ["soon", "later"]}, {"value": "d", "time": "t", "kind": "category"}, "no time"),
    ({"d": ["a"] * 9}, {"value": "d", "period": "month"}, "needs a column of times"),
    ({"d": ["one two three four five six"] * 3}, {"value": "d", "kind": "text"}, "5 and 1 are needed"),
    ({"d": [1.0, 2], "e": [1.0, 2]}, {}, "not clear which column"),
]


@pytest.mark.parametrize(("columns", "options", "says"), BAD)
def test_bad_values_are_refused_with_the_reason(
    columns: dict[str, list[Any]], options: dict[str, Any], says: str
) -> None:
    with pytest.raises(InvalidInputError, match=says):
        computed(columns, **options)
