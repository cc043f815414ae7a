"""Text as this project keeps it, and marks in it where a page starts.

Characters that no text needs are taken out on the way in: control characters (PostgreSQL refuses NUL), private uses
as marks, half surrogates. What is left is NFC with plain newlines. Two control characters, which therefore no text
holds, then frame the number of a page where it starts; `lift_marks` takes them out and says where they stood.
"""

import re
import unicodedata

_OPEN, _CLOSE = "\x01", "\x02"
_MARK = re.compile(f"{_OPEN}(\\d+){_CLOSE}")
_NEWLINES = re.compile("\r\n|[\r\x0b\x85\u2028\u2029]")
_UNWANTED = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufeff\ufffe\uffff\u200b\u2060\u00ad]")
_SPACES = re.compile("[\u00a0\u2000-\u200a\u202f\u205f\u3000]")
_HEADING_SIGN = re.compile(r"^( {0,3})(#{1,6}[ \t])", re.MULTILINE)
_SPACED = re.compile(r"[ \t\f]+")


def tidy(text: str) -> str:
    """Return text in NFC with newlines alone, without control characters; form feeds and tabs stay."""
    return unicodedata.normalize("NFC", _SPACES.sub(" ", _UNWANTED.sub("", _NEWLINES.sub("\n", text))))


def one_line(text: str) -> str:
    """Return text as one line, tidied, each run of white space as one space."""
    return " ".join(tidy(text).split())


def without_headings(text: str) -> str:
    """Return plain text in which no line is a heading of Markdown by chance."""
    return _HEADING_SIGN.sub(r"\1\\\2", text)


def page_mark(page: int) -> str:
    """Return the mark to put in front of the first character of a page."""
    return f"{_OPEN}{page}{_CLOSE}"


def unmarked(text: str) -> str:
    """Return text without marks."""
    return _MARK.sub("", text)


def tidy_blanks(marked: str) -> str:
    """Return text without spaces at line ends, with one blank line at most, and one newline at its end."""
    lines: list[str] = []
    waiting = ""  # marks of lines that turned out to be blank go to the next line that is not
    for line in marked.replace("\f", "\n").split("\n"):
        shown = _MARK.sub("", line).rstrip()
        if shown:
            lines.append(waiting + line.rstrip())
            waiting = ""
        else:
            waiting += "".join(mark.group() for mark in _MARK.finditer(line))
            if lines and lines[-1]:
                lines.append("")
    return "\n".join(lines).strip("\n") + "\n" if lines else ""


def squeezed(line: str) -> str:
    """Return a line with runs of spaces as one."""
    return _SPACED.sub(" ", line).strip()


def lift_marks(marked: str) -> tuple[str, list[tuple[int, int]]]:
    """Return the text without marks, and (position, page) of each page that has text."""
    pieces: list[str] = []
    pages: list[tuple[int, int]] = []
    at = done = 0
    for mark in _MARK.finditer(marked):
        pieces.append(marked[done : mark.start()])
        at += mark.start() - done
        done = mark.end()
        page = int(mark.group(1))
        if pages and pages[-1][0] == at:
            pages.pop()  # the page before is empty
        pages.append((at, page))
    pieces.append(marked[done:])
    return "".join(pieces), pages
