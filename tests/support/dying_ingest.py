"""`python -m tests.support.dying_ingest POINT NTH ARGUMENT...`: `qms-mcp` that is killed the moment it gets somewhere.

POINT is `half_original` (written, not yet named), `original` (named, no record), `file` (record and file
are written, not committed), or `never`. Files are read in this process: what is tested is what is kept, not how it is
read.
"""

import itertools
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from qms_mcp.cli import run
from qms_mcp.services.documents import originals, preparing
from qms_mcp.services.documents.parsing.models import Limits, Parsed
from qms_mcp.services.records.writing import Writing


async def read_at_once(content: bytes, file_name: str, *, limits: Limits) -> Parsed:
    """Read a Markdown file without a child process."""
    del file_name, limits
    text = content.decode()
    return Parsed(markdown=text, title=text.splitlines()[0].strip("# "), media_type="text/markdown", parser="a test")


def deadly(nth: int) -> Callable[[], None]:
    """Return a function whose nth call kills this process."""
    calls = itertools.count(1)

    def call() -> None:
        if next(calls) == nth:
            os.kill(os.getpid(), signal.SIGKILL)

    return call


def main(point: str, nth: int, arguments: list[str]) -> int:
    """Run the command line until it gets to the point."""
    preparing.parse = read_at_once
    die = deadly(nth)
    write_whole, settle = originals._write_whole, os.fsync  # pyright: ignore[reportPrivateUsage]
    add_part = Writing.add_part

    def half_written(handle: int) -> None:
        settle(handle)
        die()

    def named(*given: Any) -> None:
        write_whole(*given)
        die()

    async def part_added(*given: Any, **options: Any) -> Any:
        made = await add_part(*given, **options)
        die()
        return made

    if point == "half_original":
        os.fsync = half_written
    elif point == "original":
        originals._write_whole = named  # pyright: ignore[reportPrivateUsage]
    elif point == "file":
        Writing.add_part = part_added
    return run(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), sys.argv[3:]))
