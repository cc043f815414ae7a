"""Generated tests: they pass on the schema as it is, fail when it loses a guarantee, and leave nothing behind."""

import pytest

from qms_mcp.db.database import SQL_SEARCH_PATH, Database
from qms_mcp.db.guard import Guard
from qms_mcp.db.queries import Query
from qms_mcp.errors import InvalidInputError
from qms_mcp.services.catalogue import Catalogue
from qms_mcp.services.rls.service import RowSecurity
from qms_mcp.services.sql_tests.convention import read_script
from qms_mcp.services.sql_tests.proofs import Style
from qms_mcp.services.sql_tests.running import ScriptReport, run_script
from qms_mcp.services.sql_tests.service import GeneratedTests, SqlTests
from tests.conftest import Tenants
from tests.support.readings import make_readings

pytestmark = pytest.mark.anyio

COUNTS = Query(
    "test",
    "SELECT (SELECT count(*) FROM qms.organizations) AS organizations, (SELECT count(*) FROM auth.users) AS users, "
    "(SELECT count(*) FROM pg_policy) AS policies, (SELECT count(*) FROM pg_class) AS relations, "
    "(SELECT count(*) FROM pg_proc) AS functions",
)


async def generate(database: Database, tenants: Tenants, table: str, style: Style = "plain") -> GeneratedTests:
    return await SqlTests(database, Guard(search_path=SQL_SEARCH_PATH)).generate(tenants.ours, table, style)


def failures(report: ScriptReport) -> list[str]:
    return [f"{outcome.name}: {outcome.message}" for outcome in report.outcomes if outcome.state == "failed"]


@pytest.mark.slow
async def test_the_tests_of_every_table_of_ours_pass(database: Database, tenants: Tenants) -> None:
    wrong: list[str] = []
    for relation in await Catalogue(database).relation_names(tenants.ours):
        if relation.kind == "table":
            generated = await generate(database, tenants, relation.qualified)
            report = await run_script(database, generated.script, relation.qualified)
            wrong += [f"{relation.qualified}: {failure}" for failure in failures(report)]
            records = any("constraints and policies" in skipped for skipped in generated.skipped)
            if generated.tests < (4 if records else 9) or len(report.outcomes) < generated.tests:
                wrong.append(f"{relation.qualified}: only {generated.tests} tests: {generated.skipped}")
    assert wrong == [], "\n".join(wrong)


@pytest.mark.parametrize("table", ["ml_loop.training_data", "qms.approvals", "qms.memberships", "agents.context_state"])
async def test_the_pgtap_tests_pass_without_the_extension(database: Database, tenants: Tenants, table: str) -> None:
    generated = await generate(database, tenants, table, "pgtap")
    report = await run_script(database, generated.script, table)
    assert failures(report) == []
    assert len(report.outcomes) >= generated.tests
    assert {outcome.name for outcome in report.outcomes} != {"unnamed"}


DAMAGE = [
    ("ALTER TABLE site.readings NO FORCE ROW LEVEL SECURITY", "row-level security is on and forced"),
    ("ALTER TABLE site.readings ALTER COLUMN title DROP NOT NULL", "title is required"),
    (
        "ALTER TABLE site.readings ALTER COLUMN status SET DEFAULT 'open'",
        "left out, columns have their defaults",
    ),
    ("ALTER TABLE site.readings DROP CONSTRAINT positive", "positive refuses what breaks it"),
    ("ALTER TABLE site.readings DROP CONSTRAINT one_title", "one_title refuses a second row"),
    (
        "ALTER TABLE site.readings DROP CONSTRAINT readings_assigned_to_fkey",
        "readings_assigned_to_fkey refuses a reference to nothing",
    ),
    (
        "CREATE POLICY hole ON site.readings FOR SELECT TO qms_sql USING (true)",
        "rows of A are seen by A only (qms_sql)",
    ),
    ("CREATE POLICY hole ON site.readings FOR INSERT TO qms_app WITH CHECK (true)", "B can't add a row to A"),
    (
        """
        CREATE POLICY hole ON site.readings FOR UPDATE TO qms_app USING (true) WITH CHECK (true);
        CREATE POLICY hole_2 ON site.readings FOR SELECT TO qms_app USING (true)
        """,
        "B can't change a row of A",
    ),
    ("GRANT DELETE ON site.readings TO qms_app", "qms_app has the rights: SELECT, INSERT, UPDATE"),
    (
        "DROP TRIGGER never_deleted ON site.readings",
        "never_deleted: a role that may DELETE is refused all the same",
    ),
    (
        "DROP TRIGGER never_truncated ON site.readings",
        "never_truncated: not even the owner can empty the table",
    ),
]


async def test_a_guarantee_that_is_lost_is_noticed(database: Database, tenants: Tenants) -> None:
    await make_readings(database)
    async with database.owner_transaction() as transaction:
        await transaction.connection.execute(
            b"ALTER TABLE site.readings ADD CONSTRAINT positive CHECK (priority >= 0), "
            b"ADD CONSTRAINT one_title UNIQUE (organization_id, title), ADD COLUMN record_id uuid NOT NULL, "
            b"ADD FOREIGN KEY (organization_id, record_id) REFERENCES qms.quality_items (organization_id, id)"
        )
    generated = await generate(database, tenants, "site.readings")
    assert failures(await run_script(database, generated.script, "before")) == []
    for damage, noticed_by in DAMAGE:
        # As the set-up of the script, the damage is undone with it.
        noticed = failures(await run_script(database, f"{damage};\n{generated.script}", "after"))
        assert any(failure.startswith(f"{noticed_by}: ") for failure in noticed), (damage, noticed)


async def test_nothing_of_a_test_stays_in_the_database(database: Database, tenants: Tenants) -> None:
    async def counts() -> list[dict[str, object]]:
        async with database.owner_transaction() as transaction:
            await transaction.connection.execute(b"SET LOCAL ROLE qms_definer")
            return await transaction.fetch_dicts(COUNTS)

    before = await counts()
    for style in ("plain", "pgtap"):
        generated = await generate(database, tenants, "qms.quality_items", style)
        await run_script(database, generated.script, style)
    await run_script(database, "CREATE TABLE qms.left_behind (id int PRIMARY KEY)", "made by hand")
    assert await counts() == before


@pytest.mark.parametrize(
    "script",
    [
        "-- test: ends the transaction\nSELECT 1; COMMIT; SELECT 2;",
        "-- test: rolls back\nROLLBACK;",
        "-- test: begins\nBEGIN;",
        "CREATE TABLE qms.left_behind (id int); END",
        "-- test: expects nonsense\n-- expect: what\nSELECT 1;",
        "-- test: nothing at all\n",
    ],
)
async def test_a_script_against_the_convention_is_refused(database: Database, script: str) -> None:
    with pytest.raises(InvalidInputError):
        await run_script(database, script, "bad.sql")


async def test_a_commit_hidden_from_the_reader_fails_its_test(database: Database) -> None:
    report = await run_script(database, "-- test: hidden\nDO $$ BEGIN COMMIT; END $$;", "hidden.sql")
    assert [outcome.state for outcome in report.outcomes] == ["failed"]
    assert "transaction" in report.outcomes[0].message


async def test_a_block_passes_fails_and_is_skipped_by_the_convention(database: Database) -> None:
    script = """
        CREATE TABLE qms.made_here (id int PRIMARY KEY);
        -- test: passes
        INSERT INTO qms.made_here VALUES (1);
        -- test: the row of the test before is gone
        SELECT pg_temp.verify((SELECT count(*) FROM qms.made_here) = 0, 'it is still there');
        -- test: fails as expected
        -- expect: 23505 made_here_pkey
        INSERT INTO qms.made_here VALUES (1);
        INSERT INTO qms.made_here VALUES (1);
        -- test: fails too early
        -- expect: 22012
        SELECT 1 / 0;
        SELECT 1;
        -- test: should have failed
        -- expect: 22012
        SELECT 1;
        -- test: is not true
        SELECT pg_temp.verify(1 = 2, 'one is not two');
        -- test: is left out
        -- skip: for a reason
        -- test: acts as a person
        SELECT pg_temp.enrol('clerk', 'a', ARRAY['reporter']);
        SELECT pg_temp.become('clerk');
        SELECT pg_temp.verify(qms.has_role('reporter') AND NOT qms.has_role('admin'), 'not the roles');
        SELECT pg_temp.verify(qms.current_organization_id() = pg_temp.organization('a'), 'not the organization');
        SELECT pg_temp.become('nobody', 'qms_sql');
        SELECT pg_temp.verify(qms.current_organization_id() IS NULL, 'somebody');
        SELECT pg_temp.become('auditor');
        SELECT pg_temp.verify(NOT qms.may_write(), 'an auditor may write');
    """
    report = await run_script(database, script, "mixed.sql")
    states = {outcome.name: (outcome.state, outcome.message) for outcome in report.outcomes}
    assert {name: state for name, (state, _) in states.items()} == {
        "passes": "passed",
        "the row of the test before is gone": "passed",
        "fails as expected": "passed",
        "fails too early": "failed",
        "should have failed": "failed",
        "is not true": "failed",
        "is left out": "skipped",
        "acts as a person": "passed",
    }
    assert states["is not true"][1] == "P0004: one is not two"
    assert "22012" in states["should have failed"][1]
    assert report.failed == 3


async def test_a_broken_set_up_fails_the_script(database: Database) -> None:
    report = await run_script(database, "SELECT nonsense;\n-- test: never reached\nSELECT 1;", "broken.sql")
    assert [(outcome.name, outcome.state) for outcome in report.outcomes] == [("set-up", "failed")]


async def test_marks_in_strings_are_no_tests(database: Database) -> None:
    script = read_script("-- test: one\nSELECT '\n-- test: two\n';", "strings.sql")
    assert [block.name for block in script.tests] == ["one"]


async def test_a_view_has_no_constraints_to_test(database: Database, tenants: Tenants) -> None:
    async with database.owner_transaction() as transaction:
        await transaction.connection.execute(
            b"CREATE VIEW qms.titles WITH (security_invoker) AS SELECT title FROM qms.quality_items;"
            b"GRANT SELECT ON qms.titles TO qms_app, qms_sql"
        )
    with pytest.raises(InvalidInputError, match="view"):
        await generate(database, tenants, "qms.titles")


async def test_the_proof_of_generate_rls_runs_by_the_same_command(database: Database, tenants: Tenants) -> None:
    generated = await RowSecurity(database).generate(
        principal=tenants.ours, table="qms.compliance_records", template="organization"
    )
    report = await run_script(database, f"{generated.script}\n{generated.test}", "proof.sql")
    assert [outcome.state for outcome in report.outcomes] == ["passed"]
    # A policy that was lost is noticed: the same proof fails.
    lost = f"{generated.script}\nDROP POLICY read_own ON qms.compliance_records;\n{generated.test}"
    assert (await run_script(database, lost, "lost.sql")).failed == 1
