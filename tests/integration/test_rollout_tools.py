"""Versions of agents as a client uses them: four tools, a page, a prompt and completions."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from mcp.client import Client
from mcp_types import PromptReference, ResourceTemplateReference, TextContent, TextResourceContents
from psycopg.conninfo import conninfo_to_dict

from qms_mcp.agents.roster import roster
from qms_mcp.db.database import Database
from qms_mcp.db.embedded import EmbeddedPostgres
from tests.conftest import Tenants
from tests.support.dispatching import Rows, until
from tests.support.in_process import client_for
from tests.support.rollouts import WHY, Fleet
from tests.support.stdio import text_of

pytestmark = [pytest.mark.anyio, pytest.mark.shared_database]


@pytest.fixture
async def client(database: Database, tenants: Tenants, short_tmp: Path) -> AsyncGenerator[Client]:
    async with client_for(database, tenants.ours, short_tmp) as one:
        yield one


async def answer(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, text_of(result)
    assert result.structured_content is not None
    return result.structured_content


async def test_a_version_is_asked_for_shown_and_taken_back(
    client: Client, database: Database, tenants: Tenants, embedded: EmbeddedPostgres
) -> None:
    nothing = await answer(client, "list_models", agent="qa")
    assert nothing["headline"].startswith("No version of qa is stored")
    rows = Rows(embedded.conninfo(str(conninfo_to_dict(database.wiring.server)["dbname"]), "postgres"))
    fleet = Fleet(rows, tenants.ours.organization_id)
    better = str(fleet.version(tenants.ours.user_id))

    refused = await client.call_tool("promote_model", {"agent": "qa", "version": better, "reason": WHY})
    assert refused.is_error
    assert "has not been through the gates" in text_of(refused)
    shadow = await answer(client, "promote_model", agent="qa", version=better, to="shadow", reason=WHY)
    assert shadow["status"] == "done"
    (shipped,) = [
        one for one in (await answer(client, "list_models", agent="qa"))["versions"] if one["origin"] == "shipped"
    ]
    assert (shipped["version"], shipped["stands"]) == (roster()["qa"].version, ["production"])
    fleet.gates(fleet.version(tenants.ours.user_id), fleet.version(), tenants.ours.user_id)
    baseline = rows.value("SELECT id FROM ml_loop.model_versions WHERE version = %(v)s AND organization_id = %(o)s",
                          v=shipped["version"], o=tenants.ours.organization_id)  # fmt: skip
    fleet.gates(rows.value("SELECT %(v)s::uuid", v=better), baseline, tenants.ours.user_id)

    asked = await answer(client, "promote_model", agent="qa", version=better, reason=WHY)
    assert (asked["status"], "You can't do it." in asked["headline"]) == ("waiting", True)
    again = await answer(client, "promote_model", agent="qa", version=better, reason=WHY)
    assert again["approval_id"] == asked["approval_id"]
    (content,) = (await client.read_resource("qms://models/qa")).contents
    assert isinstance(content, TextResourceContents)
    for words in ("# ", "## Waits for a signature", "## Roll-outs", "## Versions", "## Moves", asked["approval_id"]):
        assert words in content.text
    back = await answer(client, "rollback_model", agent="qa", reason=WHY)
    assert "shadow" in back["headline"]
    made = "SELECT id FROM agents.tool_calls WHERE tool_name = 'rollback_model' AND organization_id = %(o)s"
    await until(lambda: rows.fetch(made, o=tenants.ours.organization_id))
    told = await answer(client, "explain_run", run=str(rows.value(made, o=tenants.ours.organization_id)))
    assert told["version"]["reproduced"] == "No version of it is stored."  # a client, and none of our agents
    unknown = await client.call_tool("explain_run", {"run": "nothing"})
    assert unknown.is_error
    assert "not_found" in text_of(unknown)


async def test_the_prompt_says_where_the_agent_stands_and_leaves_signing_to_people(client: Client) -> None:
    messages = (await client.get_prompt("improve_agent", {"agent": "qa"})).messages
    said = "\n".join(one.content.text for one in messages if isinstance(one.content, TextContent))
    assert "No version of qa is stored" in said
    assert "You do not approve, sign, disposition" in said
    for ref in (PromptReference(name="improve_agent"), ResourceTemplateReference(uri="qms://models/{agent}")):
        completed = await client.complete(ref, {"name": "agent", "value": "q"})
        assert completed.completion.values[0] == "qa"
