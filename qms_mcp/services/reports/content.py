"""A report as it is said, before it has a form: sections with numbers, tables, charts, words, and what is missing."""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from qms_mcp.services.analysis.method import FlagAnswer

Cell: TypeAlias = str | int | float | None
Good: TypeAlias = Literal["more", "less", "neither"]


@dataclass(frozen=True, slots=True)
class Fact:
    """A key number.

    Attributes:
        name: What it counts, as a reader says it: `complaints received`.
        value: None when it can't be computed; `note` says why.
        before: The same of the period before.
        unit: `days`, `%`, `PPM`, `EUR`; nothing for a count.
        good: Which direction is welcome; `neither` when it depends.
        calculation: The one it comes from.
        note: Interval, what it is out of, what to know.
        counted: It is a count of events, so a difference can be held against chance.
    """

    name: str
    value: Cell
    before: Cell = None
    unit: str = ""
    good: Good = "neither"
    calculation: str = ""
    note: str = ""
    counted: bool = False


@dataclass(frozen=True, slots=True)
class Grid:
    """A table.

    Attributes:
        columns: Their titles.
        rows: Cells; a text in them is quoted from records.
        total: How many rows there are in all, when these are the first.
        calculation: The one it comes from.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    total: int = 0
    calculation: str = ""

    @property
    def left_out(self) -> int:
        """How many rows are not shown."""
        return max(0, self.total - len(self.rows))


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart, drawn, with its numbers as a table for those who can't see it.

    Attributes:
        svg: It follows the page: light, dark, or on paper.
        says: The headline of its answer.
    """

    title: str
    svg: bytes
    alt: str
    says: str
    calculation: str
    grid: Grid | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a report.

    Attributes:
        key: One word, for programs.
        clauses: The inputs of a management review it serves, as they are cited.
        headline: In a sentence.
        missing: What it would need and the records do not hold.
        decide: What people have to decide, as questions.
        words: Drafted sentences.
    """

    key: str
    title: str
    headline: str
    clauses: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()
    grids: tuple[Grid, ...] = ()
    figures: tuple[Figure, ...] = ()
    missing: tuple[str, ...] = ()
    decide: tuple[str, ...] = ()
    words: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether it has key numbers and none of them counts anything."""
        return bool(self.facts) and not any(fact.value or fact.before for fact in self.facts) and not self.grids


@dataclass(frozen=True, slots=True)
class Report:
    """A whole report.

    Attributes:
        label: `QR-2026-10 v1`; of a preview only its number.
        drafted_by: `template`, or the model that worded it.
        made: When, in the time zone of the organization.
        as_of: The moment it looks from.
        numbers_sha256: Of every number in it; the same numbers have the same.
        standing: What a reader has to know of its standing, for every page.
        notes: How the numbers were made.
    """

    kind: str
    label: str
    title: str
    organization: str
    period: str
    as_of: str
    made: str
    drafted_by: str
    sections: tuple[Section, ...]
    summary: tuple[str, ...] = ()
    flags: tuple[FlagAnswer, ...] = ()
    notes: tuple[str, ...] = ()
    numbers_sha256: str = ""
    calculations: tuple[tuple[str, str], ...] = field(default=())

    @property
    def standing(self) -> str:
        """What stands on every page."""
        by = "by template" if self.drafted_by == "template" else f"by {self.drafted_by}"
        return f"DRAFT: text drafted {by}, not approved by a person"

    @property
    def decisions(self) -> tuple[str, ...]:
        """What people have to decide, over all sections."""
        return tuple(dict.fromkeys(question for section in self.sections for question in section.decide))
