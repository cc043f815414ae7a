"""Text, Markdown and CSV: kept as they are written, as far as they can be.

Lines of a text stay lines. A form feed starts a page. Markdown keeps its words and signs; front matter becomes
metadata. Where nothing is marked as heading, numbered lines that stand alone become headings.
"""

import csv
import io
import re

from qms_mcp import __version__
from qms_mcp.services.documents.parsing.encodings import decoded
from qms_mcp.services.documents.parsing.headings import Headings
from qms_mcp.services.documents.parsing.marks import page_mark, tidy, without_headings
from qms_mcp.services.documents.parsing.reading import Allowed, Draft
from qms_mcp.services.documents.parsing.refusals import RefusedError
from qms_mcp.services.documents.parsing.running_lines import without_running_lines
from qms_mcp.services.documents.parsing.tables import markdown_table

_PARSER = f"qms-mcp {__version__}"
_FRONT = re.compile(r"\A---[ \t]*\n(?P<lines>.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_ENTRY = re.compile(r"\s*(?P<name>[A-Za-z][\w -]{0,60}):[ \t]+(?P<said>\S.*)")
_ATX = re.compile(r"^ {0,3}#{1,6}[ \t]", re.MULTILINE)


def read_plain(content: bytes, kind: str, file_name: str, allowed: Allowed) -> Draft:
    """Read text, Markdown or CSV."""
    text, warnings = decoded(content)
    if len(text) > allowed.characters:
        raise RefusedError("too_long", f"{len(text):,} characters of {allowed.characters:,} allowed")
    text = tidy(text)
    if kind == "csv":
        return Draft(_csv_table(text), _PARSER, warnings=warnings)
    metadata: dict[str, str] = {}
    if front := _FRONT.match(text):
        metadata = front_matter(front["lines"])
        text = text[front.end() :]
    styled = kind == "markdown" and _ATX.search(text) is not None
    if kind == "text" and not file_name.lower().endswith((".md", ".markdown")):
        text = without_headings(text)
    marked, furniture = _with_pages(text, styled=styled)
    trusted = front is not None and re.search(r"^title:", front["lines"], re.MULTILINE) is not None
    return Draft(marked, _PARSER, metadata.get("title"), metadata, warnings, furniture, trusted)


def front_matter(lines: str) -> dict[str, str]:
    """Return the entries `name: value` of front matter, nested or not; what is no such entry is left out."""
    entries: dict[str, str] = {}
    for line in lines.splitlines():
        if entry := _ENTRY.match(line):
            entries.setdefault(entry["name"].strip().lower(), entry["said"].strip().strip("\"'"))
    return entries


def _with_pages(text: str, *, styled: bool) -> tuple[str, str]:
    pages = text.split("\f")
    lines, furniture = without_running_lines([[line.rstrip() for line in page.split("\n")] for page in pages])
    if not styled:
        found = Headings()
        lines = [_with_headings(page, found) for page in lines]
    if len(pages) == 1:
        return "\n".join(lines[0]), furniture
    marked = (page_mark(number) + "\n".join(page).lstrip("\n") for number, page in enumerate(lines, 1))
    return "\n\n".join(marked), furniture


def _with_headings(lines: list[str], found: Headings) -> list[str]:
    stripped = [line.strip() for line in lines]
    result: list[str] = []
    place = 0
    while place < len(lines):
        heading = found.at(stripped, place)
        if heading is None:
            result.append(lines[place])
            place += 1
            continue
        result += ["", f"{'#' * heading.level} {heading.text}", ""]
        place += heading.lines
    return result


def _csv_table(text: str) -> str:
    sample = text[:16_384]
    first = sample.split("\n", 1)[0]
    delimiter = max(",;\t|", key=first.count)
    csv.field_size_limit(10_000_000)
    try:
        rows = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text), delimiter=delimiter)]
    except csv.Error:
        raise RefusedError("broken", "its rows can't be told apart") from None
    return markdown_table([row for row in rows if any(row)])
