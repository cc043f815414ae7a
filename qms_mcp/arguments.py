"""Arguments checked before a tool runs, with the answer a model can act on.

The SDK drops unknown arguments in silence; here they are refused with the name that was probably meant.
"""

from collections.abc import Callable, Mapping
from typing import Any, cast

from mcp.server.mcpserver.tools import Tool
from pydantic import ValidationError

from qms_mcp.errors import InvalidInputError, NotFoundError
from qms_mcp.registry import complaints, nearest


class ArgumentCheck:
    """Knows every registered tool and what it takes."""

    def __init__(self, tools: Callable[[], Mapping[str, Tool]]) -> None:
        self._tools = tools

    def only_reads(self, name: str) -> bool:
        """Return whether a tool changes nothing."""
        tool = self._tools().get(name)
        return tool is not None and tool.annotations is not None and bool(tool.annotations.read_only_hint)

    def check(self, params: Mapping[str, Any]) -> None:
        """Check the parameters of a `tools/call`.

        Raises:
            NotFoundError: There is no such tool.
            InvalidInputError: An argument is unknown, missing, or has a value that can't be used.
        """
        tools, name = self._tools(), str(params.get("name"))
        tool = tools.get(name)
        if tool is None:
            raise NotFoundError(f"There is no tool {name[:80]!r}.", hint=nearest(name[:80], tools))
        given = cast("dict[str, Any]", params.get("arguments") or {})
        known = cast("Mapping[str, Any]", tool.parameters.get("properties", {}))
        for argument in given:
            if argument not in known:
                raise InvalidInputError(
                    f"{name} has no argument {argument[:80]!r}.", hint=nearest(argument[:80], known)
                )
        try:
            tool.fn_metadata.validate_arguments(given)
        except ValidationError as wrong:
            raise InvalidInputError(
                complaints(wrong),
                hint=f"See the input schema of {name}.",
            ) from None
