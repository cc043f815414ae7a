"""From judgements to scores: arithmetic alone, so that a judge can't say more than its own points allow.

A step from 1 to 5 is a score from 0 to 1 in quarters. The points of the same judgement allow at most the quarter their
mean reaches, and a quarter alone where a critical point is not met; a step above that is cut to it and flagged.

Two answers side by side are judged twice, the second time in the other order. The score of the answer is the mean of
its two; where it is better in one order and worse in the other, or two steps apart from itself, that is flagged.
"""

from dataclasses import dataclass
from math import ceil, floor

from qms_mcp.services.learning.judging.rubric import CRITICAL, AnyPair, AnyRated, Point

_WORTH = {"yes": 1.0, "partly": 0.5, "no": 0.0}
_CRITICAL_CAP, _WRONG_CAP = 0.25, 0.5
_FAR = 0.5
_STEP = 0.25


@dataclass(frozen=True, slots=True)
class Score:
    """What judgements come to.

    Attributes:
        value: From 0 to 1.
        consistent: Whether the judgements agree with themselves and each other.
        failing: The points that are not met, each with what is wrong.
        reason: In a sentence.
        against: By how much it is better than the reference; None without one.
        reference: The score of the reference.
    """

    value: float
    consistent: bool
    failing: tuple[str, ...]
    reason: str
    against: float | None = None
    reference: float | None = None


def alone(rated: AnyRated) -> Score:
    """Return the score of an answer that was judged by itself."""
    points: dict[str, Point] = dict(rated.points)
    mean = sum(_WORTH[point.met] for point in points.values()) / len(points)
    cap = ceil(mean * 4) / 4
    if any(points[name].met == "no" for name in CRITICAL):
        cap = min(cap, _CRITICAL_CAP)
    elif points["right"].met == "no":
        cap = min(cap, _WRONG_CAP)
    said = (rated.step - 1) / 4
    consistent = said <= cap and min(cap, floor(mean * 4) / 4) - said < _FAR
    failing = tuple(f"{name}: {' '.join(one.because.split())}" for name, one in points.items() if one.met != "yes")
    return Score(min(said, cap), consistent, failing, " ".join(rated.reason.split()))


def side_by_side(answer_first: AnyPair, answer_second: AnyPair) -> Score:
    """Return the score of an answer that was judged beside a reference, in both orders.

    Args:
        answer_first: The judgement of the answer and then the reference.
        answer_second: The judgement of the reference and then the answer.
    """
    ours = (alone(answer_first.first), alone(answer_second.second))
    theirs = (alone(answer_first.second), alone(answer_second.first))
    leads = [one.value - other.value for one, other in zip(ours, theirs, strict=True)]
    turned = min(leads) < 0 < max(leads) or max(leads) - min(leads) > _STEP
    apart = abs(ours[0].value - ours[1].value) >= _FAR
    value, reference = (sum(one.value for one in scores) / 2 for scores in (ours, theirs))
    return Score(
        value=value,
        consistent=all(one.consistent for one in ours) and not turned and not apart,
        failing=tuple(dict.fromkeys((*ours[0].failing, *ours[1].failing))),
        reason=ours[0].reason,
        against=value - reference,
        reference=reference,
    )
