"""Scores by the form of a run: they need no expected answer and no model, and say nothing about whether it is right."""

from collections.abc import Callable
from dataclasses import dataclass

from qms_mcp.services.learning.evaluation.models import Case, Group, Ran, Scored

_LIMITS = frozenset({"timeout", "turn_limit", "tool_call_limit", "budget", "looping"})
_WORTH = {"completed": 1.0, "partial": 0.5}


@dataclass(frozen=True, slots=True)
class FormScorer:
    """A score by the form of a run."""

    name: str
    judge: Callable[[Ran], Scored | None]
    version: str = "1"
    veto: bool = False
    group: Group = "form"

    def score(self, case: Case, ran: Ran) -> Scored | None:
        """Return the score; None where there is nothing to tell it by."""
        del case
        return self.judge(ran)


def _answered(ran: Ran) -> Scored:
    return Scored(_WORTH.get(ran.status, 0.0), {"status": ran.status})


def _schema(ran: Ran) -> Scored:
    return Scored(1.0 if ran.output is not None else 0.0)


def _evidence(ran: Ran) -> Scored | None:
    if ran.output is None:
        return Scored(0.0)
    findings = ran.output.findings()
    if not findings:
        return None
    bare = sum(not (one.evidence.calls or one.evidence.records) for _, one in findings)
    # A finding that names nothing counts as one citation that is not there.
    share = ran.valid_citations / max(1, ran.citations + bare)
    return Scored(share, {"cited": ran.citations, "there": ran.valid_citations, "without": bare})


def _tools(ran: Ran) -> Scored | None:
    if not ran.calls:
        return None
    return Scored(1 - ran.failed_calls / ran.calls, {"calls": ran.calls, "failed": ran.failed_calls})


def _refused(ran: Ran) -> Scored:
    return Scored(0.0 if ran.stop == "refused" else 1.0)


def _within(ran: Ran) -> Scored:
    return Scored(0.0 if ran.stop in _LIMITS else 1.0, {"stop": ran.stop} if ran.stop else {})


FORM = (
    FormScorer("answered", _answered),
    FormScorer("schema_valid", _schema),
    FormScorer("evidence_valid", _evidence),
    FormScorer("tools_worked", _tools),
    FormScorer("not_refused", _refused),
    FormScorer("within_limits", _within),
)
