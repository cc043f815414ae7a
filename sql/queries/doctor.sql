-- name: server
-- What the server is and has.
SELECT
    current_setting('server_version') AS version,
    (SELECT e.extversion FROM pg_catalog.pg_extension AS e WHERE e.extname = 'vector') AS vector,
    pg_size_pretty(pg_database_size(current_database())) AS size;

-- name: login
-- What the login of this connection could do beyond its task.
SELECT
    r.rolname::text AS name,
    r.rolsuper AS superuser,
    r.rolbypassrls AS bypasses_rls,
    EXISTS (
        SELECT FROM pg_catalog.pg_class AS c
        INNER JOIN pg_catalog.pg_namespace AS n ON c.relnamespace = n.oid
        WHERE
            n.nspname IN ('qms', 'qms_private', 'agents', 'ml_loop', 'search')
            AND pg_has_role(r.oid, c.relowner, 'USAGE')
    ) AS owns_records
FROM pg_catalog.pg_roles AS r
WHERE r.rolname = session_user;

-- name: unforced
-- The tables of an organization's rows whose row-level security is off or does not hold for their owner.
SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name
FROM pg_catalog.pg_class AS c
INNER JOIN pg_catalog.pg_namespace AS n ON c.relnamespace = n.oid
INNER JOIN pg_catalog.pg_attribute AS a ON c.oid = a.attrelid AND a.attname = 'organization_id' AND NOT a.attisdropped
WHERE
    c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
    AND n.nspname !~ '^pg_'
    AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
ORDER BY 1;

-- name: outbox
-- How much waits for Langfuse, how much was given up, and why the last that failed did.
SELECT
    count(*) FILTER (WHERE o.given_up_at IS NULL) AS waiting,
    count(*) FILTER (WHERE o.given_up_at IS NOT NULL) AS given_up,
    max(o.last_error) AS last_error
FROM agents.otlp_outbox AS o;

-- name: as_ledger
-- Only the ledger's own role sees what waits.
SET LOCAL ROLE qms_ledger;

-- name: agents
-- How many tasks of agents wait in all organizations, and which processes run agents.
SELECT
    (
        SELECT count(*)
        FROM agents.dispatch_tasks AS t
        INNER JOIN agents.dispatches AS d ON t.dispatch_id = d.id
        WHERE d.finished_at IS NULL AND t.state IN ('waiting', 'queued')
    ) AS depth,
    count(*) FILTER (WHERE e.kind = 'server') AS servers,
    count(*) FILTER (WHERE e.kind = 'worker') AS workers
FROM agents.executors AS e
WHERE e.beat_at > clock_timestamp() - interval '10 seconds';
