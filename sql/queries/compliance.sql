-- Frameworks, the compliance matrix, evidence, and what an inspection pack holds.

-- name: frameworks
-- Every version of every framework, those in force first.
SELECT
    f.id,
    f.key,
    f.version,
    f.name,
    f.title,
    f.publisher,
    f.note,
    f.in_force_from,
    f.in_force_until,
    n.name AS replaced_by,
    (SELECT count(*) FROM qms.clauses AS c WHERE c.framework_id = f.id) AS clauses
FROM qms.frameworks AS f
LEFT JOIN qms.frameworks AS n ON f.successor_id = n.id
ORDER BY f.in_force_until ASC NULLS FIRST, f.key ASC, f.in_force_from DESC;

-- name: clause
-- One clause by its number.
SELECT
    c.id,
    c.framework_id,
    c.number,
    c.title,
    c.kind
FROM qms.clauses AS c
WHERE c.framework_id = %(framework_id)s AND c.number = %(number)s;

-- name: listing
-- All clauses of a framework with where they live on.
SELECT
    c.number,
    c.title,
    c.kind,
    (
        SELECT
            string_agg(
                CASE m.relation WHEN 'adds_to' THEN 'adds to ' ELSE 'now ' END || g.name || ' ' || t.number
                || CASE WHEN m.checked THEN '' ELSE ' (to be checked)' END,
                ', ' ORDER BY g.name, t.sort_key
            )
        FROM qms.clause_map AS m
        INNER JOIN qms.clauses AS t ON m.to_clause_id = t.id
        INNER JOIN qms.frameworks AS g ON t.framework_id = g.id
        WHERE m.from_clause_id = c.id
    ) AS see
FROM qms.clauses AS c
WHERE c.framework_id = %(framework_id)s
ORDER BY c.sort_key;

-- name: matrix
-- The clauses at or under a number (all when it is null) that hold requirements or that somebody wrote about, with what
-- the organization decided about them.
SELECT
    c.id,
    c.number,
    c.title,
    r.applicability,
    r.justification,
    r.proposed_kind,
    r.adopted_at,
    r.next_review::date AS next_review,
    coalesce(
        r.review_days,
        CASE
            WHEN o.settings #>> '{compliance,review_days}' ~ '^[1-9][0-9]{0,3}$'
                THEN (o.settings #>> '{compliance,review_days}')::integer
        END,
        365
    ) AS review_days,
    (now() AT TIME ZONE o.time_zone)::date AS today,
    (
        SELECT string_agg(g.name || ' ' || t.number, ', ' ORDER BY g.name, t.sort_key)
        FROM qms.clause_map AS m
        INNER JOIN qms.clauses AS t ON m.to_clause_id = t.id
        INNER JOIN qms.frameworks AS g ON t.framework_id = g.id
        WHERE m.from_clause_id = c.id AND m.relation = 'replaced_by'
    ) AS lives_on,
    (
        SELECT array_agg(x.looked_for ORDER BY x.source, x.looked_for)
        FROM qms.clause_evidence_rules AS x WHERE x.clause_id = c.id
    ) AS looked_for
FROM qms.clauses AS c
CROSS JOIN qms.organizations AS o
LEFT JOIN LATERAL (
    SELECT
        m.applicability,
        m.justification,
        m.proposed_kind,
        m.adopted_at,
        m.next_review,
        m.review_days
    FROM qms.compliance_records AS m
    WHERE m.organization_id = o.id AND m.clause_id = c.id
    ORDER BY m.applicability DESC, m.last_reviewed DESC NULLS LAST, m.created_at DESC
    LIMIT 1
) AS r ON TRUE
WHERE
    c.framework_id = %(framework_id)s
    AND o.id = (SELECT qms.current_organization_id())
    AND c.kind <> 'reference'
    AND (
        %(under)s::text IS NULL OR c.number = %(under)s
        OR starts_with(c.number, %(under)s || '.') OR starts_with(c.number, %(under)s || '(')
    )
    AND (
        c.kind = 'requirement' OR r.applicability IS NOT NULL
        OR EXISTS (SELECT FROM qms.evidence_links AS l WHERE l.clause_id = c.id AND NOT l.withdrawn)
    )
ORDER BY c.sort_key;

-- name: evidence
-- What there is for the clauses %(clause_ids)s, of each kind the newest %(most)s.
SELECT
    e.clause_id,
    e.source,
    e.citation,
    e.dated,
    e.valid_until,
    e.note,
    e.record_id,
    e.max_age_days,
    e.total
FROM qms.clause_evidence(%(clause_ids)s::uuid[], %(most)s) AS e
ORDER BY e.clause_id ASC, e.dated DESC NULLS LAST, e.citation ASC;

-- name: record
-- A record by number or id.
SELECT
    i.id,
    i.number,
    i.version,
    i.category,
    i.status,
    i.title
FROM qms.quality_items AS i
WHERE i.id = qms.find_record(%(reference)s);

-- name: clauses_of_record
-- The clauses a record speaks for: because its type counts as evidence once it is in a certain state, or because
-- somebody linked it.
SELECT
    c.id,
    f.name AS framework,
    c.number,
    c.title,
    x.wanted,
    x.looked_for,
    x.max_age_days,
    l.valid_until AS linked_until,
    l.id IS NOT NULL AS linked,
    i.number || ' v' || i.version AS citation,
    i.status,
    i.state_since::date AS dated,
    coalesce(d.next_review_on, p.reevaluation_due_on, t.expires_on) AS valid_until,
    coalesce(
        CASE
            WHEN o.settings #>> '{compliance,review_days}' ~ '^[1-9][0-9]{0,3}$'
                THEN (o.settings #>> '{compliance,review_days}')::integer
        END,
        365
    ) AS review_days,
    (now() AT TIME ZONE o.time_zone)::date AS today
FROM qms.quality_items AS i
INNER JOIN qms.organizations AS o ON i.organization_id = o.id
INNER JOIN qms.clauses AS c ON TRUE
INNER JOIN qms.frameworks AS f ON c.framework_id = f.id
LEFT JOIN qms.clause_evidence_rules AS x
    ON c.id = x.clause_id AND x.source = 'records' AND i.category = x.category
LEFT JOIN qms.evidence_links AS l ON c.id = l.clause_id AND i.id = l.record_id AND NOT l.withdrawn
LEFT JOIN qms.documents AS d ON i.id = d.id
LEFT JOIN qms.suppliers AS p ON i.id = p.id
LEFT JOIN qms.trainings AS t ON i.id = t.id
WHERE
    i.id = %(record_id)s AND (x.id IS NOT NULL OR l.id IS NOT NULL)
    AND (%(framework_id)s::uuid IS NULL OR f.id = %(framework_id)s)
ORDER BY f.name, c.sort_key;

-- name: withdraw_link
-- Withdraws what links a record or a place to a clause.
UPDATE qms.evidence_links AS l
SET withdrawn = TRUE
WHERE
    l.clause_id = %(clause_id)s AND NOT l.withdrawn
    AND (l.record_id = %(record_id)s::uuid OR l.uri = %(uri)s::text)
RETURNING l.id;

-- name: add_link
-- Links a record or a place to a clause.
INSERT INTO qms.evidence_links (organization_id, clause_id, record_id, uri, note, observed_on, valid_until)
VALUES (
    qms.current_organization_id(), %(clause_id)s, %(record_id)s, %(uri)s, %(note)s, %(observed_on)s, %(valid_until)s
)
RETURNING id;

-- name: propose_exclusion
-- Proposes that a clause does not apply.
SELECT
    e.compliance_record_id AS id,
    e.approval_id,
    e.adopted
FROM qms.propose_exclusion(%(clause_id)s, %(why)s) AS e;

-- name: withdraw_exclusion
-- The clause applies again.
SELECT qms.withdraw_exclusion(%(clause_id)s) AS id;

-- name: trail_seq
-- The place of the last entry of the trail.
SELECT h.seq
FROM qms.trail_head() AS h;

-- name: record_types
-- The types of records.
SELECT
    t.category,
    t.prefix,
    t.label,
    t.table_name
FROM qms.record_types AS t
ORDER BY t.label;

-- name: pack_records
-- The records cited in a pack, whole: the canonical content, state, version and hash.
SELECT
    i.id,
    i.number,
    i.version,
    i.category,
    i.status,
    i.title,
    i.created_at,
    i.closed_at,
    i.drafted_by_kind,
    i.adopted_at IS NOT NULL AS adopted,
    qms.record_content(i.id) AS content,
    qms.record_sha256(i.id) AS sha256
FROM qms.quality_items AS i
WHERE i.id = ANY(%(record_ids)s::uuid[])
ORDER BY i.number;

-- name: pack_signatures
-- Their signatures, each checked now: valid, content_changed or broken.
SELECT
    i.id AS record_id,
    s.words,
    s.meaning,
    s.verdict,
    s.reason,
    s.record_version,
    s.status,
    s.changed,
    s.signed_at
FROM qms.quality_items AS i
CROSS JOIN LATERAL qms.signature_status(i.id) AS s
WHERE i.id = ANY(%(record_ids)s::uuid[])
ORDER BY i.number, s.signed_at;

-- name: pack_trail
-- Their entries in the audit trail, in order.
SELECT
    a.record_id,
    a.seq,
    a.created_at,
    a.action,
    a.entity_type,
    a.actor_name,
    a.actor_kind,
    a.client,
    a.reason,
    a.changes,
    a.record_version,
    a.row_hash
FROM qms.audit_logs AS a
WHERE a.record_id = ANY(%(record_ids)s::uuid[])
ORDER BY a.record_id, a.seq;

-- name: note_export
-- Writes into the trail that a pack was made, and returns the place of the entry.
SELECT
    qms.note_event('qms.frameworks', %(framework_id)s, 'export', %(details)s::jsonb) AS noted,
    now() AS at;

-- name: organization
-- The caller's organization and the head of its trail.
SELECT
    o.name,
    o.time_zone,
    now() AS at,
    h.seq,
    h.row_hash
FROM qms.organizations AS o
LEFT JOIN qms.trail_head() AS h ON TRUE
WHERE o.id = (SELECT qms.current_organization_id());
