-- Gates: what a version was measured by before it may go to people.

-- name: keep
-- Keeps a report.
INSERT INTO ml_loop.gate_reports AS g (
    organization_id, model_name, version_id, baseline_id, dataset_version_id, checks, passed, content, content_sha256
)
VALUES (
    qms.current_organization_id(), %(agent)s, %(version_id)s, %(baseline_id)s, %(dataset_version_id)s,
    %(checks)s::jsonb, %(passed)s, %(content)s, %(content_sha256)s
)
RETURNING g.id;

-- name: same
-- The report that says the same of the same versions, if there is one: work that was interrupted makes none again.
SELECT g.id
FROM ml_loop.gate_reports AS g
WHERE
    g.organization_id = (SELECT qms.current_organization_id()) AND g.version_id = %(version_id)s
    AND g.baseline_id = %(baseline_id)s AND g.dataset_version_id = %(dataset_version_id)s
    AND g.content_sha256 = %(content_sha256)s AND g.checks = %(checks)s::jsonb
ORDER BY g.created_at DESC
LIMIT 1;

-- name: get
-- One report, with the names of its versions.
SELECT
    g.id,
    g.model_name AS agent,
    g.version_id,
    v.version,
    g.baseline_id,
    b.version AS baseline,
    g.dataset_version_id,
    g.passed,
    g.checks,
    g.content,
    g.content_sha256,
    g.created_at
FROM ml_loop.gate_reports AS g
INNER JOIN ml_loop.model_versions AS v ON v.organization_id = g.organization_id AND v.id = g.version_id
INNER JOIN ml_loop.model_versions AS b ON b.organization_id = g.organization_id AND b.id = g.baseline_id
WHERE g.organization_id = (SELECT qms.current_organization_id()) AND g.id = %(id)s;

-- name: latest
-- The newest report of a version.
SELECT g.id
FROM ml_loop.gate_reports AS g
WHERE g.organization_id = (SELECT qms.current_organization_id()) AND g.version_id = %(version_id)s
ORDER BY g.created_at DESC
LIMIT 1;

-- name: calls
-- Every call that was tried in the cases of a dispatch, over all attempts, also those that were refused.
SELECT
    r.task_key AS key,
    c.tool_name AS tool,
    CASE WHEN jsonb_typeof(c.tool_input) = 'object' THEN c.tool_input ELSE '{}'::jsonb END AS arguments,
    c.success IS TRUE AS success
FROM agents.agent_runs AS r
INNER JOIN agents.tool_calls AS c ON c.run_id = r.id
WHERE r.dispatch_id = %(dispatch_id)s AND c.kind = 'tool'
ORDER BY c.created_at, c.id;

-- name: answers
-- What was answered in the cases of a dispatch, over all attempts.
SELECT
    r.task_key AS key,
    r.output
FROM agents.agent_runs AS r
WHERE r.dispatch_id = %(dispatch_id)s AND r.output IS NOT NULL
ORDER BY r.task_key, r.attempt;

-- name: seen
-- How many of the cases a version was, or a version it comes from was, made with: the same item, or one of the same
-- conversation, on a side that is learnt from.
WITH RECURSIVE lineage AS (
    SELECT
        v.id,
        v.parent_id,
        v.dataset_version_id
    FROM ml_loop.model_versions AS v
    WHERE v.organization_id = (SELECT qms.current_organization_id()) AND v.id = %(version_id)s
    UNION
    SELECT
        p.id,
        p.parent_id,
        p.dataset_version_id
    FROM ml_loop.model_versions AS p
    INNER JOIN lineage AS l ON l.parent_id = p.id
    WHERE p.organization_id = (SELECT qms.current_organization_id())
)

SELECT count(DISTINCT held.id)::integer AS n
FROM ml_loop.dataset_items AS held
WHERE
    held.organization_id = (SELECT qms.current_organization_id()) AND held.id = ANY(%(items)s)
    AND EXISTS (
        SELECT FROM lineage AS l
        INNER JOIN ml_loop.dataset_items AS learnt ON learnt.dataset_version_id = l.dataset_version_id
        WHERE
            learnt.organization_id = (SELECT qms.current_organization_id()) AND learnt.split <> 'test'
            AND (learnt.item_sha256 = held.item_sha256 OR learnt.group_key = held.group_key)
    );

-- name: job_state
-- How the job that made a version ended.
SELECT
    j.state,
    j.error
FROM agents.jobs AS j
WHERE j.organization_id = (SELECT qms.current_organization_id()) AND j.id = %(id)s;

-- name: moment
-- The moment it is, by the clock that dates evaluations.
SELECT clock_timestamp() AS now;
