"""How an evaluation asks a judge: once for all cases that were answered, within what is left of the budget."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from qms_mcp.errors import LimitExceededError, UnavailableError
from qms_mcp.services.learning.evaluation.models import Case, Ran, Scored
from qms_mcp.services.learning.judging.models import Grade, JudgedCase
from qms_mcp.services.learning.spending import Spend

if TYPE_CHECKING:
    from qms_mcp.auth.principal import Principal


class Grader(Protocol):
    """A judge of answers."""

    @property
    def is_there(self) -> bool:
        """Whether it can be asked here."""
        ...

    @property
    def version(self) -> str:
        """Of all that shapes what it says."""
        ...

    async def grade(self, principal: "Principal", cases: Sequence[JudgedCase], spend: Spend) -> Sequence[Grade]:
        """Return a grade for each case."""
        ...


@dataclass(frozen=True, slots=True)
class Judged:
    """What the judge said.

    Attributes:
        scores: By key of the case.
        missing: Answers it gave no judgement of.
        inconsistent: Judgements that contradict themselves or each other.
        suspicious: Answers that speak to whoever grades them.
        why_missing: One of the reasons.
        error: Why it could not be asked at all.
    """

    scores: Mapping[str, Scored] = field(default_factory=dict[str, Scored])
    missing: int = 0
    inconsistent: int = 0
    suspicious: int = 0
    cost_usd: float = 0.0
    why_missing: str = ""
    error: str = ""


async def judged(
    grader: Grader, principal: "Principal", cases: Sequence[Case], ran: Sequence[Ran], left_usd: float | None
) -> Judged:
    """Return what the judge says of all answers; a case without one is not shown to it, it scores 0 anyway.

    Args:
        grader: The judge.
        principal: On whose behalf.
        cases: What was asked.
        ran: What was answered, in the same order.
        left_usd: What may be spent on it; None: no limit.
    """
    answered = [
        JudgedCase(
            key=case.key,
            request=case.request,
            answer=one.output.model_dump(mode="json"),
            reference=dict(case.expected.answer) or None,
            rubric=case.expected.rubric,
        )
        for case, one in zip(cases, ran, strict=True)
        if one.output is not None and not one.outside
    ]
    if not answered:
        return Judged()
    spend = Spend(left_usd)
    try:
        grades = await grader.grade(principal, answered, spend)
    except (UnavailableError, LimitExceededError) as error:
        return Judged(error=error.prose(), cost_usd=spend.spent_usd)
    keys = {case.key for case in answered}
    usable = [grade for grade in grades if grade.score is not None and grade.key in keys]
    return Judged(
        scores={grade.key: _scored(grade) for grade in usable},
        missing=len(keys) - len(usable),
        inconsistent=sum(not grade.consistent for grade in usable),
        suspicious=sum(bool(grade.suspicious) for grade in grades),
        cost_usd=spend.spent_usd,
        why_missing=next((grade.reason for grade in grades if grade.score is None), ""),
    )


def _scored(grade: Grade) -> Scored:
    flags = {"inconsistent": True} if not grade.consistent else {}
    words = {"suspicious": grade.suspicious} if grade.suspicious else {}
    return Scored(grade.score or 0.0, {"reason": grade.reason, **flags, **words})
