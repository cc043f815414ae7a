-- name: of_spec
-- The evaluations of a spec so far: how many failed, and the one that is finished or under way.
SELECT
    count(*) FILTER (WHERE e.state = 'failed') AS failed,
    (array_agg(e.id ORDER BY e.created_at DESC) FILTER (WHERE e.state <> 'failed'))[1] AS id
FROM ml_loop.evaluations AS e
WHERE
    e.organization_id = qms.current_organization_id() AND e.spec_sha256 = %(spec_sha256)s
    AND e.version_id = %(version_id)s;

-- name: open
-- Records that a version is about to be measured; whoever asks at the same moment comes to the same id.
INSERT INTO ml_loop.evaluations (
    id, organization_id, model_name, version_id, dataset_version_id, purpose, split, spec, spec_sha256, job_id, n
)
VALUES (
    %(id)s, qms.current_organization_id(), %(agent)s, %(version_id)s, %(dataset_version_id)s, %(purpose)s, %(split)s,
    %(spec)s::jsonb, %(spec_sha256)s, %(job_id)s, %(n)s
)
ON CONFLICT (id) DO NOTHING;

-- name: get
-- An evaluation, with the name of the version it measures.
SELECT
    e.id,
    e.model_name AS agent,
    e.version_id,
    v.version,
    e.dataset_version_id,
    e.purpose,
    e.split,
    e.spec,
    e.spec_sha256,
    e.dispatch_id,
    e.job_id,
    e.state,
    e.n,
    e.score,
    e.cost_usd::float8 AS cost_usd,
    e.summary,
    e.error,
    e.created_at,
    e.finished_at
FROM ml_loop.evaluations AS e
INNER JOIN ml_loop.model_versions AS v ON v.organization_id = e.organization_id AND v.id = e.version_id
WHERE e.id = %(id)s;

-- name: latest
-- The newest finished evaluation of a version on one side of a dataset.
SELECT e.id
FROM ml_loop.evaluations AS e
WHERE
    e.version_id = %(version_id)s AND e.dataset_version_id = %(dataset_version_id)s AND e.split = %(split)s
    AND e.purpose = %(purpose)s AND e.state = 'completed'
ORDER BY e.finished_at DESC
LIMIT 1;

-- name: of_job
-- The dispatch of the evaluation a job has opened.
SELECT e.dispatch_id
FROM ml_loop.evaluations AS e
WHERE e.job_id = %(job_id)s AND e.dispatch_id IS NOT NULL
ORDER BY e.created_at DESC
LIMIT 1;

-- name: job_was_cancelled
-- Whether somebody cancelled the job; one whose process ended goes on elsewhere.
SELECT j.state = 'cancelled' AS cancelled
FROM agents.jobs AS j
WHERE j.id = %(job_id)s;

-- name: dispatched
-- Says which dispatch runs the cases.
UPDATE ml_loop.evaluations AS e
SET dispatch_id = %(dispatch_id)s
WHERE e.id = %(id)s AND e.state = 'running' AND e.dispatch_id IS NULL;

-- name: finish
-- Records what came of it, once.
UPDATE ml_loop.evaluations AS e
SET
    state = %(state)s, score = %(score)s, n = %(n)s, cost_usd = %(cost_usd)s, summary = %(summary)s::jsonb,
    error = %(error)s, finished_at = clock_timestamp()
WHERE e.id = %(id)s AND e.state = 'running'
RETURNING e.id;

-- name: runs
-- What became of each case: its task, its last run, and the calls that run made.
SELECT
    t.key,
    t.state,
    t.attempt,
    t.run_id,
    t.spent_usd::float8 AS spent_usd,
    t.spent_tokens,
    r.status,
    r.output,
    coalesce(r.stop_reason, '') AS stop,
    coalesce(r.error, t.error, '') AS error,
    coalesce(r.fallback_reason, '') AS fallback,
    coalesce(r.model, '') AS model,
    r.duration_ms,
    coalesce(c.made, 0) AS calls,
    coalesce(c.failed, 0) AS failed_calls,
    coalesce(c.tools, '{}') AS called
FROM agents.dispatch_tasks AS t
LEFT JOIN agents.agent_runs AS r ON r.id = t.run_id
LEFT JOIN LATERAL (
    SELECT
        count(*) AS made,
        count(*) FILTER (WHERE k.success IS NOT TRUE) AS failed,
        array_agg(k.tool_name ORDER BY k.created_at) AS tools
    FROM agents.tool_calls AS k
    WHERE k.run_id = t.run_id
) AS c ON TRUE
WHERE t.dispatch_id = %(dispatch_id)s
ORDER BY t.position;

-- name: keep
-- Keeps scores, one row a case and scorer; those there already stay as they are.
INSERT INTO ml_loop.eval_results (
    organization_id, model_version_id, evaluation_id, case_key, dataset_item_id, eval_type, score, details, run_id,
    latency_ms, cost_usd
)
SELECT
    qms.current_organization_id() AS organization_id,
    %(version_id)s AS model_version_id,
    %(id)s AS evaluation_id,
    s.case_key,
    s.dataset_item_id,
    s.eval_type,
    s.score,
    s.details,
    s.run_id,
    s.latency_ms,
    s.cost_usd
FROM jsonb_to_recordset(%(scores)s::jsonb) AS s (
    case_key text, dataset_item_id uuid, eval_type text, score float8, details jsonb, run_id uuid, latency_ms integer,
    cost_usd numeric
)
ON CONFLICT (evaluation_id, case_key, eval_type) WHERE evaluation_id IS NOT NULL DO NOTHING;

-- name: results
-- All scores of an evaluation, in the order of its cases.
SELECT
    s.case_key,
    s.dataset_item_id,
    s.eval_type,
    s.score,
    s.details,
    s.run_id,
    s.latency_ms,
    coalesce(s.cost_usd, 0)::float8 AS cost_usd
FROM ml_loop.eval_results AS s
WHERE s.evaluation_id = %(id)s
ORDER BY s.case_key, s.eval_type;

-- name: dataset
-- A frozen dataset by its id, by its name and number, or the newest of a name.
SELECT
    v.id,
    d.name,
    d.model_name AS agent,
    v.version,
    v.content_sha256
FROM ml_loop.dataset_versions AS v
INNER JOIN ml_loop.datasets AS d ON d.organization_id = v.organization_id AND d.id = v.dataset_id
WHERE v.id::text = %(named)s OR d.name || '@' || v.version = %(named)s OR d.name = %(named)s
ORDER BY v.version DESC
LIMIT 1;

-- name: items
-- The items of one side of a frozen dataset, or of all.
SELECT
    i.id,
    i.position,
    i.input,
    i.expected,
    i.slices,
    i.item_sha256,
    i.is_validated
FROM ml_loop.dataset_items AS i
WHERE i.dataset_version_id = %(dataset_version_id)s AND (%(split)s = 'all' OR i.split = %(split)s)
ORDER BY i.position;

-- name: mirror
-- Puts messages for Langfuse into the outbox, in their order.
SELECT agents.outbox_put(%(organization_id)s, m.message ->> 'path', m.message -> 'payload')
FROM jsonb_array_elements(%(messages)s::jsonb) WITH ORDINALITY AS m (message, place)
ORDER BY m.place;
