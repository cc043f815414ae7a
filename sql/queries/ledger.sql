-- name: record
-- Writes ledger entries (a JSON array) in their order, in one transaction.
SELECT agents.record(%(entries)s::jsonb);

-- name: tail
-- The latest calls of the organization: of one tool if named, failed ones if wanted.
SELECT
    c.id,
    c.created_at,
    c.kind,
    c.tool_name,
    c.state,
    c.success,
    c.error,
    c.error_code,
    c.duration_ms,
    c.client_name,
    c.actor_kind
FROM agents.tool_calls AS c
WHERE
    (NOT %(only_failed)s OR c.success = false)
    AND (%(tool_name)s::text IS null OR c.tool_name = %(tool_name)s)
ORDER BY c.created_at DESC, c.id DESC
LIMIT %(max_rows)s;

-- name: export_page
-- A page of calls, the oldest first, after the given one; from since to before until, of one run if named.
SELECT
    c.id,
    c.run_id,
    c.trace_id,
    c.kind,
    c.tool_name,
    c.tool_input,
    c.tool_output,
    c.state,
    c.success,
    c.error,
    c.error_code,
    c.duration_ms,
    c.rounds,
    c.organization_id,
    c.user_id,
    c.actor_kind,
    c.client_name,
    c.client_version,
    c.protocol_version,
    c.request_id,
    c.tool_use_id,
    c.replayed,
    c.created_at,
    c.finished_at
FROM agents.tool_calls AS c
WHERE
    (c.created_at, c.id) > (%(after_time)s::timestamptz, %(after_id)s::uuid)
    AND (%(since)s::timestamptz IS null OR c.created_at >= %(since)s)
    AND (%(until)s::timestamptz IS null OR c.created_at < %(until)s)
    AND (%(run_id)s::uuid IS null OR c.run_id = %(run_id)s)
ORDER BY c.created_at ASC, c.id ASC
LIMIT %(max_rows)s;

-- name: latest_generation
-- The latest reply of a model in an agent's run, by the span of the agent.
SELECT t.id
FROM agents.agent_traces AS t
WHERE t.parent_span_id = %(parent_span_id)s AND t.span_type = 'generation'
ORDER BY t.start_time DESC, t.id DESC
LIMIT 1;
