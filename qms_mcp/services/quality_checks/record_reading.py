"""What is known of a record when its rules are checked: its row, its parts, its links, its people, and the day."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from qms_mcp.db.queries import query
from qms_mcp.errors import NotFoundError
from qms_mcp.services.quality_checks.models import Facts
from qms_mcp.services.records.models import cited

if TYPE_CHECKING:
    from qms_mcp.db.transaction import Transaction

_RECORD = query("records.record")
_NEXT_STEPS = query("records.next_steps")
_MISSING = query("records.missing_links")
_SIGNATURES = query("signing.statuses")
_LINKED = query("quality_checks.linked")
_PEOPLE = query("quality_checks.people")
_NOW = query("quality_checks.now")
_MOST_PARTS, _MOST_LINKS = 500, 200
_PERSON_FIELDS = ("owner_id", "assigned_to", "author_id", "trainee_id", "trainer_id")


@dataclass(frozen=True, slots=True)
class RecordFacts:
    """A record as the rules see it.

    Attributes:
        row: Its base.
        fields: Base and own fields together, as JSON has them; empty ones are not there.
        parts: By kind, all entries up to a few hundred.
        people: Name and whether they are active members, by id.
        today: Where the organization is.
    """

    row: Facts
    fields: Facts
    parts: dict[str, list[Facts]]
    linked: list[Facts]
    missing: list[str]
    steps: list[Facts]
    signatures: list[Facts]
    people: dict[str, Facts]
    now: datetime
    today: date
    cut: list[str] = field(default_factory=list[str])

    @property
    def id(self) -> UUID:
        """Return its id."""
        return self.row["id"]

    @property
    def category(self) -> str:
        """Return its type."""
        return self.row["category"]

    @property
    def state(self) -> str:
        """Return its state."""
        return self.row["state"] or ""

    @property
    def is_open(self) -> bool:
        """Return whether it is not closed."""
        return self.row["closed_at"] is None

    @property
    def citation(self) -> str:
        """Return how it is cited as it is now."""
        return cited(self.row)

    def text(self, name: str) -> str:
        """Return a field as text, without spaces around it; empty when it is not there."""
        value = self.fields.get(name)
        return "" if value is None else str(value).strip()

    def day(self, name: str) -> date | None:
        """Return a field as a day."""
        return as_day(self.fields.get(name))

    def linked_to(self, category: str) -> list[Facts]:
        """Return the records of a type it is linked with, those that were cancelled left out."""
        return [one for one in self.linked if one["category"] == category and one["state"] != "cancelled"]


def as_day(value: Any) -> date | None:
    """Return a value of a date or time field as a day (UTC)."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).date()
    if isinstance(value, date):
        return value
    if isinstance(value, str) and value:
        try:
            return datetime.fromisoformat(value).date()
        except ValueError:
            return None
    return None


async def read_record(transaction: "Transaction", record_id: UUID) -> RecordFacts:
    """Return what is known of a record.

    Raises:
        NotFoundError: There is none in the organization.
    """
    params = {"record_id": record_id, "at_most": _MOST_PARTS, "max_rows": _MOST_LINKS}
    rows = await transaction.fetch_dicts(_RECORD, params)
    if not rows:
        raise NotFoundError("There is no such record.", hint="list_records finds it by words or type.")
    row = rows[0]
    held = row["parts"]
    fields = {name: value for name, value in {**row, **row["details"]}.items() if value not in (None, "", [], {})}
    parts: dict[str, list[Facts]] = {kind: one["entries"] for kind, one in held.items()}
    linked = await transaction.fetch_dicts(_LINKED, params)
    missing = await transaction.fetch_dicts(_MISSING, {"ids": [record_id]})
    now = (await transaction.fetch_dicts(_NOW))[0]
    cut = [f"only the first {_MOST_PARTS} of {one['count']} {kind}" for kind, one in held.items()
           if one["count"] > _MOST_PARTS]  # fmt: skip
    if len(linked) >= _MOST_LINKS:
        cut.append(f"only the first {_MOST_LINKS} links of a kind")
    return RecordFacts(
        row=row,
        fields=fields,
        parts=parts,
        linked=linked,
        missing=[one["missing"] for one in missing],
        steps=await transaction.fetch_dicts(_NEXT_STEPS, params),
        signatures=await transaction.fetch_dicts(_SIGNATURES, params),
        people=await _people(transaction, fields, parts),
        now=now["at"],
        today=now["today"],
        cut=cut,
    )


async def _people(transaction: "Transaction", fields: Facts, parts: dict[str, list[Facts]]) -> dict[str, Facts]:
    named = [fields.get(name) for name in _PERSON_FIELDS]
    named += [action.get("owner_id") for action in parts.get("capa_actions", [])]
    ids = sorted({str(one) for one in named if one})
    rows = await transaction.fetch_dicts(_PEOPLE, {"ids": ids}) if ids else []
    return {str(row["user_id"]): row for row in rows}
