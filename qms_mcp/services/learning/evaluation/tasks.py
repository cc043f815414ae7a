"""Scores by what was expected: whether an answer is right, as far as a rule can tell."""

from collections.abc import Callable
from dataclasses import dataclass

from qms_mcp.services.learning.evaluation.matching import has_number, matched, says, texts_of
from qms_mcp.services.learning.evaluation.models import Case, Group, Ran, Scored

_MOST_TOLD = 5


@dataclass(frozen=True, slots=True)
class TaskScorer:
    """A score by what was expected."""

    name: str
    judge: Callable[[Case, Ran], Scored | None]
    version: str = "1"
    veto: bool = False
    group: Group = "task"

    def score(self, case: Case, ran: Ran) -> Scored | None:
        """Return the score; None where nothing of the kind is expected."""
        return self.judge(case, ran)


def _findings(case: Case, ran: Ran) -> Scored | None:
    if case.expected.findings is None:
        return None
    found = matched(case.expected.findings, ran.output)
    value = found.f1 if ran.output is not None else 0.0
    details = {"precision": found.precision, "recall": found.recall, "wanted": found.wanted, "made": found.made}
    return Scored(value, {**details, "lacking": list(found.lacking[:_MOST_TOLD])})


def _mentions(case: Case, ran: Ran) -> Scored | None:
    wanted = case.expected.must_mention
    if not wanted:
        return None
    text = "\n".join(texts_of(ran.output)) if ran.output else ""
    lacking = [" / ".join(either) for either in wanted if not any(says(text, one) for one in either)]
    return Scored(1 - len(lacking) / len(wanted), {"lacking": lacking[:_MOST_TOLD]})


def _numbers(case: Case, ran: Ran) -> Scored | None:
    wanted = case.expected.numbers
    if not wanted:
        return None
    texts = texts_of(ran.output) if ran.output else []
    lacking = [f"{one.name} {one.value:g}".strip() for one in wanted if not has_number(texts, one)]
    return Scored(1 - len(lacking) / len(wanted), {"lacking": lacking[:_MOST_TOLD]})


def _nothing_forbidden(case: Case, ran: Ran) -> Scored | None:
    if not case.expected.forbidden:
        return None
    text = "\n".join(texts_of(ran.output)) if ran.output else ""
    said = [one for one in case.expected.forbidden if says(text, one)]
    return Scored(0.0 if said else 1.0, {"said": said[:_MOST_TOLD]} if said else {})


TASK = (
    TaskScorer("findings", _findings),
    TaskScorer("must_mention", _mentions),
    TaskScorer("numbers", _numbers),
    TaskScorer("nothing_forbidden", _nothing_forbidden, veto=True),
)
