-- How versions of agents go to people, and why an agent answered as it did.

-- name: request
-- Asks a person to let a version go to people, or to take one back.
SELECT
    a.id AS approval_id,
    a.summary,
    a.content,
    a.expires_at AT TIME ZONE 'UTC' AS expires_at
FROM ml_loop.request_promotion(
    %(agent)s, %(step)s, %(version_id)s, %(percent)s::numeric, %(sticky_by)s, %(plan)s::jsonb, %(reason)s, %(client)s
) AS a;

-- name: start_shadow
-- Lets a version answer beside the one in production, for nobody.
SELECT
    r.id,
    r.kind,
    r.percent::float8 AS percent,
    r.state
FROM ml_loop.start_shadow(%(agent)s, %(version_id)s, %(percent)s::numeric, %(reason)s) AS r;

-- name: withdraw
-- Ends a shadow, canary or experiment.
SELECT
    r.id,
    r.kind,
    r.state,
    r.end_reason
FROM ml_loop.withdraw(%(rollout_id)s, %(reason)s) AS r;

-- name: nominate
-- Lets `candidate` stand for a version.
SELECT ml_loop.nominate(%(agent)s, %(version_id)s, %(reason)s) AS before;

-- name: watch
-- Looks at the roll-outs of an agent, or of all.
SELECT
    w.rollout_id,
    w.agent,
    w.kind,
    w.version,
    w.event,
    w.reason
FROM ml_loop.watch_rollouts(%(agent)s::text) AS w;

-- name: baseline
-- What answers people now, and how many of its last runs were bad.
SELECT
    v.id,
    v.version,
    e.n,
    e.bad
FROM ml_loop.model_versions AS v
CROSS JOIN LATERAL ml_loop.error_rate_of(v.id, %(most)s) AS e
WHERE v.id = ml_loop.production_of(%(agent)s);

-- name: before_production
-- What was in production before what is now; none when nothing was.
SELECT m.from_id AS id
FROM ml_loop.alias_moves AS m
WHERE m.model_name = %(agent)s AND m.alias = 'production' AND m.to_id = ml_loop.production_of(%(agent)s)
ORDER BY m.moved_at DESC
LIMIT 1;

-- name: running
-- The roll-outs that run, each with what its watch has seen.
SELECT
    r.id,
    r.model_name AS agent,
    r.kind,
    r.version_id,
    r.baseline_id,
    ml_loop.name_of(r.version_id) AS version,
    ml_loop.name_of(r.baseline_id) AS baseline,
    r.percent::float8 AS percent,
    r.sticky_by,
    r.salt,
    r.state,
    r.outcome,
    r.plan,
    r.started_at,
    r.ended_at,
    r.end_reason,
    CASE WHEN r.state = 'running' AND r.kind <> 'shadow' THEN ml_loop.watched(r) END AS seen
FROM ml_loop.rollouts AS r
WHERE
    (%(agent)s::text IS NULL OR r.model_name = %(agent)s)
    AND (r.state = 'running' OR (%(ended)s AND r.ended_at >= now() - interval '30 days'))
ORDER BY r.started_at DESC, r.id
LIMIT %(max_rows)s;

-- name: arms
-- What came of an experiment so far: runs, bad ones and scores of those who took part and of the others.
SELECT
    r.lane,
    count(*) AS n,
    count(*) FILTER (
        WHERE ml_loop.outcome_of(r, 0.5::double precision, ARRAY['human', 'agent']) <> ''
    ) AS bad,
    count(f.score) AS scored,
    avg(f.score) AS mean,
    var_samp(f.score) AS variance
FROM agents.agent_runs AS r
LEFT JOIN ml_loop.feedback_loop AS f
    ON r.id = f.run_id AND f.source = 'automated' AND f.label = 'automatic'
WHERE
    r.rollout_id = %(rollout_id)s AND r.lane IN ('experiment', 'canary', 'control') AND r.completed_at IS NOT NULL
    AND r.status <> 'cancelled'
GROUP BY r.lane;

-- name: versions
-- Versions, the newest first, each with where it comes from, how it did and where it stands.
SELECT
    v.id,
    v.model_name AS agent,
    v.version,
    v.origin,
    v.status,
    v.notes,
    ml_loop.name_of(v.parent_id) AS parent,
    v.created_at,
    v.deployed_at,
    (
        SELECT d.name || ' v' || s.version
        FROM ml_loop.dataset_versions AS s
        INNER JOIN ml_loop.datasets AS d ON s.dataset_id = d.id
        WHERE s.id = v.dataset_version_id
    ) AS dataset,
    (
        SELECT e.score
        FROM ml_loop.evaluations AS e
        WHERE e.version_id = v.id AND e.state = 'completed' AND e.purpose = 'score' AND e.split = 'test'
        ORDER BY e.created_at DESC
        LIMIT 1
    ) AS score,
    (
        SELECT CASE WHEN g.passed THEN 'passed' ELSE 'not passed' END
        FROM ml_loop.gate_reports AS g
        WHERE g.version_id = v.id
        ORDER BY g.created_at DESC
        LIMIT 1
    ) AS gates,
    ARRAY(
        SELECT a.alias
        FROM ml_loop.aliases AS a
        WHERE a.version_id = v.id AND a.alias <> 'production'
        UNION ALL
        SELECT 'production'
        WHERE v.id = ml_loop.production_of(v.model_name)
        UNION ALL
        SELECT r.kind
        FROM ml_loop.rollouts AS r
        WHERE r.version_id = v.id AND r.state = 'running' AND r.kind IN ('canary', 'experiment')
    ) AS stands
FROM ml_loop.model_versions AS v
WHERE
    v.content IS NOT NULL AND (%(agent)s::text IS NULL OR v.model_name = %(agent)s)
    AND (%(trials)s OR v.origin <> 'trial')
    AND (%(created_at)s::timestamptz IS NULL OR (v.created_at, v.id) < (%(created_at)s, %(id)s::uuid))
ORDER BY v.created_at DESC, v.id DESC
LIMIT %(max_rows)s;

-- name: count_versions
-- How many versions there are.
SELECT count(*) AS total
FROM ml_loop.model_versions AS v
WHERE
    v.content IS NOT NULL AND (%(agent)s::text IS NULL OR v.model_name = %(agent)s)
    AND (%(trials)s OR v.origin <> 'trial');

-- name: waiting
-- What waits for a person.
SELECT
    a.id,
    a.summary,
    a.created_at
FROM qms.approvals AS a
INNER JOIN ml_loop.promotion_requests AS p ON a.subject_id = p.id
WHERE
    a.tool IN ('promote_model', 'rollback_model') AND a.state = 'pending' AND a.expires_at > clock_timestamp()
    AND (%(agent)s::text IS NULL OR p.model_name = %(agent)s)
ORDER BY a.created_at
LIMIT 20;

-- name: moves
-- The last moves of the names of an agent.
SELECT
    m.alias,
    ml_loop.name_of(m.from_id) AS from_version,
    ml_loop.name_of(m.to_id) AS to_version,
    m.reason,
    m.moved_kind,
    m.moved_at,
    m.approval_id,
    (SELECT p.printed_name FROM qms.people AS p WHERE p.user_id = m.moved_by) AS moved_by
FROM ml_loop.alias_moves AS m
WHERE m.model_name = %(agent)s
ORDER BY m.moved_at DESC
LIMIT %(max_rows)s;

-- name: to_shadow
-- A run of a person's request that ended well, with the shadow that may answer it too, if its turn has come.
SELECT
    s.id AS rollout_id,
    s.version_id,
    r.agent_type AS agent,
    t.request,
    t.subject,
    t.inputs || coalesce((
        SELECT jsonb_object_agg(n.key, b.output)
        FROM agents.dispatch_tasks AS n
        INNER JOIN agents.agent_runs AS b ON n.run_id = b.id
        WHERE
            n.dispatch_id = t.dispatch_id AND n.key = ANY(t.needs || t.after) AND n.state = 'done'
            AND b.output IS NOT NULL
    ), '{}'::jsonb) AS inputs
FROM agents.agent_runs AS r
INNER JOIN agents.dispatches AS d ON r.dispatch_id = d.id AND d.purpose = 'work'
INNER JOIN agents.dispatch_tasks AS t ON r.dispatch_id = t.dispatch_id AND r.task_key = t.key
INNER JOIN ml_loop.rollouts AS s
    ON
        s.organization_id = r.organization_id AND s.model_name = r.agent_type AND s.kind = 'shadow'
        AND s.state = 'running'
WHERE
    r.id = %(run_id)s AND r.status IN ('completed', 'partial') AND r.version_id <> s.version_id
    AND ml_loop.share_of(s.salt, r.id::text) < s.percent;

-- name: shadowed
-- What a shadow answered, what people were answered, and whether they were compared already.
SELECT
    r.output AS shadow,
    o.id AS run_id,
    o.output AS answered,
    r.version_id,
    s.id AS rollout_id
FROM agents.agent_runs AS r
INNER JOIN agents.dispatches AS d ON r.dispatch_id = d.id AND d.purpose = 'shadow'
INNER JOIN agents.agent_runs AS o ON o.id::text = r.task_key
LEFT JOIN ml_loop.rollouts AS s ON s.version_id = r.version_id AND s.kind = 'shadow' AND s.state = 'running'
WHERE
    r.id = %(run_id)s
    AND NOT EXISTS (
        SELECT FROM ml_loop.eval_results AS e
        WHERE e.run_id = r.id AND e.eval_type = 'shadow_agreement'
    );

-- name: keep_agreement
-- Keeps how much a shadow agreed with what people were answered.
INSERT INTO ml_loop.eval_results (organization_id, model_version_id, eval_type, score, details, case_key, run_id)
VALUES (
    qms.current_organization_id(), %(version_id)s, 'shadow_agreement', %(score)s, %(details)s::jsonb, %(case_key)s,
    %(run_id)s
);

-- name: agreement
-- How much a version in the shadow agreed so far.
SELECT
    count(*) AS n,
    avg(e.score) AS mean
FROM ml_loop.eval_results AS e
WHERE e.model_version_id = %(version_id)s AND e.eval_type = 'shadow_agreement' AND e.created_at >= %(since)s;
