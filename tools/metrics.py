"""Key figures of quality work."""

from datetime import date
from typing import Annotated

from pydantic import Field, WithJsonSchema

from qms_mcp.context import Ctx, caller, services
from qms_mcp.registry import tool
from qms_mcp.services.analysis.source import PictureChoice, Source
from qms_mcp.services.metrics.answer import GroupBy, MetricsOptions, MetricsReport
from qms_mcp.services.metrics.method import CALCULATE_METRICS
from qms_mcp.services.metrics.periods import Period

Table = Annotated[Source | None, WithJsonSchema({"type": "object"})]


@tool(toolset="analytics", title="Calculate metrics", reads=True)
async def calculate_metrics(  # noqa: PLR0913, PLR0917 - what, of what, and how it is cut
    ctx: Ctx,
    metrics: Annotated[list[str], Field(description="Names, or capa, complaints, audits, suppliers, monthly, ...")],
    by: Annotated[GroupBy | None, Field(description="Split by.")] = None,
    period: Annotated[Period | None, Field(description="And by.")] = None,
    since: Annotated[date | None, Field(description="First day.")] = None,
    until: Annotated[date | None, Field(description="Last day.")] = None,
    as_of: Annotated[date | None, Field(description="Looked from; else today.")] = None,
    types: Annotated[list[str] | None, Field(description="Of records.")] = None,
    volumes: Annotated[Table, Field(description="Source of units, deliveries, lots.")] = None,
    costs: Annotated[Table, Field(description="Source of costs.")] = None,
    picture: Annotated[PictureChoice, Field(description="Image.")] = "none",
) -> MetricsReport:
    """Compute key figures of the records: ageing, overdue, cycle time, repeats, escapes, cost, rates, ...

    Each comes with n, an exact interval where it is a share or a rate, and the records behind it; qms://metrics has the
    definitions. Those that need units or costs say which columns to send along. An unknown metric fails with the list.
    """
    options = MetricsOptions(
        metrics=metrics, by=by, period=period, since=since, until=until, as_of=as_of, types=types or [],
        volumes=volumes, costs=costs,
    )  # fmt: skip
    return await services(ctx).analysis.run(caller(ctx), CALCULATE_METRICS, None, options, picture)
