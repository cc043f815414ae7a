"""Where entries wait while the database can't be reached.

Each process appends JSON lines to a file of its own and has them on disk (fsync) before it goes on. Whoever finds
the database again, also another process later, claims a file by locking it, replays it, and removes it. Entries
are repeatable, so a crash between replay and removal doubles nothing.
"""

import fcntl
import json
import logging
import os
import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
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

    def append(self, entries: Iterable[Entry]) -> bool:
        """Put entries on disk; False, and the entries in the log, when the disk refuses."""
        # Escaped to ASCII, so that no text can be refused here, whatever it holds.
        lines = "".join(json.dumps({**entry, "replayed": True}, default=str) + "\n" for entry in entries).encode()
        try:
            _write(self._open(), lines)
        except OSError:
            _log.exception("the ledger can't be spooled; entries follow: %s", lines.decode())
            return False
        return True

    def close(self) -> None:
        """Let go of the own file, so that anyone may replay it."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def set_aside(self, entry: Entry) -> None:
        """Keep an entry the database refuses, for a person to look at."""
        line = json.dumps(entry, default=str)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with (self._folder / "refused.txt").open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        except OSError:
            _log.exception("a refused entry can't be kept on disk; it follows: %s", line)

    def waiting(self) -> bool:
        """Whether anything waits to be replayed."""
        return bool(self._files())

    def claims(self) -> Generator["Claim"]:
        """Yield every file nobody else is writing or replaying, the oldest first, locked while it is yielded."""
        self.close()
        for path in self._files():
            with _locked(path) as file:
                if file is not None:
                    yield Claim(path, file)

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob("*.jsonl")) if self._folder.is_dir() else []

    def _open(self) -> int:
        if self._file is None:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Names sort by age; the lock is held before anyone can find the file.
            path = self._folder / f"{time.time_ns():020d}-{os.getpid()}-{uuid4().hex[:8]}.jsonl"
            fresh = path.with_suffix(".new")
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                fresh.rename(path)
                _sync_folder(self._folder)
            except BaseException:
                os.close(descriptor)
                raise
            self._file = descriptor
        return self._file


class Claim:
    """A spool file whose entries are being replayed."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.path = path
        self._file = file

    def batches(self, size: int) -> Iterator[list[Entry]]:
        """Yield the entries in their order, `size` at a time; a torn line is left out."""
        batch: list[Entry] = []
        for line in self._file:
            try:
                batch.append(json.loads(line))
            except ValueError:  # the process died while it wrote the last line
                _log.warning("a torn line in %s was left out", self.path.name)
                continue
            if len(batch) == size:
                yield batch
                batch = []
        if batch:
            yield batch

    def done(self) -> None:
        """Remove the file: its entries are in the database."""
        self.path.unlink(missing_ok=True)


@contextmanager
def _locked(path: Path) -> Generator[BinaryIO | None]:
    """Yield the file, locked, or None when it is gone or another process has it."""
    with suppress(FileNotFoundError), path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
        else:
            yield file
        return
    yield None


def _write(descriptor: int, lines: bytes) -> None:
    """Write all or nothing: half a line would spoil the next one."""
    before = os.fstat(descriptor).st_size
    try:
        rest = memoryview(lines)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    except OSError:
        with suppress(OSError):
            os.ftruncate(descriptor, before)
        raise


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
