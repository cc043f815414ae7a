"""Tables of an analysis: what is a number becomes one, what is none is refused by its place, nothing is guessed."""

import math
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qms_mcp.errors import InvalidInputError, LimitExceededError
from qms_mcp.services.analysis.document_tables import tables_of
from qms_mcp.services.analysis.sent_tables import table_of_columns, table_of_csv
from qms_mcp.services.analysis.table import Table
from qms_mcp.statistics.numbers import clean


def test_numbers_decimals_and_plain_text_become_floats_and_none_is_missing() -> None:
    made = clean([1, 2.5, Decimal("0.1"), "10.1", " 1e-3 ", None, ""], "x")
    assert made[:5].tolist() == [1, 2.5, 0.1, 10.1, 0.001]
    assert np.isnan(made[5:]).all()


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("n/a", "row 2 ('n/a')"),
        ("1,5", "row 2 ('1,5')"),
        ("1_000", "row 2 ('1_000')"),
        ("\u0661\u0662", "row 2"),
        ("nan", "row 2 ('nan')"),
        (True, "row 2 ('True')"),
        ([1], "row 2 ('[1]')"),
        (math.nan, "row 2 ('nan')"),
        (math.inf, "infinite or too large"),
        ("Infinity", "infinite or too large"),
        (1e308, "infinite or too large"),
        (10**400, "infinite or too large"),
    ],
)
def test_what_is_no_number_to_compute_with_is_refused_by_its_place(bad: Any, said: str) -> None:
    for values in ([1.0, bad, 3.0], [1, bad, 3]):
        with pytest.raises(InvalidInputError) as refused:
            clean(values, "thickness")
        assert said in refused.value.message
        assert "thickness" in refused.value.message


def test_many_wrong_values_are_counted_and_the_first_named() -> None:
    with pytest.raises(InvalidInputError, match=r"20 of the values of x are not a number: row 1 .*and 15 more"):
        clean(["?"] * 20, "x")


@pytest.mark.parametrize("values", [[], [None, None], [""]])
def test_no_value_at_all_is_refused(values: list[Any]) -> None:
    with pytest.raises(InvalidInputError, match="no value of x"):
        clean(values, "x")


def test_a_missing_value_is_refused_where_none_may_be() -> None:
    with pytest.raises(InvalidInputError, match="missing: row 2"):
        clean([1, None], "x", missing=False)
    with pytest.raises(InvalidInputError, match="missing: row 2"):
        clean(np.array([1, math.nan]), "x", missing=False)


@given(st.lists(st.floats(min_value=-1e150, max_value=1e150), min_size=1))
def test_every_float_stays_as_it_is(values: list[float]) -> None:
    assert clean(values, "x").tolist() == values
    assert clean([repr(value) for value in values], "x").tolist() == values


def test_csv_is_cut_where_its_header_is_cut() -> None:
    for text in ("a,b\n1,x\n2,y\n", "a;b\r\n1;x\r\n2;y", "\ufeffa\tb\n1\tx\n\n2\ty\n", 'a|b\n1|"x"\n2|y'):
        table = table_of_csv(text, {})
        assert dict(table.columns) == {"a": [1, 2], "b": ["x", "y"]}


def test_a_decimal_comma_is_read_only_where_nothing_else_can_be_meant() -> None:
    table = table_of_csv("x;y\n9,81;1\n10;2\n", {})
    assert table.numbers("x").tolist() == [9.81, 10]
    assert table.notes == ("x: read with a decimal comma",)
    with pytest.raises(InvalidInputError, match="'1,234'"):
        table_of_csv('x,y\n"1,234",1\n5,2\n', {}).numbers("x")


def test_names_with_leading_zeros_stay_names() -> None:
    assert table_of_csv("lot,x\n007,1\n012,2\n", {}).text("lot") == ["007", "012"]
    assert table_of_csv("lot,x\n7,1\n12,2\n", {}).text("lot") == ["7", "12"]


def test_missing_cells_are_missing() -> None:
    table = table_of_csv("x,y\n1,\nNA,b\n3,c\n", {})
    assert np.isnan(table.numbers("x")[1])
    assert table.text("y") == ["", "b", "c"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("a,a\n1,2", "'a' twice"),
        ("a,\n1,2", "twice or empty"),
        ("a,b\n1\n", "Row 2 has 1 cells"),
        ("1,2\n3,4", "no header"),
        ('a,b\n"1,2', "can't be read"),
    ],
)
def test_a_broken_csv_says_what_is_wrong(text: str, said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        table_of_csv(text, {})


def test_a_unit_behind_every_number_is_the_unit_of_the_column() -> None:
    table = table_of_columns({"x": ["9.8 mm", "10mm", None], "lot": ["12A", "13A", "14A"]}, {}, "")
    assert table.numbers("x")[:2].tolist() == [9.8, 10]
    assert table.unit("x") == "mm"
    assert table.text("lot") == ["12A", "13A", "14A"]
    assert Table({"t": ["21.5 °C"]}).unit("t") == "°C"


def test_mixed_units_are_refused_and_never_converted() -> None:
    with pytest.raises(InvalidInputError, match="mixed units: cm, mm"):
        table_of_columns({"x": ["9.8 mm", "1 cm"]}, {}, "").numbers("x")
    with pytest.raises(InvalidInputError, match="mixed units: inch, mm"):
        table_of_columns({"x": ["9.8 mm"]}, {"x": "inch"}, "").numbers("x")


@pytest.mark.parametrize(
    ("columns", "said"),
    [({}, "no columns"), ({"a": [1], "b": [1, 2]}, "differ in length"), ({"a": [{"b": 1}]}, "list or an object")],
)
def test_columns_that_are_no_table_are_refused(columns: dict[str, list[Any]], said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        table_of_columns(columns, {}, "")


def test_too_many_columns_are_refused() -> None:
    with pytest.raises(LimitExceededError, match="501 columns"):
        table_of_columns({f"c{n}": [1] for n in range(501)}, {}, "")


def test_an_unknown_column_is_answered_with_the_nearest() -> None:
    with pytest.raises(InvalidInputError) as refused:
        Table({"thickness": [1], "lot": ["a"]}).numbers("thicknes")
    assert "Did you mean 'thickness'?" in refused.value.hint
    with pytest.raises(InvalidInputError, match="no column 'y'"):
        table_of_columns({"x": [1]}, {"y": "mm"}, "")


def test_the_only_numeric_column_is_taken_and_several_are_asked_about() -> None:
    assert Table({"lot": ["a"], "x": [1.5]}).only_numeric() == "x"
    assert Table({"n": [1], "x": [1.5]}).only_numeric(but=["n"]) == "x"
    assert Table({"x": ["1 mm", "2 mm"]}).only_numeric() == "x"
    for columns in ({"x": [1], "y": [2]}, {"lot": ["a"], "line": ["b"]}):
        with pytest.raises(InvalidInputError, match="not clear which column"):
            Table(columns).only_numeric()


def test_tables_of_a_document_are_read_as_plain_text() -> None:
    text = "x\n\n| a | b |\n|---|---|\n| **1** | `c\\|d` |\n| | |\n\n- no table\n\n| é |\n|:-:|\n| <b>5</b> |\n"
    assert tables_of(text) == [[["a", "b"], ["1", "c|d"]], [["é"], ["5"]]]
    assert tables_of("no table") == []
