"""One record with everything about it: fields, parts, links, signatures, and what may come next.

Ids of people are shown as names and ids of records as numbers. A concise answer cuts long texts and shows the first
entries of each kind of part; a full one shows them all.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from uuid import UUID

from qms_mcp.auth.principal import Principal
from qms_mcp.db.queries import query
from qms_mcp.db.transaction import Transaction
from qms_mcp.errors import NotFoundError
from qms_mcp.services.records.models import (
    Clock,
    LinkedRecord,
    NextStep,
    Parts,
    RecordView,
    Signature,
    WaitingDecision,
    cited,
)
from qms_mcp.services.records.people import PERSON_FIELDS
from qms_mcp.services.records.references import RECORDS, find_record

if TYPE_CHECKING:
    from qms_mcp.db.database import Database

_RECORD = query("records.record")
_NEIGHBOURS = query("records.neighbours")
_NEXT_STEPS = query("records.next_steps")
_WAITING = query("records.waiting_for_decision")
_SIGNATURES = query("signing.statuses")
_NAMES = query("records.names")

_BASE = (
    "description", "priority", "risk_class", "owner_id", "assigned_to", "occurred_at", "tags", "metadata", "source",
    "external_id", "legal_hold", "created_at", "adopted_by", "adopted_at",
)  # fmt: skip
_NAMING_PEOPLE = PERSON_FIELDS | {
    "created_by", "accepted_by", "decided_by", "verdict_by", "reportability_decided_by", "adopted_by", "editors",
}  # fmt: skip
_LONGEST_TEXT = 600
_FIRST_ENTRIES, _ALL_ENTRIES = 5, 200
_MOST_LINKS = 50


class RecordReader:
    """Reads records whole."""

    def __init__(self, database: "Database") -> None:
        self._database = database

    async def get(self, principal: Principal, reference: UUID | str, *, full: bool = False) -> RecordView:
        """Return a record named by id or number.

        Raises:
            NotFoundError: There is none in the organization.
        """
        async with self._database.transaction(principal, read_only=True) as transaction:
            record_id = await find_record(transaction, reference)
            return await self.read(transaction, record_id, full=full)

    async def read(self, transaction: Transaction, record_id: UUID, *, full: bool = False) -> RecordView:
        """Return a record, in an open transaction.

        Raises:
            NotFoundError: There is none in the organization.
        """
        params = {
            "record_id": record_id,
            "at_most": _ALL_ENTRIES if full else _FIRST_ENTRIES,
            "max_rows": _MOST_LINKS,
        }
        rows = await transaction.fetch_dicts(_RECORD, params)
        if not rows:
            raise NotFoundError("There is no such record.", hint="list_records finds it by words or type.")
        parts = rows[0]["parts"]
        linked = await transaction.fetch_dicts(_NEIGHBOURS, params)
        steps = await transaction.fetch_dicts(_NEXT_STEPS, params)
        signatures = await transaction.fetch_dicts(_SIGNATURES, params)
        waiting = await transaction.fetch_dicts(_WAITING, params)
        row = rows[0]
        fields = {**{name: row[name] for name in _BASE if not _is_empty(row[name])}, **row["details"]}
        names = await self._names(transaction, [fields, parts, {"drafted_by": row["drafted_by"]}])
        labels = {**names, **{str(other["id"]): other["number"] for other in linked}}
        return RecordView(
            citation=cited(row),
            id=row["id"],
            type=row["category"],
            state=row["state"],
            version=row["version"],
            title=row["title"],
            drafted=_drafted(row, names),
            clock=_clock(row),
            fields=_readable(fields, labels, full=full),
            parts={
                kind: Parts(count=held["count"], entries=_readable(held["entries"], labels, full=full))
                for kind, held in parts.items()
            },
            links=[_link(other) for other in linked],
            signatures=[Signature.model_validate(one, extra="ignore") for one in signatures],
            next_steps=[_step(one) for one in steps],
            waiting=[
                WaitingDecision.model_validate({**one, "for_version": one["record_version"]}, extra="ignore")
                for one in waiting
            ],
        )

    @staticmethod
    async def _names(transaction: Transaction, held: list[Any]) -> dict[str, str]:
        ids = sorted(set(_people_in(held)))
        rows = await transaction.fetch_dicts(_NAMES, {"ids": ids}) if ids else []
        return {str(row["user_id"]): row["printed_name"] for row in rows}


def _is_empty(value: Any) -> bool:
    return value in (None, "", [], {}, 0, False)


def _people_in(held: Any) -> Iterator[str]:
    """Yield the ids of the people that are named somewhere in nested objects."""
    if isinstance(held, dict):
        for name, value in held.items():  # pyright: ignore[reportUnknownVariableType] - JSON
            if name in _NAMING_PEOPLE or name == "drafted_by":
                yield from (str(one) for one in (value if isinstance(value, list) else [value]) if one)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
            else:
                yield from _people_in(value)
    elif isinstance(held, list):
        for one in held:  # pyright: ignore[reportUnknownVariableType]
            yield from _people_in(one)


def _readable(held: Any, labels: dict[str, str], *, full: bool, name: str = "") -> Any:
    """Return nested objects with names for ids and, unless all is wanted, long texts cut."""
    if isinstance(held, dict):
        return {key: _readable(value, labels, full=full, name=key) for key, value in held.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(held, list):
        return [_readable(one, labels, full=full, name=name) for one in held]  # pyright: ignore[reportUnknownVariableType]
    if name in _NAMING_PEOPLE or name in RECORDS:
        return labels.get(str(held), held)
    if isinstance(held, str) and not full and len(held) > _LONGEST_TEXT:
        return f"{held[:_LONGEST_TEXT]} … ({len(held) - _LONGEST_TEXT} characters more with detail=full)"
    return held


def _drafted(row: dict[str, Any], names: dict[str, str]) -> str:
    """Return the mark of what a model wrote and nobody has made their own."""
    if row["drafted_by_kind"] != "agent" or row["adopted_by"] is not None:
        return ""
    return f"AI-drafted for {names.get(str(row['drafted_by']), 'somebody')}; no person has adopted it yet"


def _clock(row: dict[str, Any]) -> Clock:
    return Clock(
        due=row["due_date"],
        overdue_days=row["overdue_days"],
        escalation_level=row["escalation_level"] or None,
        in_state_since=row["state_since"],
        closed_at=row["closed_at"],
    )


def _link(row: dict[str, Any]) -> LinkedRecord:
    kind = row["kind"] if row["outgoing"] else f"is {row['kind']} of"
    return LinkedRecord(kind=kind, citation=cited(row), title=row["title"], state=row["state"])


def _step(row: dict[str, Any]) -> NextStep:
    return NextStep(
        to_state=row["to_state"],
        name=row["name"],
        by="person" if row["person"] else "anyone",
        meaning=row["meaning"],
        roles=row["roles"],
        blocked=row["blocked"],
        not_you=row["not_you"],
    )
