"""Who may decide, and how a tool asks: through the client, in both eras of the protocol."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from mcp.client.client import Client
from mcp_types import ElicitResult

from qms_mcp.app import build_server
from qms_mcp.db.database import Database
from qms_mcp.db.queries import Query
from qms_mcp.db.wiring import Wiring
from qms_mcp.errors import NotAllowedError, QmsError
from qms_mcp.services.approvals import ApprovalDesk, Approvals
from qms_mcp.services.migrations.service import Migrations
from qms_mcp.services.outcomes import question, visible
from qms_mcp.services.users import Users
from qms_mcp.settings import Settings
from tests.conftest import Tenants, add_person
from tests.support.readings import add_readings, make_readings

pytestmark = pytest.mark.anyio

SCRIPT = "CREATE TABLE public.units (name text PRIMARY KEY);"


async def waiting(database: Database, tenants: Tenants) -> tuple[UUID, UUID]:
    """A draft and the approval it waits for."""
    migrations = Migrations(database)
    made = await migrations.create(tenants.ours, name="units", script=SCRIPT, reverse_script=None, reason="Units.")
    kept = await migrations.get(tenants.ours, made.draft_id)
    return made.draft_id, (await Approvals(database).request(tenants.ours, kept.request())).id


async def test_the_same_draft_waits_for_one_approval(database: Database, tenants: Tenants) -> None:
    draft_id, approval_id = await waiting(database, tenants)
    kept = await Migrations(database).get(tenants.ours, draft_id)
    assert (await Approvals(database).request(tenants.ours, kept.request())).id == approval_id


async def run_as(role: str, statement: str, database: Database, wiring: Wiring, tenants: Tenants) -> None:
    if role == "qms_app":
        async with database.transaction(tenants.ours) as transaction:
            await transaction.connection.execute(statement.encode())
    else:
        async with await psycopg.AsyncConnection[Any].connect(wiring.server, autocommit=True) as connection:
            await connection.execute(statement.encode())


@pytest.mark.parametrize("role", ["qms_app", "qms_server"])
async def test_nothing_the_server_can_be_is_able_to_approve(
    database: Database, wiring: Wiring, tenants: Tenants, role: str
) -> None:
    _, approval_id = await waiting(database, tenants)
    for statement in (
        f"UPDATE qms.approvals SET state = 'approved' WHERE id = '{approval_id}'",
        f"SELECT qms_private.decide_approval('{approval_id}', '{tenants.ours.user_id}', 'approved', 'terminal', '')",
        "INSERT INTO qms.approvals (tool) VALUES ('apply_migration')",
        "SET ROLE qms_definer",
        "SELECT * FROM qms_private.credentials",
    ):
        with pytest.raises((QmsError, psycopg.Error), match="permission denied"):
            await run_as(role, statement, database, wiring, tenants)
    assert (await ApprovalDesk(database).show(approval_id)).state == "pending"


async def test_a_request_is_bound_to_the_text_of_its_draft(database: Database, tenants: Tenants) -> None:
    from dataclasses import replace

    draft_id, _ = await waiting(database, tenants)
    wanted = (await Migrations(database).get(tenants.ours, draft_id)).request()
    for forged in (replace(wanted, content="-- harmless"), replace(wanted, subject_id=uuid4())):
        with pytest.raises(NotAllowedError):
            await Approvals(database).request(tenants.ours, forged)
    with pytest.raises(NotAllowedError):
        await Approvals(database).request(tenants.theirs, wanted)


async def test_only_someone_with_a_role_that_may_approve_confirms(database: Database, tenants: Tenants) -> None:
    _, approval_id = await waiting(database, tenants)
    for who in (tenants.auditor, tenants.theirs):
        with pytest.raises(NotAllowedError):
            await Approvals(database).confirm(who, approval_id, "approved")
    assert not await Approvals(database).can_be_asked(tenants.auditor)


async def test_an_approval_is_decided_once(database: Database, tenants: Tenants) -> None:
    _, approval_id = await waiting(database, tenants)
    await Approvals(database).confirm(tenants.ours, approval_id, "rejected")
    with pytest.raises(NotAllowedError):
        await Approvals(database).confirm(tenants.ours, approval_id, "approved")


async def test_an_organization_can_want_a_password_for_every_decision(
    database: Database, tenants: Tenants, embedded: Any, database_name: str
) -> None:
    _, approval_id = await waiting(database, tenants)
    with psycopg.connect(embedded.conninfo(database_name, "postgres"), autocommit=True) as admin:
        admin.execute("""UPDATE qms.organizations SET settings = '{"confirm_in_client": false}'""")
    assert not await Approvals(database).can_be_asked(tenants.ours)
    with pytest.raises(NotAllowedError):
        await Approvals(database).confirm(tenants.ours, approval_id, "approved")


async def test_a_person_at_the_desk_decides(database: Database, tenants: Tenants) -> None:
    _, approval_id = await waiting(database, tenants)
    desk, users = ApprovalDesk(database), Users(database)
    assert tenants.ours.email
    assert tenants.auditor.email
    with pytest.raises(NotAllowedError):
        await desk.decide(approval_id, await users.find(tenants.auditor.email), "approved", "")
    assert await desk.decide(approval_id, await users.find(tenants.ours.email), "approved", "") == "approved"
    shown = await desk.show(approval_id)
    assert (shown.state, shown.channel) == ("approved", "terminal")
    assert await desk.listed() == []
    assert [one.id for one in await desk.listed(everything=True)] == [approval_id]


async def test_what_a_screen_would_hide_is_spelled_out(database: Database, tenants: Tenants) -> None:
    assert visible("a\x1b[2K\u202eb\u200b\n") == "a\\u001b[2K\\u202eb\\u200b\n"
    _, approval_id = await waiting(database, tenants)
    shown = await Approvals(database).request(
        tenants.ours,
        (
            await Migrations(database).get(tenants.ours, (await ApprovalDesk(database).show(approval_id)).subject_id)
        ).request(),
    )
    assert SCRIPT in question(shown)
    assert shown.content_sha256 in question(shown)


# Through a real server and a real client -----------------------------------------------------------------------------


def settings_for(wiring: Wiring) -> Settings:
    return Settings.from_environment(
        {
            "DATABASE_URL": wiring.server,
            "DATABASE_URL_DIRECT": wiring.owner,
            "DATABASE_URL_SQL": wiring.sql,
            "QMS_ACCESS_TOKEN": "",
        }
    )


@pytest.fixture
def server_home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@asynccontextmanager
async def client(
    wiring: Wiring, tenants: Tenants, home: Path, monkeypatch: pytest.MonkeyPatch, *, mode: str, answer: Any
) -> AsyncGenerator[Any]:
    from qms_mcp import startup

    async def as_ours(*_: Any) -> Any:
        return tenants.ours

    monkeypatch.setattr(startup, "identify", as_ours)
    server = build_server(settings_for(wiring), home=home)
    async with Client(server, mode=mode, elicitation_callback=answer) as connected:
        yield connected


def answering(action: str, content: dict[str, Any] | None = None) -> tuple[Any, list[str]]:
    asked: list[str] = []

    async def answer(_context: Any, params: Any) -> ElicitResult:
        asked.append(params.message)
        return ElicitResult(action=action, content=content)  # pyright: ignore[reportArgumentType]

    return answer, asked


MODES = ["auto", "legacy"]


ANSWERS: tuple[tuple[str | None, dict[str, Any] | None, str], ...] = (
    ("cancel", None, "pending"),
    (None, None, "pending"),
    ("decline", None, "rejected"),
    ("accept", {"approve": False}, "rejected"),
    ("accept", {"approve": True}, "applied"),
)


@pytest.mark.parametrize("mode", MODES)
async def test_the_person_in_front_of_the_client_decides(
    wiring: Wiring,
    database: Database,
    tenants: Tenants,
    server_home: Path,
    monkeypatch: pytest.MonkeyPatch,
    mode: str,
) -> None:
    for number, (action, content, status) in enumerate(ANSWERS):
        answer, asked = answering(action or "", content)
        async with client(
            wiring, tenants, server_home, monkeypatch, mode=mode, answer=answer if action else None
        ) as connected:
            draft = {"name": f"units_{number}", "script": SCRIPT, "reason": "Units."}
            made = await connected.call_tool("create_migration", draft)
            assert not made.is_error, made.content
            done = await connected.call_tool("apply_migration", {"draft_id": made.structured_content["draft_id"]})
            assert not done.is_error, done.content
        outcome = done.structured_content
        assert outcome["status"] == status
        assert len(asked) == (1 if action else 0)
        if asked:
            assert SCRIPT in asked[0]
            assert outcome["sha256"] in asked[0]
        if status == "pending":
            assert f"approvals approve {outcome['approval_id']}" in outcome["how_to_approve"]
        there = Query("test", "SELECT to_regclass('public.units') IS NOT NULL AS there")
        async with database.owner_transaction() as transaction:
            assert await transaction.fetch_dicts(there) == [{"there": status == "applied"}]


@pytest.mark.parametrize("mode", MODES)
async def test_rows_change_once_the_person_accepts(
    wiring: Wiring,
    database: Database,
    tenants: Tenants,
    server_home: Path,
    monkeypatch: pytest.MonkeyPatch,
    mode: str,
) -> None:
    await make_readings(database)
    await add_readings(database, tenants.ours, "A", n=1)
    answer, asked = answering("accept", {"approve": True})
    statement = {"statement": "UPDATE site.readings SET title = $1", "parameters": ["B"], "reason": "Renamed."}
    async with client(wiring, tenants, server_home, monkeypatch, mode=mode, answer=answer) as connected:
        done = await connected.call_tool("transform_data", statement)
        assert not done.is_error, done.content
        assert (done.structured_content["status"], done.structured_content["rows_changed"]) == ("applied", 1)
        assert 'title="A1"' in asked[0]
        assert 'title="B"' in asked[0]
        refused = await connected.call_tool("transform_data", {"draft_id": done.structured_content["draft_id"]})
        assert refused.is_error
        assert "already" in refused.content[0].text
        missing = await connected.call_tool("transform_data", {"reason": "nothing"})
        assert "[invalid_input]" in missing.content[0].text
    assert len(asked) == 1


async def test_what_was_approved_on_a_terminal_is_applied_by_the_next_call(
    wiring: Wiring, database: Database, tenants: Tenants, server_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft_id, approval_id = await waiting(database, tenants)
    approver = await add_person(database, tenants.ours.organization_id, "northwind", "qa_approver")
    async with client(wiring, tenants, server_home, monkeypatch, mode="auto", answer=None) as connected:
        arguments = {"draft_id": str(draft_id), "approval_id": str(approval_id)}
        assert (await connected.call_tool("apply_migration", arguments)).structured_content["status"] == "pending"
        assert approver.email
        await ApprovalDesk(database).decide(approval_id, await Users(database).find(approver.email), "approved", "")
        assert (await connected.call_tool("apply_migration", arguments)).structured_content["status"] == "applied"
        wrong = await connected.call_tool("apply_migration", {**arguments, "approval_id": str(uuid4())})
        assert wrong.is_error
        listed = await connected.call_tool("list_migrations", {"limit": 1})
        assert listed.structured_content["migrations"][0]["state"] == "applied"
