"""Lines of pages into Markdown: what is a heading, an item, a paragraph that goes on."""

import re
from collections import Counter
from collections.abc import Sequence

from qms_mcp.services.documents.parsing.headings import Headings, has_leaders
from qms_mcp.services.documents.parsing.marks import page_mark, unmarked
from qms_mcp.services.documents.parsing.pdf_lines import Line, PageLines
from qms_mcp.services.documents.parsing.running_lines import without_running_lines

_LARGER = 1.1
_LONGEST_HEADING = 150
_MOST_LEVELS = 4
_BULLET = re.compile(
    r"^[\u2022\u2023\u25aa\u25ab\u25cf\u25cb\u25e6\u2043\u00b7\uf0b7\u27a2\u2013\u2014-][ \t]*(?=\S|$)"
)
_NUMBERED = re.compile(r"^(?:\(?(?:\d{1,2}|[a-z]|[ivx]{1,5})[.)])[ \t]+\S")
_SIGN = re.compile(r"^(#{1,6}\s|\||```)")
_DEPTH = re.compile(r"^(?:§\s*)?(\d+(?:\.\d+)*)[.)]?\s")


def written(pages: Sequence[PageLines]) -> tuple[str, str]:
    """Return the pages as Markdown with page marks, and the lines that ran through them."""
    furniture = _cut_running(pages)
    writer = _Writer(_body_size(pages), _heading_sizes(pages))
    for page in pages:
        writer.page(page)
    return "\n\n".join(writer.blocks), furniture


def _cut_running(pages: Sequence[PageLines]) -> str:
    kept, furniture = without_running_lines([[line.text for line in page.lines] for page in pages])
    for page, texts in zip(pages, kept, strict=True):
        waiting = iter(texts)
        following = next(waiting, None)
        lines: list[Line] = []
        for line in page.lines:
            if following is not None and line.text == following:
                lines.append(line)
                following = next(waiting, None)
        page.lines = lines
    return furniture


def _body_size(pages: Sequence[PageLines]) -> float:
    sizes = Counter[float]()
    for page in pages:
        for line in page.lines:
            sizes[line.size] += 0 if line.table else len(line.text)
    return sizes.most_common(1)[0][0] if sizes else 0.0


def _heading_sizes(pages: Sequence[PageLines]) -> list[float]:
    """Return the sizes of headings, the largest first."""
    body = _body_size(pages)
    larger = Counter(
        line.size
        for page in pages
        for line in page.lines
        if line.size > body * _LARGER and not line.table and len(line.text) <= _LONGEST_HEADING
    )
    return sorted(larger, reverse=True)[:_MOST_LEVELS]


class _Writer:
    """Collects blocks of Markdown."""

    def __init__(self, body: float, sizes: list[float]) -> None:
        self.blocks: list[str] = []
        self._body = body
        self._sizes = sizes
        self._numbered = Headings()
        self._before: Line | None = None
        self._right = 0.0
        self._open = ""  # paragraph, item or heading: what the next line may go on with

    def page(self, page: PageLines) -> None:
        """Write a page."""
        mark = page_mark(page.number)
        self._right = max((line.right for line in page.lines), default=0.0)
        texts = [line.text for line in page.lines]
        for place, line in enumerate(page.lines):
            self._line(line, mark, self._number_level(texts, page.lines, place))
            mark = ""
            self._before = line
        if page.lines:
            self._before = None if self._open == "heading" else self._before

    def _number_level(self, texts: list[str], lines: list[Line], place: int) -> int:
        """Return the level of a numbered line that stands apart; 0 when it is none."""
        line = lines[place]
        if line.table or line.size < self._body * 0.95:
            return 0
        before = lines[place - 1] if place else None
        after = lines[place + 1] if place + 1 < len(lines) else None
        apart = (
            before is None or before.table or _gap(before, line) or line.bold != before.bold or before.size != line.size
        )
        ends = after is None or after.table or _gap(line, after) or line.bold != after.bold or after.size != line.size
        if not (apart and ends):
            return 0
        heading = self._numbered.at([line.text, "", texts[place + 1] if after else ""], 0)
        return heading.level if heading and heading.lines == 1 else 0

    def _line(self, line: Line, mark: str, level: int) -> None:
        text = line.text
        if line.table:
            self._new(mark + text, "table")
        elif line.size in self._sizes and len(text) <= _LONGEST_HEADING and not has_leaders(text):
            depth = self._sizes.index(line.size) + 1
            if self._open == "heading" and self._before and self._before.size == line.size and not level:
                self.blocks[-1] += f" {mark}{text}"
            else:
                self._new(f"{mark}{'#' * depth} {text}", "heading")
        elif level:
            self._new(f"{mark}{'#' * min(level + self._titles(), 6)} {text}", "heading")
        elif bullet := _BULLET.match(text):
            self._new(f"{mark}- {text[bullet.end() :]}", "item")
        elif _NUMBERED.match(text):
            self._new(mark + text, "item")
        elif self._goes_on(line, mark):
            self._join(mark, text)
        else:
            self._new(mark + _SIGN.sub(r"\\\1", text), "paragraph")

    def _titles(self) -> int:
        """Return how many levels of the larger sizes carry no number: the title of the document, mostly."""
        numbered = [_DEPTH.match(block.lstrip("# ")) for block in map(unmarked, self.blocks) if block.startswith("#")]
        depths = [
            len(unmarked(block).split(" ", 1)[0]) - len(found[1].split("."))
            for block, found in zip((b for b in self.blocks if unmarked(b).startswith("#")), numbered, strict=False)
            if found
        ]
        return max(0, Counter(depths).most_common(1)[0][0]) if depths else min(1, len(self._sizes))

    def _new(self, text: str, kind: str) -> None:
        if kind == "item" == self._open and self.blocks:
            self.blocks[-1] += f"\n{text}"
        else:
            self.blocks.append(text)
        self._open = kind

    def _goes_on(self, line: Line, mark: str) -> bool:
        before = self._before
        if self._open not in {"paragraph", "item"} or before is None or before.table:
            return False
        if self.blocks[-1].endswith("- ") or self.blocks[-1] == "-":
            return True  # a bullet whose text stands in a line of its own
        ended = before.text.endswith((".", ":", ";", "?", "!"))
        if line.text[:1].islower() and not ended and before.right > 0.9 * self._right:
            return True  # the line before is full, and the sentence goes on
        if mark:
            return not ended and line.text[:1].islower()
        return before.bold == line.bold and before.size == line.size and not _gap(before, line)

    def _join(self, mark: str, text: str) -> None:
        last = self.blocks[-1]
        if last.endswith("-") and last[-2:-1].isalpha() and text[:1].islower():
            self.blocks[-1] = last[:-1] + mark + text
        else:
            self.blocks[-1] = f"{last.rstrip()} {mark}{text}"


def _gap(one: Line, other: Line) -> bool:
    """Whether more than the usual space is between two lines, or the second starts elsewhere on the page."""
    down = one.bottom - other.top
    return down > 0.6 * max(one.size, other.size, 1.0) or down < -2 * max(one.size, 1.0)
