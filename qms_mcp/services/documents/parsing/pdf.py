"""PDFs: lines with their size and place, from which headings, paragraphs and tables are made.

Read with pypdfium2 alone. Kreuzberg was tried first: on tagged PDFs it joined the words at line ends and left tables
as running text, and it draws on the same library. Headings are lines in a larger size than the body, or numbered lines
that stand alone; levels follow size. Lines that run through the pages are taken out, ruled tables become tables, a
paragraph or a hyphenated word goes on over the end of a line and of a page.
"""

import re
from importlib.metadata import version
from typing import TYPE_CHECKING

from qms_mcp.services.documents.parsing.marks import one_line
from qms_mcp.services.documents.parsing.pdf_lines import PageLines, lines_of
from qms_mcp.services.documents.parsing.pdf_text import written
from qms_mcp.services.documents.parsing.reading import Allowed, Draft
from qms_mcp.services.documents.parsing.refusals import RefusedError

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument

_PASSWORD = re.compile(r"password|security", re.IGNORECASE)
_WHEN = re.compile(r"D:(\d{4})(\d{2})?(\d{2})?")


def read_pdf(content: bytes, allowed: Allowed) -> Draft:
    """Read a PDF."""
    document = _opened(content)
    count = len(document)
    if count > allowed.pages:
        raise RefusedError("too_many_pages", f"{count:,} of {allowed.pages:,} allowed")
    if not count:
        raise RefusedError("broken", "it has no page")
    pages: list[PageLines] = []
    warnings: list[str] = []
    blank: list[int] = []
    characters = 0
    for number in range(1, count + 1):
        page = lines_of(document, number)
        pages.append(page)
        characters += sum(len(line.text) for line in page.lines)
        if characters > allowed.characters:
            raise RefusedError("too_long", f"more than {allowed.characters:,} characters")
        if not page.lines and page.pictures:
            blank.append(number)
    if not any(page.lines for page in pages):
        raise RefusedError("no_text", f"its {count:,} pages hold pictures or nothing; it was probably scanned")
    if blank:
        warnings.append(f"Pages with pictures and no text (scanned?): {_ranges(blank)}.")
    metadata = _metadata(document)
    marked, furniture = written(pages)
    parser = f"pypdfium2 {version('pypdfium2')}"
    return Draft(marked, parser, metadata.get("title"), metadata, warnings, furniture)


def _opened(content: bytes) -> "PdfDocument":
    import pypdfium2  # noqa: PLC0415 - a tenth of a second

    try:
        return pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as failed:
        if _PASSWORD.search(str(failed)):
            raise RefusedError("encrypted") from None
        raise RefusedError("broken", "its pages can't be found; perhaps the copy is cut off") from None


def _metadata(document: "PdfDocument") -> dict[str, str]:
    said = {key.lower(): one_line(value) for key, value in document.get_metadata_dict(skip_empty=True).items()}
    found = {key: said[key] for key in ("title", "author", "subject", "keywords", "creator") if said.get(key)}
    for key, name in (("creationdate", "created"), ("moddate", "modified")):
        if when := _WHEN.match(said.get(key, "")):
            found[name] = "-".join(part for part in when.groups() if part)
    return found


def _ranges(numbers: list[int]) -> str:
    starts = [n for n in numbers if n - 1 not in numbers]
    ends = [n for n in numbers if n + 1 not in numbers]
    spans = [str(a) if a == b else f"{a}-{b}" for a, b in zip(starts, ends, strict=True)]
    return ", ".join(spans[:20]) + (", ..." if len(spans) > 20 else "")  # noqa: PLR2004 - enough to see which
