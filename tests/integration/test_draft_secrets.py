"""A rehearsal runs as the owner: it may tell no row of another organization, and leave no counter moved."""

import pytest

from qms_mcp.db.database import Database
from qms_mcp.db.queries import Query
from qms_mcp.errors import QmsError, RefusedStatementError, StatementError
from qms_mcp.services.migrations.service import Migrations
from tests.conftest import REASON, Tenants

pytestmark = [pytest.mark.anyio, pytest.mark.shared_database]

COUNTED = "ALTER TABLE public.embeddings ADD COLUMN x bigint DEFAULT "
TITLE = "Xylophone contract with Acme"
ADD = Query(
    "test",
    "INSERT INTO qms.quality_items (organization_id, title, category) VALUES (%(org)s, %(title)s, 'capa')",
)
CHECKED = "ALTER TABLE qms.quality_items ADD CONSTRAINT checked CHECK ({})"
FUNCTION = "CREATE FUNCTION public.told(t text) RETURNS boolean LANGUAGE plpgsql AS $${}$$; "


async def refusal(database: Database, tenants: Tenants, script: str) -> QmsError:
    with pytest.raises(QmsError) as failed:
        await Migrations(database).create(tenants.ours, name="probe", script=script, reverse_script=None, reason="x")
    return failed.value


@pytest.mark.parametrize(
    "script",
    [
        CHECKED.format("(title::regoper)::oid > 0"),
        CHECKED.format("(title::regoperator)::oid > 0"),
        CHECKED.format("(replace(title, ' ', '_') || '.a.b.c')::regclass IS NOT NULL"),
        CHECKED.format("(replace(title, ' ', '_') || '.a.b.c.d')::regtype IS NOT NULL"),
        CHECKED.format("to_regtype(replace(title, ' ', '_') || '.a.b.c.d') IS NOT NULL"),
        CHECKED.format("title::regproc IS NOT NULL"),
        CHECKED.format("title::regconfig IS NOT NULL"),
        CHECKED.format("current_setting(title) IS NOT NULL"),
        CHECKED.format("date_part(title, now()) > 0"),
        CHECKED.format("has_table_privilege(title, 'SELECT')"),
        CHECKED.format("convert_to(title, title) IS NOT NULL"),
        CHECKED.format("title::integer > 0"),
        CHECKED.format("title::jsonpath IS NOT NULL"),
        "ALTER TABLE qms.quality_items ALTER COLUMN title TYPE regoper USING title::regoper",
        "CREATE INDEX told ON qms.quality_items ((title::xid8))",
        FUNCTION.format("BEGIN RAISE EXCEPTION USING ERRCODE = '42601', MESSAGE = t; END")
        + CHECKED.format("told(title)"),
        FUNCTION.format("BEGIN RETURN (t || '.a.b.c')::regclass IS NULL; END") + CHECKED.format("public.told(title)"),
    ],
)
async def test_a_failing_draft_never_quotes_a_row(database: Database, tenants: Tenants, script: str) -> None:
    async with database.transaction(tenants.theirs, because=REASON) as transaction:
        await transaction.execute(ADD, {"org": tenants.theirs.organization_id, "title": TITLE})
    told = (await refusal(database, tenants, script)).prose().casefold()
    assert not any(word in told for word in ("xylophone", "acme", "contract"))


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("ALTER TABLE qms.nope ADD COLUMN lot text", 'relation "qms.nope" does not exist'),
        ("ALTER TABLE qms.quality_items ADD COLUMN z integer DEFAULT nope(1)", "function nope(integer) does not exist"),
        ("CREATE VIEW qms.v AS SELECT q.nope FROM qms.quality_items AS q", "column q.nope does not exist"),
        ("ALTER TABLE qms.quality_items ADD COLUMN title text", "already exists"),
        ("CREATE INDEX i ON qms.quality_items (title =! 3)", "syntax error at or near"),
    ],
)
async def test_a_mistake_in_the_script_is_still_named(
    database: Database, tenants: Tenants, script: str, words: str
) -> None:
    refused = await refusal(database, tenants, script)
    assert isinstance(refused, StatementError)
    assert words in refused.prose()


@pytest.mark.parametrize(
    "script",
    [
        "ALTER TABLE public.embeddings ADD COLUMN x bigint DEFAULT setval('agents.otlp_outbox_id_seq', 424242)",
        COUNTED + "nextval('agents.otlp_outbox_id_seq')",
        COUNTED + "nextval('\"agents\".otlp_outbox_id_seq'::regclass)",
        COUNTED + "nextval(('agents' || '.otlp_outbox_id_seq')::regclass)",
        COUNTED + "nextval(concat('agents', '.otlp_outbox_id_seq')::regclass)",
        FUNCTION.format("BEGIN SET LOCAL statement_timeout = 0; RETURN true; END"),
        FUNCTION.format("BEGIN IF true THEN NOTIFY somebody; END IF; RETURN true; END"),
        CHECKED.format("ts_rewrite('a'::tsquery, 'SELECT 1') IS NULL"),
    ],
)
async def test_a_rehearsal_moves_no_counter_and_changes_no_limit(
    database: Database, tenants: Tenants, script: str
) -> None:
    assert isinstance(await refusal(database, tenants, script), RefusedStatementError)


async def test_a_column_may_count_with_a_sequence_of_its_own(database: Database, tenants: Tenants) -> None:
    script = (
        "CREATE SEQUENCE qms.lots_number; "
        "ALTER TABLE qms.quality_items ADD COLUMN lot bigint DEFAULT nextval('qms.lots_number'::regclass)"
    )
    draft = await Migrations(database).create(
        tenants.ours, name="lots", script=script, reverse_script=None, reason="Lots are counted."
    )
    assert draft.state == "draft"
