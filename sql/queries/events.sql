-- Events: what happened, what is like it, what becomes of nonconforming product, and what an authority has to be told.

-- name: similar
-- Earlier records of the same type like the record %(record_id)s: the same part, product or cause, or words of the
-- title in common. Only the latest %(recent)s records are looked at, so that it stays cheap.
WITH latest AS MATERIALIZED (
    SELECT
        i.id,
        i.number,
        i.version,
        i.title,
        i.status,
        i.created_at
    FROM qms.quality_items AS i
    WHERE
        i.organization_id = (SELECT qms.current_organization_id())
        AND i.category = %(category)s
        AND i.id <> %(record_id)s
    ORDER BY i.created_at DESC, i.id ASC
    LIMIT %(recent)s
),

compared AS (
    SELECT
        l.number,
        l.version,
        l.title,
        l.status,
        l.created_at,
        coalesce(n.part_number = o.part_number, FALSE) AS same_part,
        coalesce(n.cause_category = o.cause_category, FALSE) AS same_cause,
        coalesce(lower(c.product) = lower(p.product), FALSE) AS same_product,
        (SELECT count(*) FROM unnest(%(words)s::text[]) AS w (word) WHERE strpos(lower(l.title), w.word) > 0) AS words
    FROM latest AS l
    LEFT JOIN qms.nonconformances AS n ON l.id = n.id
    LEFT JOIN qms.nonconformances AS o ON o.id = %(record_id)s
    LEFT JOIN qms.complaints AS c ON l.id = c.id
    LEFT JOIN qms.complaints AS p ON p.id = %(record_id)s
)

SELECT
    c.number,
    c.version,
    c.title,
    c.status AS state,
    c.same_part,
    c.same_cause,
    c.same_product,
    c.words
FROM compared AS c
WHERE c.same_part OR c.same_product OR c.words >= 2 OR (c.same_cause AND c.words >= 1)
ORDER BY
    c.same_part::integer * 2 + c.same_product::integer * 2 + c.same_cause::integer + c.words DESC,
    c.created_at DESC,
    c.number ASC
LIMIT %(max_rows)s;

-- name: record
-- The record somebody means, by id or number.
SELECT
    i.id,
    i.number,
    i.version,
    i.category,
    i.status AS state
FROM qms.quality_items AS i
WHERE i.organization_id = (SELECT qms.current_organization_id()) AND i.id = qms.find_record(%(reference)s);

-- name: quantities
-- How much of a nonconformance is affected.
SELECT
    n.quantity_affected,
    n.unit
FROM qms.nonconformances AS n
WHERE n.id = %(record_id)s;

-- name: dispositions
-- What is proposed or decided for nonconforming product, without what was withdrawn.
SELECT
    d.id,
    d.disposition,
    d.quantity,
    d.justification,
    d.decided_at IS NOT NULL AS decided
FROM qms.dispositions AS d
WHERE d.record_id = %(record_id)s AND d.withdrawn_reason IS NULL
ORDER BY d.created_at, d.id;

-- name: steps
-- What is possible for a record now, and what about the record blocks each step.
SELECT
    s.name,
    s.to_state,
    s.person,
    s.roles,
    s.blocked,
    s.not_you
FROM qms.next_steps(%(record_id)s) AS s;

-- name: request_decision
-- Asks a person to take a step with exactly this version of the record.
SELECT
    a.id,
    a.meaning,
    a.expires_at
FROM qms.request_decision(%(record_id)s, NULL, %(to_state)s, NULL, %(reason)s) AS a;

-- name: move
-- Takes a step that needs no person.
SELECT r.version
FROM qms.transition(%(record_id)s, NULL, %(to_state)s, %(reason)s) AS r;

-- name: complaint
-- What the clocks of a complaint need.
SELECT
    c.aware_on,
    c.reporter_role,
    coalesce(btrim(c.no_investigation_reason), '') <> '' AS without_investigation
FROM qms.complaints AS c
WHERE c.id = %(record_id)s;

-- name: field_action
-- What the clock of a field action needs.
SELECT
    f.initiated_on,
    f.report_required,
    f.report_rationale,
    f.report_due_on
FROM qms.field_actions AS f
WHERE f.id = %(record_id)s;

-- name: last_assessment
-- The latest walk through the decision tree.
SELECT
    a.rule,
    a.answers,
    a.proposal,
    a.report_due_on
FROM qms.reportability_assessments AS a
WHERE a.record_id = %(record_id)s
ORDER BY a.created_at DESC, a.id DESC
LIMIT 1;
