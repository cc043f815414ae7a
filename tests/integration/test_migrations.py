"""Schema changes: drafted, rehearsed, approved, applied once."""

import re
from collections.abc import Sequence
from uuid import UUID, uuid4

import anyio
import pytest

from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.queries import Query
from qms_mcp.errors import (
    ConflictError,
    InvalidInputError,
    LimitExceededError,
    NotAllowedError,
    NotFoundError,
    QmsError,
    RefusedStatementError,
    StatementError,
)
from qms_mcp.services.approvals import Approvals
from qms_mcp.services.migrations.models import MigrationDraft
from qms_mcp.services.migrations.service import Migrations
from tests.conftest import REASON, Tenants

pytestmark = pytest.mark.anyio

LOTS = """
CREATE TABLE qms.lots (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES qms.organizations (id),
    number text NOT NULL
);
CREATE INDEX lots_org ON qms.lots (organization_id);
ALTER TABLE qms.lots ENABLE ROW LEVEL SECURITY;
ALTER TABLE qms.lots FORCE ROW LEVEL SECURITY;
CREATE POLICY read_own ON qms.lots FOR SELECT TO qms_app, qms_sql
USING (organization_id = (SELECT qms.current_organization_id()));
GRANT SELECT ON qms.lots TO qms_app, qms_sql;
"""


@pytest.fixture
def migrations(database: Database) -> Migrations:
    return Migrations(database)


@pytest.fixture
def approvals(database: Database) -> Approvals:
    return Approvals(database)


async def draft(migrations: Migrations, who: Principal, script: str, name: str = "add_lots") -> MigrationDraft:
    return await migrations.create(who, name=name, script=script, reverse_script=None, reason="Lots are traced.")


async def approved(migrations: Migrations, approvals: Approvals, who: Principal, draft_id: UUID) -> UUID:
    kept = await migrations.get(who, draft_id)
    approval = await approvals.request(who, kept.request())
    await approvals.confirm(who, approval.id, "approved")
    return approval.id


async def rows(database: Database, text: str) -> list[dict[str, object]]:
    async with database.owner_transaction() as transaction:
        return await transaction.fetch_dicts(Query("test", text))


async def exists(database: Database, relation: str) -> bool:
    found = await rows(database, f"SELECT to_regclass('{relation}') IS NOT NULL AS there")
    return bool(found[0]["there"])


async def test_a_draft_is_rehearsed_and_changes_nothing(
    migrations: Migrations, tenants: Tenants, database: Database
) -> None:
    made = await draft(migrations, tenants.ours, LOTS)
    assert not await exists(database, "qms.lots")
    assert "table qms.lots" in made.report.created
    assert any(lock.relation == "qms.organizations" for lock in made.report.locks)
    assert made.reverse == "tested"
    assert made.report.reverse
    assert made.report.reverse.script.endswith("DROP TABLE qms.lots;")


async def test_the_same_name_and_text_is_the_same_draft(migrations: Migrations, tenants: Tenants) -> None:
    first = await draft(migrations, tenants.ours, LOTS)
    again = await draft(migrations, tenants.ours, LOTS)
    assert (again.draft_id, again.known) == (first.draft_id, True)


async def test_an_approved_draft_is_applied_once_and_recorded(
    migrations: Migrations, approvals: Approvals, tenants: Tenants, database: Database
) -> None:
    made = await draft(migrations, tenants.ours, LOTS)
    approval = await approved(migrations, approvals, tenants.ours, made.draft_id)
    kept = await migrations.get(tenants.ours, made.draft_id)
    done = await migrations.apply(tenants.ours, kept, approval)
    assert await exists(database, "qms.lots")
    assert re.fullmatch(r"\d{14}", done.version)
    recorded = await rows(
        database, f"SELECT name, statements FROM supabase_migrations.schema_migrations WHERE version = '{done.version}'"
    )
    assert recorded[0]["name"] == "add_lots"
    with pytest.raises(NotAllowedError):
        await migrations.apply(tenants.ours, kept, approval)
    with pytest.raises(ConflictError, match="already"):
        await migrations.ready_to_apply(tenants.ours, made.draft_id)


async def test_two_callers_at_once_apply_it_once(
    migrations: Migrations, approvals: Approvals, tenants: Tenants, database: Database
) -> None:
    script = "CREATE TABLE public.units (name text PRIMARY KEY); INSERT INTO public.units VALUES ('kg');"
    made = await draft(migrations, tenants.ours, script, "add_units")
    approval = await approved(migrations, approvals, tenants.ours, made.draft_id)
    kept = await migrations.get(tenants.ours, made.draft_id)
    outcomes: list[object] = []

    async def attempt() -> None:
        try:
            outcomes.append(await migrations.apply(tenants.ours, kept, approval))
        except QmsError as error:
            outcomes.append(error)

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(attempt)
    assert len([one for one in outcomes if isinstance(one, NotAllowedError)]) == 2
    assert await rows(database, "SELECT count(*) AS n FROM public.units") == [{"n": 1}]


async def test_without_an_approval_nothing_is_applied(
    migrations: Migrations, approvals: Approvals, tenants: Tenants, database: Database
) -> None:
    made = await draft(migrations, tenants.ours, LOTS)
    kept = await migrations.get(tenants.ours, made.draft_id)
    waiting = await approvals.request(tenants.ours, kept.request())
    for wrong in (waiting.id, uuid4()):
        with pytest.raises(NotAllowedError):
            await migrations.apply(tenants.ours, kept, wrong)
    await approvals.confirm(tenants.ours, waiting.id, "rejected")
    with pytest.raises(NotAllowedError):
        await migrations.apply(tenants.ours, kept, waiting.id)
    assert not await exists(database, "qms.lots")


async def test_an_approval_is_no_good_for_another_draft_with_the_same_text(
    migrations: Migrations, approvals: Approvals, tenants: Tenants
) -> None:
    one = await draft(migrations, tenants.ours, LOTS, "one")
    two = await draft(migrations, tenants.ours, LOTS, "two")
    approval = await approved(migrations, approvals, tenants.ours, one.draft_id)
    with pytest.raises(NotAllowedError):
        await migrations.apply(tenants.ours, await migrations.get(tenants.ours, two.draft_id), approval)


async def test_an_expired_approval_is_no_good(
    migrations: Migrations, approvals: Approvals, tenants: Tenants, embedded: object, database_name: str
) -> None:
    import psycopg

    from qms_mcp.db.embedded import EmbeddedPostgres

    made = await draft(migrations, tenants.ours, LOTS)
    approval = await approved(migrations, approvals, tenants.ours, made.draft_id)
    assert isinstance(embedded, EmbeddedPostgres)
    with psycopg.connect(embedded.conninfo(database_name, "postgres"), autocommit=True) as admin:
        admin.execute("SET session_replication_role = replica")
        admin.execute("UPDATE qms.approvals SET expires_at = now() - interval '1 second'")
    with pytest.raises(NotAllowedError):
        await migrations.apply(tenants.ours, await migrations.get(tenants.ours, made.draft_id), approval)


async def test_a_draft_cannot_be_changed_after_it_was_tested(
    migrations: Migrations, tenants: Tenants, database: Database
) -> None:
    made = await draft(migrations, tenants.ours, LOTS)
    drafts = f"UPDATE qms.migration_drafts SET %s WHERE id = '{made.draft_id}'"

    async def tamper(change: str) -> None:
        async with database.owner_transaction() as transaction:
            await transaction.connection.execute(b"SET LOCAL ROLE qms_definer")
            await transaction.connection.execute((drafts % change).encode())

    for change in ("script = 'DROP TABLE qms.people'", "state = 'applied', version = '1', applied_at = now()"):
        with pytest.raises(QmsError):
            await tamper(change)


async def test_only_an_administrator_drafts_and_applies(
    migrations: Migrations, tenants: Tenants, database: Database
) -> None:
    with pytest.raises(NotAllowedError, match="admin"):
        await draft(migrations, tenants.auditor, LOTS)
    inflated = Principal(tenants.auditor.user_id, tenants.auditor.organization_id, frozenset({"admin"}))
    with pytest.raises(NotAllowedError, match="row-level security"):
        await draft(migrations, inflated, LOTS)


async def test_another_organization_does_not_see_the_draft(migrations: Migrations, tenants: Tenants) -> None:
    made = await draft(migrations, tenants.ours, LOTS)
    with pytest.raises(NotFoundError):
        await migrations.get(tenants.theirs, made.draft_id)
    listed = await migrations.list(tenants.theirs, limit=50, cursor=None, detail="full")
    assert all(one.source == "shipped" for one in listed.migrations)


async def test_the_list_pages(migrations: Migrations, tenants: Tenants) -> None:
    await draft(migrations, tenants.ours, LOTS)
    first = await migrations.list(tenants.ours, limit=2, cursor=None, detail="concise")
    rest = await migrations.list(tenants.ours, limit=50, cursor=first.next_cursor, detail="concise")
    assert first.migrations[0].name == "add_lots"
    assert len(first.migrations) + len(rest.migrations) == first.total
    assert rest.next_cursor is None
    with pytest.raises(InvalidInputError):
        await migrations.list(tenants.ours, limit=2, cursor="-1", detail="concise")


async def test_rewritten_tables_and_rows_are_reported(migrations: Migrations, tenants: Tenants) -> None:
    made = await draft(
        migrations,
        tenants.ours,
        "ALTER TABLE qms.quality_items ADD COLUMN weight double precision DEFAULT random();\n"
        "CREATE TABLE public.units (name varchar(9)); INSERT INTO public.units VALUES ('kg'), ('g');",
        "weight",
    )
    assert "table qms.quality_items" in made.report.rewritten
    locks = {lock.relation: lock for lock in made.report.locks}
    assert locks["qms.quality_items"].blocks == "everything, also reading"
    assert [(row.table, row.inserted) for row in made.report.rows] == [("public.units", 2)]
    assert {"length-in-type", "no-primary-key"} <= {finding.rule for finding in made.report.findings}


async def test_a_reverse_script_that_does_not_restore_is_named_as_such(
    migrations: Migrations, tenants: Tenants
) -> None:
    made = await migrations.create(
        tenants.ours, name="add_lots", script=LOTS, reverse_script="DROP POLICY read_own ON qms.lots;", reason="why"
    )
    assert made.reverse == "given, does not restore everything"
    with pytest.raises(StatementError, match="reverse script"):
        await migrations.create(
            tenants.ours, name="more", script=LOTS, reverse_script="DROP TABLE qms.nothing;", reason="why"
        )


async def test_a_change_that_loses_something_has_no_reverse(migrations: Migrations, tenants: Tenants) -> None:
    made = await draft(migrations, tenants.ours, "ALTER TABLE qms.quality_items DROP COLUMN priority;", "drop_it")
    assert made.reverse == "none"
    assert "drops-column" in {finding.rule for finding in made.report.findings}


async def test_an_added_column_can_be_taken_back(migrations: Migrations, tenants: Tenants) -> None:
    script = (
        "ALTER TABLE qms.quality_items ADD COLUMN reviewer uuid REFERENCES auth.users (id), ADD COLUMN note text;\n"
        "CREATE INDEX quality_items_reviewer ON qms.quality_items (reviewer);\n"
        "COMMENT ON COLUMN qms.quality_items.note IS 'A note; with a semicolon';"
    )
    made = await draft(migrations, tenants.ours, script, "reviewer")
    assert made.reverse == "tested", made.report


WEAKENING: Sequence[tuple[str, str]] = (
    ("CREATE TABLE qms.t (id uuid PRIMARY KEY)", "organization_id"),
    (LOTS.replace("ALTER TABLE qms.lots FORCE ROW LEVEL SECURITY;", ""), "forced row-level security"),
    (LOTS.partition("CREATE POLICY")[0], "no policy"),
    ("ALTER TABLE qms.quality_items ADD COLUMN lot text NOT NULL", "NOT NULL column"),
    ("GRANT SELECT ON qms.quality_items TO anon", "anon"),
    ("GRANT SELECT ON qms.quality_items TO PUBLIC", "public"),
    ("CREATE POLICY all_of_it ON qms.quality_items FOR SELECT TO qms_app USING (true)", "always true"),
    ("DROP POLICY read_own ON qms.quality_items", "policy"),
    ("ALTER TABLE qms.quality_items DISABLE ROW LEVEL SECURITY", "row-level security"),
    ("ALTER TABLE qms.quality_items NO FORCE ROW LEVEL SECURITY", "row-level security"),
    ("ALTER TABLE qms.quality_items DISABLE TRIGGER record_change", "trigger"),
    ("DROP TRIGGER record_change ON qms.quality_items", "trigger"),
    ("ALTER TABLE qms.quality_items RENAME TO items", "holds records"),
    ("DROP TABLE qms.quality_items CASCADE", "holds records"),
    ("DROP TABLE qms.audit_logs", "qms.audit_logs"),
    ("ALTER TABLE qms.approvals ADD COLUMN x int", "qms.approvals"),
    ("UPDATE qms.approvals SET state = 'approved'", "qms.approvals"),
    ("INSERT INTO qms.memberships (user_id) VALUES (NULL)", "qms.memberships"),
    ("SELECT * FROM qms_private.credentials", "SELECT"),
    ("CREATE VIEW public.v AS SELECT * FROM qms_private.credentials", "server"),
    ("CREATE TABLE qms_private.mine (id int)", "server"),
    ("DO $$ BEGIN EXECUTE 'DROP TABLE qms.people'; END $$", "DO"),
    ("COMMIT; DROP TABLE qms.quality_items", "COMMIT"),
    ("SET ROLE qms_definer", "SET"),
    ("SET SESSION AUTHORIZATION postgres", "SET"),
    ("COPY qms.people TO PROGRAM 'cat > /x'", "COPY"),
    ("VACUUM", "VACUUM"),
    ("CREATE DATABASE other", "CREATE DATABASE"),
    ("ALTER SYSTEM SET fsync = off", "ALTER SYSTEM"),
    ("CREATE EXTENSION dblink", "CREATE EXTENSION"),
    ("CREATE ROLE me SUPERUSER", "CREATE ROLE"),
    ("GRANT qms_definer TO qms_server", "roles"),
    ("ALTER TABLE qms.quality_items OWNER TO qms_definer", "another role"),
    ("CREATE INDEX CONCURRENTLY i ON qms.quality_items (title)", "CONCURRENTLY"),
    ("CREATE FUNCTION public.f() RETURNS text LANGUAGE plpgsql AS $$BEGIN EXECUTE 'x'; END$$", "EXECUTE"),
    ("CREATE FUNCTION public.f() RETURNS text LANGUAGE plpgsql AS 'BEGIN EXEC'\n'UTE ''x''; END'", "strings"),
    ("CREATE FUNCTION public.f() RETURNS int LANGUAGE plpgsql AS E'BEGIN \\x45XECUTE 1; END'", "escapes"),
    ("CREATE FUNCTION public.f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'", "search_path"),
    ("CREATE FUNCTION public.f() RETURNS int LANGUAGE sql SET role = qms_definer AS 'SELECT 1'", "role"),
    ("CREATE TABLE public.t (x text DEFAULT U&\"set\\005Fconfig\"('a', 'b', true))", "U&"),
    ("CREATE TABLE public.t (x bool DEFAULT pg_terminate_backend(1))", "pg_terminate_backend"),
    ("CREATE TABLE public.t (x text DEFAULT set_config('role', 'x', false))", "set_config"),
    ("DROP FUNCTION qms.current_organization_id() CASCADE", "row-level security|another role"),
    ("DROP SCHEMA agents CASCADE", "agents"),
    ("ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO qms_sql", "ALTER DEFAULT PRIVILEGES"),
    ("TRUNCATE qms.quality_items", "TRUNCATE"),
)


async def test_what_would_weaken_the_records_is_refused(
    migrations: Migrations, tenants: Tenants, database: Database
) -> None:
    before = await rows(database, "SELECT count(*) AS n FROM pg_class")
    for script, words in WEAKENING:
        with pytest.raises((RefusedStatementError, StatementError)) as refused:
            await draft(migrations, tenants.ours, script, "hostile")
        assert re.search(f"(?i){words}", refused.value.prose()), (script, refused.value.prose())
    assert await rows(database, "SELECT count(*) AS n FROM pg_class") == before
    listed = await migrations.list(tenants.ours, limit=10, cursor=None, detail="concise")
    assert all(one.source == "shipped" for one in listed.migrations)


HOSTILE_ROWS = Query(
    "test", "INSERT INTO qms.quality_items (organization_id, title, category) VALUES (%(org)s, %(title)s, 'capa')"
)
LEAKS: Sequence[str] = (
    # a check runs over the rows of every organization, and its function puts them into a message
    """CREATE FUNCTION public.spy(t text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS
    $$BEGIN RAISE EXCEPTION '%', t USING ERRCODE = '42P01'; END$$;
    ALTER TABLE qms.quality_items ADD CONSTRAINT spied CHECK (public.spy(title));""",
    "ALTER TABLE qms.quality_items ADD CONSTRAINT spied CHECK (title::regclass IS NOT NULL);",
    "ALTER TABLE qms.quality_items ADD CONSTRAINT spied CHECK (title::int > 0);",
    "ALTER TABLE qms.quality_items ALTER COLUMN title TYPE uuid USING title::uuid;",
    """CREATE FUNCTION public.spy(t text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS
    $$BEGIN RAISE EXCEPTION USING MESSAGE = t, DETAIL = t, HINT = t, COLUMN = t; END$$;
    CREATE INDEX spied ON qms.quality_items (public.spy(title));""",
    "ALTER TABLE qms.quality_items ADD CONSTRAINT spied UNIQUE (category);",
    "ALTER TABLE qms.quality_items ADD CONSTRAINT spied CHECK (to_tsquery(title || ' &') IS NOT NULL);",
)


async def test_a_rehearsal_repeats_no_row_of_anybody(
    migrations: Migrations, tenants: Tenants, database: Database
) -> None:
    for title in ("Kryptonite", "Kryptonite two"):
        async with database.transaction(tenants.theirs, because=REASON) as transaction:
            await transaction.execute(HOSTILE_ROWS, {"org": tenants.theirs.organization_id, "title": title})
    for script in LEAKS:
        with pytest.raises(StatementError) as refused:
            await draft(migrations, tenants.ours, script, "spy")
        assert "krypto" not in refused.value.prose().lower(), script
        assert re.search(r"Statement [12] \(line [123]\)", refused.value.message), script


async def test_the_owner_sees_no_rows_in_a_rehearsal(
    migrations: Migrations, tenants: Tenants, database: Database
) -> None:
    async with database.transaction(tenants.theirs, because=REASON) as transaction:
        await transaction.execute(HOSTILE_ROWS, {"org": tenants.theirs.organization_id, "title": "Kryptonite"})
    made = await draft(
        migrations,
        tenants.ours,
        "CREATE TABLE public.loot (title text PRIMARY KEY);\n"
        "INSERT INTO public.loot SELECT title FROM qms.quality_items;\n"
        "UPDATE qms.quality_items SET priority = 1;",
        "loot",
    )
    assert made.report.rows == []
    assert "no-rows-under-rls" in {finding.rule for finding in made.report.findings}


async def test_a_new_policy_and_a_write_in_one_script_are_refused(migrations: Migrations, tenants: Tenants) -> None:
    script = (
        "CREATE POLICY mine ON qms.quality_items TO CURRENT_USER USING (organization_id IS NOT NULL);\n"
        "UPDATE qms.quality_items SET priority = 1;"
    )
    with pytest.raises(RefusedStatementError, match="in one script"):
        await draft(migrations, tenants.ours, script, "widen")


async def test_even_past_the_refusals_a_script_cannot_commit_or_change_its_role(database: Database) -> None:
    from qms_mcp.db.drafts import rehearse

    for statement in (
        "COMMIT",
        "DO $$BEGIN COMMIT; END$$",
        "SET ROLE qms_definer",
        "SET LOCAL ROLE qms_definer",
        "SET SESSION AUTHORIZATION qms_app",
        "SELECT set_config('role', 'qms_definer', false)",
    ):
        with pytest.raises(QmsError):
            await rehearse(database, statement, lambda script: [(1, script)])


async def test_a_rehearsal_that_does_not_end_is_ended(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    from qms_mcp.db import drafts

    monkeypatch.setattr(drafts, "_REHEARSAL", {"lock_timeout": "100ms", "statement_timeout": "200ms"})
    with pytest.raises(LimitExceededError, match="time limit"):
        await drafts.rehearse(database, "SELECT pg_sleep(60)", lambda script: [(1, script)])
    async with database.owner_transaction(rollback=True) as other:
        await other.connection.execute(b"LOCK TABLE qms.quality_items IN ACCESS EXCLUSIVE MODE")
        with pytest.raises((LimitExceededError, ConflictError), match="lock"):
            await drafts.rehearse(
                database, "ALTER TABLE qms.quality_items ADD COLUMN x int", lambda script: [(1, script)]
            )


async def test_a_script_that_fails_when_applied_leaves_the_approval_unspent(
    migrations: Migrations, approvals: Approvals, tenants: Tenants, database: Database
) -> None:
    made = await draft(migrations, tenants.ours, LOTS)
    approval = await approved(migrations, approvals, tenants.ours, made.draft_id)
    async with database.owner_transaction() as transaction:
        await transaction.connection.execute(b"CREATE TABLE qms.lots (id int)")
    kept = await migrations.get(tenants.ours, made.draft_id)
    with pytest.raises(StatementError, match="already exists"):
        await migrations.apply(tenants.ours, kept, approval)
    async with database.owner_transaction() as transaction:
        await transaction.connection.execute(b"DROP TABLE qms.lots")
    assert (await migrations.apply(tenants.ours, kept, approval)).name == "add_lots"


async def test_the_message_of_a_plain_mistake_is_passed_on(migrations: Migrations, tenants: Tenants) -> None:
    with pytest.raises(StatementError, match=r"Statement 2 \(line 2\).*qms.nowhere"):
        await draft(
            migrations, tenants.ours, "CREATE TABLE public.a (id int PRIMARY KEY);\nALTER TABLE qms.nowhere ADD x int;"
        )
