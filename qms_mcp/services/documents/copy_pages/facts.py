"""What stands on a controlled copy besides the content."""

from dataclasses import dataclass
from datetime import datetime

from qms_mcp.services.documents.copy_pages.blocks import Block


@dataclass(frozen=True, slots=True)
class CopiedSignature:
    """A signature as it is printed.

    Attributes:
        standing: What became of it: the record is what was signed, or it changed since.
    """

    name: str
    meaning: str
    at: str
    standing: str


@dataclass(frozen=True, slots=True)
class CopiedRevision:
    """A line of the revision history."""

    version: str
    state: str
    effective: str
    author: str
    change: str


@dataclass(frozen=True, slots=True)
class CopyFacts:
    """A copy, ready to be set.

    Attributes:
        about: The title block, as pairs of a name and a value.
        watermark: Lines across each page.
        issued: By whom and when; the only thing that differs between two copies of the same.
        hashes: Of the content and of the original file.
        notes: What a reader has to know of this copy.
    """

    organization: str
    label: str
    title: str
    state: str
    about: tuple[tuple[str, str], ...]
    watermark: tuple[str, ...]
    issued: str
    issued_at: datetime
    hashes: tuple[tuple[str, str], ...]
    blocks: tuple[Block, ...]
    signatures: tuple[CopiedSignature, ...]
    revisions: tuple[CopiedRevision, ...]
    notes: tuple[str, ...] = ()
