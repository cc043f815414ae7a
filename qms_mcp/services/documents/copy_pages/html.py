"""A controlled copy as one page of HTML that loads nothing, runs nothing and prints with its watermark."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from qms_mcp.services.documents.copy_pages.facts import CopyFacts

if TYPE_CHECKING:
    from jinja2 import Environment

_FOLDER: Final = Path(__file__).parent


def render_html(facts: CopyFacts) -> bytes:
    """Return the page."""
    return _environment().get_template("copy.html").render(copy=facts).encode()


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 - only when a copy is made

    return Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
