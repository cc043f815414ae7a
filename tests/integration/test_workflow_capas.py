"""The state machine of CAPAs: planned, approved by others, verified twice, and closed on evidence."""

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


def _investigated(team: Team) -> UUID:
    site = team.site
    capa = site.add(team.ada, "capa", owner_id=team.ada)
    with refused("QM021", "source kind is missing"):
        site.move(team.ada, capa, "open")
    site.change(team.ada, capa, source_kind="audit", problem_statement="Seals leak", risk_class="high")
    site.move(team.ada, capa, "open")
    site.move(team.ada, capa, "investigation")
    return capa


def _plan(team: Team, capa: UUID, *, window_ends: int = -1) -> UUID:
    site = team.site
    site.part(
        team.ada,
        capa,
        "root_causes",
        method="five_whys",
        statement="Worn seal press",
        is_root_cause=True,
        evidence=["MR-7"],
    )
    action = site.part(
        team.ada,
        capa,
        "capa_actions",
        action_type="corrective",
        description="Replace press",
        owner_id=team.mary,
        due_on=site.today(20),
    )
    site.change(
        team.ada,
        capa,
        criterion={"metric": "leak rate", "baseline": 4.1, "target": 1.0, "comparator": "<="},
        window_starts_on=site.today(-60),
        window_ends_on=site.today(window_ends),
        minimum_sample=30,
    )
    site.move(team.ada, capa, "plan_approval")
    return action


def _implemented(team: Team, *, window_ends: int = -1) -> UUID:
    site, capa = team.site, _investigated(team)
    action = _plan(team, capa, window_ends=window_ends)
    site.move(team.grace, capa, "implementation", human=True)
    site.change_part(
        team.ada, "capa_actions", action, completed_on=site.today(-50), completion_evidence="WO-12 signed off"
    )
    site.move(team.grace, capa, "verification", human=True)
    site.change(team.ada, capa, verification_result="Press runs, no new defects", no_adverse_effect=True)
    site.move(team.grace, capa, "effectiveness", human=True)
    return capa


def _check(team: Team, capa: UUID, outcome: str, sample: int = 40) -> None:
    team.site.part(team.ada, capa, "effectiveness_checks", outcome=outcome, sample=sample, value=0.6)


def test_a_capa_goes_from_draft_to_closed(team: Team) -> None:
    site, capa = team.site, _implemented(team)
    assert "not checked in this cycle" in site.blocked(team.grace, capa, "closed", human=True)
    _check(team, capa, "met", sample=12)
    assert "saw 12 of at least 30" in site.blocked(team.grace, capa, "closed", human=True)
    _check(team, capa, "not_met")
    assert "the last check says: not met" in site.blocked(team.grace, capa, "closed", human=True)
    _check(team, capa, "met")
    site.move(team.grace, capa, "closed", human=True)
    row = site.read(capa, "capas")
    assert (row["verdict"], row["verdict_by"]) == ("effective", team.grace)


def test_a_plan_is_approved_only_when_it_is_one(team: Team) -> None:
    capa = _investigated(team)
    why = team.site.blocked(team.ada, capa, "plan_approval")
    assert "no root cause with evidence" in why
    assert "no action is planned" in why
    assert "criterion.metric" in why
    assert "minimum_sample" in why
    team.site.part(team.ada, capa, "capa_actions", action_type="corrective", description="Later")
    assert "1 action has no owner or no due date" in team.site.blocked(team.ada, capa, "plan_approval")


def test_neither_owner_nor_former_owner_approves_the_plan(team: Team) -> None:
    site, capa = team.site, _investigated(team)
    site.change(team.ada, capa, owner_id=team.grace)
    _plan(team, capa)
    with refused("QM022", "Grace Hopper is the owner"):
        site.move(team.grace, capa, "implementation", human=True)
    with refused("QM022", "Ada Lovelace is"):
        site.move(team.ada, capa, "implementation", human=True)
    third = site.person("qa_approver", "owner")
    site.move(third, capa, "implementation", human=True)


def test_the_owner_of_an_action_neither_accepts_nor_closes(team: Team) -> None:
    site, capa = team.site, _investigated(team)
    action = _plan(team, capa)
    site.move(team.grace, capa, "implementation", human=True)
    assert "1 action is open" in site.blocked(team.grace, capa, "verification", human=True)
    site.change_part(team.ada, "capa_actions", action, completed_on=site.today())
    assert "done without evidence" in site.blocked(team.grace, capa, "verification", human=True)
    site.change_part(team.ada, "capa_actions", action, completion_evidence="WO-12")
    with refused("QM022", "Mary Jackson is the owner of an action"):
        site.move(team.mary, capa, "verification", human=True)
    site.move(team.grace, capa, "verification", human=True)
    accepted = site.run("SELECT a.accepted_by FROM qms.capa_actions AS a WHERE a.id = %s", action)
    assert accepted[0]["accepted_by"] == team.grace


def test_an_approved_plan_is_locked_but_for_progress(team: Team) -> None:
    site, capa = team.site, _investigated(team)
    action = _plan(team, capa)
    with refused("QM021", "locks it"):
        site.change(team.ada, capa, title="Changed while it is approved")
    site.move(team.grace, capa, "implementation", human=True)
    for fields in ({"criterion": {"metric": "easier"}}, {"window_ends_on": site.today(9)}, {"due_date": "2031-01-01"}):
        with refused("QM021", "locks it"):
            site.change(team.ada, capa, **fields)
    for fields in ({"due_on": site.today(90)}, {"owner_id": team.ada}, {"description": "Less"}):
        with refused("QM021", "locks it"):
            site.change_part(team.ada, "capa_actions", action, **fields)
    with refused("QM021", "locks it"):
        site.part(team.ada, capa, "capa_actions", action_type="corrective", description="One more")
    site.change_part(team.ada, "capa_actions", action, progress="Press ordered")
    site.part(team.ada, capa, "evidence", kind="photo", title="The press", uri="https://files.example/press.jpg")


def test_an_ineffective_capa_begins_again_and_counts_nothing_of_before(team: Team) -> None:
    site, capa = team.site, _implemented(team)
    _check(team, capa, "not_met")
    site.move(team.grace, capa, "investigation", human=True)
    row = site.read(capa, "capas")
    assert (row["cycle"], row["verdict"], row["window_ends_on"]) == (2, "ineffective", None)
    why = site.blocked(team.ada, capa, "plan_approval")
    assert "no root cause with evidence is recorded in this cycle" in why
    assert "no action is planned in this cycle" in why
    action = _plan(team, capa)
    cycles = site.run("SELECT a.cycle FROM qms.capa_actions AS a WHERE a.id = %s", action)
    assert cycles[0]["cycle"] == 2
    site.move(team.grace, capa, "implementation", human=True)


def test_effectiveness_is_not_judged_before_the_window_is_over(team: Team) -> None:
    site, capa = team.site, _implemented(team, window_ends=3)
    assert site.read(capa)["due_date"].date().isoformat() == site.today(17)
    _check(team, capa, "met")
    assert "that is not over yet" in site.blocked(team.grace, capa, "closed", human=True)


def test_a_linked_change_that_is_open_holds_the_capa(team: Team) -> None:
    site, capa = team.site, _investigated(team)
    action = _plan(team, capa)
    site.move(team.grace, capa, "implementation", human=True)
    change = site.add(team.ada, "change_request")
    site.link(team.ada, change, capa, "implements")
    site.change_part(team.ada, "capa_actions", action, completed_on=site.today(-2), completion_evidence="WO-12")
    assert site.read(change)["number"] in site.blocked(team.grace, capa, "verification", human=True)


def test_the_due_date_of_a_capa_moves_by_an_extension_only(team: Team) -> None:
    site, capa = team.site, _investigated(team)
    due = site.read(capa)["due_date"]
    extension = site.add(team.ada, "extension_request", target_id=capa, justification="Laboratory is closed")
    with refused("QM021", "requested due on is missing"):
        site.move(team.grace, extension, "approved", human=True)
    site.change(team.ada, extension, requested_due_on=site.today(3))
    assert "not later than the due date" in site.blocked(team.grace, extension, "approved", human=True)
    site.change(team.ada, extension, requested_due_on=site.today(45))
    with refused("QM022", "Ada Lovelace is who drafted it"):
        site.move(team.ada, extension, "approved", human=True)
    site.move(team.grace, extension, "approved", human=True)
    assert (site.read(capa)["due_date"] - due).days == 15


def test_an_extension_of_an_action_moves_the_action(team: Team) -> None:
    site, capa = team.site, _investigated(team)
    action = _plan(team, capa)
    site.move(team.grace, capa, "implementation", human=True)
    extension = site.add(
        team.ada,
        "extension_request",
        target_id=capa,
        action_id=action,
        requested_due_on=site.today(40),
        justification="Late",
    )
    site.move(team.grace, extension, "approved", human=True)
    moved = site.run("SELECT a.due_on::text AS due_on FROM qms.capa_actions AS a WHERE a.id = %s", action)
    assert moved[0]["due_on"] == site.today(40)
    assert site.read(capa)["due_date"].date().isoformat() == site.today(40)


def test_an_agent_decides_nothing_about_a_capa(team: Team) -> None:
    capa = _investigated(team)
    _plan(team, capa)
    for state in ("implementation", "investigation", "cancelled"):
        with refused("QM022", "for a person to do"):
            team.site.move(team.grace, capa, state)
