"""Policies from templates are proven by their tests, and check_rls finds what is broken on purpose."""

import re
from typing import Any

import pytest

from qms_mcp.db.database import Database
from qms_mcp.db.queries import Query
from qms_mcp.errors import InvalidInputError, NotFoundError, QmsError
from qms_mcp.services.rls.generate import generate_row_security
from qms_mcp.services.rls.models import RowSecurityScript
from tests.conftest import Tenants

pytestmark = pytest.mark.anyio

TABLE = """
CREATE TABLE qms.tools_on_loan (
    serial text CHECK (serial <> ''),
    organization_id uuid NOT NULL REFERENCES qms.organizations (id),
    created_by uuid NOT NULL REFERENCES auth.users (id),
    lent_on date NOT NULL CHECK (lent_on > '2020-01-01'),
    PRIMARY KEY (organization_id, serial)
);
"""
TEMPLATES: list[dict[str, Any]] = [
    {"template": "organization"},
    {"template": "organization", "append_only": True},
    {"template": "role", "roles": ["mrb", "approver"]},
    {"template": "role", "roles": ["mrb"], "append_only": True},
    {"template": "owner"},
    {"template": "owner", "roles": ["reviewer", "auditor"]},
]


async def run(database: Database, *scripts: str, rollback: bool = False) -> None:
    async with database.owner_transaction(rollback=rollback) as transaction:
        for script in scripts:
            await transaction.connection.execute(script.encode())


async def generated(database: Database, tenants: Tenants, table: str = "qms.tools_on_loan", **how: Any) -> RowSecurityScript:
    return await generate_row_security(database, principal=tenants.ours, table=table, **how)


@pytest.mark.parametrize("how", TEMPLATES, ids=lambda how: "-".join(map(str, how.values())))
async def test_the_policies_of_every_template_hold(database: Database, tenants: Tenants, how: dict[str, Any]) -> None:
    await run(database, TABLE)
    made = await generated(database, tenants, **how)
    await run(database, made.script)
    await run(database, made.test)


@pytest.mark.parametrize("how", TEMPLATES, ids=lambda how: "-".join(map(str, how.values())))
async def test_the_proof_fails_when_a_policy_is_missing_or_too_wide(
    database: Database, tenants: Tenants, how: dict[str, Any]
) -> None:
    await run(database, TABLE)
    made = await generated(database, tenants, **how)
    await run(database, made.script)
    spoilt = [
        "ALTER TABLE qms.tools_on_loan DISABLE ROW LEVEL SECURITY",
        "CREATE POLICY wide ON qms.tools_on_loan FOR SELECT TO qms_app USING (true)",
        "CREATE POLICY wide ON qms.tools_on_loan FOR INSERT TO qms_app WITH CHECK (true)",
        "GRANT DELETE ON qms.tools_on_loan TO qms_app",
        "GRANT SELECT ON qms.tools_on_loan TO anon; GRANT USAGE ON SCHEMA qms TO anon",
        *(f"DROP POLICY {name} ON qms.tools_on_loan" for name in re.findall(r"CREATE POLICY (\w+)", made.script)),
    ]
    for damage in spoilt:
        with pytest.raises(QmsError, match=r"does not hold"):
            await run(database, damage, made.test, rollback=True)


async def test_the_proof_leaves_nothing_behind(database: Database, tenants: Tenants) -> None:
    await run(database, TABLE)
    made = await generated(database, tenants, template="organization")
    count = Query("t", "SELECT count(*) AS n FROM pg_constraint WHERE conrelid = 'qms.tools_on_loan'::regclass")
    await run(database, made.script)
    async with database.owner_transaction(rollback=True) as transaction:
        before = await transaction.fetch_dicts(count)
    await run(database, made.test)
    async with database.owner_transaction(rollback=True) as transaction:
        assert await transaction.fetch_dicts(count) == before
        await transaction.connection.execute(b"SET LOCAL ROLE qms_definer")
        assert await transaction.fetch_dicts(Query("t", "SELECT count(*) AS n FROM qms.organizations")) == [{"n": 3}]


async def test_policies_for_a_shipped_table_and_a_planned_one(database: Database, tenants: Tenants) -> None:
    again = await generated(database, tenants, "qms.quality_items", template="organization")
    assert not again.planned
    await run(database, again.script, again.test, rollback=True)
    planned = await generated(database, tenants, "metrology.gauges", template="role", roles=["mrb"])
    assert planned.planned
    assert "CREATE POLICY add_by_role ON metrology.gauges" in planned.script


@pytest.mark.parametrize(
    ("table", "how", "kind", "said"),
    [
        ("qms.quality_itmes", {"template": "organization"}, NotFoundError, "qms.quality_items"),
        ("quality_items", {"template": "organization"}, InvalidInputError, "For example"),
        ("auth.users", {"template": "organization"}, InvalidInputError, "not ours"),
        ("qms.people", {"template": "organization"}, InvalidInputError, "organization_id uuid"),
        ("qms.quality_items", {"template": "role"}, InvalidInputError, "reporter"),
        ("qms.quality_items", {"template": "role", "roles": ["aproover"]}, InvalidInputError, "'approver'"),
        ("qms.quality_items", {"template": "owner", "owner_column": "asigned_to"}, InvalidInputError, "'assigned_to'"),
        ("qms.compliance_records", {"template": "owner"}, InvalidInputError, "owner_column"),
    ],
)
async def test_what_cannot_be_generated_is_refused_with_a_way_on(
    database: Database, tenants: Tenants, table: str, how: dict[str, Any], kind: type[QmsError], said: str
) -> None:
    with pytest.raises(kind) as refused:
        await generated(database, tenants, table, **how)
    assert said in refused.value.hint
