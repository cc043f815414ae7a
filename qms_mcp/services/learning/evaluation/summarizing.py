"""What many results come to: means with an interval, by scorer and slice, cost and latency, and what was missing."""

from collections.abc import Mapping, Sequence
from typing import Any

from qms_mcp.services.learning.evaluation.judging import Judged
from qms_mcp.services.learning.evaluation.models import CaseResult

_LEVEL_OF_INTERVAL = 0.95


def summary_of(results: Sequence[CaseResult], judge: Judged | None, why_no_judge: str, seed: int) -> dict[str, Any]:
    """Return what an evaluation says of itself.

    Args:
        results: Of all cases.
        judge: What the judge said; None when it was not asked.
        why_no_judge: Why it was not.
        seed: Of the interval.
    """
    scores = [one.score for one in results]
    groups = {group for one in results for group in one.missing}
    asked = {"missing": judge.missing, "inconsistent": judge.inconsistent} if judge else {"absent": why_no_judge}
    return {
        "interval": interval(scores, seed),
        "by_scorer": by_scorer(results),
        "by_slice": by_slice(results),
        "judge": asked,
        "groups_missing": sorted(group for group in groups if all(group in one.missing for one in results)),
        "not_answered": sum(one.status not in {"completed", "partial"} for one in results),
        "not_measured": sum(bool(one.outside) for one in results),
        "vetoed": sum(bool(one.vetoed) for one in results),
        "latency_ms": spread([one.latency_ms for one in results if one.latency_ms is not None]),
        "cost_usd": spread([one.cost_usd for one in results]),
    }


def interval(scores: Sequence[float], seed: int = 0) -> list[float] | None:
    """Return the 95 % interval of the mean (BCa bootstrap), within 0 and 1; None for a single score."""
    import numpy as np  # noqa: PLC0415

    from qms_mcp.statistics.experiments.resampling import bca  # noqa: PLC0415

    if len(scores) < 2:  # noqa: PLR2004
        return None
    column = np.asarray(scores, dtype=np.float64).reshape(-1, 1)
    found = bca(column, lambda means: means[:, 0], level=_LEVEL_OF_INTERVAL, seed=seed)
    return [max(0.0, found.low), min(1.0, found.high)]


def by_scorer(results: Sequence[CaseResult]) -> dict[str, dict[str, float]]:
    """Return the mean of each scorer and how many cases it had."""
    values: dict[str, list[float]] = {}
    for one in results:
        for name, score in one.scores.items():
            values.setdefault(name, []).append(score)
    return {name: {"score": sum(of) / len(of), "n": len(of)} for name, of in sorted(values.items())}


def by_slice(results: Sequence[CaseResult]) -> dict[str, dict[str, dict[str, float]]]:
    """Return the mean score of each slice and how many cases it had."""
    values: dict[str, dict[str, list[float]]] = {}
    for one in results:
        for by, name in one.slices.items():
            values.setdefault(by, {}).setdefault(name, []).append(one.score)
    return {
        by: {name: {"score": sum(of) / len(of), "n": len(of)} for name, of in sorted(parts.items())}
        for by, parts in sorted(values.items())
    }


def spread(values: Sequence[float]) -> Mapping[str, float]:
    """Return sum, median and 95 % quantile; nothing of nothing."""
    import numpy as np  # noqa: PLC0415

    if not values:
        return {}
    median, high = np.quantile(np.asarray(values, dtype=np.float64), [0.5, 0.95])
    return {"n": len(values), "sum": float(sum(values)), "median": float(median), "p95": float(high)}
