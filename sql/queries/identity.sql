-- name: assume
-- Binds the transaction to an identity, says why and by which call, and takes the role of the application.
SELECT
    set_config(
        'qms.identity',
        qms_private.mint_identity(%(user_id)s, %(organization_id)s, %(actor_kind)s, pg_backend_pid()),
        true
    ) AS identity,
    set_config('request.jwt.claims', %(claims)s, true) AS claims,
    set_config('qms.reason', %(reason)s, true) AS reason,
    set_config('qms.tool_call_id', %(tool_call_id)s, true) AS tool_call_id,
    set_config('qms.client', %(client)s, true) AS client,
    set_config('qms.app_version', %(app_version)s, true) AS app_version,
    set_config('role', %(role)s, true) AS role;

-- name: mint
-- A signed identity for another connection, known by its backend pid.
SELECT qms_private.mint_identity(%(user_id)s, %(organization_id)s, %(actor_kind)s, %(pid)s) AS ticket;

-- name: memberships
-- The organizations a person belongs to now, the oldest first.
SELECT
    organization_id,
    roles,
    slug,
    organization_name,
    email
FROM qms_private.memberships_of(%(user_id)s);
