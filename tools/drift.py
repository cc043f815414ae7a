"""Drift of agents."""

from typing import Annotated

from pydantic import Field

from qms_mcp.context import Ctx, caller, services
from qms_mcp.registry import tool
from qms_mcp.services.learning.drift.models import METRICS, DriftReport, Metric


@tool(toolset="ml", title="Detect drift of an agent")
async def detect_drift(
    ctx: Ctx,
    agent: Annotated[str, Field(max_length=40, description="qa, data...")],
    days: Annotated[int, Field(ge=1, le=365, description="The window that is looked at.")] = 14,
    metrics: Annotated[list[Metric] | None, Field(description="Default: all.")] = None,
    reference: Annotated[str, Field(max_length=60, description="Id, or new: the window is one from now on.")] = "",
    reason: Annotated[str, Field(max_length=2_000, description="Why; for new.")] = "",
) -> DriftReport:
    """Compare what an agent did lately with a kept reference: scores, latency, length, tokens, tools, inputs, errors.

    All metrics are tested together at 1 %; severity (0 to 1, severe from 0.3) says how large a difference is. The
    result is kept. With too few runs it says so.
    """
    return await services(ctx).learning.drift.detect(
        caller(ctx), agent, metrics=metrics or METRICS, days=days, reference=reference.strip(), reason=reason
    )
