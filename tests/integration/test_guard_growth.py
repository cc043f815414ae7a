"""What multiplies while it is planned is foreseen, and what does not is left alone."""

import pytest

from qms_mcp.db.database import Database
from qms_mcp.db.guard import Guard
from qms_mcp.errors import LimitExceededError
from tests.conftest import Tenants
from tests.integration.test_guard import make_lab
from tests.support.hostile import HOSTILE

pytestmark = pytest.mark.anyio

GROWING = [hostile.sql for hostile in HOSTILE if hostile.category == "growth in planning"]


@pytest.fixture
async def lab(database: Database, tenants: Tenants) -> Database:
    async with database.owner_transaction() as transaction:
        await make_lab(transaction.connection, tenants)
    return database


async def inspect(database: Database, sql: str) -> None:
    async with database.probe_transaction() as transaction:
        await Guard().inspect(transaction.connection, sql)


async def test_what_would_keep_the_planner_busy_for_ever_is_refused_as_too_much(lab: Database) -> None:
    assert GROWING
    for sql in GROWING:
        with pytest.raises(LimitExceededError):
            await inspect(lab, sql)


@pytest.mark.parametrize(
    "fence", ["x + x AS x FROM ({}) AS q LIMIT 10", "sum(x) + max(x) AS x FROM ({}) AS q", "x + x AS x FROM ({}) AS q"]
)
async def test_only_what_the_planner_opens_counts_again(lab: Database, fence: str) -> None:
    sql = "SELECT id::bigint AS x FROM lab.docs"
    for _ in range(25):
        sql = "SELECT " + fence.format(sql)
    if "LIMIT" in fence or "sum" in fence:
        await inspect(lab, sql)
    else:
        with pytest.raises(LimitExceededError):
            await inspect(lab, sql)


async def test_a_with_query_that_is_materialized_is_planned_once(lab: Database) -> None:
    for how, fits in (("MATERIALIZED", True), ("NOT MATERIALIZED", False)):
        steps = ", ".join(f"a{i} AS {how} (SELECT p.x + q.x AS x FROM a{i - 1} p, a{i - 1} q)" for i in range(1, 40))
        sql = f"WITH a0 AS (SELECT 1 AS x), {steps} SELECT * FROM a39"
        if fits:
            await inspect(lab, sql)
        else:
            with pytest.raises(LimitExceededError):
                await inspect(lab, sql)


async def test_a_tree_too_large_to_read_is_never_fetched(lab: Database) -> None:
    wide = "SELECT " + ", ".join(f"{i} AS c{i}" for i in range(1600))
    with pytest.raises(LimitExceededError, match="too complex"):
        await inspect(lab, "SELECT * FROM (" * 50 + wide + ") AS q" * 50)


async def test_a_change_of_rows_may_not_grow_either(lab: Database) -> None:
    inner = "SELECT id::bigint AS x FROM lab.docs"
    for _ in range(25):
        inner = f"SELECT x + x AS x FROM ({inner}) AS q"
    with pytest.raises(LimitExceededError):
        async with lab.probe_transaction() as transaction:
            await Guard().inspect_write(
                transaction.connection, f"UPDATE lab.log SET entry = (SELECT max(x) FROM ({inner}) AS q)::text"
            )
