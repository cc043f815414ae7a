"""`EmbeddedPostgres`: the life of the embedded server, as one program that uses it sees it."""

import fcntl
import importlib
import logging
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from qms_mcp.db.embedded import cluster, programs
from qms_mcp.db.embedded.bootstrap import bootstrap, is_current
from qms_mcp.db.embedded.home import PORT, Account, Home
from qms_mcp.db.embedded.keeper import lock_fd, running_pid, stop_server, try_lock
from qms_mcp.db.embedded.postmaster import answers
from qms_mcp.errors import ConflictError, UnavailableError

_LOG = logging.getLogger(__name__)
_LOCK_SECONDS = 180.0
_SUPERUSER = "postgres"
_CANNOT_RUN = "The embedded PostgreSQL can't run here"


@dataclass(frozen=True)
class EmbeddedStatus:
    """How the embedded server is doing."""

    running: bool
    pid: int | None
    version: str
    data_dir: Path
    socket_dir: Path
    log_path: Path
    used_by_others: bool


class EmbeddedPostgres:
    """The PostgreSQL server in one home, started when needed and shared by all who use that home.

    All methods block for up to seconds: call them in a worker thread.

    Args:
        home: The directory of the cluster; made when it is missing.
        linger: Seconds the server goes on after its last user left.
        settings: Server settings beside or instead of our own.
        keeper: Whether a keeper stops the server; without one it runs until `stop()`.
    """

    def __init__(
        self,
        home: Path,
        *,
        linger: float = 5.0,
        settings: Mapping[str, str] | None = None,
        keeper: bool = True,
    ) -> None:
        self._home = Home(home.expanduser().resolve())
        self._linger = linger
        self._settings = dict(settings or {})
        self._keeper = keeper
        self._in_use: int | None = None

    @property
    def home(self) -> Path:
        """The directory everything lies in."""
        return self._home.path

    @property
    def bin_dir(self) -> Path:
        """The directory of `psql`, `pg_dump` and the other programs."""
        return programs.bin_dir()

    def conninfo(self, dbname: str = "qms", user: str = "qms_server") -> str:
        """Return the connection string of `user` for `dbname`."""
        parts = {"host": str(self._home.socket_dir), "port": str(PORT), "user": user, "dbname": dbname}
        return " ".join(f"{key}={_quoted(value)}" for key, value in parts.items())

    def ensure_running(self) -> None:
        """Use the server: make, start and set it up as far as that is not done.

        Raises:
            UnavailableError: It can't run here; the hint says what to do.
        """
        try:
            with self._explained(_CANNOT_RUN):
                self._home.open()
                with self._changing():
                    self._ensure()
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        """Stop using the server; the keeper stops it when nobody else does."""
        if self._in_use is not None:
            os.close(self._in_use)
            self._in_use = None

    def stop(self) -> None:
        """Stop the server now, whoever uses it.

        Raises:
            UnavailableError: It would not stop.
        """
        self.release()
        if not self._home.path.exists():
            return
        with self._explained("The embedded PostgreSQL can't be stopped"), self._changing():
            self._stop()

    def status(self) -> EmbeddedStatus:
        """Say how the server is doing, without starting it."""
        with self._explained("The embedded PostgreSQL can't be looked at"):
            pid = running_pid(self._home.cluster)
            return EmbeddedStatus(
                running=pid is not None and answers(self._home.socket),
                pid=pid,
                version=programs.version(self.bin_dir),
                data_dir=self._home.cluster,
                socket_dir=self._home.socket_dir,
                log_path=self._home.log,
                used_by_others=self._home.path.exists() and self._used_by_others(),
            )

    def reset(self) -> None:
        """Stop the server and remove the cluster with all that is in it.

        Raises:
            ConflictError: Other programs use it.
            UnavailableError: It would not stop.
        """
        if not self._home.path.exists():
            return
        with self._explained("The embedded PostgreSQL can't be reset"), self._changing():
            if self._used_by_others():
                raise ConflictError(
                    f"Other programs use the embedded database in {self.home}.",
                    hint="Close the clients that run the server, then try again.",
                )
            self.release()
            self._stop()
            self._remove()

    def _remove(self) -> None:
        self._home.bootstrapped.unlink(missing_ok=True)
        doomed = self._home.path / "pgdata.removed"  # first the name, so that no half cluster is ever found
        shutil.rmtree(doomed, ignore_errors=True)
        if self._home.cluster.exists():
            self._home.cluster.rename(doomed)
        for directory in (doomed, self._home.socket_dir):
            shutil.rmtree(directory, ignore_errors=True)
        self._home.log.unlink(missing_ok=True)

    def _ensure(self) -> None:
        self._use()
        if not answers(self._home.socket):
            self._launch()
        elif self._keeper:
            self._ensure_keeper()
        if not is_current(self._home.bootstrapped):
            bootstrap(self._superuser, self._home.bootstrapped)

    def _launch(self) -> None:
        """Start the server, with its cluster made before if there is none."""
        began = time.perf_counter()
        home, account = self._home, Account.choose()
        home.let_in(account)
        cluster.check_reachable(home, account)
        binaries = programs.server_bin_dir(home, account)
        home.give(home.socket_dir, account)
        if self._keeper:
            self._ensure_keeper()  # before the server: killed in between, we leave no server without one
        if (home.cluster / "PG_VERSION").exists():
            cluster.check_major(home, account, binaries)
        else:
            threading.Thread(target=importlib.import_module, args=("psycopg",), daemon=True).start()
            cluster.create(home, account, binaries)
        cluster.start(home, account, binaries, self._settings)
        _LOG.info("embedded PostgreSQL started in %.2f s, home %s", time.perf_counter() - began, home.path)

    def _stop(self) -> None:
        if not stop_server(self._home.cluster):
            raise UnavailableError(
                "The embedded PostgreSQL did not stop within a minute.", hint=f"Its log is {self._home.log}."
            )

    def _superuser(self, dbname: str) -> str:
        return self.conninfo(dbname, _SUPERUSER)

    def _use(self) -> None:
        if self._in_use is None:
            self._in_use = lock_fd(self._home.users_lock)
            fcntl.flock(self._in_use, fcntl.LOCK_SH)

    def _ensure_keeper(self) -> None:
        probe = lock_fd(self._home.keeper_lock)
        try:
            missing = try_lock(probe)
        finally:
            os.close(probe)
        if missing:
            programs.spawn_keeper(self._home, self._linger)

    def _used_by_others(self) -> bool:
        """Say whether anybody but us holds the users' lock; the keeper may, for an instant."""
        fd = lock_fd(self._home.users_lock) if self._in_use is None else self._in_use
        try:
            for _ in range(10):
                if try_lock(fd):
                    return False
                time.sleep(0.01)
            return True
        finally:
            if fd == self._in_use:
                fcntl.flock(fd, fcntl.LOCK_SH)
            else:
                os.close(fd)

    @contextmanager
    def _explained(self, what: str) -> Generator[None]:
        """Turn what the operating system refused into words and a hint."""
        try:
            yield
        except (OSError, subprocess.TimeoutExpired) as error:
            raise cluster.failure(what, str(error), self._home) from error

    @contextmanager
    def _changing(self) -> Generator[None]:
        """Hold the lock under which the state of the server changes."""
        fd = lock_fd(self._home.start_lock)
        try:
            deadline = time.monotonic() + _LOCK_SECONDS
            while not try_lock(fd):
                if time.monotonic() > deadline:
                    raise UnavailableError(
                        f"Another program has been starting the database in {self.home} for minutes.",
                        hint="End the program that hangs, then try again.",
                    )
                time.sleep(0.01)
            yield
        finally:
            os.close(fd)


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
