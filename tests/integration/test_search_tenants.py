"""What another organization has changes nothing in an answer: no result, count, score, suggestion or completion."""

import json
from collections.abc import AsyncGenerator
from uuid import UUID, uuid4

import pytest

from qms_mcp.db.embedded import EmbeddedPostgres
from qms_mcp.errors import NotFoundError
from qms_mcp.services.search.models import Filters, Mode, OwnText
from tests.conftest import copied_database
from tests.support.library import Library, library_in, person_of
from tests.support.site import Team

pytestmark = pytest.mark.anyio

MODES: tuple[Mode, ...] = ("hybrid", "lexical", "semantic", "exact", "number")
QUERIES = (
    "torque wrench",
    "torqe wrensh",
    "leaking valve seal",
    "AB-12/34",
    "SOP-0",
    "NC-2026-",
    "zebrawood",
    "0.5 mm",
)
THEIRS = "Torque wrench zebrawood, leaking valve seal, AB-12/34, 0.5 mm, calibrated {place}."
MANY, RECORDS = 500, 60


@pytest.fixture(scope="module")
async def library(embedded: EmbeddedPostgres, template: str) -> AsyncGenerator[Library]:
    with copied_database(embedded, template) as name:
        async with library_in(embedded, name) as opened:
            team = opened.team
            opened.make_effective(opened.document(1))
            for word in ("valve", "pump", "hose"):
                team.site.add(
                    team.ada, "nonconformance", title=f"Leaking {word}", description=f"The seal of the {word} leaks."
                )
            opened.vectors.fill(opened.connection)
            yield opened


@pytest.fixture(scope="module")
async def before(library: Library) -> str:
    """Every answer while there is nobody else."""
    return await answers(library)


@pytest.fixture(scope="module")
def theirs(library: Library, before: str) -> Team:
    """Another organization with hundreds of documents that would fit every query better, and their counts."""
    assert before
    team = Team.on(library.connection)
    with team.site.acting(team.ada):
        team.site.run(
            "SELECT (qms.add_record('document', jsonb_build_object('title', 'Zebrawood ' || i, 'revision', 1, "
            "'document_number', 'SOP-' || i, 'content', replace(%s, '{place}', i::text)))).id "
            "FROM generate_series(1, %s) AS g (i)",
            THEIRS,
            RECORDS,
        )
        team.site.run(
            "SELECT search.put_text('manual', 'Zebrawood', replace(%s, '{place}', i::text), NULL, NULL, NULL) "
            "FROM generate_series(1, %s) AS g (i)",
            THEIRS,
            MANY - RECORDS,
        )
    team.site.add(team.ada, "nonconformance", title="Leaking valve seal zebrawood", description=THEIRS)
    library.vectors.fill(library.connection)
    count_terms(library, team)
    return team


def count_terms(library: Library, *teams: Team) -> None:
    """Have the terms counted, as the worker does."""
    for team in teams:
        with team.site.acting(team.ada):
            library.connection.execute("SELECT search.refresh_terms(true)")


async def answers(library: Library) -> str:
    """Return all that can be asked, as text."""
    search, reader = library.search, library.reader
    found: list[object] = []
    for text in QUERIES:
        for mode in (None, *MODES):
            for filters in (
                Filters(),
                Filters(superseded=True),
                Filters(types=["document"]),
                Filters(document="SOP-1"),
            ):
                answer = await search.search(reader, text, mode=mode, filters=filters, limit=50, detail="full")
                found.append(answer.model_dump(mode="json"))
        similar = await search.find_similar(reader, text=text, limit=20, detail="full")
        found.append(similar.model_dump(mode="json"))
    for filters in (
        Filters(superseded=True),
        Filters(types=["document"]),
        Filters(document="SOP-1"),
        Filters(tags=["a"]),
    ):
        answer = await search.search(reader, QUERIES[0], filters=filters, limit=50, detail="full")
        found.append(answer.model_dump(mode="json"))
    number = library.team.site.run(
        "SELECT number FROM qms.quality_items WHERE organization_id = %s AND category = 'nonconformance' LIMIT 1",
        library.team.site.organization_id,
    )[0]["number"]
    found.append((await search.find_similar(reader, record=number, detail="full")).model_dump(mode="json"))
    found.append((await search.index_status(reader)).model_dump(mode="json"))
    matches = await search.match_embeddings(reader, [0.05] * 384, limit=100, of_type=None, model=None)
    found.append([match.model_dump(mode="json") for match in matches])
    documents = search.documents
    found.append(await documents.numbers(reader, "", limit=100))
    found.append(await documents.versions(reader, "SOP-1"))
    return json.dumps(found, indent=1)


async def test_every_answer_is_the_same_to_the_byte_with_five_hundred_foreign_documents(
    library: Library, before: str, theirs: Team
) -> None:
    assert await answers(library) == before
    assert "ebrawood" not in before


@pytest.mark.slow
async def test_that_holds_with_counted_terms_as_well(library: Library, theirs: Team) -> None:
    count_terms(library, library.team)
    counted = await answers(library)
    with theirs.site.acting(theirs.ada):
        theirs.site.run(
            "SELECT (qms.add_record('deviation', jsonb_build_object('title', 'Torque wrench ' || i))).id "
            "FROM generate_series(1, 10) AS g (i)"
        )
    count_terms(library, theirs)
    assert await answers(library) == counted
    assert "ebrawood" not in counted


async def test_a_word_only_they_have_is_never_suggested(library: Library, theirs: Team) -> None:
    assert (await library.search.search(library.reader, "zebrawod")).did_you_mean is None
    assert (await library.search.search(person_of(theirs), "zebrawod")).did_you_mean == "zebrawood"


async def test_their_records_can_be_named_and_are_not_there(library: Library, theirs: Team) -> None:
    record: UUID = theirs.site.run(
        "SELECT id FROM qms.quality_items WHERE organization_id = %s LIMIT 1", theirs.site.organization_id
    )[0]["id"]
    search, reader = library.search, library.reader
    with pytest.raises(NotFoundError):
        await search.find_similar(reader, record=record)
    with pytest.raises(NotFoundError):
        await search.documents.version(reader, "SOP-7", 1)
    assert await search.documents.announced(reader, record) is None
    assert await search.documents.section_paths(reader, "SOP-7", 1) == []


async def test_a_text_with_the_ids_of_theirs_replaces_nothing_of_theirs(library: Library, theirs: Team) -> None:
    search, ours, other = library.search, library.reader, person_of(theirs)
    text = OwnText(content="Theirs to keep.", content_type="note", source_table="notes", source_id=uuid4())
    kept = await search.embed_content(other, [text], "a test puts it there")
    added = await search.embed_content(ours, [text.model_copy(update={"content": "Ours instead."})], "a test tries it")
    assert added.ids != kept.ids
    assert (await search.search(other, "theirs to keep", mode="lexical")).hits[0].id == kept.ids[0]
    assert {hit.id for hit in (await search.search(ours, "theirs to keep ours instead", mode="lexical")).hits} == {
        added.ids[0]
    }
