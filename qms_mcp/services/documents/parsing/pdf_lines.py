"""The lines of a page of a PDF, with their place and size, and its ruled tables."""

import ctypes
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from qms_mcp.services.documents.parsing.marks import squeezed, tidy
from qms_mcp.services.documents.parsing.refusals import RefusedError
from qms_mcp.services.documents.parsing.ruled_tables import Box, Grid, grids_of
from qms_mcp.services.documents.parsing.tables import markdown_table

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument, PdfPage, PdfTextPage

_BOLD = 600
_MOST_SHAPES = 3_000


@dataclass(frozen=True)
class Line:
    """A line as printed; a table is one line of several, and has no size."""

    text: str
    size: float = 0.0
    left: float = 0.0
    right: float = 0.0
    top: float = 0.0
    bottom: float = 0.0
    bold: bool = False
    table: bool = False


@dataclass
class PageLines:
    """What stands on a page, from top to bottom as the file has it."""

    number: int
    lines: list[Line] = field(default_factory=list[Line])
    pictures: bool = False


def lines_of(document: "PdfDocument", number: int) -> PageLines:
    """Return the lines of a page; a page that can't be read has none."""
    import pypdfium2  # noqa: PLC0415 - imported by now

    try:
        page = document[number - 1]
        text = page.get_textpage()
    except pypdfium2.PdfiumError:
        raise RefusedError("broken", f"page {number:,} can't be read") from None
    found = PageLines(number)
    shapes, found.pictures = _shapes(page)
    grids = grids_of(shapes) if len(shapes) > 3 else []  # noqa: PLR2004 - a table has at least a frame
    tables = [(grid, table) for grid in grids if (table := _table(text, grid))]
    found.lines = _with_tables(_lines(text), tables)
    text.close()
    page.close()
    return found


def _shapes(page: "PdfPage") -> tuple[list[Box], bool]:
    import pypdfium2.raw as pdfium  # noqa: PLC0415 - imported by now

    shapes: list[Box] = []
    pictures = False
    for shape in cast("Iterable[Any]", cast("Any", page).get_objects(max_depth=4)):
        if shape.type == pdfium.FPDF_PAGEOBJ_PATH:
            if len(shapes) == _MOST_SHAPES:
                return [], True  # a drawing
            left, bottom, right, top = shape.get_bounds()
            shapes.append((left, bottom, right, top))
        elif shape.type == pdfium.FPDF_PAGEOBJ_IMAGE:
            pictures = True
    return shapes, pictures


def _lines(page: "PdfTextPage") -> list[Line]:
    codes = _codes(page)
    lines: list[Line] = []
    start = 0
    for place in [n for n, code in enumerate(codes) if code in {10, 13}] + [len(codes)]:
        if line := _line(page, codes, start, place):
            lines.append(line)
        start = place + 1
    return lines


def _codes(page: "PdfTextPage") -> Sequence[int]:
    """Return the characters of a page as UTF-16, at the places the library counts them."""
    import pypdfium2.raw as pdfium  # noqa: PLC0415 - imported by now

    raw: Any = pdfium
    count = page.count_chars()
    together = (ctypes.c_ushort * (count + 1))()
    # At once where that leaves nothing out; it does so with characters that stand for nothing.
    if count and raw.FPDFText_GetText(page.raw, 0, count, together) == count + 1:
        return together[:count]
    return [raw.FPDFText_GetUnicode(page.raw, place) for place in range(count)]


def _line(page: "PdfTextPage", codes: Sequence[int], start: int, end: int) -> Line | None:
    import pypdfium2.raw as pdfium  # noqa: PLC0415 - imported by now

    raw: Any = pdfium
    # 2: the hyphen at which a word is broken at the end of a line
    signs = ["-" if code in {2, 0xFFFE} else chr(code) for code in codes[start:end]]
    text = squeezed(tidy("".join(signs).encode("utf-16", "surrogatepass").decode("utf-16", "replace")))
    shown = [place for place in range(start, end) if codes[place] > 32]  # noqa: PLR2004 - a space
    if not text or not shown:
        return None
    first, last, middle = _box(page, shown[0]), _box(page, shown[-1]), shown[len(shown) // 2]
    matrix = raw.FS_MATRIX()
    scale = matrix.d if raw.FPDFText_GetMatrix(page.raw, middle, ctypes.byref(matrix)) else 1.0
    size = round(raw.FPDFText_GetFontSize(page.raw, middle) * abs(scale or 1.0), 1)
    bold = raw.FPDFText_GetFontWeight(page.raw, middle) >= _BOLD or "bold" in _font(raw, page, middle)
    return Line(text, size, first[0], last[2], max(first[3], last[3]), min(first[1], last[1]), bold=bold)


def _font(raw: Any, page: "PdfTextPage", place: int) -> str:
    name = ctypes.create_string_buffer(128)
    flags = ctypes.c_int()
    raw.FPDFText_GetFontInfo(page.raw, place, name, 128, ctypes.byref(flags))
    return name.value.decode("utf-8", "replace").lower()


def _box(page: "PdfTextPage", place: int) -> Box:
    left, bottom, right, top = cast("Any", page).get_charbox(place, loose=True)
    return left, bottom, right, top


def _bounded(page: "PdfTextPage", cell: Box) -> str:
    return str(cast("Any", page).get_text_bounded(*cell))


def _table(page: "PdfTextPage", grid: Grid) -> str:
    rows = [[tidy(_bounded(page, cell)).strip() for cell in row] for row in grid.cells()]
    rows = [row for row in rows if any(row)]
    filled = [place for place in range(len(grid.columns) - 1) if any(row[place] for row in rows)]
    if len(rows) < 2 or len(filled) < 2:  # noqa: PLR2004 - less is a frame around a text
        return ""
    return markdown_table([[row[place] for place in filled] for row in rows])


def _with_tables(lines: list[Line], tables: list[tuple[Grid, str]]) -> list[Line]:
    """Put each table where its first line stood, and leave out its lines."""
    result: list[Line] = []
    placed: set[int] = set()
    for line in lines:
        inside = next((n for n, (grid, _) in enumerate(tables) if _is_in(line, grid.box)), None)
        if inside is None:
            result.append(line)
        elif inside not in placed:
            placed.add(inside)
            result.append(Line(tables[inside][1], top=tables[inside][0].box[3], table=True))
    return result


def _is_in(line: Line, box: Box) -> bool:
    across, upright = (line.left + line.right) / 2, (line.top + line.bottom) / 2
    return box[0] <= across <= box[2] and box[1] <= upright <= box[3]
