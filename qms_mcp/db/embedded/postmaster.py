"""Whether a server answers, found out without a client library and without starting a program."""

import socket
import struct
import time
from pathlib import Path

from qms_mcp.db.embedded.home import Home
from qms_mcp.db.embedded.keeper import alive, recorded_pid, running_pid

_PROTOCOL = 196608  # 3.0
_STATUS_LINE = 7
_POLL_SECONDS = 0.004
_STARTING_UP = b"C57P03\0"  # cannot_connect_now: starting, recovering or stopping


def answers(path: Path) -> bool:
    """Say whether the server behind the socket accepts connections now; takes about 2 ms."""
    fields = b"user\0postgres\0database\0postgres\0\0"
    hello = struct.pack("!ii", 8 + len(fields), _PROTOCOL) + fields
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(3)
        try:
            connection.connect(str(path))
            connection.sendall(hello)
            reply = connection.recv(4096)
            connection.sendall(struct.pack("!ci", b"X", 4))
        except OSError:
            return False
    return reply[:1] == b"R" or (reply[:1] == b"E" and _STARTING_UP not in reply)


def says_ready(cluster: Path) -> bool:
    """Say whether the server noted in its pid file that it is ready: cheaper than to ask it."""
    try:
        lines = (cluster / "postmaster.pid").read_text().splitlines()
    except OSError:
        return False
    return len(lines) > _STATUS_LINE and lines[_STATUS_LINE].strip() == "ready"


def became_ready(home: Home, pid: int, *, seconds: float) -> bool:
    """Wait until server `pid` accepts connections; False when it ended or the time was up."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if says_ready(home.cluster) and answers(home.socket):
            return True
        if not alive(pid):
            return False
        time.sleep(_POLL_SECONDS)
    return False


def drop_stale_files(home: Home) -> None:
    """Remove what a killed server left behind, if the pid in it is nobody's or somebody else's by now.

    After a reboot, or in a restarted container, that number often belongs to another process, and postgres
    would refuse to start.
    """
    if recorded_pid(home.cluster) is None or running_pid(home.cluster) is not None:
        return
    (home.cluster / "postmaster.pid").unlink(missing_ok=True)
    home.socket.with_name(f"{home.socket.name}.lock").unlink(missing_ok=True)
