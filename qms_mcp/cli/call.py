"""`qms-mcp call`: one tool, asked for from the terminal, as a client would.

It is a real client of a real server, so a call from the terminal is held to the same rules and recorded like any other.
"""

import json
import os
import sys
from typing import TYPE_CHECKING, Any, cast

import anyio
import click

from qms_mcp.errors import InvalidInputError, NotFoundError, QmsError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mcp.client import Client
    from mcp_types import CallToolResult

_AGAIN_AFTER = 5.0
_UNFINISHED = frozenset({"queued", "running"})


@click.command("call", context_settings={"ignore_unknown_options": True})
@click.argument("tool")
@click.argument("given", metavar="[NAME=VALUE]...", nargs=-1)
@click.option("--arguments", type=click.File(), help="A file with a JSON object of arguments; - reads it from here.")
@click.option("--json", "as_json", is_flag=True, help="The structured answer instead of the text.")
@click.option("--finish", is_flag=True, help="Ask again until the job it begins has ended.")
def command(tool: str, given: tuple[str, ...], arguments: Any, *, as_json: bool, finish: bool) -> int:
    """Call TOOL once and print its answer. Exit status 1 when it fails.

    A value is text where the tool takes text, else JSON: `qms-mcp call detect_drift agent=qa`,
    `qms-mcp call execute_query statement="SELECT 1" limit=5`. `qms-mcp tools` lists the tools.
    """
    wanted = _object(arguments.read()) if arguments is not None else {}
    return anyio.run(_call, tool, wanted, given, as_json, finish)


async def _call(tool: str, wanted: dict[str, Any], given: tuple[str, ...], as_json: bool, finish: bool) -> int:
    from mcp import StdioServerParameters  # noqa: PLC0415 - only this command is a client
    from mcp.client import Client  # noqa: PLC0415
    from mcp.client.stdio import stdio_client  # noqa: PLC0415
    from mcp.shared.exceptions import MCPError  # noqa: PLC0415
    from mcp_types import Implementation  # noqa: PLC0415

    from qms_mcp import __version__  # noqa: PLC0415

    server = StdioServerParameters(command=sys.executable, args=["-m", "qms_mcp", "serve"], env=dict(os.environ))
    me = Implementation(name="qms-mcp call", version=__version__)
    result: CallToolResult | None = None
    refused: QmsError | None = None
    try:
        async with Client(stdio_client(server), client_info=me) as client:
            try:
                result = await _asked(client, tool, wanted, given, finish=finish)
            except QmsError as error:  # out of the client's task group, which would wrap it
                refused = error
    except* (MCPError, OSError) as lost:
        said = "; ".join(str(one) for one in lost.exceptions)
        refused = UnavailableError(f"The server did not answer: {said[:200]}.", hint="`qms-mcp doctor` says why.")
    if refused is not None or result is None:
        raise refused or UnavailableError("The server did not answer.", hint="`qms-mcp doctor` says why.")
    if as_json and not result.is_error:
        click.echo(json.dumps(result.structured_content, indent=2, ensure_ascii=False))
    else:
        click.echo(_text(result), err=bool(result.is_error))
    return 1 if result.is_error else 0


async def _asked(
    client: "Client", tool: str, wanted: dict[str, Any], given: tuple[str, ...], *, finish: bool
) -> "CallToolResult":
    """Call a tool; again and again while the job it began is not done."""
    named = {**wanted, **filled(given, await _properties(client, tool))}
    result = await client.call_tool(tool, named, progress_callback=_tell)
    while finish and not result.is_error and _state(result) in _UNFINISHED:
        await anyio.sleep(_AGAIN_AFTER)
        result = await client.call_tool(tool, named, progress_callback=_tell)
    return result


async def _properties(client: "Client", tool: str) -> "Mapping[str, Any]":
    """Return what a tool takes."""
    cursor: str | None = None
    while True:
        page = await client.list_tools(cursor=cursor)
        for one in page.tools:
            if one.name == tool:
                return one.input_schema.get("properties", {})
        cursor = page.next_cursor
        if cursor is None:
            raise NotFoundError(f"There is no tool {tool[:60]!r}.", hint="`qms-mcp tools` lists them.")


async def _tell(progress: float, total: float | None, message: str | None) -> None:
    del progress, total
    if message:
        click.echo(message, err=True)


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise InvalidInputError(f"The arguments are not JSON: {error}.") from None
    if not isinstance(found, dict):
        raise InvalidInputError("The arguments are not a JSON object.", hint='For example {"agent": "qa"}.')
    return cast("dict[str, Any]", found)


def filled(given: "Iterable[str]", properties: "Mapping[str, Any]") -> dict[str, Any]:
    """Return the arguments that were typed.

    Raises:
        InvalidInputError: One has no name, or is not of a kind the tool takes.
    """
    found = dict[str, Any]()
    for one in given:
        name, is_named, value = one.partition("=")
        if not is_named or name not in properties:
            names = ", ".join(properties) or "no argument"
            raise InvalidInputError(f"{one[:60]!r} is no NAME=VALUE of this tool.", hint=f"It takes {names}.")
        found[name] = value if _takes_text(properties[name]) else _value(name, value)
    return found


def _takes_text(schema: "Mapping[str, Any]") -> bool:
    branches: list[Mapping[str, Any]] = [schema, *schema.get("anyOf", ())]
    return any(one.get("type") == "string" or "enum" in one or "$ref" in one for one in branches)


def _value(name: str, value: str) -> Any:
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        raise InvalidInputError(f"{name} is not text: write its value as JSON.", hint='5, true, ["a", "b"].') from None


def _state(result: "CallToolResult") -> str:
    content = cast("dict[str, Any]", result.structured_content or {})
    return str(content.get("state", content.get("status", "")))


def _text(result: "CallToolResult") -> str:
    blocks = cast("Iterable[Any]", result.content)
    return "\n".join(block.text for block in blocks if block.type == "text")
