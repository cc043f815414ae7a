"""What is said of a measured version: score first, then where it is weak, then how it compares."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal
from uuid import UUID

from qms_mcp.services.answer import Answer
from qms_mcp.services.learning.evaluation.comparing import PASSES, Comparison
from qms_mcp.services.learning.evaluation.models import CaseResult, Evaluation
from qms_mcp.services.learning.evaluation.weighing import WEIGHTS
from qms_mcp.statistics.experiments.paired import Paired, Ratio

_WORST = 5
_SURE = 0.05
_MOST_WORDS = 160


class ModelScore(Answer):
    """A version, measured; or how far that is."""

    headline: str
    state: Literal["running", "completed", "failed"]
    version: str
    dataset: str
    n: int = 0
    score: float | None = None
    interval: list[float] | None = None
    by_scorer: dict[str, Any] | None = None
    by_slice: dict[str, Any] | None = None
    worst: list[dict[str, Any]] | None = None
    against: dict[str, Any] | None = None
    cost: dict[str, Any] | None = None
    note: str = ""
    evaluation_id: UUID | None = None


def model_score(measured: Evaluation, results: Sequence[CaseResult], dataset: str, left_out: int = 0) -> ModelScore:
    """Return what is said of a finished evaluation."""
    summary = measured.summary
    interval = summary.get("interval")
    within = f" ({interval[0]:.2f} to {interval[1]:.2f})" if interval else ""
    words = f"{measured.version} scores {measured.score or 0:.2f}{within} on {measured.n} cases of {dataset}."
    if measured.state == "failed":
        words = f"{measured.version} was not measured. {measured.error}"
    return ModelScore(
        headline=words,
        state=measured.state,
        version=measured.version,
        dataset=dataset,
        n=measured.n,
        score=_short(measured.score),
        interval=[round(end, 4) for end in interval] if interval else None,
        by_scorer={name: [_short(of["score"]), of["n"]] for name, of in summary["by_scorer"].items()},
        by_slice={
            by: {name: [_short(of["score"]), of["n"]] for name, of in parts.items()}
            for by, parts in summary["by_slice"].items()
        }
        or None,
        worst=worst(results),
        cost={"usd": round(measured.cost_usd, 6), "usd_per_case": _spread(summary["cost_usd"]),
              "latency_ms": _spread(summary["latency_ms"])},
        note=_note(measured, left_out),
        evaluation_id=measured.id,
    )  # fmt: skip


def worst(results: Sequence[CaseResult], most: int = _WORST) -> list[dict[str, Any]]:
    """Return the cases with the lowest scores below passing, each with its run and what was wrong."""
    low = sorted((one for one in results if one.score < PASSES), key=lambda one: (one.score, one.key))
    return [
        {"case": one.key, "score": _short(one.score), "run": str(one.run_id or ""), "why": _why(one)}
        for one in low[:most]
    ]


def in_words(found: Comparison, before: str, after: str) -> str:
    """Return a comparison in a sentence."""
    score = found.score
    if score.p >= _SURE or not score.difference:
        return (
            f"{after} and {before} can't be told apart on {found.n} cases: the difference is {score.difference:+.3f}, "
            f"and {score.lower:+.3f} or more at 95 % confidence."
        )
    how = "better" if score.difference > 0 else "worse"
    return f"{after} is {how} than {before} by {abs(score.difference):.3f} (p = {score.p:.2g}, {found.n} cases)."


def comparison_parts(found: Comparison, version: str, headline: str) -> dict[str, Any]:
    """Return a comparison as it is answered."""
    return {
        "version": version,
        "finding": headline,
        "score": _paired(found.score),
        "passed": {"before": found.passed.before, "after": found.passed.after, "lost": found.passed.lost,
                   "gained": found.passed.gained, "p": _short(found.passed.p)},
        "cost_ratio": _ratio(found.cost),
        "latency_ratio": _ratio(found.latency),
        "slices": [
            {"slice": f"{one.by}={one.name}", "n": one.n, "difference": _short(one.found.difference),
             "lower": _short(one.found.lower), "p_worse": _short(one.p_worse)}
            for one in found.slices if one.found
        ],
        "too_small": [f"{one.by}={one.name}" for one in found.slices if not one.found],
        "worsened": [
            {"case": one.key, "before": _short(one.before), "after": _short(one.after), "run": one.run_after}
            for one in found.worsened[:_WORST]
        ],
    }  # fmt: skip


def _paired(of: Paired) -> dict[str, Any]:
    return {
        "before": _short(of.before),
        "after": _short(of.after),
        "difference": _short(of.difference),
        "interval": [round(end, 4) for end in of.student or of.bootstrap],
        "lower": _short(of.lower),
        "p": _short(of.p),
        "effect": _short(of.effect),
        "improved": of.improved,
        "worsened": of.worsened,
    }


def _ratio(of: Ratio | None) -> list[float | None] | None:
    return None if of is None or of.ratio is None else [_short(of.ratio), _short(of.low), _short(of.high)]


def _note(measured: Evaluation, left_out: int) -> str:
    summary, said = measured.summary, list[str]()
    judge: Mapping[str, Any] = summary["judge"]
    if "absent" in judge:
        said.append(f"No judge: {judge['absent']}.")
    elif judge["missing"] or judge["inconsistent"]:
        said.append(f"The judge left out {judge['missing']} answers and was unsure of {judge['inconsistent']}.")
    missing = [group for group in summary["groups_missing"] if group != "judge"]
    if missing:
        rest = ", ".join(f"{group} {weight:g}" for group, weight in WEIGHTS.items() if group not in missing)
        said.append(f"Nothing tells {', '.join(missing)}: the score is made of {rest}, in proportion.")
    if not measured.spec["with_model"]:
        said.append("Without a key its playbook was measured: its prompt had no part in it.")
    if summary["not_answered"]:
        said.append(f"{summary['not_answered']} cases got no answer and count as 0.")
    if left_out:
        said.append(f"{left_out} cases beyond the cap were left out.")
    return " ".join(said)


def _why(one: CaseResult) -> str:
    if one.outside or one.error:
        return (one.outside or one.error)[:_MOST_WORDS]
    if one.vetoed:
        return f"{one.vetoed}: {one.details.get(one.vetoed, {})}"[:_MOST_WORDS]
    name, score = min(one.scores.items(), key=lambda pair: pair[1], default=("", 1.0))
    details: Mapping[str, Any] = one.details.get(name, {})
    told = details.get("lacking") or details.get("reason") or ""
    return f"{name} {score:.2f}{f': {told}' if told else ''}"[:_MOST_WORDS]


def _spread(of: Mapping[str, float]) -> dict[str, float | None] | None:
    return {name: _short(of[name]) for name in ("median", "p95")} if of else None


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")
