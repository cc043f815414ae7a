"""The walk: a real server over stdio, a real client, and the steps one after another."""

import os
import secrets
import sys
import time
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from mcp import StdioServerParameters
from mcp.client import Client
from mcp.client.stdio import stdio_client
from mcp_types import CallToolResult, Implementation, TextContent

from qms_mcp import __version__
from qms_mcp.db.embedded import EmbeddedPostgres
from qms_mcp.demo.acts import Acts, signatories
from qms_mcp.demo.browsers import a_browser
from qms_mcp.demo.company import HALDEN, MORROW
from qms_mcp.demo.improving import IMPROVING
from qms_mcp.demo.job import ASK, CHANGE, CHECK, LOOK
from qms_mcp.demo.knowledge import documents
from qms_mcp.demo.load import Loaded, load_companies
from qms_mcp.demo.numbers import NUMBERS
from qms_mcp.demo.procedures import fill_inbox
from qms_mcp.demo.safety import HOSTILE, OURS, THEIRS
from qms_mcp.demo.script import Chapter, Memory, Step
from qms_mcp.demo.sending import AGENTS, SENDS
from qms_mcp.demo.show import Screen
from qms_mcp.demo.story import Signatories, Story
from qms_mcp.settings import Settings
from qms_mcp.startup import open_database

_MOST_SECONDS = 60.0
_LEDGER = "qms://ledger/current"
_ME = Implementation(name="qms-mcp demo", version=__version__)
_REFUSED = ("[refused_statement]", "[not_allowed]", "[conflict]")
_PASSED_ON = ("PATH", "HOME", "TMPDIR")


@dataclass
class Tally:
    """How the steps went."""

    steps: int = 0
    surprises: list[str] = field(default_factory=list[str])

    @property
    def as_expected(self) -> int:
        """How many went as they should."""
        return self.steps - len(self.surprises)

    def count(self, asks: str, *, expected: bool) -> None:
        """Count a step."""
        self.steps += 1
        if not expected:
            self.surprises.append(asks)


@asynccontextmanager
async def prepared(home: Path, screen: Screen) -> AsyncGenerator[tuple[list[Loaded], Signatories]]:
    """Have the database up, migrated and filled while the demo lasts, and people who can sign."""
    began = time.perf_counter()
    embedded = EmbeddedPostgres(home)
    settings = Settings.model_validate({"qms_home": home})
    try:
        with screen.console.status("starting the embedded PostgreSQL") if not screen.plain else _still():
            database = await open_database(settings, embedded, lambda _stage: None)
            try:
                loaded = await load_companies(database)
                people = await signatories(database)
            finally:
                await database.close()
        screen.line(f"PostgreSQL up, schema current, companies loaded in {time.perf_counter() - began:.1f} s", "dim")
        yield loaded, people
    finally:
        embedded.release()


class _still:  # noqa: N801 - stands for a function
    """Shows nothing while something happens."""

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, *_error: object) -> None:
        """End."""


@dataclass
class Walk:
    """The demo under way.

    Attributes:
        home: Where the database of the demo is.
    """

    screen: Screen
    home: Path
    tally: Tally = field(default_factory=Tally)
    memory: Memory = field(default_factory=Memory)

    async def main_job(self) -> None:
        """Walk through everything as somebody of the first company."""
        async with self._client({"QMS_ORGANIZATION": HALDEN.slug}) as client:
            inbox = str(fill_inbox(self.home))
            for chapter in (LOOK, ASK, CHANGE, CHECK, HOSTILE, OURS, documents(inbox), NUMBERS, AGENTS, IMPROVING):
                await self._chapter(client, chapter)
            await self._other_company()
            await self._ledger(client)

    async def story(self, people: Signatories) -> None:
        """Walk one case from the complaint to the closed CAPA; people sign in a browser."""
        self.screen.title("One case, from the complaint to the closed CAPA: the model writes, people sign")
        async with self._client({"QMS_ORGANIZATION": HALDEN.slug}) as client, a_browser() as (browser, name):
            self.screen.line(f"People sign on the approval page, in {name}.", "dim")
            await Story(Acts(self, client, browser), people).run()

    async def _other_company(self) -> None:
        import jwt  # noqa: PLC0415 - only here

        secret = secrets.token_urlsafe(48)
        now = int(time.time())
        person = str(MORROW.people[0].user_id)
        claims = {"sub": person, "aud": "authenticated", "role": "authenticated", "iat": now, "exp": now + 300}
        variables = {"QMS_JWT_SECRET": secret, "QMS_ACCESS_TOKEN": jwt.encode(claims, secret, "HS256")}
        async with self._client(variables) as client:
            await self._chapter(client, THEIRS)

    async def _chapter(self, client: Client, chapter: Chapter) -> None:
        if chapter.title:
            self.screen.title(chapter.title)
        for step in chapter.steps:
            await self.take(client, step)

    async def take(self, client: Client, step: Step) -> None:
        """Take a step, and show what came back."""
        arguments = step.arguments_for(self.memory)
        self.screen.asked(self.tally.steps + 1, step, arguments)
        began = time.perf_counter()
        tell = self._tell if step.tool == SENDS else None
        result = await client.call_tool(
            step.tool, dict(arguments), read_timeout_seconds=_MOST_SECONDS, progress_callback=tell
        )
        seconds = time.perf_counter() - began
        content = cast("dict[str, Any]", result.structured_content or {})
        text = _text(result)
        refused = result.is_error and text.endswith(_REFUSED)
        expected = refused if step.expects == "refusal" else not result.is_error
        if not result.is_error:
            self.memory.answers[step.tool] = content
            expected = expected and (step.check is None or step.check(content, self.memory))
        shown = self.screen.refusal(text) if result.is_error else self.screen.answer(step.tool, content)
        self.screen.came_back(shown, seconds, expected=expected, why=step.why if expected else "")
        self.tally.count(step.asks, expected=expected)

    async def _tell(self, progress: float, total: float | None, message: str | None) -> None:
        del progress, total  # the sentence says it
        self.screen.line(f"       … {message}", "dim")

    async def _ledger(self, client: Client) -> None:
        self.screen.title("See all of it in the ledger")
        step = Step("What did we do? Every call is recorded, the refused ones too.", f"resource {_LEDGER}")
        calls = self.tally.steps - len(THEIRS.steps)
        self.screen.asked(self.tally.steps + 1, step, {})
        began = time.perf_counter()
        page = await client.read_resource(_LEDGER)
        seconds = time.perf_counter() - began
        lines = [str(getattr(content, "text", "")) for content in page.contents]
        recorded = [line for line in "\n".join(lines).splitlines() if line.startswith("- ")]
        expected = sum(" tool `" in line for line in recorded) == calls
        self.screen.came_back("\n".join(recorded), seconds, expected=expected,
                              why=f"{calls} calls made, {len(recorded)} lines recorded with this one.")  # fmt: skip
        self.tally.count(step.asks, expected=expected)

    @asynccontextmanager
    async def _client(self, variables: dict[str, str]) -> AsyncGenerator[Client]:
        passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        server = StdioServerParameters(
            command=sys.executable,
            args=["-m", "qms_mcp", "serve"],
            env={**passed_on, "QMS_HOME": str(self.home), **variables},
        )
        with (self.home / "demo.log").open("a", encoding="utf-8") as log:
            began = time.perf_counter()
            async with Client(stdio_client(server, errlog=log), client_info=_ME) as client:
                tools = (await client.list_tools()).tools
                self.screen.line(
                    f"qms-mcp {__version__} answers over stdio after {time.perf_counter() - began:.1f} s "
                    f"with {len(tools)} tools, protocol {client.protocol_version}",
                    "dim",
                )
                yield client


def _text(result: CallToolResult) -> str:
    return " ".join(block.text for block in cast("Iterable[Any]", result.content) if isinstance(block, TextContent))
