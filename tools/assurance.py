"""Assurance: changes, audits and findings, risks, training, suppliers and equipment."""

from typing import Annotated, Any

from pydantic import Field, WithJsonSchema

from qms_mcp.context import Ctx, caller, services
from qms_mcp.registry import tool
from qms_mcp.services.audits.models import AuditPlanned, NewAudit, NewFinding
from qms_mcp.services.changes import ChangeRequested, Impact, NewChange
from qms_mcp.services.records.models import Written
from qms_mcp.services.risks.models import Control, RiskAssessed, RiskInput
from qms_mcp.services.suppliers import About, StatusQuestion, SupplierEquipmentStatus
from qms_mcp.services.trainings import By, TrainingQuestion, TrainingStatus

Reason = Annotated[str, Field(min_length=10, max_length=2_000, description="Why; kept in the audit trail.")]
Key = Annotated[str | None, Field(max_length=200, description="The same key writes once.")]
Title = Annotated[str, Field(min_length=1, max_length=300, description="One line.")]
Fields = Annotated[dict[str, Any], Field(description="Columns by name.")]
References = Annotated[list[str] | None, Field(max_length=100, description="Records.")]
Limit = Annotated[int, Field(ge=1, le=100, description="A page.")]
Cursor = Annotated[str | None, Field(max_length=20, description="next_cursor.")]
Object = WithJsonSchema({"type": "object"})
Objects = WithJsonSchema({"type": "array", "items": {"type": "object"}})


@tool(toolset="quality", title="Request a change")
async def request_change(
    ctx: Ctx,
    fields: Fields,
    reason: Reason,
    record: Annotated[str | None, Field(max_length=60, description="CR to add to.")] = None,
    implements: References = None,
    affects: References = None,
    impacts: Annotated[
        list[Impact] | None, Objects, Field(description="aspect, affected, impact, action_needed.")
    ] = None,
    idempotency_key: Key = None,
) -> ChangeRequested:
    """Draft a change request, or add fields, links and impact assessments to one; a person approves it.

    A new one needs title, proposed_change, justification; change_kind to go on. implements: the CAPAs or NCs it is
    for. missing_aspects lists those of the ten not assessed yet; may_affect the records near by the links, to look at.
    """
    new = NewChange(
        record=record, fields=fields, implements=implements or (), affects=affects or (), impacts=impacts or ()
    )
    return await services(ctx).changes.request(caller(ctx), new, reason, idempotency_key=idempotency_key)


@tool(toolset="quality", title="Plan an audit")
async def plan_audit(
    ctx: Ctx,
    title: Title,
    framework: Annotated[str, Field(max_length=100, description="ISO 13485:2016, ...")],
    fields: Fields,
    reason: Reason,
    clauses: Annotated[list[str] | None, Field(max_length=100, description="Numbers; else all.")] = None,
    sample_of_each: Annotated[int, Field(ge=0, le=20, description="Records per type.")] = 3,
    idempotency_key: Key = None,
) -> AuditPlanned:
    """Plan an audit: checklist from the clauses of a framework, a sample that can be drawn again, open items.

    fields: audit_kind (internal, supplier, external), scope, lead_auditor, area_responsible, planned_from, planned_to.
    All of it stands in the record. warnings say where the auditor is not independent. An unknown framework fails.
    """
    new = NewAudit(
        title=title, framework=framework, fields=fields, clauses=clauses or (), sample_of_each=sample_of_each
    )
    return await services(ctx).audits.plan(caller(ctx), new, reason, idempotency_key=idempotency_key)


@tool(toolset="quality", title="Record a finding")
async def record_finding(
    ctx: Ctx,
    audit: Annotated[str, Field(max_length=60, description="AUD number or id.")],
    title: Title,
    fields: Fields,
    reason: Reason,
    about: References = None,
    idempotency_key: Key = None,
) -> Written:
    """Record what an audit found, linked to the audit and the records it was seen in (about).

    fields: grade (critical, major, minor, opportunity: a person's judgement), clause, objective_evidence,
    capa_required, capa_rationale are needed; requirement, owner_id, response_due_on may follow. Warns when the clause
    is not on the checklist.
    """
    new = NewFinding(audit=audit, title=title, fields=fields, about=about or ())
    return await services(ctx).audits.record_finding(caller(ctx), new, reason, idempotency_key=idempotency_key)


@tool(toolset="quality", title="Assess a risk")
async def assess_risk(
    ctx: Ctx,
    reason: Reason,
    record: Annotated[str | None, Field(max_length=60, description="RSK to update.")] = None,
    fields: Annotated[dict[str, Any] | None, Field(description="Columns by name.")] = None,
    ratings: Annotated[dict[str, int] | None, Object, Field(description="Given by people.")] = None,
    controls: Annotated[list[Control] | None, Objects, Field(description="control_kind, description.")] = None,
    about: References = None,
    idempotency_key: Key = None,
) -> RiskAssessed:
    """Add or update a risk; RPN with AIAG-VDA action priority, or the ISO 14971 matrix, are computed here.

    fields: title, method; fmea: item_function, failure_mode, effect, cause, ratings severity, occurrence, detection
    (1-10). iso14971: hazard, hazardous_situation, harm, ratings severity, probability (1-5). residual_severity, ...
    count with controls. Never guess a rating; a person accepts the risk.
    """
    given = RiskInput(
        record=record, fields=fields or {}, ratings=ratings or {}, controls=controls or (), about=about or ()
    )
    return await services(ctx).risks.assess(caller(ctx), given, reason, idempotency_key=idempotency_key)


@tool(toolset="quality", title="Training status", reads=True)
async def training_status(
    ctx: Ctx,
    by: Annotated[By, Field(description="gap: a row each; else counts.")] = "gap",
    document: Annotated[str | None, Field(max_length=60, description="DOC.")] = None,
    person: Annotated[str | None, Field(max_length=320, description="E-mail, name, me.")] = None,
    role: Annotated[str | None, Field(max_length=40, description="Only who has it.")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> TrainingStatus:
    """Say who lacks training on which effective document version: overdue, expired, only trained on a former one.

    by person, document or role counts done, lacking, overdue. report_event type training assigns (document_id,
    trainee_id). An unknown document or person fails.
    """
    asked = TrainingQuestion(by=by, document=document, person=person, role=role, limit=limit, cursor=cursor)
    return await services(ctx).trainings.status(caller(ctx), asked)


@tool(toolset="quality", title="Supplier and equipment status", reads=True)
async def supplier_equipment_status(
    ctx: Ctx,
    about: Annotated[About, Field(description="Which list.")],
    record: Annotated[str | None, Field(max_length=60, description="One SUP or EQP.")] = None,
    everything: Annotated[bool, Field(description="Also what needs nothing.")] = False,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> SupplierEquipmentStatus:
    """List suppliers (state, score, open SCARs, re-evaluation) or equipment (calibration) that need attention.

    Within 30 days, unless everything is asked for. For one instrument out of tolerance, impact cites the records since
    its last good calibration that are linked to it or name it.
    """
    asked = StatusQuestion(about=about, record=record, everything=everything, limit=limit, cursor=cursor)
    return await services(ctx).suppliers.status(caller(ctx), asked)
