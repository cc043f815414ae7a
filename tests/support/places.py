"""Where the databases of tests lie: in memory where there is room, else with the other temporary files.

A test waits for the disk more than for anything else: a copy of the migrated database takes 0.03 s in memory and up to
0.5 s on a disk that two workers write to.
"""

import os
import tempfile
from pathlib import Path

_MEMORY = Path("/dev/shm")  # noqa: S108 - folders in it get random names of their own
_ROOM = 2 * 1024**3


def _has_room() -> bool:
    """Say whether databases can lie in memory.

    Containers often have 64 MB of it or may run no program from it, which a home of the embedded server must allow.
    """
    try:
        found = os.statvfs(_MEMORY)
    except OSError:
        return False
    return found.f_frsize * found.f_bavail > _ROOM and not found.f_flag & os.ST_NOEXEC


def new_place(prefix: str = "qms-") -> Path:
    """Make a folder under a short path, as sockets need it, which the server's account can enter."""
    place = Path(tempfile.mkdtemp(prefix=prefix, dir=_MEMORY if _has_room() else None))
    place.chmod(0o755)
    return place


def is_in_memory(place: Path) -> bool:
    """Say whether `place` lies in memory."""
    return place.is_relative_to(_MEMORY)
