"""Published examples, to the precision their sources print."""

from typing import Any, cast

import numpy as np
import pytest

from qms_mcp.statistics.spc.individuals import moving_ranges
from qms_mcp.statistics.spc.model import Chart, ChartKind, Known, Observations, Panel, Settings
from qms_mcp.statistics.spc.rule_sets import rule_set
from qms_mcp.statistics.spc.stages import control_chart
from qms_mcp.statistics.spc.sums import mean, standard_deviation
from tests.support.spc_data import answers, spc_column

LIMITS = rule_set("limits")
# Montgomery, Introduction to Statistical Quality Control, table 6.3 (7th ed.): diameters of piston rings, mm.
_RINGS = """
    74.030 74.002 74.019 73.992 74.008  73.995 73.992 74.001 74.011 74.004  73.988 74.024 74.021 74.005 74.002
    74.002 73.996 73.993 74.015 74.009  73.992 74.007 74.015 73.989 74.014  74.009 73.994 73.997 73.985 73.993
    73.995 74.006 73.994 74.000 74.005  73.985 74.003 73.993 74.015 73.988  74.008 73.995 74.009 74.005 74.004
    73.998 74.000 73.990 74.007 73.995  73.994 73.998 73.994 73.995 73.990  74.004 74.000 74.007 74.000 73.996
    73.983 74.002 73.998 73.997 74.012  74.006 73.967 73.994 74.000 73.984  74.012 74.014 73.998 73.999 74.007
    74.000 73.984 74.005 73.998 73.996  73.994 74.012 73.986 74.005 74.007  74.006 74.010 74.018 74.003 74.000
    73.984 74.002 74.003 74.005 73.997  74.000 74.010 74.013 74.020 74.003  73.982 74.001 74.015 74.005 73.996
    74.004 73.999 73.990 74.006 74.009  74.010 73.989 73.990 74.009 74.014  74.015 74.008 73.993 74.000 74.010
    73.982 73.984 73.995 74.017 74.013
"""
PISTON_RINGS = np.array([float(value) for value in _RINGS.split()]).reshape(25, 5)
# The same book, table 7.1: nonconforming cans of 50.
ORANGE_JUICE = [
    *(12, 15, 8, 10, 4, 7, 16, 9, 14, 10, 5, 6, 17, 12, 22),
    *(8, 10, 5, 13, 11, 20, 18, 24, 15, 9, 12, 7, 13, 9, 6),
]
# Table 7.7: nonconformities in samples of 100 printed circuit boards.
CIRCUIT_BOARDS = [
    *(21, 24, 16, 12, 15, 5, 28, 20, 31, 25, 20, 24, 16),
    *(19, 10, 17, 13, 22, 18, 39, 30, 24, 16, 19, 17, 15),
]
# Viscosity of aircraft primer paint, the example of individuals in the editions up to the 5th.
VISCOSITY = [
    *(33.75, 33.05, 34.00, 33.81, 33.46, 34.02, 33.68, 33.27),
    *(33.49, 33.20, 33.62, 33.00, 33.54, 33.12, 33.84),
]
# Table 9.1: the example of chapter 9, of which the last ten have shifted by one sigma.
SHIFTED = [
    *(9.45, 7.99, 9.29, 11.66, 12.16, 10.18, 8.04, 11.46, 9.20, 10.34, 9.03, 11.47, 10.51, 9.40, 10.08),
    *(9.37, 10.62, 10.31, 8.52, 10.84, 10.90, 9.33, 12.29, 11.50, 10.60, 11.08, 10.38, 11.62, 11.31, 10.52),
]
# Table 7.14: hours between failures of a valve.
BETWEEN_FAILURES = [
    *(286, 948, 536, 124, 816, 729, 4, 143, 431, 8, 2837, 596, 81, 227, 603, 492, 1199, 1214, 2831, 96),
]
# NIST e-Handbook 6.3.2.3: the example of a CUSUM.
NIST_CUSUM = [
    *(324.925, 324.675, 324.725, 324.350, 325.350, 325.225, 324.125, 324.525, 325.225, 324.600),
    *(324.625, 325.150, 328.325, 327.250, 327.825, 328.500, 326.675, 327.775, 326.875, 328.350),
]


def chart(kind: ChartKind, values: Any, sizes: Any = None, *, excluded: tuple[int, ...] = (), **how: Any) -> Chart:
    observed = Observations(np.array(values, np.float64), None if sizes is None else np.array(sizes, np.float64))
    return control_chart(
        kind, observed, Settings(**cast("dict[str, Any]", {"rules": LIMITS, **how})), excluded=excluded
    )


def panels(made: Chart) -> tuple[Panel, ...]:
    return made.stages[0].panels


def beyond(panel: Panel) -> list[int]:
    """Return the numbers, from 1, of the points beyond the limits."""
    return (panel.hits[0].at + 1).tolist()


def lines(panel: Panel) -> tuple[float, float, float]:
    assert isinstance(panel.center, float | int)
    assert isinstance(panel.ucl, float)
    assert isinstance(panel.lcl, float)
    return panel.lcl, panel.center, panel.ucl


def test_individuals_of_the_nist_handbook() -> None:
    answer = answers()["nist_individuals_pmc322.csv"]["published"]
    main, ranges = panels(chart("I-MR", spc_column("nist_individuals_pmc322.csv", "x")))
    assert lines(main) == pytest.approx((answer["lcl"], answer["xbar"], answer["ucl"]), abs=5e-5)
    assert ranges.center == pytest.approx(answer["mr_bar"], abs=5e-5)
    assert beyond(main) == beyond(ranges) == []


def test_ewma_of_the_nist_handbook() -> None:
    told = answers()["nist_ewma_pmc324.csv"]
    how: dict[str, Any] = {"weight": told["params"]["lambda"], "steady": True, "limits_at": told["params"]["L"]}
    known = Known(told["params"]["target"], told["params"]["sigma"])
    (panel,) = panels(chart("EWMA", spc_column("nist_ewma_pmc324.csv", "x"), known=known, **how))
    answer = told["published"]
    assert panel.values == pytest.approx(answer["ewma"], abs=0.005)
    assert (panel.lcl, panel.ucl) == pytest.approx((answer["lcl"], answer["ucl"]), abs=1e-4)
    assert beyond(panel) == answer["out_of_control"]


def test_counts_on_wafers_of_the_nist_handbook() -> None:
    told = answers()["nist_c_chart_wafers_pmc331.csv"]
    counts = spc_column("nist_c_chart_wafers_pmc331.csv", "defects")
    (panel,) = panels(chart("c", counts))
    assert sum(counts) == told["published"]["total"]
    assert lines(panel) == (told["published"]["lcl"], told["published"]["c_bar"], told["published"]["ucl"])
    assert beyond(panel) == told["recomputed_out_of_control_rule1"]


def test_cusum_of_the_nist_handbook() -> None:
    up, down = panels(chart("CUSUM", NIST_CUSUM, known=Known(325, 1), reference=0.3175, decision=4.1959))
    assert up.values[12:15] == pytest.approx([3.01, 4.94, 7.45], abs=0.005)
    assert beyond(up) == list(range(14, 21))
    assert beyond(down) == []


def test_piston_rings_with_ranges() -> None:
    # Montgomery, exercise of example 6.3: limits of the means 73.988 and 74.014, from a rounded R-bar of 0.023.
    main, ranges = panels(chart("X-bar/R", PISTON_RINGS))
    assert lines(main) == pytest.approx((73.988, 74.001, 74.014), abs=0.0007)
    assert ranges.center == pytest.approx(0.023, abs=5e-4)
    assert ranges.lcl == 0
    assert beyond(main) == beyond(ranges) == []


def test_piston_rings_with_standard_deviations() -> None:
    # Montgomery, example 6.3: S-bar 0.0094, limits of S 0 and 0.0196, of the means as above, all from rounded numbers.
    main, deviations = panels(chart("X-bar/S", PISTON_RINGS))
    assert lines(main) == pytest.approx((73.988, 74.001, 74.014), abs=0.0007)
    assert lines(deviations) == pytest.approx((0, 0.0094, 0.0196), abs=0.0001)


def test_piston_rings_of_unequal_subgroups() -> None:
    # Montgomery, example 6.4, table 6.4: mean 74.001, S-bar 0.0103; limits of five 73.986 and 74.016, of S 0.022.
    sizes = [5, 3, 5, 5, 5, 4, 4, 5, 4, 5, 5, 5, 3, 5, 3, 5, 4, 5, 5, 3, 5, 5, 5, 5, 5]
    rings = PISTON_RINGS.copy()
    for row, size in zip(rings, sizes, strict=True):
        row[size:] = np.nan
    main, deviations = panels(chart("X-bar/S", rings))
    assert main.center == pytest.approx(74.001, abs=5e-4)
    assert np.asarray(deviations.center)[0] == pytest.approx(0.0103, abs=5e-5)
    assert np.asarray(main.lcl)[0] == pytest.approx(73.986, abs=7e-4)
    assert np.asarray(main.ucl)[0] == pytest.approx(74.016, abs=7e-4)
    assert np.asarray(deviations.ucl)[0] == pytest.approx(0.022, abs=6e-4)
    assert beyond(main) == beyond(deviations) == []


def test_hard_bake_limits_follow_from_the_mean_and_the_average_range() -> None:
    # Montgomery, example 6.1: 1.5056, R-bar 0.32521; limits 1.31795 and 1.69325, of R 0.68749.
    known = Known(1.5056, 0.32521 / 2.326, frozen=True)
    main, ranges = panels(chart("X-bar/R", np.full((2, 5), 1.5), known=known))
    assert lines(main) == pytest.approx((1.31795, 1.5056, 1.69325), abs=1e-5)
    assert lines(ranges) == pytest.approx((0, 0.32521, 0.68749), abs=1e-5)


def test_viscosity() -> None:
    # Montgomery, the example of individuals: 33.52, MR-bar 0.48, limits 32.24 and 34.80, of MR 1.57.
    main, ranges = panels(chart("I-MR", VISCOSITY))
    assert lines(main) == pytest.approx((32.24, 33.52, 34.80), abs=0.005)
    assert lines(ranges) == pytest.approx((0, 0.48, 1.57), abs=0.005)


def test_orange_juice_cans_and_their_revised_limits() -> None:
    # Montgomery, example 7.1: 0.2313, 0.0524 to 0.4102; samples 15 and 23 out. Without them 0.2150, 0.0407 to 0.3893.
    (panel,) = panels(chart("p", ORANGE_JUICE, [50] * 30))
    assert lines(panel) == pytest.approx((0.0524, 0.2313, 0.4102), abs=5e-5)
    assert beyond(panel) == [15, 23]
    (revised,) = panels(chart("p", ORANGE_JUICE, [50] * 30, excluded=(14, 22)))
    assert lines(revised) == pytest.approx((0.0407, 0.2150, 0.3893), abs=5e-5)
    assert beyond(revised) == [15, 21, 23]


def test_circuit_boards() -> None:
    # Montgomery, example 7.3: c-bar 19.85, limits 6.48 and 33.22 from that rounded mean; samples 6 and 20 out.
    (panel,) = panels(chart("c", CIRCUIT_BOARDS))
    assert lines(panel) == pytest.approx((6.48, 19.85, 33.22), abs=0.01)
    assert beyond(panel) == [6, 20]


def test_cusum_of_the_textbook() -> None:
    # Montgomery, table 9.2: K = 0.5, H = 5; C+ of periods 28 to 30 is 4.47, 5.28, 5.30.
    up, down = panels(chart("CUSUM", SHIFTED, known=Known(10, 1)))
    assert up.values[3:8] == pytest.approx([1.16, 2.82, 2.50, 0.04, 1.00], abs=1e-9)
    assert up.values[27:] == pytest.approx([4.47, 5.28, 5.30], abs=1e-9)
    assert down.values[:3] == pytest.approx([0.05, 1.56, 1.77], abs=1e-9)
    assert beyond(up) == [29, 30]
    assert beyond(down) == []


def test_ewma_of_the_textbook() -> None:
    # Montgomery, table 9.10: lambda 0.1, L 2.7; limits 9.73 to 10.27, 9.64 to 10.36, at last 9.38 to 10.62.
    (panel,) = panels(chart("EWMA", SHIFTED, known=Known(10, 1), weight=0.1, limits_at=2.7))
    assert isinstance(panel.ucl, np.ndarray)
    assert isinstance(panel.lcl, np.ndarray)
    assert panel.values[:3] == pytest.approx([9.945, 9.7495, 9.70355], abs=5e-6)
    assert panel.values[27:] == pytest.approx([10.5731, 10.6468, 10.6341], abs=5e-5)
    assert panel.ucl[[0, 1, 29]] == pytest.approx([10.27, 10.36, 10.62], abs=0.005)
    assert panel.lcl[[0, 1, 29]] == pytest.approx([9.73, 9.64, 9.38], abs=0.005)


def test_a_head_start_is_half_the_decision_interval() -> None:
    # Montgomery, table 9.4: target 100, K = 3, H = 12, started at 6.
    values = [102, 97, 104, 93, 100, 105, 96, 98, 105, 99]
    up, down = panels(chart("CUSUM", values, known=Known(100, 6), decision=2.0, head_start=0.5))
    assert up.values == pytest.approx([5, 0, 1, 0, 0, 2, 0, 0, 2, 0])
    assert down.values == pytest.approx([1, 1, 0, 4, 1, 0, 1, 0, 0, 0])


def test_times_between_failures_are_transformed() -> None:
    # Montgomery, example 7.6: y = x^0.2777; the first is 4.80986. Limits by hand from the average moving range.
    main, ranges = panels(chart("t", BETWEEN_FAILURES))
    assert main.values[0] == pytest.approx(4.80986, abs=5e-5)
    y = np.array(BETWEEN_FAILURES) ** 0.2777
    average = np.abs(np.diff(y)).mean()
    assert lines(main) == pytest.approx((0, y.mean(), y.mean() + 3 * average / 1.128))
    assert lines(ranges) == pytest.approx((0, average, 3.267 * average))
    assert beyond(main) == []


STRD = [("strd_numacc1.csv", 9), ("strd_michelso.csv", 9), ("strd_mavro.csv", 9)]


@pytest.mark.parametrize(("name", "digits"), STRD)
def test_mean_and_deviation_have_the_digits_nist_certifies(name: str, digits: int) -> None:
    certified = answers()[name]["certified"]
    values = np.array(spc_column(name, "y"))
    assert mean(values) == pytest.approx(certified["mean"], rel=10**-digits)
    assert standard_deviation(values) == pytest.approx(certified["sd"], rel=10**-digits)
    main, _ = panels(chart("I-MR", values, sigma_method="sd", limits_at=1.0))
    assert lines(main)[2] - lines(main)[1] == pytest.approx(certified["sd"], rel=10**-digits)


def test_a_large_offset_costs_no_digits() -> None:
    noise = np.random.default_rng(1).normal(size=200)
    raised = 1e9 + np.round(noise * 64) / 64  # exact in binary, so nothing is lost but by the arithmetic
    plain = np.round(noise * 64) / 64
    assert mean(raised) - 1e9 == pytest.approx(mean(plain), abs=2e-7)
    assert moving_ranges(raised)[1:] == pytest.approx(moving_ranges(plain)[1:], abs=0)
    made, same = chart("X-bar/S", raised.reshape(-1, 5)), chart("X-bar/S", plain.reshape(-1, 5))
    assert made.stages[0].estimate.sigma == pytest.approx(same.stages[0].estimate.sigma, rel=1e-6)
