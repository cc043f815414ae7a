"""The program that reads one file; see `running` for how it is spoken to.

It takes its limits on itself before it has read a byte of the file. Whatever a library prints goes nowhere: the
answer has a channel of its own.
"""

import json
import os
import resource
import signal
import sys
from dataclasses import asdict
from typing import Any

from qms_mcp.services.documents.parsing.reading import Allowed, read
from qms_mcp.services.documents.parsing.refusals import RefusedError


def main() -> None:
    """Read the request, then the file, then answer."""
    channel = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    request = json.loads(sys.stdin.buffer.readline())
    allowed = Allowed(**request["limits"])
    _limit_itself(allowed)
    content = sys.stdin.buffer.read(allowed.file_bytes + 1)
    channel.write(json.dumps(_answer(content, request["file_name"], allowed)).encode())
    channel.close()
    os._exit(0)  # the libraries have threads, and some hang or crash while they are taken apart


def _answer(content: bytes, file_name: str, allowed: Allowed) -> dict[str, Any]:
    try:
        return asdict(read(content, file_name, allowed))
    except RefusedError as refusal:
        return {"refused": refusal.reason, "detail": refusal.detail}
    except MemoryError:
        return {"refused": "crashed", "detail": f"it needed more than {allowed.memory_bytes // 1024**2:,} MB of memory"}
    except RecursionError:
        return {"refused": "broken", "detail": "it is nested too deeply"}


def _limit_itself(allowed: Allowed) -> None:
    seconds = int(allowed.seconds) + 1
    signal.alarm(seconds + 5)  # when nobody is left who would end it
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_CPU, seconds)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_AS, allowed.memory_bytes)


def _limit(kind: int, most: int) -> None:
    try:
        resource.setrlimit(kind, (most, most))
    except (ValueError, OSError):
        return  # not known here, or already lower: time and size still limit it


if __name__ == "__main__":
    main()
