"""21 CFR 803 and 806: what is proposed, when it is due, and that silence is never a no."""

from datetime import date
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qms_mcp.services.domain.decision_path import Proposal
from qms_mcp.services.domain.field_actions import FieldActionAnswers, assess_field_action
from qms_mcp.services.domain.reportability import QUESTIONS, Answers, Reporter, assess_event
from qms_mcp.services.domain.work_days import add_work_days, federal_holidays, is_work_day

AWARE = date(2026, 3, 2)  # a Monday
KEYS = [question.key for question in QUESTIONS]
REPORTERS: tuple[Reporter, ...] = ("manufacturer", "importer", "user_facility")
answers = st.fixed_dictionaries({key: st.sampled_from([True, False, None]) for key in KEYS})
ALL_NO = dict.fromkeys(KEYS, False)


def assess(reporter: Reporter = "manufacturer", /, **known: bool | None) -> Proposal:
    return assess_event(Answers(**known), reporter=reporter, aware=AWARE)


def test_a_death_is_reported_by_the_manufacturer_within_30_calendar_days() -> None:
    proposal = assess(death=True, remedial_action=False, fda_requested=False)
    assert proposal.outcome == "report"
    assert [report.kind for report in proposal.reports] == ["30-day report"]
    assert proposal.due == date(2026, 4, 1)
    assert proposal.reports[0].recipients == ("FDA",)
    assert [step.key for step in proposal.path] == ["death", "medically_excluded", "remedial_action", "fda_requested"]
    assert proposal.path[0].section == "803.3(c), (o)"
    assert "A person decides" in proposal.words()


def test_remedial_action_or_a_request_of_fda_makes_it_five_work_days() -> None:
    for five in ({"remedial_action": True}, {"fda_requested": True}):
        proposal = assess(serious_injury=True, death=False, **five)
        assert [report.kind for report in proposal.reports] == ["5-day report"]
        assert proposal.due == date(2026, 3, 9)
        assert proposal.ask == ()


def test_an_unanswered_remedial_action_keeps_the_five_day_clock_running() -> None:
    proposal = assess(death=True)
    assert proposal.outcome == "report"
    assert [report.kind for report in proposal.reports] == ["5-day report", "30-day report"]
    assert proposal.due == date(2026, 3, 9)
    assert any("remedial action" in question for question in proposal.ask)


def test_a_malfunction_is_reportable_only_if_a_recurrence_would_be_likely_to_harm() -> None:
    rest = {"death": False, "serious_injury": False, "malfunction": True}
    assert assess(**rest, likely_if_recurs=True).outcome == "report"
    assert assess(**rest, likely_if_recurs=False).outcome == "not_reportable"
    unknown = assess(**rest)
    assert unknown.outcome == "undetermined"
    assert unknown.words().startswith("21 CFR 803: undetermined: ask ")
    assert "2026-03-09" in unknown.words()


def test_an_importer_sends_malfunctions_to_the_manufacturer_and_harm_to_both() -> None:
    rest = {"death": False, "serious_injury": False, "malfunction": True, "likely_if_recurs": True}
    malfunction = assess("importer", **rest)
    assert malfunction.reports[0].recipients == ("the manufacturer",)
    assert malfunction.reports[0].section == "803.40(b)"
    death = assess("importer", death=True)
    assert death.reports[0].recipients == ("FDA", "the manufacturer")
    assert death.due == date(2026, 4, 1)


def test_a_user_facility_reports_deaths_and_serious_injuries_in_ten_work_days_and_no_malfunctions() -> None:
    death = assess("user_facility", death=True)
    assert death.due == date(2026, 3, 16)
    assert death.reports[0].recipients[0] == "FDA"
    injury = assess("user_facility", death=False, serious_injury=True)
    assert injury.reports[0].section == "803.30(a)(2)"
    malfunction = assess("user_facility", death=False, serious_injury=False, malfunction=True, likely_if_recurs=True)
    assert malfunction.outcome == "not_reportable"
    # As long as a death is not ruled out, the report that also goes to FDA is the one that is shown.
    assert assess("user_facility", serious_injury=True).reports[0].section == "803.30(a)(1)"


def test_a_qualified_medical_judgment_excludes_a_report_and_has_to_be_kept() -> None:
    rest = {"death": False, "serious_injury": True}
    excluded = assess(**rest, medically_excluded=True)
    assert excluded.outcome == "not_reportable"
    assert any("803.20(c)(2)" in note for note in excluded.notes)
    assert assess(**rest).outcome == "report"


def test_without_the_aware_date_there_is_no_due_date_and_it_is_asked_for() -> None:
    proposal = assess_event(Answers(death=True), reporter="manufacturer", aware=None)
    assert proposal.due is None
    assert any("become aware" in question for question in proposal.ask)


@given(answers, st.sampled_from(REPORTERS))
def test_answering_an_open_question_with_no_never_adds_a_report_and_silence_never_clears_one(
    given_: dict[str, bool | None], reporter: Reporter
) -> None:
    proposal = assess_event(Answers(**given_), reporter=reporter, aware=AWARE)
    if proposal.outcome == "not_reportable":
        # Whatever led there was answered: another walk with every silence kept gives the same, by answers alone.
        decided = {step.key for step in proposal.path if step.answer != "not answered"}
        assert {"death", "serious_injury"} <= decided or given_["medically_excluded"] is True
    if proposal.outcome == "undetermined":
        assert proposal.ask
        assert proposal.due is not None
    worse = {key: (True if value is None and key != "medically_excluded" else value) for key, value in given_.items()}
    worst = assess_event(Answers(**worse), reporter=reporter, aware=AWARE)
    if proposal.outcome != "not_reportable" and worst.outcome == "report":
        assert proposal.due is not None
        assert worst.due is not None
        assert proposal.due <= worst.due, "the clock shown is never later than the one that turns out to run"
    if worst.outcome == "report":
        assert proposal.outcome != "not_reportable"


@pytest.mark.parametrize("reporter", REPORTERS)
def test_nothing_answered_is_undetermined_and_all_no_is_not_reportable(reporter: Reporter) -> None:
    assert assess(reporter).outcome == "undetermined"
    assert assess(reporter, **ALL_NO).outcome == "not_reportable"


def test_a_removal_that_reduces_a_risk_is_reported_in_ten_working_days() -> None:
    known = FieldActionAnswers(correction_or_removal=True, exempt=False, reduces_risk=True, already_reported=False)
    proposal = assess_field_action(known, initiated=date(2026, 6, 15))
    assert proposal.outcome == "report"
    assert proposal.due == date(2026, 6, 30), "Juneteenth does not count"
    assert proposal.reports[0].section == "806.10(b)"


def test_a_field_action_without_a_report_needs_a_justification_on_record() -> None:
    known = FieldActionAnswers(
        correction_or_removal=True, exempt=False, reduces_risk=False, remedies_violation=False, already_reported=False
    )
    proposal = assess_field_action(known, initiated=date(2026, 6, 15))
    assert proposal.outcome == "not_reportable"
    assert any("806.20(b)(4)" in note for note in proposal.notes)
    routine = assess_field_action(FieldActionAnswers(correction_or_removal=True, exempt=True), initiated=None)
    assert routine.outcome == "not_reportable"
    assert routine.ask == ()


def test_no_combination_of_field_action_answers_clears_an_action_that_may_reduce_a_risk() -> None:
    for exempt, risk, violation, reported in product((True, False, None), repeat=4):
        known = FieldActionAnswers(
            correction_or_removal=True,
            exempt=exempt,
            reduces_risk=risk,
            remedies_violation=violation,
            already_reported=reported,
        )
        outcome = assess_field_action(known, initiated=AWARE).outcome
        cleared = exempt is True or reported is True or (risk is False and violation is False)
        assert (outcome == "not_reportable") == cleared, known


def test_federal_holidays_are_the_observed_ones() -> None:
    assert federal_holidays(2026) == {
        date(2026, 1, 1), date(2026, 1, 19), date(2026, 2, 16), date(2026, 5, 25), date(2026, 6, 19), date(2026, 7, 3),
        date(2026, 9, 7), date(2026, 10, 12), date(2026, 11, 11), date(2026, 11, 26), date(2026, 12, 25),
    }  # fmt: skip
    assert date(2021, 12, 31) in federal_holidays(2021), "New Year's Day 2022 was a Saturday"
    assert date(2022, 1, 1) not in federal_holidays(2022)
    assert date(2019, 6, 19) not in federal_holidays(2019)


@given(st.dates(date(2000, 1, 1), date(2090, 1, 1)), st.integers(1, 40))
def test_so_many_work_days_lie_between_a_day_and_the_day_that_is_due(start: date, days: int) -> None:
    due = add_work_days(start, days)
    between = [date.fromordinal(day) for day in range(start.toordinal() + 1, due.toordinal() + 1)]
    assert sum(is_work_day(day) for day in between) == days
    assert is_work_day(due)
