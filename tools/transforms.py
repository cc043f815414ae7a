"""Changes of rows through SQL, with a preview and the approval of a person."""

from typing import Annotated, Any
from uuid import UUID

from mcp.server.elicitation import ElicitationResult
from mcp.server.mcpserver.resolve import Elicit, Resolve
from pydantic import Field

from qms_mcp.approving import (
    Confirm,
    Prepared,
    Unasked,
    ask_person,
    check_approval_id,
    client_name,
    prepared,
    settle,
)
from qms_mcp.context import Ctx, caller, services
from qms_mcp.errors import InvalidInputError
from qms_mcp.registry import tool
from qms_mcp.services.approvals import Approval
from qms_mcp.services.outcomes import TransformOutcome, how_to_approve
from qms_mcp.services.transform_models import TransformDraft


async def _prepare(
    ctx: Ctx,
    statement: str | None,
    parameters: list[Any] | None,
    reason: str | None,
    draft_id: UUID | None,
    approval_id: UUID | None,
) -> Prepared[TransformDraft]:
    async def work() -> tuple[TransformDraft, Approval]:
        draft = await _drafted(ctx, statement, parameters or [], reason, draft_id)
        approval = await services(ctx).approvals.request(caller(ctx), draft.request(), client_name=client_name(ctx))
        check_approval_id(approval, approval_id)
        return draft, approval

    return await prepared(work())


async def _drafted(
    ctx: Ctx, statement: str | None, parameters: list[Any], reason: str | None, draft_id: UUID | None
) -> TransformDraft:
    transforms = services(ctx).transforms
    if draft_id is not None:
        return await transforms.ready_to_apply(caller(ctx), draft_id, statement=statement, parameters=parameters)
    if statement is None:
        raise InvalidInputError("A statement or a draft_id is needed.", hint="Send the statement for a new preview.")
    return await transforms.draft(caller(ctx), statement=statement, parameters=parameters, reason=reason or "")


async def _ask(ctx: Ctx, ready: Annotated[Prepared[TransformDraft], Resolve(_prepare)]) -> Elicit[Confirm] | Unasked:
    return await ask_person(ctx, ready)


@tool(toolset="sql", title="Change rows", destroys=True)
async def transform_data(
    ctx: Ctx,
    ready: Annotated[Prepared[TransformDraft], Resolve(_prepare)],
    answer: Annotated[ElicitationResult[Confirm], Resolve(_ask)],
    statement: Annotated[str | None, Field(description="One INSERT, UPDATE, DELETE or MERGE, with $1... .")] = None,
    parameters: Annotated[list[Any] | None, Field(description="Values for $1...")] = None,
    reason: Annotated[str | None, Field(max_length=2_000, description="Why; the approver reads it.")] = None,
    draft_id: Annotated[UUID | None, Field(description="Of a pending answer: apply exactly that.")] = None,
    approval_id: Annotated[UUID | None, Field(description="Of a pending answer, to be sure which.")] = None,
) -> TransformOutcome:
    """Change rows with one SQL statement: preview, approval of a person, applied once.

    The preview is rolled back and shows how many rows and which values change; at most 10,000 rows. The client asks
    the person when it can. Otherwise the status is pending: tell the user the approval_id and how_to_approve, and call
    again with draft_id. You can't approve it. Refused when the number of rows is another one by then.
    """
    del statement, parameters, reason, draft_id, approval_id  # the resolvers take them
    draft, approval = ready.ready()
    standing = await settle(ctx, approval, answer)
    shown = TransformOutcome(
        status="pending", draft_id=draft.id, approval_id=approval.id, sha256=draft.sha256, preview=draft.shown
    )
    if standing == "pending":
        return shown.model_copy(update={"how_to_approve": how_to_approve(approval)})
    if standing == "rejected":
        return shown.model_copy(update={"status": "rejected", "reason": approval.decision_reason or "declined"})
    rows = await services(ctx).transforms.apply(caller(ctx), draft, approval.id)
    return shown.model_copy(update={"status": "applied", "rows_changed": rows})
