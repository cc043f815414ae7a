"""What a walk through a regulatory decision tree leaves behind: the questions on the way, their answers and sections.

A proposal is never a decision: a person with the role decides. What was not answered is asked for, and as long as it
is open the clock that could run is taken to run.
"""

from datetime import date
from typing import Literal

from qms_mcp.services.domain.frozen import Frozen

Outcome = Literal["report", "not_reportable", "undetermined"]
AnswerWord = Literal["yes", "no", "not answered"]


class Question(Frozen):
    """A question of the tree and the section it comes from."""

    key: str
    text: str
    section: str


class Step(Frozen):
    """A question with the answer it got."""

    key: str
    question: str
    answer: AnswerWord
    section: str

    @classmethod
    def of(cls, question: Question, answer: bool | None) -> "Step":
        """Return the step for an answer."""
        word: AnswerWord = "not answered" if answer is None else ("yes" if answer else "no")
        return cls(key=question.key, question=question.text, answer=word, section=question.section)


class Report(Frozen):
    """A report that would be due.

    Attributes:
        kind: What it is called.
        recipients: To whom it goes.
        section: Where that stands.
        clock: How long, in words.
        due: The last day; None as long as the first day is not known.
    """

    kind: str
    recipients: tuple[str, ...]
    section: str
    clock: str
    due: date | None


class Proposal(Frozen):
    """What the tree proposes to the person who decides.

    Attributes:
        reports: What would be due, the earliest first. For an undetermined outcome: what would be due if the open
            questions are answered for the worse.
        ask: The open questions that matter.
        notes: What has to be kept or looked at in any case, each with its section.
    """

    regulation: str
    outcome: Outcome
    path: tuple[Step, ...]
    reports: tuple[Report, ...] = ()
    ask: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def due(self) -> date | None:
        """The earliest day something is, or could be, due."""
        return min((report.due for report in self.reports if report.due), default=None)

    def words(self) -> str:
        """Return the proposal in a sentence; it says that a person decides."""
        if self.outcome == "undetermined":
            until = f" Until then treat {self.due:%Y-%m-%d} as due." if self.due else ""
            return f"{self.regulation}: undetermined: ask {' '.join(self.ask)}{until} A person decides."
        if self.outcome == "not_reportable":
            return f"{self.regulation}: proposed not reportable. A person decides, and the reasons are kept."
        reports = "; ".join(
            f"{report.kind} to {' and '.join(report.recipients)}, {report.clock}"
            + (f", due {report.due:%Y-%m-%d}" if report.due else "")
            for report in self.reports
        )
        return f"{self.regulation}: proposed reportable: {reports}. A person decides."
