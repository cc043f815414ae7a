"""Schema changes: drafted and rehearsed, listed, applied with the approval of a person."""

from typing import Annotated, Literal
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
from qms_mcp.registry import tool
from qms_mcp.services.approvals import Approval
from qms_mcp.services.migrations.models import MigrationDraft, MigrationList
from qms_mcp.services.migrations.record import Draft
from qms_mcp.services.outcomes import MigrationOutcome, how_to_approve


@tool(toolset="schema", title="Draft a migration", repeats=True)
async def create_migration(
    ctx: Ctx,
    name: Annotated[str, Field(max_length=63, description="Lower case words: add_lot_number.")],
    script: Annotated[
        str, Field(description="DDL statements; qualify names (qms.x). No BEGIN, SET, DO or CONCURRENTLY.")
    ],
    reason: Annotated[str, Field(max_length=2_000, description="Why; the approver reads it.")],
    reverse_script: Annotated[str | None, Field(description="How to take it back; derived when left out.")] = None,
) -> MigrationDraft:
    """Draft a schema change, lint it, and rehearse it in a transaction that is rolled back.

    Nothing changes. The report shows locks and what they block, rewritten tables, rows, what is created or dropped,
    findings, and the tested reverse script. Needs the role admin. A script that would weaken row-level security, the
    audit trail or approvals is refused. Then call apply_migration.
    """
    return await services(ctx).migrations.create(
        caller(ctx), name=name, script=script, reverse_script=reverse_script, reason=reason
    )


async def _prepare(ctx: Ctx, draft_id: UUID, approval_id: UUID | None) -> Prepared[Draft]:
    async def work() -> tuple[Draft, Approval]:
        draft = await services(ctx).migrations.ready_to_apply(caller(ctx), draft_id)
        approval = await services(ctx).approvals.request(caller(ctx), draft.request(), client_name=client_name(ctx))
        check_approval_id(approval, approval_id)
        return draft, approval

    return await prepared(work())


async def _ask(ctx: Ctx, ready: Annotated[Prepared[Draft], Resolve(_prepare)]) -> Elicit[Confirm] | Unasked:
    return await ask_person(ctx, ready)


@tool(toolset="schema", title="Apply a migration", destroys=True)
async def apply_migration(
    ctx: Ctx,
    draft_id: Annotated[UUID, Field(description="From create_migration.")],
    ready: Annotated[Prepared[Draft], Resolve(_prepare)],
    answer: Annotated[ElicitationResult[Confirm], Resolve(_ask)],
    approval_id: Annotated[UUID | None, Field(description="Of a pending answer, to be sure which.")] = None,
) -> MigrationOutcome:
    """Apply a drafted migration, exactly as it was rehearsed, once, after a person approved it.

    The client asks the person when it can. Otherwise the status is pending: tell the user the approval_id and
    how_to_approve, and call again when it is approved. You can't approve it. Fails without the role admin and for a
    draft that was applied; everything is rolled back when a statement fails.
    """
    del draft_id, approval_id  # the resolvers take them
    draft, approval = ready.ready()
    standing = await settle(ctx, approval, answer)
    shown = MigrationOutcome(status="pending", draft_id=draft.id, approval_id=approval.id, sha256=draft.sha256)
    if standing == "pending":
        return shown.model_copy(update={"how_to_approve": how_to_approve(approval)})
    if standing == "rejected":
        return shown.model_copy(update={"status": "rejected", "reason": approval.decision_reason or "declined"})
    applied = await services(ctx).migrations.apply(caller(ctx), draft, approval.id)
    return shown.model_copy(update={"status": "applied", "version": applied.version})


@tool(toolset="schema", title="List migrations", reads=True)
async def list_migrations(
    ctx: Ctx,
    limit: Annotated[int, Field(ge=1, le=100, description="Rows at most.")] = 20,
    cursor: Annotated[str | None, Field(description="next_cursor of the page before.")] = None,
    detail: Annotated[Literal["concise", "full"], Field(description="full: with scripts and findings.")] = "concise",
) -> MigrationList:
    """List drafted migrations, the newest first, and then those that came with this version.

    Use it to find a draft_id, what is applied as which version, and what still waits.
    """
    return await services(ctx).migrations.list(caller(ctx), limit=limit, cursor=cursor, detail=detail)
