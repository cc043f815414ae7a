"""The state machines of nonconformances and deviations: contained, dispositioned by others, closed with a reason."""

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


def _reviewed(team: Team, **fields: object) -> UUID:
    site, values = team.site, {"quantity_affected": 10, "unit": "pcs", **fields}
    record = site.add(team.ada, "nonconformance", **values)
    site.change(team.ada, record, containment="Quarantined in cage 4", contained_on=site.today())
    site.move(team.ada, record, "contained")
    site.move(team.ada, record, "under_review")
    return record


def test_a_nonconformance_goes_from_open_to_closed_and_back(team: Team) -> None:
    site, record = team.site, _reviewed(team)
    site.part(team.ada, record, "dispositions", disposition="scrap", quantity=4)
    site.part(team.ada, record, "dispositions", disposition="rework", quantity=6)
    site.move(team.mary, record, "dispositioned", human=True)
    decided = site.run("SELECT d.decided_by FROM qms.dispositions AS d WHERE d.record_id = %s", record)
    assert [row["decided_by"] for row in decided] == [team.mary, team.mary]
    assert "rework or repair has no verification result" in site.blocked(team.mary, record, "verified", human=True)
    site.change(team.ada, record, verification_result="All 6 within drawing after rework")
    site.move(team.mary, record, "verified", human=True)
    assert "capa_required" in site.blocked(team.grace, record, "closed", human=True)
    site.change(team.ada, record, capa_required=False, capa_rationale="Isolated, tool was replaced")
    site.move(team.grace, record, "closed", human=True)
    assert site.read(record)["closed_at"] is not None
    with refused("QM021", "locks it"):
        site.change(team.ada, record, title="Another title")
    site.part(team.ada, record, "record_notes", body="The supplier was told by telephone")
    site.move(team.grace, record, "reopened", human=True)
    assert site.read(record)["closed_at"] is None
    site.move(team.ada, record, "under_review")


def test_product_in_hand_is_contained_before_review(team: Team) -> None:
    record = team.site.add(team.ada, "nonconformance", quantity_affected=3)
    assert "containment is missing" in team.site.blocked(team.ada, record, "under_review")
    with refused("QM021", "containment is missing"):
        team.site.move(team.ada, record, "under_review")
    team.site.change(team.ada, record, delivered=True)
    team.site.move(team.ada, record, "under_review")


@pytest.mark.parametrize(
    ("quantities", "words"),
    [((), "no disposition is proposed for 10 pcs"), ((4,), "6 remain"), ((4, 7), "more than are affected")],
)
def test_the_dispositions_account_for_every_piece(team: Team, quantities: tuple[int, ...], words: str) -> None:
    record = _reviewed(team)
    for quantity in quantities:
        team.site.part(team.ada, record, "dispositions", disposition="scrap", quantity=quantity)
    with refused("QM021", words):
        team.site.move(team.mary, record, "dispositioned", human=True)


def test_a_concession_and_a_delivery_need_their_reasons(team: Team) -> None:
    site, record = team.site, _reviewed(team, delivered=True)
    use = site.part(team.ada, record, "dispositions", disposition="use_as_is", quantity=10)
    why = site.blocked(team.mary, record, "dispositioned", human=True)
    assert 'disposition "use as is" has no justification' in why
    assert "link a field action" in why
    site.change_part(team.ada, "dispositions", use, justification="Cosmetic, customer agreed")
    site.change(team.ada, record, field_action_rationale="No effect on safety or performance")
    site.move(team.mary, record, "dispositioned", human=True)
    with refused("QM021", "locks it"):
        site.change_part(team.ada, "dispositions", use, quantity=9)
    with refused("QM021", "locks it"):
        site.part(team.ada, record, "dispositions", disposition="scrap", quantity=1)


def test_whoever_reported_does_not_dispose_and_an_agent_never_does(team: Team) -> None:
    record = _reviewed(team)
    team.site.part(team.ada, record, "dispositions", disposition="scrap", quantity=10)
    with refused("QM022", "Ada Lovelace is who drafted it"):
        team.site.move(team.ada, record, "dispositioned", human=True)
    with refused("QM022", "for a person to do"):
        team.site.move(team.mary, record, "dispositioned")
    with refused("QM022", "takes the role mrb"):
        team.site.move(team.grace, record, "dispositioned", human=True)


def test_a_critical_nonconformance_does_not_close_without_a_capa(team: Team) -> None:
    site, record = team.site, _reviewed(team, risk_class="critical", quantity_affected=0)
    site.move(team.mary, record, "dispositioned", human=True)
    site.move(team.mary, record, "verified", human=True)
    site.change(team.ada, record, capa_required=True, capa_rationale="Critical")
    capa = site.add(
        team.ada,
        "capa",
        source_kind="nonconformance",
        problem_statement="It leaks",
        risk_class="high",
        owner_id=team.ada,
    )
    assert "no CAPA is linked" in site.blocked(team.grace, record, "closed", human=True)
    site.link(team.ada, capa, record, "corrects")
    assert "draft" in site.blocked(team.grace, record, "closed", human=True)
    site.move(team.ada, capa, "open")
    site.move(team.grace, record, "closed", human=True)


def test_only_a_minor_deviation_goes_on_without_investigation(team: Team) -> None:
    site = team.site
    record = site.add(team.ada, "deviation", classification="major", batch_impact="Batch 12 only", planned=False)
    site.move(team.ada, record, "assessed")
    with refused("QM021", "is major has to be investigated"):
        site.change(team.ada, record, conclusion="Batch is fine")
        site.move(team.mary, record, "dispositioned", human=True)
    site.change(team.ada, record, investigation="Timer was wrong")
    site.move(team.ada, record, "investigated")
    site.move(team.mary, record, "dispositioned", human=True)
    site.change(team.ada, record, capa_required=False, capa_rationale="Timer replaced")
    with refused("QM022", "Ada Lovelace is"):
        site.move(team.ada, record, "approved", human=True)
    site.move(team.grace, record, "approved", human=True)
    site.move(team.grace, record, "closed", human=True)
