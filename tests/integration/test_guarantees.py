"""What somebody tried who wanted around a guarantee, with the role of the application or the login of the server.

Each test is a way that looked open: the database has to close it, whatever the services above it check.
"""

import json
from collections.abc import Callable, Generator
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from qms_mcp.db.embedded import EmbeddedPostgres
from tests.conftest import copied_database, wiring_for
from tests.support.site import Team, refused, superuser_of_a_copy

Body = dict[str, Any]


@pytest.fixture(scope="module")
def connection(embedded: EmbeddedPostgres, template: str) -> Generator[psycopg.Connection]:
    with superuser_of_a_copy(embedded, template) as opened:
        yield opened


@pytest.fixture
def team(connection: psycopg.Connection) -> Team:
    return Team.on(connection)


def _bare(team: Team, category: str, record: UUID | None = None) -> UUID:
    """Add a record without the row of its type, as raw SQL can."""
    with team.site.acting(team.ada):
        rows = team.site.run(
            "INSERT INTO qms.quality_items (id, organization_id, category, title) VALUES (%s, %s, %s, 'bare') "
            "ON CONFLICT DO NOTHING RETURNING id",
            record or uuid4(),
            team.site.organization_id,
            category,
        )
    return rows[0]["id"] if rows else uuid4()


def _capa(team: Team, **fields: object) -> UUID:
    values = {"owner_id": team.ada, "source_kind": "audit", "problem_statement": "Seals leak", "risk_class": "low"}
    return team.site.add(team.ada, "capa", **{**values, **fields})


def _rated_risk(team: Team) -> UUID:
    site = team.site
    rating = {"failure_mode": "Leak", "severity": 9, "occurrence": 4, "detection": 3}
    risk = site.add(team.ada, "risk", owner_id=team.ada, method="fmea", new_risks_considered="none", **rating)
    site.move(team.ada, risk, "evaluated")
    verified = {
        "implementation_evidence": "WO-1",
        "implementation_verified_on": site.today(),
        "effectiveness_evidence": "TR-2",
        "effectiveness_verified_on": site.today(),
    }
    site.part(team.ada, risk, "risk_controls", control_kind="protective", description="Seal check", **verified)
    site.move(team.ada, risk, "control_planned")
    return risk


# The login of the server ---------------------------------------------


def test_a_type_somebody_made_runs_nothing_in_the_functions_of_others(
    embedded: EmbeddedPostgres, template: str
) -> None:
    with copied_database(embedded, template) as name:
        with psycopg.connect(embedded.conninfo(name, "postgres"), autocommit=True) as superuser:
            team = Team.on(superuser)
        with psycopg.connect(wiring_for(embedded, name).server, autocommit=True) as server:
            server.execute("SET ROLE qms_probe")
            for named in ("jsonb", "text", "uuid", "bool", "int4", "timestamptz"):
                server.execute(
                    f"CREATE FUNCTION pg_temp.spy(pg_catalog.{named}) RETURNS pg_catalog.bool LANGUAGE sql VOLATILE "
                    "AS 'SELECT set_config($$spy.ran_as$$, current_user, false) IS NOT NULL'".encode()
                )
                server.execute(
                    f"CREATE DOMAIN pg_temp.{named} AS pg_catalog.{named} CHECK (pg_temp.spy(VALUE))".encode()
                )
            server.execute("RESET ROLE")
            server.execute("SET spy.ran_as = ''")
            with server.transaction():
                server.execute(
                    "SELECT set_config('qms.identity', "
                    "qms_private.mint_identity(%s, %s, 'agent', pg_backend_pid()), true), "
                    "set_config('qms.reason', 'a reason that is long enough', true)",
                    (team.ada, team.site.organization_id),
                )
                server.execute("SET LOCAL ROLE qms_app")
                server.execute("SELECT (qms.add_record('capa', '{\"title\": \"Burrs\"}')).id")
            ran_as = server.execute("SELECT current_setting('spy.ran_as')").fetchone()
    assert ran_as == ("",)


def test_no_function_of_another_role_looks_for_types_among_temporary_ones_first(team: Team) -> None:
    found = team.site.run(
        "SELECT p.oid::regprocedure::text AS name "
        "FROM pg_proc AS p INNER JOIN pg_namespace AS n ON p.pronamespace = n.oid "
        "WHERE n.nspname IN ('qms', 'qms_private', 'agents', 'ml_loop', 'search') "
        "AND p.prosqlbody IS NULL AND p.prokind = 'f' "
        "AND p.proname <> 'run_script' "
        "AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (p.proconfig), false) "
        "AND (p.prosecdef OR p.prorettype = 'trigger'::regtype OR 'search_path=\"\"' = ANY (p.proconfig))"
    )
    assert found == []


def test_roles_taken_away_count_before_the_ticket_expires(team: Team) -> None:
    site, bob = team.site, team.site.person("owner", "qa_approver")
    capa = _capa(team, owner_id=bob)
    with refused("QM023"), site.acting(bob):
        site.run("RESET ROLE")
        site.run("UPDATE qms.memberships SET valid_to = clock_timestamp() WHERE user_id = %s", bob)
        site.run(
            "INSERT INTO qms.memberships (organization_id, user_id, roles) VALUES (%s, %s, '{auditor}')",
            site.organization_id,
            bob,
        )
        site.run("SET LOCAL ROLE qms_app")
        site.run("SELECT qms.transition(%s, NULL, 'open', 'I was an owner once')", capa)


def test_who_is_deactivated_acts_no_more_not_even_through_an_agent_that_runs(team: Team) -> None:
    site, bob = team.site, team.site.person("owner")
    capa = _capa(team)
    with refused("QM023"), site.acting(bob):
        site.run("RESET ROLE")
        site.run("UPDATE qms.people SET deactivated_at = clock_timestamp() WHERE user_id = %s", bob)
        site.run("SET LOCAL ROLE qms_app")
        site.run('SELECT qms.change_record(%s, NULL, \'{"title": "x"}\')', capa)


def test_the_calendar_of_another_organization_counts_no_days_for_us(team: Team, connection: psycopg.Connection) -> None:
    theirs = Team.on(connection).site.organization_id
    with team.site.acting(team.ada):
        days = team.site.run(
            "SELECT qms.due_after(%s, now(), 1, 'business') AS due, "
            "qms.business_days_between(%s, '2026-01-01', '2026-02-01') AS days",
            theirs,
            theirs,
        )
    assert days == [{"due": None, "days": 0}]


# What is not there ---------------------------------------------


@pytest.mark.parametrize(
    ("category", "to_state"), [("equipment", "in_service"), ("risk", "evaluated"), ("nonconformance", "under_review")]
)
def test_a_record_without_the_fields_of_its_type_goes_nowhere(team: Team, category: str, to_state: str) -> None:
    record = _bare(team, category)
    with refused("QM021", "not recorded yet"):
        team.site.move(team.ada, record, to_state)


def test_fields_of_a_type_are_not_slipped_in_after_a_step(team: Team) -> None:
    site = team.site
    capa = _capa(team)
    site.move(team.ada, capa, "open")
    bare = _bare(team, "capa")
    site.run("ALTER TABLE qms.transitions DISABLE TRIGGER USER")
    site.run(
        "INSERT INTO qms.transitions (organization_id, record_id, record_version, name, to_state, reason, by_kind, "
        "definition_id) SELECT t.organization_id, %s, 1, t.name, t.to_state, t.reason, t.by_kind, t.definition_id "
        "FROM qms.transitions AS t WHERE t.record_id = %s",
        bare,
        capa,
    )
    site.run("ALTER TABLE qms.transitions ENABLE TRIGGER USER")
    with refused("QM021", "while it is new"), site.acting(team.ada):
        site.run("INSERT INTO qms.capas (id, organization_id) VALUES (%s, %s)", bare, site.organization_id)


def test_white_space_of_any_kind_is_no_answer(team: Team) -> None:
    capa = _capa(team, source_kind="\n\t", problem_statement="\u00a0\u200b\u3000")
    with refused("QM021", r"source kind is missing.*problem statement is missing"):
        team.site.move(team.ada, capa, "open")


def test_white_space_of_any_kind_is_no_reason(team: Team) -> None:
    capa = _capa(team)
    with refused("QM024", "at least 10 characters"), team.site.acting(team.ada):
        team.site.run("SELECT set_config('qms.reason', %s, true)", "\n\u00a0\u200b" * 9)
        team.site.run("UPDATE qms.quality_items SET title = 'x' WHERE id = %s", capa)


def test_an_internal_audit_names_who_answers_for_the_area(team: Team) -> None:
    site = team.site
    audit = site.add(team.ada, "audit", audit_kind="internal", scope="All", criteria="9001", lead_auditor=team.ada)
    with refused("QM021", "area_responsible"):
        site.move(team.ada, audit, "in_progress")
    site.change(team.ada, audit, area_responsible=team.mary)
    site.move(team.ada, audit, "in_progress")


def test_a_method_taken_away_does_not_rate_the_residual_risk(team: Team) -> None:
    site = team.site
    risk = _rated_risk(team)
    site.change(team.ada, risk, method=None)
    site.move(team.mary, risk, "control_verified", human=True)
    with refused("QM021", "the method is missing"):
        site.move(team.grace, risk, "residual_accepted", human=True)


# Values that pass every comparison ---------------------------------------------


@pytest.mark.parametrize(
    ("category", "field", "value"),
    [
        ("nonconformance", "quantity_affected", "NaN"),
        ("nonconformance", "quantity_affected", "Infinity"),
        ("nonconformance", "due_date", "infinity"),
        ("capa", "window_ends_on", "-infinity"),
        ("document", "planned_effective_on", "-infinity"),
        ("extension_request", "requested_due_on", "infinity"),
    ],
)
def test_a_quantity_is_a_number_and_a_day_has_a_date(team: Team, category: str, field: str, value: str) -> None:
    with refused("QM024", "a value does not fit"):
        team.site.add(team.ada, category, **{field: value})


def test_no_calibration_holds_forever(team: Team) -> None:
    gauge = team.site.add(team.ada, "equipment", interval_days=30)
    with refused("QM024", "a value does not fit"):
        team.site.part(
            team.ada,
            gauge,
            "calibrations",
            performed_on=team.site.today(),
            result="in_tolerance",
            next_due_on="infinity",
        )


def test_a_disposition_of_no_number_accounts_for_nothing(team: Team) -> None:
    nonconformance = team.site.add(team.ada, "nonconformance", quantity_affected=3)
    with refused("QM024", "a value does not fit"):
        team.site.part(team.ada, nonconformance, "dispositions", disposition="scrap", quantity="NaN")


# What follows from decisions, and is not written ---------------------------------------------


def test_the_day_of_the_next_calibration_is_not_moved_without_one(team: Team) -> None:
    gauge = team.site.add(team.ada, "equipment", calibration_due_on=team.site.today(-3))
    with refused("QM024", "calibration_due_on"):
        team.site.change(team.ada, gauge, calibration_due_on=team.site.today(900))
    with refused("42501"), team.site.acting(team.ada):
        team.site.run("UPDATE qms.equipment SET calibration_due_on = '2099-01-01' WHERE id = %s", gauge)


def test_by_when_a_complaint_is_reported_is_not_moved_after_the_decision(team: Team) -> None:
    complaint = team.site.add(team.ada, "complaint")
    with refused("QM024", "report_due_on"):
        team.site.change(team.ada, complaint, report_due_on=team.site.today(900))


def test_by_when_a_field_action_is_reported_is_part_of_what_is_signed(team: Team) -> None:
    site, action = team.site, team.site.add(team.ada, "field_action", report_due_on=team.site.today(5))
    before = site.run("SELECT qms.record_sha256(%s) AS sha256", action)
    site.change(team.ada, action, report_due_on=site.today(9))
    assert site.run("SELECT qms.record_sha256(%s) AS sha256", action) != before


def test_a_disposition_that_is_changed_is_decided_no_more(team: Team) -> None:
    site = team.site
    fields = {"delivered": True, "quantity_affected": 3, "field_action_rationale": "cosmetic only"}
    record = site.add(team.ada, "nonconformance", capa_required=False, capa_rationale="once", **fields)
    part = site.part(team.ada, record, "dispositions", disposition="scrap", quantity=3)
    site.move(team.ada, record, "under_review")
    site.move(team.mary, record, "dispositioned", human=True)
    for step in ("verified", "closed", "reopened"):
        site.move(team.grace, record, step, human=True)
    assert site.read(part, "dispositions")["decided_by"] == team.mary
    site.change_part(team.ada, "dispositions", part, quantity=1)
    row = site.read(part, "dispositions")
    assert (row["decided_by"], row["decided_at"], row["quantity"]) == (None, None, 1)


def test_the_last_assessment_is_the_one_made_last_and_not_of_the_transaction_begun_last(
    team: Team, embedded: EmbeddedPostgres, connection: psycopg.Connection
) -> None:
    site, complaint = team.site, team.site.add(team.ada, "complaint")
    add = (
        "SELECT qms.add_part('{record}', 'reportability_assessments', "
        '\'{{"rule": "803", "answers": {{}}, "proposal": "{proposal}", "rationale": "{proposal}"}}\')'
    )
    with psycopg.connect(embedded.conninfo(connection.info.dbname, "postgres")) as early:
        early.execute("SELECT now()")
        with site.acting(team.ada):
            site.run(add.format(record=complaint, proposal="not_reportable"))
        early.execute(
            "SELECT set_config('qms.identity', qms_private.ticket_for(%s, %s, 'agent', pg_backend_pid()), true), "
            "set_config('qms.reason', 'a second look at the event', true)",
            (team.ada, site.organization_id),
        )
        early.execute("SET LOCAL ROLE qms_app")
        early.execute(add.format(record=complaint, proposal="report").encode())
    last = site.run(
        "SELECT a.proposal FROM qms.quality_items AS i, qms_private.last_assessment(i) AS a WHERE i.id = %s", complaint
    )
    assert last == [{"proposal": "report"}]


def test_a_number_is_not_lost_on_a_record_that_is_there_already(team: Team) -> None:
    first = _capa(team)
    _bare(team, "capa", first)
    numbers = [int(team.site.read(record)["number"][-4:]) for record in (first, _capa(team))]
    assert numbers[1] == numbers[0] + 1


# Whoever steps aside for a moment ---------------------------------------------


def test_a_former_owner_does_not_extend_what_is_late(team: Team) -> None:
    site = team.site
    capa = _capa(team, owner_id=team.grace)
    site.change(team.ada, capa, owner_id=team.ada)
    wanted = {"target_id": capa, "requested_due_on": site.today(90), "justification": "Parts are late"}
    request = site.add(team.ada, "extension_request", owner_id=team.ada, **wanted)
    with refused("QM022", "the owner of what is late"):
        site.move(team.grace, request, "approved", human=True)


def test_one_it_was_assigned_to_does_not_accept_the_response(team: Team) -> None:
    site = team.site
    fields = {"grade": "minor", "objective_evidence": "Log 3", "response": "Done", "capa_rationale": "once"}
    finding = site.add(team.ada, "finding", owner_id=team.ada, assigned_to=team.grace, capa_required=False, **fields)
    site.move(team.ada, finding, "response")
    site.change(team.ada, finding, assigned_to=None)
    with refused("QM022", "assigned to"):
        site.move(team.grace, finding, "accepted", human=True)


def test_a_former_author_does_not_approve_the_document(team: Team) -> None:
    site = team.site
    fields = {
        "document_number": f"SOP-{uuid4().hex[:6]}",
        "revision": 1,
        "document_type": "procedure",
        "content": "Wash.",
    }
    document = site.add(team.ada, "document", author_id=team.grace, planned_effective_on=site.today(), **fields)
    site.change(team.ada, document, author_id=team.ada)
    site.move(team.ada, document, "in_review")
    with refused("QM022", "a former author"):
        site.move(team.grace, document, "approved", human=True)


@pytest.mark.parametrize(
    ("category", "field"), [("document", "author_id"), ("audit", "area_responsible"), ("training", "trainee_id")]
)
def test_nobody_of_another_organization_is_named(
    team: Team, connection: psycopg.Connection, category: str, field: str
) -> None:
    with refused("QM024", "somebody of this organization"):
        team.site.add(team.ada, category, **{field: Team.on(connection).ada})


def test_an_action_belongs_to_somebody_of_the_organization(team: Team, connection: psycopg.Connection) -> None:
    with refused("QM024", "somebody of this organization"):
        team.site.part(
            team.ada,
            _capa(team),
            "capa_actions",
            action_type="corrective",
            description="x",
            owner_id=Team.on(connection).ada,
        )


# Workflows of an organization ---------------------------------------------


def _edge(body: Body, name: str) -> Body:
    return next(edge for edge in body["transitions"] if edge["name"] == name)


def _step(body: Body, name: str, from_state: str, to_state: str, **more: object) -> None:
    body["transitions"].append({"name": name, "from": [from_state], "to": to_state, "roles": ["owner"], **more})


def _end_of_its_own(body: Body) -> None:
    body["states"]["done"] = {"label": "Done", "final": True, "locked": ["*"]}
    _step(body, "finish", "implementation", "done")


def _detour(body: Body) -> None:
    body["states"]["limbo"] = {"label": "Limbo"}
    _step(body, "leave", "implementation", "limbo")
    _step(body, "return", "limbo", "implementation", person=True, meaning="review")


def _closed_in_two_steps(body: Body) -> None:
    body["states"]["limbo"] = {"label": "Limbo", "locked": ["*"]}
    _step(body, "leave", "effectiveness", "limbo")
    _step(body, "close", "limbo", "closed")


def _two_ways_in(body: Body) -> None:
    body["states"]["limbo"] = {"label": "Limbo", "locked": ["*"]}
    _step(body, "leave", "investigation", "limbo")
    _step(body, "leave_late", "verification", "limbo")


WEAKER: dict[str, tuple[str, Callable[[Body], object], str]] = {
    "it begins further on": ("capa", lambda body: body.update(initial="effectiveness"), "first state"),
    "an agent ends it in a state of its own": ("capa", _end_of_its_own, "only shipped states are final"),
    "a detour unlocks it": ("capa", _detour, "locks less than implementation"),
    "an agent closes it in two steps": ("capa", _closed_in_two_steps, "a person has to do it"),
    "a state joins two others": ("capa", _two_ways_in, "from one shipped state"),
    "a step jumps over the approval": (
        "capa",
        lambda body: _step(body, "go", "investigation", "implementation", person=True, meaning="approval"),
        "has no step",
    ),
    "an agent's step decides": (
        "complaint",
        lambda body: _edge(body, "assess").update(effects=["decide_reportability"]),
        "what it does besides",
    ),
    "a decision leaves no mark": (
        "nonconformance",
        lambda body: _edge(body, "disposition").pop("effects"),
        "what it does besides",
    ),
    "others than the trainee acknowledge": (
        "training",
        lambda body: _edge(body, "complete")["guards"][1]["of"].append("drafted_by"),
        "is_person is missing",
    ),
    "a signature means less": ("capa", lambda body: _edge(body, "close").update(meaning="review"), "its meaning"),
    "a rejection closes": ("capa", lambda body: _edge(body, "close").update(name="reject"), "its name"),
    "closed is not final": ("capa", lambda body: body["states"]["closed"].update(final=False), "whether it is final"),
    "more roles submit": ("capa", lambda body: _edge(body, "submit_plan").update(roles=["reporter"]), "more roles"),
    "escalation fails": (
        "capa",
        lambda body: body["states"]["open"].update(escalate=[{"after_days": 1, "level": 77, "role": "nobody"}]),
        "escalation takes",
    ),
    "a clock that does not count": ("capa", lambda body: body["states"]["open"].update(due_days="soon"), "due_days"),
}


def _problems(team: Team, category: str, change: Callable[[Body], object]) -> list[str]:
    rows = team.site.run(
        "SELECT d.body FROM qms.workflow_definitions AS d WHERE d.category = %s AND d.organization_id IS NULL", category
    )
    body = rows[0]["body"]
    change(body)
    return team.site.run("SELECT qms.workflow_problems(%s, %s) AS p", category, json.dumps(body))[0]["p"]


@pytest.mark.parametrize("name", WEAKER)
def test_a_workflow_of_an_organization_is_not_weaker(team: Team, name: str) -> None:
    category, change, words = WEAKER[name]
    assert any(words in problem for problem in _problems(team, category, change)), name


def test_a_workflow_of_an_organization_may_add_a_state_that_is_left_as_the_former_is(team: Team) -> None:
    def add(body: Body) -> None:
        model = _edge(body, "approve_plan")
        body["states"]["plan_checked"] = {**body["states"]["plan_approval"], "label": "Plan checked"}
        _step(body, "check", "plan_approval", "plan_checked", roles=["reviewer"], person=True, meaning="review")
        body["transitions"].append({**model, "from": ["plan_checked"]})
        model["guards"][-1]["of"].append("trail.editors")

    assert _problems(team, "capa", add) == []


def test_no_setting_of_a_session_changes_a_hash(team: Team) -> None:
    site, capa = team.site, _capa(team, occurred_at="2026-03-01T10:00:00+02:00")
    hashes = set[str]()
    for zone, style in (("UTC", "ISO"), ("Asia/Tokyo", "German"), ("America/New_York", "SQL, DMY")):
        with site.acting(team.ada):
            for name, value in {
                "TimeZone": zone,
                "DateStyle": style,
                "IntervalStyle": "iso_8601",
                "bytea_output": "escape",
                "extra_float_digits": "-15",
            }.items():
                site.run("SELECT set_config(%s, %s, true)", name, value)
            hashes.add(site.run("SELECT qms.record_sha256(%s) AS sha256", capa)[0]["sha256"])
            assert site.run("SELECT v.bad_seq FROM qms.verify_trail() AS v") == [{"bad_seq": None}]
    assert len(hashes) == 1


def test_who_only_administers_keeps_and_signs_no_record(team: Team) -> None:
    site, admin = team.site, team.site.person("admin")
    with refused("42501"):
        site.add(admin, "capa")
    capa = _capa(team)
    with site.acting(admin):
        assert site.run("UPDATE qms.quality_items SET title = 'x' WHERE id = %s RETURNING id", capa) == []
    with refused("QM022", "administrator"), site.acting(admin):
        site.run("SELECT qms.request_decision(%s, NULL, NULL, 'review', 'please look at this')", capa)
    with site.acting(team.ada):
        site.run("SELECT qms.request_decision(%s, NULL, NULL, 'review', 'please look at this')", capa)
    with site.acting(admin, human=True):
        assert site.run("SELECT d.approval_id FROM qms.my_decisions() AS d") == []


def test_a_finding_is_not_taken_away_from_its_audit_to_close_it(team: Team) -> None:
    site = team.site
    audit, other = site.add(team.ada, "audit"), site.add(team.ada, "audit")
    finding = site.add(team.ada, "finding")
    site.change(team.ada, finding, audit_id=audit)
    for elsewhere in (None, other):
        with refused("QM021", "what it belongs to"):
            site.change(team.ada, finding, audit_id=elsewhere)
