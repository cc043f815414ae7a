"""One story from the complaint to the closed CAPA: a real client over stdio, and a real browser for the signatures."""

import json
from collections.abc import Generator, Mapping
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from mcp.client import Client

from qms_mcp.db.local_owner import LOCAL_ORGANIZATION_ID
from qms_mcp.demo.browsers import Browser, Forms, a_browser
from qms_mcp.demo.story import Answer, Signatories, Signatory, Story
from tests.support.browser import CHROMIUM
from tests.support.people import cheap_hash, new_password
from tests.support.stdio import Workplace, connected, text_of, workplace

pytestmark = pytest.mark.anyio


@pytest.fixture
def place() -> Generator[Workplace]:
    with workplace() as made:
        yield made


def add_signatory(place: Workplace, name: str, *roles: str) -> Signatory:
    """Add somebody who can sign, as `qms-mcp users add` and `passwd` would, with a cheap hash."""
    user, email = uuid4(), f"{name.split(maxsplit=1)[0].lower()}@local.example"
    password = new_password()
    with psycopg.connect(place.conninfo()) as connection:
        connection.execute(b"INSERT INTO auth.users (id, email) VALUES (%s, %s)", [user, email])
        connection.execute(b"INSERT INTO qms.people (user_id, printed_name) VALUES (%s, %s)", [user, name])
        connection.execute(
            b"INSERT INTO qms.memberships (organization_id, user_id, roles) VALUES (%s, %s, %s)",
            [LOCAL_ORGANIZATION_ID, user, list(roles)],
        )
        connection.execute(
            b"INSERT INTO qms_private.credentials (user_id, password_hash) VALUES (%s, %s)",
            [user, cheap_hash(password)],
        )
    return Signatory(name, email, password)


def signatories(place: Workplace) -> Signatories:
    return Signatories(
        quality=add_signatory(place, "Ingrid Solberg", "qa_approver", "approver", "reviewer"),
        review_board=add_signatory(place, "Lukas Brandt", "mrb"),
        regulatory=add_signatory(place, "Priya Raman", "regulatory"),
    )


class Played:
    """The story on a real client and a browser."""

    def __init__(self, client: Client, browser: Browser) -> None:
        self._client, self._browser = client, browser
        self.answers: dict[str, Answer] = {}

    async def call(self, asks: str, tool: str, arguments: Mapping[str, Any]) -> Answer:
        result = await self._client.call_tool(tool, dict(arguments))
        assert not result.is_error, f"{asks} {tool} {json.dumps(dict(arguments))}: {text_of(result)}"
        self.answers[tool] = dict(result.structured_content or {})
        return self.answers[tool]

    async def sign(self, asks: str, link: str, person: Signatory) -> None:
        outcome = await self._browser.sign(link, person)
        assert "Approved" in outcome, asks
        assert person.name in outcome


def check_ending(place: Workplace, story: Story, played: Played) -> None:
    assert played.answers["verify_audit_trail"]["intact"] is True
    with psycopg.connect(place.conninfo()) as connection:
        states = dict(connection.execute("SELECT number, status FROM qms.quality_items").fetchall())
        assert {states[number] for number in story.numbers.values()} == {"closed"}
        signed = connection.execute(
            "SELECT s.printed_name, s.meaning, s.verdict FROM qms.signatures AS s ORDER BY s.signed_at"
        ).fetchall()
        assert len(signed) == story.signed
        assert {name for name, _meaning, _verdict in signed} == {"Ingrid Solberg", "Lukas Brandt", "Priya Raman"}
        by_agent = connection.execute(
            "SELECT count(*) FROM qms.transitions WHERE by_kind <> 'human' "
            "AND to_state IN ('closed', 'dispositioned', 'implementation', 'approved')"
        ).fetchone()
        assert by_agent == (0,)
        kinds = connection.execute(
            "SELECT DISTINCT actor_kind FROM qms.audit_logs WHERE record_id IS NOT NULL"
        ).fetchall()
        assert {kind for (kind,) in kinds} == {"agent", "human"}
        named = connection.execute(
            "SELECT count(*) FROM qms.audit_logs WHERE actor_kind = 'agent' AND record_id IS NOT NULL "
            "AND (tool_call_id IS NULL OR client IS NULL OR reason IS NULL)"
        ).fetchone()
        assert named == (0,), "an entry does not say through which call, or why"


@pytest.mark.skipif(
    not CHROMIUM.exists(), reason=f"NO BROWSER: the story is NOT signed in a browser without {CHROMIUM}"
)
@pytest.mark.slow
async def test_the_whole_story_with_signatures_in_chromium(place: Workplace) -> None:
    async with connected(place) as client, a_browser() as (browser, name):
        assert "Chromium" in name
        await client.call_tool("my_work", {})
        played = Played(client, browser)
        story = Story(played, signatories(place))
        await story.run()
    check_ending(place, story, played)


@pytest.mark.slow  # the same story once more, for machines without a browser
async def test_the_whole_story_with_forms_over_http(place: Workplace) -> None:
    async with connected(place, mode="legacy") as client:
        await client.call_tool("my_work", {})
        browser = Forms()
        played = Played(client, browser)
        story = Story(played, signatories(place))
        await story.run()
        await browser.aclose()
    check_ending(place, story, played)
