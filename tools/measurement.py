"""Whether a measurement can be trusted, and how many items to inspect."""

from typing import Annotated

from pydantic import Field, WithJsonSchema

from qms_mcp.context import Ctx, caller, services
from qms_mcp.registry import tool
from qms_mcp.services.analysis.methods import measurement_system as measuring
from qms_mcp.services.analysis.methods import sampling_plan as sampling
from qms_mcp.services.analysis.source import SOURCE_WORDS, PictureChoice, Source

Columns = WithJsonSchema({"type": ["string", "array"]})


@tool(toolset="analytics", title="Measurement system", reads=True)
async def measurement_system(
    ctx: Ctx,
    source: Annotated[Source, Field(description=SOURCE_WORDS)],
    study: Annotated[measuring.StudyKind, Field(description="Kind.")] = "crossed",
    value: Annotated[str | list[str] | None, Columns, Field(description="Column(s) of trials.")] = None,
    part: Annotated[str | None, Field(description="Column.")] = None,
    operator: Annotated[str | None, Field(description="Column.")] = None,
    options: Annotated[measuring.MeasurementChoices | None, Field(description=measuring.CHOICES)] = None,
    picture: Annotated[PictureChoice, Field(description="Image.")] = "png",
) -> measuring.MeasurementSystem:
    """Say how far a measurement can be trusted: gauge R&R with ndc, bias, linearity, attribute agreement.

    For stability chart one part with spc_chart. Fails when nothing was measured twice.
    """
    chosen = measuring.MeasurementOptions(
        **(options or measuring.MeasurementChoices()).model_dump(),
        study=study,
        value=tuple(value) if isinstance(value, list) else value,
        part=part,
        operator=operator,
    )
    return await services(ctx).analysis.run(caller(ctx), measuring.MEASUREMENT_SYSTEM, source, chosen, picture)


@tool(toolset="analytics", title="Sampling plan", reads=True)
async def sampling_plan(
    ctx: Ctx,
    lot_size: Annotated[int | None, Field(ge=1, description="Items.")] = None,
    aql: Annotated[float | None, Field(gt=0, description="% (or nonconformities per 100 units), as 1.0.")] = None,
    level: Annotated[sampling.Level, Field(description="Inspection level.")] = "II",
    options: Annotated[sampling.SamplingChoices | None, Field(description=sampling.CHOICES)] = None,
    picture: Annotated[PictureChoice, Field(description="OC curve.")] = "png",
) -> sampling.SamplingPlan:
    """Find how many items of a lot to inspect and when to accept it, and what that plan does to good and bad lots.

    Single sampling by attributes after ISO 2859-1 or ANSI/ASQ Z1.4, a plan of your own, or one for given risks; with
    OC curve, AOQL and switching rules. An AQL that is not in the standard fails, naming the nearest.
    """
    chosen = sampling.SamplingOptions(
        **(options or sampling.SamplingChoices()).model_dump(), lot_size=lot_size, aql=aql, level=level
    )
    return await services(ctx).analysis.run(caller(ctx), sampling.SAMPLING_PLAN, None, chosen, picture)
