"""Where entries wait while the database can't be reached.

Each process appends JSON lines to a file of its own and has them on disk (fsync) before it goes on. Whoever finds
the database again, also another process later, claims a file by renaming it, replays it, and removes it. Entries
are repeatable, so a crash between replay and removal doubles nothing.
"""

import contextlib
import fcntl
import json
import logging
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from uuid import uuid4

from qms_mcp.ledger.record import Entry

_log = logging.getLogger(__name__)


class Spool:
    """Ledger entries on disk.

    Args:
        folder: Where the files are; made when first needed, readable by its owner only.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: int | None = None
        self._path: Path | None = None

    def append(self, entries: Iterable[Entry]) -> bool:
        """Put entries on disk; False, and a line in the log, when the disk refuses."""
        lines = "".join(json.dumps({**entry, "replayed": True}, ensure_ascii=False) + "\n" for entry in entries)
        try:
            descriptor = self._open()
            os.write(descriptor, lines.encode())
            os.fsync(descriptor)
        except OSError:
            _log.exception("the ledger can't be spooled; entries follow: %s", lines)
            return False
        return True

    def _open(self) -> int:
        if self._file is None:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._path = self._folder / f"{os.getpid()}-{uuid4().hex}.jsonl"
            self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._file, fcntl.LOCK_EX)
        return self._file

    def close(self) -> None:
        """Let go of the own file, so that anyone may replay it."""
        if self._file is not None:
            os.close(self._file)
            self._file = self._path = None

    def own_is_empty(self) -> bool:
        """Whether this process has put nothing on disk since its file was last given up for replay."""
        return self._file is None

    def set_aside(self, entry: Entry) -> None:
        """Keep an entry the database refuses, for a person to look at."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self._folder / "refused.txt").open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry, ensure_ascii=False) + "\n")

    def waiting(self) -> bool:
        """Whether anything waits to be replayed."""
        return any(self._folder.glob("*.jsonl")) if self._folder.is_dir() else False

    def claims(self) -> Iterator["Claim"]:
        """Yield every file nobody else is writing or replaying, the oldest first, locked while it is yielded."""
        self.close()
        with contextlib.suppress(FileNotFoundError):
            for path in sorted(self._folder.glob("*.jsonl"), key=lambda p: p.stat().st_mtime):
                with contextlib.suppress(FileNotFoundError, BlockingIOError), path.open("rb") as file:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    yield Claim(path, _entries(path, file.read()))


class Claim:
    """A spool file whose entries are being replayed."""

    def __init__(self, path: Path, entries: list[Entry]) -> None:
        self.path = path
        self.entries = entries

    def done(self) -> None:
        """Remove the file: its entries are in the database."""
        self.path.unlink(missing_ok=True)


def _entries(path: Path, content: bytes) -> list[Entry]:
    found: list[Entry] = []
    for line in content.splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:  # the process died while it wrote the last line
            _log.warning("a torn line in %s was left out", path.name)
    return found
