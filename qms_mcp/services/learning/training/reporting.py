"""Where a training stands, in words."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from qms_mcp.services.learning.training.models import TrainingReport

if TYPE_CHECKING:
    from qms_mcp.services.jobs.models import JobRow

_STAGES = {
    "": "waiting to begin",
    "dataset": "reading the dataset",
    "parent": "measuring the version there is",
    "exemplars": "trying good examples",
    "gepa": "looking for better words",
    "proposal": "looking for better words",
    "classifier": "learning the classifier",
    "chosen": "storing the proposal",
    "gates": "asking the gates",
    "webhook": "telling the webhook",
}
_PERSON = "a person who neither asked for it nor made it signs on the approval page"


def report_of(job: "JobRow", samples: str = "") -> TrainingReport:
    """Return where a training stands, and what comes next."""
    result: Mapping[str, Any] = job.result or {}
    agent = str(job.spec["agent"])
    known = TrainingReport(
        headline=_headline(job, agent, result),
        job_id=str(job.id),
        state=job.state,
        stage=_STAGES.get(job.stage, job.stage) if not job.finished else "",
        samples=samples,
        next=_next(job, agent, result),
    )
    if not result:
        return known
    return known.model_copy(
        update={
            "cost_usd": round(float(result["cost_usd"]), 4),
            "proposal": result["version"],
            "before": result["before"],
            "after": result["after"],
            "gates": _gates(result),
            "stages": list(result["stages"]),
        }
    )


def _headline(job: "JobRow", agent: str, result: Mapping[str, Any]) -> str:
    if not job.finished:
        return f"The training of {agent} is under way: {_STAGES.get(job.stage, job.stage)}."
    if job.state != "completed":
        ended = "failed" if job.state == "failed" else "was cancelled"
        return f"The training of {agent} {ended}: {job.error or ''}".strip()
    if not result.get("version"):
        return str(result.get("words") or f"Nothing better than {job.spec['parent']} was found.")
    gain = ""
    if result.get("before") is not None and result.get("after") is not None:
        gain = f" ({result['before']:.3f} before, {result['after']:.3f} after)"
    early = " It stopped early: the budget was spent." if result.get("stopped") == "budget" else ""
    return f"{result['version']} is proposed in place of {job.spec['parent']}{gain}.{early}"


def _gates(result: Mapping[str, Any]) -> str:
    if not result["version"]:
        return ""
    if result["passed"] is None:
        return f"not asked: {result['words']}"
    return f"{'passed' if result['passed'] else 'not passed'} (report {result['gates']})"


def _next(job: "JobRow", agent: str, result: Mapping[str, Any]) -> str:
    if not job.finished:
        return _follow(job)
    if job.state != "completed":
        return "Call trigger_retrain again: a job that failed or was cancelled is begun anew."
    if not result.get("version"):
        return "Collect more feedback, allow more budget, or try another seed or method."
    if result["passed"]:
        return f"promote_model of {agent} to {result['version']}; {_PERSON}."
    if result["passed"] is None:
        return "Have the gates asked before it is promoted; without them it can't be."
    return "It can't be promoted: read the report of the gates, collect what is missing, and train again."


def _follow(job: "JobRow") -> str:
    dataset = job.spec.get("dataset_version_id")
    with_dataset = f" and dataset {dataset}" if dataset and job.spec["method"] != "classifier" else ""
    return f"It goes on by itself. Call trigger_retrain again with the same arguments{with_dataset} to follow it."
