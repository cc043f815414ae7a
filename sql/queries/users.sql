-- The people: who they are, where they belong, and the passwords with which they approve.

-- name: by_email
-- One person.
SELECT
    u.id AS user_id,
    u.email,
    coalesce(p.printed_name, u.email) AS printed_name,
    c.user_id IS NOT NULL AS has_password
FROM auth.users AS u
LEFT JOIN qms.people AS p ON u.id = p.user_id
LEFT JOIN qms_private.credentials AS c ON u.id = c.user_id
WHERE lower(u.email) = lower(%(email)s);

-- name: listed
-- Who belongs where.
SELECT
    u.email,
    coalesce(p.printed_name, u.email) AS printed_name,
    o.slug AS organization,
    m.roles,
    m.valid_from,
    m.valid_to,
    c.user_id IS NOT NULL AS has_password
FROM qms.memberships AS m
INNER JOIN auth.users AS u ON m.user_id = u.id
INNER JOIN qms.organizations AS o ON m.organization_id = o.id
LEFT JOIN qms.people AS p ON m.user_id = p.user_id
LEFT JOIN qms_private.credentials AS c ON m.user_id = c.user_id
WHERE %(organization)s::text IS NULL OR o.slug = %(organization)s
ORDER BY o.slug, u.email, m.valid_from;

-- name: organizations
-- The organizations there are.
SELECT
    o.id,
    o.slug
FROM qms.organizations AS o
ORDER BY o.created_at, o.slug;

-- name: add_user
-- A person who can act.
INSERT INTO auth.users (id, email) VALUES (%(user_id)s, %(email)s);

-- name: add_person
-- The name that stands on records.
INSERT INTO qms.people (user_id, printed_name) VALUES (%(user_id)s, %(printed_name)s)
ON CONFLICT (user_id) DO NOTHING;

-- name: begin_membership
-- The roles the person has from now on.
INSERT INTO qms.memberships (organization_id, user_id, roles)
VALUES (%(organization_id)s, %(user_id)s, %(roles)s);

-- name: end_membership
-- Ends what is current; history stays.
UPDATE qms.memberships AS m
SET valid_to = clock_timestamp()
WHERE
    m.user_id = %(user_id)s AND m.valid_to IS NULL
    AND (%(organization_id)s::uuid IS NULL OR m.organization_id = %(organization_id)s);

-- name: credential
-- The password hash of a person, locked against a second try at the same time.
SELECT
    c.password_hash,
    c.failed_tries,
    c.locked_until,
    coalesce(c.locked_until > clock_timestamp(), FALSE) AS locked
FROM qms_private.credentials AS c
WHERE c.user_id = %(user_id)s
FOR UPDATE;

-- name: failed
-- One wrong try more; the fifth locks for a quarter of an hour and begins to count anew.
UPDATE qms_private.credentials AS c
SET
    failed_tries = CASE WHEN c.failed_tries + 1 >= 5 THEN 0 ELSE c.failed_tries + 1 END,
    locked_until = CASE
        WHEN c.failed_tries + 1 >= 5 THEN clock_timestamp() + interval '15 minutes' ELSE c.locked_until
    END
WHERE c.user_id = %(user_id)s;

-- name: succeeded
-- The right password: the count begins anew.
UPDATE qms_private.credentials AS c
SET failed_tries = 0, locked_until = NULL
WHERE c.user_id = %(user_id)s;

-- name: set_password
-- A new password hash.
INSERT INTO qms_private.credentials AS c (user_id, password_hash) VALUES (%(user_id)s, %(password_hash)s)
ON CONFLICT (user_id) DO UPDATE
SET password_hash = excluded.password_hash, failed_tries = 0, locked_until = NULL, changed_at = clock_timestamp();
