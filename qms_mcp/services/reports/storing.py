"""Keeping a report: the next version of a controlled document, with its PDF as original and its HTML attached.

The files come first and the record after them, as with every document. The version is a draft: a person reviews and
signs it by the workflow of documents. Nothing here can approve.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from qms_mcp.auth.principal import Principal
from qms_mcp.db.queries import query
from qms_mcp.errors import NotAllowedError, NotFoundError
from qms_mcp.services.documents.continuing import first_version, next_version, versions_of
from qms_mcp.services.documents.originals import Originals
from qms_mcp.services.records.models import Written
from qms_mcp.services.records.writing import RecordWriter

if TYPE_CHECKING:
    from qms_mcp.db.database import Database
    from qms_mcp.db.transaction import Transaction

DOCUMENT_TYPE = "report"
MEDIA_TYPES = {"pdf": "application/pdf", "html": "text/html; charset=utf-8"}
_LATEST = query("reports.latest_report")
_STORED = query("reports.stored")
_FILES = query("reports.files")
_MAY_WRITE = query("documents.may_write")


class OvertakenError(Exception):
    """Another version came in between: this one has to be made with another number."""


@dataclass(frozen=True, slots=True)
class Planned:
    """Where a report will stand.

    Attributes:
        revision: Of the document.
        former: What the version before says of its numbers; empty for the first.
        former_label: `QR-2026-10 v1`.
        warnings: What the caller should know.
    """

    document_number: str
    revision: int
    former: Mapping[str, Any]
    former_label: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """How it will be cited."""
        return f"{self.document_number} v{self.revision}"


@dataclass(frozen=True, slots=True)
class Forms:
    """A report in all its forms.

    Attributes:
        about: What its record keeps of it: kind, period, headlines, digest of the numbers, calculations.
    """

    title: str
    markdown: str
    html: bytes
    pdf: bytes
    pages: int
    about: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Stored:
    """A report that is kept.

    Attributes:
        files: Its forms by name, each with its sha256.
        about: See `Forms.about`.
    """

    id: UUID
    number: str
    version: int
    state: str
    label: str
    files: Mapping[str, str]
    about: Mapping[str, Any]
    warnings: tuple[str, ...] = ()


class Storing:
    """Keeps reports and finds them again.

    Args:
        database: Where documents are.
        originals: Where their files are.
    """

    def __init__(self, database: "Database", originals: Originals) -> None:
        self._database = database
        self._originals = originals
        self._writer = RecordWriter(database)

    async def check_may_write(self, principal: Principal) -> None:
        """Refuse before anything is computed.

        Raises:
            NotAllowedError: The caller may not keep records.
        """
        async with self._database.transaction(principal, read_only=True) as transaction:
            if not (await transaction.fetch_dicts(_MAY_WRITE))[0]["may_write"]:
                raise NotAllowedError(
                    "You may read documents and not add any, so this report can't be kept.",
                    hint="Ask with preview, which keeps nothing; or ask somebody with another role.",
                )

    async def made_with(self, principal: Principal, idempotency_key: str, because: str) -> Stored | None:
        """Return the report a key was used for."""
        async with self._writer.open(principal, because=because) as writing:
            made = await writing.made_with("document", idempotency_key)
            return None if made is None else await self._stored(writing.transaction, made)

    async def plan(self, principal: Principal, document_number: str) -> Planned:
        """Return where the next version of a report will stand."""
        async with self._database.transaction(principal, read_only=True) as transaction:
            return await _planned(transaction, document_number)

    async def keep(
        self, principal: Principal, planned: Planned, forms: Forms, because: str, *, idempotency_key: str | None = None
    ) -> Stored:
        """Keep a report as a draft.

        Raises:
            OvertakenError: The version it was made for is taken.
            OriginalNotKeptError: A file could not be stored.
        """
        organization = principal.organization_id
        contents = {"pdf": forms.pdf, "html": forms.html}
        hashes = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
        for name, content in contents.items():
            await self._originals.keep(organization, content, hashes[name], MEDIA_TYPES[name])
        async with self._writer.open(principal, because=because) as writing:
            if idempotency_key and (made := await writing.made_with("document", idempotency_key)):
                return await self._stored(writing.transaction, made)
            await writing.transaction.execute(query("records.take_turn"))
            current = await _planned(writing.transaction, planned.document_number)
            if current.revision != planned.revision:
                raise OvertakenError
            made = await writing.add("document", _fields(planned, forms, principal), idempotency_key=idempotency_key)
            for role, name in (("original", "pdf"), ("attachment", "html")):
                await writing.add_part(
                    made.id,
                    "document_files",
                    {
                        "role": role,
                        "file_name": f"{planned.document_number}-v{planned.revision}.{name}",
                        "media_type": MEDIA_TYPES[name],
                        "byte_count": len(contents[name]),
                        "sha256": hashes[name],
                        "stored_as": self._originals.stored_as,
                        "language": "en",
                        "parser": None,
                        "pages": forms.pages if name == "pdf" else None,
                        "ingested_from": "quality_report",
                    },
                )
            return await self._stored(writing.transaction, await writing.written(made.id), *planned.warnings)

    async def file(self, principal: Principal, document_number: str, revision: int, form: str) -> bytes:
        """Return a file of a report, as it was kept.

        Raises:
            NotFoundError: There is no such report, or it has no such file.
        """
        from qms_mcp.services.documents.versions import find_version  # noqa: PLC0415 - only for a download

        async with self._database.transaction(principal, read_only=True) as transaction:
            found = await find_version(transaction, document_number, revision)
            rows = await transaction.fetch_dicts(_FILES, {"record_id": found.id})
        if form == "markdown":
            return (found.content or "").encode()
        row = next((row for row in rows if row["media_type"] == MEDIA_TYPES[form]), None)
        if row is None:
            raise NotFoundError(f"{found.label} has no {form.upper()}.", hint="quality_report makes reports with both.")
        return await self._originals.read(principal.organization_id, row["sha256"])

    async def _stored(self, transaction: "Transaction", made: Written, *warnings: str) -> Stored:
        row = (await transaction.fetch_dicts(_STORED, {"record_id": made.id}))[0]
        if row["report"] is None:
            raise NotFoundError(
                f"{made.number} was made with this idempotency_key and is no report.", hint="Use another key."
            )
        kept = await transaction.fetch_dicts(_FILES, {"record_id": made.id})
        by_type = {
            name: str(one["sha256"])
            for name, media_type in MEDIA_TYPES.items()
            for one in kept
            if one["media_type"] == media_type
        }
        return Stored(
            id=made.id,
            number=made.number,
            version=made.version,
            state=made.state,
            label=f"{row['document_number']} v{row['revision']}",
            files={
                "markdown": row["content_sha256"],
                **{name: by_type[name] for name in ("html", "pdf") if name in by_type},
            },
            about=row["report"],
            warnings=(*warnings, *made.warnings),
        )


async def _planned(transaction: "Transaction", document_number: str) -> Planned:
    versions = await versions_of(transaction, document_number)
    if not versions:
        return Planned(document_number, int(first_version(document_number, None).fields["revision"]), {})
    # A report is made again when its numbers moved: an older draft of it does not stand in the way.
    chosen = next_version(versions, max(version.revision or 1 for version in versions) + 1)
    rows = await transaction.fetch_dicts(_LATEST, {"document_number": document_number})
    former: Mapping[str, Any] = rows[0]["report"] or {} if rows else {}
    label = f"{rows[0]['document_number']} v{rows[0]['revision']}" if rows else ""
    return Planned(document_number, int(chosen.fields["revision"]), former, label, chosen.warnings)


def _fields(planned: Planned, forms: Forms, principal: Principal) -> dict[str, Any]:
    former = planned.former_label
    same = planned.former.get("numbers_sha256") == forms.about["numbers_sha256"]
    return {
        "title": forms.title,
        "document_type": DOCUMENT_TYPE,
        "document_number": planned.document_number,
        "revision": planned.revision,
        "author_id": principal.user_id,
        "content": forms.markdown,
        "change_summary": f"Made again; the numbers {'are those of' if same else 'differ from'} {former}."
        if former
        else "First issue.",
        "structure": {"report": dict(forms.about), "language": "en"},
        "source": {"kind": "quality_report", "numbers_sha256": forms.about["numbers_sha256"]},
    }
