"""The guard over the hostile and the harmless set, on the product's own PostgreSQL."""

import time
from contextlib import suppress
from typing import Any

import psycopg
import pytest

from qms_mcp.db.database import Database
from qms_mcp.db.guard import Guard
from qms_mcp.errors import (
    InvalidInputError,
    LimitExceededError,
    QmsError,
    RefusedStatementError,
    StatementError,
)
from tests.conftest import Tenants
from tests.support.harmless import HARMLESS
from tests.support.hostile import FIXTURES, HOSTILE

pytestmark = pytest.mark.anyio

REFUSALS = (RefusedStatementError, StatementError, InvalidInputError, LimitExceededError)


@pytest.fixture
async def lab(database: Database, tenants: Tenants) -> Database:
    """A database with the traps in it."""
    async with database.owner_transaction() as transaction:
        await make_lab(transaction.connection, tenants)
    return database


async def make_lab(connection: psycopg.AsyncConnection[Any], tenants: Tenants) -> None:
    await connection.execute(
        "SELECT set_config('lab.ours', %s, true), set_config('lab.theirs', %s, true)",
        [str(tenants.ours.organization_id), str(tenants.theirs.organization_id)],
    )
    await connection.execute(FIXTURES.encode())


async def verdict_of(database: Database, guard: Guard, sql: str, types: tuple[str, ...] = ()) -> str:
    """Return the error's class and prose, or nothing when the statement may run."""
    async with database.probe_transaction() as transaction:
        try:
            await guard.inspect(transaction.connection, sql, parameter_types=types)
        except QmsError as error:
            return f"{type(error).__name__}: {error.prose()}"
    return ""


async def test_every_hostile_statement_is_refused_or_left_to_the_limits(lab: Database) -> None:
    guard = Guard()
    wrong: list[str] = []
    for hostile in HOSTILE:
        answer = await verdict_of(lab, guard, hostile.sql)
        if bool(answer) != (hostile.stopped_by == "guard"):
            wrong.append(f"{hostile.category}: {hostile.sql[:120]!r}: {answer[:200] or 'passed'}")
    assert not wrong, "\n".join(wrong)


async def test_every_harmless_statement_may_run(lab: Database) -> None:
    guard = Guard()
    wrong: list[str] = []
    for harmless in HARMLESS:
        answer = await verdict_of(lab, guard, harmless.sql, harmless.parameter_types)
        if answer:
            wrong.append(f"{harmless.category}: {harmless.sql[:120]!r}: {answer}")
    assert not wrong, "\n".join(wrong)


async def test_analysing_the_hostile_set_runs_nothing_of_it(lab: Database) -> None:
    """Not even the checks of domains, which PostgreSQL runs when it reads certain literals."""
    guard = Guard()
    async with lab.plumbing() as lent:
        connection = lent.connection
        for hostile in HOSTILE:
            await connection.execute(b"BEGIN")
            await connection.execute(b"SET LOCAL ROLE qms_probe")
            with suppress(*REFUSALS):
                await guard.inspect(connection, hostile.sql)
            await connection.execute(b"ROLLBACK")
            cursor = await connection.execute(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
            )
            assert await cursor.fetchone() == (0,), hostile.sql
        cursor = await connection.execute(b"SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'probe%'")
        assert await cursor.fetchone() == (0,)


async def test_what_the_verdict_says(lab: Database) -> None:
    guard = Guard()
    async with lab.probe_transaction() as transaction:
        verdict = await guard.inspect(
            transaction.connection,
            "/* first */ EXPLAIN ANALYZE SELECT lab.doubled(id), title FROM lab.v_open WHERE id = $1 ; -- last",
            parameter_types=["unknown"],
        )
    assert verdict.kind == "explain"
    assert verdict.analyze
    assert verdict.statement == "EXPLAIN ANALYZE SELECT lab.doubled(id), title FROM lab.v_open WHERE id = $1"
    assert verdict.relations == ("lab.docs", "lab.v_open")
    assert verdict.functions == ("lab.doubled(integer)",)
    assert verdict.parameter_types == ("integer",)


WORDS: tuple[tuple[str, type[QmsError], str], ...] = (
    ("SELECT 1;\nSELECT 2", RefusedStatementError, "more than one statement"),
    ("DELETE FROM lab.log", RefusedStatementError, "transform_data"),
    ("DROP TABLE lab.log", RefusedStatementError, "create_migration"),
    ("SELECT * FROM lab.v_bump", RefusedStatementError, "lab.bump() through the view lab.v_bump"),
    ("SELECT 1 OPERATOR(lab.@#@) 2", RefusedStatementError, "lab.joined(integer,integer)"),
    ("SELECT * FROM pg_authid", RefusedStatementError, "pg_catalog.pg_authid"),
    ("SELECT 'x'::lab.checked", RefusedStatementError, "check of the domain lab.checked"),
    ("SELECT lab.read_body()", RefusedStatementError, "lab.all_titles() in lab.read_body()"),
    ("SELECT * FROM lab.v_over_owner", RefusedStatementError, "security_invoker"),
    ("-- a\n SELECT titel\nFROM lab.docs", StatementError, 'line 2, column 9: column "titel" does not exist'),
    ("SELECT 'ü' || \n nope()", StatementError, "line 2, column 2"),
    ("SELECT FROM WHERE", StatementError, 'at line 1, column 13: syntax error at or near "WHERE"'),
    ("SELECT $1", StatementError, "there is no parameter $1"),
    ("SELECT '", InvalidInputError, "never closed"),
    ("SHOW request.jwt.claims", RefusedStatementError, "request.jwt.claims"),
    ("EXPLAIN (ANALYZE, LOUD) SELECT 1", InvalidInputError, "loud"),
)


async def test_a_refusal_says_what_and_where(lab: Database) -> None:
    for sql, kind, said in WORDS:
        async with lab.probe_transaction() as transaction:
            with pytest.raises(kind) as caught:
                await Guard().inspect(transaction.connection, sql)
        assert said in caught.value.prose(), sql


async def test_a_parameter_type_is_a_type_and_nothing_else(lab: Database) -> None:
    for wanted in ("no_such_type", "record", "internal", "integer) RETURNS void; --", "x\0"):
        async with lab.probe_transaction() as transaction:
            with pytest.raises((InvalidInputError, StatementError)):
                await Guard().inspect(transaction.connection, "SELECT $1", parameter_types=[wanted])


CHANGES = (
    ("INSERT INTO lab.log VALUES ('x'), (DEFAULT) RETURNING entry", "insert"),
    (
        "INSERT INTO lab.docs (id, title) SELECT id, upper(title) FROM lab.docs ON CONFLICT (id) DO NOTHING",
        "insert",
    ),
    ("UPDATE lab.docs AS d SET title = e.title FROM lab.docs AS e WHERE e.id = d.id + 1;", "update"),
    ("WITH old AS (SELECT id FROM lab.docs) DELETE FROM lab.docs USING old WHERE docs.id = old.id", "delete"),
    (
        "MERGE INTO lab.log AS l USING lab.docs AS d ON l.entry = d.title "  # noqa: ISC004 - one statement
        "WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (d.title)",
        "merge",
    ),
)
NO_CHANGES = (
    "SELECT 1",
    "WITH a AS (SELECT 1) SELECT * FROM a",
    "DROP TABLE lab.log",
    "TRUNCATE lab.log",
    "COPY lab.log FROM STDIN",
    "DELETE FROM lab.log; DELETE FROM lab.docs",
    "WITH a AS (DELETE FROM lab.log RETURNING *) INSERT INTO lab.log SELECT * FROM a",
    "UPDATE lab.v_open SET title = ''",
    "INSERT INTO lab.ruled VALUES ('x')",
    "INSERT INTO lab.log VALUES (lab.bump())",
    "UPDATE lab.log SET entry = set_config('qms.identity', 'x', true)",
    "INSERT INTO lab.log SELECT title FROM lab.v_owner",
    "DELETE FROM lab.log RETURNING pg_notify('a', entry)",
    "UPDATE pg_class SET relname = 'x'",
    "INSERT INTO lab.log SELECT entry FROM lab.log FOR UPDATE",
    "UPDATE lab.log SET entry = '' WHERE CURRENT OF c",
)


async def test_one_change_of_an_ordinary_table_may_be_prepared(lab: Database) -> None:
    for sql, kind in CHANGES:
        async with lab.probe_transaction() as transaction:
            verdict = await Guard().inspect_write(transaction.connection, sql)
        assert verdict.kind == kind, sql
        assert verdict.target in {"lab.log", "lab.docs"}, sql


async def test_anything_else_may_not_be_prepared_as_a_change(lab: Database) -> None:
    for sql in NO_CHANGES:
        async with lab.probe_transaction() as transaction:
            with pytest.raises(REFUSALS):
                await Guard().inspect_write(transaction.connection, sql)


async def test_a_verdict_is_kept_for_a_minute_and_until_the_catalogue_changes(lab: Database) -> None:
    now = 0.0
    guard = Guard(clock=lambda: now)
    sql = "SELECT * FROM lab.v_moving"

    async def answer() -> str:
        return await verdict_of(lab, guard, sql)

    async def redefine(body: str) -> None:
        async with lab.owner_transaction() as transaction:
            await transaction.connection.execute(b"DROP VIEW IF EXISTS lab.v_moving")
            await transaction.connection.execute(f"CREATE VIEW lab.v_moving AS SELECT {body}".encode())

    await redefine("1 AS n")
    assert await answer() == ""
    await redefine("nextval('lab.counter') AS n")
    assert await answer() == ""
    now = 61.0
    assert "nextval" in await answer()
    await redefine("1 AS n")
    guard.catalogue_changed()
    assert await answer() == ""


async def test_a_connection_outside_a_transaction_is_not_used(lab: Database) -> None:
    async with lab.plumbing() as lent:
        with pytest.raises(RuntimeError, match="transaction"):
            await Guard().inspect(lent.connection, "SELECT 1")


async def test_a_large_statement_is_judged_quickly(lab: Database) -> None:
    """Time grows with the size of the tree and not with its square."""
    guard = Guard()
    await verdict_of(lab, guard, "SELECT 1")
    seconds: list[float] = []
    for rows in (500, 2_000):
        sql = "VALUES " + ", ".join(f"({i}, '{i}')" for i in range(rows))
        begun = time.perf_counter()
        assert await verdict_of(lab, guard, sql) == ""
        seconds.append(time.perf_counter() - begun)
    assert seconds[1] < seconds[0] * 12 + 0.1


def test_the_sets_are_as_large_as_they_should_be() -> None:
    assert len(HOSTILE) >= 120
    assert len(HARMLESS) >= 45
    assert len({hostile.sql for hostile in HOSTILE}) == len(HOSTILE)
