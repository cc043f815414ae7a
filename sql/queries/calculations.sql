-- Calculations: what was computed, and from what.

-- name: keep
-- Keeps a calculation.
INSERT INTO qms.calculations AS c (
    organization_id, method, method_version, software, source, source_says, options, n, input_rows, input_sha256,
    answer, answer_sha256, picture, repeats
)
VALUES (
    qms.current_organization_id(), %(method)s, %(method_version)s, %(software)s::jsonb, %(source)s::jsonb,
    %(source_says)s, %(options)s::jsonb, %(n)s, %(input_rows)s, %(input_sha256)s,
    %(answer)s::jsonb, %(answer_sha256)s, %(picture)s::jsonb, %(repeats)s
)
RETURNING c.id, c.created_at;

-- name: get
-- One calculation, whole.
SELECT
    c.id,
    c.method,
    c.method_version,
    c.software,
    c.source,
    c.source_says,
    c.options,
    c.n,
    c.input_rows,
    c.input_sha256,
    c.answer,
    c.answer_sha256,
    c.picture,
    c.created_kind,
    c.created_at,
    p.printed_name AS computed_for
FROM qms.calculations AS c
LEFT JOIN qms.people AS p ON c.created_by = p.user_id
WHERE c.organization_id = (SELECT qms.current_organization_id()) AND c.id = %(id)s;

-- name: moment
-- The moment this transaction sees, with the organization's day and time zone.
SELECT
    transaction_timestamp() AS now,
    o.time_zone AS zone,
    (transaction_timestamp() AT TIME ZONE o.time_zone)::date AS today
FROM qms.organizations AS o
WHERE o.id = (SELECT qms.current_organization_id());

-- name: type_table
-- Where a type of record keeps its own fields.
SELECT t.table_name
FROM qms.record_types AS t
WHERE t.category = %(category)s;

-- name: types
-- All types of records.
SELECT t.category
FROM qms.record_types AS t
ORDER BY t.category;
