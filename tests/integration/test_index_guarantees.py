"""What must hold of the index whatever is written: no way across organizations, and no text that can't be kept."""

from collections.abc import Callable
from uuid import UUID, uuid4

import psycopg
import pytest

from qms_mcp.db.database import Database
from qms_mcp.db.queries import Query
from qms_mcp.errors import QmsError
from tests.conftest import REASON, Tenants

pytestmark = pytest.mark.anyio

ADD = Query("test", "SELECT a.id FROM qms.add_record(%(category)s, %(fields)s::jsonb) AS a")
INDEXED = Query("test", "SELECT count(*) AS pieces FROM search.chunks AS c WHERE c.source_id = %(id)s")
PIECE = Query("test", "SELECT min(c.id) AS id FROM search.chunks AS c WHERE c.source_id = %(id)s")
STEAL = Query(
    "test",
    "INSERT INTO search.embeddings_by_model "
    "(chunk_id, model_id, organization_id, content_type, is_current, content_sha, embedding) "
    "VALUES (%(chunk)s, 2, %(organization)s, 'note', true, '\\x00', "
    "array_fill(0.1::real, ARRAY[1536])::extensions.vector::extensions.halfvec)",
)
PUT = Query(
    "test", "SELECT search.put_text('note', 'Their recipe', 'The secret recipe of theirs.', NULL, NULL, '{}') AS id"
)
TAKE = Query(
    "test",
    "INSERT INTO qms.quality_items (id, organization_id, category, title) "
    "VALUES (%(id)s, %(organization)s, 'nonconformance', 'Taken over')",
)
TITLE = Query("test", "SELECT s.title FROM search.sources AS s WHERE s.id = %(id)s")
FORGE = Query("test", 'SELECT (qms.change_record(%(id)s, NULL, \'{"content_sha256": "forged"}\')).id')
HASH = Query("test", "SELECT d.content_sha256 FROM qms.documents AS d WHERE d.id = %(id)s")


async def added(database: Database, tenants: Tenants, category: str, fields: str) -> UUID:
    async with database.transaction(tenants.ours, because=REASON) as transaction:
        return (await transaction.fetch_dicts(ADD, {"category": category, "fields": fields}))[0]["id"]


async def test_nobody_attaches_a_vector_to_a_piece_of_another_organization(
    database: Database, tenants: Tenants
) -> None:
    record = await added(database, tenants, "nonconformance", '{"title": "Ours"}')
    async with database.transaction(tenants.ours, read_only=True) as transaction:
        piece = (await transaction.fetch_dicts(PIECE, {"id": record}))[0]["id"]
    theirs = {"chunk": piece, "organization": tenants.theirs.organization_id}
    with pytest.raises((QmsError, psycopg.Error)):
        async with database.transaction(tenants.theirs) as transaction:
            await transaction.execute(STEAL, theirs)
    ours = {"chunk": piece, "organization": tenants.ours.organization_id}
    async with database.transaction(tenants.ours) as transaction:
        await transaction.execute(STEAL, ours)


async def test_a_record_does_not_take_over_a_text_of_another_organization(database: Database, tenants: Tenants) -> None:
    async with database.transaction(tenants.theirs) as transaction:
        text = (await transaction.fetch_dicts(PUT, {}))[0]["id"]
    async with database.transaction(tenants.ours, because=REASON) as transaction:
        taken = {"id": text, "organization": tenants.ours.organization_id}
        try:
            await transaction.execute(TAKE, taken)
        except QmsError:
            return
    async with database.transaction(tenants.theirs, read_only=True) as transaction:
        assert (await transaction.fetch_dicts(TITLE, {"id": text}))[0]["title"] == "Their recipe"


ODD: dict[str, Callable[[], str]] = {
    "metadata that is a list": lambda: '{"title": "Odd", "metadata": []}',
    "metadata that is a word": lambda: '{"title": "Odd", "metadata": "x"}',
    "a title of many words": lambda: f'{{"title": "{" ".join(f"w{i}" for i in range(17_000))}"}}',
    "a word of a million letters": lambda: f'{{"title": "Odd", "description": "{"x" * 1_000_000}"}}',
    "nothing but punctuation": lambda: '{"title": "?!", "description": "... --- ..."}',
    "letters of many scripts": lambda: '{"title": "Ω č 漢字 ئۇ", "description": "\\u200b\\u202e"}',
}


@pytest.mark.parametrize("what", ODD)
async def test_what_is_written_is_kept_and_found(database: Database, tenants: Tenants, what: str) -> None:
    record = await added(database, tenants, "nonconformance", ODD[what]())
    async with database.transaction(tenants.ours, read_only=True) as transaction:
        assert (await transaction.fetch_dicts(INDEXED, {"id": record}))[0]["pieces"] > 0


HEADINGS = {
    "a heading line without an end": "# " + "a " * 200_000,
    "hashes": "# a" + " #" * 50_000,
    "three thousand sections": "".join(f"# h{number}\\ntext\\n" for number in range(3_000)),
    "a long heading over much text": "# " + "word " * 190 + "\\n" + "text " * 20_000,
    "a table row without an end": "| a | b |\\n|---|---|\\n| " + "x " * 200_000 + "|",
}


@pytest.mark.parametrize("what", HEADINGS)
async def test_a_document_of_any_shape_is_cut_in_time(database: Database, tenants: Tenants, what: str) -> None:
    fields = f'{{"title": "Shape", "document_number": "X-{uuid4().hex[:6]}", "content": "{HEADINGS[what]}"}}'
    record = await added(database, tenants, "document", fields)
    async with database.transaction(tenants.ours, read_only=True) as transaction:
        assert (await transaction.fetch_dicts(INDEXED, {"id": record}))[0]["pieces"] > 0


@pytest.mark.parametrize("pages", ['[["a", "b"]]', "5", "[[99999999999, 1]]", "[[0, 1], [0, 2], []]"])
async def test_pages_that_are_none_do_no_harm(database: Database, tenants: Tenants, pages: str) -> None:
    fields = f'{{"title": "Pages", "content": "Some text.", "structure": {{"pages": {pages}, "language": "?"}}}}'
    record = await added(database, tenants, "document", fields)
    async with database.transaction(tenants.ours, read_only=True) as transaction:
        assert (await transaction.fetch_dicts(INDEXED, {"id": record}))[0]["pieces"] == 1


async def test_the_hash_of_a_document_is_that_of_its_content(database: Database, tenants: Tenants) -> None:
    record = await added(database, tenants, "document", '{"title": "Hash", "content": "abc"}')
    async with database.transaction(tenants.ours, because=REASON) as transaction:
        await transaction.execute(FORGE, {"id": record})
        kept = (await transaction.fetch_dicts(HASH, {"id": record}))[0]["content_sha256"]
    assert kept == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
