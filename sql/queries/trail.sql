-- The audit trail, read as the application: row-level security leaves only the caller's organization.

-- name: scope
-- What the caller's words mean: the record, the people, and the part of the chain that holds a period. Its ends are an
-- hour wider than asked for, should the clock of the server have been set back; the entries are filtered by their time.
-- What follows in the transaction is planned anew each time: a plan for every filter would read the whole trail.
WITH period AS (
    SELECT
        o.time_zone AS zone,
        coalesce(%(since)s::timestamptz, %(since_local)s::timestamp AT TIME ZONE o.time_zone) AS since,
        coalesce(%(until)s::timestamptz, %(until_local)s::timestamp AT TIME ZONE o.time_zone) AS until
    FROM qms.organizations AS o
    WHERE o.id = (SELECT qms.current_organization_id())
)

SELECT
    p.zone,
    p.since,
    p.until,
    set_config('plan_cache_mode', 'force_custom_plan', TRUE) AS planning,
    qms.find_record(%(record)s::text) AS record_id,
    ARRAY(
        SELECT x.user_id
        FROM qms.people AS x
        WHERE
            x.user_id::text = lower(btrim(%(person)s::text))
            OR lower(x.printed_name) = lower(btrim(%(person)s::text))
        UNION
        SELECT f.found
        FROM qms.find_colleague(%(person)s::text) AS f (found)
        WHERE f.found IS NOT NULL
    ) AS people,
    CASE
        WHEN p.since IS NOT NULL THEN (
            SELECT a.seq
            FROM qms.audit_logs AS a
            WHERE a.created_at >= p.since - interval '1 hour'
            ORDER BY a.created_at
            LIMIT 1
        )
    END AS lowest,
    CASE
        WHEN p.until IS NOT NULL THEN (
            SELECT a.seq
            FROM qms.audit_logs AS a
            WHERE a.created_at < p.until + interval '1 hour'
            ORDER BY a.created_at DESC
            LIMIT 1
        )
    END AS highest
FROM period AS p;

-- name: entries
-- A page of the trail, the newest entry first, and how many entries there are, counted up to a limit.
WITH counted AS (
    SELECT a.seq
    FROM qms.audit_logs AS a
    WHERE
        (%(record_id)s::uuid IS NULL OR a.record_id = %(record_id)s)
        AND (%(person_id)s::uuid IS NULL OR a.actor_id = %(person_id)s)
        AND (%(action)s::text IS NULL OR a.action = %(action)s)
        AND (%(since)s::timestamptz IS NULL OR a.created_at >= %(since)s)
        AND (%(until)s::timestamptz IS NULL OR a.created_at < %(until)s)
        AND (%(lowest)s::bigint IS NULL OR a.seq >= %(lowest)s)
        AND (%(highest)s::bigint IS NULL OR a.seq <= %(highest)s)
    ORDER BY a.seq DESC
    LIMIT %(counted)s
)

SELECT
    a.seq,
    a.created_at,
    to_char(a.created_at AT TIME ZONE o.time_zone, 'YYYY-MM-DD HH24:MI:SS') AS at_site,
    o.time_zone AS zone,
    a.actor_id,
    a.actor_name,
    a.actor_kind,
    b.printed_name AS on_behalf_of,
    a.client,
    a.tool_call_id,
    a.action,
    a.entity_type,
    a.entity_id,
    i.number,
    a.record_version,
    a.changes,
    a.metadata,
    a.reason,
    a.app_version,
    a.definition_version,
    a.row_hash,
    (SELECT count(*) FROM counted) AS total
FROM qms.audit_logs AS a
INNER JOIN qms.organizations AS o ON a.organization_id = o.id
LEFT JOIN qms.quality_items AS i ON a.record_id = i.id
LEFT JOIN qms.people AS b ON a.on_behalf_of = b.user_id
WHERE
    (%(record_id)s::uuid IS NULL OR a.record_id = %(record_id)s)
    AND (%(person_id)s::uuid IS NULL OR a.actor_id = %(person_id)s)
    AND (%(action)s::text IS NULL OR a.action = %(action)s)
    AND (%(since)s::timestamptz IS NULL OR a.created_at >= %(since)s)
    AND (%(until)s::timestamptz IS NULL OR a.created_at < %(until)s)
    AND (%(lowest)s::bigint IS NULL OR a.seq >= %(lowest)s)
    AND (%(highest)s::bigint IS NULL OR a.seq <= %(highest)s)
    AND (%(before_seq)s::bigint IS NULL OR a.seq < %(before_seq)s)
ORDER BY a.seq DESC
LIMIT %(max_rows)s;

-- name: head
-- The last entry of the chain; the chain has no gaps, so this is also how many there are.
SELECT
    h.seq,
    h.row_hash
FROM qms.trail_head() AS h;

-- name: verify
-- The chain recomputed from one entry to another.
SELECT
    v.entries,
    v.first_seq,
    v.last_seq,
    v.last_hash,
    v.bad_seq,
    v.problem
FROM qms.verify_trail(%(from_seq)s, %(to_seq)s) AS v;

-- name: anchors
-- Where heads were written down, each beside what the entry holds now.
SELECT
    n.seq,
    n.row_hash,
    n.place,
    n.created_at,
    a.row_hash AS now_hash
FROM qms.audit_anchors AS n
LEFT JOIN qms.audit_logs AS a ON n.organization_id = a.organization_id AND n.seq = a.seq
WHERE n.seq >= %(from_seq)s::bigint AND (%(to_seq)s::bigint IS NULL OR n.seq <= %(to_seq)s)
ORDER BY n.seq, n.created_at;

-- name: hashes
-- What some entries hold now.
SELECT
    a.seq,
    a.row_hash
FROM qms.audit_logs AS a
WHERE a.seq = ANY(%(places)s::bigint[])
ORDER BY a.seq;

-- name: organization
-- Whose trail it is.
SELECT
    o.id,
    o.name,
    o.slug,
    o.time_zone AS zone
FROM qms.organizations AS o
WHERE o.id = (SELECT qms.current_organization_id());

-- name: export
-- A page for an export, the oldest entry first, with the very text that is hashed.
SELECT
    a.seq,
    a.created_at,
    to_char(a.created_at AT TIME ZONE o.time_zone, 'YYYY-MM-DD HH24:MI:SS') AS at_site,
    o.time_zone AS zone,
    a.actor_id,
    a.actor_name,
    a.actor_kind,
    b.printed_name AS on_behalf_of,
    a.client,
    a.tool_call_id,
    a.action,
    a.entity_type,
    a.entity_id,
    i.number,
    a.record_version,
    a.changes,
    a.metadata,
    a.reason,
    a.app_version,
    a.definition_version,
    a.prev_hash,
    a.row_hash,
    qms.audit_canonical(a) AS canonical
FROM qms.audit_logs AS a
INNER JOIN qms.organizations AS o ON a.organization_id = o.id
LEFT JOIN qms.quality_items AS i ON a.record_id = i.id
LEFT JOIN qms.people AS b ON a.on_behalf_of = b.user_id
WHERE
    (%(record_id)s::uuid IS NULL OR a.record_id = %(record_id)s)
    AND (%(since)s::timestamptz IS NULL OR a.created_at >= %(since)s)
    AND (%(until)s::timestamptz IS NULL OR a.created_at < %(until)s)
    AND (%(lowest)s::bigint IS NULL OR a.seq >= %(lowest)s)
    AND (%(highest)s::bigint IS NULL OR a.seq <= %(highest)s)
    AND a.seq > %(after_seq)s::bigint
ORDER BY a.seq
LIMIT %(max_rows)s;

-- name: note
-- Writes into the trail what is no change of a row.
SELECT qms.note_event(%(entity_type)s, %(entity_id)s::uuid, %(action)s, %(details)s::jsonb) AS noted;

-- name: note_anchor
-- Records where an entry's hash was written down.
SELECT
    n.seq,
    n.row_hash,
    n.created_at
FROM qms.note_anchor(%(place)s, %(seq)s) AS n
WHERE n.seq IS NOT NULL;
