"""execute_query reads as the caller, a page at a time, whatever comes back."""

import json
import tracemalloc
from collections.abc import AsyncGenerator
from typing import Any

import anyio
import pytest

from qms_mcp.db.database import SQL_SEARCH_PATH, Database
from qms_mcp.db.guard import Guard
from qms_mcp.db.queries import Query
from qms_mcp.errors import (
    InvalidInputError,
    LimitExceededError,
    NotAuthenticatedError,
    QmsError,
    RefusedStatementError,
    StatementError,
)
from qms_mcp.services.sql.models import QueryResult
from qms_mcp.services.sql.service import SqlTools
from qms_mcp.settings import Settings
from tests.conftest import REASON, Tenants
from tests.support.harmless import HARMLESS
from tests.support.hostile import CANARY, FIXTURES

pytestmark = [pytest.mark.anyio, pytest.mark.shared_database]

ADD = Query(
    "test",
    "INSERT INTO qms.quality_items (organization_id, title, category, priority) "
    "SELECT %(org)s, %(title)s || n, 'capa', n FROM generate_series(1, %(count)s) AS n",
)


@pytest.fixture
def sql(database: Database) -> SqlTools:
    return SqlTools(database, Guard(search_path=SQL_SEARCH_PATH), Settings())


async def one(sql: SqlTools, tenants: Tenants, statement: str, *parameters: Any) -> Any:
    result = await sql.execute(tenants.ours, statement, parameters)
    return result.rows[0][0]


async def fill(database: Database, tenants: Tenants, count: int) -> None:
    for principal, title in ((tenants.ours, "ours "), (tenants.theirs, "theirs ")):
        async with database.transaction(principal, because=REASON) as transaction:
            await transaction.execute(ADD, {"org": principal.organization_id, "title": title, "count": count})


async def test_each_organization_reads_its_own_rows_only(sql: SqlTools, database: Database, tenants: Tenants) -> None:
    await fill(database, tenants, 200)
    for principal, word in ((tenants.ours, "ours"), (tenants.theirs, "theirs"), (tenants.auditor, "ours")):
        result = await sql.execute(principal, "SELECT title FROM qms.quality_items", limit=1000)
        assert result.returned == 200
        assert all(row[0].startswith(word) for row in result.rows)


async def test_a_membership_that_ended_reads_nothing_more(sql: SqlTools, database: Database, tenants: Tenants) -> None:
    await fill(database, tenants, 3)
    reading = "SELECT title FROM qms.quality_items"
    assert (await sql.execute(tenants.ours, reading)).returned == 3
    async with database.owner_transaction() as transaction:
        await transaction.connection.execute("SET LOCAL ROLE qms_definer")
        await transaction.connection.execute(
            "UPDATE qms.memberships SET valid_to = clock_timestamp() WHERE user_id = %s", [tenants.ours.user_id]
        )
    # The very next statement sees no row, also under a ticket that was made before; the next ticket is refused.
    assert (await sql.execute(tenants.ours, reading)).returned == 0
    database.forget_tickets()
    with pytest.raises(NotAuthenticatedError):
        await sql.execute(tenants.ours, reading)


VALUES = [
    ("1", 1, "integer"),
    ("9007199254740992", 9007199254740992, "bigint"),
    ("9007199254740993", "9007199254740993", "bigint"),
    ("1.50::numeric(10,2)", 1.5, "numeric(10,2)"),
    ("0.12345678901234567890", "0.12345678901234567890", "numeric"),
    ("-0.1", -0.1, "numeric"),
    ("1e30::numeric", "1000000000000000000000000000000", "numeric"),
    ("'NaN'::numeric", "NaN", "numeric"),
    ("0.1::float8", 0.1, "double precision"),
    ("'-Infinity'::float8", "-Infinity", "double precision"),
    ("1.5::real", 1.5, "real"),
    ("true", True, "boolean"),
    ("NULL", None, "text"),
    ("''", "", "text"),
    ("'Prüfung 試験 🔧'", "Prüfung 試験 🔧", "text"),
    ("'{\"a\": [1, 2.5, 12345678901234567890]}'::jsonb", {"a": [1, 2.5, "12345678901234567890"]}, "jsonb"),
    ("'null'::jsonb", None, "jsonb"),
    ("'2026-03-01 10:20:30.5+02'::timestamptz AT TIME ZONE 'UTC'", "2026-03-01T08:20:30.5",
     "timestamp without time zone"),
    ("DATE '2026-03-01'", "2026-03-01", "date"),
    ("TIME '10:20'", "10:20:00", "time without time zone"),
    ("'infinity'::timestamptz", "infinity", "timestamp with time zone"),
    ("'0044-03-15 BC'::date", "0044-03-15 BC", "date"),
    ("INTERVAL '1 day 2 hours'", "P1DT2H", "interval"),
    ("'\\xdeadbeef'::bytea", "\\xdeadbeef", "bytea"),
    ("decode(repeat('ab', 1000), 'hex')", "\\x" + "ab" * 32 + "… (1,000 bytes)", "bytea"),
    ("'6f8d3c7e-0000-4000-8000-000000000000'::uuid", "6f8d3c7e-0000-4000-8000-000000000000", "uuid"),
    ("ARRAY[1, NULL, 3]", "{1,NULL,3}", "integer[]"),
    ("int4range(1, 5)", "[1,5)", "int4range"),
    ("ROW(1, 'a b')", '(1,"a b")', "record"),
    ("'[1,2,3]'::vector", "[1,2,3]", "vector"),
    ("'[1,2,3]'::vector(3)", "[1,2,3]", "vector"),
    ("('[' || repeat('0.25,', 1535) || '1]')::vector", "[0.25,0.25,0.25,0.25,…] (1,536 dimensions)", "vector"),
    ("'10.0.0.1/8'::inet", "10.0.0.1/8", "inet"),
    ("(repeat('[', 200) || repeat(']', 200))::jsonb", "[" * 200 + "]" * 200, "jsonb"),
]  # fmt: skip


async def test_values_become_json_without_loss(sql: SqlTools, tenants: Tenants) -> None:
    for written, shown, kind in VALUES:
        result = await sql.execute(tenants.ours, f"SELECT {written} AS value")
        assert result.rows == [[shown]], written
        assert result.columns[0].type.partition("(")[0] == kind.partition("(")[0], written
        json.loads(result.model_dump_json())


async def test_every_timestamp_says_its_offset(sql: SqlTools, tenants: Tenants) -> None:
    shown = await one(sql, tenants, "SELECT '2026-03-01 10:20:30+00'::timestamptz")
    assert shown[:10] in {"2026-02-28", "2026-03-01", "2026-03-02"}
    assert shown[10] == "T"
    assert shown[-6] in "+-"


async def test_columns_of_one_name_and_no_columns_at_all(sql: SqlTools, tenants: Tenants) -> None:
    result = await sql.execute(tenants.ours, "SELECT 1 AS a, 2 AS a, 3 AS a")
    assert ([column.name for column in result.columns], result.rows) == (["a", "a", "a"], [[1, 2, 3]])
    assert (await sql.execute(tenants.ours, "SELECT FROM generate_series(1, 2)")).rows == [[], []]


async def test_an_empty_result_still_has_its_columns_and_rows(sql: SqlTools, tenants: Tenants) -> None:
    result = await sql.execute(tenants.ours, "SELECT 1 AS a WHERE false")
    shown = json.loads(result.model_dump_json())
    assert shown == {"columns": [{"name": "a", "type": "integer"}], "rows": [], "returned": 0, "more": False}


PARAMETERS = [
    ("SELECT $1", "text", "text"),
    ("SELECT $1 + 1", 41, 42),
    ("SELECT $1 * 2", 0.1, 0.2),
    ("SELECT $1", 2**40, 2**40),
    ("SELECT $1", 2**70, str(2**70)),
    ("SELECT NOT $1", False, True),
    ("SELECT $1::text IS NULL", None, True),
    ("SELECT $1 ->> 'a'", {"a": "b"}, "b"),
    ("SELECT count(*) FROM jsonb_array_elements($1)", [{"a": 1}, {"a": 2}], 2),
    ("SELECT array_length($1, 1)", [1, 2, 3], 3),
    ("SELECT sum(n) FROM unnest($1) AS n", [1, 2.5], 3.5),
    ("SELECT 'b' = ANY($1)", ["a", 'b"\\', None, "b"], True),
    ("SELECT $1::text[]", ['x"y', "a\\b", "c,d", ""], '{"x\\"y","a\\\\b","c,d",""}'),
    ("SELECT DATE '2026-03-01' > $1", "2026-01-01", True),
    ("SELECT $1::uuid", "6f8d3c7e-0000-4000-8000-000000000000", "6f8d3c7e-0000-4000-8000-000000000000"),
    ("SELECT count(*) FROM generate_series(1, $1)", 7, 7),
    ("SELECT DATE '2026-03-01' + $1", 1, "2026-03-02"),
    ("SELECT substring('hello', $1)", 2, "ello"),
    ("SELECT $1", "'; DROP TABLE qms.quality_items; --", "'; DROP TABLE qms.quality_items; --"),
]  # fmt: skip


async def test_parameters_have_the_type_their_json_says(sql: SqlTools, tenants: Tenants) -> None:
    for statement, given, shown in PARAMETERS:
        assert await one(sql, tenants, statement, given) == shown, (statement, given)


MISFITS: list[tuple[str, list[Any], str]] = [
    ("SELECT $2", ["a"], r"uses parameters up to \$2, and 1 was given"),
    ("SELECT 1", ["a", "b"], "uses no parameters, and 2 were given"),
    ("SELECT $0", [], r"parameters up to \$0"),
    ("SELECT $1", ["a\0b"], "NUL"),
    ("SELECT $1", [{"a": "b\0"}], "NUL"),
    ("SELECT $1", ["\ud800"], "surrogate"),
]


async def test_parameters_that_do_not_fit_are_named(sql: SqlTools, tenants: Tenants) -> None:
    for statement, parameters, says in MISFITS:
        with pytest.raises(InvalidInputError, match=says):
            await sql.execute(tenants.ours, statement, parameters)


async def test_a_value_that_is_no_date_is_a_clear_error(sql: SqlTools, tenants: Tenants) -> None:
    with pytest.raises(StatementError, match="invalid input syntax for type date"):
        await sql.execute(tenants.ours, "SELECT $1::date", ["soon"])


FAILURES: list[tuple[str, type[QmsError], str]] = [
    ("SELECT nope FROM qms.quality_items", StatementError, 'column "nope" does not exist'),
    ("SELEC 1", RefusedStatementError, "SELEC"),
    ("SELECT 1; SELECT 2", RefusedStatementError, "more than one"),
    ("", InvalidInputError, "empty"),
    ("SELECT 1/0", StatementError, "division by zero"),
    ("INSERT INTO qms.organizations (name) VALUES ('x')", RefusedStatementError, "INSERT"),
    ("SELECT pg_sleep(1)", QmsError, "pg_sleep"),
    ("SELECT 'a\0b'", InvalidInputError, "NUL"),
    ("SELECT n, repeat('x', 900000) FROM generate_series(1, 5000) AS n ORDER BY n", LimitExceededError, "temp"),
]


async def test_what_cannot_run_says_why(sql: SqlTools, tenants: Tenants) -> None:
    for statement, error, says in FAILURES:
        with pytest.raises(error, match=says):
            await sql.execute(tenants.ours, statement)
        assert await one(sql, tenants, "SELECT 1") == 1


async def test_pages_cover_every_row_exactly_once(sql: SqlTools, database: Database, tenants: Tenants) -> None:
    await fill(database, tenants, 523)
    statement = "SELECT priority FROM qms.quality_items WHERE priority > $1 ORDER BY priority"
    seen: list[int] = []
    cursor: str | None = None
    for _ in range(20):
        page = await sql.execute(tenants.ours, statement, [3], limit=100, cursor=cursor)
        seen += [row[0] for row in page.rows]
        assert page.notes == []
        assert page.more is (page.next_cursor is not None)
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == list(range(4, 524))


async def test_pages_that_are_cut_by_size_cover_every_row_too(sql: SqlTools, tenants: Tenants) -> None:
    statement = "SELECT n, repeat('x', 900) FROM generate_series(1, 150) AS n ORDER BY n"
    seen: list[int] = []
    cursor: str | None = None
    while True:
        page = await sql.execute(tenants.ours, statement, limit=1000, cursor=cursor)
        assert len(page.model_dump_json().encode()) < 50_000
        assert not page.more or "page is full" in page.cut[0]
        seen += [row[0] for row in page.rows]
        if not page.more:
            break
        cursor = page.next_cursor
    assert seen == list(range(1, 151))


async def test_a_limit_above_the_first_fetch_is_filled(sql: SqlTools, tenants: Tenants) -> None:
    for limit in (1, 100, 101, 102, 1000):
        page = await sql.execute(tenants.ours, "SELECT n FROM generate_series(1, 1000) AS n ORDER BY n", limit=limit)
        assert ([row[0] for row in page.rows], page.more) == (list(range(1, limit + 1)), limit < 1000)


async def test_paging_without_an_order_is_pointed_out(sql: SqlTools, tenants: Tenants) -> None:
    unsorted = await sql.execute(tenants.ours, "SELECT n FROM generate_series(1, 200) AS n")
    inner = await sql.execute(
        tenants.ours, "SELECT * FROM (SELECT n FROM generate_series(1, 200) AS n ORDER BY n) AS s"
    )
    assert ["ORDER BY" in note for note in (*unsorted.notes, *inner.notes)] == [True, True]
    assert (await sql.execute(tenants.ours, "SELECT 1")).notes == []


async def test_a_cursor_belongs_to_its_statement_and_parameters(sql: SqlTools, tenants: Tenants) -> None:
    statement = "SELECT n FROM generate_series(1, $1) AS n ORDER BY n"
    cursor = (await sql.execute(tenants.ours, statement, [300])).next_cursor
    for other, parameters in ((statement, [301]), (statement + " DESC", [300])):
        with pytest.raises(InvalidInputError, match="another statement"):
            await sql.execute(tenants.ours, other, parameters, cursor=cursor)
    for broken in ("?", "AAAA", "ü" * 10):
        with pytest.raises(InvalidInputError, match="no cursor"):
            await sql.execute(tenants.ours, statement, [300], cursor=broken)


async def test_a_huge_result_is_never_fetched_whole(sql: SqlTools, tenants: Tenants) -> None:
    statement = "SELECT n, repeat(md5(n::text), 30) AS filler FROM generate_series(1, 200000) AS n ORDER BY n"
    await sql.execute(tenants.ours, "SELECT 1")
    tracemalloc.start()
    try:
        page = await sql.execute(tenants.ours, statement, limit=1000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert page.more
    assert peak < 8_000_000  # all of it would be 190 MB
    assert len(page.model_dump_json()) < 50_000


async def test_rows_too_wide_to_take_at_once_are_stopped_and_paged(sql: SqlTools, tenants: Tenants) -> None:
    page = await sql.execute(
        tenants.ours, "SELECT n, repeat('x', 900000) FROM generate_series(1, 5000) AS n", limit=1000
    )
    assert [row[0] for row in page.rows] == list(range(1, page.returned + 1))
    assert page.more
    assert await one(sql, tenants, "SELECT 1") == 1


async def test_a_long_value_is_cut_and_says_how_to_get_the_rest(sql: SqlTools, tenants: Tenants) -> None:
    statement = "SELECT repeat('ä', 60000) AS body"
    concise = await sql.execute(tenants.ours, statement)
    assert concise.rows[0][0] == "ä" * 1000 + "… [60,000 characters]"
    assert "body" in concise.cut[0]
    assert "substr(body::text, 1001" in concise.cut[0]
    full = await sql.execute(tenants.ours, statement, full=True)
    assert full.rows[0][0] == "ä" * 20000 + "… [60,000 characters]"
    assert len(full.model_dump_json().encode()) < 50_000


async def test_one_row_wider_than_a_page_is_still_shown(sql: SqlTools, tenants: Tenants) -> None:
    columns = ", ".join(f"repeat('{n % 10}', 5000) AS c{n}" for n in range(200))
    page = await sql.execute(tenants.ours, f"SELECT {columns}")
    assert page.returned == 1
    assert len(page.rows[0]) == 200
    assert len(page.rows[0][0]) > 20


async def test_a_statement_that_takes_too_long_is_stopped_and_says_so(database: Database, tenants: Tenants) -> None:
    impatient = SqlTools(database, Guard(search_path=SQL_SEARCH_PATH), Settings(qms_statement_timeout_ms=300))
    with anyio.fail_after(5), pytest.raises(LimitExceededError, match=r"stopped after 0\.3 s"):
        await impatient.execute(tenants.ours, "SELECT count(*) FROM generate_series(1, 1000000000)")
    assert (await impatient.execute(tenants.ours, "SELECT 1")).rows == [[1]]


RUNNING = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'qms_sql' AND state = 'active' AND datname = %s"


@pytest.fixture
async def running(database: Database, embedded: Any, database_name: str) -> AsyncGenerator[Any]:
    import psycopg

    async with await psycopg.AsyncConnection.connect(embedded.conninfo("postgres", "postgres")) as admin:
        await admin.set_autocommit(True)

        async def count() -> int:
            row = await (await admin.execute(RUNNING, [database_name])).fetchone()
            return row[0] if row else 0

        yield count


async def test_a_cancelled_call_stops_its_statement_in_the_database(
    sql: SqlTools, tenants: Tenants, running: Any
) -> None:
    async def run() -> None:
        await sql.execute(tenants.ours, "SELECT count(*) FROM generate_series(1, 1000000000)")

    with anyio.fail_after(15):
        async with anyio.create_task_group() as calls:
            calls.start_soon(run)
            while await running() == 0:  # noqa: ASYNC110 - only the database knows
                await anyio.sleep(0.02)
            calls.cancel_scope.cancel()
        while await running():  # noqa: ASYNC110 - the same
            await anyio.sleep(0.02)
        assert await one(sql, tenants, "SELECT 1") == 1


async def test_many_at_once_do_not_mix_up_who_reads(sql: SqlTools, database: Database, tenants: Tenants) -> None:
    await fill(database, tenants, 5)
    results: list[tuple[str, QueryResult]] = []

    async def read(principal: Any, word: str) -> None:
        results.append((word, await sql.execute(principal, "SELECT title FROM qms.quality_items")))

    with anyio.fail_after(30):
        async with anyio.create_task_group() as calls:
            for _ in range(25):
                calls.start_soon(read, tenants.ours, "ours")
                calls.start_soon(read, tenants.theirs, "theirs")
    assert len(results) == 50
    assert all(row[0].startswith(word) for word, result in results for row in result.rows)
    assert {result.returned for _, result in results} == {5}


async def test_nothing_a_statement_sets_outlives_it(sql: SqlTools, database: Database, tenants: Tenants) -> None:
    async with database.sql_transaction(tenants.ours, timeout_ms=1000) as transaction:
        await transaction.connection.execute("SET work_mem = '64kB'")
        await transaction.connection.execute("SET intervalstyle = 'postgres'")
    shown = await sql.execute(tenants.ours, "SELECT current_setting('work_mem'), INTERVAL '1 day'")
    assert shown.rows[0][0] != "64kB"
    assert shown.rows[0][1] == "P1D"


async def test_explain_withholds_counts_of_rows_of_others(sql: SqlTools, database: Database, tenants: Tenants) -> None:
    await fill(database, tenants, 50)
    for form in ("TEXT", "JSON", "XML", "YAML"):
        plan = await sql.execute(
            tenants.ours,
            f"EXPLAIN (ANALYZE, FORMAT {form}) SELECT * FROM qms.quality_items WHERE title = 'x'",
            full=True,
        )
        assert "withheld" in plan.model_dump_json(), form


@pytest.fixture
async def lab(database: Database, tenants: Tenants) -> None:
    async with database.owner_transaction() as transaction:
        await transaction.connection.execute(
            "SELECT set_config('lab.ours', %s, true), set_config('lab.theirs', %s, true)",
            [str(tenants.ours.organization_id), str(tenants.theirs.organization_id)],
        )
        await transaction.connection.execute(FIXTURES.encode())


SAMPLES = {"bigint": 1, "integer": 1, "text": "a", "date": "2026-01-01", "integer[]": [1], "unknown": "2026-01-01",
           "numeric(10,2)": 1.5, "double precision": 0.5}  # fmt: skip


async def test_every_harmless_statement_runs(sql: SqlTools, lab: None, tenants: Tenants) -> None:
    failed: list[str] = []
    for harmless in HARMLESS:
        given = [SAMPLES[kind] for kind in harmless.parameter_types]
        if harmless.parameter_types == ("unknown", "unknown"):
            given = ["2026-01-01", "5"]
        try:
            result = await sql.execute(tenants.ours, harmless.sql, given)
        except QmsError as error:
            failed.append(f"{harmless.sql}: {error.prose()}")
        else:
            assert CANARY not in result.model_dump_json(), harmless.sql
    assert failed == []
