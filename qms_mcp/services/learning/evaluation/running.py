"""What a version did with cases: its runs, and whether what their findings cite is there."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from pydantic import ValidationError

from qms_mcp.agents.outputs import AgentOutput
from qms_mcp.db.queries import query
from qms_mcp.services.dispatch.cases import CaseTask
from qms_mcp.services.dispatch.evidence import verified
from qms_mcp.services.learning.evaluation.models import Case, Ran

if TYPE_CHECKING:
    from qms_mcp.auth.principal import Principal
    from qms_mcp.db.database import Database
    from qms_mcp.services.learning.versions import VersionRow

_RUNS, _LABELS = query("learning_evaluation.runs"), query("dispatch.labels")
NO_KEY = "no key for the Claude API is set"
_ANSWERED = ("completed", "partial")


def task_of(case: Case, version: "VersionRow") -> CaseTask:
    """Return a case as a task for a version."""
    return CaseTask(case.key, version.agent, case.request, version.id, case.subject, dict(case.inputs), case.seconds)


async def runs_of(
    database: "Database", principal: "Principal", dispatch_id: UUID, cases: Sequence[Case], *, limits_money: bool
) -> list[Ran]:
    """Return what became of each case, in their order; one without a run is there, too.

    Args:
        database: Where it is.
        principal: On whose behalf.
        dispatch_id: That ran them.
        cases: All that were to be run.
        limits_money: Whether the dispatch had a budget: then running into it is nothing the version did.
    """
    async with database.transaction(principal, read_only=True) as transaction:
        rows = {row["key"]: row for row in await transaction.fetch_dicts(_RUNS, {"dispatch_id": dispatch_id})}
        ids = [row["run_id"] for row in rows.values() if row["run_id"]]
        labels = await transaction.fetch_dicts(_LABELS, {"runs": ids})
    called: dict[UUID, set[str]] = {}
    for label in labels:
        called.setdefault(label["run_id"], set()).add(str(label["label"]))
    outputs = {key: _output(row["output"]) for key, row in rows.items()}
    cited = {record for output in outputs.values() if output for record in _records(output)}
    there = await verified(database, principal, (), cited) if cited else {}
    missing = Ran("", outside="It was never run.")
    return [
        _ran(case.key, rows[case.key], outputs[case.key], called, there, limits_money=limits_money)
        if case.key in rows
        else Ran(case.key, outside=missing.outside)
        for case in cases
    ]


def _ran(
    key: str,
    row: Mapping[str, Any],
    output: AgentOutput | None,
    called: Mapping[UUID, set[str]],
    there: Mapping[str, bool],
    *,
    limits_money: bool,
) -> Ran:
    made = called.get(row["run_id"], set())
    calls = [label for _, one in output.findings() for label in one.evidence.calls] if output else []
    records = _records(output) if output else []
    return Ran(
        key=key,
        run_id=row["run_id"],
        status=row["status"] or "missing",
        output=output if row["status"] in _ANSWERED else None,
        stop=row["stop"],
        error=row["error"],
        outside=_outside(row, limits_money=limits_money),
        fallback=row["fallback"],
        model=row["model"],
        calls=row["calls"],
        failed_calls=row["failed_calls"],
        citations=len(calls) + len(records),
        valid_citations=sum(label in made for label in calls) + sum(there.get(one, False) for one in records),
        duration_ms=row["duration_ms"],
        cost_usd=row["spent_usd"],
        tokens=row["spent_tokens"],
        called=tuple(row["called"]),
    )


def _outside(row: Mapping[str, Any], *, limits_money: bool) -> str:
    """Return why a run says nothing about its version; empty when it does."""
    if row["state"] in {"cancelled", "skipped"} or row["status"] in {None, "cancelled", "lost", "running"}:
        return row["error"] or f"It was {row['state']}."
    if row["fallback"] and row["fallback"] != NO_KEY:
        return f"The playbook answered: {row['fallback']}."
    if limits_money and row["stop"] == "budget":
        return "The budget of the evaluation was spent."
    # A task is tried again only after a failure that passes, such as an API that is away.
    if row["status"] == "failed" and row["attempt"] > 1:
        return f"It failed for what is not its own fault, {row['attempt']} times: {row['error']}"
    return ""


def _output(stored: Any) -> AgentOutput | None:
    if stored is None:
        return None
    try:
        return AgentOutput.model_validate(cast("Mapping[str, Any]", stored))
    except ValidationError:
        return None


def _records(output: AgentOutput) -> list[str]:
    return [record for _, one in output.findings() for record in one.evidence.records]
