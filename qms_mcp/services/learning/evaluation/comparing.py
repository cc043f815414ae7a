"""Two versions on the same cases: score, passing, cost and latency, on the whole and in every slice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qms_mcp.errors import ConflictError
from qms_mcp.services.learning.evaluation.models import CaseResult, Evaluation
from qms_mcp.services.learning.evaluation.weighing import comparable
from qms_mcp.statistics.experiments.paired import Paired, Passing, Ratio, compared, passing, ratio_of
from qms_mcp.statistics.experiments.slices import MINIMUM, Slice, sliced
from qms_mcp.statistics.intervals import LEVEL

# From here on an answer is good enough to be used after small corrections; the limit of the alert on feedback, too.
PASSES = 0.6


@dataclass(frozen=True, slots=True)
class Changed:
    """A case that one version did better than the other."""

    key: str
    before: float
    after: float
    run_before: str
    run_after: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """How the second of two versions compares with the first.

    Attributes:
        score: Of the scores both have.
        passed: Cases of at least 0.6.
        cost: In US dollars a case.
        latency: In milliseconds a case; None where nothing was timed.
        slices: Every one, also those too small to be compared.
        scorers: Before, after and number of cases of each scorer both have.
        worsened: The cases that lost most, the worst first.
    """

    n: int
    score: Paired
    passed: Passing
    cost: Ratio
    latency: Ratio | None
    slices: Sequence[Slice]
    scorers: Mapping[str, tuple[float, float, int]]
    worsened: Sequence[Changed]


def check_comparable(before: Evaluation, after: Evaluation) -> None:
    """Check that two evaluations asked the same and measured it with the same.

    Raises:
        ConflictError: One did not complete, or they differ in cases, scorers or judge.
    """
    for one in (before, after):
        if one.state != "completed":
            why = one.error or "it is still running"
            raise ConflictError(f"The evaluation of {one.version} can't be compared: {why}", hint="Measure it again.")
    differing = [name for name in ("cases", "scorers", "judge", "with_model") if before.spec[name] != after.spec[name]]
    if differing:
        raise ConflictError(
            f"The evaluations differ in {', '.join(differing)}, so their scores can't be compared.",
            hint="Measure both with the same.",
        )


def comparison_of(
    before: Sequence[CaseResult],
    after: Sequence[CaseResult],
    *,
    level: float = LEVEL,
    minimum: int = MINIMUM,
    seed: int = 0,
) -> Comparison:
    """Return how two versions compare on the same cases.

    Args:
        before: Results of the first version.
        after: Of the second.
        level: Of confidence.
        minimum: Cases a slice needs to be compared.
        seed: Of what is drawn.

    Raises:
        ConflictError: They are not the same cases.
        InvalidInputError: There are fewer than two.
    """
    first, second = ({one.key: one for one in results} for results in (before, after))
    if first.keys() != second.keys():
        raise ConflictError(
            "The two versions were not measured on the same cases.", hint="Measure both on one dataset."
        )
    pairs = [(first[key], second[key]) for key in sorted(first)]
    scores = [comparable(one, other) for one, other in pairs]
    was, now = [one for one, _ in scores], [other for _, other in scores]
    timed = [(one.latency_ms, other.latency_ms) for one, other in pairs if one.latency_ms and other.latency_ms]
    return Comparison(
        n=len(pairs),
        score=compared(was, now, level=level, seed=seed),
        passed=passing([one >= PASSES for one in was], [one >= PASSES for one in now], level=level),
        cost=ratio_of([one.cost_usd for one, _ in pairs], [one.cost_usd for _, one in pairs], level=level, seed=seed),
        latency=ratio_of([one for one, _ in timed], [one for _, one in timed], level=level, seed=seed)
        if timed
        else None,
        slices=sliced(was, now, [one.slices for one, _ in pairs], level=level, minimum=minimum, seed=seed),
        scorers=_scorers(pairs),
        worsened=_worsened(pairs, scores),
    )


def _scorers(pairs: Sequence[tuple[CaseResult, CaseResult]]) -> dict[str, tuple[float, float, int]]:
    values: dict[str, list[tuple[float, float]]] = {}
    for one, other in pairs:
        for name in one.scores.keys() & other.scores.keys():
            values.setdefault(name, []).append((one.scores[name], other.scores[name]))
    return {
        name: (sum(a for a, _ in of) / len(of), sum(b for _, b in of) / len(of), len(of))
        for name, of in sorted(values.items())
    }


def _worsened(
    pairs: Sequence[tuple[CaseResult, CaseResult]], scores: Sequence[tuple[float, float]], most: int = 10
) -> list[Changed]:
    changed = [
        Changed(one.key, was, now, str(one.run_id or ""), str(other.run_id or ""))
        for (one, other), (was, now) in zip(pairs, scores, strict=True)
        if now < was
    ]
    return sorted(changed, key=lambda one: (one.after - one.before, one.key))[:most]
