"""Retraining of agents."""

from typing import Annotated

from pydantic import Field

from qms_mcp.context import Ctx, caller, services
from qms_mcp.registry import tool
from qms_mcp.services.learning.training.models import TrainingMethod, TrainingReport
from qms_mcp.services.learning.training.service import BUDGET_USD, Wanted


@tool(toolset="ml", title="Train an agent")
async def trigger_retrain(
    ctx: Ctx,
    agent: Annotated[str, Field(max_length=40, description="Which agent.")],
    reason: Annotated[str, Field(min_length=10, max_length=2_000, description="Why.")],
    dataset: Annotated[str, Field(max_length=120, description="Id, name@3 or name; else curated now.")] = "",
    method: Annotated[TrainingMethod, Field(description="How.")] = "auto",
    budget_usd: Annotated[float, Field(gt=0, le=1_000, description="For runs and models.")] = BUDGET_USD,
    seed: Annotated[int, Field(ge=0, description="Other draws.")] = 0,
    wait: Annotated[bool, Field(description="Up to 25 s.")] = True,
) -> TrainingReport:
    """Look for a better version of an agent with feedback, and have the gates judge it; nothing is rolled out.

    A durable job: the same arguments find the same one. It fails and says what is missing when there are too few
    samples to see an improvement, or no model to ask.
    """
    wanted = Wanted(
        agent.strip(), dataset=dataset.strip() or None, method=method, budget_usd=budget_usd, seed=seed, reason=reason
    )
    training = services(ctx).learning.training
    begun = await training.trigger(caller(ctx), wanted)
    return await training.follow(caller(ctx), begun, ctx.report_progress, seconds=25.0 if wait else 0.0)
