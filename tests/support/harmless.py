"""Statements that only read, however much they look like something else: the guard lets every one of them run.

They need nothing but the fixtures of `tests.support.hostile`.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Harmless:
    """A harmless statement.

    Attributes:
        category: What kind of reading it is.
        sql: The statement.
        parameter_types: The types of its parameters.
        needs: An extension or a version of PostgreSQL it needs, as `vector` or `17`.
    """

    category: str
    sql: str
    parameter_types: tuple[str, ...] = ()
    needs: str = ""


def _all(category: str, *statements: str, needs: str = "") -> tuple[Harmless, ...]:
    return tuple(Harmless(category, sql, needs=needs) for sql in statements)


HARMLESS: tuple[Harmless, ...] = (
    *_all(
        "literals that look like commands",
        "SELECT 'DROP TABLE lab.docs; --' AS advice",
        "SELECT id FROM lab.docs WHERE title = 'delete from lab.docs where 1=1'",
        "SELECT $$begin; update lab.docs set title = ''; commit$$ AS quoted",
        "SELECT $q$ a 'string' with $$ in it $q$, E'tab\\t and \\' quote', U&'d\\0061t\\+000061'",
        "SELECT 'pg_read_file(''/etc/passwd'')' AS text, ':funcid 2077' AS \":funcid 2077\"",
        "SELECT '{FUNCEXPR :funcid 2077}' AS \"a b) (c {d} \\ e\"",
        "SELECT title FROM lab.docs WHERE title ILIKE '%; select pg_sleep(10)%'",
    ),
    *_all(
        "names that look like commands",
        'SELECT 1 AS "select", 2 AS "drop table", 3 AS "insert into"',
        'SELECT "drop"."delete" FROM lab."drop" WHERE "update" IS NOT NULL',
        "WITH deleted AS (SELECT 1 AS set_config) SELECT set_config FROM deleted",
        "SELECT 1 AS a, 2 AS a, 3 AS a",
    ),
    *_all(
        "comments and semicolons",
        "SELECT 1;",
        "-- drop table lab.docs;\nSELECT 1 -- and nothing else",
        "/* outer /* inner */ still outer */ SELECT 1 /* trailing */ ; ; -- end",
        "SELECT 1 ; ;\n",
        "SELECT 1 --; drop table lab.docs",
    ),
    *_all(
        "windows and groups",
        "SELECT id, row_number() OVER (PARTITION BY organization_id ORDER BY id) FROM lab.docs",
        "SELECT id, sum(amount) OVER (ORDER BY opened RANGE BETWEEN INTERVAL '7 days' PRECEDING AND CURRENT ROW) "
        "FROM lab.docs",
        "SELECT id, lag(amount, 1, 0.0) OVER w, ntile(4) OVER w FROM lab.docs WINDOW w AS (ORDER BY id)",
        "SELECT title, opened, count(*), grouping(title) FROM lab.docs "
        "GROUP BY GROUPING SETS ((title), (opened), ()) HAVING count(*) > 0",
        "SELECT count(*) FILTER (WHERE amount > 1), string_agg(DISTINCT title, ', ' ORDER BY title) FROM lab.docs",
        "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY amount), "
        "mode() WITHIN GROUP (ORDER BY title) FROM lab.docs",
        "SELECT DISTINCT ON (title) title, id FROM lab.docs ORDER BY title, id DESC NULLS LAST",
        "SELECT array_agg(id ORDER BY id DESC), stddev_samp(amount), corr(id, "
        "id) FROM lab.docs GROUP BY ROLLUP (title)",
    ),
    *_all(
        "joins and queries in queries",
        "SELECT d.id, x.n FROM lab.docs AS d CROSS JOIN LATERAL (SELECT count(*) AS n FROM lab.docs AS e "
        "WHERE e.id < d.id) AS x",
        "SELECT d.id FROM lab.docs AS d LEFT JOIN lab.docs AS e USING (id) WHERE EXISTS "
        "(SELECT FROM lab.docs AS f WHERE f.id = d.id) AND d.id IN (SELECT id FROM lab.docs)",
        "SELECT id FROM lab.docs UNION ALL SELECT 1 EXCEPT SELECT 2 INTERSECT SELECT 3 ORDER BY 1 LIMIT 10 OFFSET 0",
        "SELECT (SELECT max(id) FROM lab.docs) AS last, ARRAY(SELECT id FROM lab.docs ORDER BY id) AS ids",
        "(SELECT 1) UNION (SELECT 2)",
        "SELECT id FROM lab.docs ORDER BY id FETCH FIRST 3 ROWS WITH TIES",
        "SELECT * FROM lab.v_open",
        "SELECT lab.doubled(id) FROM lab.docs",
    ),
    *_all(
        "common table expressions",
        "WITH recent AS MATERIALIZED (SELECT * FROM lab.docs WHERE opened > '2026-01-01') SELECT count(*) FROM recent",
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) SELECT sum(i) FROM n",
        "WITH RECURSIVE tree (id, up) AS (SELECT 1, 0 UNION ALL SELECT id + 1, id FROM tree WHERE id < 5) "
        "SEARCH DEPTH FIRST BY id SET place CYCLE id SET again USING way SELECT id, again FROM tree",
    ),
    *_all(
        "tables without SELECT",
        "VALUES (1, 'a'), (2, 'b'), (3, NULL)",
        "TABLE lab.docs",
        "SELECT * FROM (VALUES (1, 'one'), (2, 'two')) AS t (n, word) ORDER BY word COLLATE \"C\"",
        "SELECT FROM lab.docs",
        "SELECT n, s FROM generate_series(1, 10) WITH ORDINALITY AS g (n, s)",
        "SELECT * FROM ROWS FROM (generate_series(1, 2), unnest(ARRAY['a', 'b'])) AS t (a, b)",
        "SELECT id FROM lab.docs TABLESAMPLE BERNOULLI (50) REPEATABLE (7)",
        "SELECT id FROM lab.docs TABLESAMPLE SYSTEM (100)",
    ),
    *_all(
        "JSON",
        "SELECT attributes ->> 'severity', attributes #>> '{a,b}', attributes @> '{\"a\": 1}' FROM lab.docs",
        "SELECT jsonb_path_query(attributes, '$.items[*] ? (@.size > 3)') FROM lab.docs",
        "SELECT key, value FROM lab.docs CROSS JOIN LATERAL jsonb_each_text(attributes)",
        "SELECT jsonb_build_object('id', id, 'tags', to_jsonb(tags)), jsonb_agg(title) FROM lab.docs GROUP BY id, tags",
        'SELECT * FROM jsonb_to_recordset(\'[{"a": 1, "b": "x"}]\') AS t (a integer, b text)',
        "SELECT attributes['severity'] FROM lab.docs WHERE attributes ? 'severity'",
        "SELECT row_to_json(d) FROM lab.docs AS d LIMIT 1",
    ),
    *_all(
        "SQL/JSON",
        "SELECT JSON_OBJECT('a': 1, 'b': title), JSON_ARRAYAGG(title) FROM lab.docs GROUP BY title",
        "SELECT title IS JSON OBJECT, pg_input_is_valid(title, 'integer') FROM lab.docs",
        needs="16",
    ),
    *_all(
        "JSON_TABLE",
        "SELECT JSON_VALUE(attributes, '$.severity' RETURNING integer DEFAULT 0 ON EMPTY), "
        "JSON_EXISTS(attributes, '$.a') FROM lab.docs",
        "SELECT j.* FROM lab.docs, JSON_TABLE(attributes, '$.items[*]' COLUMNS (n FOR ORDINALITY, "
        "size integer PATH '$.size', NESTED PATH '$.parts[*]' COLUMNS (part text PATH '$'))) AS j",
        needs="17",
    ),
    *_all(
        "values of every kind",
        "SELECT tags && ARRAY['a', 'b'], tags[1:2], array_length(tags, 1), 'a' = ANY (tags) FROM lab.docs",
        "SELECT span @> DATE '2026-03-01', lower(span), daterange('2026-01-01', '2026-02-01', "
        "'[]') && span FROM lab.docs",
        "SELECT now() - INTERVAL '3 days', date_trunc('week', opened), extract(isodow FROM opened), "
        "opened + 30, age(opened), to_char(now(), 'YYYY-MM-DD HH24:MI'), "
        "now() AT TIME ZONE 'Europe/Berlin' FROM lab.docs",
        "SELECT regexp_replace(title, '\\d+', '#', 'g'), title ~* '^cap', split_part(title, '-', 1), "
        "regexp_split_to_array(title, E'\\\\s+'), title SIMILAR TO '%(a|b)%' FROM lab.docs",
        "SELECT CASE WHEN amount > 10 THEN 'big' WHEN amount IS NULL THEN '?' ELSE 'small' END, coalesce(title, ''), "
        "nullif(title, ''), greatest(1, 2, 3), (1, 2) < (3, 4), amount IS DISTINCT FROM 1, "
        "NOT (id = 1) IS TRUE FROM lab.docs",
        "SELECT CAST(id AS text), id::numeric(10, 2), '12'::integer, '2026-01-01'::date, ('{1,2}'::integer[])[1], "
        "ROW(1, 'a'), (ROW(1, 2)).f1, 'now'::timestamptz, 'pg_class'::regclass, X'1F'::integer, B'101' FROM lab.docs",
        "SELECT random(), clock_timestamp(), gen_random_uuid(), current_user, current_date, localtimestamp, version()",
        "SELECT md5(title), sha256(convert_to(title, 'UTF8')), encode('a'::bytea, 'hex'), repeat('ab', 3), "
        "format('%s: %I', title, 'x'), reverse(title), lpad('7', 3, '0'), position('a' IN title), "
        "trim(both FROM title), "
        "overlay(title PLACING 'x' FROM 1), substring(title FROM 1 FOR 2) FROM lab.docs",
        "SELECT 'Prüfung naïve 試験 🔧' AS \"Überschrift\", U&'\\00E4', length('ß'), upper('straße' COLLATE \"C\")",
        "SELECT '10.0.0.1'::inet << '10.0.0.0/8', point(1, 2) <-> point(3, 4), 5 BETWEEN 1 AND 9, 7 # 2, |/ 16 "
        "FROM (SELECT 1) AS t WHERE false",
        "SELECT pg_typeof(id), pg_column_size(title) FROM lab.docs",
        "SELECT mood, mood > 'calm'::lab.mood, enum_range(NULL::lab.mood) FROM lab.moods",
        "SELECT 'a'::lab.short_code, v::lab.short_code FROM (VALUES ('b')) AS t (v)",
    ),
    *_all(
        "search",
        "SELECT id, ts_rank(to_tsvector('english', title), q) FROM lab.docs, websearch_to_tsquery('english', "
        "'pump seal') "
        "AS q WHERE to_tsvector('english', title) @@ q",
        "SELECT ts_headline('english', title, plainto_tsquery('seal')), "
        "to_tsvector(title) || to_tsvector('x') FROM lab.docs",
    ),
    *_all(
        "trigrams",
        "SELECT similarity('pump', 'pumps'), 'pump' % 'pumps', word_similarity('a', 'ab')",
        needs="pg_trgm",
    ),
    *_all(
        "vectors",
        "SELECT '[1,2,3]'::vector <=> '[3,2,1]'::vector AS cosine, '[1,2]'::vector <-> '[2,1]'",
        "SELECT v FROM (VALUES ('[1,0]'::vector), ('[0,1]')) AS t (v) ORDER BY v <=> '[1,1]' LIMIT 1",
        "SELECT avg(v), sum(v), l2_normalize(max(v::text)::vector) FROM (VALUES ('[1,0]'::vector)) AS t (v)",
        needs="vector",
    ),
    *_all(
        "EXPLAIN",
        "EXPLAIN SELECT * FROM lab.docs WHERE id = 1",
        "EXPLAIN ANALYZE SELECT count(*) FROM lab.docs",
        "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT * FROM lab.docs ORDER BY id",
        "explain (costs off, verbose true, timing off, summary on, analyze on) WITH x AS (SELECT 1) TABLE x",
        "EXPLAIN VERBOSE (SELECT 1)",
        "EXPLAIN (SELECT 1) UNION SELECT 2;",
    ),
    *_all(
        "SHOW",
        "SHOW work_mem",
        "SHOW server_version;",
        "show time zone",
        "SHOW TRANSACTION ISOLATION LEVEL",
        'SHOW "TimeZone"',
        "SELECT current_setting('server_version_num')::integer, current_setting('TimeZone', true)",
    ),
    *_all(
        "the catalogue",
        "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema = 'lab'",
        "SELECT column_name, data_type, is_nullable FROM information_schema.columns WHERE table_name = 'docs'",
        "SELECT c.relname, pg_size_pretty(pg_total_relation_size(c.oid)), obj_description(c.oid, 'pg_class') "
        "FROM pg_class AS c WHERE c.relkind = 'r' LIMIT 3",
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'lab'",
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'lab.docs'::regclass",
        "SELECT has_table_privilege('lab.docs', 'select'), to_regclass('lab.docs'), format_type(23, -1)",
        "SELECT policyname, qual FROM pg_policies WHERE tablename = 'docs'",
        "SELECT name, setting FROM pg_settings WHERE name = 'work_mem'",
    ),
    Harmless("parameters", "SELECT * FROM lab.docs WHERE id = $1 AND title = $2", ("bigint", "text")),
    Harmless("parameters", "SELECT * FROM lab.docs WHERE opened > $1 AND id = ANY ($2)", ("date", "integer[]")),
    Harmless("parameters", "SELECT * FROM lab.docs WHERE opened > $1 AND amount < $2", ("unknown", "unknown")),
    Harmless("parameters", "EXPLAIN SELECT * FROM lab.docs WHERE id = $1", ("integer",)),
    Harmless("parameters", "SELECT $1::numeric(10, 2), $2", ("numeric(10,2)", "double precision")),
    *_all(
        "much, but not too much",
        "SELECT x + x AS x FROM (SELECT x + x AS x FROM (SELECT x + x AS x FROM (SELECT id AS x FROM lab.docs) a) b) c",
        "WITH "
        + ", ".join(f"a{i} AS (SELECT * FROM {f'a{i - 1}' if i else 'lab.docs'})" for i in range(40))
        + " SELECT count(*) FROM a39",
        "WITH "
        + ", ".join(
            f"a{i} AS (SELECT p.x + q.x AS x FROM a{i - 1} p, a{i - 1} q)" if i else "a0 AS (SELECT 1 AS x)"
            for i in range(12)
        )
        + " SELECT * FROM a11",
        "SELECT id FROM lab.docs WHERE id IN (" + ", ".join(map(str, range(7_000))) + ")",
        " UNION ALL ".join(f"SELECT {i} AS n" for i in range(300)),
        "SELECT " + ", ".join(f"count(*) FILTER (WHERE amount > {i}) AS c{i}" for i in range(400)) + " FROM lab.docs",
        "SELECT * FROM (" * 50 + "SELECT * FROM lab.docs" + ") AS q" * 50,
        "SELECT "
        + ", ".join(f"CASE WHEN x > {i} THEN x ELSE -x END AS x{i}" for i in range(50))
        + " FROM (SELECT coalesce(amount, 0) + 1 AS x FROM lab.docs) AS q",
        "SELECT count(*) FROM lab.docs GROUP BY CUBE (id, title, amount, opened)",
    ),
    *_all(
        "more shapes",
        "SELECT range_agg(int4range(id, id + 1)) FROM lab.docs",
        "SELECT mode() WITHIN GROUP (ORDER BY title), corr(id, id), width_bucket(5, 0, 10, 5) FROM lab.docs",
        "SELECT id FROM lab.docs ORDER BY id FETCH FIRST 3 ROWS WITH TIES",
        "SELECT (ARRAY[1, 2, 3])[2:3], '{1,2}'::int[], '(1,2)'::point, int4range(1, 5) @> 3",
        "SELECT timezone('UTC', now()), make_date(2024, 1, 1), justify_hours('30 hours')",
        "SELECT 1 --\rFROM lab.docs",
        "(SELECT 1) UNION ALL (SELECT 2) ORDER BY 1",
    ),
)
