-- Audits: the checklist from clauses, a sample of records, open items, and how far the auditor is from the area.

-- name: clauses
-- The clauses of a framework that hold requirements, at or under one of some numbers (all when none is named).
SELECT
    c.number,
    c.title
FROM qms.clauses AS c
WHERE
    c.framework_id = %(framework_id)s
    AND c.kind = 'requirement'
    AND (
        cardinality(%(under)s::text[]) = 0
        OR EXISTS (
            SELECT FROM unnest(%(under)s::text[]) AS u (number)
            WHERE
                c.number = u.number
                OR starts_with(c.number, u.number || '.')
                OR starts_with(c.number, u.number || '(')
        )
    )
ORDER BY c.sort_key
LIMIT %(max_rows)s;

-- name: sample
-- A sample of the latest records of some types, the same each time for the same seed: by the hash of seed and id.
WITH types AS (
    SELECT
        t.category,
        t.place
    FROM unnest(%(categories)s::text[]) WITH ORDINALITY AS t (category, place)
),

recent AS (
    SELECT
        r.id,
        r.number,
        r.version,
        r.category,
        r.title,
        r.status AS state,
        t.place
    FROM types AS t
    CROSS JOIN LATERAL (
        SELECT
            i.id,
            i.number,
            i.version,
            i.category,
            i.title,
            i.status
        FROM qms.quality_items AS i
        WHERE
            i.organization_id = (SELECT qms.current_organization_id())
            AND i.category = t.category
            AND i.created_at >= %(since)s::timestamptz
        ORDER BY i.created_at DESC, i.id DESC
        LIMIT %(recent)s
    ) AS r
),

drawn AS (
    SELECT
        r.number,
        r.version,
        r.category,
        r.title,
        r.state,
        r.place,
        row_number() OVER (
            PARTITION BY r.place ORDER BY sha256(convert_to(%(seed)s || r.id::text, 'UTF8'))
        ) AS turn
    FROM recent AS r
)

SELECT
    d.number,
    d.version,
    d.category,
    d.title,
    d.state
FROM drawn AS d
WHERE d.turn <= %(of_each)s
ORDER BY d.place, d.number;

-- name: open_items
-- What is open from before: findings and CAPAs not closed, the longest overdue first.
SELECT
    i.number,
    i.version,
    i.category,
    i.title,
    i.status AS state
FROM qms.quality_items AS i
WHERE
    i.organization_id = (SELECT qms.current_organization_id())
    AND i.category IN ('finding', 'capa', 'scar')
    AND i.closed_at IS NULL
ORDER BY coalesce(i.due_date, 'infinity'::timestamptz), i.id
LIMIT %(max_rows)s;

-- name: own_work
-- Records of a sample that somebody owns, drafted or wrote.
SELECT i.number
FROM qms.quality_items AS i
LEFT JOIN qms.documents AS d ON i.id = d.id
WHERE
    i.organization_id = (SELECT qms.current_organization_id())
    AND i.number = ANY(%(numbers)s::text[])
    AND (
        %(person)s::uuid IN (i.owner_id, i.assigned_to, i.drafted_by, d.author_id)
        OR %(person)s::uuid = ANY(d.editors)
    )
ORDER BY i.number;

-- name: checked_in_audit
-- Whether an audit has a clause on its checklist; null when it has no checklist.
SELECT
    jsonb_array_length(a.checklist -> 'clauses') > 0 AS has_checklist,
    a.checklist -> 'clauses' @> jsonb_build_array(jsonb_build_object('clause', %(clause)s::text)) AS listed
FROM qms.audits AS a
WHERE a.id = %(record_id)s;
