"""Runs test scripts: each in one transaction of the owner, each test in a savepoint, and all of it rolled back."""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

import psycopg

from qms_mcp.db.database import Database
from qms_mcp.errors import StatementError

State: TypeAlias = Literal["passed", "failed", "skipped"]
Connection: TypeAlias = psycopg.AsyncConnection[Any]

_TAP_LINE = re.compile(
    r"(?P<not>not )?ok\b\s*\d*\s*(?:- )?(?P<name>[^#\n]*)(?:#\s*(?P<directive>SKIP|TODO)\s*(?P<why>.*))?"
)
_LIMITS = (b"SET LOCAL statement_timeout = '30s'", b"SET LOCAL lock_timeout = '5s'")


class SqlStatement(Protocol):
    """A statement of a script, with its line."""

    @property
    def text(self) -> str: ...  # noqa: D102 - says itself
    @property
    def line(self) -> int: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Case:
    """A test to run: its statements, and how the last of them must fail (empty state: not at all)."""

    name: str
    line: int
    statements: Sequence[SqlStatement]
    expected_state: str = ""
    expected_part: str = ""
    skip: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a test.

    Attributes:
        name: The test.
        state: Passed, failed or skipped.
        line: The line of the test, or of the statement that failed.
        duration_ms: How long it ran.
        message: Why it failed or was skipped.
        statement: The statement that failed, cut.
    """

    name: str
    state: State
    line: int = 0
    duration_ms: float = 0.0
    message: str = ""
    statement: str = ""


class _FailedAt(Exception):  # noqa: N818 - it never leaves this module
    def __init__(self, statement: SqlStatement, error: psycopg.Error) -> None:
        super().__init__(str(error))
        self.statement = statement
        self.state = error.sqlstate or ""
        self.message = error.diag.message_primary or str(error)


async def run_tests(
    database: Database, prelude: Sequence[SqlStatement], setup: Sequence[SqlStatement], tests: Sequence[Case]
) -> list[Outcome]:
    """Run the tests of a script; nothing of it stays in the database.

    Raises:
        UnavailableError: The database can't be reached.
    """
    async with database.owner_transaction(rollback=True) as transaction:
        connection = transaction.connection
        await _begin(connection, prelude)
        try:
            await _run_all(connection, setup)
        except _FailedAt as failed:
            return [_failure("set-up", 0.0, failed)]
        return [await _run_test(connection, test) for test in tests]


async def run_tap(
    database: Database,
    prelude: Sequence[SqlStatement],
    lent: Sequence[SqlStatement],
    statements: Sequence[SqlStatement],
) -> list[Outcome]:
    """Run a pgTAP script; what it prints becomes the outcomes.

    Raises:
        UnavailableError: The database can't be reached.
    """
    outcomes: list[Outcome] = []
    async with database.owner_transaction(rollback=True) as transaction:
        connection = transaction.connection
        await _begin(connection, prelude)
        if not await _has_tap(connection):
            await _run_all(connection, lent)
        for statement in statements:
            began = time.perf_counter()
            try:
                printed = await _run(connection, statement)
            except _FailedAt as failed:
                return [*outcomes, _failure("the script goes on", _since(began), failed)]
            outcomes += _outcomes_of(printed, statement, _since(began))
    return outcomes


async def _begin(connection: Connection, prelude: Sequence[SqlStatement]) -> None:
    for limit in _LIMITS:
        await connection.execute(limit)
    try:
        await _run_all(connection, prelude)
    except _FailedAt as failed:
        raise StatementError(
            f"The test organizations could not be made (SQLSTATE {failed.state}): {failed.message}.",
            hint="Is the schema up to date, and DATABASE_URL_DIRECT the login that migrated it?",
        ) from failed


async def _has_tap(connection: Connection) -> bool:
    found = await connection.execute(b"SELECT 1 FROM pg_catalog.pg_extension AS e WHERE e.extname = 'pgtap'")
    return await found.fetchone() is not None


async def _run_test(connection: Connection, test: Case) -> Outcome:
    if test.skip:
        return Outcome(test.name, "skipped", test.line, message=test.skip)
    began = time.perf_counter()
    await connection.execute(b"SAVEPOINT test")
    try:
        await _run_all(connection, test.statements)
    except _FailedAt as failed:
        await connection.execute(b"ROLLBACK TO SAVEPOINT test")
        if _as_expected(test, failed):
            return Outcome(test.name, "passed", test.line, _since(began))
        return _failure(test.name, _since(began), failed, test)
    # A test may end in a role that may not even release the savepoint's work; rolling back restores the role, too.
    await connection.execute(b"ROLLBACK TO SAVEPOINT test")
    if not test.expected_state:
        return Outcome(test.name, "passed", test.line, _since(began))
    last = test.statements[-1]
    message = f"it should have failed with {test.expected_state} and did not"
    return Outcome(test.name, "failed", last.line, _since(began), message, last.text[:500])


def _as_expected(test: Case, failed: _FailedAt) -> bool:
    return (
        bool(test.expected_state)
        and failed.statement is test.statements[-1]
        and test.expected_state in {"error", failed.state}
        and test.expected_part in failed.message
    )


def _failure(name: str, duration: float, failed: _FailedAt, test: Case | None = None) -> Outcome:
    wanted = (
        f" (expected {test.expected_state} {test.expected_part}".rstrip() + ")" if test and test.expected_state else ""
    )
    message = f"{failed.state}: {failed.message}{wanted}"
    return Outcome(name, "failed", failed.statement.line, duration, message, failed.statement.text[:500])


async def _run_all(connection: Connection, statements: Sequence[SqlStatement]) -> None:
    for statement in statements:
        await _run(connection, statement)


async def _run(connection: Connection, statement: SqlStatement) -> list[tuple[Any, ...]]:
    """Run one statement and return its rows.

    Binary results make psycopg use the extended protocol, in which a text is one statement and no more: whatever is
    in a script, it can't end the transaction it runs in.
    """
    async with connection.cursor() as cursor:
        try:
            await cursor.execute(statement.text.encode(), binary=True)
            return await cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            if connection.closed:
                raise
            raise _FailedAt(statement, error) from error


def _outcomes_of(printed: list[tuple[Any, ...]], statement: SqlStatement, duration: float) -> list[Outcome]:
    found: list[Outcome] = []
    for row in printed:
        text = row[0] if row else None
        if not isinstance(text, str):
            continue
        head, _, notes = text.partition("\n")
        if match := _TAP_LINE.match(head):
            state: State = "failed" if match["not"] and match["directive"] != "TODO" else "passed"
            if match["directive"] == "SKIP":
                state = "skipped"
            message = match["why"] or notes.replace("# ", "")
            cut = statement.text[:500] if state == "failed" else ""
            found.append(Outcome(match["name"].strip() or "unnamed", state, statement.line, duration, message, cut))
        elif head.startswith("# Looks like you planned"):
            found.append(Outcome("the plan holds", "failed", statement.line, message=head.removeprefix("# ")))
    return found


def _since(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 2)
