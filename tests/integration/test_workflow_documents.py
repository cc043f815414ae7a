"""The state machine of documents: one effective version, approved by those who did not write it."""

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


def _submitted(team: Team, revision: int, **fields: object) -> UUID:
    values = {
        "document_number": "SOP-7",
        "revision": revision,
        "document_type": "procedure",
        "author_id": team.ada,
        "content": f"Wash hands, revision {revision}.",
        "planned_effective_on": team.site.today(),
        "owner_id": team.ada,
        "review_every_months": 24,
        **fields,
    }
    record = team.site.add(team.ada, "document", **values)
    team.site.move(team.ada, record, "in_review")
    return record


def test_a_new_version_supersedes_the_former_in_the_same_moment(team: Team) -> None:
    site, first = team.site, _submitted(team, 1)
    site.move(team.grace, first, "approved", human=True)
    site.move(team.ada, first, "effective")
    second = _submitted(team, 2)
    site.move(team.grace, second, "approved", human=True)
    site.move(team.ada, second, "effective")
    assert (site.state(first), site.state(second)) == ("superseded", "effective")
    old, new = site.read(first, "documents"), site.read(second, "documents")
    assert (old["is_effective"], new["is_effective"], old["replaced_by"]) == (False, True, second)
    assert old["effective_to"] >= old["effective_from"]
    assert new["next_review_on"] is not None
    with refused("QM021"):
        site.move(team.ada, second, "superseded")


def test_neither_author_nor_any_editor_approves(team: Team) -> None:
    site, record = team.site, _submitted(team, 1, editors=[team.mary])
    editor = site.person("qa_approver", "owner")
    with refused("QM022", "Ada Lovelace is the author"):
        site.move(team.ada, record, "approved", human=True)
    site.move(team.grace, record, "draft", human=True)
    site.change(editor, record, content="Wash hands twice.")
    site.move(team.ada, record, "in_review")
    with refused("QM022", "by the trail"):
        site.move(editor, record, "approved", human=True)
    site.move(team.grace, record, "approved", human=True)


def test_a_document_in_review_is_frozen(team: Team) -> None:
    record = _submitted(team, 1)
    with refused("QM021", "locks it"):
        team.site.change(team.ada, record, content="Do not wash hands.")
    with refused("QM021", "locks it"):
        team.site.change(team.ada, record, training_waiver="Everybody knows")


def test_a_document_waits_for_its_day_and_for_the_training(team: Team) -> None:
    site = team.site
    record = _submitted(team, 1, planned_effective_on=site.today(2), training_required=True)
    site.move(team.grace, record, "approved", human=True)
    why = site.blocked(team.ada, record, "effective")
    assert f"becomes effective on {site.today(2)}" in why
    assert "nobody is assigned" in why
    training = site.add(team.ada, "training", document_id=record, trainee_id=team.mary)
    assert "open for 1 of 1 people" in site.blocked(team.ada, record, "effective")
    site.move(team.mary, training, "in_progress")
    site.change(team.mary, training, completed_on=site.today())
    with refused("QM022", "for a person to do"):
        site.move(team.mary, training, "completed")
    with refused("QM022", "Grace Hopper is not the trainee or the trainer"):
        site.move(team.grace, training, "completed", human=True)
    site.move(team.mary, training, "completed", human=True)
    assert site.blocked(team.ada, record, "effective") == f"it becomes effective on {site.today(2)}"


def test_a_waiver_is_part_of_what_is_approved(team: Team) -> None:
    site = team.site
    record = _submitted(team, 1, training_required=True, training_waiver="Only the layout changed")
    site.move(team.grace, record, "approved", human=True)
    site.move(team.ada, record, "effective")


def test_a_document_becomes_obsolete_with_a_reason_and_two_signatures(team: Team) -> None:
    site, record = team.site, _submitted(team, 1)
    site.move(team.grace, record, "approved", human=True)
    site.move(team.ada, record, "effective")
    why = site.blocked(team.grace, record, "obsolete", human=True)
    assert "neither what replaces it" in why
    assert "the owner, Ada Lovelace, has not signed" in why
    site.move(team.grace, record, "effective", human=True)
    assert site.state(record) == "effective"


def test_a_named_signer_holds_the_approval(team: Team) -> None:
    site = team.site
    fields = {"document_number": "SOP-8", "revision": 1, "document_type": "procedure", "author_id": team.ada}
    record = site.add(team.ada, "document", content="x", planned_effective_on=site.today(), **fields)
    for signer, meaning in ((team.mary, "review"), (team.grace, "approval")):
        site.part(team.ada, record, "required_signatures", signer_id=signer, meaning=meaning, for_state="approved")
    site.move(team.ada, record, "in_review")
    assert "Mary Jackson (review)" in site.blocked(team.ada, record, "approved")
    with refused("QM021", "still to sign"):
        site.move(team.grace, record, "approved", human=True)
