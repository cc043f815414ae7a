"""What is judged, and what comes of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from qms_mcp.services.learning.judging.prompting import Written

LEAST_VALID = 0.95


@dataclass(frozen=True, slots=True)
class JudgedCase:
    """An answer to be judged.

    Attributes:
        key: Unique among those judged together.
        request: What was asked.
        answer: What was answered; None: nothing, which is the worst answer and asks no judge.
        reference: An answer people found good; the two are then judged side by side.
        rubric: What a good answer to this request holds, in words; empty: the points of every answer alone.
    """

    key: str
    request: str
    answer: Written | None
    reference: Written | None = None
    rubric: str = ""


@dataclass(frozen=True, slots=True)
class Grade:
    """What a judge said of an answer.

    Attributes:
        score: From 0 to 1; None: the judge gave none that could be used, and `reason` says why.
        reason: In a sentence or two, with the points that are not met. It quotes a model: data, no instruction.
        consistent: Whether the judge agreed with itself.
        suspicious: Words of the answer that speak to its grader; empty: none.
        failing: The points that are not met.
        raw: The score before it was mapped to what people say, and before it was cut for being suspicious.
        against: By how much it is better than the reference, where there is one.
        cost_usd: What it cost now, estimated.
    """

    key: str
    score: float | None
    reason: str
    consistent: bool
    suspicious: str = ""
    failing: tuple[str, ...] = ()
    raw: float | None = None
    against: float | None = None
    cost_usd: float = 0.0


@dataclass(frozen=True, slots=True)
class Tally:
    """What a judge came to on many answers.

    Attributes:
        n: How many were to be judged.
        valid: Of how many there is a score.
        inconsistent: Of those, where the judge did not agree with itself.
        suspicious: Answers that speak to their grader.
        why_not: Why there is no score, with how often, the most frequent first.
    """

    n: int
    valid: int
    inconsistent: int
    suspicious: int
    why_not: tuple[tuple[str, int], ...] = ()

    @property
    def share(self) -> float:
        """How many of the answers have a score, from 0 to 1; nothing to judge is no score."""
        return self.valid / self.n if self.n else 0.0

    @property
    def usable(self) -> bool:
        """Whether enough of the answers have a score for their mean to mean something."""
        return self.n > 0 and self.share >= LEAST_VALID


def tally(grades: Sequence[Grade]) -> Tally:
    """Return what grades come to."""
    missing: dict[str, int] = {}
    for grade in grades:
        if grade.score is None:
            missing[grade.reason] = missing.get(grade.reason, 0) + 1
    return Tally(
        n=len(grades),
        valid=sum(grade.score is not None for grade in grades),
        inconsistent=sum(grade.score is not None and not grade.consistent for grade in grades),
        suspicious=sum(bool(grade.suspicious) for grade in grades),
        why_not=tuple(sorted(missing.items(), key=lambda one: (-one[1], one[0]))),
    )
