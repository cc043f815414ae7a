-- What was recorded, read as the application: row-level security leaves only the caller's organization.

-- name: runs
-- The latest runs whose id begins with %(beginning)s.
SELECT
    r.id,
    r.agent_type,
    r.status,
    r.client_name,
    r.created_at,
    r.completed_at,
    (SELECT count(*) FROM agents.tool_calls AS c WHERE c.run_id = r.id) AS calls,
    (SELECT count(*) FROM agents.tool_calls AS c WHERE c.run_id = r.id AND c.success IS false) AS failures
FROM agents.agent_runs AS r
WHERE starts_with(r.id::text, %(beginning)s)
ORDER BY r.created_at DESC, r.id DESC
LIMIT %(max_rows)s;

-- name: run
-- One run.
SELECT
    r.id,
    r.agent_type,
    r.status,
    r.client_name,
    r.client_version,
    r.protocol_version,
    r.parent_run_id,
    r.created_at,
    r.completed_at,
    (SELECT count(*) FROM agents.tool_calls AS c WHERE c.run_id = r.id) AS calls,
    (SELECT count(*) FROM agents.tool_calls AS c WHERE c.run_id = r.id AND c.success IS false) AS failures
FROM agents.agent_runs AS r
WHERE r.id = %(run_id)s;

-- name: run_of_call
-- The run a call belongs to.
SELECT c.run_id AS id
FROM agents.tool_calls AS c
WHERE c.id = %(call_id)s;

-- name: calls
-- The latest calls of a run, the latest first. Arguments are masked already when they are recorded.
SELECT
    c.id,
    c.kind,
    c.tool_name,
    c.tool_input,
    c.state,
    c.success,
    c.error,
    c.error_code,
    c.duration_ms,
    c.rounds,
    c.tool_use_id,
    c.created_at
FROM agents.tool_calls AS c
WHERE c.run_id = %(run_id)s
ORDER BY c.created_at DESC, c.id DESC
LIMIT %(max_rows)s;
