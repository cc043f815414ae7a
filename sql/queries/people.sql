-- People as callers name them: by id, by e-mail or by the name on records.

-- name: members
-- Who belongs to the caller's organization now, under which name and with which roles.
SELECT
    m.user_id,
    coalesce(p.printed_name, '') AS printed_name,
    m.roles
FROM qms.memberships AS m
LEFT JOIN qms.people AS p ON m.user_id = p.user_id
WHERE
    m.organization_id = (SELECT qms.current_organization_id())
    AND m.valid_from <= clock_timestamp() AND (m.valid_to IS NULL OR m.valid_to > clock_timestamp())
    AND p.deactivated_at IS NULL
ORDER BY p.printed_name, m.user_id;

-- name: called
-- The one person of the caller's organization with this id, e-mail address or name; null when there is not exactly one.
SELECT qms.find_colleague(%(reference)s) AS id;
