"""From the answers of all agents to one result: gathered, checked, and each thing said once."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from qms_mcp.agents.merging import Contribution, Embeddings, Merged, Trigrams, merge
from qms_mcp.agents.merging.likeness import Likeness
from qms_mcp.agents.merging.models import Status
from qms_mcp.agents.outputs import AgentOutput
from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.queries import query
from qms_mcp.services.dispatch.evidence import verified

if TYPE_CHECKING:
    from qms_mcp.services.embedding.service import Embedding

_LABELS = query("dispatch.labels")
_MOST_BY_VECTOR = 600
_STATUS: dict[str, Status] = {"done": "completed", "cancelled": "cancelled"}
Row = Mapping[str, Any]


class Gathering:
    """Makes one result of many answers.

    Args:
        database: Where evidence is looked up.
        embedding: Makes vectors, to find statements that say the same in other words.
    """

    def __init__(self, database: Database, embedding: "Embedding") -> None:
        self._database = database
        self._embedding = embedding

    async def gather(self, principal: Principal, tasks: Sequence[Row]) -> dict[str, Any]:
        """Return the merged result of the tasks of a dispatch, as JSON.

        Args:
            principal: Whose rows count as evidence.
            tasks: Rows of the query `dispatch.tasks`.
        """
        contributions = await self._contributions(principal, tasks)
        outputs = [contribution.output for contribution in contributions if contribution.output is not None]
        findings = [finding for output in outputs for _, finding in output.findings()]
        calls = {call for contribution in contributions for call in contribution.labels.values()}
        citations = {record for finding in findings for record in finding.evidence.records}
        there = await verified(self._database, principal, calls, citations)
        likeness = await self._likeness(principal, sorted({finding.statement for finding in findings}))
        merged: Merged = merge(contributions, likeness=likeness, verified=there)
        return merged.model_dump(mode="json")

    async def _likeness(self, principal: Principal, statements: Sequence[str]) -> Likeness:
        if not 1 < len(statements) <= _MOST_BY_VECTOR:
            return Trigrams()
        vectors = await self._embedding.statement_vectors(principal, statements)
        return Trigrams() if vectors is None else Embeddings(vectors)

    async def _contributions(self, principal: Principal, tasks: Sequence[Row]) -> list[Contribution]:
        runs = [task["run_id"] for task in tasks if task["run_id"] is not None]
        async with self._database.transaction(principal, read_only=True) as transaction:
            labels = await transaction.fetch_dicts(_LABELS, {"runs": runs})
        by_run: dict[Any, dict[str, str]] = {}
        for label in labels:
            by_run.setdefault(label["run_id"], {})[label["label"]] = str(label["call_id"])
        return [_contribution(task, by_run.get(task["run_id"], {})) for task in tasks]


def _contribution(task: Row, labels: Mapping[str, str]) -> Contribution:
    started, finished = task["started_at"], task["finished_at"]
    status: Status = "partial" if task["run_status"] == "partial" else _STATUS.get(task["state"], "failed")
    return Contribution(
        key=task["key"],
        agent=task["agent"],
        agent_version=task["agent_version"] or "",
        run_id=str(task["run_id"] or ""),
        model=task["model"] or "",
        output=AgentOutput.model_validate(task["output"]) if task["output"] else None,
        status=status,
        error=task["error"] or ("" if status != "failed" else f"It was {task['state']}."),
        labels=labels,
        seconds=(finished - started).total_seconds() if started and finished else 0.0,
        cost_usd=task["spent_usd"],
    )
