"""Gauge R&R against published studies, an independent program, and data that no study can be made of."""

import math
from typing import Any

import numpy as np
import pytest
from capstat_core import gage_rr

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.measurement.components import Name, Scale
from qms_mcp.statistics.measurement.constants import d2_star, df_of_range, k1, k2, k3
from qms_mcp.statistics.measurement.gauge import GaugeResult, by_anova, by_nested, by_ranges
from qms_mcp.statistics.measurement.study import Study, crossed_study
from qms_mcp.statistics.measurement.unbalanced import unequal_components
from tests.support.gauge_data import AIAG, GASKET, THERMAL, long_form
from tests.support.spc_data import spc_columns


def aiag() -> Study:
    return crossed_study(*long_form(AIAG, 3))


def sd(found: GaugeResult, name: Name) -> float:
    component = found.component(name)
    assert component is not None
    return component.sd


def codes(found: GaugeResult) -> set[str]:
    return {flag.code for flag in found.flags}


def test_aiag_anova_table_is_as_printed() -> None:
    # AIAG MSA 4th ed., ANOVA table of the GRR example; Minitab prints the same for it (its data set Gageaiag).
    part, operator, both, error = by_anova(aiag()).anova
    assert [row.df for row in (part, operator, both, error)] == [9, 2, 18, 60]
    assert [round(row.ss, 4) for row in (part, operator, both, error)] == [88.3619, 3.1673, 0.3590, 2.7589]
    assert [round(row.ms, 5) for row in (part, operator, both, error)] == [9.81799, 1.58363, 0.01994, 0.04598]
    assert round(both.f or 0, 3) == 0.434
    assert round(both.p or 0, 3) == 0.974


def test_aiag_components_by_anova_are_as_printed() -> None:
    # AIAG MSA 4th ed.: EV 0.199933, AV 0.226838, GRR 0.302373, PV 1.042327, TV 1.085; 7.8 % contribution, 27.9 %.
    found = by_anova(aiag())
    printed: dict[Name, float] = {
        "repeatability": 0.199933,
        "reproducibility": 0.226838,
        "gauge_rr": 0.302373,
        "part": 1.042327,
    }
    for name, value in printed.items():
        assert sd(found, name) == pytest.approx(value, abs=2e-6)
    assert round(sd(found, "total"), 3) == 1.085
    by_name = {row.name: row for row in found.components}
    contribution = [by_name[name].contribution for name in ("repeatability", "operator", "gauge_rr", "part")]
    assert [round(value, 1) for value in contribution] == [3.4, 4.4, 7.8, 92.2]
    assert [round(by_name[name].of_study, 1) for name in ("repeatability", "operator", "gauge_rr")] == [
        18.4,
        20.9,
        27.9,
    ]
    assert round(found.categories or 0, 3) == 4.861
    assert found.ndc == 4
    assert found.component("operator_by_part") is None


def test_the_interaction_stays_when_it_is_never_pooled() -> None:
    found = by_anova(aiag(), alpha_pool=1.0)
    assert sd(found, "repeatability") == pytest.approx(0.214435, abs=1e-6)
    assert sd(found, "operator_by_part") == 0
    assert "negative_variance" in codes(found)
    assert not found.pooled


def test_aiag_average_and_range_method_is_as_printed() -> None:
    # AIAG MSA 4th ed., GRR report sheet: EV 0.20188, AV 0.22963, GRR 0.30575, PV 1.10456, TV 1.14610; 17.62, 20.04,
    # 26.68 and 96.38 %; ndc 5.094. The sheet rounds Rbar to 0.3417 and the ranges to four places before it goes on.
    found = by_ranges(aiag())
    assert found.constants == {"K1": 0.5908, "K2": 0.5231, "K3": 0.3146}
    assert round(found.averages["mean_range"], 4) == 0.3417
    assert round(found.averages["range_of_operators"], 4) == 0.4447
    assert round(found.averages["range_of_parts"], 3) == 3.511
    printed: dict[Name, float] = {
        "repeatability": 0.20188,
        "operator": 0.22963,
        "gauge_rr": 0.30575,
        "part": 1.10456,
        "total": 1.14610,
    }
    for name, value in printed.items():
        assert sd(found, name) == pytest.approx(value, abs=6e-5)
    assert round(found.components[0].of_study, 2) == 26.68
    assert found.ndc == 5
    assert found.categories == pytest.approx(5.094, abs=1e-3)


def test_thermal_impedance_has_the_published_components_and_intervals() -> None:
    # Montgomery, Design and Analysis of Experiments (two-factor random model); intervals: Burdick, Borror and
    # Montgomery, Journal of Quality Technology 35 (2003), by MLS at 95 %.
    found = by_anova(crossed_study(*long_form(THERMAL, 3)))
    variances = {row.name: row for row in found.components}
    printed: dict[Name, float] = {"part": 48.29, "operator": 0.56, "operator_by_part": 0.73, "repeatability": 0.51}
    for name, value in printed.items():
        assert round(variances[name].variance, 2) == value
    part, gauge = variances["part"], variances["gauge_rr"]
    assert (round(part.low or 0, 2), round(part.high or 0, 2)) == (22.69, 161.64)
    assert round(gauge.high or 0, 2) == 27.02
    assert gauge.low == pytest.approx(1.20, abs=0.01)
    assert {"interaction"} <= codes(found)


def test_the_gasket_study_is_as_sas_prints_it() -> None:
    # SAS/QC, The GAGE Application, variance components method, 5.15 sigma, tolerance 0.4: EV 0.1851 (46.27 %),
    # AV 0.1555 (38.88 %). Range method, ASQC/AIAG 1990: EV 0.175, AV 0.157, R&R 0.235.
    scale = Scale(5.15, tolerance=0.4)
    study = crossed_study(*long_form(GASKET, 2))
    rows = {row.name: row for row in by_anova(study, scale).components}
    assert round(rows["repeatability"].study_variation, 4) == 0.1851
    assert round(rows["repeatability"].of_tolerance or 0, 2) == 46.27
    assert round(rows["operator"].study_variation, 4) == 0.1555
    assert round(rows["operator"].of_tolerance or 0, 2) == 38.88
    ranges = {row.name: row for row in by_ranges(study, scale).components}
    assert round(ranges["repeatability"].study_variation, 3) == 0.175
    assert round(ranges["operator"].study_variation, 3) == 0.157
    assert round(ranges["gauge_rr"].study_variation, 3) == 0.235


def test_the_interval_of_the_gauge_is_near_that_of_another_method() -> None:
    # Minitab gives 2.14 to 66.18 % contribution for the AIAG study, by MLS; here generalized pivotal quantities.
    found = by_anova(aiag()).of_study
    assert found is not None
    assert found[0] ** 2 / 100 == pytest.approx(2.14, abs=0.25)
    assert found[1] ** 2 / 100 == pytest.approx(66.18, abs=1.5)


def random_study(seed: int, parts: int, operators: int, trials: int) -> Any:
    chance = np.random.default_rng(seed)
    shape = (parts, operators, trials)
    return (
        chance.normal(0, 1.0, shape[0])[:, None, None]
        + chance.normal(0, 0.3, shape[1])[None, :, None]
        + chance.normal(0, 0.2 * (seed % 2), shape[:2])[:, :, None]
        + chance.normal(0, 0.25, shape)
    )


def long_array(x: Any) -> tuple[list[float], list[int], list[int]]:
    cells = [(i, j, k) for i in range(x.shape[0]) for j in range(x.shape[1]) for k in range(x.shape[2])]
    return [float(x[cell]) for cell in cells], [i for i, _, _ in cells], [j for _, j, _ in cells]


@pytest.mark.parametrize("seed", range(6))
def test_an_independent_program_finds_the_same(seed: int) -> None:
    x = random_study(seed, 8 + seed % 3, 2 + seed % 3, 2 + seed % 2)
    study = crossed_study(*long_array(x))
    theirs = gage_rr(x, tolerance=9.0, interaction_alpha=0.25)
    ours = {row.name: row for row in by_anova(study, Scale(tolerance=9.0)).components}
    assert ours["repeatability"].variance == pytest.approx(theirs.var_repeatability, rel=1e-9)
    assert ours["operator"].variance == pytest.approx(theirs.var_operator, rel=1e-9, abs=1e-15)
    assert ours["part"].variance == pytest.approx(theirs.var_part, rel=1e-9)
    assert ours["gauge_rr"].of_tolerance == pytest.approx(theirs.pct_tolerance_gage_rr, rel=1e-9)


def test_the_resistivity_study_of_nist_agrees_with_an_independent_program() -> None:
    # NIST e-Handbook 2.4.1 (MPC61): five wafers as parts, five probes as operators, the six days of run 1 as trials.
    import numpy as np

    columns = spc_columns("nist_gauge_study_resistivity_mpc61.csv")
    rows = [
        (wafer, probe, value)
        for run, wafer, probe, value in zip(
            columns["run"], columns["wafer"], columns["probe"], columns["avg"], strict=True
        )
        if run == 1
    ]
    study = crossed_study([v for *_, v in rows], [w for w, *_ in rows], [p for _, p, _ in rows])
    assert (len(study.parts), len(study.operators), study.trials) == (5, 5, 6)
    found = {row.name: row for row in by_anova(study).components}
    theirs = gage_rr(np.array(study.cells), interaction_alpha=0.25)
    assert found["repeatability"].variance == pytest.approx(theirs.var_repeatability, rel=1e-9)
    assert found["part"].variance == pytest.approx(theirs.var_part, rel=1e-9)
    assert found["operator"].variance == pytest.approx(theirs.var_operator, rel=1e-9)


@pytest.mark.parametrize("alpha", [0.0, 0.25, 1.0])
def test_the_method_for_unequal_cells_gives_the_usual_components_where_they_are_equal(alpha: float) -> None:
    study = crossed_study(*long_form(THERMAL, 3))
    usual = {row.name: row.variance for row in by_anova(study, alpha_pool=alpha).components}
    fitted = unequal_components(study, alpha)
    assert fitted.repeatability == pytest.approx(usual["repeatability"], rel=1e-9)
    for name, variance in fitted.raw.items():
        assert variance == pytest.approx(usual[name], rel=1e-8)


def test_a_missing_reading_is_left_out_and_said() -> None:
    values, parts, operators = long_form(AIAG, 3)
    found = by_anova(crossed_study([None, *values[1:]], parts, operators))
    assert {"missing", "unequal_sizes"} <= codes(found)
    assert any("part 1 by A: 2" in flag.says for flag in found.flags)
    assert sd(found, "gauge_rr") == pytest.approx(0.3024, rel=0.02)
    assert found.of_study is None
    assert found.intervals == ""


def test_an_empty_cell_is_named() -> None:
    values, parts, operators = long_form(AIAG, 3)
    found = by_anova(crossed_study(values[3:], parts[3:], operators[3:]))
    assert any("Without a reading: part 1 by A" in flag.says for flag in found.flags)


def test_the_method_of_ranges_refuses_unequal_cells_and_names_them() -> None:
    values, parts, operators = long_form(AIAG, 3)
    with pytest.raises(InvalidInputError, match="part 10 by C: 2"):
        by_ranges(crossed_study(values[:-1], parts[:-1], operators[:-1]))


@pytest.mark.parametrize("shift", [1e9, -3e6])
def test_a_large_offset_costs_no_digits(shift: float) -> None:
    values, parts, operators = long_form(THERMAL, 3)
    plain = by_anova(crossed_study(values, parts, operators))
    shifted = by_anova(crossed_study([value + shift for value in values], parts, operators))
    assert [row.variance for row in shifted.components] == pytest.approx([row.variance for row in plain.components])


def test_the_size_of_the_unit_does_not_matter() -> None:
    values, parts, operators = long_form(AIAG, 3)
    tiny = by_anova(crossed_study([value * 1e-12 for value in values], parts, operators))
    assert tiny.components[0].of_study == pytest.approx(27.86065, abs=1e-4)
    assert tiny.categories == pytest.approx(4.8605, abs=1e-3)


@pytest.mark.parametrize("unit", [1e148, 1e-140])
def test_extreme_units_do_not_overflow(unit: float) -> None:
    values, parts, operators = long_form(AIAG, 3)
    plain = by_anova(crossed_study(values, parts, operators))
    found = by_anova(crossed_study([value * unit for value in values], parts, operators))
    for row, usual in zip(found.components, plain.components, strict=True):
        assert row.of_study == pytest.approx(usual.of_study)
        assert (row.low or 0) / unit / unit == pytest.approx(usual.low)
        assert (row.high or 0) / unit / unit == pytest.approx(usual.high)


def test_a_coarse_gauge_is_flagged() -> None:
    values, parts, operators = long_form(AIAG, 3)
    found = by_anova(crossed_study([float(round(value)) for value in values], parts, operators))
    assert "resolution" in codes(found)


def test_repetitions_that_never_differ_are_flagged_and_have_no_intervals() -> None:
    parts = [part for part in range(10) for _ in range(6)]
    found = by_anova(crossed_study([float(part) for part in parts], parts, list("AABBCC") * 10))
    assert "no_variation" in codes(found)
    assert found.ndc is None
    assert found.components[0].of_study == 0
    assert found.of_study is None


def test_parts_that_are_all_alike_are_flagged() -> None:
    values = list(np.random.default_rng(1).normal(0, 1, 60))
    found = by_anova(crossed_study(values, [p for p in range(10) for _ in range(6)], list("AABBCC") * 10))
    assert codes(found) & {"no_part_variation", "few_categories"}
    assert found.ndc in {0, 1}
    assert "gauge_variation" in codes(found)


def test_parts_that_do_not_span_the_process_are_flagged() -> None:
    found = by_anova(aiag(), Scale(process_sd=10.0))
    assert "parts_do_not_span" in codes(found)
    assert found.components[0].of_process == pytest.approx(3.0237, abs=1e-3)


def test_a_small_study_is_flagged() -> None:
    values, parts, operators = long_form(AIAG[:4], 3)
    assert "few" in codes(by_anova(crossed_study(values, parts, operators)))


def test_one_operator_is_taken_without_reproducibility() -> None:
    values, parts, _ = long_form(THERMAL, 3)
    found = by_anova(crossed_study(values, parts))
    assert [row.name for row in found.components] == ["gauge_rr", "repeatability", "part", "total"]
    assert found.component("repeatability") is not None
    assert by_ranges(crossed_study(values, parts)).averages["range_of_operators"] == 0


def test_one_trial_is_taken_with_a_warning() -> None:
    table = tuple((row[0], row[3], row[6]) for row in THERMAL)
    found = by_anova(crossed_study(*long_form(table, 1)))
    assert "one_trial" in codes(found)
    assert math.isfinite(sd(found, "gauge_rr"))


def test_a_nested_study_divides_operators_from_their_own_parts() -> None:
    # The sums of squares of parts within operators are those of parts and interaction of the crossed study.
    values, parts, operators = long_form(AIAG, 3)
    own = [f"{operator}{part}" for part, operator in zip(parts, operators, strict=True)]
    operator, part, error = by_nested(crossed_study(values, own, operators)).anova
    assert round(operator.ss, 4) == 3.1673
    assert part.ss == pytest.approx(88.36193 + 0.35898, abs=1e-4)
    assert (operator.df, part.df, error.df) == (2, 27, 60)
    assert round(error.ss, 4) == 2.7589


def test_a_crossed_study_is_not_taken_for_a_nested_one_nor_the_other_way() -> None:
    with pytest.raises(InvalidInputError, match="several operators"):
        by_nested(aiag())
    values, parts, operators = long_form(AIAG, 3)
    own = [f"{operator}{part}" for part, operator in zip(parts, operators, strict=True)]
    with pytest.raises(InvalidInputError, match="not connected") as refused:
        by_anova(crossed_study(values, own, operators))
    assert "nested" in refused.value.hint


def test_the_constants_are_those_of_the_manual() -> None:
    # AIAG MSA 4th ed., appendix C, d2* for g = 1, and K1, K2, K3 of the GRR sheet.
    printed = (1.41421, 1.91155, 2.23887, 2.48124, 2.67253, 2.82981, 2.96288, 3.07794, 3.17905)
    assert [round(d2_star(m), 5) for m in range(2, 11)] == pytest.approx(list(printed), abs=2e-5)
    assert [round(1 / d2_star(m), 4) for m in range(2, 11)] == [k3(m) for m in range(2, 11)]
    assert (k1(2), k1(3), k2(2), k2(3)) == (0.8862, 0.5908, 0.7071, 0.5231)
    assert k1(4) == pytest.approx(1 / 2.05875, abs=1e-5)
    assert d2_star(3, 1_000_000) == pytest.approx(1.69257, abs=1e-5)
    assert df_of_range(15) == 10.8
    assert df_of_range(40) is None


BAD: list[tuple[list[Any], list[Any], list[Any] | None, str]] = [
    (["a", 1.0], [1, 1], None, "not a number"),
    ([math.inf, 1.0], [1, 2], None, "infinite or too large"),
    ([1e308, 1.0], [1, 2], None, "infinite or too large"),
    ([1.0, 2.0], [1, None], None, "has no part"),
    ([1.0, 2.0], [1], None, "names of a part"),
    ([1.0, 2.0], [1, 2], ["A", ""], "has no operator"),
    ([1.0, 2.0], [1, 1], ["A", "B"], "There is one part"),
    ([1.0, 2.0], [1, 2], None, "measured once by one operator"),
    ([], [], None, "There is no value"),
]


@pytest.mark.parametrize(("values", "parts", "operators", "says"), BAD)
def test_readings_that_make_no_study_are_refused(
    values: list[Any], parts: list[Any], operators: list[Any] | None, says: str
) -> None:
    with pytest.raises(InvalidInputError, match=says):
        crossed_study(values, parts, operators)


def test_a_study_of_equal_readings_is_refused() -> None:
    study = crossed_study([5.0] * 12, [1, 1, 2, 2, 3, 3] * 2, ["A"] * 6 + ["B"] * 6)
    for method in (by_anova, by_ranges):
        with pytest.raises(InvalidInputError, match="All 12 readings are equal"):
            method(study)


def test_a_trial_that_is_there_twice_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="Trial 1 of part 1 by A is there twice: rows 1 and 2"):
        crossed_study([1.0, 2.0], [1, 1], ["A", "A"], [1, 1])


@pytest.mark.parametrize(
    "scale", [{"tolerance": -1.0}, {"tolerance": 0.0}, {"process_sd": math.nan}, {"multiplier": math.inf}]
)
def test_a_scale_that_is_none_is_refused(scale: dict[str, float]) -> None:
    with pytest.raises(InvalidInputError, match="must be positive"):
        Scale(**scale)
