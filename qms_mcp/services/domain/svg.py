"""Small self-contained SVG: text that is wrapped and escaped, boxes, lines, and colours for light and dark.

An image is 800 pixels wide and as high as it has to be; it loads nothing and runs nothing. Widths of words are
estimated, wide enough for the common sans-serif fonts. What a colour says is always said in words or shape too.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Literal
from xml.sax.saxutils import escape

WIDTH = 800
FONT = 14
LINE = 19
SMALL = 12
SMALL_LINE = 16

Kind = Literal["plain", "problem", "root", "group"]

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# Blue and vermillion of Okabe and Ito, each dark enough on white and light enough on near-black.
_STYLE = """
svg { --paper: #ffffff; --ink: #1a1a1a; --faint: #595959; --line: #767676; --box: #f4f4f4; --blue: #005f94;
 --red: #b34700; background: var(--paper); font-family: system-ui, "Segoe UI", "Noto Sans", Arial, sans-serif; }
@media (prefers-color-scheme: dark) {
 svg { --paper: #161616; --ink: #f2f2f2; --faint: #b8b8b8; --line: #8c8c8c; --box: #262626; --blue: #6cc4f5;
 --red: #ff9d4d; }
}
.paper { fill: var(--paper); } text { fill: var(--ink); font-size: 14px; }
.small { fill: var(--faint); font-size: 12px; }
.strong { font-weight: 600; } .plain { fill: var(--box); stroke: var(--line); }
.group { fill: none; stroke: var(--line); stroke-dasharray: 4 3; }
.problem { fill: var(--box); stroke: var(--blue); stroke-width: 2.5; }
.root { fill: var(--box); stroke: var(--red); stroke-width: 4; }
.line { stroke: var(--line); stroke-width: 1.5; fill: none; }
.spine { stroke: var(--blue); stroke-width: 4; fill: none; }
.gate { fill: var(--paper); stroke: var(--ink); stroke-width: 1.5; }
"""
_ARROW = (
    '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
    'orient="auto-start-reverse"><path d="M0,0 L8,4 L0,8 z" style="fill: var(--line)"/></marker></defs>'
)


def clean(text: str) -> str:
    """Return a text as it may stand in XML: escaped, without what XML can't hold."""
    return escape(_NOT_XML.sub("\ufffd", text), {'"': "&quot;", "'": "&#39;"})


def wrapped(text: str, width: float, *, font: int = FONT) -> list[str]:
    """Return the lines of a text that fit into a width; a word that is too long is broken."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        joined = f"{line} {word}" if line else word
        if _width(joined, font) <= width:
            line = joined
            continue
        if line:
            lines.append(line)
        *full, line = _broken(word, width, font)
        lines += full
    return [*lines, line] if line or not lines else lines


def _broken(word: str, width: float, font: int) -> list[str]:
    parts = [""]
    for letter in word:
        if parts[-1] and _width(parts[-1] + letter, font) > width:
            parts.append("")
        parts[-1] += letter
    return parts


def _width(text: str, font: int) -> float:
    return sum(_ems(letter) for letter in text) * font


def _ems(letter: str) -> float:
    if unicodedata.east_asian_width(letter) in {"W", "F"}:
        return 1.0
    if letter in "mwMW@%—":
        return 0.9
    return 0.68 if letter.isupper() else 0.55


class Block:
    """Lines of text of one kind in a column: a heading, a statement, its evidence.

    Args:
        parts: Texts with their class: "", "strong" or "small".
        width: How wide a line may be.
    """

    def __init__(self, parts: Iterable[tuple[str, str]], width: float) -> None:
        self._lines = [
            (line, style)
            for text, style in parts
            if text
            for line in wrapped(text, width, font=SMALL if style == "small" else FONT)
        ]

    @property
    def height(self) -> int:
        """How high all lines are."""
        return sum(SMALL_LINE if style == "small" else LINE for _, style in self._lines)

    def draw(self, x: float, y: float) -> list[str]:
        """Return the lines with their top at y."""
        drawn: list[str] = []
        for line, style in self._lines:
            y += SMALL_LINE if style == "small" else LINE
            styled = f' class="{style}"' if style else ""
            drawn.append(f'<text x="{x:g}" y="{y - 5:g}"{styled}>{clean(line)}</text>')
        return drawn


def box(x: float, y: float, width: float, height: float, kind: Kind = "plain") -> str:
    """Return a box with rounded corners."""
    return f'<rect class="{kind}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="6"/>'


def line(*points: tuple[float, float], style: str = "line", arrow: bool = False) -> str:
    """Return a line through points."""
    path = " ".join(f"{x:g},{y:g}" for x, y in points)
    end = ' marker-end="url(#arrow)"' if arrow else ""
    return f'<polyline class="{style}" points="{path}"{end}/>'


def image(body: Sequence[str], height: float, *, title: str, description: str) -> str:
    """Return a whole image."""
    size = f'viewBox="0 0 {WIDTH} {height:g}" width="{WIDTH}" height="{height:g}"'
    parts = (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-labelledby="title description">',
        f'<title id="title">{clean(title)}</title>',
        f'<desc id="description">{clean(description)}</desc>',
        f"<style>{_STYLE}</style>",
        _ARROW,
        f'<rect class="paper" width="{WIDTH}" height="{height:g}"/>',
        *body,
        "</svg>",
    )
    return "\n".join(parts)
