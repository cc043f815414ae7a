-- Roles, the auth shim, and an identity that no SQL statement can forge.

-- Roles exist already in the embedded database; on any other PostgreSQL the database owner creates them here.
DO $$
DECLARE
    role_name text;
    -- Before version 16 a membership has no options: it always lets one take on the role.
    has_options boolean := current_setting('server_version_num')::integer >= 160000;
    grant_options text := CASE WHEN has_options THEN ' WITH INHERIT FALSE, SET TRUE' ELSE '' END;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['qms_app', 'qms_sql', 'qms_probe', 'qms_definer', 'qms_ledger'] LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.rolname = role_name) THEN
            EXECUTE pg_catalog.format('CREATE ROLE %I NOLOGIN', role_name);
        END IF;
        IF NOT pg_catalog.pg_has_role(current_user, role_name, CASE WHEN has_options THEN 'SET' ELSE 'MEMBER' END) THEN
            EXECUTE pg_catalog.format('GRANT %I TO %I%s', role_name, current_user, grant_options);
        END IF;
    END LOOP;
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.rolname = 'qms_server') THEN
        EXECUTE 'CREATE ROLE qms_server NOLOGIN NOINHERIT';
        EXECUTE pg_catalog.format('GRANT qms_server TO %I%s', current_user, grant_options);
        EXECUTE 'GRANT qms_app, qms_sql, qms_probe, qms_ledger TO qms_server';
    END IF;
    FOREACH role_name IN ARRAY ARRAY['anon', 'authenticated', 'service_role'] LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.rolname = role_name) THEN
            EXECUTE pg_catalog.format('CREATE ROLE %I NOLOGIN', role_name);
        END IF;
    END LOOP;
END
$$;

-- The analysing role makes a temporary function and rolls it back; nobody else needs temporary objects.
DO $$
BEGIN
    EXECUTE pg_catalog.format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', pg_catalog.current_database());
    EXECUTE pg_catalog.format('GRANT TEMPORARY ON DATABASE %I TO qms_probe', pg_catalog.current_database());
END
$$;

-- Supabase owns the schema auth and brings it along. Anywhere else this shim has the same surface.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'auth') THEN
        RETURN;
    END IF;
    CREATE SCHEMA auth;
    CREATE TABLE auth.users (
        id uuid PRIMARY KEY DEFAULT pg_catalog.gen_random_uuid(),
        email text UNIQUE,
        created_at timestamptz NOT NULL DEFAULT pg_catalog.now()
    );
    COMMENT ON TABLE auth.users IS 'People who can sign in. A shim: on Supabase this table is its own.';
    CREATE FUNCTION auth.jwt() RETURNS jsonb LANGUAGE sql STABLE SET search_path = '' AS
        $f$SELECT coalesce(nullif(current_setting('request.jwt.claims', true), ''), '{}')::jsonb$f$;
    CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE SET search_path = '' AS
        $f$SELECT nullif(auth.jwt() ->> 'sub', '')::uuid$f$;
    CREATE FUNCTION auth.role() RETURNS text LANGUAGE sql STABLE SET search_path = '' AS
        $f$SELECT auth.jwt() ->> 'role'$f$;
    GRANT USAGE ON SCHEMA auth TO anon, authenticated, service_role, qms_definer;
    GRANT SELECT, INSERT ON auth.users TO qms_definer;
END
$$;

-- Whoever runs the migrations gives no function away by default: each grant below is meant.
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

CREATE SCHEMA IF NOT EXISTS extensions;
CREATE SCHEMA qms;
COMMENT ON SCHEMA qms IS 'Quality records, the people who keep them, and their approvals.';
CREATE SCHEMA qms_private;
COMMENT ON SCHEMA qms_private IS 'What no client and no SQL tool may reach: keys, credentials, entry functions.';

GRANT USAGE ON SCHEMA extensions TO qms_app, qms_sql, qms_probe, qms_definer, qms_ledger;
GRANT USAGE ON SCHEMA qms TO qms_app, qms_sql, qms_probe, qms_definer, qms_ledger;
GRANT USAGE ON SCHEMA qms_private TO qms_server, qms_definer, qms_ledger;

-- Who ------------------------------------------------------------------------------------------------------------

CREATE TABLE qms.organizations (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name text NOT NULL CHECK (btrim(name) <> ''),
    slug text NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    time_zone text NOT NULL DEFAULT 'UTC',
    site_calendar jsonb NOT NULL DEFAULT '{}',
    settings jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE qms.organizations IS 'The tenants: a company or a site with its own records.';
COMMENT ON COLUMN qms.organizations.slug IS 'Short name used in configuration and addresses.';
COMMENT ON COLUMN qms.organizations.time_zone IS 'IANA zone in which the site counts its days.';
COMMENT ON COLUMN qms.organizations.site_calendar IS 'Working days and holidays of the site.';

CREATE TABLE qms.memberships (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES qms.organizations (id),
    user_id uuid NOT NULL REFERENCES auth.users (id),
    roles text [] NOT NULL CHECK (
        cardinality(roles) > 0 AND roles <@ ARRAY[
            'reporter', 'owner', 'reviewer', 'approver', 'qa_approver', 'mrb', 'regulatory', 'auditor', 'admin'
        ]
    ),
    valid_from timestamptz NOT NULL DEFAULT now(),
    valid_to timestamptz CHECK (valid_to > valid_from),
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE qms.memberships IS 'Who belongs to which organization with which roles, from when to when. '
'History is kept: a change ends one row and begins another.';
CREATE UNIQUE INDEX memberships_one_current ON qms.memberships (organization_id, user_id) WHERE valid_to IS NULL;
CREATE INDEX memberships_user ON qms.memberships (user_id);
CREATE INDEX memberships_org ON qms.memberships (organization_id);

CREATE TABLE qms.people (
    user_id uuid PRIMARY KEY REFERENCES auth.users (id),
    printed_name text NOT NULL CHECK (btrim(printed_name) <> ''),
    time_zone text NOT NULL DEFAULT 'UTC',
    deactivated_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE qms.people IS 'People as they are named on records and signatures. Deactivated, never deleted; ids are never reused.';

CREATE TABLE qms_private.credentials (
    user_id uuid PRIMARY KEY REFERENCES auth.users (id),
    password_hash text NOT NULL CHECK (password_hash LIKE '$argon2id$%'),
    failed_tries integer NOT NULL DEFAULT 0 CHECK (failed_tries >= 0),
    locked_until timestamptz,
    changed_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE qms_private.credentials IS 'Password hashes for approvals. No role of the server can read this table.';

-- Identity -------------------------------------------------------------------------------------------------------

CREATE TABLE qms_private.identity_key (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    inner_pad bytea NOT NULL,
    outer_pad bytea NOT NULL
);
COMMENT ON TABLE qms_private.identity_key IS 'HMAC-SHA-256 key (RFC 2104), kept as its two padded blocks.';

DO $$
DECLARE
    key bytea := decode(replace(concat(gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid()), '-', ''), 'hex');
    inner_pad bytea := key;
    outer_pad bytea := key;
BEGIN
    FOR position IN 0..63 LOOP
        inner_pad := set_byte(inner_pad, position, get_byte(key, position) # 54);
        outer_pad := set_byte(outer_pad, position, get_byte(key, position) # 92);
    END LOOP;
    INSERT INTO qms_private.identity_key (inner_pad, outer_pad) VALUES (inner_pad, outer_pad);
END
$$;

CREATE FUNCTION qms_private.sign_identity(payload text) RETURNS text
LANGUAGE sql STABLE STRICT SECURITY DEFINER SET search_path = ''
AS $$
    SELECT encode(sha256(k.outer_pad || sha256(k.inner_pad || convert_to(payload, 'UTF8'))), 'hex')
    FROM qms_private.identity_key AS k
$$;
COMMENT ON FUNCTION qms_private.sign_identity(text) IS 'HMAC-SHA-256 of a payload, in hex.';

CREATE FUNCTION qms_private.mint_identity(
    for_user uuid, for_organization uuid, as_kind text, backend_pid integer
) RETURNS text
LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    granted text [];
    payload text;
BEGIN
    SELECT m.roles INTO granted
    FROM qms.memberships AS m
    WHERE
        m.user_id = for_user AND m.organization_id = for_organization
        AND m.valid_from <= clock_timestamp() AND (m.valid_to IS NULL OR m.valid_to > clock_timestamp())
        AND NOT EXISTS (
            SELECT FROM qms.people AS p WHERE p.user_id = for_user AND p.deactivated_at IS NOT NULL
        )
    ORDER BY m.valid_from DESC
    LIMIT 1;
    IF granted IS NULL THEN
        RAISE EXCEPTION 'no valid membership' USING ERRCODE = 'QM001';
    END IF;
    IF as_kind NOT IN ('human', 'agent', 'system') THEN
        RAISE EXCEPTION 'actor_kind must be human, agent or system' USING ERRCODE = 'QM002';
    END IF;
    payload := jsonb_build_object(
        'sub', for_user, 'org', for_organization, 'kind', as_kind, 'roles', to_jsonb(granted),
        'pid', backend_pid, 'exp', extract(epoch FROM clock_timestamp())::bigint + 300
    )::text;
    RETURN qms_private.sign_identity(payload) || '.' || payload;
END
$$;
COMMENT ON FUNCTION qms_private.mint_identity(uuid, uuid, text, integer) IS
'A signed identity for one database connection and five minutes. Error QM001 when the membership is not valid.';

CREATE FUNCTION qms_private.memberships_of(for_user uuid) RETURNS TABLE (
    organization_id uuid, roles text [], slug text, organization_name text, email text
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT
        m.organization_id,
        m.roles,
        o.slug,
        o.name,
        (SELECT u.email FROM auth.users AS u WHERE u.id = for_user)
    FROM qms.memberships AS m
    INNER JOIN qms.organizations AS o ON m.organization_id = o.id
    WHERE
        m.user_id = for_user
        AND m.valid_from <= clock_timestamp() AND (m.valid_to IS NULL OR m.valid_to > clock_timestamp())
        AND NOT EXISTS (SELECT FROM qms.people AS p WHERE p.user_id = for_user AND p.deactivated_at IS NOT NULL)
    ORDER BY m.valid_from, m.id
$$;
COMMENT ON FUNCTION qms_private.memberships_of(uuid) IS 'The organizations a person belongs to now, the oldest first.';

CREATE FUNCTION qms_private.identity() RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    ticket text := current_setting('qms.identity', true);
    payload text := substr(ticket, 66);
    claims jsonb;
BEGIN
    IF coalesce(ticket, '') = '' OR substr(ticket, 1, 64) IS DISTINCT FROM qms_private.sign_identity(payload) THEN
        RETURN NULL;
    END IF;
    claims := payload::jsonb;
    IF (claims ->> 'pid')::integer <> pg_backend_pid()
        OR (claims ->> 'exp')::bigint < extract(epoch FROM transaction_timestamp()) THEN
        RETURN NULL;
    END IF;
    -- A ticket may be seconds old; a membership that has ended since counts at once.
    IF NOT EXISTS (
        SELECT FROM qms.memberships AS m
        WHERE
            m.user_id = (claims ->> 'sub')::uuid AND m.organization_id = (claims ->> 'org')::uuid
            AND m.valid_from <= clock_timestamp() AND (m.valid_to IS NULL OR m.valid_to > clock_timestamp())
    ) THEN
        RETURN NULL;
    END IF;
    RETURN claims;
END
$$;
COMMENT ON FUNCTION qms_private.identity() IS
'The verified claims of this transaction, or null: forged, foreign or expired tickets count as none.';

CREATE FUNCTION qms.current_organization_id() RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$SELECT (qms_private.identity() ->> 'org')::uuid$$;
COMMENT ON FUNCTION qms.current_organization_id() IS 'The organization of the caller. Use as (SELECT qms.current_organization_id()) in policies.';

CREATE FUNCTION qms.current_user_id() RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$SELECT (qms_private.identity() ->> 'sub')::uuid$$;
COMMENT ON FUNCTION qms.current_user_id() IS 'The person who acts, or on whose behalf an agent acts.';

CREATE FUNCTION qms.current_actor_kind() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$SELECT qms_private.identity() ->> 'kind'$$;
COMMENT ON FUNCTION qms.current_actor_kind() IS 'human, agent or system: who holds the pen.';

CREATE FUNCTION qms.has_role(wanted text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$SELECT coalesce(qms_private.identity() -> 'roles' ? wanted, false)$$;
COMMENT ON FUNCTION qms.has_role(text) IS 'Whether the caller has this role in the current organization.';

CREATE FUNCTION qms.may_write() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$SELECT coalesce(jsonb_array_length((qms_private.identity() -> 'roles') - 'auditor') > 0, false)$$;
COMMENT ON FUNCTION qms.may_write() IS 'False for someone who is only an auditor: reads all, writes none.';

GRANT SELECT ON qms.organizations, qms.memberships, qms.people TO qms_app, qms_sql;
GRANT SELECT, INSERT ON qms.organizations, qms.memberships, qms.people TO qms_definer;
GRANT UPDATE (valid_to) ON qms.memberships TO qms_definer;
GRANT UPDATE (printed_name, time_zone, deactivated_at) ON qms.people TO qms_definer;
GRANT SELECT ON qms_private.identity_key TO qms_definer;
GRANT SELECT, INSERT, UPDATE ON qms_private.credentials TO qms_definer;
GRANT EXECUTE ON FUNCTION
    qms_private.mint_identity(uuid, uuid, text, integer), qms_private.memberships_of(uuid)
    TO qms_server;
GRANT EXECUTE ON FUNCTION
    qms.current_organization_id(), qms.current_user_id(), qms.current_actor_kind(), qms.has_role(text), qms.may_write()
    TO qms_app, qms_sql, qms_definer, qms_ledger;

ALTER TABLE qms.organizations ENABLE ROW LEVEL SECURITY;
ALTER TABLE qms.organizations FORCE ROW LEVEL SECURITY;
CREATE POLICY own_organization ON qms.organizations FOR SELECT TO qms_app, qms_sql
USING (id = (SELECT qms.current_organization_id()));
CREATE POLICY administration ON qms.organizations FOR ALL TO qms_definer USING (true) WITH CHECK (true);

ALTER TABLE qms.memberships ENABLE ROW LEVEL SECURITY;
ALTER TABLE qms.memberships FORCE ROW LEVEL SECURITY;
CREATE POLICY own_organization ON qms.memberships FOR SELECT TO qms_app, qms_sql
USING (organization_id = (SELECT qms.current_organization_id()));
CREATE POLICY administration ON qms.memberships FOR ALL TO qms_definer USING (true) WITH CHECK (true);

ALTER TABLE qms.people ENABLE ROW LEVEL SECURITY;
ALTER TABLE qms.people FORCE ROW LEVEL SECURITY;
CREATE POLICY colleagues ON qms.people FOR SELECT TO qms_app, qms_sql
USING (EXISTS (SELECT FROM qms.memberships AS m WHERE m.user_id = people.user_id));
CREATE POLICY administration ON qms.people FOR ALL TO qms_definer USING (true) WITH CHECK (true);

-- Functions belong to the role that may read just what they need, and nobody else may call what mints or signs.
GRANT CREATE ON SCHEMA qms, qms_private TO qms_definer;
ALTER FUNCTION qms_private.sign_identity(text) OWNER TO qms_definer;
ALTER FUNCTION qms_private.mint_identity(uuid, uuid, text, integer) OWNER TO qms_definer;
ALTER FUNCTION qms_private.memberships_of(uuid) OWNER TO qms_definer;
ALTER FUNCTION qms_private.identity() OWNER TO qms_definer;
ALTER FUNCTION qms.current_organization_id() OWNER TO qms_definer;
ALTER FUNCTION qms.current_user_id() OWNER TO qms_definer;
ALTER FUNCTION qms.current_actor_kind() OWNER TO qms_definer;
ALTER FUNCTION qms.has_role(text) OWNER TO qms_definer;
ALTER FUNCTION qms.may_write() OWNER TO qms_definer;
REVOKE CREATE ON SCHEMA qms, qms_private FROM qms_definer;
SET LOCAL ROLE qms_definer;
GRANT EXECUTE ON FUNCTION
    qms_private.mint_identity(uuid, uuid, text, integer), qms_private.memberships_of(uuid)
    TO SESSION_USER;
RESET ROLE;
