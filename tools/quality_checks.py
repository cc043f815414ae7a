"""Tools that say how complete and consistent what is recorded is."""

from typing import Annotated

from pydantic import Field

from qms_mcp.context import Ctx, caller, services
from qms_mcp.registry import tool
from qms_mcp.services.quality_checks.models import Kind, QualityCheck


@tool(toolset="agents", title="Check quality", reads=True)
async def check_quality(
    ctx: Ctx,
    subject: Annotated[
        str,
        Field(min_length=1, max_length=20_000, description="Record, document (SOP-014 v3), schema.table or a SELECT."),
    ],
    kind: Annotated[Kind | None, Field(description="Else as the subject looks.")] = None,
    limit: Annotated[int, Field(ge=1, le=100, description="Findings.")] = 25,
    cursor: Annotated[str | None, Field(max_length=12, description="next_cursor.")] = None,
) -> QualityCheck:
    """Check one record, document or set of rows for completeness and consistency, by a named set of rules.

    Use it before a review or an audit, or to see what a record still lacks. Findings come gravest first, each with how
    to mend it; unchecked says what could not be checked. It judges no conformity. An unknown subject fails.
    """
    return await services(ctx).quality_checks.check(caller(ctx), subject, kind, limit=limit, cursor=cursor)
