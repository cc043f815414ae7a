-- CAPAs: what a new one would answer, its analysis of causes, its actions, and the data that show whether they worked.

-- name: source
-- A record a CAPA would answer, with the fields of its type.
SELECT
    i.id,
    i.number,
    i.version,
    i.category,
    i.title,
    i.description,
    i.risk_class,
    i.tags,
    qms.record_content(i.id) -> 'details' AS details
FROM qms.quality_items AS i
WHERE i.organization_id = (SELECT qms.current_organization_id()) AND i.id = %(record_id)s;

-- name: proposals
-- What decision trees proposed or people decided about reporting a record.
SELECT
    a.rule,
    a.proposal,
    a.decided_at IS NOT NULL AS decided
FROM qms.reportability_assessments AS a
WHERE a.organization_id = (SELECT qms.current_organization_id()) AND a.record_id = %(record_id)s
ORDER BY a.created_at DESC, a.id ASC
LIMIT 1;

-- name: linked_to_field_action
-- Field actions a record hangs together with.
SELECT f.number
FROM qms.record_links AS l
INNER JOIN qms.quality_items AS f
    ON f.organization_id = l.organization_id AND f.id IN (l.from_id, l.to_id) AND f.category = 'field_action'
WHERE l.organization_id = (SELECT qms.current_organization_id()) AND %(record_id)s IN (l.from_id, l.to_id);

-- name: similar
-- Records of the same kind within some months that share a tag, or at least half of the words of the title.
SELECT
    i.number,
    i.version,
    count(*) OVER () AS found
FROM qms.quality_items AS i
WHERE
    i.organization_id = (SELECT qms.current_organization_id())
    AND i.category = %(category)s
    AND i.id <> ALL(%(but)s::uuid[])
    AND i.status <> 'cancelled'
    AND coalesce(i.occurred_at, i.created_at) >= now() - make_interval(months => %(months)s)
    AND (
        i.tags && %(tags)s::text[]
        OR (
            cardinality(%(words)s::text[]) >= 2
            AND 2 * (
                SELECT count(*) FROM unnest(%(words)s::text[]) AS w (word) WHERE position(w.word IN lower(i.title)) > 0
            ) >= cardinality(%(words)s::text[])
        )
    )
ORDER BY i.created_at DESC, i.id ASC
LIMIT %(max_rows)s;

-- name: next_steps
-- What is possible for a record now, and what blocks the rest.
SELECT
    s.name,
    s.to_state,
    s.person,
    s.blocked,
    s.not_you
FROM qms.next_steps(%(record_id)s) AS s;

-- name: transition
-- Moves a record to another state.
SELECT r.id
FROM qms.transition(%(record_id)s, NULL, %(to_state)s, %(reason)s) AS r;

-- name: capa
-- A CAPA with its plan.
SELECT
    i.id,
    i.number,
    i.version,
    i.title,
    i.description,
    i.status,
    i.risk_class,
    i.created_at,
    i.drafted_by_kind,
    i.adopted_at,
    p.printed_name AS owner_name,
    c.cycle,
    c.problem_statement,
    c.risk_screen,
    c.root_cause_summary,
    c.root_cause_not_determined,
    c.similar_cases,
    c.criterion,
    c.window_starts_on,
    c.window_ends_on,
    c.minimum_sample,
    c.verification_result,
    c.verdict,
    (now() AT TIME ZONE o.time_zone)::date AS today
FROM qms.quality_items AS i
INNER JOIN qms.capas AS c ON c.organization_id = i.organization_id AND c.id = i.id
INNER JOIN qms.organizations AS o ON o.id = i.organization_id
LEFT JOIN qms.people AS p ON p.user_id = i.owner_id
WHERE i.organization_id = (SELECT qms.current_organization_id()) AND i.id = %(record_id)s;

-- name: causes
-- The statements of the analyses of a CAPA that hold, of its present cycle.
SELECT
    r.id,
    r.method,
    r.parent_id,
    r.ordinal,
    r.statement,
    r.detail,
    r.cause_category,
    r.is_root_cause,
    r.evidence
FROM qms.root_causes AS r
INNER JOIN qms.capas AS c ON c.organization_id = r.organization_id AND c.id = r.record_id AND c.cycle = r.cycle
WHERE
    r.organization_id = (SELECT qms.current_organization_id())
    AND r.record_id = %(record_id)s
    AND r.withdrawn_reason IS NULL
ORDER BY r.method, r.ordinal, r.created_at, r.id;

-- name: actions
-- The actions of a CAPA, numbered in the order in which they were planned.
SELECT
    a.id,
    row_number() OVER (ORDER BY a.created_at, a.id) AS place,
    a.action_type,
    a.description,
    p.printed_name AS owner_name,
    a.due_on,
    a.progress,
    a.completed_on,
    a.completion_evidence,
    q.printed_name AS accepted_by_name
FROM qms.capa_actions AS a
LEFT JOIN qms.people AS p ON p.user_id = a.owner_id
LEFT JOIN qms.people AS q ON q.user_id = a.accepted_by
WHERE a.organization_id = (SELECT qms.current_organization_id()) AND a.record_id = %(record_id)s
ORDER BY place;

-- name: counted
-- Records of a kind that happened in a window (days of the organization's zone), narrowed by tags, fields and words.
WITH matching AS (
    SELECT
        i.id,
        i.number,
        i.version,
        coalesce(i.occurred_at, i.created_at) AS happened_at
    FROM qms.quality_items AS i
    INNER JOIN qms.organizations AS o ON o.id = i.organization_id
    WHERE
        i.organization_id = (SELECT qms.current_organization_id())
        AND i.category = %(category)s
        AND i.status <> 'cancelled'
        AND (coalesce(i.occurred_at, i.created_at) AT TIME ZONE o.time_zone)::date
        BETWEEN %(first_day)s::date AND %(last_day)s::date
        AND i.tags @> %(tags)s::text[]
        AND NOT EXISTS (
            SELECT FROM unnest(%(words)s::text[]) AS w (word)
            WHERE position(w.word IN lower(concat_ws(' ', i.title, i.description))) = 0
        )
        AND CASE
            WHEN %(fields)s::jsonb = '{}' THEN TRUE
            ELSE (
                -- Its own fields only of the kinds that are counted as events.
                jsonb_build_object('priority', i.priority, 'risk_class', i.risk_class, 'status', i.status)
                || coalesce(i.metadata, '{}') || coalesce(
                    CASE i.category
                        WHEN 'nonconformance'
                            THEN (SELECT to_jsonb(t.*) FROM qms.nonconformances AS t WHERE t.id = i.id)
                        WHEN 'deviation' THEN (SELECT to_jsonb(t.*) FROM qms.deviations AS t WHERE t.id = i.id)
                        WHEN 'complaint' THEN (SELECT to_jsonb(t.*) FROM qms.complaints AS t WHERE t.id = i.id)
                        WHEN 'finding' THEN (SELECT to_jsonb(t.*) FROM qms.findings AS t WHERE t.id = i.id)
                        WHEN 'scar' THEN (SELECT to_jsonb(t.*) FROM qms.scars AS t WHERE t.id = i.id)
                        WHEN 'field_action'
                            THEN (SELECT to_jsonb(t.*) FROM qms.field_actions AS t WHERE t.id = i.id)
                    END, '{}'
                )
            ) @> %(fields)s::jsonb
        END
)

SELECT
    m.number,
    m.version,
    count(*) OVER () AS found
FROM matching AS m
ORDER BY m.happened_at DESC, m.id ASC
LIMIT %(max_rows)s;

-- name: checks
-- The effectiveness checks that were kept.
SELECT
    e.created_at,
    e.outcome,
    e.detail ->> 'why' AS why
FROM qms.effectiveness_checks AS e
WHERE e.organization_id = (SELECT qms.current_organization_id()) AND e.record_id = %(record_id)s
ORDER BY e.created_at, e.id;

-- name: links
-- The records a CAPA hangs together with.
SELECT
    l.kind,
    l.from_id = %(record_id)s AS outward,
    i.number,
    i.version,
    i.title,
    i.category,
    i.status
FROM qms.record_links AS l
INNER JOIN qms.quality_items AS i
    ON
        i.organization_id = l.organization_id
        AND i.id = CASE WHEN l.from_id = %(record_id)s THEN l.to_id ELSE l.from_id END
WHERE l.organization_id = (SELECT qms.current_organization_id()) AND %(record_id)s IN (l.from_id, l.to_id)
ORDER BY l.created_at, l.id;

-- name: signatures
-- The signatures of a record, checked now.
SELECT
    s.printed_name,
    s.meaning,
    s.verdict,
    s.record_version,
    to_char(s.signed_at AT TIME ZONE s.zone, 'YYYY-MM-DD HH24:MI:SS') || ' ' || s.zone AS signed_at,
    s.status
FROM qms.signature_status(%(record_id)s) AS s;
