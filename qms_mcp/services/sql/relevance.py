"""Which tables a question is about, and why.

A word of the question counts 3 for a table whose name has it, 1.5 for a column's name, 0.8 for the table's comment,
0.4 for a column's comment and 0.3 for the schema; a synonym counts 0.6 of that, and a word that fits many tables counts
less. Only the best place of a word counts, so that long comments do not win by length. Of a name of several
words each counts its part, and a table that extends another row by row brings that one along.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from qms_mcp.services.sql.words import synonyms, words

_NAME, _COLUMN, _COMMENT, _COLUMN_COMMENT, _SCHEMA, _SYNONYM = 3.0, 1.5, 0.8, 0.4, 0.3, 0.6
_BASE = 0.95
_LEAST = 0.5
_FAR, _HUB = 3, 6


@dataclass(frozen=True, slots=True)
class ReadableColumn:
    """A column, its name as it is and as SQL spells it.

    Attributes:
        listed: It may hold a short list of values.
        unique: It is the primary key.
    """

    name: str
    spelled: str
    type: str
    comment: str = ""
    listed: bool = False
    unique: bool = False


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """Columns here that refer to columns of another table."""

    table: str
    here: Sequence[str]
    there: Sequence[str]


@dataclass(frozen=True, slots=True)
class ReadableTable:
    """A table or view that may be read."""

    name: str
    spelled: str
    comment: str = ""
    columns: Sequence[ReadableColumn] = ()
    foreign_keys: Sequence[ForeignKey] = ()


@dataclass(slots=True)
class Match:
    """How well a table fits.

    Attributes:
        table: The table.
        score: The more the better.
        reasons: Per word of the question, where it was found.
        columns: Names of the columns that fit.
    """

    table: ReadableTable
    score: float = 0.0
    reasons: dict[str, str] = field(default_factory=dict[str, str])
    columns: list[str] = field(default_factory=list[str])


def rank(question: str, tables: Iterable[ReadableTable]) -> list[Match]:
    """Return the tables that fit a question, the best first."""
    asked = list(dict.fromkeys(words(question)))
    found = [(table, _places(table)) for table in tables]
    matches: list[Match] = []
    spread = {word: sum(1 for _, places in found if _best(word, places)) for word in asked}
    for table, places in found:
        match = Match(table)
        for word in asked:
            if best := _best(word, places):
                weight, place = best
                match.score += weight / (1 + math.log(spread[word]))
                match.reasons[word] = place
                match.columns.extend(_columns_with(word, table))
        if match.score >= _LEAST:
            match.columns = list(dict.fromkeys(match.columns))
            matches.append(match)
    _bring_bases(matches, {table.name: table for table, _ in found})
    return sorted(matches, key=lambda match: (-match.score, match.table.name))


def _bring_bases(matches: list[Match], tables: Mapping[str, ReadableTable]) -> None:
    """Let a table whose rows a fitting table extends, key by key, fit nearly as well as that one."""
    known = {match.table.name: match for match in matches}
    for match in list(matches):
        keys = {column.name for column in match.table.columns if column.unique}
        for reference in match.table.foreign_keys:
            if reference.table in tables and keys & set(reference.here):
                base = known.setdefault(reference.table, Match(tables[reference.table]))
                if base.score < match.score * _BASE:
                    base.score = match.score * _BASE
                    base.reasons["base"] = f"of {match.table.name}"
    matches[:] = known.values()


def _places(table: ReadableTable) -> dict[str, tuple[float, str]]:
    """Return the best place of every word of a table."""
    places: dict[str, tuple[float, str]] = {}

    def put(text: str, weight: float, place: str) -> None:
        for word in words(text):
            if word not in places or places[word][0] < weight:
                places[word] = (weight, place)

    schema, _, name = table.name.rpartition(".")
    put(name, _NAME / max(1, len(words(name))), "its name")
    put(schema, _SCHEMA, "its schema")
    put(table.comment, _COMMENT, "its comment")
    for column in table.columns:
        put(column.name, _COLUMN, f"column {column.name}")
        put(column.comment, _COLUMN_COMMENT, f"comment of {column.name}")
    return places


def _best(word: str, places: Mapping[str, tuple[float, str]]) -> tuple[float, str] | None:
    options = [places[word]] if word in places else []
    options += [(places[other][0] * _SYNONYM, places[other][1]) for other in synonyms(word) if other in places]
    return max(options, default=None)


def _columns_with(word: str, table: ReadableTable) -> list[str]:
    near = {word} | synonyms(word)
    return [column.name for column in table.columns if near & set(words(f"{column.name} {column.comment}"))]


def joins(chosen: Sequence[ReadableTable], tables: Mapping[str, ReadableTable]) -> list[str]:
    """Return how the chosen tables are joined, through at most one other table."""
    edges: dict[str, list[tuple[str, str]]] = {}
    for one, other, on in [*_references(tables), *_shared_references(tables)]:
        edges.setdefault(one, []).append((other, on))
        edges.setdefault(other, []).append((one, on))
    found: dict[str, None] = {}
    for one, other in combinations([table.name for table in chosen], 2):
        for on in _path(one, other, edges):
            found[on] = None
    return list(found)


def _references(tables: Mapping[str, ReadableTable]) -> Iterator[tuple[str, str, str]]:
    """Yield the foreign keys between tables that may be read."""
    for table in tables.values():
        for key in table.foreign_keys:
            if key.table in tables:
                sides = zip(key.here, key.there, strict=True)
                yield (
                    table.name,
                    key.table,
                    " AND ".join(f"{table.name}.{here} = {key.table}.{there}" for here, there in sides),
                )


def _shared_references(tables: Mapping[str, ReadableTable]) -> Iterator[tuple[str, str, str]]:
    """Yield joins of columns that refer to the same table nobody here may read, such as that of accounts."""
    unread: dict[tuple[str, str], list[tuple[ReadableTable, str]]] = {}
    for table in tables.values():
        for key in table.foreign_keys:
            if key.table not in tables and len(key.here) == 1:
                unread.setdefault((key.table, key.there[0]), []).append((table, key.here[0]))
    for ends in unread.values():
        owners = [(t, c) for t, c in ends if any(column.name == c and column.unique for column in t.columns)]
        for owner, key in owners:
            for table, column in ends:
                if table is not owner:
                    yield table.name, owner.name, f"{table.name}.{column} = {owner.name}.{key}"


def _path(start: str, goal: str, edges: Mapping[str, Sequence[tuple[str, str]]]) -> list[str]:
    """Return the shortest way between two tables, without passing through one that everything refers to."""
    waiting: list[tuple[str, list[str]]] = [(start, [])]
    seen = {start}
    while waiting:
        here, way = waiting.pop(0)
        if here == goal:
            return way
        if len(way) + 1 >= _FAR or (way and len({table for table, _ in edges.get(here, ())}) >= _HUB):
            continue
        for there, on in edges.get(here, ()):
            if there not in seen:
                seen.add(there)
                waiting.append((there, [*way, on]))
    return []
