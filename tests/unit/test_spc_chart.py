"""The method spc_chart: which chart is chosen, what is said, what is refused, what is drawn."""

import json
from typing import Any, cast

import numpy as np
import pytest

from qms_mcp.errors import InvalidInputError
from qms_mcp.services.analysis.method import Computed
from qms_mcp.services.analysis.methods.spc_answer import SpcChart
from qms_mcp.services.analysis.methods.spc_chart import SPC_CHART
from qms_mcp.services.analysis.methods.spc_options import FrozenLimits, SpcOptions, chart_kind
from qms_mcp.services.analysis.table import Table
from tests.support.spc_data import spc_columns

RANDOM = np.random.default_rng(2)
STEADY = RANDOM.normal(10, 1, 60).round(3).tolist()


def computed(columns: dict[str, Any], units: dict[str, str] | None = None, **options: Any) -> Computed[SpcChart]:
    return SPC_CHART.compute(Table(columns, units=units or {}), SpcOptions(**options))


def charted(columns: dict[str, Any], units: dict[str, str] | None = None, **options: Any) -> SpcChart:
    return computed(columns, units, **options).answer


def codes(answer: SpcChart) -> set[str]:
    return {flag.code for flag in answer.flags}


CHOICES: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"x": STEADY}, {}, "I-MR"),
    ({"x": STEADY, "lot": [at // 5 for at in range(60)]}, {"value": "x", "subgroup": "lot"}, "X-bar/R"),
    ({"x": STEADY}, {"subgroup_size": 5}, "X-bar/R"),
    ({"x": STEADY}, {"subgroup_size": 12}, "X-bar/S"),
    ({"x": STEADY[:58], "lot": [at // 4 for at in range(58)]}, {"value": "x", "subgroup": "lot"}, "X-bar/S"),
    ({"x": STEADY, "lot": list(range(60))}, {"value": "x", "subgroup": "lot"}, "I-MR"),
    ({"a": STEADY, "b": STEADY[::-1], "c": STEADY}, {"value": ["a", "b", "c"]}, "X-bar/R"),
    ({"bad": [3, 2, 4, 1], "n": [50] * 4}, {"value": "bad", "size": "n"}, "np"),
    ({"bad": [3, 2, 4, 1], "n": [50, 60, 50, 50]}, {"value": "bad", "size": "n"}, "p"),
    ({"bad": [3, 2, 4, 1]}, {"size": 50}, "np"),
    ({"bad": [3, 2, 4, 9], "n": [2, 3, 2, 2]}, {"value": "bad", "size": "n"}, "u"),
    ({"defects": [3, 2, 4, 1], "area": [5, 6, 5, 5]}, {"value": "defects", "size": "area"}, "u"),
    ({"defects": [3, 2, 4, 1], "area": [1, 1, 1, 1]}, {"value": "defects", "size": "area"}, "c"),
    ({"defects": [3, 2, 4, 1, 7]}, {}, "c"),
    ({"z": RANDOM.poisson(4, 40).tolist()}, {}, "c"),
    ({"cases_between_infections": [12, 40, 7, 33, 20]}, {}, "g"),
    ({"hours between stops": [12.5, 40.0, 7.1, 33.0]}, {}, "t"),
    ({"failed": ["2026-01-01", "2026-01-09", "2026-02-01"]}, {"value": "failed"}, "t"),
]


@pytest.mark.parametrize(("columns", "options", "kind"), CHOICES)
def test_the_chart_is_chosen_by_the_shape_of_the_data(columns: Any, options: dict[str, Any], kind: str) -> None:
    answer = charted(columns, **options)
    assert answer.chart == kind
    assert len(answer.why) > 20


NAMES = [
    ("XmR", "I-MR"),
    ("xbar-r", "X-bar/R"),
    ("Xbar S chart", "X-bar/S"),
    ("P'", "Laney p'"),
    ("laney_u", "Laney u'"),
]


@pytest.mark.parametrize(("name", "kind"), NAMES)
def test_charts_are_known_by_their_usual_names(name: str, kind: str) -> None:
    assert chart_kind(name) == kind


def test_the_answer_says_it_in_a_sentence_and_names_the_rule() -> None:
    answer = charted(spc_columns("nist_c_chart_wafers_pmc331.csv"))
    assert answer.headline == (
        "c chart of defects: not in control, 1 of 25 points signal; the first is point 24, c 31: "
        "1 point beyond the control limits; centre 16, limits 4 to 28."
    )
    assert answer.in_control is False
    assert answer.signals is not None
    assert answer.signals.rows == [[24, "24", "c", 31.0, 1, "first"]]
    assert answer.signals.rules == {"1": "1 point beyond the control limits"}
    assert (answer.phase, answer.n, answer.made_with["constants"]) == ("I", 25, "published")


def test_where_a_rule_first_fires_and_that_it_goes_on_is_said() -> None:
    values = [9.0, 11.0] * 10 + [10.4, 10.6] * 5
    answer = charted({"x": values}, rules="nelson 2", target=10)
    assert answer.signals is not None
    assert [row[0] for row in answer.signals.rows] == [28, 29, 30]
    assert [row[-1] for row in answer.signals.rows] == ["first", "goes on", "goes on"]


def test_drift_of_a_resistor_alarms_against_its_first_hundred() -> None:
    columns = spc_columns("nist_standard_resistor_drift_dziuba1.csv")
    first = charted({name: values[:100] for name, values in columns.items()}, value="ohms")
    assert first.limits_to_freeze is not None
    frozen = FrozenLimits.model_validate({**first.limits_to_freeze, "name": "BL-OHMS v1", "signed_off": True})
    later = charted({name: values[100:] for name, values in columns.items()}, value="ohms", baseline=frozen)
    assert later.phase == "II: BL-OHMS v1"
    assert later.in_control is False
    assert later.signals is not None
    assert later.signals.total is not None
    assert later.signals.total > 800
    assert {1, 2} <= {row[4] for row in later.signals.rows}
    assert "autocorrelated" in codes(later)
    assert later.limits_to_freeze is None


FREEZABLE: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"x": STEADY}, {}),
    ({"x": STEADY}, {"sigma_method": "median_mr"}),
    ({"x": STEADY}, {"span": 3, "constants": "exact", "sigma_limits": 2.5}),
    ({"x": STEADY}, {"subgroup_size": 5}),
    ({"x": STEADY}, {"subgroup_size": 5, "chart": "X-bar/S", "sigma_method": "pooled"}),
    ({"x": STEADY, "lot": [at // 7 for at in range(60)]}, {"value": "x", "subgroup": "lot", "chart": "X-bar/S"}),
    ({"x": STEADY}, {"chart": "EWMA", "lambda_": 0.3, "steady": True}),
    ({"x": STEADY}, {"chart": "CUSUM", "h": 4, "head_start": 0.5}),
    ({"d": [3, 5, 2, 8, 4, 1, 6, 3]}, {"value": "d", "size": 40, "chart": "p"}),
    ({"d": [3, 5, 2, 8, 4, 1, 6, 3]}, {"value": "d", "size": 40, "chart": "np"}),
    ({"d": [3, 5, 2, 8, 4, 1, 6, 3]}, {"value": "d", "chart": "c"}),
    ({"d": [3, 5, 2, 8, 4, 1, 6, 3]}, {"value": "d", "size": 2.5, "chart": "u"}),
    ({"d": [3, 5, 2, 8, 4, 1, 6, 3]}, {"value": "d", "size": 40, "chart": "p'"}),
    ({"d": [3, 5, 2, 8, 4, 1, 6, 3]}, {"value": "d", "size": 40, "chart": "u'"}),
    ({"d": [3, 5, 2, 8, 4, 1, 6, 3]}, {"value": "d", "chart": "g"}),
    ({"d": [3, 5, 2, 8, 4, 1, 6, 3]}, {"value": "d", "chart": "g", "rare_limits": "probability"}),
    ({"d": [3, 5, 2, 8, 4, 1, 6, 3]}, {"value": "d", "chart": "t"}),
    ({"d": [3, 5, 2, 8, 4, 1, 6, 3]}, {"value": "d", "chart": "t", "rare_limits": "exponential"}),
    ({"d": [3, 5, 2, 8, 4, 1, 6, 3]}, {"value": "d", "chart": "t", "rare_limits": "weibull"}),
]


@pytest.mark.parametrize(("columns", "options"), FREEZABLE)
def test_frozen_limits_are_those_of_the_chart_they_come_from(columns: Any, options: dict[str, Any]) -> None:
    made = charted(columns, **options)
    frozen = FrozenLimits.model_validate(json.loads(json.dumps(made.limits_to_freeze)))
    shape = {name: value for name, value in options.items() if name in ("value", "subgroup", "subgroup_size", "size")}
    again = charted(columns, **shape, baseline=frozen)
    assert [row[:6] for row in again.stages.rows] == [row[:6] for row in made.stages.rows]
    assert again.points == made.points
    assert again.phase.startswith("II")


def test_unsigned_limits_are_used_and_said_to_be_unsigned() -> None:
    frozen = FrozenLimits(chart="I-MR", center=10, sigma=1)
    assert "not_signed_off" in codes(charted({"x": STEADY}, baseline=frozen))


def test_a_baseline_of_another_chart_or_unit_is_refused() -> None:
    frozen = FrozenLimits(chart="X-bar/R", center=10, sigma=1, unit="mm")
    with pytest.raises(InvalidInputError, match="baseline is of a chart X-bar/R"):
        charted({"x": STEADY}, subgroup_size=5, baseline=frozen, chart="X-bar/S")
    with pytest.raises(InvalidInputError, match="baseline is in mm"):
        charted({"x": STEADY}, {"x": "inch"}, subgroup_size=5, baseline=frozen)


def test_stages_have_limits_of_their_own_and_rules_do_not_reach_across() -> None:
    values = [10.0, 10.2] * 6 + [20.0, 20.2] * 6
    answer = charted({"x": values, "tool": ["old"] * 12 + ["new"] * 12}, value="x", stage="tool", rules="nelson")
    centers = {row[0]: row[3] for row in answer.stages.rows if row[2] == "I"}
    assert centers == {"old": 10.1, "new": 20.1}
    assert answer.points.rows[12][3] is None, "no range reaches into the stage before"
    assert answer.limits_to_freeze is None


def test_a_point_left_out_is_drawn_and_does_not_count() -> None:
    values = [10.0, 10.2, 9.9] * 8
    values[10] = 19.0
    answer = charted({"x": values}, exclude=[11], exclude_reason="gauge was dropped")
    assert (answer.made_with["excluded"], answer.made_with["because"]) == ([11], "gauge was dropped")
    assert answer.in_control is True
    assert answer.signals is not None
    assert [row[-1] for row in answer.signals.rows if row[2] == "I"] == ["first, left out"]
    assert answer.stages.rows[0][3] == pytest.approx(np.mean(values[:10] + values[11:]))


def test_iterating_tells_each_round() -> None:
    values = [10.0, 10.2, 9.9] * 10
    values[4], values[9] = 60.0, 13.0
    answer = charted({"x": values}, iterate=True, chart="I-MR")
    assert {5, 10} <= set(answer.made_with["excluded"])
    assert [flag.says.split()[1] for flag in answer.flags if flag.code == "left_out"][:2] == ["1", "2"]


def test_a_gap_forms_no_range() -> None:
    answer = charted({"x": [10.0, 10.2, None, 14.0, 14.1, 10.3]})
    assert [row[3] for row in answer.points.rows] == [None, 0.2, None, None, 0.1, 3.8]
    assert "missing" in codes(answer)


def test_rows_are_sorted_by_time_and_repeated_times_are_said() -> None:
    answer = charted(
        {"x": [3.0, 1.0, 2.0, 5.0], "at": ["2026-01-03", "2026-01-01", "2026-01-02", "2026-01-03"]}, time="at"
    )
    assert [row[2] for row in answer.points.rows] == [1.0, 2.0, 3.0, 5.0]
    assert {"out_of_order", "duplicates"} <= codes(answer)


def test_neighbours_that_resemble_each_other_are_called_out_with_what_to_use_instead() -> None:
    noise, x = RANDOM.normal(size=120), [0.0]
    for step in noise:
        x.append(0.8 * x[-1] + float(step))
    flags = {flag.code: flag for flag in charted({"x": x}).flags}
    assert "residuals" in flags["autocorrelated"].instead


def test_values_far_from_normal_are_called_out_on_a_chart_of_individuals() -> None:
    assert "not_normal" in codes(charted({"x": RANDOM.lognormal(0, 1, 80).tolist()}))
    assert "not_normal" not in codes(charted({"x": STEADY}))


def test_counts_that_vary_more_than_chance_point_to_laney() -> None:
    n = [2_000] * 40
    random = np.random.default_rng(5)
    found = random.binomial(n, random.normal(0.1, 0.03, 40).clip(0.01))
    plain = charted({"bad": found.tolist(), "n": n}, value="bad", size="n", rules="limits")
    flags = {flag.code: flag for flag in plain.flags}
    assert plain.signals is not None
    assert plain.signals.total is not None
    assert plain.signals.total > 10
    assert "Laney p'" in flags["overdispersed"].instead
    laney = charted({"bad": found.tolist(), "n": n}, value="bad", size="n", chart="Laney p'", rules="limits")
    assert "overdispersed" not in codes(laney)
    assert laney.in_control is True


def test_counts_that_vary_less_than_chance_are_called_out() -> None:
    found = [20 + (at % 3) for at in range(40)]
    assert "underdispersed" in codes(charted({"bad": found}, value="bad", size=200, chart="np"))


def test_few_points_make_trial_limits() -> None:
    assert "few" in codes(charted({"x": STEADY[:19]}))
    assert "few" not in codes(charted({"x": STEADY[:20]}))


def test_an_incomplete_last_subgroup_is_left_out_and_said() -> None:
    answer = charted({"x": STEADY[:58]}, subgroup_size=5)
    assert (answer.chart, answer.points.total) == ("X-bar/R", 11)
    assert "incomplete" in codes(answer)


def test_means_with_ranges_or_deviations_make_the_chart_their_values_make() -> None:
    x = np.array(STEADY).reshape(12, 5)
    for spread, named, kind in (
        (np.ptp(x, axis=1), "ranges", "X-bar/R"),
        (x.std(axis=1, ddof=1), "deviations", "X-bar/S"),
    ):
        whole = charted({"x": STEADY}, subgroup_size=5, chart=kind)
        known = charted(
            {"mean": x.mean(axis=1).tolist(), "spread": spread.tolist()},
            value="mean",
            subgroup_size=5,
            **cast("Any", {named: "spread"}),
        )
        assert (known.chart, known.n) == (kind, 60)
        for ours, theirs in zip(known.stages.rows, whole.stages.rows, strict=True):
            assert ours[3:6] == pytest.approx(theirs[3:6])


def test_unequal_sizes_give_each_point_its_limits() -> None:
    answer = charted({"d": [3, 4, 2, 5], "n": [50, 200, 50, 100]}, value="d", size="n")
    assert answer.points.columns == ["point", "label", "p", "p lcl", "p ucl", "rules"]
    p = 14 / 400
    assert answer.points.rows[1][4] == pytest.approx(p + 3 * (p * (1 - p) / 200) ** 0.5)
    assert answer.points.rows[0][3] == 0
    assert answer.stages.rows[0][3:6] == [0.035, "by point", "by point"]


def test_t_limits_are_told_in_units_of_time_too() -> None:
    answer = charted({"hours between stops": [12.5, 40.0, 7.1, 33.0, 61.0]})
    said = next(flag.says for flag in answer.flags if flag.code == "transformed")
    upper = answer.stages.rows[0][5] ** (1 / 0.2777)
    assert f"UCL {upper:.6g}" in said


def test_weibull_limits_are_those_of_the_fitted_distribution() -> None:
    import scipy.stats

    weibull = cast("Any", scipy.stats).weibull_min
    times = weibull.rvs(1.6, scale=30, size=200, random_state=1)
    row = charted({"d": times.tolist()}, chart="t", rare_limits="weibull").stages.rows[0]
    shape, _, scale = weibull.fit(times, floc=0)
    expected = [weibull.ppf(share, shape, scale=scale) for share in (0.5, 0.0013498980316301, 0.99865010196837)]
    assert row[3:6] == pytest.approx(expected, rel=1e-3)


def test_g_limits_are_those_of_the_geometric_distribution() -> None:
    import scipy.stats

    geom = cast("Any", scipy.stats).geom
    found: list[int] = (geom.rvs(0.05, size=100, random_state=1) - 1).tolist()
    mean = float(np.mean(found))
    row = charted({"d": found}, chart="g").stages.rows[0]
    assert row[3:6] == pytest.approx([mean, 0, mean + 3 * (mean * (mean + 1)) ** 0.5])
    row = charted({"d": found}, chart="g", rare_limits="probability").stages.rows[0]
    shares = (0.5, 0.0013498980316301, 0.99865010196837)
    assert row[3:6] == [max(0.0, float(geom.ppf(share, 1 / (mean + 1)) - 1)) for share in shares]


def test_long_series_are_answered_in_few_words_and_drawn_thin() -> None:
    values = RANDOM.normal(size=50_000)
    values[123] = 40.0
    done = computed({"x": values}, rules="nelson")
    assert done.picture is not None
    assert len(json.dumps(done.answer.model_dump(mode="json"))) < 60_000
    assert len(done.answer.points.rows) == 200
    assert done.answer.points.total == 50_000
    for panel in done.picture.panels:
        assert len(panel.series[0].y) <= 2_000
    assert 40.0 in done.picture.panels[0].series[0].y


def test_the_picture_shows_limits_signals_stages_and_gaps() -> None:
    values: list[float | None] = [10.0, 10.3, None, 9.9, *([10.1, 9.8] * 5), 15.0, *([12.0, 12.4] * 6)]
    done = computed({"x": values, "tool": ["a"] * 15 + ["b"] * 12}, {"x": "mm"}, value="x", stage="tool")
    assert done.picture is not None
    main, ranges = done.picture.panels
    assert main.y_label == "I (mm)"
    assert main.series[0].y[2] is None
    assert [divider.label for divider in main.dividers] == ["a", "b"]
    assert (15.0, 15.0, "1") in [(mark.x, mark.y, mark.label) for mark in main.marks]
    assert {level.label.split()[0] for level in main.levels} == {"UCL", "Mean", "LCL"}
    assert ranges.marks
    assert done.picture.alt == done.answer.headline


def test_both_sums_of_a_cusum_are_one_panel() -> None:
    done = computed({"x": [10.0] * 5 + [8.0] * 8}, chart="CUSUM", target=10, sigma=1)
    assert done.picture is not None
    (panel,) = done.picture.panels
    assert [level.values[0] for level in panel.levels] == [5.0, -5.0, 0.0]
    assert min(mark.y for mark in panel.marks) < -5
    assert done.answer.phase == "II: a standard given"


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    import subprocess
    import sys

    code = (
        "import sys, qms_mcp.services.analysis.methods.spc_chart as m; "
        "print([name for name in ('numpy', 'scipy', 'matplotlib') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
