"""Where the embedded cluster lives, and which account of the operating system owns it.

PostgreSQL refuses to run as root. A server started by root therefore runs its cluster as `postgres` or
`nobody`: the cluster and its socket directory belong to that account, the locks and the log to root.
"""

import contextlib
import hashlib
import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from qms_mcp.errors import UnavailableError

APP = "qms-mcp"
PORT = 5432  # TCP is off: it only names the socket file
_LONGEST_SOCKET_DIR = 85  # a socket path has 104 bytes on macOS, 108 on Linux; "/.s.PGSQL.5432.lock" is in it


@dataclass(frozen=True)
class Account:
    """The account the server runs as; `switched` when it is not the one of this process."""

    uid: int
    gid: int
    switched: bool

    @classmethod
    def choose(cls) -> "Account":
        """Return the account of this process, or an unprivileged one when that is root."""
        if os.geteuid() != 0:
            return cls(os.geteuid(), os.getegid(), switched=False)
        for name in ("postgres", "nobody"):
            with contextlib.suppress(KeyError):
                entry = pwd.getpwnam(name)
                return cls(entry.pw_uid, entry.pw_gid, switched=True)
        raise UnavailableError(
            "PostgreSQL can't run as root, and there is no account `postgres` or `nobody` to run it as.",
            hint="Start the program as a normal user, create one of the two, or set DATABASE_URL.",
        )


@dataclass(frozen=True)
class Home:
    """The paths of one home, and the making of its directories."""

    path: Path

    @property
    def cluster(self) -> Path:
        """The data directory."""
        return self.path / "pgdata"

    @property
    def log(self) -> Path:
        """The log of the server."""
        return self.path / "postgres.log"

    @property
    def bootstrapped(self) -> Path:
        """The file that says which version of the bootstrap the cluster has."""
        return self.path / "bootstrap"

    @property
    def start_lock(self) -> Path:
        """Held exclusively while the state of the server changes."""
        return self.path / "start.lock"

    @property
    def users_lock(self) -> Path:
        """Held shared by every program that uses the server."""
        return self.path / "users.lock"

    @property
    def keeper_lock(self) -> Path:
        """Held exclusively by the keeper."""
        return self.path / "keeper.lock"

    @property
    def socket_dir(self) -> Path:
        """The directory of the socket: in the home, or under /tmp when that path is too long for a socket."""
        inside = self.path / "run"
        if len(os.fsencode(inside)) <= _LONGEST_SOCKET_DIR:
            return inside
        digest = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:16]
        return Path("/tmp") / f"{APP}-{os.geteuid()}-{digest}"  # noqa: S108 - its owner is checked

    @property
    def socket(self) -> Path:
        """The socket of the server."""
        return self.socket_dir / f".s.PGSQL.{PORT}"

    def open(self) -> None:
        """Make the home if there is none.

        Raises:
            UnavailableError: It belongs to somebody else, or anybody could write to it.
        """
        with contextlib.suppress(FileExistsError):
            self.path.mkdir(mode=0o700, parents=True)
        state = self.path.stat()
        if not stat.S_ISDIR(state.st_mode):
            raise NotADirectoryError(20, "Not a directory", str(self.path))
        if state.st_uid != os.geteuid():
            raise _foreign(self.path, state.st_uid)
        if state.st_mode & stat.S_IWOTH:
            raise UnavailableError(
                f"{self.path} can be written to by every account, so it is no safe place for a database.",
                hint="Set QMS_HOME to a directory of your own.",
            )

    def let_in(self, account: Account) -> None:
        """Let the server's account pass through a home that holds nothing else yet."""
        mode = stat.S_IMODE(self.path.stat().st_mode)
        locks = {self.start_lock.name, self.users_lock.name, self.keeper_lock.name}
        if account.switched and not mode & stat.S_IXOTH and {p.name for p in self.path.iterdir()} <= locks:
            self.path.chmod(mode | stat.S_IXGRP | stat.S_IXOTH)

    def give(self, directory: Path, account: Account) -> None:
        """Make `directory`, private to the server's account."""
        with contextlib.suppress(FileExistsError):
            directory.mkdir(mode=0o700)
        state = directory.lstat()
        if not stat.S_ISDIR(state.st_mode):
            raise NotADirectoryError(20, "Not a directory", str(directory))
        if state.st_uid == os.geteuid() and account.switched:
            os.chown(directory, account.uid, account.gid)
        elif state.st_uid != account.uid:
            raise _foreign(directory, state.st_uid)
        directory.chmod(0o700)


def _foreign(path: Path, uid: int) -> UnavailableError:
    return UnavailableError(
        f"{path} belongs to the account with uid {uid}, and this program runs with uid {os.geteuid()}.",
        hint="Run it as the owner, or set QMS_HOME to a directory of your own.",
    )
