"""Years of quality records in a moment, put in by a superuser with the triggers off.

Every type is there, in the states of its shipped workflow: most are closed, the rest stands in any open state. Records
hang together by links and by the fields that name another one; one supplier has hundreds of nonconformances. Parts,
steps and signatures are as frequent as they are in a company, and everything is spread by hashes of a counter: the same
each time.
"""

from collections.abc import Iterator
from uuid import UUID

import psycopg

# Of thirty records so many are of a type.
_SHARES = (
    "ARRAY['nonconformance','nonconformance','nonconformance','nonconformance','nonconformance','training','training',"
    "'training','training','training','document','document','document','complaint','complaint','complaint','capa','capa',"
    "'capa','deviation','deviation','change_request','change_request','equipment','supplier','risk','audit','finding',"
    "(ARRAY['scar','field_action'])[1 + (i / 30) % 2],(ARRAY['extension_request','finding'])[1 + (i / 30) % 2]]"
)
_PREPARE = """
CREATE FUNCTION pg_temp.spread(value bigint, salt integer, below bigint) RETURNS integer LANGUAGE sql IMMUTABLE
RETURN ((hashint8(value * 31 + salt) & 2147483647) % below)::integer;
CREATE TEMP TABLE states AS
SELECT
    d.category, d.id AS definition_id, s.key AS name, coalesce((s.value ->> 'final')::boolean, false) AS final,
    row_number() OVER w - 1 AS place, count(*) OVER (PARTITION BY d.category, s.value -> 'final') AS places
FROM qms.workflow_definitions AS d CROSS JOIN jsonb_each(d.body -> 'states') AS s
WHERE d.organization_id IS NULL
WINDOW w AS (PARTITION BY d.category, s.value -> 'final' ORDER BY s.key);
CREATE TEMP TABLE made AS
SELECT
    g.i, gen_random_uuid() AS id, t.category, t.prefix, s.name AS state, s.final, s.definition_id,
    row_number() OVER (PARTITION BY t.category ORDER BY g.i) - 1 AS place,
    now() - make_interval(mins => g.i * 25) AS at
FROM (
    SELECT i, ({shares})[1 + pg_temp.spread(i, 1, 30)] AS category FROM generate_series(1, {count}) AS c (i)
) AS g
INNER JOIN qms.record_types AS t ON g.category = t.category
INNER JOIN states AS s
    ON
        t.category = s.category AND s.final = (pg_temp.spread(g.i, 2, 10) < 7)
        AND s.place = pg_temp.spread(g.i, 3, s.places);
CREATE INDEX ON made (category, place);
CREATE TEMP TABLE counts AS SELECT m.category, count(*) AS records FROM made AS m GROUP BY m.category;
ANALYZE made;
CREATE FUNCTION pg_temp.other(of_category text, number bigint) RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT m.id FROM made AS m
    WHERE
        m.category = of_category
        AND m.place = number % (SELECT c.records FROM counts AS c WHERE c.category = of_category)
$$;
INSERT INTO qms.quality_items (
    id, organization_id, number, category, title, description, status, risk_class, owner_id, assigned_to, due_date,
    tags, version, definition_id, drafted_by, drafted_by_kind, adopted_by, adopted_at, created_at, updated_at,
    state_since, closed_at
)
SELECT
    m.id, '{organization}', m.prefix || '-' || extract(year FROM m.at) || '-' || lpad(m.place::text, 6, '0'),
    m.category,
    (ARRAY['Leaking valve', 'Scratched lens', 'Weld seam porosity', 'Wrong label', 'Torque out of range'])[1 + m.i % 5]
    || ' lot ' || m.i,
    repeat('words of a description ', 20), m.state,
    (ARRAY['low', 'low', 'medium', 'medium', 'high', 'critical'])[1 + pg_temp.spread(m.i, 4, 6)],
    CASE WHEN m.i % 50 = 0 THEN '{person}'::uuid END, CASE WHEN m.i % 70 = 0 THEN '{person}'::uuid END,
    now() + make_interval(hours => pg_temp.spread(m.i, 5, 9600) - 30), ARRAY['tag' || m.i % 100],
    1 + pg_temp.spread(m.i, 6, 9), m.definition_id, '{person}', 'agent',
    CASE WHEN m.i % 3 = 0 THEN '{person}'::uuid END, CASE WHEN m.i % 3 = 0 THEN m.at END, m.at, m.at,
    m.at + interval '1 hour', CASE WHEN m.final THEN m.at + interval '1 hour' END
FROM made AS m;
"""
# Table, category, columns, values.
_OWN = (
    ("nonconformances", "nonconformance", "detected_on, lot, quantity_affected, capa_required, supplier_id",
     ("m.at::date, 'L' || m.i, 1 + m.i % 90, m.i % 4 = 0, CASE WHEN m.place < 300 THEN pg_temp.other('supplier', 7) "
      "WHEN m.i % 4 = 1 THEN pg_temp.other('supplier', m.i) END")),
    ("deviations", "deviation", "batch, capa_required", "'B' || m.i, m.i % 5 = 0"),
    ("complaints", "complaint", "received_on, product, event_type", "m.at::date, 'Pump ' || m.i % 30, 'malfunction'"),
    ("capas", "capa", "problem_statement, source_kind", "'too many scratches ' || m.i, 'nonconformance'"),
    ("change_requests", "change_request", "justification", "'it lasts longer'"),
    ("documents", "document", "document_number, revision, is_effective, next_review_on, training_required",
     "'SOP-' || m.place / 4, 1 + m.place % 4, m.place % 4 = 3, m.at::date + 730, m.place % 4 = 3"),
    ("audits", "audit", "audit_kind, scope", "'internal', 'assembly'"),
    ("findings", "finding", "audit_id, grade, capa_required", "pg_temp.other('audit', m.i), 'minor', m.i % 4 = 0"),
    ("risks", "risk", "method, severity, occurrence, detection", "'fmea', 1 + m.i % 10, 1 + m.i % 7, 1 + m.i % 5"),
    ("trainings", "training", "document_id, trainee_id, expires_on",
     "pg_temp.other('document', m.i), CASE WHEN m.i % 40 = 0 THEN '{person}'::uuid END, m.at::date + 1095"),
    ("suppliers", "supplier", "country, score, reevaluation_due_on", "'DE', m.i % 100, m.at::date + 730"),
    ("scars", "scar", "supplier_id", "pg_temp.other('supplier', m.i)"),
    ("equipment", "equipment", "asset_number, interval_days", "'A' || m.i, 365"),
    ("field_actions", "field_action", "action_kind", "'recall'"),
    ("extension_requests", "extension_request", "target_id", "pg_temp.other('capa', m.i)"),
)  # fmt: skip
# Table, category (all when empty), rows for one record, columns, values.
_PARTS = (
    ("capa_actions", "capa", 2, "action_type, description, owner_id, due_on, completed_on",
     ("(ARRAY['containment','correction','corrective','preventive'])[1 + (m.i + n) % 4], 'Polish the cavity', "
      "CASE WHEN m.i % 60 = 0 THEN '{person}'::uuid END, m.at::date + 30, CASE WHEN m.final THEN m.at::date END")),
    ("root_causes", "capa", 2, "method, statement", "'five_whys', 'because the guide was worn'"),
    ("effectiveness_checks", "capa", 1, "outcome", "'met'"),
    ("dispositions", "nonconformance", 1, "disposition, quantity, decided_at",
     ("(ARRAY['use_as_is','rework','repair','regrade','scrap','return_to_supplier'])[1 + m.i % 6], 4, "
      "CASE WHEN m.final THEN m.at END")),
    ("reportability_assessments", "complaint", 1, "rule, answers, proposal, rationale",
     "'21 CFR 803', '{}', 'not_reportable', 'no harm'"),
    ("impact_assessments", "change_request", 3, "aspect, affected, impact",
     "(ARRAY['function','safety','documents'])[n], true, 'some'"),
    ("risk_controls", "risk", 2, "control_kind, description", "'protective', 'a guard'"),
    ("calibrations", "equipment", 4, "performed_on, result, next_due_on",
     "m.at::date + n, CASE m.i % 20 WHEN 0 THEN 'out_of_tolerance' ELSE 'in_tolerance' END, m.at::date + 365"),
    ("evidence", "", 1, "kind, title, uri", "'file', 'Photograph', 'https://files.example/' || m.i"),
    ("record_notes", "", 1, "body", "'looked at it again'"),
)  # fmt: skip
_LINKS = (
    ("capa", "nonconformance", "caused_by"), ("capa", "complaint", "caused_by"), ("capa", "finding", "caused_by"),
    ("change_request", "capa", "implements"), ("change_request", "document", "affects"),
    ("training", "document", "trains_on"), ("training", "change_request", "implements"),
    ("complaint", "nonconformance", "caused_by"), ("deviation", "nonconformance", "relates_to"),
    ("nonconformance", "equipment", "relates_to"), ("nonconformance", "document", "relates_to"),
    ("nonconformance", "risk", "relates_to"), ("scar", "nonconformance", "caused_by"),
    ("field_action", "complaint", "caused_by"),
    ("risk", "complaint", "relates_to"), ("document", "risk", "evidences"), ("document", "audit", "evidences"),
)  # fmt: skip
_STEPS = """
INSERT INTO qms.transitions (
    organization_id, record_id, record_version, name, from_state, to_state, reason, by_kind, definition_id, created_at
)
SELECT
    '{organization}', m.id, 1 + n, 'step', 'open', m.state, 'all of it was done', 'agent', m.definition_id, m.at
FROM made AS m CROSS JOIN generate_series(1, 2) AS n;
INSERT INTO qms.signatures (
    organization_id, record_id, record_version, content, content_sha256, signer_id, printed_name, meaning, verdict,
    reason, zone, components, approval_id, signed_at
)
SELECT
    '{organization}', m.id, 1, c.content, encode(sha256(convert_to(c.content::text, 'UTF8')), 'hex'), '{person}',
    'A Person', 'approval', 'signed', 'all of it is there', 'UTC', 2, gen_random_uuid(), m.at
FROM made AS m CROSS JOIN LATERAL (SELECT jsonb_build_object('title', 'lot ' || m.i) AS content) AS c
WHERE m.final AND m.category IN ('capa', 'document', 'change_request');
"""


def _own() -> Iterator[str]:
    for table, category, columns, values in _OWN:
        yield (
            f"INSERT INTO qms.{table} (id, organization_id, {columns}) "
            f"SELECT m.id, '{{organization}}', {values} FROM made AS m WHERE m.category = '{category}'"
        )


def _parts() -> Iterator[str]:
    for table, category, rows, columns, values in _PARTS:
        yield (
            f"INSERT INTO qms.{table} (record_id, organization_id, created_at, {columns}) "
            f"SELECT m.id, '{{organization}}', m.at, {values} "
            f"FROM made AS m CROSS JOIN generate_series(1, {rows}) AS n "
            f"WHERE m.category = '{category}' OR ('{category}' = '' AND m.i % 3 = 0)"
        )


def _links() -> Iterator[str]:
    for from_type, to_type, kind in _LINKS:
        yield (
            f"INSERT INTO qms.record_links (organization_id, from_id, to_id, kind, created_at) "
            f"SELECT '{{organization}}', m.id, pg_temp.other('{to_type}', m.place), '{kind}', m.at "
            f"FROM made AS m WHERE m.category = '{from_type}'"
        )


def grow_records(superuser: str, organization_id: UUID, person_id: UUID, *, records: int) -> None:
    """Add records to an organization that has none, one every 25 minutes, the last one now."""
    known = {"organization": organization_id, "person": person_id, "count": records, "shares": _SHARES}
    with psycopg.connect(superuser) as connection:
        connection.execute(b"SET LOCAL session_replication_role = 'replica'")
        for statement in (_PREPARE, *_own(), *_parts(), *_links(), _STEPS):
            text = statement
            for name, value in known.items():
                text = text.replace(f"{{{name}}}", str(value))
            connection.execute(text.encode())
