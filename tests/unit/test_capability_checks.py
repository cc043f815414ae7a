"""What is looked at before an index is believed: stability, resolution, units, and how the answer says so."""

import json
from typing import Any, cast, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from qms_mcp.errors import InvalidInputError
from qms_mcp.services.analysis.catalogue import methods
from qms_mcp.services.analysis.method import Computed
from qms_mcp.services.analysis.methods.process_capability import (
    PROCESS_CAPABILITY,
    CapabilityOptions,
    ProcessCapability,
    Summary,
)
from qms_mcp.services.analysis.table import Table
from qms_mcp.statistics.capability.choosing import Distribution
from qms_mcp.statistics.capability.stability import stability
from qms_mcp.statistics.capability.subgroups import by_size, individuals
from tests.support.spc_data import spc_column


def drawn(n: int, seed: int = 1, mean: float = 10.0, sd: float = 1.0) -> Any:
    import numpy as np

    return np.random.default_rng(seed).normal(mean, sd, n)


def capability(values: Any, units: dict[str, str] | None = None, **options: Any) -> Computed[ProcessCapability]:
    columns = cast("dict[str, list[Any]]", values) if isinstance(values, dict) else {"x": list(values)}
    return PROCESS_CAPABILITY.compute(Table(columns, units or {}), CapabilityOptions(**options))


def codes(computed: Computed[ProcessCapability]) -> set[str]:
    return {flag.code for flag in computed.answer.flags}


def calm(n: int) -> list[float]:
    """Return n values that no rule finds anything in: a normal sample in a mixed order."""
    from statistics import NormalDist

    scores = [NormalDist(10, 1).inv_cdf((at + 0.5) / n) for at in range(n)]
    return [scores[(at * 37) % n] for at in range(n)]


def test_the_method_is_found_by_its_name() -> None:
    assert methods()["process_capability"] is PROCESS_CAPABILITY


def test_a_calm_process_has_cp_and_cpk_and_a_headline_with_the_numbers() -> None:
    answer = capability(calm(100), lsl=6, usl=14, target=10, required=1.1).answer
    assert answer.within["cp"] == pytest.approx(answer.within["cpk"], rel=1e-6)
    assert answer.overall["pp"] == pytest.approx(8 / 6 / answer.values["sd"], rel=1e-9)
    assert answer.overall["cpm"] == pytest.approx(answer.overall["pp"], rel=1e-6)
    assert answer.checks is not None
    assert answer.checks["stability"]["stable"] is True
    assert answer.headline.startswith(f"Cpk {answer.within['cpk']:.2f} (95 % interval ")
    assert "Seen outside" in answer.headline or "seen outside 0 of 100" in answer.headline
    assert answer.verdict is not None
    assert answer.verdict["index"] == "Cpk"


def test_required_is_demonstrated_by_the_lower_bound_only() -> None:
    values = calm(100)
    cpk: float = capability(values, lsl=6, usl=14).answer.within["cpk"]
    bound: float = capability(values, lsl=6, usl=14).answer.within["cpk_at_least"]
    assert bound < cpk
    for required, result in ((bound * 0.999, "demonstrated"), (cpk * 0.999, "not demonstrated")):
        verdict = capability(values, lsl=6, usl=14, required=required).answer.verdict
        assert verdict is not None
        assert verdict["result"] == result, "an estimate above what is required demonstrates nothing"
        assert f"{bound:.3g}" in verdict["because"]
    text = capability(values, lsl=6, usl=14, required=1.0).answer.model_dump_json()
    assert "compliant" not in text
    assert "is capable" not in text


def test_drift_withholds_cp_gives_pp_and_demonstrates_nothing() -> None:
    values = spc_column("nist_standard_resistor_drift_dziuba1.csv", "ohms")
    computed = capability(values, lsl=27, usl=29, required=1.0)
    answer = computed.answer
    assert set(answer.within) == {"withheld"}
    assert "ppk" in answer.overall
    assert {"not_stable", "autocorrelated"} <= codes(computed)
    assert answer.verdict is not None
    assert answer.verdict["result"] == "not demonstrated"
    assert "not stable" in answer.headline
    anyway = capability(values, lsl=27, usl=29, required=1.0, even_if_unstable=True, distribution="normal").answer
    assert anyway.within["cpk"] > anyway.overall["ppk"], "the moving range does not see the drift"
    assert anyway.verdict is not None
    assert anyway.verdict["result"] == "not demonstrated", "asking for it anyway demonstrates nothing either"


def test_a_shift_of_the_mean_and_one_of_the_spread_are_seen() -> None:
    import numpy as np

    calm_values = np.array(calm(100))
    shifted = calm_values + np.where(np.arange(100) < 60, 0.0, 3.0)
    assert stability(individuals(shifted), shifted).stable is False
    wide = calm_values.copy()
    wide[50:55] = [4.0, 16.0, 10.0, 3.0, 17.0]
    grouped = by_size(wide, 5)
    seen = stability(grouped, wide)
    assert seen.stable is False
    assert " R " in seen.says or "of R" in seen.says
    assert stability(by_size(calm_values, 5), calm_values).stable is True


def test_up_to_fifty_points_one_signal_leaves_it_open_and_among_many_what_chance_gives_does_not_count() -> None:
    few = [stability(individuals(values), values) for values in (drawn(40, seed) for seed in range(100))]
    assert [seen.stable for seen in few].count(False) <= 4, "chance gives one signal in about 15 such series"
    left_open = [seen for seen in few if seen.signals and seen.stable is None]
    assert left_open
    assert all(seen.flags[0].code == "signals" for seen in left_open)
    far = drawn(40, 1)
    far[20] = far.mean() + 8 * far.std()
    assert stability(individuals(far), far).stable is False
    stable = [stability(individuals(values), values).stable for values in (drawn(2_000, seed) for seed in range(20))]
    assert stable.count(False) <= 1, "in 2,000 points there are about five signals"
    signals = [stability(individuals(values), values).signals for values in (drawn(2_000, seed) for seed in range(5))]
    assert sum(signals) > 0
    one_far = drawn(2_000, 3)
    one_far[1_000] = 18.0
    assert stability(individuals(one_far), one_far).stable is False, "8 sigma is not chance, once"


def test_autocorrelation_is_said_with_what_it_does_to_sigma() -> None:
    import numpy as np

    noise = drawn(300, 2, 0.0)
    series = np.empty(300)
    series[0] = noise[0]
    for at in range(1, 300):
        series[at] = 0.7 * series[at - 1] + noise[at]
    computed = capability(series, lsl=-8, usl=8, even_if_unstable=True)
    assert "autocorrelated" in codes(computed)
    assert computed.answer.within["sigma"] < 0.75 * computed.answer.overall["sigma"]


def test_few_values_are_flagged_the_more_the_fewer() -> None:
    assert "few" not in codes(capability(calm(100), lsl=5, usl=15))
    wide = [flag for flag in capability(calm(60), lsl=5, usl=15).answer.flags if flag.code == "few"]
    worse = [flag for flag in capability(calm(12), lsl=5, usl=15).answer.flags if flag.code == "few"]
    assert "wide" in wide[0].says
    assert "Only 12" in worse[0].says


def test_a_coarse_measurement_is_flagged() -> None:
    rounded = [float(round(value)) for value in drawn(120, 4)]
    computed = capability([value if value != 10 else 10.0 for value in rounded], lsl=5, usl=15, distribution="normal")
    assert "coarse" in codes(computed) or len(set(rounded)) >= 5
    coarser = [2.0 * round(value / 2) for value in drawn(120, 4)]
    assert "coarse" in codes(capability(coarser, lsl=4, usl=16, distribution="normal"))
    assert "coarse" not in codes(capability([round(value, 2) for value in drawn(120, 4)], lsl=4, usl=16))


@pytest.mark.parametrize(
    ("factor", "words"), [(25.4, "inch and mm"), (1 / 25.4, "inch and mm"), (1000, "prefix"), (1, ""), (1.2, "")]
)
def test_values_all_outside_suggest_another_unit(factor: float, words: str) -> None:
    computed = capability([value * factor for value in calm(50)], lsl=6, usl=14, distribution="normal")
    flags = [flag for flag in computed.answer.flags if flag.code == "all_outside"]
    assert bool(flags) is (factor not in (1, 1.2))
    assert not flags or words in flags[0].says


def test_a_specification_that_no_process_needs_is_flagged() -> None:
    assert "implausible" in codes(capability(calm(50), lsl=-100, usl=120))


def test_a_table_joined_twice_is_flagged() -> None:
    assert "duplicates" in codes(capability(calm(50) + calm(50), lsl=5, usl=15))


def test_missing_values_are_left_out_and_counted() -> None:
    values: list[Any] = calm(60)
    with_gaps = [*values[:30], None, None, *values[30:]]
    computed = capability(with_gaps, lsl=5, usl=15)
    assert computed.n == 60
    assert any(flag.code == "missing" and "2 of 62" in flag.says for flag in computed.answer.flags)


@pytest.mark.parametrize(
    ("columns", "options", "words"),
    [
        ({"x": [1.0, 2.0, "n/a"]}, {}, "not a number"),
        ({"x": [1.0, 2.0, float("inf")]}, {}, "infinite"),
        ({"x": [1.0, 2.0, 1e308]}, {}, "too large"),
        ({"x": [3.0] * 20}, {}, "nothing varies"),
        ({"x": [3.0]}, {}, "One value"),
        ({"x": [None, None]}, {"value": "x"}, "no value"),
        ({"x": ["1 mm", "2 mm", "0.1 in"]}, {"value": "x"}, "mixed units: in, mm"),
        ({"x": [1.0, 2.0, 3.0], "unit": ["mm", "mm", "in"]}, {}, "several units: in, mm"),
        ({"x": [1.0, 2.0], "y": [1.0, 2.0]}, {}, "not clear which column"),
        ({"x": [1.0, 2.0, 3.0]}, {"value": "y"}, "no column 'y'"),
        ({"x": [1.0, 2.0, 3.0]}, {"subgroup": "lot"}, "no column 'lot'"),
        ({"x": [1.0, 2.0, 3.0]}, {"summary": Summary(mean=1, sd=1)}, "Both a table and a summary"),
    ],
)
def test_bad_tables_are_refused_with_what_is_wrong(
    columns: dict[str, list[Any]], options: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvalidInputError, match=words) as refused:
        capability(columns, lsl=0, usl=10, **options)
    assert refused.value.hint


def test_units_are_kept() -> None:
    computed = capability([f"{value:.3f} mm" for value in calm(50)], value="x", lsl=5, usl=15)
    assert computed.answer.values["unit"] == "mm"
    assert computed.picture is not None
    assert computed.picture.panels[0].x_label == "x (mm)"


def test_a_summary_needs_no_table_and_has_no_checks() -> None:
    computed = PROCESS_CAPABILITY.compute(
        Table({}), CapabilityOptions(lsl=8, usl=20, summary=Summary(mean=16, sd=2, n=50), required=1.0)
    )
    answer = computed.answer
    assert (answer.within["cp"], answer.overall["pp"]) == (1.0, 1.0)
    assert answer.checks is None
    assert codes(computed) == {"not_checked"}
    assert answer.headline.startswith("Cpk = Ppk 0.67 (95 % interval")
    assert computed.picture is not None
    assert len(computed.picture.panels) == 1
    with pytest.raises(InvalidInputError, match="positive"):
        PROCESS_CAPABILITY.compute(Table({}), CapabilityOptions(lsl=8, summary=Summary(mean=16, sd=0)))


@pytest.mark.parametrize(
    "options",
    [
        {"power": 0.5},
        {"level": 95},
        {"required": 0},
        {"distribution": "box-cox"},
        {"colour": "red"},
    ],
)
def test_options_that_cannot_be_meant_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CapabilityOptions(usl=1, **options)


def test_the_same_question_gives_the_same_answer_to_the_last_byte() -> None:
    values = [value**2 / 10 for value in drawn(80, 9)]
    one, two = (capability(values, usl=40, distribution="percentile", seed=3) for _ in range(2))
    assert one.answer.model_dump_json() == two.answer.model_dump_json()
    assert one.picture == two.picture
    assert len(one.answer.model_dump_json()) < 6_000


@pytest.mark.parametrize("distribution", ["normal", "box_cox", "johnson", "gamma", "empirical"])
def test_the_picture_shows_limits_values_and_the_fit(distribution: str) -> None:
    values = drawn(5_000, 3)
    computed = capability(values, lsl=6, usl=14, target=10, distribution=distribution)
    picture = computed.picture
    assert picture is not None
    histogram, plot = picture.panels
    assert {level.kind for level in histogram.levels} == {"spec", "target", "center"}
    assert all(level.upright for level in histogram.levels)
    bars = histogram.series[0]
    assert sum(count or 0 for count in bars.y) == 5_000
    assert len(plot.series[0].y) <= 2_000
    assert plot.series[0].x[0] == min(values)
    assert plot.series[0].x[-1] == max(values)
    assert (len(histogram.series) == 2) is (distribution != "empirical")
    if distribution != "empirical":
        curve = histogram.series[1]
        heights = [height or 0.0 for height in curve.y]
        area = sum(heights) * (curve.x[1] - curve.x[0])
        assert area == pytest.approx(5_000 * (bars.x[1] - bars.x[0]), rel=0.02), "the curve holds as many as the bars"
    assert picture.side_by_side
    assert picture.alt == computed.answer.headline
    json.dumps(picture.model_dump(mode="json"), allow_nan=False)


def test_a_limit_far_away_does_not_squash_the_picture() -> None:
    picture = capability(calm(50), lsl=9, usl=1_000).picture
    assert picture is not None
    assert all(level.values[0] != 1_000 for level in picture.panels[0].levels)
    assert any("USL 1000 lies outside" in note for note in picture.notes)


def test_columns_side_by_side_are_rows_of_subgroups() -> None:
    values = calm(100)
    tall = capability(values, subgroup=4, lsl=5, usl=15)
    wide = {name: values[at::4] for at, name in enumerate("abcd")}
    beside = capability(wide, value=tuple("abcd"), lsl=5, usl=15)
    assert beside.answer.within == tall.answer.within
    assert beside.answer.overall == tall.answer.overall
    assert beside.answer.values["column"] == "a to d"
    labels = {"x": values, "lot": [f"L{at // 4}" for at in range(100)]}
    assert capability(labels, subgroup="lot", lsl=5, usl=15).answer.within == tall.answer.within
    with pytest.raises(InvalidInputError, match="each row is a subgroup already"):
        capability(wide, value=tuple("abcd"), subgroup="a", lsl=5, usl=15)
    with pytest.raises(InvalidInputError, match="different units: in, mm"):
        capability(wide, units={"a": "mm", "b": "in"}, value=("a", "b"), lsl=5, usl=15)


def test_rows_are_put_in_the_order_of_their_time() -> None:
    values = calm(60)
    times = [f"2026-01-01T{at // 60:02}:{at % 60:02}:00Z" for at in range(60)]
    forth = capability({"x": values, "at": times}, time="at", lsl=5, usl=15)
    back = capability({"x": values[::-1], "at": times[::-1]}, time="at", lsl=5, usl=15)
    assert back.answer.within == forth.answer.within
    assert "out_of_order" in codes(back)
    assert "out_of_order" not in codes(forth)


def test_a_column_that_counts_the_rows_is_not_taken_for_the_values() -> None:
    values = calm(50)
    computed = capability({"no": list(range(1, 51)), "x": values}, lsl=5, usl=15)
    assert computed.answer.values["column"] == "x"
    assert capability({"x": [1, 2, 3, 4, 5]}, lsl=0, usl=6).answer.values["column"] == "x"


NUMBERS = st.one_of(
    st.floats(-1e150, 1e150),
    st.floats(0.0, 10.0),
    st.sampled_from([0.0, 1.0, 1e-12, 1e-300, 1e9, 1e9 + 1e-3, 5e-324, -1.0]),
)


@given(
    st.lists(NUMBERS, min_size=1, max_size=40),
    st.sampled_from(get_args(Distribution)),
    st.sampled_from([None, 1, 2, 5]),
    st.one_of(st.none(), NUMBERS),
    st.one_of(st.none(), NUMBERS),
)
@settings(deadline=None, max_examples=60)
def test_whatever_comes_there_is_a_number_or_a_reason(
    values: list[float], distribution: Distribution, subgroup: int | None, lsl: float | None, usl: float | None
) -> None:
    try:
        computed = capability(values, lsl=lsl, usl=usl, distribution=distribution, subgroup=subgroup)
    except InvalidInputError:
        return
    json.dumps(computed.answer.model_dump(mode="json"), allow_nan=False)
    assert computed.picture is not None
    json.dumps(computed.picture.model_dump(mode="json"), allow_nan=False)
