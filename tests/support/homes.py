"""A home that has been started before, for tests that are not about the first start.

Starting on an empty home takes seconds, most of them the migrations. So one home is started and stopped once in a run
of the tests, whichever worker is first, and the others get copies of it.
"""

import fcntl
import os
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anyio

from qms_mcp.db.embedded import EmbeddedPostgres
from qms_mcp.settings import Settings
from qms_mcp.startup import lay_foundation
from tests.support.places import new_place


def copy_of_started_home(to: Path) -> None:
    """Make `to` a home whose database is migrated, has its owner, and is stopped."""
    subprocess.run(["cp", "-a", str(_started_home()), str(to)], check=True)


def remove_started_home() -> None:
    """Remove what the workers of this run copied from; the process that started them calls it at the end."""
    note = _note(os.getpid())
    if note.is_file():
        shutil.rmtree(note.read_text(), ignore_errors=True)
        note.unlink()


def _started_home() -> Path:
    # Workers are children of one process, which the note is named after; without workers it is this one.
    run = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()
    with _note(run).open("a+") as note:
        fcntl.flock(note, fcntl.LOCK_EX)
        note.seek(0)
        folder = note.read()
        if not folder:
            folder = str(new_place("qms-home-"))
            _start_once(Path(folder) / "home")
            note.write(folder)
    return Path(folder) / "home"


def _start_once(home: Path) -> None:
    async def start() -> None:
        foundation = await lay_foundation(Settings(qms_home=home, qms_linger_seconds=0.2), home, lambda _stage: None)
        await foundation.aclose()

    with ThreadPoolExecutor(1) as thread:  # this one may be inside an event loop
        thread.submit(anyio.run, start).result()
    EmbeddedPostgres(home).stop()


def _note(run: int) -> Path:
    return Path(tempfile.gettempdir()) / f"qms-tests-{os.getuid()}-{run}"
