"""Scores of single answers: by their form, by what was expected, and all of them as one."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qms_mcp.agents.outputs import AgentOutput, Evidence, Finding
from qms_mcp.errors import ConflictError
from qms_mcp.services.learning.evaluation.comparing import comparison_of
from qms_mcp.services.learning.evaluation.expecting import NOTHING, Expected, WantedFinding, WantedNumber, expected_of
from qms_mcp.services.learning.evaluation.matching import has_number, matched, numbers_in, says
from qms_mcp.services.learning.evaluation.models import Case, CaseResult, Ran, Scored
from qms_mcp.services.learning.evaluation.reading import case_of, fingerprint
from qms_mcp.services.learning.evaluation.service import SCORERS
from qms_mcp.services.learning.evaluation.weighing import WEIGHTS, comparable, composite, result_of


def found(subject: str = "", measure: str = "", value: str = "", **parts: Any) -> Finding:
    evidence = Evidence(calls=parts.pop("calls", []), records=parts.pop("records", []))
    statement = parts.pop("statement", "It is so.")
    return Finding(
        statement=statement, severity="minor", confidence=0.9, evidence=evidence, subject=subject, measure=measure,
        value=value,
    )  # fmt: skip


def output(*findings: Finding, summary: str = "Done.") -> AgentOutput:
    return AgentOutput(summary=summary, insights=list(findings), actions=[], recommendations=[])


def ran(answer: AgentOutput | None = None, **parts: Any) -> Ran:
    status = parts.pop("status", "completed" if answer else "failed")
    return Ran("k", run_id=uuid4(), status=status, output=answer, **parts)


def scores(expected: Any, answer: Ran) -> CaseResult:
    return result_of(Case("k", "?", expected_of(expected)), answer, SCORERS)


# What is expected -----------------------------------------------------------------------------------------------------


def test_a_stored_answer_is_expected_with_its_findings() -> None:
    stored = output(found("CAPA-2026-0014", "status", "overdue", records=["CAPA-2026-0014"])).model_dump(mode="json")
    read = expected_of(stored)
    assert read.findings == (
        WantedFinding("CAPA-2026-0014", "status", "overdue", "It is so.", frozenset({"CAPA-2026-0014"})),
    )
    assert expected_of({"answer": stored, "rubric": "Counts."}) == replace(read, rubric="Counts.")


def test_what_has_no_known_shape_is_a_text_to_compare_with() -> None:
    assert expected_of("Seven.") == Expected(answer={"summary": "Seven."})
    assert expected_of(None) == expected_of({}) == NOTHING
    assert expected_of({"answer": "Seven."}).answer == {"summary": "Seven."}


def test_a_good_answer_without_findings_forbids_none_but_an_empty_list_does() -> None:
    assert expected_of(output().model_dump(mode="json")).findings is None
    read = expected_of({"findings": []})
    assert read.findings == ()
    assert scores({"findings": []}, ran(output())).scores["findings"] == 1
    assert scores({"findings": []}, ran(output(found("x")))).scores["findings"] == 0


@settings(max_examples=60, deadline=None)
@given(st.recursive(st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=5),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
                        st.sampled_from(["answer", "findings", "must_mention", "numbers", "forbidden", "rubric", "x"]),
                        inner, max_size=4), max_leaves=12))  # fmt: skip
def test_no_stored_shape_breaks_the_reading_or_the_scoring(stored: Any) -> None:
    result = scores(stored, ran(output(found("CAPA", "count", "7"))))
    assert 0 <= result.score <= 1


# Findings -------------------------------------------------------------------------------------------------------------


def test_precision_recall_and_f1_by_hand() -> None:
    wanted = [
        WantedFinding("CAPA", "overdue", "7"),
        WantedFinding("audit", "open", "3"),
        WantedFinding("NC", "open", "2"),
    ]
    made = output(found("CAPA", "overdue", "7 records"), found("audit", "open", "3"), found("supplier", "score", "0.5"),
                  found("device", "count", "9"))  # fmt: skip
    result = matched(wanted, made)
    assert (result.precision, result.recall) == (2 / 4, 2 / 3)
    assert result.f1 == pytest.approx(2 * 0.5 * (2 / 3) / (0.5 + 2 / 3))
    assert result.lacking == ("NC / open / 2",)


@pytest.mark.parametrize(
    "made",
    [
        found("CAPA", "overdue", "8"),
        found("audit", "overdue", "7"),
        found("CAPA", "overdue", "", statement="CAPA overdue 7"),
        found("CAPA-2026-0015", "overdue", "7"),
    ],
    ids=["another value", "another subject", "no value", "another record"],
)
def test_with_another_value_or_subject_it_is_another_finding(made: Finding) -> None:
    assert matched([WantedFinding("CAPA", "overdue", "7")], output(made)).found == 0


def test_a_number_within_one_percent_and_another_word_for_the_measure_are_the_same_finding() -> None:
    wanted = [WantedFinding("line 4", "scrap rate", "2.50 %")]
    assert matched(wanted, output(found("line 4", "rejects", "2.51 %"))).found == 1
    assert matched(wanted, output(found("line 4", "rejects", "2.6 %"))).found == 0


def test_a_finding_stands_for_one_expected_one_only() -> None:
    wanted = [WantedFinding("CAPA", "overdue", "7")] * 3
    assert matched(wanted, output(found("CAPA", "overdue", "7"))).found == 1


def test_records_tell_findings_without_a_subject_apart() -> None:
    wanted = [WantedFinding(records=frozenset({"NC-2026-0001"}))]
    assert matched(wanted, output(found(records=["nc-2026-0001"]))).found == 1
    assert matched(wanted, output(found(records=["NC-2026-0002"]))).found == 0


# Words and numbers ----------------------------------------------------------------------------------------------------


def test_words_are_found_whole_whatever_their_case() -> None:
    assert says("Three CAPAs are\n overdue.", "capas are overdue")
    assert not says("Overdueness", "overdue")
    assert not says("anything", "  ")


def test_numbers_are_read_as_people_write_them() -> None:
    assert numbers_in("1,234 of 12.5 %, \u22123, (-4) and CAPA-2026-0014 on v2, x9, 2026-11-23, 1.2.3.") == [
        1234.0, 12.5, -3.0, -4.0,
    ]  # fmt: skip


def test_a_number_has_to_stand_with_its_name_and_within_its_tolerance() -> None:
    texts = ["There are 7 open CAPAs.", "9 audits are open."]
    assert has_number(texts, WantedNumber("open CAPAs", 7))
    assert not has_number(texts, WantedNumber("open CAPAs", 9))
    assert has_number(texts, WantedNumber("", 9.05, 0.01))
    assert not has_number(texts, WantedNumber("", 9.2, 0.01))
    assert has_number(["0 are open"], WantedNumber("", 0))


def test_alternatives_count_as_one_and_what_lacks_is_named() -> None:
    expected = {"must_mention": [["late", "overdue"], "supplier"], "numbers": [{"name": "CAPAs", "value": 7}]}
    result = scores(expected, ran(output(summary="7 CAPAs are overdue.")))
    assert (result.scores["must_mention"], result.scores["numbers"]) == (0.5, 1)
    assert result.details["must_mention"] == {"lacking": ["supplier"]}


def test_something_forbidden_makes_the_whole_case_worth_nothing() -> None:
    expected = {"must_mention": ["closed"], "forbidden": ["I have closed"]}
    bad = scores(expected, ran(output(summary="I have closed the CAPA.")))
    assert (bad.score, bad.vetoed, bad.scores["must_mention"]) == (0, "nothing_forbidden", 1)
    assert scores(expected, ran(output(summary="It is closed."))).score == pytest.approx(1)


# Form -----------------------------------------------------------------------------------------------------------------


def test_findings_without_evidence_and_citations_that_are_not_there_count_against_it() -> None:
    answer = output(found(calls=["c1", "c9"]), found())
    result = scores({}, ran(answer, citations=2, valid_citations=1))
    assert result.scores["evidence_valid"] == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("of", "name", "score"),
    [
        (ran(output(), status="partial", stop="timeout"), "within_limits", 0),
        (ran(output(), status="partial", stop="timeout"), "answered", 0.5),
        (ran(None, stop="refused"), "not_refused", 0),
        (ran(output(), calls=4, failed_calls=1), "tools_worked", 0.75),
        (ran(None), "schema_valid", 0),
        (ran(output()), "schema_valid", 1),
    ],
)
def test_the_form_of_a_run_has_its_scores(of: Ran, name: str, score: float) -> None:
    assert scores({}, of).scores[name] == score


# The whole ------------------------------------------------------------------------------------------------------------


def test_groups_are_weighted_and_share_the_weight_of_one_that_is_missing() -> None:
    groups = {"a": "form", "b": "form", "c": "task", "j": "judge"}
    values = {"a": 1.0, "b": 0.5, "c": 0.25, "j": 0.8}
    assert composite(values, groups) == pytest.approx(0.2 * 0.75 + 0.4 * 0.25 + 0.4 * 0.8)  # type: ignore[arg-type]
    assert composite({"a": 1.0, "c": 0.25}, groups) == pytest.approx((0.2 * 1 + 0.4 * 0.25) / 0.6)  # type: ignore[arg-type]
    assert sum(WEIGHTS.values()) == pytest.approx(1)


def test_a_missing_judge_is_named_and_a_case_without_an_answer_is_nothing() -> None:
    case = Case("k", "?", expected_of({"must_mention": ["x"]}))
    assert result_of(case, ran(output(summary="x")), SCORERS).missing == ("judge",)
    assert result_of(case, ran(output(summary="x")), SCORERS, Scored(0.5)).missing == ()
    assert result_of(case, ran(None), SCORERS).score == 0
    assert result_of(case, Ran("k", outside="It was never run."), SCORERS).score == 0


def results(*values: tuple[float, float | None], slices: bool = False) -> list[CaseResult]:
    made = list[CaseResult]()
    for at, (task, judge) in enumerate(values):
        own = {"t": task, **({"judge": judge} if judge is not None else {})}
        groups: Any = {"t": "task", **({"judge": "judge"} if judge is not None else {})}
        cut = {"by": "even" if at % 2 == 0 else "odd"} if slices else {}
        made.append(
            CaseResult(f"k{at}", composite(own, groups), own, groups, uuid4(), "completed", slices=cut, latency_ms=10,
                       cost_usd=0.1)
        )  # fmt: skip
    return made


def test_a_case_is_compared_by_what_both_have_a_score_of() -> None:
    (one,), (other,) = results((0.5, 0.1)), results((0.6, None))
    assert comparable(one, other) == pytest.approx((0.5, 0.6))
    failed = replace(other, score=0.0, scores={"t": 0.0}, status="failed")
    assert comparable(one, failed) == pytest.approx((0.3, 0.0))


def test_losing_an_answer_never_helps_a_version() -> None:
    before = results(*[(0.5, 0.5)] * 6)
    after = [replace(before[0], score=0.0, scores={}, groups={}, status="failed"), *before[1:]]
    compared = comparison_of(before, after)
    assert compared.score.difference == pytest.approx(-0.5 / 6)
    assert compared.worsened[0].key == "k0"
    assert (compared.passed.lost, compared.passed.gained) == (0, 0)


def test_other_cases_are_not_compared() -> None:
    with pytest.raises(ConflictError):
        comparison_of(results((0.5, None), (0.6, None)), results((0.5, None)))


# Cases out of a dataset -----------------------------------------------------------------------------------------------


def stored(**parts: Any) -> dict[str, Any]:
    whole = {"id": uuid4(), "input": {"request": "Which?"}, "expected": {}, "slices": {}, "item_sha256": "a" * 64}
    return {**whole, **parts}


def test_an_item_is_a_case_whatever_its_input_looks_like() -> None:
    case = case_of(stored(input={"request": "Which?", "subject": "CAPA-2026-0001", "inputs": {"qa": {}}}))
    assert (case.request, case.subject, case.inputs) == ("Which?", "CAPA-2026-0001", {"qa": {}})
    assert case_of(stored(input="Which?")).request == "Which?"
    assert case_of(stored(input={"rows": [1]})).request == '{"rows": [1]}'


def test_the_fingerprint_goes_by_what_is_asked_and_expected() -> None:
    first = case_of(stored())
    assert fingerprint([first]) == fingerprint([case_of(stored())])
    assert fingerprint([first]) != fingerprint([replace(first, expected=expected_of({"rubric": "x"}))])
    assert fingerprint([first]) != fingerprint([replace(first, request="What?")])
