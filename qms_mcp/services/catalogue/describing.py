"""One relation with everything about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

from qms_mcp.db.queries import Query, query
from qms_mcp.services.catalogue.listing import cut
from qms_mcp.services.catalogue.models import Column, TableDescription
from qms_mcp.services.catalogue.names import RelationName

if TYPE_CHECKING:
    from qms_mcp.db.transaction import Transaction

_RELATION = query("catalogue.relation")
_COLUMNS = query("catalogue.columns")
_CONSTRAINTS = query("catalogue.constraints")
_REFERENCED_BY = query("catalogue.referenced_by")
_INDEXES = query("catalogue.indexes")
_TRIGGERS = query("catalogue.triggers")
_POLICIES = query("catalogue.policies")
_PARTITIONS = query("catalogue.partitions")
_LONGEST_LINE, _LONGEST_DEFINITION = 600, 6_000
_MOST_COLUMNS, _MOST_LINES = 250, 60
_LARGEST = 36_000
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ColumnRow:
    """A column as the catalogue has it; `category` is that of its type."""

    name: str
    type: str
    nullable: bool
    fallback: str | None
    generated: str | None
    comment: str | None
    category: str


@dataclass(frozen=True, slots=True)
class _RelationRow:
    comment: str | None
    row_level_security: Literal["off", "on", "forced"]
    partition_key: str | None
    partition_bound: str | None
    definition: str | None
    partition_of: str | None


@dataclass(frozen=True, slots=True)
class _Line:
    definition: str


@dataclass(frozen=True, slots=True)
class _ConstraintRow:
    name: str
    kind: str
    definition: str
    columns: list[str]


@dataclass(frozen=True, slots=True)
class Described:
    """What the catalogue knows of a relation, and the columns rows can be read from."""

    description: TableDescription
    columns: Sequence[ColumnRow]


async def read_description(
    transaction: "Transaction", relation: RelationName, schemas: Sequence[str]
) -> Described | None:
    """Return all the catalogue knows of a relation; None when it has just gone."""
    params = {"relation": relation.oid, "schemas": list(schemas)}
    facts = await transaction.fetch_one(_RELATION, params, row=_RelationRow)
    if facts is None:
        return None
    columns = await transaction.fetch_all(_COLUMNS, params, row=ColumnRow)
    constraints = await transaction.fetch_all(_CONSTRAINTS, params, row=_ConstraintRow)
    room = _Room()

    async def lines(which: Query, what: str) -> list[str]:
        found = await transaction.fetch_all(which, params, row=_Line)
        return room.lines([line.definition for line in found], what)

    description = TableDescription(
        name=relation.qualified,
        kind=relation.kind,
        comment=cut(facts.comment, _LONGEST_LINE),
        row_level_security=facts.row_level_security,
        columns=room.columns([_column(row) for row in columns]),
        primary_key=[name for row in constraints if row.kind == "p" for name in row.columns],
        constraints=room.lines([f"{row.name}: {row.definition}" for row in constraints], "constraints"),
        referenced_by=await lines(_REFERENCED_BY, "references"),
        indexes=await lines(_INDEXES, "indexes"),
        triggers=await lines(_TRIGGERS, "triggers"),
        policies=await lines(_POLICIES, "policies"),
        partitioning=_partitioning(facts),
        partitions=await lines(_PARTITIONS, "partitions"),
        definition=cut(facts.definition, _LONGEST_DEFINITION),
        notes=room.notes,
    )
    return Described(description, columns)


class _Room:
    """How much an answer still holds, and notes on what it does not."""

    def __init__(self) -> None:
        self.left = _LARGEST
        self.notes: list[str] = []

    def columns(self, found: list[Column]) -> list[Column]:
        return self._first(found, [len(column.model_dump_json()) for column in found], _MOST_COLUMNS, "columns")

    def lines(self, found: list[str], what: str) -> list[str]:
        short = [cut(line, _LONGEST_LINE) or "" for line in found]
        return self._first(short, [len(line) for line in short], _MOST_LINES, what)

    def _first(self, found: list[T], sizes: list[int], most: int, what: str) -> list[T]:
        kept = 0
        while kept < min(len(found), most) and sizes[kept] <= self.left:
            self.left -= sizes[kept]
            kept += 1
        if kept < len(found):
            self.notes.append(f"Only {kept} of {len(found)} {what} are shown.")
        return found[:kept]


def _column(row: ColumnRow) -> Column:
    return Column(
        name=row.name,
        type=row.type,
        nullable=row.nullable,
        default=cut(row.fallback, _LONGEST_LINE),
        generated=cut(row.generated, _LONGEST_LINE),
        comment=cut(row.comment, _LONGEST_LINE),
    )


def _partitioning(facts: _RelationRow) -> str | None:
    if facts.partition_key:
        return f"partitioned by {facts.partition_key}"
    return f"partition of {facts.partition_of} {facts.partition_bound}" if facts.partition_of else None
