-- name: plan_tables
-- Size and indexes of the tables in a plan, for deciding whether an index is worth proposing.
SELECT
    n.nspname || '.' || c.relname AS name,
    format('%%I.%%I', n.nspname, c.relname) AS spelled,
    CASE
        WHEN c.reltuples < 0 THEN pg_relation_size(c.oid) / 200.0
        ELSE c.reltuples
    END::double precision AS row_estimate,
    pg_relation_size(c.oid) / 8192 AS pages,
    coalesce(
        (
            SELECT json_agg(
                (
                    SELECT coalesce(json_agg(a.attname ORDER BY k.place), '[]'::json)
                    FROM unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (attnum, place)
                    INNER JOIN pg_catalog.pg_attribute AS a ON i.indrelid = a.attrelid AND k.attnum = a.attnum
                )
            )
            FROM pg_catalog.pg_index AS i
            WHERE i.indrelid = c.oid AND i.indisvalid
        ),
        '[]'::json
    ) AS indexes
FROM pg_catalog.pg_class AS c
INNER JOIN pg_catalog.pg_namespace AS n ON c.relnamespace = n.oid
WHERE n.nspname || '.' || c.relname = ANY(%(tables)s);

-- name: readable_tables
-- Every table and view the SQL tools may read, with columns, comments and foreign keys: what questions are about.
SELECT
    n.nspname || '.' || c.relname AS name,
    format('%%I.%%I', n.nspname, c.relname) AS spelled,
    coalesce(obj_description(c.oid, 'pg_class'), '') AS comment,
    (
        SELECT coalesce(json_agg(
            json_build_object(
                'name', a.attname,
                'spelled', quote_ident(a.attname),
                'type', format_type(a.atttypid, a.atttypmod),
                'comment', coalesce(col_description(c.oid, a.attnum), ''),
                'listed', t.typcategory IN ('S', 'E'),
                'unique', EXISTS (
                    SELECT FROM pg_catalog.pg_index AS i
                    WHERE i.indrelid = c.oid AND i.indisprimary AND i.indkey::text = a.attnum::text
                )
            ) ORDER BY a.attnum
        ), '[]'::json)
        FROM pg_catalog.pg_attribute AS a
        INNER JOIN pg_catalog.pg_type AS t ON a.atttypid = t.oid
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    ) AS columns,
    (
        SELECT coalesce(json_agg(
            json_build_object(
                'table', fn.nspname || '.' || f.relname,
                'here', (
                    SELECT json_agg(a.attname ORDER BY k.place)
                    FROM unnest(r.conkey) WITH ORDINALITY AS k (attnum, place)
                    INNER JOIN pg_catalog.pg_attribute AS a ON r.conrelid = a.attrelid AND k.attnum = a.attnum
                ),
                'there', (
                    SELECT json_agg(a.attname ORDER BY k.place)
                    FROM unnest(r.confkey) WITH ORDINALITY AS k (attnum, place)
                    INNER JOIN pg_catalog.pg_attribute AS a ON r.confrelid = a.attrelid AND k.attnum = a.attnum
                )
            ) ORDER BY r.conname
        ), '[]'::json)
        FROM pg_catalog.pg_constraint AS r
        INNER JOIN pg_catalog.pg_class AS f ON r.confrelid = f.oid
        INNER JOIN pg_catalog.pg_namespace AS fn ON f.relnamespace = fn.oid
        WHERE r.conrelid = c.oid AND r.contype = 'f'
    ) AS foreign_keys
FROM pg_catalog.pg_class AS c
INNER JOIN pg_catalog.pg_namespace AS n ON c.relnamespace = n.oid
WHERE
    c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
    AND n.nspname NOT LIKE 'pg\_%%' AND n.nspname NOT IN ('information_schema', 'extensions')
    AND has_schema_privilege('qms_sql', n.oid, 'USAGE') AND has_table_privilege('qms_sql', c.oid, 'SELECT')
ORDER BY n.nspname, c.relname;

-- name: earlier_statements
-- Statements of this organization that ran well, the latest first.
SELECT
    t.tool_input ->> 'statement' AS statement,
    max(t.created_at) AS last_run
FROM agents.tool_calls AS t
WHERE
    t.organization_id = (SELECT qms.current_organization_id())
    AND t.tool_name = 'execute_query' AND t.success
    AND jsonb_typeof(t.tool_input -> 'statement') = 'string'
GROUP BY t.tool_input ->> 'statement'
ORDER BY last_run DESC
LIMIT %(max_rows)s;
