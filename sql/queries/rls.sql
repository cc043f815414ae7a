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
LEFT JOIN pg_catalog.pg_constraint AS k
    ON k.conrelid = c.oid AND k.contype = 'p' AND pg_catalog.cardinality(k.conkey) = 1
LEFT JOIN pg_catalog.pg_attribute AS single ON single.attrelid = c.oid AND single.attnum = k.conkey[1]
LEFT JOIN pg_catalog.pg_attribute AS tenant
    ON tenant.attrelid = c.oid AND tenant.attname = 'organization_id' AND NOT tenant.attisdropped
WHERE
    c.relkind IN ('r', 'p')
    AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'qms_private', 'supabase_migrations', 'dbos')
    AND n.nspname !~ '^pg_(toast|temp)'
    AND (%(schemas)s::text[] IS NULL OR n.nspname = ANY(%(schemas)s::text[]))
ORDER BY name;

-- name: schemas
-- All schemas there are.
SELECT n.nspname AS name
FROM pg_catalog.pg_namespace AS n
ORDER BY name;

-- name: relation_names
-- Everything in the schema %(schema)s whose name a new table could not have.
SELECT c.relname AS name
FROM pg_catalog.pg_class AS c
INNER JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = %(schema)s
ORDER BY name;

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
        (
            SELECT pg_catalog.array_agg(p.polname::text ORDER BY p.polname)
            FROM pg_catalog.pg_policy AS p
            WHERE p.polrelid = c.oid
        ), '{}'
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

-- name: bound
-- Nothing of a check may wait for long, and names in what the catalogue prints are whole.
SELECT
    pg_catalog.set_config('statement_timeout', '5s', TRUE) AS statement_timeout,
    pg_catalog.set_config('lock_timeout', '500ms', TRUE) AS lock_timeout,
    pg_catalog.set_config('search_path', '', TRUE) AS search_path;

-- name: checked_schemas
-- The schemas that hold relations or functions, without those of the platform, or only %(schema)s.
SELECT n.nspname AS name
FROM pg_catalog.pg_namespace AS n
WHERE
    n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    AND (n.nspname = %(schema)s::text OR (%(schema)s::text IS NULL AND n.nspname <> ALL(%(platform)s::text[])))
ORDER BY name;

-- name: relations
-- The tables and views of the schemas %(schemas)s, with what tells organizations and people apart in them.
SELECT
    c.oid::bigint AS oid,
    n.nspname AS schema,
    c.relname AS name,
    c.relkind::text AS kind,
    c.relrowsecurity AS secured,
    c.relforcerowsecurity AS forced,
    CASE
        WHEN 'organization_id' = ANY(a.columns) THEN 'organization_id'
        WHEN n.nspname = 'qms' AND c.relname = 'organizations' THEN 'id'
    END AS tenant,
    a.people,
    a.flags
FROM pg_catalog.pg_class AS c
INNER JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (
    SELECT
        coalesce(pg_catalog.array_agg(t.attname::text), '{}') AS columns,
        coalesce(
            pg_catalog.array_agg(t.attname::text) FILTER (
                WHERE t.atttypid = 'pg_catalog.uuid'::pg_catalog.regtype AND (
                    t.attname ~ '(_by|_to|^owner|owner_id|user_id)$'
                    OR EXISTS (
                        SELECT FROM pg_catalog.pg_constraint AS k
                        WHERE
                            k.conrelid = c.oid AND k.contype = 'f' AND k.conkey = ARRAY[t.attnum]
                            AND k.confrelid = pg_catalog.to_regclass('auth.users')
                    )
                )
            ), '{}'
        ) AS people,
        coalesce(
            pg_catalog.array_agg(t.attname::text) FILTER (
                WHERE t.atttypid = 'pg_catalog.bool'::pg_catalog.regtype
            ), '{}'
        ) AS flags
    FROM pg_catalog.pg_attribute AS t
    WHERE t.attrelid = c.oid AND t.attnum > 0 AND NOT t.attisdropped AND t.attgenerated = ''
) AS a
WHERE
    n.nspname = ANY(%(schemas)s::text[]) AND c.relkind IN ('r', 'p', 'v', 'm')
    AND (%(table)s::text IS NULL OR c.relname = %(table)s::text)
    AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_depend AS d
        WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e'
    )
ORDER BY n.nspname, c.relname;

-- name: rights
-- What the roles %(roles)s may do with the relations %(relations)s at all; no row where it is nothing.
SELECT
    r.rolname AS role,
    c.oid::bigint AS relation,
    pg_catalog.has_any_column_privilege(r.oid, c.oid, 'SELECT') AS selects,
    pg_catalog.has_table_privilege(r.oid, c.oid, 'DELETE') AS deletes,
    pg_catalog.has_table_privilege(r.oid, c.oid, 'TRUNCATE') AS truncates,
    r.rolsuper OR r.rolbypassrls
    OR (NOT c.relforcerowsecurity AND pg_catalog.pg_has_role(r.oid, c.relowner, 'USAGE')) AS unbound,
    coalesce(a.inserts, '{}') AS inserts,
    coalesce(a.updates, '{}') AS updates
FROM pg_catalog.pg_class AS c
CROSS JOIN pg_catalog.pg_roles AS r
CROSS JOIN LATERAL (
    SELECT
        pg_catalog.array_agg(t.attname::text ORDER BY t.attnum) FILTER (
            WHERE pg_catalog.has_column_privilege(r.oid, c.oid, t.attnum, 'INSERT')
        ) AS inserts,
        pg_catalog.array_agg(t.attname::text ORDER BY t.attnum) FILTER (
            WHERE pg_catalog.has_column_privilege(r.oid, c.oid, t.attnum, 'UPDATE')
        ) AS updates
    FROM pg_catalog.pg_attribute AS t
    WHERE t.attrelid = c.oid AND t.attnum > 0 AND NOT t.attisdropped AND t.attgenerated = ''
) AS a
WHERE
    c.oid = ANY(%(relations)s::pg_catalog.oid[]) AND r.rolname = ANY(%(roles)s::text[])
    AND pg_catalog.has_schema_privilege(r.oid, c.relnamespace, 'USAGE')
    AND (
        pg_catalog.has_any_column_privilege(r.oid, c.oid, 'SELECT, INSERT, UPDATE')
        OR pg_catalog.has_table_privilege(r.oid, c.oid, 'DELETE, TRUNCATE')
    );

-- name: policies
-- The policies of the relations %(relations)s, and to which of the roles %(roles)s each applies.
SELECT
    p.polrelid::bigint AS relation,
    p.polrelid::pg_catalog.regclass::text AS table_name,
    p.polname AS name,
    p.polpermissive AS permissive,
    p.polcmd::text AS command,
    pg_catalog.pg_get_expr(p.polqual, p.polrelid) AS using_expression,
    pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) AS check_expression,
    ARRAY(
        SELECT r.rolname::text
        FROM pg_catalog.pg_roles AS r
        WHERE
            r.rolname = ANY(%(roles)s::text[]) AND EXISTS (
                SELECT FROM pg_catalog.unnest(p.polroles) AS u (id)
                WHERE u.id = 0 OR (u.id <> 0 AND pg_catalog.pg_has_role(r.oid, u.id, 'USAGE'))
            )
    ) AS applies_to
FROM pg_catalog.pg_policy AS p
WHERE p.polrelid = ANY(%(relations)s::pg_catalog.oid[])
ORDER BY p.polrelid, p.polname;

-- name: become_definer
-- Identities are signed by the role that owns the key.
SET LOCAL ROLE qms_definer;

-- name: sign
-- An identity for this connection, with the claims %(claims)s.
SELECT qms_private.sign_identity(p.payload) || '.' || p.payload AS ticket
FROM (
    SELECT (
        %(claims)s::jsonb || pg_catalog.jsonb_build_object(
            'pid', pg_catalog.pg_backend_pid(),
            'exp', extract(EPOCH FROM pg_catalog.clock_timestamp())::bigint + 300
        )
    )::text AS payload
) AS p;

-- name: step_back
-- Back to the owner.
RESET ROLE;

-- name: claim
-- The identity %(ticket)s, and claims as anybody can set them.
SELECT
    pg_catalog.set_config('qms.identity', %(ticket)s, TRUE) AS identity,
    pg_catalog.set_config('request.jwt.claims', %(claims)s, TRUE) AS claims;

-- name: lint_rls_disabled
-- Tables without row-level security that hold tenants' rows or can be reached by the roles %(roles)s.
SELECT
    n.nspname || '.' || c.relname AS relation,
    c.oid::pg_catalog.regclass::text AS object,
    'error' AS severity,
    'Row-level security is off: whoever may read the table reads every organization.' AS problem,
    'ALTER TABLE ' || c.oid::pg_catalog.regclass || ' ENABLE ROW LEVEL SECURITY; ALTER TABLE '
    || c.oid::pg_catalog.regclass || ' FORCE ROW LEVEL SECURITY;' AS fix
FROM pg_catalog.pg_class AS c
INNER JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE
    n.nspname = ANY(%(schemas)s::text[]) AND c.relkind IN ('r', 'p') AND NOT c.relrowsecurity
    AND (
        EXISTS (
            SELECT FROM pg_catalog.pg_attribute AS a
            WHERE a.attrelid = c.oid AND a.attname = 'organization_id' AND NOT a.attisdropped
        )
        OR EXISTS (
            SELECT FROM pg_catalog.pg_roles AS r
            WHERE
                r.rolname = ANY(%(roles)s::text[]) AND pg_catalog.has_schema_privilege(r.oid, n.oid, 'USAGE')
                AND (
                    pg_catalog.has_any_column_privilege(r.oid, c.oid, 'SELECT, INSERT, UPDATE')
                    OR pg_catalog.has_table_privilege(r.oid, c.oid, 'DELETE, TRUNCATE')
                )
        )
    )
ORDER BY relation;

-- name: lint_rls_not_forced
-- Tables whose owner passes row-level security.
SELECT
    n.nspname || '.' || c.relname AS relation,
    c.oid::pg_catalog.regclass::text AS object,
    'error' AS severity,
    'Row-level security is not forced: the owner, its functions and its views see every organization.' AS problem,
    'ALTER TABLE ' || c.oid::pg_catalog.regclass || ' FORCE ROW LEVEL SECURITY;' AS fix
FROM pg_catalog.pg_class AS c
INNER JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE
    n.nspname = ANY(%(schemas)s::text[]) AND c.relkind IN ('r', 'p') AND c.relrowsecurity AND NOT c.relforcerowsecurity
ORDER BY relation;

-- name: lint_policy_always_true
-- Policies that let one of the roles %(roles)s at every row.
SELECT
    n.nspname || '.' || c.relname AS relation,
    p.polname || ' on ' || c.oid::pg_catalog.regclass AS object,
    'error' AS severity,
    'The policy is always true for '
    || CASE p.polcmd
        WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL'
    END
    || ': it opens every organization, whatever other policies say.' AS problem,
    'DROP POLICY ' || pg_catalog.quote_ident(p.polname) || ' ON ' || c.oid::pg_catalog.regclass || ';' AS fix
FROM pg_catalog.pg_policy AS p
INNER JOIN pg_catalog.pg_class AS c ON c.oid = p.polrelid
INNER JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE
    n.nspname = ANY(%(schemas)s::text[]) AND p.polpermissive
    AND 'true' IN (
        coalesce(pg_catalog.pg_get_expr(p.polqual, p.polrelid), ''),
        coalesce(pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid), '')
    )
    AND (
        0 = ANY(p.polroles)
        OR EXISTS (
            SELECT FROM pg_catalog.pg_roles AS r WHERE r.oid = ANY(p.polroles) AND r.rolname = ANY(%(roles)s::text[])
        )
    )
ORDER BY relation, object;

-- name: lint_no_policy
-- Tables with row-level security and without a policy: nobody bound by it sees a row.
SELECT
    n.nspname || '.' || c.relname AS relation,
    c.oid::pg_catalog.regclass::text AS object,
    'info' AS severity,
    'Row-level security is on and there is no policy: nobody bound by it sees a row.' AS problem,
    'generate_rls writes policies by template.' AS fix
FROM pg_catalog.pg_class AS c
INNER JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE
    n.nspname = ANY(%(schemas)s::text[]) AND c.relkind IN ('r', 'p') AND c.relrowsecurity
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_policy AS p WHERE p.polrelid = c.oid)
ORDER BY relation;

-- name: lint_forgeable_policy
-- Policies that believe a setting, themselves or in a function they call. The key of identities is verified, so the
-- functions that ask for it are no such case.
WITH written AS (
    SELECT
        w.oid,
        w.polname,
        w.polrelid,
        w.polroles,
        pg_catalog.concat_ws(
            ' ', pg_catalog.pg_get_expr(w.polqual, w.polrelid), pg_catalog.pg_get_expr(w.polwithcheck, w.polrelid)
        ) AS expression
    FROM pg_catalog.pg_policy AS w
)

SELECT
    n.nspname || '.' || c.relname AS relation,
    p.polname || ' on ' || c.oid::pg_catalog.regclass AS object,
    CASE
        WHEN 0 = ANY(p.polroles) OR p.polroles && ARRAY['qms_app', 'qms_sql']::pg_catalog.regrole[]::pg_catalog.oid[]
            THEN 'error'
        ELSE 'warning'
    END AS severity,
    'The policy trusts a setting (' || coalesce(
        pg_catalog.substring(p.expression, '(current_setting|auth\.\w+)\('), f.name
    ) || '): any SQL can set it and be somebody else.' AS problem,
    'Compare with (SELECT qms.current_organization_id()) or (SELECT qms.current_user_id()): generate_rls.' AS fix
FROM written AS p
INNER JOIN pg_catalog.pg_class AS c ON c.oid = p.polrelid
INNER JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (
    SELECT pg_catalog.min(s.oid::pg_catalog.regprocedure::text) AS name
    FROM pg_catalog.pg_depend AS d
    INNER JOIN pg_catalog.pg_proc AS s ON s.oid = d.refobjid
    WHERE
        d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass AND d.objid = p.oid
        AND d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
        AND s.prosrc ~ 'current_setting|request\.jwt|auth\.(jwt|uid|role|email)\s*\('
) AS f
WHERE
    n.nspname = ANY(%(schemas)s::text[])
    AND (p.expression ~ '(current_setting|auth\.(jwt|uid|role|email))\(' OR f.name IS NOT NULL)
ORDER BY relation, object;

-- name: lint_definer_without_search_path
-- SECURITY DEFINER functions that find their names where the caller wants them to.
SELECT
    NULL AS relation,
    p.oid::pg_catalog.regprocedure::text AS object,
    'error' AS severity,
    'SECURITY DEFINER without a fixed search_path: a caller can slip in objects of the same name.' AS problem,
    'ALTER FUNCTION ' || p.oid::pg_catalog.regprocedure || ' SET search_path = '''';' AS fix
FROM pg_catalog.pg_proc AS p
INNER JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
WHERE
    n.nspname = ANY(%(schemas)s::text[]) AND p.prosecdef
    AND NOT EXISTS (SELECT FROM pg_catalog.unnest(p.proconfig) AS s (setting) WHERE s.setting ~ '^search_path=')
    AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_depend AS d
        WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid AND d.deptype = 'e'
    )
ORDER BY object;

-- name: lint_function_for_everybody
-- Functions that PUBLIC may call. A trigger function can't be called.
SELECT
    NULL AS relation,
    p.oid::pg_catalog.regprocedure::text AS object,
    CASE WHEN p.prosecdef THEN 'error' ELSE 'warning' END AS severity,
    'Every role may call this function'
    || CASE WHEN p.prosecdef THEN ', and it acts with the rights of its owner.' ELSE '.' END AS problem,
    'REVOKE EXECUTE ON FUNCTION ' || p.oid::pg_catalog.regprocedure || ' FROM PUBLIC;' AS fix
FROM pg_catalog.pg_proc AS p
INNER JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
WHERE
    n.nspname = ANY(%(schemas)s::text[]) AND p.prorettype <> 'pg_catalog.trigger'::pg_catalog.regtype
    AND pg_catalog.has_function_privilege('public', p.oid, 'EXECUTE')
    AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_depend AS d
        WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid AND d.deptype = 'e'
    )
ORDER BY object;

-- name: lint_no_primary_key
-- Tables whose rows can't be told apart.
SELECT
    n.nspname || '.' || c.relname AS relation,
    c.oid::pg_catalog.regclass::text AS object,
    'warning' AS severity,
    'The table has no primary key: the audit trail can''t name its rows.' AS problem,
    'ALTER TABLE ' || c.oid::pg_catalog.regclass || CASE
        WHEN EXISTS (
            SELECT FROM pg_catalog.pg_attribute AS a
            WHERE a.attrelid = c.oid AND a.attname = 'id' AND NOT a.attisdropped
        ) THEN ' ADD PRIMARY KEY (id);'
        ELSE ' ADD COLUMN id uuid PRIMARY KEY DEFAULT gen_random_uuid();'
    END AS fix
FROM pg_catalog.pg_class AS c
INNER JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE
    n.nspname = ANY(%(schemas)s::text[]) AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint AS k WHERE k.conrelid = c.oid AND k.contype = 'p')
ORDER BY relation;

-- name: lint_tenant_index
-- Tenants' tables in which no index begins with the organization.
SELECT
    n.nspname || '.' || c.relname AS relation,
    c.oid::pg_catalog.regclass::text AS object,
    'warning' AS severity,
    'No index begins with organization_id: every policy check scans the whole table.' AS problem,
    'CREATE INDEX ON ' || c.oid::pg_catalog.regclass || ' (organization_id);' AS fix
FROM pg_catalog.pg_class AS c
INNER JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
INNER JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'organization_id' AND NOT a.attisdropped
WHERE
    n.nspname = ANY(%(schemas)s::text[]) AND c.relkind IN ('r', 'p', 'm')
    AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_index AS i
        WHERE i.indrelid = c.oid AND i.indisvalid AND i.indpred IS NULL AND i.indkey[0] = a.attnum
    )
    AND (
        NOT c.relrowsecurity
        OR EXISTS (
            SELECT FROM pg_catalog.pg_policy AS p
            WHERE p.polrelid = c.oid AND pg_catalog.pg_get_expr(p.polqual, p.polrelid) ~ '\morganization_id\M'
        )
    )
ORDER BY relation;

-- name: lint_foreign_key_index
-- Foreign keys whose columns no index begins with.
SELECT
    n.nspname || '.' || c.relname AS relation,
    k.conname || ' on ' || c.oid::pg_catalog.regclass AS object,
    'warning' AS severity,
    'No index begins with the columns of this foreign key (' || f.columns || '): each change of the other side '
    || 'scans this table.' AS problem,
    'CREATE INDEX ON ' || c.oid::pg_catalog.regclass || ' (' || f.columns || ');' AS fix
FROM pg_catalog.pg_constraint AS k
INNER JOIN pg_catalog.pg_class AS c ON c.oid = k.conrelid
INNER JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (
    SELECT pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' ORDER BY u.place) AS columns
    FROM pg_catalog.unnest(k.conkey) WITH ORDINALITY AS u (number, place)
    INNER JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = u.number
) AS f
WHERE
    n.nspname = ANY(%(schemas)s::text[]) AND k.contype = 'f' AND k.conparentid = 0
    AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_index AS i
        WHERE
            i.indrelid = k.conrelid AND i.indisvalid AND i.indpred IS NULL
            AND i.indnkeyatts >= pg_catalog.cardinality(k.conkey)
            AND (i.indkey::smallint[])[0:pg_catalog.cardinality(k.conkey) - 1] @> k.conkey
    )
ORDER BY relation, object;

-- name: lint_policy_index
-- Columns that a policy narrows by and no index has among its first two.
SELECT
    n.nspname || '.' || c.relname AS relation,
    c.oid::pg_catalog.regclass || '.' || pg_catalog.quote_ident(a.attname) AS object,
    'info' AS severity,
    'The policy ' || pg_catalog.min(p.polname) || ' filters by this column, and no index has it in front.' AS problem,
    'CREATE INDEX ON ' || c.oid::pg_catalog.regclass || ' (' || pg_catalog.quote_ident(a.attname) || ');' AS fix
FROM pg_catalog.pg_policy AS p
INNER JOIN pg_catalog.pg_class AS c ON c.oid = p.polrelid
INNER JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
INNER JOIN pg_catalog.pg_depend AS d
    ON
        d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass AND d.objid = p.oid AND d.refobjid = c.oid
        AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjsubid > 0
INNER JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid
WHERE
    n.nspname = ANY(%(schemas)s::text[]) AND a.attname <> 'organization_id'
    AND a.atttypid = 'pg_catalog.uuid'::pg_catalog.regtype
    AND pg_catalog.pg_get_expr(p.polqual, p.polrelid) ~ ('\m' || a.attname || '\M')
    AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_index AS i
        WHERE i.indrelid = c.oid AND i.indisvalid AND a.attnum IN (i.indkey[0], i.indkey[1])
    )
GROUP BY n.nspname, c.relname, c.oid, a.attname
ORDER BY relation, object;

-- name: lint_unused_index
-- Large indexes that nothing has read since the statistics began.
SELECT
    n.nspname || '.' || c.relname AS relation,
    i.indexrelid::pg_catalog.regclass::text AS object,
    'info' AS severity,
    'Nothing has read this index ('
    || pg_catalog.pg_size_pretty(pg_catalog.pg_relation_size(i.indexrelid)) || ') since the statistics began; '
    || 'every write pays for it.' AS problem,
    'DROP INDEX ' || i.indexrelid::pg_catalog.regclass || ';' AS fix
FROM pg_catalog.pg_index AS i
INNER JOIN pg_catalog.pg_class AS c ON c.oid = i.indrelid
INNER JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
INNER JOIN pg_catalog.pg_stat_all_indexes AS s ON s.indexrelid = i.indexrelid
WHERE
    n.nspname = ANY(%(schemas)s::text[]) AND NOT i.indisunique AND s.idx_scan = 0
    AND pg_catalog.pg_relation_size(i.indexrelid) > 1048576
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint AS k WHERE k.conindid = i.indexrelid)
ORDER BY relation, object;

-- name: lint_duplicate_index
-- Indexes that hold the same as another.
SELECT
    n.nspname || '.' || c.relname AS relation,
    i.indexrelid::pg_catalog.regclass::text AS object,
    'warning' AS severity,
    'This index holds the same as ' || pg_catalog.min(other.indexrelid::pg_catalog.regclass::text) || '.' AS problem,
    'DROP INDEX ' || i.indexrelid::pg_catalog.regclass || ';' AS fix
FROM pg_catalog.pg_index AS i
INNER JOIN pg_catalog.pg_class AS c ON c.oid = i.indrelid
INNER JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
INNER JOIN pg_catalog.pg_class AS own ON own.oid = i.indexrelid
INNER JOIN pg_catalog.pg_index AS other ON other.indrelid = i.indrelid AND other.indexrelid <> i.indexrelid
INNER JOIN pg_catalog.pg_class AS theirs ON theirs.oid = other.indexrelid AND theirs.relam = own.relam
WHERE
    n.nspname = ANY(%(schemas)s::text[])
    AND i.indkey::text = other.indkey::text AND i.indclass::text = other.indclass::text
    AND i.indoption::text = other.indoption::text AND i.indcollation::text = other.indcollation::text
    AND coalesce(pg_catalog.pg_get_expr(i.indpred, i.indrelid), '')
    = coalesce(pg_catalog.pg_get_expr(other.indpred, other.indrelid), '')
    AND coalesce(pg_catalog.pg_get_expr(i.indexprs, i.indrelid), '')
    = coalesce(pg_catalog.pg_get_expr(other.indexprs, other.indrelid), '')
    AND NOT i.indisprimary AND (other.indisunique OR NOT i.indisunique)
    AND (other.indisunique > i.indisunique OR other.indisprimary OR other.indexrelid < i.indexrelid)
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint AS k WHERE k.conindid = i.indexrelid)
GROUP BY n.nspname, c.relname, i.indexrelid
ORDER BY relation, object;

-- name: lint_extension_in_public
-- Extensions among the tables of the application.
SELECT
    NULL AS relation,
    e.extname::text AS object,
    'warning' AS severity,
    'The extension is in public, where its functions hide in the search path of everybody.' AS problem,
    'ALTER EXTENSION ' || pg_catalog.quote_ident(e.extname) || ' SET SCHEMA extensions;' AS fix
FROM pg_catalog.pg_extension AS e
INNER JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace
WHERE n.nspname = 'public' AND 'public' = ANY(%(schemas)s::text[])
ORDER BY object;

-- name: lint_view_passes_rls
-- Views over tenants' tables that read with the rights of their owner, through other views too.
WITH RECURSIVE reads (view, relation) AS (
    SELECT
        w.ev_class,
        d.refobjid
    FROM pg_catalog.pg_rewrite AS w
    INNER JOIN pg_catalog.pg_depend AS d
        ON
            d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = w.oid
            AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid <> w.ev_class
    UNION
    SELECT
        r.view,
        d.refobjid
    FROM reads AS r
    INNER JOIN pg_catalog.pg_rewrite AS w ON w.ev_class = r.relation
    INNER JOIN pg_catalog.pg_depend AS d
        ON
            d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = w.oid
            AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid <> w.ev_class
)

SELECT
    n.nspname || '.' || c.relname AS relation,
    c.oid::pg_catalog.regclass::text AS object,
    CASE
        WHEN EXISTS (
            SELECT FROM pg_catalog.pg_roles AS r
            WHERE r.rolname = ANY(%(roles)s::text[]) AND pg_catalog.has_any_column_privilege(r.oid, c.oid, 'SELECT')
        ) THEN 'error' ELSE 'warning'
    END AS severity,
    CASE c.relkind
        WHEN 'm' THEN 'A materialized view keeps the rows of '
            || pg_catalog.min(t.oid::pg_catalog.regclass::text) || ', and no policy applies to it.'
        ELSE 'The view reads ' || pg_catalog.min(t.oid::pg_catalog.regclass::text)
            || ' with the rights of its owner: the policies for the caller are passed over.'
    END AS problem,
    CASE c.relkind
        WHEN 'm' THEN 'REVOKE ALL ON ' || c.oid::pg_catalog.regclass || ' FROM PUBLIC, qms_app, qms_sql;'
        ELSE 'ALTER VIEW ' || c.oid::pg_catalog.regclass || ' SET (security_invoker = true);'
    END AS fix
FROM reads
INNER JOIN pg_catalog.pg_class AS c ON c.oid = reads.view AND c.relkind IN ('v', 'm')
INNER JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
INNER JOIN pg_catalog.pg_class AS t ON t.oid = reads.relation AND t.relkind IN ('r', 'p')
INNER JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid AND a.attname = 'organization_id' AND NOT a.attisdropped
WHERE
    n.nspname = ANY(%(schemas)s::text[])
    AND NOT coalesce(
        (
            SELECT o.option_value::boolean
            FROM pg_catalog.pg_options_to_table(c.reloptions) AS o
            WHERE o.option_name = 'security_invoker'
        ), FALSE
    )
GROUP BY n.nspname, c.relname, c.oid, c.relkind
ORDER BY relation;

-- name: lint_open_grant
-- Rights on relations that everybody has, or visitors who never signed in.
SELECT
    n.nspname || '.' || c.relname AS relation,
    c.oid::pg_catalog.regclass::text AS object,
    'warning' AS severity,
    coalesce(r.rolname, 'PUBLIC') || ' has '
    || pg_catalog.string_agg(x.privilege_type, ', ' ORDER BY x.privilege_type) || ': '
    || CASE WHEN r.rolname IS NULL THEN 'that is every role there is.' ELSE 'that is a visitor who never signed in.' END
    AS problem,
    'REVOKE ALL ON ' || c.oid::pg_catalog.regclass || ' FROM ' || coalesce(r.rolname, 'PUBLIC') || ';' AS fix
FROM pg_catalog.pg_class AS c
INNER JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) AS x
LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = x.grantee
WHERE
    n.nspname = ANY(%(schemas)s::text[]) AND c.relkind IN ('r', 'p', 'v', 'm')
    AND (x.grantee = 0 OR r.rolname = 'anon')
GROUP BY n.nspname, c.relname, c.oid, r.rolname
ORDER BY relation, object;

-- name: lint_unbound_owner
-- Owners whom no policy binds.
SELECT
    n.nspname || '.' || c.relname AS relation,
    c.oid::pg_catalog.regclass::text AS object,
    CASE WHEN r.rolsuper THEN 'error' ELSE 'warning' END AS severity,
    'The owner ' || r.rolname || CASE WHEN r.rolsuper THEN ' is a superuser' ELSE ' has BYPASSRLS' END
    || ': its views and functions see every organization, forced or not.' AS problem,
    'ALTER TABLE ' || c.oid::pg_catalog.regclass || ' OWNER TO qms_owner;' AS fix
FROM pg_catalog.pg_class AS c
INNER JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
INNER JOIN pg_catalog.pg_roles AS r ON r.oid = c.relowner
WHERE n.nspname = ANY(%(schemas)s::text[]) AND c.relkind IN ('r', 'p', 'v', 'm') AND (r.rolsuper OR r.rolbypassrls)
ORDER BY relation;
