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
-- What answers people now, and how many of its last runs were bad, by whose feedback the watch will count.
SELECT
    v.id,
    v.version,
    e.n,
    e.bad
FROM ml_loop.model_versions AS v
CROSS JOIN LATERAL ml_loop.error_rate_of(v.id, %(most)s, %(as_told)s) AS e
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
ORDER BY r.started_at DESC, r.id ASC
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

-- name: explained_runs
-- The runs a name stands for: a run, all of a dispatch by its id or run_key, or the run of a call; a call that sent
-- agents stands for them.
SELECT
    r.id,
    r.agent_type AS agent,
    r.task_key AS key,
    r.attempt,
    r.status
FROM agents.agent_runs AS r
LEFT JOIN agents.dispatches AS d ON r.dispatch_id = d.id
WHERE
    r.id::text = %(named)s OR d.id::text = %(named)s OR d.run_key = %(named)s OR d.call_id::text = %(named)s
    OR EXISTS (
        SELECT FROM agents.tool_calls AS c
        WHERE
            c.id::text = %(named)s AND c.run_id = r.id
            AND NOT EXISTS (SELECT FROM agents.dispatches AS s WHERE s.call_id = c.id)
    )
ORDER BY r.task_key ASC, r.attempt DESC, r.created_at DESC
LIMIT 500;

-- name: explained
-- One run with all around it: who asked, which version, and why that one.
SELECT
    r.id,
    r.agent_type AS agent,
    r.status,
    r.error,
    r.stop_reason,
    r.fallback_reason,
    r.attempt,
    r.task_key AS key,
    r.input,
    r.output,
    r.model,
    r.token_usage,
    r.cost_usd::float8 AS cost_usd,
    r.duration_ms,
    r.created_at,
    r.completed_at,
    r.lane,
    r.agent_version,
    r.actor_kind,
    coalesce((SELECT p.printed_name FROM qms.people AS p WHERE p.user_id = r.user_id), r.user_id::text) AS person,
    d.id AS dispatch_id,
    d.run_key,
    d.request AS dispatch_request,
    d.purpose,
    d.may_draft,
    b.client_name,
    b.client_version,
    v.id AS version_id,
    v.version,
    v.content,
    v.content_sha256,
    v.origin,
    v.notes,
    v.created_at AS version_made_at,
    v.created_kind AS version_made_kind,
    (SELECT p.printed_name FROM qms.people AS p WHERE p.user_id = v.created_by) AS version_made_by,
    ml_loop.name_of(v.parent_id) AS parent,
    (
        SELECT
            jsonb_build_object(
                'name', s.name, 'version', w.version, 'items', w.n, 'sha256', w.content_sha256,
                'frozen_at', w.created_at
            )
        FROM ml_loop.dataset_versions AS w
        INNER JOIN ml_loop.datasets AS s ON w.dataset_id = s.id
        WHERE w.id = v.dataset_version_id
    ) AS dataset,
    CASE WHEN o.id IS NOT NULL THEN jsonb_build_object(
        'id', o.id, 'kind', o.kind, 'percent', o.percent, 'sticky_by', o.sticky_by, 'state', o.state,
        'started_at', o.started_at, 'ended_at', o.ended_at, 'end_reason', o.end_reason,
        'tried', ml_loop.name_of(o.version_id), 'against', ml_loop.name_of(o.baseline_id),
        'place', ml_loop.share_of(o.salt, CASE o.sticky_by WHEN 'person' THEN r.user_id::text ELSE d.id::text END)
    ) END AS rollout,
    m.reason AS moved_why,
    m.moved_at,
    m.moved_kind,
    ml_loop.name_of(m.from_id) AS moved_from,
    coalesce(o.approval_id, m.approval_id) AS approval_id
FROM agents.agent_runs AS r
LEFT JOIN agents.dispatches AS d ON r.dispatch_id = d.id
LEFT JOIN agents.tool_calls AS b ON d.call_id = b.id
LEFT JOIN ml_loop.model_versions AS v ON r.version_id = v.id
LEFT JOIN ml_loop.rollouts AS o ON r.rollout_id = o.id
-- The move that had put its version into production when it answered.
LEFT JOIN LATERAL (
    SELECT a.*
    FROM ml_loop.alias_moves AS a
    WHERE a.model_name = r.agent_type AND a.alias = 'production' AND a.moved_at <= r.created_at
    ORDER BY a.moved_at DESC
    LIMIT 1
) AS m ON r.lane IN ('production', 'control') AND m.to_id = r.version_id
WHERE r.id = %(run_id)s;

-- name: explained_approval
-- Who let a version go to people, when, and on which report.
SELECT
    a.id,
    a.summary,
    a.reason,
    a.requested_kind,
    coalesce((SELECT p.printed_name FROM qms.people AS p WHERE p.user_id = a.requested_by), '') AS requested_by,
    a.created_at AS requested_at,
    coalesce((SELECT s.printed_name FROM qms.people AS s WHERE s.user_id = a.decided_by), '') AS signed_by,
    a.decided_at AS signed_at,
    a.decision_reason,
    a.content_sha256,
    g.id AS gate_report_id,
    g.content_sha256 AS gate_report_sha256,
    g.passed AS gates_passed,
    g.created_at AS gates_at,
    g.content AS gate_report
FROM qms.approvals AS a
LEFT JOIN ml_loop.promotion_requests AS w ON a.subject_id = w.id
LEFT JOIN ml_loop.gate_reports AS g ON w.gate_report_id = g.id
WHERE a.id = %(approval_id)s;

-- name: explained_calls
-- The calls of a run, each by the label it was cited with.
SELECT
    c.id,
    (
        SELECT k.state ->> 'label'
        FROM agents.context_state AS k
        WHERE k.run_id = c.run_id AND k.kind = 'tool' AND k.state ->> 'call_id' = c.id::text
        ORDER BY k.step
        LIMIT 1
    ) AS label,
    c.tool_name AS tool,
    c.tool_input AS arguments,
    c.tool_output AS answer,
    c.success AS ok,
    c.error,
    c.duration_ms,
    c.created_at
FROM agents.tool_calls AS c
WHERE c.run_id = %(run_id)s
ORDER BY c.created_at, c.id
LIMIT 200;

-- name: explained_rest
-- What else is stored of a run: decisions, checkpoints, feedback, and its other attempts.
SELECT
    (SELECT count(*) FROM agents.context_state AS k WHERE k.run_id = r.id) AS checkpoints,
    (
        SELECT coalesce(jsonb_agg(jsonb_build_object(
            'decision', x.decision, 'rationale', x.rationale, 'alternatives', x.alternatives,
            'confidence', x.confidence, 'at', x.created_at
        ) ORDER BY x.created_at), '[]'::jsonb)
        FROM agents.decisions AS x
        WHERE x.run_id = r.id
    ) AS decisions,
    (
        SELECT coalesce(jsonb_agg(jsonb_build_object(
            'source', f.source, 'score', f.score, 'label', f.label, 'comment', f.comment, 'given', f.given_kind,
            'at', f.created_at
        ) ORDER BY f.created_at), '[]'::jsonb)
        FROM ml_loop.feedback_loop AS f
        WHERE f.run_id = r.id
    ) AS feedback,
    (
        SELECT coalesce(jsonb_agg(jsonb_build_object(
            'run', b.id, 'attempt', b.attempt, 'status', b.status, 'version', b.agent_version, 'lane', b.lane,
            'error', b.error
        ) ORDER BY b.attempt), '[]'::jsonb)
        FROM agents.agent_runs AS b
        WHERE b.dispatch_id = r.dispatch_id AND b.task_key = r.task_key AND b.id <> r.id
    ) AS attempts
FROM agents.agent_runs AS r
WHERE r.id = %(run_id)s;
