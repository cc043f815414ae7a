"""Types by the names people use, what they become in PostgreSQL, and why.

A type belongs to a family, which decides what a default may look like. Defaults are values, never expressions: each
becomes a literal or one of a few known functions, so nothing else gets into the script.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Literal, TypeAlias
from uuid import UUID

from qms_mcp.errors import InvalidInputError
from qms_mcp.services.design.names import literal, nearest

Family: TypeAlias = Literal["text", "integer", "numeric", "boolean", "date", "timestamp", "uuid", "json", "other"]
Value: TypeAlias = bool | int | float | str


@dataclass(frozen=True, slots=True)
class ColumnType:
    """A type as PostgreSQL has it.

    Attributes:
        sql: As it stands in the statement.
        family: What kind of values it holds.
        why: Said when the choice is not obvious.
        longest: Characters at most, kept by a check.
    """

    sql: str
    family: Family
    why: str = ""
    longest: int | None = None


_TEXT = ColumnType("text", "text")
_MOMENT = ColumnType(
    "timestamptz", "timestamp", "a moment is kept with its zone; without, it is read wrongly elsewhere"
)
_DOUBLE = ColumnType("double precision", "numeric", "measured values; binary, so not for money")
_JSON = ColumnType("jsonb", "json", "jsonb can be indexed and compared, json can't")

TYPES: dict[str, ColumnType] = {
    "text": _TEXT,
    "string": _TEXT,
    "varchar": _TEXT,
    "enum": ColumnType("text", "text", "a CHECK list is changed in one line, an enum type never loses a value"),
    "email": ColumnType(
        "text", "text", "the address is checked where it is used, not by a pattern that refuses real ones"
    ),
    "url": _TEXT,
    "integer": ColumnType("integer", "integer"),
    "int": ColumnType("integer", "integer"),
    "smallint": ColumnType("smallint", "integer"),
    "bigint": ColumnType("bigint", "integer"),
    "decimal": ColumnType("numeric", "numeric", "exact"),
    "numeric": ColumnType("numeric", "numeric", "exact"),
    "number": ColumnType("numeric", "numeric", "exact; use float for measured values in bulk"),
    "money": ColumnType("numeric(19,4)", "numeric", "exact; the type money depends on the server's locale"),
    "float": _DOUBLE,
    "real": _DOUBLE,
    "double precision": _DOUBLE,
    "boolean": ColumnType("boolean", "boolean"),
    "bool": ColumnType("boolean", "boolean"),
    "date": ColumnType("date", "date"),
    "time": ColumnType("time", "other"),
    "timestamp": _MOMENT,
    "datetime": _MOMENT,
    "timestamptz": _MOMENT,
    "interval": ColumnType("interval", "other"),
    "duration": ColumnType("interval", "other"),
    "uuid": ColumnType("uuid", "uuid"),
    "json": _JSON,
    "jsonb": _JSON,
    "bytea": ColumnType("bytea", "other", "small files only: a backup carries every byte"),
    "inet": ColumnType("inet", "other"),
    "text[]": ColumnType("text[]", "other", "for labels; what is searched or counted deserves a table"),
    "integer[]": ColumnType("integer[]", "other"),
    "uuid[]": ColumnType("uuid[]", "other", "an array of keys has no foreign key: a relation is safer"),
    "vector": ColumnType("vector", "other"),
}
_REFUSED = {
    "serial": "Every table has a uuid key already; for a running number use bigint and say where it comes from.",
    "bigserial": "Every table has a uuid key already; for a running number use bigint and say where it comes from.",
    "char": "char(n) pads with blanks: use text.",
    "xml": "Use text.",
}
_SHAPE = re.compile(r"(?P<base>[a-z][a-z ]*?)\s*(?:\(\s*(?P<one>\d+)\s*(?:,\s*(?P<two>\d+)\s*)?\))?(?P<array>\[\])?")
MOST_DIMENSIONS = 16000
MOST_DIGITS = 1000


def column_type(given: str) -> ColumnType:
    """Return what a type name means.

    Raises:
        InvalidInputError: There is no such type here; the hint has the nearest.
    """
    match = _SHAPE.fullmatch(" ".join(given.lower().split()))
    base = match["base"] + (match["array"] or "") if match else given
    if base in _REFUSED:
        raise InvalidInputError(f"The type {base!r} is not used here.", hint=_REFUSED[base])
    if match is None or base not in TYPES:
        raise InvalidInputError(f"There is no type {given[:40]!r}.", hint=nearest(base[:40], TYPES))
    kind = TYPES[base]
    one = int(match["one"]) if match["one"] else None
    two = int(match["two"]) if match["two"] else None
    if base == "vector":
        return _vector(one if two is None else None)
    if one is None:
        return kind
    return _sized(base, one, two)


def _vector(dimensions: int | None) -> ColumnType:
    if dimensions is None or not 1 <= dimensions <= MOST_DIMENSIONS:
        raise InvalidInputError(
            f"A vector needs its number of dimensions, 1 to {MOST_DIMENSIONS}.", hint="For example vector(384)."
        )
    return ColumnType(
        f"vector({dimensions})",
        "other",
        "no approximate index: filtered by organization it would lose rows in silence; a scan within one is exact",
    )


def _sized(base: str, one: int, two: int | None) -> ColumnType:
    if base in {"decimal", "numeric"}:
        if not 1 <= one <= MOST_DIGITS or (two or 0) > one:
            raise InvalidInputError(
                f"{base}({one},{two or 0}) can't be: precision 1 to {MOST_DIGITS}, scale at most the precision.",
                hint="decimal(12,4) holds 8 digits before the point and 4 after.",
            )
        return ColumnType(f"numeric({one},{two or 0})", "numeric", "exact, rounded to its scale")
    if base in {"text", "string", "varchar"} and two is None and one >= 1:
        return ColumnType("text", "text", f"text with a check of {one} characters is changed without a rewrite", one)
    raise InvalidInputError(f"The type {base!r} takes no size.", hint=f"Write {base!r} alone.")


def default_sql(value: Value, kind: ColumnType) -> str:
    """Return a default as SQL.

    Raises:
        InvalidInputError: The value is none of that type.
    """
    try:
        return _READERS[kind.family](value)
    except (ValueError, InvalidOperation):
        raise InvalidInputError(
            f"The default {value!r} is no {kind.sql}.", hint=f"Give a plain value, {_EXAMPLES[kind.family]}."
        ) from None


def _as_text(value: Value) -> str:
    return literal(str(value))


def _as_integer(value: Value) -> str:
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise ValueError
    return str(int(value))


def _as_numeric(value: Value) -> str:
    number = Decimal(str(value))
    if isinstance(value, bool) or not number.is_finite():
        raise ValueError
    return format(number, "f")


def _as_boolean(value: Value) -> str:
    if str(value).lower() not in {"true", "false"}:
        raise ValueError
    return str(value).lower()


def _as_date(value: Value) -> str:
    if str(value).lower() in {"today", "now", "current_date"}:
        return "current_date"
    return literal(date.fromisoformat(str(value)).isoformat())


def _as_timestamp(value: Value) -> str:
    if str(value).lower() in {"now", "now()", "current_timestamp"}:
        return "now()"
    return literal(datetime.fromisoformat(str(value)).isoformat())


def _as_uuid(value: Value) -> str:
    if str(value).lower() in {"random", "gen_random_uuid()"}:
        return "gen_random_uuid()"
    return literal(str(UUID(str(value))))


def _as_json(value: Value) -> str:
    return literal(json.dumps(json.loads(value)) if isinstance(value, str) else json.dumps(value))


_READERS: dict[Family, Callable[[Value], str]] = {
    "text": _as_text,
    "integer": _as_integer,
    "numeric": _as_numeric,
    "boolean": _as_boolean,
    "date": _as_date,
    "timestamp": _as_timestamp,
    "uuid": _as_uuid,
    "json": _as_json,
    "other": _as_text,
}
_EXAMPLES: dict[Family, str] = {
    "text": "such as draft",
    "integer": "such as 0",
    "numeric": "such as 0.5",
    "boolean": "true or false",
    "date": "today or 2026-01-31",
    "timestamp": "now or 2026-01-31T08:00:00+00:00",
    "uuid": "random or a uuid",
    "json": "a JSON text such as {}",
    "other": "as PostgreSQL writes it",
}


def value_list(values: Sequence[str], kind: ColumnType) -> str:
    """Return allowed values as the list of a CHECK.

    Raises:
        InvalidInputError: A value is none of that type, or the type has no such lists.
    """
    if kind.family not in {"text", "integer", "numeric"}:
        raise InvalidInputError(f"{kind.sql} takes no list of allowed values.", hint="Use it with text or numbers.")
    return ", ".join(default_sql(value, kind) for value in values)
