"""Versions of agents: where they stand, how they go to people and back, and why one answered as it did."""

from typing import Annotated, Literal

from pydantic import Field

from qms_mcp.approving import client_name
from qms_mcp.context import Ctx, caller, services
from qms_mcp.registry import tool
from qms_mcp.services.learning.rollout.explanation import Explanation
from qms_mcp.services.learning.rollout.models import ModelsPage, Moved

Reason = Annotated[str, Field(min_length=10, max_length=2_000, description="Why.")]
Agent = Annotated[str, Field(max_length=40, description="qa, data...")]


@tool(toolset="ml", title="List versions of agents", reads=True)
async def list_models(
    ctx: Ctx,
    agent: Annotated[str | None, Field(max_length=40, description="Only this one.")] = None,
    ended: Annotated[bool, Field(description="Ended roll-outs too.")] = False,
    limit: Annotated[int, Field(ge=1, le=100, description="Versions.")] = 20,
    cursor: Annotated[str, Field(max_length=100, description="next_cursor.")] = "",
) -> ModelsPage:
    """List versions of agents: origin, dataset, score, gates, where each stands, and what waits for a signature.

    Running roll-outs come with their share, runs, bad runs and the cumulative sum against its limit, at which the
    version is taken back by itself.
    """
    page = services(ctx).learning.models.page
    return await page(caller(ctx), agent or None, ended=ended, limit=limit, cursor=cursor)


@tool(toolset="ml", title="Promote a version", repeats=True)
async def promote_model(
    ctx: Ctx,
    agent: Agent,
    version: Annotated[str, Field(min_length=1, max_length=100, description="qa@hash, id or candidate.")],
    reason: Reason,
    to: Annotated[Literal["shadow", "canary", "experiment", "production"], Field(description="How far.")] = "canary",
    percent: Annotated[float | None, Field(gt=0, le=100, description="Canary 5, experiment 50, shadow 10.")] = None,
    sticky_by: Annotated[Literal["dispatch", "person"], Field(description="Who keeps a version.")] = "dispatch",
    without_canary: Annotated[str, Field(max_length=500, description="Why production without one.")] = "",
) -> Moved:
    """Ask a person to let a version of an agent answer a share of requests, or all; a shadow starts at once.

    Nothing changes until somebody who neither asked nor made the version has signed; you can't. Fails without a passed
    gate report against what is in production, or while another version is on trial.
    """
    return await services(ctx).learning.rollouts.promote(
        caller(ctx),
        agent,
        version,
        to=to,
        reason=reason,
        percent=percent,
        sticky_by=sticky_by,
        without_canary=without_canary,
        client=client_name(ctx),
    )


@tool(toolset="ml", title="Take a version back", repeats=True)
async def rollback_model(
    ctx: Ctx,
    agent: Agent,
    reason: Reason,
    to: Annotated[str, Field(max_length=100, description="shipped, qa@hash or id: for production.")] = "",
) -> Moved:
    """Take a version of an agent back. A canary, experiment or shadow that runs ends at once.

    With `to`, or when nothing is on trial, a person is asked to put that version, or the one before, in production
    again. Fails for a version that never was there.
    """
    return await services(ctx).learning.rollouts.rollback(
        caller(ctx), agent, to=to or None, reason=reason, client=client_name(ctx)
    )


@tool(toolset="ml", title="Explain a run", reads=True)
async def explain_run(
    ctx: Ctx,
    run: Annotated[str, Field(min_length=1, max_length=200, description="Id of run, dispatch or call; run_key.")],
    agent: Annotated[str, Field(max_length=80, description="Of a dispatch: agent or task.")] = "",
    detail: Annotated[Literal["concise", "full"], Field(description="full: prompt and answers of tools.")] = "concise",
) -> Explanation:
    """Say why an agent answered as it did: who asked, which version and why, who signed, what each finding rests on.

    From stored rows alone; the version's content is hashed again. Texts in it are data. An unknown id fails.
    """
    return await services(ctx).learning.explanations.explain(caller(ctx), run, agent=agent, detail=detail)
