"""What all forms of a report show, in the same order and the same words: sections numbered, sources numbered."""

from collections.abc import Mapping
from dataclasses import dataclass

from qms_mcp.services.documents.copy_pages.blocks import clean
from qms_mcp.services.reports.content import Fact, Report, Section
from qms_mcp.services.reports.drafting import shown

NUMBER_COLUMNS = ("Number", "Value", "Before", "What to know", "Source")
SOURCES = "Calculations"
SOURCES_SAY = (
    "Each number comes from one of these calculations, which are kept with their source, options, method and version. "
    "recompute with the id computes one again and says what differs, if anything."
)


@dataclass(frozen=True, slots=True)
class Sources:
    """Short names of calculations: `c1`, `c2`, in the order they are listed."""

    names: Mapping[str, str]

    @classmethod
    def of(cls, report: Report) -> "Sources":
        """Return the names for a report."""
        return cls({calculation: f"c{place}" for place, (calculation, _) in enumerate(report.calculations, start=1)})

    def name(self, calculation: str) -> str:
        """Return the short name of a calculation; nothing of none."""
        return self.names.get(calculation, "")


def about(report: Report) -> list[tuple[str, str]]:
    """Return the title block: names and values."""
    return [
        ("Report", report.label),
        ("Organization", report.organization),
        ("Period", report.period),
        ("As of", report.as_of),
        ("Made", report.made),
        ("Standing", report.standing),
        ("Sha256 of the numbers", report.numbers_sha256),
    ]


def fact_cells(fact: Fact, sources: Sources) -> tuple[str, str, str, str, str]:
    """Return a key number as a row of the table of a section."""
    unit = f" {fact.unit}" if fact.unit and fact.value is not None else ""
    before = "" if fact.before is None else f"{shown(fact.before)}{unit}"
    return fact.name, f"{shown(fact.value)}{unit}", before, fact.note, sources.name(fact.calculation)


def fact_rows(section: Section, sources: Sources) -> list[tuple[str, str, str, str, str]]:
    """Return the key numbers of a section as rows; none of a section that has nothing on record, which says so."""
    return [] if section.is_empty else [fact_cells(fact, sources) for fact in section.facts]


def cell_text(value: object) -> str:
    """Return what stands in a cell of a table."""
    return "" if value is None else one_line(shown(value))


def one_line(text: str) -> str:
    """Return a text on one line, with what a page would hide or obey spelled out."""
    return " ".join(clean(text).split())
