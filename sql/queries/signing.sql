-- Signing: the person at the approval page, the decisions, and the signatures of a record.

-- name: parameters
-- What is needed to derive the encoding of a typed password.
SELECT qms_private.password_parameters(%(user_ref)s) AS parameters;

-- name: sign_in
-- A new session for who knows the password.
SELECT
    s.outcome,
    s.token
FROM qms_private.sign_in(%(user_ref)s, %(derived)s, %(zone)s, 'approval page') AS s;

-- name: session
-- Whose session this is.
SELECT
    s.user_id,
    s.email,
    s.printed_name,
    s.zone,
    s.has_signed,
    s.expires_at
FROM qms_private.session_seen(%(token)s) AS s;

-- name: sign_out
-- The end of a session.
SELECT qms_private.sign_out(%(token)s) AS done;

-- name: make_link
-- A token that leads to an approval, once.
SELECT qms_private.make_link(%(approval_id)s) AS token;

-- name: follow_link
-- The approval a link leads to.
SELECT qms_private.follow_link(%(token)s) AS approval_id;

-- name: waiting
-- What waits for the person of a session.
SELECT
    w.id,
    w.organization,
    w.tool,
    w.summary,
    w.number,
    w.title,
    w.to_state,
    w.meaning,
    w.requested_by,
    w.requested_kind,
    w.client_name,
    w.created_at,
    w.expires_at,
    w.blocked
FROM qms_private.waiting_for(%(token)s) AS w;

-- name: approval
-- One approval with all that is shown of it.
SELECT qms_private.approval_for(%(token)s, %(approval_id)s) AS shown;

-- name: decide
-- The decision of a person.
SELECT
    qms_private.decide(
        %(token)s, %(user_ref)s, %(derived)s, %(approval_id)s, %(verdict)s, %(why)s, %(shown_sha256)s
    ) AS decided;

-- name: note_refusal
-- A decision was tried and refused.
SELECT qms_private.note_refusal(%(token)s, %(approval_id)s, %(why)s) AS done;

-- name: reports
-- Security reports nobody has acknowledged.
SELECT
    r.id,
    r.organization,
    r.kind,
    r.person,
    r.details,
    r.created_at
FROM qms_private.reports_for(%(token)s) AS r;

-- name: acknowledge
-- Somebody has seen a report.
SELECT qms_private.acknowledge_report(%(token)s, %(report_id)s) AS done;

-- name: statuses
-- The signatures of a record, checked now.
SELECT
    s.id,
    s.approval_id,
    s.record_version,
    s.printed_name,
    s.meaning,
    s.verdict,
    s.reason,
    s.signed_at,
    s.zone,
    s.components,
    s.status,
    s.changed,
    s.words
FROM qms.signature_status(%(record_id)s) AS s;
