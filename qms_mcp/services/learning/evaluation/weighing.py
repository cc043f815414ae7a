"""One score of a case out of many: groups are weighted, scorers within a group count the same.

    form 0.2 (did it answer, with evidence, within its limits)
    task 0.4 (is it right, as far as rules can tell)
    judge 0.4 (is it right and useful, as a judge sees it)

Where nothing could be told by a group, the others share its weight in proportion, and the group is named as missing. A
case without an answer is 0 whatever else there is, and so is one with a veto (something forbidden was said).
"""

from collections.abc import Mapping, Sequence

from qms_mcp.services.learning.evaluation.models import Case, CaseResult, Group, Ran, Scored, Scorer

WEIGHTS: Mapping[Group, float] = {"form": 0.2, "task": 0.4, "judge": 0.4}
GROUPS: tuple[Group, ...] = ("form", "task", "judge")


def composite(scores: Mapping[str, float], groups: Mapping[str, Group]) -> float:
    """Return the weighted mean of scores.

    Args:
        scores: From 0 to 1, by scorer; at least one.
        groups: Of each scorer.
    """
    means: dict[Group, float] = {
        group: _mean(values)
        for group in GROUPS
        if (values := [scores[name] for name in scores if groups[name] == group])
    }
    weight = sum(WEIGHTS[group] for group in means)
    return sum(WEIGHTS[group] * mean for group, mean in means.items()) / weight if weight else 0.0


def result_of(
    case: Case, ran: Ran, scorers: Sequence[Scorer], judged: Scored | None = None, judge: str = "judge"
) -> CaseResult:
    """Return the scores of a case; one that was not answered is kept with a 0."""
    found = {one.name: scored for one in scorers if (scored := one.score(case, ran)) is not None}
    groups: dict[str, Group] = {one.name: one.group for one in scorers if one.name in found}
    if judged is not None:
        found[judge], groups[judge] = judged, "judge"
    scores = {name: min(1.0, max(0.0, scored.value)) for name, scored in found.items()}
    vetoed = next((one.name for one in scorers if one.veto and scores.get(one.name) == 0), "")
    return CaseResult(
        key=case.key,
        score=0.0 if vetoed or ran.output is None or ran.outside else composite(scores, groups),
        scores=scores,
        groups=groups,
        run_id=ran.run_id,
        status=ran.status,
        missing=tuple(group for group in GROUPS if group not in groups.values()),
        vetoed=vetoed,
        error=ran.error,
        outside=ran.outside,
        slices=case.slices,
        latency_ms=ran.duration_ms,
        cost_usd=ran.cost_usd,
        item_id=case.item_id,
        details={name: dict(scored.details) for name, scored in found.items() if scored.details},
    )


def comparable(one: CaseResult, other: CaseResult) -> tuple[float, float]:
    """Return the scores of two versions for a case, by those scorers alone that both have a score of.

    A case one of them did not answer is 0 for it; the other keeps its score.
    """
    return _by_both(one, other), _by_both(other, one)


def _by_both(one: CaseResult, other: CaseResult) -> float:
    if one.score == 0.0 or one.vetoed:
        return 0.0
    # Of a case that was not answered there is nothing to leave out by.
    both = one.scores.keys() & other.scores.keys() if other.status in {"completed", "partial"} else one.scores.keys()
    return composite({name: one.scores[name] for name in both}, one.groups) if both else one.score


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
