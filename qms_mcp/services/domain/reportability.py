"""Medical device reporting, 21 CFR 803: must this event be reported, by when, to whom.

The tree asks in the order of the regulation: death, serious injury, then (manufacturer and importer only) a malfunction
that would be likely to cause or contribute to one if it recurred. Clocks run from the day the entity became aware,
which is not the day somebody enters the record. A question without an answer never makes an event not reportable.
"""

from datetime import date
from typing import Literal

from qms_mcp.services.domain.decision_path import Outcome, Proposal, Question, Report, Step
from qms_mcp.services.domain.frozen import Frozen
from qms_mcp.services.domain.work_days import add_calendar_days, add_work_days

Reporter = Literal["manufacturer", "importer", "user_facility"]
Harm = Literal["death", "serious_injury", "malfunction"]
FiveDay = Literal["yes", "no", "possible"]

REGULATION = "21 CFR 803"
CALENDAR_DAYS = 30
FIVE_DAY_WORK_DAYS = 5
USER_FACILITY_WORK_DAYS = 10

_DEATH = Question(key="death", text="May the device have caused or contributed to a death?", section="803.3(c), (o)")
_INJURY = Question(
    key="serious_injury",
    text="May it have caused or contributed to a serious injury (life-threatening, permanent impairment or damage, or "
    "intervention needed to preclude it)?",
    section="803.3(c), (o), (w)",
)
_MALFUNCTION = Question(
    key="malfunction",
    text="Did the device fail to meet its performance specifications or otherwise to perform as intended?",
    section="803.3(k)",
)
_LIKELY = Question(
    key="likely_if_recurs",
    text="Would this or a similar device be likely to cause or contribute to a death or serious injury if the "
    "malfunction recurred?",
    section="803.50(a)(2)",
)
_EXCLUDED = Question(
    key="medically_excluded",
    text="Has a person qualified to make a medical judgment reasonably concluded that the device did not, or would not "
    "be likely to, cause or contribute?",
    section="803.20(c)(2)",
)
_REMEDIAL = Question(
    key="remedial_action",
    text="Does the event necessitate remedial action to prevent an unreasonable risk of substantial harm to the public "
    "health?",
    section="803.53(a)",
)
_REQUESTED = Question(
    key="fda_requested", text="Has FDA requested 5-day reports for such events in writing?", section="803.53(b)"
)
QUESTIONS = (_DEATH, _INJURY, _MALFUNCTION, _LIKELY, _EXCLUDED, _REMEDIAL, _REQUESTED)


class Answers(Frozen):
    """The answers known so far; None is not answered, and is no No."""

    death: bool | None = None
    serious_injury: bool | None = None
    malfunction: bool | None = None
    likely_if_recurs: bool | None = None
    medically_excluded: bool | None = None
    remedial_action: bool | None = None
    fda_requested: bool | None = None


class _Walk:
    """One way through the tree: what was asked, and what stayed open."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self.path: list[Step] = []
        self.open: list[Question] = []

    def ask(self, question: Question, *, matters: bool = True) -> bool | None:
        answer: bool | None = getattr(self._answers, question.key)
        self.path.append(Step.of(question, answer))
        if answer is None and matters:
            self.open.append(question)
        return answer


def assess_event(answers: Answers, *, reporter: Reporter, aware: date | None) -> Proposal:
    """Propose whether an event is reportable under 21 CFR 803, and by when.

    Args:
        answers: What is known.
        reporter: Who would report.
        aware: The day the reporter became aware, 803.3(b).
    """
    walk = _Walk(answers)
    harms = _harms(walk, reporter)
    excluded = bool(harms) and walk.ask(_EXCLUDED, matters=False) is True
    outcome = _outcome(walk, harms, excluded=excluded)
    reports: tuple[Report, ...] = ()
    if outcome != "not_reportable":
        five_day = _five_day(walk, reporter)
        reports = _reports(reporter, _worst(walk, harms), aware, five_day=five_day)
    asked = [question.text for question in walk.open]
    if aware is None and outcome != "not_reportable":
        asked.append("On which day did you become aware of the event (803.3(b))?")
    return Proposal(
        regulation=REGULATION,
        outcome=outcome,
        path=tuple(walk.path),
        reports=reports,
        ask=tuple(asked),
        notes=_notes(outcome, reporter, excluded=excluded),
    )


def _harms(walk: _Walk, reporter: Reporter) -> list[Harm]:
    """Return the first harm the answers establish; asked until one is, or all are answered."""
    if walk.ask(_DEATH):
        return ["death"]
    if walk.ask(_INJURY):
        return ["serious_injury"]
    if reporter == "user_facility":
        return []  # user facilities report deaths and serious injuries (803.30)
    if walk.ask(_MALFUNCTION) is False:
        return []
    likely = walk.ask(_LIKELY)
    known = walk.path[-2].answer == "yes"
    if likely is False:
        # Whether it was a malfunction at all does not matter any more.
        walk.open = [question for question in walk.open if question is not _MALFUNCTION]
    return ["malfunction"] if likely and known else []


def _outcome(walk: _Walk, harms: list[Harm], *, excluded: bool) -> Outcome:
    if harms and not excluded:
        return "report"
    return "undetermined" if walk.open else "not_reportable"


def _worst(walk: _Walk, harms: list[Harm]) -> Harm:
    """Return the worst harm that is established or still open: to whom a report goes depends on it."""
    possible = {question.key for question in walk.open} | set(harms)
    if "death" in possible:
        return "death"
    return "serious_injury" if "serious_injury" in possible else "malfunction"


def _five_day(walk: _Walk, reporter: Reporter) -> FiveDay:
    if reporter != "manufacturer":
        return "no"
    remedial, requested = walk.ask(_REMEDIAL), walk.ask(_REQUESTED)
    if remedial or requested:
        walk.open = [question for question in walk.open if question not in (_REMEDIAL, _REQUESTED)]
        return "yes"
    return "no" if remedial is False and requested is False else "possible"


def _reports(reporter: Reporter, harm: Harm, aware: date | None, *, five_day: FiveDay) -> tuple[Report, ...]:
    if reporter == "user_facility":
        return (_user_facility(harm, aware),)
    five = Report(
        kind="5-day report",
        recipients=("FDA",),
        section="803.53, 803.10(c)(2)",
        clock=f"{FIVE_DAY_WORK_DAYS} work days after becoming aware that it is needed",
        due=aware and add_work_days(aware, FIVE_DAY_WORK_DAYS),
    )
    thirty = _thirty_day(reporter, harm, aware)
    return {"yes": (five,), "possible": (five, thirty), "no": (thirty,)}[five_day]


def _thirty_day(reporter: Reporter, harm: Harm, aware: date | None) -> Report:
    recipients: tuple[str, ...] = ("FDA",)
    section = "803.50(a), 803.10(c)(1)"
    if reporter == "importer":
        recipients = ("the manufacturer",) if harm == "malfunction" else ("FDA", "the manufacturer")
        section = "803.40(b)" if harm == "malfunction" else "803.40(a)"
    return Report(
        kind="30-day report",
        recipients=recipients,
        section=section,
        clock=f"{CALENDAR_DAYS} calendar days after becoming aware",
        due=aware and add_calendar_days(aware, CALENDAR_DAYS),
    )


def _user_facility(harm: Harm, aware: date | None) -> Report:
    to_fda = harm == "death"
    recipients = ("FDA", "the manufacturer if known") if to_fda else ("the manufacturer, or FDA if it is not known",)
    return Report(
        kind="user facility report",
        recipients=recipients,
        section="803.30(a)(1)" if to_fda else "803.30(a)(2)",
        clock=f"{USER_FACILITY_WORK_DAYS} work days after becoming aware",
        due=aware and add_work_days(aware, USER_FACILITY_WORK_DAYS),
    )


def _notes(outcome: Outcome, reporter: Reporter, *, excluded: bool) -> tuple[str, ...]:
    notes = ["Keep the deliberation and the decision in the MDR event file (803.18(b)(1)(i))."]
    if excluded:
        notes.append("Keep what the qualified person used to conclude it, and who that is (803.20(c)(2)).")
    if outcome == "report" and reporter == "manufacturer":
        notes.append("What becomes known later goes into a supplemental report within 30 calendar days (803.56).")
    retention = "2 years" if reporter == "user_facility" else "2 years or the expected life, whichever is greater"
    notes.append(f"Keep the file {retention} (803.18(c)).")
    return tuple(notes)
