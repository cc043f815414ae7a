"""The values of columns that hold only a few: what a state or a category can be, as the caller sees it."""

from collections.abc import Sequence
from dataclasses import dataclass

from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.exchange import Command

_LOOKED_AT = 20_000


@dataclass(frozen=True, slots=True)
class ColumnName:
    """A column; both names as SQL spells them, from the catalogue."""

    table: str
    column: str


async def few_values(
    database: Database, principal: Principal, columns: Sequence[ColumnName], *, most: int, timeout_ms: int
) -> list[list[str]]:
    """Return the values of each column, or none for one that has more than `most`.

    Raises:
        QmsError: The columns can't be read, or not in time.
    """
    first = [_values_of(each, most + 1) for each in columns]
    async with database.sql_transaction(principal, timeout_ms=timeout_ms, first=first) as transaction:
        lists = [sorted((row[0] or b"").decode() for row in answer.rows) for answer in transaction.answers]
    return [values if len(values) <= most else [] for values in lists]


def _values_of(name: ColumnName, most: int) -> Command:
    # The names come from the catalogue, quoted by PostgreSQL itself.
    some = f"SELECT {name.column}::text AS v FROM {name.table} WHERE {name.column} IS NOT NULL LIMIT {_LOOKED_AT}"  # noqa: S608
    return Command(f"SELECT DISTINCT left(s.v, 80) FROM ({some}) AS s LIMIT {most}".encode())  # noqa: S608
