"""A report as Markdown: what is kept as the content of its document.

What records say is text here and never markup: every character Markdown could read is escaped, so a title can neither
open a link, an image, a table or a heading, nor become HTML in a program that shows it.
"""

import re
from collections.abc import Iterator, Sequence

from qms_mcp.services.reports.content import Figure, Grid, Report, Section
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

_MARKUP = re.compile(r"([\\`*_{}\[\]<>|#~&$@])")
# Programs that make links out of bare addresses do it by these.
_ADDRESS = re.compile(r"(?i)\b(https?|ftp|mailto|javascript|data|file|qms):|\bwww\.")
_AT_START = re.compile(r"^(?:[-+](?=[\s-]|$)|=|\d+[.)](?=\s|$))")


def render_markdown(report: Report) -> str:
    """Return the report as Markdown."""
    return "\n".join(_lines(report)).rstrip() + "\n"


def escaped(text: object) -> str:
    """Return a text as Markdown shows it, on one line."""
    plain = _MARKUP.sub(r"\\\1", one_line(str(text)))
    plain = _ADDRESS.sub(lambda found: f"{found[0][:-1]}\\{found[0][-1]}", plain)
    return _AT_START.sub(lambda found: f"{found[0][:-1]}\\{found[0][-1]}", plain)


def _lines(report: Report) -> Iterator[str]:
    sources = Sources.of(report)
    yield f"# {escaped(report.title)}"
    yield ""
    yield f"> **{escaped(report.standing)}.** Numbers are computed; words are not evidence. A person reviews and signs."
    yield ""
    yield from _table(("", ""), [(name, value) for name, value in about(report)])
    yield "## Summary"
    yield ""
    yield from (f"- {escaped(line)}" for line in report.summary)
    yield ""
    yield from _listed("## Decisions needed", report.decisions)
    yield from _listed("## What to know of these numbers", [_flag(report, at) for at in range(len(report.flags))])
    for place, section in enumerate(report.sections, start=1):
        yield from _section(place, section, sources)
    yield f"## {SOURCES}"
    yield ""
    yield SOURCES_SAY
    yield ""
    rows = [(sources.name(calculation), calculation, says) for calculation, says in report.calculations]
    yield from _table(("Name", "Calculation", "What"), rows)
    yield from _listed("## Notes", report.notes)


def _flag(report: Report, at: int) -> str:
    flag = report.flags[at]
    return f"{flag.says} {flag.instead}".strip()


def _section(place: int, section: Section, sources: Sources) -> Iterator[str]:
    yield f"## {place}. {escaped(section.title)}"
    yield ""
    if section.clauses:
        yield f"*Answers {escaped('; '.join(section.clauses))}*"
        yield ""
    yield f"**{escaped(section.headline)}**"
    yield ""
    if section.words:
        yield " ".join(escaped(sentence) for sentence in section.words)
        yield ""
    if rows := fact_rows(section, sources):
        yield from _table(NUMBER_COLUMNS, rows)
    for figure in section.figures:
        yield from _figure(figure, sources)
    for grid in section.grids:
        yield from _grid(grid, sources)
    yield from _listed("Missing:", section.missing)


def _figure(figure: Figure, sources: Sources) -> Iterator[str]:
    yield (
        f"Chart: {escaped(figure.title)}. {escaped(figure.says)} "
        f"(source {sources.name(figure.calculation)}, `qms://chart/{figure.calculation}.svg`)"
    )
    yield ""


def _grid(grid: Grid, sources: Sources) -> Iterator[str]:
    source = sources.name(grid.calculation)
    yield f"### {escaped(grid.title)}{f' (source {source})' if source else ''}"
    yield ""
    yield from _table(grid.columns, [[cell_text(cell) for cell in row] for row in grid.rows])
    if grid.left_out:
        yield f"The first {len(grid.rows):,} of {grid.total:,}."
        yield ""


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(escaped(column) for column in columns)} |"
    yield f"| {' | '.join('---' for _ in columns)} |"
    yield from (f"| {' | '.join(escaped(cell) for cell in row)} |" for row in rows)
    yield ""


def _listed(heading: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield heading
        yield ""
        yield from (f"- {escaped(line)}" for line in lines)
        yield ""
