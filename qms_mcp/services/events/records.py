"""The record a tool is about, seen in the open transaction and of the type the tool is for."""

from dataclasses import dataclass
from uuid import UUID

from qms_mcp.db.queries import query
from qms_mcp.errors import InvalidInputError
from qms_mcp.services.records.writing import Writing

_RECORD = query("events.record")


@dataclass(frozen=True, slots=True)
class RecordSeen:
    """A record as it is now."""

    id: UUID
    number: str
    version: int
    category: str
    state: str


async def record_of(writing: Writing, reference: str, *categories: str) -> RecordSeen:
    """Return a record of one of some types.

    Raises:
        NotFoundError: There is none with this id or number.
        InvalidInputError: It is of another type.
    """
    record_id = await writing.find(reference)
    seen = await writing.transaction.fetch_one(_RECORD, {"reference": str(record_id)}, row=RecordSeen)
    if seen is None or seen.category not in categories:
        raise InvalidInputError(
            f"{reference} is {_a(seen.category) if seen else 'no record'}, not {' or '.join(map(_a, categories))}.",
            hint="list_records lists records by type.",
        )
    return seen


def _a(category: str) -> str:
    words = category.replace("_", " ")
    return f"an {words}" if words[0] in "aeio" else f"a {words}"
