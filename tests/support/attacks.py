"""What somebody who can run any SQL as the application could try against the records.

Names in braces are filled in: {ours} and {theirs} organizations, {record} one of ours, {locked} one whose state locks
it, {foreign} one of theirs, {action} a CAPA action, {disposition}, {approval} and {signature} of {record}, {me},
{colleague}, {stranger} (somebody of theirs) and {definition} (a workflow).
"""

_BY_UPDATE = {
    "an entry of the trail": "qms.audit_logs SET reason = 'something else entirely'",
    "who an entry names": "qms.audit_logs SET actor_name = 'Somebody Else', actor_kind = 'human'",
    "the hash of an entry": "qms.audit_logs SET row_hash = repeat('0', 64), prev_hash = repeat('0', 64)",
    "a transition": "qms.transitions SET to_state = 'closed', by_kind = 'human'",
    "a signature": "qms.signatures SET meaning = 'approval', verdict = 'signed'",
    "the content of a signature": "qms.signatures SET content = '{}', content_sha256 = repeat('0', 64)",
    "an approval": "qms.approvals SET state = 'approved', decided_by = '{me}', decided_at = now(), channel = 'page'",
    "who asked for an approval": "qms.approvals SET requested_by = '{colleague}'",
    "an anchor": "qms.audit_anchors SET row_hash = repeat('0', 64)",
    "the state of a record": "qms.quality_items SET status = 'closed' WHERE id = '{record}'",
    "the version of a record": "qms.quality_items SET version = 1 WHERE id = '{record}'",
    "when a record was made": "qms.quality_items SET created_at = '2020-01-01' WHERE id = '{record}'",
    "when a record was closed": "qms.quality_items SET closed_at = '2020-01-01' WHERE id = '{record}'",
    "since when a record is in its state": "qms.quality_items SET state_since = '2020-01-01' WHERE id = '{record}'",
    "the number of a record": "qms.quality_items SET number = 'CAPA-2020-0001' WHERE id = '{record}'",
    "the type of a record": "qms.quality_items SET category = 'document' WHERE id = '{record}'",
    "who drafted a record": "qms.quality_items SET drafted_by_kind = 'human' WHERE id = '{record}'",
    "that a person adopted a record": "qms.quality_items SET adopted_by = '{me}', adopted_at = now()",
    "the workflow of a record": "qms.quality_items SET definition_id = '{definition}' WHERE id = '{record}'",
    "how far a record is escalated": "qms.quality_items SET escalation_level = 0 WHERE id = '{record}'",
    "that a record is kept for the law": "qms.quality_items SET legal_hold = false WHERE id = '{record}'",
    "where a record was imported from": "qms.quality_items SET external_id = 'X', source = '{}' WHERE id = '{record}'",
    "the organization of a record": "qms.quality_items SET organization_id = '{theirs}' WHERE id = '{record}'",
    "the owner of a record, to somebody else's": "qms.quality_items SET owner_id = '{stranger}' WHERE id = '{record}'",
    "a record whose state locks it": "qms.quality_items SET title = 'Nothing happened' WHERE id = '{locked}'",
    "a locked field of its type": "qms.capas SET problem_statement = 'Nothing happened' WHERE id = '{locked}'",
    "records of another organization": "qms.quality_items SET title = 'ours now' WHERE organization_id = '{theirs}'",
    "that an action was accepted": "qms.capa_actions SET accepted_by = '{me}', accepted_at = now()",
    "the cycle of an action": "qms.capa_actions SET cycle = 9 WHERE id = '{action}'",
    "when an action was added": "qms.capa_actions SET created_at = '2020-01-01' WHERE id = '{action}'",
    "who added an action": "qms.capa_actions SET created_by = '{colleague}', created_kind = 'human'",
    "to which record an action belongs": "qms.capa_actions SET record_id = '{locked}' WHERE id = '{action}'",
    "who decided a disposition": "qms.dispositions SET decided_by = '{me}', decided_at = now()",
    "what a disposition is": "qms.dispositions SET disposition = 'use_as_is' WHERE id = '{disposition}'",
    "whether a complaint is reportable": "qms.complaints SET reportable = false, reportability_decided_by = '{me}'",
    "the verdict of a CAPA": "qms.capas SET verdict = 'effective', verdict_by = '{me}'",
    "that a document is effective": "qms.documents SET is_effective = true, effective_from = '2020-01-01'",
    "that training was acknowledged": "qms.trainings SET acknowledged_at = now()",
    "a workflow": "qms.workflow_definitions SET body = '{}'",
    "a drafted workflow": "qms.workflow_drafts SET drafted_by = '{colleague}'",
    "one's own roles": "qms.memberships SET roles = '{admin,qa_approver}' WHERE user_id = '{me}'",
    "a printed name": "qms.people SET printed_name = 'Somebody Else'",
    "what the organization set": 'qms.organizations SET settings = \'{"signatures": "recorded"}\'',
    "the head of the chain": "qms_private.trail_heads SET seq = 1",
    "the numbers given": "qms_private.record_numbers SET last_number = 0",
    "a password": "qms_private.credentials SET failed_tries = 0, locked_until = NULL",
    "a session": "qms_private.sessions SET ended_at = NULL",
}
_BY_INSERT = {
    "an entry of the trail": "qms.audit_logs (organization_id, entity_type, entity_id, action) "
    "VALUES ('{ours}', 'qms.capas', '{record}', 'update')",
    "an entry at a place and time of choice": "qms.audit_logs (organization_id, entity_type, entity_id, action, seq, "
    "prev_hash, row_hash, created_at) VALUES ('{ours}', 'x', '{record}', 'update', 1, 'a', 'b', '2020-01-01')",
    "a transition": "qms.transitions (organization_id, record_id, record_version, name, from_state, to_state, reason, "
    "by_kind, definition_id) VALUES ('{ours}', '{record}', 99, 'close', 'initiated', 'closed', 'I can do it', "
    "'human', '{definition}')",
    "a signature of somebody else": "qms.signatures (organization_id, record_id, record_version, content, "
    "content_sha256, signer_id, printed_name, meaning, verdict, reason, zone, components, approval_id) "
    "SELECT s.organization_id, s.record_id, s.record_version, s.content, s.content_sha256, '{colleague}', "
    "'Colleague', 'approval', 'signed', 'I can do it', 'UTC', 2, '{approval}' FROM qms.signatures AS s",
    "an approval that is approved": "qms.approvals (organization_id, tool, subject_id, content_sha256, summary, "
    "content, requested_by, requested_kind, reason, state) SELECT a.organization_id, a.tool, a.subject_id, "
    "a.content_sha256, a.summary, a.content, a.requested_by, a.requested_kind, a.reason, 'approved' "
    "FROM qms.approvals AS a",
    "a workflow": "qms.workflow_definitions (organization_id, category, version, body) "
    "VALUES ('{ours}', 'capa', 99, '{}')",
    "a drafted workflow": "qms.workflow_drafts (organization_id, category, based_on, body, reason, drafted_by, "
    "drafted_kind) VALUES ('{ours}', 'capa', 1, '{}', 'because I can do it', '{colleague}', 'human')",
    "a role": "qms.memberships (organization_id, user_id, roles) VALUES ('{theirs}', '{me}', '{admin}')",
    "a person": "qms.people (user_id, printed_name) VALUES (gen_random_uuid(), 'A New Person')",
    "an anchor": "qms.audit_anchors (organization_id, seq, row_hash, place) "
    "VALUES ('{ours}', 1, repeat('0', 64), 'nowhere')",
    "a record in another organization": "qms.quality_items (organization_id, category, title) "
    "VALUES ('{theirs}', 'capa', 'planted')",
    "a record with a state": "qms.quality_items (organization_id, category, title, status) "
    "VALUES ('{ours}', 'capa', 'closed at once', 'closed')",
    "a record with a number": "qms.quality_items (organization_id, category, title, number) "
    "VALUES ('{ours}', 'capa', 'x', 'CAPA-2020-0001')",
    "a record of the past": "qms.quality_items (organization_id, category, title, created_at) "
    "VALUES ('{ours}', 'capa', 'x', '2020-01-01')",
    "a record a person drafted": "qms.quality_items (organization_id, category, title, drafted_by_kind) "
    "VALUES ('{ours}', 'capa', 'x', 'human')",
    "a record of no type": "qms.quality_items (organization_id, category, title) VALUES ('{ours}', 'nothing', 'x')",
    "a part of a foreign record": "qms.capa_actions (organization_id, record_id, action_type, description) "
    "VALUES ('{ours}', '{foreign}', 'corrective', 'x')",
    "a part in another organization": "qms.capa_actions (organization_id, record_id, action_type, description) "
    "VALUES ('{theirs}', '{foreign}', 'corrective', 'x')",
    "a part of a locked record": "qms.capa_actions (organization_id, record_id, action_type, description) "
    "VALUES ('{ours}', '{locked}', 'corrective', 'x')",
    "an accepted action": "qms.capa_actions (organization_id, record_id, action_type, description, accepted_by) "
    "VALUES ('{ours}', '{record}', 'corrective', 'x', '{me}')",
    "a decided assessment": "qms.reportability_assessments (organization_id, record_id, rule, answers, proposal, "
    "rationale, decided_by) VALUES ('{ours}', '{record}', 'x', '{}', 'not_reportable', 'x', '{me}')",
    "a link to a foreign record": "qms.record_links (organization_id, from_id, to_id, kind) "
    "VALUES ('{ours}', '{record}', '{foreign}', 'relates_to')",
    "evidence in a foreign document": "qms.evidence (organization_id, record_id, kind, title, document_id) "
    "VALUES ('{ours}', '{record}', 'document', 'x', '{foreign}')",
    "fields for a record of another type": "qms.documents (id, organization_id, content) "
    "VALUES ('{record}', '{ours}', 'x')",
}
_REMOVED = (
    "qms.audit_logs", "qms.transitions", "qms.signatures", "qms.approvals", "qms.audit_anchors", "qms.quality_items",
    "qms.capas", "qms.capa_actions", "qms.record_links", "qms.evidence", "qms.workflow_definitions",
    "qms.memberships", "qms.compliance_records",
)  # fmt: skip
_CALLS = {
    "write_entry": "qms_private.write_entry('{ours}', 'x', '{record}', 'update', '{record}', 1, 1, '{}', '{}')",
    "note_event of the house": "qms_private.note_event('{theirs}', 'x', '{foreign}', 'update', '{}')",
    "note_event with an event of choice": "qms.note_event('qms.capas', '{record}', 'approved', '{}')",
    "touch_record": "qms_private.touch_record('{record}')",
    "next_number": "qms_private.next_number('{ours}', 'CAPA', 2026)",
    "lock_trail of another organization": "qms_private.lock_trail('{theirs}')",
    "carry_out": "qms_private.carry_out(a, 'I can do it') FROM qms.approvals AS a",
    "transition for which it takes a person": "qms.transition('{signable}', NULL, '{person_step}', 'I can do it')",
    "transition over several states": "qms.transition('{record}', NULL, 'closed', 'I can do it')",
    "transition of a foreign record": "qms.transition('{foreign}', NULL, 'investigation', 'I can do it')",
    "transition without a reason": "qms.transition('{record}', NULL, 'investigation', 'short')",
    "transition of an old version": "qms.transition('{record}', 999, 'investigation', 'I can do it')",
    "request with too short a reason": "qms.request_decision('{record}', NULL, NULL, 'review', 'short')",
    "request for a foreign record": "qms.request_decision('{foreign}', NULL, NULL, 'review', 'I can do it')",
    "change of a field nobody writes": "qms.change_record('{record}', NULL, '{\"status\": \"closed\"}')",
    "change of an old version": "qms.change_record('{record}', 999, '{\"title\": \"x\"}')",
    "change of a locked record": "qms.change_record('{locked}', NULL, '{\"title\": \"x\"}')",
    "change of a foreign record": "qms.change_record('{foreign}', NULL, '{\"title\": \"x\"}')",
    "a part that says who accepted it": "qms.change_part('capa_actions', '{action}', '{\"accepted_by\": \"{me}\"}')",
    "a part named like another table": "qms.add_part('{record}', 'signatures', '{\"meaning\": \"approval\"}')",
    "a record with a field nobody writes": 'qms.add_record(\'capa\', \'{"title": "x", "version": 9}\')',
    "a row in any table": "qms.write_row('signatures', NULL, '{\"meaning\": \"x\"}', '{}')",
    "link to a foreign record": "qms.link_records('{record}', '{foreign}', 'relates_to', NULL)",
    "a human identity": "qms_private.mint_identity('{me}', '{ours}', 'human', pg_backend_pid())",
    "an identity of theirs": "qms_private.mint_identity('{stranger}', '{theirs}', 'agent', pg_backend_pid())",
    "any identity": "qms_private.ticket_for('{colleague}', '{ours}', 'human', pg_backend_pid())",
    "becoming somebody": "qms_private.become('{colleague}', '{ours}', 'I can do it', 'page')",
    "signing an identity": "qms_private.sign_identity('{}')",
    "deciding in no session": "qms_private.decide('token', NULL, NULL, '{approval}', 'approved', '', 'x')",
    "deciding the old way": "qms_private.decide_approval('{approval}', '{me}', 'approved', 'page', NULL)",
    "confirming as in a client": "qms_private.confirm_approval('{approval}', 'approved')",
    "spending what nobody approved": "qms_private.use_approval('{approval}', '{record}', repeat('0', 64))",
    "writing to the server's disk": "lo_export(1, 'somewhere')",
    "reading the server's disk": "pg_read_file('PG_VERSION')",
}
_STATEMENTS = {
    "no reason": "SET LOCAL qms.reason = ''; UPDATE qms.quality_items SET title = 'x' WHERE id = '{record}'",
    "a reason too short": "SET LOCAL qms.reason = 'fix'; UPDATE qms.quality_items SET title = 'x'",
    "a made-up identity": (
        "SET LOCAL qms.identity = '" + "a" * 64 + '.{"sub": "{colleague}", "org": "{ours}", "kind": "human", "roles": '
        '["qa_approver"], "pid": 1, "exp": 9999999999}\'; UPDATE qms.quality_items SET title = \'x\''
    ),
    "an identity with another kind in it": (
        "SELECT set_config('qms.identity', replace(current_setting('qms.identity'), '\"agent\"', '\"human\"'), true); "
        "UPDATE qms.quality_items SET title = 'x'"
    ),
    "no identity": "SET LOCAL qms.identity = ''; UPDATE qms.quality_items SET title = 'x'",
    "claims of another kind": (
        'SET LOCAL request.jwt.claims = \'{"sub": "{stranger}"}\'; '
        "UPDATE qms.quality_items SET title = 'x' WHERE organization_id = '{theirs}'"
    ),
    "triggers switched off": "ALTER TABLE qms.audit_logs DISABLE TRIGGER ALL",
    "triggers of records switched off": "ALTER TABLE qms.quality_items DISABLE TRIGGER record_change",
    "triggers dropped": "DROP TRIGGER append_only ON qms.audit_logs",
    "the session a replica": "SET session_replication_role = 'replica'",
    "the session a replica, by function": "SELECT set_config('session_replication_role', 'replica', true)",
    "row security off": "SET row_security = off; UPDATE qms.quality_items SET title = 'x'",
    "policies dropped": "DROP POLICY read_own ON qms.audit_logs",
    "a policy that lets all in": "CREATE POLICY open ON qms.quality_items USING (true)",
    "row security no longer forced": "ALTER TABLE qms.quality_items NO FORCE ROW LEVEL SECURITY",
    "the role of the owner": "SET ROLE qms_owner",
    "the role of the definer": "SET ROLE qms_definer",
    "the role of the superuser": "SET ROLE postgres",
    "the session of somebody else": "SET SESSION AUTHORIZATION qms_owner",
    "back to the login": "RESET ROLE; UPDATE qms.quality_items SET title = 'x'",
    "as the login, an entry": (
        "RESET ROLE; INSERT INTO qms.audit_logs (organization_id, entity_type, entity_id, action) "
        "VALUES ('{ours}', 'x', '{record}', 'update')"
    ),
    "as the login, a human": "RESET ROLE; SELECT qms_private.mint_identity('{me}', '{ours}', 'human', 1)",
    "as the login, becoming somebody": "RESET ROLE; SELECT qms_private.become('{colleague}', '{ours}', 'x', 'page')",
    "as the login, the chain": "RESET ROLE; UPDATE qms_private.trail_heads SET seq = 1",
    "as the ledger": "SET LOCAL ROLE qms_ledger; UPDATE qms.audit_logs SET reason = 'x'",
    "as the analyst": "SET LOCAL ROLE qms_probe; DELETE FROM qms.audit_logs",
    "a grant to oneself": "GRANT UPDATE ON qms.audit_logs TO qms_app",
    "membership in the definer": "GRANT qms_definer TO qms_app",
    "ownership": "ALTER TABLE qms.audit_logs OWNER TO qms_app",
    "a function with the rights of its owner": (
        "CREATE FUNCTION qms.mine() RETURNS void LANGUAGE sql SECURITY DEFINER AS 'SELECT'"
    ),
    "another body for a guarding function": (
        "CREATE OR REPLACE FUNCTION qms.refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'"
    ),
    "a trigger of one's own": (
        "CREATE TRIGGER mine BEFORE INSERT ON qms.audit_logs FOR EACH ROW EXECUTE FUNCTION qms.touch_updated_at()"
    ),
    "a rule": "CREATE RULE mine AS ON INSERT TO qms.audit_logs DO INSTEAD NOTHING",
    "a view in the schema": "CREATE VIEW qms.mine AS SELECT * FROM qms.audit_logs",
    "a schema of one's own": "CREATE SCHEMA mine",
    "an extension": "CREATE EXTENSION pg_stat_statements",
    "a table of the same name in front": "CREATE TEMP TABLE audit_logs (id int)",
    "a column dropped": "ALTER TABLE qms.audit_logs DROP COLUMN row_hash",
    "the constraint on places dropped": "ALTER TABLE qms.audit_logs DROP CONSTRAINT audit_logs_place",
    "COPY into the trail": "COPY qms.audit_logs FROM '/etc/passwd'",
    "COPY through a program": "COPY qms.audit_logs TO PROGRAM 'cat'",
    "an anonymous block": "DO $x$BEGIN UPDATE qms.audit_logs SET reason = 'x'; END$x$",
    "a common table expression": "WITH x AS (DELETE FROM qms.audit_logs RETURNING 1) SELECT count(*) FROM x",
    "MERGE": (
        "MERGE INTO qms.quality_items AS i USING (SELECT 1) AS s ON i.id = '{record}' "
        "WHEN MATCHED THEN UPDATE SET status = 'closed'"
    ),
    "an upsert": (
        "INSERT INTO qms.quality_items (id, organization_id, category, title) "
        "VALUES ('{record}', '{ours}', 'capa', 'x') ON CONFLICT (id) DO UPDATE SET status = 'closed'"
    ),
    "all tables at once": "TRUNCATE qms.quality_items, qms.audit_logs CASCADE",
    "a setting of the server": "ALTER SYSTEM SET session_replication_role = 'replica'",
    "a setting of the role": "ALTER ROLE qms_app SET session_replication_role = 'replica'",
    "more rights for the role": "ALTER ROLE qms_app BYPASSRLS",
    "a library": "LOAD 'nothing'",
}

ATTACKS: dict[str, str] = {
    **{f"UPDATE changes {name}": f"UPDATE {rest}" for name, rest in _BY_UPDATE.items()},
    **{f"INSERT adds {name}": f"INSERT INTO {rest}" for name, rest in _BY_INSERT.items()},
    **{f"DELETE from {table}": f"DELETE FROM {table}" for table in _REMOVED},
    **{f"TRUNCATE {table}": f"TRUNCATE {table} CASCADE" for table in _REMOVED},
    **{f"calling {name}": f"SELECT {call}" for name, call in _CALLS.items()},
    **_STATEMENTS,
}

# What would be read: nothing may come back.
READINGS: dict[str, str] = {
    "records of another organization": "SELECT id FROM qms.quality_items WHERE organization_id = '{theirs}'",
    "a foreign record by its id": "SELECT title FROM qms.quality_items WHERE id = '{foreign}'",
    "a foreign record by its number": "SELECT id FROM qms.find_record('{foreign}') AS f (id) WHERE id IS NOT NULL",
    "the content of a foreign record": (
        "SELECT c FROM qms.record_content('{foreign}') AS r (c) WHERE c::text LIKE '%foreign%'"
    ),
    "the trail of another organization": "SELECT id FROM qms.audit_logs WHERE organization_id = '{theirs}'",
    "foreign approvals": "SELECT id FROM qms.approvals WHERE organization_id = '{theirs}'",
    "foreign people": "SELECT user_id FROM qms.people WHERE user_id = '{stranger}'",
    "foreign steps": "SELECT name FROM qms.next_steps('{foreign}')",
    "foreign signatures": "SELECT id FROM qms.signature_status('{foreign}')",
    "passwords": "SELECT password_hash FROM qms_private.credentials",
    "the key that signs identities": "SELECT inner_pad FROM qms_private.identity_key",
    "sessions": "SELECT token_sha256 FROM qms_private.sessions",
    "links to approvals": "SELECT token_sha256 FROM qms_private.approval_links",
    "heads of all chains": "SELECT seq FROM qms_private.trail_heads",
}
