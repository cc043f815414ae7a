"""Rows of a file, one after the other: CSV, JSON lines, or a JSON document that holds a list.

Nothing is held but the row that is read, so the size of a file does not matter. A row that can't be read comes as an
error in its place, and reading goes on behind it.
"""

import csv
import json
import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal, TypeAlias, cast

from qms_mcp.errors import InvalidInputError
from qms_mcp.services.imports.converting import RowError

Form: TypeAlias = Literal["csv", "jsonl", "json"]
_PIECE = 256 * 1024
_LONGEST_VALUE = 16 * 1024 * 1024
_BY_SUFFIX: dict[str, Form] = {".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json"}
_BROKEN = "\ufffd"
_RESULTS = re.compile(r'"results"\s*:\s*\[')


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A row.

    Attributes:
        line: Where it ends in the file; in a document, which one it is.
        values: What it holds, or why it can't be read.
    """

    line: int
    values: dict[str, Any] | RowError


def form_of(path: Path) -> Form:
    """Return how a file is written: by its name, else by how it begins."""
    by_name = _BY_SUFFIX.get(path.suffix.lower())
    if by_name:
        return by_name
    with _opened(path) as source:
        beginning = source.read(1_000).lstrip()
    return "json" if beginning.startswith("[") else "jsonl" if beginning.startswith("{") else "csv"


def rows_of(path: Path, *, delimiter: str | None = None) -> Iterator[SourceRow]:
    """Yield the rows of a file.

    Raises:
        InvalidInputError: It can't be read at all.
    """
    form = form_of(path)
    with _opened(path) as source:
        if form == "csv":
            yield from _csv(source, delimiter or ("\t" if path.suffix.lower() == ".tsv" else None))
        elif form == "jsonl":
            yield from _json_lines(source)
        else:
            yield from _document(source)


@contextmanager
def _opened(path: Path) -> Generator[IO[str]]:
    try:
        with path.open("rb") as raw:
            mark = raw.read(2)
        encoding = "utf-16" if mark in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"
        # What is no UTF-8 becomes lone surrogates, which show which row it was.
        with path.open(encoding=encoding, errors="surrogateescape", newline="") as source:
            yield source
    except OSError as error:
        raise InvalidInputError(f"{path} can't be read: {error.strerror}.") from None
    except UnicodeError:
        raise InvalidInputError(f"{path} is no text in UTF-8 or UTF-16.") from None


def _csv(source: IO[str], delimiter: str | None) -> Iterator[SourceRow]:
    before = csv.field_size_limit(_LONGEST_VALUE)
    try:
        first = source.readline()
        separator = delimiter or max(",;\t|", key=first.count)
        header = [name.strip() for name in next(csv.reader([first], delimiter=separator), list[str]())]
        if not any(header):
            raise InvalidInputError("The file is empty, or its first line does not name the columns.")
        reader = csv.reader(source, delimiter=separator)
        while True:
            try:
                values = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield SourceRow(reader.line_num + 1, RowError("it can't be read as CSV", str(error)))
                continue
            if not any(value.strip() for value in values):
                continue
            yield SourceRow(reader.line_num + 1, _csv_row(header, values))
    finally:
        csv.field_size_limit(before)


def _csv_row(header: list[str], values: list[str]) -> dict[str, Any] | RowError:
    if len(values) != len(header):
        return RowError("it has another number of values than there are columns", f"{len(values)} for {len(header)}")
    return _readable(dict(zip(header, values, strict=True)))


def _json_lines(source: IO[str]) -> Iterator[SourceRow]:
    number = 0
    while line := source.readline(_LONGEST_VALUE):
        number += 1
        if line.strip():
            yield SourceRow(number, _json_row(line))


def _json_row(text: str) -> dict[str, Any] | RowError:
    try:
        value: Any = json.loads(text)
    except ValueError as error:
        return RowError("it is no JSON", str(error))
    return _object(value)


def _object(value: Any) -> dict[str, Any] | RowError:
    if not isinstance(value, dict):
        return RowError("it is no JSON object", type(value).__name__)
    return _readable(cast("dict[str, Any]", value))


def _document(source: IO[str]) -> Iterator[SourceRow]:
    """Yield the objects of a list: the document itself, or its `results`."""
    window, decoder, number = _Window(source), json.JSONDecoder(), 0
    window.to_list()
    while not window.ended():
        number += 1
        value = window.value(decoder)
        yield SourceRow(number, _object(value))


class _Window:
    """The part of a document that is in memory."""

    def __init__(self, source: IO[str]) -> None:
        self._source = source
        self._text = ""

    def to_list(self) -> None:
        """Go behind the bracket that opens the list of rows."""
        self._more()
        self._text = self._text.lstrip()
        if self._text.startswith("["):
            self._text = self._text[1:]
            return
        while True:
            # Another "results" may come before, such as how many there are.
            opening = _RESULTS.search(self._text)
            if opening:
                self._text = self._text[opening.end() :]
                return
            if len(self._text) > _LONGEST_VALUE or not self._more():
                raise InvalidInputError(
                    'The document holds no list of rows: it is no list and has no "results".',
                    hint="Cut the list out of it, or write it as JSON lines.",
                )

    def ended(self) -> bool:
        """Go to the next value and say whether the list ends instead."""
        while True:
            self._text = self._text.lstrip().removeprefix(",").lstrip()
            if self._text:
                return self._text.startswith("]")
            if not self._more():
                raise InvalidInputError("The document ends in the middle of its list.", hint="Is the file whole?")

    def value(self, decoder: json.JSONDecoder) -> Any:
        """Return the next value, reading on until it is whole."""
        while True:
            try:
                value, end = decoder.raw_decode(self._text)
            except ValueError:
                if len(self._text) > _LONGEST_VALUE or not self._more():
                    raise InvalidInputError("The document is no JSON.", hint="Is the file whole?") from None
            else:
                self._text = self._text[end:]
                return value

    def _more(self) -> bool:
        piece = self._source.read(max(_PIECE, len(self._text)))
        self._text += piece
        return bool(piece)


def _readable(values: dict[str, Any]) -> dict[str, Any] | RowError:
    """Return the values without what the database can't keep; what was no UTF-8 is an error."""
    text = json.dumps(values, ensure_ascii=False)
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        return RowError("it is no UTF-8 text", "")
    return values if "\\u0000" not in text else cast("dict[str, Any]", json.loads(text.replace("\\u0000", _BROKEN)))
