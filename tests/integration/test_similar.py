"""Have we seen this before? Cases like a record or a story, with what became of them."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from uuid import UUID

import pytest

from qms_mcp.db.embedded import EmbeddedPostgres
from qms_mcp.errors import InvalidInputError, NotFoundError
from qms_mcp.services.search.models import Case
from qms_mcp.services.search.service import Search
from tests.conftest import copied_database
from tests.support.library import Library, library_in

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class History:
    """Two former cases of a leaking seal, one of them closed, and much else."""

    library: Library
    closed: UUID
    running: UUID
    capa: UUID

    async def case(self, record: UUID, *, like: UUID | str) -> Case:
        """Return one of the cases like a record."""
        found = await self.library.search.find_similar(self.library.reader, record=like, detail="full")
        return next(case for case in found.cases if case.id == record)


@pytest.fixture(scope="module")
async def history(embedded: EmbeddedPostgres, template: str) -> AsyncGenerator[History]:
    with copied_database(embedded, template) as name:
        async with library_in(embedded, name) as library:
            yield written(library)


def written(library: Library) -> History:
    team, site = library.team, library.team.site
    closed = site.add(
        team.ada,
        "nonconformance",
        title="Valve seal leaking at 5 bar",
        description="The elastomer seal of the valve was leaking under pressure.",
        part_number="VS-100",
        root_cause="Wrong hardness of the elastomer",
        cause_category="material",
    )
    running = site.add(
        team.ada,
        "complaint",
        title="Pump drips",
        description="Seal of the valve drips at the hospital.",
        product="Pump 7",
    )
    capa = site.add(team.ada, "capa", title="Seal hardness", problem_statement="Seals leak again and again.")
    site.link(team.ada, capa, closed, "corrects")
    site.part(
        team.ada, capa, "root_causes", method="five_whys", statement="No incoming test of hardness", is_root_cause=True,
        evidence=["Inspection plan"],
    )  # fmt: skip
    # What takes weeks and four people is written down here by the superuser, past the triggers.
    site.run("SET session_replication_role = 'replica'")
    site.run(
        "INSERT INTO qms.dispositions (organization_id, record_id, disposition, quantity, decided_at, created_kind) "
        "VALUES (%s, %s, 'scrap', 4, now(), 'human')",
        site.organization_id,
        closed,
    )
    site.run("UPDATE qms.capas SET verdict = 'effective' WHERE id = %s", capa)
    site.run(
        "UPDATE qms.quality_items SET status = 'closed', created_at = now() - interval '30 days', closed_at = now() "
        "WHERE id = %s",
        closed,
    )
    site.run("SET session_replication_role = 'origin'")
    for word in ("label", "carton", "pallet", "screw", "paint"):
        site.add(team.ada, "deviation", title=f"Wrong {word}", description=f"The {word} was mixed up on the line.")
    library.vectors.fill(library.connection)
    return History(library, closed, running, capa)


@pytest.fixture(scope="module")
def fresh(history: History) -> UUID:
    """A new case, with its vectors."""
    team = history.library.team
    record = team.site.add(
        team.ada,
        "nonconformance",
        title="Seal of a valve leaking again",
        description="Leaking seal, elastomer soft.",
        part_number="vs-100",
    )
    history.library.vectors.fill(history.library.connection)
    return record


async def test_a_former_case_comes_with_its_causes_decisions_and_outcome(history: History, fresh: UUID) -> None:
    case = await history.case(history.closed, like=fresh)
    assert case.root_causes == ["No incoming test of hardness", "Wrong hardness of the elastomer"]
    assert case.dispositions == ["scrap"]
    assert [words.split(" v")[0] for words in case.capas] == [history.library.team.site.read(history.capa)["number"]]
    assert (case.state, case.effectiveness, case.days_to_close) == ("closed", "effective", 30)


async def test_what_two_cases_have_in_common_is_said(history: History, fresh: UUID) -> None:
    case = await history.case(history.closed, like=fresh)
    assert case.in_common[0] == "same part number"
    assert {"VS100", "elastomer"} <= set(case.in_common)
    assert not {"part", "number"} & set(case.in_common)


async def test_the_best_case_comes_first_and_the_case_itself_never(history: History, fresh: UUID) -> None:
    number = history.library.team.site.read(fresh)["number"]
    found = await history.library.search.find_similar(history.library.reader, record=number, limit=3)
    assert found.cases[0].id == history.closed
    assert fresh not in {case.id for case in found.cases}
    assert (found.mode, found.note) == ("hybrid", None)


async def test_a_story_in_other_words_finds_the_case_by_meaning(history: History) -> None:
    found = await history.library.search.find_similar(history.library.reader, text="seepage", detail="full")
    assert {found.cases[0].id, found.cases[1].id} >= {history.running}
    assert found.cases[0].scores is not None
    assert found.cases[0].scores.lexical_rank is None


async def test_the_summary_answers_in_a_line(history: History, fresh: UUID) -> None:
    found = await history.library.search.find_similar(
        history.library.reader, record=fresh, types=["nonconformance", "complaint"], limit=2
    )
    assert found.summary.startswith("1 of 2 similar cases closed. root causes: No incoming test of hardness;")
    assert "dispositions: scrap." in found.summary
    assert found.summary.endswith("CAPA: effective.")


async def test_types_narrow_the_cases_and_documents_are_none_by_themselves(history: History) -> None:
    history.library.document(1, number="SOP-077", content="# Seals\n\nA leaking seal of a valve is replaced.")
    search, reader = history.library.search, history.library.reader
    anything = await search.find_similar(reader, text="leaking seal of a valve", limit=20)
    assert "document" not in {case.type for case in anything.cases}
    documents = await search.find_similar(reader, text="leaking seal of a valve", types=["document"])
    assert [case.citation for case in documents.cases] == ['SOP-077 v1 "Seals"']
    with pytest.raises(InvalidInputError, match="no type"):
        await search.find_similar(reader, text="leaking", types=["leaks"])


async def test_without_a_model_a_story_is_compared_by_words(history: History) -> None:
    search = Search(history.library.database)
    found = await search.find_similar(history.library.reader, text="leaking seal")
    assert found.mode == "lexical"
    assert found.note == "Found by words alone: there is no model."
    assert history.closed in {case.id for case in found.cases[:2]}
    # The vectors of a record are stored, so a record needs no model.
    assert (await search.find_similar(history.library.reader, record=history.closed)).mode == "hybrid"


async def test_nothing_alike_is_said_plainly(history: History) -> None:
    search = Search(history.library.database)
    found = await search.find_similar(history.library.reader, text="zygomorphic orchids")
    assert (found.summary, found.cases) == ("No similar case is recorded.", [])


async def test_one_of_record_and_text_is_needed_and_the_record_must_exist(history: History) -> None:
    search, reader = history.library.search, history.library.reader
    for record, text in ((None, None), ("NC-2026-0001", "a story")):
        with pytest.raises(InvalidInputError, match="either"):
            await search.find_similar(reader, record=record, text=text)
    with pytest.raises(NotFoundError):
        await search.find_similar(reader, record="NC-1999-0001")
