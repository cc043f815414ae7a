"""Policies from templates are proven by their tests, and check_rls finds what is broken on purpose."""

import re
from pathlib import Path
from typing import Any

import psycopg
import pytest

from qms_mcp.db.database import Database
from qms_mcp.db.embedded import EmbeddedPostgres
from qms_mcp.db.queries import Query, query
from qms_mcp.errors import InvalidInputError, NotFoundError, QmsError
from qms_mcp.services.design.service import Design
from qms_mcp.services.rls.findings import LINTS, catalogue_findings
from qms_mcp.services.rls.generate import generate_row_security
from qms_mcp.services.rls.models import RowSecurityReport, RowSecurityScript
from qms_mcp.services.rls.personas import PERSONAS
from qms_mcp.services.rls.service import RowSecurity
from qms_mcp.services.sql_tests.running import run_script
from tests.conftest import Tenants
from tests.integration.test_design import ENTITIES, entities
from tests.support.in_process import client_for

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


async def generated(
    database: Database, tenants: Tenants, table: str = "qms.tools_on_loan", **how: Any
) -> RowSecurityScript:
    return await generate_row_security(database, principal=tenants.ours, table=table, **how)


async def test_the_policies_of_every_template_hold(database: Database, tenants: Tenants) -> None:
    await run(database, TABLE)
    for how in TEMPLATES:
        made = await generated(database, tenants, **how)
        await run(database, made.script, made.test, rollback=True)


async def test_the_proof_fails_when_a_policy_is_missing_or_too_wide(database: Database, tenants: Tenants) -> None:
    await run(database, TABLE)
    for how in TEMPLATES:
        made = await generated(database, tenants, **how)
        damages = [
            "ALTER TABLE qms.tools_on_loan DISABLE ROW LEVEL SECURITY",
            "CREATE POLICY wide ON qms.tools_on_loan FOR SELECT TO qms_app USING (true)",
            "CREATE POLICY wide ON qms.tools_on_loan FOR INSERT TO qms_app WITH CHECK (true)",
            "GRANT DELETE ON qms.tools_on_loan TO qms_app",
            "GRANT SELECT ON qms.tools_on_loan TO anon; GRANT USAGE ON SCHEMA qms TO anon",
            *(f"DROP POLICY {name} ON qms.tools_on_loan" for name in re.findall(r"CREATE POLICY (\w+)", made.script)),
        ]
        for damage in damages:
            with pytest.raises(QmsError, match=r"does not hold"):
                await run(database, made.script, damage, made.test, rollback=True)


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


async def test_the_proof_is_a_script_for_test_sql(database: Database, tenants: Tenants) -> None:
    await run(database, TABLE)
    made = await generated(database, tenants, template="owner")
    await run(database, made.script)
    report = await run_script(database, made.test, "proof.sql")
    assert [one.state for one in report.outcomes] == ["passed"]
    await run(database, "CREATE POLICY wide ON qms.tools_on_loan FOR SELECT TO qms_app USING (true)")
    report = await run_script(database, made.test, "proof.sql")
    assert [one.state for one in report.outcomes] == ["failed"]
    assert "a member sees what the template allows" in report.outcomes[0].message


async def test_another_template_takes_the_place_of_the_first(database: Database, tenants: Tenants) -> None:
    await run(database, TABLE)
    for how in TEMPLATES:
        made = await generated(database, tenants, **how)
        await run(database, "REVOKE UPDATE ON qms.tools_on_loan FROM qms_app", made.script, made.test)


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


# Checking ---------------------------------------------------------------------------------------------------------

POLICY = "organization_id = (SELECT qms.current_organization_id())"
SOUND = f"""
CREATE SCHEMA shop;
GRANT USAGE ON SCHEMA shop TO qms_app, qms_sql, qms_probe, anon, authenticated;
CREATE TABLE shop.sound (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES qms.organizations (id),
    title text NOT NULL DEFAULT 'x',
    author uuid REFERENCES auth.users (id)
);
CREATE INDEX sound_org ON shop.sound (organization_id);
CREATE INDEX sound_author ON shop.sound (author);
ALTER TABLE shop.sound ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY read_own ON shop.sound FOR SELECT TO qms_app, qms_sql USING ({POLICY});
CREATE POLICY add_own ON shop.sound FOR INSERT TO qms_app WITH CHECK ({POLICY} AND (SELECT qms.may_write()));
CREATE POLICY change_own ON shop.sound FOR UPDATE TO qms_app USING ({POLICY} AND (SELECT qms.may_write()))
WITH CHECK ({POLICY});
GRANT SELECT ON shop.sound TO qms_app, qms_sql;
GRANT INSERT, UPDATE ON shop.sound TO qms_app;
"""
# One fault each: what is done to a sound table, which lint says so, how bad, about what.
FAULTS = [
    ("ALTER TABLE shop.sound DISABLE ROW LEVEL SECURITY", "rls_disabled", "error", "shop.sound"),
    ("ALTER TABLE shop.sound NO FORCE ROW LEVEL SECURITY", "rls_not_forced", "error", "shop.sound"),
    (
        "CREATE POLICY wide ON shop.sound FOR SELECT TO qms_app USING (true)",
        "policy_always_true",
        "error",
        "wide on shop.sound",
    ),
    (
        "CREATE POLICY wide ON shop.sound FOR INSERT TO PUBLIC WITH CHECK (true)",
        "policy_always_true",
        "error",
        "wide on shop.sound",
    ),
    (
        "DROP POLICY read_own ON shop.sound; DROP POLICY add_own ON shop.sound; DROP POLICY change_own ON shop.sound",
        "no_policy",
        "info",
        "shop.sound",
    ),
    (
        (
            "CREATE POLICY jwt ON shop.sound FOR SELECT TO qms_app "
            "USING (organization_id = (SELECT (auth.jwt() ->> 'organization_id')::uuid))"
        ),
        "forgeable_policy",
        "error",
        "jwt on shop.sound",
    ),
    (
        "CREATE POLICY jwt ON shop.sound FOR SELECT TO authenticated USING (author = (SELECT auth.uid()))",
        "forgeable_policy",
        "warning",
        "jwt on shop.sound",
    ),
    (
        (
            "CREATE FUNCTION shop.whose() RETURNS uuid LANGUAGE sql STABLE AS "
            "$$SELECT nullif(current_setting('app.org', true), '')::uuid$$;"
            "GRANT EXECUTE ON FUNCTION shop.whose() TO qms_app;"
            "CREATE POLICY setting ON shop.sound FOR SELECT TO qms_app USING (organization_id = (SELECT shop.whose()))"
        ),
        "forgeable_policy",
        "error",
        "setting on shop.sound",
    ),
    (
        "ALTER POLICY read_own ON shop.sound USING (organization_id = qms.current_organization_id())",
        "policy_per_row",
        "warning",
        "read_own on shop.sound",
    ),
    (
        "CREATE FUNCTION shop.f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
        "definer_without_search_path",
        "error",
        "shop.f()",
    ),
    (
        (
            "CREATE FUNCTION shop.f() RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = '' AS 'SELECT 1';"
            "GRANT EXECUTE ON FUNCTION shop.f() TO PUBLIC"
        ),
        "function_for_everybody",
        "error",
        "shop.f()",
    ),
    ("ALTER TABLE shop.sound DROP CONSTRAINT sound_pkey", "no_primary_key", "warning", "shop.sound"),
    ("DROP INDEX shop.sound_org", "tenant_index", "warning", "shop.sound"),
    ("DROP INDEX shop.sound_author", "foreign_key_index", "warning", "sound_author_fkey on shop.sound"),
    (
        (
            "ALTER TABLE shop.sound DROP CONSTRAINT sound_author_fkey; DROP INDEX shop.sound_author;"
            f"ALTER POLICY read_own ON shop.sound USING ({POLICY} AND author = (SELECT qms.current_user_id()))"
        ),
        "policy_index",
        "info",
        "shop.sound.author",
    ),
    ("CREATE INDEX again ON shop.sound (author)", "duplicate_index", "warning", "shop.again"),
    (
        "CREATE VIEW shop.all_of_it AS SELECT * FROM shop.sound; GRANT SELECT ON shop.all_of_it TO qms_app",
        "view_passes_rls",
        "error",
        "shop.all_of_it",
    ),
    (
        (
            "CREATE VIEW shop.inner_view WITH (security_invoker = true) AS SELECT * FROM shop.sound;"
            "CREATE VIEW shop.outer_view AS SELECT title FROM shop.inner_view"
        ),
        "view_passes_rls",
        "warning",
        "shop.outer_view",
    ),
    (
        "CREATE MATERIALIZED VIEW shop.copy AS SELECT * FROM shop.sound; GRANT SELECT ON shop.copy TO qms_sql",
        "view_passes_rls",
        "error",
        "shop.copy",
    ),
    ("GRANT SELECT ON shop.sound TO anon", "open_grant", "warning", "shop.sound"),
    ("GRANT SELECT ON shop.sound TO PUBLIC", "open_grant", "warning", "shop.sound"),
    (
        f"CREATE POLICY auditors_too ON shop.sound FOR INSERT TO qms_app WITH CHECK ({POLICY})",
        "reader_writes",
        "warning",
        "shop.sound",
    ),
    (
        "CREATE POLICY shared ON shop.sound FOR SELECT TO qms_app USING (title = 'public')",
        "crosses_organizations",
        "error",
        "shop.sound",
    ),
    (
        "CREATE POLICY mine ON shop.sound FOR UPDATE TO qms_app USING (author = (SELECT qms.current_user_id()))",
        "crosses_organizations",
        "error",
        "shop.sound",
    ),
    (
        (
            "CREATE POLICY given_away ON shop.sound FOR UPDATE TO qms_app "
            f"USING ({POLICY}) WITH CHECK (organization_id IS NOT NULL)"
        ),
        "crosses_organizations",
        "error",
        "shop.sound",
    ),
    (
        "GRANT SELECT ON shop.sound TO anon; CREATE POLICY v ON shop.sound FOR SELECT TO anon USING (title = 'a')",
        "crosses_organizations",
        "error",
        "shop.sound",
    ),
    ("GRANT TRUNCATE ON shop.sound TO qms_app", "crosses_organizations", "error", "shop.sound"),
]


async def checked(database: Database, tenants: Tenants, **how: Any) -> RowSecurityReport:
    return await RowSecurity(database).check(principal=tenants.ours, **how)


async def test_a_sound_table_has_no_finding(database: Database, tenants: Tenants) -> None:
    await run(database, SOUND)
    report = await checked(database, tenants, schema="shop")
    assert report.findings == []
    assert report.untested == []
    access = report.tables[0].access
    assert access == {
        "qms_app": "sees own, insert own, update own (by policy)",
        "qms_app as auditor": "sees own (by policy)",
        "qms_sql": "sees own (by policy)",
    }
    assert set(report.tested) == {persona.label for persona in PERSONAS}
    everybody = (await checked(database, tenants, schema="shop", full=True)).tables[0].access
    assert {one for one, got in everybody.items() if got.startswith("nothing")} == set(report.tested) - set(access)


async def break_tables(database: Database) -> dict[str, tuple[str, str, str, str]]:
    """Make a schema of its own for every fault and return the faults by schema."""
    schemas = {f"shop{number}": fault for number, fault in enumerate(FAULTS)}
    async with database.owner_transaction() as transaction:
        for schema, (fault, *_) in schemas.items():
            await transaction.connection.execute(re.sub(r"\bshop\b", schema, f"{SOUND}; {fault}").encode())
    return schemas


async def test_every_fault_is_found_and_its_fix_removes_it(database: Database, tenants: Tenants) -> None:
    schemas, missed, fixes = await break_tables(database), list[str](), dict[str, list[str]]()
    async with database.owner_transaction(rollback=True) as transaction:
        await transaction.execute(query("rls.bound"))
        catalogue = await catalogue_findings(transaction, list(schemas), None)
    for schema, (fault, lint, severity, about) in schemas.items():
        by_acting = lint not in LINTS
        findings = (await checked(database, tenants, schema=schema)).findings if by_acting else catalogue
        expected = (lint, severity, re.sub(r"\bshop\b", schema, about))
        if expected not in {(finding.lint, finding.severity, finding.object) for finding in findings}:
            missed.append(f"{lint}: {fault}")
        fixes[schema] = [
            finding.fix
            for finding in findings
            if finding.lint == lint and finding.fix.endswith(";") and re.search(rf"\b{schema}\b", finding.object)
        ]
    assert missed == []
    assert sum(map(bool, fixes.values())) > 15
    await run(database, *(fix for statements in fixes.values() for fix in statements))
    async with database.owner_transaction(rollback=True) as transaction:
        after = await catalogue_findings(transaction, list(schemas), None)
    for schema, (_, lint, severity, _) in schemas.items():
        # A copy of rows stays a copy: taking the rights away makes it a warning.
        left = [
            f.object
            for f in after
            if (f.lint, f.severity) == (lint, severity) and re.search(rf"\b{schema}\b", f.object)
        ]
        missed += [f"{lint}: {left}"] if left and fixes[schema] else []
    assert missed == []


async def test_a_policy_that_believes_a_setting_lets_a_forger_in(database: Database, tenants: Tenants) -> None:
    jwt = "(organization_id::text = (SELECT auth.jwt() ->> 'organization_id'))"
    await run(
        database,
        SOUND,
        "GRANT USAGE ON SCHEMA auth TO qms_app; GRANT EXECUTE ON FUNCTION auth.jwt() TO qms_app;"
        f"CREATE POLICY jwt ON shop.sound FOR SELECT TO qms_app USING {jwt}",
    )
    report = await checked(database, tenants, table="shop.sound", severity="error")
    problem = next(finding.problem for finding in report.findings if finding.lint == "uninvited")
    assert "qms_app with a forged identity: sees own" in problem
    assert "without identity" not in problem


async def test_a_view_that_leaks_is_caught_in_the_act(database: Database, tenants: Tenants) -> None:
    await run(
        database,
        SOUND,
        "ALTER TABLE shop.sound NO FORCE ROW LEVEL SECURITY;"
        f"INSERT INTO shop.sound (organization_id) VALUES ('{tenants.theirs.organization_id}');"
        "CREATE VIEW shop.leak AS SELECT * FROM shop.sound; GRANT SELECT ON shop.leak TO qms_app, qms_sql;",
    )
    report = await checked(database, tenants, schema="shop")
    leak = next(one for one in report.tables if one.table == "shop.leak")
    assert set(leak.access.values()) == {"sees all (by statement)"}
    assert "qms_app without identity" in leak.access
    assert ("crosses_organizations", "shop.leak") in {(one.lint, one.object) for one in report.findings}


async def test_the_answer_holds_nothing_of_another_organization(database: Database, tenants: Tenants) -> None:
    insert = (
        "INSERT INTO shop.sound (organization_id, title) SELECT '{}', 'secret-' || n FROM generate_series(1, 777) AS n;"
    )
    await run(
        database,
        SOUND,
        "ALTER TABLE shop.sound DISABLE ROW LEVEL SECURITY;" + insert.format(tenants.theirs.organization_id),
    )
    report = (await checked(database, tenants, full=True)).model_dump_json()
    for word in ("secret", "777", str(tenants.theirs.organization_id), "contoso", str(tenants.theirs.user_id)):
        assert word not in report


async def test_checking_changes_nothing(database: Database, tenants: Tenants) -> None:
    state = Query(
        "t",
        "SELECT count(*) AS n, max(xmin::text) AS x FROM qms.organizations"
        " UNION ALL SELECT count(*), max(xmin::text) FROM auth.users UNION ALL SELECT count(*), NULL FROM pg_class",
    )

    async def look() -> list[dict[str, Any]]:
        async with database.owner_transaction(rollback=True) as transaction:
            await transaction.connection.execute(b"SET LOCAL ROLE qms_definer")
            return await transaction.fetch_dicts(state)

    before = await look()
    await checked(database, tenants)
    assert await look() == before


async def test_a_large_index_nobody_reads_is_found(database: Database, tenants: Tenants) -> None:
    await run(
        database,
        SOUND,
        "CREATE INDEX sound_title ON shop.sound (title, id); ALTER TABLE shop.sound NO FORCE ROW LEVEL SECURITY;"
        f"INSERT INTO shop.sound (organization_id, title) SELECT '{tenants.ours.organization_id}', n::text"
        " FROM generate_series(1, 30000) AS n; ALTER TABLE shop.sound FORCE ROW LEVEL SECURITY;",
    )
    report = await checked(database, tenants, table="shop.sound")
    assert ("unused_index", "shop.sound_title") in {(one.lint, one.object) for one in report.findings}


async def test_a_superuser_as_owner_and_an_extension_in_public_are_found(
    embedded: EmbeddedPostgres, database_name: str, database: Database, tenants: Tenants
) -> None:
    await run(database, SOUND)
    with psycopg.connect(embedded.conninfo(database_name, "postgres"), autocommit=True) as superuser:
        superuser.execute("ALTER TABLE shop.sound OWNER TO postgres; CREATE EXTENSION citext SCHEMA public")
    report = await checked(database, tenants, severity="warning")
    found = {(one.severity, one.lint, one.object) for one in report.findings}
    assert {("error", "unbound_owner", "shop.sound"), ("warning", "extension_in_public", "citext")} <= found


async def test_the_shipped_schema_has_no_error(database: Database, tenants: Tenants) -> None:
    report = await checked(database, tenants, limit=200)
    assert report.found["error"] == 0, report.findings
    assert report.next_cursor is None
    assert len(report.model_dump_json()) < 50_000  # what a client takes in one answer


async def test_a_design_passes_the_check(database: Database, tenants: Tenants) -> None:
    design = await Design(database).design(principal=tenants.ours, schema="metrology", entities=entities())
    await run(database, design.script)
    report = await checked(database, tenants, schema="metrology")
    assert report.findings == []
    may = {one.table: one.access["qms_app"] for one in report.tables}
    assert may["metrology.instruments"] == "sees own, insert own, update own (by policy)"
    assert may["metrology.calibrations"] == "sees own, insert own (by policy)"


async def test_the_three_tools_work_together_through_a_client(
    database: Database, tenants: Tenants, tmp_path: Path
) -> None:
    async with client_for(database, tenants.ours, tmp_path) as client:
        arguments = {"schema": "metrology", "entities": ENTITIES}
        design = (await client.call_tool("design_schema", arguments)).structured_content
        assert design is not None
        await run(database, design["script"])
        arguments = {"table": "metrology.instruments", "template": "role", "roles": ["mrb"]}
        rules = (await client.call_tool("generate_rls", arguments)).structured_content
        assert rules is not None
        await run(database, rules["script"], rules["test"])
        report = (await client.call_tool("check_rls", {"schema": "metrology"})).structured_content
        assert report is not None
        assert report["found"] == {"error": 0, "warning": 0, "info": 0}
        refused = await client.call_tool("generate_rls", {"table": "metrology.instrument"})
        assert refused.is_error
        assert "metrology.instruments" in str(refused.content)


async def test_tables_are_paged_and_filtered(database: Database, tenants: Tenants) -> None:
    first = await checked(database, tenants, schema="qms", limit=3)
    assert len(first.tables) == 3
    assert first.total_tables > 3
    second = await checked(database, tenants, schema="qms", limit=3, cursor=first.next_cursor)
    assert {one.table for one in first.tables}.isdisjoint(one.table for one in second.tables)
    with pytest.raises(NotFoundError) as refused:
        await checked(database, tenants, table="qms.qualty_items")
    assert refused.value.hint == "Did you mean 'quality_items'?"
    with pytest.raises(NotFoundError):
        await checked(database, tenants, schema="nowhere")
    with pytest.raises(InvalidInputError):
        await checked(database, tenants, cursor="x")
