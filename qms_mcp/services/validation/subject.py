"""The table under validation, as the catalogue describes it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qms_mcp.db.queries import query
from qms_mcp.errors import InvalidInputError, NotAllowedError, NotFoundError
from qms_mcp.services.catalogue import Catalogue
from qms_mcp.services.catalogue.names import RelationName, nearest, resolve, sayable

if TYPE_CHECKING:
    from qms_mcp.auth.principal import Principal
    from qms_mcp.db.database import Database

_COLUMNS = query("validation.columns")
_CONSTRAINTS = query("validation.constraints")
_KEYS = query("validation.keys")
_MOST_KEY_COLUMNS = 4


@dataclass(frozen=True, slots=True)
class ColumnFact:
    """A column; `category` is that of its type (`pg_type.typcategory`)."""

    name: str
    type: str
    category: str
    nullable: bool
    comment: str


@dataclass(frozen=True, slots=True)
class ConstraintFact:
    """A constraint; kind as in pg_constraint: c check, p primary key, u unique, f foreign key."""

    name: str
    kind: str
    validated: bool
    columns: list[str]
    condition: str
    target: str
    target_columns: list[str]
    target_readable: bool


@dataclass(frozen=True, slots=True)
class _KeyRow:
    columns: list[str]


@dataclass(frozen=True, slots=True)
class Subject:
    """A table or view whose rows are checked.

    Attributes:
        relation: Which one.
        columns: Its columns, as far as they may be read.
        constraints: Its constraints.
        key: The columns by which a row is named: primary key, else a unique key, else the first short ones.
    """

    relation: RelationName
    columns: Sequence[ColumnFact]
    constraints: Sequence[ConstraintFact]
    key: Sequence[str]

    def column(self, name: str) -> ColumnFact:
        """Return a column by its name.

        Raises:
            InvalidInputError: There is none.
        """
        for column in self.columns:
            if column.name in {name, name.lower()}:
                return column
        close = nearest(name, [column.name for column in self.columns])
        hint = f"Did you mean {' or '.join(close)}?" if close else "describe_table lists the columns."
        raise InvalidInputError(f"{self.relation.qualified} has no column {name[:80]!r}.", hint=hint)


async def read_subject(database: "Database", principal: "Principal", table: str) -> Subject:
    """Return what there is to know of a table before its rows are read.

    Raises:
        NotFoundError: There is none, or the caller may not see it.
        InvalidInputError: Several have this name.
        NotAllowedError: Its rows can't be read by the SQL tools.
    """
    names = await Catalogue(database).relation_names(principal)
    relation = resolve(sayable(table, argument="table"), names)
    params = {"relation": relation.oid}
    async with database.transaction(principal, read_only=True) as transaction:
        columns = await transaction.fetch_all(_COLUMNS, params, row=ColumnFact)
        constraints = await transaction.fetch_all(_CONSTRAINTS, params, row=ConstraintFact)
        keys = await transaction.fetch_all(_KEYS, params, row=_KeyRow)
    if not columns:
        raise NotAllowedError(
            f"The SQL tools may not read {relation.qualified}.", hint="list_tables shows what they may."
        )
    readable = {column.name for column in columns}
    key = [name for row in keys for name in row.columns] if all(set(row.columns) <= readable for row in keys) else []
    return Subject(relation, columns, constraints, key or _naming(columns))


def _naming(columns: Sequence[ColumnFact]) -> list[str]:
    """Return columns that describe a row where nothing identifies it: short ones, names first."""
    short = [column.name for column in columns if column.category in {"N", "S", "D", "B", "E"} or column.type == "uuid"]
    return (short or [columns[0].name])[:_MOST_KEY_COLUMNS]


async def find_table(database: "Database", principal: "Principal", written: str) -> RelationName:
    """Return the table a foreign key points at.

    Raises:
        NotFoundError: There is none, or the caller may not see it.
    """
    names: Iterable[RelationName] = await Catalogue(database).relation_names(principal)
    try:
        return resolve(sayable(written, argument="references"), list(names))
    except NotFoundError as missing:
        raise NotFoundError(f"references: {missing.message}", hint=missing.hint) from missing
