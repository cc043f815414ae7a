-- What lies in the database and only a superuser can make or take away: extensions, rights on built-in functions.
-- Sent in one go, so it is one transaction; may be repeated. A copy of the database has all of it.
SET client_min_messages = warning;

DO $$
DECLARE
    v_extension text;
    v_rule record;
    v_functions text;
BEGIN
    ALTER SCHEMA public OWNER TO qms_owner;
    REVOKE CREATE ON SCHEMA public FROM PUBLIC;

    CREATE SCHEMA IF NOT EXISTS extensions;
    GRANT USAGE ON SCHEMA extensions TO PUBLIC;
    FOR v_extension IN
        SELECT a.name
        FROM pg_available_extensions AS a
        WHERE a.name IN ('vector', 'pg_trgm', 'unaccent', 'btree_gin', 'btree_gist', 'pg_stat_statements')
        ORDER BY a.name
    LOOP
        EXECUTE format('CREATE EXTENSION IF NOT EXISTS %I SCHEMA extensions', v_extension);
        EXECUTE format('ALTER EXTENSION %I UPDATE', v_extension);
    END LOOP;

    -- Functions that let SQL text do harm, wait, or look at other sessions, although a query never needs them.
    -- They are taken from PUBLIC, so from the role of the SQL tools, and given back to whom they serve.
    FOR v_rule IN
        SELECT r.pattern, r.roles
        FROM (VALUES
            -- settings: the identity of a session can only be set by a statement of its own
            (
                '^set_config$',
                'qms_server, qms_owner, qms_app, qms_ledger, qms_probe, qms_definer, anon, authenticated, service_role'
            ),
            -- locks that block other sessions
            ('^pg_(try_)?advisory_', 'qms_owner, qms_server, qms_definer'),
            -- messages to other sessions
            ('^pg_notify$', 'qms_app, qms_owner, qms_definer'),
            ('^pg_(cancel|terminate)_backend$', 'qms_owner'),
            ('^pg_logical_emit_message$', NULL),
            ('^pg_export_snapshot$', NULL),
            -- large objects lie outside of every policy
            ('^(lo_|loread$|lowrite$)', NULL),
            -- waiting
            ('^pg_sleep', 'qms_owner'),
            -- functions that run a text as SQL
            ('^(query|table|cursor|schema|database)_to_xml', NULL),
            ('^ts_(stat|rewrite)$', 'qms_definer, qms_app'),
            -- transaction numbers are used up
            ('^(txid_current|pg_current_xact_id)$', 'qms_app, qms_owner, qms_definer'),
            -- what other sessions are doing: their statements may hold another organization's values
            ('^pg_stat_get_(activity|progress_info|backend_.*)$', 'qms_owner, qms_server'),
            ('^pg_lock_status$', 'qms_owner, qms_server')
        ) AS r (pattern, roles)
    LOOP
        SELECT string_agg(p.oid::regprocedure::text, ', ')
        INTO STRICT v_functions
        FROM pg_proc AS p
        WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.proname ~ v_rule.pattern
            -- the other ts_rewrite takes no text
            AND (p.proname <> 'ts_rewrite' OR p.pronargs = 2);
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', v_functions);
        IF v_rule.roles IS NOT NULL THEN
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s', v_functions, v_rule.roles);
        END IF;
    END LOOP;

    IF to_regclass('extensions.pg_stat_statements') IS NOT NULL THEN
        REVOKE ALL ON extensions.pg_stat_statements, extensions.pg_stat_statements_info FROM PUBLIC;
        REVOKE EXECUTE ON FUNCTION extensions.pg_stat_statements FROM PUBLIC;
        GRANT SELECT ON extensions.pg_stat_statements TO qms_owner, qms_server;
        GRANT EXECUTE ON FUNCTION extensions.pg_stat_statements TO qms_owner, qms_server;
    END IF;

    -- DO blocks and functions: the owner writes them, the guard analyses a statement as the body of one
    REVOKE USAGE ON LANGUAGE sql, plpgsql FROM PUBLIC;
    GRANT USAGE ON LANGUAGE sql, plpgsql TO qms_owner;
    GRANT USAGE ON LANGUAGE sql TO qms_probe;
END;
$$;
