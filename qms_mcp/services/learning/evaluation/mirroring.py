"""An evaluation as a dataset run of Langfuse: the dataset, its items, which run answered which, and the scores.

It goes into the outbox like all else for Langfuse, and nobody waits for it. Ids are those of our rows: put again, it
is the same. Without keys nothing is put there.
"""

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

from qms_mcp.db.queries import query
from qms_mcp.errors import QmsError
from qms_mcp.services.learning.evaluation.models import COMPOSITE, Case, CaseResult, DatasetCases, Evaluation

if TYPE_CHECKING:
    from qms_mcp.auth.principal import Principal
    from qms_mcp.db.database import Database

DATASETS, ITEMS = "/api/public/v2/datasets", "/api/public/dataset-items"
RUN_ITEMS, SCORES = "/api/public/dataset-run-items", "/api/public/scores"
_MIRROR = query("learning_evaluation.mirror")
_log = logging.getLogger(__name__)


async def mirror(
    database: "Database",
    principal: "Principal",
    measured: Evaluation,
    dataset: DatasetCases,
    results: Sequence[CaseResult],
) -> None:
    """Put an evaluation into the outbox; what goes wrong is logged and stops nothing."""
    sent = [{"path": path, "payload": payload} for path, payload in messages(measured, dataset, results)]
    try:
        async with database.plumbing() as transaction:
            text = json.dumps(sent, ensure_ascii=False, default=str)
            params = {"organization_id": principal.organization_id, "messages": text}
            await transaction.fetch_dicts(_MIRROR, params)
    except QmsError as error:
        _log.warning("the evaluation %s does not go to Langfuse: %s", measured.id, error.message)


def messages(
    measured: Evaluation, dataset: DatasetCases, results: Sequence[CaseResult]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield what is posted, and where, in the order in which one needs the other."""
    known = {"dataset_version_id": str(dataset.dataset_version_id), "content_sha256": dataset.content_sha256}
    yield DATASETS, {"name": dataset.label, "description": f"Frozen cases of the agent {measured.agent}.",
                     "metadata": known}  # fmt: skip
    for case in dataset.cases:
        if case.item_id:
            yield ITEMS, _item(dataset, case)
    for result in results:
        if result.item_id and result.run_id and measured.dispatch_id:
            yield RUN_ITEMS, _run_item(measured, result, result.run_id, measured.dispatch_id)
    for result in results:
        if result.run_id and measured.dispatch_id:
            for name, value in {COMPOSITE: result.score, **result.scores}.items():
                yield SCORES, _score(measured, result, result.run_id, measured.dispatch_id, name, value)


def _item(dataset: DatasetCases, case: Case) -> dict[str, Any]:
    return {
        "datasetName": dataset.label,
        "id": str(case.item_id),
        "input": {"request": case.request, "subject": case.subject},
        "expectedOutput": dict(case.expected.answer),
        "metadata": {"split": dataset.split, "slices": dict(case.slices)},
    }


def _run_item(measured: Evaluation, result: CaseResult, run_id: UUID, dispatch_id: UUID) -> dict[str, Any]:
    return {
        "runName": f"{measured.version} {str(measured.id)[:8]}",
        "runDescription": f"{measured.version} on {measured.split}",
        "metadata": {
            "evaluation_id": str(measured.id),
            "agent_version": measured.version,
            "spec": measured.spec_sha256,
        },
        "datasetItemId": str(result.item_id),
        "traceId": _trace(dispatch_id),
        "observationId": _span(run_id),
    }


def _score(
    measured: Evaluation, result: CaseResult, run_id: UUID, dispatch_id: UUID, name: str, value: float
) -> dict[str, Any]:
    return {
        "id": str(uuid5(measured.id, f"{result.key}:{name}")),
        "traceId": _trace(dispatch_id),
        "observationId": _span(run_id),
        "name": f"evaluation.{name}",
        "value": value,
        "dataType": "NUMERIC",
        "timestamp": datetime.now(UTC).isoformat(),
    }


# A dispatch is one trace and an agent's run a span in it, named as the ledger names them.
def _trace(dispatch_id: UUID) -> str:
    return hashlib.sha256(dispatch_id.bytes).hexdigest()[:32]


def _span(run_id: UUID) -> str:
    return f"{uuid5(run_id, 'agent').int >> 64:016x}"
