"""Whether something rises or falls, and when it changed."""

from typing import Annotated

from pydantic import Field, WithJsonSchema

from qms_mcp.context import Ctx, caller, services
from qms_mcp.registry import tool
from qms_mcp.services.analysis.methods.detect_trends import DETECT_TRENDS
from qms_mcp.services.analysis.methods.detect_trends_model import DetectTrends, TrendChoices, TrendOptions
from qms_mcp.services.analysis.source import SOURCE_WORDS, PictureChoice, Source

Object = WithJsonSchema({"type": "object"})


@tool(toolset="analytics", title="Detect trends", reads=True)
async def detect_trends(
    ctx: Ctx,
    source: Annotated[Source, Field(description=SOURCE_WORDS)],
    value: Annotated[str | None, Field(description="Column; else rows are counted by period.")] = None,
    time: Annotated[str | None, Field(description="Column; else the order of rows.")] = None,
    group: Annotated[str | None, Field(description="Column: a series each.")] = None,
    period: Annotated[str | None, Field(description="day, week, month, quarter, year.")] = None,
    options: Annotated[
        TrendChoices | None,
        Object,
        Field(
            description="aggregate (sum, mean), season (12), alpha, correction (none, hamed_rao...), "
            "adjust (holm, bh), change_points (mean, variance, poisson, none), complete_to (date)."
        ),
    ] = None,
    picture: Annotated[PictureChoice, Field(description="Image.")] = "png",
) -> DetectTrends:
    """Say whether series rise or fall (Mann-Kendall, Sen), how fast, and when their level changed.

    Allows for autocorrelation, seasons and many series at once. A trend is no cause. Fewer than 8 points fail.
    """
    chosen = (options or TrendChoices()).model_dump(exclude_unset=True)
    made = TrendOptions.model_validate({**chosen, "value": value, "time": time, "group": group, "period": period})
    return await services(ctx).analysis.run(caller(ctx), DETECT_TRENDS, source, made, picture)
