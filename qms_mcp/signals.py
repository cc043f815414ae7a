"""The end of a server that is told to stop.

A client closes stdin, and the server ends on its own. One that is stopped by a signal instead may still wait for a
line of stdin in a thread that nothing can interrupt, so everything is written and the process ends right here.
"""

import os
import signal
from collections.abc import Awaitable, Callable

import anyio

_EXIT_BY_SIGNAL = 128
_LONGEST_CLOSE = 2.5


async def end_process_when_told(close: Callable[[], Awaitable[None]]) -> None:
    """Wait for SIGTERM or SIGINT, close, and end the process."""
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for number in signals:
            with anyio.move_on_after(_LONGEST_CLOSE):
                await close()
            os._exit(_EXIT_BY_SIGNAL + number)
