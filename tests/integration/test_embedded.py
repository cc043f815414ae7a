"""The life of the embedded server: first start, sharing, kills, odd places."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest

from qms_mcp.db.embedded import EmbeddedPostgres
from qms_mcp.db.embedded.keeper import alive, recorded_pid, stop_server
from qms_mcp.errors import ConflictError
from tests.support.places import new_place

REPOSITORY = Path(__file__).parents[2]
SITE_PACKAGES = Path(psycopg.__file__).parents[1]
HOLD = """
import sys
from pathlib import Path
from qms_mcp.db.embedded import EmbeddedPostgres
postgres = EmbeddedPostgres(Path(sys.argv[1]), linger=0.1)
postgres.ensure_running()
sys.stderr.write("holding\\n")
sys.stderr.flush()
sys.stdin.read()
"""
KILLED_IN_BOOTSTRAP = """
import os, signal, sys
from pathlib import Path
from qms_mcp.db.embedded import EmbeddedPostgres, bootstrap
bootstrap._DATABASE = type("Fatal", (), {"read_bytes": lambda self: os.kill(os.getpid(), signal.SIGKILL)})()
EmbeddedPostgres(Path(sys.argv[1]), linger=0.1).ensure_running()
"""


@contextmanager
def temporary_place() -> Generator[Path]:
    """A directory that the server's account can enter, which those of pytest are not for root."""
    base = new_place("qms-emb-")
    base.chmod(0o711)
    try:
        yield base
    finally:
        for cluster in base.glob("**/pgdata"):
            stop_server(cluster)
        shutil.rmtree(base)


@pytest.fixture
def place() -> Generator[Path]:
    with temporary_place() as base:
        yield base


@pytest.fixture(scope="module")
def common_home() -> Generator[Path]:
    with temporary_place() as base:
        yield base / "home"


@pytest.fixture
def postgres(common_home: Path) -> EmbeddedPostgres:
    """A running server without a keeper, whatever the test before did to it."""
    server = EmbeddedPostgres(common_home, keeper=False)
    server.ensure_running()
    with psycopg.connect(server.conninfo("qms", "qms_owner")) as connection:
        connection.execute("DROP TABLE IF EXISTS public.kept")
    return server


def eventually(holds: Callable[[], bool], *, seconds: float = 10.0) -> None:
    """Poll until something holds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.01)


def run_python(
    script: str, home: Path, *, python: str = sys.executable, uid: int | None = None
) -> subprocess.Popen[str]:
    """Start another program that uses `home`."""
    return subprocess.Popen(
        [python, "-c", script, str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": f"{REPOSITORY}:{SITE_PACKAGES}", "PATH": os.environ["PATH"]},
        cwd="/",
        user=uid,
        group=uid,
        extra_groups=None if uid is None else [],
    )


def until_holding(program: subprocess.Popen[str]) -> None:
    assert program.stderr is not None
    said = program.stderr.readline()
    assert said == "holding\n", said + program.stderr.read()


def scalar(server: EmbeddedPostgres, statement: str, *, user: str = "postgres", dbname: str = "qms") -> object:
    with psycopg.connect(server.conninfo(dbname, user)) as connection:
        row = connection.execute(statement.encode()).fetchone()
        assert row is not None
        return row[0]


def remember(server: EmbeddedPostgres, value: int) -> None:
    with psycopg.connect(server.conninfo("qms", "qms_owner")) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS public.kept (value int PRIMARY KEY)")
        connection.execute("INSERT INTO public.kept VALUES (%s)", [value])


def pid_of(server: EmbeddedPostgres) -> int:
    pid = server.status().pid
    assert pid is not None
    return pid


def test_the_first_start_on_an_empty_home_ends_with_a_database_that_is_set_up(
    place: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    server = EmbeddedPostgres(place / "home", keeper=False)
    began = time.perf_counter()
    server.ensure_running()
    assert scalar(server, "SELECT current_database()", user="qms_server") == "qms"
    assert time.perf_counter() - began < 6
    assert capfd.readouterr().out == ""
    status = server.status()
    assert status.running
    assert status.version.startswith("18.")
    assert status.data_dir == place / "home" / "pgdata"


def test_a_running_server_is_found_in_milliseconds(postgres: EmbeddedPostgres) -> None:
    def once() -> float:
        other = EmbeddedPostgres(postgres.home, keeper=False)
        began = time.perf_counter()
        other.ensure_running()
        took = time.perf_counter() - began
        other.release()
        return took

    assert min(once() for _ in range(5)) < 0.05


def test_nothing_listens_on_tcp_and_only_the_account_enters_the_socket_directory(
    postgres: EmbeddedPostgres,
) -> None:
    assert scalar(postgres, "SHOW listen_addresses") == ""
    rules = "SELECT string_agg(DISTINCT type || ' ' || auth_method, ', ') FROM pg_hba_file_rules"
    assert scalar(postgres, rules) == "host reject, local trust"
    for private in (postgres.status().socket_dir, postgres.status().data_dir):
        assert private.stat().st_mode & 0o777 == 0o700


def test_it_is_durable_and_its_log_keeps_no_statement(postgres: EmbeddedPostgres) -> None:
    assert scalar(postgres, "SHOW fsync") == "on"
    assert scalar(postgres, "SHOW full_page_writes") == "on"
    assert scalar(postgres, "SHOW synchronous_commit") == "on"
    assert scalar(postgres, "SHOW timezone") == "UTC"
    with pytest.raises(psycopg.errors.UndefinedColumn):
        scalar(postgres, "SELECT patient_4711")
    assert "patient_4711" not in postgres.status().log_path.read_text()


def test_the_server_gets_no_secret_of_ours(postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    postgres.stop()
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-secret")
    monkeypatch.setenv("PGDATA", "/nowhere")
    postgres.ensure_running()
    environment = Path(f"/proc/{pid_of(postgres)}/environ")
    if not environment.exists():
        pytest.skip("no /proc on this platform")
    assert b"sk-secret" not in environment.read_bytes()


def test_two_programs_share_one_server_and_it_stops_when_the_last_one_is_gone(place: Path) -> None:
    first = EmbeddedPostgres(place / "home", linger=0.1)
    first.ensure_running()
    pid = pid_of(first)
    second = run_python(HOLD, place / "home")
    until_holding(second)
    assert pid_of(first) == pid
    assert first.status().used_by_others
    first.release()
    assert not second.poll()
    assert scalar(first, "SELECT 1") == 1
    second.communicate("", timeout=10)
    eventually(lambda: not alive(pid))
    assert not first.status().running


def test_eight_first_starts_at_once_make_one_cluster(place: Path) -> None:
    servers = [EmbeddedPostgres(place / "home", keeper=False) for _ in range(8)]
    threads = [threading.Thread(target=server.ensure_running) for server in servers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len({pid_of(server) for server in servers}) == 1
    assert all(scalar(server, "SELECT 1") == 1 for server in servers)
    assert [path.name for path in place.glob("home/pgdata*")] == ["pgdata"]


def test_a_killed_program_lets_go_of_the_server(place: Path) -> None:
    holder = run_python(HOLD, place / "home")
    until_holding(holder)
    pid = recorded_pid(place / "home" / "pgdata")
    assert pid is not None
    holder.kill()
    holder.communicate(timeout=10)
    eventually(lambda: not alive(pid))


def test_committed_rows_survive_a_killed_server(postgres: EmbeddedPostgres) -> None:
    for round_number in range(3):
        remember(postgres, round_number)
        pid = pid_of(postgres)
        os.kill(pid, signal.SIGKILL)
        eventually(lambda pid=pid: not alive(pid))
        postgres.ensure_running()
        assert pid_of(postgres) != pid
        assert scalar(postgres, "SELECT count(*) FROM public.kept") == round_number + 1


def test_a_killed_server_with_a_busy_backend_comes_back(postgres: EmbeddedPostgres) -> None:
    remember(postgres, 1)

    def work() -> None:
        with (
            psycopg.connect(postgres.conninfo("qms", "postgres"), autocommit=True) as busy,
            suppress(psycopg.OperationalError),  # it may still get its answer: it dies after the statement
        ):
            busy.execute("SELECT count(*) FROM generate_series(1, 5_000_000)")

    worker = threading.Thread(target=work)
    worker.start()
    active = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%series%' AND state = 'active'"
    eventually(lambda: scalar(postgres, active) == 2)
    os.kill(pid_of(postgres), signal.SIGKILL)
    postgres.ensure_running()
    worker.join(timeout=30)
    assert scalar(postgres, "SELECT count(*) FROM public.kept") == 1


@pytest.mark.parametrize("owner", [os.getpid(), 2**22 - 7], ids=["somebody else's pid", "nobody's pid"])
def test_a_pid_file_left_by_a_power_cut_does_not_stop_the_start(postgres: EmbeddedPostgres, owner: int) -> None:
    remember(postgres, 1)
    pid_file = postgres.status().data_dir / "postmaster.pid"
    text = pid_file.read_text()
    pid = pid_of(postgres)
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not alive(pid))
    pid_file.write_text(text.replace(f"{pid}\n", f"{owner}\n", 1))
    postgres.ensure_running()
    assert scalar(postgres, "SELECT count(*) FROM public.kept") == 1


def test_a_server_whose_socket_was_cleaned_away_is_restarted(postgres: EmbeddedPostgres) -> None:
    remember(postgres, 1)
    pid = pid_of(postgres)
    (postgres.status().socket_dir / ".s.PGSQL.5432").unlink()
    postgres.ensure_running()
    assert pid_of(postgres) != pid
    assert scalar(postgres, "SELECT count(*) FROM public.kept") == 1


def test_a_program_killed_in_initdb_leaves_no_half_cluster(place: Path) -> None:
    home = place / "home"
    program = run_python(HOLD, home)
    eventually(lambda: any(home.glob("pgdata.new-*/PG_VERSION")))
    program.kill()
    program.communicate(timeout=10)
    assert not (home / "pgdata").exists()
    server = EmbeddedPostgres(home, keeper=False)
    server.ensure_running()
    assert scalar(server, "SELECT 1", user="qms_sql") == 1


def test_a_bootstrap_killed_half_way_is_completed_by_the_next_start(place: Path) -> None:
    home = place / "home"
    program = run_python(KILLED_IN_BOOTSTRAP, home)
    assert program.wait(timeout=30) == -signal.SIGKILL
    program.communicate()
    assert (home / "pgdata").exists()
    assert not (home / "bootstrap").exists()
    server = EmbeddedPostgres(home, keeper=False)
    server.ensure_running()
    assert scalar(server, "SELECT '[1,2]'::vector <-> '[1,3]'", user="qms_sql") == 1.0


def test_the_bootstrap_may_be_repeated(postgres: EmbeddedPostgres) -> None:
    marker = postgres.home / "bootstrap"
    rights = "SELECT md5(string_agg(p.oid || coalesce(p.proacl::text, ''), ',' ORDER BY p.oid)) FROM pg_proc AS p"
    before = scalar(postgres, rights)
    marker.write_text("0\n")
    postgres.ensure_running()
    assert marker.read_text() == "1\n"
    assert scalar(postgres, rights) == before


def test_a_home_may_have_blanks_quotes_and_a_very_long_path(place: Path) -> None:
    home = place / 'It\'s a "home" \\ of ours' / ("long" * 35)
    server = EmbeddedPostgres(home, linger=0.1)
    server.ensure_running()
    assert scalar(server, "SELECT 1", user="qms_server") == 1
    pid = pid_of(server)
    server.release()
    eventually(lambda: not alive(pid))
    socket_dir = server.status().socket_dir
    server.reset()
    assert not socket_dir.exists()


def test_one_server_under_two_names_of_its_home_is_one_server(postgres: EmbeddedPostgres) -> None:
    link = postgres.home.with_name("link")
    link.symlink_to(postgres.home)
    other = EmbeddedPostgres(link, keeper=False)
    other.ensure_running()
    assert pid_of(other) == pid_of(postgres)


def test_standard_output_stays_empty(postgres: EmbeddedPostgres) -> None:
    postgres.stop()
    program = run_python(HOLD, postgres.home)
    until_holding(program)
    out, _ = program.communicate("", timeout=20)
    assert out == ""
    assert program.returncode == 0


def test_it_runs_for_a_normal_user(place: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("all other tests show it: this is not root")
    nobody = pwd.getpwnam("nobody")
    place.chmod(0o777)
    python = _python_for(nobody.pw_uid)
    home = place / "home of nobody"
    program = run_python(HOLD, home, python=python, uid=nobody.pw_uid)
    until_holding(program)
    pid = recorded_pid(home / "pgdata")
    assert pid is not None
    assert Path(f"/proc/{pid}").stat().st_uid == nobody.pw_uid
    assert home.stat().st_mode & 0o777 == 0o700
    program.communicate("", timeout=20)
    eventually(lambda: not alive(pid))


def _python_for(uid: int) -> str:
    """Find an interpreter of our version that account `uid` can run; ours may lie under /root."""
    for python in (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}"):
        probe = subprocess.run(
            ["/bin/sh", "-c", 'exec "$1" -c "import qms_mcp.db.embedded, psycopg"', "sh", python],
            env={"PYTHONPATH": f"{REPOSITORY}:{SITE_PACKAGES}"},
            cwd="/",
            user=uid,
            group=uid,
            extra_groups=[],
            capture_output=True,
            check=False,
        )
        if probe.returncode == 0:
            return python
    pytest.skip("NOT TESTED as a normal user: it can run no python of this version with this project")


def test_reset_refuses_while_others_use_the_home_and_removes_the_cluster_after(place: Path) -> None:
    server = EmbeddedPostgres(place / "home", keeper=False)
    server.ensure_running()
    remember(server, 1)
    other = EmbeddedPostgres(place / "home", keeper=False)
    other.ensure_running()
    with pytest.raises(ConflictError, match="Other programs use"):
        server.reset()
    assert scalar(server, "SELECT count(*) FROM public.kept") == 1
    other.release()
    server.reset()
    assert not (place / "home" / "pgdata").exists()
    assert not server.status().running
    assert not (place / "home" / "bootstrap").exists()


def test_stop_ends_the_server_and_it_can_be_started_again(postgres: EmbeddedPostgres) -> None:
    remember(postgres, 1)
    postgres.stop()
    assert not postgres.status().running
    postgres.stop()
    postgres.ensure_running()
    assert scalar(postgres, "SELECT count(*) FROM public.kept") == 1


def test_settings_can_be_changed_and_a_server_out_of_connections_counts_as_running(
    postgres: EmbeddedPostgres,
) -> None:
    postgres.stop()
    server = EmbeddedPostgres(postgres.home, keeper=False, settings={"max_connections": "5"})
    server.ensure_running()
    pid = pid_of(server)
    taken = [psycopg.connect(server.conninfo("postgres", "postgres")) for _ in range(5)]
    try:
        with pytest.raises(psycopg.OperationalError, match="too many clients"):
            psycopg.connect(server.conninfo("postgres", "postgres"))
        server.ensure_running()
        assert pid_of(server) == pid
    finally:
        for connection in taken:
            connection.close()
        server.stop()


def test_a_socket_without_a_server_behind_it_is_no_server(postgres: EmbeddedPostgres) -> None:
    postgres.stop()
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.bind(str(postgres.status().socket_dir / ".s.PGSQL.5432"))
        postgres.ensure_running()
        assert scalar(postgres, "SELECT 1") == 1
