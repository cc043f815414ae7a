"""A reader of rows that are given, for methods that read the records themselves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any

from qms_mcp.db.queries import Query
from qms_mcp.services.analysis.sent_tables import table_of_columns
from qms_mcp.services.analysis.source import Source
from qms_mcp.services.analysis.table import Table


@dataclass
class FixedReader:
    """Returns the same rows whatever is asked."""

    found: Sequence[Mapping[str, Any]]
    today: date
    zone: str = "UTC"
    now: datetime = field(init=False)

    def __post_init__(self) -> None:
        """Let it be noon of the day."""
        self.now = datetime.combine(self.today, time(12), tzinfo=UTC)

    async def rows(self, query: Query, params: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Return the rows."""
        assert query.text
        wanted = set((params or {}).get("types", ()))
        return [dict(row) for row in self.found if not wanted or row["type"] in wanted]

    async def table(self, source: Source) -> Table:
        """Return a table of columns."""
        return table_of_columns(source.columns or {}, source.units, "a table sent along")
