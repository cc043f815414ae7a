"""The set-up SECURITY.md describes for regulated use, done as it stands there."""

import re
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from uuid import uuid4

import jwt
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.durable import ensure_durable_schema
from qms_mcp.db.migrate import Migrator
from qms_mcp.db.queries import Query
from qms_mcp.db.wiring import external_wiring
from qms_mcp.doctor.records import look_at_records
from qms_mcp.errors import QmsError
from qms_mcp.settings import Settings
from tests.conftest import REASON, add_person
from tests.support.postgres import pixeltable_postgres

pytestmark = pytest.mark.anyio

SECURITY = Path(__file__).resolve().parents[2] / "SECURITY.md"
DATABASE = "qms_records"
SECRET = "a secret of a project, long enough for HS256"  # noqa: S105 - made up


def described(part: str) -> str:
    """The SQL that stands in SECURITY.md under this mark."""
    found = re.search(rf"<!-- setup:{part} -->\n```sql\n(.*?)```", SECURITY.read_text(encoding="utf-8"), re.DOTALL)
    assert found, part
    return found[1]


def as_superuser(superuser: str, database: str, script: str) -> None:
    with psycopg.connect(make_conninfo(superuser, dbname=database), autocommit=True) as connection:
        for statement in filter(str.strip, script.split(";\n")):
            connection.execute(statement.encode())


@pytest.fixture(scope="module")
async def settings() -> AsyncGenerator[dict[str, str]]:
    with pixeltable_postgres() as superuser:
        as_superuser(superuser, "postgres", described("superuser"))
        as_superuser(superuser, DATABASE, described("database"))
        logins = {
            name: make_conninfo(superuser, dbname=DATABASE, user=login)
            for name, login in {
                "DATABASE_URL": "qms_server_login",
                "DATABASE_URL_SQL": "qms_sql_login",
                "DATABASE_URL_DIRECT": "qms_records_owner",
            }.items()
        }
        await Migrator(logins["DATABASE_URL_DIRECT"]).migrate()
        as_superuser(superuser, DATABASE, described("logins"))
        await ensure_durable_schema(logins["DATABASE_URL_DIRECT"])
        yield logins


async def opened(settings: dict[str, str]) -> Database:
    database = Database(external_wiring(Settings.from_environment(settings)))
    await database.open()
    return database


async def a_member(settings: dict[str, str]) -> Principal:
    database = await opened(settings)
    try:
        return await add_person(database, uuid4(), f"org-{uuid4().hex[:8]}", "owner", "admin")
    finally:
        await database.close()


async def test_doctor_finds_every_role_as_it_should_be(settings: dict[str, str], tmp_path: Path) -> None:
    person = await a_member(settings)
    now = int(time.time())
    claims = {"sub": str(person.user_id), "aud": "authenticated", "iat": now, "exp": now + 60}
    given = {**settings, "QMS_JWT_SECRET": SECRET, "QMS_ACCESS_TOKEN": jwt.encode(claims, SECRET, "HS256")}
    found = {f.name: f async for f in look_at_records(Settings.from_environment(given), tmp_path)}
    assert {name: f.says for name, f in found.items() if f.state != "ok"} == {}
    assert found.keys() >= {"server login", "SQL login", "row-level security", "identity"}


async def test_doctor_warns_when_the_server_is_the_owner(settings: dict[str, str], tmp_path: Path) -> None:
    owner = {"DATABASE_URL": settings["DATABASE_URL_DIRECT"]}
    found = {f.name: f async for f in look_at_records(Settings.from_environment(owner), tmp_path)}
    assert found["server login"].state == "warning"
    assert "owns the tables" in found["server login"].says
    assert found["SQL login"].state == "warning"


async def test_the_server_works_without_the_owners_login_and_cannot_migrate(settings: dict[str, str]) -> None:
    person = await a_member(settings)
    database = await opened({name: url for name, url in settings.items() if name != "DATABASE_URL_DIRECT"})
    try:
        async with database.transaction(person, because=REASON) as transaction:
            await transaction.execute(
                Query(
                    "test",
                    "INSERT INTO qms.quality_items (organization_id, title, category) VALUES (%(o)s, 'x', 'capa')",
                ),
                {"o": person.organization_id},
            )
        async with database.sql_transaction(person, timeout_ms=1000) as transaction:
            assert len(await transaction.fetch_dicts(Query("test", "SELECT title FROM qms.quality_items"))) == 1
        with pytest.raises(QmsError, match="refused"):
            async with database.owner_transaction() as transaction:
                await transaction.execute(Query("test", "CREATE TABLE qms.planted (n integer)"))
        with pytest.raises(QmsError):
            async with database.owner_transaction() as transaction:
                await transaction.execute(Query("test", "SET LOCAL ROLE qms_definer"))
    finally:
        await database.close()


@pytest.mark.parametrize("role", ["qms_app", "qms_server", "qms_definer", "qms_records_owner", "qms_server_login"])
async def test_the_login_of_the_sql_tools_can_become_nobody_else(settings: dict[str, str], role: str) -> None:
    with (
        psycopg.connect(settings["DATABASE_URL_SQL"]) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(f"SET ROLE {role}".encode())


@pytest.mark.parametrize("table", ["qms.quality_items", "qms.people", "qms.memberships", "agents.tool_calls"])
async def test_the_owner_sees_no_rows_of_an_organization_by_just_looking(settings: dict[str, str], table: str) -> None:
    await a_member(settings)
    with psycopg.connect(settings["DATABASE_URL_DIRECT"]) as connection:
        row = connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
    assert row == (0,)
