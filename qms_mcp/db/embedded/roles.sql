-- The roles of the cluster. Sent in one go, so it is one transaction; may be repeated.
SET client_min_messages = warning;

DO $$
DECLARE
    v_role text;
BEGIN
    FOREACH v_role IN ARRAY ARRAY[
        'qms_owner', 'qms_server', 'qms_sql', 'qms_app', 'qms_probe', 'qms_definer', 'qms_ledger',
        'anon', 'authenticated', 'service_role'
    ] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.rolname = v_role) THEN
            EXECUTE format('CREATE ROLE %I', v_role);
        END IF;
        EXECUTE format(
            'ALTER ROLE %I NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS NOLOGIN', v_role
        );
    END LOOP;
END;
$$;

-- the owner of the database and of every object in it: migrations
ALTER ROLE qms_owner LOGIN;
-- the pool of the server: sees no table itself, takes a role for each transaction
ALTER ROLE qms_server LOGIN NOINHERIT;
-- the read-only SQL tools: member of nothing
ALTER ROLE qms_sql LOGIN NOINHERIT;
-- as on Supabase; granted to nobody
ALTER ROLE service_role BYPASSRLS;

GRANT qms_app, qms_probe, qms_ledger TO qms_server WITH ADMIN FALSE, INHERIT FALSE, SET TRUE;
-- the owner gives functions to qms_definer, and acts as the others to test the policies
GRANT qms_definer, qms_app, qms_sql, qms_probe, qms_ledger, anon, authenticated
TO qms_owner WITH ADMIN FALSE, INHERIT FALSE, SET TRUE;

-- what a careless or hostile query can't raise again, because only a superuser may
ALTER ROLE qms_sql SET temp_file_limit = '512MB';
ALTER ROLE qms_sql SET default_transaction_read_only = on;

REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC;
