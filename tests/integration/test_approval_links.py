"""How a tool hands the person a link: opened by the client where it can, in the answer always."""

from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from mcp_types import ElicitResult
from pydantic import BaseModel

from qms_mcp.approving import offer_link
from qms_mcp.context import Ctx
from qms_mcp.db.database import Database
from qms_mcp.page.serving import ApprovalPage
from qms_mcp.registry import ToolSpec
from qms_mcp.services.signing.desk import SigningDesk
from tests.conftest import add_person
from tests.support.in_process import client_for
from tests.support.people import person_with_password
from tests.support.workflow import request_step, small_record, small_workflow

pytestmark = pytest.mark.anyio


class Offered(BaseModel):
    """What the user is told."""

    words: str


async def offer(ctx: Ctx, approval_id: UUID) -> Offered:
    """Offer the link of an approval."""
    return Offered(words=await offer_link(ctx, approval_id))


OFFER = ToolSpec("offer", "Offer", offer, "quality", reads=False, destroys=False, repeats=True)


@pytest.mark.parametrize(("mode", "offered"), [("legacy", 1), ("auto", 0)])
async def test_a_link_is_offered_to_the_client_and_stands_in_the_answer(
    database: Database, tmp_path: Path, mode: str, offered: int
) -> None:
    await small_workflow(database)
    organization_id = uuid4()
    author = await add_person(database, organization_id, "northwind", "owner")
    approver, password = await person_with_password(database, organization_id, "northwind", "qa_approver")
    approval_id = await request_step(database, author, await small_record(database, author, "Burr"), "closed")
    page = ApprovalPage(database)
    links: list[str] = []

    async def opened(_context: Any, params: Any) -> ElicitResult:
        links.append(params.url)
        return ElicitResult(action="accept")

    async with client_for(
        database, author, tmp_path, more_tools=[OFFER], links=page, mode=mode, elicitation_callback=opened
    ) as client:
        answer = await client.call_tool("offer", {"approval_id": str(approval_id)})
    await page.aclose()
    assert not answer.is_error, answer.content
    words = answer.structured_content["words"]
    assert len(links) == offered
    links.append(words.partition(" at ")[2].partition(" ")[0])
    desk = SigningDesk(database)
    for link in links:  # each of its own, each good once
        assert link.startswith("http://127.0.0.1:")
        assert await desk.follow_link(link.partition("?t=")[2]) == approval_id
    token = await desk.sign_in(approver.email or "", password)
    assert (await desk.approval(token, approval_id)).state == "pending"


async def test_without_a_page_the_command_is_named(database: Database, tmp_path: Path) -> None:
    author = await add_person(database, uuid4(), "northwind", "owner")
    async with client_for(database, author, tmp_path, more_tools=[OFFER]) as client:
        answer = await client.call_tool("offer", {"approval_id": str(uuid4())})
    assert "qms-mcp page" in answer.structured_content["words"]


@pytest.mark.parametrize(("mode", "offered"), [("legacy", 1), ("auto", 0)])
async def test_a_step_that_has_to_be_signed_offers_its_link(
    database: Database, tmp_path: Path, mode: str, offered: int
) -> None:
    await small_workflow(database)
    author = await add_person(database, uuid4(), "northwind", "owner")
    record_id = await small_record(database, author, "Burr")
    page = ApprovalPage(database)
    links: list[str] = []

    async def opened(_context: Any, params: Any) -> ElicitResult:
        links.append(params.url)
        return ElicitResult(action="accept")

    arguments = {"record": str(record_id), "to_state": "closed", "version": 1, "reason": "It is ready to be closed"}
    async with client_for(database, author, tmp_path, links=page, mode=mode, elicitation_callback=opened) as client:
        answer = await client.call_tool("transition_record", arguments)
    await page.aclose()
    assert not answer.is_error, answer.content
    assert len(links) == offered
    assert answer.structured_content["pending"]["link"].startswith("http://127.0.0.1:")
    assert answer.structured_content["state"] != "closed"
