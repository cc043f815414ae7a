"""One open transaction, and the words for what PostgreSQL refuses."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import psycopg
from psycopg import errors as pg
from psycopg.rows import class_row, dict_row

from qms_mcp.db.connection import Connection
from qms_mcp.db.exchange import Answer
from qms_mcp.db.queries import Query
from qms_mcp.errors import (
    ConflictError,
    InvalidInputError,
    LimitExceededError,
    NotAllowedError,
    NotAuthenticatedError,
    NotFoundError,
    QmsError,
    StatementError,
    TakenOverError,
    UnavailableError,
)

T = TypeVar("T")
Parameters = Mapping[str, Any]


class Transaction:
    """A transaction with its identity already set; rows come back typed.

    Attributes:
        connection: The connection underneath, for the modules of `qms_mcp.db`.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    async def fetch_all(self, query: Query, params: Parameters | None = None, *, row: type[T]) -> list[T]:
        """Return all rows as `row` objects, built by column name."""
        async with self.connection.cursor(row_factory=class_row(row)) as cursor:
            await cursor.execute(query.text.encode(), params)
            return await cursor.fetchall()

    async def fetch_one(self, query: Query, params: Parameters | None = None, *, row: type[T]) -> T | None:
        """Return the first row as a `row` object, or None."""
        async with self.connection.cursor(row_factory=class_row(row)) as cursor:
            await cursor.execute(query.text.encode(), params)
            return await cursor.fetchone()

    async def fetch_dicts(self, query: Query, params: Parameters | None = None) -> list[dict[str, Any]]:
        """Return all rows as dictionaries, for queries whose columns vary."""
        async with self.connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(query.text.encode(), params)
            return await cursor.fetchall()

    async def execute(self, query: Query, params: Parameters | None = None) -> int:
        """Run a statement and return how many rows it touched."""
        async with self.connection.cursor() as cursor:
            await cursor.execute(query.text.encode(), params)
            return cursor.rowcount


class SqlTransaction(Transaction):
    """A read-only transaction for statements somebody else wrote.

    Attributes:
        answers: What the commands returned that travelled with its opening.
    """

    def __init__(self, connection: Connection, answers: Sequence[Answer]) -> None:
        super().__init__(connection)
        self.answers = answers


_LONGEST_MESSAGE = 600
_OWN: dict[str, tuple[type[QmsError], str, str]] = {
    "53400": (
        LimitExceededError,
        "The statement would write too much to temporary files.",
        "Sort or group fewer rows, or fewer and shorter columns.",
    ),
    "QM001": (
        NotAuthenticatedError,
        "You do not belong to this organization (any more).",
        "Ask an administrator for a membership.",
    ),
    "QM003": (ConflictError, "The record is append-only and can't be changed or removed.", "Add a new entry instead."),
    "QM004": (
        NotAllowedError,
        "There is no open approval with this id that this person may decide.",
        "It may be decided, expired, or need the role approver, qa_approver or admin.",
    ),
    "QM005": (
        NotAllowedError,
        "There is no approval that can be used for exactly this content.",
        "A person has to approve it first; each approval works once, before it expires.",
    ),
}
# What the functions and triggers of the quality records refuse. They word it themselves: only they know which action
# is open or which field is locked, and they quote nothing but the caller's own records.
_IN_ITS_OWN_WORDS: dict[str, type[QmsError]] = {
    "QM020": ConflictError,  # the record has another version by now
    "QM021": ConflictError,  # the workflow does not allow it in this state
    "QM022": NotAllowedError,  # it takes a person, or another role
    "QM023": NotFoundError,
    "QM024": InvalidInputError,
    "QM025": ConflictError,  # the model of a search has been replaced since its vector was made
    "QM026": TakenOverError,  # another process has the run by now, or it was cancelled
}


def translate(error: psycopg.Error) -> QmsError:
    """Return the error of this project for one of PostgreSQL's.

    Only the primary message and hint are kept: DETAIL may hold values of rows.
    """
    state = error.sqlstate or ""
    message, hint = shortened(error.diag.message_primary), shortened(error.diag.message_hint)
    if state in _IN_ITS_OWN_WORDS or state in _OWN:
        kind, message, hint = _OWN.get(state) or (_IN_ITS_OWN_WORDS[state], message, hint)
        return kind(message, hint=hint)
    if isinstance(error, pg.QueryCanceled):
        return LimitExceededError(
            "The statement was stopped at its time limit.", hint="Narrow it with WHERE or LIMIT, or aggregate less."
        )
    if isinstance(error, pg.LockNotAvailable):
        return ConflictError("Something else holds a lock that is needed here.", hint="Try again in a moment.")
    if isinstance(error, pg.InsufficientPrivilege):
        return NotAllowedError(f"The database refused it: {message}.", hint=hint)
    if not state or state[:2] in {"08", "57", "53"}:
        return UnavailableError(
            "The database can't be reached.", hint="Try again in a moment; `qms-mcp doctor` says more."
        )
    what = "The data did not allow it" if state[:2] in {"22", "23", "P0"} else "PostgreSQL could not run it"
    return StatementError(f"{what} (SQLSTATE {state}): {message}.", hint=hint)


def shortened(message: str | None) -> str:
    """Return a message without the middle of a long one: it may quote a value of any length."""
    text = message or ""
    half = _LONGEST_MESSAGE // 2
    return text if len(text) <= _LONGEST_MESSAGE else f"{text[:half]} … {text[-half:]}"
