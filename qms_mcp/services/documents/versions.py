"""Finding a version of a document the way people name it: `SOP-014`, `SOP-014 v3`, `DOC-2026-0007`, or an id."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from difflib import get_close_matches
from uuid import UUID

from qms_mcp.db.queries import query
from qms_mcp.db.transaction import Transaction
from qms_mcp.errors import InvalidInputError, NotFoundError
from qms_mcp.services.documents.sections import DocumentText, sections_of

_VERSION = query("document_control.version")
_NUMBERS = query("document_control.document_numbers")
_MOST_NUMBERS = 2_000
_REVISION = re.compile(r"(?i)^(?P<number>.+?)[\s,]+(?:v|ver\.?|version|rev\.?|revision)\s*\.?\s*(?P<revision>\d{1,6})$")


@dataclass(frozen=True, slots=True)
class DocumentVersion:
    """One version of a document.

    Attributes:
        number: Of its record: `DOC-2026-0007`.
        version: Of its record; `revision` is that of the document.
        replaced_by: What replaces it, as it is cited.
        replaced_by_itself: A later version of the same document does.
    """

    id: UUID
    document_number: str | None
    revision: int | None
    document_type: str | None
    content: str | None
    content_sha256: str | None
    effective_from: datetime | None
    effective_to: datetime | None
    planned_effective_on: date | None
    next_review_on: date | None
    change_summary: str | None
    obsolete_reason: str | None
    number: str
    version: int
    status: str
    title: str
    owner_id: UUID | None
    author: str | None
    owner: str | None
    replaced_by: str | None
    replaced_by_itself: bool | None

    @property
    def label(self) -> str:
        """How it is cited: `SOP-014 v3`; a document without a number by its record."""
        if self.document_number is None:
            return f"{self.number} v{self.version}"
        return f"{self.document_number} v{self.revision or 1}"


async def find_version(
    transaction: Transaction, reference: str, revision: int | None = None, *, newest: bool = False
) -> DocumentVersion:
    """Return a version; without a revision the effective one, else the latest that was not cancelled.

    Args:
        transaction: Of somebody who may read it.
        reference: What people call it.
        revision: Of the document.
        newest: Without a revision the latest one, effective or not.

    Raises:
        NotFoundError: There is no such document or version.
    """
    wanted = " ".join(reference.split())
    named = _REVISION.match(wanted)
    if revision is None and named:
        wanted, revision = named["number"], int(named["revision"])
    params = {"reference": wanted, "revision": revision, "newest": newest}
    found = await transaction.fetch_one(_VERSION, params, row=DocumentVersion)
    if found is None:
        raise NotFoundError(
            f"There is no document {wanted[:60]!r}{f' with version {revision}' if revision else ''}.",
            hint=await _which_there_are(transaction, wanted, revision),
        )
    return found


async def text_of(transaction: Transaction, version: DocumentVersion) -> DocumentText:
    """Return the text of a version with its sections.

    Raises:
        InvalidInputError: Its content is not kept here, only a hash of it or evidence that points to it.
    """
    if not (version.content or "").strip():
        raise InvalidInputError(
            f"{version.label} has no text here.", hint="ingest_document reads its file into a new version."
        )
    content = version.content or ""
    return DocumentText(version.label, content, await sections_of(transaction, content))


async def _which_there_are(transaction: Transaction, wanted: str, revision: int | None) -> str:
    if revision is not None:
        params = {"reference": wanted, "revision": None, "newest": False}
        there = await transaction.fetch_one(_VERSION, params, row=DocumentVersion)
        if there is not None:
            return f"There is {there.label} ({there.status})."
    rows = await transaction.fetch_dicts(_NUMBERS, {"max_rows": _MOST_NUMBERS})
    numbers = [str(row["document_number"]) for row in rows]
    close = get_close_matches(wanted.upper(), [number.upper() for number in numbers], n=3, cutoff=0.5)
    if close:
        return f"Did you mean {' or '.join(number for number in numbers if number.upper() in close)}?"
    return "list_records with type document lists them."
