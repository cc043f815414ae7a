-- What generate_tests asks the catalogue about a table and those it refers to. Only metadata.

-- name: relation
-- The table %(relation)s: its protection, and who may add rows.
SELECT
    c.oid,
    n.nspname AS schema,
    c.relname AS name,
    c.relkind::text AS kind,
    c.relrowsecurity AS secured,
    c.relforcerowsecurity AS forced,
    EXISTS (
        SELECT g.oid
        FROM pg_catalog.pg_trigger AS g
        INNER JOIN pg_catalog.pg_proc AS p ON p.oid = g.tgfoid
        INNER JOIN pg_catalog.pg_namespace AS f ON f.oid = p.pronamespace
        -- 6: before an INSERT
        WHERE g.tgrelid = c.oid AND g.tgtype::integer & 6 = 6 AND f.nspname = 'qms'
    ) AS regulated,
    ARRAY(
        SELECT r.rolname::text
        FROM pg_catalog.unnest(ARRAY['qms_app', 'qms_definer', 'qms_ledger']) WITH ORDINALITY AS known (role, place)
        INNER JOIN pg_catalog.pg_roles AS r ON r.rolname = known.role
        WHERE pg_catalog.has_any_column_privilege(r.oid, c.oid, 'INSERT')
        ORDER BY known.place
    ) AS adding_roles
FROM pg_catalog.pg_class AS c
INNER JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.oid = %(relation)s;

-- name: columns
-- The columns of the table %(relation)s.
SELECT
    a.attname AS name,
    pg_catalog.format_type(a.atttypid, a.atttypmod) AS type,
    t.typcategory::text AS category,
    NOT a.attnotnull AS nullable,
    a.attgenerated <> '' OR a.attidentity <> '' AS computed,
    CASE WHEN a.attgenerated = '' THEN pg_catalog.pg_get_expr(d.adbin, d.adrelid) END AS fallback,
    ARRAY(
        SELECT e.enumlabel::text
        FROM pg_catalog.pg_enum AS e
        WHERE e.enumtypid = a.atttypid
        ORDER BY e.enumsortorder
    ) AS labels
FROM pg_catalog.pg_attribute AS a
INNER JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = %(relation)s AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum;

-- name: constraints
-- The checks, keys and foreign keys of the table %(relation)s.
SELECT
    k.conname AS name,
    k.contype::text AS kind,
    ARRAY(
        SELECT a.attname::text
        FROM pg_catalog.unnest(k.conkey) WITH ORDINALITY AS part (number, place)
        INNER JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = part.number
        ORDER BY part.place
    ) AS columns,
    CASE WHEN k.contype = 'c' THEN pg_catalog.pg_get_expr(k.conbin, k.conrelid) ELSE '' END AS condition,
    k.confrelid AS target,
    ARRAY(
        SELECT a.attname::text
        FROM pg_catalog.unnest(k.confkey) WITH ORDINALITY AS part (number, place)
        INNER JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = part.number
        ORDER BY part.place
    ) AS target_columns,
    k.condeferred AS deferred
FROM pg_catalog.pg_constraint AS k
WHERE k.conrelid = %(relation)s AND k.contype IN ('c', 'p', 'u', 'f')
ORDER BY k.contype, k.conname;

-- name: unique_indexes
-- The unique indexes of the table %(relation)s that no constraint names.
SELECT
    c.relname AS name,
    ARRAY(
        SELECT a.attname::text
        FROM pg_catalog.unnest(i.indkey::smallint[]) WITH ORDINALITY AS part (number, place)
        INNER JOIN pg_catalog.pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = part.number
        ORDER BY part.place
    ) AS columns,
    coalesce(pg_catalog.pg_get_expr(i.indpred, i.indrelid), '') AS condition,
    i.indexprs IS NOT NULL AS computed
FROM pg_catalog.pg_index AS i
INNER JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
WHERE
    i.indrelid = %(relation)s AND i.indisunique AND i.indisvalid
    AND NOT EXISTS (
        SELECT k.oid
        FROM pg_catalog.pg_constraint AS k
        WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u')
    )
ORDER BY c.relname;

-- name: policies
-- The policies on the table %(relation)s.
SELECT
    p.polname AS name,
    p.polcmd::text AS command,
    ARRAY(
        SELECT CASE WHEN grantee.id = 0 THEN 'public' ELSE pg_catalog.pg_get_userbyid(grantee.id) END::text
        FROM pg_catalog.unnest(p.polroles) AS grantee (id)
    ) AS roles,
    coalesce(pg_catalog.pg_get_expr(p.polqual, p.polrelid), '') AS using_expr,
    coalesce(pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid), '') AS check_expr
FROM pg_catalog.pg_policy AS p
WHERE p.polrelid = %(relation)s
ORDER BY p.polname;

-- name: refusals
-- The triggers on the table %(relation)s that refuse a change whatever it is.
SELECT
    g.tgname AS name,
    (g.tgtype::integer & 8) <> 0 AS on_delete,
    (g.tgtype::integer & 16) <> 0 AS on_update,
    (g.tgtype::integer & 32) <> 0 AS on_truncate,
    coalesce(pg_catalog.substring(p.prosrc, 'ERRCODE\s*=\s*''([0-9A-Z]{5})'''), 'error') AS state
FROM pg_catalog.pg_trigger AS g
INNER JOIN pg_catalog.pg_proc AS p ON p.oid = g.tgfoid
WHERE
    g.tgrelid = %(relation)s AND NOT g.tgisinternal AND g.tgenabled <> 'D' AND g.tgqual IS NULL
    AND p.prosrc ~* 'RAISE\s+EXCEPTION' AND p.prosrc !~* 'RETURN\s|RETURN;|\mIF\M'
ORDER BY g.tgname;

-- name: privileges
-- What each role that matters may do with the table %(relation)s.
SELECT
    r.rolname AS role,
    ARRAY(
        SELECT wanted.privilege
        FROM pg_catalog.unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) WITH ORDINALITY
            AS wanted (privilege, place)
        WHERE pg_catalog.has_table_privilege(r.oid, %(relation)s::oid, wanted.privilege)
        ORDER BY wanted.place
    ) AS privileges
FROM pg_catalog.pg_roles AS r
WHERE r.rolname IN ('qms_app', 'qms_sql', 'qms_probe', 'qms_definer', 'qms_ledger', 'anon', 'authenticated')
ORDER BY r.rolname;
