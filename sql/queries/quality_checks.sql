-- What check_quality reads besides what the services of records and documents read themselves.

-- name: linked
-- Records one hangs together with, and what a check compares of them: type, state, risk class, whether they are closed.
SELECT
    e.kind,
    e.outgoing,
    i.number,
    i.version,
    i.category,
    i.title,
    i.status AS state,
    i.risk_class,
    i.closed_at IS NOT NULL AS closed
FROM qms.record_neighbours(%(record_id)s, %(max_rows)s) AS e
INNER JOIN qms.quality_items AS i ON e.other_id = i.id
ORDER BY e.kind, i.number;

-- name: people
-- Which of some people belong to the organization now and are active.
SELECT
    p.user_id,
    p.printed_name,
    p.deactivated_at IS NULL AND EXISTS (
        SELECT
        FROM qms.memberships AS m
        WHERE
            m.organization_id = (SELECT qms.current_organization_id())
            AND m.user_id = p.user_id
            AND m.valid_from <= clock_timestamp()
            AND (m.valid_to IS NULL OR m.valid_to > clock_timestamp())
    ) AS active
FROM qms.people AS p
WHERE p.user_id = ANY(%(ids)s::uuid[]);

-- name: now
-- The instant and the day it is where the organization is.
SELECT
    clock_timestamp() AS at,
    (clock_timestamp() AT TIME ZONE o.time_zone)::date AS today
FROM qms.organizations AS o
WHERE o.id = (SELECT qms.current_organization_id());

-- name: trainings
-- How many trainings refer to a version of a document, and how many of them are done or waived.
SELECT
    count(*) AS assigned,
    count(*) FILTER (
        WHERE t.acknowledged_at IS NOT NULL OR t.completed_on IS NOT NULL OR t.waiver_reason IS NOT NULL
    ) AS done
FROM qms.trainings AS t
INNER JOIN qms.quality_items AS i ON t.id = i.id
WHERE
    t.organization_id = (SELECT qms.current_organization_id())
    AND t.document_id = %(record_id)s
    AND i.status <> 'cancelled';
