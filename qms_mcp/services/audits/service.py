"""Planning audits and recording findings.

Who audits has no responsibility for what is audited. The plan says where it sees such a tie; people decide about it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from qms_mcp.auth.principal import Principal
from qms_mcp.db.queries import query
from qms_mcp.errors import InvalidInputError
from qms_mcp.services.audits.models import (
    AuditPlanned,
    ChecklistClause,
    CitedRecord,
    NewAudit,
    NewFinding,
)
from qms_mcp.services.compliance.finding import find_framework
from qms_mcp.services.events.records import record_of
from qms_mcp.services.records.models import Written
from qms_mcp.services.records.people import People
from qms_mcp.services.records.writing import MADE_BEFORE, RecordWriter, Writing

if TYPE_CHECKING:
    from qms_mcp.db.database import Database

_CLAUSES = query("audits.clauses")
_SAMPLE = query("audits.sample")
_OPEN_ITEMS = query("audits.open_items")
_OWN_WORK = query("audits.own_work")
_CHECKED = query("audits.checked_in_audit")
_MOST_CLAUSES = 200
_MOST_OPEN = 50
_RECENT = 2_000
_SHOWN = 15
_SAMPLED_DAYS = 365
_NEEDED = ("grade", "clause", "objective_evidence", "capa_rationale")
_SAMPLED: dict[str, tuple[str, ...]] = {
    "internal": ("nonconformance", "capa", "change_request", "complaint", "document", "training", "equipment"),
    "supplier": ("supplier", "scar", "nonconformance"),
    "external": ("capa", "complaint", "change_request", "document"),
}


class Audits:
    """Plans audits and records what they find."""

    def __init__(self, database: "Database") -> None:
        self._writer = RecordWriter(database)
        self._people = People(database)

    async def plan(
        self, principal: Principal, new: NewAudit, because: str, *, idempotency_key: str | None = None
    ) -> AuditPlanned:
        """Add an audit with its checklist, its sample and what is open.

        Raises:
            NotFoundError: There is no such framework or person.
            InvalidInputError: No clause fits, or a field does not.
        """
        given = {"audit_kind": "internal", **new.fields, "title": new.title}
        fields = await self._people.resolve_fields(principal, given)
        async with self._writer.open(principal, because=because) as writing:
            framework = await find_framework(writing.transaction, new.framework)
            clauses = await _clauses(writing, framework.id, framework.name, new.clauses)
            # The seed stands in the record: whoever has it draws the same sample again.
            seed = f"{framework.key} {new.title} {fields.get('planned_from') or ''}".strip()
            sample = await _sample(writing, str(fields["audit_kind"]), seed, new.sample_of_each)
            open_items = await writing.transaction.fetch_all(_OPEN_ITEMS, {"max_rows": _MOST_OPEN}, row=CitedRecord)
            fields.setdefault("criteria", framework.name)
            fields["checklist"] = _checklist(framework.name, clauses, sample, open_items, seed)
            made = await writing.add("audit", fields, idempotency_key=idempotency_key)
            if MADE_BEFORE not in made.warnings:
                made = await writing.written(made.id, *await _too_close(writing, fields, sample))
        return AuditPlanned(
            **dict(made),
            framework=framework.name,
            clauses=len(clauses),
            sample=[record.in_words() for record in sample[:_SHOWN]],
            open_items=[record.in_words() for record in open_items[:_SHOWN]],
        )

    async def record_finding(
        self, principal: Principal, new: NewFinding, because: str, *, idempotency_key: str | None = None
    ) -> Written:
        """Add a finding to an audit, with a link to it.

        Raises:
            NotFoundError: There is no such audit, person or record.
            InvalidInputError: It says nothing about evidence or why (no) CAPA, or it is not an audit.
        """
        missing = [name for name in _NEEDED if str(new.fields.get(name) or "").strip() in {"", "None"}]
        if new.fields.get("capa_required") is None:
            missing.append("capa_required")
        if missing:
            raise InvalidInputError(
                f"A finding needs {', '.join(missing)}.", hint="Ask who audited; nothing is guessed."
            )
        fields = await self._people.resolve_fields(principal, {**new.fields, "title": new.title})
        async with self._writer.open(principal, because=because) as writing:
            audit = await record_of(writing, new.audit, "audit")
            made = await writing.add("finding", {**fields, "audit_id": audit.id}, idempotency_key=idempotency_key)
            if MADE_BEFORE in made.warnings:
                return made
            await writing.link(made.id, audit.id, "caused_by")
            for reference in new.about:
                await writing.link(made.id, reference, "relates_to")
            return await writing.written(made.id, *await _beyond_scope(writing, audit.id, str(fields["clause"])))


async def _clauses(writing: Writing, framework_id: UUID, name: str, wanted: Sequence[str]) -> list[ChecklistClause]:
    under = [number.strip().rstrip(".") for number in wanted if number.strip()]
    params = {"framework_id": framework_id, "under": under, "max_rows": _MOST_CLAUSES}
    clauses = await writing.transaction.fetch_all(_CLAUSES, params, row=ChecklistClause)
    if not clauses:
        raise InvalidInputError(
            f"{name} has no requirements under {', '.join(under)}.", hint="get_compliance_matrix lists its clauses."
        )
    return clauses


async def _sample(writing: Writing, kind: str, seed: str, of_each: int) -> list[CitedRecord]:
    params = {
        "categories": list(_SAMPLED.get(kind, ())),
        "since": datetime.now(UTC) - timedelta(days=_SAMPLED_DAYS),
        "recent": _RECENT,
        "seed": seed,
        "of_each": of_each,
    }
    return await writing.transaction.fetch_all(_SAMPLE, params, row=CitedRecord)


def _checklist(
    framework: str,
    clauses: Sequence[ChecklistClause],
    sample: Sequence[CitedRecord],
    open_items: Sequence[CitedRecord],
    seed: str,
) -> dict[str, Any]:
    return {
        "framework": framework,
        "clauses": [{"clause": clause.number, "title": clause.title} for clause in clauses],
        "sample": [asdict(record) for record in sample],
        "sample_method": (
            f"of each type the first by sha256(seed || id) among the latest {_RECENT} of {_SAMPLED_DAYS} days; "
            f"seed: {seed}"
        ),
        "open_items": [asdict(record) for record in open_items],
    }


async def _too_close(writing: Writing, fields: Mapping[str, Any], sample: Sequence[CitedRecord]) -> list[str]:
    """Return where the lead auditor has a tie to what is audited."""
    auditor = fields.get("lead_auditor")
    if auditor is None:
        return ["Nobody leads it yet (lead_auditor): independence was not looked at."]
    warnings: list[str] = []
    if auditor == fields.get("area_responsible"):
        warnings.append("Not independent: the lead auditor is responsible for the audited area. Name somebody else.")
    params = {"person": auditor, "numbers": [record.number for record in sample]}
    own = [row["number"] for row in await writing.transaction.fetch_dicts(_OWN_WORK, params)]
    if own:
        warnings.append(f"The lead auditor wrote or owns {', '.join(own)}: somebody else should audit these.")
    return warnings


async def _beyond_scope(writing: Writing, audit_id: UUID, clause: str) -> list[str]:
    rows = await writing.transaction.fetch_dicts(_CHECKED, {"record_id": audit_id, "clause": clause.strip()})
    if rows and rows[0]["has_checklist"] and not rows[0]["listed"]:
        return [f"Clause {clause} is not on the checklist of the audit."]
    return []
