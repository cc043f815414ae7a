"""The story of the demo on stage: calls are shown as they are made, signatures as they are given."""

import secrets
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from qms_mcp.demo.browsers import Browser, NotSignedError
from qms_mcp.demo.company import HALDEN, Person
from qms_mcp.demo.script import Step
from qms_mcp.demo.story import Answer, Signatories, Signatory

if TYPE_CHECKING:
    from mcp.client import Client

    from qms_mcp.db.database import Database
    from qms_mcp.demo.walk import Walk

_SIGNING_ROLES = ("qa_approver", "mrb", "regulatory")


class Acts:
    """Calls through the client of the walk, signatures in a browser."""

    def __init__(self, walk: "Walk", client: "Client", browser: Browser) -> None:
        self._walk, self._client, self._browser = walk, client, browser

    async def call(self, asks: str, tool: str, arguments: Mapping[str, Any]) -> Answer:
        """Call a tool; what only looks something up is not shown."""
        if not asks:
            result = await self._client.call_tool(tool, dict(arguments))
            return dict(result.structured_content or {})
        await self._walk.take(self._client, Step(asks, tool, arguments))
        return dict(self._walk.memory.of(tool))

    async def sign(self, asks: str, link: str, person: Signatory) -> None:
        """Sign, and show who did."""
        began = time.perf_counter()
        screen, tally = self._walk.screen, self._walk.tally
        try:
            said, signed = await self._browser.sign(link, person), True
        except NotSignedError as refused:
            said, signed = str(refused), False
        screen.line(f"     ✍ {person.name}: {' '.join(said.split())} ({time.perf_counter() - began:.1f} s)", "magenta")
        tally.count(asks, expected=signed)


async def signatories(database: "Database") -> Signatories:
    """Give the people of the demo company who sign a new password each, and return them."""
    chosen = {role: _somebody(role) for role in _SIGNING_ROLES}
    made = {role: await _with_password(database, person) for role, person in chosen.items()}
    return Signatories(made["qa_approver"], made["mrb"], made["regulatory"])


def _somebody(role: str) -> Person:
    return next(person for person in HALDEN.people if role in person.roles)


async def _with_password(database: "Database", person: Person) -> Signatory:
    from qms_mcp.auth.passwords import hash_password  # noqa: PLC0415 - argon2 is for people, not for start-up
    from qms_mcp.db.queries import query  # noqa: PLC0415

    password = f"demo {secrets.token_urlsafe(12)}"
    async with database.owner_transaction() as transaction:
        await transaction.execute(query("local_owner.administer"))
        await transaction.execute(
            query("users.set_password"), {"user_id": person.user_id, "password_hash": hash_password(password)}
        )
    return Signatory(person.name, person.email, password)
