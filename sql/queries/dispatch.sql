-- name: open
-- Records a dispatch with its tasks, or finds the one that has its run_key.
SELECT
    o.id,
    o.created,
    o.request_sha256
FROM agents.open_dispatch(%(asked)s, %(tasks)s) AS o;

-- name: find
-- One dispatch of the caller's organization, by id or by run_key.
SELECT
    d.id,
    d.run_key,
    d.request,
    d.plan,
    d.on_failure,
    d.may_draft,
    d.at_once,
    d.budget_tokens,
    d.budget_usd::float8 AS budget_usd,
    d.runs_in,
    d.status,
    d.opening,
    d.user_id,
    d.purpose,
    d.result,
    d.error,
    d.cancel_reason,
    d.created_at,
    d.started_at,
    d.finished_at,
    agents.executor_lives(d.id, %(grace)s) AS held
FROM agents.dispatches AS d
WHERE d.run_key = %(named)s OR d.id::text = %(named)s
ORDER BY d.id::text = %(named)s DESC
LIMIT 1;

-- name: tasks
-- The tasks of a dispatch, each with the run it is at.
SELECT
    t.key,
    t.agent,
    t.request,
    t.subject,
    t.needs,
    t.after,
    t.priority,
    t.state,
    t.attempt,
    t.run_id,
    t.reserved_tokens,
    t.reserved_usd::float8 AS reserved_usd,
    t.spent_tokens,
    t.spent_usd::float8 AS spent_usd,
    coalesce(t.model, r.model) AS model,
    coalesce(t.error, r.error) AS error,
    t.queued_at,
    t.started_at,
    t.finished_at,
    r.status AS run_status,
    r.output,
    r.agent_version,
    r.fallback_reason,
    r.stop_reason,
    (SELECT count(*) FROM agents.tool_calls AS c WHERE c.run_id = t.run_id) AS tool_calls,
    (SELECT count(*) FROM agents.context_state AS s WHERE s.run_id = t.run_id AND s.kind = 'model') AS turns
FROM agents.dispatch_tasks AS t
LEFT JOIN agents.agent_runs AS r ON r.id = t.run_id
WHERE t.dispatch_id = %(dispatch_id)s
ORDER BY t.position;

-- name: labels
-- What the labels of tool calls stand for, by run.
SELECT
    s.run_id,
    s.state ->> 'label' AS label,
    (s.state ->> 'call_id')::uuid AS call_id
FROM agents.context_state AS s
WHERE s.run_id = ANY(%(runs)s) AND s.kind = 'tool';

-- name: progress
-- How far a dispatch is, in one row.
SELECT
    d.status,
    count(t.key) AS tasks,
    count(t.key) FILTER (WHERE t.state IN ('done', 'failed', 'skipped', 'cancelled')) AS settled,
    coalesce(
        string_agg(t.agent, ', ' ORDER BY t.position) FILTER (WHERE t.state = 'running'), ''
    ) AS running,
    coalesce(sum(t.spent_tokens), 0)::bigint AS spent_tokens,
    coalesce(sum(t.spent_usd), 0)::float8 AS spent_usd
FROM agents.dispatches AS d
LEFT JOIN agents.dispatch_tasks AS t ON t.dispatch_id = d.id
WHERE d.id = %(dispatch_id)s
GROUP BY d.id;

-- name: list
-- Dispatches, the newest first, after a cursor.
SELECT
    d.id,
    d.run_key,
    left(d.request, 200) AS request,
    d.status,
    d.created_at,
    d.finished_at,
    (SELECT count(*) FROM agents.dispatch_tasks AS t WHERE t.dispatch_id = d.id) AS tasks,
    (
        SELECT coalesce(sum(t.spent_usd), 0)::float8 FROM agents.dispatch_tasks AS t WHERE t.dispatch_id = d.id
    ) AS spent_usd
FROM agents.dispatches AS d
WHERE
    d.purpose = 'work'
    AND (%(status)s::text IS NULL OR d.status = %(status)s)
    AND (%(before)s::timestamptz IS NULL OR (d.created_at, d.id) < (%(before)s, %(before_id)s::uuid))
ORDER BY d.created_at DESC, d.id DESC
LIMIT %(max_rows)s;

-- name: count
-- How many dispatches there are, all or of one status.
SELECT count(*) AS total
FROM agents.dispatches AS d
WHERE d.purpose = 'work' AND (%(status)s::text IS NULL OR d.status = %(status)s);

-- name: cancel
-- Ends a dispatch and all its runs.
SELECT agents.cancel_dispatch(%(dispatch_id)s, %(reason)s) AS cancelled;

-- name: reopen
-- Lets failed tasks be tried again.
SELECT agents.reopen_dispatch(%(dispatch_id)s) AS tasks;

-- name: queue_state
-- Depth, age and failures of the organization's tasks.
SELECT
    q.waiting,
    q.queued,
    q.running,
    q.oldest_waiting,
    q.failed_last_hour,
    q.servers,
    q.workers
FROM agents.queue_state() AS q;

-- name: existing_calls
-- Which of these tool calls are in the ledger of the organization.
SELECT c.id
FROM agents.tool_calls AS c
WHERE c.id = ANY(%(ids)s);

-- name: existing_records
-- Which of these numbers belong to records of the organization, with the version they have now.
SELECT
    q.number,
    q.version
FROM qms.quality_items AS q
WHERE q.number = ANY(%(numbers)s);

-- name: existing_documents
-- Which of these numbers belong to documents of the organization.
SELECT DISTINCT d.document_number AS number
FROM qms.documents AS d
WHERE d.document_number = ANY(%(numbers)s);

-- name: decide
-- Keeps what was chosen, between what, and why.
INSERT INTO agents.decisions (organization_id, dispatch_id, decision, rationale, alternatives, confidence)
SELECT
    qms.current_organization_id() AS organization_id,
    %(dispatch_id)s::uuid AS dispatch_id,
    c.choice ->> 'decision' AS decision,
    c.choice ->> 'rationale' AS rationale,
    coalesce(c.choice -> 'alternatives', '[]'::jsonb) AS alternatives,
    (c.choice ->> 'confidence')::float8 AS confidence
FROM jsonb_array_elements(%(choices)s) AS c (choice);

-- name: organization_limit
-- How many agents of the organization may work at once, if it says so.
SELECT (o.settings ->> 'agents_at_once')::integer AS at_once
FROM qms.organizations AS o
WHERE o.id = qms.current_organization_id();

-- name: take
-- Makes a process the one that works on a dispatch.
SELECT agents.take_dispatch(%(dispatch_id)s, %(executor)s) AS fence;

-- name: advance
-- Settles what ended and chooses what starts.
SELECT agents.advance(%(dispatch_id)s, %(fence)s, %(round)s, %(per_organization)s) AS state;

-- name: take_run
-- Makes a process the one that works on a task.
SELECT agents.take_run(%(dispatch_id)s, %(key)s, %(attempt)s, %(executor)s, %(versions)s) AS run;

-- name: keep
-- Keeps a checkpoint of a run.
SELECT agents.keep_state(
    %(run_id)s, %(fence)s, %(kind)s, %(entry)s, %(tokens)s::bigint, %(usd)s::numeric
) AS step;

-- name: finish_run
-- Records how a run ended.
SELECT agents.finish_run(%(run_id)s, %(fence)s, %(outcome)s, %(retry_after)s) AS state;

-- name: lose_run
-- Gives up a run nobody can finish.
SELECT agents.lose_run(%(dispatch_id)s, %(key)s, %(attempt)s, %(why)s) AS lost;

-- name: finish
-- Records what came of a dispatch.
SELECT agents.finish_dispatch(%(dispatch_id)s, %(fence)s, %(status)s, %(result)s, %(error)s) AS finished;

-- name: beat
-- The heartbeat of a process.
SELECT agents.beat(%(executor)s) AS beat;

-- name: leave
-- The end of a process.
SELECT agents.leave(%(executor)s) AS gone;

-- name: living
-- The processes that are there.
SELECT l.id FROM agents.living(%(grace)s, %(kind)s) AS l (id);

-- name: watch
-- Which of these runs and dispatches the process has lost.
SELECT w.id FROM agents.watch(%(runs)s, %(fences)s) AS w (id);

-- name: on_behalf
-- On whose behalf a process works on a dispatch.
SELECT
    b.organization_id,
    b.user_id
FROM agents.on_behalf(%(dispatch_id)s) AS b;

-- name: abandon
-- Ends a dispatch nobody can act for.
SELECT agents.abandon_dispatch(%(dispatch_id)s, %(why)s) AS abandoned;

-- name: left_behind
-- Whether a server of this person ended in the middle of a dispatch.
SELECT agents.left_behind(%(organization_id)s, %(user_id)s, %(grace)s) AS found;

-- name: not_begun
-- Dispatches nobody has taken, of a person or (without one) for workers.
SELECT
    b.id,
    b.opening
FROM agents.not_begun(%(organization_id)s, %(user_id)s, %(grace)s) AS b;

-- name: any_runs
-- Whether agents have run here before.
SELECT EXISTS (SELECT FROM agents.agent_runs AS r WHERE r.agent_type <> 'client') AS found;
