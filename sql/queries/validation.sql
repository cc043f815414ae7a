-- What validate_data asks the catalogue about a table. Only metadata: rows are read by the SQL role.

-- name: columns
-- The columns of the relation %(relation)s that the SQL tools may read, in their order.
SELECT
    a.attname AS name,
    pg_catalog.format_type(a.atttypid, a.atttypmod) AS type,
    t.typcategory::text AS category,
    NOT a.attnotnull AS nullable,
    coalesce(pg_catalog.col_description(a.attrelid, a.attnum), '') AS comment
FROM pg_catalog.pg_attribute AS a
INNER JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
WHERE
    a.attrelid = %(relation)s AND a.attnum > 0 AND NOT a.attisdropped
    AND pg_catalog.has_column_privilege('qms_sql', a.attrelid, a.attnum, 'SELECT')
ORDER BY a.attnum;

-- name: constraints
-- The constraints of the relation %(relation)s: its checks, keys and foreign keys, with what these point at.
SELECT
    k.conname AS name,
    k.contype::text AS kind,
    k.convalidated AS validated,
    ARRAY(
        SELECT a.attname::text
        FROM pg_catalog.unnest(k.conkey) WITH ORDINALITY AS part (number, place)
        INNER JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = part.number
        ORDER BY part.place
    ) AS columns,
    CASE WHEN k.contype = 'c' THEN pg_catalog.pg_get_expr(k.conbin, k.conrelid) ELSE '' END AS condition,
    CASE
        WHEN k.contype = 'f' THEN pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname)
        ELSE ''
    END AS target,
    ARRAY(
        SELECT a.attname::text
        FROM pg_catalog.unnest(k.confkey) WITH ORDINALITY AS part (number, place)
        INNER JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = part.number
        ORDER BY part.place
    ) AS target_columns,
    k.contype = 'f' AND pg_catalog.has_schema_privilege('qms_sql', c.relnamespace, 'USAGE')
    AND pg_catalog.has_table_privilege('qms_sql', k.confrelid, 'SELECT') AS target_readable
FROM pg_catalog.pg_constraint AS k
LEFT JOIN pg_catalog.pg_class AS c ON c.oid = k.confrelid
LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE k.conrelid = %(relation)s AND k.contype IN ('c', 'p', 'u', 'f')
ORDER BY k.contype, k.conname;

-- name: keys
-- Columns that tell the rows of the relation %(relation)s apart, the primary key first.
SELECT
    ARRAY(
        SELECT a.attname::text
        FROM pg_catalog.unnest(i.indkey::smallint[]) WITH ORDINALITY AS part (number, place)
        INNER JOIN pg_catalog.pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = part.number
        ORDER BY part.place
    ) AS columns
FROM pg_catalog.pg_index AS i
WHERE
    i.indrelid = %(relation)s AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
    AND NOT EXISTS (
        SELECT a.attnum
        FROM pg_catalog.pg_attribute AS a
        WHERE a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey::smallint[]) AND NOT a.attnotnull
    )
ORDER BY NOT i.indisprimary, pg_catalog.array_length(i.indkey::smallint[], 1), i.indexrelid
LIMIT 1;
