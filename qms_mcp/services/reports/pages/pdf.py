"""A report as a PDF, set by typst; on each page stands that it is a draft, and who drafted its words."""

import re
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from qms_mcp.services.documents.copy_pages.typesetting import date_parts, typeset
from qms_mcp.services.reports.content import Grid, Report, Section
from qms_mcp.services.reports.pages.layout import (
    NUMBER_COLUMNS,
    SOURCES,
    SOURCES_SAY,
    Sources,
    about,
    cell_text,
    fact_rows,
    one_line,
)

_TEMPLATE: Final = Path(__file__).with_name("report.typ")
# Each colour by name stands behind the same one by value.
_BY_NAME = re.compile(r";[a-z-]+:var\(--[a-z]+\)")
_SCHEMES = re.compile(r"^@media.*$|^\.\w+\[data-theme=dark\].*$", re.MULTILINE)
_LEAST, _MOST = 6, 66
_UNPRINTABLE = (
    "{count} different characters of this report are in no font of the machine that made it. They stand as their code "
    "points, like [U+0041]; the HTML and the Markdown have them."
)


def render_pdf(report: Report, at: datetime) -> tuple[bytes, int]:
    """Return the PDF, and how many different characters stand in it as their code points.

    Raises:
        InvalidInputError: The text can't be set.
    """
    drawings: dict[str, str] = {}
    sources = Sources.of(report)
    sections = [_section(place, section, sources, drawings) for place, section in enumerate(report.sections, start=1)]

    def values(unprintable: int) -> dict[str, Any]:
        notes = [*report.notes, *([_UNPRINTABLE.format(count=unprintable)] if unprintable else [])]
        return {
            "label": report.label,
            "title": one_line(report.title),
            "organization": one_line(report.organization),
            "standing": report.standing,
            "period": report.period,
            "made": report.made,
            "made_at": date_parts(at),
            "about": [(name, one_line(value)) for name, value in about(report)],
            "summary": [one_line(line) for line in report.summary],
            "decisions": [one_line(line) for line in report.decisions],
            "flags": [one_line(f"{flag.says} {flag.instead}") for flag in report.flags],
            "sections": sections,
            "sources_title": SOURCES,
            "sources_say": SOURCES_SAY,
            "sources": _sheet(
                "",
                ("Name", "Calculation", "What"),
                [(sources.name(one), one, says) for one, says in report.calculations],
            ),
            "notes": [one_line(note) for note in notes],
        }

    return typeset(
        _TEMPLATE.read_bytes(), "report", values, at, as_they_are=drawings, instead="The HTML and the Markdown have it."
    )


def on_paper(svg: bytes) -> str:
    """Return a drawing in the colours of a light page alone: typst knows no colours by name and asks for no scheme."""
    return _BY_NAME.sub("", _SCHEMES.sub("", svg.decode()))


def _section(place: int, section: Section, sources: Sources, drawings: dict[str, str]) -> dict[str, Any]:
    figures: list[dict[str, str]] = []
    for figure in section.figures:
        name = f"drawing-{len(drawings)}"
        drawings[name] = on_paper(figure.svg)
        figures.append({
            "drawing": name,
            "alt": one_line(figure.alt),
            "says": one_line(figure.says),
            "source": sources.name(figure.calculation),
        })  # fmt: skip
    return {
        "title": f"{place}. {one_line(section.title)}",
        "clauses": "; ".join(section.clauses),
        "headline": one_line(section.headline),
        "words": " ".join(one_line(sentence) for sentence in section.words),
        "numbers": _sheet("", NUMBER_COLUMNS, fact_rows(section, sources)),
        "figures": figures,
        "grids": [_grid(grid, sources) for grid in section.grids],
        "missing": [one_line(gap) for gap in section.missing],
    }


def _grid(grid: Grid, sources: Sources) -> dict[str, Any]:
    rows = [tuple(cell_text(cell) for cell in row) for row in grid.rows]
    left_out = f"The first {len(grid.rows):,} of {grid.total:,}." if grid.left_out else ""
    return _sheet(grid.title, grid.columns, rows, source=sources.name(grid.calculation), left_out=left_out)


def _sheet(
    title: str, columns: tuple[str, ...], rows: list[Any], *, source: str = "", left_out: str = ""
) -> dict[str, Any]:
    cells = [[one_line(str(cell)) for cell in row] for row in rows]
    return {
        "title": one_line(title),
        "columns": columns,
        "widths": [_width(column, [row[at] for row in cells]) for at, column in enumerate(columns)],
        "rows": cells,
        "source": source,
        "left_out": left_out,
    }


def _width(column: str, cells: list[str]) -> int:
    """Return how much room a column gets beside the others: as its longest cell wants, within bounds."""
    longest_word = max((len(word) for text in (column, *cells) for word in text.split()), default=0)
    longest = max((len(cell) for cell in cells), default=0)
    return max(_LEAST, min(longest_word, _MOST // 3), min(longest, _MOST))
