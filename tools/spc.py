"""Whether a process is in control."""

from typing import Annotated

from pydantic import Field, WithJsonSchema

from qms_mcp.context import Ctx, caller, services
from qms_mcp.registry import tool
from qms_mcp.services.analysis.methods.spc_answer import SpcChart
from qms_mcp.services.analysis.methods.spc_chart import SPC_CHART
from qms_mcp.services.analysis.methods.spc_options import SpcMore, SpcOptions
from qms_mcp.services.analysis.source import SOURCE_WORDS, PictureChoice, Source
from qms_mcp.statistics.spc.rule_sets import DEFAULT

Columns = WithJsonSchema({"type": ["string", "array"]})
Size = WithJsonSchema({"type": ["string", "number"]})
Object = WithJsonSchema({"type": "object"})


@tool(toolset="analytics", title="Control chart", reads=True)
async def spc_chart(
    ctx: Ctx,
    source: Annotated[Source, Field(description=SOURCE_WORDS)],
    value: Annotated[str | list[str] | None, Columns, Field(description="Column(s).")] = None,
    chart: Annotated[str | None, Field(description="I-MR, X-bar/R, np, u, p', EWMA, CUSUM, g, t...")] = None,
    subgroup: Annotated[str | int | None, Size, Field(description="Column or n.")] = None,
    rules: Annotated[str | None, Field(description="nelson (1-4), western_electric, aiag, limits.")] = None,
    options: Annotated[
        SpcMore | None,
        Object,
        Field(description="size (n of counts), time, stage, baseline (BL-OVEN-3), target, sigma..."),
    ] = None,
    picture: Annotated[PictureChoice, Field(description="Image.")] = "png",
) -> SpcChart:
    """Say whether a process is in control: limits, and which rule fires where.

    The chart is chosen from the data unless named. Flags say what does not hold (autocorrelation, few points). Values
    that do not go with the chart fail.
    """
    more = (options or SpcMore()).model_dump(exclude_unset=True)
    named = more.pop("baseline", None)
    frozen = await services(ctx).baselines.limits(caller(ctx), named) if named else None
    chosen = SpcOptions(
        **more,
        value=tuple(value) if isinstance(value, list) else value,
        chart=chart,
        subgroup=subgroup if isinstance(subgroup, str) else None,
        subgroup_size=subgroup if isinstance(subgroup, int) else None,
        rules=rules or DEFAULT,
        baseline=frozen,
    )
    return await services(ctx).analysis.run(caller(ctx), SPC_CHART, source, chosen, picture)
