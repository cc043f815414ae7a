"""Agents: several at once, sent for one request, with one merged result."""

from dataclasses import dataclass
from typing import Annotated, Literal

from mcp.server.elicitation import ElicitationResult
from mcp.server.mcpserver.resolve import Elicit, Resolve
from pydantic import Field, WithJsonSchema

from qms_mcp.agents.plan_models import Plan
from qms_mcp.approving import Confirm, Prepared, Unasked, ask_person, client_name, settle
from qms_mcp.context import Ctx, caller, current_call, services
from qms_mcp.errors import InvalidInputError, NotFoundError, QmsError
from qms_mcp.registry import tool
from qms_mcp.services.dispatch.following import follow
from qms_mcp.services.dispatch.models import Asked, AskedTask, DispatchPage, DispatchReport, Opened
from qms_mcp.services.dispatch.shortening import short_plan, shortened
from qms_mcp.services.dispatch.spending import in_words, is_costly, refused, spending, waits

Reason = Annotated[str, Field(min_length=10, max_length=2_000, description="Why.")]
Named = Annotated[str, Field(min_length=1, max_length=200, description="Id or run_key.")]
Tasks = Annotated[
    list[AskedTask] | None,
    Field(max_length=50),
    WithJsonSchema(
        {"type": "array", "items": {"type": "object"}, "description": "Of agent, request, key, needs, subject,"
         " priority, seconds."}
    ),
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sending:
    """What is about to be sent; there is no plan where nothing new is begun."""

    asked: Asked
    plan: Plan | None


async def _prepare(  # noqa: PLR0913, PLR0917 - they are the arguments of the tool
    ctx: Ctx,
    request: str,
    reason: str,
    tasks: list[AskedTask] | None,
    run_key: str,
    plan_only: bool,
    retry_failed: bool,
    may_draft: bool,
    at_once: int,
    budget_tokens: int | None,
    budget_usd: float | None,
    approve_above_usd: float | None,
    on_failure: Literal["continue", "stop"],
) -> Prepared[Sending]:
    offered = await ctx.mcp_server.list_tools()
    asked = Asked(
        request=request,
        tasks=tuple(tasks or ()),
        run_key=run_key.strip(),
        on_failure=on_failure,
        may_draft=may_draft,
        at_once=at_once,
        budget_tokens=budget_tokens,
        budget_usd=budget_usd,
        offered=frozenset(one.name for one in offered),
    )
    try:
        return await _with_approval(ctx, asked, reason, approve_above_usd, plan_only=plan_only, retry=retry_failed)
    except QmsError as error:
        return Prepared(error=error)


async def _with_approval(
    ctx: Ctx, asked: Asked, reason: str, approve_above_usd: float | None, *, plan_only: bool, retry: bool
) -> Prepared[Sending]:
    if retry and not asked.run_key:
        raise InvalidInputError("retry_failed needs the run_key of what is to be tried again.")
    if retry and not plan_only:
        return Prepared(Sending(asked, None))
    dispatches = services(ctx).dispatches
    plan = await dispatches.plan(caller(ctx), asked)
    sending = Sending(asked, plan)
    if plan_only or not is_costly(plan, dispatches.approve_above_usd, approve_above_usd) or await _is_there(ctx, asked):
        return Prepared(sending)
    wanted = spending(asked, plan, reason)
    approval = await services(ctx).approvals.request_spending(caller(ctx), wanted, client_name=client_name(ctx))
    return Prepared(sending, approval)


async def _is_there(ctx: Ctx, asked: Asked) -> bool:
    """Say whether there is a dispatch of this name already: to find it again costs nothing."""
    if not asked.run_key:
        return False
    try:
        await services(ctx).dispatches.report(caller(ctx), asked.run_key, full=False)
    except NotFoundError:
        return False
    return True


async def _ask(ctx: Ctx, ready: Annotated[Prepared[Sending], Resolve(_prepare)]) -> Elicit[Confirm] | Unasked:
    return await ask_person(ctx, ready)


@tool(toolset="agents", title="Send agents")
async def dispatch_agents(  # noqa: PLR0913, PLR0917 - flat arguments are what a model fills best
    ctx: Ctx,
    request: Annotated[str, Field(min_length=3, max_length=8_000, description="What is wanted.")],
    reason: Reason,
    ready: Annotated[Prepared[Sending], Resolve(_prepare)],
    answer: Annotated[ElicitationResult[Confirm], Resolve(_ask)],
    tasks: Tasks = None,
    run_key: Annotated[str, Field(max_length=200, description="Same key, same dispatch.")] = "",
    wait: Annotated[bool, Field(description="Else at once.")] = True,
    plan_only: Annotated[bool, Field(description="Send nobody.")] = False,
    retry_failed: Annotated[bool, Field(description="Those of run_key.")] = False,
    may_draft: Annotated[bool, Field(description="Let them draft records.")] = False,
    at_once: Annotated[int, Field(ge=1, le=50, description="Agents.")] = 5,
    budget_tokens: Annotated[int | None, Field(ge=1_000, description="For all.")] = None,
    budget_usd: Annotated[float | None, Field(gt=0, description="For all.")] = None,
    approve_above_usd: Annotated[float | None, Field(ge=0, description="Else a person is asked.")] = None,
    on_failure: Annotated[Literal["continue", "stop"], Field(description="When a task fails.")] = "continue",
) -> DispatchReport:
    """Send several agents at once for a request; one merged result with evidence and contradictions comes back.

    For reviews and investigations (qms://agents says who there is). Without a key they follow playbooks. A cancelled
    call only stops waiting: see get_dispatch. A note about an approval is for the user.
    """
    del request, reason, tasks, run_key, retry_failed, may_draft, at_once  # the resolvers take them
    del budget_tokens, budget_usd, approve_above_usd, on_failure
    if ready.error is not None or ready.draft is None:
        raise ready.error or InvalidInputError("There is nothing to send.")
    sending, plan = ready.draft, ready.draft.plan
    if plan is None:
        return await _followed(ctx, await _again(ctx, sending.asked), wait=wait)
    planned = DispatchReport(run_key=sending.asked.run_key, status="planned", plan=short_plan(plan))
    if plan_only:
        return planned.model_copy(update={"note": f"{' '.join(in_words(plan).split())} Nobody was sent."})
    if (approval := ready.approval) is not None:
        standing = await settle(ctx, approval, answer)
        if standing != "approved":
            note = waits(approval, plan) if standing == "pending" else refused(approval)
            return planned.model_copy(update={"note": note})
        await services(ctx).approvals.spend(caller(ctx), approval)
    opened = await services(ctx).dispatches.open(caller(ctx), sending.asked, plan, call_id=current_call(ctx).id)
    return await _followed(ctx, opened, wait=wait)


async def _again(ctx: Ctx, asked: Asked) -> Opened:
    return await services(ctx).dispatches.retry(caller(ctx), asked.run_key)


async def _followed(ctx: Ctx, opened: Opened, *, wait: bool) -> DispatchReport:
    dispatches = services(ctx).dispatches
    if wait:
        await follow(dispatches, caller(ctx), opened.id, ctx.report_progress)
    return shortened(await dispatches.report(caller(ctx), str(opened.id)))


@tool(toolset="agents", title="Show a dispatch", reads=True)
async def get_dispatch(
    ctx: Ctx,
    dispatch: Named,
    detail: Annotated[Literal["concise", "full"], Field(description="concise: states and spend only.")] = "full",
) -> DispatchReport:
    """Show where a dispatch stands: state and spend of each agent, and the merged result, partial while it runs.

    The highest ranked items of each list; the uri has all of it. An unknown id or run_key fails.
    """
    return shortened(await services(ctx).dispatches.report(caller(ctx), dispatch, full=detail == "full"))


@tool(toolset="agents", title="Cancel a dispatch", repeats=True)
async def cancel_dispatch(ctx: Ctx, dispatch: Named, reason: Reason) -> DispatchReport:
    """Stop a dispatch and all its agents at once; what was finished stays, and is in the answer.

    One that has ended is left as it is. An unknown id or run_key fails.
    """
    return shortened(await services(ctx).dispatches.cancel(caller(ctx), dispatch, reason))


@tool(toolset="agents", title="List dispatches", reads=True)
async def list_dispatches(
    ctx: Ctx,
    status: Annotated[
        Literal["queued", "running", "completed", "partial", "failed", "cancelled"] | None, Field(description="Only.")
    ] = None,
    limit: Annotated[int, Field(ge=1, le=100, description="Rows at most.")] = 20,
    cursor: Annotated[str, Field(max_length=100, description="next_cursor.")] = "",
) -> DispatchPage:
    """List the dispatches of your organization, the newest first, and how full the queue is.

    queue says how many tasks wait, for how long, what failed in the last hour, who works, and alerts above 100.
    """
    return await services(ctx).dispatches.page(caller(ctx), status=status, limit=limit, cursor=cursor)
