"""Which entries are wanted: in the words of the caller, and as parameters of a query."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from qms_mcp.db.queries import query
from qms_mcp.errors import InvalidInputError, NotFoundError

if TYPE_CHECKING:
    from qms_mcp.db.transaction import Transaction

_SCOPE = query("trail.scope")
_BEHIND_ALL = 10**18


@dataclass(frozen=True, slots=True)
class TrailFilter:
    """Which entries are wanted.

    Attributes:
        record: Number or id; its parts, links, decisions and signatures come along.
        person: Printed name, e-mail address, id, or `me`.
        action: `insert`, `update`, `requested`, `approved`, `export`, `signed_in`, ...
        since: From this time on; without a zone it is the organization's.
        until: To before this time.
    """

    record: str | None = None
    person: str | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """The same as parameters of a query."""

    record_id: UUID | None = None
    person_id: UUID | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    lowest: int | None = None
    highest: int | None = None

    def parameters(self, **more: Any) -> dict[str, Any]:
        """Return the parameters of a query, and some more."""
        own = {name: getattr(self, name) for name in Scope.__slots__}
        return {**own, **more}

    @property
    def everything(self) -> bool:
        """Say whether nothing is left out."""
        return self == Scope()


async def find_scope(transaction: "Transaction", wanted: TrailFilter) -> Scope:
    """Return what the words of a filter mean.

    Raises:
        InvalidInputError: Nobody is called that, or the period ends before it begins.
        NotFoundError: There is no such record.
    """
    if wanted == TrailFilter():
        return Scope()
    since, until = wanted.since, wanted.until
    params = {
        "record": wanted.record,
        "person": wanted.person,
        "since": since if since and since.tzinfo else None,
        "since_local": since if since and not since.tzinfo else None,
        "until": until if until and until.tzinfo else None,
        "until_local": until if until and not until.tzinfo else None,
    }
    row = (await transaction.fetch_dicts(_SCOPE, params))[0]
    if wanted.record and row["record_id"] is None:
        raise NotFoundError(
            f"There is no record {wanted.record[:60]!r}.", hint="list_records finds it by words or type."
        )
    if wanted.person and len(row["people"]) != 1:
        raise InvalidInputError(
            f"{'Several people' if row['people'] else 'Nobody'} of this organization: {wanted.person[:60]!r}.",
            hint="Give `me`, an e-mail address, an exact printed name, or the id of the person.",
        )
    if row["since"] and row["until"] and row["since"] >= row["until"]:
        raise InvalidInputError("The period ends before it begins.", hint="`since` has to be before `until`.")
    return Scope(
        record_id=row["record_id"] if wanted.record else None,
        person_id=row["people"][0] if wanted.person else None,
        action=wanted.action,
        since=row["since"],
        until=row["until"],
        # Before the first or behind the last entry there is none.
        lowest=row["lowest"] or (_beyond(since)),
        highest=row["highest"] if row["highest"] is not None else (0 if until else None),
    )


def _beyond(since: datetime | None) -> int | None:
    return _BEHIND_ALL if since else None
