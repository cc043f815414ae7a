-- What the caller may use of the catalogue. All of it runs as the application, which owns nothing: what its role has
-- no privilege on does not exist here.

-- name: schemas
-- The schemas the caller may use. The system's own are only there for who asks for them by name.
SELECT n.nspname AS name
FROM pg_catalog.pg_namespace AS n
WHERE
    pg_catalog.has_schema_privilege(n.oid, 'USAGE')
    AND n.nspname <> ALL(%(hidden)s::text[])
    AND (n.nspname = %(asked)s OR (n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'))
    AND n.nspname !~ '^pg_(toast|temp)'
ORDER BY n.nspname;

-- name: objects
-- The objects of the kinds %(kinds)s in %(schemas)s, in the order of their keys, from after %(after)s on.
WITH members AS (
    SELECT
        d.classid,
        d.objid
    FROM pg_catalog.pg_depend AS d
    WHERE d.deptype = 'e' AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
),

relations AS (
    SELECT
        c.oid,
        n.nspname AS schema,
        c.relname AS name,
        CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized_view' ELSE 'table' END AS kind,
        c.relnatts,
        c.relrowsecurity,
        c.relforcerowsecurity
    FROM pg_catalog.pg_class AS c
    INNER JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE
        c.relkind IN ('r', 'p', 'v', 'm', 'f')
        AND NOT c.relispartition
        AND n.nspname = ANY(%(schemas)s::text[])
        AND (pg_catalog.has_table_privilege(c.oid, 'SELECT') OR pg_catalog.has_any_column_privilege(c.oid, 'SELECT'))
        AND (
            %(one_schema)s::boolean
            OR c.oid NOT IN (
                SELECT m.objid FROM members AS m WHERE m.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
            )
        )
),

objects AS (
    SELECT
        r.kind,
        r.schema,
        r.name,
        '' AS rest,
        r.oid AS relation,
        r.relrowsecurity AS protected,
        pg_catalog.obj_description(r.oid, 'pg_class') AS comment,
        pg_catalog.concat_ws(
            ', ',
            (
                SELECT pg_catalog.count(*)
                FROM pg_catalog.pg_attribute AS a
                WHERE a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
            ) || ' columns',
            CASE
                WHEN r.kind <> 'table' THEN null
                WHEN r.relforcerowsecurity AND r.relrowsecurity THEN 'row-level security forced'
                WHEN r.relrowsecurity THEN 'row-level security on'
                ELSE 'row-level security off'
            END
        ) AS summary
    FROM relations AS r

    UNION ALL

    SELECT
        'policy' AS kind,
        r.schema,
        r.name,
        p.polname AS rest,
        null AS relation,
        false AS protected,
        pg_catalog.obj_description(p.oid, 'pg_policy') AS comment,
        pg_catalog.concat_ws(
            ' ',
            CASE WHEN p.polpermissive THEN 'permissive' ELSE 'restrictive' END,
            CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE'
                ELSE 'ALL' END,
            'TO ' || pg_catalog.array_to_string(ARRAY(
                SELECT CASE WHEN grantee.id = 0 THEN 'public' ELSE pg_catalog.pg_get_userbyid(grantee.id) END
                FROM pg_catalog.unnest(p.polroles) AS grantee (id)
                ORDER BY pg_catalog.pg_get_userbyid(grantee.id)
            ), ', '),
            'USING ' || pg_catalog.pg_get_expr(p.polqual, p.polrelid),
            'WITH CHECK ' || pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid)
        ) AS summary
    FROM pg_catalog.pg_policy AS p
    INNER JOIN relations AS r ON r.oid = p.polrelid

    UNION ALL

    SELECT
        'function' AS kind,
        n.nspname AS schema,
        f.proname AS name,
        pg_catalog.pg_get_function_identity_arguments(f.oid) AS rest,
        null AS relation,
        false AS protected,
        pg_catalog.obj_description(f.oid, 'pg_proc') AS comment,
        pg_catalog.concat_ws(
            ', ',
            CASE f.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' WHEN 'w' THEN 'window function' END,
            'returns ' || pg_catalog.pg_get_function_result(f.oid),
            l.lanname,
            CASE f.provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' ELSE 'volatile' END,
            CASE WHEN f.prosecdef THEN 'security definer' END
        ) AS summary
    FROM pg_catalog.pg_proc AS f
    INNER JOIN pg_catalog.pg_namespace AS n ON n.oid = f.pronamespace
    INNER JOIN pg_catalog.pg_language AS l ON l.oid = f.prolang
    WHERE
        n.nspname = ANY(%(schemas)s::text[])
        AND 'function' = ANY(%(kinds)s::text[])
        AND (
            %(one_schema)s::boolean
            OR f.oid NOT IN (
                SELECT m.objid FROM members AS m WHERE m.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
            )
        )
        AND pg_catalog.has_function_privilege(f.oid, 'EXECUTE')

    UNION ALL

    SELECT
        'extension' AS kind,
        n.nspname AS schema,
        e.extname AS name,
        e.extversion AS rest,
        null AS relation,
        false AS protected,
        pg_catalog.obj_description(e.oid, 'pg_extension') AS comment,
        'in schema ' || n.nspname AS summary
    FROM pg_catalog.pg_extension AS e
    INNER JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace
    WHERE NOT %(one_schema)s::boolean OR n.nspname = ANY(%(schemas)s::text[])

    UNION ALL

    SELECT
        'schema' AS kind,
        n.nspname AS schema,
        n.nspname AS name,
        '' AS rest,
        null AS relation,
        false AS protected,
        pg_catalog.obj_description(n.oid, 'pg_namespace') AS comment,
        (SELECT pg_catalog.count(*) FROM relations AS r WHERE r.schema = n.nspname) || ' tables and views' AS summary
    FROM pg_catalog.pg_namespace AS n
    WHERE n.nspname = ANY(%(schemas)s::text[])
),

wanted AS (
    SELECT
        o.*,
        pg_catalog.concat_ws(pg_catalog.chr(1), o.schema, o.kind, o.name, o.rest) AS place
    FROM objects AS o
    WHERE
        o.kind = ANY(%(kinds)s::text[])
        AND (
            %(search)s::text = ''
            OR pg_catalog.strpos(
                pg_catalog.lower(pg_catalog.concat_ws(' ', o.name, o.rest, o.comment)), pg_catalog.lower(%(search)s)
            ) > 0
        )
)

SELECT
    w.kind,
    w.schema,
    w.name,
    w.rest,
    w.relation,
    w.protected,
    w.comment,
    w.summary,
    w.place,
    (SELECT pg_catalog.count(*) FROM wanted) AS total
FROM wanted AS w
WHERE w.place > %(after)s::text
ORDER BY w.place
LIMIT %(max_rows)s;

-- name: relations
-- Every relation in %(schemas)s that the caller may read. Partitions are among them, but not where each belongs to an
-- organization: their names would tell who else is here.
SELECT
    c.oid,
    n.nspname AS schema,
    c.relname AS name,
    CASE c.relkind
        WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'p' THEN 'partitioned table'
        WHEN 'f' THEN 'foreign table' ELSE 'table'
    END AS kind
FROM pg_catalog.pg_class AS c
INNER JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE
    c.relkind IN ('r', 'p', 'v', 'm', 'f')
    AND n.nspname = ANY(%(schemas)s::text[])
    AND (pg_catalog.has_table_privilege(c.oid, 'SELECT') OR pg_catalog.has_any_column_privilege(c.oid, 'SELECT'))
    AND NOT (
        c.relispartition
        AND EXISTS (
            SELECT i.inhrelid
            FROM pg_catalog.pg_inherits AS i
            WHERE i.inhrelid = c.oid AND pg_catalog.pg_get_partkeydef(i.inhparent) ~ 'organization_id'
        )
    )
ORDER BY n.nspname, c.relname;

-- name: relation
-- What the relation %(relation)s is.
SELECT
    pg_catalog.obj_description(c.oid, 'pg_class') AS comment,
    CASE
        WHEN NOT c.relrowsecurity THEN 'off' WHEN c.relforcerowsecurity THEN 'forced' ELSE 'on'
    END AS row_level_security,
    pg_catalog.pg_get_partkeydef(c.oid) AS partition_key,
    pg_catalog.pg_get_expr(c.relpartbound, c.oid) AS partition_bound,
    CASE WHEN c.relkind IN ('v', 'm') THEN pg_catalog.pg_get_viewdef(c.oid, true) END AS definition,
    (
        SELECT pn.nspname || '.' || pc.relname
        FROM pg_catalog.pg_inherits AS i
        INNER JOIN pg_catalog.pg_class AS pc ON pc.oid = i.inhparent
        INNER JOIN pg_catalog.pg_namespace AS pn ON pn.oid = pc.relnamespace
        WHERE i.inhrelid = c.oid AND c.relispartition
    ) AS partition_of
FROM pg_catalog.pg_class AS c
WHERE c.oid = %(relation)s;

-- name: columns
-- The columns of %(relation)s that the caller may read, in their order.
SELECT
    a.attname AS name,
    pg_catalog.format_type(a.atttypid, a.atttypmod) AS type,
    NOT a.attnotnull AS nullable,
    CASE WHEN a.attgenerated = '' THEN pg_catalog.pg_get_expr(d.adbin, d.adrelid) END AS fallback,
    CASE
        WHEN a.attidentity = 'a' THEN 'ALWAYS AS IDENTITY'
        WHEN a.attidentity = 'd' THEN 'BY DEFAULT AS IDENTITY'
        WHEN a.attgenerated <> '' THEN 'AS (' || pg_catalog.pg_get_expr(d.adbin, d.adrelid) || ')'
    END AS generated,
    pg_catalog.col_description(a.attrelid, a.attnum) AS comment,
    t.typcategory::text AS category
FROM pg_catalog.pg_attribute AS a
INNER JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE
    a.attrelid = %(relation)s AND a.attnum > 0 AND NOT a.attisdropped
    AND pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT')
ORDER BY a.attnum;

-- name: constraints
-- The constraints of %(relation)s; those on a single not-null column are told by the column.
SELECT
    k.conname AS name,
    k.contype::text AS kind,
    pg_catalog.pg_get_constraintdef(k.oid, true) AS definition,
    ARRAY(
        SELECT a.attname::text
        FROM pg_catalog.unnest(k.conkey) WITH ORDINALITY AS part (number, place)
        INNER JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = part.number
        ORDER BY part.place
    ) AS columns
FROM pg_catalog.pg_constraint AS k
WHERE k.conrelid = %(relation)s AND k.contype <> 'n' AND k.contype <> 't'
ORDER BY k.contype <> 'p', k.contype, k.conname;

-- name: referenced_by
-- The foreign keys of other tables that point at %(relation)s, as far as the caller may read those tables.
SELECT
    pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) || ': '
    || pg_catalog.pg_get_constraintdef(k.oid, true) AS definition
FROM pg_catalog.pg_constraint AS k
INNER JOIN pg_catalog.pg_class AS c ON c.oid = k.conrelid
INNER JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE
    k.confrelid = %(relation)s AND k.contype = 'f' AND NOT c.relispartition
    AND n.nspname = ANY(%(schemas)s::text[])
    AND (pg_catalog.has_table_privilege(c.oid, 'SELECT') OR pg_catalog.has_any_column_privilege(c.oid, 'SELECT'))
ORDER BY definition;

-- name: indexes
-- The indexes of %(relation)s.
SELECT
    pg_catalog.pg_get_indexdef(i.indexrelid)
    || CASE WHEN i.indisvalid THEN '' ELSE ' (invalid: a build of it failed)' END AS definition
FROM pg_catalog.pg_index AS i
INNER JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
WHERE i.indrelid = %(relation)s
ORDER BY NOT i.indisprimary, c.relname;

-- name: triggers
-- The triggers of %(relation)s.
SELECT
    pg_catalog.pg_get_triggerdef(g.oid, true)
    || CASE WHEN g.tgenabled = 'D' THEN ' (disabled)' ELSE '' END AS definition
FROM pg_catalog.pg_trigger AS g
WHERE g.tgrelid = %(relation)s AND NOT g.tgisinternal
ORDER BY g.tgname;

-- name: policies
-- The policies on %(relation)s.
SELECT
    pg_catalog.concat_ws(
        ' ',
        p.polname || ':',
        CASE WHEN NOT p.polpermissive THEN 'RESTRICTIVE' END,
        CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE'
            ELSE 'ALL' END,
        'TO ' || pg_catalog.array_to_string(ARRAY(
            SELECT CASE WHEN grantee.id = 0 THEN 'public' ELSE pg_catalog.pg_get_userbyid(grantee.id) END
            FROM pg_catalog.unnest(p.polroles) AS grantee (id)
            ORDER BY pg_catalog.pg_get_userbyid(grantee.id)
        ), ', '),
        'USING ' || pg_catalog.pg_get_expr(p.polqual, p.polrelid),
        'WITH CHECK ' || pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid)
    ) AS definition
FROM pg_catalog.pg_policy AS p
WHERE p.polrelid = %(relation)s
ORDER BY p.polname;

-- name: partitions
-- The partitions of %(relation)s, but not where each belongs to an organization.
SELECT
    pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) || ' '
    || pg_catalog.pg_get_expr(c.relpartbound, c.oid) AS definition
FROM pg_catalog.pg_inherits AS i
INNER JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid
INNER JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE
    i.inhparent = %(relation)s AND c.relispartition
    AND pg_catalog.pg_get_partkeydef(i.inhparent) !~ 'organization_id'
ORDER BY c.relname;
