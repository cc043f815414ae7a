"""What is in the database is shown as far as the caller may use it, and never how much others have in it."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.queries import Query
from qms_mcp.errors import InvalidInputError, NotFoundError
from qms_mcp.services.catalogue import Catalogue, TableDescription
from qms_mcp.services.catalogue.markdown import table_page
from tests.conftest import REASON, Tenants

pytestmark = pytest.mark.anyio

ITEM = Query("test", "INSERT INTO qms.quality_items (organization_id, title, category, description) "
    "SELECT %(org)s, %(title)s || n, 'capa', repeat('long ', 100) FROM generate_series(1, %(many)s) AS n")  # fmt: skip


@pytest.fixture
def catalogue(database: Database) -> Catalogue:
    return Catalogue(database)


async def add_items(database: Database, principal: Principal, title: str, many: int) -> None:
    async with database.transaction(principal, because=REASON) as transaction:
        await transaction.execute(ITEM, {"org": principal.organization_id, "title": title, "many": many})


async def as_owner(database: Database, *statements: str) -> None:
    async with database.owner_transaction() as transaction:
        for statement in statements:
            await transaction.connection.execute(statement.encode())


async def names(catalogue: Catalogue, principal: Principal, **asked: Any) -> list[str]:
    return [one.name for one in (await catalogue.list_objects(principal, limit=200, **asked)).objects]


def shown(description: TableDescription) -> str:
    return json.dumps(description.model_dump(mode="json"))


# Lists ----------------------------------------------------------------------------------------------------------


async def test_tables_are_listed_with_their_comments(catalogue: Catalogue, tenants: Tenants) -> None:
    page = await catalogue.list_objects(tenants.ours, schema="qms", limit=200)
    found = {one.name: one for one in page.objects}
    assert page.total == len(page.objects)
    assert (found["qms.quality_items"].comment or "").startswith("The base of every quality record.")
    assert found["qms.quality_items"].rows is None  # counted only when asked
    assert {one.kind for one in page.objects} <= {"table", "view"}


async def test_pages_hold_everything_exactly_once(catalogue: Catalogue, tenants: Tenants) -> None:
    whole: list[str] = []
    cursor = None
    while cursor is not None or not whole:
        page = await catalogue.list_objects(tenants.ours, kind="all", limit=200, cursor=cursor)
        whole += [one.name for one in page.objects]
        cursor = page.next_cursor
    gathered: list[str] = []
    while True:
        page = await catalogue.list_objects(tenants.ours, kind="all", limit=7, cursor=cursor)
        assert page.total == len(whole)
        gathered += [one.name for one in page.objects]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert gathered == whole
    assert len(set(gathered)) == len(gathered)


async def test_nothing_private_is_listed_under_any_kind_or_name(
    catalogue: Catalogue, database: Database, tenants: Tenants
) -> None:
    await as_owner(database, "CREATE TABLE qms.not_granted (id int)")
    everything = json.dumps((await catalogue.list_objects(tenants.ours, kind="all", limit=200, full=True)).model_dump())
    for private in ("qms_private", "mint_identity", "credentials", "not_granted", "pg_class", '"auth', "auth.users"):
        assert private not in everything
    for schema in ("qms_private", "auth", "pg_toast", "nothing"):
        with pytest.raises(NotFoundError) as refused:
            await catalogue.list_objects(tenants.ours, schema=schema)
        assert refused.value.message == f"There is no schema {schema!r}."


async def test_system_tables_are_there_for_who_asks_by_name(catalogue: Catalogue, tenants: Tenants) -> None:
    assert "pg_catalog.pg_class" in await names(catalogue, tenants.ours, schema="pg_catalog")
    described = await catalogue.describe_table(tenants.ours, "pg_catalog.pg_class", samples=3)
    # Estimates of all organizations together stand in there.
    assert described.rows is None
    assert described.samples == []
    assert described.notes


async def test_each_kind_can_be_listed_alone(catalogue: Catalogue, tenants: Tenants) -> None:
    assert "qms.has_role(wanted text)" in await names(catalogue, tenants.ours, kind="function")
    assert "read_own on qms.quality_items" in await names(catalogue, tenants.ours, kind="policy", schema="qms")
    assert {"agents", "ml_loop", "public", "qms"} <= set(await names(catalogue, tenants.ours, kind="schema"))
    assert any(name.startswith("vector ") for name in await names(catalogue, tenants.ours, kind="extension"))


async def test_functions_of_an_extension_are_listed_only_in_its_schema(catalogue: Catalogue, tenants: Tenants) -> None:
    everywhere = await catalogue.list_objects(tenants.ours, kind="function", search="cosine_distance")
    there = await catalogue.list_objects(tenants.ours, kind="function", schema="extensions", search="cosine_distance")
    assert everywhere.total == 0
    assert there.total > 0


async def test_a_search_finds_words_of_comments_and_takes_no_wildcards(catalogue: Catalogue, tenants: Tenants) -> None:
    assert "qms.audit_logs" in await names(catalogue, tenants.ours, search="WHO CHANGED what")
    assert await names(catalogue, tenants.ours, search="%") == []


async def test_a_misspelt_schema_is_answered_with_the_nearest(catalogue: Catalogue, tenants: Tenants) -> None:
    with pytest.raises(NotFoundError) as wrong:
        await catalogue.list_objects(tenants.ours, schema="ml_lop")
    assert wrong.value.hint == "Did you mean ml_loop?"
    assert "qms.people" in await names(catalogue, tenants.ours, schema="QMS")


@pytest.mark.parametrize("cursor", ["x", "////", "AA==", "\ud800"])
async def test_a_foreign_cursor_is_refused(catalogue: Catalogue, tenants: Tenants, cursor: str) -> None:
    with pytest.raises(InvalidInputError):
        await catalogue.list_objects(tenants.ours, cursor=cursor)


@pytest.mark.parametrize("text", ["a\x00b", "\ud800"])
async def test_text_no_name_can_hold_is_refused(catalogue: Catalogue, tenants: Tenants, text: str) -> None:
    with pytest.raises(InvalidInputError):
        await catalogue.list_objects(tenants.ours, search=text)
    with pytest.raises(InvalidInputError):
        await catalogue.list_objects(tenants.ours, schema=text)
    with pytest.raises(InvalidInputError):
        await catalogue.describe_table(tenants.ours, text)


# Descriptions ---------------------------------------------------------------------------------------------------


async def test_a_table_is_described_whole(catalogue: Catalogue, tenants: Tenants) -> None:
    table = await catalogue.describe_table(tenants.ours, "qms.quality_items")
    columns = {column.name: column for column in table.columns}
    assert (table.name, table.kind, table.row_level_security) == ("qms.quality_items", "table", "forced")
    assert (columns["title"].type, columns["title"].nullable) == ("text", False)
    assert columns["status"].default == "'draft'::text"
    assert columns["embedding"].type.endswith("vector(1536)")
    assert columns["due_date"].comment == "When the next step is due."
    assert table.primary_key == ["id"]
    assert any("REFERENCES qms.organizations(id)" in line for line in table.constraints)
    assert any("idx_quality_items_org" in line for line in table.indexes)
    assert any("never_deleted" in line for line in table.triggers)
    own = next(policy for policy in table.policies if policy.startswith("read_own: "))
    assert own.startswith("read_own: SELECT TO qms_app, qms_sql USING (")
    assert "current_organization_id" in own


async def test_a_table_says_what_references_it(catalogue: Catalogue, tenants: Tenants) -> None:
    table = await catalogue.describe_table(tenants.ours, "agents.agent_runs")
    assert any(line.startswith("agents.tool_calls: FOREIGN KEY (run_id)") for line in table.referenced_by)
    assert any(line.startswith("ml_loop.feedback_loop: ") for line in table.referenced_by)


async def test_generated_columns_and_identities_say_so(
    catalogue: Catalogue, database: Database, tenants: Tenants
) -> None:
    await as_owner(
        database,
        "CREATE TABLE qms.computed (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a int NOT NULL UNIQUE,"
        " b int GENERATED ALWAYS AS (a * 2) STORED, CHECK (a > 0))",
        "GRANT SELECT ON qms.computed TO qms_app, qms_sql",
    )
    table = await catalogue.describe_table(tenants.ours, "computed")
    columns = {column.name: column for column in table.columns}
    assert columns["id"].generated == "ALWAYS AS IDENTITY"
    assert columns["b"].generated == "AS ((a * 2))"
    assert columns["b"].default is None
    assert table.row_level_security == "off"
    assert table.rows == "0"
    assert [line.split(": ")[1][:6] for line in table.constraints] == ["PRIMAR", "CHECK ", "UNIQUE"]


@pytest.mark.parametrize(
    "written", ["qms.quality_items", "quality_items", '"qms"."quality_items"', " QMS.Quality_Items ", '"quality_items"']
)
async def test_a_table_is_found_however_it_is_written(catalogue: Catalogue, tenants: Tenants, written: str) -> None:
    assert (await catalogue.describe_table(tenants.ours, written)).name == "qms.quality_items"


async def test_odd_names_are_found_and_shown_as_they_can_be_used(
    catalogue: Catalogue, database: Database, tenants: Tenants
) -> None:
    await as_owner(
        database,
        'CREATE SCHEMA "Odd ""one"""',
        'CREATE TABLE "Odd ""one"""."a.b; DROP" ("per %s" int, "Ünï ""x""" text)',
        'INSERT INTO "Odd ""one"""."a.b; DROP" VALUES (7, $$it\'s$$)',
        'GRANT USAGE ON SCHEMA "Odd ""one""" TO qms_app, qms_sql',
        'GRANT SELECT ON ALL TABLES IN SCHEMA "Odd ""one""" TO qms_app, qms_sql',
    )
    for written in ('"Odd ""one"""."a.b; DROP"', "a.b; DROP", '"a.b; DROP"'):
        table = await catalogue.describe_table(tenants.ours, written, samples=1)
        assert table.name == '"Odd ""one"""."a.b; DROP"'
        assert table.samples == [{"per %s": 7, 'Ünï "x"': "it's"}]
        assert table.rows == "1"
    assert (await names(catalogue, tenants.ours, schema='Odd "one"')) == ['"Odd ""one"""."a.b; DROP"']


async def test_a_name_in_two_schemas_is_answered_with_both(
    catalogue: Catalogue, database: Database, tenants: Tenants
) -> None:
    await as_owner(database, "CREATE TABLE public.people (id int)", "GRANT SELECT ON public.people TO qms_app, qms_sql")
    with pytest.raises(InvalidInputError, match=r"ambiguous: public\.people, qms\.people"):
        await catalogue.describe_table(tenants.ours, "people")
    assert (await catalogue.describe_table(tenants.ours, "public.people")).name == "public.people"


@pytest.mark.parametrize(
    ("written", "meant"), [("qms.quality_item", "qms.quality_items"), ("tool_call", "agents.tool_calls")]
)
async def test_a_wrong_name_is_answered_with_the_nearest(
    catalogue: Catalogue, tenants: Tenants, written: str, meant: str
) -> None:
    with pytest.raises(NotFoundError) as wrong:
        await catalogue.describe_table(tenants.ours, written)
    assert meant in wrong.value.hint


async def test_a_name_in_the_wrong_schema_is_not_taken_from_another(catalogue: Catalogue, tenants: Tenants) -> None:
    with pytest.raises(NotFoundError) as wrong:
        await catalogue.describe_table(tenants.ours, "public.people")
    assert "qms.people" in wrong.value.hint


@pytest.mark.parametrize(
    "written", ["qms_private.credentials", "auth.users", "credentials", "users", "", ".", '"', "a.b.c"]
)
async def test_what_may_not_be_used_does_not_exist(catalogue: Catalogue, tenants: Tenants, written: str) -> None:
    with pytest.raises(NotFoundError):
        await catalogue.describe_table(tenants.ours, written)


async def test_columns_without_the_privilege_do_not_exist(
    catalogue: Catalogue, database: Database, tenants: Tenants
) -> None:
    await as_owner(
        database,
        "CREATE TABLE qms.half (open text, secret text)",
        "INSERT INTO qms.half VALUES ('o', 's')",
        "GRANT SELECT (open) ON qms.half TO qms_app, qms_sql",
    )
    table = await catalogue.describe_table(tenants.ours, "half", samples=1)
    assert [column.name for column in table.columns] == ["open"]
    assert table.samples == [{"open": "o"}]


async def test_views_and_partitioned_tables_are_described(
    catalogue: Catalogue, database: Database, tenants: Tenants
) -> None:
    await as_owner(
        database,
        "CREATE VIEW qms.open_items WITH (security_invoker) AS SELECT id, title FROM qms.quality_items",
        "CREATE TABLE qms.readings (at date NOT NULL, value numeric) PARTITION BY RANGE (at)",
        "CREATE TABLE qms.readings_2026 PARTITION OF qms.readings FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')",
        "INSERT INTO qms.readings VALUES ('2026-05-01', 1.5)",
        "GRANT SELECT ON qms.open_items, qms.readings, qms.readings_2026 TO qms_app, qms_sql",
    )
    await add_items(database, tenants.ours, "ours ", 2)
    view = await catalogue.describe_table(tenants.ours, "open_items", samples=5)
    assert view.kind == "view"
    assert view.rows == "2"
    assert len(view.samples) == 2
    assert "FROM qms.quality_items" in (view.definition or "")
    table = await catalogue.describe_table(tenants.ours, "readings")
    assert table.kind == "partitioned table"
    assert table.rows == "1"
    assert table.partitioning == "partitioned by RANGE (at)"
    assert table.partitions == ["qms.readings_2026 FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')"]
    part = await catalogue.describe_table(tenants.ours, "readings_2026")
    assert (part.partitioning or "").startswith("partition of qms.readings")
    listed = await names(catalogue, tenants.ours, schema="qms")
    assert "qms.readings" in listed
    assert "qms.readings_2026" not in listed


async def test_samples_are_short_whatever_the_rows_hold(
    catalogue: Catalogue, database: Database, tenants: Tenants
) -> None:
    await add_items(database, tenants.ours, "ours ", 3)
    embed = "UPDATE qms.quality_items SET embedding = array_fill(0.25::real, ARRAY[1536])::extensions.vector"
    await as_owner(database, "SET LOCAL ROLE qms_definer", embed)
    table = await catalogue.describe_table(tenants.ours, "qms.quality_items", samples=2)
    assert len(table.samples) == 2
    row = table.samples[0]
    assert row["priority"] == 0
    assert row["occurred_at"] is None
    assert row["description"].endswith("(500 characters)")
    assert len(row["description"]) < 250
    assert len(row["embedding"]) < 100
    assert len(shown(table)) < 16_000


async def test_a_very_wide_table_is_cut_and_says_so(catalogue: Catalogue, database: Database, tenants: Tenants) -> None:
    columns = ", ".join(f"a_rather_long_name_of_a_column_{n} text DEFAULT '{'long ' * 300}'" for n in range(300))
    await as_owner(
        database,
        f"CREATE TABLE qms.wide ({columns})",
        "INSERT INTO qms.wide SELECT FROM generate_series(1, 5)",
        "GRANT SELECT ON qms.wide TO qms_app, qms_sql",
    )
    table = await catalogue.describe_table(tenants.ours, "wide", samples=5)
    assert table.notes[0].startswith("Only ")
    assert "Samples hold the first 60 of 300 columns." in table.notes
    assert len(table.samples) == 5
    assert len(shown(table)) < 70_000


async def test_a_page_of_many_long_comments_is_cut_and_goes_on(
    catalogue: Catalogue, database: Database, tenants: Tenants
) -> None:
    script = (
        "DO $$ BEGIN FOR n IN 1..80 LOOP "
        "EXECUTE format('CREATE TABLE qms.t_%s (id int)', n); "
        "EXECUTE format('COMMENT ON TABLE qms.t_%s IS %L', n, repeat('words ', 500)); "
        "EXECUTE format('GRANT SELECT ON qms.t_%s TO qms_app, qms_sql', n); END LOOP; END $$"
    )
    await as_owner(database, script)
    first = await catalogue.list_objects(tenants.ours, search="t_", limit=200, full=True)
    assert len(first.model_dump_json()) < 60_000
    assert len(first.objects) < first.total
    rest = await catalogue.list_objects(tenants.ours, search="t_", limit=200, full=True, cursor=first.next_cursor)
    assert rest.objects[0].name > first.objects[-1].name


async def test_a_view_that_does_more_than_read_is_not_run(
    catalogue: Catalogue, database: Database, tenants: Tenants
) -> None:
    await as_owner(
        database,
        "CREATE VIEW qms.sleeper AS SELECT pg_sleep(30)::text AS slept, pg_advisory_lock(1)::text AS locked",
        "GRANT SELECT ON qms.sleeper TO qms_app, qms_sql",
    )
    view = await catalogue.describe_table(tenants.ours, "sleeper", samples=1)
    assert view.rows is None
    assert view.samples == []
    assert view.notes
    assert view.notes[0].startswith("Rows are not counted or shown:")


async def test_the_page_of_a_table_reads_as_markdown(catalogue: Catalogue, tenants: Tenants) -> None:
    page = table_page(await catalogue.describe_table(tenants.ours, "qms.memberships"))
    assert page.startswith("# qms.memberships\n\ntable, row-level security forced, 2 rows of your organization.")
    assert "| organization_id | uuid | no |" in page
    assert "- `own_organization: SELECT TO qms_app, qms_sql USING (" in page


# Two organizations ----------------------------------------------------------------------------------------------


def mentions(answer: str, secrets: Sequence[str]) -> list[str]:
    return [secret for secret in secrets if secret in answer]


async def test_rows_are_counted_and_shown_for_one_organization_only(
    catalogue: Catalogue, database: Database, tenants: Tenants
) -> None:
    await add_items(database, tenants.ours, "ours ", 3)
    await add_items(database, tenants.theirs, "theirs ", 200)
    await as_owner(database, "ANALYZE qms.quality_items")
    listed = await catalogue.list_objects(tenants.ours, schema="qms", full=True, limit=200)
    rows = {one.name: one for one in listed.objects}
    assert rows["qms.quality_items"].rows == "3"
    assert rows["qms.organizations"].rows == "1"
    own_bytes = rows["qms.quality_items"].bytes or 0
    assert 3 * 500 < own_bytes < 3 * 8_000
    table = await catalogue.describe_table(tenants.ours, "qms.quality_items", samples=5)
    assert table.rows == "3"
    assert {row["title"][:4] for row in table.samples} == {"ours"}
    secrets = ["theirs", str(tenants.theirs.organization_id), str(tenants.theirs.user_id), "203", "200"]
    assert mentions(shown(table) + listed.model_dump_json(), secrets[:3]) == []
    assert (await catalogue.describe_table(tenants.theirs, "qms.quality_items")).rows == "200"


async def test_what_row_level_security_misses_is_narrowed_or_withheld(
    catalogue: Catalogue, database: Database, tenants: Tenants
) -> None:
    ours, theirs = tenants.ours.organization_id, tenants.theirs.organization_id
    await as_owner(
        database,
        "CREATE TABLE qms.unprotected (organization_id uuid NOT NULL, note text)",
        f"INSERT INTO qms.unprotected VALUES ('{ours}', 'ours'), ('{theirs}', 'theirs'), ('{theirs}', 'theirs')",
        "CREATE VIEW qms.all_notes AS SELECT organization_id, note FROM qms.unprotected",
        "CREATE MATERIALIZED VIEW qms.kept_notes AS SELECT organization_id, note FROM qms.unprotected",
        "CREATE MATERIALIZED VIEW qms.kept_totals AS SELECT note, count(*) FROM qms.unprotected GROUP BY note",
        "GRANT SELECT ON qms.unprotected, qms.all_notes, qms.kept_notes, qms.kept_totals TO qms_app, qms_sql",
    )
    for name in ("unprotected", "kept_notes"):
        relation = await catalogue.describe_table(tenants.ours, name, samples=5)
        assert relation.rows == "1", name
        assert [row["note"] for row in relation.samples] == ["ours"], name
    view = await catalogue.describe_table(tenants.ours, "all_notes", samples=5)
    assert view.rows is None
    assert view.samples == []
    totals = await catalogue.describe_table(tenants.ours, "kept_totals", samples=5)
    assert totals.rows is None
    assert totals.samples == []
    assert "organization_id" in totals.notes[0]
    listed = await catalogue.list_objects(tenants.ours, schema="qms", search="kept_", full=True)
    assert [(one.name, one.rows) for one in listed.objects] == [("qms.kept_notes", "1"), ("qms.kept_totals", None)]


async def test_partitions_by_organization_do_not_tell_who_else_is_here(
    catalogue: Catalogue, database: Database, tenants: Tenants
) -> None:
    theirs = tenants.theirs.organization_id
    await as_owner(
        database,
        "CREATE TABLE qms.parted (organization_id uuid NOT NULL, note text) PARTITION BY LIST (organization_id)",
        f"CREATE TABLE qms.parted_contoso PARTITION OF qms.parted FOR VALUES IN ('{theirs}')",
        "GRANT SELECT ON qms.parted, qms.parted_contoso TO qms_app, qms_sql",
    )
    table = await catalogue.describe_table(tenants.ours, "parted")
    assert table.partitions == []
    with pytest.raises(NotFoundError) as refused:
        await catalogue.describe_table(tenants.ours, "parted_contoso")
    assert "parted_contoso" not in refused.value.hint
    assert "qms.parted_contoso" not in await names(catalogue, tenants.ours, kind="all")


async def test_counting_stops_at_ten_thousand(catalogue: Catalogue, database: Database, tenants: Tenants) -> None:
    await as_owner(
        database,
        "CREATE TABLE qms.many AS SELECT n FROM generate_series(1, 10001) AS n",
        "GRANT SELECT ON qms.many TO qms_app, qms_sql",
    )
    assert (await catalogue.describe_table(tenants.ours, "many")).rows == "10000+"
    await as_owner(database, "DELETE FROM qms.many WHERE n = 1")
    assert (await catalogue.describe_table(tenants.ours, "many")).rows == "10000"


async def test_an_auditor_sees_the_same_catalogue(catalogue: Catalogue, tenants: Tenants) -> None:
    assert await names(catalogue, tenants.auditor, kind="all") == await names(catalogue, tenants.ours, kind="all")
