"""Files read in the process of the test: the same code as in the child, without the time it takes to start one."""

from dataclasses import asdict

from qms_mcp.services.documents.parsing.models import Limits, Parsed
from qms_mcp.services.documents.parsing.reading import Allowed, read
from qms_mcp.services.documents.parsing.refusals import RefusedError
from qms_mcp.services.documents.parsing.running import refused


async def parse_here(content: bytes, file_name: str, *, limits: Limits) -> Parsed:
    """Read a file as `parse` does."""
    if not content:
        raise refused("empty", "", file_name)
    try:
        return Parsed.model_validate(asdict(read(content, file_name, Allowed(**limits.model_dump()))))
    except RefusedError as refusal:
        raise refused(refusal.reason, refusal.detail, file_name) from None
