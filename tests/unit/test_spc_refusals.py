"""What a control chart refuses, and with which words."""

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from qms_mcp.errors import InvalidInputError
from qms_mcp.services.analysis.methods.spc_chart import SPC_CHART
from qms_mcp.services.analysis.methods.spc_options import SpcOptions
from qms_mcp.services.analysis.table import Table

STEADY = np.random.default_rng(2).normal(10, 1, 60).round(3).tolist()


def charted(columns: dict[str, Any], units: dict[str, str] | None = None, **options: Any) -> None:
    SPC_CHART.compute(Table(columns, units=units or {}), SpcOptions(**options))


REFUSED: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"x": [1.0]}, {}, "at least 2"),
    ({"x": [5.0] * 30}, {}, "do not vary"),
    ({"x": [5.0, 6.0] * 15}, {"subgroup_size": 1, "chart": "X-bar/R"}, "needs subgroups"),
    ({"x": [1.0, 1.0, 2.0, 2.0]}, {"subgroup_size": 2}, "do not vary within"),
    ({"x": [1.0, "two", 3.0]}, {"value": "x"}, "not a number"),
    ({"x": [1.0, float("inf"), 3.0]}, {}, "infinite or too large"),
    ({"x": [1.0, 1e308, 3.0]}, {}, "infinite or too large"),
    ({"d": [1, -2, 3]}, {"chart": "c"}, "negative"),
    ({"d": [1, 2.5, 3]}, {"chart": "c"}, "no whole number"),
    ({"d": [1, 60, 3]}, {"chart": "p", "size": 50}, "larger than its n"),
    ({"d": [1, 6, 3], "n": [50, 60, 50]}, {"value": "d", "chart": "np", "size": "n"}, "needs the same size"),
    ({"d": [1, 6, 3], "n": [50, 0, 50]}, {"value": "d", "chart": "p", "size": "n"}, "not positive"),
    ({"d": [0, 0, 0]}, {"chart": "c"}, "no nonconformity"),
    ({"d": [1, 2, 3]}, {"chart": "p"}, "how many units"),
    ({"d": [1.0, -2.0, 3.0]}, {"chart": "t"}, "can't be negative"),
    ({"d": [1.5, 2.0, 3.0]}, {"chart": "g"}, "whole numbers"),
    ({"x": STEADY}, {"chart": "pareto"}, "no control chart"),
    ({"x": STEADY}, {"rules": "mine"}, "no rule set"),
    ({"x": STEADY}, {"chart": "I-MR", "sigma_method": "r_bar"}, "needs subgroups"),
    ({"x": STEADY}, {"subgroup_size": 5, "sigma_method": "average_mr"}, "does not go with"),
    ({"x": STEADY}, {"exclude": (61,), "exclude_reason": "a cause"}, "no point 61"),
    ({"x": STEADY, "y": STEADY}, {}, "not clear which column"),
    ({"x": [1.0, 2.0], "t": ["2026-01-01", None]}, {"value": "x", "time": "t"}, "have no t"),
    ({"x": [1.0, 2.0], "t": ["2026-01-01", "soon"]}, {"value": "x", "time": "t"}, "are no times"),
    ({"x": STEADY}, {"chart": "CUSUM", "subgroup_size": 7, "head_start": 0.0, "value": "y"}, "no column 'y'"),
]


@pytest.mark.parametrize(("columns", "options", "says"), REFUSED)
def test_what_does_not_go_with_a_chart_is_refused_with_what_to_do(columns: Any, options: Any, says: str) -> None:
    with pytest.raises(InvalidInputError, match=says) as refused:
        charted(columns, **options)
    assert refused.value.hint


def test_np_of_unequal_sizes_is_sent_to_p() -> None:
    with pytest.raises(InvalidInputError) as refused:
        charted({"d": [1, 6, 3], "n": [50, 60, 50]}, value="d", chart="np", size="n")
    assert "Use p" in refused.value.hint


def test_columns_in_different_units_are_no_subgroup() -> None:
    with pytest.raises(InvalidInputError, match="different units"):
        charted({"a": STEADY, "b": STEADY}, {"a": "mm", "b": "inch"}, value=["a", "b"])


def test_leaving_out_needs_a_reason() -> None:
    with pytest.raises(ValidationError, match="exclude_reason"):
        SpcOptions(exclude=(3,))


def test_means_without_the_size_of_their_subgroups_are_refused() -> None:
    with pytest.raises(ValidationError, match="give n of the subgroups"):
        SpcOptions(value="mean", ranges="range")
