"""New versions of controlled documents: one draft beside the version that counts, and never a silent one."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import anyio
import psycopg
import pytest

from qms_mcp.db.database import Database
from qms_mcp.db.embedded import EmbeddedPostgres
from qms_mcp.db.queries import Query
from qms_mcp.errors import ConflictError, InvalidInputError, NotFoundError, QmsError
from qms_mcp.services.documents import preparing
from qms_mcp.services.documents.models import Ingested
from qms_mcp.services.documents.revising import Revision
from qms_mcp.services.documents.service import Documents, Source
from qms_mcp.services.records.writing import RecordWriter
from qms_mcp.settings import Settings
from tests.conftest import REASON, Tenants, copied_database, two_tenants, wiring_for
from tests.support.reading_here import parse_here

pytestmark = pytest.mark.anyio

VERSIONS = Query(
    "test",
    "SELECT d.*, i.title, i.status, i.owner_id, i.number, i.tags, f.sha256 AS file FROM qms.documents AS d "
    "INNER JOIN qms.quality_items AS i ON d.id = i.id "
    "LEFT JOIN qms.document_files AS f ON d.id = f.record_id "
    "WHERE d.document_number = %(number)s ORDER BY d.revision",
)
LINKS = Query("test", "SELECT l.to_id, l.kind FROM qms.record_links AS l WHERE l.from_id = %(id)s")
REFUSED = Query(
    "test", "SELECT a.metadata FROM qms.audit_logs AS a WHERE a.record_id = %(id)s AND a.action = 'refused'"
)


@dataclass(frozen=True)
class World:
    """A database for all tests of this module; each uses a document number of its own."""

    database: Database
    tenants: Tenants
    documents: Documents
    superuser: str

    async def released(self, number: str, **fields: Any) -> Ingested:
        """Bring in a document and make it the effective one."""
        text = f"# Cleaning {number}\n\n## 1 Purpose\n\nParts are clean.\n"
        given = {"document_number": number, **fields}
        made = await self.documents.ingest(self.tenants.ours, Source(text=text), REASON, fields=given)
        assert isinstance(made, Ingested)
        self.set_state(made.id, "effective")
        return made

    def set_state(self, record: UUID, state: str) -> None:
        """Put a document into a state, past its workflow."""
        with psycopg.connect(self.superuser) as connection:
            connection.execute("SET session_replication_role = replica")
            connection.execute("UPDATE qms.quality_items SET status = %s WHERE id = %s", [state, record])
            connection.execute(
                "UPDATE qms.documents SET is_effective = %s WHERE id = %s", [state == "effective", record]
            )

    async def revise(self, number: str, text: str = "", **more: Any) -> Ingested:
        text = text or f"# Cleaning\n\nParts of {number} are very clean.\n"
        options = {name: more.pop(name) for name in ("idempotency_key",) if name in more}
        revision = Revision(number, "Cleaner than before.", **more)
        return await self.documents.revise(self.tenants.ours, revision, Source(text=text), REASON, **options)

    async def fetch(self, query: Query, **params: Any) -> list[dict[str, Any]]:
        async with self.database.transaction(self.tenants.ours, read_only=True) as transaction:
            return await transaction.fetch_dicts(query, params)


@pytest.fixture(scope="module")
async def world(
    embedded: EmbeddedPostgres, template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[World]:
    with copied_database(embedded, template) as name:
        database = Database(wiring_for(embedded, name))
        await database.open()
        tenants = await two_tenants(database)
        documents = Documents(database, Settings(), tmp_path_factory.mktemp("home"))
        yield World(database, tenants, documents, embedded.conninfo(name, "postgres"))
        await database.close()


@pytest.fixture(autouse=True)
def _without_children(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparing, "parse", parse_here)


async def test_a_new_version_has_the_number_the_next_revision_and_what_the_former_had(world: World) -> None:
    first = await world.released(
        "SOP-201", title="How we clean", training_required=True, review_every_months=24, owner_id="me", tags=["line 4"]
    )
    second = await world.revise("SOP-201")
    assert (second.citation, second.revises, second.state) == ("SOP-201 v2", "SOP-201 v1", "draft")
    old, new = await world.fetch(VERSIONS, number="SOP-201")
    for field in ("title", "document_type", "training_required", "review_every_months", "owner_id", "tags"):
        assert new[field] == old[field], field
    assert (new["title"], new["training_required"], new["tags"]) == ("How we clean", True, ["line 4"])
    assert (new["change_summary"], new["author_id"]) == ("Cleaner than before.", world.tenants.ours.user_id)
    assert "very clean" in new["content"]
    assert new["file"] == second.sha256
    assert (old["status"], old["is_effective"], old["content"] != new["content"]) == ("effective", True, True)
    assert old["id"] == first.id
    assert await world.fetch(LINKS, id=second.id) == []


async def test_what_shall_differ_can_be_given_and_a_change_request_is_linked(world: World) -> None:
    await world.released("SOP-202")
    change = await RecordWriter(world.database).add(world.tenants.ours, "change_request", {"title": "Clean"}, REASON)
    second = await world.revise("SOP-202", change=change.number, fields={"title": "Better cleaning", "revision": 7})
    assert second.citation == "SOP-202 v7"
    assert second.title == "Better cleaning"
    assert await world.fetch(LINKS, id=second.id) == [{"to_id": change.id, "kind": "implements"}]


@pytest.mark.parametrize("state", ["draft", "in_review", "approved"])
async def test_while_a_new_version_is_open_there_is_no_other(world: World, state: str) -> None:
    number = f"SOP-203-{state}"
    first = await world.released(number)
    second = await world.revise(number)
    world.set_state(second.id, state)
    with pytest.raises(ConflictError, match=f"v2 .{second.number}. is {state} already") as refused:
        await world.revise(number, f"# Cleaning\n\nOther words of {number}.\n")
    assert "update_record" in refused.value.hint
    noted = await world.fetch(REFUSED, id=second.id) + await world.fetch(REFUSED, id=first.id)
    assert len(noted) == 1
    assert "revise_document" in str(noted[0])


async def test_a_draft_that_was_never_released_is_changed_and_not_revised(world: World) -> None:
    made = await world.documents.ingest(
        world.tenants.ours, Source(text="# New\n\nFirst words."), REASON, fields={"document_number": "SOP-204"}
    )
    assert isinstance(made, Ingested)
    with pytest.raises(ConflictError, match=made.number):
        await world.revise("SOP-204")


async def test_after_a_cancelled_version_the_next_one_has_a_revision_of_its_own(world: World) -> None:
    await world.released("SOP-205")
    second = await world.revise("SOP-205")
    world.set_state(second.id, "cancelled")
    third = await world.revise("SOP-205")  # the same text as the one that was cancelled
    assert (third.citation, third.revises, third.existed) == ("SOP-205 v3", "SOP-205 v1", None)
    there = await world.documents.ingest(
        world.tenants.ours, Source(text="# Cleaning\n\nParts of SOP-205 are very clean.\n"), REASON
    )
    assert isinstance(there, Ingested)
    assert (there.id, there.existed) == (third.id, True)


async def test_the_same_text_is_no_new_version(world: World, tmp_path: Path) -> None:
    await world.released("SOP-206")
    text = "# Cleaning SOP-206\n\n## 1 Purpose\n\nParts are clean.\n"
    with pytest.raises(ConflictError, match="text is that of SOP-206 v1"):
        await world.revise("SOP-206", text)
    with pytest.raises(ConflictError, match="text is that of SOP-206 v1"):
        await world.revise("SOP-206", text.replace("\n", "\r\n"))
    assert len(await world.fetch(VERSIONS, number="SOP-206")) == 1


async def test_a_file_that_is_another_document_is_no_new_version_of_this_one(world: World) -> None:
    await world.released("SOP-207")
    await world.released("SOP-208")
    with pytest.raises(ConflictError, match="very file is SOP-208 v1"):
        await world.revise("SOP-207", "# Cleaning SOP-208\n\n## 1 Purpose\n\nParts are clean.\n")


async def test_the_same_key_makes_one_version(world: World) -> None:
    await world.released("SOP-209")
    first = await world.revise("SOP-209", idempotency_key="again 209")
    second = await world.revise("SOP-209", idempotency_key="again 209")
    assert (second.id, second.existed) == (first.id, True)
    third = await world.revise("SOP-209", "# Cleaning\n\nOther words.\n", idempotency_key="again 209")
    assert third.id == first.id


async def test_of_two_new_versions_at_once_one_is_refused(world: World) -> None:
    await world.released("SOP-210")
    outcomes: list[str] = []

    async def one(words: str) -> None:
        try:
            outcomes.append((await world.revise("SOP-210", f"# Cleaning 210\n\n{words}\n")).citation)
        except QmsError as refused:
            outcomes.append(refused.code)

    async with anyio.create_task_group() as tasks:
        for words in ("One way.", "Another way."):
            tasks.start_soon(one, words)
    assert sorted(outcomes) == ["SOP-210 v2", "conflict"]


async def test_a_document_without_a_number_or_nobody_knows_is_not_revised(world: World) -> None:
    made = await world.documents.ingest(world.tenants.ours, Source(text="# Loose sheet\n\nWords."), REASON)
    assert isinstance(made, Ingested)
    with pytest.raises(InvalidInputError, match="no document number"):
        await world.revise(made.number)
    with pytest.raises(NotFoundError):
        await world.revise("SOP-999")
    await world.released("SOP-211")
    with pytest.raises(NotFoundError, match="CR-1999"):
        await world.revise("SOP-211", change="CR-1999-0001")
    assert len(await world.fetch(VERSIONS, number="SOP-211")) == 1


async def test_nobody_revises_the_document_of_others(world: World) -> None:
    await world.released("SOP-212")
    revision = Revision("SOP-212", "Cleaner than before.")
    with pytest.raises(NotFoundError):
        await world.documents.revise(world.tenants.theirs, revision, Source(text="# A\n\nText."), REASON)
