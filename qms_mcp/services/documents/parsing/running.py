"""One file, one child: started, fed, waited for and, when it takes too long, killed.

The child gets the request on stdin (a line of JSON, then the bytes) and answers with one line of JSON on stdout. Its
environment is closed, its working directory is the root, it leads its own process group so that all it may have
started goes with it, and its stderr goes nowhere: parsers write file contents there.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import anyio
from anyio.abc import Process

from qms_mcp.services.documents.parsing.models import DEFAULT, Limits, Parsed, UnreadableFileError
from qms_mcp.services.documents.parsing.refusals import worded

_CHILD = "qms_mcp.services.documents.parsing.child"
_ROOT = Path(__file__).resolve().parents[4]
_START = f"import sys, runpy; sys.path.insert(0, {str(_ROOT)!r}); runpy.run_module({_CHILD!r}, run_name='__main__')"
_ENVIRONMENT = {"LC_ALL": "C.UTF-8", "TZ": "UTC", "RAYON_NUM_THREADS": "1", "TOKIO_WORKER_THREADS": "1"}
_PER_CHARACTER = 12  # bytes of a character in JSON, escaped as a pair of surrogates
_REST = 64 * 1024 * 1024


async def parse_apart(
    content: bytes, file_name: str, *, limits: Limits | None = None, program: list[str] | None = None
) -> Parsed:
    """Read a file in a child process.

    Args:
        content: The bytes of the file.
        file_name: Its name, without or with folders.
        limits: What it may cost.
        program: Another program than the child, for tests.

    Raises:
        UnreadableFileError: The file can't be read.
    """
    allowed = limits or DEFAULT
    name = shown_name(file_name)
    if not content:
        raise refused("empty", "", name)
    if len(content) > allowed.file_bytes:
        raise refused("too_large", f"{_megabytes(len(content))} of {_megabytes(allowed.file_bytes)} allowed", name)
    answer = await _answer_of(content, name, allowed, program or [sys.executable, "-I", "-c", _START])
    if "refused" in answer:
        raise refused(str(answer["refused"]), str(answer.get("detail", "")), name)
    return Parsed.model_validate(answer)


def refused(reason: str, detail: str, name: str) -> UnreadableFileError:
    """Return the error for a reason."""
    message, hint = worded(reason, detail, name)
    return UnreadableFileError(reason, message, hint=hint)


def shown_name(file_name: str) -> str:
    """Return the last part of a name as it may be shown: one line, no control characters, at most 120 characters."""
    last = file_name.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    printable = "".join(c for c in last if c.isprintable()).strip()
    return printable if len(printable) <= 120 else f"{printable[:80]}...{printable[-30:]}"  # noqa: PLR2004 - as said


def _megabytes(count: int) -> str:
    return f"{count / 1024 / 1024:,.1f} MB"


async def _answer_of(content: bytes, name: str, limits: Limits, program: list[str]) -> dict[str, Any]:
    request = json.dumps({"file_name": name, "limits": limits.model_dump()}).encode() + b"\n"
    child: Process | None = None
    said, code = b"", 0
    try:
        with anyio.fail_after(limits.seconds):
            child = await anyio.open_process(
                program, stderr=subprocess.DEVNULL, env=_ENVIRONMENT, cwd="/", start_new_session=True
            )
            async with anyio.create_task_group() as both:
                both.start_soon(_feed, child, request, content)
                said = await _said(child, limits.characters * _PER_CHARACTER + _REST)
            code = await child.wait()
    except TimeoutError:
        raise refused("timed_out", f"it took more than {limits.seconds:g} seconds", name) from None
    finally:
        if child is not None:
            await _end(child)
    return _understood(said, code, name)


async def _feed(child: Process, request: bytes, content: bytes) -> None:
    stdin = child.stdin
    if stdin is None:
        return
    with contextlib.suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):  # it ended before it had read all
        await stdin.send(request)
        view = memoryview(content)
        for start in range(0, len(view), 1024 * 1024):
            await stdin.send(bytes(view[start : start + 1024 * 1024]))
    with contextlib.suppress(anyio.BrokenResourceError, BrokenPipeError, ConnectionResetError):
        await stdin.aclose()


async def _said(child: Process, most: int) -> bytes:
    stdout = child.stdout
    pieces: list[bytes] = []
    size = 0
    if stdout is not None:
        async for piece in stdout:
            size += len(piece)
            if size > most:
                return b""
            pieces.append(piece)
    return b"".join(pieces)


async def _end(child: Process) -> None:
    """Kill what is left of the child and its group, and take its exit code; also when we are being cancelled."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)  # it leads its group; the group outlives it while it has members
    with anyio.CancelScope(shield=True):
        await child.aclose()


def _understood(said: bytes, code: int, name: str) -> dict[str, Any]:
    if code == 0:
        with contextlib.suppress(ValueError):
            answer = json.loads(said)
            if isinstance(answer, dict):
                return cast("dict[str, Any]", answer)
    if code in {-signal.SIGXCPU, -signal.SIGALRM}:
        raise refused("timed_out", "it used up its processor time", name)
    how = f"it ended by signal {-code}" if code < 0 else f"it ended with code {code}"
    raise refused("crashed", how, name)
