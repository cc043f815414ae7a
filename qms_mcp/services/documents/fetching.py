"""Where the bytes of a document come from: a file in an allowed folder, an address on an allow-list, or base64.

A caller of a tool is a model, and what it asks for may have been put into its mouth by a text it read. So nothing
outside the folders and hosts the operator named can be read, and an answer says nothing of what lies there.

A path is resolved first and opened after; what was opened is asked where it really is, so a link that is swapped in
between leads nowhere. A host is resolved once; all its addresses are checked, and the connection goes to the one that
was checked, whatever its name resolves to later.
"""

import base64
import binascii
import fcntl
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from qms_mcp.errors import InvalidInputError, LimitExceededError, NotFoundError
from qms_mcp.services.documents.addresses import Fetched, fetch_url

__all__ = ["Fetched", "decode_base64", "fetch_url", "list_folder", "read_path"]

DEFAULT_LIMIT = 100 * 1024 * 1024
_MOST_FILES = 10_000
_PIECE = 1024 * 1024
_GET_PATH = getattr(fcntl, "F_GETPATH", None)  # macOS


@dataclass(frozen=True, slots=True)
class _Folders:
    roots: tuple[Path, ...]

    @classmethod
    def of(cls, roots: Sequence[Path]) -> "_Folders":
        if not roots:
            raise InvalidInputError(
                "Documents can't be read from files here: no folder is allowed.",
                hint="The operator sets QMS_INGEST_ROOTS; or send the content itself.",
            )
        return cls(tuple(Path(os.path.realpath(root)) for root in roots))

    def hold(self, resolved: str) -> bool:
        return any(Path(resolved).is_relative_to(root) for root in self.roots)

    def resolved(self, path: str) -> str:
        """Return the real place of a path, which is absolute or starts in one of the folders."""
        if not path or "\0" in path:
            raise _not_there()
        places = [path] if os.path.isabs(path) else [os.path.join(root, path) for root in self.roots]  # noqa: PTH117, PTH118 - Path drops what matters here
        inside = [real for real in map(os.path.realpath, places) if self.hold(real)]
        found = next((real for real in inside if os.path.lexists(real)), None)
        if found is None:
            raise _not_there()
        return found


def read_path(path: str | Path, roots: Sequence[Path], *, limit: int = DEFAULT_LIMIT) -> Fetched:
    """Read a file inside one of the folders.

    Args:
        path: Absolute, or relative to one of the folders.
        roots: The folders files may be read from.
        limit: Bytes at most.

    Raises:
        NotFoundError: There is no such file in the folders; what lies outside is not told apart from what is not.
        InvalidInputError: It is no ordinary file, or no folder is allowed.
        LimitExceededError: It is larger than the limit.
    """
    folders = _Folders.of(roots)
    real = folders.resolved(os.fspath(path))
    try:
        # O_NONBLOCK: a pipe would wait for a writer before it could be refused
        handle = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        raise _not_there() from None
    try:
        return Fetched(_read_open(handle, folders, limit), Path(real).name, real)
    finally:
        os.close(handle)


def list_folder(path: str | Path, roots: Sequence[Path], *, most: int = _MOST_FILES) -> list[Path]:
    """Return the files in a folder and its subfolders, sorted; hidden ones and links that lead out are left out.

    Raises:
        NotFoundError: There is no such folder in the allowed folders.
        LimitExceededError: It holds more files than `most`.
    """
    folders = _Folders.of(roots)
    real = folders.resolved(os.fspath(path))
    if not Path(real).is_dir():
        raise _not_there()
    found: list[Path] = []
    for file in _files_of(real):
        if folders.hold(os.path.realpath(file)):
            found.append(file)
        if len(found) > most:
            raise LimitExceededError(f"The folder holds more than {most:,} files.", hint="Ingest its subfolders.")
    return sorted(found)


def decode_base64(text: str, *, limit: int = DEFAULT_LIMIT) -> bytes:
    """Return the bytes of a base64 text; white space and a `data:` prefix are allowed.

    Raises:
        InvalidInputError: It is not base64.
        LimitExceededError: It is more than `limit` bytes.
    """
    body = text.split(",", 1)[-1] if text.startswith("data:") else text
    body = "".join(body.split())
    if len(body) > limit * 4 // 3 + 4:
        raise _too_large(limit)
    try:
        return base64.b64decode(body.replace("-", "+").replace("_", "/"), validate=True)
    except binascii.Error:
        raise InvalidInputError(
            "The content is not base64.", hint="Encode the bytes of the file, or send text as text."
        ) from None


def _read_open(handle: int, folders: _Folders, limit: int) -> bytes:
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        raise InvalidInputError("This is not an ordinary file.", hint="Name a file; a folder is ingested as a folder.")
    if not folders.hold(_place_of(handle)):
        raise _not_there()
    if status.st_size > limit:
        raise _too_large(limit)
    pieces: list[bytes] = []
    left = limit + 1
    while left and (piece := os.read(handle, min(_PIECE, left))):
        pieces.append(piece)
        left -= len(piece)
    if not left:
        raise _too_large(limit)  # it grew meanwhile
    return b"".join(pieces)


def _place_of(handle: int) -> str:
    if _GET_PATH is not None:
        return fcntl.fcntl(handle, _GET_PATH, bytes(1024)).rstrip(b"\0").decode()
    return os.path.realpath(f"/proc/self/fd/{handle}")


def _files_of(folder: str) -> Iterator[Path]:
    for place, subfolders, names in os.walk(folder):
        subfolders[:] = [name for name in subfolders if not name.startswith(".")]
        for name in names:
            file = Path(place, name)
            if not name.startswith((".", "~$")) and file.is_file():
                yield file


def _not_there() -> NotFoundError:
    return NotFoundError(
        "There is no such file or folder in the folders documents may be read from.",
        hint="Give a path inside QMS_INGEST_ROOTS, absolute or relative to it.",
    )


def _too_large(limit: int) -> LimitExceededError:
    return LimitExceededError(
        f"The document is larger than {limit / 1024**2:,.0f} MB.", hint="Split it, or raise QMS_INGEST_MAX_MEGABYTES."
    )
