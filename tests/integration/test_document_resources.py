"""Documents as resources: versions, sections, searches, completions, and who hears of a new version."""

from collections.abc import AsyncGenerator
from pathlib import Path
from uuid import uuid4

import anyio
import anyio.to_thread
import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError
from mcp.shared.subscriptions import ResourceUpdated
from mcp_types import (
    EmptyResult,
    PromptReference,
    ResourceTemplateReference,
    ResourceUpdatedNotification,
    SubscribeRequest,
    SubscribeRequestParams,
    TextResourceContents,
    UnsubscribeRequest,
    UnsubscribeRequestParams,
)

from qms_mcp.db.embedded import EmbeddedPostgres
from tests.conftest import copied_database
from tests.support.in_process import client_for
from tests.support.library import Library, library_in
from tests.support.site import Team

pytestmark = pytest.mark.anyio

VERSION = ResourceTemplateReference(uri="qms://document/{number}/v{version}")
SECTION = ResourceTemplateReference(uri="qms://document/{number}/v{version}/section/{path}")


@pytest.fixture(scope="module")
async def library(embedded: EmbeddedPostgres, template: str) -> AsyncGenerator[Library]:
    with copied_database(embedded, template) as name:
        async with library_in(embedded, name) as opened:
            opened.make_effective(opened.document(1))
            opened.make_effective(opened.document(2, change_summary="Higher torque"))
            opened.document(3)
            opened.document(1, number="WI-9/A", title="Work")
            yield opened


@pytest.fixture(scope="module")
async def client(library: Library, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Client]:
    async with client_for(library.database, library.reader, tmp_path_factory.mktemp("home")) as opened:
        yield opened


async def page(client: Client, uri: str) -> str:
    (content,) = (await client.read_resource(uri)).contents
    assert isinstance(content, TextResourceContents)
    assert content.mime_type == "text/markdown"
    return content.text


async def completed(
    client: Client, ref: ResourceTemplateReference | PromptReference, name: str, value: str, **known: str
) -> list[str]:
    return (await client.complete(ref, {"name": name, "value": value}, known or None)).completion.values


# Pages --------------------------------------------------------------------------------------------------------------


async def test_without_a_version_the_effective_one_is_read(client: Client) -> None:
    text = await page(client, "qms://document/sop-014")
    assert text.startswith("# SOP-014 v2: Torque procedure")
    assert "- State: effective" in text
    assert "- Change: Higher torque" in text
    assert "6 Nm" in text
    assert "Not in force" not in text


@pytest.mark.parametrize(("version", "state"), [("1", "superseded. It is replaced by SOP-014 v2"), ("3", "draft")])
async def test_a_version_that_is_not_in_force_says_so_first(client: Client, version: str, state: str) -> None:
    text = await page(client, f"qms://document/SOP-014/v{version}")
    assert f"**Not in force: this version is {state}" in text
    assert text.index("Not in force") < text.index("torque wrench")
    assert "never an instruction" in text


async def test_a_section_is_quoted_with_its_subsections(client: Client) -> None:
    text = await page(client, "qms://document/SOP-014/v2/section/5")
    assert text.startswith("# SOP-014 v2 §5\n")
    assert "> ### 5.2 Setting the wrench" in text
    assert "batch record" in text
    assert "tightened" not in text
    assert "owns this" not in text
    assert (await page(client, "qms://document/SOP-014/v2/section/ownership-and-review")).startswith(
        '# SOP-014 v2 "Ownership and review"'
    )


async def test_a_number_with_a_slash_is_addressed_in_escaped_form(client: Client) -> None:
    assert (await page(client, "qms://document/WI-9%2FA/v1")).startswith("# WI-9/A v1: Work")


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("qms://document/SOP-015/v1", "SOP-014"),
        ("qms://document/SOP-014/v9", "version 9"),
        ("qms://document/SOP-014/vx", "no version"),
        ("qms://document/SOP-014/v2/section/5.9", "5.2"),
    ],
)
async def test_what_is_not_there_is_refused_with_what_is(client: Client, uri: str, said: str) -> None:
    with pytest.raises(MCPError, match=said):
        await client.read_resource(uri)


async def test_a_search_is_a_page_as_well(client: Client) -> None:
    text = await page(client, "qms://search/torque%20wrench")
    assert "- **SOP-014 v2 §5.2** (document, effective)" in text
    assert "**torque wrench**" in text


# Completions --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_numbers_versions_and_sections_are_completed(library: Library, tmp_path: Path, mode: str) -> None:
    async with client_for(library.database, library.reader, tmp_path, mode=mode) as client:
        await client.read_resource("qms://glossary")  # the server is up
        assert await completed(client, VERSION, "number", "s") == ["SOP-014"]
        assert await completed(client, VERSION, "number", "") == ["SOP-014", "WI-9/A"]
        assert await completed(client, VERSION, "version", "", number="SOP-014") == ["3", "2", "1"]
        assert await completed(client, SECTION, "path", "5", number="SOP-014", version="2") == ["5", "5.2", "5.3"]
        assert await completed(client, SECTION, "path", "own", number="SOP-014", version="2") == [
            "ownership-and-review"
        ]
        assert await completed(client, SECTION, "path", "", number="SOP-014", version="77") == []
        assert await completed(client, VERSION, "version", "") == []
        prompt = PromptReference(name="sop_gap_check")
        assert await completed(client, prompt, "document", "wi") == ["WI-9/A"]


# Subscriptions ------------------------------------------------------------------------------------------------------


# What the SDK warns of: only older protocols have it.
async def subscribe(client: Client, uri: str) -> None:
    await client.session.send_request(SubscribeRequest(params=SubscribeRequestParams(uri=uri)), EmptyResult)


async def unsubscribe(client: Client, uri: str) -> None:
    await client.session.send_request(UnsubscribeRequest(params=UnsubscribeRequestParams(uri=uri)), EmptyResult)


class Heard:
    """What a client of an older protocol is told."""

    def __init__(self) -> None:
        self.uris: list[str] = []
        self._news = anyio.Event()

    async def __call__(self, message: object) -> None:
        if isinstance(message, ResourceUpdatedNotification):
            self.uris.append(str(message.params.uri))
            self._news.set()
            self._news = anyio.Event()

    async def until(self, *uris: str) -> None:
        """Wait for these."""
        with anyio.fail_after(20):
            while not set(uris) <= set(self.uris):
                await self._news.wait()


async def published(library: Library, number: str, revision: int = 1) -> None:
    """Make a version effective, in a thread: it waits for its turn while the server here writes."""
    await anyio.to_thread.run_sync(lambda: library.make_effective(library.document(revision, number=number)))


async def test_an_older_client_hears_of_versions_it_subscribed_to_and_of_no_other(
    library: Library, tmp_path: Path
) -> None:
    heard, number = Heard(), f"SOP-{uuid4().hex[:6]}"
    other = f"SOP-{uuid4().hex[:6]}"
    async with client_for(library.database, library.reader, tmp_path, mode="legacy", message_handler=heard) as client:
        assert client.server_capabilities.resources is not None
        assert client.server_capabilities.resources.subscribe
        base = f"qms://document/{number}"
        for uri in (base, f"{base}/v1", f"{base}/v2", f"{base}/v1/section/5.2", f"{base}/v3"):
            await subscribe(client, uri)
        await subscribe(client, f"qms://document/{other}")
        await unsubscribe(client, f"qms://document/{other}")
        await published(library, number)
        await heard.until(base, f"{base}/v1", f"{base}/v1/section/5.2")
        assert f"{base}/v2" not in heard.uris
        heard.uris.clear()
        await published(library, other)
        await published(library, number, 2)
        await heard.until(base, f"{base}/v1", f"{base}/v2")  # the first is superseded in the same moment
        assert not {uri for uri in heard.uris if other in uri or uri.endswith("/v3")}
        with pytest.raises(MCPError, match="can't be subscribed"):
            await subscribe(client, "qms://guide")


async def test_a_newer_client_hears_it_on_its_stream(library: Library, tmp_path: Path) -> None:
    number = f"SOP-{uuid4().hex[:6]}"
    uris = [f"qms://document/{number}", f"qms://document/{number}/v1"]
    async with (
        client_for(library.database, library.reader, tmp_path) as client,
        client.listen(resource_subscriptions=uris) as stream,
    ):
        await published(library, number)
        heard: set[str] = set()
        with anyio.fail_after(20):
            async for event in stream:
                assert isinstance(event, ResourceUpdated)
                heard.add(event.uri)
                if heard == set(uris):
                    break
    assert heard == set(uris)


async def test_a_client_hears_nothing_of_another_organization(library: Library, tmp_path: Path) -> None:
    heard, number = Heard(), f"SOP-{uuid4().hex[:6]}"
    theirs = Team.on(library.connection)
    async with client_for(library.database, library.reader, tmp_path, mode="legacy", message_handler=heard) as client:
        await subscribe(client, f"qms://document/{number}")
        await subscribe(client, "qms://document/SOP-014")
        their_library = Library(theirs, library.connection, library.database)
        await published(their_library, number)
        # Ours comes after theirs on the same channel: when it is there, theirs has been dropped.
        await published(library, "SOP-014", 4)
        await heard.until("qms://document/SOP-014")
    assert set(heard.uris) == {"qms://document/SOP-014"}


async def test_what_is_no_announcement_of_a_document_is_ignored(library: Library, tmp_path: Path) -> None:
    heard, number = Heard(), f"SOP-{uuid4().hex[:6]}"
    async with client_for(library.database, library.reader, tmp_path, mode="legacy", message_handler=heard) as client:
        await subscribe(client, f"qms://document/{number}")
        for payload in ("", "{}", "[1]", '{"organization": 5}', '{"organization": "x", "record": "y"}'):
            library.team.site.run("SELECT pg_notify('qms_documents', %s)", payload)
        organization = str(library.team.site.organization_id)
        library.team.site.run(
            "SELECT pg_notify('qms_documents', json_build_object('organization', %s::text, 'record', %s::text)::text)",
            organization,
            str(uuid4()),
        )
        await published(library, number)
        await heard.until(f"qms://document/{number}")


async def test_a_lost_connection_is_replaced_and_everybody_reads_again(library: Library, tmp_path: Path) -> None:
    heard, number = Heard(), f"SOP-{uuid4().hex[:6]}"
    async with client_for(library.database, library.reader, tmp_path, mode="legacy", message_handler=heard) as client:
        await subscribe(client, f"qms://document/{number}")
        backends = "SELECT pid FROM pg_stat_activity WHERE application_name = 'qms-mcp listening'"
        (lost,) = library.team.site.run(f"{backends} AND datname = current_database()")
        library.team.site.run("SELECT pg_terminate_backend(%s)", lost["pid"])
        await heard.until(f"qms://document/{number}")  # it may have changed meanwhile
        heard.uris.clear()
        await published(library, number)
        await heard.until(f"qms://document/{number}")
