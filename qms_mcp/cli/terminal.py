"""The person at the terminal, and nothing that only looks like one.

Passwords are read from the controlling terminal of the process itself, never from an argument, a variable or standard
input, so they can't be piped in. Without such a terminal there is nobody to ask, and the command says so.
"""

import os
import termios
from collections.abc import Generator
from contextlib import contextmanager

from qms_mcp.errors import InvalidInputError, NotAllowedError

_LONGEST = 4_096


class Terminal:
    """The controlling terminal.

    Args:
        descriptor: Of the open terminal.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def say(self, text: str) -> None:
        """Show a line."""
        os.write(self._descriptor, f"{text}\r\n".encode())

    def ask(self, prompt: str) -> str:
        """Ask for a line that may be seen."""
        termios.tcflush(self._descriptor, termios.TCIFLUSH)
        return self._answer(prompt)

    def ask_hidden(self, prompt: str) -> str:
        """Ask for a line that is not shown; what was typed ahead does not count."""
        before = termios.tcgetattr(self._descriptor)
        quiet = list(before)
        quiet[3] = (before[3] | termios.ICANON) & ~termios.ECHO
        try:
            termios.tcsetattr(self._descriptor, termios.TCSAFLUSH, quiet)
            return self._answer(prompt)
        finally:
            termios.tcsetattr(self._descriptor, termios.TCSAFLUSH, before)
            self.say("")

    def _answer(self, prompt: str) -> str:
        os.write(self._descriptor, prompt.encode())
        typed = b""
        while not typed.endswith(b"\n"):
            piece = os.read(self._descriptor, _LONGEST)
            if not piece or len(typed) > _LONGEST:
                raise NotAllowedError("The terminal was closed.")
            typed += piece
        try:
            return typed.decode().rstrip("\r\n")
        except UnicodeDecodeError:
            raise InvalidInputError("What was typed is no UTF-8 text.") from None


@contextmanager
def controlling_terminal() -> Generator[Terminal]:
    """Lend the terminal of the person who started the command.

    Raises:
        NotAllowedError: There is none.
    """
    try:
        descriptor = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        raise NotAllowedError(
            "There is no terminal on which a person could be asked.",
            hint="Run this in a terminal; a password can't come from a pipe, an argument or a variable.",
        ) from None
    try:
        yield Terminal(descriptor)
    finally:
        os.close(descriptor)
