"""score_model as a client uses it, on a server without a key: playbooks are measured, and what is missing is said."""

from pathlib import Path
from typing import Any

import pytest
from mcp.client import Client
from psycopg.conninfo import conninfo_to_dict

from qms_mcp.db.database import Database
from qms_mcp.db.embedded import EmbeddedPostgres
from tests.conftest import Tenants
from tests.support.dispatching import Rows
from tests.support.evaluating import frozen, item
from tests.support.in_process import client_for
from tests.support.stdio import text_of

pytestmark = [pytest.mark.anyio, pytest.mark.shared_database]
WHY = "Is it good enough for the audit?"


async def answer(client: Client, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool("score_model", {"agent": "qa", "reason": WHY, **arguments})
    assert not result.is_error, text_of(result)
    assert result.structured_content is not None
    return result.structured_content


async def test_without_a_key_a_playbook_is_measured_and_the_missing_judge_is_named(
    database: Database, tenants: Tenants, embedded: EmbeddedPostgres, short_tmp: Path
) -> None:
    rows = Rows(embedded.conninfo(str(conninfo_to_dict(database.wiring.server)["dbname"]), "postgres"))
    dataset = str(frozen(rows, tenants.ours, [item(line) for line in (1, 2)]))
    told: list[str] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        del progress, total
        told.append(message or "")

    async with client_for(database, tenants.ours, short_tmp) as client:
        first = await client.call_tool(
            "score_model", {"agent": "qa", "dataset": dataset, "reason": WHY}, progress_callback=hear
        )
        assert first.structured_content is not None
        said = first.structured_content
        assert said["state"] == "completed", said
        unknown = await client.call_tool("score_model", {"agent": "qa", "dataset": "nothing", "reason": WHY})
        joined = await answer(client, dataset=dataset)
    assert said["n"] == 2
    assert said["version"].startswith("qa@")
    assert "No judge: there is no key" in said["note"]
    assert "its prompt had no part in it" in said["note"]
    assert said["by_scorer"]["answered"] == [1.0, 2]
    assert told
    assert unknown.is_error
    assert "curate_dataset" in text_of(unknown)
    assert joined["evaluation_id"] == said["evaluation_id"]
