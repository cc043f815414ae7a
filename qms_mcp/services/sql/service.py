"""The SQL tools' one door to this package."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from qms_mcp.services.sql.drafting import Drafter
from qms_mcp.services.sql.explaining import Explaining
from qms_mcp.services.sql.generating import Generating
from qms_mcp.services.sql.models import GeneratedSql, PlanReport, QueryResult
from qms_mcp.services.sql.querying import Querying

if TYPE_CHECKING:
    from qms_mcp.auth.principal import Principal
    from qms_mcp.db.database import Database
    from qms_mcp.db.guard import Guard
    from qms_mcp.settings import Settings


class SqlTools:
    """Runs, explains and finds SQL.

    Args:
        database: Where.
        guard: Decides what may run.
        settings: The time limit, and the model if there is one.
    """

    def __init__(self, database: "Database", guard: "Guard", settings: "Settings") -> None:
        self._querying = Querying(database, guard, settings.qms_statement_timeout_ms)
        self._explaining = Explaining(database, self._querying)
        self._generating = Generating(database, self._querying, Drafter.from_settings(settings))

    async def execute(
        self,
        principal: "Principal",
        statement: str,
        parameters: Sequence[Any] = (),
        *,
        limit: int = 100,
        cursor: str | None = None,
        full: bool = False,
    ) -> QueryResult:
        """Run a reading statement and return a page of its rows.

        Raises:
            QmsError: It may not or can't run, and why.
        """
        return await self._querying.execute(principal, statement, parameters, limit=limit, cursor=cursor, full=full)

    async def explain(
        self, principal: "Principal", statement: str, parameters: Sequence[Any] = (), *, analyze: bool = False
    ) -> PlanReport:
        """Return the plan of a reading statement and its reading.

        Raises:
            QmsError: It may not or can't run, and why.
        """
        return await self._explaining.explain(principal, statement, parameters, analyze=analyze)

    async def generate(self, principal: "Principal", question: str, *, max_tables: int = 5) -> GeneratedSql:
        """Return what a question is about, and a statement for it."""
        return await self._generating.generate(principal, question, max_tables=max_tables)
