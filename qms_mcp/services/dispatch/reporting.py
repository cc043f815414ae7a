"""A dispatch as its caller sees it: where it truly stands at this moment."""

from collections.abc import Mapping, Sequence
from typing import Any

from qms_mcp.services.dispatch.models import DispatchReport, Spend, TimelineEntry

Row = Mapping[str, Any]


def report_of(dispatch: Row, tasks: Sequence[Row], result: Mapping[str, Any] | None) -> DispatchReport:
    """Return the report of a dispatch from its rows."""
    return DispatchReport(
        id=dispatch["id"],
        run_key=dispatch["run_key"],
        status=dispatch["status"],
        note=_note(dispatch, tasks),
        uri=f"qms://dispatch/{dispatch['id']}",
        agents=tuple(_entry(task) for task in tasks),
        spend=_spend(dispatch, tasks),
        plan=dispatch["plan"] if result is None and dispatch["finished_at"] is None else None,
        result=dict(result) if result is not None else None,
    )


def _note(dispatch: Row, tasks: Sequence[Row]) -> str:
    notes: list[str] = []
    if dispatch["status"] == "running" and not dispatch["held"]:
        who = "another worker" if dispatch["runs_in"] == "workers" else "the next server of the same person"
        notes.append(f"The process that worked on it is gone; {who} goes on with it seconds after it is there.")
    if dispatch["status"] == "queued":
        where = "a worker" if dispatch["runs_in"] == "workers" else "its server"
        notes.append(f"It waits for {where} to take it.")
    if dispatch["status"] == "cancelled":
        notes.append(f"Cancelled: {dispatch['cancel_reason']}. What was finished is in the result.")
    without = sorted({task["agent"] for task in tasks if task["model"] == "playbook"})
    if without:
        reasons = sorted({task["fallback_reason"] for task in tasks if task["fallback_reason"]})
        why = f" ({'; '.join(reasons)})" if reasons else ""
        notes.append(f"Done by playbook, without a model{why}: {', '.join(without)}.")
    if dispatch["error"]:
        notes.append(dispatch["error"])
    return " ".join(notes)


def _entry(task: Row) -> TimelineEntry:
    return TimelineEntry(
        key=task["key"],
        agent=task["agent"],
        state=task["state"],
        model=task["model"] or "",
        attempt=task["attempt"],
        turns=task["turns"],
        tool_calls=task["tool_calls"],
        queued_at=task["queued_at"],
        started_at=task["started_at"],
        finished_at=task["finished_at"],
        reserved_tokens=task["reserved_tokens"],
        spent_tokens=task["spent_tokens"],
        spent_usd=round(task["spent_usd"], 6),
        note=task["error"] or "",
        run_id=task["run_id"],
    )


def _spend(dispatch: Row, tasks: Sequence[Row]) -> Spend:
    return Spend(
        spent_tokens=sum(task["spent_tokens"] for task in tasks),
        spent_usd=round(sum(task["spent_usd"] for task in tasks), 6),
        reserved_tokens=sum(max(task["reserved_tokens"] - task["spent_tokens"], 0) for task in tasks),
        reserved_usd=round(sum(max(task["reserved_usd"] - task["spent_usd"], 0.0) for task in tasks), 6),
        budget_tokens=dispatch["budget_tokens"],
        budget_usd=dispatch["budget_usd"],
    )
