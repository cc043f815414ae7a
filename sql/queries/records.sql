-- Quality records: writing them by name, reading one, listing many, and following how they hang together.

-- name: find
-- The record with this id or number; null when there is none.
SELECT qms.find_record(%(reference)s) AS id;

-- name: add
-- Adds a record.
SELECT r.id
FROM qms.add_record(%(category)s, %(fields)s::jsonb) AS r;

-- name: with_key
-- The record that was made with a key.
SELECT i.id
FROM qms.quality_items AS i
WHERE
    i.organization_id = (SELECT qms.current_organization_id())
    AND i.category = %(category)s
    AND i.external_id = %(external_id)s;

-- name: take_turn
-- Waits for the turn to write.
SELECT qms.take_turn();

-- name: change
-- Changes fields of a record that still has the version its caller saw.
SELECT r.id
FROM qms.change_record(%(record_id)s, %(expected_version)s, %(fields)s::jsonb) AS r;

-- name: add_part
-- Adds a part to a record.
SELECT qms.add_part(%(record_id)s, %(part)s, %(fields)s::jsonb) AS id;

-- name: change_part
-- Changes what may change of a part.
SELECT qms.change_part(%(part)s, %(part_id)s, %(fields)s::jsonb) AS id;

-- name: link
-- Links two records, once.
SELECT qms.link_records(%(from_id)s, %(to_id)s, %(kind)s, %(note)s) AS id;

-- name: written
-- A record after a write, with its last entry in the trail.
SELECT
    i.id,
    i.number,
    i.version,
    i.status AS state,
    coalesce((
        SELECT max(a.seq)
        FROM qms.audit_logs AS a
        WHERE a.organization_id = i.organization_id AND a.record_id = i.id
    ), 0) AS audit_seq
FROM qms.quality_items AS i
WHERE i.organization_id = (SELECT qms.current_organization_id()) AND i.id = %(record_id)s;

-- name: page
-- A page of a list, in its order.
SELECT
    r.id,
    r.number,
    r.category,
    r.title,
    r.status AS state,
    r.version,
    r.risk_class,
    p.printed_name AS owner,
    r.due_date,
    r.drafted_by_kind = 'agent' AND r.adopted_by IS NULL AS drafted_by_agent,
    r.closed_at IS NULL AND r.due_date < clock_timestamp() AS overdue,
    qms.risk_rank(r.risk_class) AS risk_rank,
    coalesce(r.due_date, 'infinity'::timestamptz)::text AS due_key,
    r.created_at,
    r.created_at::text AS created_key
FROM qms.list_records(%(filters)s::jsonb, %(sort)s, %(after)s::jsonb, %(max_rows)s) AS r
LEFT JOIN qms.people AS p ON r.owner_id = p.user_id
ORDER BY
    CASE %(sort)s WHEN 'risk' THEN qms.risk_rank(r.risk_class) END,
    CASE WHEN %(sort)s IN ('risk', 'due') THEN coalesce(r.due_date, 'infinity'::timestamptz) END,
    CASE WHEN %(sort)s = 'newest' THEN r.created_at END DESC,
    CASE WHEN %(sort)s = 'newest' THEN r.id END DESC,
    r.id;

-- name: count
-- How many records a list has, counted up to a limit.
SELECT qms.count_records(%(filters)s::jsonb, %(at_most)s) AS total;

-- name: record
-- A record with what it has of its type, its parts, and what of it is late.
SELECT
    i.id,
    i.number,
    i.category,
    t.label,
    i.status AS state,
    i.version,
    i.title,
    i.description,
    i.priority,
    i.risk_class,
    i.owner_id,
    i.assigned_to,
    i.due_date,
    i.occurred_at,
    i.tags,
    i.metadata,
    i.source,
    i.external_id,
    i.created_at,
    i.updated_at,
    i.state_since,
    i.closed_at,
    i.escalation_level,
    i.legal_hold,
    i.drafted_by,
    i.drafted_by_kind,
    i.adopted_by,
    i.adopted_at,
    d.body -> 'states' -> i.status ->> 'label' AS state_label,
    qms.own_fields(i.id, i.category) AS details,
    qms.record_parts_of(i.id, %(at_most)s) AS parts,
    i.closed_at IS NULL AND i.due_date < clock_timestamp() AS overdue,
    CASE
        WHEN i.closed_at IS NULL AND i.due_date < clock_timestamp()
            THEN extract(DAY FROM clock_timestamp() - i.due_date)::integer
    END AS overdue_days
FROM qms.quality_items AS i
LEFT JOIN qms.record_types AS t ON i.category = t.category
LEFT JOIN qms.workflow_definitions AS d ON i.definition_id = d.id
WHERE i.organization_id = (SELECT qms.current_organization_id()) AND i.id = %(record_id)s;

-- name: neighbours
-- What a record hangs together with, and how.
SELECT
    e.kind,
    e.outgoing,
    i.id,
    i.number,
    i.version,
    i.title,
    i.status AS state
FROM qms.record_neighbours(%(record_id)s, %(max_rows)s) AS e
INNER JOIN qms.quality_items AS i ON e.other_id = i.id
ORDER BY e.kind, i.number;

-- name: next_steps
-- What is possible now, what blocks each step, and who may take it.
SELECT
    n.name,
    n.to_state,
    n.person,
    n.meaning,
    n.roles,
    n.blocked,
    n.not_you
FROM qms.next_steps(%(record_id)s) AS n;

-- name: waiting_for_decision
-- What was asked of people about a record and is not decided yet.
SELECT
    a.id AS approval_id,
    a.summary,
    a.to_state,
    a.meaning,
    a.record_version,
    a.expires_at
FROM qms.approvals AS a
WHERE
    a.organization_id = (SELECT qms.current_organization_id())
    AND a.record_id = %(record_id)s
    AND a.state = 'pending'
    AND a.expires_at > clock_timestamp()
ORDER BY a.created_at;

-- name: names
-- What people are called.
SELECT
    p.user_id,
    p.printed_name
FROM qms.people AS p
WHERE p.user_id = ANY(%(ids)s::uuid[]);

-- name: trace
-- The records a record came from or led to.
SELECT
    w.id,
    w.steps,
    i.number,
    i.version,
    i.category,
    i.title,
    i.status AS state,
    i.closed_at IS NULL AS open
FROM qms.trace_record(%(record_id)s, %(way)s, %(most_steps)s, %(max_rows)s) AS w
INNER JOIN qms.quality_items AS i ON w.id = i.id
ORDER BY w.steps, i.created_at, i.id;

-- name: edges
-- How some records hang together.
SELECT
    e.from_id,
    e.to_id,
    e.kind
FROM qms.edges_among(%(ids)s::uuid[]) AS e;

-- name: orphans
-- Records that should hang together with another one and do not: the first that are found, because to put all of them
-- in order costs as much as to find them.
SELECT
    m.id,
    m.missing,
    i.number,
    i.version,
    i.category,
    i.title,
    i.status AS state
FROM (
    SELECT
        l.id,
        l.missing
    FROM qms.missing_links AS l
    WHERE l.organization_id = (SELECT qms.current_organization_id())
    LIMIT %(max_rows)s -- noqa: AM09
) AS m
INNER JOIN qms.quality_items AS i ON m.id = i.id
ORDER BY i.created_at, i.id;

-- name: missing_links
-- Which of some records should hang together with another one and do not.
SELECT
    m.record_id AS id,
    m.missing,
    i.number,
    i.version,
    i.category,
    i.title,
    i.status AS state
FROM qms.missing_links_of(%(ids)s::uuid[]) AS m
INNER JOIN qms.quality_items AS i ON m.record_id = i.id
ORDER BY i.created_at, i.id;

-- name: my_work
-- What somebody has to do, of each kind the first ones: reports of attacks, then the gravest risk, then what is due.
SELECT
    w.kind,
    w.id,
    w.what,
    w.number,
    w.version,
    w.state,
    w.risk_class,
    w.due,
    w.overdue
FROM (
    (
        SELECT
            'record' AS kind,
            i.id,
            i.title || CASE WHEN i.owner_id = %(person)s THEN ' (owner)' ELSE ' (assigned)' END AS what,
            i.number,
            i.version,
            i.status AS state,
            i.risk_class,
            i.due_date AS due,
            i.due_date < clock_timestamp() AS overdue,
            qms.risk_rank(i.risk_class) AS urgency
        FROM qms.quality_items AS i
        WHERE
            i.organization_id = (SELECT qms.current_organization_id())
            AND i.closed_at IS NULL
            AND (i.owner_id = %(person)s OR i.assigned_to = %(person)s)
        ORDER BY qms.risk_rank(i.risk_class), coalesce(i.due_date, 'infinity'::timestamptz), i.id
        LIMIT %(max_rows)s
    )
    UNION ALL
    (
        SELECT
            'action' AS kind,
            a.id,
            a.description AS what,
            i.number,
            i.version,
            i.status AS state,
            i.risk_class,
            a.due_on::timestamptz AS due,
            a.due_on < current_date AS overdue,
            qms.risk_rank(i.risk_class) AS urgency
        FROM qms.capa_actions AS a
        INNER JOIN qms.quality_items AS i ON a.record_id = i.id
        WHERE
            a.organization_id = (SELECT qms.current_organization_id())
            AND a.owner_id = %(person)s
            AND a.completed_on IS NULL
            AND i.closed_at IS NULL
        ORDER BY qms.risk_rank(i.risk_class), coalesce(a.due_on, 'infinity'::date), a.id
        LIMIT %(max_rows)s
    )
    UNION ALL
    (
        SELECT
            'training' AS kind,
            i.id,
            i.title AS what,
            i.number,
            i.version,
            i.status AS state,
            i.risk_class,
            i.due_date AS due,
            i.due_date < clock_timestamp() AS overdue,
            qms.risk_rank(i.risk_class) AS urgency
        FROM qms.trainings AS t
        INNER JOIN qms.quality_items AS i ON t.id = i.id
        WHERE
            t.organization_id = (SELECT qms.current_organization_id())
            AND t.trainee_id = %(person)s
            AND i.closed_at IS NULL
        ORDER BY qms.risk_rank(i.risk_class), coalesce(i.due_date, 'infinity'::timestamptz), i.id
        LIMIT %(max_rows)s
    )
    UNION ALL
    (
        SELECT
            'signature' AS kind,
            r.id,
            'sign (' || r.meaning || '): ' || i.title AS what,
            i.number,
            i.version,
            i.status AS state,
            i.risk_class,
            i.due_date AS due,
            i.due_date < clock_timestamp() AS overdue,
            qms.risk_rank(i.risk_class) AS urgency
        FROM qms.required_signatures AS r
        INNER JOIN qms.quality_items AS i ON r.record_id = i.id
        WHERE
            r.organization_id = (SELECT qms.current_organization_id())
            AND r.signer_id = %(person)s
            AND i.closed_at IS NULL
            AND NOT EXISTS (
                SELECT
                FROM qms.signatures AS s
                WHERE
                    s.record_id = r.record_id
                    AND s.signer_id = r.signer_id
                    AND s.meaning = r.meaning
                    AND s.verdict = 'signed'
            )
        ORDER BY qms.risk_rank(i.risk_class), coalesce(i.due_date, 'infinity'::timestamptz), i.id
        LIMIT %(max_rows)s
    )
    UNION ALL
    (
        SELECT
            'decision' AS kind,
            d.approval_id AS id,
            'decide on the approval page: ' || d.summary AS what,
            i.number,
            i.version,
            i.status AS state,
            i.risk_class,
            i.due_date AS due,
            i.due_date < clock_timestamp() AS overdue,
            qms.risk_rank(i.risk_class) AS urgency
        FROM qms.my_decisions() AS d
        LEFT JOIN qms.quality_items AS i ON d.record_id = i.id
        ORDER BY qms.risk_rank(i.risk_class), d.requested_at
        LIMIT %(max_rows)s
    )
    UNION ALL
    (
        SELECT
            'security_report' AS kind,
            r.id,
            r.kind || ': ' || coalesce(p.printed_name, 'somebody') AS what,
            NULL AS number,
            NULL AS version,
            NULL AS state,
            NULL AS risk_class,
            r.created_at AS due,
            FALSE AS overdue,
            0 AS urgency
        FROM qms.security_reports AS r
        LEFT JOIN qms.people AS p ON r.user_id = p.user_id
        WHERE
            r.organization_id = (SELECT qms.current_organization_id())
            AND r.acknowledged_at IS NULL
            AND (SELECT qms.has_role('admin') OR qms.has_role('qa_approver'))
        ORDER BY r.created_at
        LIMIT %(max_rows)s
    )
) AS w
ORDER BY w.urgency, coalesce(w.due, 'infinity'::timestamptz), w.number, w.kind, w.id;

-- name: note_refusal
-- Notes in the trail that something was refused.
SELECT qms.note_event('qms.quality_items', %(record_id)s, 'refused', %(details)s::jsonb);
