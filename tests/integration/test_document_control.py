"""Document control on the workflow: versions compared and checked, reviews that come, training on what is new."""

from collections.abc import AsyncGenerator
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest

from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.embedded import EmbeddedPostgres
from qms_mcp.errors import ConflictError, InvalidInputError, NotFoundError
from qms_mcp.services.documents.control import CheckQuestion, DocumentControl
from qms_mcp.services.documents.control_models import AssignedTraining, ReviewsDue
from qms_mcp.services.documents.sections import citation, sections_of
from qms_mcp.services.documents.versions import find_version
from qms_mcp.services.records.my_work import MyWork
from qms_mcp.services.records.reading import RecordReader
from qms_mcp.services.records.writing import RecordWriter
from qms_mcp.services.signing.service import Signing
from qms_mcp.services.workflow.service import Workflow
from tests.conftest import add_person, copied_database, two_tenants, wiring_for
from tests.support.controlled import BECAUSE, Library
from tests.support.people import person_with_password, sign
from tests.support.workflow import request_step

pytestmark = pytest.mark.anyio

FIRST = """Some words before all.

# 1 Purpose

How complaints are handled (ISO 13485:2016, 8.2.2).

# 5 Procedure

## 5.1 Intake

The owner shall record the complaint within 2 working days.

## 5.2 Control of records

Records shall be kept for five years. See SOP-999 and FRM-021 v1.
"""
SECOND = FIRST.replace("2 working days", "1 working day").replace(
    "## 5.2 Control", "## 5.2 Reply\n\nSay so.\n\n## 5.3 Control"
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


@pytest.fixture
def control(library: Library) -> DocumentControl:
    return DocumentControl(library.database)


async def reader(library: Library, *roles: str) -> Principal:
    return await add_person(library.database, library.author.organization_id, "northwind", *(roles or ("reporter",)))


async def test_sections_of_the_database_are_cited_by_number_or_title(library: Library) -> None:
    text = (
        "Before.\n\n# Purpose\n\nWhy.\n\n# 5 Procedure\n\n## 5.2. Intake\n\n# Purpose\n\nAgain.\n\n# Annex A.1 Forms\n"
    )
    async with library.database.transaction(library.author, read_only=True) as transaction:
        sections = await sections_of(transaction, text)
    assert [citation("SOP-014 v3", section) for section in sections] == [
        "SOP-014 v3",
        'SOP-014 v3 "Purpose"',
        "SOP-014 v3 §5",
        "SOP-014 v3 §5.2",
        'SOP-014 v3 "Purpose"',
        "SOP-014 v3 §A.1",
    ]


async def test_a_document_is_found_by_what_people_call_it(library: Library) -> None:
    first = await library.effective("SOP-200", 1, FIRST)
    second = await library.draft("SOP-200", 2, SECOND)

    async def found(reference: str, revision: int | None = None, **how: Any) -> str:
        async with library.database.transaction(library.author, read_only=True) as transaction:
            return (await find_version(transaction, reference, revision, **how)).label

    assert await found("SOP-200") == "SOP-200 v1", "the effective one"
    assert await found("sop-200 v2") == "SOP-200 v2"
    assert await found("SOP-200 rev. 2") == "SOP-200 v2"
    assert await found("SOP-200", newest=True) == "SOP-200 v2"
    assert await found(first.number) == "SOP-200 v1"
    assert await found(str(second.id)) == "SOP-200 v2"
    with pytest.raises(NotFoundError) as refused:
        await found("SOP-20O")
    assert refused.value.hint == "Did you mean SOP-200?"


async def test_the_newest_version_is_compared_with_the_one_before(library: Library, control: DocumentControl) -> None:
    await library.effective("SOP-201", 1, FIRST)
    with pytest.raises(InvalidInputError, match="no version of SOP-201 before"):
        await control.diff(library.author, "SOP-201")
    await library.draft("SOP-201", 2, SECOND)
    diff = await control.diff(library.author, "SOP-201")
    assert diff.summary == (
        "SOP-201 v1 -> SOP-201 v2: sections 1 changed, 1 added, 1 renumbered, 3 unchanged; requirements 1 changed."
    )
    assert [(one.change, one.section, one.was) for one in diff.changes] == [
        ("changed", "SOP-201 v2 §5.1", ""),
        ("added", "SOP-201 v2 §5.2", ""),
        ("renumbered", "SOP-201 v2 §5.3", "§5.2"),
    ]
    backwards = await control.diff(library.author, "SOP-201", old=2, new=1, limit=1)
    assert (backwards.total, len(backwards.changes), backwards.next_cursor) == (3, 1, "1")


async def test_two_documents_are_compared(library: Library, control: DocumentControl) -> None:
    await library.effective("SOP-202", 1, FIRST)
    await library.effective("WI-202", 1, SECOND)
    diff = await control.diff(library.author, "WI-202", against="SOP-202")
    assert diff.summary.startswith("SOP-202 v1 -> WI-202 v1:")
    assert diff.total == 3


async def test_a_document_is_checked_against_clauses(library: Library, control: DocumentControl) -> None:
    await library.effective("SOP-203", 1, FIRST)
    asked = CheckQuestion(framework="iso-13485", clauses=["4.2", "8.2.2"])
    checked = await control.check(library.author, "SOP-203", asked)
    by_item = {one.item.split()[0]: one.found for one in checked.items}
    assert by_item["8.2.2"][0].citation == "SOP-203 v1 §1"
    assert by_item["8.2.2"][0].how == "names the clause"
    assert by_item["4.2.5"][0].citation == "SOP-203 v1 §5.2"
    assert by_item["4.2.2"] == []
    assert checked.missing == sum(not found for found in by_item.values())
    empty = [not one.found for one in checked.items]
    assert empty == sorted(empty, reverse=True), "those nothing was found for come first"
    whats = [hint.what for hint in checked.hints]
    assert "SOP-999 is not in this system" in whats
    assert 'no section "scope", which procedures usually have' in whats
    with pytest.raises(NotFoundError, match="no clause '44'"):
        await control.check(library.author, "SOP-203", CheckQuestion(framework="iso-13485", clauses=["44"]))


async def test_a_document_is_checked_against_a_template_and_named_sections(
    library: Library, control: DocumentControl
) -> None:
    await library.effective("SOP-204", 1, FIRST)
    await library.effective("TMP-001", 1, "# 1 Purpose\n\nx\n\n# 2 Scope\n\nx\n\n# 3 Records\n\nx\n")
    asked = CheckQuestion(template="TMP-001", sections=["Intake of complaints"], limit=2)
    first = await control.check(library.author, "SOP-204", asked)
    assert (first.against, first.total, first.next_cursor) == ("TMP-001 v1, named sections", 4, "2")
    assert first.items[0].item == "2 Scope"
    assert first.items[0].found == []
    assert not any("usually" in hint.what for hint in first.hints), "a template says what there should be"
    rest = await control.check(
        library.author, "SOP-204", CheckQuestion(template="TMP-001", sections=["Intake of complaints"], cursor="2")
    )
    assert (len(rest.items), rest.hints) == (2, [])


async def test_references_to_superseded_versions_are_hints(library: Library, control: DocumentControl) -> None:
    await library.effective("FRM-205", 1, "# 1 Form\n\nx\n")
    await library.effective("FRM-205", 2, "# 1 Form\n\ny\n")
    await library.effective("SOP-205", 1, "# 1 Purpose\n\nUse FRM-205 v1, or FRM-205.\n")
    hints = (await control.check(library.author, "SOP-205", CheckQuestion())).hints
    assert [hint.what for hint in hints if "FRM" in hint.what] == ["FRM-205 v1 is superseded by v2"]


async def test_a_review_comes_stands_in_my_work_and_is_scheduled_anew_when_it_is_confirmed(
    library: Library, control: DocumentControl
) -> None:
    made = await library.effective("SOP-206", 1, FIRST, review_every_months=12)

    async def due(within_days: int) -> ReviewsDue:
        found = await control.reviewing.reviews_due(library.author, within_days, person="me")
        return found.model_copy(update={"reviews": [one for one in found.reviews if one.document == "SOP-206 v1"]})

    assert (await due(300)).reviews == []
    first = (await due(400)).reviews[0]
    today = date.fromisoformat(await library.today())
    assert timedelta(364) <= first.due_on - today <= timedelta(367)
    assert first.reviewed_at is None

    # A year and a day go by.
    await library.shift("UPDATE qms.documents SET next_review_on = current_date - 1 WHERE id = %(id)s", id=made.id)
    await library.shift(
        "UPDATE qms.quality_items SET due_date = clock_timestamp() - interval '20 days' WHERE id = %(id)s", id=made.id
    )
    late = (await due(0)).reviews[0]
    assert late.days in (-1, -2)
    work = await MyWork(library.database).of(library.author, limit=100)
    assert [(item.state, item.overdue) for item in work.items if item.id == made.id] == [("effective", True)]

    assert await Workflow(library.database, Signing(library.database)).escalate(library.author) >= 2
    record = await RecordReader(library.database).get(library.author, made.id)
    assert record.clock.escalation_level == 2, "the owner, then quality assurance"

    await library.decide(made.id, "effective")
    assert (await due(300)).reviews == []
    again = (await due(400)).reviews[0]
    assert again.due_on == first.due_on
    assert again.reviewed_at is not None
    work = await MyWork(library.database).of(library.author, limit=100)
    assert [item.overdue for item in work.items if item.id == made.id] == [None]


async def test_readers_of_the_former_version_are_trained_on_the_new_one_before_it_counts(
    library: Library, control: DocumentControl
) -> None:
    first = await library.effective("SOP-207", 1, FIRST)
    trained = await reader(library)
    newcomer, password = await person_with_password(
        library.database, library.author.organization_id, "northwind", "reporter"
    )

    async def assign(**wanted: Any) -> AssignedTraining:
        return await control.reviewing.assign_training(library.author, "SOP-207", BECAUSE, **wanted)

    await assign(people=[str(trained.user_id)], revision=1)
    second = await library.approved("SOP-207", 2, SECOND, training_required=True)
    with pytest.raises(ConflictError, match="nobody is assigned"):
        await library.move(second.id, "effective")
    made = await assign(people=[str(newcomer.user_id)])
    assert (made.document, len(made.assigned), made.carried_over, made.already) == ("SOP-207 v2", 2, 1, 0)
    again = await assign(people=[str(newcomer.user_id)])
    assert (again.assigned, again.already) == ([], 2)
    assert again.warnings
    work = await MyWork(library.database).of(newcomer, limit=10)
    assert [(item.kind, item.what) for item in work.items] == [("training", "Training on SOP-207 v2")]

    with pytest.raises(ConflictError, match="open for 2 of 2 people"):
        await library.move(second.id, "effective")
    numbers = [one.split()[0] for one in made.assigned]
    for number in numbers:
        await _read_and_understood(library, number, newcomer, password)
    await library.move(second.id, "effective")
    async with library.database.transaction(library.author, read_only=True) as transaction:
        assert (await find_version(transaction, str(first.id))).status == "superseded"
    with pytest.raises(ConflictError, match="SOP-207 v1 is superseded"):
        await assign(revision=1)


async def _read_and_understood(library: Library, number: str, person: Principal, password: str) -> None:
    """Complete a training of somebody who signs it; that of others is waived by the approver."""
    writer = RecordWriter(library.database)
    async with library.database.transaction(library.author, read_only=True) as transaction:
        from qms_mcp.services.records.references import find_record

        training = await find_record(transaction, number)
    work = await MyWork(library.database).of(person, limit=10)
    if training not in {item.id for item in work.items}:
        await writer.change(
            library.author, training, None, {"waiver_reason": "On leave until the next revision"}, BECAUSE
        )
        await library.decide(training, "waived")
        return
    await library.move(training, "in_progress", who=person)
    await writer.change(person, training, None, {"completed_on": await library.today()}, BECAUSE)
    await sign(library.database, await request_step(library.database, person, training, "completed"), person, password)


async def test_training_is_assigned_by_role_and_needs_somebody(library: Library, control: DocumentControl) -> None:
    await library.approved("SOP-208", 1, FIRST, training_required=True)
    with pytest.raises(InvalidInputError, match="nobody to train on SOP-208 v1"):
        await control.reviewing.assign_training(library.author, "SOP-208", BECAUSE)
    board = await reader(library, "mrb")
    due_on = date.fromisoformat(await library.today()) + timedelta(14)
    made = await control.reviewing.assign_training(library.author, "SOP-208", BECAUSE, roles=["mrb"], due_on=due_on)
    assert len(made.assigned) == 1
    work = await MyWork(library.database).of(board, limit=10)
    assert work.items[0].due is not None
    assert work.items[0].due.date() in (due_on, due_on + timedelta(1))


async def test_another_organization_sees_none_of_it(library: Library, control: DocumentControl) -> None:
    await library.effective("SOP-209", 1, FIRST, review_every_months=1)
    stranger = await add_person(library.database, uuid4(), "fabrikam", "admin", "owner")
    assert (await control.reviewing.reviews_due(stranger, 3_000)).total == 0
    for asking in (
        control.diff(stranger, "SOP-209"),
        control.check(stranger, "SOP-209", CheckQuestion()),
        control.reviewing.assign_training(stranger, "SOP-209", BECAUSE, people=["me"]),
    ):
        with pytest.raises(NotFoundError):
            await asking
