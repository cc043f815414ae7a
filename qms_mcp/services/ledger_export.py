"""The ledger for people outside a conversation: the latest calls, and all of them as a file."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from qms_mcp.auth.principal import Principal
from qms_mcp.db.queries import query

if TYPE_CHECKING:
    from qms_mcp.db.database import Database

_TAIL = query("ledger.tail")
_EXPORT_PAGE = query("ledger.export_page")
_PAGE = 500
_FIRST = (datetime.min.replace(tzinfo=UTC), UUID(int=0))


@dataclass(frozen=True, slots=True)
class LoggedCall:
    """A call in a line."""

    id: UUID
    created_at: datetime
    kind: str
    tool_name: str
    state: str
    success: bool | None
    error: str | None
    error_code: str | None
    duration_ms: int | None
    client_name: str | None
    actor_kind: str | None


class LedgerExport:
    """Reads the ledger of one organization."""

    def __init__(self, database: "Database", principal: Principal) -> None:
        self._database = database
        self._principal = principal

    async def latest(self, limit: int, *, only_failed: bool = False, tool: str | None = None) -> list[LoggedCall]:
        """Return the latest calls, the latest last."""
        params = {"max_rows": limit, "only_failed": only_failed, "tool_name": tool}
        async with self._database.transaction(self._principal, read_only=True) as transaction:
            return (await transaction.fetch_all(_TAIL, params, row=LoggedCall))[::-1]

    async def pages(
        self, *, since: datetime | None = None, until: datetime | None = None, run: UUID | None = None
    ) -> AsyncIterator[list[dict[str, Any]]]:
        """Yield all calls from `since` to before `until`, the oldest first, a page at a time."""
        after_time, after_id = _FIRST
        while True:
            params = {
                "after_time": after_time,
                "after_id": after_id,
                "since": since,
                "until": until,
                "run_id": run,
                "max_rows": _PAGE,
            }
            async with self._database.transaction(self._principal, read_only=True) as transaction:
                page = await transaction.fetch_dicts(_EXPORT_PAGE, params)
            if page:
                yield page
            if len(page) < _PAGE:
                return
            after_time, after_id = page[-1]["created_at"], page[-1]["id"]
