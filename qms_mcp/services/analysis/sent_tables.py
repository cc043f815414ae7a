"""Tables that were sent along: columns, CSV, and tables of Markdown, as columns of values.

Text that is a number becomes one, a whole column at a time: one cell that is none leaves the column text, so that the
analysis says which cell it is. A decimal comma is read only where nothing else can be meant (a table cut by semicolons
or tabs), and said.
"""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

from qms_mcp.errors import InvalidInputError, LimitExceededError
from qms_mcp.services.analysis.table import NUMBER, Table

MOST_ROWS = 1_000_000
_MOST_COLUMNS = 500
_NUMBER = re.compile(NUMBER, re.ASCII)
_WHOLE = re.compile(r"[+-]?\d{1,15}", re.ASCII)
_PADDED = re.compile(r"[+-]?0\d", re.ASCII)
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+", re.ASCII)
_ABSENT = frozenset({"", "na", "n/a", "null", "none", "-", "\u2013"})


def table_of_columns(columns: Mapping[str, Sequence[Any]], units: Mapping[str, str], says: str) -> Table:
    """Return a table from columns.

    Raises:
        InvalidInputError: There is no column, columns differ in length, or a value is a list or an object.
        LimitExceededError: There are too many rows or columns.
    """
    if not columns:
        raise InvalidInputError("The table has no columns.", hint='Give {"name": [values]}.')
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name!r} has {count:,}" for name, count in list(lengths.items())[:8])
        raise InvalidInputError(f"The columns differ in length: {told}.", hint="Give null for a value that is missing.")
    _check_size(max(lengths.values()), len(columns))
    for name, values in columns.items():
        if any(isinstance(value, dict | list) for value in values):
            raise InvalidInputError(
                f"A value of {name!r} is a list or an object.", hint="A value is a number or a text."
            )
    return _with_units(Table(dict(columns), says=says), units)


def table_of_csv(text: str, units: Mapping[str, str]) -> Table:
    """Return a table from CSV text with a header; cut by comma, semicolon, tab or bar, whichever the header has most.

    Raises:
        InvalidInputError: There is no header with names of its own, or a row has another number of cells.
        LimitExceededError: There are too many rows or columns.
    """
    text = text.removeprefix("\ufeff")
    first = next((line for line in text.splitlines() if line.strip()), "")
    cut = max(",;\t|", key=first.count)
    # Neither quoting nor a field has a limit a caller could not reach: what is refused here is said in our words.
    csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=cut, strict=True) if any(row)]
    except csv.Error as error:
        raise InvalidInputError(
            f"The CSV can't be read: {error}.", hint="Quote cells that hold quotes or breaks."
        ) from None
    return table_of_cells(rows, units, "a CSV table sent along", decimal_comma=cut in ";\t|")


def table_of_cells(
    rows: Sequence[Sequence[str]], units: Mapping[str, str], says: str, *, decimal_comma: bool = False
) -> Table:
    """Return a table from rows of text, the first of which has the names."""
    if not rows:
        raise InvalidInputError("The table is empty.", hint="It needs a row with the names of the columns, and rows.")
    names = [name.strip() for name in rows[0]]
    again = {name for name in names if not name or names.count(name) > 1}
    if again:
        told = ", ".join(repr(name) for name in sorted(again))
        raise InvalidInputError(f"Columns need names of their own; the header has {told} twice or empty.")
    if _is_number(names):
        raise InvalidInputError(
            "The first row holds numbers only, so it is no header.",
            hint="Put a row with the names of the columns first.",
        )
    _check_size(len(rows) - 1, len(names))
    for at, row in enumerate(rows[1:], 2):
        if len(row) != len(names):
            raise InvalidInputError(
                f"Row {at} has {len(row)} cells, the header {len(names)}.", hint="Quote cells with commas."
            )
    notes: list[str] = []
    columns: dict[str, Sequence[Any]] = {}
    for number, name in enumerate(names):
        columns[name] = _typed(name, [row[number].strip() for row in rows[1:]], notes, decimal_comma=decimal_comma)
    return _with_units(Table(columns, says=says, notes=tuple(notes)), units)


def _check_size(rows: int, columns: int) -> None:
    if rows > MOST_ROWS or columns > _MOST_COLUMNS:
        raise LimitExceededError(
            f"The table has {rows:,} rows and {columns:,} columns; at most {MOST_ROWS:,} and {_MOST_COLUMNS} are read.",
            hint="Aggregate it, or leave out columns that are not needed.",
        )


def _is_number(cells: Sequence[str]) -> bool:
    return all(_NUMBER.fullmatch(cell) for cell in cells)


def _typed(name: str, cells: list[str], notes: list[str], *, decimal_comma: bool) -> Sequence[Any]:
    there = [cell for cell in cells if cell.lower() not in _ABSENT]
    if not there:
        return [None] * len(cells)
    # 007 is a name, not a number.
    if _is_number(there) and not any(_PADDED.match(cell) for cell in there):
        make = int if all(_WHOLE.fullmatch(cell) for cell in there) else float
        return [make(cell) if cell.lower() not in _ABSENT else None for cell in cells]
    if decimal_comma and all(_DECIMAL_COMMA.fullmatch(cell) or _NUMBER.fullmatch(cell) for cell in there):
        notes.append(f"{name}: read with a decimal comma")
        return [float(cell.replace(",", ".")) if cell.lower() not in _ABSENT else None for cell in cells]
    return [cell or None for cell in cells]


def _with_units(table: Table, units: Mapping[str, str]) -> Table:
    for name in units:
        table.column(name)  # refuses a name that is not there
    return Table(table.columns, dict(units), table.says, table.notes)
