"""Events: reporting, dispositions and reportability, up to the decision that only a person takes."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.queries import Query
from qms_mcp.errors import ConflictError, InvalidInputError, NotAllowedError, NotFoundError
from qms_mcp.services.events.field_actions import NewFieldAction
from qms_mcp.services.events.models import ProposedDisposition, Reported
from qms_mcp.services.events.reportability import Known
from qms_mcp.services.events.reporting import Event
from qms_mcp.services.events.service import Events
from qms_mcp.services.records.people import People
from qms_mcp.services.records.writing import RecordWriter
from tests.conftest import Tenants, add_person
from tests.support.people import person_with_password, sign

pytestmark = [pytest.mark.anyio, pytest.mark.shared_database]

BECAUSE = "The operator told us on the phone."
MOVE = Query("test", "SELECT r.version FROM qms.transition(%(id)s, NULL, %(to)s, %(because)s) AS r")
ROWS = Query(
    "test",
    "SELECT d.disposition, d.withdrawn_reason IS NOT NULL AS withdrawn, d.decided_by FROM qms.dispositions AS d "
    "WHERE d.record_id = %(id)s ORDER BY d.created_at, d.id",
)
COMPLAINT = Query(
    "test",
    "SELECT c.reportable, c.report_due_on, c.reportability_decided_by FROM qms.complaints AS c WHERE c.id = %(id)s",
)
ASSESSMENTS = Query("test", "SELECT count(*) AS n FROM qms.reportability_assessments AS a WHERE a.record_id = %(id)s")
LINKS = Query(
    "test",
    "SELECT i.number, l.kind FROM qms.record_links AS l INNER JOIN qms.quality_items AS i ON l.to_id = i.id "
    "WHERE l.from_id = %(id)s ORDER BY i.number",
)
REMOVAL = {
    "action_kind": "removal",
    "reason_for_action": "The motor can stop.",
    "product": "Pump",
    "initiated_on": "2026-03-02",
}


@dataclass(frozen=True)
class Site:
    """The services, and somebody for each part."""

    database: Database
    events: Events
    writer: RecordWriter
    reporter: Principal
    board: Principal
    board_password: str
    regulatory: Principal
    regulatory_password: str

    async def report(self, of_type: Any, title: str, **fields: Any) -> Reported:
        event = Event(type=of_type, title=title, happened="What was told.", fields=fields)
        return await self.events.reporting.report(self.reporter, event, BECAUSE)

    async def move(self, record_id: UUID, *states: str) -> None:
        async with self.database.transaction(self.reporter, because=BECAUSE) as transaction:
            for state in states:
                await transaction.execute(MOVE, {"id": record_id, "to": state, "because": BECAUSE})

    async def rows(self, query: Query, record_id: UUID) -> list[dict[str, Any]]:
        async with self.database.transaction(self.reporter, read_only=True) as transaction:
            return await transaction.fetch_dicts(query, {"id": record_id})


@pytest.fixture
async def site(database: Database, tenants: Tenants) -> Site:
    ours = tenants.ours.organization_id
    board, board_password = await person_with_password(database, ours, "northwind", "mrb")
    regulatory, regulatory_password = await person_with_password(database, ours, "northwind", "regulatory")
    return Site(
        database=database,
        events=Events(database),
        writer=RecordWriter(database),
        reporter=tenants.ours,
        board=board,
        board_password=board_password,
        regulatory=regulatory,
        regulatory_password=regulatory_password,
    )


def proposed(disposition: Any, quantity: str, justification: str = "") -> ProposedDisposition:
    return ProposedDisposition(disposition=disposition, quantity=Decimal(quantity), justification=justification)


async def reviewed_nonconformance(site: Site, **fields: Any) -> Reported:
    given = {"quantity_affected": 10, "unit": "pcs", "containment": "In quarantine.", **fields}
    made = await site.report("nonconformance", "Bore too wide", **given)
    await site.move(made.id, "under_review")
    return made


# Reporting ------------------------------------------------------------------------------------------------------------


async def test_an_event_becomes_a_numbered_record_and_what_is_missing_is_asked_for(site: Site) -> None:
    made = await site.report("nonconformance", "Bore too wide", part_number="P-7", area="Line 2")
    assert (made.number.split("-")[0], made.version, made.state) == ("NC", 1, "open")
    assert made.audit_seq > 0
    assert made.citation == f"{made.number} v1"
    assert any("quantity_affected" in warning and "owner_id" in warning for warning in made.warnings)
    assert made.pending is None


async def test_what_is_known_is_not_asked_for(site: Site) -> None:
    made = await site.report(
        "nonconformance",
        "Bore too wide",
        quantity_affected=3,
        containment="In quarantine.",
        contained_on="2026-03-02",
        owner_id="me",
    )
    assert made.warnings == []


async def test_earlier_records_of_the_same_part_or_with_the_same_words_are_named(site: Site) -> None:
    part = await site.report("nonconformance", "Burr at the edge", part_number="P-7")
    words = await site.report("nonconformance", "Thread gauge refuses housing")
    await site.report("nonconformance", "Label is missing")
    await site.report("deviation", "Thread gauge refuses housing")
    made = await site.report("nonconformance", "Thread gauge refuses another housing", part_number="P-7")
    assert [line.split(" ")[0] for line in made.similar] == [words.number, part.number]
    assert "same part" in made.similar[1]
    assert "4 words" in made.similar[0]


async def test_a_repeated_call_with_its_key_reports_nothing_twice(site: Site) -> None:
    event = Event(type="complaint", title="Pump leaks", happened="The nurse said so.")
    first = await site.events.reporting.report(site.reporter, event, BECAUSE, idempotency_key="call 1")
    second = await site.events.reporting.report(site.reporter, event, BECAUSE, idempotency_key="call 1")
    assert (second.id, second.number, second.version) == (first.id, first.number, first.version)
    assert second.warnings != first.warnings


async def test_a_field_that_does_not_exist_is_refused_with_those_that_do(site: Site) -> None:
    with pytest.raises(InvalidInputError) as refused:
        await site.report("nonconformance", "Bore too wide", colour="red")
    assert "colour" in refused.value.message
    assert "part_number" in refused.value.hint


async def test_a_reason_is_needed(site: Site) -> None:
    event = Event(type="complaint", title="Pump leaks", happened="The nurse said so.")
    with pytest.raises(InvalidInputError, match="reason"):
        await site.events.reporting.report(site.reporter, event, "why not")


async def test_a_day_that_is_none_is_refused(site: Site) -> None:
    event = Event(type="complaint", title="Pump leaks", happened="Said so.", fields={"occurred_at": "last Tuesday"})
    with pytest.raises(InvalidInputError, match="last Tuesday"):
        await site.events.reporting.report(site.reporter, event, BECAUSE)


async def test_a_calibration_in_tolerance_sets_when_the_next_is_due(site: Site) -> None:
    gauge = await site.report("equipment", "Bore gauge 12", interval_days=365)
    made = await site.report(
        "calibration", "Yearly", equipment=gauge.number, performed_on="2026-03-02", result="in_tolerance",
        next_due_on="2099-03-02",
    )  # fmt: skip
    assert (made.id, made.state, made.warnings) == (gauge.id, "in_service", [])
    due = await site.rows(
        Query("test", "SELECT e.calibration_due_on AS due FROM qms.equipment AS e WHERE e.id = %(id)s"), gauge.id
    )
    assert due == [{"due": date(2099, 3, 2)}]


async def test_a_calibration_out_of_tolerance_blocks_the_instrument_at_once(site: Site) -> None:
    gauge = await site.report("equipment", "Bore gauge 12", interval_days=365)
    made = await site.report(
        "calibration", "Yearly", equipment=gauge.number, performed_on="2026-03-02", result="out_of_tolerance",
        as_found="+0.03",
    )  # fmt: skip
    assert (made.id, made.state) == (gauge.id, "out_of_tolerance")
    assert any("supplier_equipment_status" in warning for warning in made.warnings)


async def test_a_calibration_without_equipment_is_refused(site: Site) -> None:
    with pytest.raises(InvalidInputError, match="equipment"):
        await site.report("calibration", "Yearly", performed_on="2026-03-02", result="in_tolerance")


# People ---------------------------------------------------------------------------------------------------------------


async def test_a_person_is_found_by_name_address_id_or_me(site: Site, database: Database, tenants: Tenants) -> None:
    people = People(database)
    name = f"Person {site.board.user_id.hex[:6]}"
    for reference in (name, f"  {name.upper()} ", str(site.board.user_id), site.board.email or ""):
        assert await people.resolve(site.reporter, reference) == site.board.user_id
    assert await people.resolve(site.reporter, "me") == site.reporter.user_id
    with pytest.raises(NotFoundError, match="owner_id"):
        await people.resolve(site.reporter, tenants.theirs.email or "", field="owner_id")


async def test_a_name_that_two_people_share_is_refused_and_both_are_named(site: Site, database: Database) -> None:
    twins = [await add_person(database, site.reporter.organization_id, "northwind", "reporter") for _ in range(2)]
    rename = Query("test", "UPDATE qms.people SET printed_name = 'Alex Kim' WHERE user_id = ANY(%(ids)s)")
    async with database.owner_transaction() as transaction:
        await transaction.execute(Query("test", "SET LOCAL ROLE qms_definer"))
        await transaction.execute(rename, {"ids": [twin.user_id for twin in twins]})
    with pytest.raises(InvalidInputError) as refused:
        await People(database).resolve(site.reporter, "alex kim")
    assert all(str(twin.user_id) in refused.value.hint for twin in twins)


async def test_a_misspelt_name_is_answered_with_the_one_that_is_near(site: Site, database: Database) -> None:
    name = f"Person {site.board.user_id.hex[:6]}"
    with pytest.raises(NotFoundError) as refused:
        await People(database).resolve(site.reporter, name[:-1])
    assert name in refused.value.hint


# Dispositions ---------------------------------------------------------------------------------------------------------


async def test_a_complete_proposal_asks_the_board_and_decides_nothing(site: Site) -> None:
    record = await reviewed_nonconformance(site)
    made = await site.events.dispositions.propose(
        site.reporter, record.number, [proposed("rework", "8"), proposed("scrap", "2")], BECAUSE
    )
    assert made.state == "under_review"
    assert made.quantities == "10 of 10 pcs dispositioned, 0 remain"
    assert made.pending is not None
    assert "mrb" in made.pending.message
    assert [row["decided_by"] for row in await site.rows(ROWS, record.id)] == [None, None]


async def test_the_board_decides_and_only_then_the_dispositions_count(site: Site) -> None:
    record = await reviewed_nonconformance(site)
    made = await site.events.dispositions.propose(site.reporter, record.number, [proposed("scrap", "10")], BECAUSE)
    assert made.pending is not None
    decided = await sign(site.database, made.pending.approval_id, site.board, site.board_password)
    assert decided.state == "dispositioned"
    assert [row["decided_by"] for row in await site.rows(ROWS, record.id)] == [site.board.user_id]


async def test_who_reported_it_does_not_disposition_it_even_as_a_member_of_the_board(site: Site) -> None:
    member, password = await person_with_password(
        site.database, site.reporter.organization_id, "northwind", "owner", "mrb"
    )
    given = {"quantity_affected": 10, "containment": "In quarantine."}
    event = Event(type="nonconformance", title="Bore too wide", happened="What was told.", fields=given)
    record = await site.events.reporting.report(member, event, BECAUSE)
    await site.move(record.id, "under_review")
    made = await site.events.dispositions.propose(site.reporter, record.number, [proposed("scrap", "10")], BECAUSE)
    assert made.pending is not None
    with pytest.raises(NotAllowedError):
        await sign(site.database, made.pending.approval_id, member, password)
    decided = await sign(site.database, made.pending.approval_id, site.board, site.board_password)
    assert decided.state == "dispositioned"


async def test_an_incomplete_proposal_is_kept_and_nobody_is_asked(site: Site) -> None:
    record = await reviewed_nonconformance(site)
    made = await site.events.dispositions.propose(site.reporter, record.number, [proposed("scrap", "4")], BECAUSE)
    assert made.pending is None
    assert any("6 remain" in why for why in made.blocked)
    assert len(await site.rows(ROWS, record.id)) == 1


async def test_a_proposal_before_the_review_says_which_step_comes_first(site: Site) -> None:
    record = await site.report("nonconformance", "Bore too wide", quantity_affected=10)
    made = await site.events.dispositions.propose(site.reporter, record.number, [proposed("scrap", "10")], BECAUSE)
    assert made.pending is None
    assert any("contain" in why for why in made.blocked)


async def test_the_same_proposal_twice_is_one_and_another_replaces_it(site: Site) -> None:
    record = await reviewed_nonconformance(site)
    first = await site.events.dispositions.propose(site.reporter, record.number, [proposed("scrap", "10")], BECAUSE)
    again = await site.events.dispositions.propose(site.reporter, record.number, [proposed("scrap", "10.0")], BECAUSE)
    assert first.pending is not None
    assert again.pending is not None
    assert (again.version, again.pending.approval_id) == (first.version, first.pending.approval_id)
    await site.events.dispositions.propose(site.reporter, record.number, [proposed("rework", "10")], BECAUSE)
    assert [(row["disposition"], row["withdrawn"]) for row in await site.rows(ROWS, record.id)] == [
        ("scrap", True),
        ("rework", False),
    ]


@pytest.mark.parametrize(
    ("given", "kind", "words"),
    [
        ([proposed("scrap", "11")], ConflictError, "11"),
        ([proposed("scrap", "6"), proposed("rework", "5")], ConflictError, "5 is more than the 4"),
        ([proposed("use_as_is", "10")], InvalidInputError, "justification"),
    ],
    ids=["too much", "too much in all", "a concession without justification"],
)
async def test_a_proposal_that_does_not_add_up_is_refused_and_nothing_is_kept(
    site: Site, given: list[ProposedDisposition], kind: type[Exception], words: str
) -> None:
    record = await reviewed_nonconformance(site)
    with pytest.raises(kind, match=words):
        await site.events.dispositions.propose(site.reporter, record.number, given, BECAUSE)
    assert await site.rows(ROWS, record.id) == []


async def test_without_the_affected_quantity_nothing_is_proposed(site: Site) -> None:
    record = await site.report("nonconformance", "Bore too wide")
    with pytest.raises(InvalidInputError, match="quantity"):
        await site.events.dispositions.propose(site.reporter, record.number, [proposed("scrap", "1")], BECAUSE)


async def test_only_a_nonconformance_is_dispositioned(site: Site) -> None:
    record = await site.report("complaint", "Pump leaks")
    with pytest.raises(InvalidInputError, match="a complaint"):
        await site.events.dispositions.propose(site.reporter, record.number, [proposed("scrap", "1")], BECAUSE)


# Reportability --------------------------------------------------------------------------------------------------------


async def triaged_complaint(site: Site, **fields: Any) -> Reported:
    given = {"product": "Pump", "received_on": "2026-03-03", "aware_on": "2026-03-02", "event_type": "malfunction"}
    made = await site.report("complaint", "Pump stopped", **{**given, **fields})
    await site.move(made.id, "triage", "reportability")
    return made


async def test_a_serious_injury_is_proposed_to_be_reported_and_a_person_decides(site: Site) -> None:
    record = await triaged_complaint(site)
    answers = {"death": False, "serious_injury": True, "remedial_action": False, "fda_requested": False}
    made = await site.events.reportability.assess(site.reporter, record.number, Known(answers), BECAUSE)
    assert (made.proposal, made.report_due_on, made.ask) == ("report", "2026-04-01", [])
    assert any(line.startswith("803.3") for line in made.path)
    assert made.pending is not None
    assert (await site.rows(COMPLAINT, record.id))[0]["reportable"] is None
    await sign(site.database, made.pending.approval_id, site.regulatory, site.regulatory_password)
    assert await site.rows(COMPLAINT, record.id) == [
        {
            "reportable": True,
            "report_due_on": date(2026, 4, 1),
            "reportability_decided_by": site.regulatory.user_id,
        }
    ]


async def test_open_questions_are_listed_and_nobody_is_asked_to_decide(site: Site) -> None:
    record = await triaged_complaint(site)
    made = await site.events.reportability.assess(site.reporter, record.number, Known({"death": False}), BECAUSE)
    assert made.proposal == "undetermined"
    assert any("serious injury" in question for question in made.ask)
    assert made.pending is None
    assert any("undetermined" in why for why in made.blocked)
    # The shortest clock that could run is shown as running: five work days after the 2nd of March.
    assert made.report_due_on == "2026-03-09"


async def test_the_same_answers_twice_are_one_assessment(site: Site) -> None:
    record = await triaged_complaint(site)
    known = Known({"death": True, "remedial_action": False, "fda_requested": False})
    first = await site.events.reportability.assess(site.reporter, record.number, known, BECAUSE)
    again = await site.events.reportability.assess(site.reporter, record.number, known, BECAUSE)
    assert await site.rows(ASSESSMENTS, record.id) == [{"n": 1}]
    assert first.version == again.version


async def test_a_clock_starts_on_the_day_the_company_became_aware(site: Site) -> None:
    record = await site.report("complaint", "Pump stopped", product="Pump")
    answers = {"death": True, "remedial_action": False, "fda_requested": False}
    without = await site.events.reportability.assess(site.reporter, record.number, Known(answers), BECAUSE)
    assert without.report_due_on is None
    assert any("aware" in question for question in without.ask)
    known = Known(answers, aware_on=date(2026, 3, 2))
    made = await site.events.reportability.assess(site.reporter, record.number, known, BECAUSE)
    assert made.report_due_on == "2026-04-01"
    other = Known(answers, aware_on=date(2026, 3, 20))
    with pytest.raises(InvalidInputError, match="2026-03-02"):
        await site.events.reportability.assess(site.reporter, record.number, other, BECAUSE)


async def test_a_question_that_does_not_exist_is_refused(site: Site) -> None:
    record = await triaged_complaint(site)
    with pytest.raises(InvalidInputError, match="bad_luck"):
        await site.events.reportability.assess(site.reporter, record.number, Known({"bad_luck": True}), BECAUSE)


async def test_what_is_not_reportable_may_go_without_investigation_when_a_reason_is_named(site: Site) -> None:
    record = await triaged_complaint(site, no_investigation_reason="A duplicate of the one before.")
    answers = {"death": False, "serious_injury": False, "malfunction": False}
    made = await site.events.reportability.assess(site.reporter, record.number, Known(answers), BECAUSE)
    assert made.proposal == "not_reportable"
    assert made.pending is not None
    decided = await sign(site.database, made.pending.approval_id, site.regulatory, site.regulatory_password)
    assert decided.state == "no_investigation"


# Field actions --------------------------------------------------------------------------------------------------------


async def test_a_field_action_is_linked_to_its_source_and_shows_its_clock(site: Site) -> None:
    source = await site.report("complaint", "Pump stopped", product="Pump")
    new = NewFieldAction(
        title="Pumps of lot 7 come back",
        sources=[source.number],
        fields=REMOVAL,
        answers={"correction_or_removal": True, "exempt": False, "already_reported": False, "reduces_risk": True},
    )
    made = await site.events.field_actions.open(site.reporter, new, BECAUSE, idempotency_key="one")
    assert (made.proposal, made.report_due_on, made.state) == ("report", "2026-03-16", "draft")
    assert await site.rows(LINKS, made.id) == [{"number": source.number, "kind": "caused_by"}]
    again = await site.events.field_actions.open(site.reporter, new, BECAUSE, idempotency_key="one")
    assert (again.id, again.version) == (made.id, made.version)


async def test_the_decision_about_a_field_action_is_asked_for_once_it_is_complete(site: Site) -> None:
    source = await site.report("complaint", "Pump stopped", product="Pump")
    answers = {"correction_or_removal": True, "exempt": False, "already_reported": False, "reduces_risk": True}
    new = NewFieldAction(
        title="Pumps of lot 7 come back",
        sources=[source.number],
        fields={**REMOVAL, "health_hazard": "Infusion stops."},
        answers={},
    )
    opened = await site.events.field_actions.open(site.reporter, new, BECAUSE)
    assert opened.proposal == "undetermined"
    await site.move(opened.id, "assessment")
    made = await site.events.reportability.assess(site.reporter, opened.number, Known(answers), BECAUSE)
    assert made.pending is not None
    decided = await sign(site.database, made.pending.approval_id, site.regulatory, site.regulatory_password)
    assert decided.state == "executing"


async def test_a_source_that_does_not_exist_opens_no_field_action(site: Site) -> None:
    new = NewFieldAction(title="Back", sources=["NC-2026-9999"], fields=REMOVAL, answers={})
    with pytest.raises(NotFoundError, match="NC-2026-9999"):
        await site.events.field_actions.open(site.reporter, new, BECAUSE)


async def test_records_of_another_organization_do_not_exist(site: Site, tenants: Tenants) -> None:
    record = await reviewed_nonconformance(site)
    with pytest.raises(NotFoundError):
        await site.events.dispositions.propose(tenants.theirs, str(record.id), [proposed("scrap", "1")], BECAUSE)


async def test_an_auditor_reports_nothing(site: Site, tenants: Tenants) -> None:
    event = Event(type="complaint", title="Pump leaks", happened="Said so.")
    with pytest.raises(NotAllowedError):
        await site.events.reporting.report(tenants.auditor, event, BECAUSE)
