"""Events: what happened, what becomes of nonconforming product, and what an authority has to be told."""

from datetime import date
from typing import Annotated, Any

from pydantic import Field, WithJsonSchema

from qms_mcp.approving import offered
from qms_mcp.context import Ctx, caller, services
from qms_mcp.registry import tool
from qms_mcp.services.events.field_actions import NewFieldAction
from qms_mcp.services.events.models import Assessed, DispositionProposed, ProposedDisposition, Reported
from qms_mcp.services.events.reportability import Known
from qms_mcp.services.events.reporting import Event, EventType

Reason = Annotated[str, Field(min_length=10, max_length=2_000, description="Why; kept in the audit trail.")]
Key = Annotated[str | None, Field(max_length=200, description="The same key writes once.")]
Title = Annotated[str, Field(min_length=1, max_length=300, description="One line.")]
Objects = WithJsonSchema({"type": "array", "items": {"type": "object"}})
Object = WithJsonSchema({"type": "object"})


@tool(toolset="quality", title="Report an event")
async def report_event(
    ctx: Ctx,
    type: Annotated[EventType, Field(description="What.")],  # noqa: A002 - what people call it
    title: Title,
    what_happened: Annotated[str, Field(max_length=50_000, description="The facts as told.")],
    reason: Reason,
    fields: Annotated[dict[str, Any] | None, Field(description="Columns by name.")] = None,
    idempotency_key: Key = None,
) -> Reported:
    """Record what happened; a draft of yours until a person adopts it. similar names earlier records like it.

    fields: occurred_at, where, owner_id (e-mail, name or me), risk_class and the type's own; a wrong one is refused
    with those there are. warnings say what to ask the user. calibration: equipment, performed_on, result, as_found,
    next_due_on.
    """
    event = Event(type=type, title=title, happened=what_happened, fields=fields or {})
    return await services(ctx).events.reporting.report(caller(ctx), event, reason, idempotency_key=idempotency_key)


@tool(toolset="quality", title="Propose a disposition", repeats=True)
async def disposition_nonconformance(
    ctx: Ctx,
    record: Annotated[str, Field(max_length=60, description="NC number or id.")],
    dispositions: Annotated[
        list[ProposedDisposition],
        Objects,
        Field(min_length=1, max_length=50, description="disposition, quantity, justification."),
    ],
    reason: Reason,
) -> DispositionProposed:
    """Propose what becomes of nonconforming product and ask the material review board; you decide nothing.

    disposition: use_as_is, rework, repair, regrade, scrap, return_to_supplier. Replaces what was proposed before and
    not decided. More than quantity_affected, or a concession without justification, is refused; blocked says what the
    board still waits for.
    """
    return await offered(
        ctx, await services(ctx).events.dispositions.propose(caller(ctx), record, dispositions, reason)
    )


@tool(toolset="quality", title="Assess reportability", repeats=True)
async def assess_reportability(
    ctx: Ctx,
    record: Annotated[str, Field(max_length=60, description="CMP or FA number or id.")],
    answers: Annotated[dict[str, bool], Object, Field(description="Yes or no, only what is known.")],
    reason: Reason,
    aware_on: Annotated[date | None, Field(description="When the company became aware.")] = None,
) -> Assessed:
    """Walk a complaint through 21 CFR 803 or a field action through 806; a regulatory person decides, never you.

    803, by reporter_role of the record: death, serious_injury, malfunction, likely_if_recurs, medically_excluded,
    remedial_action, fda_requested. 806: correction_or_removal, exempt, reduces_risk, remedies_violation,
    already_reported. Never guess: ask lists what is open.
    """
    known = Known(answers=answers, aware_on=aware_on)
    return await offered(ctx, await services(ctx).events.reportability.assess(caller(ctx), record, known, reason))


@tool(toolset="quality", title="Open a field action")
async def field_action(
    ctx: Ctx,
    title: Title,
    sources: Annotated[list[str], Field(min_length=1, max_length=50, description="Records behind it.")],
    fields: Annotated[dict[str, Any], Field(description="Columns by name.")],
    reason: Reason,
    answers: Annotated[dict[str, bool] | None, Object, Field(description="As in assess_reportability.")] = None,
    idempotency_key: Key = None,
) -> Assessed:
    """Open a correction or removal of delivered product, linked to its sources, with its 21 CFR 806 assessment.

    fields: action_kind (recall, correction, removal, advisory_notice, stock_recovery), reason_for_action, product,
    lots, quantity, initiated_on (the clock starts there), health_hazard. A regulatory person decides; a source that
    does not exist fails.
    """
    new = NewFieldAction(title=title, sources=sources, fields=fields, answers=answers or {})
    return await offered(
        ctx, await services(ctx).events.field_actions.open(caller(ctx), new, reason, idempotency_key=idempotency_key)
    )
