"""Templates: escaped everywhere, and characters a screen would obey or hide are spelled out."""

from functools import cache
from pathlib import Path
from typing import Any, Final, cast
from zoneinfo import available_timezones

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from qms_mcp.page.showing import when
from qms_mcp.services.outcomes import visible

_FOLDER: Final = Path(__file__).with_name("templates")
STYLE: Final = (_FOLDER / "page.css").read_bytes()


def render(template: str, **values: Any) -> str:
    """Return a page."""
    return _environment().get_template(template).render(**values)


@cache
def zones() -> list[str]:
    """Return the IANA zones a person can choose."""
    return [
        "UTC",
        *sorted(z for z in available_timezones() if "/" in z and not z.startswith(("Etc/", "posix", "right"))),
    ]


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # jinja2 types its filters as those it brings along
    cast("dict[str, Any]", environment.filters)["when"] = when
    return environment


def _finalize(value: Any) -> Any:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
