-- name: runs
-- The last runs of an agent that answered somebody and ended in a window, with what can drift.
SELECT
    r.id,
    r.agent_version,
    r.completed_at,
    r.duration_ms,
    r.status IN ('failed', 'lost') OR coalesce(r.stop_reason IN ('timeout', 'looping', 'budget'), FALSE) AS bad,
    r.input ->> 'request' AS request,
    length(r.output::text) AS length,
    (
        coalesce((r.token_usage ->> 'input')::bigint, 0) + coalesce((r.token_usage ->> 'output')::bigint, 0)
        + coalesce((r.token_usage ->> 'cache_read')::bigint, 0)
        + coalesce((r.token_usage ->> 'cache_write')::bigint, 0)
    ) AS tokens,
    ARRAY(
        SELECT i.finding ->> 'severity'
        FROM jsonb_array_elements(
            CASE jsonb_typeof(r.output -> 'insights') WHEN 'array' THEN r.output -> 'insights' ELSE '[]' END
        ) AS i (finding)
    ) AS severities,
    ARRAY(
        SELECT c.tool_name
        FROM agents.tool_calls AS c
        WHERE c.run_id = r.id AND c.kind = 'tool'
        ORDER BY c.created_at
        LIMIT 50
    ) AS tools,
    (
        SELECT avg(f.score)
        FROM ml_loop.feedback_loop AS f
        WHERE f.run_id = r.id AND f.source IN ('user', 'llm-judge')
    ) AS score,
    (
        SELECT avg(f.score)
        FROM ml_loop.feedback_loop AS f
        WHERE f.run_id = r.id AND f.source = 'automated'
    ) AS automatic
FROM agents.agent_runs AS r
WHERE
    r.agent_type = %(agent)s AND r.completed_at >= %(since)s AND r.completed_at < %(until)s
    AND r.status <> 'cancelled' AND r.dispatch_id IS NOT NULL
    AND coalesce(r.lane, 'shipped') NOT IN ('evaluation', 'trial', 'shadow')
ORDER BY r.completed_at DESC
LIMIT %(max_rows)s;

-- name: references
-- The newest reference of each metric of an agent, or the one with this id.
SELECT DISTINCT ON (f.metric_type)
    f.id,
    f.metric_type,
    f.n,
    f.sample,
    f.window_from,
    f.window_to,
    f.created_at
FROM ml_loop.drift_references AS f
WHERE f.model_name = %(agent)s AND (%(reference)s::text IS NULL OR f.id::text = %(reference)s)
ORDER BY f.metric_type ASC, f.created_at DESC;

-- name: keep_reference
-- Keeps what a metric looked like.
INSERT INTO ml_loop.drift_references (
    organization_id, model_name, metric_type, agent_version, n, sample, window_from, window_to, reason
)
VALUES (
    qms.current_organization_id(), %(agent)s, %(metric)s, %(agent_version)s, %(n)s, %(sample)s, %(window_from)s,
    %(window_to)s, %(reason)s
)
RETURNING drift_references.id;

-- name: keep_metric
-- Keeps what a comparison found.
INSERT INTO ml_loop.drift_metrics (
    organization_id, model_name, metric_type, baseline_value, current_value, drift_score, alert_triggered, reference_id,
    method, n_reference, n_current, statistic, p_value, effect, severity, agent_version, details
)
VALUES (
    qms.current_organization_id(), %(agent)s, %(metric)s, %(baseline)s, %(current)s, %(score)s, %(alert)s,
    %(reference_id)s, %(method)s, %(n_reference)s, %(n_current)s, %(statistic)s, %(p)s, %(effect)s, %(severity)s,
    %(agent_version)s, %(details)s
);

-- name: severest
-- The last comparison of each metric of each agent, the severest first.
SELECT
    d.model_name AS agent,
    d.metric_type AS metric,
    d.drift_score AS score,
    d.severity,
    d.n_current AS n,
    d.created_at
FROM ml_loop.drift_metrics AS d
WHERE
    d.severity IS NOT NULL AND (%(agent)s::text IS NULL OR d.model_name = %(agent)s)
    AND NOT EXISTS (
        SELECT
        FROM ml_loop.drift_metrics AS later
        WHERE
            later.organization_id = d.organization_id AND later.model_name = d.model_name
            AND later.metric_type = d.metric_type AND later.severity IS NOT NULL
            AND (later.created_at, later.id) > (d.created_at, d.id)
    )
ORDER BY d.alert_triggered DESC, d.drift_score DESC NULLS LAST, d.model_name ASC, d.metric_type ASC;
