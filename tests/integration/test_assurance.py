"""Changes, audits, risks, training, suppliers and equipment."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.queries import Query
from qms_mcp.errors import InvalidInputError, NotFoundError
from qms_mcp.services.audits import Audits
from qms_mcp.services.audits.models import NewAudit, NewFinding
from qms_mcp.services.changes import ASPECTS, Changes, Impact, NewChange
from qms_mcp.services.events.reporting import Event
from qms_mcp.services.events.service import Events
from qms_mcp.services.records.models import Written
from qms_mcp.services.records.writing import RecordWriter
from qms_mcp.services.risks import Risks
from qms_mcp.services.risks.models import Control, RiskInput
from qms_mcp.services.suppliers import StatusQuestion, Suppliers
from qms_mcp.services.trainings import TrainingQuestion, Trainings
from tests.conftest import Tenants, add_person
from tests.support.in_process import client_for
from tests.support.people import person_with_password, sign

pytestmark = [pytest.mark.anyio, pytest.mark.shared_database]

BECAUSE = "The review of last week asked for it."
REQUEST = Query("test", "SELECT a.id FROM qms.request_decision(%(id)s, NULL, %(to)s, NULL, %(because)s) AS a")
MOVE = Query("test", "SELECT r.version FROM qms.transition(%(id)s, NULL, %(to)s, %(because)s) AS r")
STEPS = Query("test", "SELECT s.to_state, s.blocked FROM qms.next_steps(%(id)s) AS s")
LINKS = Query(
    "test",
    "SELECT i.number, l.kind FROM qms.record_links AS l INNER JOIN qms.quality_items AS i ON l.to_id = i.id "
    "WHERE l.from_id = %(id)s ORDER BY i.number",
)
IMPACTS = Query(
    "test", "SELECT a.aspect, a.impact FROM qms.impact_assessments AS a WHERE a.record_id = %(id)s ORDER BY a.aspect"
)
CHECKLIST = Query("test", "SELECT a.checklist, a.criteria FROM qms.audits AS a WHERE a.id = %(id)s")
RISK = Query(
    "test",
    "SELECT r.rpn, r.action_priority FROM qms.risks AS r WHERE r.id = %(id)s",
)
TODAY = datetime.now(UTC).date()


@dataclass(frozen=True)
class Site:
    """The services, and who works with them."""

    database: Database
    writer: RecordWriter
    who: Principal
    approver: Principal
    approver_password: str

    async def report(self, of_type: Any, title: str, **fields: Any) -> Written:
        event = Event(type=of_type, title=title, happened="As told.", fields=fields)
        return await Events(self.database).reporting.report(self.who, event, BECAUSE)

    async def move(self, record_id: UUID, *states: str) -> None:
        async with self.database.transaction(self.who, because=BECAUSE) as transaction:
            for state in states:
                await transaction.execute(MOVE, {"id": record_id, "to": state, "because": BECAUSE})

    async def decide(self, record_id: UUID, to_state: str, who: Principal, password: str) -> None:
        async with self.database.transaction(self.who, because=BECAUSE) as transaction:
            rows = await transaction.fetch_dicts(REQUEST, {"id": record_id, "to": to_state, "because": BECAUSE})
        await sign(self.database, rows[0]["id"], who, password)

    async def rows(self, query: Query, record_id: UUID) -> list[dict[str, Any]]:
        async with self.database.transaction(self.who, read_only=True) as transaction:
            return await transaction.fetch_dicts(query, {"id": record_id})

    async def effective_document(self, title: str, number: str, revision: int) -> Written:
        """Add a document version and take it all the way."""
        made = await self.report(
            "document",
            title,
            document_number=number,
            revision=revision,
            document_type="SOP",
            author_id="me",
            content=f"Do it as revision {revision} says.",
            planned_effective_on=(TODAY - timedelta(days=1)).isoformat(),
            training_required=True,
            training_waiver="Trained after release.",
        )
        await self.move(made.id, "in_review")
        await self.decide(made.id, "approved", self.approver, self.approver_password)
        await self.move(made.id, "effective")
        return made


@pytest.fixture
async def site(database: Database, tenants: Tenants) -> Site:
    ours = tenants.ours.organization_id
    approver, password = await person_with_password(database, ours, "northwind", "qa_approver")
    return Site(database, RecordWriter(database), tenants.ours, approver, password)


# Changes --------------------------------------------------------------------------------------------------------------

WANTED = {
    "title": "Sharper drill",
    "proposed_change": "Drill B in the place of A.",
    "justification": "Less burr.",
    "change_kind": "process",
}


def impact(aspect: Any, words: str = "None: the geometry stays.", *, affected: bool = False) -> Impact:
    return Impact(aspect=aspect, affected=affected, impact=words)


async def test_a_change_says_which_aspects_nobody_has_assessed(site: Site) -> None:
    changes = Changes(site.database)
    made = await changes.request(site.who, NewChange(fields=WANTED, impacts=[impact("safety")]), BECAUSE)
    assert (made.number.split("-")[0], made.state) == ("CR", "draft")
    assert made.missing_aspects == [aspect for aspect in ASPECTS if aspect != "safety"]
    more = NewChange(record=made.number, impacts=[impact(aspect) for aspect in made.missing_aspects])
    done = await changes.request(site.who, more, BECAUSE)
    assert done.missing_aspects == []
    assert done.version == made.version + 1
    await site.move(made.id, "impact_assessment")
    blocked = {row["to_state"]: row["blocked"] for row in await site.rows(STEPS, made.id)}
    assert blocked["approved"] == []


async def test_an_aspect_assessed_again_replaces_what_was_said(site: Site) -> None:
    changes = Changes(site.database)
    made = await changes.request(site.who, NewChange(fields=WANTED, impacts=[impact("training")]), BECAUSE)
    again = impact("training", "Two operators learn it.", affected=True)
    second = await changes.request(site.who, NewChange(record=made.number, impacts=[again]), BECAUSE)
    assert any("training" in warning for warning in second.warnings)
    assert await site.rows(IMPACTS, made.id) == [{"aspect": "training", "impact": "Two operators learn it."}]


async def test_what_hangs_together_with_the_affected_records_is_named_and_not_linked(site: Site) -> None:
    source = await site.report("nonconformance", "Burr at the edge")
    supplier = await site.report("supplier", "Drills and more")
    equipment = await site.report("equipment", "Drill press 4")
    await site.writer.link(site.who, equipment.id, supplier.id, "relates_to", BECAUSE)
    unrelated = await site.report("equipment", "Oven 2")
    new = NewChange(fields=WANTED, implements=[source.number], affects=[equipment.number])
    made = await Changes(site.database).request(site.who, new, BECAUSE)
    assert [line.split(" ")[0] for line in made.may_affect] == [supplier.number]
    assert not any(unrelated.number in line for line in made.may_affect)
    assert sorted((row["number"], row["kind"]) for row in await site.rows(LINKS, made.id)) == sorted(
        [(source.number, "implements"), (equipment.number, "affects")]
    )


async def test_a_new_change_needs_to_say_what_and_why(site: Site) -> None:
    with pytest.raises(InvalidInputError, match="justification"):
        await Changes(site.database).request(
            site.who, NewChange(fields={"title": "A", "proposed_change": "B"}), BECAUSE
        )


async def test_a_change_of_a_record_that_is_none_is_refused(site: Site) -> None:
    record = await site.report("nonconformance", "Burr at the edge")
    with pytest.raises(InvalidInputError, match="a change request"):
        await Changes(site.database).request(site.who, NewChange(record=record.number), BECAUSE)


async def test_a_change_requested_twice_with_its_key_is_one(site: Site) -> None:
    changes, new = Changes(site.database), NewChange(fields=WANTED, impacts=[impact("safety")])
    first = await changes.request(site.who, new, BECAUSE, idempotency_key="one")
    again = await changes.request(site.who, new, BECAUSE, idempotency_key="one")
    assert (again.id, again.version, again.missing_aspects) == (first.id, first.version, first.missing_aspects)


# Audits ---------------------------------------------------------------------------------------------------------------


async def test_an_audit_has_its_checklist_from_the_clauses_and_its_sample(site: Site) -> None:
    record = await site.report("nonconformance", "Burr at the edge")
    new = NewAudit(
        title="Production",
        framework="ISO 13485:2016",
        fields={"scope": "Line 2", "lead_auditor": site.approver.email},
        clauses=["8.2"],
    )
    made = await Audits(site.database).plan(site.who, new, BECAUSE)
    kept = (await site.rows(CHECKLIST, made.id))[0]
    numbers = [item["clause"] for item in kept["checklist"]["clauses"]]
    assert len(numbers) == made.clauses > 1
    assert all(number.startswith("8.2") for number in numbers)
    assert kept["criteria"] == made.framework == "ISO 13485:2016"
    assert [item["number"] for item in kept["checklist"]["sample"]] == [record.number]
    assert made.warnings == []


async def test_the_same_plan_draws_the_same_sample(site: Site) -> None:
    for place in range(12):
        await site.report("nonconformance", f"Burr {place}")
    new = NewAudit(
        title="Production", framework="ISO 13485:2016", fields={"scope": "Line 2"}, clauses=["8.3"], sample_of_each=3
    )
    audits = Audits(site.database)
    first = await audits.plan(site.who, new, BECAUSE)
    second = await audits.plan(site.who, new, BECAUSE)
    assert first.id != second.id
    assert len(first.sample) == 3
    assert first.sample == second.sample


async def test_an_auditor_of_the_own_area_or_work_is_warned_about(site: Site) -> None:
    record = await site.report("nonconformance", "Burr at the edge")
    new = NewAudit(
        title="Production",
        framework="ISO 13485:2016",
        fields={"scope": "Line 2", "lead_auditor": "me", "area_responsible": "me"},
        clauses=["8.3"],
    )
    made = await Audits(site.database).plan(site.who, new, BECAUSE)
    assert any("Not independent" in warning for warning in made.warnings)
    assert any(record.number in warning for warning in made.warnings)


async def test_an_unknown_framework_or_clause_is_refused(site: Site) -> None:
    audits = Audits(site.database)
    with pytest.raises(NotFoundError, match="ISO 99999"):
        await audits.plan(site.who, NewAudit(title="A", framework="ISO 99999", fields={}), BECAUSE)
    with pytest.raises(InvalidInputError, match=r"99\.9"):
        await audits.plan(
            site.who, NewAudit(title="A", framework="ISO 13485:2016", fields={}, clauses=["99.9"]), BECAUSE
        )


async def planned(site: Site) -> Written:
    new = NewAudit(title="Production", framework="ISO 13485:2016", fields={"scope": "Line 2"}, clauses=["8.3"])
    return await Audits(site.database).plan(site.who, new, BECAUSE)


FOUND = {
    "grade": "major",
    "clause": "8.3",
    "objective_evidence": "Tag 14 has no disposition.",
    "capa_required": False,
    "capa_rationale": "A single tag; corrected at once.",
}


async def test_a_finding_is_linked_to_its_audit_and_to_what_it_was_seen_in(site: Site) -> None:
    audit, record = await planned(site), await site.report("nonconformance", "Burr at the edge")
    new = NewFinding(audit=audit.number, title="No disposition", fields=FOUND, about=[record.number])
    made = await Audits(site.database).record_finding(site.who, new, BECAUSE)
    assert (made.number.split("-")[0], made.state) == ("FND", "open")
    assert sorted((row["number"], row["kind"]) for row in await site.rows(LINKS, made.id)) == [
        (audit.number, "caused_by"),
        (record.number, "relates_to"),
    ]


async def test_a_finding_without_evidence_or_decision_about_a_capa_is_refused(site: Site) -> None:
    audit = await planned(site)
    new = NewFinding(audit=audit.number, title="No disposition", fields={"grade": "minor", "clause": "8.3"})
    with pytest.raises(InvalidInputError, match=r"objective_evidence.*capa_required"):
        await Audits(site.database).record_finding(site.who, new, BECAUSE)


async def test_a_clause_that_is_not_on_the_checklist_is_pointed_out(site: Site) -> None:
    audit = await planned(site)
    new = NewFinding(audit=audit.number, title="Skills", fields={**FOUND, "clause": "6.2"})
    made = await Audits(site.database).record_finding(site.who, new, BECAUSE)
    assert any("6.2" in warning for warning in made.warnings)


# Risks ----------------------------------------------------------------------------------------------------------------


async def test_a_line_of_an_fmea_is_rated_by_the_table_and_not_by_the_product(site: Site) -> None:
    fields = {"title": "Seal leaks", "method": "fmea", "failure_mode": "leaks"}
    severe = RiskInput(fields=fields, ratings={"severity": 9, "occurrence": 4, "detection": 2})
    mild = RiskInput(fields=fields, ratings={"severity": 3, "occurrence": 5, "detection": 5})
    risks = Risks(site.database)
    first = await risks.assess(site.who, severe, BECAUSE)
    second = await risks.assess(site.who, mild, BECAUSE)
    assert first.numbers == {"rpn": 72, "action_priority": "H"}
    assert second.numbers == {"rpn": 75, "action_priority": "L"}
    stored = (await site.rows(RISK, first.id))[0]
    assert (stored["rpn"], stored["action_priority"]) == (72, "H")


async def test_the_residual_risk_is_rated_with_its_controls(site: Site) -> None:
    risks = Risks(site.database)
    made = await risks.assess(
        site.who,
        RiskInput(
            fields={"title": "Air in the line", "method": "iso14971", "hazard": "air", "harm": "embolism"},
            ratings={"severity": 5, "probability": 4},
        ),
        BECAUSE,
    )
    assert made.numbers == {"acceptability": "unacceptable"}
    residual = {"residual_severity": 5, "residual_probability": 1}
    with pytest.raises(InvalidInputError, match="control"):
        await risks.assess(site.who, RiskInput(record=made.number, ratings=residual), BECAUSE)
    detector = Control(control_kind="protective", description="Air detector stops the pump.")
    after = await risks.assess(site.who, RiskInput(record=made.number, ratings=residual, controls=[detector]), BECAUSE)
    assert after.numbers == {"acceptability": "unacceptable", "residual_acceptability": "as_low_as_possible"}
    assert after.version == made.version + 1
    assert any("not both verified" in note for note in after.warnings)
    again = await risks.assess(site.who, RiskInput(record=made.number, controls=[detector]), BECAUSE)
    assert again.version == after.version


@pytest.mark.parametrize(
    ("fields", "ratings", "words"),
    [
        ({"method": "fmea"}, {"severity": 5, "occurrence": 4}, "detection"),
        ({"method": "fmea"}, {}, "rated by"),
        ({}, {"severity": 5, "probability": 4}, "method"),
        ({"method": "iso14971"}, {"severity": 6, "probability": 4}, "from 1 to 5"),
        ({"method": "fmea", "action_priority": "L"}, {"severity": 9}, "computed"),
        ({"method": "fmea"}, {"luck": 9}, "luck"),
    ],
    ids=["one is missing", "none", "no method", "off the scale", "computed", "no such rating"],
)
async def test_what_can_not_be_rated_is_refused_and_leaves_no_record(
    site: Site, fields: dict[str, Any], ratings: dict[str, int], words: str
) -> None:
    with pytest.raises(InvalidInputError, match=words):
        await Risks(site.database).assess(
            site.who, RiskInput(fields={"title": "Seal leaks", **fields}, ratings=ratings), BECAUSE
        )
    made = await Risks(site.database).assess(
        site.who,
        RiskInput(
            fields={"title": "Seal leaks", "method": "fmea"}, ratings={"severity": 1, "occurrence": 1, "detection": 1}
        ),
        BECAUSE,
    )
    assert made.number.endswith("-0001")


async def test_the_criteria_of_the_organization_count(site: Site) -> None:
    strict = {
        "severities": ["low", "high"],
        "probabilities": ["rare", "often"],
        "regions": [["acceptable", "unacceptable"], ["unacceptable", "unacceptable"]],
    }
    own = Query(
        "test",
        "UPDATE qms.organizations SET settings = settings || jsonb_build_object('risk_matrix', %(matrix)s::jsonb) "
        "WHERE id = %(id)s",
    )
    async with site.database.owner_transaction() as transaction:
        await transaction.connection.execute(b"ALTER TABLE qms.organizations NO FORCE ROW LEVEL SECURITY")
        await transaction.execute(own, {"matrix": json.dumps(strict), "id": site.who.organization_id})
        await transaction.connection.execute(b"ALTER TABLE qms.organizations FORCE ROW LEVEL SECURITY")
    made = await Risks(site.database).assess(
        site.who,
        RiskInput(fields={"title": "Air", "method": "iso14971"}, ratings={"severity": 2, "probability": 1}),
        BECAUSE,
    )
    assert made.rating == "high (2) x rare (1): unacceptable"


# Training -------------------------------------------------------------------------------------------------------------


async def test_who_is_assigned_and_not_trained_is_a_gap_and_the_overdue_come_first(site: Site) -> None:
    document = await site.effective_document("Deburring", "SOP-7", 1)
    late = await add_person(site.database, site.who.organization_id, "northwind", "reporter")
    soon = await add_person(site.database, site.who.organization_id, "northwind", "reporter")
    trainings = Trainings(site.database)
    await trainings.assign(site.who, document.number, [str(soon.user_id)], BECAUSE)
    yesterday = TODAY - timedelta(days=1)
    assigned = await trainings.assign(site.who, document.number, [str(late.user_id)], BECAUSE, due_on=yesterday)
    status = await trainings.status(site.who, TrainingQuestion())
    assert [(row.person, row.standing) for row in status.rows] == [
        (f"Person {late.user_id.hex[:6]}", "overdue"),
        (f"Person {soon.user_id.hex[:6]}", "open"),
    ]
    assert status.rows[0].assignment == assigned[0].citation.replace(" v1", f" v{assigned[0].version}")
    assert status.total == 2
    assert status.nobody_assigned == []


async def test_training_assigned_twice_is_one_assignment(site: Site) -> None:
    document = await site.effective_document("Deburring", "SOP-7", 1)
    trainings = Trainings(site.database)
    first = await trainings.assign(site.who, document.number, ["me"], BECAUSE)
    again = await trainings.assign(site.who, document.number, ["me"], BECAUSE)
    assert [made.id for made in again] == [made.id for made in first]
    assert (await trainings.status(site.who, TrainingQuestion())).total == 1


async def test_who_was_trained_on_a_former_version_only_is_a_gap_of_the_new_one(site: Site) -> None:
    old = await site.effective_document("Deburring", "SOP-7", 1)
    person, password = await person_with_password(site.database, site.who.organization_id, "northwind", "reporter")
    trainings = Trainings(site.database)
    made = (await trainings.assign(site.who, old.number, [str(person.user_id)], BECAUSE))[0]
    await site.writer.change(site.who, made.id, None, {"completed_on": TODAY.isoformat()}, BECAUSE)
    await site.move(made.id, "in_progress")
    await site.decide(made.id, "completed", person, password)
    assert (await trainings.status(site.who, TrainingQuestion())).rows == []
    new = await site.effective_document("Deburring", "SOP-7", 2)
    rows = (await trainings.status(site.who, TrainingQuestion())).rows
    assert [(row.standing, row.trained_on, row.document.split(" ")[0]) for row in rows] == [
        ("not_assigned", 1, new.number)
    ]


async def test_a_document_that_needs_training_and_has_nobody_is_named(site: Site) -> None:
    document = await site.effective_document("Deburring", "SOP-7", 1)
    status = await Trainings(site.database).status(site.who, TrainingQuestion())
    assert status.total == 0
    assert [line.split(" ")[0] for line in status.nobody_assigned] == [document.number]


async def test_the_matrix_counts_by_person_document_and_role(site: Site) -> None:
    document = await site.effective_document("Deburring", "SOP-7", 1)
    other = await add_person(site.database, site.who.organization_id, "northwind", "reporter", "mrb")
    trainings = Trainings(site.database)
    await trainings.assign(site.who, document.number, ["me", str(other.user_id)], BECAUSE)
    people = await trainings.status(site.who, TrainingQuestion(by="person"))
    assert [row.lacking for row in people.rows] == [1, 1]
    documents = await trainings.status(site.who, TrainingQuestion(by="document"))
    assert [(row.document.split(" ")[0], row.lacking, row.done) for row in documents.rows] == [(document.number, 2, 0)]
    roles = await trainings.status(site.who, TrainingQuestion(by="role"))
    assert {row.person: row.lacking for row in roles.rows} == {
        "admin": 1,
        "owner": 1,
        "approver": 1,
        "reporter": 1,
        "mrb": 1,
    }
    board = await trainings.status(site.who, TrainingQuestion(role="mrb"))
    assert [row.person for row in board.rows] == [f"Person {other.user_id.hex[:6]}"]


async def test_gaps_come_in_pages(site: Site) -> None:
    document = await site.effective_document("Deburring", "SOP-7", 1)
    people = [await add_person(site.database, site.who.organization_id, "northwind", "reporter") for _ in range(3)]
    trainings = Trainings(site.database)
    await trainings.assign(site.who, document.number, [str(person.user_id) for person in people], BECAUSE)
    first = await trainings.status(site.who, TrainingQuestion(limit=2))
    assert (len(first.rows), first.total) == (2, 3)
    second = await trainings.status(site.who, TrainingQuestion(limit=2, cursor=first.next_cursor))
    assert (len(second.rows), second.next_cursor) == (1, None)
    assert {row.person for row in first.rows} & {row.person for row in second.rows} == set()
    with pytest.raises(InvalidInputError, match="cursor"):
        await trainings.status(site.who, TrainingQuestion(cursor="x"))


# Suppliers and equipment ----------------------------------------------------------------------------------------------


async def test_suppliers_show_open_requests_and_those_that_need_nothing_are_left_out(site: Site) -> None:
    supplier = await site.report(
        "supplier",
        "Drills and more",
        supplied_scope="Drills",
        approval_basis="Audit",
        evaluated_on=TODAY.isoformat(),
        reevaluation_due_on=(TODAY + timedelta(days=300)).isoformat(),
        score=91,
    )
    await site.move(supplier.id, "evaluated")
    await site.decide(supplier.id, "approved", site.approver, site.approver_password)
    suppliers = Suppliers(site.database)
    assert (await suppliers.status(site.who, StatusQuestion("suppliers"))).rows == []
    await site.report("scar", "Wrong drill delivered", supplier_id=supplier.number)
    rows = (await suppliers.status(site.who, StatusQuestion("suppliers"))).rows
    assert [(row["state"], row["open_scars"], row["overdue"]) for row in rows] == [("approved", 1, False)]
    assert rows[0]["citation"].startswith(supplier.number)


async def test_equipment_that_is_overdue_is_listed_and_the_rest_only_on_request(site: Site) -> None:
    overdue = await site.report("equipment", "Gauge A", calibration_due_on=(TODAY - timedelta(days=3)).isoformat())
    fine = await site.report("equipment", "Gauge B", calibration_due_on=(TODAY + timedelta(days=200)).isoformat())
    suppliers = Suppliers(site.database)
    listed = await suppliers.status(site.who, StatusQuestion("equipment"))
    assert [(row["citation"].split(" ")[0], row["overdue"]) for row in listed.rows] == [(overdue.number, True)]
    everything = await suppliers.status(site.who, StatusQuestion("equipment", everything=True))
    assert [row["citation"].split(" ")[0] for row in everything.rows] == [overdue.number, fine.number]


async def test_the_impact_of_a_bad_instrument_is_what_was_recorded_since_it_was_good(site: Site) -> None:
    gauge = await site.report("equipment", "Bore gauge", asset_number="BG-1", interval_days=365)
    day = (TODAY - timedelta(days=60)).isoformat()
    await site.report(
        "calibration",
        "Yearly",
        equipment=gauge.number,
        performed_on=day,
        result="in_tolerance",
        next_due_on="2099-01-01",
    )
    before = await site.report(
        "nonconformance", "Measured with BG-1 long ago", occurred_at=(TODAY - timedelta(days=90)).isoformat()
    )
    linked = await site.report("nonconformance", "Bore too wide", occurred_at=(TODAY - timedelta(days=9)).isoformat())
    await site.writer.link(site.who, linked.id, gauge.id, "relates_to", BECAUSE)
    named = await site.report("nonconformance", "Bore too small", metadata={"gauge": "BG-1"})
    other = await site.report("nonconformance", "Bore too small, by BG-12")
    suppliers, question = Suppliers(site.database), StatusQuestion("equipment", record=gauge.number)
    assert (await suppliers.status(site.who, question)).impact is None
    await site.report(
        "calibration", "Again", equipment=gauge.number, performed_on=TODAY.isoformat(), result="out_of_tolerance",
        as_found="+0.03",
    )  # fmt: skip
    impact = (await suppliers.status(site.who, question)).impact
    assert impact is not None
    assert (impact.since, impact.found_on, impact.as_found) == (TODAY - timedelta(days=60), TODAY, "+0.03")
    assert [line.split(" ")[0] for line in impact.touched] == [linked.number, named.number]
    assert impact.total == 2
    assert not any(record.number in line for line in impact.touched for record in (before, other))


async def test_the_impact_stays_in_sight_while_it_is_assessed_although_the_instrument_is_good_again(site: Site) -> None:
    gauge = await site.report("equipment", "Bore gauge", asset_number="BG-1", interval_days=365)
    bad = {"performed_on": (TODAY - timedelta(days=2)).isoformat(), "result": "out_of_tolerance"}
    await site.report("calibration", "Yearly", equipment=gauge.number, **bad)
    good = {"performed_on": (TODAY - timedelta(days=1)).isoformat(), "result": "in_tolerance"}
    await site.report("calibration", "Adjusted", equipment=gauge.number, **good)
    suppliers, question = Suppliers(site.database), StatusQuestion("equipment", record=gauge.number)
    impact = (await suppliers.status(site.who, question)).impact
    assert impact is not None
    assert impact.since is None


async def test_what_belongs_to_another_organization_is_not_listed(site: Site, tenants: Tenants) -> None:
    gauge = await site.report("equipment", "Gauge A", calibration_due_on=(TODAY - timedelta(days=3)).isoformat())
    suppliers = Suppliers(site.database)
    assert (await suppliers.status(tenants.theirs, StatusQuestion("equipment", everything=True))).rows == []
    with pytest.raises(NotFoundError):
        await suppliers.status(tenants.theirs, StatusQuestion("equipment", record=str(gauge.id)))


# Through a client -----------------------------------------------------------------------------------------------------


async def _with_quantity(site: Site, number: str) -> str:
    await site.writer.change(site.who, number, None, {"quantity_affected": 10}, BECAUSE)
    return number


async def test_the_tools_work_through_a_client(site: Site, tmp_path: Path) -> None:
    async with client_for(site.database, site.who, tmp_path) as client:

        async def call(tool: str, **arguments: Any) -> dict[str, Any]:
            answer = await client.call_tool(tool, {"reason": BECAUSE, **arguments})
            assert not answer.is_error, answer.content
            return answer.structured_content or {}

        record = await call(
            "report_event", type="nonconformance", title="Burr", what_happened="As told.", fields={"lot": "7"}
        )
        change = await call(
            "request_change",
            fields=WANTED,
            implements=[record["number"]],
            impacts=[{"aspect": "safety", "affected": False, "impact": "None."}],
        )
        assert "safety" not in change["missing_aspects"]
        audit = await call(
            "plan_audit", title="Production", framework="ISO 9001:2015", fields={"scope": "Line 2"}, clauses=["8.7"]
        )
        finding = await call("record_finding", audit=audit["number"], title="No tag", fields=FOUND)
        assert finding["state"] == "open"
        risk = await call(
            "assess_risk",
            fields={"title": "Leak", "method": "fmea", "failure_mode": "leaks"},
            ratings={"severity": 10, "occurrence": 10, "detection": 10},
            controls=[{"control_kind": "detection", "description": "Leak test."}],
        )
        assert risk["numbers"] == {"rpn": 1000, "action_priority": "H"}
        proposed = await call(
            "disposition_nonconformance",
            record=await _with_quantity(site, record["number"]),
            dispositions=[{"disposition": "scrap", "quantity": 4}],
        )
        assert proposed["quantities"] == "4 of 10 dispositioned, 6 remain"
        complaint = await call("report_event", type="complaint", title="Pump leaks", what_happened="As told.")
        assessed = await call("assess_reportability", record=complaint["number"], answers={"death": False})
        assert assessed["proposal"] == "undetermined"
        action = await call(
            "field_action",
            title="Pumps come back",
            sources=[complaint["number"]],
            fields={"action_kind": "recall", "reason_for_action": "It leaks."},
        )
        assert action["number"].startswith("FA-")


async def test_the_lists_and_a_refusal_through_a_client(site: Site, tmp_path: Path) -> None:
    async with client_for(site.database, site.who, tmp_path) as client:
        for tool, arguments in (
            ("training_status", {"by": "role"}),
            ("supplier_equipment_status", {"about": "equipment"}),
        ):
            answer = await client.call_tool(tool, arguments)
            assert (answer.structured_content or {})["total"] == 0
        refused = await client.call_tool("assess_risk", {"reason": BECAUSE, "fields": {"title": "x", "colour": 1}})
        assert refused.is_error
