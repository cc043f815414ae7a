"""Schemas, tables, views, functions, policies and extensions, page by page."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qms_mcp.db.queries import query
from qms_mcp.errors import InvalidInputError
from qms_mcp.services.catalogue.models import Kind, SchemaObject
from qms_mcp.services.catalogue.names import quoted

if TYPE_CHECKING:
    from qms_mcp.db.transaction import Transaction

_OBJECTS = query("catalogue.objects")
_RELATIONS = ("table", "view", "materialized_view")
_LONGEST_COMMENT, _LONGEST_FULL_COMMENT, _LONGEST_SUMMARY = 160, 1_000, 600
_LARGEST_PAGE = 40_000


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wants to see.

    Attributes:
        kind: Which kind of object, or several at once.
        schemas: In which schemas.
        one_schema: Whether the caller named it: then what belongs to extensions is listed too.
        search: Part of a name or comment.
        limit: Objects a page.
        cursor: Where the page before ended.
    """

    kind: Kind
    schemas: Sequence[str]
    one_schema: bool
    search: str
    limit: int
    cursor: str | None


@dataclass(frozen=True, slots=True)
class ObjectRow:
    """An object as the catalogue has it."""

    kind: str
    schema: str
    name: str
    rest: str
    relation: int | None
    protected: bool
    comment: str | None
    summary: str | None
    place: str
    total: int


@dataclass(frozen=True, slots=True)
class ObjectPage:
    """A page of objects, how many there are in all, and where the next page begins."""

    rows: Sequence[ObjectRow]
    total: int
    next_cursor: str | None


async def read_page(transaction: "Transaction", asked: Asked) -> ObjectPage:
    """Return the objects asked for.

    Raises:
        InvalidInputError: The cursor is not one of ours.
    """
    rows = await transaction.fetch_all(
        _OBJECTS,
        {
            "kinds": list(_kinds(asked.kind)),
            "schemas": list(asked.schemas),
            "one_schema": asked.one_schema,
            "search": asked.search,
            "after": _place(asked.cursor),
            "max_rows": asked.limit + 1,
        },
        row=ObjectRow,
    )
    kept = _fitting(rows[: asked.limit])
    cursor = base64.urlsafe_b64encode(kept[-1].place.encode()).decode() if len(kept) < len(rows) else None
    return ObjectPage(kept, rows[0].total if rows else 0, cursor)


def shown(row: ObjectRow, *, full: bool) -> SchemaObject:
    """Return an object as it is answered."""
    return SchemaObject(
        kind=row.kind,
        name=_name(row),
        comment=cut(row.comment, _LONGEST_FULL_COMMENT if full else _LONGEST_COMMENT),
        summary=cut(row.summary, _LONGEST_SUMMARY) if full else None,
    )


def cut(text: str | None, longest: int) -> str | None:
    """Return `text`, shortened if it is longer than that."""
    return text if text is None or len(text) <= longest else f"{text[: longest - 3]}..."


def _fitting(rows: Sequence[ObjectRow]) -> Sequence[ObjectRow]:
    """Return as many rows as an answer may hold, but one at least."""
    size = 0
    for kept, row in enumerate(rows):
        size += 60 + sum(len(part) for part in (row.name, row.rest, row.schema))
        size += min(len(row.comment or ""), _LONGEST_FULL_COMMENT) + min(len(row.summary or ""), _LONGEST_SUMMARY)
        if size > _LARGEST_PAGE and kept:
            return rows[:kept]
    return rows


def _name(row: ObjectRow) -> str:
    if row.kind == "schema":
        return quoted(row.name)
    if row.kind == "extension":
        return f"{row.name} {row.rest}"
    qualified = f"{quoted(row.schema)}.{quoted(row.name)}"
    if row.kind == "policy":
        return f"{row.rest} on {qualified}"
    return f"{qualified}({row.rest})" if row.kind == "function" else qualified


def _kinds(kind: Kind) -> Sequence[str]:
    if kind == "all":
        return (*_RELATIONS, "function", "policy", "extension", "schema")
    return _RELATIONS if kind == "relation" else (kind,)


def _place(cursor: str | None) -> str:
    if not cursor:
        return ""
    try:
        place = base64.b64decode(cursor.encode(), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError):
        place = "\x00"
    if "\x00" in place:
        raise InvalidInputError("The cursor is not one this tool gave.", hint="Begin again without a cursor.")
    return place
