"""Setting a PDF (PDF/A-2b) by typst, from a fixed template and values that reach it as JSON.

So no text can become markup or code; there is no file to read, no network and no package. The fonts are those typst
brings along, which have Latin, Greek and Cyrillic; only when a character is missing in them are the fonts of the
machine looked at, and what those lack too stands as its code point.
"""

import json
import re
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final, cast

from qms_mcp.errors import InvalidInputError

if TYPE_CHECKING:
    from typst import Fonts

_MISSING = re.compile(r'the text `"((?:[^"\\]|\\.)*)"` could not be displayed')
_ESCAPED = re.compile(r"\\u\{([0-9a-f]{1,6})\}")
_TURNS = 4
_STANDARD: Final = "a-2b"
# Given how many different characters no font has, the values to set.
Values = Callable[[int], dict[str, Any]]


def typeset(
    template: bytes,
    name: str,
    values: Values,
    at: datetime,
    *,
    as_they_are: Mapping[str, str] | None = None,
    instead: str = "Make the copy as HTML.",
) -> tuple[bytes, int]:
    """Return the PDF, and how many different characters stand in it as their code points.

    Args:
        template: Of typst; it reads the values with `json(bytes(sys.inputs.at(name)))`.
        name: What the values are called in it.
        values: What to set; asked again when characters turn out to be in no font.
        at: The time the PDF says it is of.
        as_they_are: More inputs, that are no text to set: drawings.
        instead: What to do when it can't be set.

    Raises:
        InvalidInputError: The text can't be set.
    """
    missing: set[str] = set()
    for turn in range(_TURNS):
        inputs = {**(as_they_are or {}), name: _as_json(values(len(missing)), missing)}
        made, lacking = _compile(template, inputs, at, instead, system_fonts=turn > 0)
        if made is not None:
            return made, len(missing)
        # The first time, the fonts of the machine are still to be asked.
        missing |= lacking if turn else set()
    raise InvalidInputError("The text can't be set as a PDF.", hint=instead)


def date_parts(at: datetime) -> list[int]:
    """Return a moment as a template reads it."""
    utc = at.astimezone(UTC)
    return [utc.year, utc.month, utc.day, utc.hour, utc.minute, utc.second]


def _compile(
    template: bytes, inputs: dict[str, str], at: datetime, instead: str, *, system_fonts: bool
) -> tuple[bytes | None, set[str]]:
    """Return the PDF, or the characters no font has."""
    import typst  # noqa: PLC0415 - only when a page is set

    with tempfile.TemporaryDirectory(prefix="qms-copy-") as empty:
        try:
            compiler = typst.Compiler(
                template,
                root=empty,
                package_path=empty,
                package_cache_path=empty,
                font_paths=_fonts(system=system_fonts),
                sys_inputs=inputs,
            )
            made, _warnings = compiler.compile_with_warnings(
                format="pdf", timestamp=int(at.timestamp()), pdf_standards=[_STANDARD]
            )
        except typst.TypstError as refused:
            lacking = {_unescaped(found) for found in _MISSING.findall(str(refused.diagnostic))}
            if not lacking:
                raise InvalidInputError(
                    f"The text can't be set as a PDF: {str(refused.message)[:200]}", hint=instead
                ) from None
            return None, lacking
    return cast("bytes", made), set()


@cache
def _fonts(*, system: bool) -> "Fonts":
    from typst import Fonts  # noqa: PLC0415

    return Fonts(include_system_fonts=system, include_embedded_fonts=True)


def _as_json(held: dict[str, Any], missing: set[str]) -> str:
    clusters = sorted(missing, key=len, reverse=True)
    instead = {one: "".join(f"[U+{ord(character):04X}]" for character in one) for one in clusters}
    pattern = re.compile("|".join(re.escape(one) for one in clusters)) if clusters else None

    def spelled(value: Any) -> Any:
        if isinstance(value, str):
            return pattern.sub(lambda found: instead[found[0]], value) if pattern else value
        if isinstance(value, dict):
            return {name: spelled(one) for name, one in cast("dict[str, Any]", value).items()}
        if isinstance(value, (list, tuple)):
            return [spelled(one) for one in cast("list[Any]", value)]
        return value

    return json.dumps(spelled(held), ensure_ascii=False)


def _unescaped(shown: str) -> str:
    """Return what a message of typst quotes."""
    text = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), shown)
    return re.sub(r"\\(.)", r"\1", text)
