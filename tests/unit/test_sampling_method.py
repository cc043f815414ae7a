"""What `sampling_plan` answers and draws."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from qms_mcp.errors import InvalidInputError
from qms_mcp.services.analysis.method import Computed
from qms_mcp.services.analysis.methods.sampling_plan import SAMPLING_PLAN, SamplingOptions, SamplingPlan
from qms_mcp.services.analysis.table import Table


def planned(**options: Any) -> Computed[SamplingPlan]:
    return SAMPLING_PLAN.compute(Table({}), SamplingOptions(**options))


def test_a_plan_of_the_standard_says_what_it_does() -> None:
    computed = planned(lot_size=1000, aql=1.0)
    answer = computed.answer
    assert answer.headline == (
        "Inspect 80 of a lot of 1,000; accept with 2 nonconforming or fewer. "
        "It accepts 95.3% of lots at the AQL of 1 % and 10% at 6.52 %."
    )
    assert (answer.plan["n"], answer.plan["ac"], answer.plan["re"], answer.plan["code_letter"]) == (80, 2, 3, "J")
    assert answer.risks is not None
    assert answer.risks["producers_risk"] == pytest.approx(0.0465531857, abs=1e-9)
    assert len(answer.switching) == 2
    assert computed.picture is not None
    assert [panel.y_label[:6] for panel in computed.picture.panels] == ["Chance", "AOQ (%"]
    assert {level.label[:3] for level in computed.picture.panels[0].levels} == {"AQL", "RQL"}


def test_an_arrow_is_said() -> None:
    answer = planned(lot_size=1000, aql=0.40).answer
    assert (answer.plan["code_letter"], answer.plan["plan_of_letter"], answer.plan["n"]) == ("J", "K", 125)
    assert "arrow" in {flag.code for flag in answer.flags}
    assert answer.model.startswith("hypergeometric: the sample is 12% of the lot")


def test_a_sample_as_large_as_the_lot_means_every_item() -> None:
    computed = planned(lot_size=20, aql=0.10)
    assert computed.answer.plan["inspect"] == "every item"
    assert computed.answer.risks is None
    assert computed.picture is None
    assert "whole_lot" in {flag.code for flag in computed.answer.flags}


def test_reduced_plans_differ_by_standard() -> None:
    iso = planned(lot_size=1000, aql=1.0, severity="reduced").answer
    z14 = planned(lot_size=1000, aql=1.0, severity="reduced", standard="ANSI/ASQ Z1.4").answer
    assert (iso.plan["n"], iso.plan["ac"], iso.plan["re"]) == (32, 1, 2)
    assert (z14.plan["n"], z14.plan["ac"], z14.plan["re"]) == (32, 1, 3)
    assert "gap" in {flag.code for flag in z14.flags}


def test_an_aql_above_ten_counts_nonconformities() -> None:
    answer = planned(lot_size=5000, aql=25.0).answer
    assert answer.model.startswith("poisson")
    assert "per 100 units" in answer.headline


def test_a_plan_of_ones_own_is_analysed_where_asked() -> None:
    # Montgomery, 15.2: N = 10,000, n = 89, c = 2; ATI 687 at 1 %.
    answer = planned(lot_size=10_000, n=89, ac=2, aql=1.0, qualities=(0.5, 1.0, 2.0)).answer
    assert answer.curve is not None
    assert [row[:2] for row in answer.curve["rows"]] == [
        [0.5, pytest.approx(0.9897, abs=5e-5)],
        [1.0, pytest.approx(0.9397, abs=5e-5)],
        [2.0, pytest.approx(0.7366, abs=5e-5)],
    ]
    assert answer.outgoing is not None
    assert round(answer.outgoing["ati_at_aql"]) == 687
    assert "producers_risk" in {flag.code for flag in answer.flags}
    assert answer.switching == []


def test_a_plan_is_designed_from_both_risks() -> None:
    answer = planned(aql=1.0, rql=6.0).answer
    assert answer.plan["kind"] == "designed"
    assert answer.risks is not None
    assert answer.risks["accepted_at_aql"] >= 0.95
    assert answer.risks["accepted_at_rql"] <= 0.10


def test_a_zero_acceptance_plan_excludes_a_quality() -> None:
    answer = planned(rql=1.0, beta=0.05, zero_acceptance=True).answer
    assert (answer.plan["n"], answer.plan["ac"]) == (299, 0)
    assert "accept when there is no nonconforming item" in answer.headline


def test_a_designed_plan_larger_than_the_lot_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="need a sample of 110; the lot has 50"):
        planned(aql=1.0, rql=6.0, lot_size=50)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "needs the lot size and the AQL"),
        ({"lot_size": 1000}, "needs the lot size and the AQL"),
        ({"lot_size": 1000, "aql": 1.2}, "no AQL of the standard"),
        ({"lot_size": 1, "aql": 1.0}, "lot of one item"),
        ({"rql": 5.0}, "needs aql"),
        ({"lot_size": 10, "n": 20, "ac": 1}, "larger than the lot"),
        ({"n": 5, "ac": 5}, "every lot is accepted"),
        ({"n": 50, "ac": 1, "qualities": (150.0,)}, "no fraction nonconforming"),
    ],
)
def test_what_makes_no_plan_is_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidInputError, match=says):
        planned(**options)


@pytest.mark.parametrize("options", [{"n": 50}, {"ac": 1}, {"zero_acceptance": True}, {"aql": -1.0}, {"lot_size": 0}])
def test_options_that_do_not_fit_together_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SamplingOptions(**options)


def test_no_answer_holds_what_is_no_number() -> None:
    for options in ({"lot_size": 500_001, "aql": 1000.0}, {"lot_size": 2, "aql": 6.5}, {"n": 1, "ac": 0, "aql": 100.0}):
        text = planned(**options).answer.model_dump_json()
        json.loads(text, parse_constant=pytest.fail)
        assert len(text) < 8_000
