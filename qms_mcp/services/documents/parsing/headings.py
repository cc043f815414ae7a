"""Headings of a text that has no styles: by their number, and with doubt not at all.

A line is a heading when it stands alone, is short, starts with a capital, does not end like a sentence, and its number
can follow the numbers before it. Lines of a numbered list fail that: there is nothing between them, or they end like
sentences. Lines of a table of contents fail by their leaders.
"""

import re
from dataclasses import dataclass

_LONGEST, _MOST_WORDS = 100, 14
_DECIMAL = re.compile(r"(?:§\s*)?(?P<number>(?:[A-Z]\.)?\d{1,3}(?:\.\d{1,3}){0,5})[.)]?[ \t]+(?P<title>\S.*)")
_NAMED = re.compile(
    r"(?P<name>SECTION|Section|ANNEX|Annex|APPENDIX|Appendix|CHAPTER|Chapter|PART|Part|EXAMPLE|Example"
    r"|ANLAGE|Anlage|ANHANG|Anhang|ANNEXE|Annexe|ANEXO|Anexo)[ \t]+"
    r"(?P<number>[A-Z]|\d{1,3}|[IVXL]{1,6})(?P<mark>[.:]|[ \t]*[\u2013\u2014-])?(?:[ \t]+|$)(?P<title>.*)"
)
_ALONE = re.compile(r"(?:(?P<roman>[IVX]{1,5})\.|(?P<letter>[A-Z])\.|\((?P<inner>\d{1,2})\))")
_LETTERED = re.compile(r"(?:(?P<roman>[IVX]{1,5})|(?P<letter>[A-Z]))\.[ \t]+(?P<title>\S.*)")
_DOTTED = re.compile(r"\.{4,}|\u2026{2,}|(?:\. ?){4,}|_{4,}")
_LEADERS = re.compile(rf"{_DOTTED.pattern}|\s\d{{1,4}}$")


@dataclass(frozen=True)
class Heading:
    """A heading: its level from 1, its line, how many lines of the text it took."""

    level: int
    text: str
    lines: int = 1


class Headings:
    """Finds headings line after line; it remembers the numbers it has seen."""

    def __init__(self) -> None:
        self._top = 0
        self._last: tuple[int, ...] = ()

    def at(self, lines: list[str], place: int) -> Heading | None:
        """Return the heading at a place of the lines, which are stripped; None if there is none."""
        line = lines[place]
        if not line or len(line) > _LONGEST or (place and lines[place - 1] and not self._may_touch(lines, place)):
            return None
        if alone := _ALONE.fullmatch(line):
            return _split_heading(alone, lines, place)
        if (named := _NAMED.fullmatch(line)) and _is_title(named["title"] or "X"):
            return _named_heading(named, lines, place)
        if lettered := _LETTERED.fullmatch(line):
            return _lettered_heading(lettered, lines, place)
        decimal = _DECIMAL.fullmatch(line)
        return self._decimal_heading(decimal, lines, place) if decimal else None

    def _decimal_heading(self, decimal: re.Match[str], lines: list[str], place: int) -> Heading | None:
        parts = tuple(int(p) if p.isdigit() else ord(p) for p in decimal["number"].split("."))
        if not (_is_title(decimal["title"]) and self._follows(parts)) or _is_list(lines, place, len(parts)):
            return None
        self._last = parts
        if len(parts) == 1:
            self._top = parts[0]
        return Heading(min(len(parts), 6), decimal.group())

    def _may_touch(self, lines: list[str], place: int) -> bool:
        """Whether a heading may stand at once under the line before: when that is a heading itself, or ends a text."""
        before = lines[place - 1]
        return before.startswith("#") or before.endswith((".", ":", ";", "|")) or _DECIMAL.fullmatch(before) is not None

    def _follows(self, parts: tuple[int, ...]) -> bool:
        if len(parts) > 1:
            return parts > self._last or not self._last
        first = next(iter(parts), 0)
        return first in {self._top + 1, self._top + 2} or (self._top == first == 0)


def has_leaders(line: str) -> bool:
    """Whether a line belongs to a table of contents: dots lead to its page."""
    return _DOTTED.search(line) is not None


def _is_title(title: str) -> bool:
    if not title or title.endswith((".", ",", ";", ":")) or _LEADERS.search(title):
        return False
    first = next((c for c in title if c.isalpha()), "")
    return title[0] in "(\"'\u201c\u2018\u00bf" or (
        title[0].isalpha() and first.isupper() and len(title.split()) <= _MOST_WORDS
    )


def _followed_by_blank(lines: list[str], place: int) -> bool:
    return place + 1 >= len(lines) or not lines[place + 1]


def _is_list(lines: list[str], place: int, depth: int) -> bool:
    """Whether the next line with text has a number of the same depth: then these are items, not headings."""
    if depth > 1:
        return False
    following = next((line for line in lines[place + 1 :] if line), "")
    numbered = _DECIMAL.fullmatch(following)
    return numbered is not None and len(numbered["number"].split(".")) == depth


def _named_heading(named: re.Match[str], lines: list[str], place: int) -> Heading | None:
    """Return a heading such as `Annex A`, which a text may follow at once when a sign parts its number and title."""
    if not (_followed_by_blank(lines, place) or named.group().isupper() or (named["mark"] and named["title"])):
        return None
    return Heading(2 if named["name"].lower() == "example" else 1, named.group())


def _lettered_heading(lettered: re.Match[str], lines: list[str], place: int) -> Heading | None:
    """Return a heading such as `II. Background`; not the items of a list, nor initials."""
    following = next((line for line in lines[place + 1 :] if line), "")
    if not _is_title(lettered["title"]) or _LETTERED.fullmatch(following):
        return None
    if lettered["letter"] and not _followed_by_blank(lines, place):
        return None
    return Heading(1 if lettered["roman"] else 2, lettered.group())


def _split_heading(alone: re.Match[str], lines: list[str], place: int) -> Heading | None:
    """Return a heading whose number stands on a line of its own, with the title, of one or two lines, below."""
    below = lines[place + 1 : place + 5]
    if len(below) < 2 or below[0]:  # noqa: PLR2004 - a blank line and the title
        return None
    title = below[1:3] if len(below) > 2 and below[2] else below[1:2]  # noqa: PLR2004 - and its second line
    text = " ".join(title)
    if not _is_title(text) or len(text) > _LONGEST or not _followed_by_blank(lines, place + 1 + len(title)):
        return None
    level = 1 if alone["roman"] else 2 if alone["letter"] else 3
    return Heading(level, f"{alone.group()} {text}", 2 + len(title))
