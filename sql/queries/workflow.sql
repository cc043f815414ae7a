-- The workflow of records: moving them, asking a person, and the state machines.

-- name: transition
-- Moves a record to another state.
SELECT t.id
FROM qms.transition(%(record_id)s, %(version)s, %(to_state)s, %(reason)s) AS t;

-- name: request
-- Asks a person to take a step, or to sign.
SELECT
    a.id AS approval_id,
    a.meaning,
    a.expires_at AT TIME ZONE 'UTC' AS expires_at
FROM qms.request_decision(%(record_id)s, %(version)s, %(to_state)s, %(meaning)s, %(reason)s) AS a;

-- name: definition
-- The state machine new records of a type run on: the organization's own, or the one that is shipped.
SELECT
    d.category,
    d.version,
    d.organization_id IS NOT NULL AS own,
    d.sha256,
    d.body
FROM qms.workflow_definitions AS d
WHERE d.category = %(category)s
ORDER BY d.organization_id ASC NULLS LAST, d.version DESC
LIMIT 1;

-- name: categories
-- The types of records.
SELECT t.category
FROM qms.record_types AS t
ORDER BY t.category;

-- name: problems
-- Why a state machine could not be used.
SELECT qms.workflow_problems(%(category)s, %(body)s::jsonb) AS problems;

-- name: propose
-- Proposes a state machine.
SELECT
    a.id AS approval_id,
    a.summary
FROM qms.request_workflow(%(category)s, %(body)s::jsonb, %(reason)s) AS a;

-- name: escalate
-- Escalates what is overdue.
SELECT qms.escalate_due() AS escalated;
