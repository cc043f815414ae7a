"""One relation with everything about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

from qms_mcp.db.queries import Query, query
from qms_mcp.services.catalogue.listing import cut
from qms_mcp.services.catalogue.models import Column, Policy, TableDescription
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
class _PolicyRow:
    name: str
    command: str
    roles: list[str]
    using_expression: str | None
    check_expression: str | None


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
    policies = await transaction.fetch_all(_POLICIES, params, row=_PolicyRow)
    notes: list[str] = []

    async def lines(which: Query, what: str) -> list[str]:
        found = await transaction.fetch_all(which, params, row=_Line)
        return _first([_line(line.definition) for line in found], _MOST_LINES, what, notes)

    description = TableDescription(
        name=relation.qualified,
        kind=relation.kind,
        comment=cut(facts.comment, _LONGEST_LINE),
        row_level_security=facts.row_level_security,
        columns=_first([_column(row) for row in columns], _MOST_COLUMNS, "columns", notes),
        primary_key=[name for row in constraints if row.kind == "p" for name in row.columns],
        constraints=_first(
            [_line(f"{row.name}: {row.definition}") for row in constraints], _MOST_LINES, "constraints", notes
        ),
        referenced_by=await lines(_REFERENCED_BY, "references"),
        indexes=await lines(_INDEXES, "indexes"),
        triggers=await lines(_TRIGGERS, "triggers"),
        policies=_first([_policy(row) for row in policies], _MOST_LINES, "policies", notes),
        partitioning=_partitioning(facts),
        partitions=await lines(_PARTITIONS, "partitions"),
        definition=cut(facts.definition, _LONGEST_DEFINITION),
        notes=notes,
    )
    return Described(description, columns)


def _column(row: ColumnRow) -> Column:
    return Column(
        name=row.name,
        type=row.type,
        nullable=row.nullable,
        default=cut(row.fallback, _LONGEST_LINE),
        generated=cut(row.generated, _LONGEST_LINE),
        comment=cut(row.comment, _LONGEST_LINE),
    )


def _policy(row: _PolicyRow) -> Policy:
    return Policy(
        name=row.name,
        command=row.command,
        roles=row.roles,
        using=cut(row.using_expression, _LONGEST_LINE),
        check=cut(row.check_expression, _LONGEST_LINE),
    )


def _partitioning(facts: _RelationRow) -> str | None:
    if facts.partition_key:
        return f"partitioned by {facts.partition_key}"
    return f"partition of {facts.partition_of} {facts.partition_bound}" if facts.partition_of else None


def _line(text: str) -> str:
    return cut(text, _LONGEST_LINE) or ""


def _first(found: list[T], most: int, what: str, notes: list[str]) -> list[T]:
    if len(found) > most:
        notes.append(f"Only {most} of {len(found)} {what} are shown.")
    return found[:most]
