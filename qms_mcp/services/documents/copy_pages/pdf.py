"""A controlled copy as a PDF (PDF/A-2b), set by typst.

The template is fixed and what varies reaches it as JSON, so that no text can become markup or code; there is no file to
read, no network and no package. The fonts are those typst brings along, which have Latin, Greek and Cyrillic; only when
a character is missing in them are the fonts of the machine looked at, and what those lack too stands as its code point.
"""

import json
import re
import tempfile
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from qms_mcp.errors import InvalidInputError
from qms_mcp.services.documents.copy_pages.facts import CopyFacts

if TYPE_CHECKING:
    from typst import Fonts

_TEMPLATE: Final = Path(__file__).with_name("copy.typ")
_MISSING = re.compile(r'the text `"((?:[^"\\]|\\.)*)"` could not be displayed')
_ESCAPED = re.compile(r"\\u\{([0-9a-f]{1,6})\}")
_TURNS = 4
_UNPRINTABLE = (
    "{count} different characters of this document are in no font of the machine that made this copy. They stand as "
    "their code points, like [U+0041]; the HTML copy and the content itself have them."
)
_STANDARD: Final = "a-2b"


def render_pdf(facts: CopyFacts) -> tuple[bytes, int]:
    """Return the PDF, and how many different characters stand in it as their code points.

    Raises:
        InvalidInputError: The text can't be set.
    """
    missing: set[str] = set()
    for turn in range(_TURNS):
        copy = _as_json(_noted(facts, missing), missing)
        made, lacking = _compile(copy, facts.issued_at, system_fonts=turn > 0)
        if made is not None:
            return made, len(missing)
        # The first time, the fonts of the machine are still to be asked.
        missing |= lacking if turn else set()
    raise InvalidInputError("The text can't be set as a PDF.", hint="Make the copy as HTML.")


def _compile(copy: str, issued_at: datetime, *, system_fonts: bool) -> tuple[bytes | None, set[str]]:
    """Return the PDF, or the characters no font has."""
    import typst  # noqa: PLC0415 - only when a copy is made

    with tempfile.TemporaryDirectory(prefix="qms-copy-") as empty:
        try:
            compiler = typst.Compiler(
                _TEMPLATE.read_bytes(),
                root=empty,
                package_path=empty,
                package_cache_path=empty,
                font_paths=_fonts(system=system_fonts),
                sys_inputs={"copy": copy},
            )
            made, _warnings = compiler.compile_with_warnings(
                format="pdf", timestamp=int(issued_at.timestamp()), pdf_standards=[_STANDARD]
            )
        except typst.TypstError as refused:
            lacking = {_unescaped(found) for found in _MISSING.findall(str(refused.diagnostic))}
            if not lacking:
                raise InvalidInputError(
                    f"The text can't be set as a PDF: {str(refused.message)[:200]}", hint="Make the copy as HTML."
                ) from None
            return None, lacking
    return cast("bytes", made), set()


@cache
def _fonts(*, system: bool) -> "Fonts":
    from typst import Fonts  # noqa: PLC0415

    return Fonts(include_system_fonts=system, include_embedded_fonts=True)


def _noted(facts: CopyFacts, missing: set[str]) -> dict[str, Any]:
    at = facts.issued_at.astimezone(UTC)
    noted: dict[str, Any] = {
        **asdict(facts),
        "issued_at": [at.year, at.month, at.day, at.hour, at.minute, at.second],
    }
    if missing:
        noted["notes"] = [
            *facts.notes,
            _UNPRINTABLE.format(count=len(missing)),
        ]
    return noted


def _as_json(copy: dict[str, Any], missing: set[str]) -> str:
    clusters = sorted(missing, key=len, reverse=True)
    instead = {one: "".join(f"[U+{ord(character):04X}]" for character in one) for one in clusters}
    pattern = re.compile("|".join(re.escape(one) for one in clusters)) if clusters else None

    def spelled(held: Any) -> Any:
        if isinstance(held, str):
            return pattern.sub(lambda found: instead[found[0]], held) if pattern else held
        if isinstance(held, dict):
            return {name: spelled(value) for name, value in cast("dict[str, Any]", held).items()}
        if isinstance(held, (list, tuple)):
            return [spelled(value) for value in cast("list[Any]", held)]
        return held

    return json.dumps(spelled(copy), ensure_ascii=False)


def _unescaped(shown: str) -> str:
    """Return what a message of typst quotes."""
    text = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), shown)
    return re.sub(r"\\(.)", r"\1", text)
