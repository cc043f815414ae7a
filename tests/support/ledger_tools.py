"""Tools that exist for the tests of the ledger, and a server that has them (when run as a program)."""

import os
from typing import Annotated

import anyio
from mcp.server.elicitation import ElicitationResult
from mcp.server.mcpserver.resolve import Elicit, Resolve
from pydantic import BaseModel

from qms_mcp.context import Ctx
from qms_mcp.errors import ConflictError
from qms_mcp.registry import ToolSpec, tool


class Noted(BaseModel):
    """What a tool of these answers."""

    number: int
    pid: int


class Sure(BaseModel):
    """What the user is asked."""

    sure: bool


@tool(toolset="operations", title="Note", reads=True)
async def note(ctx: Ctx, number: int, password: str = "") -> Noted:
    """Answer with the number and the process."""
    return Noted(number=number, pid=os.getpid())


@tool(toolset="operations", title="Wait", reads=True)
async def wait(ctx: Ctx) -> Noted:
    """Never answer."""
    await anyio.sleep_forever()
    return Noted(number=0, pid=os.getpid())


@tool(toolset="operations", title="Fail", reads=True)
async def fail(ctx: Ctx, how: str) -> Noted:
    """Fail: on purpose, or by accident."""
    if how == "on purpose":
        raise ConflictError("It is closed already.", hint="Open it first.")
    raise RuntimeError("internal detail that is nobody's business")


async def _ask(ctx: Ctx) -> Elicit[Sure]:
    return Elicit("Are you sure?", Sure)


@tool(toolset="operations", title="Ask", reads=True)
async def ask(ctx: Ctx, number: int, answer: Annotated[ElicitationResult[Sure], Resolve(_ask)]) -> Noted:
    """Ask the user first."""
    return Noted(number=number if answer.action == "accept" else -1, pid=os.getpid())


SPECS: list[ToolSpec] = [getattr(fn, "__qms_tool__") for fn in (note, wait, fail, ask)]  # noqa: B009 - typed as a function

if __name__ == "__main__":
    from qms_mcp.app import build_server
    from qms_mcp.settings import Settings

    build_server(Settings.from_environment(), more_tools=SPECS, own_process=True).run("stdio")
