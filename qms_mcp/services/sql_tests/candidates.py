"""Values worth trying against a CHECK: what its text mentions, what lies just beside that, and what is typical."""

import re
from collections.abc import Sequence
from decimal import Decimal

from qms_mcp.services.sql_tests.facts import Column, literal
from qms_mcp.sqltext import tokenize

PLACEHOLDER = "'00000000-0000-4000-8000-000000000001'"
_TYPICAL_TEXTS = (
    "x0a1b2c3d4e", "a", "A-1", "1", "2026-01-01", "a@example.com", "https://example.com", "a" * 64, "0" * 64, "1.0.0",
    "UTC", "", "  ", "no such value", "no-such-value", "a" * 300,
)  # fmt: skip
_MOMENTS = ("now()", "now() - interval '1 day'", "now() + interval '1 day'")
_JSONS = ("'{}'", "'[]'", "'null'", "'\"x\"'", "'0'")
_OF_TYPE = {
    "uuid": (PLACEHOLDER,),
    "json": _JSONS,
    "jsonb": _JSONS,
    "bytea": ("'\\x00'", "''"),
    "date": ("current_date", "current_date - 1", "current_date + 1"),
    "time without time zone": ("'12:00'",),
    "time with time zone": ("'12:00+00'",),
}
_MOST = 40


def candidates(column: Column, condition: str = "") -> list[str]:
    """Return values for a column as SQL, those most likely to satisfy a condition first."""
    if column.labels:
        return [literal(label) for label in column.labels]
    if column.type in _OF_TYPE:
        return list(_OF_TYPE[column.type])
    if column.type.endswith("[]"):
        return _arrays(condition)
    if column.type.startswith(("vector", "halfvec")):
        return [_vector(column.type)]
    by_category = {
        "S": lambda: _texts(condition),
        "N": lambda: _numbers(column, condition),
        "B": lambda: ["true", "false"],
        "D": lambda: list(_MOMENTS),
        "T": lambda: ["interval '1 day'", "interval '-1 day'", "interval '0'"],
    }
    make = by_category.get(column.category)
    return list(dict.fromkeys(make()))[:_MOST] if make else []


def _strings(condition: str) -> list[str]:
    return [token.content for token in tokenize(condition) if token.kind == "string"]


def _texts(condition: str) -> list[str]:
    said = [text.replace("%", "x").replace("_", "x") if "%" in text else text for text in _strings(condition)]
    usual = list(_TYPICAL_TEXTS)
    if re.search(r"\^\[a-z\]", condition):
        usual.insert(0, "a")
    return [literal(text) for text in [*said, *usual]]


def _numbers(column: Column, condition: str) -> list[str]:
    whole = column.type in {"integer", "bigint", "smallint"}
    step = Decimal(1) if whole else Decimal("0.5")
    said = [
        Decimal(token.text) for token in tokenize(condition) if token.kind == "number" and "e" not in token.text.lower()
    ]
    said += [Decimal(text) for text in _strings(condition) if re.fullmatch(r"-?\d+(\.\d+)?", text)]
    around = [number + shift for number in said for shift in (Decimal(0), step, -step)]
    return [str(number) for number in [*around, Decimal(1), Decimal(0), Decimal(-1), Decimal(1000)]]


def _arrays(condition: str) -> list[str]:
    said = _strings(condition)
    first = [f"ARRAY[{literal(said[0])}]"] if said else ["ARRAY['x']"]
    return [*first, "'{}'", "ARRAY['no such value']"]


def _vector(kind: str) -> str:
    size = re.search(r"\((\d+)\)", kind)
    return f"array_fill(0.5, ARRAY[{size[1] if size else 3}])::{kind.partition('(')[0]}"


def changing(column: Column) -> list[tuple[str, str]]:
    """Return expressions that give another value each time, with one value such an expression may give."""
    if column.type == "uuid":
        return [("gen_random_uuid()", PLACEHOLDER)]
    if column.category == "S":
        return [
            ("'x' || left(md5(random()::text), 10)", "'x0a1b2c3d4e'"),
            ("left(md5(random()::text), 10) || '@example.com'", "'0a1b2c3d4e@example.com'"),
            ("md5(random()::text) || md5(random()::text)", literal("0a" * 32)),
            ("(random() * 1000000)::integer::text", "'123456'"),
        ]
    if column.category == "N":
        return [("(random() * 1000000)::integer + 1", "123456"), ("(random() * 30000)::integer + 1", "1234")]
    return []


def unknown_reference(kind: str) -> str:
    """Return a value of a type that no row has as its key."""
    if kind == "uuid":
        return "gen_random_uuid()"
    return "-1" if kind in {"integer", "bigint", "smallint", "numeric"} else "'no such key'"


def first(values: Sequence[str]) -> str:
    """Return the first value, or NULL."""
    return values[0] if values else "NULL"
