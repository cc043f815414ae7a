from collections.abc import Generator
import psycopg, pytest
from tests.support.site import Team, refused, superuser_of_a_copy
from tests.conftest import wiring_for, copied_database
REASON="a reason that is long enough"

def test_types(embedded, template):
    with copied_database(embedded, template) as name:
        w = wiring_for(embedded, name)
        with psycopg.connect(embedded.conninfo(name, "postgres"), autocommit=True) as su:
            team = Team.on(su)
            capa = team.site.add(team.ada, "capa", owner_id=team.ada)
            nc = team.site.add(team.ada, "nonconformance")
            with psycopg.connect(w.server, autocommit=True) as c:
                for s in ["SET ROLE qms_probe",
                          "CREATE FUNCTION pg_temp.evil(pg_catalog.jsonb) RETURNS pg_catalog.bool LANGUAGE sql VOLATILE AS $$ SELECT pg_catalog.set_config('my.who', current_user::pg_catalog.text || pg_catalog.coalesce(pg_catalog.current_setting('my.who', true), ''), false) IS NOT NULL $$".replace("pg_catalog.coalesce","coalesce"),
                          "CREATE DOMAIN pg_temp.jsonb AS pg_catalog.jsonb CHECK (pg_temp.evil(VALUE))",
                          "RESET ROLE"]:
                    try:
                        c.execute(s); print("ok", s[:50])
                    except psycopg.Error as e: print(s[:40], e)
                pid = c.info.backend_pid
                try:
                    t = c.execute("SELECT qms_private.mint_identity(%s,%s,'agent',%s)", (team.ada, team.site.organization_id, pid)).fetchone()[0]
                    with c.transaction():
                        c.execute("SELECT set_config('qms.identity', %s, true)", (t,))
                        c.execute("SET LOCAL ROLE qms_app")
                        print(c.execute("SELECT qms.current_user_id()").fetchall())
                except psycopg.Error as e: print("ERR", e)
                print(c.execute("SELECT current_setting('my.who', true)").fetchall())

import json
@pytest.fixture(scope="module")
def connection(embedded, template):
    with superuser_of_a_copy(embedded, template) as opened:
        yield opened

@pytest.fixture
def team(connection):
    return Team.on(connection)

def bare(team, category):
    s = team.site
    with s.acting(team.ada):
        return s.run("INSERT INTO qms.quality_items (organization_id, category, title, owner_id) VALUES (%s,%s,'bare',%s) RETURNING id", s.organization_id, category, team.ada)[0]["id"]

def tryit(name, f):
    try:
        f(); print("HOLE", name)
    except psycopg.Error as e:
        print("held", name, str(e).splitlines()[0])

def test_bare(team):
    s = team.site
    e = bare(team, "equipment")
    tryit("equip calibrate bare", lambda: s.move(team.ada, e, "in_service"))
    r = bare(team, "risk")
    tryit("risk evaluate bare", lambda: s.move(team.ada, r, "evaluated"))
    tryit("risk accept bare human", lambda: s.move(team.grace, r, "residual_accepted", human=True))
    def late():
        with s.acting(team.ada):
            s.run("INSERT INTO qms.risks (id, organization_id, severity) VALUES (%s,%s,10)", r, s.organization_id)
    tryit("details inserted after acceptance", late)

def test_numbers(team):
    s = team.site
    nc = s.add(team.ada, "nonconformance", owner_id=team.ada, delivered=True)
    tryit("NaN quantity", lambda: s.change(team.ada, nc, quantity_affected="NaN"))
    tryit("NaN disp", lambda: s.part(team.ada, nc, "dispositions", disposition="scrap", quantity="NaN"))
    eq = s.add(team.ada, "equipment", interval_days=30)
    tryit("infinite calibration", lambda: s.part(team.ada, eq, "calibrations", performed_on=s.today(), result="in_tolerance", next_due_on="infinity"))
    tryit("infinite due", lambda: s.change(team.ada, eq, due_date="infinity"))
    tryit("calibration due moved", lambda: s.change(team.ada, eq, calibration_due_on=s.today(999)))
    c = s.add(team.ada, "capa", owner_id=team.ada, source_kind="\n\t", problem_statement="\u00a0\u200b", risk_class="low")
    tryit("blank required", lambda: s.move(team.ada, c, "open"))
    tryit("stranger action owner", lambda: s.part(team.ada, c, "capa_actions", action_type="corrective", description="x", owner_id=Team.on(s._connection).ada))
    def blankreason():
        with s.acting(team.ada):
            s.run("SELECT set_config('qms.reason', %s, true)", "\n"*12)
            s.run("UPDATE qms.quality_items SET title='t2' WHERE id=%s", c)
    tryit("blank reason", blankreason)
    def gap():
        with s.acting(team.ada):
            s.run("INSERT INTO qms.quality_items (id, organization_id, category, title) VALUES (%s,%s,'capa','x') ON CONFLICT DO NOTHING", c, s.organization_id)
        n1 = s.read(c)["number"]; n2 = s.read(s.add(team.ada, "capa"))["number"]
        if int(n2[-4:]) - int(n1[-4:]) == 1: raise psycopg.Error("no gap")
    tryit("gap in numbers", gap)

def test_definitions(team):
    s = team.site
    def problems(category, change):
        body = s.run("SELECT body FROM qms.workflow_definitions WHERE category=%s AND organization_id IS NULL", category)[0]["body"]
        change(body)
        p = s.run("SELECT qms.workflow_problems(%s,%s) AS p", category, json.dumps(body))[0]["p"]
        return p
    def edge(b, name): return next(e for e in b["transitions"] if e["name"] == name)
    def t(name, category, change):
        p = problems(category, change)
        print("HOLE" if not p else "held", "def", name, p)
    t("initial", "capa", lambda b: b.update(initial="effectiveness"))
    def newfinal(b):
        b["states"]["done"] = {"label": "Done", "final": True}
        b["transitions"].append({"name": "finish", "from": ["investigation"], "to": "done", "roles": ["reporter"]})
    t("new final by agent", "capa", newfinal)
    def unlocked(b):
        b["states"]["limbo"] = {"label": "Limbo"}
        b["transitions"].append({"name": "a", "from": ["implementation"], "to": "limbo", "roles": ["owner"]})
        b["transitions"].append({"name": "b", "from": ["limbo"], "to": "implementation", "roles": ["owner"], "person": True, "meaning": "x"})
    t("unlocking detour", "capa", unlocked)
    t("shortcut", "capa", lambda b: b["transitions"].append({"name": "s", "from": ["investigation"], "to": "implementation", "roles": ["reporter"], "person": True, "meaning": "approval"}))
    t("agent effect", "complaint", lambda b: edge(b, "assess").update(effects=["decide_reportability"]))
    t("effects dropped", "nonconformance", lambda b: edge(b, "disposition").pop("effects"))
    t("is_person widened", "training", lambda b: edge(b, "complete")["guards"][1]["of"].append("drafted_by"))
    t("meaning changed", "capa", lambda b: edge(b, "close").update(meaning="review"))
    t("named reject", "capa", lambda b: edge(b, "close").update(name="reject"))
    t("final unset", "capa", lambda b: b["states"]["closed"].update(final=False))
    t("final set", "capa", lambda b: b["states"]["effectiveness"].update(final=True))
    t("widen roles agent edge", "capa", lambda b: edge(b, "submit_plan").update(roles=["reporter"]))
    t("escalate junk", "capa", lambda b: b["states"]["open"].update(escalate=[{"after_days": 1, "level": 77, "role": "nobody"}]))
    t("due junk", "capa", lambda b: b["states"]["open"].update(due_days="soon"))

def test_more(team):
    s = team.site
    # decided disposition changed after reopening
    nc = s.add(team.ada, "nonconformance", delivered=True, quantity_affected=3, field_action_rationale="none needed here", capa_required=False, capa_rationale="isolated")
    d = s.part(team.ada, nc, "dispositions", disposition="scrap", quantity=3)
    s.move(team.ada, nc, "under_review"); s.move(team.mary, nc, "dispositioned", human=True)
    s.move(team.grace, nc, "verified", human=True); s.move(team.grace, nc, "closed", human=True); s.move(team.grace, nc, "reopened", human=True)
    def alter():
        s.change_part(team.ada, "dispositions", d, quantity=1)
        row = s.run("SELECT decided_by FROM qms.dispositions WHERE id=%s", d)[0]
        if row["decided_by"] is None: raise psycopg.Error("mark is gone")
    tryit("decided disposition altered, mark stays", alter)
    # method null
    r = s.add(team.ada, "risk", owner_id=team.ada, method="fmea", failure_mode="x", severity=9, occurrence=9, detection=9, new_risks_considered="none")
    s.move(team.ada, r, "evaluated"); s.part(team.ada, r, "risk_controls", control_kind="protective", description="c", implementation_evidence="e", implementation_verified_on=s.today(), effectiveness_evidence="e", effectiveness_verified_on=s.today())
    s.move(team.ada, r, "control_planned"); s.change(team.ada, r, method=None)
    s.move(team.mary, r, "control_verified", human=True)
    tryit("risk accepted unrated", lambda: s.move(team.grace, r, "residual_accepted", human=True))
    a = s.add(team.ada, "audit", audit_kind="internal", scope="s", criteria="c", lead_auditor=team.ada)
    tryit("audit without responsible", lambda: s.move(team.ada, a, "in_progress"))
    # extension with ownership transferred
    c = s.add(team.ada, "capa", owner_id=team.grace, source_kind="a", problem_statement="p", risk_class="low")
    s.change(team.ada, c, owner_id=team.ada)
    x = s.add(team.ada, "extension_request", owner_id=team.ada, target_id=c, requested_due_on=s.today(90), justification="late")
    tryit("former owner approves extension", lambda: s.move(team.grace, x, "approved", human=True))
    # assigned_to evasion
    f = s.add(team.ada, "finding", owner_id=team.ada, assigned_to=team.grace, grade="minor", objective_evidence="e", response="r", capa_required=False, capa_rationale="r")
    s.move(team.ada, f, "response"); s.change(team.ada, f, assigned_to=None)
    tryit("former assignee accepts", lambda: s.move(team.grace, f, "accepted", human=True))
    # roles removed during ticket
    bob = s.person("owner", "qa_approver")
    k = s.add(bob, "capa", owner_id=bob, source_kind="a", problem_statement="p", risk_class="low")
    def stale():
        with s._connection.transaction():
            s.run("SELECT set_config('qms.identity', qms_private.ticket_for(%s,%s,'agent',pg_backend_pid()), true), set_config('qms.reason', 'long enough reason', true)", bob, s.organization_id)
            s.run("UPDATE qms.memberships SET valid_to=clock_timestamp() WHERE user_id=%s", bob)
            s.run("INSERT INTO qms.memberships (organization_id,user_id,roles) VALUES (%s,%s,'{auditor}')", s.organization_id, bob)
            s.run("SET LOCAL ROLE qms_app")
            s.run("SELECT qms.change_record(%s,NULL,'{\"title\":\"x\"}')", k)
    tryit("stale roles", stale)
    eve = s.person("owner")
    def gone():
        with s._connection.transaction():
            s.run("SELECT set_config('qms.identity', qms_private.ticket_for(%s,%s,'agent',pg_backend_pid()), true), set_config('qms.reason', 'long enough reason', true)", eve, s.organization_id)
            s.run("UPDATE qms.people SET deactivated_at=clock_timestamp() WHERE user_id=%s", eve)
            s.run("SET LOCAL ROLE qms_app")
            s.run("SELECT qms.change_record(%s,NULL,'{\"title\":\"y\"}')", k)
    tryit("deactivated goes on", gone)
    adm = s.person("admin")
    tryit("admin-only adds a record", lambda: s.add(adm, "capa"))
    o = Team.on(s._connection)
    def foreigncal():
        with s.acting(team.ada):
            r = s.run("SELECT qms.due_after(%s, now(), 1, 'business') AS d", o.site.organization_id)
            if r[0]["d"] is None: raise psycopg.Error("nothing")
    tryit("foreign calendar", foreigncal)
    # tz dependence of content hash
    h = set()
    for tz, ds in (("UTC","ISO"),("Asia/Tokyo","German"),("America/New_York","SQL, DMY")):
        with s.acting(team.ada):
            s.run("SELECT set_config('TimeZone',%s,true), set_config('DateStyle',%s,true), set_config('bytea_output','escape',true), set_config('IntervalStyle','iso_8601',true), set_config('extra_float_digits','-15',true)", tz, ds)
            h.add(s.run("SELECT qms.record_sha256(%s) AS h", nc)[0]["h"])
            v = s.run("SELECT bad_seq FROM qms.verify_trail()")[0]["bad_seq"]
            assert v is None
    print("hashes", len(h))
