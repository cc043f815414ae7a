"""Signing: sessions, passwords, what a decision is bound to, and that nobody signs for another."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from qms_mcp.auth import passwords
from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.embedded import EmbeddedPostgres
from qms_mcp.db.queries import Query, query
from qms_mcp.db.wiring import Wiring
from qms_mcp.errors import (
    ConflictError,
    InvalidInputError,
    NotAllowedError,
    NotAuthenticatedError,
    NotFoundError,
    QmsError,
)
from qms_mcp.services.approvals import Approvals
from qms_mcp.services.migrations.service import Migrations
from qms_mcp.services.signing.desk import SigningDesk
from qms_mcp.services.signing.models import Decision
from qms_mcp.services.signing.service import Signing
from qms_mcp.services.users import Users
from tests.conftest import add_person
from tests.support.people import person_with_password, sign
from tests.support.workflow import change_title, request_step, small_record, small_workflow

pytestmark = pytest.mark.anyio

WRONG = "not this one"


@dataclass(frozen=True)
class Scene:
    """A record that waits for a signature, and the people around it."""

    author: Principal
    approver: Principal
    password: str
    record_id: UUID
    approval_id: UUID


@pytest.fixture
async def scene(database: Database) -> Scene:
    await small_workflow(database)
    organization_id = uuid4()
    author = await add_person(database, organization_id, "northwind", "owner", "approver")
    approver, password = await person_with_password(database, organization_id, "northwind", "qa_approver", "approver")
    record_id = await small_record(database, author, "Burr on the housing")
    approval_id = await request_step(database, author, record_id, "closed")
    return Scene(author, approver, password, record_id, approval_id)


@pytest.fixture
def as_superuser(embedded: EmbeddedPostgres, database_name: str) -> Callable[..., list[tuple[Any, ...]]]:
    """Run a statement past all rights: to look, and to tamper."""

    def run(statement: str, *params: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(embedded.conninfo(database_name, "postgres"), autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), params)
            return cursor.fetchall() if cursor.description else []

    return run


async def test_a_person_signs_and_the_record_takes_the_step(database: Database, scene: Scene) -> None:
    decided = await sign(database, scene.approval_id, scene.approver, scene.password)
    assert decided.verdict == "approved"
    assert decided.state == "closed"
    (signature,) = await Signing(database).statuses(scene.author, scene.record_id)
    assert signature.status == "valid"
    assert signature.verdict == "signed"
    assert signature.components == 2
    assert signature.meaning == "approval"
    assert signature.words.startswith("Signed by Person ")
    assert signature.words.endswith(" UTC)")
    assert signature.words == decided.words


async def test_the_step_is_taken_by_the_person_and_stands_in_the_trail(
    database: Database, scene: Scene, as_superuser: Callable[..., list[tuple[Any, ...]]]
) -> None:
    await sign(database, scene.approval_id, scene.approver, scene.password)
    assert as_superuser("SELECT by_id, by_kind, approval_id FROM qms.transitions") == [
        (scene.approver.user_id, "human", scene.approval_id)
    ]
    actions = as_superuser(
        "SELECT action, actor_kind FROM qms.audit_logs WHERE actor_id = %s AND actor_kind = 'human' ORDER BY seq",
        scene.approver.user_id,
    )
    assert [action for action, _ in actions][:2] == ["signed_in", "approved"]


async def test_a_signature_names_the_zone_of_the_signer(
    database: Database, scene: Scene, as_superuser: Callable[..., list[tuple[Any, ...]]]
) -> None:
    as_superuser("UPDATE qms.people SET time_zone = 'Asia/Tokyo' WHERE user_id = %s", scene.approver.user_id)
    decided = await sign(database, scene.approval_id, scene.approver, scene.password)
    assert " Asia/Tokyo (" in decided.words


async def test_a_wrong_password_signs_nothing_and_is_counted(
    database: Database, scene: Scene, as_superuser: Callable[..., list[tuple[Any, ...]]]
) -> None:
    desk = SigningDesk(database)
    token = await desk.sign_in(scene.approver.email or "", scene.password)
    shown = await desk.approval(token, scene.approval_id)
    wrong = Decision(scene.approval_id, "approved", shown.sha256, user_id=scene.approver.email, password=WRONG)
    with pytest.raises(NotAllowedError, match="not right"):
        await desk.decide(token, wrong)
    assert as_superuser(
        "SELECT failed_tries FROM qms_private.credentials WHERE user_id = %s", scene.approver.user_id
    ) == [(1,)]
    assert as_superuser("SELECT count(*) FROM qms.signatures") == [(0,)]
    assert as_superuser("SELECT count(*) FROM qms.audit_logs WHERE action = 'refused'") == [(1,)]


async def test_five_wrong_tries_lock_end_the_session_and_are_reported_at_once(
    database: Database, scene: Scene, as_superuser: Callable[..., list[tuple[Any, ...]]]
) -> None:
    desk = SigningDesk(database)
    token = await desk.sign_in(scene.approver.email or "", scene.password)
    for _ in range(5):
        with pytest.raises(NotAllowedError):
            await desk.sign_in(scene.approver.email or "", "not this one")
    assert await desk.session(token) is None
    with pytest.raises(NotAllowedError):
        await desk.sign_in(scene.approver.email or "", scene.password)
    assert as_superuser("SELECT kind, user_id FROM qms.security_reports") == [("locked_out", scene.approver.user_id)]
    assert as_superuser("SELECT count(*) FROM qms.audit_logs WHERE action = 'locked'") == [(1,)]
    boss, secret = await person_with_password(database, scene.author.organization_id, "northwind", "admin")
    token = await desk.sign_in(boss.email or "", secret)
    (report,) = await desk.reports(token)
    assert await desk.acknowledge(token, report.id)
    assert await desk.reports(token) == []
    as_superuser("UPDATE qms_private.credentials SET locked_until = now() - interval '1 second'")
    assert await desk.sign_in(scene.approver.email or "", scene.password)


async def test_nobody_learns_who_exists(database: Database, scene: Scene) -> None:
    desk = SigningDesk(database)
    words: set[str] = set()
    for user_id in ("nobody@northwind.example", scene.approver.email or "", scene.author.email or "", "", "x" * 400):
        with pytest.raises(NotAllowedError) as refused:
            await desk.sign_in(user_id, "not this one")
        words.add(refused.value.prose())
    assert len(words) == 1
    parameters = query("signing.parameters")
    async with database.plumbing() as transaction:
        first, again, other = [
            (await transaction.fetch_dicts(parameters, {"user_ref": who}))[0]["parameters"]
            for who in ("nobody@x.example", "NOBODY@x.example ", "somebody@x.example")
        ]
    assert first == again
    assert first != other
    real = passwords.hash_password("a password like others").rpartition("$")[0]
    assert len(first) == len(real)
    assert first.rpartition("$")[0] == real.rpartition("$")[0]
    assert passwords.derive(first, "whatever").startswith(first)


async def test_what_is_derived_is_what_was_stored() -> None:
    kept = passwords.hash_password("Prüfstand Nord 7")
    assert passwords.derive(kept.rpartition("$")[0], "Pru\u0308fstand Nord 7") == kept
    assert passwords.derive(kept.rpartition("$")[0], "Prufstand Nord 7") != kept


async def test_the_first_signature_of_a_session_needs_both_components_and_a_later_one_the_password(
    database: Database, scene: Scene
) -> None:
    second = await request_step(database, scene.author, await small_record(database, scene.author, "Another"), "closed")
    desk = SigningDesk(database)
    token = await desk.sign_in(scene.approver.email or "", scene.password)
    shown = await desk.approval(token, scene.approval_id)
    decision = Decision(scene.approval_id, "approved", shown.sha256, password=scene.password)
    with pytest.raises(InvalidInputError, match="user id"):
        await desk.decide(token, decision)
    await desk.decide(token, replace(decision, user_id=scene.approver.email))
    shown = await desk.approval(token, second)
    later = Decision(second, "approved", shown.sha256)
    with pytest.raises(NotAllowedError):
        await desk.decide(token, later)
    await desk.decide(token, replace(later, password=scene.password))
    assert shown.record is not None
    (signature,) = await Signing(database).statuses(scene.author, shown.record.id)
    assert signature.components == 1


async def test_nobody_signs_as_another(database: Database, scene: Scene) -> None:
    other, secret = await person_with_password(
        database, scene.author.organization_id, "northwind", "qa_approver", "admin"
    )
    desk = SigningDesk(database)
    token = await desk.sign_in(other.email or "", secret)
    shown = await desk.approval(token, scene.approval_id)
    for user_id, password in (
        (scene.approver.email, secret),
        (scene.approver.email, scene.password),
        (other.email, scene.password),
    ):
        forged = Decision(scene.approval_id, "approved", shown.sha256, user_id=user_id, password=password)
        with pytest.raises(NotAllowedError):
            await desk.decide(token, forged)
    assert await Signing(database).statuses(scene.author, scene.record_id) == []


async def test_what_is_signed_is_what_was_shown_and_asked_for(database: Database, scene: Scene) -> None:
    with pytest.raises(ConflictError, match="shown"):
        await sign(database, scene.approval_id, scene.approver, scene.password, shown_sha256="0" * 64)
    await change_title(database, scene.author, scene.record_id, "Burr on the housing, lot 7")
    with pytest.raises(ConflictError, match="changed since"):
        await sign(database, scene.approval_id, scene.approver, scene.password)
    assert await Signing(database).statuses(scene.author, scene.record_id) == []


async def test_a_refused_decision_stands_in_the_trail(
    database: Database, scene: Scene, as_superuser: Callable[..., list[tuple[Any, ...]]]
) -> None:
    with pytest.raises(ConflictError):
        await sign(database, scene.approval_id, scene.approver, scene.password, shown_sha256="0" * 64)
    ((details,),) = as_superuser("SELECT metadata FROM qms.audit_logs WHERE action = 'refused'")
    assert details["person"] == str(scene.approver.user_id)


async def test_an_approval_is_decided_once(database: Database, scene: Scene) -> None:
    await sign(database, scene.approval_id, scene.approver, scene.password)
    for verdict in ("approved", "rejected"):
        with pytest.raises(ConflictError, match="nothing to decide"):
            await sign(database, scene.approval_id, scene.approver, scene.password, verdict, "Second thoughts of mine")


async def test_an_expired_approval_is_not_decided(
    database: Database, scene: Scene, as_superuser: Callable[..., list[tuple[Any, ...]]]
) -> None:
    as_superuser("ALTER TABLE qms.approvals DISABLE TRIGGER decided_once")
    as_superuser("UPDATE qms.approvals SET expires_at = now() - interval '1 second'")
    with pytest.raises(ConflictError, match="expired"):
        await sign(database, scene.approval_id, scene.approver, scene.password)


async def test_a_rejection_is_signed_with_a_reason_and_leaves_the_state(database: Database, scene: Scene) -> None:
    with pytest.raises(InvalidInputError, match="reason"):
        await sign(database, scene.approval_id, scene.approver, scene.password, "rejected", "no")
    decided = await sign(
        database, scene.approval_id, scene.approver, scene.password, "rejected", "The cause is not shown."
    )
    assert decided.state == "open"
    (signature,) = await Signing(database).statuses(scene.author, scene.record_id)
    assert signature.verdict == "rejected"
    assert signature.words.startswith("Rejected by ")
    assert signature.words.endswith(": The cause is not shown.")


async def test_a_rejection_takes_the_step_named_reject(database: Database, scene: Scene) -> None:
    await sign(database, scene.approval_id, scene.approver, scene.password)
    again = await request_step(database, scene.author, scene.record_id, "archived")
    decided = await sign(database, again, scene.approver, scene.password, "rejected", "It was closed too early.")
    assert decided.state == "open"


async def test_who_lacks_the_role_neither_signs_nor_rejects(database: Database, scene: Scene) -> None:
    for roles in (("reporter",), ("auditor",)):
        person, secret = await person_with_password(database, scene.author.organization_id, "northwind", *roles)
        for verdict in ("approved", "rejected"):
            with pytest.raises(NotAllowedError):
                await sign(database, scene.approval_id, person, secret, verdict, "I would like to decide.")


async def test_another_organization_sees_and_decides_nothing(database: Database, scene: Scene) -> None:
    stranger, secret = await person_with_password(database, uuid4(), "contoso", "qa_approver", "approver", "admin")
    desk = SigningDesk(database)
    token = await desk.sign_in(stranger.email or "", secret)
    assert await desk.waiting(token) == []
    with pytest.raises(NotFoundError):
        await desk.approval(token, scene.approval_id)
    with pytest.raises(NotFoundError):
        await sign(database, scene.approval_id, stranger, secret)


async def test_changed_content_shows_on_the_signature_and_says_where(database: Database, scene: Scene) -> None:
    await sign(database, scene.approval_id, scene.approver, scene.password)
    await change_title(database, scene.author, scene.record_id, "Burr, all lots")
    (signature,) = await Signing(database).statuses(scene.author, scene.record_id)
    assert signature.status == "content_changed"
    assert signature.changed == ["title"]


async def test_an_altered_signature_is_broken(
    database: Database, scene: Scene, as_superuser: Callable[..., list[tuple[Any, ...]]]
) -> None:
    await sign(database, scene.approval_id, scene.approver, scene.password)
    as_superuser("ALTER TABLE qms.signatures DISABLE TRIGGER USER")
    as_superuser("ALTER TABLE qms.signatures DROP CONSTRAINT signatures_check")
    as_superuser("""UPDATE qms.signatures SET content = jsonb_set(content, '{title}', '"Harmless"')""")
    (signature,) = await Signing(database).statuses(scene.author, scene.record_id)
    assert signature.status == "broken"


async def test_an_organization_can_have_approvals_recorded_and_then_says_so(
    database: Database, scene: Scene, as_superuser: Callable[..., list[tuple[Any, ...]]]
) -> None:
    await Users(database).sign_with("recorded", organization="northwind")
    noted = "SELECT changes -> 'settings' -> 'new' FROM qms.audit_logs WHERE entity_type = 'qms.organizations'"
    assert as_superuser(noted) == [({"signatures": "recorded"},)]
    desk = SigningDesk(database)
    token = await desk.sign_in(scene.approver.email or "", scene.password)
    shown = await desk.approval(token, scene.approval_id)
    assert shown.way == "recorded"
    await desk.decide(token, Decision(scene.approval_id, "approved", shown.sha256))
    (signature,) = await Signing(database).statuses(scene.author, scene.record_id)
    assert signature.components == 0
    assert signature.words.startswith("Recorded approval by ")


async def test_a_change_of_the_schema_is_approved_on_the_page_with_a_password(database: Database) -> None:
    organization_id = uuid4()
    admin, secret = await person_with_password(database, organization_id, "northwind", "admin")
    migrations = Migrations(database)
    script = "CREATE TABLE public.units (name text PRIMARY KEY);"
    made = await migrations.create(admin, name="units", script=script, reverse_script=None, reason="Units.")
    asked = await Approvals(database).request(admin, (await migrations.get(admin, made.draft_id)).request())
    desk = SigningDesk(database)
    token = await desk.sign_in(admin.email or "", secret)
    shown = await desk.approval(token, asked.id)
    assert (shown.way, shown.content, shown.sha256) == ("password", asked.content, asked.content_sha256)
    with pytest.raises(NotAllowedError):
        await desk.decide(token, Decision(asked.id, "approved", shown.sha256, user_id=admin.email))
    await sign(database, asked.id, admin, secret)
    shown = await desk.approval(token, asked.id)
    assert shown.state == "approved"


async def test_a_session_ends_when_it_is_unused_signed_out_or_old(
    database: Database, scene: Scene, as_superuser: Callable[..., list[tuple[Any, ...]]]
) -> None:
    desk = SigningDesk(database)
    for ending in ("last_used_at = now() - interval '15 minutes'", "expires_at = now()", "ended_at = now()"):
        token = await desk.sign_in(scene.approver.email or "", scene.password)
        assert await desk.session(token) is not None
        as_superuser(f"UPDATE qms_private.sessions SET {ending}")
        assert await desk.session(token) is None
        with pytest.raises(NotAuthenticatedError):
            await desk.decide(token, Decision(scene.approval_id, "approved", "0" * 64))
    token = await desk.sign_in(scene.approver.email or "", scene.password)
    await desk.sign_out(token)
    assert await desk.session(token) is None
    assert as_superuser("SELECT count(*) FROM qms_private.sessions WHERE token_sha256::text LIKE %s", f"%{token}%") == [
        (0,)
    ]


async def test_a_link_opens_once(database: Database, scene: Scene) -> None:
    desk = SigningDesk(database)
    token = await desk.make_link_token(scene.approval_id)
    assert await desk.follow_link(token) == scene.approval_id
    assert await desk.follow_link(token) is None
    assert await desk.follow_link("0" * 64) is None
    with pytest.raises(NotAllowedError):
        await desk.make_link_token(uuid4())


ATTACKS = [
    "SELECT qms_private.mint_identity('{person}', '{organization}', 'human', pg_backend_pid())",
    "SELECT qms_private.ticket_for('{person}', '{organization}', 'human', pg_backend_pid())",
    "SELECT qms_private.become('{person}', '{organization}', 'because I can', 'me')",
    "SELECT qms_private.check_password('{person}', '', 'me')",
    "SELECT qms_private.session_with('x')",
    "SELECT qms_private.carry_out(a, 'because I can') FROM qms.approvals AS a",
    "SELECT qms_private.sign_record(a, NULL, 'approved', '', '', 2) FROM qms.approvals AS a",
    "SELECT qms_private.decide_as_person(a, NULL, 'approved', '', '', 2) FROM qms.approvals AS a",
    "SELECT password_hash FROM qms_private.credentials",
    "SELECT token_sha256 FROM qms_private.sessions",
    "INSERT INTO qms_private.sessions (token_sha256, user_id, zone) VALUES (sha256('x'), '{person}', 'UTC')",
    "INSERT INTO qms.signatures (organization_id) VALUES ('{organization}')",
    "UPDATE qms.signatures SET printed_name = 'Somebody else'",
    "DELETE FROM qms.signatures",
    "TRUNCATE qms.signatures",
    "ALTER TABLE qms.signatures DISABLE TRIGGER never_changed",
    "UPDATE qms.security_reports SET acknowledged_at = now()",
    "UPDATE qms.approvals SET state = 'approved'",
    "SET LOCAL ROLE qms_definer",
]


@pytest.mark.parametrize("role", ["qms_app", "qms_server"])
async def test_no_sql_of_the_server_signs(database: Database, wiring: Wiring, scene: Scene, role: str) -> None:
    for attack in ATTACKS:
        statement = attack.format(person=scene.approver.user_id, organization=scene.approver.organization_id)
        with pytest.raises((QmsError, psycopg.Error), match=r"permission denied|must be owner|made human"):
            await run_as(role, statement, database, wiring, scene.author)
    assert await Signing(database).statuses(scene.author, scene.record_id) == []


async def run_as(role: str, statement: str, database: Database, wiring: Wiring, principal: Principal) -> None:
    if role == "qms_app":
        async with database.transaction(principal) as transaction:
            await transaction.connection.execute(statement.encode())
    else:
        async with await psycopg.AsyncConnection[Any].connect(wiring.server, autocommit=True) as connection:
            await connection.execute(statement.encode())


async def test_the_owner_of_the_tables_cannot_alter_a_signature_in_passing(database: Database, scene: Scene) -> None:
    await sign(database, scene.approval_id, scene.approver, scene.password)
    for statement in (
        "UPDATE qms.signatures SET meaning = 'nothing'",
        "DELETE FROM qms.signatures",
        "TRUNCATE qms.signatures",
    ):
        for role in ("", "SET LOCAL ROLE qms_definer; "):
            try:
                async with database.owner_transaction() as transaction:
                    await transaction.execute(Query("test", role + statement))
            except QmsError:
                continue
    (signature,) = await Signing(database).statuses(scene.author, scene.record_id)
    assert (signature.status, signature.meaning) == ("valid", "approval")


async def test_nobody_is_human_after_a_decision(database: Database, wiring: Wiring, scene: Scene) -> None:
    desk = SigningDesk(database)
    token = await desk.sign_in(scene.approver.email or "", scene.password)
    shown = await desk.approval(token, scene.approval_id)
    stored = query("signing.parameters")
    async with database.plumbing() as transaction:
        (row,) = await transaction.fetch_dicts(stored, {"user_ref": scene.approver.email})
    derived = passwords.derive(row["parameters"], scene.password)
    async with await psycopg.AsyncConnection[Any].connect(wiring.server) as connection:  # one transaction
        cursor = await connection.execute(
            b"SELECT qms_private.decide(%s, %s, %s, %s, 'approved', '', %s)",
            [token, scene.approver.email, derived, scene.approval_id, shown.sha256],
        )
        decided = await cursor.fetchone()
        left = await (await connection.execute(b"SELECT current_setting('qms.identity', true)")).fetchone()
    assert decided is not None
    assert decided[0]["outcome"] == "decided"
    assert left == ("",)


async def test_a_deactivated_person_cannot_sign_in(
    database: Database, scene: Scene, as_superuser: Callable[..., list[tuple[Any, ...]]]
) -> None:
    desk = SigningDesk(database)
    token = await desk.sign_in(scene.approver.email or "", scene.password)
    as_superuser("UPDATE qms.people SET deactivated_at = now() WHERE user_id = %s", scene.approver.user_id)
    assert await desk.session(token) is None
    with pytest.raises(NotAllowedError):
        await desk.sign_in(scene.approver.email or "", scene.password)
