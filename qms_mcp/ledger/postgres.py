"""The ledger's home: `agents.agent_runs -> agent_traces -> tool_calls`."""

import json
from collections.abc import Sequence

from qms_mcp.db.database import Database
from qms_mcp.db.queries import query
from qms_mcp.ledger.record import Entry

_RECORD = query("ledger.record")


class PostgresStore:
    """Writes entries through the functions that only the server may call."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, entries: Sequence[Entry]) -> None:
        """Write entries in order, in one transaction.

        Raises:
            UnavailableError: The database can't be reached.
        """
        await self._database.run_plumbing(_RECORD, {"entries": json.dumps(entries, ensure_ascii=False)})
