"""The hostile set as if there were no guard: what the database alone stops.

Each statement runs in a transaction of the SQL role: read only, under a time limit, rolled back. Afterwards nothing
may be different, and no row of the other organization may have been seen, except where the statement's own entry
says why only the guard can stop it.
"""

from collections.abc import Mapping
from itertools import groupby
from typing import Any

import psycopg
import pytest

from qms_mcp.db.database import Database
from qms_mcp.db.exchange import Command, exchange
from qms_mcp.db.queries import Query
from qms_mcp.errors import QmsError
from tests.conftest import Tenants
from tests.integration.test_guard import make_lab
from tests.support.hostile import CANARY, HOSTILE

pytestmark = pytest.mark.anyio

STATE = Query(
    "test",
    """
    SELECT
        (SELECT string_agg(l::text, ',' ORDER BY l::text) FROM lab.log AS l) AS log,
        (SELECT count(*) FROM lab.ruled) AS ruled,
        (SELECT last_value::text || is_called::text FROM lab.counter) AS counter,
        (SELECT count(*) FROM lab.unprotected) AS unprotected,
        (SELECT count(*) FROM pg_catalog.pg_largeobject_metadata) AS large_objects,
        (SELECT count(*) FROM pg_catalog.pg_class) AS relations,
        (SELECT count(*) FROM pg_catalog.pg_proc) AS functions,
        (SELECT count(*) FROM pg_catalog.pg_namespace WHERE nspname NOT LIKE 'pg_%temp%') AS schemas,
        (SELECT string_agg(a::text, ',' ORDER BY a::text) FROM (
            SELECT relname, relacl, relrowsecurity FROM pg_catalog.pg_class WHERE relnamespace = 'lab'::regnamespace
        ) AS a) AS privileges,
        (SELECT string_agg(r::text, ',' ORDER BY r::text) FROM pg_catalog.pg_roles AS r) AS roles,
        (SELECT count(*) FROM pg_catalog.pg_db_role_setting) AS role_settings,
        (SELECT count(*) FROM pg_catalog.pg_locks WHERE locktype = 'advisory') AS advisory_locks
    """,
)


async def state(database: Database) -> Mapping[str, Any]:
    async with database.owner_transaction(rollback=True) as transaction:
        rows = await transaction.fetch_dicts(STATE)
    return rows[0]


async def run_as_the_sql_role(database: Database, tenants: Tenants, sql: str) -> str:
    """Return everything the statement answered, errors included."""
    try:
        async with database.sql_transaction(tenants.ours, timeout_ms=250) as transaction:
            return str(await exchange(transaction.connection, [Command(sql.encode())]))
    except (QmsError, psycopg.Error) as error:
        return str(error)


async def test_without_the_guard_the_database_changes_nothing_and_shows_no_other_rows(
    database: Database, tenants: Tenants
) -> None:
    async with database.owner_transaction() as transaction:
        await make_lab(transaction.connection, tenants)
    # Half a surrogate pair can't even be sent.
    runnable = [hostile for hostile in HOSTILE if hostile.run_without_guard and "\ud800" not in hostile.sql]
    before = await state(database)
    wrong: list[str] = []
    for category, statements in groupby(runnable, key=lambda hostile: hostile.category):
        for hostile in statements:
            answer = await run_as_the_sql_role(database, tenants, hostile.sql)
            if CANARY in answer and not hostile.only_guard:
                wrong.append(f"leaks: {hostile.sql[:120]!r}: {answer[:200]}")
        after = await state(database)
        wrong += [f"{category} changes {key}: {after[key]}" for key in before if before[key] != after[key]]
        before = after
    assert not wrong, "\n".join(wrong)


async def test_the_traps_really_leak_without_the_guard(database: Database, tenants: Tenants) -> None:
    """Otherwise the test above would prove nothing."""
    async with database.owner_transaction() as transaction:
        await make_lab(transaction.connection, tenants)
    leaks = [
        hostile.sql
        for hostile in HOSTILE
        if hostile.category == "rows of others through rights of others"
        and CANARY in await run_as_the_sql_role(database, tenants, hostile.sql)
    ]
    assert len(leaks) >= 10
