"""Tools that look at the schema and change it in tested, approved steps."""

from typing import Annotated, Literal

from pydantic import Field

from qms_mcp.context import Ctx, caller, services
from qms_mcp.registry import tool
from qms_mcp.services.catalogue import Kind, SchemaObjects, TableDescription


# The part of list_tables and describe_table -----------------------------------------------------------------------


@tool(toolset="schema", title="List tables", reads=True)
async def list_tables(
    ctx: Ctx,
    schema: Annotated[str | None, Field(description="Only this schema.")] = None,
    kind: Annotated[Kind, Field(description="What to list.")] = "relation",
    search: Annotated[str | None, Field(description="Part of a name or comment.")] = None,
    detail: Literal["concise", "full"] = "concise",
    limit: Annotated[int, Field(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Field(description="next_cursor of the page before.")] = None,
) -> SchemaObjects:
    """List what is in the database."""
    return await services(ctx).catalogue.list_objects(
        caller(ctx), schema=schema, kind=kind, search=search, full=detail == "full", limit=limit, cursor=cursor
    )


@tool(toolset="schema", title="Describe table", reads=True)
async def describe_table(
    ctx: Ctx,
    table: Annotated[str, Field(description="schema.table, or the name alone when only one schema has it.")],
    samples: Annotated[int, Field(ge=0, le=5, description="Rows to show.")] = 0,
) -> TableDescription:
    """Describe a table."""
    return await services(ctx).catalogue.describe_table(caller(ctx), table, samples=samples)
