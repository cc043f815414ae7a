"""Statements that a read-only SQL tool must not run, and the objects some of them need.

Plain data: `HOSTILE` is the list, `FIXTURES` makes a schema `lab` full of traps (functions, operators, views, casts,
aggregates, domains) that the owner of the database gave away freely, so that privileges alone do not stop them.
"""

from dataclasses import dataclass
from typing import Literal

CANARY = "CANARY-OF-THE-OTHERS"
"""Stands in every row of the other organization; seeing it is a leak."""


@dataclass(frozen=True)
class Hostile:
    """A hostile statement.

    Attributes:
        category: What kind of trick it is.
        sql: The statement.
        note: The fixture it needs, or the point of it.
        stopped_by: `guard`, or `limits` for a statement that reads nothing forbidden and only costs too much.
        only_guard: Why the database alone does not stop it; empty if it does.
        run_without_guard: Whether it may be run in a test as if there were no guard.
    """

    category: str
    sql: str
    note: str = ""
    stopped_by: Literal["guard", "limits"] = "guard"
    only_guard: str = ""
    run_without_guard: bool = True


def _growing(category: str, *statements: str) -> tuple[Hostile, ...]:
    why = "the planner multiplies it, and listens to no time limit meanwhile"
    return tuple(Hostile(category, sql, why, only_guard=why, run_without_guard=False) for sql in statements)


def _nested(expression: str, levels: int, first: str = "SELECT id AS x FROM lab.docs") -> str:
    return f"SELECT {expression} AS x FROM (" * levels + first + ") AS q" * levels


FIXTURES = """
CREATE SCHEMA lab;
GRANT USAGE ON SCHEMA lab TO qms_sql, qms_probe, qms_app;
CREATE TYPE lab.mood AS ENUM ('calm', 'tense');
CREATE DOMAIN lab.short_code AS text CHECK (length(value) < 10);
CREATE TABLE lab.docs (
    id integer PRIMARY KEY, organization_id uuid NOT NULL, title text, tags text[], amount numeric, opened date,
    attributes jsonb DEFAULT '{}', span daterange, "update" text GENERATED ALWAYS AS (title || '!') STORED
);
INSERT INTO lab.docs (id, organization_id, title, tags, amount, opened, attributes, span)
SELECT i, current_setting('lab.ours')::uuid, 'pump seal ' || i, ARRAY['a'], i, DATE '2026-01-01' + i,
    '{"severity": 1, "items": [{"size": 5, "parts": ["p"]}]}', daterange('2026-01-01', '2026-06-01')
FROM generate_series(1, 20) AS i;
INSERT INTO lab.docs (id, organization_id, title)
SELECT i, current_setting('lab.theirs')::uuid, 'CANARY-OF-THE-OTHERS' FROM generate_series(101, 120) AS i;
ALTER TABLE lab.docs ENABLE ROW LEVEL SECURITY;
ALTER TABLE lab.docs FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON lab.docs FOR ALL TO qms_sql, qms_app
    USING (organization_id = (SELECT qms.current_organization_id()));
CREATE TABLE lab."drop" ("delete" text, "update" text);
CREATE TABLE lab.moods (mood lab.mood);
CREATE TABLE lab.log (entry text);
INSERT INTO lab.log VALUES ('start');
CREATE SEQUENCE lab.counter;
CREATE VIEW lab.v_open WITH (security_invoker = true) AS SELECT id, title FROM lab.docs WHERE opened IS NOT NULL;
CREATE FUNCTION lab.doubled(n integer) RETURNS integer LANGUAGE sql IMMUTABLE RETURN n * 2;

-- The owner passes the row-level security of these.
CREATE TABLE lab.unforced AS SELECT * FROM lab.docs WITH NO DATA;
INSERT INTO lab.unforced (id, organization_id, title)
VALUES (1, current_setting('lab.theirs')::uuid, 'CANARY-OF-THE-OTHERS');
ALTER TABLE lab.unforced ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON lab.unforced FOR ALL TO qms_sql, qms_app
    USING (organization_id = (SELECT qms.current_organization_id()));
CREATE VIEW lab.v_owner AS SELECT id, title FROM lab.unforced;
CREATE VIEW lab.v_over_owner WITH (security_invoker = true) AS SELECT * FROM lab.v_owner;
CREATE MATERIALIZED VIEW lab.m_copied AS SELECT id, title FROM lab.unforced;
CREATE TABLE lab.unprotected (organization_id uuid, title text);
INSERT INTO lab.unprotected VALUES (current_setting('lab.theirs')::uuid, 'CANARY-OF-THE-OTHERS');
CREATE TABLE lab.parted (organization_id uuid, title text) PARTITION BY LIST (organization_id);
CREATE TABLE lab.part PARTITION OF lab.parted DEFAULT;
INSERT INTO lab.parted VALUES (current_setting('lab.theirs')::uuid, 'CANARY-OF-THE-OTHERS');
ALTER TABLE lab.parted ENABLE ROW LEVEL SECURITY;

CREATE TABLE lab.bare (title text);
CREATE TABLE lab.bare_child (organization_id uuid) INHERITS (lab.bare);
INSERT INTO lab.bare_child VALUES ('CANARY-OF-THE-OTHERS', current_setting('lab.theirs')::uuid);
ALTER TABLE lab.bare_child ENABLE ROW LEVEL SECURITY;

-- Functions that do more than they say.
CREATE FUNCTION lab.bump() RETURNS text LANGUAGE plpgsql VOLATILE SECURITY DEFINER AS
    $$BEGIN INSERT INTO lab.log VALUES ('bump'); PERFORM nextval('lab.counter'); RETURN 'bumped'; END$$;
CREATE FUNCTION lab.says_stable() RETURNS text LANGUAGE plpgsql STABLE SECURITY DEFINER AS
    $$BEGIN PERFORM pg_advisory_lock(4711); RETURN current_setting('qms.identity', true); END$$;
CREATE FUNCTION lab.says_immutable(n integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS
    $$BEGIN PERFORM pg_advisory_lock(4712); RETURN n; END$$;
CREATE FUNCTION lab.all_rows() RETURNS SETOF lab.unforced LANGUAGE sql STABLE SECURITY DEFINER AS
    'SELECT * FROM lab.unforced';
CREATE FUNCTION lab.all_titles() RETURNS text LANGUAGE sql STABLE SECURITY DEFINER
    RETURN (SELECT string_agg(title, ',') FROM lab.unforced);
CREATE FUNCTION lab.plain_text_body() RETURNS text LANGUAGE sql STABLE AS 'SELECT lab.all_titles()';
CREATE FUNCTION lab.read_body() RETURNS text LANGUAGE sql STABLE RETURN lab.all_titles();
CREATE FUNCTION lab.read_default(t text DEFAULT lab.says_stable()) RETURNS text LANGUAGE sql STABLE RETURN t;
CREATE FUNCTION lab.touch(d lab.docs) RETURNS text LANGUAGE sql VOLATILE SECURITY DEFINER AS 'SELECT lab.bump()';
CREATE FUNCTION lab.runs(statement text) RETURNS text LANGUAGE plpgsql VOLATILE SECURITY DEFINER AS
    $$DECLARE answer text; BEGIN EXECUTE statement INTO answer; RETURN answer; END$$;
CREATE FUNCTION lab.joined(a integer, b integer) RETURNS integer LANGUAGE sql STABLE AS 'SELECT lab.says_immutable(a)';
CREATE OPERATOR lab.@#@ (LEFTARG = integer, RIGHTARG = integer, FUNCTION = lab.joined);
CREATE OPERATOR lab.!! (RIGHTARG = integer, FUNCTION = lab.says_immutable);
CREATE FUNCTION lab.more(a text, b integer) RETURNS text LANGUAGE sql VOLATILE AS 'SELECT lab.bump()';
CREATE AGGREGATE lab.gather(integer) (SFUNC = lab.more, STYPE = text, INITCOND = '');
CREATE FUNCTION lab.last_word(a text) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER AS 'SELECT lab.all_titles()';
CREATE FUNCTION lab.keep(a text, b integer) RETURNS text LANGUAGE sql IMMUTABLE RETURN a;
CREATE AGGREGATE lab.tell(integer) (SFUNC = lab.keep, STYPE = text, INITCOND = '', FINALFUNC = lab.last_word);
CREATE PROCEDURE lab.act() LANGUAGE sql AS 'INSERT INTO lab.log VALUES (''act'')';

-- Types and casts that do more than they say.
CREATE FUNCTION lab.check_word(word text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE SECURITY DEFINER AS
    $$BEGIN PERFORM pg_advisory_lock(4713); RETURN true; END$$;
CREATE DOMAIN lab.checked AS text CHECK (lab.check_word(value));
CREATE DOMAIN lab.checked_twice AS lab.checked;
CREATE TYPE lab.pair AS (n integer, word lab.checked);
CREATE TYPE lab.note AS (word text);
CREATE FUNCTION lab.note_text(n lab.note) RETURNS text LANGUAGE sql VOLATILE SECURITY DEFINER AS 'SELECT lab.bump()';
CREATE FUNCTION lab.note_integer(n lab.note) RETURNS integer LANGUAGE sql VOLATILE SECURITY DEFINER AS
    'SELECT length(lab.bump())';
CREATE CAST (lab.note AS integer) WITH FUNCTION lab.note_integer(lab.note) AS IMPLICIT;
CREATE TYPE lab.memo AS (word text);
CREATE FUNCTION lab.memo_json(m lab.memo) RETURNS json LANGUAGE sql STABLE SECURITY DEFINER AS
    'SELECT to_json(lab.says_stable())';
CREATE CAST (lab.memo AS json) WITH FUNCTION lab.memo_json(lab.memo);

-- Views over all of it.
CREATE VIEW lab.v_function AS SELECT * FROM lab.all_rows();
CREATE VIEW lab.v_over_function AS SELECT id, title FROM lab.v_function;
CREATE VIEW lab.v_bump AS SELECT lab.bump() AS bumped;
CREATE VIEW lab.v_next AS SELECT nextval('lab.counter') AS n;
CREATE VIEW lab.v_lock AS SELECT pg_try_advisory_lock(4714) AS held;
CREATE VIEW lab.v_setting AS SELECT current_setting('qms.identity', true) AS identity;
CREATE VIEW lab.v_for_update AS SELECT entry FROM lab.log FOR UPDATE;
CREATE VIEW lab.v_operator AS SELECT 1 OPERATOR(lab.@#@) 2 AS n;

-- And a table that rewrites what is done to it.
CREATE TABLE lab.ruled (entry text);
CREATE RULE also AS ON INSERT TO lab.ruled DO ALSO INSERT INTO lab.log VALUES ('rule');

GRANT SELECT ON ALL TABLES IN SCHEMA lab TO qms_sql, qms_app;
GRANT SELECT ON ALL SEQUENCES IN SCHEMA lab TO qms_sql;
GRANT EXECUTE ON ALL ROUTINES IN SCHEMA lab TO qms_sql, qms_probe, qms_app;
"""

_OWNER_ONLY = "the owner of the database made and granted it: privileges allow it, and only its tree shows it"
_SESSION = "PostgreSQL lets every role do it, in a read-only transaction too; cleaning the session ends it"


def _all(category: str, *statements: str, note: str = "", only_guard: str = "") -> tuple[Hostile, ...]:
    return tuple(Hostile(category, sql, note, only_guard=only_guard) for sql in statements)


def _costly(category: str, *statements: str) -> tuple[Hostile, ...]:
    return tuple(Hostile(category, sql, "ends at the time limit", stopped_by="limits") for sql in statements)


HOSTILE: tuple[Hostile, ...] = (
    *_all(
        "more than one statement",
        "SELECT 1; SELECT 2",
        "SELECT 1; DROP TABLE lab.log",
        "SELECT 1; END; DROP TABLE lab.log; --",
        "SELECT 1;; DELETE FROM lab.log",
        "COMMIT; DELETE FROM lab.log; BEGIN",
        "SELECT 1; COMMIT; INSERT INTO lab.log VALUES ('x')",
        "SELECT 1; END $$; DROP TABLE lab.log; SELECT $$",
        "SELECT ';' ; INSERT INTO lab.log VALUES (';')",
        "SELECT 1 /* ; */ ; TRUNCATE lab.log",
        "SELECT 1\n;\n\nSET ROLE postgres",
        "EXPLAIN SELECT 1; DELETE FROM lab.log",
        "SHOW work_mem; DELETE FROM lab.log",
        "SELECT $a$ $b$ $a$; DELETE FROM lab.log; SELECT $b$ $b$",
    ),
    *_all(
        "ending the body",
        "SELECT 1; END",
        "RETURN 1",
        "SELECT 1 /*",
        "SELECT 'open",
        'SELECT "open',
        "SELECT $x$ open",
        "SELECT 1 \\; DROP TABLE lab.log",
        "SELECT 1; END LANGUAGE plpgsql SECURITY DEFINER AS 'x'; --",
        "BEGIN ATOMIC SELECT 1; END",
        "SELECT E'\\'; DELETE FROM lab.log; --'; SELECT '",
        "SELECT 1 /* /* */; DELETE FROM lab.log; --",
        "",
        "   ;;  -- nothing",
    ),
    *_all(
        "transactions and sessions",
        "BEGIN",
        "START TRANSACTION READ WRITE",
        "COMMIT",
        "ROLLBACK",
        "SAVEPOINT a",
        "PREPARE TRANSACTION 'x'",
        "SET TRANSACTION READ WRITE",
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
        "SET ROLE qms_app",
        "SET SESSION AUTHORIZATION DEFAULT",
        "SET statement_timeout = 0",
        "SET LOCAL qms.identity = 'forged'",
        "RESET ALL",
        "RESET ROLE",
        "DISCARD ALL",
        "ABORT",
        "END AND CHAIN",
        "ROLLBACK TO SAVEPOINT a",
        "RELEASE a",
        "COMMIT PREPARED 'x'",
        "SET CONSTRAINTS ALL DEFERRED",
        "/**/ commit --",
        "\ufeffSELECT 1; DROP TABLE lab.log",
        "\uff33\uff25\uff2c\uff25\uff23\uff34 pg_sleep(5)",
        "SELECT\u00a0pg_sleep(5)",
        "\\copy lab.log to /tmp/x",
    ),
    *_all(
        "changing rows",
        "INSERT INTO lab.log VALUES ('x')",
        "UPDATE lab.log SET entry = 'x'",
        "DELETE FROM lab.log",
        "MERGE INTO lab.log AS l USING (SELECT 1) AS s ON false WHEN NOT MATCHED THEN INSERT VALUES ('x')",
        "TRUNCATE lab.log",
        "WITH gone AS (DELETE FROM lab.log RETURNING *) SELECT * FROM gone",
        "WITH a AS (INSERT INTO lab.log VALUES ('x') RETURNING *) SELECT count(*) FROM a",
        "WITH a AS (UPDATE lab.log SET entry = 'y' RETURNING *) SELECT 1",
        "WITH a AS (SELECT 1) DELETE FROM lab.log",
        "WITH a AS (SELECT 1) MERGE INTO lab.log USING a ON false WHEN NOT MATCHED THEN INSERT VALUES ('x')",
        "SELECT * FROM (WITH x AS (SELECT 1) SELECT * FROM x) AS q, LATERAL (VALUES (lab.bump())) AS w",
        "SELECT * INTO lab.copied FROM lab.log",
        "SELECT 1 AS a INTO TEMP stolen",
        "CREATE TABLE lab.copied AS SELECT * FROM lab.log",
        "SELECT entry FROM lab.log FOR UPDATE",
        "SELECT entry FROM lab.log FOR KEY SHARE SKIP LOCKED",
        "SELECT * FROM (SELECT entry FROM lab.log FOR NO KEY UPDATE) AS q",
        "SELECT * FROM lab.v_for_update",
        "TABLE lab.log FOR SHARE",
    ),
    *_all(
        "definitions and administration",
        "CREATE TEMP TABLE t (a integer)",
        "CREATE FUNCTION pg_temp.f() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "ALTER TABLE lab.docs DISABLE ROW LEVEL SECURITY",
        "DROP SCHEMA lab CASCADE",
        "GRANT ALL ON lab.log TO PUBLIC",
        "REVOKE ALL ON lab.docs FROM qms_app",
        "ALTER ROLE qms_sql SUPERUSER",
        "ALTER SYSTEM SET log_statement = 'none'",
        "ALTER DATABASE qms SET search_path = evil",
        "COMMENT ON TABLE lab.log IS 'x'",
        "VACUUM lab.log",
        "ANALYZE lab.log",
        "REINDEX TABLE lab.docs",
        "CLUSTER lab.docs",
        "REFRESH MATERIALIZED VIEW lab.m_copied",
        "CHECKPOINT",
        "LOAD 'auto_explain'",
        "CREATE EXTENSION dblink",
        "LOCK TABLE lab.log IN ACCESS EXCLUSIVE MODE",
        "SECURITY LABEL ON TABLE lab.log IS 'x'",
    ),
    *_all(
        "commands that run commands",
        "DO $$BEGIN DELETE FROM lab.log; END$$",
        "CALL lab.act()",
        "PREPARE p AS DELETE FROM lab.log",
        "EXECUTE p",
        "DEALLOCATE ALL",
        "DECLARE c CURSOR WITH HOLD FOR SELECT 1",
        "FETCH ALL FROM c",
        "CLOSE ALL",
        "COPY (SELECT 1) TO '/tmp/qms-stolen'",
        "COPY lab.log FROM PROGRAM 'id'",
        "COPY (SELECT 1) TO PROGRAM 'id'",
        "LISTEN news",
        "NOTIFY news, 'x'",
        "UNLISTEN *",
        "SELECT lab.runs('DELETE FROM lab.log')",
    ),
    Hostile("commands that run commands", "COPY lab.log TO STDOUT", "begins another protocol", run_without_guard=False),
    Hostile("commands that run commands", "COPY lab.log FROM STDIN", "waits for data", run_without_guard=False),
    *_all(
        "queries in texts",
        "SELECT query_to_xml('SELECT title FROM lab.docs', true, false, '')",
        "SELECT query_to_xml_and_xmlschema('DELETE FROM lab.log', true, false, '')",
        "SELECT table_to_xml('lab.log', true, false, '')",
        "SELECT schema_to_xml('lab', true, false, '')",
        "SELECT database_to_xml(true, false, '')",
        "SELECT cursor_to_xml('c', 1, true, false, '')",
        "SELECT * FROM ts_stat('SELECT to_tsvector(lab.bump())')",
        "SELECT ts_rewrite('a'::tsquery, 'SELECT t, s FROM lab.rewrites')",
        "SELECT * FROM crosstab('SELECT lab.bump(), 1, 1') AS t (a text, b integer)",
        "SELECT * FROM dblink('dbname=postgres', 'SELECT 1') AS t (a integer)",
        "SELECT * FROM xpath_table('id', 'x', 'lab.docs', '/', 'true') AS t (a integer)",
    ),
    *_all(
        "sequences, large objects, locks and messages",
        "SELECT nextval('lab.counter')",
        "SELECT setval('lab.counter', 9999)",
        "SELECT currval('lab.counter')",
        "SELECT lastval()",
        "SELECT last_value FROM lab.counter",
        "TABLE pg_sequences",
        "SELECT lo_create(0)",
        "SELECT lo_from_bytea(0, 'x')",
        "SELECT lo_import('/etc/passwd')",
        "SELECT lo_export(1, '/tmp/qms-stolen')",
        "SELECT lo_get(1)",
        "SELECT * FROM pg_largeobject",
        "SELECT pg_notify('news', 'x')",
        "SELECT pg_logical_emit_message(true, 'x', 'y')",
        "SELECT txid_current()",
    ),
    *_all(
        "advisory locks",
        "SELECT pg_advisory_lock(1)",
        "SELECT pg_try_advisory_lock_shared(1, 2)",
        "SELECT pg_advisory_xact_lock(hashtext(title)) FROM lab.docs",
        "SELECT CASE WHEN true THEN pg_advisory_unlock_all() END",
        "SELECT * FROM lab.v_lock",
        only_guard=_SESSION,
    ),
    *_all(
        "forged identity",
        "SELECT set_config('qms.identity', 'forged', true)",
        "SELECT set_config('role', 'postgres', false)",
        "SELECT set_config('request.jwt.claims', '{\"sub\": \"x\"}', false)",
        "WITH forged AS MATERIALIZED (SELECT set_config('qms.identity', repeat('0', 64) || '.{}', true) AS s) "
        "SELECT title FROM forged, lab.docs WHERE s IS NOT NULL",
        "SELECT title, set_config('transaction_read_only', 'off', true) FROM lab.docs",
        "SELECT set_config('statement_timeout', '0', false), set_config('search_path', 'evil', false)",
        "SELECT set_config('session_authorization', 'postgres', false)",
        "SELECT set_config('row_security', 'off', true), (SELECT count(*) FROM lab.docs)",
        "SELECT * FROM lab.docs WHERE set_config('role', 'qms_owner', true) = 'x'",
        "UPDATE pg_settings SET setting = 'off' WHERE name = 'transaction_read_only'",
        note="what a policy would trust",
    ),
    *_all(
        "settings that hold secrets",
        "SHOW qms.identity",
        "SHOW request.jwt.claims",
        'SHOW "qms"."identity"',
        'SHOW "qms.identity"',
        'SHOW U&"qms\\002eidentity"',
        "SELECT current_setting('qms.identity', true)",
        "SELECT current_setting('app.settings.jwt_secret', true)",
        "SELECT current_setting('request.jwt.' || 'claims', true)",
        "SELECT current_setting(n, true) FROM (VALUES ('qms.identity')) AS t (n)",
        "SELECT U&\"current\\005fsetting\"('qms.identity', true)",
        "SELECT * FROM lab.v_setting",
        only_guard="a session may read its own settings; the identity in them is bound to it and expires",
    ),
    *_all(
        "functions",
        "SELECT lab.bump()",
        "SELECT pg_catalog.\"set_config\"('a.b', 'c', false)",
        "SELECT 1 WHERE lab.bump() IS NULL",
        "SELECT * FROM lab.docs ORDER BY lab.bump()",
        "SELECT count(*) FILTER (WHERE lab.bump() > '') FROM lab.docs",
        "SELECT 1 LIMIT length(lab.bump())",
        "VALUES (lab.bump())",
        "SELECT CASE WHEN false THEN lab.bump() END",
        "SELECT (d).touch FROM lab.docs AS d",
        "SELECT d.touch FROM lab.docs AS d",
        "SELECT * FROM lab.docs AS d WHERE d.touch = 'x'",
        "EXPLAIN ANALYZE SELECT lab.bump()",
        "EXPLAIN (ANALYZE) SELECT * FROM lab.v_bump",
        "SELECT sum(length(lab.bump())) OVER (ORDER BY id) FROM lab.docs",
        "SELECT * FROM ROWS FROM (lab.bump()) AS t (a)",
        "SELECT lab.note_text(ROW('x'))",
        "SELECT (ROW('x')::lab.note).note_text",
        "SELECT lab.gather(id) FROM lab.docs",
        "SELECT lab.gather(id) OVER () FROM lab.docs",
        "SELECT ROW('x')::lab.note + 1",
        "SELECT 1 IN (SELECT ROW('x')::lab.note::integer)",
        "SELECT setseed(0.5)",
    ),
    *_all(
        "functions that lie about themselves",
        "SELECT lab.says_stable()",
        "SELECT lab.says_immutable(1)",
        "SELECT * FROM generate_series(1, lab.says_immutable(3))",
        "SELECT lab.read_default()",
        "SELECT 1 OPERATOR(lab.@#@) 2",
        "SELECT OPERATOR(lab.!!) 2",
        "SELECT * FROM lab.v_operator",
        "SELECT 1 OPERATOR(lab.@#@) ANY (ARRAY[1, 2])",
        "EXPLAIN SELECT lab.says_immutable(1)",
        note="STABLE or IMMUTABLE by label, locking by body",
        only_guard=_OWNER_ONLY,
    ),
    *_all(
        "types that run functions",
        "SELECT 'x'::lab.checked",
        "SELECT title::lab.checked FROM lab.docs",
        "SELECT CAST('x' AS lab.checked_twice)",
        "SELECT '{x}'::lab.checked[]",
        "SELECT ARRAY['x']::lab.checked[]",
        "SELECT '(1,x)'::lab.pair",
        "SELECT E'\\x28\\x31,x)'::lab.pair",
        "SELECT ROW(1, 'x')::lab.pair",
        "SELECT lab.\"pair\" '(1,x)'",
        'SELECT U&"lab".U&"p\\0061ir" \'(1,x)\'',
        "SELECT title::text[]::lab.checked[] FROM lab.docs",
        'SELECT * FROM json_populate_record(NULL::lab.pair, \'{"n": 1, "word": "x"}\')',
        'SELECT * FROM jsonb_to_record(\'{"word": "x"}\') AS t (word lab.checked)',
        "SELECT record_in('(1,x)', 'lab.pair'::regtype::oid, -1)",
        "SELECT domain_in('x', 'lab.checked'::regtype::oid, -1)",
        "SELECT pg_input_is_valid('x', 'lab.checked')",
        "SELECT to_json(ROW('x')::lab.memo)",
        "SELECT jsonb_agg(m) FROM (SELECT ROW('x')::lab.memo) AS t (m)",
        "SELECT row_to_json(t) FROM (SELECT ROW('x')::lab.memo AS m) AS t",
        "SELECT JSON_OBJECT('a': ROW('x')::lab.memo)",
        "SELECT * FROM JSON_TABLE('[{\"w\": \"x\"}]', '$[*]' COLUMNS (w lab.checked PATH '$.w')) AS t",
        "SELECT XMLELEMENT(NAME a, ROW('x')::lab.checked)",
        note="the check or the cast takes a lock",
        only_guard=_OWNER_ONLY,
    ),
    *_all(
        "rows of others through rights of others",
        "SELECT * FROM lab.all_rows()",
        "SELECT lab.all_titles()",
        "SELECT lab.plain_text_body()",
        "SELECT lab.read_body()",
        "SELECT * FROM lab.v_function",
        "SELECT count(title), max(title) FROM lab.v_over_function",
        "SELECT * FROM lab.v_owner",
        "SELECT * FROM lab.v_over_owner",
        "SELECT * FROM lab.m_copied",
        "SELECT * FROM lab.unprotected",
        "SELECT * FROM lab.part",
        "SELECT * FROM lab.bare",
        "SELECT lab.tell(id) FROM lab.docs",
        "WITH a AS (SELECT * FROM lab.v_owner) SELECT title FROM a",
        "EXPLAIN ANALYZE SELECT * FROM lab.v_function",
        note="SECURITY DEFINER, or a view, copy or part without row-level security",
        only_guard=_OWNER_ONLY,
    ),
    *_all(
        "views with side effects",
        "SELECT * FROM lab.v_bump",
        "SELECT * FROM lab.v_next",
        "SELECT EXISTS (SELECT FROM lab.v_next)",
        "TABLE lab.v_bump",
    ),
    *_all(
        "files and the server",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT U&\"\\0070g_read_file\"('/etc/passwd')",
        "SELECT U&\"!0070g_read_file\" UESCAPE '!' ('/etc/passwd')",
        "SELECT pg_read_binary_file('postgresql.conf')",
        "SELECT * FROM pg_ls_dir('/')",
        "SELECT pg_stat_file('/etc/passwd')",
        "SELECT * FROM pg_hba_file_rules",
        "SELECT * FROM pg_file_settings",
        "SELECT * FROM pg_control_system()",
        "SELECT pg_reload_conf()",
        "SELECT pg_rotate_logfile()",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity",
        "SELECT pg_cancel_backend(1)",
        "SELECT pg_switch_wal()",
        "SELECT pg_create_restore_point('x')",
        "SELECT pg_export_snapshot()",
        "SELECT inet_server_addr()",
    ),
    *_all(
        "passwords and other sessions",
        "SELECT rolname, rolpassword FROM pg_authid",
        "TABLE pg_shadow",
        "SELECT * FROM pg_user_mapping",
        "SELECT umoptions FROM pg_user_mappings",
        "SELECT query FROM pg_stat_activity",
        "SELECT * FROM pg_stat_get_activity(NULL)",
        "SELECT pg_stat_get_backend_activity(1)",
        "SELECT query FROM pg_stat_statements",
        "SELECT * FROM pg_locks",
        "SELECT * FROM pg_prepared_statements",
        "SELECT * FROM pg_cursors",
        "SELECT * FROM pg_statistic",
        "SELECT stxdmcv FROM pg_statistic_ext_data",
        "SELECT srvoptions FROM pg_foreign_server",
        "SELECT setconfig FROM pg_db_role_setting",
        "SELECT subconninfo FROM pg_subscription",
        "SELECT * FROM auth.users",
        "SELECT * FROM qms_private.identity_key",
        "SELECT qms_private.sign_identity('x')",
        "SELECT * FROM supabase_migrations.schema_migrations",
    ),
    *_all(
        "EXPLAIN as a disguise",
        "EXPLAIN ANALYZE DELETE FROM lab.log",
        "EXPLAIN (ANALYZE) INSERT INTO lab.log VALUES ('x') RETURNING *",
        "EXPLAIN (ANALYZE, FORMAT JSON) WITH a AS (DELETE FROM lab.log RETURNING *) SELECT * FROM a",
        "EXPLAIN ANALYZE CREATE TABLE lab.copied AS SELECT 1",
        "EXPLAIN ANALYZE EXECUTE p",
        "EXPLAIN ANALYZE DECLARE c CURSOR FOR SELECT 1",
        "EXPLAIN ANALYZE REFRESH MATERIALIZED VIEW lab.m_copied",
        "EXPLAIN UPDATE lab.log SET entry = ''",
        "EXPLAIN (ANALYZE, FOO) SELECT 1",
        "EXPLAIN (FORMAT json; SELECT 1",
        "EXPLAIN",
    ),
    *_all(
        "corners of the server",
        "SELECT query_to_xmlschema('SELECT 1', true, true, '')",
        "SELECT cursor_to_xmlschema('c'::refcursor, true, true, '')",
        "SELECT schema_to_xmlschema('lab', true, true, '')",
        "SELECT * FROM pg_get_backend_memory_contexts()",
        "SELECT pg_sequence_last_value('lab.counter'::regclass)",
        "SELECT * FROM pg_get_sequence_data('lab.counter')",
        "SELECT last_value FROM pg_sequences",
        "SELECT pg_listening_channels()",
        "SELECT pg_notification_queue_usage()",
        "SELECT * FROM pg_ls_logdir()",
        "SELECT * FROM pg_ls_waldir()",
        "SELECT * FROM pg_ls_tmpdir()",
        "SELECT pg_current_logfile()",
        "SELECT pg_relation_filepath('lab.log')",
        "SELECT * FROM pg_get_loaded_modules()",
        "SELECT * FROM pg_aios",
        "SELECT * FROM pg_shmem_allocations",
        "SELECT * FROM pg_stats_ext_exprs",
        "SELECT pg_snapshot_xip(pg_current_snapshot())",
        "SELECT pg_promote()",
        "SELECT pg_log_backend_memory_contexts(pg_backend_pid())",
        "SELECT pg_stat_reset()",
        "SELECT pg_stat_reset_shared('bgwriter')",
        "SELECT pg_stat_clear_snapshot()",
        "SELECT pg_restore_relation_stats('schemaname', 'lab', 'relname', 'log', 'reltuples', 5::real)",
        "SELECT pg_clear_relation_stats('lab', 'log')",
        "SELECT pg_create_physical_replication_slot('x')",
        "SELECT pg_replication_origin_create('x')",
        "SELECT pg_sync_replication_slots()",
        "SELECT pg_wal_replay_pause()",
        "SELECT pg_import_system_collations('lab')",
        "SELECT pg_nextoid('pg_class', 'oid', 'pg_class_oid_index')",
        "SELECT binary_upgrade_set_next_pg_type_oid(1)",
        "SELECT brin_summarize_new_values('pg_class_oid_index')",
        "SELECT gin_clean_pending_list('pg_class_oid_index')",
        "SELECT pg_isolation_test_session_is_blocked(1, '{2}')",
        "SELECT pg_wait_for_backend_termination(1)",
        "SELECT lo_put(1, 0, 'x')",
        "SELECT lo_open(1, 131072)",
        "SELECT pg_advisory_lock_shared(1, 2)",
        "SELECT count(*) FROM pg_class WHERE pg_try_advisory_lock(oid::bigint)",
        "SELECT textin('x')",
        "SELECT record_in('(1)', 'lab.pair'::regtype, -1)",
        "SELECT domain_in('x', 'lab.checked'::regtype, -1)",
        "SELECT pg_input_is_valid('a', 'lab.' || 'checked')",
        "SELECT agents.record('[]')",
        "SELECT qms_private.confirm_approval(gen_random_uuid(), 'approved')",
        "SELECT qms_private.use_approval(gen_random_uuid(), gen_random_uuid(), 'x')",
    ),
    *_all(
        "corners of a query",
        "SELECT * FROM ROWS FROM (generate_series(1, 2), lab.all_rows()) AS t",
        only_guard=_OWNER_ONLY,
    ),
    *_all(
        "corners of a query",
        "SELECT 1 LIMIT lab.says_immutable(1)",
        "SELECT 1 OFFSET lab.says_immutable(0)",
        "SELECT 1 HAVING lab.says_immutable(1) = 1",
        "SELECT 1 GROUP BY GROUPING SETS ((lab.says_immutable(1)), ())",
        "SELECT DISTINCT ON (lab.says_immutable(id)) id FROM lab.docs",
        "SELECT count(*) FILTER (WHERE lab.says_immutable(1) = 1) FROM lab.docs",
        "SELECT sum(1) OVER (ORDER BY id ROWS lab.says_immutable(1) PRECEDING) FROM lab.docs",
        "SELECT * FROM lab.docs TABLESAMPLE BERNOULLI (lab.says_immutable(100))",
        "SELECT a[lab.says_immutable(1)] FROM (VALUES (ARRAY[1])) AS v (a)",
        "WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT lab.says_immutable(n + 1) FROM r WHERE n < 3) TABLE r",
        'SELECT * FROM json_to_recordset(\'[{"d": "x"}]\') AS t (d lab.checked)',
        'SELECT jsonb_populate_record(NULL::lab.pair, \'{"n": 1, "word": "x"}\')',
        "SELECT JSON_VALUE('1', '$' RETURNING lab.checked)",
        'SELECT JSON_QUERY(\'{"n": 1, "word": "x"}\', \'$\' RETURNING lab.pair)',
        "SELECT * FROM JSON_TABLE('[1]', '$[*]' COLUMNS (d lab.checked PATH '$')) AS t",
        "SELECT JSON_ARRAYAGG(ROW('x')::lab.memo)",
        "SELECT jsonb_build_object('a', ROW('x')::lab.memo)",
        "SELECT CASE WHEN true THEN '(1,b)' ELSE NULL::lab.pair END",
    ),
    *_all(
        "XML",
        "SELECT xmlparse(document '<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>')",
        "SELECT xpath('/a', '<!DOCTYPE a [<!ENTITY x \"1\"><!ENTITY y \"&x;&x;\">]><a>&y;</a>'::xml)",
        "SELECT * FROM XMLTABLE('/a' PASSING '<!DOCTYPE a [<!ENTITY x SYSTEM \"/etc/passwd\">]><a>&x;</a>'::xml "
        "COLUMNS b text PATH '.') AS t",
        note="PostgreSQL with libxml opens no file either",
    ),
    *_all(
        "sizes",
        "SELECT " + "+".join(["1"] * 28_000),
        "SELECT " + "(" * 10_000 + "1" + ")" * 10_000,
        "SELECT '" + "x" * 100_000 + "'",
        "SELECT 1 WHERE 1 IN (" + ",".join(str(i) for i in range(25_000)) + ")",
        "SELECT " + "NOT " * 16_000 + "true",
        "SELECT " + "ARRAY[" * 500 + "1" + "]" * 500,
        "SELECT " + "- " * 15_900 + "1",
        "SELECT 1 " + "/*" * 30_000,
        "SELECT " + "CASE WHEN true THEN " * 3_900 + "1" + " END" * 3_900,
        "SELECT 1\0",
        "SELECT '\ud800'",
    ),
    Hostile("sizes", "SELECT repeat('x', 1000000000)", "a gigabyte in one value", run_without_guard=False),
    Hostile("sizes", "SELECT rpad('x', 1000000000)", "the same", run_without_guard=False),
    Hostile("sizes", "SELECT repeat(repeat('x', 1000000), 400)", "a row nobody could hold", "limits"),
    Hostile("sizes", "SELECT repeat(repeat('x', 1000000), 200)::integer", "the same in a message", "limits"),
    Hostile("sizes", "SELECT repeat('x', n) FROM (VALUES (300000000)) AS v (n)", "computed", "limits"),
    Hostile("sizes", "SELECT array_fill(repeat('x', 900000), ARRAY[300])", "as an array", "limits"),
    *_growing(
        "growth in planning",
        _nested("x + x", 30),
        _nested("CASE WHEN x > 1 THEN x ELSE x END", 25),
        _nested("(SELECT x + x)", 25),
        _nested("DISTINCT x + x", 25) + " WHERE x > 5",
        _nested("x || x", 30, first="SELECT 'x'::text AS x"),
        "WITH a0 AS (SELECT 1 AS x), "
        + ", ".join(f"a{i} AS NOT MATERIALIZED (SELECT p.x FROM a{i - 1} AS p, a{i - 1} AS q)" for i in range(1, 25))
        + " SELECT count(*) FROM a24",
        "WITH "
        + ", ".join(f"a{i} AS (SELECT * FROM {f'a{i - 1}' if i else 'pg_class'})" for i in range(900))
        + " SELECT count(*) FROM a899",
        "SELECT l25.x FROM lab.docs AS d, LATERAL (SELECT d.id AS x) AS l0"
        + "".join(f", LATERAL (VALUES (l{i - 1}.x + l{i - 1}.x)) AS l{i} (x)" for i in range(1, 26)),
        "SELECT * FROM (" * 60 + "SELECT " + ", ".join(f"{i} AS c{i}" for i in range(1600)) + ") AS q" * 60,
    ),
    *_all("sleeps", "SELECT pg_sleep(60)", "SELECT pg_sleep_for('1 minute')", "SELECT pg_sleep_until('infinity')"),
    *_costly(
        "bombs",
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i FROM n, generate_series(1, 3)) SELECT sum(i) FROM n",
        "SELECT count(*) FROM generate_series(1, 100000) AS a, generate_series(1, 100000) AS b",
        "SELECT count(*) FROM lab.docs AS a, lab.docs AS b, lab.docs AS c, lab.docs AS d, lab.docs AS e, "
        "lab.docs AS f, lab.docs AS g",
        "SELECT sum(i) FROM generate_series(1, 9000000000) AS i",
        "SELECT 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab' ~ '^((a+)+)+\\1$' FROM generate_series(1, 10000000)",
        "SELECT factorial(30000) % 7 FROM generate_series(1, 100000)",
    ),
)
