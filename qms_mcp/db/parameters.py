"""Parameters of a statement, from JSON.

A number becomes what the same digits would be in SQL (integer, bigint or numeric). A string, and a list of strings,
stays untyped, so that PostgreSQL takes it for what stands on the other side: a date, a uuid, a text. A list is an
array, an object is jsonb; a list with objects in it is jsonb as well.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from qms_mcp.errors import InvalidInputError, LimitExceededError

_MOST_BYTES = 1_000_000
_OIDS = {"unknown": 0, "boolean": 16, "integer": 23, "bigint": 20, "numeric": 1700, "jsonb": 3802}
_ARRAY_OIDS = {"unknown": 0, "boolean": 1000, "integer": 1007, "bigint": 1016, "numeric": 1231}
_WIDTH = ("integer", "bigint", "numeric")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value on the wire.

    Attributes:
        type: Its type as SQL spells it; `unknown` lets PostgreSQL infer one.
        oid: The same as a number; 0 for unknown.
        value: Its text; None for NULL.
    """

    type: str
    oid: int
    value: bytes | None


def bind(values: Sequence[Any]) -> list[Parameter]:
    """Return the parameters for `$1`, `$2`...

    Raises:
        InvalidInputError: A value can't be one; the message says which.
        LimitExceededError: Together they are too large.
    """
    bound = [_parameter(value, number) for number, value in enumerate(values, 1)]
    size = sum(len(parameter.value or b"") for parameter in bound)
    if size > _MOST_BYTES:
        raise LimitExceededError(
            f"The parameters have {size:,} bytes; at most {_MOST_BYTES:,} are accepted.", hint="Send less at a time."
        )
    return bound


def _parameter(value: Any, number: int) -> Parameter:
    kind, text = _typed(value)
    is_array = kind.endswith("[]")
    oid = _ARRAY_OIDS[kind[:-2]] if is_array else _OIDS[kind]
    # An untyped array is inferred like any untyped value.
    name = "unknown" if kind == "unknown[]" else kind
    if text is None:
        return Parameter(name, oid, None)
    if "\0" in text or (name == "jsonb" and "\\u0000" in text):
        raise InvalidInputError(
            f"Parameter ${number} holds a NUL character, which no text in PostgreSQL can.", hint="Remove it."
        )
    try:
        return Parameter(name, oid, text.encode())
    except UnicodeEncodeError as broken:
        raise InvalidInputError(
            f"Parameter ${number} holds half of a surrogate pair, which is no character.", hint="Send valid Unicode."
        ) from broken


def _typed(value: Any) -> tuple[str, str | None]:
    if value is None:
        return "unknown", None
    if isinstance(value, list):
        items = cast("list[Any]", value)
        return ("jsonb", _json(items)) if _holds_object(items) else (f"{_element(items)}[]", _array(items))
    if isinstance(value, dict):
        return "jsonb", _json(value)
    return _scalar_type(value), _scalar(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _holds_object(items: list[Any]) -> bool:
    return any(isinstance(item, dict) or (isinstance(item, list) and _holds_object(cast("list[Any]", item)))
               for item in items)  # fmt: skip


def _scalar_type(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer" if -(2**31) <= value < 2**31 else "bigint" if -(2**63) <= value < 2**63 else "numeric"
    return "numeric" if isinstance(value, float) else "unknown"


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else str(value)


def _element(items: list[Any]) -> str:
    """Return the type that holds all elements."""
    types = {
        _element(cast("list[Any]", item)) if isinstance(item, list) else _scalar_type(item)
        for item in items
        if item is not None
    }
    if types and types <= set(_WIDTH):
        return max(types, key=_WIDTH.index)
    return types.pop() if len(types) == 1 else "unknown"


def _array(items: list[Any]) -> str:
    return "{" + ",".join(_member(item) for item in items) + "}"


def _member(item: Any) -> str:
    if item is None:
        return "NULL"
    if isinstance(item, list):
        return _array(cast("list[Any]", item))
    if isinstance(item, str):
        escaped = item.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return _scalar(item)
