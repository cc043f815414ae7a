"""Corrections and removals, 21 CFR 806: must a field action be reported to FDA, or only be recorded.

The clock runs from the day the correction or removal was initiated. Without a report there still is a record with a
justification that a designated person reviewed (806.20).
"""

from datetime import date
from typing import Literal

from qms_mcp.services.domain.decision_path import Outcome, Proposal, Question, Report, Step
from qms_mcp.services.domain.frozen import Frozen
from qms_mcp.services.domain.work_days import add_work_days

Initiator = Literal["manufacturer", "importer"]

REGULATION = "21 CFR 806"
WORK_DAYS = 10

_DISTRIBUTED = Question(
    key="correction_or_removal",
    text="Is it a correction or a removal of a device that has left your direct control?",
    section="806.2(d), (j), (m)",
)
_ROUTINE = Question(
    key="exempt",
    text="Is it only routine servicing, a market withdrawal or stock recovery?",
    section="806.1(b), 806.2(i), (l), (m)",
)
_RISK = Question(
    key="reduces_risk", text="Was it initiated to reduce a risk to health posed by the device?", section="806.10(a)(1)"
)
_VIOLATION = Question(
    key="remedies_violation",
    text="Does it remedy a violation of the act caused by the device which may present a risk to health?",
    section="806.10(a)(2)",
)
_REPORTED = Question(
    key="already_reported",
    text="Has the correction or removal been reported already under part 803 or 1004?",
    section="806.10(f)",
)
QUESTIONS = (_DISTRIBUTED, _ROUTINE, _REPORTED, _RISK, _VIOLATION)


class FieldActionAnswers(Frozen):
    """The answers known so far; None is not answered, and is no No."""

    correction_or_removal: bool | None = None
    exempt: bool | None = None
    reduces_risk: bool | None = None
    remedies_violation: bool | None = None
    already_reported: bool | None = None


def assess_field_action(answers: FieldActionAnswers, *, initiated: date | None) -> Proposal:
    """Propose whether a correction or removal has to be reported under 21 CFR 806, and by when."""
    path: list[Step] = []
    outcome, open_questions = _walk(answers, path)
    asked = [question.text for question in open_questions]
    reports: tuple[Report, ...] = ()
    if outcome != "not_reportable":
        if initiated is None:
            asked.append("On which day was the correction or removal initiated (806.10(b))?")
        reports = (
            Report(
                kind="report of a correction or removal",
                recipients=("FDA",),
                section="806.10(b)",
                clock=f"{WORK_DAYS} working days after initiating it",
                due=initiated and add_work_days(initiated, WORK_DAYS),
            ),
        )
    return Proposal(
        regulation=REGULATION,
        outcome=outcome,
        path=tuple(path),
        reports=reports,
        ask=tuple(asked),
        notes=_notes(outcome, answers),
    )


def _walk(answers: FieldActionAnswers, path: list[Step]) -> tuple[Outcome, list[Question]]:
    open_questions: list[Question] = []

    def ask(question: Question) -> bool | None:
        answer: bool | None = getattr(answers, question.key)
        path.append(Step.of(question, answer))
        if answer is None:
            open_questions.append(question)
        return answer

    if ask(_DISTRIBUTED) is False or ask(_ROUTINE) or ask(_REPORTED):
        return "not_reportable", []
    risk = ask(_RISK)
    violation = None if risk else ask(_VIOLATION)
    if risk is False and violation is False:
        return "not_reportable", []
    # It is one, or could be: only what would take it out of the part is still worth asking.
    certain = (risk or violation) and answers.correction_or_removal
    if certain:
        open_questions = [question for question in open_questions if question not in (_RISK, _VIOLATION)]
    return ("report" if certain else "undetermined"), open_questions


def _notes(outcome: Outcome, answers: FieldActionAnswers) -> tuple[str, ...]:
    if outcome == "report":
        return (
            "More lots of the same device amend the report within 10 working days (806.10(d)).",
            "Keep a copy of the report and of all communications (806.10(c)(12)).",
        )
    if outcome == "not_reportable" and answers.correction_or_removal is not False:
        return (
            "Keep a record with the justification for not reporting, reviewed by a designated person (806.20(b)(4)).",
            "Keep it 2 years beyond the expected life of the device (806.20(c)).",
        )
    return ()
