"""How long lists, traces and single records take among 120,000 of them, as ratios. `make bench` runs this."""

import statistics
import time
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import psycopg
import pytest
from mcp.client import Client
from psycopg import sql

from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.embedded import EmbeddedPostgres
from tests.conftest import copied_database, two_tenants, wiring_for
from tests.support.in_process import client_for
from tests.support.record_rows import grow_records
from tests.support.trail_rows import grow_trail

pytestmark = [pytest.mark.anyio, pytest.mark.bench]

Arguments: TypeAlias = Mapping[str, Any]
OURS, THEIRS, ENTRIES = 100_000, 20_000, 200_000
ROUNDS = 21
MOST = 5.0
# What looks through more than a page has limits of its own: all records that should have a link, all titles with three
# common words, and what hangs on a supplier with hundreds of nonconformances.
SEARCHED = ("list_records", {"text": "porosity lot 5", "sort": "due"})
MORE = {"orphans": 25.0, "common words": 8.0, "busiest supplier": 8.0}
BARE = ("execute_query", {"statement": "SELECT 1"})
LISTS: list[Arguments] = [
    {},
    {"limit": 100},
    {"category": "capa"},
    {"category": "capa", "state": "closed"},
    {"state": "closed"},
    {"show": "overdue"},
    {"sort": "due"},
    {"sort": "risk", "category": "capa"},
    {"risk_class": "critical", "category": "scar", "show": "open"},
    {"owner": "me", "sort": "risk"},
    {"tags": ["tag7"]},
    {"text": "valve"},
    {"text": "nothing like it"},
    {"text": "CAPA-"},
    {"since": "2025-11-01", "until": "2025-11-05"},
]
TRAILS: list[Arguments] = [{}, {"cursor": "5000"}, {"action": "export"}]
FRAMEWORKS = ("iso-13485", "iso-9001", "fda-qmsr", "part-11", "annex-11", "ich-q10")
MATRICES: list[Arguments] = [
    *({"framework": name} for name in FRAMEWORKS),
    {"framework": "iso-13485", "only": "gaps"},
    {"framework": "iso-13485", "clause": "8.5"},
]
BUSIEST = """
SELECT i.number FROM qms.nonconformances AS n INNER JOIN qms.quality_items AS i ON n.supplier_id = i.id
WHERE n.organization_id = {} GROUP BY i.number ORDER BY count(*) DESC LIMIT 1
"""
MIDDLE = """
SELECT i.number FROM qms.quality_items AS i WHERE i.organization_id = {} AND i.category = {} AND i.closed_at IS {}
ORDER BY i.created_at OFFSET 500 LIMIT 1
"""


@pytest.fixture(scope="module")
async def years(embedded: EmbeddedPostgres, template: str) -> AsyncGenerator[tuple[Database, Principal, str]]:
    """Years of records of two organizations, for all tests of this module: nothing here writes."""
    with copied_database(embedded, template) as name:
        database = Database(wiring_for(embedded, name))
        await database.open()
        tenants = await two_tenants(database)
        superuser = embedded.conninfo(name, "postgres")
        for person, records in ((tenants.ours, OURS), (tenants.theirs, THEIRS)):
            grow_records(superuser, person.organization_id, person.user_id, records=records)
        grow_trail(superuser, tenants.ours.organization_id, tenants.ours.user_id, entries=ENTRIES, records=50_000)
        with psycopg.connect(superuser, autocommit=True) as connection:
            connection.execute(b"VACUUM (ANALYZE)")
        yield database, tenants.ours, superuser
        await database.close()


async def seconds(client: Client, tool: str, arguments: Arguments) -> float:
    started = time.perf_counter()
    answer = await client.call_tool(tool, dict(arguments))
    taken = time.perf_counter() - started
    assert not answer.is_error, answer
    return taken


async def ratio(client: Client, tool: str, arguments: Arguments) -> float:
    """Return how many times as long as SELECT 1 a call takes, called in turns so that both meet the same load."""
    for _ in range(6):  # statements are prepared after five times
        await seconds(client, tool, arguments)
    ours: list[float] = []
    bare: list[float] = []
    for _ in range(ROUNDS):
        bare.append(await seconds(client, *BARE))
        ours.append(await seconds(client, tool, arguments))
    found = statistics.median(ours) / statistics.median(bare)
    print(f"\n{found:4.1f} times SELECT 1: {tool} {dict(arguments)}", end="")  # noqa: T201
    return found


async def slow_ones(client: Client, calls: list[tuple[str, Arguments]], *, most: float = MOST) -> dict[str, float]:
    """Return the calls that take longer than they may; one that did is measured again, as the load may have changed."""
    await ratio(client, *BARE)
    slow: dict[str, float] = {}
    for tool, arguments in calls:
        found = await ratio(client, tool, arguments)
        if found > most:
            found = min(found, await ratio(client, tool, arguments))
        if found > most:
            slow[f"{tool} {dict(arguments)}"] = found
    return slow


def numbers(superuser: str, organization_id: str) -> dict[str, str]:
    """Return the numbers of records to look at: an open and a closed CAPA, and the supplier most is wrong with."""
    ours = sql.Literal(organization_id)
    statements = {
        "busiest supplier": sql.SQL(BUSIEST).format(ours),
        "open CAPA": sql.SQL(MIDDLE).format(ours, sql.Literal("capa"), sql.SQL("NULL")),
        "closed CAPA": sql.SQL(MIDDLE).format(ours, sql.Literal("capa"), sql.SQL("NOT NULL")),
        "document": sql.SQL(MIDDLE).format(ours, sql.Literal("document"), sql.SQL("NOT NULL")),
    }
    with psycopg.connect(superuser) as connection:
        rows = {name: connection.execute(statement).fetchone() for name, statement in statements.items()}
    return {name: row[0] for name, row in rows.items() if row}


async def test_lists_among_a_hundred_thousand_records_take_at_most_five_times_select_one(
    years: tuple[Database, Principal, str], tmp_path: Path
) -> None:
    database, ours, _ = years
    calls: list[tuple[str, Arguments]] = [*(("list_records", arguments) for arguments in LISTS), ("my_work", {})]
    async with client_for(database, ours, tmp_path) as client:
        assert await slow_ones(client, calls) == {}
        assert await slow_ones(client, [SEARCHED], most=MORE["common words"]) == {}


async def test_one_record_and_what_hangs_on_it_take_at_most_five_times_select_one(
    years: tuple[Database, Principal, str], tmp_path: Path
) -> None:
    database, ours, superuser = years
    known = numbers(superuser, str(ours.organization_id))
    assert len(known) == 4
    supplier = known["busiest supplier"]
    calls: list[tuple[str, Arguments]] = [
        *(("get_record", {"record": number}) for number in known.values()),
        *(("trace_record", {"record": number}) for number in known.values() if number != supplier),
        ("trace_record", {"record": known["closed CAPA"], "way": "up", "depth": 12}),
    ]
    busiest: tuple[str, Arguments] = ("trace_record", {"record": supplier})
    async with client_for(database, ours, tmp_path) as client:
        assert await slow_ones(client, calls) == {}
        assert await slow_ones(client, [busiest], most=MORE["busiest supplier"]) == {}
        assert await slow_ones(client, [("trace_record", {})], most=MORE["orphans"]) == {}


async def test_the_trail_and_the_compliance_matrix_take_at_most_five_times_select_one(
    years: tuple[Database, Principal, str], tmp_path: Path
) -> None:
    database, ours, _ = years
    calls = [
        *(("get_audit_trail", arguments) for arguments in TRAILS),
        *(("get_compliance_matrix", arguments) for arguments in MATRICES),
    ]
    async with client_for(database, ours, tmp_path) as client:
        assert await slow_ones(client, calls) == {}
