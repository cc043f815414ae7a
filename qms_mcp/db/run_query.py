"""Running a statement somebody else wrote, one page at a time.

The statement opens a cursor in the same round trip that begins its transaction, and only as many rows are fetched as
a page may show. A page is a transaction of its own, so the next one skips what was shown before.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from psycopg.errors import QueryCanceled

from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.exchange import Answer, Command, Row, exchange
from qms_mcp.db.guard import Verdict
from qms_mcp.db.parameters import Parameter
from qms_mcp.db.transaction import SqlTransaction
from qms_mcp.db.values import SUMMARISED, Decoder, decoder, type_name
from qms_mcp.errors import LimitExceededError

_FIRST_FETCH = 101
_MOST_RAW_BYTES = 8 * 1024 * 1024
_SHORTEST_CELL = 20
_TYPES = (
    b"SELECT pg_catalog.format_type(t.oid, t.modifier) "
    b"FROM ROWS FROM (pg_catalog.unnest($1::oid[]), pg_catalog.unnest($2::integer[])) AS t (oid, modifier)"
)

Conceal = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class PageSize:
    """What a page may hold.

    Attributes:
        rows: How many rows.
        bytes: How many bytes of JSON.
        cell: How many characters of one value.
        raw: How many bytes are taken from the database at all.
    """

    rows: int
    bytes: int = 46_000
    cell: int = 1_000
    raw: int = _MOST_RAW_BYTES


@dataclass(slots=True)
class Page:
    """Rows as JSON values.

    Attributes:
        columns: Name and type of each.
        rows: The values.
        more: Whether there are rows after these.
        full: Whether rows were left out because the page has bytes enough.
        cut: By the number of the column, the length of the longest value that was cut.
    """

    columns: list[tuple[str, str]]
    rows: list[list[Any]] = field(default_factory=list[list[Any]])
    more: bool = False
    full: bool = False
    cut: dict[int, int] = field(default_factory=dict[int, int])


async def run_query(
    database: Database,
    principal: Principal,
    verdict: Verdict,
    parameters: Sequence[Parameter],
    *,
    timeout_ms: int,
    size: PageSize,
    skip: int = 0,
    conceal: Conceal | None = None,
) -> Page:
    """Return one page of what an inspected statement returns.

    Args:
        database: Where.
        principal: On whose behalf: row-level security shows what this person may see.
        verdict: What the guard said; its statement is what runs.
        parameters: For `$1`...
        timeout_ms: How long it may run.
        size: What the page may hold.
        skip: How many rows to pass over.
        conceal: Rewrites each value before anything else sees it.

    Raises:
        QmsError: It could not run, or ran into a limit.
    """
    wanted = size.rows + 1
    cursor = verdict.kind not in {"explain", "show"}
    first = _opening(verdict, parameters, skip, min(wanted, _FIRST_FETCH), cursor=cursor)
    try:
        async with database.sql_transaction(
            principal,
            timeout_ms=timeout_ms,
            first=first,
            budget=size.raw,
            only_first=not cursor or wanted <= _FIRST_FETCH,
        ) as transaction:
            answer = transaction.answers[-1]
            rows = answer.rows if cursor else answer.rows[skip:]
            whole = answer.whole
            if cursor and whole and len(rows) == _FIRST_FETCH < wanted:
                whole = await _fetch_rest(transaction, rows, wanted, size)
            types = await _type_names(transaction, answer)
    except LimitExceededError as limit:
        if isinstance(limit.__cause__, QueryCanceled):
            raise _too_slow(timeout_ms) from limit
        raise
    shaped = [tuple(conceal(cell) if cell else cell for cell in row) for row in rows] if conceal else rows
    columns = [(name, types[oid, modifier]) for name, oid, modifier in answer.columns]
    decoders = [decoder(oid, types[oid, modifier]) for _, oid, modifier in answer.columns]
    page = _Shaping(columns, decoders, size).page(shaped[: size.rows])
    page.more = page.full or len(rows) > size.rows or not whole
    return page


def _opening(
    verdict: Verdict, parameters: Sequence[Parameter], skip: int, count: int, *, cursor: bool
) -> list[Command]:
    values = [parameter.value for parameter in parameters]
    types = [parameter.oid for parameter in parameters]
    text = verdict.statement.encode()
    if not cursor:
        return [Command(text, values, types)]
    commands = [Command(b"DECLARE qms_rows NO SCROLL CURSOR FOR " + text, values, types)]
    if skip:
        commands.append(Command(b"MOVE FORWARD %d FROM qms_rows" % skip))
    return [*commands, Command(b"FETCH FORWARD %d FROM qms_rows" % count)]


async def _fetch_rest(transaction: SqlTransaction, rows: list[Row], wanted: int, size: PageSize) -> bool:
    """Fetch what a long page still lacks, unless the rows so far fill it; return whether nothing was left behind."""
    held = sum(min(len(cell), size.cell) for row in rows for cell in row if cell)
    if held > size.bytes:
        return False
    fetch = Command(b"FETCH FORWARD %d FROM qms_rows" % (wanted - len(rows)))
    answer = (await exchange(transaction.connection, [fetch], budget=size.raw))[0]
    rows.extend(answer.rows)
    return answer.whole


async def _type_names(transaction: SqlTransaction, answer: Answer) -> dict[tuple[int, int], str]:
    """Return the names of the types of all columns; those that are not built in are looked up."""
    names: dict[tuple[int, int], str] = {}
    unknown: list[tuple[int, int]] = []
    for _, oid, modifier in answer.columns:
        name = type_name(oid, modifier)
        if name is None:
            unknown.append((oid, modifier))
        else:
            names[oid, modifier] = name
    if unknown:
        lists = ["{" + ",".join(str(part) for part in parts) + "}" for parts in zip(*unknown, strict=True)]
        command = Command(_TYPES, [each.encode() for each in lists])
        found = (await exchange(transaction.connection, [command]))[0].rows
        names.update({key: (row[0] or b"unknown").decode() for key, row in zip(unknown, found, strict=True)})
    return names


def _too_slow(timeout_ms: int) -> LimitExceededError:
    return LimitExceededError(
        f"The statement was stopped after {timeout_ms / 1000:g} s, the time limit.",
        hint="Narrow it with WHERE, aggregate less, or see with explain_query where the time goes.",
    )


class _Shaping:
    """Turns rows into JSON values until the page is full."""

    def __init__(self, columns: list[tuple[str, str]], decoders: list[Decoder | None], size: PageSize) -> None:
        self._page = Page(columns)
        self._decoders = decoders
        self._size = size

    def page(self, rows: Sequence[Row]) -> Page:
        page, left = self._page, self._size.bytes - sum(len(a) + len(b) + 24 for a, b in self._page.columns)
        for row in rows:
            values = self._values(row, self._size.cell)
            cost = _weight(values)
            if cost > left and not page.rows:
                # One row alone is too much: all its values share the room there is.
                share = max(_SHORTEST_CELL, left // (2 * max(1, len(row))))
                values = self._values(row, share)
                cost = _weight(values)
            elif cost > left:
                page.full = True
                break
            page.rows.append(values)
            left -= cost
        return page

    def _values(self, row: Row, longest: int) -> list[Any]:
        return [
            None if cell is None else self._value(index, cell.decode(errors="replace"), longest)
            for index, cell in enumerate(row)
        ]

    def _value(self, index: int, text: str, longest: int) -> Any:
        decode = self._decoders[index]
        if len(text) > longest and decode not in SUMMARISED:
            self._page.cut[index] = max(self._page.cut.get(index, 0), len(text))
            return f"{text[:longest]}… [{len(text):,} characters]"
        return text if decode is None else decode(text)


def _weight(values: list[Any]) -> int:
    return len(json.dumps(values, ensure_ascii=False, default=str).encode(errors="replace"))
