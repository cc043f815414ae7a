"""Words in a picture: made safe to draw, measured, broken into lines.

Measured is with DejaVu Sans, which comes with matplotlib and is wider than the fonts browsers use, so what fits here
fits there. It has no Chinese, Arabic or emoji. In an SVG the reader's fonts show them: while drawing, every such
character has a stand-in that is swapped back at the end. In a PNG an installed font shows them, or a box does.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from qms_mcp.pictures.model import Format, Picture

if TYPE_CHECKING:
    from matplotlib.ft2font import FT2Font

Weight: TypeAlias = Literal["normal", "bold"]
FAMILY = "DejaVu Sans"
# Fonts that have what DejaVu lacks, the usual ones of Linux, Windows and macOS; colour fonts cannot be drawn with.
_WIDER = (
    "Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "Noto Sans JP", "WenQuanYi Micro Hei",
    "Droid Sans Fallback", "Microsoft YaHei", "Yu Gothic", "Malgun Gothic", "PingFang SC", "Hiragino Sans",
    "Noto Sans Arabic", "Noto Naskh Arabic", "Noto Sans Hebrew", "Noto Sans Thai", "Noto Sans Devanagari",
    "Noto Emoji", "Symbola", "Arial Unicode MS", "FreeSans", "Segoe UI", "Segoe UI Symbol",
)  # fmt: skip
_BOX = "□"  # a white square, which DejaVu has
_STAND_INS = [*map(chr, range(0x2800, 0x2900)), *map(chr, range(0x4DC0, 0x4E00)), *map(chr, range(0x2200, 0x2300))]
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069\u200e\u200f\ufeff]")  # they would turn the words around them
_LONGEST = 600
_NAMED = 8


@cache
def _font(weight: Weight) -> "FT2Font":
    from matplotlib import get_data_path  # noqa: PLC0415
    from matplotlib.ft2font import FT2Font  # noqa: PLC0415

    return FT2Font(f"{get_data_path()}/fonts/ttf/DejaVuSans{'-Bold' if weight == 'bold' else ''}.ttf")


@cache
def _has(weight: Weight) -> frozenset[int]:
    return frozenset(int(code) for code in _font(weight).get_charmap())


@cache
def _advance(letter: str, weight: Weight) -> float:
    """Return how far a letter moves the pen, in units of the size of the font; one DejaVu lacks is counted as wide."""
    if ord(letter) not in _has(weight):
        return 1.0
    font = _font(weight)
    font.set_size(100, 72)
    return float(font.load_char(ord(letter)).linearHoriAdvance) / 65536 / 100


def width_of(text: str, size: float, weight: Weight = "normal") -> float:
    """Return the width of a line of text in pixels."""
    return size * sum(_advance(letter, weight) for letter in text)


def cleaned(text: str) -> str:
    """Return text on one line without what cannot be drawn: controls, lone surrogates, marks that turn direction."""
    text = _TURNING.sub("", unicodedata.normalize("NFC", text)[:_LONGEST])
    text = "".join(
        " " if unicodedata.category(letter) in {"Cc", "Zl", "Zp"} or letter == "\xa0" else letter for letter in text
    )
    text = "".join("�" if unicodedata.category(letter) in {"Cs", "Cn"} else letter for letter in text)
    return " ".join(text.split())


class Words:
    """The words of one picture, as they can be drawn.

    Attributes:
        families: The fonts to draw with, the first that has a letter counts.
        note: What has to be said of letters that could not be shown; empty if all can.
    """

    def __init__(self, picture: Picture, form: Format) -> None:
        letters = set(cleaned_all(picture))
        missing = sorted(letter for letter in letters if ord(letter) not in _has("normal") & _has("bold"))
        self.families: tuple[str, ...] = (FAMILY,)
        self.note = ""
        self._shown: dict[str, str] = {}
        self._meant: dict[str, str] = {}
        if form == "svg":
            free = (letter for letter in _STAND_INS if letter not in letters and ord(letter) in _has("bold"))
            pairs = list(zip(missing, free, strict=False))
            self._shown = dict.fromkeys(missing, _BOX) | dict(pairs)
            self._meant = {stand_in: letter for letter, stand_in in pairs}
        elif missing:
            self._look_wider(missing)

    def shown(self, text: str) -> str:
        """Return text as it is handed to the drawing."""
        return "".join(self._shown.get(letter, letter) for letter in cleaned(text))

    def meant(self, drawn: str) -> str:
        """Return what a drawn text stands for."""
        return "".join(self._meant.get(letter, letter) for letter in drawn)

    def _look_wider(self, missing: Sequence[str]) -> None:
        """Find installed fonts for missing letters; a box takes the place of the others."""
        left, families = list(missing), [FAMILY]
        for family in _WIDER:
            has = _installed(family)
            if found := [letter for letter in left if ord(letter) in has]:
                families.append(family)
                left = [letter for letter in left if letter not in found]
        self.families = tuple(families)
        self._shown = dict.fromkeys(left, _BOX)
        if left:
            codes = " ".join(f"U+{ord(letter):04X}" for letter in left[:_NAMED])
            more = " ..." if len(left) > _NAMED else ""
            self.note = f"{_BOX} stands for letters no font here has: {codes}{more}"


@cache
def _installed(family: str) -> frozenset[int]:
    """Return the letters an installed font has; none if it is not installed."""
    from matplotlib.font_manager import FontProperties, fontManager  # noqa: PLC0415
    from matplotlib.ft2font import FT2Font  # noqa: PLC0415

    if family not in {entry.name for entry in fontManager.ttflist}:
        return frozenset()
    path = cast("Any", fontManager).findfont(FontProperties(family=[family]), fallback_to_default=False)
    return frozenset(int(code) for code in FT2Font(path).get_charmap())


def cleaned_all(picture: Picture) -> str:
    """Return every letter of a picture's words, cleaned."""
    return "".join(cleaned(text) for text in _texts(picture.model_dump(exclude={"alt"})))


def _texts(part: Any) -> Iterable[str]:
    if isinstance(part, str):
        yield part
    elif isinstance(part, dict):
        for inner in part.values():  # pyright: ignore[reportUnknownVariableType]
            yield from _texts(inner)
    elif isinstance(part, (tuple, list)) and part and not isinstance(part[0], (int, float)):  # pyright: ignore[reportUnknownArgumentType]
        for inner in part:  # pyright: ignore[reportUnknownVariableType]
            yield from _texts(inner)


def fitted(text: str, size: float, room: float, weight: Weight = "normal") -> str:
    """Return a line that fits into so many pixels, with an ellipsis where it was cut."""
    if width_of(text, size, weight) <= room:
        return text
    ellipsis = width_of("…", size, weight)
    used = 0.0
    for place, letter in enumerate(text):
        used += width_of(letter, size, weight)
        if used + ellipsis > room:
            return text[:place].rstrip() + "…"
    return text


def wrapped(text: str, size: float, room: float, *, lines: int, weight: Weight = "normal") -> list[str]:
    """Break text into lines that fit into so many pixels: at spaces, and in a word only where one is too long.

    Args:
        text: On one line.
        size: Of the letters, in pixels.
        room: The width of a line, in pixels.
        lines: At most; the last one ends in an ellipsis if there was more.
        weight: Of the letters.
    """
    broken: list[str] = []
    line = ""
    for word in _pieces(text, size, room, weight):
        joined = f"{line} {word}" if line else word
        if width_of(joined, size, weight) <= room:
            line = joined
        else:
            broken.append(line)
            line = word
    broken.append(line)
    if len(broken) > lines:
        broken[lines - 1] = fitted(f"{broken[lines - 1]} {broken[lines]}" + "…", size, room, weight)
        if not broken[lines - 1].endswith("…"):
            broken[lines - 1] += "…"
    return [line for line in broken[:lines] if line]


def _pieces(text: str, size: float, room: float, weight: Weight) -> Iterable[str]:
    """Yield the words of a text, those too long for a line in parts."""
    for word in text.split():
        rest = word
        while width_of(rest, size, weight) > room and len(rest) > 1:
            cut = max(1, len(fitted(rest, size, room, weight)) - 1)
            yield rest[:cut]
            rest = rest[cut:]
        yield rest
