"""A CAPA as an 8D report, from the record as it is now."""

import json
from typing import TYPE_CHECKING, Any
from uuid import UUID

from qms_mcp.auth.principal import Principal
from qms_mcp.db.queries import query
from qms_mcp.db.transaction import Transaction
from qms_mcp.errors import InvalidInputError
from qms_mcp.services.capas.reading import (
    CapaRow,
    CauseRow,
    read_actions,
    read_capa,
    read_causes,
    read_criterion,
)
from qms_mcp.services.domain.causes import METHOD_NAMES
from qms_mcp.services.domain.eight_d import (
    CapaFile,
    CauseAnalysis,
    EightD,
    ReportedAction,
    ReportedSignature,
    compose,
)

if TYPE_CHECKING:
    from qms_mcp.db.database import Database

_CHECKS = query("capas.checks")
_LINKS = query("capas.links")
_SIGNATURES = query("capas.signatures")


class EightDReporter:
    """Makes 8D reports."""

    def __init__(self, database: "Database") -> None:
        self._database = database

    async def report(self, principal: Principal, reference: str) -> EightD:
        """Return the 8D report of a CAPA.

        Raises:
            NotFoundError: There is no such record.
            InvalidInputError: It is no CAPA.
        """
        async with self._database.transaction(principal, read_only=True) as transaction:
            return compose(await _file(transaction, await read_capa(transaction, reference)))


async def _file(transaction: Transaction, capa: CapaRow) -> CapaFile:
    sources, links = await _links(transaction, capa.id)
    return CapaFile(
        number=capa.number,
        version=capa.version,
        title=capa.title,
        state=capa.status,
        risk_class=capa.risk_class or "",
        owner=capa.owner_name or "",
        opened_on=capa.created_at.date(),
        drafted_by_model=capa.drafted_by_kind == "agent" and capa.adopted_at is None,
        sources=sources,
        screening=_screening(capa),
        description=capa.description or "",
        problem_statement=capa.problem_statement or "",
        actions=await _actions(transaction, capa.id),
        analyses=_analyses(await read_causes(transaction, capa.id)),
        root_cause_summary=capa.root_cause_summary or "",
        root_cause_not_determined=capa.root_cause_not_determined or "",
        similar_cases=capa.similar_cases or "",
        criterion=_criterion(capa),
        verification_result=capa.verification_result or "",
        checks=await _checks(transaction, capa.id),
        verdict=capa.verdict or "",
        links=links,
        signatures=await _signatures(transaction, capa.id),
    )


async def _links(transaction: Transaction, capa_id: UUID) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what the CAPA answers, and what else hangs together with it."""
    sources: list[str] = []
    others: list[str] = []
    for row in await transaction.fetch_dicts(_LINKS, {"record_id": capa_id}):
        said = f"{row['number']} v{row['version']}: {row['title']} ({row['status']})"
        if row["outward"] and row["kind"] == "corrects":
            sources.append(said)
        else:
            others.append(f"{row['kind'].replace('_', ' ')}: {said}")
    return tuple(sources), tuple(others)


async def _actions(transaction: Transaction, capa_id: UUID) -> tuple[ReportedAction, ...]:
    return tuple(
        ReportedAction(
            action_type=row.action_type,
            description=row.description,
            owner=row.owner_name or "",
            due_on=row.due_on,
            progress=row.progress or "",
            completed_on=row.completed_on,
            evidence=row.completion_evidence or "",
            accepted_by=row.accepted_by_name or "",
        )
        for row in await read_actions(transaction, capa_id)
    )


def _analyses(rows: list[CauseRow]) -> tuple[CauseAnalysis, ...]:
    return tuple(
        CauseAnalysis(method=method, nodes=nodes)
        for method in METHOD_NAMES
        if (nodes := tuple(row.node() for row in rows if row.method == method))
    )


def _screening(capa: CapaRow) -> str:
    kept: dict[str, Any] = capa.risk_screen or {}
    reasons = "; ".join(str(reason.get("why", "")) for reason in kept.get("reasons", []))
    override = f"opened against the screen: {kept['override']}" if kept.get("override") and not reasons else ""
    return reasons or override


def _criterion(capa: CapaRow) -> str:
    try:
        criterion = read_criterion(capa)
    except InvalidInputError:
        return json.dumps(capa.criterion, ensure_ascii=False)  # as it stands: a report leaves nothing out
    if criterion is None:
        return ""
    return (
        f"{criterion.metric}: {criterion.comparator} {criterion.target:g} (baseline {criterion.baseline.value:g}), "
        f"{criterion.window_start} to {criterion.window_end}, minimum sample {criterion.minimum_sample}"
    )


async def _checks(transaction: Transaction, capa_id: UUID) -> tuple[str, ...]:
    return tuple(
        f"{row['created_at']:%Y-%m-%d}: {row['outcome'].replace('_', ' ')}, {row['why'] or ''}"
        for row in await transaction.fetch_dicts(_CHECKS, {"record_id": capa_id})
    )


async def _signatures(transaction: Transaction, capa_id: UUID) -> tuple[ReportedSignature, ...]:
    return tuple(
        ReportedSignature(
            name=row["printed_name"],
            meaning=row["meaning"],
            verdict=row["verdict"],
            signed_at=f"{row['signed_at']} (v{row['record_version']})",
            standing=row["status"].replace("_", " "),
        )
        for row in await transaction.fetch_dicts(_SIGNATURES, {"record_id": capa_id})
    )
