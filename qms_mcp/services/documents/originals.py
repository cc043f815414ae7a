"""The originals of documents, kept as they came, under the sha256 of their bytes.

What is kept is never written over and never half there: a local original gets its name only when all of it is on the
disk, and a kept one is left alone. Whoever reads an original gets exactly the bytes that were kept, or an error.

Storing comes before the record: a crash in between leaves an original nobody names, which the next attempt finds.
"""

import contextlib
import errno
import hashlib
import os
import time
from pathlib import Path
from typing import Literal, Protocol, TypeAlias
from uuid import UUID, uuid4

import anyio.to_thread

from qms_mcp.errors import InternalError, NotFoundError, UnavailableError
from qms_mcp.settings import Settings

StoredAs: TypeAlias = Literal["local", "supabase"]

_PARTIAL = ".part"
# A file that is still written is younger.
_LEFT_BEHIND = 3_600
_FULL = {errno.ENOSPC, errno.EDQUOT}


class OriginalNotKeptError(UnavailableError):
    """The original of one document could not be stored; its record was not written.

    Args:
        reason: One word for programs: disk_full, not_stored.
        message: What is wrong, in a sentence.
        hint: What to do next.
    """

    def __init__(self, reason: str, message: str, *, hint: str) -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


class Originals(Protocol):
    """Where originals are kept.

    Attributes:
        stored_as: What the record says of the place.
    """

    stored_as: StoredAs

    async def keep(self, organization_id: UUID, content: bytes, sha256: str, media_type: str) -> None:
        """Keep the bytes, unless they are kept already.

        Raises:
            OriginalNotKeptError: They could not be stored.
        """
        ...

    async def read(self, organization_id: UUID, sha256: str) -> bytes:
        """Return the bytes that were kept.

        Raises:
            NotFoundError: There is no such original.
            InternalError: What is there are other bytes.
            UnavailableError: The place can't be reached.
        """
        ...


class LocalOriginals:
    """Originals in a folder: `ab/cdef...`, one file each, whoever they belong to.

    Args:
        folder: Made when the first is kept.
    """

    stored_as: StoredAs = "local"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def keep(self, organization_id: UUID, content: bytes, sha256: str, media_type: str) -> None:
        """See `Originals.keep`."""
        del organization_id, media_type
        await anyio.to_thread.run_sync(self._keep, content, sha256)

    async def read(self, organization_id: UUID, sha256: str) -> bytes:
        """See `Originals.read`."""
        del organization_id
        return await anyio.to_thread.run_sync(self._read, sha256)

    def path_of(self, sha256: str) -> Path:
        """Return where an original is or would be."""
        return self._folder / sha256[:2] / sha256[2:]

    def _keep(self, content: bytes, sha256: str) -> None:
        target = self.path_of(sha256)
        try:
            if _is_whole(target, sha256):
                return
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _sweep(target.parent)
            _write_whole(target, content)
            for folder in (target.parent, self._folder, self._folder.parent):
                _settle(folder)
        except OSError as failed:
            raise _not_kept(failed) from None

    def _read(self, sha256: str) -> bytes:
        try:
            content = self.path_of(sha256).read_bytes()
        except FileNotFoundError:
            raise lost(sha256) from None
        except OSError as failed:
            raise UnavailableError(
                f"The original can't be read: {failed.strerror}.", hint="Look at the disk of the QMS home."
            ) from None
        return checked(content, sha256)


def originals_for(settings: Settings, home: Path) -> Originals:
    """Return where originals are kept: in the bucket, if one is set with its project and key, else in the home."""
    if settings.qms_originals_bucket and settings.supabase_url and settings.supabase_service_role_key:
        from qms_mcp.services.documents.bucket import BucketOriginals  # noqa: PLC0415 - only with a bucket

        return BucketOriginals(
            str(settings.supabase_url), settings.supabase_service_role_key, settings.qms_originals_bucket
        )
    return LocalOriginals(home / "originals")


def checked(content: bytes, sha256: str) -> bytes:
    """Return the bytes of an original, if they are the ones that were kept.

    Raises:
        InternalError: They are not.
    """
    if hashlib.sha256(content).hexdigest() != sha256:
        raise InternalError(
            f"The original {sha256[:12]}... does not hold the bytes that were ingested.",
            hint="Restore it from a backup.",
        )
    return content


def lost(sha256: str) -> NotFoundError:
    """Return the error for an original that is not there."""
    return NotFoundError(
        f"The original {sha256[:12]}... is not where originals are kept.",
        hint="Restore it from a backup.",
    )


def _is_whole(target: Path, sha256: str) -> bool:
    try:
        with target.open("rb") as kept:
            return hashlib.file_digest(kept, "sha256").hexdigest() == sha256
    except FileNotFoundError:
        return False


def _write_whole(target: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all, also when the power goes."""
    partial = target.with_name(f".{uuid4().hex}{_PARTIAL}")
    try:
        handle = os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o400)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.rename(target)
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise


def _sweep(folder: Path) -> None:
    """Remove what a killed process left half written."""
    for partial in folder.glob(f".*{_PARTIAL}"):
        with contextlib.suppress(OSError):
            if partial.stat().st_mtime < time.time() - _LEFT_BEHIND:
                partial.unlink()


def _settle(folder: Path) -> None:
    """Have the names in a folder on the disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _not_kept(failed: OSError) -> OriginalNotKeptError:
    if failed.errno in _FULL:
        return OriginalNotKeptError(
            "disk_full", "The disk with the originals of documents is full.", hint="Make room, then ingest it again."
        )
    return OriginalNotKeptError(
        "not_stored",
        f"The original could not be stored: {failed.strerror or 'the disk failed'}.",
        hint="Look at the folder `originals` in the QMS home, then ingest it again.",
    )
