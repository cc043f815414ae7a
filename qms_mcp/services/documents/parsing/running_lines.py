"""Headers and footers that run through the pages, and their removal.

A line that stands among the first or last lines of most pages, digits aside, is furniture. At each edge of a page one
such line of a kind goes, so a text that happens to end with a number keeps it.
"""

import re
from collections import Counter

_EDGE = 3
_FEWEST_PAGES = 3
_DIGITS = re.compile(r"\d+|\b[ivxl]{1,6}\b")
_DOTS = re.compile(r"[\s.\u2013\u2014|-]+")


def without_running_lines(pages: list[list[str]]) -> tuple[list[list[str]], str]:
    """Return the lines of the pages without those that run through most of them, and these as they first stood."""
    filled = [shown for page in pages if (shown := [line for line in page if line])]
    if len(filled) < _FEWEST_PAGES:
        return pages, ""
    most = max(2, len(filled) // 2)
    top, bottom = Counter[str](), Counter[str]()
    for page in filled:
        shown = [_shape(line) for line in page]
        edge = _edge(len(shown))
        top.update(set(shown[:edge]))
        bottom.update(set(shown[-edge:]))
    above = {shape for shape, count in top.items() if count > most}
    below = {shape for shape, count in bottom.items() if count > most}
    kept = [_cut(_cut(page, above)[::-1], below)[::-1] for page in pages]
    shapes = above | below
    gone = [line for line in [*filled[1][:_EDGE], *filled[1][-_EDGE:]] if _shape(line) in shapes]
    return kept, "\n".join(gone)


def _edge(lines: int) -> int:
    """Return how many lines at each end of a page may be furniture; of a short page, most is its text."""
    return min(_EDGE, max(1, lines // 3))


def _shape(line: str) -> str:
    return _DOTS.sub(" ", _DIGITS.sub("#", line)).strip().casefold()


def _cut(lines: list[str], running: set[str]) -> list[str]:
    left = set(running)
    kept: list[str] = []
    seen = 0
    edge = _edge(sum(bool(line) for line in lines))
    for line in lines:
        if line and seen < edge:
            seen += 1
            shape = _shape(line)
            if shape in left:
                left.discard(shape)
                continue
        kept.append(line)
    return kept
