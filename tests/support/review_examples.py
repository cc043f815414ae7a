"""For every rule of the review: code it must object to, and code of the same kind it must leave alone."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Example:
    rule: str
    bad: str
    good: str


def _function(body: str, head: str = "", *, returns: str = "integer", parameters: str = "") -> str:
    return f"""
CREATE FUNCTION qms.f({parameters}) RETURNS {returns} LANGUAGE plpgsql {head or "STABLE SET search_path = ''"} AS $$
{body}
$$;
"""


def _begin(body: str, declare: str = "") -> str:
    return f"{'DECLARE ' + declare if declare else ''} BEGIN {body} END"


EXAMPLES = [
    # rights and dynamic SQL
    Example(
        "definer-search-path",
        _function(_begin("RETURN 1;"), "STABLE SECURITY DEFINER"),
        _function(_begin("RETURN 1;"), "STABLE SECURITY DEFINER SET search_path = ''"),
    ),
    Example(
        "definer-open-to-all",
        _function(_begin("RETURN 1;"), "STABLE SECURITY DEFINER SET search_path = ''"),
        _function(_begin("RETURN 1;"), "STABLE SECURITY DEFINER SET search_path = ''")
        + "REVOKE EXECUTE ON FUNCTION qms.f() FROM PUBLIC;",
    ),
    Example(
        "dynamic-concatenation",
        _function(_begin("EXECUTE 'SELECT * FROM ' || who; RETURN 1;"), parameters="who text"),
        _function(
            _begin("EXECUTE 'SELECT * FROM ' || quote_ident(who) || ' WHERE a = $1' USING who; RETURN 1;"),
            parameters="who text",
        ),
    ),
    Example(
        "dynamic-concatenation",
        _function(_begin("statement := 'DELETE FROM t WHERE a = ' || who; EXECUTE statement; RETURN 1;")),
        _function(_begin("statement := format('DELETE FROM t WHERE a = %L', who); EXECUTE statement; RETURN 1;")),
    ),
    Example(
        "format-unquoted",
        _function(_begin("EXECUTE format('SELECT count(*) FROM %s', who); RETURN 1;"), parameters="who text"),
        _function(_begin("EXECUTE format('SELECT count(*) FROM %I', who); RETURN 1;"), parameters="who text"),
    ),
    Example(
        "trigger-dynamic-sql",
        _function(_begin("EXECUTE 'SELECT 1'; RETURN new;"), returns="trigger"),
        _function(_begin("PERFORM 1; RETURN new;"), returns="trigger"),
    ),
    Example("grant-all", "GRANT ALL ON qms.things TO qms_app", "GRANT SELECT ON qms.things TO qms_app"),
    Example("grant-public", "GRANT SELECT ON qms.things TO PUBLIC", "GRANT SELECT ON qms.things TO qms_app"),
    Example(
        "hard-coded-id",
        "SELECT title FROM qms.things WHERE organization_id = '8c1f0a1e-6f0b-4b0f-9a52-6c2c3d1b7a11'",
        "SELECT title FROM qms.things WHERE organization_id = $1",
    ),
    Example("password-literal", "CREATE ROLE robot LOGIN PASSWORD 'secret'", "CREATE ROLE robot LOGIN"),
    Example("server-program", "COPY qms.things FROM PROGRAM 'curl x'", "COPY qms.things FROM STDIN"),
    Example(
        "untrusted-language",
        "CREATE FUNCTION f() RETURNS int LANGUAGE plpython3u AS $$ return 1 $$",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql STABLE AS $$ SELECT 1 $$",
    ),
    # policies
    Example(
        "policy-trusts-setting",
        "CREATE POLICY p ON t FOR SELECT USING (organization_id = current_setting('app.org')::uuid)",
        "CREATE POLICY p ON t FOR SELECT USING (organization_id = (SELECT qms.current_organization_id()))",
    ),
    Example(
        "policy-user-metadata",
        "CREATE POLICY p ON t FOR SELECT USING ((SELECT auth.jwt() -> 'user_metadata' ->> 'role') = 'admin')",
        "CREATE POLICY p ON t FOR SELECT USING ((SELECT auth.jwt() -> 'app_metadata' ->> 'role') = 'admin')",
    ),
    Example(
        "policy-insert-unchecked",
        "CREATE POLICY p ON t FOR INSERT TO qms_app",
        "CREATE POLICY p ON t FOR INSERT TO qms_app WITH CHECK (a = (SELECT qms.current_organization_id()))",
    ),
    Example(
        "policy-change-unchecked",
        "CREATE POLICY p ON t FOR UPDATE TO qms_app USING (a = 1)",
        "CREATE POLICY p ON t FOR UPDATE TO qms_app USING (a = 1) WITH CHECK (a = 1)",
    ),
    Example(
        "policy-always-true",
        "CREATE POLICY p ON t FOR SELECT USING (true)",
        "CREATE POLICY p ON t FOR SELECT TO qms_definer USING (true)",
    ),
    Example(
        "policy-per-row",
        "CREATE POLICY p ON t FOR SELECT USING (user_id = auth.uid())",
        "CREATE POLICY p ON t FOR SELECT USING (user_id = (SELECT auth.uid()))",
    ),
    Example(
        "row-security-off",
        "ALTER TABLE qms.things DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE qms.things ENABLE ROW LEVEL SECURITY",
    ),
    Example(
        "row-security-not-forced",
        "ALTER TABLE qms.things ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE qms.things ENABLE ROW LEVEL SECURITY; ALTER TABLE qms.things FORCE ROW LEVEL SECURITY",
    ),
    Example(
        "tenant-table-open",
        "CREATE TABLE qms.things (id uuid PRIMARY KEY, organization_id uuid NOT NULL)",
        "CREATE TABLE qms.things (id uuid PRIMARY KEY, organization_id uuid NOT NULL);"
        "ALTER TABLE qms.things ENABLE ROW LEVEL SECURITY",
    ),
    # queries
    Example("select-star", "SELECT t.* FROM qms.things AS t", "SELECT count(*) FROM qms.things"),
    Example("cross-join", "SELECT a.x FROM qms.a AS a, qms.b AS b", "SELECT x FROM qms.a CROSS JOIN qms.b"),
    Example(
        "comma-join",
        "SELECT a.x FROM qms.a AS a, qms.b AS b WHERE a.id = b.id",
        "SELECT a.x FROM qms.a AS a, jsonb_each(a.y) AS e WHERE a.id = 1",
    ),
    Example("natural-join", "SELECT x FROM a NATURAL JOIN b", "SELECT x FROM a JOIN b USING (id)"),
    Example(
        "distinct-over-join",
        "SELECT DISTINCT a.x FROM a JOIN b ON b.a_id = a.id",
        "SELECT DISTINCT ON (a.x) a.x FROM a JOIN b ON b.a_id = a.id ORDER BY a.x, b.id",
    ),
    Example(
        "offset-paging",
        "SELECT x FROM a ORDER BY x LIMIT 10 OFFSET 100",
        "SELECT x FROM a WHERE x > $1 ORDER BY x LIMIT 10",
    ),
    Example("limit-without-order", "SELECT x FROM a LIMIT 10", "SELECT x FROM a ORDER BY x LIMIT 10"),
    Example("order-by-position", "SELECT x, y FROM a ORDER BY 2", "SELECT x, y FROM a ORDER BY y LIMIT 2"),
    Example("order-by-random", "SELECT x FROM a ORDER BY random() LIMIT 1", "SELECT x FROM a TABLESAMPLE system (1)"),
    Example(
        "order-by-in-view",
        "CREATE VIEW v AS SELECT x FROM a ORDER BY x",
        "CREATE VIEW v AS SELECT array_agg(x ORDER BY x) FROM a",
    ),
    Example("union-distinct", "SELECT x FROM a UNION SELECT x FROM b", "SELECT x FROM a UNION ALL SELECT x FROM b"),
    Example("change-without-where", "UPDATE qms.things SET x = 1", "UPDATE qms.things SET x = 1 WHERE id = $1"),
    Example(
        "change-without-where",
        "WITH gone AS (DELETE FROM qms.things RETURNING id) SELECT id FROM gone WHERE id = 1",
        "CREATE TRIGGER t BEFORE UPDATE OR DELETE ON qms.things FOR EACH ROW EXECUTE FUNCTION qms.refuse_change()",
    ),
    Example("insert-without-columns", "INSERT INTO a VALUES (1)", "INSERT INTO a (x) VALUES (1)"),
    # conditions
    Example("null-comparison", "SELECT x FROM a WHERE y <> NULL", "UPDATE a SET y = NULL WHERE x IS NULL"),
    Example(
        "null-comparison",
        _function(_begin("IF a = NULL THEN RETURN 1; END IF; RETURN 2;")),
        _function(_begin("a = NULL; RETURN 2;")),
    ),
    Example(
        "not-in-subquery",
        "SELECT x FROM a WHERE x NOT IN (SELECT y FROM b)",
        "SELECT x FROM a WHERE x NOT IN (1, 2)",
    ),
    Example("leading-wildcard", "SELECT x FROM a WHERE y ILIKE '%abc'", "SELECT x FROM a WHERE y LIKE 'abc%'"),
    Example(
        "function-on-column", "SELECT x FROM a WHERE lower(y) = 'b'", "SELECT x FROM a WHERE y = lower($1) AND z = 1"
    ),
    Example(
        "between-moments",
        "SELECT x FROM a WHERE created_at BETWEEN $1 AND $2",
        "SELECT x FROM a WHERE priority BETWEEN 1 AND 3",
    ),
    Example(
        "count-for-exists",
        "SELECT x FROM a WHERE (SELECT count(*) FROM b WHERE b.id = a.id) > 0",
        "SELECT x FROM a WHERE (SELECT count(*) FROM b WHERE b.id = a.id) > 3",
    ),
    Example(
        "date-as-text",
        "SELECT x FROM a WHERE created_at > '03/04/2026'",
        "SELECT x FROM a WHERE created_at > timestamptz '2026-04-03 00:00+00'",
    ),
    Example("fraction-equality", "SELECT x FROM a WHERE score = 0.1", "SELECT x FROM a WHERE score > 0.1"),
    # definitions
    Example(
        "timestamp-without-zone",
        "CREATE TABLE t (id int PRIMARY KEY, at timestamp NOT NULL)",
        "CREATE TABLE t (id int PRIMARY KEY, at timestamp with time zone, b timestamptz)",
    ),
    Example("char-padded", "CREATE TABLE t (id char(3) PRIMARY KEY)", "CREATE TABLE t (id text PRIMARY KEY)"),
    Example("varchar-limited", "ALTER TABLE t ADD COLUMN x varchar(20)", "ALTER TABLE t ADD COLUMN x varchar"),
    Example("money-type", "ALTER TABLE t ADD COLUMN price money", "ALTER TABLE t ADD COLUMN price numeric"),
    Example(
        "serial-type",
        "CREATE TABLE t (id bigserial PRIMARY KEY)",
        "CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY)",
    ),
    Example("json-type", "ALTER TABLE t ADD COLUMN x json", "ALTER TABLE t ADD COLUMN x jsonb"),
    Example(
        "float-amount",
        "ALTER TABLE t ADD COLUMN unit_price double precision",
        "ALTER TABLE t ADD COLUMN probability double precision",
    ),
    Example("table-without-key", "CREATE TABLE t (x int)", "CREATE TABLE t (x int PRIMARY KEY)"),
    Example(
        "foreign-key-without-index",
        "CREATE TABLE t (id int PRIMARY KEY, a_id int REFERENCES a (id))",
        "CREATE TABLE t (id int PRIMARY KEY, a_id int REFERENCES a (id)); CREATE INDEX i ON t (a_id)",
    ),
    Example("create-not-repeatable", "CREATE INDEX i ON t (x)", "CREATE INDEX IF NOT EXISTS i ON t (x)"),
    Example("drop-not-repeatable", "ALTER TABLE t DROP COLUMN x", "ALTER TABLE t DROP COLUMN IF EXISTS x"),
    Example("drop-cascade", "DROP TABLE IF EXISTS t CASCADE", "DROP TABLE IF EXISTS t"),
    Example("upper-case-name", 'SELECT "Title" FROM qms.things', 'SELECT "title" FROM qms.things'),
    # functions
    Example(
        "volatility-unmarked",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT 1 $$",
    ),
    Example(
        "immutable-reads-table",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT max(x) FROM qms.things $$",
        "CREATE FUNCTION f(j jsonb) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT max(x) FROM jsonb_each(j) AS x $$",
    ),
    Example(
        "unqualified-table",
        "CREATE FUNCTION f() RETURNS bigint LANGUAGE sql STABLE AS $$ SELECT count(*) FROM things $$",
        "CREATE FUNCTION f() RETURNS bigint LANGUAGE sql STABLE AS $$ "
        "WITH own AS (SELECT FROM qms.things) SELECT count(*) FROM own $$",
    ),
    Example(
        "unused-parameter",
        _function(_begin("RETURN wanted;"), parameters="wanted integer, spare integer"),
        _function(_begin("RETURN wanted + f.spare;"), parameters="wanted integer, INOUT spare integer"),
    ),
    Example(
        "unused-variable",
        _function(_begin("RETURN 1;", "spare integer;")),
        _function(_begin("RETURN n;", "n integer := 1;")),
    ),
    Example(
        "transaction-in-function",
        _function(_begin("COMMIT; RETURN 1;")),
        "CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$",
    ),
    Example(
        "setting-outlives-transaction",
        _function(_begin("PERFORM set_config('a.b', 'c', false); RETURN 1;")),
        _function(_begin("PERFORM set_config('a.b', 'c', true); RETURN 1;")),
    ),
    Example("session-identity", "SET ROLE qms_app", "SET LOCAL ROLE qms_app"),
    Example("sleep", "SELECT pg_sleep(10)", "SELECT 'pg_sleep(10)'"),
    Example(
        "procedure-by-function",
        "CREATE TRIGGER t AFTER INSERT ON a FOR EACH ROW EXECUTE PROCEDURE f()",
        "CREATE TRIGGER t AFTER INSERT ON a FOR EACH ROW EXECUTE FUNCTION f()",
    ),
    # bodies
    Example(
        "swallowed-exception",
        _function(_begin("PERFORM 1 / 0; RETURN 1; EXCEPTION WHEN OTHERS THEN NULL;")),
        _function(_begin("PERFORM 1 / 0; RETURN 1; EXCEPTION WHEN division_by_zero THEN NULL;")),
    ),
    Example(
        "broad-handler",
        _function(_begin("RETURN 1; EXCEPTION WHEN OTHERS THEN RAISE NOTICE 'no'; RETURN 0;")),
        _function(_begin("RETURN 1; EXCEPTION WHEN OTHERS THEN PERFORM 1; RAISE;")),
    ),
    Example(
        "raise-without-code",
        _function(_begin("RAISE EXCEPTION 'no';")),
        _function(_begin("RAISE EXCEPTION 'no' USING ERRCODE = 'QM001'; RAISE NOTICE 'yes';")),
    ),
    Example(
        "row-by-row",
        _function(
            _begin("FOR r IN SELECT x FROM qms.a LOOP UPDATE qms.b SET y = 1 WHERE id = r.x; END LOOP; RETURN 1;")
        ),
        _function(
            _begin("FOR r IN SELECT x FROM qms.a LOOP PERFORM r.x; END LOOP; UPDATE qms.b SET y = 1 WHERE z; RETURN 1;")
        ),
    ),
    Example(
        "now-in-loop",
        _function(_begin("LOOP PERFORM now(); END LOOP; RETURN 1;")),
        _function(_begin("PERFORM now(); LOOP PERFORM clock_timestamp(); END LOOP; RETURN 1;")),
    ),
    Example(
        "into-unchecked",
        _function(_begin("SELECT x INTO n FROM qms.a; RETURN n;", "n integer;")),
        _function(_begin("SELECT x INTO n FROM qms.a; IF NOT found THEN RETURN 0; END IF; RETURN n;", "n integer;")),
    ),
    Example(
        "into-unchecked",
        _function(_begin("SELECT a.x INTO n FROM qms.a AS a WHERE true; RETURN n;", "n integer;")),
        _function(_begin("SELECT count(*) INTO n FROM qms.a; RETURN n;", "n integer;")),
    ),
]
