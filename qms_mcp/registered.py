"""Tools as the SDK holds them, made once in a process.

A server and the sub-agents it runs offer the same tools by the same schemas; making one takes a model of its arguments
and of its result, which is most of what starting a server costs.
"""

from functools import cache

from mcp.server.mcpserver.tools import Tool

from qms_mcp.pictured import app_binding
from qms_mcp.published_schema import published_input, published_output
from qms_mcp.registry import ToolSpec


@cache
def registered(spec: ToolSpec) -> Tool:
    """Return a tool with the schemas it is published with; nothing may change it."""
    made = Tool.from_function(
        spec.fn,
        name=spec.name,
        description=spec.description,
        annotations=spec.annotations,
        structured_output=True,
    )
    made.parameters = published_input(made.parameters)
    made.meta = app_binding(made.parameters)
    if made.fn_metadata.output_schema is not None:
        made.fn_metadata.output_schema = published_output(made.fn_metadata.output_schema)
    return made
