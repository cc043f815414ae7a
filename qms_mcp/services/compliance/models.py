"""What the compliance tools answer, and the rows they are made of."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from qms_mcp.services.answer import Answer

Verdict = Literal["found", "stale", "missing", "not applicable"]
NOTE = "Evidence found, stale or missing; whether a requirement is met is for people to judge."


class ClauseCoverage(Answer):
    """A clause and the evidence there is for it.

    Attributes:
        cited: What was found, the newest first.
        gap: Why it is stale or missing, or what is undecided.
        looked_for: What counts by itself or has to be linked.
    """

    clause: str
    evidence: Verdict
    cited: list[str] = Field(default=[])
    gap: str = ""
    looked_for: list[str] = Field(default=[])


class Coverage(Answer):
    """Clauses with their evidence; the counts are of all that fit, not of this page."""

    about: str
    total: int
    found: int
    stale: int
    missing: int
    not_applicable: int = 0
    clauses: list[ClauseCoverage]
    next_cursor: str | None = None
    note: str = NOTE


class Linked(Answer):
    """What became of a link or of a proposal.

    Attributes:
        id: Of the link, or of the row of the matrix.
        state: linked, withdrawn, proposed (not adopted yet), not applicable or applicable.
        version: Of the record, when a record was linked.
        audit_seq: The last entry of the audit trail.
        approval_id: What a person has to decide before the clause counts as not applicable.
    """

    id: UUID
    clause: str
    state: str
    evidence: str = ""
    version: int | None = None
    audit_seq: int
    approval_id: UUID | None = None
    how_to_approve: str = ""


@dataclass(frozen=True, slots=True)
class Framework:
    """A version of a framework."""

    id: UUID
    key: str
    version: str
    name: str
    title: str
    publisher: str
    note: str | None
    in_force_from: date
    in_force_until: date | None
    replaced_by: str | None
    clauses: int


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause of a framework."""

    id: UUID
    framework_id: UUID
    number: str
    title: str
    kind: str


@dataclass(frozen=True, slots=True)
class ListedClause:
    """A clause in the list of its framework, with where it lives on."""

    number: str
    title: str
    kind: str
    see: str | None


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """A clause with what the organization decided about it.

    Attributes:
        review_days: How old evidence may be.
        today: In the time zone of the organization.
        lives_on: Where a clause that was replaced is to be found now.
    """

    id: UUID
    number: str
    title: str
    applicability: str | None
    justification: str | None
    proposed_kind: str | None
    adopted_at: datetime | None
    next_review: date | None
    review_days: int
    today: date
    lives_on: str | None
    looked_for: list[str] | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """One piece of evidence for a clause.

    Attributes:
        note: What was said at linking, or the state that makes the record count.
        total: How many there are of its kind; 101 means more than 100.
    """

    clause_id: UUID
    source: str
    citation: str
    dated: date | None
    valid_until: date | None
    note: str | None
    record_id: UUID | None
    max_age_days: int | None
    total: int


@dataclass(frozen=True, slots=True)
class CitedRecord:
    """A record, as far as it is cited."""

    id: UUID
    number: str
    version: int
    category: str
    status: str
    title: str


@dataclass(frozen=True, slots=True)
class ClauseOfRecord:
    """A clause a record speaks for, by its type or because somebody linked it."""

    id: UUID
    framework: str
    number: str
    title: str
    wanted: list[str] | None
    looked_for: str | None
    max_age_days: int | None
    linked_until: date | None
    linked: bool
    citation: str
    status: str
    dated: date | None
    valid_until: date | None
    review_days: int
    today: date


@dataclass(frozen=True, slots=True)
class RecordType:
    """A type of quality records."""

    category: str
    prefix: str
    label: str
    table_name: str
