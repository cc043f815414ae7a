-- What design_schema, generate_rls and check_rls ask the catalogue. Only metadata: no query here reads a record.

-- name: existing_tables
-- The tables a design may refer to, of the schemas %(schemas)s or of all.
SELECT
    n.nspname || '.' || c.relname AS name,
    single.attname AS key,
    pg_catalog.format_type(single.atttypid, single.atttypmod) AS key_type,
    tenant.attnum IS NOT NULL AS tenant,
    EXISTS (
        SELECT FROM pg_catalog.pg_index AS i
        WHERE
            i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
            AND i.indnkeyatts = 2 AND i.indkey[0] = tenant.attnum AND i.indkey[1] = single.attnum
    ) AS pair,
    n.nspname <> 'auth' AND pg_catalog.pg_has_role(d.datdba, c.relowner, 'MEMBER') AS owned
FROM pg_catalog.pg_class AS c
INNER JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
INNER JOIN pg_catalog.pg_database AS d ON d.datname = pg_catalog.current_database()
LEFT JOIN pg_catalog.pg_constraint AS k ON k.conrelid = c.oid AND k.contype = 'p' AND pg_catalog.cardinality(k.conkey) = 1
LEFT JOIN pg_catalog.pg_attribute AS single ON single.attrelid = c.oid AND single.attnum = k.conkey[1]
LEFT JOIN pg_catalog.pg_attribute AS tenant
    ON tenant.attrelid = c.oid AND tenant.attname = 'organization_id' AND NOT tenant.attisdropped
WHERE
    c.relkind IN ('r', 'p')
    AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'qms_private', 'supabase_migrations') AND n.nspname !~ '^pg_(toast|temp)'
    AND (%(schemas)s::text[] IS NULL OR n.nspname = ANY(%(schemas)s::text[]))
ORDER BY 1;

-- name: schemas
-- All schemas there are.
SELECT n.nspname AS name
FROM pg_catalog.pg_namespace AS n
ORDER BY 1;

-- name: relation_names
-- Everything in the schema %(schema)s whose name a new table could not have.
SELECT c.relname AS name
FROM pg_catalog.pg_class AS c
INNER JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = %(schema)s
ORDER BY 1;

-- name: subject
-- What generate_rls has to know of the table %(table)s in %(schema)s.
SELECT
    c.relkind::text AS kind,
    coalesce(
        (
            SELECT pg_catalog.array_agg(a.attname::text ORDER BY a.attnum)
            FROM pg_catalog.pg_attribute AS a
            WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        ), '{}'
    ) AS columns,
    coalesce(
        (
            SELECT pg_catalog.array_agg(a.attname::text ORDER BY a.attnum)
            FROM pg_catalog.pg_attribute AS a
            WHERE
                a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                AND a.atttypid = 'pg_catalog.uuid'::pg_catalog.regtype
        ), '{}'
    ) AS uuid_columns,
    coalesce(
        (SELECT pg_catalog.array_agg(p.polname::text ORDER BY p.polname) FROM pg_catalog.pg_policy AS p WHERE p.polrelid = c.oid),
        '{}'
    ) AS policies,
    EXISTS (
        SELECT FROM pg_catalog.pg_trigger AS t
        INNER JOIN pg_catalog.pg_proc AS f ON f.oid = t.tgfoid
        WHERE t.tgrelid = c.oid AND f.proname = 'refuse_change' AND t.tgtype & 16 = 16
    ) AS append_only,
    EXISTS (
        SELECT FROM pg_catalog.pg_index AS i
        INNER JOIN pg_catalog.pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
        WHERE i.indrelid = c.oid AND a.attname = 'organization_id' AND i.indpred IS NULL
    ) AS indexed
FROM pg_catalog.pg_class AS c
INNER JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = %(schema)s AND c.relname = %(table)s AND c.relkind IN ('r', 'p', 'v', 'm', 'f');
