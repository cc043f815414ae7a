-- Who may enter the database, and what is found in it without a prefix. Sent in one go; may be repeated.
-- `CREATE DATABASE ... TEMPLATE` copies none of it, so a copy needs it again.
DO $$
DECLARE
    v_name text := current_database();
BEGIN
    EXECUTE format('ALTER DATABASE %I OWNER TO qms_owner', v_name);
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', v_name);
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO qms_server, qms_sql, qms_owner', v_name);
    EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO qms_probe, qms_owner', v_name);
    EXECUTE format('ALTER DATABASE %I SET search_path = "$user", public, extensions', v_name);
END;
$$;
