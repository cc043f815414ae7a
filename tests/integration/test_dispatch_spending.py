"""A costly dispatch waits for a person: asked in the client, or on a terminal, for exactly these arguments, once."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from mcp.client import Client, ClientRequestContext
from mcp_types import ElicitRequestFormParams, ElicitRequestParams, ElicitResult

from qms_mcp.db.database import Database
from qms_mcp.db.embedded import EmbeddedPostgres
from qms_mcp.services.dispatch.shortening import MOST_BYTES
from qms_mcp.settings import Settings
from tests.conftest import Tenants
from tests.support.claude_stub import ClaudeStub, says
from tests.support.in_process import client_for

pytestmark = [pytest.mark.anyio, pytest.mark.shared_database]

ASKED = {"request": "Prepare the weekly quality review", "reason": "The meeting is tomorrow.", "wait": False}
NOTHING: dict[str, Any] = {"summary": "Nothing to say.", "insights": [], "actions": [], "recommendations": []}


@asynccontextmanager
async def thinking(database: Database, tenants: Tenants, home: Path, **options: Any) -> AsyncGenerator[Client]:
    """Lend a client of a server with a key, where half a cent is much."""
    with ClaudeStub(by={"": lambda _: says(NOTHING)}) as stub:
        variables = {"ANTHROPIC_API_KEY": "k", "ANTHROPIC_BASE_URL": stub.url, "QMS_APPROVE_ABOVE_USD": "0.005"}
        settings = Settings.from_environment({**variables, "QMS_RATE_LIMIT": "100000/minute"})
        async with client_for(database, tenants.ours, home, settings=settings, **options) as client:
            yield client


async def sent(client: Client, **more: Any) -> dict[str, Any]:
    result = await client.call_tool("dispatch_agents", {**ASKED, **more})
    assert not result.is_error, result.content
    assert result.structured_content is not None
    return result.structured_content


def approvals(embedded: EmbeddedPostgres, name: str, tenants: Tenants) -> list[tuple[str, str]]:
    with psycopg.connect(embedded.conninfo(name, "postgres")) as connection:
        return connection.execute(
            "SELECT id::text, state FROM qms.approvals WHERE tool = 'dispatch_agents' AND organization_id = %s "
            "ORDER BY created_at",
            (tenants.ours.organization_id,),
        ).fetchall()


async def test_a_client_that_cannot_ask_leaves_it_pending_until_a_person_approves_on_a_terminal(
    database: Database, tenants: Tenants, short_tmp: Path, embedded: EmbeddedPostgres, database_name: str
) -> None:
    async with thinking(database, tenants, short_tmp) as client:
        pending = await sent(client)
        assert pending["status"] == "planned"
        assert len(pending["plan"]["tasks"]) >= 4
        ((approval, state),) = approvals(embedded, database_name, tenants)
        assert state == "pending"
        assert f"qms-mcp approvals approve {approval}" in pending["note"]
        assert (await sent(client))["note"] == pending["note"], "asked twice it is the same approval"
        # A caller can't lift the ceiling, and other arguments are another question.
        assert (await sent(client, approve_above_usd=1_000))["status"] == "planned"
        assert (await sent(client, at_once=2))["status"] == "planned"
        assert len(approvals(embedded, database_name, tenants)) == 2

        decide = b"SELECT qms_private.decide_approval(%s, %s, 'approved', 'terminal', NULL)"
        with psycopg.connect(embedded.conninfo(database_name, "postgres")) as connection:
            connection.execute(decide, (approval, tenants.ours.user_id))
        begun = await sent(client, run_key="")
        assert begun["status"] in {"queued", "running", "completed"}
        assert dict(approvals(embedded, database_name, tenants))[approval] == "used"
        # What was approved once is spent: the same again asks again, finding it again does not.
        assert (await sent(client))["status"] == "planned"
        result = await client.call_tool("cancel_dispatch", {"dispatch": begun["id"], "reason": "The test is over."})
        assert not result.is_error


@pytest.mark.parametrize(("said", "status"), [(True, {"queued", "running", "completed"}), (False, {"planned"})])
async def test_a_client_that_asks_sends_or_does_not_as_the_person_says(
    database: Database, tenants: Tenants, short_tmp: Path, *, said: bool, status: set[str]
) -> None:
    questions: list[str] = []

    async def answer(_context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        assert isinstance(params, ElicitRequestFormParams)
        questions.append(params.message)
        return ElicitResult(action="accept", content={"approve": said})

    async with thinking(database, tenants, short_tmp, elicitation_callback=answer) as client:
        found = await sent(client, run_key="asked")
        assert found["status"] in status
        if said:
            again = await sent(client, run_key="asked")
            assert again["id"] == found["id"]
            await client.call_tool("cancel_dispatch", {"dispatch": "asked", "reason": "The test is over."})
        else:
            assert "a person rejected it" in found["note"]
    (question,) = questions
    assert "Estimated cost: " in question
    assert '"request": "Prepare the weekly quality review"' in question


def test_an_answer_stays_short_whatever_agents_say() -> None:
    from pydantic_core import to_json

    from qms_mcp.services.dispatch.models import DispatchReport
    from qms_mcp.services.dispatch.shortening import shortened

    source = {"agent": "qa", "key": "qa", "run": "r", "statement": "x" * 1_000, "calls": ["c" * 36] * 50}
    item = {"id": "I1", "statement": "y" * 1_000, "severity": "major", "sources": [source] * 6}
    result = {"tally": {"total": 6}, "insights": [item] * 100, "actions": [item] * 3, "summary": "All is well."}
    report = DispatchReport(status="completed", uri="qms://dispatch/1", result=result)
    found = shortened(report)
    assert len(to_json(found)) <= MOST_BYTES
    assert found.result is not None
    assert next(iter(found.result)) == "summary"
    assert found.result["totals"] == {"insights": 100, "actions": 3, "recommendations": 0, "contradictions": 0}
    assert "qms://dispatch/1" in found.result["rest"]
    assert found.result["insights"][0]["more_sources"] >= 2
