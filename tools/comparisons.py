"""What stands out, what matters most, and what differs."""

from typing import Annotated, Any

from pydantic import Field, WithJsonSchema

from qms_mcp.context import Ctx, caller, services
from qms_mcp.registry import tool
from qms_mcp.services.analysis.methods.compare_groups import COMPARE_GROUPS
from qms_mcp.services.analysis.methods.compare_groups_model import CompareAnswer, CompareChoices, CompareOptions
from qms_mcp.services.analysis.methods.find_anomalies import FIND_ANOMALIES
from qms_mcp.services.analysis.methods.find_anomalies_model import AnomalyAnswer, AnomalyChoices, AnomalyOptions
from qms_mcp.services.analysis.methods.pareto import PARETO, ParetoAnswer, ParetoOptions
from qms_mcp.services.analysis.source import SOURCE_WORDS, PictureChoice, Source

Columns = WithJsonSchema({"type": ["string", "array"]})
Object = WithJsonSchema({"type": "object"})


@tool(toolset="analytics", title="Find anomalies", reads=True)
async def find_anomalies(
    ctx: Ctx,
    source: Annotated[Source, Field(description=SOURCE_WORDS)],
    value: Annotated[str | list[str] | None, Columns, Field(description="Column; several: combinations.")] = None,
    kind: Annotated[str, Field(description="value, seasonal, rate, category, text.")] = "auto",
    time: Annotated[str | None, Field(description="Column.")] = None,
    options: Annotated[
        AnomalyChoices | None,
        Object,
        Field(description="group, period (month), exposure, trials, season (12), since, alpha."),
    ] = None,
    picture: Annotated[PictureChoice, Field(description="Image.")] = "png",
) -> AnomalyAnswer:
    """Find values, rates, categories or subjects of texts that stand out, each with why and how likely by chance.

    Says how many false ones to expect. Too few values fail.
    """
    chosen = (options or AnomalyChoices()).model_dump(exclude_unset=True)
    made = AnomalyOptions.model_validate({**chosen, "value": value, "kind": kind, "time": time})
    return await services(ctx).analysis.run(caller(ctx), FIND_ANOMALIES, source, made, picture)


@tool(toolset="analytics", title="Pareto analysis", reads=True)
async def pareto(
    ctx: Ctx,
    source: Annotated[Source, Field(description=SOURCE_WORDS)],
    category: Annotated[str | list[str], Columns, Field(description="Column, or several: combinations.")],
    count: Annotated[str | None, Field(description="Column; else rows count.")] = None,
    cost: Annotated[str | None, Field(description="Column to add up.")] = None,
    limit: Annotated[float, Field(gt=0, le=1, description="Share the vital few reach.")] = 0.8,
    picture: Annotated[PictureChoice, Field(description="Image.")] = "png",
) -> ParetoAnswer:
    """Rank categories by rows, counts or cost; name the vital few.

    Says whether the order is more than chance. Negative weights fail.
    """
    options: dict[str, Any] = {"category": category, "count": count, "cost": cost, "limit": limit}
    made = ParetoOptions.model_validate(options)
    return await services(ctx).analysis.run(caller(ctx), PARETO, source, made, picture)


@tool(toolset="analytics", title="Compare groups", reads=True)
async def compare_groups(
    ctx: Ctx,
    source: Annotated[Source, Field(description=SOURCE_WORDS)],
    value: Annotated[str | list[str] | None, Columns, Field(description="Column; several: each a group.")] = None,
    group: Annotated[str | None, Field(description="Column.")] = None,
    kind: Annotated[str, Field(description="mean, ranks, proportion, rate, categories.")] = "auto",
    options: Annotated[
        CompareChoices | None,
        Object,
        Field(description="event (fail), trials, exposure, pair, time + split (before/after), margin, alpha."),
    ] = None,
    picture: Annotated[PictureChoice, Field(description="Image.")] = "png",
) -> CompareAnswer:
    """Compare means, proportions or rates of groups, before and after, or in pairs: how large, how sure.

    The test is chosen by what it assumes; where none differs, says what would have been found. One group fails.
    """
    chosen = (options or CompareChoices()).model_dump(exclude_unset=True)
    made = CompareOptions.model_validate({**chosen, "value": value, "group": group, "kind": kind})
    return await services(ctx).analysis.run(caller(ctx), COMPARE_GROUPS, source, made, picture)
