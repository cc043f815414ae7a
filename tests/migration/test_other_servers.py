"""The same migrations on somebody else's PostgreSQL, as a database owner who is no superuser."""

from collections.abc import Generator
from dataclasses import dataclass
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from qms_mcp.db.database import Database
from qms_mcp.db.migrate import Migrator, shipped_migrations
from qms_mcp.db.queries import Query
from qms_mcp.db.wiring import Wiring
from qms_mcp.errors import NotAllowedError, UnavailableError
from tests.conftest import REASON, add_person
from tests.support.postgres import debian_postgres, pixeltable_postgres

pytestmark = pytest.mark.anyio

ADD = Query(
    "test", "INSERT INTO qms.quality_items (organization_id, title, category) VALUES (%(org)s, %(title)s, 'capa')"
)
TITLES = Query("test", "SELECT title FROM qms.quality_items")


@dataclass(frozen=True)
class External:
    superuser: str
    owner: str

    def run(self, *statements: str) -> None:
        with psycopg.connect(make_conninfo(self.superuser, dbname="records"), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())


def prepared(superuser: str) -> External:
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute(b"CREATE ROLE quality LOGIN CREATEROLE")
        connection.execute(b"CREATE DATABASE records OWNER quality")
    owner = make_conninfo(superuser, dbname="records", user="quality")
    return External(superuser, owner)


@pytest.fixture(scope="module")
def postgres16() -> Generator[External]:
    with pixeltable_postgres() as superuser:
        yield prepared(superuser)


@pytest.fixture(scope="module")
async def migrated(postgres16: External) -> External:
    migrator = Migrator(postgres16.owner)
    with pytest.raises(UnavailableError, match="may not switch it on"):
        await migrator.migrate()
    postgres16.run(
        "CREATE SCHEMA extensions",
        "CREATE EXTENSION vector SCHEMA extensions",
        "GRANT USAGE ON SCHEMA extensions TO PUBLIC",
        'ALTER DATABASE records SET search_path = "$user", public, extensions',
    )
    assert len(await migrator.migrate(dry_run=True)) == len(shipped_migrations())
    assert len(await migrator.migrate()) == len(shipped_migrations())
    return postgres16


async def isolation_holds(database: Database) -> None:
    slug = uuid4().hex[:8]
    ours = await add_person(database, uuid4(), f"a-{slug}", "owner")
    theirs = await add_person(database, uuid4(), f"b-{slug}", "owner")
    for principal, title in ((ours, "ours"), (theirs, "theirs")):
        async with database.transaction(principal, because=REASON) as transaction:
            await transaction.execute(ADD, {"org": principal.organization_id, "title": title})
            assert [row["title"] for row in await transaction.fetch_dicts(TITLES)] == [title]
        async with database.sql_transaction(principal, timeout_ms=2000) as transaction:
            assert [row["title"] for row in await transaction.fetch_dicts(TITLES)] == [title]


async def test_one_login_that_owns_the_database_is_enough(migrated: External) -> None:
    database = Database(Wiring(migrated.owner, migrated.owner, migrated.owner, sql_role="qms_sql", max_connections=2))
    await database.open()
    try:
        await isolation_holds(database)
    finally:
        await database.close()


async def test_logins_of_their_own_work_too(migrated: External) -> None:
    migrated.run(
        "CREATE ROLE qms_server_login LOGIN IN ROLE qms_server",
        "CREATE ROLE qms_sql_login LOGIN IN ROLE qms_sql",
    )
    wiring = Wiring(
        server=make_conninfo(migrated.owner, user="qms_server_login"),
        sql=make_conninfo(migrated.owner, user="qms_sql_login"),
        owner=migrated.owner,
        max_connections=2,
    )
    database = Database(wiring)
    await database.open()
    try:
        await isolation_holds(database)
    finally:
        await database.close()


async def test_sql_tools_refuse_to_work_as_a_superuser(migrated: External) -> None:
    superuser = make_conninfo(migrated.superuser, dbname="records")
    database = Database(Wiring(superuser, superuser, superuser, sql_role="qms_sql", max_connections=2))
    await database.open()
    try:
        who = await add_person(database, uuid4(), f"c-{uuid4().hex[:8]}", "owner")
        with pytest.raises(NotAllowedError, match="superuser"):
            async with database.sql_transaction(who, timeout_ms=1000):
                pytest.fail("a superuser was let in")
    finally:
        await database.close()


async def test_a_server_without_pgvector_is_told_so_and_left_untouched() -> None:
    with debian_postgres() as superuser:
        external = prepared(superuser)
        with pytest.raises(UnavailableError, match="no pgvector") as refused:
            await Migrator(external.owner).migrate()
        assert "Install pgvector" in refused.value.hint
        with psycopg.connect(make_conninfo(superuser, dbname="records")) as connection:
            row = connection.execute("SELECT to_regnamespace('qms')::text").fetchone()
        assert row == (None,)
