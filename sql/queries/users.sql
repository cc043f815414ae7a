-- The people: who they are, where they belong, and the passwords with which they approve.

-- name: by_email
-- One person.
SELECT
    u.id AS user_id,
    u.email,
    coalesce(p.printed_name, u.email) AS printed_name,
    c.user_id IS NOT NULL AS has_password,
    p.deactivated_at IS NOT NULL AS deactivated
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

-- name: check
-- Whether what was derived from a typed password is right; wrong tries are counted, recorded and reported.
SELECT qms_private.check_password(%(user_id)s, %(derived)s, 'terminal') AS outcome;

-- name: parameters
-- What is needed to derive the encoding of a typed password.
SELECT qms_private.password_parameters(%(user_id)s::text) AS parameters;

-- name: has_password
-- One row when a password is set; it stays as it is until the transaction ends.
SELECT c.user_id FROM qms_private.credentials AS c WHERE c.user_id = %(user_id)s FOR UPDATE;

-- name: note
-- What was done to a person, in the trail of each of the organizations.
SELECT qms_private.note_for_person(%(user_id)s, %(action)s, '{"via": "terminal"}') AS done;

-- name: deactivate
-- The person acts no more, anywhere; everything the person did stays.
UPDATE qms.people AS p SET deactivated_at = clock_timestamp()
WHERE p.user_id = %(user_id)s AND p.deactivated_at IS NULL;

-- name: way_of_signing
-- How an organization signs: with a password each time, or recorded without one.
UPDATE qms.organizations AS o
SET settings = o.settings || jsonb_build_object('signatures', %(way)s::text)
WHERE o.id = %(organization_id)s;

-- name: end_sessions
-- Nobody is signed in as this person any more.
UPDATE qms_private.sessions AS s SET ended_at = clock_timestamp()
WHERE s.user_id = %(user_id)s AND s.ended_at IS NULL;

-- name: set_password
-- A new password hash.
INSERT INTO qms_private.credentials AS c (user_id, password_hash) VALUES (%(user_id)s, %(password_hash)s)
ON CONFLICT (user_id) DO UPDATE
SET password_hash = excluded.password_hash, failed_tries = 0, locked_until = NULL, changed_at = clock_timestamp();
