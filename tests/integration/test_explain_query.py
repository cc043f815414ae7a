"""explain_query reads the plan of any query that may run, and no other."""

import pytest

from qms_mcp.db.database import SQL_SEARCH_PATH, Database
from qms_mcp.db.guard import Guard
from qms_mcp.errors import InvalidInputError, LimitExceededError, RefusedStatementError
from qms_mcp.services.sql.service import SqlTools
from qms_mcp.settings import Settings
from tests.conftest import Tenants

pytestmark = pytest.mark.anyio

READINGS = """
CREATE TABLE qms.readings (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, organization_id uuid NOT NULL, status text, value numeric
);
ALTER TABLE qms.readings ENABLE ROW LEVEL SECURITY;
ALTER TABLE qms.readings FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON qms.readings FOR ALL TO qms_app, qms_sql
    USING (organization_id = (SELECT qms.current_organization_id()));
CREATE POLICY loading ON qms.readings FOR INSERT TO qms_owner WITH CHECK (true);
GRANT SELECT ON qms.readings TO qms_app, qms_sql;
"""
LOAD = """
INSERT INTO qms.readings (organization_id, status, value)
SELECT CASE WHEN n % 2 = 0 THEN %s::uuid ELSE %s::uuid END, CASE WHEN n % 500 = 0 THEN 'open' ELSE 'closed' END, n
FROM generate_series(1, 20000) AS n
"""


@pytest.fixture
def sql(database: Database) -> SqlTools:
    return SqlTools(database, Guard(search_path=SQL_SEARCH_PATH), Settings())


@pytest.fixture
async def readings(database: Database, tenants: Tenants) -> None:
    async with database.owner_transaction() as transaction:
        await transaction.connection.execute(READINGS.encode())
        await transaction.connection.execute(
            LOAD.replace("%", "%%").replace("%%s", "%s").encode(),
            [tenants.ours.organization_id, tenants.theirs.organization_id],
        )
    async with database.owner_transaction() as transaction:
        await transaction.connection.execute(b"ANALYZE qms.readings")


async def test_a_plan_is_read_and_an_index_proposed(sql: SqlTools, readings: None, tenants: Tenants) -> None:
    report = await sql.explain(tenants.ours, "SELECT * FROM qms.readings WHERE status = $1", ["open"])
    assert {"scan", "row_security"} <= {finding.kind for finding in report.findings}
    assert [index.statement for index in report.indexes] == ["CREATE INDEX ON qms.readings (organization_id, status);"]
    assert report.plan["node"] == "Seq Scan on qms.readings"
    assert "Not run" in report.summary


async def test_analyze_measures_and_says_nothing_of_rows_of_others(
    sql: SqlTools, readings: None, tenants: Tenants
) -> None:
    report = await sql.explain(tenants.ours, "SELECT value FROM qms.readings WHERE status = 'open'", analyze=True)
    assert report.summary.startswith("Ran in ")
    assert report.plan["actual_rows"] == 40
    assert report.plan["removed"] == "withheld"
    text = report.model_dump_json()
    assert "19960" not in text
    assert "19,960" not in text


async def test_a_small_table_gets_no_proposal(sql: SqlTools, tenants: Tenants) -> None:
    report = await sql.explain(tenants.ours, "SELECT * FROM qms.compliance_records WHERE status = 'pending'")
    assert report.indexes == []


async def test_analyze_stays_within_the_time_limit(database: Database, tenants: Tenants) -> None:
    impatient = SqlTools(database, Guard(search_path=SQL_SEARCH_PATH), Settings(qms_statement_timeout_ms=300))
    with pytest.raises(LimitExceededError, match="time limit"):
        await impatient.explain(tenants.ours, "SELECT count(*) FROM generate_series(1, 1000000000)", analyze=True)


async def test_what_may_not_run_is_not_explained_either(sql: SqlTools, tenants: Tenants) -> None:
    for statement in ("DELETE FROM qms.quality_items", "SELECT set_config('a.b', 'c', false)"):
        with pytest.raises(RefusedStatementError):
            await sql.explain(tenants.ours, statement, analyze=True)
    for statement in ("EXPLAIN SELECT 1", "SHOW work_mem"):
        with pytest.raises(InvalidInputError, match="can't be explained"):
            await sql.explain(tenants.ours, statement)


async def test_a_plan_of_many_steps_is_shortened(sql: SqlTools, tenants: Tenants) -> None:
    many = " UNION ALL ".join(f"SELECT count(*) FROM generate_series(1, {n})" for n in range(1, 300))
    report = await sql.explain(tenants.ours, many)
    assert "left_out" in report.plan
    assert len(report.model_dump_json()) < 50_000
