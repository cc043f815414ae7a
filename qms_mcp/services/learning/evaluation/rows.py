"""Evaluations in the database: opened once, scores added and never changed, finished once."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

from qms_mcp.db.queries import query
from qms_mcp.errors import NotFoundError
from qms_mcp.services.learning.evaluation.models import COMPOSITE, CaseResult, Evaluation

if TYPE_CHECKING:
    from qms_mcp.auth.principal import Principal
    from qms_mcp.db.database import Database
    from qms_mcp.db.transaction import Transaction

_OF_SPEC, _OPEN = query("learning_evaluation.of_spec"), query("learning_evaluation.open")
_OF_JOB, _CANCELLED = query("learning_evaluation.of_job"), query("learning_evaluation.job_was_cancelled")
_GET, _LATEST = query("learning_evaluation.get"), query("learning_evaluation.latest")
_DISPATCHED, _FINISH = query("learning_evaluation.dispatched"), query("learning_evaluation.finish")
_KEEP, _RESULTS = query("learning_evaluation.keep"), query("learning_evaluation.results")
_KEPT = ("status", "missing", "vetoed", "error", "outside", "slices", "groups")


class EvaluationRows:
    """The rows of evaluations."""

    def __init__(self, database: "Database") -> None:
        self._database = database

    async def open(self, principal: "Principal", row: Mapping[str, Any]) -> Evaluation:
        """Record an evaluation, or find the one of this spec that is finished or under way."""
        async with self._database.transaction(principal) as transaction:
            found = (await transaction.fetch_dicts(_OF_SPEC, row))[0]
            if found["id"] is not None:
                return await _one(transaction, found["id"])
            # Its id follows from what it measures, so that two who ask at once open one.
            own_id = uuid5(principal.organization_id, f"{row['version_id']}:{row['spec_sha256']}:{found['failed']}")
            await transaction.execute(_OPEN, {**row, "id": own_id, "spec": _json(row["spec"])})
            return await _one(transaction, own_id)

    async def get(self, principal: "Principal", evaluation_id: UUID) -> Evaluation:
        """Return an evaluation.

        Raises:
            NotFoundError: There is none of this id.
        """
        async with self._database.transaction(principal, read_only=True) as transaction:
            return await _one(transaction, evaluation_id)

    async def latest(self, principal: "Principal", params: Mapping[str, Any]) -> Evaluation | None:
        """Return the newest finished one of a version on one side of a dataset."""
        async with self._database.transaction(principal, read_only=True) as transaction:
            found = await transaction.fetch_dicts(_LATEST, params)
            return await _one(transaction, found[0]["id"]) if found else None

    async def dispatch_of(self, principal: "Principal", job_id: UUID) -> UUID | None:
        """Return the dispatch a job runs its cases in; None before it has begun."""
        async with self._database.transaction(principal, read_only=True) as transaction:
            found = await transaction.fetch_dicts(_OF_JOB, {"job_id": job_id})
        return found[0]["dispatch_id"] if found else None

    async def was_cancelled(self, principal: "Principal", job_id: UUID) -> bool:
        """Whether somebody cancelled a job; one whose process ended goes on elsewhere."""
        async with self._database.transaction(principal, read_only=True) as transaction:
            found = await transaction.fetch_dicts(_CANCELLED, {"job_id": job_id})
        return bool(found and found[0]["cancelled"])

    async def dispatched(self, principal: "Principal", evaluation_id: UUID, dispatch_id: UUID) -> None:
        """Say which dispatch runs the cases."""
        async with self._database.transaction(principal) as transaction:
            await transaction.execute(_DISPATCHED, {"id": evaluation_id, "dispatch_id": dispatch_id})

    async def finish(
        self, principal: "Principal", measured: Evaluation, results: Sequence[CaseResult], ended: Mapping[str, Any]
    ) -> Evaluation:
        """Keep all scores and record what came of it, in one transaction; finished already, it stays as it is."""
        scores = [score for result in results for score in _scores(result)]
        params = {"id": measured.id, "version_id": measured.version_id, "scores": _json(scores)}
        async with self._database.transaction(principal) as transaction:
            await transaction.execute(_KEEP, params)
            await transaction.fetch_dicts(_FINISH, {"id": measured.id, **ended, "summary": _json(ended["summary"])})
            return await _one(transaction, measured.id)

    async def results(self, principal: "Principal", evaluation_id: UUID) -> list[CaseResult]:
        """Return the results of all cases."""
        async with self._database.transaction(principal, read_only=True) as transaction:
            rows = await transaction.fetch_dicts(_RESULTS, {"id": evaluation_id})
        by_case: dict[str, list[dict[str, Any]]] = {}
        for row in rows:
            by_case.setdefault(row["case_key"], []).append(row)
        return [_result(key, of_case) for key, of_case in by_case.items()]


async def _one(transaction: "Transaction", evaluation_id: UUID) -> Evaluation:
    found = await transaction.fetch_one(_GET, {"id": evaluation_id}, row=Evaluation)
    if found is None:
        raise NotFoundError(f"There is no evaluation {evaluation_id}.", hint="score_model makes one.")
    return found


def _scores(result: CaseResult) -> list[dict[str, Any]]:
    shared: dict[str, Any] = {
        "case_key": result.key,
        "dataset_item_id": str(result.item_id) if result.item_id else None,
        "run_id": str(result.run_id) if result.run_id else None,
        "latency_ms": result.latency_ms,
        "cost_usd": result.cost_usd,
    }
    whole: dict[str, Any] = {name: value for name in _KEPT if (value := getattr(result, name))}
    whole.update({name: dict(whole[name]) for name in ("slices", "groups") if name in whole})
    return [
        {**shared, "eval_type": COMPOSITE, "score": result.score, "details": whole},
        *(
            {**shared, "eval_type": name, "score": score, "details": result.details.get(name, {})}
            for name, score in result.scores.items()
        ),
    ]


def _result(key: str, rows: Sequence[Mapping[str, Any]]) -> CaseResult:
    whole = next(row for row in rows if row["eval_type"] == COMPOSITE)
    others = [row for row in rows if row is not whole]
    kept: Mapping[str, Any] = whole["details"]
    return CaseResult(
        key=key,
        score=whole["score"],
        scores={row["eval_type"]: row["score"] for row in others},
        groups=kept.get("groups", {}),
        run_id=whole["run_id"],
        status=kept.get("status", "missing"),
        missing=tuple(kept.get("missing", ())),
        vetoed=kept.get("vetoed", ""),
        error=kept.get("error", ""),
        outside=kept.get("outside", ""),
        slices=kept.get("slices", {}),
        latency_ms=whole["latency_ms"],
        cost_usd=whole["cost_usd"],
        item_id=whole["dataset_item_id"],
        details={row["eval_type"]: row["details"] for row in others if row["details"]},
    )


def _json(value: Any) -> str:
    # PostgreSQL keeps no NUL in JSON text, and no half of a surrogate pair.
    text = json.dumps(value, ensure_ascii=False, default=str, allow_nan=False)
    return text.replace("\\u0000", "\\ufffd").encode("utf-8", "replace").decode()
