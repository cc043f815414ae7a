"""The state machines of complaints and field actions: nothing closes before a person decided on reporting."""

from collections.abc import Generator
from uuid import UUID

import psycopg
import pytest

from qms_mcp.db.embedded import EmbeddedPostgres
from tests.support.site import Team, refused, superuser_of_a_copy


@pytest.fixture(scope="module")
def connection(embedded: EmbeddedPostgres, template: str) -> Generator[psycopg.Connection]:
    with superuser_of_a_copy(embedded, template) as opened:
        yield opened


@pytest.fixture
def team(connection: psycopg.Connection) -> Team:
    return Team.on(connection)


def _assessed_complaint(team: Team, proposal: str | None) -> UUID:
    site = team.site
    fields = {
        "description": "Alarm stayed silent",
        "product": "Pump 3",
        "received_on": site.today(-2),
        "aware_on": site.today(-2),
    }
    record = site.add(team.ada, "complaint", event_type="malfunction", **fields)
    site.move(team.ada, record, "triage")
    site.move(team.ada, record, "reportability")
    if proposal is not None:
        _assess(team, record, proposal)
    return record


def _assess(team: Team, record: UUID, proposal: str) -> None:
    team.site.part(
        team.ada,
        record,
        "reportability_assessments",
        rule="21 CFR 803",
        answers={"death": False},
        proposal=proposal,
        rationale="Because of the answers",
        report_due_on=team.site.today(3),
    )


def test_a_complaint_goes_from_received_to_closed(team: Team) -> None:
    site, record = team.site, _assessed_complaint(team, "report")
    with refused("QM022", "for a person to do"):
        site.move(team.rosa, record, "investigation")
    with refused("QM022", "takes the role regulatory"):
        site.move(team.grace, record, "investigation", human=True)
    assert "has to be investigated" in site.blocked(team.rosa, record, "no_investigation", human=True)
    site.move(team.rosa, record, "investigation", human=True)
    row = site.read(record, "complaints")
    assert (row["reportable"], row["reportability_decided_by"]) == (True, team.rosa)
    assert site.read(record)["due_date"].date().isoformat() == site.today(3)
    with refused("QM021", "locks it"):
        site.change(team.ada, record, aware_on=site.today())
    site.change(
        team.ada, record, investigation="Speaker was loose", correction="Speaker replaced", reply="We replaced it"
    )
    site.move(team.ada, record, "response")
    why = site.blocked(team.grace, record, "closed", human=True)
    assert "when it was reported is missing" in why
    assert "no UDI, lot or serial number" in why
    assert "name and address or telephone" in why
    site.change(
        team.ada, record, reported_on=site.today(), lot="L-9", complainant_name="Clinic", complainant_contact="+49 30 1"
    )
    site.move(team.grace, record, "closed", human=True)
    site.move(team.grace, record, "reopened", human=True)
    site.move(team.ada, record, "triage")


@pytest.mark.parametrize(("proposal", "words"), [(None, "not assessed"), ("undetermined", "undetermined")])
def test_reportability_is_not_decided_by_silence(team: Team, proposal: str | None, words: str) -> None:
    record = _assessed_complaint(team, proposal)
    with refused("QM021", words):
        team.site.move(team.rosa, record, "investigation", human=True)


def test_a_new_assessment_has_to_be_decided_too(team: Team) -> None:
    site, record = team.site, _assessed_complaint(team, "not_reportable")
    site.change(team.ada, record, no_investigation_reason="Same as CMP before, cause known")
    site.move(team.rosa, record, "no_investigation", human=True)
    _assess(team, record, "report")
    with refused("QM021", "no person decided"):
        site.move(team.ada, record, "response")
    site.move(team.ada, record, "reportability")
    site.move(team.rosa, record, "investigation", human=True)


def test_a_field_action_is_decided_by_regulatory_affairs(team: Team) -> None:
    site = team.site
    fields = {"action_kind": "correction", "product": "Pump 3", "reason_for_action": "Silent alarm"}
    action = site.add(team.ada, "field_action", **fields)
    site.move(team.ada, action, "assessment")
    site.change(
        team.ada,
        action,
        health_hazard="Moderate",
        report_required=True,
        report_rationale="806.10",
        initiated_on=site.today(),
    )
    assert "by when is missing" in site.blocked(team.rosa, action, "executing", human=True)
    site.change(team.ada, action, report_due_on=site.today(14))
    site.move(team.rosa, action, "executing", human=True)
    assert site.read(action)["due_date"].date().isoformat() == site.today(14)
    site.change(team.ada, action, distribution="12 clinics")
    site.move(team.ada, action, "effectiveness")
    site.change(team.ada, action, effectiveness_result="12 of 12 confirmed", terminated_on=site.today())
    site.move(team.rosa, action, "closed", human=True)
