-- What a person has to decide.

-- name: request
-- The approval a draft waits for; asked twice it is the same.
SELECT
    a.id,
    a.organization_id,
    a.tool,
    a.subject_id,
    a.content_sha256,
    a.summary,
    a.content,
    a.reason,
    a.client_name,
    a.state,
    a.expires_at,
    a.decision_reason,
    a.created_at
FROM qms_private.request_approval(
    %(tool)s, %(subject_id)s, %(summary)s, %(content)s, %(reason)s, %(client_name)s
) AS a;

-- name: request_spending
-- The approval a costly dispatch waits for; asked twice it is the same until it is used.
SELECT
    a.id,
    a.organization_id,
    a.tool,
    a.subject_id,
    a.content_sha256,
    a.summary,
    a.content,
    a.reason,
    a.client_name,
    a.state,
    a.expires_at,
    a.decision_reason,
    a.created_at
FROM qms_private.request_spending(%(content)s, %(summary)s, %(reason)s, %(client_name)s) AS a;

-- name: spend
-- Uses the approval for exactly what was approved.
SELECT u.id FROM qms_private.use_approval(%(approval_id)s, %(subject_id)s, %(sha256)s) AS u;

-- name: confirm
-- The decision of the person in front of the client.
SELECT
    a.id,
    a.organization_id,
    a.tool,
    a.subject_id,
    a.content_sha256,
    a.summary,
    a.content,
    a.reason,
    a.client_name,
    a.state,
    a.expires_at,
    a.decision_reason,
    a.created_at
FROM qms_private.confirm_approval(%(approval_id)s, %(verdict)s) AS a;

-- name: confirmed_in_client
-- Whether the organization lets a person confirm in the client, without a password.
SELECT NOT o.settings @> '{"confirm_in_client": false}' AS allowed
FROM qms.organizations AS o;

-- name: open
-- What waits, of all organizations or of one, the oldest first.
SELECT
    a.id,
    o.slug AS organization,
    a.tool,
    a.summary,
    coalesce(p.printed_name, u.email) AS requested_by,
    a.client_name,
    a.reason,
    a.state,
    a.expires_at,
    a.created_at
FROM qms.approvals AS a
INNER JOIN qms.organizations AS o ON a.organization_id = o.id
INNER JOIN auth.users AS u ON a.requested_by = u.id
LEFT JOIN qms.people AS p ON a.requested_by = p.user_id
WHERE
    (%(organization)s::text IS NULL OR o.slug = %(organization)s)
    AND (%(everything)s OR (a.state = 'pending' AND a.expires_at > now()))
ORDER BY a.created_at;

-- name: show
-- One approval with everything that is decided by it.
SELECT
    a.id,
    a.organization_id,
    o.slug AS organization,
    a.tool,
    a.subject_id,
    a.content_sha256,
    a.summary,
    a.content,
    coalesce(p.printed_name, u.email) AS requested_by,
    a.requested_kind,
    a.client_name,
    a.reason,
    CASE WHEN a.state = 'pending' AND a.expires_at <= now() THEN 'expired' ELSE a.state END AS state,
    a.expires_at,
    a.decision_reason,
    a.channel,
    a.created_at
FROM qms.approvals AS a
INNER JOIN qms.organizations AS o ON a.organization_id = o.id
INNER JOIN auth.users AS u ON a.requested_by = u.id
LEFT JOIN qms.people AS p ON a.requested_by = p.user_id
WHERE a.id = %(approval_id)s;

-- name: decide
-- A person decides on the terminal.
SELECT d.state
FROM qms_private.decide_approval(%(approval_id)s, %(user_id)s, %(verdict)s, 'terminal', %(reason)s) AS d;
