-- What is watched, what was used, and what runs on a schedule.

-- name: settle
-- What a measured value means for the alert of its metric and subject.
SELECT ml_loop.settle_alert(
    %(metric)s, %(subject)s, %(level)s, %(threshold)s, %(clears_at)s, %(falls)s, %(value)s, %(n)s, %(message)s
) AS settled;

-- name: acknowledge
-- Somebody has seen an alert.
SELECT
    a.id,
    a.metric,
    a.subject,
    a.state
FROM ml_loop.acknowledge_alert(%(id)s, %(reason)s) AS a;

-- name: told
-- Claims that a state of an alert is told through a channel; false when it was.
SELECT ml_loop.told_alert(%(id)s, %(told)s::jsonb) AS claimed;

-- name: untold
-- Gives a claim back, because telling failed.
SELECT ml_loop.untold_alert(%(id)s, %(told)s::jsonb);

-- name: rules
-- The newest limits an organization set, by metric.
SELECT DISTINCT ON (r.metric)
    r.metric,
    r.threshold,
    r.clears_at,
    r.level,
    r.window_minutes,
    r.minimum_n,
    r.enabled
FROM ml_loop.alert_rules AS r
ORDER BY r.metric ASC, r.set_at DESC, r.id DESC;

-- name: set_rule
-- Sets the limits of a metric.
INSERT INTO ml_loop.alert_rules AS r (
    organization_id, metric, threshold, clears_at, level, window_minutes, minimum_n, enabled, reason
)
VALUES (
    qms.current_organization_id(), %(metric)s, %(threshold)s, %(clears_at)s, %(level)s, %(window_minutes)s,
    %(minimum_n)s, %(enabled)s, %(reason)s
)
RETURNING r.id;

-- name: of_runs
-- Answers to people that ended within a window, by agent: how many, how many went wrong, and how long they took.
SELECT
    r.agent_type AS subject,
    count(*) AS n,
    count(*) FILTER (
        WHERE r.status IN ('failed', 'lost')
        OR (r.status = 'partial' AND r.stop_reason IN ('timeout', 'looping', 'budget'))
    ) AS bad,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY r.duration_ms) / 1000.0 AS p95_s
FROM agents.agent_runs AS r
INNER JOIN agents.dispatches AS d ON r.organization_id = d.organization_id AND r.dispatch_id = d.id
WHERE
    r.completed_at > statement_timestamp() - make_interval(mins => %(minutes)s)
    AND r.status NOT IN ('running', 'cancelled') AND d.purpose = 'work' AND coalesce(r.lane, '') <> 'shadow'
GROUP BY r.agent_type
ORDER BY r.agent_type;

-- name: of_tokens
-- The tokens of answers to people within a window.
SELECT
    '' AS subject,
    count(*) AS n,
    coalesce(sum(
        coalesce((r.token_usage ->> 'input')::numeric, 0) + coalesce((r.token_usage ->> 'output')::numeric, 0)
        + coalesce((r.token_usage ->> 'cache_read')::numeric, 0)
        + coalesce((r.token_usage ->> 'cache_write')::numeric, 0)
        + coalesce((r.token_usage ->> 'cache_write_1h')::numeric, 0)
    ), 0)::float8 AS value
FROM agents.agent_runs AS r
INNER JOIN agents.dispatches AS d ON r.organization_id = d.organization_id AND r.dispatch_id = d.id
WHERE
    r.completed_at > statement_timestamp() - make_interval(mins => %(minutes)s)
    AND d.purpose = 'work' AND coalesce(r.lane, '') <> 'shadow';

-- name: of_drift
-- The gravest of the newest drift measures of each agent within a window; what chance explains is none.
SELECT
    m.model_name AS subject,
    (array_agg(coalesce(m.n_current, 1) ORDER BY m.drift_score DESC))[1] AS n,
    max(m.drift_score) AS value,
    (array_agg(m.metric_type ORDER BY m.drift_score DESC))[1] AS of_what
FROM (
    SELECT DISTINCT ON (b.model_name, b.metric_type)
        b.model_name,
        b.metric_type,
        b.n_current,
        CASE WHEN b.severity = 'none' AND b.drift_score IS NOT NULL THEN 0 ELSE b.drift_score END AS drift_score
    FROM ml_loop.drift_metrics AS b
    WHERE b.created_at > statement_timestamp() - make_interval(mins => %(minutes)s)
    ORDER BY b.model_name ASC, b.metric_type ASC, b.created_at DESC, b.id DESC
) AS m
WHERE m.drift_score IS NOT NULL
GROUP BY m.model_name
ORDER BY m.model_name;

-- name: of_feedback
-- What people and judges said of answers to people within a window, by agent; the scores of rules are no opinion.
SELECT
    f.model_name AS subject,
    count(*) AS n,
    avg(f.score)::float8 AS value
FROM ml_loop.feedback_loop AS f
LEFT JOIN agents.agent_runs AS r ON f.organization_id = r.organization_id AND f.run_id = r.id
WHERE
    f.created_at > statement_timestamp() - make_interval(mins => %(minutes)s)
    AND f.source <> 'automated' AND f.model_name IS NOT NULL
    AND coalesce(r.lane, '') NOT IN ('evaluation', 'trial', 'shadow')
GROUP BY f.model_name
ORDER BY f.model_name;

-- name: of_queue
-- How many tasks of people wait for an agent.
SELECT
    '' AS subject,
    count(*) AS n,
    count(*)::float8 AS value
FROM agents.dispatch_tasks AS t
INNER JOIN agents.dispatches AS d ON t.organization_id = d.organization_id AND t.dispatch_id = d.id
WHERE t.state IN ('waiting', 'queued') AND d.status IN ('queued', 'running') AND d.purpose = 'work';

-- name: alerts
-- Alerts, the newest first, after a cursor.
SELECT
    a.id,
    a.metric,
    a.subject,
    a.level,
    a.state,
    a.threshold,
    a.opened_value,
    a.last_value,
    a.n,
    a.message,
    a.opened_at,
    a.seen_at,
    a.acknowledged_at,
    a.acknowledged_kind,
    a.acknowledged_why,
    a.closed_at,
    a.closed_why,
    p.printed_name AS acknowledged_by
FROM ml_loop.alerts AS a
LEFT JOIN qms.people AS p ON a.acknowledged_by = p.user_id
WHERE
    (%(state)s::text IS NULL OR a.state = %(state)s OR (%(state)s = 'standing' AND a.state <> 'closed'))
    AND (%(metric)s::text IS NULL OR a.metric = %(metric)s)
    AND (%(before)s::timestamptz IS NULL OR (a.opened_at, a.id) < (%(before)s, %(before_id)s::uuid))
ORDER BY a.opened_at DESC, a.id DESC
LIMIT %(max_rows)s;

-- name: count_alerts
-- How many alerts there are, and how many of them are critical.
SELECT
    count(*) AS total,
    count(*) FILTER (WHERE a.level = 'critical' AND a.state <> 'closed') AS critical
FROM ml_loop.alerts AS a
WHERE
    (%(state)s::text IS NULL OR a.state = %(state)s OR (%(state)s = 'standing' AND a.state <> 'closed'))
    AND (%(metric)s::text IS NULL OR a.metric = %(metric)s);

-- name: untold_alerts
-- Alerts that stand, or were closed within a week after they were told.
SELECT
    a.id,
    a.metric,
    a.subject,
    a.level,
    a.state,
    a.threshold,
    a.last_value,
    a.n,
    a.message,
    a.opened_at,
    a.closed_at,
    a.closed_why,
    a.told,
    o.name AS organization
FROM ml_loop.alerts AS a
INNER JOIN qms.organizations AS o ON a.organization_id = o.id
WHERE a.state <> 'closed' OR (a.told <> '[]' AND a.closed_at > statement_timestamp() - interval '7 days')
ORDER BY a.opened_at, a.id
LIMIT %(max_rows)s;

-- name: usage_of_runs
-- What runs used, by agent, model or day; those that only measure a version apart.
WITH used AS (
    SELECT
        d.purpose <> 'work' OR coalesce(r.lane, '') = 'shadow' AS measures,
        CASE %(by)s
            WHEN 'agent' THEN r.agent_type
            WHEN 'model' THEN coalesce(r.model, 'none')
            ELSE to_char(r.created_at AT TIME ZONE o.time_zone, 'YYYY-MM-DD')
        END AS key,
        r.status,
        r.duration_ms,
        coalesce(r.cost_usd, 0) AS cost_usd,
        coalesce((r.token_usage ->> 'input')::bigint, 0) AS tokens_in,
        coalesce((r.token_usage ->> 'output')::bigint, 0) AS tokens_out,
        coalesce((r.token_usage ->> 'cache_read')::bigint, 0) AS cache_read,
        coalesce((r.token_usage ->> 'cache_write')::bigint, 0)
        + coalesce((r.token_usage ->> 'cache_write_1h')::bigint, 0) AS cache_write,
        r.status IN ('failed', 'lost')
        OR (r.status = 'partial' AND coalesce(r.stop_reason, '') IN ('timeout', 'looping', 'budget')) AS bad
    FROM agents.agent_runs AS r
    INNER JOIN agents.dispatches AS d ON r.organization_id = d.organization_id AND r.dispatch_id = d.id
    INNER JOIN qms.organizations AS o ON r.organization_id = o.id
    WHERE r.created_at > statement_timestamp() - make_interval(days => %(days)s)
)

SELECT
    u.measures,
    CASE WHEN NOT u.measures THEN u.key END AS key,
    count(*) AS runs,
    count(*) FILTER (WHERE u.status NOT IN ('running', 'cancelled')) AS ended,
    count(*) FILTER (WHERE u.bad) AS bad,
    sum(u.tokens_in)::bigint AS tokens_in,
    sum(u.tokens_out)::bigint AS tokens_out,
    sum(u.cache_read)::bigint AS cache_read,
    sum(u.cache_write)::bigint AS cache_write,
    sum(u.cost_usd)::float8 AS cost_usd,
    percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY u.duration_ms) AS latency_ms
FROM used AS u
GROUP BY u.measures, CASE WHEN NOT u.measures THEN u.key END
ORDER BY u.measures ASC, CASE WHEN %(by)s <> 'day' THEN sum(u.cost_usd) END DESC, count(*) DESC, key DESC;

-- name: usage_of_tools
-- What calls of tools there were; those of runs that only measure a version apart.
WITH used AS (
    SELECT
        coalesce(d.purpose, 'work') <> 'work' OR coalesce(r.lane, '') = 'shadow' AS measures,
        c.tool_name AS key,
        c.success,
        c.duration_ms
    FROM agents.tool_calls AS c
    LEFT JOIN agents.agent_runs AS r ON c.organization_id = r.organization_id AND c.run_id = r.id
    LEFT JOIN agents.dispatches AS d ON r.organization_id = d.organization_id AND r.dispatch_id = d.id
    WHERE
        c.kind = 'tool' AND c.state = 'finished'
        AND c.created_at > statement_timestamp() - make_interval(days => %(days)s)
)

SELECT
    u.measures,
    CASE WHEN NOT u.measures THEN u.key END AS key,
    count(*) AS runs,
    count(*) AS ended,
    count(*) FILTER (WHERE NOT u.success) AS bad,
    0::bigint AS tokens_in,
    0::bigint AS tokens_out,
    0::bigint AS cache_read,
    0::bigint AS cache_write,
    0::float8 AS cost_usd,
    percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY u.duration_ms) AS latency_ms
FROM used AS u
GROUP BY u.measures, CASE WHEN NOT u.measures THEN u.key END
ORDER BY u.measures ASC, count(*) DESC, key ASC;

-- name: budget
-- What this month may cost, as the organization set it, and what it has cost: runs, judges and optimisers.
WITH month AS (
    SELECT
        o.id,
        o.settings,
        date_trunc('month', statement_timestamp() AT TIME ZONE o.time_zone) AT TIME ZONE o.time_zone AS begun
    FROM qms.organizations AS o
    WHERE o.id = (SELECT qms.current_organization_id())
),

spent AS (
    SELECT r.cost_usd
    FROM agents.agent_runs AS r
    INNER JOIN month AS m ON r.organization_id = m.id AND r.created_at >= m.begun
    UNION ALL
    SELECT q.cost_usd
    FROM ml_loop.model_answers AS q
    INNER JOIN month AS m ON q.organization_id = m.id AND q.created_at >= m.begun
),

total AS (SELECT coalesce(sum(s.cost_usd), 0)::float8 AS spent_usd FROM spent AS s)

SELECT
    CASE WHEN jsonb_typeof(m.settings -> 'monthly_budget_usd') = 'number'
        THEN (m.settings ->> 'monthly_budget_usd')::float8
    END AS budget_usd,
    t.spent_usd
FROM month AS m
CROSS JOIN total AS t;

-- name: asked_models
-- What judges and optimisers cost within some days.
SELECT
    count(*) AS answers,
    coalesce(sum(q.cost_usd), 0)::float8 AS cost_usd
FROM ml_loop.model_answers AS q
WHERE q.created_at > statement_timestamp() - make_interval(days => %(days)s);

-- name: zone
-- Where the organization counts its days, and since when.
SELECT
    o.time_zone AS zone,
    o.created_at
FROM qms.organizations AS o
WHERE o.id = (SELECT qms.current_organization_id());

-- name: schedules
-- The newest schedule an organization set, by job.
SELECT DISTINCT ON (s.job)
    s.job,
    s.cron,
    s.enabled,
    s.options,
    s.set_at
FROM ml_loop.job_schedules AS s
ORDER BY s.job ASC, s.set_at DESC, s.id DESC;

-- name: set_schedule
-- Sets when a job runs.
INSERT INTO ml_loop.job_schedules AS s (organization_id, job, cron, enabled, options, reason)
VALUES (
    qms.current_organization_id(), %(job)s, %(cron)s, %(enabled)s, %(options)s::jsonb, %(reason)s
)
RETURNING s.id;

-- name: ticked
-- Which of these ticks were opened already.
SELECT j.key
FROM agents.jobs AS j
WHERE j.kind = 'scheduled' AND j.key = ANY(%(keys)s);

-- name: last_runs
-- The newest tick of every scheduled job.
SELECT DISTINCT ON (j.spec ->> 'job')
    j.spec ->> 'job' AS job,
    j.key,
    j.state,
    j.created_at,
    j.finished_at
FROM agents.jobs AS j
WHERE j.kind = 'scheduled'
ORDER BY j.spec ->> 'job' ASC, j.created_at DESC;

-- name: forget_undelivered
-- Takes away copies for Langfuse that were given up long ago.
SELECT agents.forget_undelivered(make_interval(days => %(days)s)) AS gone;
