"""The numbers Word prints in front of headings, which are not in the text of the document.

Word keeps a heading as `Intake` and counts `5.2` when it shows it: the paragraph, or its style, names a list and a
level, and the list says how each level is written. Without these numbers a section of most procedures could not be
cited. They are counted here, for paragraphs whose style has an outline level, in the order of the document.
"""

import io
import re
import zipfile
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_MOST_BYTES = 64 * 1024 * 1024
_FORMATS = {"decimal", "decimalZero", "upperRoman", "lowerRoman", "upperLetter", "lowerLetter"}
_ROMAN = ((1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X"),
          (9, "IX"), (5, "V"), (4, "IV"), (1, "I"))  # fmt: skip


@dataclass(frozen=True)
class _Level:
    written: str = ""
    form: str = "none"
    start: int = 1


@dataclass(frozen=True)
class _Numbered:
    """Which list and level a paragraph or style names; either may come from the style below."""

    of_list: str | None = None
    level: int | None = None
    outlined: bool = False


@dataclass
class _Count:
    values: dict[int, int] = field(default_factory=dict[int, int])


def heading_numbers(content: bytes) -> list[tuple[str, str]]:
    """Return (text, number) of the numbered headings of a Word document; none when they can't be told."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = [_part(archive, name) for name in ("document", "styles", "numbering")]
    except (zipfile.BadZipFile, ET.ParseError, ValueError, KeyError, NotImplementedError):
        return []
    document, styles, numbering = parts
    if document is None or styles is None or numbering is None:
        return []
    return _counted(document, _styles(styles), _levels(numbering))


def _part(archive: zipfile.ZipFile, name: str) -> ET.Element | None:
    try:
        part = archive.getinfo(f"word/{name}.xml")
    except KeyError:
        return None
    content = archive.read(part) if part.file_size <= _MOST_BYTES else b""
    if b"<!DOCTYPE" in content[:1000] or not content:
        return None  # no office program writes entities
    return ET.fromstring(content)  # noqa: S314 - without entities, in a child with limits


def _value(element: ET.Element | None, path: str) -> str | None:
    found = element.find("/".join(f"{_W}{step}" for step in path.split("/"))) if element is not None else None
    return None if found is None else found.get(f"{_W}val")


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None


def _styles(styles: ET.Element) -> dict[str, tuple[_Numbered, str | None]]:
    found: dict[str, tuple[_Numbered, str | None]] = {}
    for style in styles.iter(f"{_W}style"):
        properties = style.find(f"{_W}pPr")
        name = (_value(style, "name") or "").lower()
        outlined = re.match(r"heading \d", name) is not None or _value(properties, "outlineLvl") is not None
        found[style.get(f"{_W}styleId", "")] = (_of(properties, outlined=outlined), _value(style, "basedOn"))
    return found


def _of(properties: ET.Element | None, *, outlined: bool = False) -> _Numbered:
    return _Numbered(_value(properties, "numPr/numId"), _number(_value(properties, "numPr/ilvl")), outlined)


def _levels(numbering: ET.Element) -> dict[str, dict[int, _Level]]:
    """Return how each list writes its levels; a list is known by its number, and shares an abstract one."""
    abstract: dict[str, dict[int, _Level]] = {}
    for one in numbering.iter(f"{_W}abstractNum"):
        levels: dict[int, _Level] = {}
        for level in one.iter(f"{_W}lvl"):
            start = _number(_value(level, "start"))
            form = _value(level, "numFmt") or "decimal"
            place = _number(level.get(f"{_W}ilvl")) or 0
            levels[place] = _Level(_value(level, "lvlText") or "", form, 1 if start is None else start)
        abstract[one.get(f"{_W}abstractNumId", "")] = levels
    return {
        one.get(f"{_W}numId", ""): abstract.get(_value(one, "abstractNumId") or "", {})
        for one in numbering.iter(f"{_W}num")
    }


def _resolved(style: str | None, styles: dict[str, tuple[_Numbered, str | None]]) -> _Numbered:
    """Return what a style says together with those it is based on; the nearer says more."""
    result = _Numbered()
    for _ in range(12):  # a style may be based on itself in a broken file
        if style is None or style not in styles:
            break
        said, style = styles[style]
        result = _Numbered(
            result.of_list or said.of_list,
            said.level if result.level is None else result.level,
            result.outlined or said.outlined,
        )
    return result


def _counted(
    document: ET.Element, styles: dict[str, tuple[_Numbered, str | None]], lists: dict[str, dict[int, _Level]]
) -> list[tuple[str, str]]:
    counts: dict[int, _Count] = {}
    found: list[tuple[str, str]] = []
    for paragraph in document.iter(f"{_W}p"):
        properties = paragraph.find(f"{_W}pPr")
        own, style = _of(properties), _resolved(_value(properties, "pStyle"), styles)
        of_list = own.of_list or style.of_list
        levels = lists.get(of_list or "")
        if not levels or of_list == "0":
            continue
        level = own.level if own.level is not None else style.level or 0
        count = counts.setdefault(id(levels), _Count())  # lists that share an abstract one count on
        written = _next(count, levels, level)
        text = "".join(piece.text or "" for piece in paragraph.iter(f"{_W}t")).strip()
        if style.outlined and written and text:
            found.append((text, written))
    return found


def _next(count: _Count, levels: dict[int, _Level], level: int) -> str:
    start = levels.get(level, _Level()).start
    count.values[level] = count.values.get(level, start - 1) + 1
    for deeper in [place for place in count.values if place > level]:
        del count.values[deeper]
    said = levels.get(level, _Level())
    if said.form not in _FORMATS:
        return ""

    def shown(mark: re.Match[str]) -> str:
        place = int(mark[1]) - 1
        of_level = levels.get(place, _Level("", "decimal"))
        return _written(count.values.get(place, of_level.start), of_level.form)

    return re.sub(r"%(\d)", shown, said.written).strip()


def _written(value: int, form: str) -> str:
    if form in {"upperLetter", "lowerLetter"}:
        letter = chr(ord("A") + (value - 1) % 26) * ((value - 1) // 26 + 1)
        return letter if form == "upperLetter" else letter.lower()
    if form in {"upperRoman", "lowerRoman"}:
        roman = ""
        for worth, sign in _ROMAN:
            roman += sign * (value // worth)
            value %= worth
        return roman if form == "upperRoman" else roman.lower()
    return f"{value:02}" if form == "decimalZero" else str(value)
