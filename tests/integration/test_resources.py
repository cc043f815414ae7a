"""Resources, prompts and completions, through a real client; and the ledger, for one organization only."""

import json
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError
from mcp_types import PromptReference, ResourceTemplateReference, TextContent, TextResourceContents

from qms_mcp.app import build_server
from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.embedded import EmbeddedPostgres
from qms_mcp.db.queries import Query
from qms_mcp.errors import InvalidInputError, NotFoundError
from qms_mcp.ledger.postgres import PostgresStore
from qms_mcp.ledger.record import Call, Outcome, Run, begin_call_entry, finish_call_entry
from qms_mcp.ledger.record import Client as CalledFrom
from qms_mcp.services.ledger_reader import LedgerReader
from qms_mcp.settings import Settings
from tests.conftest import Tenants, add_person, wiring_for

pytestmark = pytest.mark.anyio

SCHEMA_PAGE = ResourceTemplateReference(uri="qms://schema/{schema}/{table}")
LEDGER_PAGE = ResourceTemplateReference(uri="qms://ledger/{run}")


async def record_run(database: Database, principal: Principal, secret: str) -> Run:
    """Record a run of `principal` with one call that failed, as the server does."""
    run = Run(uuid4(), "client", datetime.now(UTC), CalledFrom("a client", "1", "2026-07-28"), principal)
    call = Call(uuid4(), uuid4(), run, "tool", "execute_query", {"sql": secret}, datetime.now(UTC))
    outcome = Outcome("finished", False, datetime.now(UTC), 12, error=f"no {secret}", error_code="not_found")
    await PostgresStore(database).record([begin_call_entry(call), finish_call_entry(call, outcome)])
    return run


# The ledger -----------------------------------------------------------------------------------------------------


async def test_a_run_is_read_with_its_calls(database: Database, tenants: Tenants) -> None:
    run = await record_run(database, tenants.ours, "ours")
    found = await LedgerReader(database).run_ledger(tenants.ours, str(run.id))
    assert (found.run.client_name, found.run.calls, found.run.failures) == ("a client", 1, 1)
    assert [(call.tool_name, call.success, call.error_code) for call in found.calls] == [
        ("execute_query", False, "not_found")
    ]


async def test_a_run_of_another_organization_does_not_exist(database: Database, tenants: Tenants) -> None:
    reader = LedgerReader(database)
    ours, theirs = (
        await record_run(database, tenants.ours, "ours"),
        await record_run(database, tenants.theirs, "theirs"),
    )
    for run in (str(theirs.id), theirs.id.hex, str(uuid4())):
        with pytest.raises(NotFoundError) as refused:
            await reader.run_ledger(tenants.ours, run)
        assert refused.value.message == f"There is no run {UUID(run)}."
    assert [run.id for run in await reader.runs(tenants.ours)] == [ours.id]
    assert await reader.runs(tenants.ours, beginning=str(theirs.id)[:8]) == []


async def test_the_current_run_of_a_foreign_call_is_not_found(database: Database, tenants: Tenants) -> None:
    await record_run(database, tenants.theirs, "theirs")
    look = Query("test", "SELECT id FROM agents.tool_calls")
    async with database.transaction(tenants.theirs) as transaction:
        call_id = (await transaction.fetch_dicts(look))[0]["id"]
    reader = LedgerReader(database)
    assert (await reader.run_ledger(tenants.theirs, "current", call_id=call_id)).calls[0].id == call_id
    with pytest.raises(NotFoundError):
        await reader.run_ledger(tenants.ours, "current", call_id=call_id)
    with pytest.raises(NotFoundError):
        await reader.run_ledger(tenants.ours, "current")


@pytest.mark.parametrize("run", ["", "latest", "1 OR true", "\x00", "\ud800"])
async def test_what_is_no_id_is_refused(database: Database, tenants: Tenants, run: str) -> None:
    with pytest.raises(InvalidInputError):
        await LedgerReader(database).run_ledger(tenants.ours, run)


# Through a client -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def home(short_tmp: Path) -> Path:
    return short_tmp / f"served-{uuid4().hex[:6]}"


@pytest.fixture(scope="module")
async def client(home: Path) -> AsyncGenerator[Client]:
    async with Client(build_server(Settings(), home=home)) as connected:
        await connected.call_tool("list_tables", {})  # waits until the database is there
        yield connected
    EmbeddedPostgres(home).stop()


@pytest.fixture(scope="module")
async def foreign(client: Client, home: Path) -> AsyncGenerator[Run]:
    """A run of another organization on the database of the served client, and rows of its own."""
    server = EmbeddedPostgres(home)
    server.ensure_running()
    database = Database(wiring_for(server, "qms"))
    await database.open()
    theirs = await add_person(database, uuid4(), "contoso", "admin")
    yield await record_run(database, theirs, "contoso-secret")
    await database.close()
    server.release()


async def page(client: Client, uri: str) -> str:
    content = (await client.read_resource(uri)).contents[0]
    assert isinstance(content, TextResourceContents)
    assert content.mime_type == "text/markdown"
    return content.text


async def completed(
    client: Client, ref: ResourceTemplateReference | PromptReference, name: str, value: str, **known: str
) -> list[str]:
    return (await client.complete(ref, {"name": name, "value": value}, known or None)).completion.values


async def test_the_guide_names_only_what_exists(client: Client) -> None:
    guide = await page(client, "qms://guide")
    tools = {tool.name for tool in (await client.list_tools()).tools}
    assert guide.startswith("# Guide to qms-mcp")
    assert "list_tables" in tools
    listed = json.dumps((await client.call_tool("list_tables", {"limit": 200})).structured_content)
    for written in ("qms.quality_items", "qms.audit_logs", "qms.compliance_records", "qms.approvals"):
        assert f"`{written}`" in guide
        assert f'"{written}"' in listed


async def test_resources_and_their_templates_are_listed(client: Client) -> None:
    assert {str(one.uri) for one in (await client.list_resources()).resources} == {
        "qms://guide", "qms://glossary", "qms://record-types", "qms://agents", "qms://metrics",
        "ui://qms-mcp/analysis.html",
    }  # fmt: skip
    templates = {one.uri_template for one in (await client.list_resource_templates()).resource_templates}
    assert templates == {
        "qms://schema/{schema}/{table}", "qms://ledger/{run}", "qms://framework/{key}", "qms://workflow/{category}",
        "qms://capa/{number}/8d", "qms://document/{number}", "qms://document/{number}/v{version}",
        "qms://document/{number}/v{version}/section/{path}", "qms://search/{query}", "qms://dispatch/{id}",
        "qms://calculation/{id}", "qms://models/{agent}", "qms://alerts{?state}", "qms://chart/{calculation}.svg",
        "qms://chart/{calculation}.png",
        "qms://report/{number}/v{version}/html", "qms://report/{number}/v{version}/pdf",
    }  # fmt: skip


async def test_a_table_is_a_page(client: Client) -> None:
    text = await page(client, "qms://schema/qms/quality_items")
    assert text.startswith("# qms.quality_items\n")
    assert "| due_date | timestamp with time zone | yes |" in text


@pytest.mark.parametrize("table", ["quality_itmes", "..%2Fquality_items", "%00", "memberships;x"])
async def test_a_page_that_does_not_exist_is_an_error_in_prose(client: Client, table: str) -> None:
    with pytest.raises(MCPError) as refused:
        await page(client, f"qms://schema/qms/{table}")
    assert refused.value.error.code == -32602
    assert refused.value.error.message.endswith(("[not_found]", "[invalid_input]"))


async def test_the_current_run_shows_the_calls_of_this_client(client: Client) -> None:
    await client.call_tool("describe_table", {"table": "nowhere"})
    text = await page(client, "qms://ledger/current")
    assert "tool `describe_table`: failed (not_found)" in text
    assert "error: There is no table or view 'nowhere'." in text
    assert "resource `qms://ledger/current`: unfinished" in text


async def test_a_failed_read_is_recorded_with_its_code(client: Client) -> None:
    with pytest.raises(MCPError):
        await page(client, "qms://schema/qms/not_here")
    assert "resource `qms://schema/qms/not_here`: failed (not_found)" in await page(client, "qms://ledger/current")


async def test_the_ledger_of_another_organization_is_neither_shown_nor_completed(client: Client, foreign: Run) -> None:
    with pytest.raises(MCPError, match="There is no run"):
        await page(client, f"qms://ledger/{foreign.id}")
    assert str(foreign.id) not in await completed(client, LEDGER_PAGE, "run", "")
    assert await completed(client, LEDGER_PAGE, "run", str(foreign.id)[:6]) == []


async def test_rows_of_another_organization_are_in_no_answer(client: Client, foreign: Run) -> None:
    answers = [await page(client, "qms://schema/qms/organizations"), await page(client, "qms://ledger/current")]
    for table in ("qms.organizations", "qms.memberships", "agents.tool_calls", "agents.agent_runs"):
        result = await client.call_tool("describe_table", {"table": table, "samples": 5})
        answers.append(json.dumps(result.structured_content))
    assert foreign.principal is not None
    for secret in ("contoso", str(foreign.principal.user_id), str(foreign.principal.organization_id)):
        assert [answer for answer in answers if secret in answer] == []


async def test_arguments_of_resources_are_completed(client: Client) -> None:
    assert await completed(client, SCHEMA_PAGE, "schema", "") == ["agents", "ml_loop", "public", "qms", "search"]
    assert await completed(client, SCHEMA_PAGE, "schema", "ML") == ["ml_loop"]
    assert await completed(client, SCHEMA_PAGE, "table", "call", schema="agents") == ["tool_calls"]
    assert "people" not in await completed(client, SCHEMA_PAGE, "table", "", schema="agents")
    assert await completed(client, SCHEMA_PAGE, "elsewhere", "") == []
    runs = await completed(client, LEDGER_PAGE, "run", "cur")
    assert runs == ["current"]
    workflow = ResourceTemplateReference(uri="qms://workflow/{category}")
    assert await completed(client, workflow, "category", "cap") == ["capa"]
    framework = ResourceTemplateReference(uri="qms://framework/{key}")
    assert await completed(client, framework, "key", "iso") == ["iso-13485", "iso-9001"]
    own = (await completed(client, LEDGER_PAGE, "run", ""))[1]
    assert await completed(client, LEDGER_PAGE, "run", own[:8]) == [own]


async def test_completions_are_not_recorded(client: Client) -> None:
    before = (await page(client, "qms://ledger/current")).splitlines()[3]
    await completed(client, SCHEMA_PAGE, "schema", "")
    after = (await page(client, "qms://ledger/current")).splitlines()[3]
    assert int(after.split()[0]) == int(before.split()[0]) + 1


async def test_prompts_describe_and_complete_their_arguments(client: Client) -> None:
    prompts = {prompt.name: prompt for prompt in (await client.list_prompts()).prompts}
    assert set(prompts) == {
        "schema_review", "data_quality_check", "audit_preparation", "capa_from_nonconformance", "eight_d_report",
        "management_review", "sop_gap_check", "weekly_quality_review", "investigate_event",
        "improve_agent",
    }  # fmt: skip
    for prompt in prompts.values():
        assert all(argument.required and argument.description for argument in prompt.arguments or ())
    assert await completed(client, PromptReference(name="schema_review"), "schema", "q") == ["qms"]
    assert await completed(client, PromptReference(name="data_quality_check"), "table", "qms.peo") == ["qms.people"]
    assert "agents.tool_calls" in await completed(client, PromptReference(name="data_quality_check"), "table", "tool")


async def test_a_prompt_leads_through_tools_and_brings_what_it_is_about(client: Client) -> None:
    review = await client.get_prompt("schema_review", {"schema": "qms"})
    check = await client.get_prompt("data_quality_check", {"table": "quality_items"})
    said = [block.content.text for block in review.messages if isinstance(block.content, TextContent)]
    assert "Call check_rls" in said[0]
    assert "- qms.quality_items (table): The base of every quality record." in said[1]
    said = [block.content.text for block in check.messages if isinstance(block.content, TextContent)]
    assert said[0].startswith("Check whether the rows of qms.quality_items can be relied on.")
    assert said[1].startswith("# qms.quality_items\n")


async def test_a_prompt_about_nothing_is_an_error_in_prose(client: Client) -> None:
    with pytest.raises(MCPError, match=r"There is no schema 'qmss'\. Did you mean qms\? \[not_found\]"):
        await client.get_prompt("schema_review", {"schema": "qmss"})
    with pytest.raises(MCPError, match="not_found"):
        await client.get_prompt("data_quality_check", {"table": "nowhere"})


async def test_an_answer_without_objects_still_fits_its_schema(client: Client) -> None:
    result = await client.call_tool("list_tables", {"search": "no such words anywhere"})
    assert not result.is_error
    assert result.structured_content == {"total": 0, "objects": []}
