"""Several commands in one round trip, by libpq's pipeline mode.

Each command travels as a message of its own in the extended protocol, so a text can never be more than one command,
and all are followed by one Sync: the first that fails ends the batch, and the ones after it do not run.

Values come back as PostgreSQL wrote them, as bytes. The rows of the last command are taken one by one and only as far
as a budget reaches; beyond it the statement is stopped, so that no result can fill the memory.
"""

import os
import re
import resource
import struct
import termios
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fcntl import ioctl
from functools import lru_cache
from typing import Any

from psycopg import OperationalError, pq
from psycopg.abc import PQGen
from psycopg.errors import error_from_result
from psycopg.waiting import Ready, Wait

from qms_mcp.db.connection import Connection
from qms_mcp.db.queries import Query
from qms_mcp.errors import LimitExceededError

_PLACE = re.compile(r"%\((\w+)\)s")
_PENDING = struct.Struct("i")
_MOST_RECEIVED = 64 * 1024 * 1024
# libpq makes room for a whole message as soon as it knows its length, in powers of two.
_MOST_ROOM = 60 * 1024 * 1024
_MOST_ROW = 32
_NO_LIMIT = 1 << 62

Row = tuple[bytes | None, ...]


@dataclass(frozen=True, slots=True)
class Command:
    """One command with `$1`... for its values, which are sent as text.

    Attributes:
        text: The command.
        values: One for each parameter; None is NULL.
        types: OIDs of the types of the values; 0 lets PostgreSQL infer one, and so does an empty sequence.
    """

    text: bytes
    values: Sequence[bytes | None] = ()
    types: Sequence[int] = ()


@dataclass(slots=True)
class Answer:
    """What a command returned.

    Attributes:
        columns: Name, OID of the type and type modifier.
        rows: As text.
        whole: False when rows were left out because the budget was used up.
        touched: How many rows the command returned or changed.
    """

    columns: tuple[tuple[str, int, int], ...] = ()
    rows: list[Row] = field(default_factory=list[Row])
    whole: bool = True
    touched: int = 0


def command(query: Query, params: Mapping[str, Any] | None = None) -> Command:
    """Return a named query as a command."""
    text, names = _numbered(query.text)
    given = params or {}
    values = [None if given[name] is None else str(given[name]).encode() for name in names]
    return Command(text, values)


@lru_cache(maxsize=64)
def _numbered(text: str) -> tuple[bytes, tuple[str, ...]]:
    names: list[str] = []

    def number(match: re.Match[str]) -> str:
        if match[1] not in names:
            names.append(match[1])
        return f"${names.index(match[1]) + 1}"

    numbered = _PLACE.sub(number, text).replace("%%", "%")
    return numbered.encode(), tuple(names)


async def exchange(
    connection: Connection,
    commands: Sequence[Command],
    *,
    into: list[Answer] | None = None,
    budget: int = _NO_LIMIT,
    after: Sequence[Command] = (),
) -> list[Answer]:
    """Send commands together and return their answers.

    Args:
        connection: On which no other conversation is going on.
        commands: In their order; the last may return much.
        into: Where answers are put as they arrive, for a caller that wants to know how far a failed batch came.
        budget: How many bytes of values to take of the last answer.
        after: Commands that go along behind the others and whose answers are of no interest.

    Raises:
        psycopg.Error: A command failed; those after it did not run.
        LimitExceededError: A single row is too large.
    """
    answers: list[Answer] = [] if into is None else into
    talk = _Talk(connection.pgconn, answers, budget)
    async with connection.lock:
        await connection.wait(talk.run(commands, after))
        if talk.too_much:
            # Reading on until the server has sent all of it would take the memory this is to protect.
            connection.pgconn.finish()
        elif talk.over:
            await connection.cancel_safe(timeout=2)
            await connection.wait(talk.drain())
    if talk.failure is not None:
        raise error_from_result(talk.failure, "utf-8")
    if talk.too_much:
        raise LimitExceededError(
            f"A row is larger than {_MOST_ROW} MB.",
            hint="Select fewer columns, or a part of the long ones: left(column, 1000).",
        )
    return answers


class _Talk:
    """One conversation, as the steps psycopg's waiting functions take."""

    def __init__(self, pgconn: pq.abc.PGconn, answers: list[Answer], budget: int) -> None:
        self._pgconn = pgconn
        self._answers = answers
        self._budget = budget
        self._left = _NO_LIMIT
        self._room = _MOST_RECEIVED
        self._space_at_first = _address_space() if budget != _NO_LIMIT else 0
        self.failure: pq.abc.PGresult | None = None
        self.over = False
        self.too_much = False

    def run(self, commands: Sequence[Command], after: Sequence[Command]) -> PQGen[None]:
        pgconn = self._pgconn
        pgconn.enter_pipeline_mode()
        for each in (*commands, *after):
            pgconn.send_query_params(each.text, each.values or None, each.types or None)
        pgconn.pipeline_sync()
        while pgconn.flush():
            ready = yield Wait.RW
            if ready & Ready.R:
                pgconn.consume_input()
        for number, _ in enumerate(commands, 1):
            yield from self._take(last=number == len(commands))
            if self.over or self.too_much:
                return
        taken, self._left = len(self._answers), _NO_LIMIT
        for _ in after:
            yield from self._take(last=False)
        del self._answers[taken:]
        yield from self.drain()

    def _take(self, *, last: bool) -> PQGen[None]:
        if last and self._budget != _NO_LIMIT and self.failure is None:
            self._pgconn.set_single_row_mode()
            self._left = self._budget
        answer = Answer()
        while (result := (yield from self._next())) is not None:
            status = result.status
            if status in {pq.ExecStatus.FATAL_ERROR, pq.ExecStatus.PIPELINE_ABORTED}:
                self.failure = self.failure or result
            elif status in {pq.ExecStatus.TUPLES_OK, pq.ExecStatus.SINGLE_TUPLE}:
                self._read(result, answer)
            answer.touched = result.command_tuples or answer.touched
            if self.too_much or self._left < 0:
                answer.whole, self.over = False, True
                break
        if self.failure is None:
            self._answers.append(answer)

    def _next(self) -> PQGen[pq.abc.PGresult | None]:
        pgconn = self._pgconn
        while self._is_busy():
            if self.too_much:
                return None
            if not (yield Wait.R):
                continue
            if self._budget != _NO_LIMIT:
                self._room -= _waiting_bytes(pgconn.socket)
                if self._room < 0:
                    self.too_much = True
                    return None
            pgconn.consume_input()
        return pgconn.get_result()

    def _is_busy(self) -> bool:
        """Say whether libpq lacks a part of the next message; notice when that one is too large to wait for.

        What arrives can't be counted in time: libpq reads on for as long as the server is fast enough. But it first
        makes room for the whole message, and that shows.
        """
        if self._budget == _NO_LIMIT:
            return bool(self._pgconn.is_busy())
        busy = bool(self._pgconn.is_busy())
        if busy and _address_space() - self._space_at_first > _MOST_ROOM:
            # A thread that begins or a library that is loaded takes address space too.
            self.too_much = _has_large_message()
            self._space_at_first = _address_space()
        return busy

    def _read(self, result: pq.abc.PGresult, answer: Answer) -> None:
        count = result.nfields
        if not answer.columns and count:
            answer.columns = tuple(
                ((result.fname(i) or b"").decode(errors="replace"), result.ftype(i), result.fmod(i))
                for i in range(count)
            )
        for index in range(result.ntuples):
            row = tuple(result.get_value(index, i) for i in range(count))
            answer.rows.append(row)
            self._left -= sum(len(value) for value in row if value)

    def drain(self) -> PQGen[None]:
        """Read and forget everything up to the answer to Sync."""
        pgconn = self._pgconn
        while True:
            while pgconn.is_busy():
                if (yield Wait.R):
                    pgconn.consume_input()
            result = pgconn.get_result()
            if result is None and pgconn.status == pq.ConnStatus.BAD:
                raise OperationalError("the connection was lost")
            if result is not None and result.status == pq.ExecStatus.PIPELINE_SYNC:
                pgconn.exit_pipeline_mode()
                return


@lru_cache(maxsize=4)
def _statm(process: int) -> int | None:
    """Return an open file that says how much address space the process has, where the system keeps one."""
    try:
        return os.open(f"/proc/{process}/statm", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None


def _address_space() -> int:
    file = _statm(os.getpid())
    return int(os.pread(file, 32, 0).split()[0]) * resource.getpagesize() if file is not None else 0


def _has_large_message() -> bool:
    """Say whether some memory of the process looks like room libpq made for a message.

    It asks for a power of two, and the C library adds a page to note the size of what it maps; what others map of this
    size (the work space of numerical libraries) is a whole number of megabytes.
    """
    with open(f"/proc/{os.getpid()}/maps", encoding="ascii", errors="replace") as maps:  # noqa: PTH123 - no file
        for line in maps:
            place, rights, _, _, _, *name = line.split()
            start, end = (int(part, 16) for part in place.split("-"))
            size = end - start
            if not name and rights.startswith("rw") and size > _MOST_ROOM and size % (1024 * 1024):
                return True
    return False


def _waiting_bytes(socket: int) -> int:
    return int(_PENDING.unpack(ioctl(socket, termios.FIONREAD, bytes(_PENDING.size)))[0])
