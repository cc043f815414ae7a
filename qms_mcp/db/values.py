"""Values of PostgreSQL as JSON, without loss.

A value comes as the text PostgreSQL writes. What JSON has a form for gets it (numbers that a double holds exactly,
booleans, JSON itself); everything else stays text: numbers that would be rounded, NaN and infinity, ranges, arrays,
composites. Times are ISO 8601. Vectors and bytes are summarised, because nobody reads a thousand coordinates.
"""

import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeAlias

from psycopg.postgres import types as builtin

Decoder: TypeAlias = Callable[[str], Any]

_EXACT_INTEGER = 2**53
_EXACT_DIGITS, _MOST_DIGITS = 15, 40
_DEEPEST_JSON = 60
_VECTOR_SHOWN = 4
_VECTOR_WHOLE = 8
_BYTES_SHOWN = 32
_MOMENT = re.compile(r"(\d{4,}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)(?:([+-]\d\d)(:?\d\d(?::\d\d)?)?)?")
_BRACKETS = re.compile(r"[\[\]{}]")
_NUMERIC, _VARCHAR, _BPCHAR = 1700, 1043, 1042


def number(text: str) -> int | float | str:
    """Return the number, or the text where a double would change its value."""
    if len(text) <= _EXACT_DIGITS and text.isdecimal():
        return int(text)
    if len(text) > _MOST_DIGITS:
        return text
    try:
        exact = Decimal(text)
    except ArithmeticError:
        return text
    if not exact.is_finite():
        return text
    if exact == exact.to_integral_value() and "." not in text and "e" not in text.lower():
        return int(text) if abs(int(text)) <= _EXACT_INTEGER else text
    rounded = float(text)
    return rounded if Decimal(repr(rounded)) == exact else text


def _double(text: str) -> float | str:
    return text if text in {"NaN", "Infinity", "-Infinity"} else float(text)


def _moment(text: str) -> str:
    match = _MOMENT.fullmatch(text)
    if match is None:
        return text  # infinity, or a year before Christ
    zone = f"{match[3]}{match[4] or ':00'}" if match[3] else ""
    return f"{match[1]}T{match[2]}{zone}"


def _json(text: str) -> Any:
    depth = deepest = 0
    for bracket in _BRACKETS.findall(text):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    if deepest > _DEEPEST_JSON:
        return text  # what writes the answer would give up on it
    return json.loads(text, parse_int=number, parse_float=number)


def _bytes(text: str) -> str:
    size = (len(text) - 2) // 2
    shown = text[2 : 2 + 2 * _BYTES_SHOWN]
    return f"\\x{shown}" if size <= _BYTES_SHOWN else f"\\x{shown}… ({size:,} bytes)"


def _vector(text: str) -> str:
    dimensions = text.count(",") + 1
    if dimensions <= _VECTOR_WHOLE:
        return text
    return f"[{','.join(text[1:-1].split(',', _VECTOR_SHOWN)[:_VECTOR_SHOWN])},…] ({dimensions:,} dimensions)"


def _boolean(text: str) -> bool:
    return text == "t"


_BY_NAME: dict[str, Decoder] = {
    "bool": _boolean,
    **dict.fromkeys(("int2", "int4", "int8", "oid", "numeric"), number),
    **dict.fromkeys(("float4", "float8"), _double),
    **dict.fromkeys(("json", "jsonb"), _json),
    **dict.fromkeys(("timestamp", "timestamptz"), _moment),
    "bytea": _bytes,
}
_BY_OID: dict[int, Decoder] = {builtin[name].oid: decode for name, decode in _BY_NAME.items()}
_BY_OTHER_NAME: dict[str, Decoder] = {"vector": _vector, "halfvec": _vector}
# Their text may be long and their JSON form short.
SUMMARISED = frozenset({_bytes, _vector})


def decoder(oid: int, name: str) -> Decoder | None:
    """Return what turns the text of a type into JSON; None when it is text in JSON too."""
    return _BY_OID.get(oid) or _BY_OTHER_NAME.get(name.partition("(")[0].rpartition(".")[2])


def type_name(oid: int, modifier: int) -> str | None:
    """Return the name of a built-in type with its precision or length; None for a type that is not built in."""
    known = builtin.get(oid)
    if known is None:
        return None
    name = known.regtype if oid == known.oid else f"{known.regtype}[]"
    if oid == _NUMERIC and modifier >= 4:  # noqa: PLR2004 - the length word of PostgreSQL comes first
        scale = (((modifier - 4) & 0x7FF) ^ 1024) - 1024
        return f"numeric({(modifier - 4) >> 16},{scale})"
    if oid in {_VARCHAR, _BPCHAR} and modifier >= 4:  # noqa: PLR2004 - the same
        return f"{name}({modifier - 4})"
    return name
