-- name: loaded
-- How many of the demo's records are there already, as the caller sees them.
SELECT
    (SELECT count(*) FROM qms.quality_items) AS items,
    (SELECT count(*) FROM qms.compliance_records) AS requirements;

-- name: why
-- What the trail keeps as the reason of what is loaded.
SELECT set_config('qms.reason', %(reason)s, TRUE) AS reason;

-- name: items
-- Adds the quality records in %(rows)s (a JSON array), oldest first: their numbers follow. Those there already stay.
INSERT INTO qms.quality_items (
    id, organization_id, title, description, category, status, priority, owner_id, assigned_to, due_date, metadata,
    created_at, updated_at, state_since, closed_at
)
SELECT
    r.id,
    %(organization_id)s,
    r.title,
    r.description,
    r.category,
    r.status,
    r.priority,
    r.owner_id,
    r.owner_id AS assigned_to,
    r.due_date,
    r.metadata,
    r.created_at,
    r.updated_at,
    r.updated_at AS state_since,
    r.closed_at
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (
    id uuid, title text, description text, category text, status text, priority integer, owner_id uuid,
    due_date timestamptz, metadata jsonb, created_at timestamptz, updated_at timestamptz, closed_at timestamptz
)
WHERE NOT EXISTS (SELECT FROM qms.quality_items AS i WHERE i.id = r.id)
ORDER BY r.created_at;

-- name: rows
-- Adds what belongs to records: the fields of their types (where no table is named) and their parts.
SELECT
    qms.write_row(
        coalesce(r.part, t.table_name),
        NULL,
        r.fields,
        CASE
            WHEN r.part IS NULL THEN jsonb_build_object('id', r.id, 'organization_id', %(organization_id)s::uuid)
            ELSE jsonb_build_object(
                'id', coalesce(r.fields ->> 'id', gen_random_uuid()::text),
                'record_id', r.id,
                'organization_id', %(organization_id)s::uuid
            )
        END
    ) AS id
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (part text, id uuid, category text, fields jsonb)
INNER JOIN qms.record_types AS t ON r.category = t.category;

-- name: requirements
-- Adds the rows of the compliance matrix in %(rows)s (a JSON array); those already there stay as they are.
INSERT INTO qms.compliance_records (
    id, organization_id, standard, requirement, status, evidence, last_reviewed, next_review, created_at
)
SELECT
    r.id,
    %(organization_id)s,
    r.standard,
    r.requirement,
    r.status,
    r.evidence,
    r.last_reviewed,
    r.next_review,
    r.created_at
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (
    id uuid, standard text, requirement text, status text, evidence jsonb, last_reviewed timestamptz,
    next_review timestamptz, created_at timestamptz
)
ON CONFLICT (id) DO NOTHING;

-- name: triaged_today
-- Moves the oldest open nonconformances up, so that the trail shows changes and not only beginnings.
UPDATE qms.quality_items AS i
SET priority = 3
WHERE i.id IN (
    SELECT o.id
    FROM qms.quality_items AS o
    WHERE o.category = 'nonconformance' AND o.status IN ('open', 'contained', 'under_review') AND o.priority < 3
    ORDER BY o.created_at
    LIMIT 5
);
