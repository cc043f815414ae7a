"""What meanings look like: a colour in light and dark, and a shape or a dash beside it.

Hues are those of Okabe and Ito (2008), which people with the usual colour vision deficiencies tell apart; they are
darkened for a white ground and lightened for a dark one until lines have a contrast of 3:1 and words one of 4.5:1.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from qms_mcp.pictures.model import Format, LevelKind, Role, Theme

Colours: TypeAlias = Mapping[str, str]
Dash: TypeAlias = tuple[float, tuple[float, ...]] | str


class Both(NamedTuple):
    """A colour on a light and on a dark ground."""

    light: str
    dark: str


COLOURS: Mapping[str, Both] = MappingProxyType(
    {
        "paper": Both("#ffffff", "#14181d"),
        "ink": Both("#1b1f24", "#e9ecf0"),
        "soft": Both("#57606a", "#a9b2bc"),
        "axis": Both("#878f98", "#6f7a86"),
        "grid": Both("#e7e9ec", "#2a3138"),
        "data": Both("#0072b2", "#5ab4e8"),
        "second": Both("#a3417e", "#e08fc0"),
        "third": Both("#8f6200", "#e6a417"),
        "muted": Both("#6b747d", "#98a2ad"),
        "signal": Both("#c23b00", "#ff8a5c"),
        "good": Both("#00795a", "#35c79f"),
        "center": Both("#3c4650", "#c7ced6"),
        "control": Both("#b03608", "#ff9468"),
        "warning": Both("#8a5f00", "#e2b13c"),
        "spec": Both("#00664b", "#3fd0a8"),
        "target": Both("#00664c", "#3fd0a9"),
        "fit": Both("#a3417f", "#e08fc1"),
    }
)

MARKERS: Mapping[Role, str] = MappingProxyType(
    {"data": "o", "second": "s", "third": "^", "muted": "x", "signal": "D", "good": "P"}
)
DASHES: Mapping[Role, Dash] = MappingProxyType(
    {
        "data": "-",
        "second": (0, (7, 2)),
        "third": (0, (2, 2)),
        "muted": (0, (1, 1.5)),
        "signal": (0, (5, 1.5, 1, 1.5)),
        "good": (0, (10, 2)),
    }
)
HATCHES: Mapping[Role, str] = MappingProxyType(
    {"data": "", "second": "////", "third": "....", "muted": "", "signal": "xxxx", "good": "\\\\\\\\"}
)


class LevelLook(NamedTuple):
    """How a limit is drawn."""

    dash: Dash
    width: float


LEVELS: Mapping[LevelKind, LevelLook] = MappingProxyType(
    {
        "center": LevelLook("-", 1.3),
        "control": LevelLook((0, (6, 3)), 1.5),
        "warning": LevelLook((0, (1.5, 2.5)), 1.3),
        "spec": LevelLook((0, (11, 3, 2, 3)), 1.9),
        "target": LevelLook((0, (4, 2, 1, 2, 1, 2)), 1.3),
        "fit": LevelLook((0, (9, 2.5)), 1.9),
    }
)


def colours(form: Format, theme: Theme) -> Colours:
    """Return the colours to draw with. For SVG they only stand for their names, which `svg` puts in their place."""
    if form == "svg":
        return {name: f"#fe{number:02x}7b" for number, name in enumerate(COLOURS)}
    return {name: both.light if theme == "light" else both.dark for name, both in COLOURS.items()}


def name_of(stand_in: str) -> str | None:
    """Return the name of the colour a stand-in of `colours("svg", ...)` is for."""
    return {value: name for name, value in colours("svg", "light").items()}.get(stand_in)
