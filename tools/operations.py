"""Alerts and usage of agents."""

from typing import Annotated

from pydantic import Field

from qms_mcp.context import Ctx, caller, services
from qms_mcp.registry import tool
from qms_mcp.services.operations.alerts import State
from qms_mcp.services.operations.models import Acknowledged, AlertsPage, UsagePage
from qms_mcp.services.operations.rules import Metric
from qms_mcp.services.operations.usage import By


@tool(toolset="operations", title="List alerts", reads=True)
async def get_alerts(
    ctx: Ctx,
    state: Annotated[State, Field(description="Standing: not closed.")] = "standing",
    metric: Annotated[Metric | None, Field(description="Only this one.")] = None,
    limit: Annotated[int, Field(ge=1, le=100, description="Alerts.")] = 20,
    cursor: Annotated[str, Field(max_length=100, description="next_cursor.")] = "",
) -> AlertsPage:
    """List alerts about agents: latency, errors, tokens a day, drift, average feedback, queue depth.

    Each says what was measured, on how much, against which limit, and who has seen it. It closes by itself when the
    value is clearly back.
    """
    alerts = services(ctx).operations.alerts
    return await alerts.page(caller(ctx), state=state, metric=metric, limit=limit, cursor=cursor)


@tool(toolset="operations", title="Acknowledge an alert", repeats=True)
async def acknowledge_alert(
    ctx: Ctx,
    alert: Annotated[str, Field(max_length=40, description="Its id.")],
    reason: Annotated[str, Field(min_length=10, max_length=2_000, description="What is done about it.")],
) -> Acknowledged:
    """Record that an alert has been seen and what is done about it; it stays until the value is back.

    Done twice, the first stays. Fails when the alert is closed.
    """
    return await services(ctx).operations.alerts.acknowledge(caller(ctx), alert, reason)


@tool(toolset="operations", title="Show usage", reads=True)
async def get_usage(
    ctx: Ctx,
    by: Annotated[By, Field(description="Lines.")] = "agent",
    days: Annotated[int, Field(ge=1, le=366, description="How far back.")] = 30,
    limit: Annotated[int, Field(ge=1, le=400, description="Lines.")] = 20,
) -> UsagePage:
    """Show what agents or tools used: runs, tokens, cost, latency percentiles, error rate with its exact interval.

    What only measures versions is apart (measuring). Budget left is of this month, where the organization set one.
    """
    return await services(ctx).operations.usage.page(caller(ctx), by=by, days=days, limit=limit)
