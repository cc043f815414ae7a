"""Rows of a relation that is only known at run time: how many the caller has, and what a few look like.

Everything here runs in a transaction of the SQL tools: read only, under row-level security and a time limit, as a
role that owns nothing. A relation that row-level security does not cover, but that has an organization_id, is
narrowed to the caller's own rows here.
"""

import logging
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from qms_mcp.db.relation import MOST_COUNTED, MOST_SAMPLED, Extent, Readable, ReadableColumn
from qms_mcp.db.transaction import Transaction, translate
from qms_mcp.errors import QmsError

_log = logging.getLogger(__name__)
_LONGEST_ROW, _LONGEST_TEXT, _SHORTEST_TEXT = 3_000, 200, 16
_LONGEST_VECTOR = 48

_OWN: LiteralString = " WHERE t.organization_id = (SELECT qms.current_organization_id())"
_COUNT: LiteralString = (
    "SELECT pg_catalog.count(*), coalesce(pg_catalog.sum(seen.size), 0)::bigint "
    "FROM (SELECT {sizes} AS size{source} LIMIT {most}) AS seen"
)
_CUT: LiteralString = (
    "CASE WHEN pg_catalog.length({text}) > {most} THEN pg_catalog.left({text}, {most}) || '... (' "
    "|| pg_catalog.length({text}) || ' characters)' ELSE {text} END"
)


def reading(relation: Readable) -> str:
    """Return the statement that reads all a relation's columns, for the guard to look at."""
    columns = sql.SQL(", ").join(sql.SQL("t.{}").format(sql.Identifier(column.name)) for column in relation.columns)
    return (sql.SQL("SELECT ") + columns + _source(relation)).as_string()


async def measure(transaction: Transaction, relation: Readable) -> Extent | None:
    """Count the caller's rows up to a cap; None when that took too long or is not allowed."""
    sizes = sql.SQL(" + ").join(
        sql.SQL("coalesce(pg_catalog.pg_column_size(t.{}), 0)").format(sql.Identifier(column.name))
        for column in relation.columns
    )
    statement = sql.SQL(_COUNT).format(sizes=sizes, source=_source(relation), most=sql.Literal(MOST_COUNTED + 1))
    connection = transaction.connection
    try:
        async with connection.transaction():
            row = await (await connection.execute(statement)).fetchone()
    except psycopg.Error as error:
        _log.debug("%s.%s was not counted: %s", relation.schema, relation.name, error)
        return None
    return Extent(int(row[0]), int(row[1])) if row else None


async def sample(transaction: Transaction, relation: Readable, limit: int) -> list[dict[str, Any]] | QmsError:
    """Return a few of the caller's rows with long values cut, or why they can't be had."""
    columns = relation.columns[:MOST_SAMPLED]
    longest = max(_SHORTEST_TEXT, min(_LONGEST_TEXT, _LONGEST_ROW // max(1, len(columns))))
    values = sql.SQL(", ").join(
        sql.SQL("{} AS {}").format(_shown(column, longest), sql.Identifier(column.name)) for column in columns
    )
    statement = sql.SQL("SELECT {values}{source} LIMIT {most}").format(
        values=values, source=_source(relation), most=sql.Literal(limit)
    )
    connection = transaction.connection
    try:
        async with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(statement)
            return await cursor.fetchall()
    except psycopg.Error as error:
        return translate(error)


def _source(relation: Readable) -> sql.Composed:
    source = sql.SQL(" FROM {} AS t").format(sql.Identifier(relation.schema, relation.name))
    return source + sql.SQL(_OWN) if relation.narrowed else source


def _shown(column: ReadableColumn, longest: int) -> sql.Composed:
    value = sql.SQL("t.{}").format(sql.Identifier(column.name))
    if column.category in {"N", "B"}:
        return sql.SQL("pg_catalog.to_jsonb({})").format(value)
    if column.type == "bytea":
        return sql.SQL("pg_catalog.octet_length({}) || ' bytes'").format(value)
    most = min(longest, _LONGEST_VECTOR) if "vec" in column.type else longest
    return sql.SQL(_CUT).format(text=sql.SQL("({}::text)").format(value), most=sql.Literal(most))
