"""The examination as a whole."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from qms_mcp.doctor.configuration import look_outside, read_settings
from qms_mcp.doctor.findings import Finding
from qms_mcp.doctor.machine import look_at_machine
from qms_mcp.home import default_home


async def examine(environment: Mapping[str, str], home: Path | None = None) -> AsyncIterator[Finding]:
    """Yield one finding after another; with settings that can't be used, only what needs none."""
    settings, found = read_settings(environment)
    place = home or (settings.qms_home if settings else None) or default_home()
    for finding in look_at_machine(place, embedded=settings is None or settings.embedded):
        yield finding
    for finding in found:
        yield finding
    if settings is None:
        return
    from qms_mcp.doctor.records import look_at_records  # noqa: PLC0415 - what it needs may be what is missing

    async for finding in look_at_records(settings, place):
        yield finding
    for finding in await look_outside(settings):
        yield finding
