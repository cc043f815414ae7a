"""The content of a document as blocks: headings, paragraphs, items of lists, tables, code.

Markdown is read here, once, for both kinds of copies. Text stays text: HTML in it is shown and never obeyed, a link is
its words and its address, an image is its description. Characters a page would hide are spelled out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from qms_mcp.services.outcomes import visible

if TYPE_CHECKING:
    from markdown_it.token import Token

Kind: TypeAlias = Literal["heading", "paragraph", "item", "quote", "table", "code", "rule"]
# A soft hyphen and a byte order mark show nothing where they stand.
_NOTHING = str.maketrans("", "", "\u00ad\ufeff")
# These join or part letters of some scripts and are part of the spelling.
_JOINERS = ("\u200c", "\u200d")
_DEEPEST = 8
_STYLES: dict[str, dict[str, bool]] = {
    "strong_open": {"strong": True},
    "strong_close": {"strong": False},
    "em_open": {"emphasis": True},
    "em_close": {"emphasis": False},
}


@dataclass(frozen=True, slots=True)
class Run:
    """Some text in one style."""

    text: str
    strong: bool = False
    emphasis: bool = False
    code: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a document.

    Attributes:
        level: Of a heading from 1; how deep an item or a quote stands, from 0.
        marker: Of an item: its number, or a bullet.
        rows: Of a table, cells of runs, all rows of the same length; the first one is the header.
    """

    kind: Kind
    level: int = 0
    marker: str = ""
    runs: tuple[Run, ...] = ()
    rows: tuple[tuple[tuple[Run, ...], ...], ...] = ()


def clean(text: str) -> str:
    """Return a text with what a page would hide or obey spelled out."""
    if text.isascii() and text.isprintable():
        return text
    parts = (
        character if character in _JOINERS else visible(character)
        for character in text.replace("\r\n", "\n").translate(_NOTHING)
    )
    return "".join(parts)


def blocks_of(markdown: str) -> list[Block]:
    """Return the blocks of a Markdown text."""
    from markdown_it import MarkdownIt  # noqa: PLC0415 - only when a copy is made

    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    return list(_Reader(parser.parse(markdown)).blocks())


class _Reader:
    """Walks the tokens of a text."""

    def __init__(self, tokens: Sequence["Token"]) -> None:
        self._tokens = tokens
        self._lists: list[int | None] = []  # the next number of each list that is open; None for bullets
        self._quotes = 0
        self._marker = ""
        self._in_table = False
        self._rows: list[list[tuple[Run, ...]]] = []

    def blocks(self) -> Iterator[Block]:
        heading = 0
        for token in self._tokens:
            self._enter_or_leave(token)
            match token.type:
                case "heading_open":
                    heading = int(token.tag[1:])
                case "heading_close":
                    heading = 0
                case "inline" if self._in_table:
                    self._rows[-1].append(_runs(token.children or []))
                case "inline":
                    yield self._text(_runs(token.children or []), heading)
                case "fence" | "code_block":
                    yield Block("code", runs=(Run(clean(token.content.rstrip("\n")), code=True),))
                case "hr":
                    yield Block("rule")
                case "table_close":
                    yield _table(self._rows)
                    self._rows, self._in_table = [], False
                case _:
                    pass

    def _enter_or_leave(self, token: "Token") -> None:
        match token.type:
            case "bullet_list_open":
                self._lists.append(None)
            case "ordered_list_open":
                self._lists.append(int(token.attrGet("start") or 1))
            case "bullet_list_close" | "ordered_list_close":
                self._lists.pop()
            case "list_item_open":
                self._marker = self._next_marker(token)
            case "blockquote_open":
                self._quotes += 1
            case "blockquote_close":
                self._quotes -= 1
            case "table_open":
                self._in_table = True
            case "tr_open":
                self._rows.append([])
            case _:
                pass

    def _next_marker(self, token: "Token") -> str:
        number = self._lists[-1]
        if number is None:
            return "\u2022"
        self._lists[-1] = number + 1
        return f"{number}{token.markup or '.'}"

    def _text(self, runs: tuple[Run, ...], heading: int) -> Block:
        if heading:
            return Block("heading", heading, runs=runs)
        if self._lists:
            marker, self._marker = self._marker, ""
            return Block("item", min(len(self._lists) - 1, _DEEPEST), marker, runs)
        if self._quotes:
            return Block("quote", min(self._quotes - 1, _DEEPEST), runs=runs)
        return Block("paragraph", runs=runs)


def _table(rows: Sequence[Sequence[tuple[Run, ...]]]) -> Block:
    width = max((len(row) for row in rows), default=0)
    return Block("table", rows=tuple((*row, *([()] * (width - len(row)))) for row in rows))


def _runs(tokens: Sequence["Token"]) -> tuple[Run, ...]:
    found: list[Run] = []
    style = Run("")
    address = ""
    for token in tokens:
        style = replace(style, **_STYLES.get(token.type, {}))
        text = _words(token)
        if token.type == "link_open":
            address = str(token.attrGet("href") or "")
        elif token.type == "link_close" and not (found and address.removeprefix("mailto:") in found[-1].text):
            text = f" ({address})"
        if text:
            found.append(replace(style, text=clean(text), code=token.type == "code_inline"))
    return tuple(found)


def _words(token: "Token") -> str:
    """Return what is to be read of a part of a line."""
    match token.type:
        case "image":
            return f"[image: {token.content or token.attrGet('src') or ''}]"
        case "softbreak":
            return " "
        case "hardbreak":
            return "\n"
        case "s_open" | "s_close":
            return "~~"
        case _:
            return token.content
