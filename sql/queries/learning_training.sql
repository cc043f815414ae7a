-- What a training reads beside versions, datasets and evaluations.

-- name: reasons
-- What speaks for a training of an agent: the gravest drift and the average of feedback since a day, and how its
-- scores spread in all.
WITH newest AS (
    SELECT DISTINCT ON (m.metric_type)
        m.metric_type,
        m.drift_score
    FROM ml_loop.drift_metrics AS m
    WHERE m.model_name = %(agent)s AND m.created_at >= %(since)s
    ORDER BY m.metric_type ASC, m.created_at DESC
),

drift AS (
    SELECT
        max(n.drift_score) AS drift,
        (array_agg(n.metric_type ORDER BY n.drift_score DESC NULLS LAST))[1] AS metric
    FROM newest AS n
),

rated AS (
    SELECT
        avg(b.score) AS average,
        count(*) AS feedback
    FROM ml_loop.feedback_loop AS b
    LEFT JOIN agents.agent_runs AS r ON b.organization_id = r.organization_id AND b.run_id = r.id
    WHERE
        b.model_name = %(agent)s AND b.created_at >= %(since)s AND b.source <> 'automated'
        AND coalesce(r.lane, '') NOT IN ('evaluation', 'trial', 'shadow')
),

spread AS (
    SELECT
        stddev_samp(t.feedback_score) AS sd,
        count(t.feedback_score) AS scored
    FROM ml_loop.training_data AS t
    WHERE t.model_name = %(agent)s
)

SELECT
    d.drift,
    d.metric,
    f.average::float8 AS average,
    f.feedback,
    s.sd::float8 AS sd,
    s.scored
FROM drift AS d
CROSS JOIN rated AS f
CROSS JOIN spread AS s;

-- name: dataset
-- A frozen dataset of an agent by id, by name and number, or the newest of a name or of the agent; with its sides.
SELECT
    v.id,
    d.name,
    v.version,
    v.content_sha256,
    v.n,
    count(i.id) FILTER (WHERE i.split = 'train') AS train,
    count(i.id) FILTER (WHERE i.split = 'dev') AS dev,
    count(i.id) FILTER (WHERE i.split = 'test') AS held_out
FROM ml_loop.dataset_versions AS v
INNER JOIN ml_loop.datasets AS d ON v.organization_id = d.organization_id AND v.dataset_id = d.id
LEFT JOIN ml_loop.dataset_items AS i ON v.id = i.dataset_version_id
WHERE
    d.model_name = %(agent)s
    AND (
        %(named)s = '' OR v.id::text = %(named)s OR d.name || '@' || v.version = %(named)s OR d.name = %(named)s
        OR v.content_sha256 = %(named)s
    )
GROUP BY v.id, d.name, v.version, v.content_sha256, v.n, v.created_at
ORDER BY v.created_at DESC
LIMIT 1;

-- name: item_scores
-- How good the answers of the train side are known to be.
SELECT
    left(i.item_sha256, 20) AS key,
    coalesce(i.score, CASE WHEN i.is_validated THEN 1.0 END) AS score,
    i.is_validated
FROM ml_loop.dataset_items AS i
WHERE i.dataset_version_id = %(dataset_version_id)s AND i.split = 'train';

-- name: answers
-- What runs answered.
SELECT
    r.id,
    r.output
FROM agents.agent_runs AS r
WHERE r.id = ANY(%(runs)s);

-- name: wasted
-- What measurements of a job have cost that came to nothing.
SELECT coalesce(sum(e.cost_usd), 0)::float8 AS cost_usd
FROM ml_loop.evaluations AS e
WHERE e.job_id = %(job_id)s AND e.state = 'failed' AND e.purpose = 'trial';

-- name: judged
-- What the gates have cost in a job.
SELECT coalesce(sum(e.cost_usd), 0)::float8 AS cost_usd
FROM ml_loop.evaluations AS e
WHERE e.job_id = %(job_id)s AND e.purpose <> 'trial';

-- name: gate_report
-- The newest report of the gates on a version, against a baseline, by a dataset, since a job was asked for.
SELECT
    g.id,
    g.passed
FROM ml_loop.gate_reports AS g
WHERE
    g.version_id = %(version_id)s AND g.baseline_id = %(baseline_id)s
    AND g.dataset_version_id = %(dataset_version_id)s
    AND g.created_at >= (SELECT j.created_at FROM agents.jobs AS j WHERE j.id = %(job_id)s)
ORDER BY g.created_at DESC
LIMIT 1;

-- name: corrections
-- The category people gave complaints on the review page, the newest of each, with the complaint as it is worded now.
SELECT DISTINCT ON (b.record_id)
    b.id AS feedback_id,
    b.record_id,
    b.label AS category,
    i.number,
    i.title,
    i.description
FROM ml_loop.feedback_loop AS b
INNER JOIN qms.quality_items AS i ON b.organization_id = i.organization_id AND b.record_id = i.id
WHERE b.given_kind = 'human' AND b.source = 'user' AND b.label = ANY(%(categories)s)
ORDER BY b.record_id ASC, b.created_at DESC, b.id DESC;

-- name: classifier
-- The version of the feedback agent whose classifier counts: that of the run that calls, else the one in production.
SELECT
    v.id,
    v.config -> 'extras' -> 'classifier' AS classifier
FROM ml_loop.model_versions AS v
WHERE
    v.model_name = 'feedback' AND v.config -> 'extras' ? 'classifier'
    AND v.id = coalesce(
        (
            SELECT r.version_id
            FROM agents.agent_runs AS r
            WHERE r.id = %(run_id)s AND r.agent_type = 'feedback'
        ),
        (
            SELECT a.version_id
            FROM ml_loop.aliases AS a
            WHERE a.model_name = 'feedback' AND a.alias = 'production'
        )
    );
