"""Signing, as far as tools go: the signatures of a record, and the link at which a person decides.

Nothing here can decide. A tool gets a link and hands it on; the desk (`desk.py`) is for the page alone.
"""

from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from qms_mcp.auth.principal import Principal
from qms_mcp.db.queries import query
from qms_mcp.services.signing.models import SignatureStatus

if TYPE_CHECKING:
    from qms_mcp.db.database import Database

_STATUSES = query("signing.statuses")


class Links(Protocol):
    """Where links to the approval page come from."""

    async def link(self, approval_id: UUID) -> str:
        """Return a link that leads to an approval, once."""
        ...


class Signing:
    """Signatures and links.

    Args:
        database: Where the records are.
        links: The approval page of this server; none where no page can be served.
    """

    def __init__(self, database: "Database", links: Links | None = None) -> None:
        self._database = database
        self._links = links

    async def statuses(self, principal: Principal, record_id: UUID) -> list[SignatureStatus]:
        """Return the signatures of a record, each checked against the record as it is now."""
        async with self._database.transaction(principal, read_only=True) as transaction:
            return await transaction.fetch_all(_STATUSES, {"record_id": record_id}, row=SignatureStatus)

    async def link(self, approval_id: UUID) -> str | None:
        """Return a link at which a person decides an approval; none without a page.

        Raises:
            NotAllowedError: There is no such approval to decide.
        """
        return await self._links.link(approval_id) if self._links is not None else None

    async def how_to_decide(self, approval_id: UUID) -> str:
        """Return what to tell the user of an approval that waits.

        Raises:
            NotAllowedError: There is no such approval to decide.
        """
        link = await self.link(approval_id)
        if link is None:
            return f"A person decides it: run `qms-mcp page`, sign in there and open approval {approval_id}."
        return f"A person decides it at {link} (the link opens once; it asks for user id and password)."
