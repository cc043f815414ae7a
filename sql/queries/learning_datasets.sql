-- name: feedback
-- Feedback on what an agent answered, the newest first; of what is too long only that it is. Runs that measured a
-- version are no work and teach nothing.
SELECT
    t.id,
    t.run_id,
    t.feedback_id,
    CASE WHEN octet_length(t.input::text) + octet_length(t.output::text) <= %(longest)s THEN t.input END AS input,
    CASE WHEN octet_length(t.input::text) + octet_length(t.output::text) <= %(longest)s THEN t.output END AS output,
    octet_length(t.input::text) + octet_length(t.output::text) > %(longest)s AS too_long,
    coalesce(g.inputs, '{}') AS inputs,
    t.feedback_score AS score,
    t.is_validated IS TRUE AS is_validated,
    CASE
        WHEN f.id IS NULL AND t.is_validated IS TRUE THEN 'human'
        WHEN coalesce(f.source, t.source) = 'user' AND f.given_kind = 'human' THEN 'human'
        WHEN coalesce(f.source, t.source) = 'user' THEN 'relayed'
        WHEN coalesce(f.source, t.source) = 'llm-judge' THEN 'judge'
        ELSE 'automatic'
    END AS standing,
    f.given_by,
    coalesce(t.group_key, t.run_id::text, t.id::text) AS group_key,
    coalesce(t.agent_version, '') AS agent_version,
    coalesce(f.label, '') AS label,
    coalesce(f.comment, '') AS comment,
    coalesce(f.details, '{}') AS details,
    t.created_at
FROM ml_loop.training_data AS t
LEFT JOIN ml_loop.feedback_loop AS f ON f.id = t.feedback_id
LEFT JOIN agents.agent_runs AS r ON r.id = t.run_id
-- What its agent was given along: answers of the agents it waited for.
LEFT JOIN LATERAL (
    SELECT k.inputs || coalesce(jsonb_object_agg(n.key, o.output) FILTER (WHERE o.output IS NOT NULL), '{}') AS inputs
    FROM agents.dispatch_tasks AS k
    LEFT JOIN agents.dispatch_tasks AS n
        ON n.dispatch_id = k.dispatch_id AND n.key = ANY(k.needs || k.after) AND n.state = 'done'
    LEFT JOIN agents.agent_runs AS o ON o.id = n.run_id
    WHERE k.dispatch_id = r.dispatch_id AND k.key = r.task_key
    GROUP BY k.dispatch_id, k.key, k.inputs
) AS g ON TRUE
WHERE
    t.organization_id = qms.current_organization_id() AND t.model_name = %(agent)s
    AND (%(since)s::timestamptz IS NULL OR t.created_at >= %(since)s)
    AND (%(until)s::timestamptz IS NULL OR t.created_at < %(until)s)
    AND (r.lane IS NULL OR r.lane NOT IN ('evaluation', 'trial', 'shadow'))
ORDER BY t.created_at DESC, t.id DESC
LIMIT %(max_rows)s;

-- name: count_feedback
-- How many feedbacks there are on an agent in a time.
SELECT count(*) AS total
FROM ml_loop.training_data AS t
WHERE
    t.organization_id = qms.current_organization_id() AND t.model_name = %(agent)s
    AND (%(since)s::timestamptz IS NULL OR t.created_at >= %(since)s)
    AND (%(until)s::timestamptz IS NULL OR t.created_at < %(until)s);

-- name: people
-- Names of the people who have or had a membership in the organization.
SELECT DISTINCT p.printed_name AS name
FROM qms.people AS p;

-- name: of_name
-- The dataset of a name.
SELECT
    d.id,
    d.model_name
FROM ml_loop.datasets AS d
WHERE d.organization_id = qms.current_organization_id() AND d.name = %(name)s;

-- name: add_dataset
-- Keeps a name, unless somebody has just done so.
INSERT INTO ml_loop.datasets (organization_id, model_name, name)
VALUES (qms.current_organization_id(), %(agent)s, %(name)s)
ON CONFLICT (organization_id, name) DO NOTHING;

-- name: add_version
-- Freezes a version under the next number of its dataset; nothing when somebody has just taken the number, or has
-- frozen the same.
INSERT INTO ml_loop.dataset_versions (organization_id, dataset_id, version, content_sha256, n, spec, report)
SELECT
    qms.current_organization_id() AS organization_id,
    %(dataset_id)s,
    coalesce(max(v.version), 0) + 1 AS version,
    %(content_sha256)s,
    %(n)s,
    %(spec)s::jsonb,
    %(report)s::jsonb
FROM ml_loop.dataset_versions AS v
WHERE v.dataset_id = %(dataset_id)s
ON CONFLICT DO NOTHING
RETURNING id;

-- name: add_groups
-- Says on which side each conversation is.
INSERT INTO ml_loop.dataset_groups (organization_id, dataset_version_id, group_key, split)
SELECT
    qms.current_organization_id() AS organization_id,
    %(dataset_version_id)s,
    g.group_key,
    g.split
FROM jsonb_to_recordset(%(groups)s::jsonb) AS g (group_key text, split text);

-- name: add_items
-- Adds items to a version that is being frozen.
INSERT INTO ml_loop.dataset_items (
    organization_id, dataset_version_id, position, group_key, split, input, expected, score, weight, is_validated,
    slices, item_sha256, run_ids, feedback_ids
)
SELECT
    qms.current_organization_id() AS organization_id,
    %(dataset_version_id)s,
    i.position,
    i.group_key,
    i.split,
    i.input,
    i.expected,
    i.score,
    i.weight,
    i.is_validated,
    i.slices,
    i.item_sha256,
    i.run_ids,
    i.feedback_ids
FROM jsonb_to_recordset(%(items)s::jsonb) AS i (
    position integer, group_key text, split text, input jsonb, expected jsonb, score float8, weight float8,
    is_validated boolean, slices jsonb, item_sha256 text, run_ids uuid[], feedback_ids uuid[]
);

-- name: find
-- A frozen dataset by its id, by its name and number, by its hash, or the newest of a name.
SELECT
    v.id,
    v.dataset_id,
    d.name,
    d.model_name,
    v.version,
    v.content_sha256,
    v.n,
    v.spec,
    v.report,
    v.created_by,
    v.created_kind,
    v.created_at
FROM ml_loop.dataset_versions AS v
INNER JOIN ml_loop.datasets AS d ON d.organization_id = v.organization_id AND d.id = v.dataset_id
WHERE
    v.organization_id = qms.current_organization_id()
    AND (
        v.id::text = %(named)s OR d.name || '@' || v.version = %(named)s OR d.name = %(named)s
        OR 'sha256:' || v.content_sha256 = %(named)s
    )
ORDER BY v.version DESC, v.created_at DESC
LIMIT 1;

-- name: of_content
-- The version of a dataset that has this content.
SELECT v.id
FROM ml_loop.dataset_versions AS v
WHERE v.dataset_id = %(dataset_id)s AND v.content_sha256 = %(content_sha256)s;

-- name: list
-- Versions of datasets, the newest first, after a cursor.
SELECT
    v.id,
    v.dataset_id,
    d.name,
    d.model_name,
    v.version,
    v.content_sha256,
    v.n,
    v.spec,
    v.report,
    v.created_by,
    v.created_kind,
    v.created_at
FROM ml_loop.dataset_versions AS v
INNER JOIN ml_loop.datasets AS d ON d.organization_id = v.organization_id AND d.id = v.dataset_id
WHERE
    v.organization_id = qms.current_organization_id()
    AND (%(agent)s::text IS NULL OR d.model_name = %(agent)s)
    AND (%(before)s::timestamptz IS NULL OR (v.created_at, v.id) < (%(before)s, %(before_id)s::uuid))
ORDER BY v.created_at DESC, v.id DESC
LIMIT %(max_rows)s;

-- name: count
-- How many versions of datasets there are.
SELECT count(*) AS total
FROM ml_loop.dataset_versions AS v
INNER JOIN ml_loop.datasets AS d ON d.organization_id = v.organization_id AND d.id = v.dataset_id
WHERE v.organization_id = qms.current_organization_id() AND (%(agent)s::text IS NULL OR d.model_name = %(agent)s);

-- name: items
-- Items of a version on one side, or on all, in their order, after a position.
SELECT
    i.id,
    i.position,
    i.group_key,
    i.split,
    i.input,
    i.expected,
    i.score,
    i.weight,
    i.is_validated,
    i.slices,
    i.item_sha256,
    i.run_ids,
    i.feedback_ids
FROM ml_loop.dataset_items AS i
WHERE
    i.organization_id = qms.current_organization_id() AND i.dataset_version_id = %(dataset_version_id)s
    AND (%(split)s = 'all' OR i.split = %(split)s)
    AND i.position > %(after)s
ORDER BY i.position
LIMIT %(max_rows)s;
