"""Reading a source as the caller: records, SQL, a table sent along, a table of a document.

Records and SQL go the way of execute_query: the guard looks at the statement, and it runs in the role of the SQL tools
under the caller's identity. So an analysis sees what its caller may see, and nothing else.
"""

# ruff: noqa: S608 - names come from our own list of types, and the guard looks at every statement before it runs

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from qms_mcp.db.queries import query
from qms_mcp.errors import InvalidInputError, LimitExceededError
from qms_mcp.services.analysis.document_tables import tables_of
from qms_mcp.services.analysis.sent_tables import MOST_ROWS, table_of_cells, table_of_columns, table_of_csv
from qms_mcp.services.analysis.source import Source
from qms_mcp.services.analysis.table import Table
from qms_mcp.services.documents.versions import find_version

if TYPE_CHECKING:
    from qms_mcp.auth.principal import Principal
    from qms_mcp.db.database import Database
    from qms_mcp.services.sql.querying import Querying

_TYPE = query("calculations.type_table")
_TYPES = query("calculations.types")
_MOST_BYTES = 256 * 1024 * 1024
_LONGEST_CELL = 20_000
_LONGEST_WORDS = 300
_NUMERIC = ("numeric", "real", "double precision", "bigint", "integer", "smallint")
_BASE = (
    "i.number, i.title, i.description, i.status AS state, i.priority, i.risk_class, i.tags, i.due_date, "
    "coalesce(i.occurred_at, i.created_at) AT TIME ZONE o.time_zone AS reported_at, "
    "i.state_since, i.closed_at, i.escalation_level, i.version"
)


class Sources:
    """Reads sources.

    Args:
        database: Where records and documents are.
        querying: Inspects and runs statements in the role of the SQL tools.
    """

    def __init__(self, database: "Database", querying: "Querying") -> None:
        self._database = database
        self._querying = querying

    async def read(self, principal: "Principal", source: Source) -> Table:
        """Return the table a source names.

        Raises:
            InvalidInputError: The table is not rectangular, has no names, or names none of its columns.
            NotFoundError: There is no such document, or it has no such table.
            LimitExceededError: It has more rows than are read at once, or takes too long.
            RefusedStatementError: The statement would do more than read.
            StatementError: PostgreSQL can't run it.
        """
        if source.columns is not None:
            return table_of_columns(source.columns, source.units, "a table sent along")
        if source.csv is not None:
            return table_of_csv(source.csv, source.units)
        if source.document is not None:
            return await self._of_document(principal, source)
        if source.records is not None:
            statement, parameters, says = await self._records_statement(principal, source)
            return await self._of_statement(principal, statement, parameters, source, says)
        words = " ".join((source.sql or "").split())
        says = words if len(words) <= _LONGEST_WORDS else f"{words[:_LONGEST_WORDS]}…"
        return await self._of_statement(principal, source.sql or "", source.parameters, source, says)

    async def _of_statement(
        self, principal: "Principal", statement: str, parameters: Sequence[Any], source: Source, says: str
    ) -> Table:
        from qms_mcp.db.parameters import bind  # noqa: PLC0415 - brings psycopg
        from qms_mcp.db.run_query import PageSize  # noqa: PLC0415 - the same

        querying, bound = self._querying, bind(parameters)
        verdict = await querying.inspect(statement.strip().rstrip(";"), bound)
        size = PageSize(MOST_ROWS, bytes=_MOST_BYTES, cell=_LONGEST_CELL, raw=_MOST_BYTES)
        page = await querying.run(principal, verdict, bound, size)
        if page.more:
            raise LimitExceededError(
                f"The source has more than the {len(page.rows):,} rows that are read at once.",
                hint="Aggregate it in SQL (per subgroup: count, mean, range), or narrow it with WHERE.",
            )
        names = [name for name, _kind in page.columns]
        again = sorted({name for name in names if names.count(name) > 1})
        if again and source.records is None:
            raise InvalidInputError(
                f"The statement returns several columns called {', '.join(map(repr, again))}.",
                hint="Give each a name of its own with AS.",
            )
        columns: dict[str, Sequence[Any]] = {}
        for at, (name, kind) in enumerate(page.columns):
            if name not in columns:  # of records: what the base says goes before the fields of the type
                values = [row[at] for row in page.rows]
                columns[name] = [_as_float(value) for value in values] if kind.startswith(_NUMERIC) else values
        if not columns:
            raise InvalidInputError("The statement returns no columns.", hint="Send a SELECT.")
        return table_of_columns(columns, source.units, says)

    async def _records_statement(self, principal: "Principal", source: Source) -> tuple[str, list[Any], str]:
        async with self._database.transaction(principal, read_only=True) as transaction:
            found = await transaction.fetch_dicts(_TYPE, {"category": source.records})
            if not found:
                known = ", ".join(row["category"] for row in await transaction.fetch_dicts(_TYPES))
                raise InvalidInputError(f"There is no type of record {source.records!r}.", hint=f"Types: {known}.")
        conditions, parameters, words = ["i.category = $1"], [source.records], [f"records of type {source.records}"]
        moment = "coalesce(i.occurred_at, i.created_at)"
        for day, sign, word in ((source.since, ">= $", "since"), (source.until, "<= $", "until")):
            if day is not None:
                parameters.append(day)
                conditions.append(f"({moment} AT TIME ZONE o.time_zone)::date {sign}{len(parameters)}::date")
                words.append(f"{word} {day}")
        if source.states:
            parameters.append(source.states)  # type: ignore[arg-type] - a list is an array
            conditions.append(f"i.status = ANY (${len(parameters)}::text[])")
            words.append(f"in state {', '.join(source.states)}")
        statement = (
            f"SELECT {_BASE}, d.* FROM qms.quality_items AS i "
            f"INNER JOIN qms.{found[0]['table_name']} AS d ON d.id = i.id "
            f"INNER JOIN qms.organizations AS o ON o.id = i.organization_id "
            f"WHERE {' AND '.join(conditions)} ORDER BY reported_at, i.number"
        )
        return statement, list(parameters), " ".join(words)

    async def _of_document(self, principal: "Principal", source: Source) -> Table:
        async with self._database.transaction(principal, read_only=True) as transaction:
            version = await find_version(transaction, source.document or "")
        tables = tables_of(version.content or "")
        wanted = source.table or 1
        if not 1 <= wanted <= len(tables):
            raise InvalidInputError(
                f"{version.label} has {len(tables)} tables; there is no table {wanted}.",
                hint="Name one of them with `table`, from 1, or send the table along.",
            )
        says = (
            f"{version.label}, table {wanted} ({version.status}, content sha256 {(version.content_sha256 or '')[:12]})"
        )
        return table_of_cells(tables[wanted - 1], source.units, says)


def _as_float(value: Any) -> Any:
    """Return numbers PostgreSQL wrote with more digits than a double has as doubles."""
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value
