-- name: open
-- Records a job, or finds the one that has its kind and key already.
SELECT
    o.id,
    o.created
FROM agents.open_job(%(kind)s, %(key)s, %(spec)s, %(runs_in)s) AS o;

-- name: find
-- One job of the caller's organization, by its id or its key.
SELECT
    j.id,
    j.user_id,
    j.kind,
    j.key,
    j.spec,
    j.runs_in,
    j.state,
    j.stage,
    j.result,
    j.error,
    j.created_at,
    j.started_at,
    j.finished_at
FROM agents.jobs AS j
WHERE j.id::text = %(named)s OR j.key = %(named)s
ORDER BY j.id::text = %(named)s DESC, j.created_at DESC
LIMIT 1;

-- name: list
-- Jobs, the newest first, after a cursor.
SELECT
    j.id,
    j.user_id,
    j.kind,
    j.key,
    j.spec,
    j.runs_in,
    j.state,
    j.stage,
    j.result,
    j.error,
    j.created_at,
    j.started_at,
    j.finished_at
FROM agents.jobs AS j
WHERE
    (%(kind)s::text IS NULL OR j.kind = %(kind)s)
    AND (%(prefix)s::text IS NULL OR starts_with(j.key, %(prefix)s))
    AND (%(before)s::timestamptz IS NULL OR (j.created_at, j.id) < (%(before)s, %(before_id)s::uuid))
ORDER BY j.created_at DESC, j.id DESC
LIMIT %(max_rows)s;

-- name: count
-- How many jobs there are.
SELECT count(*) AS total
FROM agents.jobs AS j
WHERE
    (%(kind)s::text IS NULL OR j.kind = %(kind)s)
    AND (%(prefix)s::text IS NULL OR starts_with(j.key, %(prefix)s));

-- name: take
-- Makes a process the one that works on a job.
SELECT agents.take_job(%(job_id)s, %(executor)s) AS job;

-- name: note
-- Keeps a checkpoint, or only the stage.
SELECT agents.note_job(%(job_id)s, %(fence)s, %(stage)s, %(note)s);

-- name: finish
-- Records how a job ended.
SELECT agents.finish_job(%(job_id)s, %(fence)s, %(state)s, %(result)s, %(error)s);

-- name: cancel
-- Ends a job now.
SELECT agents.cancel_job(%(job_id)s, %(reason)s) AS cancelled;

-- name: on_behalf
-- On whose behalf a process works on a job.
SELECT
    b.organization_id,
    b.user_id
FROM agents.job_on_behalf(%(job_id)s) AS b;

-- name: abandon
-- Ends a job nobody can act for any more.
SELECT agents.abandon_job(%(job_id)s, %(why)s);

-- name: not_begun
-- Jobs nobody has taken, of a person or (without one) for workers.
SELECT b.id FROM agents.jobs_not_begun(%(organization_id)s, %(user_id)s, %(grace)s) AS b (id);

-- name: keepers
-- On whose behalf a process without a person opens what is due, the latest first.
SELECT
    b.organization_id,
    b.user_id
FROM agents.time_keepers() AS k (id)
CROSS JOIN LATERAL agents.job_on_behalf(k.id) AS b;
