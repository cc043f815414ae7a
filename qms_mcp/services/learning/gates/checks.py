"""The six gates. Each is passed by what was measured and by nothing else: what is missing is not passed.

threshold: the lower end of the interval of the mean score on cases that were held out.
regression: the lower bound of the paired difference to the version in production.
slices: no part of the cases in which it got worse for certain: by an exact test (Holm 1979 over all parts), or by the
bound of the difference (Bonferroni over all parts).
safety: no case failed that the version before passed; of some kinds, none at all.
cost, latency: what a case costs, and how long slow ones take, against the version before.
"""

from collections.abc import Sequence
from math import isfinite
from typing import Any, cast

from qms_mcp.services.learning.evaluation.models import Evaluation
from qms_mcp.services.learning.gates.measured import Measured
from qms_mcp.services.learning.gates.models import Check, GateLimits, GateName
from qms_mcp.services.learning.gates.safety import ABSOLUTE
from qms_mcp.statistics.experiments.paired import Paired

_MOST_NAMED = 8


def checks_of(measured: Measured, limits: GateLimits) -> list[Check]:
    """Return what each gate found, always all six."""
    return [
        threshold(measured, limits),
        regression(measured, limits),
        slices(measured, limits),
        safety(measured),
        cost(measured, limits),
        latency(measured, limits),
    ]


def threshold(measured: Measured, limits: GateLimits) -> Check:
    """Return whether the candidate is good enough by itself."""
    interval = measured.after.summary.get("interval")
    numbers: dict[str, Any] = {"score": measured.after.score, "n": measured.after.n, "interval": interval}
    wrong = (
        _of_making(measured)
        or _of_evaluation(measured.after)
        or _of_judge(measured, measured.after, limits)
        or measured.not_exercised
    )
    if wrong:
        return _missing("threshold", limits.score, wrong, numbers)
    if measured.after.n < limits.least_cases:
        why = f"{measured.after.n} cases were held out, and {limits.least_cases} are needed to say anything"
        return _missing("threshold", limits.score, why, numbers)
    if interval is None or measured.after.score is None or not all(isfinite(end) for end in interval):
        return _missing("threshold", limits.score, "there is no interval of the score", numbers)
    low = float(interval[0])
    said = f"its mean score is {measured.after.score:.3f}, at least {low:.3f} as far as {measured.after.n} cases tell"
    return _held("threshold", low >= limits.score, low, limits.score, said, numbers)


def regression(measured: Measured, limits: GateLimits) -> Check:
    """Return whether the candidate is no worse than the version in production."""
    limit = -limits.margin
    found = measured.comparison
    wrong = (
        _of_evaluation(measured.before)
        or _of_evaluation(measured.after)
        or _of_judge(measured, measured.before, limits)
        or _of_judge(measured, measured.after, limits)
        or measured.not_exercised
    )
    if wrong or found is None:
        return _missing("regression", limit, wrong or measured.why_not or "the two could not be compared")
    score = found.score
    numbers = {
        "n": score.n, "before": score.before, "after": score.after, "difference": score.difference,
        "upper": score.upper, "p_better": score.p_better, "p_worse": score.p_worse, "effect": score.effect,
        "improved": score.improved, "worsened": score.worsened, "equal": score.equal,
        "passed_before": found.passed.before, "passed_after": found.passed.after,
        "better": score.lower > 0 and score.p_better < limits.alpha,
    }  # fmt: skip
    if score.n < limits.least_cases:
        why = f"{score.n} cases were compared, and {limits.least_cases} are needed to say anything"
        return _missing("regression", limit, why, numbers)
    if not isfinite(score.lower):
        return _missing("regression", limit, "there is no bound of the difference", numbers)
    shown = "it is better" if numbers["better"] else "that it is better is not shown"
    said = (
        f"the mean score changed by {score.difference:+.3f}, at least {score.lower:+.3f} as far as can be told; "
        f"{shown} (p {score.p_better:.4f})"
    )
    return _held("regression", score.lower >= limit, score.lower, limit, said, numbers)


def slices(measured: Measured, limits: GateLimits) -> Check:
    """Return whether the candidate got worse for some, though better on the whole."""
    found = measured.comparison
    if found is None:
        return _missing("slices", limits.alpha, measured.why_not or "the two could not be compared")
    compared = [one for one in found.slices if one.found is not None and one.p_worse is not None]
    small = [f"{one.by}={one.name} ({one.n})" for one in found.slices if one.found is None]
    numbers: dict[str, Any] = {
        "compared": [
            {"by": one.by, "name": one.name, "n": one.n, "difference": one.found.difference, "p_worse": one.p_worse}
            for one in compared
            if one.found is not None
        ],
        "too_small": small,
        "least_in_slice": limits.least_in_slice,
    }
    if not compared:
        why = f"no part of the dataset has {limits.least_in_slice} held-out cases, so nothing is known of any"
        return _missing("slices", limits.alpha, why, numbers)
    worst = min(compared, key=lambda one: (one.p_worse or 0.0, one.by, one.name))
    lowest = float(worst.p_worse or 0.0)
    worse = [
        f"{one.by}={one.name} ({one.found.difference:+.3f}, n {one.n})"
        for one in compared
        if one.found is not None and _is_worse(one.found, float(one.p_worse or 0.0), limits.alpha)
    ]
    said = f"it got worse for {_some(worse)}" if worse else f"no part of {len(compared)} got worse for certain"
    if small:
        said += f"; too small to tell: {_some(small)}"
    return _held("slices", not worse, lowest, limits.alpha, said, numbers)


def safety(measured: Measured) -> Check:
    """Return whether the candidate falls for nothing the version before did not fall for."""
    before, after = measured.safety_before, measured.safety_after
    if before.error or after.error:
        return _missing("safety", 0.0, before.error or after.error)
    unknown = sorted({*before.unknown, *after.unknown})
    if not measured.safety or unknown:
        return _missing("safety", 0.0, f"nothing is known of {_some(unknown) or 'any case'}")
    known = {one.key for one in before.fell}
    new = [one for one in after.fell if one.key not in known]
    never = [one for one in after.fell if one.kind in ABSOLUTE and one.key in known]
    numbers = {
        "cases": len(measured.safety),
        "failed_before": len(before.fell),
        "failed_after": len(after.fell),
        "new": [{"case": one.key, "kind": one.kind, "by": one.by} for one in new],
        "never_allowed": [{"case": one.key, "kind": one.kind, "by": one.by} for one in never],
    }
    bad = [f"{one.key} ({one.by})" for one in (*new, *never)]
    said = f"it failed {_some(bad)}" if bad else f"no new failure in {len(measured.safety)} cases"
    if not bad and after.fell:
        said += f"; {len(after.fell)} fail as they did before"
    return _held("safety", not bad, float(len(bad)), 0.0, said, numbers)


def cost(measured: Measured, limits: GateLimits) -> Check:
    """Return whether a case costs about what it cost before."""
    limit, found = limits.cost_ratio, measured.comparison
    if measured.over_budget:
        return _missing("cost", limit, measured.over_budget)
    if found is None:
        return _missing("cost", limit, measured.why_not or "the two could not be compared")
    ratio = found.cost
    numbers = {
        "before_usd": ratio.before,
        "after_usd": ratio.after,
        "ratio": ratio.ratio,
        "high": ratio.high,
        "slack_usd": limits.cost_slack_usd,
    }
    if ratio.before == 0 and ratio.after == 0:
        return _held("cost", True, 1.0, limit, "neither version costs anything", numbers)
    if ratio.high is None or not isfinite(ratio.high):
        return _missing("cost", limit, "there is no ratio to the cost before", numbers)
    within = ratio.after - ratio.before <= limits.cost_slack_usd
    said = (
        f"a case costs {ratio.after:.5f} USD where it cost {ratio.before:.5f}, at most {ratio.high:.2f} times as much"
    )
    if within and ratio.high > limit:
        said += f", less than {limits.cost_slack_usd:.2f} USD more"
    return _held("cost", within or ratio.high <= limit, ratio.high, limit, said, numbers)


def latency(measured: Measured, limits: GateLimits) -> Check:
    """Return whether slow cases take about as long as they did."""
    limit = limits.latency_ratio
    before, after = _slow(measured.before), _slow(measured.after)
    numbers = {"before_ms": before, "after_ms": after, "slack_ms": limits.latency_slack_ms}
    if measured.comparison is None:
        return _missing("latency", limit, measured.why_not or "the two could not be compared", numbers)
    if not before or after is None:
        return _missing("latency", limit, "nobody knows how long the cases took", numbers)
    ratio = after / before
    within = after - before <= limits.latency_slack_ms
    said = f"95 of 100 cases are done within {after:.0f} ms; it was {before:.0f} ms"
    if within and ratio > limit:
        said += f", less than {limits.latency_slack_ms:.0f} ms apart"
    return _held("latency", within or ratio <= limit, ratio, limit, said, numbers)


def _is_worse(found: Paired, p: float, alpha: float) -> bool:
    # The exact test of five cases never gets below 1/32, which several parts make too much: a bound speaks earlier.
    return found.difference < 0 and (p < alpha or found.upper < 0)


def _slow(evaluation: Evaluation) -> float | None:
    """Return the 95 % quantile of how long cases took, in milliseconds."""
    spread = cast("dict[str, float]", evaluation.summary.get("latency_ms") or {})
    return spread.get("p95")


def _of_making(measured: Measured) -> str:
    if measured.problems:
        return f"something went wrong while it was made: {_some(list(measured.problems))}"
    if measured.over_budget:
        return measured.over_budget
    if measured.seen:
        return f"{measured.seen} of the held-out cases were among those it was made with"
    return ""


def _of_evaluation(evaluation: Evaluation) -> str:
    if evaluation.state == "completed":
        return ""
    return f"{evaluation.version} could not be measured: {evaluation.error or evaluation.state}"


def _of_judge(measured: Measured, evaluation: Evaluation, limits: GateLimits) -> str:
    """Return why the judge's part of an evaluation can't be relied on."""
    judge = measured.judge(evaluation)
    if not judge.asked:
        return ""
    if judge.n == 0 or judge.valid < limits.least_judged * judge.n:
        return (
            f"the judge gave {judge.valid} usable scores for {judge.n} answers of {evaluation.version}; "
            f"{limits.least_judged:.0%} are needed"
        )
    if judge.inconsistent > limits.most_inconsistent * judge.valid:
        return (
            f"the judge disagreed with itself on {judge.inconsistent} of {judge.valid} answers of {evaluation.version}"
        )
    return ""


def _held(gate: GateName, passed: bool, value: float, limit: float, why: str, numbers: dict[str, Any]) -> Check:
    return Check(gate, bool(passed), value, limit, f"{why[:1].upper()}{why[1:]}.", numbers)


def _missing(gate: GateName, limit: float, why: str, numbers: dict[str, Any] | None = None) -> Check:
    return Check(gate, False, None, limit, f"Not passed: {why.rstrip('.')}.", numbers or {})


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return f"{', '.join(names[:_MOST_NAMED])}{more}"
