"""Published examples as a caller would ask for them: options in, the printed number out, to its printed precision.

Each case names its source. Those that need the layers beneath are beside them (test_spc_published and others).
"""

from collections.abc import Mapping
from typing import Any, cast

import pytest

from qms_mcp.services.analysis.method import AnyMethod, Method
from qms_mcp.services.analysis.methods.compare_groups import COMPARE_GROUPS
from qms_mcp.services.analysis.methods.detect_trends import DETECT_TRENDS
from qms_mcp.services.analysis.methods.process_capability import PROCESS_CAPABILITY
from qms_mcp.services.analysis.methods.sampling_plan import SAMPLING_PLAN
from qms_mcp.services.analysis.methods.spc_chart import SPC_CHART
from qms_mcp.services.analysis.table import Table
from tests.unit.test_spc_published import ORANGE_JUICE, PISTON_RINGS, SHIFTED, VISCOSITY

WIDE = {f"x{place + 1}": PISTON_RINGS[:, place].tolist() for place in range(5)}
# Montgomery, Introduction to Statistical Quality Control, the p chart of purchase orders: sizes that vary.
ORDERS = {
    "late": [12, 8, 6, 9, 10, 12, 11, 16, 10, 6, 20, 15, 9, 8, 6, 8, 10, 7, 5, 8, 5, 8, 10, 6, 9],
    "n": [
        *(100, 80, 80, 100, 110, 110, 100, 100, 90, 90, 110, 120, 120),
        *(120, 110, 80, 80, 80, 90, 100, 100, 100, 100, 90, 90),
    ],
}
SHIPMENTS = [2, 3, 8, 1, 1, 4, 1, 4, 5, 1, 8, 2, 4, 3, 4, 1, 8, 3, 7, 4]
CLOTH = {
    "defects": [14, 12, 20, 11, 7, 10, 21, 16, 19, 23],
    "rolls": [10, 8, 13, 10, 9.5, 10, 12, 10.5, 12, 12.5],
}
# Montgomery, bursting strength of 100 bottles, LSL 200 psi: mean 264.06, s 32.02, PCR_l 0.67.
BOTTLES = [
    *(265, 205, 263, 307, 220, 268, 260, 234, 299, 215, 197, 286, 274, 243, 231, 267, 281, 265, 214, 318, 346, 317),
    *(242, 258, 276, 300, 208, 187, 264, 271, 280, 242, 260, 321, 228, 250, 299, 258, 267, 293, 265, 254, 281, 294),
    *(223, 260, 308, 235, 283, 277, 200, 235, 246, 328, 296, 276, 264, 269, 235, 290, 221, 176, 248, 263, 231, 334),
    *(280, 265, 272, 283, 265, 262, 271, 245, 301, 280, 274, 253, 287, 258, 261, 248, 260, 274, 337, 250, 278, 254),
    *(274, 275, 278, 250, 265, 270, 298, 257, 210, 280, 269, 251),
]
# Page (1955) as the trend package of R simulates it (PagesData).
PAGE = [
    *(-1.05, 0.96, 1.22, 0.58, -0.98, -0.03, -1.54, -0.71, -0.35, 0.66, 0.44, 0.91, -0.02, -1.42, 1.26, -1.02, -0.81),
    *(1.66, 1.05, 0.97, 2.14, 1.22, -0.24, 1.60, 0.72, -0.12, 0.44, 0.03, 0.66, 0.56, 1.37, 1.66, 0.10, 0.80, 1.29),
    *(0.49, -0.07, 1.18, 3.29, 1.84),
]


def answer(method: AnyMethod, columns: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """Return an answer as it travels."""
    known = cast("Method[Any, Any]", method)
    return known.compute(Table(columns), known.options.model_validate(options)).answer


@pytest.mark.parametrize(
    ("columns", "options", "panel", "printed"),
    [
        # Montgomery, piston rings: 74.001, 74.014, 73.988 from R-bar; R-bar 0.023, UCL 0.049.
        (WIDE, {"value": tuple(WIDE), "chart": "X-bar R"}, "X-bar", ("74.001", "73.988", "74.015")),
        (WIDE, {"value": tuple(WIDE), "chart": "X-bar R"}, "R", ("0.023", "0.000", "0.049")),
        # The same with standard deviations: s-bar 0.0094, UCL 0.0196.
        (WIDE, {"value": tuple(WIDE), "chart": "X-bar and S chart"}, "S", ("0.0094", "0.0000", "0.0196")),
        # Montgomery, orange juice: 0.2313, 0.0524, 0.4102; as np 11.567 of 50.
        ({"d": ORANGE_JUICE}, {"chart": "p", "size": 50}, "p", ("0.2313", "0.0524", "0.4102")),
        ({"d": ORANGE_JUICE}, {"chart": "np chart", "size": 50}, "np", ("11.567", "2.621", "20.512")),
        # Montgomery, errors in 50 shipments a week: 0.0740, UCL 0.1894, LCL 0.
        ({"x": SHIPMENTS}, {"chart": "u", "size": 50}, "u", ("0.0740", "0.0000", "0.1894")),
        # Montgomery, viscosity: 33.52, 34.80, 32.24; moving range 0.48, 1.57.
        ({"x": VISCOSITY}, {"chart": "individuals and moving range"}, "I", ("33.52", "32.24", "34.80")),
        ({"x": VISCOSITY}, {"chart": "XmR"}, "MR", ("0.48", "0.00", "1.57")),
    ],
)
def test_limits_are_those_that_are_printed(
    columns: Mapping[str, Any], options: dict[str, Any], panel: str, printed: tuple[str, str, str]
) -> None:
    rows = answer(SPC_CHART, columns, options).stages.rows
    (found,) = [row[3:6] for row in rows if row[2] == panel]
    for number, text in zip(found, printed, strict=True):
        assert f"{number:.{len(text.partition('.')[2])}f}" == text


@pytest.mark.parametrize(
    ("columns", "options", "point", "printed", "beyond"),
    [
        # Montgomery, purchase orders: p-bar 234/2450; month 11 with 20 of 110 is out.
        (ORDERS, {"value": "late", "chart": "p", "size": "n", "rules": "limits"}, 11, 0.1818, [11]),
        # Montgomery, dyed cloth: u-bar 1.42; the first roll has limits 0.29 and 2.55; none is out.
        (CLOTH, {"value": "defects", "chart": "u", "size": "rolls", "rules": "limits"}, 1, 1.4, []),
        # Montgomery, the CUSUM of table 9.2: 5.28 at point 29, where it passes 5.
        ({"x": SHIFTED}, {"chart": "CUSUM", "k": 0.5, "h": 5, "target": 10, "sigma": 1}, 29, 5.28, [29, 30]),
        # Montgomery, its EWMA with lambda 0.1 and L 2.7: 10.6468 at point 29.
        ({"x": SHIFTED}, {"chart": "EWMA", "lambda": 0.1, "L": 2.7, "target": 10, "sigma": 1}, 29, 10.6468, [29, 30]),
    ],
)
def test_points_are_those_that_are_printed(
    columns: Mapping[str, Any], options: dict[str, Any], point: int, printed: float, beyond: list[int]
) -> None:
    found = answer(SPC_CHART, columns, options)
    assert found.points.rows[point - 1][2] == pytest.approx(printed, abs=5e-5)
    assert [row[0] for row in found.signals.rows if row[4] == 1] == beyond if beyond else found.signals is None


@pytest.mark.parametrize(
    ("options", "names", "printed"),
    [
        # NIST e-Handbook 6.1.6.
        ({"lsl": 8, "usl": 20, "summary": {"mean": 16, "sd": 2}}, ("cp", "cpk", "cpl"), (1.0, 0.6667, 1.3333)),
        # Montgomery, example of C_pm: LSL 35, USL 65, T 50, mean 57.5, s 2.5: C_p 2, C_pk 1, C_pm 0.63, C_pkm 0.32.
        (
            {"lsl": 35, "usl": 65, "target": 50, "summary": {"mean": 57.5, "sd": 2.5}},
            ("cp", "cpk", "cpm", "cpmk"),
            (2.0, 1.0, 0.63, 0.32),
        ),
    ],
)
def test_indices_of_a_summary_are_those_that_are_printed(
    options: dict[str, Any], names: tuple[str, ...], printed: tuple[float, ...]
) -> None:
    found = answer(PROCESS_CAPABILITY, {}, options).within
    assert [found[name] for name in names] == pytest.approx(printed, abs=5e-3)


def test_intervals_of_a_summary_are_those_that_are_printed() -> None:
    # Montgomery: LSL 38, USL 62, n 20, s 1.75: C_p 2.29, 1.57 to 3.01 with rounded quantiles. C_pk 1.33 of n 20: 0.88
    # to 1.78 is Bissell's formula (1990) by hand, not a printed figure.
    found = answer(PROCESS_CAPABILITY, {}, {"lsl": 38, "usl": 62, "summary": {"mean": 50, "sd": 1.75, "n": 20}}).within
    assert found["cp_interval"] == pytest.approx([1.57, 3.01], abs=6e-3)
    found = answer(PROCESS_CAPABILITY, {}, {"lsl": 0, "usl": 7.98, "summary": {"mean": 3.99, "sd": 1, "n": 20}}).within
    assert found["cpk_interval"] == pytest.approx([0.88, 1.78], abs=5e-3)


@pytest.mark.parametrize("distribution", ["auto", "normal"])
def test_the_textbook_index_stands_in_the_answer_whatever_distribution_is_taken(distribution: str) -> None:
    options = {"value": "psi", "lsl": 200, "distribution": distribution}
    found = answer(PROCESS_CAPABILITY, {"psi": BOTTLES}, options)
    block = found.overall.get("as_if_normal", found.overall)
    assert (f"{found.values['mean']:.2f}", f"{found.values['sd']:.2f}") == ("264.06", "32.02")
    assert f"{block['ppl']:.2f}" == "0.67"
    assert ("as_if_normal" in found.overall) is (distribution == "auto")


@pytest.mark.parametrize(
    ("options", "printed"),
    [
        # NIST e-Handbook 6.2.3.2: n 52, c 3; Pa of 1 to 12 % nonconforming.
        (
            {"n": 52, "ac": 3, "qualities": tuple(range(1, 13))},
            (0.998, 0.980, 0.930, 0.845, 0.739, 0.620, 0.502, 0.394, 0.300, 0.223, 0.162, 0.115),
        ),
        # Montgomery: n 89, c 2; Pa of 1 and 2 %.
        ({"n": 89, "ac": 2, "qualities": (1, 2)}, (0.9397, 0.7366)),
    ],
)
def test_chances_of_acceptance_are_those_that_are_printed(options: dict[str, Any], printed: tuple[float, ...]) -> None:
    curve = answer(SAMPLING_PLAN, {}, options).curve
    assert [row[1] for row in curve["rows"]] == pytest.approx(printed, abs=1.1e-3)


def test_the_plan_of_the_standard_is_the_one_that_is_printed() -> None:
    # Montgomery, lots of 2,000 with an AQL of 0.65 %: letter K, n 125; Ac 2 normal, 1 tightened.
    for severity, ac in (("normal", 2), ("tightened", 1)):
        plan = answer(SAMPLING_PLAN, {}, {"lot_size": 2000, "aql": 0.65, "severity": severity}).plan
        assert (plan["code_letter"], plan["n"], plan["ac"]) == ("K", 125, ac)


def _tests(found: Any) -> dict[tuple[str, str], tuple[float, float]]:
    return {(row[1], row[2]): (row[3], row[4]) for row in found.tests[1:]}


def test_values_of_one_time_are_not_compared_with_each_other() -> None:
    # Gilbert (1987), 16.4.2, several observations a period: S 19, VAR(S) 58.1, Z 2.36.
    columns = {"y": [10, 22, 21, 30, 22, 30, 40, 40], "t": [1, 1, 1, 2, 3, 3, 4, 5]}
    found = _tests(answer(DETECT_TRENDS, columns, {"value": "y", "time": "t", "correction": "none"}))
    assert found["Mann-Kendall", "S"][0] == 19
    assert found["Mann-Kendall", "variance of S"][0] == pytest.approx(58.1, abs=0.05)
    assert found["Mann-Kendall, normal", "z"][0] == pytest.approx(2.36, abs=5e-3)


def test_the_change_in_pages_series_is_where_it_was_made() -> None:
    # pettitt.test(PagesData) of the trend package: U* 232 at 17, p 0.01456.
    found = _tests(answer(DETECT_TRENDS, {"y": PAGE}, {"value": "y"}))
    k, p = found["Pettitt, after 17, independent", "K"]
    assert (k, f"{p:.5f}") == (232, "0.01456")


def test_the_lady_tasting_tea_and_the_rates_of_the_manual_of_r() -> None:
    # Fisher (1935): 3 of 4 against 1 of 4, two-sided p 0.4857. poisson.test(c(11, 6+8+7), c(800, 1083+1050+878)):
    # p 0.07967.
    tea = {"cup": ["milk", "tea"], "said": [3, 1], "n": [4, 4]}
    found = answer(COMPARE_GROUPS, tea, {"value": "said", "group": "cup", "trials": "n"})
    assert found.p == pytest.approx(0.4857, abs=5e-5)
    rates = {"group": ["a", "b"], "cases": [11, 21], "time": [800, 3011]}
    found = answer(COMPARE_GROUPS, rates, {"value": "cases", "group": "group", "exposure": "time"})
    assert {row[0]: row[4] for row in found.tests[1:]}["exact conditional (likelier tables)"] == pytest.approx(
        0.07967, abs=5e-6
    )


def test_an_option_that_is_none_is_answered_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"there is no 'mu0'; there are .*target, sigma, lambda, L"):
        SPC_CHART.options.model_validate({"mu0": 10})
