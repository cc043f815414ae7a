"""Errors of resources and prompts, as the protocol wants them.

A tool answers with its error as text; resources and prompts have no such answer, only an error with a code and a
message. The message is the same prose a tool would give.
"""

from collections.abc import Generator
from contextlib import contextmanager

from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS

from qms_mcp.context import peek_call
from qms_mcp.errors import InvalidInputError, NotFoundError, QmsError


def protocol_error(error: QmsError) -> MCPError:
    """Return what the client gets for `error`."""
    wrong_input = isinstance(error, (InvalidInputError, NotFoundError))
    return MCPError(code=INVALID_PARAMS if wrong_input else INTERNAL_ERROR, message=error.prose())


@contextmanager
def in_protocol_words() -> Generator[None]:
    """Turn errors of ours into protocol errors, and leave them where the ledger finds them.

    Raises:
        MCPError: Something was refused or failed.
    """
    try:
        yield
    except QmsError as error:
        if call := peek_call():
            call.error = error
        raise protocol_error(error) from error
