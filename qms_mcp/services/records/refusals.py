"""Refused attempts stand in the trail too: what somebody may not do is as telling as what they did."""

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID

from qms_mcp.auth.principal import Principal
from qms_mcp.db.queries import query
from qms_mcp.errors import ConflictError, NotAllowedError, QmsError
from qms_mcp.services.records.references import find_record

if TYPE_CHECKING:
    from qms_mcp.db.database import Database

_NOTE = query("records.note_refusal")


@asynccontextmanager
async def noting_refusals(
    database: "Database", principal: Principal, reference: UUID | str, tried: Mapping[str, Any]
) -> AsyncGenerator[None]:
    """Note in the trail when what is done inside is refused; the refusal goes on to the caller.

    The transaction of the attempt is gone by then, so the note is one of its own.
    """
    try:
        yield
    except (NotAllowedError, ConflictError) as refused:
        details = {**tried, "why": refused.message}
        try:
            async with database.transaction(principal, because="a refused attempt is noted") as transaction:
                record_id = await find_record(transaction, reference)
                await transaction.execute(_NOTE, {"record_id": record_id, "details": json.dumps(details, default=str)})
        except QmsError as failed:
            refused.add_note(f"the refusal could not be noted: {failed.message}")
        raise
