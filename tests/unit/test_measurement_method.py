"""What `measurement_system` answers and draws, and what it says to a table it can't use."""

import json
from typing import Any

import pytest

from qms_mcp.errors import InvalidInputError
from qms_mcp.pictures.model import Picture
from qms_mcp.services.analysis.methods.measurement_system import (
    MEASUREMENT_SYSTEM,
    MeasurementOptions,
    MeasurementSystem,
)
from qms_mcp.services.analysis.table import Table
from tests.support.gauge_data import AIAG, BIAS, LINEARITY, THERMAL, long_form


def study_table(rows: tuple[tuple[float, ...], ...] = AIAG, unit: str = "") -> Table:
    values, parts, operators = long_form(rows, 3)
    return Table({"reading": values, "part": parts, "operator": operators}, units={"reading": unit} if unit else {})


def answered(table: Table, **options: Any) -> tuple[MeasurementSystem, Picture]:
    computed = MEASUREMENT_SYSTEM.compute(table, MeasurementOptions(**options))
    assert computed.picture is not None
    return computed.answer, computed.picture


CROSSED = {"value": "reading", "part": "part", "operator": "operator"}


def test_a_gauge_study_is_told_in_a_sentence_with_its_numbers() -> None:
    answer, picture = answered(study_table(unit="mm"), **CROSSED, tolerance=8.0)
    assert answer.headline.startswith("Gauge R&R is 27.9 % of the study variation and 22.7 % of the tolerance; ndc 4")
    assert answer.design == {"parts": 10, "operators": 3, "trials": 3, "readings": 90, "unit": "mm"}
    assert answer.result["ndc"] == 4
    components = answer.result["components"]
    gauge = dict(zip(components["columns"], components["rows"][0], strict=True))
    assert gauge["source"] == "gauge_rr"
    assert gauge["sd"] == pytest.approx(0.302372, abs=1e-6)
    assert gauge["percent_tolerance"] == pytest.approx(22.678, abs=1e-3)
    assert answer.result["interaction"] == "pooled into repeatability (p = 0.974)"
    assert picture.alt == answer.headline
    assert [panel.title.split(" ")[0] for panel in picture.panels] == ["Components", "Averages", "Readings", "Ranges"]


def test_the_method_of_ranges_names_its_constants() -> None:
    answer, _ = answered(study_table(), **CROSSED, method="range")
    assert answer.result["constants"] == {"K1": 0.5908, "K2": 0.5231, "K3": 0.3146}
    assert answer.result["gauge_rr_percent"] == pytest.approx(26.678, abs=1e-3)
    assert "intervals" not in answer.result


def test_trials_may_stand_side_by_side() -> None:
    wide: dict[str, list[Any]] = {"part": [], "operator": [], "t1": [], "t2": [], "t3": []}
    for part, row in enumerate(AIAG):
        for at, operator in enumerate("ABC"):
            wide["part"].append(part)
            wide["operator"].append(operator)
            for trial in range(3):
                wide[f"t{trial + 1}"].append(row[3 * at + trial])
    answer, _ = answered(Table(wide), value=("t1", "t2", "t3"), part="part", operator="operator")
    assert answer.result["gauge_rr_percent"] == pytest.approx(27.86065, abs=1e-5)


def test_an_interaction_is_kept_and_flagged() -> None:
    answer, _ = answered(study_table(THERMAL), **CROSSED)
    assert answer.result["interaction"] == "kept (p = 5.06e-07)"
    assert "interaction" in {flag.code for flag in answer.flags}


def test_a_nested_study_is_computed() -> None:
    values, parts, operators = long_form(AIAG, 3)
    own = [f"{operator}{part}" for part, operator in zip(parts, operators, strict=True)]
    table = Table({"reading": values, "part": own, "operator": operators})
    answer, picture = answered(table, **CROSSED, study="nested")
    assert answer.method.startswith("Analysis of variance, parts nested")
    assert picture.panels


def test_a_bias_study_is_told_in_a_sentence() -> None:
    answer, picture = answered(Table({"reading": list(BIAS)}), study="bias", reference=6.0)
    assert "can't be told from zero" in answer.headline
    assert answer.result["bias"] == pytest.approx(0.00666667, abs=1e-7)
    assert picture.panels[0].levels[0].kind == "target"


def test_the_reference_of_a_bias_study_may_be_a_column() -> None:
    answer, _ = answered(
        Table({"reading": list(BIAS), "known": [6.0] * 15}), study="bias", value="reading", reference="known"
    )
    assert answer.design["reference"] == 6.0


def test_a_linearity_study_is_told_in_a_sentence() -> None:
    table = Table(
        {
            "known": [reference for reference, row in LINEARITY.items() for _ in row],
            "reading": [value for row in LINEARITY.values() for value in row],
        }
    )
    answer, picture = answered(table, study="linearity", value="reading", reference="known", process_sd=2.5)
    assert answer.headline.startswith("The bias changes over the range (bias = -0.1317 x reference + 0.7367")
    assert answer.result["linearity"] == pytest.approx(0.1316667 * 15, abs=1e-5)
    assert answer.result["zero_within_band"] is False
    assert picture.panels[0].bands


def test_an_attribute_study_is_told_in_a_sentence() -> None:
    rows = [(part, who, part < 8) for part in range(30) for who in "AB" for _ in range(2)]
    table = Table(
        {
            "part": [part for part, *_ in rows],
            "who": [who for _, who, _ in rows],
            "true": ["bad" if bad else "good" for *_, bad in rows],
            "said": ["good" if at == 0 else "bad" if bad else "good" for at, (*_, bad) in enumerate(rows)],
        }
    )
    answer, picture = answered(table, study="attribute", value="said", part="part", operator="who", reference="true")
    assert answer.headline.startswith("On 29 of 30 parts all decisions of all operators were alike and right: 96.7 %")
    assert answer.result["nonconforming"] == "bad"
    assert len(picture.panels) == 2


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"value": "reading", "operator": "operator"}, "which column is the part"),
        ({"value": "reading", "part": "piece"}, "no column 'piece'"),
        ({**CROSSED, "value": "operator"}, "not a number"),
        ({"study": "bias", "value": "reading"}, "known value"),
        ({"study": "linearity", "value": "reading", "reference": 5.0}, "column of the known values"),
        ({"study": "attribute", "part": "part"}, "which column is the rating"),
    ],
)
def test_options_that_do_not_fit_the_table_are_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidInputError, match=says):
        MEASUREMENT_SYSTEM.compute(study_table(), MeasurementOptions(**options))


def test_mixed_units_are_refused() -> None:
    table = Table({"reading": ["1.0 mm", "1.1 mm", "1.0 cm", "1.2 mm"], "part": [1, 1, 2, 2]})
    with pytest.raises(InvalidInputError, match="mixed units"):
        MEASUREMENT_SYSTEM.compute(table, MeasurementOptions(value="reading", part="part"))


def test_the_same_study_gives_the_same_answer() -> None:
    first, second = (answered(study_table(), **CROSSED)[0].model_dump_json() for _ in range(2))
    assert first == second
    json.loads(first, parse_constant=pytest.fail)


def test_a_large_study_stays_short() -> None:
    values = [part + 0.01 * trial + 0.1 * who for part in range(300) for who in range(5) for trial in range(3)]
    parts = [part for part in range(300) for _ in range(15)]
    operators = [who for _ in range(300) for who in range(5) for _ in range(3)]
    table = Table({"reading": values, "part": parts, "operator": operators})
    answer, picture = answered(table, **CROSSED)
    assert len(answer.model_dump_json()) < 20_000
    assert all(len(series.y) <= 2_000 for panel in picture.panels for series in panel.series)
