"""Suppliers and equipment: what needs attention, and what an instrument out of tolerance may have touched.

An instrument is known to be good at a good calibration only. What was measured after the last one, until it was found
out of tolerance, has to be looked at by somebody; here stands the list.
"""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, WithJsonSchema

from qms_mcp.auth.principal import Principal
from qms_mcp.db.queries import query
from qms_mcp.db.transaction import Transaction
from qms_mcp.services.answer import Answer
from qms_mcp.services.records.references import find_record
from qms_mcp.services.trainings import place_of

if TYPE_CHECKING:
    from qms_mcp.db.database import Database

About = Literal["suppliers", "equipment"]

_LISTED = {"suppliers": query("suppliers.suppliers"), "equipment": query("suppliers.equipment")}
_OUT_OF_TOLERANCE = query("suppliers.out_of_tolerance")
_MEASURED_WITH = query("suppliers.measured_with")
_MOST_TOUCHED = 50


@dataclass(frozen=True, slots=True)
class StatusQuestion:
    """What is asked of the supplier list or the equipment.

    Attributes:
        record: One supplier or piece of equipment, by number or id.
        everything: Also what needs no attention.
    """

    about: About
    record: str | None = None
    everything: bool = False
    limit: int = 20
    cursor: str | None = None


_ROWS = {"type": "array", "items": {"type": "object"}, "description": "citation, state, due, overdue, ..."}


class Impact(Answer):
    """What an instrument out of tolerance may have touched.

    Attributes:
        since: The last day it was known to be good; none when it never was.
        touched: Records of that time that are linked to it or name it.
        total: How many these are.
    """

    found_on: date
    as_found: str | None = None
    since: date | None = None
    total: int
    touched: list[str] = Field(default_factory=list[str])


class SupplierEquipmentStatus(Answer):
    """A page of the supplier list or of the equipment.

    Attributes:
        impact: Of one instrument whose last calibration was out of tolerance.
    """

    total: int
    rows: Annotated[list[dict[str, Any]], WithJsonSchema(_ROWS)]
    impact: Annotated[
        Impact | None,
        WithJsonSchema({"type": "object", "description": "found_on, since, touched (citations), total"}),
    ] = None
    next_cursor: str | None = None


class Suppliers:
    """Reads the supplier list and the equipment."""

    def __init__(self, database: "Database") -> None:
        self._database = database

    async def status(self, principal: Principal, asked: StatusQuestion) -> SupplierEquipmentStatus:
        """Return what needs attention, and for one bad instrument what it may have touched.

        Raises:
            NotFoundError: There is no such record.
            InvalidInputError: The cursor is not one of ours.
        """
        skip = place_of(asked.cursor)
        async with self._database.transaction(principal, read_only=True) as transaction:
            record_id = await find_record(transaction, asked.record) if asked.record else None
            params = {
                "record_id": record_id,
                "only_attention": not (asked.everything or record_id),
                "max_rows": asked.limit,
                "skip": skip,
            }
            found = await transaction.fetch_dicts(_LISTED[asked.about], params)
            impact = await _impact(transaction, record_id) if asked.about == "equipment" and record_id else None
        total = found[0]["total"] if found else 0
        return SupplierEquipmentStatus(
            total=total,
            rows=[_row(row) for row in found],
            impact=impact,
            next_cursor=str(skip + len(found)) if skip + len(found) < total else None,
        )


def _row(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with its citation, without what says nothing."""
    told = {"citation": f"{row['number']} v{row['version']}", **row}
    return {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in told.items()
        if name not in {"number", "version", "total"} and value is not None
    }


async def _impact(transaction: Transaction, record_id: UUID) -> Impact | None:
    rows = await transaction.fetch_dicts(_OUT_OF_TOLERANCE, {"record_id": record_id})
    if not rows:
        return None
    span = rows[0]
    params = {
        "record_id": record_id,
        "since": span["good_on"],
        "until": span["found_on"],
        "max_rows": _MOST_TOUCHED,
    }
    touched = await transaction.fetch_dicts(_MEASURED_WITH, params)
    return Impact(
        found_on=span["found_on"],
        as_found=span["as_found"],
        since=span["good_on"],
        total=touched[0]["total"] if touched else 0,
        touched=[
            f"{row['number']} v{row['version']} ({row['state']}, {'linked' if row['is_linked'] else 'names it'}): "
            f"{row['title']}"
            for row in touched
        ],
    )
