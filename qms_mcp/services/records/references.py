"""Values that name something: a person or another record, by what people call it.

A caller may give the id, or for a person `me`, the e-mail address or the printed name, and for a record its number.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from qms_mcp.db.queries import query
from qms_mcp.db.transaction import Transaction
from qms_mcp.errors import NotFoundError
from qms_mcp.services.records.people import PERSON_FIELDS, find_person

RECORDS = frozenset({"supplier_id", "audit_id", "document_id", "target_id", "replaced_by"})

_FIND = query("records.find")


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


async def with_ids(transaction: Transaction, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields with ids in place of names.

    Raises:
        InvalidInputError: Several people are called so.
        NotFoundError: A person or a record is not known.
    """
    resolved = dict(fields)
    for name, value in fields.items():
        if not isinstance(value, str) or not value.strip():
            continue
        if name in PERSON_FIELDS:
            resolved[name] = await find_person(transaction, value, field=name)
        elif name in RECORDS:
            resolved[name] = await find_record(transaction, value)
    return resolved
