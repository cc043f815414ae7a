"""A value of any size that a statement makes up costs the server of the tools next to no memory."""

from pathlib import Path

import pytest

from qms_mcp.db.database import SQL_SEARCH_PATH, Database
from qms_mcp.db.guard import Guard
from qms_mcp.errors import LimitExceededError, QmsError
from qms_mcp.services.sql.service import SqlTools
from qms_mcp.services.transforms import Transforms
from qms_mcp.settings import Settings
from tests.conftest import Tenants
from tests.support.readings import add_readings, make_readings

STATUS = Path("/proc/self/status")
MOST_MB = 200

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(not STATUS.exists(), reason="counts memory as Linux tells it"),
]


def megabytes(name: str) -> int:
    return next(int(line.split()[1]) for line in STATUS.read_text().splitlines() if line.startswith(name)) // 1024


def forget_the_peak() -> int:
    Path("/proc/self/clear_refs").write_text("5")
    return megabytes("VmRSS")


@pytest.fixture
def sql(database: Database) -> SqlTools:
    return SqlTools(database, Guard(search_path=SQL_SEARCH_PATH), Settings())


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT repeat(repeat('x', 1000000), 300)",
        "SELECT repeat(repeat('x', 1000000), 150)::integer",
        "SELECT array_fill(repeat('x', 900000), ARRAY[200])",
        "SELECT " + ", ".join(f"repeat('x', 1000000) AS c{i}" for i in range(200)),
    ],
)
async def test_a_row_nobody_could_hold_is_not_waited_for(sql: SqlTools, tenants: Tenants, statement: str) -> None:
    await sql.execute(tenants.ours, "SELECT 1")
    before = forget_the_peak()
    with pytest.raises(LimitExceededError, match="larger than 32 MB"):
        await sql.execute(tenants.ours, statement)
    assert megabytes("VmHWM") - before < MOST_MB
    assert (await sql.execute(tenants.ours, "SELECT 1")).rows == [[1]]


async def test_a_message_that_quotes_a_long_value_is_cut(sql: SqlTools, tenants: Tenants) -> None:
    for statement in ("SELECT repeat('x', 1000000)::integer", f"SELECT '{'x' * 60_000}'::integer"):
        with pytest.raises(QmsError) as failed:
            await sql.execute(tenants.ours, statement)
        assert len(failed.value.prose()) < 1_500


async def test_a_change_that_returns_too_much_or_makes_huge_rows_ends_within_limits(
    database: Database, tenants: Tenants
) -> None:
    await make_readings(database)
    await add_readings(database, tenants.ours, "ours", n=20)
    transforms = Transforms(database)
    returning = "UPDATE site.readings SET title = repeat('x', 900000) RETURNING title"
    with pytest.raises(LimitExceededError, match="returns too much"):
        await transforms.draft(tenants.ours, statement=returning, parameters=[], reason="x")
    before = forget_the_peak()
    large = "UPDATE site.readings SET title = repeat('x', 900000)"
    draft = await transforms.draft(tenants.ours, statement=large, parameters=[], reason="x")
    assert draft.rows_expected == 20
    assert megabytes("VmHWM") - before < MOST_MB
