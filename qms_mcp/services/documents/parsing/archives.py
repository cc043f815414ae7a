"""Whether a zip-based file (DOCX, XLSX, PPTX, ODT) unpacks to what a document may hold.

Its directory says how large each entry is, and may lie. So the entries are unpacked here once, a piece at a time and
into nothing, until one is larger than it said or all together are too large; only then does a parser see the file.
"""

import io
import zipfile
import zlib
from typing import TYPE_CHECKING

from qms_mcp.services.documents.parsing.refusals import RefusedError

if TYPE_CHECKING:
    from qms_mcp.services.documents.parsing.reading import Allowed

_PIECE = 256 * 1024
_ALWAYS_FINE = 32 * 1024 * 1024
_LOCAL_HEADER = 30


def check_archive(content: bytes, allowed: "Allowed") -> None:
    """Unpack into nothing, and count.

    Raises:
        RefusedError: It is a zip bomb, broken or protected.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError):
        raise RefusedError("broken", "its zip directory can't be read; perhaps the copy is cut off") from None
    if len(entries) > allowed.archive_entries:
        raise RefusedError("zip_bomb", f"{len(entries):,} entries")
    most = min(allowed.unpacked_bytes, max(_ALWAYS_FINE, len(content) * allowed.unpacked_ratio))
    if sum(entry.file_size for entry in entries) > most:
        raise _bomb(most)
    total = 0
    for entry in entries:
        total += _unpacked_size(content, entry, most - total)


def _bomb(most: int) -> RefusedError:
    return RefusedError("zip_bomb", f"more than {most // 1024**2:,} MB")


def _unpacked_size(content: bytes, entry: zipfile.ZipInfo, left: int) -> int:
    if entry.flag_bits & 0x1:
        raise RefusedError("encrypted")
    start = entry.header_offset
    header = content[start : start + _LOCAL_HEADER]
    if len(header) < _LOCAL_HEADER or not header.startswith(b"PK\x03\x04"):
        raise RefusedError("broken", "an entry of it is missing; perhaps the copy is cut off")
    start += _LOCAL_HEADER + int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
    packed = memoryview(content)[start : start + entry.compress_size]
    if len(packed) < entry.compress_size:
        raise RefusedError("broken", "an entry of it is cut off")
    if entry.compress_type == zipfile.ZIP_STORED:
        size = len(packed)
    elif entry.compress_type == zipfile.ZIP_DEFLATED:
        size = _inflated_size(packed, min(left, entry.file_size))
    else:
        raise RefusedError("broken", "it is packed in a way that office programs don't use")
    if size > left:
        raise _bomb(left)
    return size


def _inflated_size(packed: memoryview, most: int) -> int:
    unpacking = zlib.decompressobj(-zlib.MAX_WBITS)
    size = 0
    for start in range(0, len(packed), _PIECE):
        waiting: bytes | memoryview = packed[start : start + _PIECE]
        while waiting:
            try:
                size += len(unpacking.decompress(waiting, _PIECE))
            except zlib.error:
                raise RefusedError("broken", "an entry of it can't be unpacked") from None
            if size > most:
                raise RefusedError("zip_bomb", "an entry is larger than it says")
            waiting = unpacking.unconsumed_tail
    return size
