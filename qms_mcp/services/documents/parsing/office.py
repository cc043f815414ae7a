"""Word, Excel, PowerPoint, OpenDocument, RTF, HTML and Outlook messages, through kreuzberg.

Kreuzberg says what the parts of a file are (headings, paragraphs, items, tables, in reading order); the Markdown is
written here from those parts, because its own Markdown escapes signs, aligns tables and loses where a slide starts.
"""

import html
import re
import secrets
from collections.abc import Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, cast

from qms_mcp.services.documents.parsing.headings import Headings
from qms_mcp.services.documents.parsing.kinds import Kind
from qms_mcp.services.documents.parsing.marks import one_line, page_mark, tidy
from qms_mcp.services.documents.parsing.reading import Allowed, Draft
from qms_mcp.services.documents.parsing.refusals import RefusedError
from qms_mcp.services.documents.parsing.tables import markdown_table, sheet_blocks
from qms_mcp.services.documents.parsing.word_numbers import heading_numbers

if TYPE_CHECKING:
    from kreuzberg import ExtractionResult

_FEWEST_HEADINGS = 2
_SIGN = re.compile(r"^(#{1,6}\s|\||```|---)")
_CHARSET = re.compile(rb"(<meta[^>]{0,200}charset\s*=\s*[\"']?)([\w.:-]{1,40})", re.IGNORECASE)
_KEPT = {
    "authors": "author",
    "created_at": "created",
    "modified_at": "modified",
    "modified_by": "modified by",
    "subject": "subject",
    "keywords": "keywords",
    "description": "description",
    "from_email": "from",
    "to_emails": "to",
    "cc_emails": "cc",
    "message_id": "message-id",
}


def read_office(content: bytes, kind: str, allowed: Allowed) -> Draft:
    """Read a file of an office program, or HTML."""
    warnings: list[str] = []
    if kind == "html":
        content, warnings = _html_as_utf8(content)
    page_word = secrets.token_hex(12) if kind == "pptx" else ""
    result = _extracted(content, kind, page_word)
    metadata = cast("dict[str, Any]", result.metadata)
    slides = cast("dict[str, Any]", metadata.get("pages") or {}).get("total_count") or 0
    if int(slides) > allowed.pages:
        raise RefusedError("too_many_pages", f"{slides:,} of {allowed.pages:,} allowed")
    if names := metadata.get("attachments"):
        shown = ", ".join(one_line(str(name)) for name in names)
        warnings.append(f"Attachments are not read; ingest them by themselves: {shown}.")
    if kind == "pptx" and b"ppt/notesSlides/" in content:
        warnings.append("Notes of the speaker are not read.")
    title = metadata.get("title") or metadata.get("subject")
    numbers = heading_numbers(content) if kind == "docx" else []
    return Draft(
        _markdown(result, kind, page_word, numbers),
        f"kreuzberg {version('kreuzberg')}",
        html.unescape(one_line(str(title))) if title else None,
        _said_of_itself(metadata),
        warnings,
    )


def html_text(text: str) -> str:
    """Return HTML as Markdown."""
    return _markdown(_extracted(text.encode(errors="replace"), "html", ""), "html", "")


def _extracted(content: bytes, kind: str, page_word: str) -> "ExtractionResult":
    import kreuzberg  # noqa: PLC0415 - a tenth of a second

    config = kreuzberg.ExtractionConfig(
        use_cache=False,
        output_format="markdown",
        include_document_structure=True,
        pages=kreuzberg.PageConfig(
            extract_pages=True, insert_page_markers=bool(page_word), marker_format=f"\n\n{page_word}-{{page_num}}\n\n"
        ),
        concurrency=kreuzberg.ConcurrencyConfig(max_threads=1),
    )
    try:
        return kreuzberg.extract_bytes_sync(content, Kind(kind).media_type, config=config)
    except Exception as failed:  # noqa: BLE001 - its errors have no common base but Exception, and their words quote the file
        words = str(failed).lower()
        if "password" in words or "encrypt" in words:
            raise RefusedError("encrypted") from None
        raise RefusedError("broken", f"it is not a whole {Kind(kind).label.split(' ', 1)[-1]}") from None


def _html_as_utf8(content: bytes) -> tuple[bytes, list[str]]:
    from qms_mcp.services.documents.parsing.encodings import decoded  # noqa: PLC0415 - HTML alone needs it

    named = _CHARSET.search(content[:4096])
    text, warnings = decoded(content, named=named[2].decode("ascii", "replace") if named else None)
    return _CHARSET.sub(rb"\1utf-8", text.encode(errors="replace"), count=1), warnings


def _said_of_itself(metadata: dict[str, Any]) -> dict[str, str]:
    said: dict[str, str] = {}
    for key, name in _KEPT.items():
        value = metadata.get(key)
        if isinstance(value, list):
            value = ", ".join(str(part) for part in cast("list[object]", value))
        if value and key != "description":
            said[name] = str(value)
    return said


def _markdown(result: "ExtractionResult", kind: str, page_word: str, numbers: Sequence[tuple[str, str]] = ()) -> str:
    nodes = cast("list[dict[str, Any]]", (result.document or {}).get("nodes") or [])
    if not nodes:
        return tidy(result.content)
    writer = _Writer(kind, page_word, numbers)
    styled = sum(node["content"].get("node_type") in {"heading", "title"} for node in nodes) >= _FEWEST_HEADINGS
    for node in nodes:
        if node.get("content_layer") in {None, "body", "footnote"}:
            writer.add(node["content"])
    return writer.text(styled=styled)


class _Writer:
    """Writes the parts of a document as Markdown, one after the other."""

    def __init__(self, kind: str, page_word: str, numbers: Sequence[tuple[str, str]]) -> None:
        self._kind = kind
        self._page_word = page_word
        self._numbers = [(one_line(text), number) for text, number in numbers]
        self._parts: list[tuple[str, str]] = []
        self._item_waits = False

    def add(self, part: dict[str, Any]) -> None:
        """Add a part of the document."""
        kind = str(part.get("node_type"))
        words = tidy(str(part.get("text") or "")).strip()
        if kind == "table":
            self._table(part)
        elif kind == "code" and words:
            self._parts.append(("code", f"```\n{words.replace('```', '` ` `')}\n```"))
        elif kind in {"heading", "title"} and words:
            level = min(max(int(part.get("level") or 1), 1), 6)
            self._parts.append(("heading", f"{'#' * level} {self._number_of(one_line(words))}"))
        elif kind == "list_item":
            self._item_waits = not words
            if words:
                self._parts.append(("item", f"- {one_line(words)}"))
        elif words and kind in {"paragraph", "quote", "footnote", "formula"}:
            self._paragraph(words)

    def text(self, *, styled: bool) -> str:
        """Return what was written; where there are no styles, numbered lines become headings."""
        if not styled and self._kind not in {"xlsx", "pptx"}:
            self._parts = _with_headings(self._parts)
        pieces: list[str] = []
        before = ""
        for kind, piece in self._parts:
            if kind == "page":
                pieces.append(piece)
                continue
            pieces.append(("\n" if kind == before == "item" else "\n\n") + piece)
            before = kind
        return _after_breaks("".join(pieces))

    def _number_of(self, heading: str) -> str:
        """Return a heading with the number Word prints in front of it; headings come in the same order."""
        place = next((n for n, (text, _) in enumerate(self._numbers) if text == heading), None)
        if place is None:
            return heading
        number = self._numbers[place][1]
        del self._numbers[: place + 1]
        return f"{number} {heading}"

    def _paragraph(self, words: str) -> None:
        if self._page_word and (page := re.fullmatch(rf"{self._page_word}-(\d+)", words)):
            self._parts.append(("page", page_mark(int(page[1]))))
        elif self._item_waits:
            self._item_waits = False
            self._parts.append(("item", f"- {one_line(words)}"))
        else:
            lines = (_SIGN.sub(r"\\\1", line.strip()) for line in words.split("\n"))
            self._parts.append(("paragraph", "\n".join(line for line in lines if line)))

    def _table(self, part: dict[str, Any]) -> None:
        grid = cast("dict[str, Any]", part.get("grid") or {})
        rows = [[""] * int(grid.get("cols") or 0) for _ in range(int(grid.get("rows") or 0))]
        for cell in cast("list[dict[str, Any]]", grid.get("cells") or []):
            rows[int(cell["row"])][int(cell["col"])] = str(cell.get("content") or "")
        blocks = sheet_blocks(rows) if self._kind == "xlsx" else [markdown_table(rows)]
        self._parts += [("table", block) for block in blocks if block]


def _with_headings(parts: list[tuple[str, str]]) -> list[tuple[str, str]]:
    # Between two paragraphs is a blank line, so each stands alone.
    lines = [line for _, piece in parts for line in (piece if "\n" not in piece else "...", "")]
    found = Headings()
    result: list[tuple[str, str]] = []
    for place, (kind, piece) in enumerate(parts):
        heading = found.at(lines, 2 * place) if kind == "paragraph" else None
        if heading is None or heading.lines > 1:
            result.append((kind, piece))
        else:
            result.append(("heading", f"{'#' * heading.level} {heading.text}"))
    return result


def _after_breaks(text: str) -> str:
    """Put each page mark behind the line breaks that follow it, in front of its first word."""
    return re.sub("(\x01\\d+\x02)(\\s+)", r"\2\1", text)
