"""Who acts is decided before the first statement, and no statement can change it."""

import json
from uuid import uuid4

import pytest
from psycopg import sql

from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.queries import Query
from qms_mcp.errors import NotAuthenticatedError
from tests.conftest import REASON, Tenants

pytestmark = pytest.mark.anyio

ADD = Query(
    "test", "INSERT INTO qms.quality_items (organization_id, title, category) VALUES (%(org)s, %(title)s, 'capa')"
)
TITLES = Query("test", "SELECT title FROM qms.quality_items")


async def add(database: Database, principal: Principal, title: str) -> None:
    async with database.transaction(principal, because=REASON) as transaction:
        await transaction.execute(ADD, {"org": principal.organization_id, "title": title})


async def titles(database: Database, principal: Principal) -> list[str]:
    async with database.transaction(principal) as transaction:
        return [row["title"] for row in await transaction.fetch_dicts(TITLES)]


async def test_each_organization_sees_its_own_rows_only(database: Database, tenants: Tenants) -> None:
    await add(database, tenants.ours, "ours")
    await add(database, tenants.theirs, "theirs")
    assert await titles(database, tenants.ours) == ["ours"]
    assert await titles(database, tenants.theirs) == ["theirs"]


async def test_a_row_of_another_organization_cannot_be_added(database: Database, tenants: Tenants) -> None:
    with pytest.raises(Exception, match="row-level security"):
        async with database.transaction(tenants.ours, because=REASON) as transaction:
            await transaction.execute(ADD, {"org": tenants.theirs.organization_id, "title": "planted"})
    assert await titles(database, tenants.theirs) == []


async def test_an_auditor_reads_all_and_writes_none(database: Database, tenants: Tenants) -> None:
    await add(database, tenants.ours, "ours")
    assert await titles(database, tenants.auditor) == ["ours"]
    with pytest.raises(Exception, match="row-level security"):
        await add(database, tenants.auditor, "written by an auditor")


async def test_someone_without_a_membership_gets_no_transaction(database: Database, tenants: Tenants) -> None:
    stranger = Principal(uuid4(), tenants.ours.organization_id, frozenset({"admin"}))
    with pytest.raises(NotAuthenticatedError):
        await titles(database, stranger)


async def test_roles_come_from_the_membership_and_not_from_the_principal(database: Database, tenants: Tenants) -> None:
    inflated = Principal(tenants.auditor.user_id, tenants.auditor.organization_id, frozenset({"admin", "owner"}))
    with pytest.raises(Exception, match="row-level security"):
        await add(database, inflated, "written by an auditor")


@pytest.mark.parametrize("forger", ["qms_app", "qms_sql"])
async def test_a_forged_identity_reaches_no_row(database: Database, tenants: Tenants, forger: str) -> None:
    await add(database, tenants.theirs, "theirs")
    forged = "0" * 64 + "." + json.dumps({"sub": str(uuid4()), "org": str(tenants.theirs.organization_id),
        "kind": "human", "roles": ["admin"], "pid": 1, "exp": 99999999999})  # fmt: skip
    if forger == "qms_app":
        async with database.transaction(tenants.ours) as transaction:
            await transaction.connection.execute("SELECT set_config('qms.identity', %s, true)", [forged])
            assert await transaction.fetch_dicts(TITLES) == []
    else:
        async with database.sql_transaction(tenants.ours, timeout_ms=1000) as transaction:
            await transaction.connection.execute(sql.SQL("SET LOCAL qms.identity = {}").format(sql.Literal(forged)))
            assert await transaction.fetch_dicts(TITLES) == []


async def test_an_identity_copied_to_another_connection_counts_as_none(database: Database, tenants: Tenants) -> None:
    await add(database, tenants.theirs, "theirs")
    show = Query("test", "SELECT current_setting('qms.identity') AS ticket")
    async with database.transaction(tenants.theirs) as theirs:
        ticket = (await theirs.fetch_dicts(show))[0]["ticket"]
        async with database.transaction(tenants.ours) as ours:
            await ours.connection.execute("SELECT set_config('qms.identity', %s, true)", [ticket])
            assert await ours.fetch_dicts(TITLES) == []


async def test_the_application_cannot_mint_an_identity_or_read_the_key(database: Database, tenants: Tenants) -> None:
    for statement in (
        "SELECT qms_private.mint_identity(gen_random_uuid(), gen_random_uuid(), 'human', 1)",
        "SELECT qms_private.sign_identity('{}')",
        "SELECT * FROM qms_private.identity_key",
        "SELECT * FROM qms_private.credentials",
    ):
        with pytest.raises(Exception, match="permission denied"):
            async with database.transaction(tenants.ours) as transaction:
                await transaction.connection.execute(statement.encode())


async def test_every_change_of_a_record_leaves_an_entry_with_old_and_new(database: Database, tenants: Tenants) -> None:
    await add(database, tenants.ours, "before")
    change = Query("test", "UPDATE qms.quality_items SET title = 'after'")
    async with database.transaction(tenants.ours, because=REASON) as transaction:
        await transaction.execute(change)
        rows = await transaction.fetch_dicts(
            Query(
                "test",
                "SELECT action, actor_kind, actor_id, changes, reason FROM qms.audit_logs "
                "WHERE entity_type = 'qms.quality_items' ORDER BY seq",
            )
        )
    assert [row["action"] for row in rows] == ["insert", "update"]
    assert rows[1]["changes"] == {"title": {"old": "before", "new": "after"}}
    assert {row["reason"] for row in rows} == {REASON}
    assert {row["actor_kind"] for row in rows} == {"agent"}
    assert {row["actor_id"] for row in rows} == {tenants.ours.user_id}


async def test_the_trail_cannot_be_altered_even_by_the_owner(database: Database, tenants: Tenants) -> None:
    await add(database, tenants.ours, "kept")
    for statement in (
        "TRUNCATE qms.audit_logs CASCADE",
        "TRUNCATE qms.quality_items CASCADE",
        "TRUNCATE agents.tool_calls CASCADE",
    ):
        with pytest.raises(Exception, match="append-only"):
            async with database.owner_transaction() as transaction:
                await transaction.connection.execute(statement.encode())
