"""`schema_review`: how well a schema is built, and how well it keeps tenants apart."""

from typing import Annotated, Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.prompts.base import Message, UserMessage
from pydantic import Field

from qms_mcp.context import Ctx, caller, services
from qms_mcp.protocol_errors import in_protocol_words
from qms_mcp.services.catalogue import SchemaObjects

_TABLES = 100
_TASK = """\
Review the schema {schema} of this quality management database.

1. Call describe_table for every table below that holds records, the ones with most references first.
2. Call check_rls for the schema. A table with an organization_id needs row-level security that is forced, a policy for
   each command the application may run, and no policy that is always true.
3. Look at each table for: a primary key; foreign keys with an index on them; columns that may be null and should not;
   states, types and amounts without a CHECK; times without a zone; text that holds what other tables have as rows;
   a trail of changes where records are regulated; comments that say what the name does not.
4. Where you suspect that rows break a rule that is not enforced, count them with validate_data or execute_query before
   you say so.

Report the findings as a table: severity (high, medium, low), object, finding, evidence (the tool and what it
returned), proposed change. Put first what lets one organization see or change what belongs to another, then what can
corrupt records, then what is slow, then what is unclear. Say what you did not look at. Change nothing: when the user
wants a change, draft it with create_migration, which tests it and leaves the decision to a person.
"""


def install(server: MCPServer[Any]) -> None:
    """Add the prompt."""
    server.prompt(
        name="schema_review",
        title="Review a schema",
        description="Review the tables of a schema for tenancy, integrity, speed and clarity, with evidence.",
    )(schema_review)


async def schema_review(
    schema: Annotated[str, Field(description="The schema to review, as in list_tables; for example qms.")], ctx: Ctx
) -> list[Message]:
    """Return what to do, and what there is to review."""
    with in_protocol_words():
        tables = await services(ctx).catalogue.list_objects(caller(ctx), schema=schema, limit=_TABLES)
    return [UserMessage(_TASK.format(schema=schema)), UserMessage(_listed(tables))]


def _listed(tables: SchemaObjects) -> str:
    lines = [
        f"- {table.name} ({table.kind}){f': {table.comment}' if table.comment else ''}" for table in tables.objects
    ]
    more = f"\n{tables.total - len(lines)} more: list_tables has them." if tables.next_cursor else ""
    return f"The schema has {tables.total} tables and views:\n" + "\n".join(lines) + more
