"""A folder of documents, file after file, in the order of their names.

One file that can't be read stops no other. Interrupted at any moment, even killed, the same call goes on where it was:
what is in is known by the hash of its bytes and not read again.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from qms_mcp.auth.principal import Principal
from qms_mcp.errors import LimitExceededError, NotAllowedError, NotAuthenticatedError, QmsError, UnavailableError
from qms_mcp.services.documents.fetching import Fetched
from qms_mcp.services.documents.ingesting import Ingesting
from qms_mcp.services.documents.models import FileOutcome, FolderIngested, Ingested
from qms_mcp.services.documents.originals import OriginalNotKeptError
from qms_mcp.services.documents.parsing.models import UnreadableFileError
from qms_mcp.services.documents.preparing import NUMBERLESS, Prepared, check_fields
from qms_mcp.services.records.writing import check_reason

_log = logging.getLogger(__name__)


async def no_word(done: int, total: int, last: FileOutcome) -> None:
    """Say nothing of how far it is."""
    del done, total, last


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder to bring in.

    Attributes:
        root: The folder.
        files: In it, in their order.
        read: Reads one of them, within what is allowed.
        fields: For each of the documents.
        most_new: New files to read in one go.
        at_once: Files read at the same time; they are written one after the other all the same.
        trial: Do all but write.
        at: Hears after each file how many are done, of how many, and what became of the last one.
        enough: Asked before each file whether to stop there.
    """

    root: Path
    files: Sequence[Path]
    read: Callable[[Path], Fetched]
    fields: Mapping[str, Any] = field(default_factory=dict[str, Any])
    most_new: int = 1_000
    at_once: int = 1
    trial: bool = False
    at: Callable[[int, int, FileOutcome], Awaitable[None]] = no_word
    enough: Callable[[], bool] = lambda: False


class _EndedError(Exception):
    """No further file can work either.

    Args:
        why: What is in the way.
    """

    def __init__(self, why: QmsError) -> None:
        super().__init__(why.message)
        self.why = why


Ready = Prepared | Ingested | FileOutcome | _EndedError


class FolderIngesting:
    """Brings folders in."""

    def __init__(self, ingesting: Ingesting) -> None:
        self._ingesting = ingesting

    async def ingest(self, principal: Principal, folder: Folder, because: str) -> FolderIngested:
        """Bring the files of a folder in.

        Raises:
            InvalidInputError: The reason is too short, or a field comes out of the files.
            NotAllowedError: The caller may not keep records.
            UnavailableError: The database can't be reached, from the first file on.
        """
        check_reason(because)
        check_fields(folder.fields)
        done: list[FileOutcome] = []
        new, total, stopped = 0, len(folder.files), ""
        try:
            while len(done) < total and new < folder.most_new and not folder.enough():
                batch = folder.files[len(done) : len(done) + folder.at_once]
                for file, ready in zip(batch, await self._read_all(principal, folder, batch), strict=True):
                    outcome = await self._settled(principal, folder, file, ready, because)
                    done.append(outcome)
                    new += outcome.outcome != "there already"
                    await folder.at(len(done), total, outcome)
        except _EndedError as ended:
            if not done:
                raise ended.why from None
            stopped = f"It stopped early: {ended.why.message} {ended.why.hint}".strip()
        return FolderIngested(files=done, total=total, left=total - len(done), stopped=stopped)

    async def _read_all(self, principal: Principal, folder: Folder, batch: Sequence[Path]) -> list[Ready]:
        found: dict[Path, Ready] = {}

        async def one(file: Path) -> None:
            found[file] = await self._ready(principal, folder, file)

        async with anyio.create_task_group() as tasks:
            for file in batch:
                tasks.start_soon(one, file)
        return [found[file] for file in batch]

    async def _ready(self, principal: Principal, folder: Folder, file: Path) -> Ready:
        name = _name(file, folder.root)
        try:
            fetched = await anyio.to_thread.run_sync(folder.read, file)
        except LimitExceededError as large:
            return _not_in(name, "too_large", large)
        except Exception as failed:  # noqa: BLE001 - whatever it is, it is of this file alone
            return _refused(name, failed)
        try:
            return await self._ingesting.prepare(principal, fetched, folder.fields)
        except Exception as failed:  # noqa: BLE001 - whatever it is, it is of this file alone
            return _refused(name, failed)

    async def _settled(
        self, principal: Principal, folder: Folder, file: Path, ready: Ready, because: str
    ) -> FileOutcome:
        if isinstance(ready, _EndedError):
            raise ready
        if isinstance(ready, FileOutcome):
            return ready
        name = _name(file, folder.root)
        if isinstance(ready, Ingested):
            return _outcome(name, ready)
        try:
            if folder.trial:
                return _outcome(name, await self._ingesting.try_out(principal, ready))
            return _outcome(name, await self._ingesting.keep(principal, ready, because))
        except Exception as failed:  # noqa: BLE001 - whatever it is, it is of this file alone
            refused = _refused(name, failed)
        if isinstance(refused, _EndedError):
            raise refused
        return refused


def _outcome(name: str, made: Ingested) -> FileOutcome:
    return FileOutcome(
        file=name,
        outcome=made.outcome,
        document=made.citation,
        number=made.number,
        version=made.version or None,
        audit_seq=made.audit_seq or None,
        # That many have no number is said once, of all of them.
        warnings=[] if made.existed else [said for said in made.warnings if not said.startswith(NUMBERLESS)],
    )


def _refused(name: str, failed: Exception) -> FileOutcome | _EndedError:
    """Return what is said of a file that failed, or that the next one would fail too."""
    if isinstance(failed, UnreadableFileError | OriginalNotKeptError):
        return _not_in(name, failed.reason, failed)
    if isinstance(failed, NotAllowedError | NotAuthenticatedError | UnavailableError):
        return _EndedError(failed)
    if isinstance(failed, QmsError):
        return _not_in(name, failed.code, failed)
    if isinstance(failed, OSError):
        why = failed.strerror or "the disk failed"
        return FileOutcome(file=name, outcome="refused", code="unreadable", why=f"It can't be read: {why}.")
    _log.error("%s could not be ingested", name, exc_info=failed)
    return FileOutcome(file=name, outcome="refused", code="internal", why="Something went wrong; the log says more.")


def _not_in(name: str, code: str, failed: QmsError) -> FileOutcome:
    return FileOutcome(file=name, outcome="refused", code=code, why=f"{failed.message} {failed.hint}".strip())


def _name(file: Path, root: Path) -> str:
    """Return the path of a file in its folder as text that can be shown and stored."""
    relative = file.relative_to(root) if file.is_relative_to(root) else Path(file.name)
    whole = relative.as_posix().encode("utf-8", "replace").decode()
    return "".join(letter if letter.isprintable() else " " for letter in whole)
