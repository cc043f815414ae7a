-- Training: who is trained on the version of a document that counts, who is not, and what is late.

-- name: standing
-- People and effective document versions: who is trained (or was excused), who is assigned, and who was only ever
-- trained on a former version. One row each for what is lacking (by gap), or counts by person, document or role.
WITH effective AS (
    SELECT
        d.id,
        d.document_number,
        d.revision,
        i.number,
        i.version,
        i.title
    FROM qms.documents AS d
    INNER JOIN qms.quality_items AS i ON d.id = i.id
    WHERE
        d.organization_id = (SELECT qms.current_organization_id())
        AND d.is_effective
        AND (%(document_id)s::uuid IS NULL OR d.id = %(document_id)s)
),

assignments AS (
    SELECT
        e.id AS document_id,
        t.trainee_id,
        i.number,
        i.version,
        i.status,
        i.due_date,
        t.expires_on,
        d.id = e.id AS this_version,
        d.revision,
        row_number() OVER (
            PARTITION BY e.id, t.trainee_id
            ORDER BY
                (d.id = e.id) DESC,
                i.status IN ('completed', 'waived') DESC,
                d.revision DESC NULLS LAST,
                i.created_at DESC
        ) AS place
    FROM effective AS e
    INNER JOIN qms.documents AS d
        ON
            coalesce(e.document_number, e.id::text) = coalesce(d.document_number, d.id::text)
            AND d.organization_id = (SELECT qms.current_organization_id())
    INNER JOIN qms.trainings AS t ON d.id = t.document_id AND t.organization_id = (SELECT qms.current_organization_id())
    INNER JOIN qms.quality_items AS i ON t.id = i.id
    WHERE t.trainee_id IS NOT NULL AND (%(person)s::uuid IS NULL OR t.trainee_id = %(person)s)
),

judged AS (
    SELECT
        a.trainee_id,
        a.document_id,
        coalesce(p.printed_name, a.trainee_id::text) AS person,
        m.roles,
        e.document_number,
        e.revision,
        e.number || ' v' || e.version AS document,
        e.title,
        CASE
            WHEN NOT a.this_version THEN 'not_assigned'
            WHEN a.status IN ('completed', 'waived') AND a.expires_on < current_date THEN 'expired'
            WHEN a.status IN ('completed', 'waived') THEN 'done'
            WHEN a.status = 'overdue' OR a.due_date < clock_timestamp() THEN 'overdue'
            ELSE 'open'
        END AS standing,
        CASE WHEN a.this_version THEN a.number || ' v' || a.version END AS assignment,
        CASE WHEN NOT a.this_version THEN a.revision END AS trained_on,
        a.due_date::date AS due_on
    FROM assignments AS a
    INNER JOIN effective AS e ON a.document_id = e.id
    INNER JOIN qms.memberships AS m
        ON
            a.trainee_id = m.user_id AND m.organization_id = (SELECT qms.current_organization_id())
            AND m.valid_from <= clock_timestamp() AND (m.valid_to IS NULL OR m.valid_to > clock_timestamp())
    LEFT JOIN qms.people AS p ON a.trainee_id = p.user_id
    WHERE a.place = 1 AND (%(role)s::text IS NULL OR %(role)s = ANY(m.roles))
)

SELECT
    coalesce(r.role, min(j.person)) AS person,
    min(j.document) AS document,
    min(j.document_number || ' rev ' || j.revision || ': ' || j.title) AS about,
    min(j.standing) AS standing,
    min(j.assignment) AS assignment,
    min(j.trained_on) AS trained_on,
    min(j.due_on) AS due_on,
    count(*) FILTER (WHERE j.standing = 'done') AS done,
    count(*) FILTER (WHERE j.standing <> 'done') AS lacking,
    count(*) FILTER (WHERE j.standing = 'overdue') AS overdue,
    count(*) OVER () AS total
FROM judged AS j
LEFT JOIN LATERAL unnest(CASE WHEN %(by)s::text = 'role' THEN j.roles END) AS r (role) ON TRUE
WHERE %(by)s::text <> 'gap' OR j.standing <> 'done'
GROUP BY
    r.role,
    CASE WHEN %(by)s::text IN ('gap', 'person') THEN j.trainee_id END,
    CASE WHEN %(by)s::text IN ('gap', 'document') THEN j.document_id END
ORDER BY
    count(*) FILTER (WHERE j.standing = 'overdue') DESC,
    count(*) FILTER (WHERE j.standing <> 'done') DESC,
    min(j.due_on) ASC NULLS LAST,
    coalesce(r.role, min(j.person)) ASC,
    min(j.document) ASC,
    min(j.document_id::text) ASC,
    min(j.trainee_id::text) ASC
LIMIT %(max_rows)s OFFSET %(skip)s;

-- name: without_people
-- Effective documents that need training and to which nobody was ever assigned.
SELECT
    i.number || ' v' || i.version AS document,
    i.title
FROM qms.documents AS d
INNER JOIN qms.quality_items AS i ON d.id = i.id
WHERE
    d.organization_id = (SELECT qms.current_organization_id())
    AND d.is_effective
    AND d.training_required
    AND NOT EXISTS (
        SELECT FROM qms.trainings AS t
        WHERE t.organization_id = (SELECT qms.current_organization_id()) AND t.document_id = d.id
    )
ORDER BY i.number
LIMIT %(max_rows)s;
