"""Values that name something: a person or another record, by what people call it.

A caller may give the id, or for a person `me`, the e-mail address or the printed name, and for a record its number.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from qms_mcp.db.queries import query
from qms_mcp.db.transaction import Transaction
from qms_mcp.errors import InvalidInputError, NotFoundError

PEOPLE = frozenset({
    "owner_id", "assigned_to", "author_id", "area_responsible", "lead_auditor", "trainee_id", "trainer_id", "signer_id",
})  # fmt: skip
RECORDS = frozenset({"supplier_id", "audit_id", "document_id", "target_id", "replaced_by"})

_FIND = query("records.find")
_COLLEAGUE = query("records.colleague")


async def find_record(transaction: Transaction, reference: UUID | str) -> UUID:
    """Return the id of a record named by its id or its number.

    Raises:
        NotFoundError: There is none in the organization.
    """
    found = (await transaction.fetch_dicts(_FIND, {"reference": str(reference).strip()}))[0]["id"]
    if found is None:
        raise NotFoundError(
            f"There is no record {str(reference).strip()[:60]!r}.", hint="list_records finds it by words or type."
        )
    return found


async def find_colleague(transaction: Transaction, reference: UUID | str) -> UUID:
    """Return the id of a person of the organization.

    Raises:
        InvalidInputError: Nobody (or more than one) is called that.
    """
    found = (await transaction.fetch_dicts(_COLLEAGUE, {"reference": str(reference).strip()}))[0]["id"]
    if found is None:
        raise InvalidInputError(
            f"Nobody of this organization is {str(reference).strip()[:60]!r}.",
            hint="Give `me`, an e-mail address, an exact printed name, or the id of the person.",
        )
    return found


async def with_ids(transaction: Transaction, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields with ids in place of names.

    Raises:
        InvalidInputError: A person is not known.
        NotFoundError: A record is not known.
    """
    resolved = dict(fields)
    for name, value in fields.items():
        if not isinstance(value, str) or not value.strip():
            continue
        if name in PEOPLE:
            resolved[name] = await find_colleague(transaction, value)
        elif name in RECORDS:
            resolved[name] = await find_record(transaction, value)
    return resolved
