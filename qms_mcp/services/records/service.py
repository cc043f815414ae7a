"""Quality records, as tools use them."""

from typing import TYPE_CHECKING
from uuid import UUID

from qms_mcp.auth.principal import Principal
from qms_mcp.services.records.listing import RecordLists
from qms_mcp.services.records.models import RecordFilter, RecordPage, RecordView, Trace, Way, Work, Written
from qms_mcp.services.records.my_work import MyWork
from qms_mcp.services.records.reading import RecordReader
from qms_mcp.services.records.tracing import Tracing
from qms_mcp.services.records.updating import RecordUpdates, Update
from qms_mcp.services.records.writing import RecordWriter

if TYPE_CHECKING:
    from qms_mcp.db.database import Database


class Records:
    """Reading, listing, following and changing quality records.

    Attributes:
        writer: For services that write records of their own kind.
    """

    def __init__(self, database: "Database") -> None:
        self.writer = RecordWriter(database)
        self._reader = RecordReader(database)
        self._lists = RecordLists(database)
        self._work = MyWork(database)
        self._tracing = Tracing(database)
        self._updates = RecordUpdates(database)

    async def get(self, principal: Principal, reference: UUID | str, *, full: bool = False) -> RecordView:
        """Return a record whole; see `RecordReader.get`."""
        return await self._reader.get(principal, reference, full=full)

    async def list(
        self, principal: Principal, wanted: RecordFilter, *, limit: int = 25, cursor: str | None = None
    ) -> RecordPage:
        """Return a page of records; see `RecordLists.page`."""
        return await self._lists.page(principal, wanted, limit=limit, cursor=cursor)

    async def my_work(self, principal: Principal, *, limit: int = 25, cursor: str | None = None) -> Work:
        """Return what the caller has to do; see `MyWork.of`."""
        return await self._work.of(principal, limit=limit, cursor=cursor)

    async def trace(
        self, principal: Principal, reference: UUID | str | None, *, way: Way = "both", depth: int = 6
    ) -> Trace:
        """Return how a record hangs together with others; without one, the records that lack a link."""
        if reference is None:
            return await self._tracing.orphans(principal)
        return await self._tracing.trace(principal, reference, way=way, depth=depth)

    async def update(
        self, principal: Principal, reference: UUID | str, version: int, update: Update, because: str
    ) -> Written:
        """Change a record; see `RecordUpdates.update`."""
        return await self._updates.update(principal, reference, version, update, because)
