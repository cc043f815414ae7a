"""generate_sql finds what a question is about; a model, if there is one, writes the statement from that."""

import json

import pytest

from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import SQL_SEARCH_PATH, Database
from qms_mcp.db.guard import Guard
from qms_mcp.db.queries import Query
from qms_mcp.services.sql.relevance import ForeignKey, ReadableColumn, ReadableTable, joins, rank
from qms_mcp.services.sql.service import SqlTools
from qms_mcp.services.sql.words import words
from qms_mcp.settings import Settings
from tests.conftest import REASON, Tenants
from tests.support.claude_stub import ClaudeStub, refuses, says
from tests.support.readings import make_readings

pytestmark = pytest.mark.anyio

ADD = Query("test", """SELECT number FROM qms.add_record(%(category)s, '{"title": "x"}')""")
ADD_READING = Query(
    "test", "INSERT INTO site.readings (organization_id, title, status) VALUES (%(org)s, 'x', %(status)s)"
)
CALL = Query(
    "test",
    "INSERT INTO agents.tool_calls (organization_id, tool_name, tool_input, state, success, finished_at) "
    "VALUES (%(org)s, 'execute_query', jsonb_build_object('statement', %(sql)s::text), 'finished', %(success)s, now())",
)
QUESTION = "How many CAPAs are open?"


def tools(database: Database, stub: ClaudeStub | None = None) -> SqlTools:
    settings = Settings.from_environment(
        {"ANTHROPIC_API_KEY": "stub", "ANTHROPIC_BASE_URL": stub.url} if stub is not None else {}
    )
    return SqlTools(database, Guard(search_path=SQL_SEARCH_PATH), settings)


async def add(database: Database, principal: Principal, category: str) -> None:
    async with database.transaction(principal, because=REASON) as transaction:
        await transaction.execute(ADD, {"category": category})


@pytest.fixture
async def filled(database: Database, tenants: Tenants) -> None:
    await add(database, tenants.ours, "capa")
    await add(database, tenants.ours, "complaint")
    await add(database, tenants.theirs, "capa")


async def test_without_a_model_the_context_and_a_skeleton_come_back(
    database: Database, filled: None, tenants: Tenants
) -> None:
    found = await tools(database).generate(tenants.ours, QUESTION)
    assert found.drafted_by == "none"
    assert "ANTHROPIC_API_KEY" in found.notes[-1]
    assert [hint.table for hint in found.tables[:2]] == ["qms.capas", "qms.quality_items"]
    assert {hint.column: hint.matched for hint in found.values}["qms.quality_items.category"] == ["capa"]
    assert "category = 'capa'" in found.sql
    assert (await tools(database).execute(tenants.ours, found.sql)).rows == [[1]]


async def test_values_are_those_the_caller_may_see(database: Database, tenants: Tenants) -> None:
    await make_readings(database)
    for principal, status in ((tenants.ours, "open"), (tenants.theirs, "secret plan of theirs open")):
        async with database.transaction(principal) as transaction:
            await transaction.execute(ADD_READING, {"org": principal.organization_id, "status": status})
    for principal, seen in ((tenants.ours, False), (tenants.theirs, True)):
        found = await tools(database).generate(principal, "How many readings are open?")
        assert ("secret plan of theirs" in found.model_dump_json()) is seen


async def test_earlier_queries_are_those_of_this_organization_that_ran(database: Database, tenants: Tenants) -> None:
    ran = [
        (tenants.ours, "SELECT count(*) FROM qms.quality_items WHERE category = 'capa' AND status = 'open'", True),
        (tenants.ours, "SELECT open_capas FROM nowhere", False),
        (tenants.ours, "SELECT tool_name FROM agents.tool_calls", True),
        (tenants.theirs, "SELECT 'theirs' FROM qms.quality_items WHERE category = 'capa' AND status = 'open'", True),
    ]
    async with database.owner_transaction() as transaction:
        await transaction.connection.execute(b"SET LOCAL ROLE qms_ledger")
        for principal, statement, success in ran:
            await transaction.execute(CALL, {"org": principal.organization_id, "sql": statement, "success": success})
    found = await tools(database).generate(tenants.ours, QUESTION)
    assert [earlier.statement for earlier in found.earlier] == [ran[0][1]]


async def test_a_question_about_nothing_here_says_so(database: Database, tenants: Tenants) -> None:
    found = await tools(database).generate(tenants.ours, "zebra xylophone")
    assert (found.tables, found.sql) == ([], "")
    assert "list_tables" in found.notes[0]


async def test_a_model_drafts_and_the_draft_is_checked(database: Database, filled: None, tenants: Tenants) -> None:
    sql = "SELECT count(*) FROM qms.quality_items WHERE category = 'capa' AND status = 'open'"
    with ClaudeStub(says({"sql": sql, "explanation": "Counts them."})) as stub:
        found = await tools(database, stub).generate(tenants.ours, QUESTION)
        request = stub.requests[0]
    assert (found.sql, found.checked, found.drafted_by) == (sql, True, "claude-sonnet-5-5")
    prompt = json.dumps(request["messages"])
    assert QUESTION in prompt
    assert "qms.quality_items" in prompt
    assert "theirs" not in prompt


async def test_a_draft_that_is_refused_is_repaired_once(database: Database, tenants: Tenants) -> None:
    bad, good = "SELECT nope FROM qms.quality_items", "SELECT count(*) FROM qms.quality_items"
    with ClaudeStub(says({"sql": bad, "explanation": ""}), says({"sql": good, "explanation": ""})) as stub:
        found = await tools(database, stub).generate(tenants.ours, QUESTION)
        complaint = stub.requests[1]["messages"][-1]["content"]
    assert (found.sql, found.checked) == (good, True)
    assert 'column "nope" does not exist' in complaint


async def test_a_draft_that_changes_something_is_never_called_checked(database: Database, tenants: Tenants) -> None:
    evil = says({"sql": "DELETE FROM qms.quality_items", "explanation": ""})
    with ClaudeStub(evil, evil, evil) as stub:
        found = await tools(database, stub).generate(tenants.ours, QUESTION)
        asked = len(stub.requests)
    assert not found.checked
    assert any("not accepted" in note for note in found.notes)
    assert asked == 2


@pytest.mark.parametrize(
    "turn",
    [refuses(529, "overloaded_error", retry_after="0"), refuses(401, "authentication_error"), says("no JSON at all")],
    ids=["overloaded", "a wrong key", "no answer to the question"],
)
async def test_a_model_that_fails_leaves_the_context(database: Database, tenants: Tenants, turn: object) -> None:
    with ClaudeStub(turn, turn, turn) as stub:  # type: ignore[arg-type]
        found = await tools(database, stub).generate(tenants.ours, QUESTION)
    assert found.drafted_by == "none"
    assert found.tables
    assert "model" in found.notes[-1]
    assert "skeleton" in found.notes[-1]


def test_words_are_compared_by_their_stem() -> None:
    assert words("Which CAPAs were changed?") == words("changes of the capa")[::-1]
    assert words("status statuses") == ["status", "status"]
    assert words("overdueDate due_date") == ["overdu", "dat", "due", "dat"]


PEOPLE = ReadableTable("q.people", "q.people", "", [ReadableColumn("user_id", "user_id", "uuid", unique=True)],
                       [ForeignKey("auth.users", ["user_id"], ["id"])])  # fmt: skip
ITEMS = ReadableTable("q.items", "q.items", "Quality records.",
                      [ReadableColumn("owner_id", "owner_id", "uuid"), ReadableColumn("due_date", "due_date", "date")],
                      [ForeignKey("auth.users", ["owner_id"], ["id"])])  # fmt: skip
NOTES = ReadableTable("q.notes", "q.notes", "", [ReadableColumn("item_id", "item_id", "uuid")],
                      [ForeignKey("q.items", ["item_id"], ["id"])])  # fmt: skip


def test_tables_are_ranked_by_where_words_are_found_and_say_why() -> None:
    ranked = rank("overdue items of each person", [NOTES, PEOPLE, ITEMS])
    assert [match.table.name for match in ranked] == ["q.items", "q.people", "q.notes"]
    assert ranked[0].reasons == {"overdu": "column due_date", "item": "its name"}


def test_joins_follow_foreign_keys_also_to_a_table_that_may_not_be_read() -> None:
    tables = {table.name: table for table in (NOTES, PEOPLE, ITEMS)}
    assert joins([NOTES, PEOPLE], tables) == ["q.notes.item_id = q.items.id", "q.items.owner_id = q.people.user_id"]
