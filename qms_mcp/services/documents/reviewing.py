"""Periodic review and read-and-understood training of document versions.

When a version becomes effective, the database sets the day of its next review and makes it the due date of the record,
so that it stands in `my_work` of its owner; confirming the review, signed, sets the next one. Training on a version is
assigned while it is approved: it becomes effective once everybody who is assigned has read and understood it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from qms_mcp.auth.principal import Principal
from qms_mcp.db.queries import query
from qms_mcp.db.transaction import Transaction
from qms_mcp.errors import ConflictError, InvalidInputError
from qms_mcp.services.documents.control_models import AssignedTraining, ReviewDue, ReviewsDue
from qms_mcp.services.documents.versions import DocumentVersion, find_version
from qms_mcp.services.records.people import find_person
from qms_mcp.services.trainings import Trainings, place_of

if TYPE_CHECKING:
    from qms_mcp.db.database import Database

_REVIEWS_DUE = query("document_control.reviews_due")
_TRAINED_BEFORE = query("document_control.trained_before")
_WITH_ROLES = query("document_control.people_with_roles")
_ASSIGNED = query("document_control.assigned_already")
_ENDED = frozenset({"superseded", "obsolete", "cancelled"})


@dataclass(frozen=True, slots=True)
class _Review:
    id: UUID
    document_number: str | None
    revision: int | None
    number: str
    version: int
    title: str
    owner_id: UUID | None
    owner: str | None
    next_review_on: date
    review_every_months: int | None
    today: date
    reviewed_at: datetime | None
    total: int


class Reviewing:
    """Finds reviews that are due, and assigns training."""

    def __init__(self, database: "Database") -> None:
        self._database = database
        self._trainings = Trainings(database)

    async def reviews_due(
        self,
        principal: Principal,
        within_days: int = 30,
        *,
        person: str | None = None,
        limit: int = 25,
        cursor: str | None = None,
    ) -> ReviewsDue:
        """Return effective versions whose periodic review is late or comes within so many days.

        Raises:
            InvalidInputError: The cursor is not one of ours.
            NotFoundError: There is no such person.
        """
        skip = place_of(cursor)
        async with self._database.transaction(principal, read_only=True) as transaction:
            owner = await find_person(transaction, person) if person else None
            params = {"within_days": within_days, "person": owner, "max_rows": limit, "skip": skip}
            found = await transaction.fetch_all(_REVIEWS_DUE, params, row=_Review)
        total = found[0].total if found else 0
        end = skip + len(found)
        return ReviewsDue(
            total=total, reviews=[_due(one) for one in found], next_cursor=str(end) if end < total else None
        )

    async def assign_training(
        self,
        principal: Principal,
        document: str,
        reason: str,
        *,
        people: Sequence[str] = (),
        roles: Sequence[str] = (),
        due_on: date | None = None,
        former_readers: bool = True,
        revision: int | None = None,
    ) -> AssignedTraining:
        """Assign read-and-understood training on a version, once a person.

        Args:
            principal: Who asks.
            document: Its number, with or without a version: `SOP-014 v4`.
            reason: Stands in the trail.
            people: By name, e-mail address or id.
            roles: Everybody who has one of them.
            due_on: Until when; left out, the workflow says.
            former_readers: Also everybody who was trained, or was to be, on a former version.
            revision: The version; left out, the newest one that can still be trained on.

        Raises:
            ConflictError: The version does not count any more.
            InvalidInputError: There is nobody to assign, or the reason is too short.
            NotFoundError: There is no such document or person.
        """
        async with self._database.transaction(principal, read_only=True) as transaction:
            version = await _trainable(transaction, document, revision)
            named = {await find_person(transaction, one, field="people") for one in people}
            named |= await _people(transaction, _WITH_ROLES, roles=list(roles))
            former = await _people(transaction, _TRAINED_BEFORE, document_id=version.id)
            assigned = await _people(transaction, _ASSIGNED, document_id=version.id)
        former = former if former_readers else set[UUID]()
        wanted = named | former
        if not wanted:
            raise InvalidInputError(
                f"There is nobody to train on {version.label}: nobody was named or trained on a former version.",
                hint="Name people or roles.",
            )
        new = sorted(wanted - assigned, key=str)
        made = await self._trainings.assign(
            principal, str(version.id), [str(one) for one in new], reason, due_on=due_on, about=version.label
        )
        return AssignedTraining(
            document=version.label,
            assigned=[one.citation for one in made],
            already=len(wanted & assigned),
            carried_over=len(former - named - assigned),
            warnings=[] if made else ["Everybody was assigned before: nothing was written now."],
        )


async def _trainable(transaction: Transaction, document: str, revision: int | None) -> DocumentVersion:
    version = await find_version(transaction, document, revision, newest=True)
    if version.status in _ENDED:
        raise ConflictError(
            f"{version.label} is {version.status}.", hint="Name the version people are to be trained on."
        )
    return version


async def _people(transaction: Transaction, wanted: Any, **params: Any) -> set[UUID]:
    return {row["trainee_id"] for row in await transaction.fetch_dicts(wanted, params)}


def _due(one: _Review) -> ReviewDue:
    return ReviewDue(
        document=f"{one.document_number} v{one.revision}" if one.document_number else one.number,
        title=one.title,
        owner=one.owner or "",
        due_on=one.next_review_on,
        days=(one.next_review_on - one.today).days,
        reviewed_at=one.reviewed_at,
        record=f"{one.number} v{one.version}",
        id=one.id,
    )
