"""The guard on other major versions: the tags in PostgreSQL's trees differ between 15, 16 and 18."""

from collections.abc import AsyncGenerator
from importlib.resources import files
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from qms_mcp.db.connection import Connection
from qms_mcp.db.guard import Guard
from qms_mcp.errors import QmsError, StatementError
from tests.support.harmless import HARMLESS, Harmless
from tests.support.hostile import FIXTURES, HOSTILE
from tests.support.postgres import debian_postgres, pixeltable_postgres

pytestmark = pytest.mark.anyio

SERVERS = {"15": debian_postgres, "16": pixeltable_postgres}
_NEWER = ("JSON_OBJECT", "JSON_TABLE", "XML")


@pytest.fixture(params=sorted(SERVERS))
async def elsewhere(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[tuple[int, Connection]]:
    """An analysing connection to another version, with the traps in the database."""
    version = str(request.param)
    with SERVERS[version](tmp_path) as superuser:
        async with await Connection.connect(superuser, autocommit=True) as connection:
            roles = files("qms_mcp.sql").joinpath("migrations", "0001_roles_and_identity.sql").read_text("utf-8")
            await connection.execute(b"CREATE ROLE qms_owner")
            await connection.execute(roles.encode())
            await connection.execute(
                "SELECT set_config('lab.ours', %s, false), set_config('lab.theirs', %s, false)",
                [str(uuid4()), str(uuid4())],
            )
            await connection.execute(b"GRANT USAGE ON SCHEMA qms TO qms_owner")
            await connection.execute(b"GRANT CREATE ON DATABASE postgres TO qms_owner; SET ROLE qms_owner")
            await connection.execute(FIXTURES.encode())
            await connection.execute(b"RESET ROLE")
            for extension in ("vector", "pg_trgm"):
                await _try(connection, f"CREATE EXTENSION {extension}")
            yield int(version), connection


async def _try(connection: Connection, sql: str) -> None:
    try:
        await connection.execute(sql.encode())
    except psycopg.Error:
        return


async def answer_of(connection: Connection, guard: Guard, statement: Harmless) -> QmsError | None:
    await connection.execute(b"BEGIN; SET LOCAL ROLE qms_probe")
    try:
        await guard.inspect(connection, statement.sql, parameter_types=statement.parameter_types)
    except QmsError as error:
        return error
    finally:
        await connection.execute(b"ROLLBACK")
    return None


async def test_the_verdicts_are_the_same_on_another_version(
    elsewhere: tuple[int, Connection],
) -> None:
    version, connection = elsewhere
    guard = Guard()
    wrong: list[str] = []
    cursor = await connection.execute(b"SELECT extname FROM pg_extension")
    present = {str(row[0]) for row in await cursor.fetchall()}
    for harmless in HARMLESS:
        wanted = harmless.needs
        if wanted and (int(wanted) > version if wanted.isdigit() else wanted not in present):
            continue
        error = await answer_of(connection, guard, harmless)
        if error is not None:
            wrong.append(f"refused: {harmless.sql[:100]!r}: {error.prose()[:200]}")
    for hostile in HOSTILE:
        error = await answer_of(connection, guard, Harmless(hostile.category, hostile.sql))
        if (error is not None) != (hostile.stopped_by == "guard"):
            wrong.append(f"passed: {hostile.sql[:100]!r}")
        unknown_syntax = isinstance(error, StatementError) and "syntax error" in error.message
        if unknown_syntax and not any(word in hostile.sql for word in (*_NEWER, "RETURN", "body")):
            wrong.append(f"not understood: {hostile.sql[:100]!r}: {error}")
    assert not wrong, "\n".join(wrong)
