"""Whether what agents name as evidence is there: calls in the ledger, records and documents of the organization."""

import re
from collections.abc import Collection
from uuid import UUID

from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.queries import query

_CALLS, _RECORDS = query("dispatch.existing_calls"), query("dispatch.existing_records")
_DOCUMENTS = query("dispatch.existing_documents")
_NUMBER = re.compile(r"[A-Z][A-Z0-9]*(?:-[A-Z0-9]+)+")


def number_in(citation: str) -> str:
    """Return the number a citation begins with: `SOP-014` for `SOP-014 v3 §5.2`; the citation if there is none."""
    found = _NUMBER.match(citation.strip().upper())
    return found[0] if found else citation.strip()


async def verified(
    database: Database, principal: Principal, calls: Collection[str], citations: Collection[str]
) -> dict[str, bool]:
    """Return for each claimed call id and each cited record whether the caller's organization has it.

    Row-level security answers: what belongs to somebody else is not there.
    """
    numbers = {citation: number_in(citation) for citation in citations}
    async with database.transaction(principal, read_only=True) as transaction:
        found_calls = await transaction.fetch_dicts(_CALLS, {"ids": [UUID(call) for call in calls]})
        wanted = {"numbers": sorted(set(numbers.values()))}
        there = {row["number"] for row in await transaction.fetch_dicts(_RECORDS, wanted)}
        there |= {row["number"] for row in await transaction.fetch_dicts(_DOCUMENTS, wanted)}
    known = {str(row["id"]) for row in found_calls}
    return {
        **{call: call in known for call in calls},
        **{citation: number in there for citation, number in numbers.items()},
    }
