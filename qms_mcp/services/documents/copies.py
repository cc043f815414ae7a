"""Controlled copies: a version of a document as a page to print, with its signatures, its history and its state on it.

A copy says on each page what it is: valid on the day of printing, a draft, or superseded by what. That it was made is
an entry in the trail of the document, with the sha256 of the file. The same version gives the same bytes, but for the
line that says who made it and when.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import anyio.to_thread

from qms_mcp.auth.principal import Principal
from qms_mcp.db.queries import query
from qms_mcp.db.transaction import Transaction
from qms_mcp.errors import ConflictError
from qms_mcp.services.documents.copy_pages.blocks import Block, blocks_of, clean
from qms_mcp.services.documents.copy_pages.facts import CopiedRevision, CopiedSignature, CopyFacts
from qms_mcp.services.documents.versions import DocumentVersion, find_version, text_of
from qms_mcp.services.records.writing import check_reason

if TYPE_CHECKING:
    from qms_mcp.db.database import Database

CopyForm: TypeAlias = Literal["pdf", "html"]
MEDIA_TYPES: dict[CopyForm, str] = {"pdf": "application/pdf", "html": "text/html; charset=utf-8"}

_REVISIONS = query("document_control.revisions")
_SIGNATURES = query("signing.statuses")
_ORIGINALS = query("document_control.originals")
_ISSUING = query("document_control.issuing")
_NOTE = query("document_control.note_copy")
_MOST_REVISIONS = 200
_NOT_FOR_USE = {
    "draft": "DRAFT",
    "in_review": "IN REVIEW",
    "approved": "APPROVED, NOT YET EFFECTIVE",
    "cancelled": "CANCELLED",
}


@dataclass(frozen=True, slots=True)
class ControlledCopy:
    """A copy that was made.

    Attributes:
        unprintable: How many different characters stand in it as their code points.
    """

    label: str
    record_id: UUID
    state: str
    file_name: str
    media_type: str
    content: bytes
    sha256: str
    unprintable: int = 0


@dataclass(frozen=True, slots=True)
class _Issuing:
    organization: str
    zone: str
    person: str | None
    at: datetime


class Copies:
    """Makes controlled copies."""

    def __init__(self, database: "Database") -> None:
        self._database = database

    async def issue(
        self,
        principal: Principal,
        document: str,
        *,
        version: int | None = None,
        form: CopyForm = "pdf",
        reason: str = "a controlled copy was asked for",
    ) -> ControlledCopy:
        """Return a copy of a version (the effective one if none is named) and note it in the trail.

        Raises:
            ConflictError: The version changed while it was copied.
            InvalidInputError: It has no text here, or the text can't be set as a PDF.
            NotFoundError: There is no such document or version.
        """
        check_reason(reason)
        async with self._database.transaction(principal, read_only=True) as transaction:
            found = await find_version(transaction, document, version)
            text = await text_of(transaction, found)
            facts = await _facts(transaction, found, principal.user_id)
        blocks = await anyio.to_thread.run_sync(blocks_of, text.content)
        content, unprintable = await anyio.to_thread.run_sync(render, facts(tuple(blocks)), form)
        made = ControlledCopy(
            label=found.label,
            record_id=found.id,
            state=found.status,
            file_name=f"{re.sub(r'[^A-Za-z0-9.-]+', '-', found.label).strip('-')}.{form}",
            media_type=MEDIA_TYPES[form],
            content=content,
            sha256=hashlib.sha256(content).hexdigest(),
            unprintable=unprintable,
        )
        await self._note(principal, found, made, form, reason)
        return made

    async def _note(
        self, principal: Principal, found: DocumentVersion, made: ControlledCopy, form: CopyForm, reason: str
    ) -> None:
        details = {
            "what": "controlled copy", "document": made.label, "state": made.state, "format": form,
            "bytes": len(made.content), "sha256": made.sha256,
        }  # fmt: skip
        async with self._database.transaction(principal, because=reason) as transaction:
            now = await find_version(transaction, str(found.id))
            if (now.version, now.status) != (found.version, found.status):
                raise ConflictError(f"{found.label} changed while it was copied.", hint="Ask for the copy again.")
            await transaction.execute(_NOTE, {"document_id": found.id, "details": json.dumps(details)})


def render(facts: CopyFacts, form: CopyForm) -> tuple[bytes, int]:
    """Return a copy as bytes, and how many different characters could not be printed."""
    if form == "html":
        from qms_mcp.services.documents.copy_pages.html import render_html  # noqa: PLC0415 - only what is wanted

        return render_html(facts), 0
    from qms_mcp.services.documents.copy_pages.pdf import render_pdf  # noqa: PLC0415

    return render_pdf(facts)


def watermark(found: DocumentVersion, day: str) -> tuple[str, ...]:
    """Return what stands across each page of a copy."""
    match found.status:
        case "effective":
            return f"CONTROLLED COPY {day}", "valid on the day of printing"
        case "superseded":
            return (f"SUPERSEDED by {_successor(found)}" if found.replaced_by else "SUPERSEDED", "NOT FOR USE")
        case "obsolete":
            return "OBSOLETE", "NOT FOR USE"
        case state:
            return _NOT_FOR_USE.get(state, state.upper().replace("_", " ")), "NOT FOR USE"


def _successor(found: DocumentVersion) -> str:
    name = found.replaced_by or ""
    return name.rpartition(" ")[2] if found.replaced_by_itself else name


async def _facts(transaction: Transaction, found: DocumentVersion, person: UUID) -> "_Facts":
    revisions = await transaction.fetch_dicts(
        _REVISIONS,
        {"document_id": found.id, "document_number": found.document_number, "max_rows": _MOST_REVISIONS},
    )
    signatures = await transaction.fetch_dicts(_SIGNATURES, {"record_id": found.id})
    originals = await transaction.fetch_dicts(_ORIGINALS, {"document_id": found.id})
    issuing = await transaction.fetch_one(_ISSUING, {"person": person}, row=_Issuing)
    if issuing is None:
        raise RuntimeError("a transaction without an organization")
    return _Facts(found, issuing, revisions, signatures, originals)


@dataclass(frozen=True, slots=True)
class _Facts:
    """What was read for a copy; called with the blocks it becomes the copy."""

    found: DocumentVersion
    issuing: _Issuing
    revisions: list[dict[str, Any]]
    signatures: list[dict[str, Any]]
    originals: list[dict[str, Any]]

    def __call__(self, blocks: tuple[Block, ...]) -> CopyFacts:
        found, issuing = self.found, self.issuing
        content_sha256 = hashlib.sha256((found.content or "").encode()).hexdigest()
        day = _local(issuing.at, issuing.zone).strftime("%Y-%m-%d")
        return CopyFacts(
            organization=clean(issuing.organization),
            label=clean(found.label),
            title=clean(found.title),
            state=found.status.replace("_", " "),
            about=tuple((name, clean(value)) for name, value in self._about() if value),
            watermark=tuple(clean(line) for line in watermark(found, day)),
            issued=clean(f"Copy made by {issuing.person or 'the system'}, {_moment(issuing.at, issuing.zone)}"),
            issued_at=issuing.at.replace(microsecond=0),
            hashes=(
                ("sha256 of the content", content_sha256),
                *((f"sha256 of {clean(one['file_name'])}", str(one["sha256"])) for one in self.originals),
            ),
            blocks=blocks,
            signatures=tuple(_signature(one) for one in self.signatures),
            revisions=tuple(_revision(one, issuing.zone) for one in self.revisions),
            notes=self._notes(content_sha256),
        )

    def _about(self) -> list[tuple[str, str]]:
        found, zone = self.found, self.issuing.zone
        return [
            ("Document", found.label),
            ("Type", found.document_type or ""),
            ("State", found.status.replace("_", " ")),
            ("Effective from", _day(found.effective_from, zone) or _planned(found)),
            ("Effective until", _day(found.effective_to, zone)),
            ("Next review", str(found.next_review_on or "")),
            ("Author", found.author or ""),
            ("Owner", found.owner or ""),
            ("Change", found.change_summary or ""),
            ("Replaced by", found.replaced_by or ""),
            ("Why withdrawn", found.obsolete_reason or ""),
            ("Record", f"{found.number} v{found.version}"),
        ]

    def _notes(self, content_sha256: str) -> tuple[str, ...]:
        if self.found.content_sha256 in (None, content_sha256):
            return ()
        return (f"The recorded sha256 of this version is another one: {self.found.content_sha256}.",)


def _planned(found: DocumentVersion) -> str:
    return f"planned: {found.planned_effective_on}" if found.planned_effective_on else ""


def _signature(one: dict[str, Any]) -> CopiedSignature:
    standing = {
        "valid": "valid: the record is what was signed",
        "content_changed": "the content changed since: " + ", ".join(one["changed"] or []),
        "broken": "broken: the signature was altered",
    }[one["status"]]
    verdict = "" if one["verdict"] == "signed" else f" ({one['verdict']}: {one['reason']})"
    unsigned = "" if one["components"] else ", recorded without a password"
    return CopiedSignature(
        name=clean(one["printed_name"]),
        meaning=clean(f"{one['meaning']}{unsigned}{verdict}"),
        at=_moment(one["signed_at"], one["zone"]),
        standing=clean(standing),
    )


def _revision(one: dict[str, Any], zone: str) -> CopiedRevision:
    days = [_day(one["effective_from"], zone), _day(one["effective_to"], zone)]
    return CopiedRevision(
        version=f"v{one['revision']}" if one["revision"] else one["number"],
        state=one["status"].replace("_", " "),
        effective=" to ".join(day for day in days if day),
        author=clean(one["author"] or ""),
        change=clean(one["change_summary"] or ""),
    )


def _local(at: datetime, zone: str) -> datetime:
    try:
        return at.astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError):
        return at.astimezone(ZoneInfo("UTC"))


def _moment(at: datetime, zone: str) -> str:
    return f"{_local(at, zone):%Y-%m-%d %H:%M:%S} {zone}"


def _day(at: datetime | None, zone: str) -> str:
    return f"{_local(at, zone):%Y-%m-%d}" if at else ""
