"""Controlled copies of documents in the database, and that the trail knows of them."""

import hashlib
from collections.abc import AsyncGenerator
from typing import Any
from uuid import uuid4

import pytest

from qms_mcp.db.database import Database
from qms_mcp.db.embedded import EmbeddedPostgres
from qms_mcp.db.queries import Query
from qms_mcp.errors import InvalidInputError, NotFoundError
from qms_mcp.services.documents.copies import ControlledCopy, Copies
from tests.conftest import add_person, copied_database, two_tenants, wiring_for
from tests.support.controlled import Library
from tests.support.printed import pages

pytestmark = pytest.mark.anyio

CONTENT = """# 1 Purpose

How complaints are handled.

# 2 Records

| Record | Kept |
| --- | --- |
| FRM-021 | 10 years |

1. Write it down.
2. Sign it.
"""
EVENTS = Query(
    "test",
    "SELECT a.metadata, a.reason, a.record_id FROM qms.audit_logs AS a "
    "WHERE a.action = 'export' ORDER BY a.seq DESC LIMIT 1",
)


@pytest.fixture(scope="module")
async def library(embedded: EmbeddedPostgres, template: str) -> AsyncGenerator[Library]:
    """One database for all of it: each test has documents of its own number."""
    with copied_database(embedded, template) as name:
        database = Database(wiring_for(embedded, name))
        await database.open()
        tenants = await two_tenants(database)
        yield await Library.of(database, tenants.ours)
        await database.close()


async def issue(library: Library, document: str, **wanted: Any) -> ControlledCopy:
    return await Copies(library.database).issue(library.author, document, **wanted)


async def test_an_effective_version_is_copied_with_signatures_history_and_hashes(library: Library) -> None:
    await library.effective("SOP-100", 1, "# 1 Purpose\n\nThe first version.\n")
    made = await library.effective("SOP-100", 2, CONTENT)
    copy = await issue(library, "SOP-100")
    assert (copy.label, copy.state, copy.file_name) == ("SOP-100 v2", "effective", "SOP-100-v2.pdf")
    assert copy.sha256 == hashlib.sha256(copy.content).hexdigest()
    text = "\n".join(pages(copy.content))
    assert f"CONTROLLED COPY {await library.today()}" in text
    assert "valid on the day of printing" in text
    assert hashlib.sha256(CONTENT.encode()).hexdigest() in text
    assert "valid: the record is what was signed" in " ".join(text.split())
    assert "approval" in text
    assert "What is new in 1" in text
    assert "superseded" in text
    async with library.database.transaction(library.author, read_only=True) as transaction:
        event = (await transaction.fetch_dicts(EVENTS))[0]
    assert event["record_id"] == made.id
    assert (event["metadata"]["sha256"], event["metadata"]["document"]) == (copy.sha256, "SOP-100 v2")


async def test_each_state_stands_across_the_page(library: Library) -> None:
    first = await library.effective("SOP-101", 1, CONTENT)
    await library.effective("SOP-101", 2, CONTENT)
    third = await library.draft("SOP-101", 3, CONTENT)
    copy = await issue(library, "SOP-101", version=1, form="html")
    page = copy.content.decode()
    assert "<span>SUPERSEDED by v2</span><span>NOT FOR USE</span>" in page
    assert (
        "<span>DRAFT</span><span>NOT FOR USE</span>"
        in (await issue(library, "SOP-101 v3", form="html")).content.decode()
    )
    await library.move(third.id, "in_review")
    assert "IN REVIEW" in (await issue(library, "SOP-101 v3", form="html")).content.decode()
    assert first.number in page


async def test_a_copy_needs_a_version_and_a_text(library: Library, embedded: EmbeddedPostgres) -> None:
    await library.draft("SOP-102", 1, "")
    with pytest.raises(InvalidInputError, match="has no text"):
        await issue(library, "SOP-102")
    with pytest.raises(NotFoundError, match="SOP-10222"):
        await issue(library, "SOP-10222")
    with pytest.raises(NotFoundError) as refused:
        await issue(library, "SOP-102", version=7)
    assert refused.value.hint == "There is SOP-102 v1 (draft)."


async def test_somebody_else_has_no_such_document(library: Library) -> None:
    await library.effective("SOP-103", 1, CONTENT)
    stranger = await add_person(library.database, uuid4(), "fabrikam", "admin", "owner")
    with pytest.raises(NotFoundError):
        await Copies(library.database).issue(stranger, "SOP-103")
