"""Tools that defend a number: compute it again, freeze it as the limits of a process."""

from typing import Annotated

from pydantic import Field

from qms_mcp.context import Ctx, caller, services
from qms_mcp.registry import tool
from qms_mcp.services.analysis.baselines import FrozenBaseline
from qms_mcp.services.analysis.recomputing import Recomputed

Calculation = Annotated[str, Field(min_length=36, max_length=36, description="From provenance.")]


@tool(toolset="analytics", title="Recompute", reads=True)
async def recompute(ctx: Ctx, calculation: Calculation) -> Recomputed:
    """Compute an earlier number again, from the same source with the same options, and compare.

    Use it when somebody asks where a number comes from, or whether it still holds: it says same or different, which
    values differ, and why (data, method or software changed). A table sent along that was too large to keep fails.
    """
    return await services(ctx).analysis.recompute(caller(ctx), calculation)


@tool(toolset="analytics", title="Freeze control limits")
async def freeze_baseline(
    ctx: Ctx,
    calculation: Calculation,
    name: Annotated[str, Field(min_length=1, max_length=54, description="OVEN-3-TEMP.")],
    reason: Annotated[str, Field(min_length=10, max_length=2_000, description="Why; kept in the audit trail.")],
    idempotency_key: Annotated[str | None, Field(max_length=200, description="The same key writes once.")] = None,
) -> FrozenBaseline:
    """Keep the limits of a phase I chart of spc_chart as a baseline, to judge later data against.

    It becomes a draft document (BL-OVEN-3-TEMP), the next version if there is one; a person signs it, and then
    spc_chart takes it as `baseline`. Fails for a chart that was itself judged against a baseline.
    """
    return await services(ctx).baselines.freeze(caller(ctx), calculation, name, reason, idempotency_key=idempotency_key)
