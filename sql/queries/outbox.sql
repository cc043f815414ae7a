-- name: put
-- Puts a message for the given path of Langfuse into the outbox.
SELECT agents.outbox_put(%(organization_id)s, %(path)s, %(payload)s::jsonb);

-- name: claim
-- Takes up to max_rows due rows of the organization for as long as the lease runs, oldest first.
SELECT
c.id,
c.path,
c.payload,
c.attempts
FROM agents.outbox_claim(%(organization_id)s, %(max_rows)s, %(lease)s) AS c;

-- name: done
-- Removes what the host has taken.
SELECT agents.outbox_done(%(ids)s);

-- name: retry
-- Gives rows back for a later try, or gives them up for good, with the reason.
SELECT agents.outbox_retry(%(ids)s, %(delay)s, %(reason)s, %(give_up)s);

-- name: trim
-- Drops the oldest rows of the organization beyond max_rows and says how many.
SELECT agents.outbox_trim(%(organization_id)s, %(max_rows)s) AS dropped;
