"""Whether a process can do what is asked of it."""

from typing import Annotated

from pydantic import Field, WithJsonSchema

from qms_mcp.context import Ctx, caller, services
from qms_mcp.registry import tool
from qms_mcp.services.analysis.methods.process_capability import (
    CHOICES,
    PROCESS_CAPABILITY,
    CapabilityChoices,
    CapabilityOptions,
    ProcessCapability,
)
from qms_mcp.services.analysis.source import SOURCE_WORDS, PictureChoice, Source

Columns = WithJsonSchema({"type": ["string", "array"]})
Size = WithJsonSchema({"type": ["string", "number"]})


@tool(toolset="analytics", title="Process capability", reads=True)
async def process_capability(
    ctx: Ctx,
    source: Annotated[Source | None, Field(description=SOURCE_WORDS)] = None,
    value: Annotated[str | list[str] | None, Columns, Field(description="Column; several: subgroups.")] = None,
    subgroup: Annotated[str | int | None, Size, Field(description="Column, or rows in each.")] = None,
    lsl: Annotated[float | None, Field(description="Limit.")] = None,
    usl: Annotated[float | None, Field(description="Limit.")] = None,
    options: Annotated[CapabilityChoices | None, Field(description=CHOICES)] = None,
    picture: Annotated[PictureChoice, Field(description="Image.")] = "png",
) -> ProcessCapability:
    """Compute Cp, Cpk, Pp, Ppk, Cpm with intervals, and what is expected and seen outside the specification.

    Rows come as made. Non-normal values get another distribution; Cp and Cpk are withheld from an unstable process.
    Fails for mixed units.
    """
    chosen = CapabilityOptions(
        **(options or CapabilityChoices()).model_dump(),
        value=tuple(value) if isinstance(value, list) else value,
        subgroup=subgroup,
        lsl=lsl,
        usl=usl,
    )
    return await services(ctx).analysis.run(caller(ctx), PROCESS_CAPABILITY, source, chosen, picture)
