"""detect_trends on tables: periods, seasons, many series, and what it refuses."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from qms_mcp.errors import InvalidInputError
from qms_mcp.services.analysis.methods.detect_trends import DETECT_TRENDS
from qms_mcp.services.analysis.methods.detect_trends_model import DetectTrends, TrendOptions
from qms_mcp.services.analysis.table import Table
from tests.support.nile import NILE
from tests.support.spc_data import spc_columns


def detected(columns: dict[str, list[Any]], **options: Any) -> DetectTrends:
    return DETECT_TRENDS.compute(Table(columns), TrendOptions(**options)).answer


def records(rows: list[list[Any]], at: int = 1) -> dict[str, Any]:
    """Return a row of a table whose first row names the columns."""
    return dict(zip(rows[0], rows[at], strict=True))


def days(counts: list[int], start: date = date(2023, 1, 1)) -> list[str]:
    """Return so many days in each month, the last one with a row on its last day."""
    found = list[str]()
    for month, count in enumerate(counts):
        year, index = divmod(start.month - 1 + month, 12)
        first = date(start.year + year, index + 1, 1)
        found += [(first + timedelta(days=number % 28)).isoformat() for number in range(count)]
    return found


def test_the_nile_changed_after_1898_and_that_says_more_than_a_line() -> None:
    answer = detected({"flow": list(NILE), "year": list(range(1871, 1971))}, value="flow", time="year")
    change = records(answer.changes)
    assert (change["first_after"], change["row"]) == ("1898", 28)
    assert "step" in {flag.code for flag in answer.flags}
    assert "1898" in answer.headline


def test_the_resistor_drifts() -> None:
    table = spc_columns("nist_standard_resistor_drift_dziuba1.csv")
    answer = detected({"ohms": table["ohms"], "date": table["date"]}, value="ohms", time="date", period="month")
    row = records(answer.series)
    assert row["direction"] == "rising"
    assert row["p"] < 0.001
    assert row["low"] > 0


def test_a_month_without_rows_counts_as_zero_and_an_incomplete_last_one_is_left_out() -> None:
    counts = [4, 5, 0, 6, 4, 5, 3, 0, 5, 4, 2]
    answer = detected({"at": days(counts)}, time="at", period="month", season=0)
    assert records(answer.series)["n"] == 10
    assert "2023-11 is left out" in answer.flags[0].says
    whole = detected(
        {"at": days(counts)}, time="at", period="month", season=0, complete_to=date(2023, 11, 30), correction="none"
    )
    assert records(whole.series)["n"] == 11


def test_rows_of_a_mean_leave_a_gap_where_there_are_none() -> None:
    at = days([2, 2, 0, 2, 2, 2, 2, 2, 2, 2, 2])
    answer = detected({"at": at, "x": [float(n) for n in range(len(at))]}, value="x", time="at", period="month")
    assert records(answer.series)["n"] == 9


def test_of_many_series_the_one_that_rises_is_told_and_the_others_are_adjusted_for() -> None:
    random = np.random.default_rng(12)
    names = [f"line {number}" for number in range(12) for _ in range(30)]
    values = [float(v) for v in random.normal(size=360)]
    for row in range(30):
        values[row] += row / 3
    answer = detected({"line": names, "x": values}, value="x", group="line")
    row = records(answer.series)
    assert (answer.tested, answer.significant, row["series"]) == (12, 1, "line 0")
    assert row["p_adjusted"] == pytest.approx(12 * row["p"], rel=1e-4)
    assert row["slope"] == pytest.approx(1 / 3, abs=0.05)


def test_a_season_of_months_is_allowed_for() -> None:
    random = np.random.default_rng(13)
    months = [f"{2019 + n // 12}-{n % 12 + 1:02}-01" for n in range(60)]
    values = [float(10 * np.sin(n * np.pi / 6) + 0.1 * n + random.normal()) for n in range(60)]
    answer = detected({"month": months, "x": values}, value="x", time="month")
    row = records(answer.series)
    assert row["season_p"] < 0.01
    assert "season" in row["method"]
    assert row["low"] < 0.1 < row["high"]
    assert answer.unit.endswith("per month")


def test_unequal_spacing_counts_in_the_slope() -> None:
    at = [0, 1, 2, 5, 9, 14, 20, 27, 35, 44]
    answer = detected({"t": at, "x": [2.0 * t for t in at]}, value="x", time="t")
    assert records(answer.series)["slope"] == 2
    assert "uneven" in {flag.code for flag in answer.flags}


def test_small_and_constant_series_are_skipped_with_the_reason() -> None:
    names = ["a"] * 10 + ["b"] * 4 + ["c"] * 9
    values = [1.0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1, 2, 3, 4] + [7.0] * 9
    answer = detected({"g": names, "x": values}, value="x", group="g")
    assert answer.tested == 1
    assert answer.skipped == [["b", "4 values; a trend takes at least 8"], ["c", "all 9 values are 7"]]


@pytest.mark.parametrize(
    ("columns", "options", "says"),
    [
        ({"x": [1, 2, 3]}, {"value": "x"}, "at least 8"),
        ({"x": [5] * 20}, {"value": "x"}, "all 20 values are 5"),
        ({"x": [1, "two", 3]}, {"value": "x"}, "not a number"),
        ({"x": [1e308] * 9}, {"value": "x"}, "too large"),
        ({"x": [float("inf"), *range(9)]}, {"value": "x"}, "infinite"),
        ({"x": ["1 mm", "2 cm", "3 mm"]}, {"value": "x"}, "mixed units"),
        ({"x": list(range(9)), "t": ["soon"] * 9}, {"value": "x", "time": "t"}, "no time"),
        ({"t": ["2026-01-01"] * 9}, {"time": "t"}, "Neither a value nor a period"),
        ({"x": list(range(9))}, {"value": "x", "period": "month"}, "no column of times"),
        ({"t": ["0001-01-01", "2026-01-01"]}, {"time": "t", "period": "day"}, "more than 3000 days"),
        ({"x": []}, {"value": "x"}, "no rows"),
        ({"x": [None] * 9}, {"value": "x"}, "no value"),
    ],
)
def test_what_can_not_be_tested_is_refused_with_the_reason(
    columns: dict[str, list[Any]], options: dict[str, Any], says: str
) -> None:
    with pytest.raises(InvalidInputError) as refused:
        detected(columns, **options)
    assert says in str(refused.value)


@pytest.mark.parametrize(("offset", "scale"), [(0.0, 1.0), (1e9, 1.0), (0.0, 1e-12)])
def test_offset_and_scale_do_not_change_what_is_found(offset: float, scale: float) -> None:
    random = np.random.default_rng(14)
    values = [float(offset + scale * v) for v in 0.2 * np.arange(30) + random.normal(size=30)]
    row = records(detected({"x": values}, value="x").series)
    assert row["direction"] == "rising"
    assert row["slope"] / scale == pytest.approx(0.203, abs=0.02)


def test_counts_that_are_mostly_zero_are_flagged() -> None:
    answer = detected({"x": [0, 0, 1, 0, 0, 0, 0, 2, 0, 0, 0, 1]}, value="x")
    assert "many_zeros" in {flag.code for flag in answer.flags}


def test_a_long_series_is_averaged_and_said_so() -> None:
    random = np.random.default_rng(15)
    answer = detected({"x": [float(v) for v in random.normal(size=4_400)]}, value="x", change_points="none")
    assert "thinned" in {flag.code for flag in answer.flags}
    assert records(answer.series)["n"] <= 1_500


def test_the_same_table_gives_the_same_answer() -> None:
    columns: dict[str, list[Any]] = {"x": [float(v) for v in np.random.default_rng(16).normal(size=25)]}
    assert detected(columns, value="x") == detected(columns, value="x")
