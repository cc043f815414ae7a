"""The state machines of changes, audits, findings, risks, trainings, suppliers and equipment."""

from collections.abc import Generator

import psycopg
import pytest

from qms_mcp.db.embedded import EmbeddedPostgres
from tests.support.site import Team, refused, superuser_of_a_copy

_ASPECTS = [
    "function",
    "performance",
    "usability",
    "safety",
    "regulatory",
    "documents",
    "training",
    "validation",
    "suppliers",
    "inventory",
]


@pytest.fixture(scope="module")
def connection(embedded: EmbeddedPostgres, template: str) -> Generator[psycopg.Connection]:
    with superuser_of_a_copy(embedded, template) as opened:
        yield opened


@pytest.fixture
def team(connection: psycopg.Connection) -> Team:
    return Team.on(connection)


def test_a_change_is_assessed_in_every_aspect_and_approved_by_another(team: Team) -> None:
    site = team.site
    record = site.add(
        team.ada, "change_request", change_kind="process", justification="Leaks", proposed_change="New press"
    )
    site.move(team.ada, record, "impact_assessment")
    for aspect in _ASPECTS[1:]:
        site.part(
            team.ada, record, "impact_assessments", aspect=aspect, affected=aspect == "safety", impact="Looked at"
        )
    why = site.blocked(team.grace, record, "approved", human=True)
    assert "not assessed yet: function" in why
    assert "no action says what follows: safety" in why
    for aspect in ("function", "safety"):
        site.part(
            team.ada, record, "impact_assessments", aspect=aspect, affected=True, impact="Seal", action_needed="Test it"
        )
    with refused("QM022", "Ada Lovelace is who drafted it"):
        site.move(team.ada, record, "approved", human=True)
    site.move(team.grace, record, "approved", human=True)
    with refused("QM021", "locks it"):
        site.change(team.ada, record, proposed_change="Two new presses")
    site.move(team.ada, record, "implementing")
    site.change(team.ada, record, implementation="Press installed")
    site.move(team.ada, record, "verification")
    site.change(team.ada, record, verification_result="Runs", effective_on=site.today())
    site.move(team.grace, record, "closed", human=True)


def test_an_emergency_begins_with_a_name_and_a_day(team: Team) -> None:
    site = team.site
    record = site.add(
        team.ada, "change_request", change_kind="process", justification="Leaks", proposed_change="New press"
    )
    assert "it is no emergency" in site.blocked(team.grace, record, "emergency", human=True)
    site.change(team.ada, record, emergency=True, approve_until=site.today(30))
    assert "within the next 10 days" in site.blocked(team.grace, record, "emergency", human=True)
    site.change(team.ada, record, approve_until=site.today(4))
    site.move(team.grace, record, "emergency", human=True)
    assert site.read(record)["due_date"].date().isoformat() == site.today(4)
    for aspect in _ASPECTS:
        site.part(team.ada, record, "impact_assessments", aspect=aspect, affected=False, impact="None")
    site.move(team.grace, record, "implementing", human=True)


def test_an_audit_is_led_by_somebody_from_elsewhere_and_closes_after_its_findings(team: Team) -> None:
    site = team.site
    audit = site.add(
        team.ada,
        "audit",
        audit_kind="internal",
        scope="Stores",
        criteria="9001",
        lead_auditor=team.mary,
        area_responsible=team.mary,
    )
    with refused("QM021", "Mary Jackson answers for the audited area"):
        site.move(team.ada, audit, "in_progress")
    site.change(team.ada, audit, area_responsible=team.ada)
    site.move(team.ada, audit, "in_progress")
    site.change(team.ada, audit, conclusion="One minor finding")
    site.move(team.ada, audit, "report")
    finding = site.add(
        team.mary, "finding", audit_id=audit, grade="minor", objective_evidence="Shelf 4", owner_id=team.ada
    )
    with refused("QM022", "Ada Lovelace is responsible for the audited area"):
        site.move(team.ada, audit, "findings_open", human=True)
    site.move(team.grace, audit, "findings_open", human=True)
    assert site.read(finding)["number"] in site.blocked(team.grace, audit, "closed", human=True)
    site.change(team.ada, finding, response="Shelf labelled", capa_required=False, capa_rationale="Minor")
    site.move(team.ada, finding, "response")
    with refused("QM022", "Ada Lovelace is the owner"):
        site.move(team.ada, finding, "accepted", human=True)
    site.move(team.grace, finding, "open", human=True)
    site.move(team.ada, finding, "response")
    site.move(team.grace, finding, "accepted", human=True)
    site.change(team.ada, finding, verification_result="Seen on site")
    site.move(team.grace, finding, "verified", human=True)
    site.move(team.grace, finding, "closed", human=True)
    site.move(team.grace, audit, "closed", human=True)


def test_a_risk_is_accepted_after_both_verifications(team: Team) -> None:
    site = team.site
    risk = site.add(
        team.ada, "risk", method="fmea", failure_mode="Seal leaks", severity=8, occurrence=4, owner_id=team.ada
    )
    with refused("QM021", "incomplete"):
        site.move(team.ada, risk, "evaluated")
    site.change(team.ada, risk, detection=3, action_priority="H")
    site.move(team.ada, risk, "evaluated")
    assert "needs a control first" in site.blocked(team.grace, risk, "residual_accepted", human=True)
    assert "no control is planned" in site.blocked(team.ada, risk, "control_planned")
    control = site.part(team.ada, risk, "risk_controls", control_kind="detection", description="Leak test")
    site.move(team.ada, risk, "control_planned")
    why = site.blocked(team.grace, risk, "control_verified", human=True)
    assert "1 control is not verified to be implemented; 1 control is not verified to be effective" in why
    site.change_part(
        team.ada,
        "risk_controls",
        control,
        implementation_evidence="WI-3",
        implementation_verified_on=site.today(),
        effectiveness_evidence="300 of 300 found",
        effectiveness_verified_on=site.today(),
    )
    site.move(team.grace, risk, "control_verified", human=True)
    site.change(
        team.ada, risk, residual_severity=8, residual_occurrence=2, residual_detection=1, new_risks_considered="None"
    )
    with refused("QM022", "Ada Lovelace is the owner"):
        site.move(team.ada, risk, "residual_accepted", human=True)
    site.move(team.grace, risk, "residual_accepted", human=True)
    site.move(team.ada, risk, "monitored")


def test_an_unacceptable_residual_risk_is_weighed_against_the_benefit(team: Team) -> None:
    site = team.site
    chain = {"hazard": "Heat", "hazardous_situation": "Touch", "harm": "Burn", "severity": 4, "probability": 4}
    risk = site.add(team.ada, "risk", method="iso14971", acceptability="unacceptable", **chain)
    site.move(team.ada, risk, "evaluated")
    evidence = {
        f"{kind}_{what}": site.today()
        for kind in ("implementation", "effectiveness")
        for what in ("evidence", "verified_on")
    }
    site.part(team.ada, risk, "risk_controls", control_kind="protective", description="Cover", **evidence)
    site.move(team.ada, risk, "control_planned")
    site.move(team.grace, risk, "control_verified", human=True)
    residual = {"residual_severity": 4, "residual_probability": 2, "residual_acceptability": "unacceptable"}
    site.change(team.ada, risk, new_risks_considered="None found", **residual)
    assert "not weighed" in site.blocked(team.grace, risk, "residual_accepted", human=True)
    site.change(team.ada, risk, benefit_risk="Life-saving, no alternative")
    site.move(team.grace, risk, "residual_accepted", human=True)


def test_a_trainee_does_not_judge_the_training(team: Team) -> None:
    site = team.site
    training = site.add(team.ada, "training", topic="Seal press", trainee_id=team.mary, trainer_id=team.grace)
    site.move(team.ada, training, "in_progress")
    site.change(team.ada, training, completed_on=site.today(), effectiveness_result="Passed the test")
    with refused("QM022", "the trainer says that"):
        site.move(team.mary, training, "completed", human=True)
    site.move(team.grace, training, "completed", human=True)


def test_training_is_waived_by_somebody_else(team: Team) -> None:
    site = team.site
    training = site.add(
        team.ada, "training", topic="Seal press", trainee_id=team.grace, waiver_reason="Built the press"
    )
    with refused("QM022", "Grace Hopper is the trainee"):
        site.move(team.grace, training, "waived", human=True)
    assert "is not over yet" in site.blocked(team.ada, training, "overdue")


def test_a_supplier_is_not_approved_while_a_request_to_it_is_open(team: Team) -> None:
    site = team.site
    supplier = site.add(team.ada, "supplier", supplied_scope="Seals", approval_basis="Audit", evaluated_on=site.today())
    site.move(team.ada, supplier, "evaluated")
    site.change(team.ada, supplier, reevaluation_due_on=site.today(365))
    scar = site.add(team.ada, "scar", supplier_id=supplier, requirement="Hardness 70")
    assert site.read(scar)["number"] in site.blocked(team.grace, supplier, "approved", human=True)
    site.move(team.grace, supplier, "conditional", human=True)
    site.change(team.ada, scar, response="Sorted", root_cause="Mixed lots", corrective_action="Label each lot")
    site.move(team.ada, scar, "response")
    site.move(team.grace, scar, "accepted", human=True)
    site.change(team.ada, scar, verification_result="Three lots checked")
    site.move(team.grace, scar, "verified", human=True)
    site.move(team.grace, scar, "closed", human=True)
    site.move(team.grace, supplier, "approved", human=True)
    assert site.read(supplier)["due_date"].date().isoformat() == site.today(365)


def test_equipment_out_of_tolerance_comes_back_after_the_impact_is_known(team: Team) -> None:
    site = team.site
    gauge = site.add(team.ada, "equipment", asset_number="G-1", interval_days=180)
    assert "no calibration is recorded" in site.blocked(team.ada, gauge, "in_service")
    site.part(team.ada, gauge, "calibrations", performed_on=site.today(-170), result="in_tolerance")
    site.move(team.ada, gauge, "in_service")
    assert str(site.read(gauge, "equipment")["calibration_due_on"]) == site.today(10)
    site.move(team.ada, gauge, "due")
    site.part(team.ada, gauge, "calibrations", performed_on=site.today(-1), result="out_of_tolerance", as_found="+0.3")
    assert "was out of tolerance" in site.blocked(team.ada, gauge, "in_service")
    site.move(team.ada, gauge, "out_of_tolerance")
    site.move(team.ada, gauge, "impact_assessment")
    site.change(team.ada, gauge, impact_assessment="Lots 3 to 9 measured again", impact_concluded_on=site.today())
    with refused("QM021", "was out of tolerance"):
        site.move(team.grace, gauge, "in_service", human=True)
    site.part(team.ada, gauge, "calibrations", performed_on=site.today(), result="in_tolerance", as_left="0.0")
    site.move(team.grace, gauge, "in_service", human=True)
