"""Training: who lacks it on the document version that counts.

Somebody needs training on a document who was ever assigned to it: on this version, or on a former one. A new version
makes everybody who was trained before a gap until somebody assigns and completes the training anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, WithJsonSchema

from qms_mcp.auth.principal import Principal
from qms_mcp.db.queries import query
from qms_mcp.db.transaction import Transaction
from qms_mcp.errors import InvalidInputError
from qms_mcp.services.answer import Answer
from qms_mcp.services.records.models import Written
from qms_mcp.services.records.people import find_person
from qms_mcp.services.records.references import find_record
from qms_mcp.services.records.writing import RecordWriter

if TYPE_CHECKING:
    from qms_mcp.db.database import Database

By = Literal["gap", "person", "document", "role"]

_STANDING = query("trainings.standing")
_WITHOUT = query("trainings.without_people")
_MOST_WITHOUT = 20
_LONGEST_CURSOR = 7


@dataclass(frozen=True, slots=True)
class TrainingQuestion:
    """Whose training, on what, and how it is counted."""

    by: By = "gap"
    document: str | None = None
    person: str | None = None
    role: str | None = None
    limit: int = 20
    cursor: str | None = None


class TrainingRow(Answer):
    """A gap, or the count of a person, a document or a role.

    Attributes:
        standing: Of a gap: open, overdue, expired, or not_assigned (trained on a former revision only).
        document: The citation of the version that counts.
        assignment: The citation of the training record.
        trained_on: The former revision.
    """

    person: str = ""
    document: str = ""
    about: str = ""
    standing: str = ""
    assignment: str | None = None
    trained_on: int | None = None
    due_on: date | None = None
    done: int | None = None
    lacking: int | None = None
    overdue: int | None = None


_ROWS = {"type": "array", "items": {"type": "object"}, "description": "person, document, standing, due_on or counts"}


class TrainingStatus(Answer):
    """Who lacks training.

    Attributes:
        total: Of the rows, on all pages.
        nobody_assigned: Effective documents that need training to which nobody was ever assigned.
    """

    total: int
    rows: Annotated[list[TrainingRow], WithJsonSchema(_ROWS)]
    nobody_assigned: list[str] = Field(default_factory=list[str])
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class _Standing:
    person: str
    document: str
    about: str
    standing: str
    assignment: str | None
    trained_on: int | None
    due_on: date | None
    done: int
    lacking: int
    overdue: int
    total: int


class Trainings:
    """Assigns training and says who lacks it."""

    def __init__(self, database: "Database") -> None:
        self._database = database
        self._writer = RecordWriter(database)

    async def status(self, principal: Principal, asked: TrainingQuestion) -> TrainingStatus:
        """Return who lacks training on effective versions, or the counts by person, document or role.

        Raises:
            NotFoundError: There is no such document or person.
            InvalidInputError: The cursor is not one of ours.
        """
        skip = place_of(asked.cursor)
        async with self._database.transaction(principal, read_only=True) as transaction:
            params = {
                "by": asked.by,
                "document_id": await find_record(transaction, asked.document) if asked.document else None,
                "person": await find_person(transaction, asked.person) if asked.person else None,
                "role": asked.role,
                "max_rows": asked.limit,
                "skip": skip,
            }
            found = await transaction.fetch_all(_STANDING, params, row=_Standing)
            without = [] if asked.person or asked.role else await _without_people(transaction)
        total = found[0].total if found else 0
        return TrainingStatus(
            total=total,
            rows=[_row(standing, asked.by) for standing in found],
            nobody_assigned=without,
            next_cursor=str(skip + len(found)) if skip + len(found) < total else None,
        )

    async def assign(
        self,
        principal: Principal,
        document: str,
        people: Sequence[str],
        because: str,
        *,
        due_on: date | None = None,
        about: str = "",
    ) -> list[Written]:
        """Assign people to the training on a document version; those who are assigned already are left alone.

        `about` is what the training is called by, when that is not how the document was named.

        Raises:
            NotFoundError: There is no such document or person.
        """
        async with self._writer.open(principal, because=because) as writing:
            document_id = await writing.find(document)
            made: list[Written] = []
            for reference in people:
                trainee = await find_person(writing.transaction, reference, field="trainee_id")
                fields: dict[str, Any] = {
                    "title": f"Training on {about or document}",
                    "document_id": document_id,
                    "trainee_id": trainee,
                    **({"due_date": due_on} if due_on else {}),
                }
                key = f"training {document_id} {trainee}"
                assigned = await writing.add("training", fields, idempotency_key=key)
                await writing.link(assigned.id, document_id, "trains_on")
                made.append(assigned)
            return made


def place_of(cursor: str | None) -> int:
    """Return where a page begins.

    Raises:
        InvalidInputError: The cursor is not one of ours.
    """
    if cursor is None:
        return 0
    if not cursor.isdecimal() or len(cursor) > _LONGEST_CURSOR:
        raise InvalidInputError("This cursor is not one of ours.", hint="Pass next_cursor of the page before.")
    return int(cursor)


async def _without_people(transaction: Transaction) -> list[str]:
    rows = await transaction.fetch_dicts(_WITHOUT, {"max_rows": _MOST_WITHOUT})
    return [f"{row['document']}: {row['title']}" for row in rows]


def _row(standing: _Standing, by: By) -> TrainingRow:
    if by == "gap":
        return TrainingRow(
            person=standing.person,
            document=standing.document,
            about=standing.about,
            standing=standing.standing,
            assignment=standing.assignment,
            trained_on=standing.trained_on,
            due_on=standing.due_on,
        )
    return TrainingRow(
        person="" if by == "document" else standing.person,
        document=standing.document if by == "document" else "",
        about=standing.about if by == "document" else "",
        done=standing.done,
        lacking=standing.lacking,
        overdue=standing.overdue,
    )
