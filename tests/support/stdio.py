"""The real server as a client starts it: a process on stdio, in an environment of its own."""

import os
import shutil
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp_types import CallToolResult, TextContent

from qms_mcp.db.embedded import EmbeddedPostgres
from tests.support.homes import copy_of_started_home
from tests.support.places import new_place

COMMAND = [sys.executable, "-m", "qms_mcp", "serve"]


@dataclass(frozen=True)
class Workplace:
    """A home with an embedded database, and the environment to start servers on it with."""

    home: Path
    environment: dict[str, str]
    embedded: EmbeddedPostgres = field(repr=False)

    def conninfo(self, user: str = "postgres") -> str:
        """Return how to reach the database; it is running when this returns."""
        self.embedded.ensure_running()
        return self.embedded.conninfo("qms", user)


@contextmanager
def workplace(*, empty: bool = False, **variables: str) -> Generator[Workplace]:
    """Yield a home under a short path; its database is stopped and removed at the end.

    Args:
        empty: As on a machine that never ran it; else it was started before.
        variables: Of the environment of its servers, beside the usual ones.
    """
    folder = new_place()
    home = folder / "home"
    if not empty:
        copy_of_started_home(home)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "QMS_HOME": str(home),
        "QMS_LINGER_SECONDS": "2",
        **variables,
    }
    embedded = EmbeddedPostgres(home)
    try:
        yield Workplace(home, environment, embedded)
    finally:
        embedded.stop()
        shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def connected(
    place: Workplace, *, mode: str = "auto", arguments: tuple[str, ...] = (), **options: Any
) -> AsyncGenerator[Client]:
    """Yield a client of a server of its own."""
    parameters = StdioServerParameters(
        command=COMMAND[0], args=[*COMMAND[1:], *arguments], env=place.environment, cwd=place.home.parent
    )
    async with Client(stdio_client(parameters), mode=mode, **options) as client:
        yield client


def text_of(answer: CallToolResult) -> str:
    """Return the text of an answer."""
    return "\n".join(block.text for block in answer.content if isinstance(block, TextContent))
