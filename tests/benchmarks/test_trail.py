"""What the audit trail costs, how fast it is verified, and how fast a long one is read. `make bench` runs this."""

import json
import statistics
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from mcp.client import Client
from psycopg import sql

from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.embedded import EmbeddedPostgres
from qms_mcp.db.queries import Query
from qms_mcp.services.trail.scope import TrailFilter
from qms_mcp.services.trail.service import Trail
from tests.conftest import Tenants, copied_database, two_tenants, wiring_for
from tests.support.in_process import client_for
from tests.support.trail_rows import grow_trail

pytestmark = [pytest.mark.anyio, pytest.mark.bench]

ENTRIES = 100_000
WRITES = 60
ROUNDS = 5
ADD = Query("t", "SELECT r.id FROM qms.add_record('capa', %(fields)s::jsonb) AS r")
CHANGE = Query("t", "SELECT r.version FROM qms.change_record(%(id)s, NULL, %(fields)s::jsonb) AS r")
ADD_PART = Query("t", "SELECT qms.add_part(%(id)s, 'capa_actions', %(fields)s::jsonb) AS part")
TRIGGERS = """
SELECT n.nspname, c.relname, t.tgname FROM pg_trigger AS t
INNER JOIN pg_class AS c ON t.tgrelid = c.oid INNER JOIN pg_namespace AS n ON c.relnamespace = n.oid
WHERE n.nspname = 'qms' AND t.tgname IN ('trail_turn', 'record_change')
"""


@pytest.fixture
async def untrailed(embedded: EmbeddedPostgres, template: str) -> AsyncGenerator[tuple[Database, Tenants]]:
    """The same database without the triggers that write the trail."""
    with copied_database(embedded, template) as name:
        with psycopg.connect(embedded.conninfo(name, "postgres"), autocommit=True) as superuser:
            for schema, table, trigger in superuser.execute(TRIGGERS.encode()).fetchall():
                statement = sql.SQL("ALTER TABLE {}.{} DISABLE TRIGGER {}")
                superuser.execute(statement.format(*(sql.Identifier(part) for part in (schema, table, trigger))))
        database = Database(wiring_for(embedded, name))
        await database.open()
        yield database, await two_tenants(database)
        await database.close()


async def seconds_to_write(database: Database, principal: Principal) -> float:
    """Each write in a transaction of its own: a record, a change of it, an action."""
    started = time.perf_counter()
    for number in range(WRITES):
        async with database.transaction(principal, because="measured for the benchmark") as transaction:
            fields = {"title": f"Burrs {number}", "description": "found at final inspection", "risk_class": "low"}
            made = (await transaction.fetch_dicts(ADD, {"fields": json.dumps(fields)}))[0]["id"]
        async with database.transaction(principal, because="measured for the benchmark") as transaction:
            fields = {"title": f"Burrs on housing {number}", "priority": 3}
            await transaction.fetch_dicts(CHANGE, {"id": made, "fields": json.dumps(fields)})
        async with database.transaction(principal, because="measured for the benchmark") as transaction:
            fields = {"action_type": "corrective", "description": "Polish the cavity"}
            await transaction.fetch_dicts(ADD_PART, {"id": made, "fields": json.dumps(fields)})
    return time.perf_counter() - started


async def test_a_write_with_its_trail_costs_at_most_two_and_a_half_writes_without(
    database: Database, tenants: Tenants, untrailed: tuple[Database, Tenants]
) -> None:
    bare, bare_tenants = untrailed
    await seconds_to_write(database, tenants.ours)
    await seconds_to_write(bare, bare_tenants.ours)
    ratios: list[float] = []
    with_trail: list[float] = []
    for _ in range(ROUNDS):
        ours = await seconds_to_write(database, tenants.ours)
        theirs = await seconds_to_write(bare, bare_tenants.ours)
        with_trail.append(ours)
        ratios.append(ours / theirs)
    ratio, each = statistics.median(ratios), statistics.median(with_trail) / (3 * WRITES) * 1_000
    print(f"\na write with its trail: {each:.2f} ms, {ratio:.2f} times one without")  # noqa: T201
    assert (await Trail(database).verify(tenants.ours)).intact
    assert ratio <= 2.5


@pytest.fixture
async def long_trail(database: Database, tenants: Tenants, embedded: EmbeddedPostgres, database_name: str) -> Principal:
    ours = tenants.ours
    superuser = embedded.conninfo(database_name, "postgres")
    grow_trail(superuser, ours.organization_id, ours.user_id, entries=ENTRIES, records=1_000)
    return ours


async def test_at_least_twenty_thousand_entries_are_verified_in_a_second(
    database: Database, long_trail: Principal
) -> None:
    rates: list[float] = []
    for _ in range(3):
        started = time.perf_counter()
        found = await Trail(database).verify(long_trail)
        rates.append(found.entries / (time.perf_counter() - started))
        assert found.intact
        assert found.entries > ENTRIES
    print(f"\nverified: {max(rates):,.0f} entries/s")  # noqa: T201
    assert max(rates) >= 20_000


async def medians(client: Client, tool: str, arguments: dict[str, Any]) -> tuple[float, float]:
    """Return the milliseconds of a call and those of SELECT 1, taken in turns."""
    taken: list[list[float]] = [[], []]
    calls = ((tool, arguments), ("execute_query", {"statement": "SELECT 1"}))
    for _ in range(40):
        for (name, given), times in zip(calls, taken, strict=True):
            started = time.perf_counter()
            answer = await client.call_tool(name, given)
            times.append((time.perf_counter() - started) * 1_000)
            assert not answer.is_error, answer
    ours, bare = (statistics.median(times) for times in taken)
    return ours, bare


async def test_a_long_trail_is_read_within_five_times_select_one(
    database: Database, long_trail: Principal, tmp_path: Path
) -> None:
    page = await Trail(database).get(long_trail, TrailFilter(), limit=1, detail="full")
    middle = page.entries[0].at.timestamp() - ENTRIES * 30
    day = 86_400
    moments = [time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(middle + shift)) for shift in (0, day)]
    questions: dict[str, dict[str, Any]] = {
        "the newest": {},
        "far back": {"cursor": "5000"},
        "one person": {"person": "me"},
        "a rare action": {"action": "export"},
        "an action there is not": {"action": "approved"},
        "a day long ago": {"since": moments[0], "until": moments[1]},
        "a long time": {"since": moments[0]},
    }
    async with client_for(database, long_trail, tmp_path) as client:
        slowest = 0.0
        for name, arguments in questions.items():
            ours, bare = await medians(client, "get_audit_trail", arguments)
            print(f"\n{name}: {ours:.1f} ms, {ours / bare:.1f} times SELECT 1")  # noqa: T201
            slowest = max(slowest, ours / bare)
    assert slowest <= 5
