"""The keeper: a detached process that stops the server when nobody uses it any more.

It is run as a file, by a bare interpreter (`python -I -S keeper.py HOME LINGER`), so it imports the
standard library alone and goes on working when the program is upgraded or removed under it. The launcher
imports the few functions both need from here.
"""

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

_PROC = Path("/proc/self/stat")
_POLL_SECONDS = 0.01
_STOP_SECONDS = 60.0


def lock_fd(path: Path, *, create: bool = True) -> int:
    """Open the lock file `path`; closing the descriptor gives its lock up."""
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | (os.O_CREAT if create else 0)
    return os.open(path, flags, 0o600)


def try_lock(fd: int) -> bool:
    """Take the exclusive lock on `fd` if it is free now."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _listed(pid: int, column: str) -> str:
    """Ask `ps`, where there is no /proc."""
    listing = subprocess.run(  # noqa: S603 - fixed program, a number as argument
        ["/bin/ps", "-o", f"{column}=", "-p", str(pid)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    return listing.stdout.decode(errors="replace").strip()


def alive(pid: int) -> bool:
    """Say whether process `pid` runs; a zombie, which nobody may ever bury in a container, does not."""
    if not _PROC.exists():
        return _listed(pid, "stat")[:1] not in {"", "Z"}
    try:
        state = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return False
    return state.rpartition(")")[2].split()[0] not in {"Z", "X"}


def command_line(pid: int) -> str:
    """Return what process `pid` was started with; empty when it is gone, a zombie or just starting."""
    if not _PROC.exists():
        return _listed(pid, "command")
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""


def recorded_pid(cluster: Path) -> int | None:
    """Return the pid in the cluster's pid file, whoever has it now."""
    try:
        return int((cluster / "postmaster.pid").read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None


def running_pid(cluster: Path) -> int | None:
    """Return the pid of the server that runs on `cluster`.

    A pid file survives a power cut and its number may belong to anything by now, so the process must really
    be a postgres started on this very directory.
    """
    pid = recorded_pid(cluster)
    if pid is None:
        return None
    return pid if _serves(pid, cluster) else None


def _serves(pid: int, cluster: Path) -> bool:
    command = command_line(pid)
    return "postgres" in command and str(cluster) in command


def stop_server(cluster: Path) -> bool:
    """Stop the server on `cluster` in mode "fast"; False when it would not go."""
    pid = running_pid(cluster)
    if pid is None:
        return True
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGINT)
    deadline = time.monotonic() + _STOP_SECONDS
    while time.monotonic() < deadline:
        if not _serves(pid, cluster):
            return True
        time.sleep(_POLL_SECONDS)
    return False


def _wait_until_unused(home: Path) -> None:
    users = lock_fd(home / "users.lock", create=False)
    fcntl.flock(users, fcntl.LOCK_EX)  # sleeps in the kernel, without using any time, till no user is left
    os.close(users)


def _stop_if_still_unused(home: Path) -> bool:
    """Stop the server unless somebody came meanwhile; `start.lock` is held, so nobody can come now."""
    users = lock_fd(home / "users.lock", create=False)
    try:
        return try_lock(users) and stop_server(home / "pgdata")
    finally:
        os.close(users)


def keep(home: Path, linger: float) -> None:
    """Wait for the last user of `home` to go, then for `linger` seconds, then stop the server."""
    mine = lock_fd(home / "keeper.lock")
    if not try_lock(mine):
        return  # one keeper for a home
    while True:
        _wait_until_unused(home)
        time.sleep(linger)
        start = lock_fd(home / "start.lock", create=False)
        fcntl.flock(start, fcntl.LOCK_EX)
        if _stop_if_still_unused(home):
            os.close(mine)  # before start.lock goes: a newcomer has to see that it needs a keeper of its own
            return
        os.close(start)


if __name__ == "__main__":
    with contextlib.suppress(FileNotFoundError):  # the home was removed: nothing to keep
        keep(Path(sys.argv[1]), float(sys.argv[2]))
