"""What the roles of the embedded cluster can do, tried out as each of them."""

import shutil
from collections.abc import Generator

import psycopg
import pytest
from psycopg import errors

from qms_mcp.db.embedded import EmbeddedPostgres
from qms_mcp.db.embedded.bootstrap import open_copy
from tests.support.places import new_place

LOGINS = {"qms_owner", "qms_server", "qms_sql"}
OURS = LOGINS | {"qms_app", "qms_probe", "qms_definer", "qms_ledger", "anon", "authenticated"}
REVOKED = [
    "SELECT set_config('qms.identity', 'forged', true)",
    "SELECT pg_advisory_lock(1)",
    "SELECT pg_advisory_xact_lock_shared(1, 2)",
    "SELECT pg_try_advisory_lock(1)",
    "SELECT pg_advisory_unlock_all()",
    "SELECT pg_notify('channel', 'payload')",
    "SELECT lo_create(4711)",
    "SELECT lo_from_bytea(0, 'x')",
    "SELECT lo_get(4711)",
    "SELECT lo_open(4711, 131072)",
    "SELECT lo_unlink(4711)",
    "SELECT lo_import('/etc/passwd')",
    "SELECT lo_export(1, '/dev/null')",
    "SELECT loread(0, 1)",
    "SELECT lowrite(0, 'x')",
    "SELECT pg_sleep(0)",
    "SELECT pg_sleep_for('0 s')",
    "SELECT pg_sleep_until(now())",
    "SELECT query_to_xml('SELECT 1', true, true, '')",
    "SELECT query_to_xmlschema('SELECT 1', true, true, '')",
    "SELECT query_to_xml_and_xmlschema('SELECT 1', true, true, '')",
    "SELECT table_to_xml('pg_class', true, true, '')",
    "SELECT cursor_to_xml('c', 1, true, true, '')",
    "SELECT schema_to_xml('public', true, true, '')",
    "SELECT database_to_xml(true, true, '')",
    "SELECT * FROM ts_stat('SELECT ''a''::tsvector')",
    "SELECT ts_rewrite('a'::tsquery, 'SELECT ''a''::tsquery, ''b''::tsquery')",
    "SELECT pg_export_snapshot()",
    "SELECT pg_logical_emit_message(false, 'a', 'b')",
    "SELECT pg_cancel_backend(1)",
    "SELECT pg_terminate_backend(1)",
    "SELECT txid_current()",
    "SELECT pg_current_xact_id()",
    "SELECT * FROM pg_stat_activity",
    "SELECT * FROM pg_stat_get_activity(NULL)",
    "SELECT pg_stat_get_backend_activity(1)",
    "SELECT * FROM pg_locks",
    "SELECT * FROM extensions.pg_stat_statements",
    "SELECT * FROM extensions.pg_stat_statements(true)",
    "DO $$ BEGIN END $$",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_ls_dir('.')",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "COPY (SELECT 1) TO '/dev/null'",
    "SELECT * FROM pg_authid",
    "SELECT pg_reload_conf()",
    "SET ROLE qms_app",
    "SET ROLE postgres",
    "SET SESSION AUTHORIZATION qms_owner",
    "SET temp_file_limit = -1",
]
READ_WRITE = [
    "CREATE TEMP TABLE t (a int)",
    "CREATE TABLE public.t (a int)",
    "CREATE TABLE extensions.t (a int)",
    "CREATE SCHEMA mine",
    "CREATE EXTENSION hstore",
    "CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE ROLE mine",
    "CREATE DATABASE mine",
    "ALTER SYSTEM SET jit = on",
    "ALTER DATABASE qms SET jit = on",
]
HARMLESS = [
    "SELECT current_setting('qms.identity', true), now(), version()",
    "SELECT count(*) FROM generate_series(1, 10) AS g(n) WHERE n % 2 = 0",
    "SELECT '[1,2,3]'::vector <=> '[1,2,4]', '[1,2]'::halfvec <-> '[2,2]'",
    "SELECT similarity('capa', 'cape'), unaccent('é'), to_tsvector('a b') @@ websearch_to_tsquery('a')",
    "SELECT ts_rewrite('a'::tsquery, 'a'::tsquery, 'b'::tsquery)",
    "SELECT jsonb_agg(c.relname) FROM pg_class AS c WHERE c.relname ~ '^pg_s'",
    "SELECT gen_random_uuid(), sha256('x')",
    "SELECT count(*) FROM information_schema.columns",
    "SELECT txid_current_if_assigned(), pg_current_xact_id_if_assigned()",
    "EXPLAIN (FORMAT json) SELECT 1",
    "SHOW server_version",
]


@pytest.fixture(scope="module")
def server() -> Generator[EmbeddedPostgres]:
    base = new_place("qms-emb-")
    base.chmod(0o711)
    postgres = EmbeddedPostgres(base / "home", keeper=False)
    postgres.ensure_running()
    yield postgres
    postgres.stop()
    shutil.rmtree(base)


@pytest.fixture
def reader(server: EmbeddedPostgres) -> Generator[psycopg.Connection]:
    with psycopg.connect(server.conninfo("qms", "qms_sql"), autocommit=True) as connection:
        yield connection


@pytest.fixture
def owner(server: EmbeddedPostgres) -> Generator[psycopg.Connection]:
    with psycopg.connect(server.conninfo("qms", "qms_owner"), autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize("statement", REVOKED)
def test_the_login_of_the_sql_tools_may_not_run(reader: psycopg.Connection, statement: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        reader.execute(statement.encode())


@pytest.mark.parametrize("statement", READ_WRITE)
def test_the_login_of_the_sql_tools_may_not_even_if_it_turns_read_only_off(
    reader: psycopg.Connection, statement: str
) -> None:
    reader.execute("SET default_transaction_read_only = off")
    with pytest.raises(errors.InsufficientPrivilege):
        reader.execute(statement.encode())


@pytest.mark.parametrize("statement", HARMLESS)
def test_the_login_of_the_sql_tools_may_run(reader: psycopg.Connection, statement: str) -> None:
    assert reader.execute(statement.encode()).fetchall()


def test_the_identity_is_set_by_a_statement_of_its_own(reader: psycopg.Connection) -> None:
    with reader.transaction():
        reader.execute("SET LOCAL qms.identity = 'minted'")
        assert reader.execute("SELECT current_setting('qms.identity')").fetchone() == ("minted",)


def test_a_query_that_fills_the_disk_is_ended(reader: psycopg.Connection) -> None:
    with pytest.raises(errors.ConfigurationLimitExceeded, match="temp_file_limit"):
        reader.execute("SELECT n, repeat('x', 5000) AS v FROM generate_series(1, 150000) AS g(n) ORDER BY 2, 1")


def test_no_role_of_ours_has_a_power_that_reaches_past_the_policies(owner: psycopg.Connection) -> None:
    rows = owner.execute(
        "SELECT r.rolname, r.rolcanlogin, "
        "r.rolsuper OR r.rolcreatedb OR r.rolcreaterole OR r.rolreplication OR r.rolbypassrls "
        "FROM pg_roles AS r WHERE r.rolname !~ '^pg_'"
    ).fetchall()
    powers = {name: (login, power) for name, login, power in rows}
    assert set(powers) == OURS | {"postgres", "service_role"}
    assert {name for name in OURS if powers[name][1]} == set()
    assert {name for name in OURS if powers[name][0]} == LOGINS
    assert powers["service_role"] == (False, True)


def test_membership_is_what_the_design_says_and_nobody_inherits(owner: psycopg.Connection) -> None:
    rows = owner.execute(
        "SELECT m.member::regrole::text, m.roleid::regrole::text, "
        "m.inherit_option, m.set_option, m.admin_option FROM pg_auth_members AS m "
        "WHERE m.roleid::regrole::text !~ '^pg_'"
    ).fetchall()
    assert {row[2:] for row in rows} == {(False, True, False)}
    members: dict[str, set[str]] = {}
    for member, role, *_ in rows:
        members.setdefault(member, set()).add(role)
    assert members == {
        "qms_server": {"qms_app", "qms_probe", "qms_ledger"},
        "qms_owner": {
            "qms_definer",
            "qms_app",
            "qms_sql",
            "qms_probe",
            "qms_ledger",
            "anon",
            "authenticated",
        },
    }


def test_every_extension_is_there_and_found_without_a_prefix(owner: psycopg.Connection) -> None:
    rows = owner.execute(
        "SELECT e.extname FROM pg_extension AS e WHERE e.extnamespace = 'extensions'::regnamespace"
    ).fetchall()
    assert {name for (name,) in rows} == {
        "vector",
        "pg_trgm",
        "unaccent",
        "btree_gin",
        "btree_gist",
        "pg_stat_statements",
    }


def test_the_owner_can_migrate_and_give_functions_away(owner: psycopg.Connection) -> None:
    with owner.transaction(force_rollback=True):
        owner.execute("CREATE SCHEMA mine")
        owner.execute("GRANT USAGE, CREATE ON SCHEMA mine TO qms_definer")
        owner.execute("CREATE TABLE mine.t (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v vector(3))")
        owner.execute("CREATE INDEX ON mine.t USING hnsw (v vector_cosine_ops)")
        owner.execute("CREATE FUNCTION mine.f() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END'")
        owner.execute("ALTER FUNCTION mine.f() OWNER TO qms_definer")
        owner.execute("DO $$ BEGIN PERFORM pg_advisory_xact_lock(1); END $$")
        owner.execute("SET LOCAL ROLE qms_app")
        owner.execute("SELECT set_config('role', 'none', true)")
        owner.execute("CREATE TABLE public.u (a int)")


def test_the_pool_takes_the_roles_of_its_transactions_and_no_other(server: EmbeddedPostgres) -> None:
    with psycopg.connect(server.conninfo(), autocommit=True) as pool:
        for role in ("qms_app", "qms_probe", "qms_ledger"):
            with pool.transaction():
                pool.execute("SELECT set_config('qms.identity', 'x', true), set_config('role', %s, true)", [role])
                assert pool.execute("SELECT current_user::text").fetchone() == (role,)
        for role in ("qms_owner", "qms_definer", "qms_sql", "service_role", "postgres"):
            with pytest.raises(errors.InsufficientPrivilege):
                pool.execute(f"SET ROLE {role}")
        pool.execute("SELECT pg_advisory_lock(1), pg_advisory_unlock(1)")
        with pytest.raises(errors.InsufficientPrivilege):
            pool.execute("CREATE TEMP TABLE t (a int)")


def test_the_probe_can_build_its_temporary_function(server: EmbeddedPostgres) -> None:
    with psycopg.connect(server.conninfo()) as pool:
        pool.execute("SET LOCAL ROLE qms_probe")
        pool.execute("CREATE FUNCTION pg_temp.probe() RETURNS SETOF record BEGIN ATOMIC SELECT 1; END")
        with pytest.raises(errors.InsufficientPrivilege):
            pool.execute("DO $$ BEGIN END $$")


@pytest.mark.parametrize("login", ["qms_sql", "qms_server", "qms_owner"])
def test_no_login_of_ours_enters_the_superusers_databases(server: EmbeddedPostgres, login: str) -> None:
    for dbname in ("postgres", "template1"):
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(server.conninfo(dbname, login))


def test_a_copy_of_the_database_has_the_same_rights(server: EmbeddedPostgres) -> None:
    with psycopg.connect(server.conninfo("postgres", "postgres"), autocommit=True) as superuser:
        superuser.execute("CREATE DATABASE qms_copy TEMPLATE qms")
    open_copy(server.conninfo("qms_copy", "postgres"))
    with psycopg.connect(server.conninfo("qms_copy", "qms_sql"), autocommit=True) as connection:
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute("SELECT pg_sleep(0)")
        connection.execute("SET default_transaction_read_only = off")
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute("CREATE TEMP TABLE t (a int)")
        assert connection.execute("SELECT '[1]'::vector::text").fetchone() == ("[1]",)
    with psycopg.connect(server.conninfo("qms_copy", "qms_owner")) as connection:
        connection.execute("CREATE SCHEMA mine")
