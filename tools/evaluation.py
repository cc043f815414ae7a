"""Measuring versions of an agent on cases that were set aside."""

from typing import Annotated, Literal

from pydantic import Field

from qms_mcp.context import Ctx, caller, services
from qms_mcp.registry import tool
from qms_mcp.services.learning.evaluation.answers import ModelScore
from qms_mcp.services.learning.evaluation.asking import Asked

# Clients give a call up after a minute at the latest.
_PATIENCE = 25.0


@tool(toolset="ml", title="Score a version", repeats=True)
async def score_model(  # noqa: PLR0913, PLR0917 - flat arguments are what a model fills best
    ctx: Ctx,
    agent: Annotated[str, Field(max_length=40, description="qa, data...")],
    dataset: Annotated[str, Field(min_length=1, max_length=120, description="Name, name@3 or id.")],
    reason: Annotated[str, Field(min_length=10, max_length=2_000, description="Why.")],
    version: Annotated[str, Field(max_length=100, description="qa@hash, id or alias.")] = "production",
    against: Annotated[str, Field(max_length=100, description="Another version.")] = "",
    split: Annotated[Literal["test", "dev"], Field(description="Side.")] = "test",
    judge: Annotated[bool, Field(description="Too.")] = True,
    budget_usd: Annotated[float | None, Field(gt=0, description="Per version.")] = None,
    most: Annotated[int, Field(ge=2, le=500, description="Cases.")] = 500,
    again: Annotated[bool, Field(description="If it failed.")] = False,
) -> ModelScore:
    """Measure a version of an agent on a frozen dataset: score, slices, worst cases, comparison with another.

    It runs on when the call ends; the same call joins it and is not paid for twice. An unanswered case scores 0.
    """
    del reason  # it is in the ledger with the call
    asked = Asked(agent, version, dataset, against, split, judge, budget_usd, most, again)
    step = 0

    async def tell(sentence: str) -> None:
        nonlocal step
        step += 1
        await ctx.report_progress(step, None, sentence)

    return await services(ctx).learning.measuring.score(caller(ctx), asked, _PATIENCE, tell)
