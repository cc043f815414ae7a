-- name: loaded
-- How many of the demo's records are there already, as the caller sees them.
SELECT
    (SELECT count(*) FROM qms.quality_items) AS items,
    (SELECT count(*) FROM qms.compliance_records) AS requirements;

-- name: items
-- Adds the quality records in %(rows)s (a JSON array); those already there stay as they are.
INSERT INTO qms.quality_items (
    id, organization_id, title, description, category, status, priority, assigned_to, due_date, metadata,
    created_at, updated_at
)
SELECT
    r.id,
    %(organization_id)s,
    r.title,
    r.description,
    r.category,
    r.status,
    r.priority,
    r.assigned_to,
    r.due_date,
    r.metadata,
    r.created_at,
    r.updated_at
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (
    id uuid, title text, description text, category text, status text, priority integer, assigned_to uuid,
    due_date timestamptz, metadata jsonb, created_at timestamptz, updated_at timestamptz
)
ON CONFLICT (id) DO NOTHING;

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

-- name: moved_today
-- Moves the oldest open nonconformances one step on, so that the trail shows changes and not only beginnings.
UPDATE qms.quality_items AS i
SET status = 'disposition', priority = 2
WHERE i.id IN (
    SELECT o.id
    FROM qms.quality_items AS o
    WHERE o.category = 'nonconformance' AND o.status = 'investigation'
    ORDER BY o.created_at
    LIMIT 5
);
