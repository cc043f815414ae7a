"""Writing quality records: for every service that adds or changes one.

`RecordWriter` does one thing in one transaction. For several writes that belong together, open one:

    async with writer.open(principal, because=reason) as writing:
        capa = await writing.add("capa", {...})
        await writing.add_part(capa.id, "capa_actions", {...})
        return await writing.written(capa.id)

The database decides what may be written: it refuses unknown fields, locked ones, and a version that is not the latest.
"""

import json
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID

from qms_mcp.auth.principal import Principal
from qms_mcp.db.queries import query
from qms_mcp.db.transaction import Transaction
from qms_mcp.errors import InvalidInputError
from qms_mcp.services.records.models import Written, written
from qms_mcp.services.records.references import find_record, with_ids

if TYPE_CHECKING:
    from qms_mcp.db.database import Database

SHORTEST_REASON = 10
MADE_BEFORE = "Made before with this idempotency_key: nothing was written now."

_ADD = query("records.add")
_CHANGE = query("records.change")
_ADD_PART = query("records.add_part")
_CHANGE_PART = query("records.change_part")
_LINK = query("records.link")
_WRITTEN = query("records.written")
_TAKE_TURN = query("records.take_turn")
_WITH_KEY = query("records.with_key")


class Writing:
    """Writes in one open transaction.

    Attributes:
        transaction: The transaction, for what a service writes besides.
    """

    def __init__(self, transaction: Transaction) -> None:
        self.transaction = transaction

    async def find(self, reference: UUID | str) -> UUID:
        """Return the id of a record named by id or number.

        Raises:
            NotFoundError: There is none.
        """
        return await find_record(self.transaction, reference)

    async def add(self, category: str, fields: Mapping[str, Any], *, idempotency_key: str | None = None) -> Written:
        """Add a record; with a key that was used before, return the record made then.

        Raises:
            InvalidInputError: An unknown type or field, or a value that does not fit.
        """
        wanted = dict(fields)
        if idempotency_key:
            made = await self.made_with(category, idempotency_key)
            if made is not None:
                return made
            wanted.setdefault("external_id", _key(idempotency_key))
            wanted.setdefault("source", {"kind": "idempotency"})
        wanted = await with_ids(self.transaction, wanted)
        params = {"category": category, "fields": _json(wanted)}
        return await self.written((await self.transaction.fetch_dicts(_ADD, params))[0]["id"])

    async def made_with(self, category: str, idempotency_key: str) -> Written | None:
        """Return the record a key was used for; nobody else can use it until the transaction ends."""
        await self.transaction.execute(_TAKE_TURN)
        params = {"category": category, "external_id": _key(idempotency_key)}
        rows = await self.transaction.fetch_dicts(_WITH_KEY, params)
        return await self.written(rows[0]["id"], MADE_BEFORE) if rows else None

    async def change(self, reference: UUID | str, expected_version: int | None, fields: Mapping[str, Any]) -> Written:
        """Change fields of a record.

        Raises:
            ConflictError: It has another version by now, or its state locks a field.
            InvalidInputError: An unknown field, or a value that does not fit.
        """
        record_id = await self.find(reference)
        params = {
            "record_id": record_id,
            "expected_version": expected_version,
            "fields": _json(await with_ids(self.transaction, fields)),
        }
        await self.transaction.fetch_dicts(_CHANGE, params)
        return await self.written(record_id)

    async def add_part(self, reference: UUID | str, part: str, fields: Mapping[str, Any]) -> UUID:
        """Add an action, a cause, a piece of evidence, a note, ... and return its id.

        Raises:
            ConflictError: The state of the record locks this part.
            InvalidInputError: An unknown field, or a value that does not fit.
        """
        params = {
            "record_id": await self.find(reference),
            "part": part,
            "fields": _json(await with_ids(self.transaction, fields)),
        }
        return (await self.transaction.fetch_dicts(_ADD_PART, params))[0]["id"]

    async def change_part(self, part: str, part_id: UUID, fields: Mapping[str, Any]) -> UUID:
        """Change what may change of a part.

        Raises:
            ConflictError: The state of the record, or the kind of part, does not allow it.
            NotFoundError: There is no such part.
        """
        fields = await with_ids(self.transaction, fields)
        params = {"part": part, "part_id": part_id, "fields": _json(fields)}
        return (await self.transaction.fetch_dicts(_CHANGE_PART, params))[0]["id"]

    async def link(
        self, from_reference: UUID | str, to_reference: UUID | str, kind: str, note: str | None = None
    ) -> UUID:
        """Link two records; the same link is made once.

        Raises:
            NotFoundError: One of them does not exist.
        """
        params = {
            "from_id": await self.find(from_reference),
            "to_id": await self.find(to_reference),
            "kind": kind,
            "note": note,
        }
        return (await self.transaction.fetch_dicts(_LINK, params))[0]["id"]

    async def written(self, record_id: UUID, *warnings: str) -> Written:
        """Return a record as it is after the writes so far."""
        return written((await self.transaction.fetch_dicts(_WRITTEN, {"record_id": record_id}))[0], *warnings)


class RecordWriter:
    """Adds, changes and links records, each in a transaction of its own."""

    def __init__(self, database: "Database") -> None:
        self._database = database

    @asynccontextmanager
    async def open(self, principal: Principal, *, because: str) -> AsyncGenerator[Writing]:
        """Open a transaction for writes that belong together.

        Raises:
            InvalidInputError: The reason is too short to mean anything.
        """
        check_reason(because)
        async with self._database.transaction(principal, because=because) as transaction:
            yield Writing(transaction)

    async def add(
        self,
        principal: Principal,
        category: str,
        fields: Mapping[str, Any],
        because: str,
        *,
        idempotency_key: str | None = None,
    ) -> Written:
        """Add a record; see `Writing.add`."""
        async with self.open(principal, because=because) as writing:
            return await writing.add(category, fields, idempotency_key=idempotency_key)

    async def change(
        self,
        principal: Principal,
        reference: UUID | str,
        expected_version: int | None,
        fields: Mapping[str, Any],
        because: str,
    ) -> Written:
        """Change fields of a record; see `Writing.change`."""
        async with self.open(principal, because=because) as writing:
            return await writing.change(reference, expected_version, fields)

    async def add_parts(
        self,
        principal: Principal,
        reference: UUID | str,
        part: str,
        rows: Iterable[Mapping[str, Any]],
        because: str,
    ) -> Written:
        """Add parts of one kind to a record; see `Writing.add_part`."""
        async with self.open(principal, because=because) as writing:
            record_id = await writing.find(reference)
            for fields in rows:
                await writing.add_part(record_id, part, fields)
            return await writing.written(record_id)

    async def link(
        self,
        principal: Principal,
        from_reference: UUID | str,
        to_reference: UUID | str,
        kind: str,
        because: str,
        *,
        note: str | None = None,
    ) -> Written:
        """Link two records and return the one it starts at; see `Writing.link`."""
        async with self.open(principal, because=because) as writing:
            from_id = await writing.find(from_reference)
            await writing.link(from_id, to_reference, kind, note)
            return await writing.written(from_id)


def check_reason(reason: str) -> None:
    """Refuse a reason that says nothing, before anything else is looked at.

    Raises:
        InvalidInputError: It has fewer than ten characters.
    """
    if len(reason.strip()) < SHORTEST_REASON:
        raise InvalidInputError(
            f"A change of quality records needs a reason of at least {SHORTEST_REASON} characters.",
            hint="Say why in `reason`; it stands in the audit trail for good.",
        )


def _key(idempotency_key: str) -> str:
    return f"key:{idempotency_key.strip()}"


def _json(fields: Mapping[str, Any]) -> str:
    return json.dumps(fields, default=str).replace("\\u0000", "\\ufffd")
