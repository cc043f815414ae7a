"""The outbox in the database, as the shipper sees it: rows are taken under a lease, so servers share the work."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from qms_mcp.db.database import Database
from qms_mcp.db.queries import query

_PUT = query("outbox.put")
_CLAIM = query("outbox.claim")
_DONE = query("outbox.done")
_RETRY = query("outbox.retry")
_TRIM = query("outbox.trim")
_LEASE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Parcel:
    """A row of the outbox: a call, or a message for a path of its own."""

    id: int
    path: str | None
    payload: dict[str, Any]
    attempts: int


class Outbox:
    """The rows of one organization."""

    def __init__(self, database: Database, organization_id: UUID) -> None:
        self._database = database
        self._organization_id = organization_id

    async def put(self, path: str, payload: dict[str, Any]) -> None:
        """Put a message into the outbox.

        Raises:
            UnavailableError: The database can't be reached.
        """
        params = {"organization_id": self._organization_id, "path": path, "payload": json.dumps(payload)}
        async with self._database.plumbing() as transaction:
            await transaction.execute(_PUT, params)

    async def claim(self, most: int) -> list[Parcel]:
        """Take rows that are due, the oldest first; they are ours for a minute."""
        params = {"organization_id": self._organization_id, "max_rows": most, "lease": _LEASE}
        async with self._database.plumbing() as transaction:
            return await transaction.fetch_all(_CLAIM, params, row=Parcel)

    async def done(self, parcels: Sequence[Parcel]) -> None:
        """Remove what the host has taken."""
        async with self._database.plumbing() as transaction:
            await transaction.execute(_DONE, {"ids": [parcel.id for parcel in parcels]})

    async def give_back(
        self, parcels: Sequence[Parcel], reason: str, *, delay: float = 0.0, give_up: bool = False
    ) -> None:
        """Keep what the host did not take, for a later try or, given up, for a person to look at."""
        params = {
            "ids": [parcel.id for parcel in parcels],
            "delay": timedelta(seconds=delay),
            "reason": reason[:500],
            "give_up": give_up,
        }
        async with self._database.plumbing() as transaction:
            await transaction.execute(_RETRY, params)

    async def trim(self, most: int) -> int:
        """Drop the oldest rows beyond `most` and return how many."""
        params = {"organization_id": self._organization_id, "max_rows": most}
        async with self._database.plumbing() as transaction:
            rows = await transaction.fetch_dicts(_TRIM, params)
        return int(rows[0]["dropped"]) if rows else 0
