"""What the doctor says of a database that is not as it should be."""

import pytest

from qms_mcp.db.database import Database
from qms_mcp.db.queries import Query
from qms_mcp.doctor.records import look_at_outbox, look_at_policies

pytestmark = pytest.mark.anyio


async def run_as_owner(database: Database, *statements: str) -> None:
    async with database.owner_transaction() as transaction:
        for statement in statements:
            await transaction.execute(Query("test", statement))


async def test_a_healthy_database_has_no_open_table_and_an_empty_outbox(database: Database) -> None:
    assert (await look_at_policies(database)).state == "ok"
    assert (await look_at_outbox(database)).says == "empty"


@pytest.mark.parametrize("careless", ["NO FORCE", "DISABLE"])
async def test_a_table_without_forced_row_level_security_is_named(database: Database, careless: str) -> None:
    await run_as_owner(database, f"ALTER TABLE qms.quality_items {careless} ROW LEVEL SECURITY")
    found = await look_at_policies(database)
    assert found.state == "broken"
    assert "qms.quality_items" in found.says


async def test_a_new_table_of_an_organization_without_policies_is_named(database: Database) -> None:
    await run_as_owner(database, "CREATE TABLE public.planted (organization_id uuid)")
    assert "public.planted" in (await look_at_policies(database)).says


async def test_what_waits_for_langfuse_is_counted(database: Database) -> None:
    message = """INSERT INTO agents.otlp_outbox (organization_id, path, payload, last_error, given_up_at)
        VALUES (gen_random_uuid(), 'scores', '{}', NULL, NULL), (gen_random_uuid(), 'scores', '{}', 'refused', now())"""
    await run_as_owner(database, "SET LOCAL ROLE qms_ledger", message)
    found = await look_at_outbox(database)
    assert found.state == "warning"
    assert found.says.startswith("1 calls and messages wait for Langfuse, 1 were given up")
    assert "refused" in found.effect
