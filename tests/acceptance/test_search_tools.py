"""The search tools and the subscriptions of documents, as a client on stdio uses them."""

from collections.abc import AsyncGenerator
from typing import Any

import anyio
import psycopg
import pytest
from mcp.client import Client
from mcp.shared.subscriptions import ResourceUpdated
from mcp_types import EmptyResult, ResourceUpdatedNotification, SubscribeRequest, SubscribeRequestParams

from tests.support.library import PROCEDURE, make_effective
from tests.support.site import Site, Team
from tests.support.stdio import Workplace, connected, text_of, workplace

pytestmark = pytest.mark.anyio

WHY = "A test asks for it."


@pytest.fixture(scope="module")
async def place() -> AsyncGenerator[Workplace]:
    with workplace() as made:
        async with connected(made) as client:
            await client.read_resource("qms://guide")  # the database is made
        yield made


async def answer(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, text_of(result)
    assert result.structured_content is not None
    return result.structured_content


def team_of_the_server(connection: psycopg.Connection) -> Team:
    """Return people of the organization the server works for."""
    (organization,) = connection.execute(
        "SELECT organization_id FROM qms.memberships ORDER BY created_at LIMIT 1"
    ).fetchall()
    site = Site(connection)
    site.organization_id = organization[0]
    return Team(
        site,
        ada=site.person("reporter", "owner"),
        grace=site.person("qa_approver", "approver", "reviewer"),
        mary=site.person("reviewer"),
        rosa=site.person("regulatory"),
    )


def procedure(team: Team, number: str, revision: int) -> Any:
    return team.site.add(
        team.ada,
        "document",
        title="Torque procedure",
        document_number=number,
        revision=revision,
        document_type="procedure",
        author_id=team.ada,
        owner_id=team.ada,
        review_every_months=24,
        planned_effective_on=team.site.today(),
        content=PROCEDURE.format(torque=f"{revision} Nm"),
    )


async def test_a_report_is_found_at_once_and_by_meaning_when_the_model_has_read_it(place: Workplace) -> None:
    async with connected(place) as client:
        made = await answer(
            client,
            "report_event",
            type="nonconformance",
            title="Valve leaking",
            what_happened="Water was dripping from the gasket of valve VX-77.",
            reason=WHY,
        )
        found = await answer(client, "search", query="vx 77 gasket", mode="lexical")
        assert [hit["id"] for hit in found["hits"]] == [made["id"]]
        assert "**gasket**" in found["hits"][0]["quote"]
        assert (await answer(client, "search", query=made["number"]))["mode"] == "number"
        assert (await answer(client, "find_similar", text="gasket of a valve dripping"))["cases"][0]["id"] == made["id"]
        with anyio.fail_after(60):
            while True:
                status = await answer(client, "index_status")
                model = next(one for one in status["models"] if one["provider"] == "local")
                if model["done"] == model["pieces"]:
                    break
        by_meaning = await answer(client, "search", query="fluid seepage from a seal", mode="semantic", detail="full")
        assert (by_meaning["mode"], by_meaning["hits"][0]["id"]) == ("semantic", made["id"])


@pytest.mark.slow
async def test_texts_and_vectors_of_the_caller_go_in_and_are_found(place: Workplace) -> None:
    async with connected(place) as client:
        texts = [
            {"content": "Grease the zorbling.", "content_type": "manual", "title": "Manual"},
            {"content": "A vector of mine.", "content_type": "own", "vector": [1.0] + [0.0] * 1_535},
        ]
        put = await answer(client, "embed_content", texts=texts, reason=WHY)
        found = await answer(client, "search", query="zorbling")
        assert found["hits"][0]["id"] == put["ids"][0]
        matches = (await answer(client, "match_embeddings", vector=[1.0] + [0.0] * 1_535, type="own"))["matches"]
        assert [match["id"] for match in matches] == [put["ids"][1]]
        for tool, wrong in (
            ("match_embeddings", {"vector": [0.5] * 5}),
            ("search", {"query": "a", "filters": {"typo": ["x"]}}),
            ("search", {"query": "leak", "filters": {"types": ["leaks"]}}),
            ("embed_content", {"texts": [{"content": "x", "content_type": "capa"}], "reason": WHY}),
            ("find_similar", {}),
        ):
            assert (await client.call_tool(tool, wrong)).is_error, tool


async def test_a_client_of_the_older_protocol_is_told_when_a_version_becomes_effective(place: Workplace) -> None:
    told, news = list[str](), anyio.Event()

    async def hear(message: object) -> None:
        if isinstance(message, ResourceUpdatedNotification):
            told.append(str(message.params.uri))
            news.set()

    async with connected(place, mode="legacy", message_handler=hear) as client:
        subscribe = SubscribeRequest(params=SubscribeRequestParams(uri="qms://document/SOP-101"))
        await client.session.send_request(subscribe, EmptyResult)
        with psycopg.connect(place.conninfo(), autocommit=True) as connection:
            team = team_of_the_server(connection)
            make_effective(team, procedure(team, "SOP-101", 1))
        with anyio.fail_after(20):
            await news.wait()
        assert told == ["qms://document/SOP-101"]
        shown = await client.read_resource("qms://document/SOP-101")
        assert "# SOP-101 v1" in shown.model_dump_json()


async def test_a_client_of_the_newer_protocol_hears_it_on_its_stream(place: Workplace) -> None:
    uri = "qms://document/SOP-102/v1"
    async with connected(place) as client, client.listen(resource_subscriptions=[uri]) as stream:
        with psycopg.connect(place.conninfo(), autocommit=True) as connection:
            team = team_of_the_server(connection)
            make_effective(team, procedure(team, "SOP-102", 1))
        with anyio.fail_after(20):
            async for event in stream:
                assert event == ResourceUpdated(uri=uri)
                break
