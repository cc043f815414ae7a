"""The schema is what the migrations say, and every named query fits it."""

import re

import anyio
import psycopg
import pytest

from qms_mcp.db.database import Database
from qms_mcp.db.embedded import EmbeddedPostgres
from qms_mcp.db.migrate import Migrator, shipped_migrations
from qms_mcp.db.queries import Query, all_queries
from qms_mcp.db.wiring import Wiring
from qms_mcp.errors import ConflictError
from tests.support.schema_dump import SCHEMA_FILE, dump

pytestmark = pytest.mark.anyio

WITH_VECTOR = (
    b"CREATE SCHEMA extensions; CREATE EXTENSION vector SCHEMA extensions; "
    b"GRANT USAGE ON SCHEMA extensions TO PUBLIC; ALTER SCHEMA public OWNER TO qms_owner"
)
# Statements PostgreSQL can't prepare: they are not queries in its sense.
_UTILITY = re.compile(r"^(SET|DO|RESET|LOCK|EXPLAIN|DECLARE|CLOSE|FETCH|MOVE)\b", re.IGNORECASE)


def test_the_dumped_schema_is_current(embedded: EmbeddedPostgres, template: str) -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == dump(embedded, template), "run `make schema`"


@pytest.mark.parametrize("named", all_queries(), ids=lambda named: named.name)
def test_every_named_query_can_be_prepared(embedded: EmbeddedPostgres, template: str, named: Query) -> None:
    if _UTILITY.match(named.text):
        pytest.skip("not a statement that can be prepared")
    numbered = re.sub(r"%\((\w+)\)s", "$1", named.text) if "%(" in named.text else named.text
    names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", named.text)))
    numbered = re.sub(r"%\((\w+)\)s", lambda match: f"${names.index(match[1]) + 1}", named.text).replace("%%", "%")
    with psycopg.connect(embedded.conninfo(template, "postgres"), autocommit=True) as connection:
        result = connection.pgconn.prepare(b"named", numbered.encode())
    assert not result.error_message, result.error_message.decode()


async def test_a_second_migrator_finds_nothing_to_do(wiring: Wiring) -> None:
    assert await Migrator(wiring.owner).migrate() == []
    assert {state.state for state in await Migrator(wiring.owner).status()} == {"applied"}


async def test_an_edited_migration_is_noticed(database: Database, wiring: Wiring) -> None:
    tamper = Query(
        "test", "UPDATE supabase_migrations.schema_migrations SET statements = ARRAY['SELECT 1'] WHERE version = '0001'"
    )
    async with database.owner_transaction() as transaction:
        await transaction.execute(tamper)
    with pytest.raises(ConflictError, match="0001"):
        await Migrator(wiring.owner).migrate()


async def test_a_database_of_a_newer_version_is_left_alone(database: Database, wiring: Wiring) -> None:
    newer = Query("test", "INSERT INTO supabase_migrations.schema_migrations (version, name) VALUES ('9999', 'future')")
    async with database.owner_transaction() as transaction:
        await transaction.execute(newer)
    with pytest.raises(ConflictError, match="9999"):
        await Migrator(wiring.owner).migrate()


async def test_migrating_from_two_sides_at_once_applies_each_migration_once(embedded: EmbeddedPostgres) -> None:
    name = "both_at_once"
    with psycopg.connect(embedded.conninfo("postgres", "postgres"), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} OWNER qms_owner".encode())
    with psycopg.connect(embedded.conninfo(name, "postgres"), autocommit=True) as admin:
        admin.execute(WITH_VECTOR)
    applied: list[int] = []

    async def migrate() -> None:
        applied.append(len(await Migrator(embedded.conninfo(name, "qms_owner")).migrate()))

    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(migrate)
            tasks.start_soon(migrate)
    finally:
        with psycopg.connect(embedded.conninfo("postgres", "postgres"), autocommit=True) as admin:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
    assert sum(applied) == len(shipped_migrations())


async def test_a_dry_run_changes_nothing(embedded: EmbeddedPostgres) -> None:
    name = "dry_run"
    with psycopg.connect(embedded.conninfo("postgres", "postgres"), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} OWNER qms_owner".encode())
    try:
        with psycopg.connect(embedded.conninfo(name, "postgres"), autocommit=True) as admin:
            admin.execute(WITH_VECTOR)
        migrator = Migrator(embedded.conninfo(name, "qms_owner"))
        assert len(await migrator.migrate(dry_run=True)) == len(shipped_migrations())
        assert {state.state for state in await migrator.status()} == {"pending"}
    finally:
        with psycopg.connect(embedded.conninfo("postgres", "postgres"), autocommit=True) as admin:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


async def test_every_table_with_an_organization_forces_row_level_security(database: Database) -> None:
    unprotected = Query(
        "test",
        "SELECT c.oid::regclass::text AS name FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid "
        "WHERE a.attname = 'organization_id' AND c.relkind IN ('r', 'p') "
        "AND NOT (c.relrowsecurity AND c.relforcerowsecurity)",
    )
    async with database.owner_transaction(rollback=True) as transaction:
        assert await transaction.fetch_dicts(unprotected) == []
