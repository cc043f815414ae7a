"""Values that fit a column, as SQL: from its type, its foreign key and the CHECKs on it alone.

A row is known by its number `i`; its id follows from table, word and number, so that rows refer to each other without
one being looked up. `{word}` stands for the word of the organization.
"""

import re
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg

_BY_TYPE = {
    "text": "{word} || '-{column}-' || i",
    "character varying": "{word} || '-{column}-' || i",
    "jsonb": "jsonb_build_object('note', {word} || '-{column}-' || i)",
    "text[]": "ARRAY[{word} || '-{column}']",
    "uuid": "gen_random_uuid()",
    "uuid[]": "ARRAY[gen_random_uuid()]",
    "smallint": "1 + i % 100",
    "integer": "i",
    "integer[]": "ARRAY[i]",
    "bigint": "i",
    "numeric": "i + 0.5",
    "boolean": "true",
    "double precision": "0.5",
    "real": "0.5",
    "bytea": "convert_to({word} || '-{column}-' || i, 'UTF8')",
    "date": "current_date - i",
    "interval": "i * interval '1 minute'",
    "timestamp with time zone": "now() - i * interval '1 minute'",
    "vector(1536)": "(SELECT array_agg(sin(i * k)::real) FROM generate_series(1, 1536) AS s (k))::extensions.vector",
}
_ONE_OF = re.compile(r"ARRAY\[(?P<first>'(?:[^']|'')*'(?:::[a-z ]+)?)")
_IS = re.compile(r"^CHECK \(\(+?(?P<column>\w+) = (?P<first>'(?:[^']|'')*'::text|-?\d+)\)+$")
_HEX = "[0-9a-f]{64}"
_JSON_KIND = re.compile(r"jsonb_typeof\(\w+\) = '(?P<kind>\w+)'")
_COLUMNS = """
SELECT
    format('%s.%s', n.nspname, c.relname) AS "table",
    a.attname AS name,
    format_type(a.atttypid, a.atttypmod) AS type,
    a.attnotnull AS required,
    (SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef AS d WHERE d.adrelid = c.oid AND d.adnum = a.attnum)
    LIKE '''[%' AS listed,
    (
        SELECT jsonb_object_agg(k.conname, jsonb_build_array(pg_get_constraintdef(k.oid), cardinality(k.conkey)))
        FROM pg_constraint AS k WHERE k.contype = 'c' AND k.conrelid = c.oid AND a.attnum = ANY (k.conkey)
    ) AS checks,
    (
        SELECT jsonb_build_array(
            format('%s.%s', fn.nspname, f.relname), fa.attname,
            EXISTS (SELECT FROM pg_attribute AS o WHERE o.attrelid = f.oid AND o.attname = 'organization_id')
        )
        FROM pg_constraint AS k
        JOIN pg_class AS f ON f.oid = k.confrelid
        JOIN pg_namespace AS fn ON fn.oid = f.relnamespace
        JOIN pg_attribute AS fa ON fa.attrelid = f.oid AND fa.attnum = k.confkey[array_position(k.conkey, a.attnum)]
        WHERE k.contype = 'f' AND k.conrelid = c.oid AND a.attnum = ANY (k.conkey) AND fa.attname <> 'organization_id'
        ORDER BY k.conname LIMIT 1
    ) AS refers
FROM pg_attribute AS a
JOIN pg_class AS c ON c.oid = a.attrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND a.attidentity = ''
AND EXISTS (SELECT FROM pg_attribute AS o WHERE o.attrelid = c.oid AND o.attname = 'organization_id')
AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'qms_private')
ORDER BY 1, a.attnum
"""


@dataclass(frozen=True)
class Column:
    """A column of a table that belongs to organizations.

    Attributes:
        required: It is NOT NULL.
        listed: Its default is a JSON array, so it holds arrays.
        alone: The CHECKs on this column only.
        checks: The names of all CHECKs that look at it.
        refers: Table and column a foreign key leads to.
        in_organization: What it refers to belongs to an organization as well.
    """

    name: str
    type: str
    required: bool
    listed: bool = False
    alone: tuple[str, ...] = ()
    checks: frozenset[str] = field(default=frozenset())
    refers: tuple[str, str] | None = None
    in_organization: bool = False


def columns_of_tenant_tables(connection: psycopg.Connection) -> dict[str, list[Column]]:
    """Return the columns of every table that has an organization."""
    found: dict[str, list[Column]] = {}
    for table, name, kind, required, listed, checks, refers in connection.execute(_COLUMNS.encode()).fetchall():
        column = _column(Column(name, kind, required, bool(listed)), checks or {}, refers)
        found.setdefault(table, []).append(column)
    return found


def _column(column: Column, checks: dict[str, list[Any]], refers: list[Any] | None) -> Column:
    return replace(
        column,
        alone=tuple(text for text, width in checks.values() if width == 1),
        checks=frozenset(checks),
        refers=(refers[0], refers[1]) if refers else None,
        in_organization=bool(refers and refers[2]),
    )


def row_id(table: str, number: str = "i") -> str:
    """Return the id of a row."""
    return f"md5('{table}-' || {{word}} || '-' || ({number}))::uuid"


def fitting(column: Column) -> str:
    """Return a value for a column that refers to nothing."""
    for check in column.alone:
        value = _for_check(column, check)
        if value is not None:
            return value
    if column.listed:
        return f"jsonb_build_array({{word}} || '-{column.name}-' || i)"
    kind = column.type if column.type in _BY_TYPE else column.type.split("(")[0]
    if kind not in _BY_TYPE:
        assert not column.required, f"no value for {column.name} of type {column.type}"
        return "NULL"
    return _BY_TYPE[kind].replace("{column}", column.name)


def _for_check(column: Column, check: str) -> str | None:
    first = _ONE_OF.search(check) or _IS.match(check)
    if first is not None:
        return f"ARRAY[{first['first']}]" if column.type.endswith("[]") else first["first"]
    if _HEX in check:
        return f"encode(sha256(convert_to({{word}} || '-{column.name}-' || i, 'UTF8')), 'hex')"
    kind = _JSON_KIND.search(check)
    if kind is not None and kind["kind"] == "array":
        return f"jsonb_build_array({{word}} || '-{column.name}-' || i)"
    low, high = (_bound(column.name, sign, check) for sign in (">", "<"))
    if high is not None:
        start = 0 if low is None else low
        return f"{start} + i % {high - start + 1}"
    if low is not None:
        return f"{low} + i"
    return None


def _bound(column: str, sign: str, check: str) -> int | None:
    """Return the lowest or highest whole number a comparison with a constant lets through."""
    found = re.search(rf"\({column} {sign}(?P<equal>=?) \(?(?P<bound>-?\d+)", check)
    if found is None:
        return None
    bound = int(found["bound"])
    return bound if found["equal"] else bound + (1 if sign == ">" else -1)
