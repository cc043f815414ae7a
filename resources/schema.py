"""`qms://schema/{schema}/{table}`: a table or a view as a page."""

from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.resources import ResourceSecurity

from qms_mcp.context import Ctx, caller, services
from qms_mcp.protocol_errors import in_protocol_words
from qms_mcp.services.catalogue.markdown import table_page
from qms_mcp.services.catalogue.names import quoted

# Names of tables are no paths: the database decides which exist.
_NO_PATHS = ResourceSecurity(exempt_params={"schema", "table"})


def install(server: MCPServer[Any]) -> None:
    """Add the pages of tables and views."""
    server.resource(
        "qms://schema/{schema}/{table}",
        name="schema",
        title="Table or view",
        description="Columns, keys, references, indexes, constraints, triggers and policies of a table or a view.",
        mime_type="text/markdown",
        security=_NO_PATHS,
    )(schema_page)


async def schema_page(schema: str, table: str, ctx: Ctx) -> str:
    """Return a table or a view as Markdown."""
    with in_protocol_words():
        name = f"{quoted(schema)}.{quoted(table)}"
        return table_page(await services(ctx).catalogue.describe_table(caller(ctx), name))
