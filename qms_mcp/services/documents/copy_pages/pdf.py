"""A controlled copy as a PDF; `typesetting` says how it is set."""

from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from qms_mcp.services.documents.copy_pages.facts import CopyFacts
from qms_mcp.services.documents.copy_pages.typesetting import date_parts, typeset

_TEMPLATE: Final = Path(__file__).with_name("copy.typ")
_UNPRINTABLE = (
    "{count} different characters of this document are in no font of the machine that made this copy. They stand as "
    "their code points, like [U+0041]; the HTML copy and the content itself have them."
)


def render_pdf(facts: CopyFacts) -> tuple[bytes, int]:
    """Return the PDF, and how many different characters stand in it as their code points.

    Raises:
        InvalidInputError: The text can't be set.
    """

    def values(unprintable: int) -> dict[str, Any]:
        notes = (*facts.notes, *((_UNPRINTABLE.format(count=unprintable),) if unprintable else ()))
        return {**asdict(facts), "issued_at": date_parts(facts.issued_at), "notes": notes}

    return typeset(_TEMPLATE.read_bytes(), "copy", values, facts.issued_at)
