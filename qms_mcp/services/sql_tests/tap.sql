-- What generated scripts use of pgTAP, for a database without the extension. It vanishes with the transaction.

CREATE SCHEMA qms_tap;
GRANT USAGE ON SCHEMA qms_tap TO PUBLIC;

CREATE FUNCTION qms_tap.plan(tests integer) RETURNS text LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM set_config('qms_tap.planned', tests::text, true);
    RETURN '1..' || tests;
END
$$;

CREATE FUNCTION qms_tap.no_plan() RETURNS SETOF text LANGUAGE sql
AS $$SELECT NULL::text WHERE false$$;

CREATE FUNCTION qms_tap.ok(condition boolean, description text DEFAULT '') RETURNS text LANGUAGE plpgsql
SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    place integer := coalesce(nullif(current_setting('qms_tap.run', true), '')::integer, 0) + 1;
BEGIN
    PERFORM set_config('qms_tap.run', place::text, true);
    RETURN CASE WHEN condition IS TRUE THEN 'ok ' ELSE 'not ok ' END || place
        || CASE WHEN description <> '' THEN ' - ' || description ELSE '' END;
END
$$;

CREATE FUNCTION qms_tap.pass(description text DEFAULT '') RETURNS text LANGUAGE sql
AS $$SELECT qms_tap.ok(true, description)$$;

CREATE FUNCTION qms_tap.skip(why text, how_many integer DEFAULT 1) RETURNS SETOF text LANGUAGE sql
AS $$SELECT qms_tap.ok(true) || ' # SKIP ' || why FROM generate_series(1, how_many)$$;

CREATE FUNCTION qms_tap.is(have anyelement, want anyelement, description text DEFAULT '')
RETURNS text LANGUAGE sql
AS $$
    SELECT qms_tap.ok(have IS NOT DISTINCT FROM want, description)
        || CASE
            WHEN have IS DISTINCT FROM want
                THEN E'\n# have: ' || coalesce(have::text, 'NULL') || E'\n# want: ' || coalesce(want::text, 'NULL')
            ELSE ''
        END
$$;

CREATE FUNCTION qms_tap.lives_ok(statement text, description text DEFAULT '') RETURNS text LANGUAGE plpgsql
AS $$
BEGIN
    EXECUTE statement;
    RETURN qms_tap.ok(true, description);
EXCEPTION WHEN OTHERS THEN
    RETURN qms_tap.ok(false, description) || E'\n# died: ' || sqlstate || ': ' || sqlerrm;
END
$$;

CREATE FUNCTION qms_tap.throws_ok(statement text, state text, message text DEFAULT NULL, description text DEFAULT '')
RETURNS text LANGUAGE plpgsql
AS $$
BEGIN
    EXECUTE statement;
    RETURN qms_tap.ok(false, description) || E'\n# caught no exception, wanted ' || coalesce(state, 'any');
EXCEPTION WHEN OTHERS THEN
    IF (state IS NULL OR sqlstate = state) AND (message IS NULL OR sqlerrm = message) THEN
        RETURN qms_tap.ok(true, description);
    END IF;
    RETURN qms_tap.ok(false, description) || E'\n# caught: ' || sqlstate || ': ' || sqlerrm
        || E'\n# wanted: ' || coalesce(state, 'any');
END
$$;

CREATE FUNCTION qms_tap.finish() RETURNS SETOF text LANGUAGE plpgsql
AS $$
DECLARE
    planned text := current_setting('qms_tap.planned', true);
    run text := coalesce(nullif(current_setting('qms_tap.run', true), ''), '0');
BEGIN
    IF coalesce(planned, '') <> '' AND planned <> run THEN
        RETURN NEXT '# Looks like you planned ' || planned || ' tests but ran ' || run;
    END IF;
END
$$;

GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA qms_tap TO PUBLIC;
SELECT set_config('search_path', current_setting('search_path') || ', qms_tap', true);
