"""A report as one page of HTML: it loads nothing and runs nothing, reads in light and dark, and prints."""

import base64
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from qms_mcp.services.reports.content import Report
from qms_mcp.services.reports.pages.layout import (
    NUMBER_COLUMNS,
    SOURCES,
    SOURCES_SAY,
    Sources,
    about,
    cell_text,
    fact_rows,
    one_line,
)

if TYPE_CHECKING:
    from jinja2 import Environment

_FOLDER: Final = Path(__file__).parent


def render_html(report: Report) -> bytes:
    """Return the page."""
    page = _environment().get_template("report.html")
    return page.render(
        report=report,
        about=about(report),
        fact_rows=fact_rows,
        sources=Sources.of(report),
        number_columns=NUMBER_COLUMNS,
        sources_title=SOURCES,
        sources_say=SOURCES_SAY,
    ).encode()


def _plain(text: str) -> str:
    """Return a text as it may stand between the quotes of a style sheet."""
    return re.sub(r"[^\w .,:()/-]", "", one_line(text))


def _as_address(svg: bytes) -> str:
    """Return a drawing as a data address: as an image, nothing in it can run or load."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}"


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 - only when a report is made

    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update({"cell": cell_text, "line": one_line, "address": _as_address, "plain": _plain})
    return environment
