-- Drafts of schema changes: their rehearsal as the owner, their record, their application.

-- name: rehearsal_limits
-- What a rehearsal may wait and run; given back with the transaction.
SELECT
    set_config('lock_timeout', %(lock_timeout)s, true) AS waits,
    set_config('statement_timeout', %(statement_timeout)s, true) AS runs,
    set_config('client_min_messages', 'error', true) AS says,
    set_config('search_path', 'pg_catalog', true) AS finds;

-- name: run
-- One statement of a script.
SELECT qms_private.run_script(%(script)s);

-- name: catalogue
-- Everything a script could make, change or drop, as names and definitions that can be compared.
WITH schemas AS (
    SELECT
        n.oid,
        n.nspname
    FROM pg_catalog.pg_namespace AS n
    WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
),

members AS (
    SELECT
        d.classid,
        d.objid
    FROM pg_catalog.pg_depend AS d
    WHERE d.deptype = 'e'
),

relations AS (
    SELECT
        c.*,
        s.nspname,
        pg_catalog.quote_ident(s.nspname) || '.' || pg_catalog.quote_ident(c.relname) AS qualified
    FROM pg_catalog.pg_class AS c
    INNER JOIN schemas AS s ON s.oid = c.relnamespace
    WHERE NOT EXISTS (
        SELECT FROM members AS m WHERE m.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND m.objid = c.oid
    )
)

SELECT
    'schema' AS kind,
    n.nspname AS schema,
    n.nspname AS name,
    '' AS parent,
    pg_catalog.quote_ident(n.nspname) AS identity,
    pg_catalog.concat_ws(' ', n.nspowner::pg_catalog.regrole, n.nspacl) AS definition,
    0::bigint AS file,
    n.oid::bigint AS oid,
    ARRAY[]::text[] AS traits
FROM pg_catalog.pg_namespace AS n
INNER JOIN schemas AS s ON s.oid = n.oid
UNION ALL
SELECT
    CASE r.relkind
        WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence'
        WHEN 'f' THEN 'foreign table' ELSE 'table'
    END AS kind,
    r.nspname AS schema,
    r.relname AS name,
    '' AS parent,
    r.qualified AS identity,
    pg_catalog.concat_ws(
        ' ', r.relowner::pg_catalog.regrole, r.relacl, r.reloptions,
        CASE WHEN r.relkind IN ('v', 'm') THEN pg_catalog.pg_get_viewdef(r.oid) END
    ) AS definition,
    coalesce(pg_catalog.pg_relation_filenode(r.oid), 0)::bigint AS file,
    r.oid::bigint AS oid,
    pg_catalog.array_remove(ARRAY[
        CASE WHEN r.relrowsecurity THEN 'rls' END,
        CASE WHEN r.relforcerowsecurity THEN 'forced' END,
        CASE WHEN coalesce(r.reloptions::text, '') ~ 'security_invoker=(true|on|1)' THEN 'invoker' END,
        CASE WHEN EXISTS (
            SELECT FROM pg_catalog.pg_attribute AS a
            WHERE a.attrelid = r.oid AND a.attname = 'organization_id' AND a.attnotnull AND NOT a.attisdropped
        ) THEN 'tenant' END,
        CASE WHEN r.relowner <> (SELECT me.oid FROM pg_catalog.pg_roles AS me WHERE me.rolname = current_user)
                THEN 'foreign' END,
        CASE WHEN coalesce(r.relacl::text, '') ~ '[{,](anon|authenticated|service_role)?=' THEN 'open' END
    ], null) AS traits
FROM relations AS r
WHERE
    r.relkind IN ('r', 'p', 'v', 'm', 'f')
    OR (r.relkind = 'S' AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_depend AS d
        WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = r.oid AND d.deptype IN ('a', 'i')
    ))
UNION ALL
SELECT
    'column' AS kind,
    r.nspname AS schema,
    a.attname AS name,
    r.qualified AS parent,
    r.qualified || '.' || pg_catalog.quote_ident(a.attname) AS identity,
    pg_catalog.concat_ws(
        ' ', pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated,
        pg_catalog.pg_get_expr(d.adbin, d.adrelid)
    ) AS definition,
    0 AS file,
    r.oid::bigint AS oid,
    ARRAY[]::text[] AS traits
FROM pg_catalog.pg_attribute AS a
INNER JOIN relations AS r ON r.oid = a.attrelid AND r.relkind IN ('r', 'p')
LEFT JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT
    'index' AS kind,
    i.nspname AS schema,
    i.relname AS name,
    t.qualified AS parent,
    i.qualified AS identity,
    pg_catalog.pg_get_indexdef(i.oid) AS definition,
    coalesce(pg_catalog.pg_relation_filenode(i.oid), 0)::bigint AS file,
    i.oid::bigint AS oid,
    ARRAY[]::text[] AS traits
FROM pg_catalog.pg_index AS x
INNER JOIN relations AS i ON i.oid = x.indexrelid
INNER JOIN relations AS t ON t.oid = x.indrelid
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_constraint AS k WHERE k.conindid = i.oid AND k.contype IN ('p', 'u', 'x'))
UNION ALL
SELECT
    'constraint' AS kind,
    r.nspname AS schema,
    k.conname AS name,
    r.qualified AS parent,
    pg_catalog.quote_ident(k.conname) || ' on ' || r.qualified AS identity,
    pg_catalog.concat_ws(' ', pg_catalog.pg_get_constraintdef(k.oid), k.convalidated) AS definition,
    0 AS file,
    r.oid::bigint AS oid,
    CASE WHEN k.contype = 'f' AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_index AS x
        WHERE
            x.indrelid = k.conrelid
            AND (x.indkey::smallint[])[0:pg_catalog.cardinality(k.conkey) - 1] @> k.conkey
    ) THEN ARRAY['unindexed'] ELSE ARRAY[]::text[] END AS traits
FROM pg_catalog.pg_constraint AS k
INNER JOIN relations AS r ON r.oid = k.conrelid
WHERE k.contype IN ('p', 'u', 'f', 'c', 'x') AND k.conparentid = 0
UNION ALL
SELECT
    'trigger' AS kind,
    r.nspname AS schema,
    g.tgname AS name,
    r.qualified AS parent,
    pg_catalog.quote_ident(g.tgname) || ' on ' || r.qualified AS identity,
    pg_catalog.concat_ws(' ', pg_catalog.pg_get_triggerdef(g.oid), g.tgenabled) AS definition,
    0 AS file,
    r.oid::bigint AS oid,
    ARRAY[]::text[] AS traits
FROM pg_catalog.pg_trigger AS g
INNER JOIN relations AS r ON r.oid = g.tgrelid
WHERE NOT g.tgisinternal
UNION ALL
SELECT
    'policy' AS kind,
    r.nspname AS schema,
    p.polname AS name,
    r.qualified AS parent,
    pg_catalog.quote_ident(p.polname) || ' on ' || r.qualified AS identity,
    pg_catalog.concat_ws(
        ' ', p.polcmd, p.polpermissive, p.polroles, pg_catalog.pg_get_expr(p.polqual, p.polrelid),
        pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid)
    ) AS definition,
    0 AS file,
    r.oid::bigint AS oid,
    ARRAY[]::text[] AS traits
FROM pg_catalog.pg_policy AS p
INNER JOIN relations AS r ON r.oid = p.polrelid
UNION ALL
SELECT
    CASE f.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END AS kind,
    s.nspname AS schema,
    f.proname AS name,
    '' AS parent,
    pg_catalog.quote_ident(s.nspname)
    || '.'
    || pg_catalog.quote_ident(f.proname)
    || '('
    || pg_catalog.pg_get_function_identity_arguments(f.oid)
    || ')' AS identity,
    pg_catalog.concat_ws(
        ' ', f.proowner::pg_catalog.regrole, f.proacl,
        CASE WHEN f.prokind IN ('f', 'p') THEN pg_catalog.pg_get_functiondef(f.oid) END
    ) AS definition,
    0 AS file,
    f.oid::bigint AS oid,
    pg_catalog.array_remove(ARRAY[
        CASE WHEN f.prosecdef THEN 'definer' END,
        CASE WHEN coalesce(f.proconfig::text, '') ~ 'search_path=' THEN 'path' END,
        CASE WHEN f.proowner <> (SELECT me.oid FROM pg_catalog.pg_roles AS me WHERE me.rolname = current_user)
                THEN 'foreign' END
    ], null) AS traits
FROM pg_catalog.pg_proc AS f
INNER JOIN schemas AS s ON s.oid = f.pronamespace
WHERE NOT EXISTS (
    SELECT FROM members AS m WHERE m.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND m.objid = f.oid
)
UNION ALL
SELECT
    CASE t.typtype WHEN 'd' THEN 'domain' ELSE 'type' END AS kind,
    s.nspname AS schema,
    t.typname AS name,
    '' AS parent,
    pg_catalog.quote_ident(s.nspname) || '.' || pg_catalog.quote_ident(t.typname) AS identity,
    pg_catalog.concat_ws(' ', t.typowner::pg_catalog.regrole, t.typacl, (
        SELECT pg_catalog.string_agg(e.enumlabel, ',' ORDER BY e.enumsortorder)
        FROM pg_catalog.pg_enum AS e WHERE e.enumtypid = t.oid
    )) AS definition,
    0 AS file,
    t.oid::bigint AS oid,
    ARRAY[]::text[] AS traits
FROM pg_catalog.pg_type AS t
INNER JOIN schemas AS s ON s.oid = t.typnamespace
WHERE
    (t.typtype IN ('e', 'd', 'r') OR (t.typtype = 'c' AND EXISTS (
        SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = t.typrelid AND c.relkind = 'c'
    )))
    AND NOT EXISTS (
        SELECT FROM members AS m WHERE m.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND m.objid = t.oid
    )
UNION ALL
SELECT
    'role membership' AS kind,
    '' AS schema,
    '' AS name,
    '' AS parent,
    m.member::pg_catalog.regrole::text || ' in ' || m.roleid::pg_catalog.regrole::text AS identity,
    m.admin_option::text AS definition,
    0 AS file,
    0 AS oid,
    ARRAY[]::text[] AS traits
FROM pg_catalog.pg_auth_members AS m
UNION ALL
SELECT
    'default right' AS kind,
    '' AS schema,
    '' AS name,
    '' AS parent,
    pg_catalog.concat_ws(' ', d.defaclrole::pg_catalog.regrole, d.defaclnamespace, d.defaclobjtype) AS identity,
    d.defaclacl::text AS definition,
    0 AS file,
    0 AS oid,
    ARRAY[]::text[] AS traits
FROM pg_catalog.pg_default_acl AS d;

-- name: locks
-- The locks this connection holds on relations that are older than the script, the strongest first.
SELECT
    pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) AS relation,
    l.mode
FROM pg_catalog.pg_locks AS l
INNER JOIN pg_catalog.pg_class AS c ON c.oid = l.relation
INNER JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE
    l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'relation' AND l.granted
    AND l.mode NOT IN ('AccessShareLock')
    AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    AND c.oid::bigint = ANY(%(known)s::bigint[])
ORDER BY n.nspname, c.relname, l.mode;

-- name: rows_written
-- The rows this transaction wrote, by table.
SELECT
    pg_catalog.quote_ident(s.schemaname) || '.' || pg_catalog.quote_ident(s.relname) AS relation,
    s.n_tup_ins AS inserted,
    s.n_tup_upd AS updated,
    s.n_tup_del AS deleted
FROM pg_catalog.pg_stat_xact_user_tables AS s
WHERE s.n_tup_ins + s.n_tup_upd + s.n_tup_del > 0
ORDER BY s.schemaname, s.relname;

-- name: next_version
-- A version nobody has used: the time in UTC, a second later for each one taken.
SELECT pg_catalog.to_char(candidate.at AT TIME ZONE 'UTC', 'YYYYMMDDHH24MISS') AS version
FROM pg_catalog.generate_series(
    pg_catalog.date_trunc('second', pg_catalog.clock_timestamp()),
    pg_catalog.clock_timestamp() + interval '1 hour',
    interval '1 second'
) AS candidate (at)
WHERE NOT EXISTS (
    SELECT FROM supabase_migrations.schema_migrations AS m
    WHERE m.version = pg_catalog.to_char(candidate.at AT TIME ZONE 'UTC', 'YYYYMMDDHH24MISS')
)
ORDER BY candidate.at
LIMIT 1;

-- name: act_as
-- Binds a transaction of the owner to the person whose approval it will use.
SELECT
    set_config(
        'qms.identity',
        qms_private.mint_identity(%(user_id)s, %(organization_id)s, %(actor_kind)s, pg_backend_pid()),
        true
    ) AS identity;

-- name: take
-- Spends the approval and marks the draft applied; nothing unless it is approved, unused and exactly this text.
SELECT
    t.name,
    t.script,
    t.version
FROM qms_private.take_migration(%(draft_id)s, %(approval_id)s, %(sha256)s, %(version)s) AS t;

-- name: insert
-- A tested draft.
INSERT INTO qms.migration_drafts (
    organization_id, name, script, reverse_script, sha256, report, reason, drafted_by, drafted_kind
)
VALUES (
    %(organization_id)s, %(name)s, %(script)s, %(reverse_script)s, %(sha256)s, %(report)s::jsonb, %(reason)s,
    %(user_id)s, %(actor_kind)s
)
RETURNING id, name, script, reverse_script, sha256, report, reason, state, version, created_at, applied_at;

-- name: same
-- The draft of this organization with this name and text.
SELECT
    d.id,
    d.name,
    d.script,
    d.reverse_script,
    d.sha256,
    d.report,
    d.reason,
    d.state,
    d.version,
    d.created_at,
    d.applied_at
FROM qms.migration_drafts AS d
WHERE d.name = %(name)s AND d.sha256 = %(sha256)s;

-- name: get
-- One draft.
SELECT
    d.id,
    d.name,
    d.script,
    d.reverse_script,
    d.sha256,
    d.report,
    d.reason,
    d.state,
    d.version,
    d.created_at,
    d.applied_at
FROM qms.migration_drafts AS d
WHERE d.id = %(draft_id)s;

-- name: drafts
-- All drafts, the newest first.
SELECT
    d.id,
    d.name,
    d.script,
    d.reverse_script,
    d.sha256,
    d.report,
    d.reason,
    d.state,
    d.version,
    d.created_at,
    d.applied_at
FROM qms.migration_drafts AS d
ORDER BY d.created_at DESC, d.id ASC;
