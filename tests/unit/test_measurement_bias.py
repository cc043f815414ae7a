"""Bias, linearity and attribute agreement against published examples, and data that tell nothing."""

import math
from typing import Any

import pytest
from capstat_core import linearity as linearity_elsewhere

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.measurement.agreement import agreement, cohen_kappa, fleiss_kappa
from qms_mcp.statistics.measurement.bias import bias
from qms_mcp.statistics.measurement.linearity import linearity
from tests.support.gauge_data import BIAS, LINEARITY

READINGS = [value for row in LINEARITY.values() for value in row]
REFERENCES = [reference for reference, row in LINEARITY.items() for _ in row]


def test_the_bias_example_of_aiag_is_as_printed() -> None:
    # AIAG MSA 4th ed., bias study: average 6.0067, bias 0.0067, sigma_r 0.22514 and sigma_b 0.05813 by the range, df
    # 10.8, t 0.1153 (from the rounded bias), interval -0.1185 to 0.1319.
    found = bias(BIAS, 6.0, method="range")
    assert (round(found.mean, 4), round(found.bias, 4)) == (6.0067, 0.0067)
    assert found.repeatability == pytest.approx(0.22514, abs=1e-5)
    assert found.standard_error == pytest.approx(0.05813, abs=1e-5)
    assert found.df == 10.8
    assert found.t == pytest.approx(0.1153, abs=1e-3)
    assert (found.low, found.high) == (pytest.approx(-0.1185, abs=2e-4), pytest.approx(0.1319, abs=2e-4))


def test_the_bias_by_standard_deviation_is_a_t_test() -> None:
    found = bias(BIAS, 6.0, tolerance=2.0, process_variation=2.5)
    assert found.repeatability == pytest.approx(0.2120197655, rel=1e-9)
    assert found.t == pytest.approx(0.1217805751, rel=1e-8)
    assert found.p == pytest.approx(0.9048035362, rel=1e-8)
    assert found.of_tolerance == pytest.approx(1 / 3, rel=1e-9)
    assert found.of_process == pytest.approx(0.8 / 3, rel=1e-9)
    assert found.flags == ()


def test_a_bias_far_from_zero_keeps_its_digits() -> None:
    shifted = bias([value + 1e9 for value in BIAS], 1e9 + 6.0)
    assert shifted.bias == pytest.approx(0.0066667, abs=1e-6)
    assert bias([value * 1e-12 for value in BIAS], 6e-12).t == pytest.approx(0.12178, abs=1e-4)


def test_readings_that_are_all_the_same_have_no_test() -> None:
    found = bias([5.1] * 12, 5.0)
    assert (found.t, found.p) == (None, None)
    assert found.low == found.high == pytest.approx(0.1)
    assert {flag.code for flag in found.flags} == {"no_variation"}


def test_few_and_missing_readings_of_a_bias_study_are_said() -> None:
    assert {flag.code for flag in bias([5.1, None, 5.2], 5.0).flags} == {"few", "missing"}


@pytest.mark.parametrize(
    ("values", "reference", "says"),
    [
        ([5.0], 5.0, "repeated readings"),
        ([5.0, "x"], 5.0, "not a number"),
        ([5.0, math.inf], 5.0, "infinite"),
        ([5.0, 5.1], math.nan, "reference has to be a number"),
        ([5.0, 5.1], math.inf, "reference has to be a number"),
    ],
)
def test_a_bias_study_that_is_none_is_refused(values: list[Any], reference: float, says: str) -> None:
    with pytest.raises(InvalidInputError, match=says):
        bias(values, reference)


def test_the_linearity_example_of_aiag_is_as_printed() -> None:
    # AIAG MSA 4th ed., linearity study: bias = 0.736667 - 0.131667 reference, s 0.23954, R2 71.4 %, t_a -12.043, t_b
    # 10.158; average biases 0.491667, 0.125, 0.025, -0.29167, -0.61667.
    found = linearity(READINGS, REFERENCES, process_variation=16.5368)
    assert round(found.slope.value, 6) == -0.131667
    assert round(found.intercept.value, 6) == 0.736667
    assert round(found.s, 5) == 0.23954
    assert round(found.r_squared or 0, 3) == 0.714
    assert round(found.slope.t or 0, 3) == -12.043
    assert round(found.intercept.t or 0, 3) == 10.158
    assert [round(part.bias, 5) for part in found.parts] == [0.49167, 0.125, 0.025, -0.29167, -0.61667]
    assert found.percent == pytest.approx(13.1667, abs=1e-4)
    assert found.linearity == pytest.approx(0.131667 * 16.5368, abs=1e-4)
    assert not found.zero_within


def test_the_band_is_that_of_a_regression_line() -> None:
    found = linearity(READINGS, REFERENCES)
    middle = found.band[2]
    # At the average of the references the band is s t / sqrt(n) wide to both sides; t(0.975, 58) = 2.001717.
    assert middle.reference == 6
    assert middle.high - middle.fit == pytest.approx(0.239539789 * 2.001717 / math.sqrt(60), rel=1e-5)
    assert found.band[0].high - found.band[0].low > middle.high - middle.low


def test_an_independent_program_finds_the_same_line() -> None:
    theirs = linearity_elsewhere(list(LINEARITY), list(LINEARITY.values()))
    ours = linearity(READINGS, REFERENCES)
    assert ours.slope.value == pytest.approx(theirs.slope, rel=1e-9)
    assert ours.intercept.value == pytest.approx(theirs.intercept, rel=1e-9)
    assert ours.slope.standard_error == pytest.approx(theirs.slope_std_error, rel=1e-9)
    assert ours.slope.p == pytest.approx(theirs.slope_p_value, rel=1e-6)


def test_a_curved_bias_is_no_line_and_said() -> None:
    readings = [reference + 0.1 * (reference - 6) ** 2 + 0.001 * at for reference in LINEARITY for at in range(12)]
    found = linearity(readings, REFERENCES)
    assert "not_a_line" in {flag.code for flag in found.flags}


def test_readings_on_a_line_have_no_test() -> None:
    found = linearity([reference * 1.25 for reference in REFERENCES], REFERENCES)
    assert found.slope.value == pytest.approx(0.25)
    assert (found.slope.t, found.slope.p) == (None, None)
    assert "no_variation" in {flag.code for flag in found.flags}


@pytest.mark.parametrize(
    ("values", "references", "says"),
    [
        ([1.0, 1.1, 1.2], [1.0, 1.0, 1.0], "two different references"),
        ([1.0, 2.0], [1.0, 2.0], "three readings"),
        ([1.0, 2.0, 3.0], [1.0, 2.0], "3 readings and 2 references"),
        ([1.0, 2.0, 3.0], [1.0, None, 2.0], "missing"),
        ([1.0, "2,0", 3.0], [1.0, 2.0, 3.0], "not a number"),
    ],
)
def test_a_linearity_study_that_is_none_is_refused(values: list[Any], references: list[Any], says: str) -> None:
    with pytest.raises(InvalidInputError, match=says):
        linearity(values, references)


def test_kappa_of_two_appraisers_of_aiag_is_as_printed() -> None:
    # AIAG MSA 4th ed., attribute study, A by B: both reject 44, only A 6, only B 3, both accept 97; kappa 0.86.
    pairs = [("0", "0")] * 44 + [("0", "1")] * 6 + [("1", "0")] * 3 + [("1", "1")] * 97
    assert round(cohen_kappa(pairs) or 0, 2) == 0.86


def test_fleiss_kappa_is_that_of_its_published_example() -> None:
    # The example in general use for Fleiss' kappa: 10 subjects, 14 raters, 5 categories; kappa 0.210.
    counts = (
        *((0, 0, 0, 0, 14), (0, 2, 6, 4, 2), (0, 0, 3, 5, 6), (0, 3, 9, 2, 0), (2, 2, 8, 1, 1)),
        *((7, 7, 0, 0, 0), (3, 2, 6, 3, 0), (2, 5, 3, 2, 2), (6, 5, 2, 1, 0), (0, 2, 2, 3, 7)),
    )
    rows = [[str(category) for category, n in enumerate(row) for _ in range(n)] for row in counts]
    assert round(fleiss_kappa(rows) or 0, 3) == 0.210


def judged(wrong: dict[tuple[int, str, int], str] | None = None) -> dict[str, list[Any]]:
    """Return 40 parts, the first 10 of them bad, judged by A and B twice; right but where said."""
    rows = dict[str, list[Any]](rating=[], part=[], operator=[], standard=[])
    for part in range(40):
        for operator in "AB":
            for trial in range(2):
                true = "reject" if part < 10 else "accept"
                rows["rating"].append((wrong or {}).get((part, operator, trial), true))
                rows["part"].append(part)
                rows["operator"].append(operator)
                rows["standard"].append(true)
    return rows


def test_agreement_counts_parts_and_decisions_with_exact_intervals() -> None:
    rows = judged({(0, "A", 0): "accept", (1, "A", 0): "accept", (1, "A", 1): "accept", (20, "B", 1): "reject"})
    found = agreement(rows["rating"], rows["part"], rows["operator"], rows["standard"])
    a, b = found.operators
    assert found.nonconforming == "reject"
    assert a.within is not None
    assert (a.within.k, a.within.n) == (39, 40)
    assert (a.within.low, a.within.high) == (pytest.approx(0.8684, abs=1e-4), pytest.approx(0.99937, abs=1e-5))
    assert a.effectiveness is not None
    assert a.effectiveness.k == 38
    assert a.misses is not None
    assert (a.misses.k, a.misses.n) == (3, 20)
    assert b.false_alarms is not None
    assert (b.false_alarms.k, b.false_alarms.n) == (1, 60)
    assert found.between is not None
    assert found.between.k == 37
    assert found.all_correct is not None
    assert found.all_correct.k == 37


def test_perfect_agreement_has_a_kappa_of_one() -> None:
    rows = judged()
    found = agreement(rows["rating"], rows["part"], rows["operator"], rows["standard"])
    assert [row.kappa_standard for row in found.operators] == [1, 1]
    assert found.kappa_between == 1
    assert found.pairs == (("A", "B", 1.0),)


def test_ratings_of_one_kind_have_no_kappa_and_say_so() -> None:
    rows = judged()
    found = agreement(["accept"] * 160, rows["part"], rows["operator"])
    assert found.kappa_between is None
    assert "no_variation" in {flag.code for flag in found.flags}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"rating": None}, "has no rating"),
        ({"part": None}, "has no part"),
        ({"standard": "other"}, "two standards"),
        ({"operator": "C"}, "Not every operator judged"),
    ],
)
def test_decisions_that_make_no_study_are_refused(change: dict[str, Any], says: str) -> None:
    rows = judged()
    for name, value in change.items():
        rows[name][7] = value
    with pytest.raises(InvalidInputError, match=says):
        agreement(rows["rating"], rows["part"], rows["operator"], rows["standard"])


def test_measurements_are_no_ratings() -> None:
    with pytest.raises(InvalidInputError, match="looks like a measurement"):
        agreement([at / 7 for at in range(60)], [at // 2 for at in range(60)])
