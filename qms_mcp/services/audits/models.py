"""What is said of an audit or a finding, and what a plan answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from qms_mcp.services.records.models import Written


@dataclass(frozen=True, slots=True)
class NewAudit:
    """An audit to be planned.

    Attributes:
        framework: As people name it, for example `ISO 13485:2016`.
        fields: Columns, by name.
        clauses: Numbers; what stands under them goes along. All when none is named.
        sample_of_each: How many records of each type are drawn.
    """

    title: str
    framework: str
    fields: Mapping[str, Any]
    clauses: Sequence[str] = ()
    sample_of_each: int = 3


@dataclass(frozen=True, slots=True)
class NewFinding:
    """What an audit found.

    Attributes:
        fields: Columns, by name.
        about: Numbers of the records it was seen in.
    """

    audit: str
    title: str
    fields: Mapping[str, Any]
    about: Sequence[str] = ()


class AuditPlanned(Written):
    """A planned audit.

    Attributes:
        clauses: How many are on the checklist.
        sample: The records drawn (the first ones; all stand in the checklist of the record).
        open_items: What is open from before.
    """

    framework: str
    clauses: int
    sample: list[str] = Field(default_factory=list[str])
    open_items: list[str] = Field(default_factory=list[str])


@dataclass(frozen=True, slots=True)
class CitedRecord:
    """A record as a list names it."""

    number: str
    version: int
    category: str
    title: str
    state: str

    def in_words(self) -> str:
        """Return it with its citation, state and title."""
        return f"{self.number} v{self.version} ({self.state}): {self.title}"


@dataclass(frozen=True, slots=True)
class ChecklistClause:
    """A clause on a checklist."""

    number: str
    title: str
