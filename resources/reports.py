"""The files of quality reports, to be downloaded."""

from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.resources import ResourceSecurity

from qms_mcp.context import Ctx, caller, services
from qms_mcp.errors import InvalidInputError
from qms_mcp.protocol_errors import in_protocol_words

_NO_PATHS = ResourceSecurity(exempt_params={"number", "version"})
_MOST_DIGITS = 6


def install(server: MCPServer[Any]) -> None:
    """Add the files."""
    for form, media_type, title, page in (
        ("pdf", "application/pdf", "PDF of a quality report", pdf_of),
        ("html", "text/html", "HTML of a quality report", html_of),
    ):
        server.resource(
            f"qms://report/{{number}}/v{{version}}/{form}",
            name=f"report_{form}",
            title=title,
            description=f"A version of a report (QR-2026-10, version 1) as {form.upper()}, byte for byte as kept.",
            mime_type=media_type,
            security=_NO_PATHS,
        )(page)


async def pdf_of(number: str, version: str, ctx: Ctx) -> bytes:
    """Return the PDF of a report."""
    with in_protocol_words():
        return await services(ctx).reports.file(caller(ctx), number, _revision(version), "pdf")


async def html_of(number: str, version: str, ctx: Ctx) -> str:
    """Return the HTML of a report."""
    with in_protocol_words():
        return (await services(ctx).reports.file(caller(ctx), number, _revision(version), "html")).decode()


def _revision(version: str) -> int:
    if not version.isdecimal() or len(version) > _MOST_DIGITS:
        raise InvalidInputError(f"{version[:20]!r} is no version.", hint="Write v1.")
    return int(version)
