-- Feedback on what agents did: given, scored, looked through, and what is worth a person's look.

-- name: record_named
-- The id of a record, by its id or number.
SELECT i.id
FROM qms.quality_items AS i
WHERE i.id::text = %(named)s OR i.number = %(number)s;

-- name: give
-- Keeps feedback somebody gave, once for its key.
INSERT INTO ml_loop.feedback_loop AS f (
    organization_id, run_id, tool_call_id, record_id, source, score, label, comment, idempotency_key
)
VALUES (
    qms.current_organization_id(), %(run_id)s, %(tool_call_id)s, %(record_id)s, %(source)s, %(score)s, %(label)s,
    %(comment)s, %(key)s
)
ON CONFLICT DO NOTHING
RETURNING f.id;

-- name: given
-- The feedback that has this key.
SELECT f.id
FROM ml_loop.feedback_loop AS f
WHERE f.idempotency_key = %(key)s;

-- name: kept
-- Feedback as it is stored, and whether an example was made of it.
SELECT
    f.id,
    f.run_id,
    f.tool_call_id,
    f.record_id,
    i.number AS record,
    f.model_name AS agent,
    f.agent_version,
    f.source,
    f.given_kind,
    f.score,
    f.label,
    f.comment,
    f.langfuse_trace_id,
    f.created_at,
    EXISTS (SELECT FROM ml_loop.training_data AS t WHERE t.feedback_id = f.id) AS is_example
FROM ml_loop.feedback_loop AS f
LEFT JOIN qms.quality_items AS i ON f.organization_id = i.organization_id AND f.record_id = i.id
WHERE f.id = %(id)s;

-- name: keep_score
-- Keeps the score of a rule or a judge.
SELECT
    k.id,
    k.created
FROM ml_loop.keep_score(
    %(run_id)s, %(source)s, %(score)s, %(label)s, %(comment)s, %(details)s::jsonb, %(key)s
) AS k;

-- name: send_score
-- Puts a score on its way to Langfuse.
SELECT ml_loop.send_score(%(id)s) AS sent;

-- name: ended_run
-- A run that has ended, with what it was allowed.
SELECT
    r.id,
    r.agent_type AS agent,
    r.status,
    r.stop_reason,
    r.output,
    r.duration_ms,
    r.cost_usd::float8 AS cost_usd,
    r.fallback_reason,
    r.lane,
    t.seconds,
    CASE WHEN t.planned_usd > 0 THEN t.planned_usd::float8 END AS planned_usd
FROM agents.agent_runs AS r
LEFT JOIN agents.dispatch_tasks AS t ON r.dispatch_id = t.dispatch_id AND r.task_key = t.key
WHERE r.id = %(run_id)s AND r.agent_type <> 'client';

-- name: calls_of_run
-- The calls of a run: how they are cited, and whether they worked.
SELECT
    k.state ->> 'label' AS label,
    (k.state ->> 'ok')::boolean AS worked,
    EXISTS (
        SELECT FROM agents.tool_calls AS c
        WHERE c.id = (k.state ->> 'call_id')::uuid AND c.run_id = k.run_id
    ) AS is_recorded
FROM agents.context_state AS k
WHERE k.run_id = %(run_id)s AND k.kind = 'tool'
ORDER BY k.step;

-- name: unscored
-- Runs that ended within 30 days and have no automatic score, the oldest first.
SELECT r.id
FROM agents.agent_runs AS r
WHERE
    r.agent_type <> 'client' AND r.status IN ('completed', 'partial', 'failed', 'lost')
    AND r.completed_at >= now() - interval '30 days'
    AND NOT EXISTS (
        SELECT FROM ml_loop.feedback_loop AS f
        WHERE f.run_id = r.id AND f.source = 'automated' AND f.label = 'automatic'
    )
ORDER BY r.completed_at, r.id
LIMIT %(max_rows)s;

-- name: queue
-- What is worth a person's look; `place` says in which order.
SELECT
    c.run_id,
    c.agent,
    c.agent_version,
    c.lane,
    left(c.request, 200) AS request,
    c.completed_at,
    c.low,
    c.spread,
    c.given,
    c.reasons,
    c.place
FROM ml_loop.review_candidates(qms.current_organization_id(), (clock_timestamp() AT TIME ZONE 'UTC')::date) AS c
WHERE
    (%(agent)s::text IS NULL OR c.agent = %(agent)s)
    AND (%(because)s::text IS NULL OR %(because)s::text = ANY(c.reasons));

-- name: analysed
-- Feedback of a time, the newest first, on answers somebody was given.
SELECT
    f.id,
    f.run_id,
    f.source,
    f.given_kind,
    f.score,
    f.label,
    left(f.comment, 2000) AS comment,
    coalesce(f.model_name, '(client)') AS agent,
    coalesce(f.agent_version, '') AS version,
    f.created_at AT TIME ZONE 'UTC' AS created_at,
    left(r.input ->> 'request', 2000) AS request,
    f.details ? 'about' AS is_partial
FROM ml_loop.feedback_loop AS f
LEFT JOIN agents.agent_runs AS r ON f.organization_id = r.organization_id AND f.run_id = r.id
WHERE
    f.created_at >= %(since)s AND f.created_at < %(until)s
    AND (%(agent)s::text IS NULL OR f.model_name = %(agent)s)
    AND coalesce(r.lane, '') NOT IN ('evaluation', 'trial', 'shadow')
ORDER BY f.created_at DESC, f.id DESC
LIMIT %(max_rows)s;

-- name: review_waiting
-- What waits for a look of the person of a session.
SELECT
    w.run_id,
    w.organization,
    w.agent,
    w.agent_version,
    w.lane,
    w.request,
    w.completed_at,
    w.reasons,
    w.place,
    w.total
FROM qms_private.review_waiting(%(token)s, %(place)s, %(max_rows)s) AS w;

-- name: review_run
-- One run with all that is shown of it.
SELECT qms_private.review_run(%(token)s, %(run_id)s) AS shown;

-- name: review_give
-- Takes the feedback of the person of a session; null when the session has ended.
SELECT
    qms_private.give_feedback(
        %(token)s, %(run_id)s, %(score)s, %(label)s, %(comment)s, %(shown_sha256)s, %(to_langfuse)s
    ) AS id;
