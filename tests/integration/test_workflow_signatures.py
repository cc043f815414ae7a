"""The shipped state machines with real signatures: who is asked, what a rejection does, and when it takes two."""

from collections.abc import Generator
from typing import Literal
from uuid import UUID

import psycopg
import pytest

from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.embedded import EmbeddedPostgres
from tests.support.people import set_password, sign
from tests.support.site import Team, refused

pytestmark = pytest.mark.anyio
_WORDS = "a password of a test"
_WHY = "it is not ready to be decided"


@pytest.fixture
def team(embedded: EmbeddedPostgres, database_name: str) -> Generator[Team]:
    with psycopg.connect(embedded.conninfo(database_name, "postgres"), autocommit=True) as opened:
        yield Team.on(opened)


async def _signed(
    database: Database,
    team: Team,
    person: UUID,
    approval: UUID,
    verdict: Literal["approved", "rejected"] = "approved",
) -> None:
    await set_password(database, person, _WORDS)
    principal = Principal(person, team.site.organization_id, frozenset(), "agent", "page")
    await sign(database, approval, principal, _WORDS, verdict, _WHY)


def _asked(team: Team, record: UUID, to_state: str | None, meaning: str | None = None) -> UUID:
    with team.site.acting(team.ada):
        rows = team.site.run(
            "SELECT a.id FROM qms.request_decision(%s, (SELECT i.version FROM qms.quality_items AS i WHERE i.id = %s), "
            "%s, %s, 'the test asks for it') AS a",
            record,
            record,
            to_state,
            meaning,
        )
    return rows[0]["id"]


def _document(team: Team) -> UUID:
    return team.site.add(
        team.ada,
        "document",
        document_number="SOP-9",
        revision=1,
        document_type="procedure",
        author_id=team.ada,
        owner_id=team.ada,
        content="Wash hands.",
        planned_effective_on=team.site.today(),
    )


async def test_every_named_signer_signs_before_a_document_is_approved(database: Database, team: Team) -> None:
    site, record = team.site, _document(team)
    for signer, meaning in ((team.mary, "review"), (team.grace, "approval")):
        site.part(team.ada, record, "required_signatures", signer_id=signer, meaning=meaning, for_state="approved")
    site.move(team.ada, record, "in_review")
    with refused("QM021", r"Mary Jackson \(review\)"):
        _asked(team, record, "approved")
    await _signed(database, team, team.mary, _asked(team, record, None, "review"))
    await _signed(database, team, team.grace, _asked(team, record, "approved"))
    assert site.state(record) == "approved"
    statuses = site.run("SELECT s.status FROM qms.signature_status(%s) AS s", record)
    assert [row["status"] for row in statuses] == ["valid", "valid"]


async def test_a_rejected_document_goes_back_to_its_author(database: Database, team: Team) -> None:
    record = _document(team)
    team.site.move(team.ada, record, "in_review")
    await _signed(database, team, team.grace, _asked(team, record, "approved"), "rejected")
    assert team.site.state(record) == "draft"


async def test_refusing_to_cancel_rejects_nothing(database: Database, team: Team) -> None:
    fields = {"change_kind": "process", "justification": "Leaks", "proposed_change": "New press"}
    record = team.site.add(team.ada, "change_request", **fields)
    team.site.move(team.ada, record, "impact_assessment")
    await _signed(database, team, team.grace, _asked(team, record, "cancelled"), "rejected")
    assert team.site.state(record) == "impact_assessment"


async def test_a_document_becomes_obsolete_when_owner_and_quality_have_signed(database: Database, team: Team) -> None:
    site, record = team.site, _document(team)
    site.move(team.ada, record, "in_review")
    site.move(team.grace, record, "approved", human=True)
    site.move(team.ada, record, "effective")
    site.change(team.ada, record, obsolete_reason="The line was sold")
    with refused("QM021", "the owner, Ada Lovelace, has not signed"):
        _asked(team, record, "obsolete")
    await _signed(database, team, team.ada, _asked(team, record, None, "responsibility"))
    await _signed(database, team, team.grace, _asked(team, record, "obsolete"))
    assert site.state(record) == "obsolete"
    assert not site.read(record, "documents")["is_effective"]
    statuses = site.run("SELECT s.status FROM qms.signature_status(%s) AS s", record)
    assert {row["status"] for row in statuses} == {"valid"}


async def test_a_disposition_stays_as_it_was_signed(database: Database, team: Team) -> None:
    site = team.site
    record = site.add(team.ada, "nonconformance", quantity_affected=2, delivered=True, field_action_rationale="No harm")
    site.part(team.ada, record, "dispositions", disposition="scrap", quantity=2)
    site.move(team.ada, record, "under_review")
    await _signed(database, team, team.mary, _asked(team, record, "dispositioned"))
    assert site.state(record) == "dispositioned"
    statuses = site.run("SELECT s.status, s.changed FROM qms.signature_status(%s) AS s", record)
    assert statuses == [{"status": "valid", "changed": []}]
