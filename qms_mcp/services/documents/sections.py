"""The sections of a document and how they are cited.

The database alone knows what a section is (`search.sections`): a heading and the text under it, up to the next heading
of whatever level. Positions are 0-based code points of the content. A section is cited by its printed number
(`SOP-014 v3 §5.2`) or, without one, by its title (`SOP-014 v3 "Purpose"`).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from qms_mcp.db.queries import query
from qms_mcp.db.transaction import Transaction

_SECTIONS = query("document_control.sections")
_NUMBER = r"(?:[A-Z]{1,2}[.-])?\d{1,4}(?:[.-]\d{1,3})*[a-z]?"
_NUMBERED = re.compile(rf"{_NUMBER}(?:-\d+)?")
_PRINTED = re.compile(
    rf"^(?:§+\s*|(?:Section|Clause|Chapter|Annex|Appendix|Abschnitt|Kapitel|Article)\s+)?{_NUMBER}(?:[.):]|\s|$)\s*"
)
_HEADING_LINE = re.compile(r"\A\s{0,3}#{1,6}[ \t][^\n]*(?:\n|\Z)")


@dataclass(frozen=True, slots=True)
class Section:
    """A section: its heading and where its own text stands, without that of its subsections.

    Attributes:
        path: The printed number (`5.2`), or a slug of the title; empty for a text before the first heading.
        heading_path: The headings it stands under: `5 Procedure > 5.2 Intake`.
    """

    ordinal: int
    level: int
    path: str
    title: str
    heading_path: str
    char_start: int
    char_end: int

    @property
    def numbered(self) -> bool:
        """Whether a number is printed in front of the title."""
        return _NUMBERED.fullmatch(self.path) is not None


@dataclass(frozen=True, slots=True)
class DocumentText:
    """A version of a document as text with its sections.

    Attributes:
        label: How the version is cited: `SOP-014 v3`.
    """

    label: str
    content: str
    sections: Sequence[Section]

    def body(self, section: Section) -> str:
        """Return the text of a section without its heading and its subsections."""
        return _HEADING_LINE.sub("", self.content[section.char_start : section.char_end], count=1).strip()

    def cite(self, section: Section) -> str:
        """Return the citation of a section."""
        return citation(self.label, section)


async def sections_of(transaction: Transaction, content: str) -> list[Section]:
    """Return the sections of a Markdown text, in their order."""
    return await transaction.fetch_all(_SECTIONS, {"content": content}, row=Section)


def citation(label: str, section: Section) -> str:
    """Return how a section of a version is cited: `SOP-014 v3 §5.2` or `SOP-014 v3 "Purpose"`."""
    where = place(section)
    return f"{label} {where}" if where else label


def place(section: Section) -> str:
    """Return what a citation says of the section alone: `§5.2`, `"Purpose"`, or nothing for what has no heading."""
    if section.level == 0 or not section.path:
        return ""
    return f"§{section.path}" if section.numbered else f'"{unnumbered(section.title)}"'


def unnumbered(title: str) -> str:
    """Return a title without the number printed in front of it."""
    return _PRINTED.sub("", title, count=1).strip()


def parents_of(sections: Sequence[Section]) -> list[int | None]:
    """Return for each section the place in the list of the one it stands under."""
    found: list[int | None] = []
    above: list[tuple[int, int]] = []
    for place_in_list, section in enumerate(sections):
        while above and above[-1][0] >= section.level:
            above.pop()
        found.append(above[-1][1] if above else None)
        if section.level:
            above.append((section.level, place_in_list))
    return found
