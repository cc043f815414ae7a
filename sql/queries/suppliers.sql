-- Suppliers and equipment: who may supply, what may measure, and what a bad instrument touched.

-- name: suppliers
-- The approved supplier list, what is overdue first.
WITH open_scars AS (
    SELECT
        r.supplier_id,
        count(*) AS number
    FROM qms.scars AS r
    INNER JOIN qms.quality_items AS q ON r.id = q.id
    WHERE r.organization_id = (SELECT qms.current_organization_id()) AND q.closed_at IS NULL
    GROUP BY r.supplier_id
)

SELECT
    i.number,
    i.version,
    i.title,
    i.status AS state,
    s.score,
    s.evaluated_on,
    s.reevaluation_due_on,
    coalesce(s.reevaluation_due_on < current_date, FALSE) AS overdue,
    coalesce(o.number, 0) AS open_scars,
    count(*) OVER () AS total
FROM qms.quality_items AS i
INNER JOIN qms.suppliers AS s ON i.id = s.id
LEFT JOIN open_scars AS o ON i.id = o.supplier_id
WHERE
    i.organization_id = (SELECT qms.current_organization_id())
    AND i.category = 'supplier'
    AND (%(record_id)s::uuid IS NULL OR i.id = %(record_id)s)
    AND (
        NOT %(only_attention)s::boolean
        OR i.status NOT IN ('approved', 'disqualified')
        OR (i.status <> 'disqualified' AND coalesce(s.reevaluation_due_on < current_date + 30, FALSE))
        OR o.number > 0
    )
ORDER BY s.reevaluation_due_on ASC NULLS LAST, i.number ASC
LIMIT %(max_rows)s OFFSET %(skip)s;

-- name: equipment
-- Equipment with its last calibration, what is overdue first.
SELECT
    i.number,
    i.version,
    i.title,
    i.status AS state,
    e.asset_number,
    e.calibration_due_on,
    coalesce(e.calibration_due_on < current_date, FALSE) AS overdue,
    c.performed_on AS calibrated_on,
    c.result,
    count(*) OVER () AS total
FROM qms.quality_items AS i
INNER JOIN qms.equipment AS e ON i.id = e.id
LEFT JOIN LATERAL (
    SELECT
        k.performed_on,
        k.result
    FROM qms.calibrations AS k
    WHERE k.organization_id = (SELECT qms.current_organization_id()) AND k.record_id = i.id
    ORDER BY k.performed_on DESC, k.created_at DESC, k.id DESC
    LIMIT 1
) AS c ON TRUE
WHERE
    i.organization_id = (SELECT qms.current_organization_id())
    AND i.category = 'equipment'
    AND (%(record_id)s::uuid IS NULL OR i.id = %(record_id)s)
    AND (
        NOT %(only_attention)s::boolean
        OR i.status NOT IN ('in_service', 'retired')
        OR (
            i.status <> 'retired'
            AND (
                coalesce(e.calibration_due_on < current_date + 30, FALSE)
                OR coalesce(c.result = 'out_of_tolerance', FALSE)
            )
        )
    )
ORDER BY coalesce(c.result = 'out_of_tolerance', FALSE) DESC, e.calibration_due_on ASC NULLS LAST, i.number ASC
LIMIT %(max_rows)s OFFSET %(skip)s;

-- name: out_of_tolerance
-- The span in which an instrument may have measured wrongly: from its last good calibration to the bad one after it. No
-- row once it was calibrated well again and the impact of the bad one is assessed.
SELECT
    b.performed_on AS found_on,
    b.as_found,
    (
        SELECT max(g.performed_on)
        FROM qms.calibrations AS g
        WHERE
            g.organization_id = (SELECT qms.current_organization_id())
            AND g.record_id = b.record_id
            AND g.result = 'in_tolerance'
            AND (g.performed_on, g.created_at) < (b.performed_on, b.created_at)
    ) AS good_on
FROM qms.calibrations AS b
INNER JOIN qms.quality_items AS i ON b.record_id = i.id
WHERE
    b.organization_id = (SELECT qms.current_organization_id())
    AND b.record_id = %(record_id)s
    AND b.result = 'out_of_tolerance'
    AND (
        i.status IN ('out_of_tolerance', 'impact_assessment')
        OR NOT EXISTS (
            SELECT FROM qms.calibrations AS k
            WHERE
                k.organization_id = (SELECT qms.current_organization_id())
                AND k.record_id = b.record_id
                AND k.result = 'in_tolerance'
                AND (k.performed_on, k.created_at) > (b.performed_on, b.created_at)
        )
    )
ORDER BY b.performed_on DESC, b.created_at DESC
LIMIT 1;

-- name: measured_with
-- Records of a span that are linked to an instrument or name it in their fields of the site, their title or story.
-- A record counts by the day it is about; without one, by the day it was made. It was made after what it is about.
WITH instrument AS MATERIALIZED (
    SELECT
        i.id,
        m.name,
        '(^|[^A-Za-z0-9])' || regexp_replace(m.name, '([^A-Za-z0-9])', '\\\1', 'g') || '($|[^A-Za-z0-9])' AS pattern
    FROM qms.quality_items AS i
    INNER JOIN qms.equipment AS e ON i.id = e.id
    CROSS JOIN LATERAL (VALUES (i.number), (btrim(e.asset_number))) AS m (name)
    WHERE i.id = %(record_id)s AND i.organization_id = (SELECT qms.current_organization_id()) AND length(m.name) > 2
),

linked AS (
    SELECT l.from_id AS id
    FROM qms.record_links AS l
    WHERE l.organization_id = (SELECT qms.current_organization_id()) AND l.to_id = %(record_id)s
    UNION
    SELECT l.to_id AS id
    FROM qms.record_links AS l
    WHERE l.organization_id = (SELECT qms.current_organization_id()) AND l.from_id = %(record_id)s
)

SELECT
    i.number,
    i.version,
    i.title,
    i.status AS state,
    k.id IS NOT NULL AS is_linked,
    count(*) OVER () AS total
FROM qms.quality_items AS i
LEFT JOIN linked AS k ON i.id = k.id
CROSS JOIN LATERAL concat_ws(' ', i.metadata::text, i.title, i.description) AS t (words)
WHERE
    i.organization_id = (SELECT qms.current_organization_id())
    AND i.id <> %(record_id)s
    AND i.created_at >= coalesce(%(since)s::date, '-infinity'::date)
    AND coalesce(i.occurred_at, i.created_at) >= coalesce(%(since)s::date, '-infinity'::date)
    AND coalesce(i.occurred_at, i.created_at) < %(until)s::date + 1
    AND (
        k.id IS NOT NULL
        OR EXISTS (
            SELECT FROM instrument AS n WHERE CASE WHEN strpos(t.words, n.name) > 0 THEN t.words ~ n.pattern END
        )
    )
ORDER BY is_linked DESC, i.created_at DESC, i.id ASC
LIMIT %(max_rows)s;
