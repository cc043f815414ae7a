-- name: administer
-- Administration is done in the role that may see the people of all organizations.
SET LOCAL ROLE qms_definer;

-- name: exists
-- One row when the owner is recorded.
SELECT m.id
FROM qms.memberships AS m
WHERE m.organization_id = %(organization_id)s AND m.user_id = %(user_id)s;

-- name: user
-- The person who can act.
INSERT INTO auth.users (id, email) VALUES (%(user_id)s, %(email)s) ON CONFLICT DO NOTHING;

-- name: organization
-- The organization whose records are kept.
INSERT INTO qms.organizations (id, name, slug) VALUES (%(organization_id)s, %(organization_name)s, %(slug)s)
ON CONFLICT DO NOTHING;

-- name: person
-- The name that stands on records.
INSERT INTO qms.people (user_id, printed_name) VALUES (%(user_id)s, %(printed_name)s) ON CONFLICT DO NOTHING;

-- name: membership
-- The roles the person has there.
INSERT INTO qms.memberships (organization_id, user_id, roles)
VALUES (%(organization_id)s, %(user_id)s, %(roles)s) ON CONFLICT DO NOTHING;
