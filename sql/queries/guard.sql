-- What the guard asks the catalogue. All of it runs as qms_probe, in a transaction that is rolled back.

-- name: prepare
-- Nothing about a body but its analysis is wanted, backslashes in plain strings are ordinary, and it takes no longer
-- than it may.
SELECT
    pg_catalog.set_config('check_function_bodies', 'off', true) AS bodies,
    pg_catalog.set_config('standard_conforming_strings', 'on', true) AS strings,
    pg_catalog.set_config('statement_timeout', %(timeout)s::text, true) AS timeout,
    pg_catalog.set_config('search_path', %(search_path)s::text, true) AS path;

-- name: body
-- The analysed tree of the temporary function %(name)s, unless it is larger than %(most)s bytes.
SELECT
    CASE WHEN pg_catalog.octet_length(p.prosqlbody::text) <= %(most)s::integer THEN p.prosqlbody::text END AS body,
    pg_catalog.octet_length(p.prosqlbody::text) AS size
FROM pg_catalog.pg_proc AS p
WHERE p.proname = %(name)s AND p.pronamespace = pg_catalog.pg_my_temp_schema();

-- name: parameter_types
-- The types %(names)s, spelt so that they can stand in a statement.
SELECT
    asked.name AS asked,
    pg_catalog.format_type(t.oid, null) AS name,
    coalesce(t.typtype = 'p', false) AS pseudo
FROM pg_catalog.unnest(%(names)s::text[]) WITH ORDINALITY AS asked (name, place)
LEFT JOIN pg_catalog.pg_type AS t ON t.oid = pg_catalog.to_regtype(asked.name)
ORDER BY asked.place;

-- name: inferred_types
-- The parameter types PostgreSQL inferred for the prepared statement %(name)s.
SELECT
    parameter.kind::text AS asked,
    parameter.kind::text AS name,
    t.typtype = 'p' AS pseudo
FROM pg_catalog.pg_prepared_statements AS s
CROSS JOIN pg_catalog.unnest(s.parameter_types) WITH ORDINALITY AS parameter (kind, place)
INNER JOIN pg_catalog.pg_type AS t ON t.oid = parameter.kind
WHERE s.name = %(name)s
ORDER BY parameter.place;

-- name: functions
-- The functions %(functions)s, and those behind the operators %(operators)s.
SELECT
    p.oid,
    n.nspname AS schema,
    p.proname AS name,
    p.oid::pg_catalog.regprocedure::text AS signature,
    p.provolatile::text AS volatility,
    p.prosecdef AS security_definer,
    l.lanname AS language,
    p.prokind::text AS kind,
    p.prosrc AS source,
    p.prosqlbody::text AS body,
    p.proargdefaults::text AS defaults,
    (
        SELECT e.extname
        FROM pg_catalog.pg_depend AS d
        INNER JOIN pg_catalog.pg_extension AS e ON e.oid = d.refobjid
        WHERE
            d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid AND d.deptype = 'e'
            AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
    ) AS extension,
    (
        SELECT pg_catalog.string_agg(o.oid::pg_catalog.regoperator::text, ', ')
        FROM pg_catalog.pg_operator AS o
        WHERE o.oid = ANY(%(operators)s::pg_catalog.oid[]) AND o.oprcode = p.oid
    ) AS operators,
    ARRAY(
        SELECT o.oid
        FROM pg_catalog.pg_operator AS o
        WHERE o.oid = ANY(%(operators)s::pg_catalog.oid[]) AND o.oprcode = p.oid
    ) AS operator_ids,
    coalesce(
        (
            SELECT pg_catalog.array_agg(part.id)
            FROM pg_catalog.pg_aggregate AS a
            CROSS JOIN LATERAL (
                VALUES (a.aggtransfn::pg_catalog.oid), (a.aggfinalfn), (a.aggcombinefn), (a.aggserialfn),
                (a.aggdeserialfn), (a.aggmtransfn), (a.aggminvtransfn), (a.aggmfinalfn)
            ) AS part (id)
            WHERE a.aggfnoid = p.oid AND part.id <> 0
        ), '{}'
    ) AS parts,
    p.proargtypes::pg_catalog.oid[] && ARRAY[2275, 2281]::pg_catalog.oid[] AS takes_raw
FROM pg_catalog.pg_proc AS p
INNER JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
INNER JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
WHERE p.oid = ANY(
    %(functions)s::pg_catalog.oid[] || ARRAY(
        SELECT o.oprcode::pg_catalog.oid
        FROM pg_catalog.pg_operator AS o
        WHERE o.oid = ANY(%(operators)s::pg_catalog.oid[])
    )
);

-- name: relations
-- The relations %(relations)s.
SELECT
    c.oid,
    n.nspname AS schema,
    c.relname AS name,
    c.relkind::text AS kind,
    c.relowner AS owner,
    c.relrowsecurity AS row_security,
    c.relforcerowsecurity AS forced,
    (r.rolsuper OR r.rolbypassrls) AS owner_unbound,
    coalesce(
        (
            SELECT o.option_value::boolean
            FROM pg_catalog.pg_options_to_table(c.reloptions) AS o
            WHERE o.option_name = 'security_invoker'
        ), false
    ) AS invoker,
    (
        WITH RECURSIVE ancestor (id) AS (
            SELECT i.inhparent FROM pg_catalog.pg_inherits AS i WHERE i.inhrelid = c.oid
            UNION
            SELECT i.inhparent FROM ancestor AS a INNER JOIN pg_catalog.pg_inherits AS i ON i.inhrelid = a.id
        )

        SELECT p.oid::pg_catalog.regclass::text
        FROM ancestor AS a
        INNER JOIN pg_catalog.pg_class AS p ON p.oid = a.id
        WHERE p.relrowsecurity AND NOT c.relrowsecurity
        ORDER BY p.oid
        LIMIT 1
    ) AS protected_parent,
    (
        WITH RECURSIVE descendant (id) AS (
            SELECT i.inhrelid FROM pg_catalog.pg_inherits AS i WHERE i.inhparent = c.oid
            UNION
            SELECT i.inhrelid FROM descendant AS d INNER JOIN pg_catalog.pg_inherits AS i ON i.inhparent = d.id
        )

        SELECT p.oid::pg_catalog.regclass::text
        FROM descendant AS d
        INNER JOIN pg_catalog.pg_class AS p ON p.oid = d.id
        WHERE p.relrowsecurity AND NOT c.relrowsecurity
        ORDER BY p.oid
        LIMIT 1
    ) AS protected_child,
    ARRAY(
        SELECT DISTINCT reader.oid
        FROM pg_catalog.pg_policy AS y
        CROSS JOIN LATERAL pg_catalog.unnest(y.polroles) AS named (role)
        INNER JOIN pg_catalog.pg_roles AS reader ON pg_catalog.pg_has_role(reader.oid, named.role, 'USAGE')
        WHERE y.polrelid = c.oid AND y.polpermissive AND y.polcmd IN ('r', '*') AND named.role <> 0
    ) AS named_readers,
    EXISTS (
        SELECT FROM pg_catalog.pg_attribute AS a
        WHERE a.attrelid = c.oid AND a.attname = 'organization_id' AND NOT a.attisdropped
    ) AS tenant_column,
    EXISTS (
        SELECT FROM pg_catalog.pg_rewrite AS w WHERE w.ev_class = c.oid AND w.ev_type <> '1'
    ) AS rewritten,
    CASE
        WHEN c.oid >= 16384 THEN (
            SELECT w.ev_action::text FROM pg_catalog.pg_rewrite AS w WHERE w.ev_class = c.oid AND w.ev_type = '1'
        )
    END AS body
FROM pg_catalog.pg_class AS c
INNER JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
INNER JOIN pg_catalog.pg_roles AS r ON r.oid = c.relowner
WHERE c.oid = ANY(%(relations)s::pg_catalog.oid[]);

-- name: domain_checks
-- The checks of the domains in or under the types %(types)s, however deep.
WITH RECURSIVE part (id) AS (
    SELECT pg_catalog.unnest(%(types)s::pg_catalog.oid[])
    UNION
    SELECT inner_type.id
    FROM part
    INNER JOIN pg_catalog.pg_type AS t ON t.oid = part.id
    CROSS JOIN LATERAL (
        SELECT t.typbasetype
        UNION ALL
        SELECT t.typelem
        UNION ALL
        SELECT a.atttypid FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = t.typrelid AND a.attnum > 0
        UNION ALL
        SELECT g.rngsubtype FROM pg_catalog.pg_range AS g WHERE t.oid IN (g.rngtypid, g.rngmultitypid)
    ) AS inner_type (id)
    WHERE inner_type.id >= 16384
)

SELECT
    c.contypid AS domain,
    pg_catalog.format_type(c.contypid, null) AS name,
    c.conbin::text AS body
FROM part
INNER JOIN pg_catalog.pg_constraint AS c ON c.contypid = part.id AND c.contype = 'c';

-- name: all_domain_checks
-- The checks of every domain that PostgreSQL itself did not bring.
SELECT
    c.contypid AS domain,
    pg_catalog.format_type(c.contypid, null) AS name,
    c.conbin::text AS body
FROM pg_catalog.pg_constraint AS c
WHERE c.contype = 'c' AND c.contypid >= 16384;

-- name: json_casts
-- The functions that to_json and its kin call by themselves.
SELECT
    c.castfunc AS function,
    c.castsource AS type,
    pg_catalog.format_type(c.castsource, null) AS source
FROM pg_catalog.pg_cast AS c
WHERE c.casttarget IN (114, 3802) AND c.castfunc >= 16384;

-- name: containers
-- The types that are or contain one of %(types)s, and (with oid 0) what has columns, arguments or results of them.
WITH RECURSIVE tainted (id) AS (
    SELECT pg_catalog.unnest(%(types)s::pg_catalog.oid[])
    UNION
    SELECT outer_type.id
    FROM tainted
    CROSS JOIN LATERAL (
        SELECT t.oid FROM pg_catalog.pg_type AS t WHERE tainted.id IN (t.typelem, t.typbasetype)
        UNION ALL
        SELECT k.reltype
        FROM pg_catalog.pg_attribute AS a
        INNER JOIN pg_catalog.pg_class AS k ON k.oid = a.attrelid
        WHERE a.atttypid = tainted.id AND a.attnum > 0 AND k.reltype <> 0
        UNION ALL
        SELECT w.kind
        FROM pg_catalog.pg_range AS g
        CROSS JOIN LATERAL (VALUES (g.rngtypid), (g.rngmultitypid)) AS w (kind)
        WHERE g.rngsubtype = tainted.id
    ) AS outer_type (id)
)

SELECT
    t.oid,
    t.typname AS name
FROM tainted
INNER JOIN pg_catalog.pg_type AS t ON t.oid = tainted.id
UNION
SELECT
    0 AS oid,
    k.relname AS name
FROM tainted
INNER JOIN pg_catalog.pg_attribute AS a ON a.atttypid = tainted.id
INNER JOIN pg_catalog.pg_class AS k ON k.oid = a.attrelid
UNION
SELECT
    0 AS oid,
    p.proname AS name
FROM tainted
INNER JOIN pg_catalog.pg_proc AS p
    ON p.prorettype = tainted.id OR tainted.id = ANY(p.proargtypes::pg_catalog.oid[] || p.proallargtypes);
