"""The database hears why something is written, by which call and through which client."""

from pathlib import Path
from typing import cast
from uuid import uuid4

import pytest
from mcp_types import Implementation

from qms_mcp import __version__
from qms_mcp.auth.acting import acting
from qms_mcp.auth.principal import Principal
from qms_mcp.context import Ctx, caller, current_call, services
from qms_mcp.db.database import Database
from qms_mcp.db.queries import Query
from qms_mcp.errors import ConflictError, InvalidInputError, NotAllowedError, NotFoundError, QmsError
from qms_mcp.registry import tool
from tests.conftest import Tenants
from tests.support.in_process import client_for

pytestmark = pytest.mark.anyio

SEEN = Query(
    "test",
    "SELECT current_setting('qms.reason') AS reason, current_setting('qms.tool_call_id') AS tool_call_id, "
    "current_setting('qms.client') AS client, current_setting('qms.app_version') AS app_version",
)


async def seen(database: Database, principal: Principal, because: str | None = None) -> dict[str, str]:
    async with database.transaction(principal, because=because) as transaction:
        return (await transaction.fetch_dicts(SEEN))[0]


async def test_a_transaction_carries_its_reason_its_call_and_its_client(database: Database, tenants: Tenants) -> None:
    call_id = uuid4()
    with acting(call_id, "desk", "2.1"):
        found = await seen(database, tenants.ours, "  the gauge was past its date ")
    assert found == {
        "reason": "the gauge was past its date",
        "tool_call_id": str(call_id),
        "client": "desk/2.1",
        "app_version": __version__,
    }


async def test_the_next_transaction_knows_nothing_of_the_last_one(database: Database, tenants: Tenants) -> None:
    with acting(uuid4(), "desk", "2.1"):
        for _ in range(6):  # more than the pool has connections
            await seen(database, tenants.ours, "the gauge was past its date")
    for _ in range(6):
        found = await seen(database, tenants.ours)
        assert found == {"reason": "", "tool_call_id": "", "client": "", "app_version": __version__}


async def test_a_client_without_a_version_is_named_all_the_same(database: Database, tenants: Tenants) -> None:
    with acting(uuid4(), "desk"):
        assert (await seen(database, tenants.ours))["client"] == "desk"


async def test_characters_a_database_cannot_keep_do_not_stop_a_write(database: Database, tenants: Tenants) -> None:
    assert (await seen(database, tenants.ours, "held\x00 back \ud800 today"))["reason"] == "held\ufffd back ? today"


@tool(toolset="operations", title="Look", reads=True)
async def look(ctx: Ctx) -> dict[str, str]:
    """Return what the database hears of this call."""
    found = await seen(services(ctx).transforms._database, caller(ctx))  # pyright: ignore[reportPrivateUsage]
    return {**found, "call": str(current_call(ctx).id)}


async def test_a_call_over_mcp_names_itself_and_its_client(
    database: Database, tenants: Tenants, tmp_path: Path
) -> None:
    spec = vars(look)["__qms_tool__"]
    me = Implementation(name="desk", version="3.0")
    async with client_for(database, tenants.ours, tmp_path, more_tools=[spec], client_info=me) as client:
        answer = await client.call_tool("look", {})
    found = cast("dict[str, str]", answer.structured_content)
    assert found["tool_call_id"] == found["call"]
    assert found["client"] == "desk/3.0"


REFUSALS = {
    "QM020": ConflictError,
    "QM021": ConflictError,
    "QM022": NotAllowedError,
    "QM023": NotFoundError,
    "QM024": InvalidInputError,
}


@pytest.mark.parametrize("state", REFUSALS)
async def test_what_the_database_refuses_is_said_in_its_own_words(database: Database, state: str) -> None:
    refusing = Query(
        "test",
        f"DO $$ BEGIN RAISE EXCEPTION 'CAPA-2026-0014 has 2 actions open' "
        f"USING ERRCODE = '{state}', HINT = 'Complete them.', DETAIL = 'a row'; END $$",
    )
    with pytest.raises(QmsError) as refused:
        async with database.owner_transaction() as transaction:
            await transaction.execute(refusing)
    assert type(refused.value) is REFUSALS[state]
    assert refused.value.message == "CAPA-2026-0014 has 2 actions open"
    assert refused.value.hint == "Complete them."
