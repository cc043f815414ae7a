-- Changes under control: what else a change may touch.

-- name: near
-- Records within three links of some records, the nearest first: what a change of them may touch. Of a record with very
-- many links only the oldest of each direction are followed. Closed events are history; documents, suppliers, equipment
-- and risks stay.
WITH RECURSIVE reached (id, depth) AS (
    SELECT
        s.id,
        0
    FROM unnest(%(start)s::uuid[]) AS s (id)
    UNION
    SELECT
        n.id,
        r.depth + 1
    FROM reached AS r
    CROSS JOIN LATERAL (
        (
            SELECT l.to_id AS id
            FROM qms.record_links AS l
            WHERE l.organization_id = (SELECT qms.current_organization_id()) AND l.from_id = r.id
            ORDER BY l.created_at, l.id
            LIMIT %(most_links)s
        )
        UNION ALL
        (
            SELECT l.from_id AS id
            FROM qms.record_links AS l
            WHERE l.organization_id = (SELECT qms.current_organization_id()) AND l.to_id = r.id
            ORDER BY l.created_at, l.id
            LIMIT %(most_links)s
        )
    ) AS n
    WHERE r.depth < 3
),

nearest AS (
    SELECT
        r.id,
        min(r.depth) AS depth
    FROM reached AS r
    GROUP BY r.id
)

SELECT
    i.number,
    i.version,
    i.category,
    i.title,
    i.status AS state,
    n.depth
FROM nearest AS n
INNER JOIN qms.quality_items AS i ON n.id = i.id
WHERE
    i.organization_id = (SELECT qms.current_organization_id())
    AND n.depth > 0
    AND (i.closed_at IS NULL OR i.category IN ('document', 'supplier', 'equipment', 'risk'))
ORDER BY n.depth, i.category, i.number
LIMIT %(max_rows)s;

-- name: assessed
-- The aspects that were assessed for a change.
SELECT
    a.id,
    a.aspect,
    a.affected,
    a.impact,
    a.action_needed
FROM qms.impact_assessments AS a
WHERE a.record_id = %(record_id)s
ORDER BY a.created_at, a.id;
