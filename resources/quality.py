"""What quality work rests on, as pages: record types, their state machines, frameworks and the glossary."""

from collections.abc import Iterator, Sequence
from importlib.resources import files
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.resources import ResourceSecurity

from qms_mcp.context import Ctx, caller, current_call, services
from qms_mcp.protocol_errors import in_protocol_words
from qms_mcp.services.compliance.models import Framework, ListedClause
from qms_mcp.services.workflow.diagrams import state_diagram

_MARKDOWN = "text/markdown"


def install(server: MCPServer[Any]) -> None:
    """Add the pages."""
    server.resource(
        "qms://record-types",
        name="record_types",
        title="Types of quality records",
        description="Each type with its number prefix, its table and where its state machine is.",
        mime_type=_MARKDOWN,
    )(record_types_page)
    server.resource(
        "qms://workflow/{category}",
        name="workflow",
        title="State machine of a record type",
        description="States and steps of a record type as your organization runs them, as a Mermaid diagram.",
        mime_type=_MARKDOWN,
        security=ResourceSecurity(exempt_params={"category"}),
    )(workflow_page)
    server.resource(
        "qms://framework/{key}",
        name="framework",
        title="Clauses of a framework",
        description="Numbers and titles of a standard or regulation: iso-9001, iso-13485, fda-qmsr, part-11 and more.",
        mime_type=_MARKDOWN,
        security=ResourceSecurity(exempt_params={"key"}),
    )(framework_page)
    server.resource(
        "qms://glossary",
        name="glossary",
        title="Glossary of quality terms",
        description="What the words of quality work mean here, and the names they have in fields and states.",
        mime_type=_MARKDOWN,
    )(glossary)


def glossary() -> str:
    """Return the glossary."""
    return files("qms_mcp.resources").joinpath("glossary.md").read_text(encoding="utf-8")


async def record_types_page() -> str:
    """Return the types of records as Markdown."""
    with in_protocol_words():
        call = current_call()  # the address has no variable, and then the SDK hands over no context
        types = await call.services.compliance.record_types(call.principal)
    lines = [
        "# Types of quality records",
        "",
        "All share the base `qms.quality_items`; fields of a type are in its own table.",
        "",
        "| type | numbers | fields | state machine |",
        "| - | - | - | - |",
    ]
    lines += [
        f"| {one.label} (`{one.category}`) | {one.prefix}-YYYY-0001 | `qms://schema/qms/{one.table_name}` "
        f"| `qms://workflow/{one.category}` |"
        for one in types
    ]
    return "\n".join(lines) + "\n"


async def workflow_page(category: str, ctx: Ctx) -> str:
    """Return the state machine of a type as Markdown."""
    with in_protocol_words():
        definition = await services(ctx).workflow.definition(caller(ctx), category)
    whose = "your organization's own" if definition.own else "as shipped"
    return (
        f"# Workflow of {definition.category}\n\nVersion {definition.version}, {whose}. A step that begins with "
        "`signed` is a person's: transition_record asks for it, and the person signs on the approval page. get_record "
        "says what is possible for one record and what blocks the rest.\n\n"
        f"```mermaid\n{state_diagram(definition.body)}\n```\n"
    )


async def framework_page(key: str, ctx: Ctx) -> str:
    """Return a framework and its clauses as Markdown."""
    with in_protocol_words():
        framework, clauses = await services(ctx).compliance.clauses(caller(ctx), key)
    return "\n".join(_framework_lines(framework, clauses)) + "\n"


def _framework_lines(framework: Framework, clauses: Sequence[ListedClause]) -> Iterator[str]:
    until = f" until {framework.in_force_until}" if framework.in_force_until else ""
    yield f"# {framework.name}: {framework.title}"
    yield ""
    yield f"{framework.publisher}, in force from {framework.in_force_from}{until}. Key: `{framework.key}`."
    if framework.replaced_by:
        yield f"Replaced by {framework.replaced_by}."
    if framework.note:
        yield framework.note
    yield "Numbers and titles only; for the text go to the publisher. `get_compliance_matrix` shows the evidence."
    yield ""
    for clause in clauses:
        words = f"**{clause.number} {clause.title}**" if clause.kind == "heading" else f"{clause.number} {clause.title}"
        see = f" ({clause.see})" if clause.see else ""
        yield f"- {words}{see}"
