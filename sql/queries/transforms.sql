-- Changes of rows through SQL: previewed, kept as drafts, applied once.

-- name: limits
-- How long a change may wait and run.
SELECT
    set_config('lock_timeout', '3s', true) AS waits,
    set_config('statement_timeout', %(statement_timeout)s, true) AS runs,
    set_config('search_path', %(search_path)s, true) AS finds,
    pg_current_xact_id()::xid::text AS transaction_number;

-- name: regulated
-- Whether a table of the house is written only by its own functions: the application has no right on whole rows of it,
-- or every statement on it has to take its turn in the audit trail.
SELECT
    n.nspname = 'qms' AND (
        NOT has_table_privilege('qms_app', c.oid, 'INSERT, UPDATE, DELETE')
        OR EXISTS (
            SELECT FROM pg_catalog.pg_trigger AS t
            INNER JOIN pg_catalog.pg_proc AS p ON t.tgfoid = p.oid
            WHERE t.tgrelid = c.oid AND p.proname = 'take_trail_turn' AND p.pronamespace = n.oid
        )
    ) AS regulated
FROM pg_catalog.pg_class AS c
INNER JOIN pg_catalog.pg_namespace AS n ON c.relnamespace = n.oid
WHERE c.oid = %(target)s::regclass;

-- name: primary_key
-- The columns of the primary key of a table, in their order.
SELECT a.attname AS name
FROM pg_catalog.pg_index AS i
INNER JOIN pg_catalog.pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
WHERE i.indrelid = %(target)s::regclass AND i.indisprimary
ORDER BY array_position(i.indkey::smallint[], a.attnum);

-- name: insert
-- A previewed change.
INSERT INTO qms.transform_drafts (
    organization_id, statement, parameters, content, sha256, target, rows_expected, preview, reason, drafted_by,
    drafted_kind
)
SELECT
    %(organization_id)s,
    %(statement)s,
    p.parameters,
    p.content,
    encode(sha256(convert_to(p.content, 'UTF8')), 'hex') AS sha256,
    %(target)s,
    %(rows_expected)s,
    %(preview)s::jsonb,
    %(reason)s,
    %(user_id)s,
    %(actor_kind)s
FROM (
    SELECT
        %(parameters)s::jsonb AS parameters,
        %(statement)s || E'\n-- parameters: ' || %(parameters)s::jsonb::text AS content
) AS p
RETURNING
    id, statement, parameters, content, sha256, target, rows_expected, preview, reason, state, rows_changed, created_at;

-- name: same
-- The open draft of exactly this change with the same preview count that nobody has rejected.
SELECT
    d.id,
    d.statement,
    d.parameters,
    d.content,
    d.sha256,
    d.target,
    d.rows_expected,
    d.preview,
    d.reason,
    d.state,
    d.rows_changed,
    d.created_at
FROM qms.transform_drafts AS d
WHERE
    d.statement = %(statement)s AND d.parameters = %(parameters)s::jsonb AND d.state = 'draft'
    AND d.rows_expected = %(rows_expected)s
    AND NOT EXISTS (SELECT FROM qms.approvals AS a WHERE a.subject_id = d.id AND a.state = 'rejected')
ORDER BY d.created_at DESC
LIMIT 1;

-- name: get
-- One draft.
SELECT
    d.id,
    d.statement,
    d.parameters,
    d.content,
    d.sha256,
    d.target,
    d.rows_expected,
    d.preview,
    d.reason,
    d.state,
    d.rows_changed,
    d.created_at
FROM qms.transform_drafts AS d
WHERE d.id = %(draft_id)s;

-- name: use
-- Spends the approval for exactly this text.
SELECT u.id FROM qms_private.use_approval(%(approval_id)s, %(draft_id)s, %(sha256)s) AS u;

-- name: mark
-- The draft has run.
UPDATE qms.transform_drafts AS d
SET state = 'applied', applied_at = clock_timestamp(), rows_changed = %(rows_changed)s
WHERE d.id = %(draft_id)s AND d.state = 'draft' AND d.sha256 = %(sha256)s;
