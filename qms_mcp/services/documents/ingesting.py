"""One file becomes one document: read, its original kept, and record, file and links written in one transaction.

The same bytes are one document in an organization, however often and by how many at once they are brought in: who
writes takes the organization's turn first and looks again. A file with the number of a document that is there and
another text becomes the next version of it.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

import anyio.to_thread

from qms_mcp.auth.principal import Principal
from qms_mcp.db.queries import query
from qms_mcp.db.transaction import Transaction
from qms_mcp.errors import NotAllowedError
from qms_mcp.services.documents.continuing import Continuation, first_version, next_version, versions_of, with_text
from qms_mcp.services.documents.fetching import Fetched
from qms_mcp.services.documents.models import Ingested
from qms_mcp.services.documents.originals import Originals
from qms_mcp.services.documents.parsing.models import Limits
from qms_mcp.services.documents.preparing import Prepared, check_fields, prepared, sha256_of
from qms_mcp.services.records.writing import RecordWriter, Writing, check_reason

if TYPE_CHECKING:
    from qms_mcp.db.database import Database

Plan = Callable[[Transaction], Awaitable[Continuation]]

THERE_ALREADY = "The same file is a document already: nothing was written."
_MAY_WRITE = query("documents.may_write")
_WITH_BYTES = query("documents.with_bytes")
_KEPT = query("documents.kept")
_WRITTEN = query("records.written")
_TAKE_TURN = query("records.take_turn")


class _ThereAlreadyError(Exception):
    """Ends a transaction that has nothing to write.

    Args:
        record_id: The document that is there.
        why: What the caller should know.
    """

    def __init__(self, record_id: UUID, why: str) -> None:
        super().__init__(why)
        self.record_id = record_id
        self.why = why


class Ingesting:
    """Brings single files in.

    Args:
        database: Where documents are.
        originals: Where originals are kept.
        limits: What a file may cost.
    """

    def __init__(self, database: "Database", originals: Originals, limits: Limits) -> None:
        self._database = database
        self._originals = originals
        self._limits = limits
        self._writer = RecordWriter(database)

    async def ingest(
        self,
        principal: Principal,
        fetched: Fetched,
        because: str,
        *,
        fields: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> Ingested:
        """Bring a file in; see `prepare` and `keep`."""
        check_reason(because)
        ready = await self.prepare(principal, fetched, fields or {})
        if isinstance(ready, Ingested):
            return ready
        return await self.keep(principal, ready, because, idempotency_key=idempotency_key)

    async def prepare(
        self, principal: Principal, fetched: Fetched, given: Mapping[str, Any], *, besides: Collection[UUID] = ()
    ) -> Prepared | Ingested:
        """Read a file, unless it is a document already; then return that.

        Args:
            principal: On whose behalf.
            fetched: The file.
            given: Fields of the document.
            besides: Documents that may be of the same bytes: the former versions of one that is revised.

        Raises:
            UnreadableFileError: It can't be read.
            InvalidInputError: A field comes out of the file.
            NotAllowedError: The caller may not keep records.
        """
        check_fields(given)
        sha256 = await anyio.to_thread.run_sync(sha256_of, fetched.content)
        async with self._database.transaction(principal, read_only=True) as transaction:
            if not (await transaction.fetch_dicts(_MAY_WRITE))[0]["may_write"]:
                raise NotAllowedError(
                    "You may read documents and not add any.", hint="It takes another role than auditor or admin."
                )
            known = await _with_bytes(transaction, sha256, besides) if fetched.content else None
        if known is not None:
            return await self._there(principal, known, sha256, THERE_ALREADY)
        return await prepared(fetched, given, self._limits, numbered=not besides)

    async def keep(
        self, principal: Principal, ready: Prepared, because: str, *, idempotency_key: str | None = None
    ) -> Ingested:
        """Write a file that was read: its original, then its record with all that belongs to it.

        Raises:
            ConflictError: A new version of the document is open.
            OriginalNotKeptError: The original could not be stored.
            InvalidInputError: A field does not fit.
        """

        async def plan(transaction: Transaction) -> Continuation:
            return await _continuation(transaction, ready)

        return await self.write(principal, ready, plan, because, idempotency_key=idempotency_key)

    async def try_out(self, principal: Principal, ready: Prepared) -> Ingested:
        """Return what `keep` would write, as far as can be said without writing.

        Raises:
            ConflictError: A new version of the document is open.
        """
        async with self._database.transaction(principal, read_only=True) as transaction:
            try:
                plan = await _continuation(transaction, ready)
            except _ThereAlreadyError as there:
                return await _ingested(transaction, there.record_id, ready.sha256, there.why, existed=True)
        fields = {**ready.own_fields(), **plan.fields, **ready.given}
        number, revision = fields.get("document_number"), fields["revision"]
        return Ingested(
            id=UUID(int=0),
            number="",
            version=0,
            state="",
            audit_seq=0,
            citation=f"{number} v{revision}" if number else "",
            title=str(fields["title"]),
            document_number=number,
            revision=revision,
            revises=plan.former.label if plan.former else "",
            sections=0,
            pieces=0,
            sha256=ready.sha256,
            warnings=[*ready.warnings, *plan.warnings],
        )

    async def write(
        self,
        principal: Principal,
        ready: Prepared,
        plan: Plan,
        because: str,
        *,
        idempotency_key: str | None = None,
        more: Mapping[str, Any] | None = None,
        implements: str | None = None,
        besides: Collection[UUID] = (),
    ) -> Ingested:
        """Write a version of a document.

        Args:
            principal: On whose behalf.
            ready: The file.
            plan: Says where the version stands, in the transaction it is written in.
            because: Why.
            idempotency_key: The same key writes once.
            more: Fields besides those of file and plan.
            implements: The change request it comes from.
            besides: Documents that may be of the same bytes.
        """
        fetched = ready.fetched
        await self._originals.keep(principal.organization_id, fetched.content, ready.sha256, ready.parsed.media_type)
        try:
            async with self._writer.open(principal, because=because) as writing:
                await _refuse_known(writing, ready.sha256, idempotency_key, besides)
                chosen = await plan(writing.transaction)
                fields = _fields(ready, chosen, principal, more)
                if not idempotency_key and not besides:  # a key marks the record itself
                    fields["external_id"] = f"file:{ready.sha256}"
                made = await writing.add("document", fields, idempotency_key=idempotency_key)
                await writing.add_part(made.id, "document_files", ready.file_fields(self._originals.stored_as))
                if implements:
                    await writing.link(made.id, implements, "implements")
        except _ThereAlreadyError as there:
            return await self._there(principal, there.record_id, ready.sha256, there.why)
        async with self._database.transaction(principal, read_only=True) as transaction:
            kept = await _ingested(transaction, made.id, ready.sha256, *ready.warnings, *chosen.warnings)
        return kept.model_copy(update={"revises": chosen.former.label}) if chosen.former else kept

    async def _there(self, principal: Principal, record_id: UUID, sha256: str, why: str) -> Ingested:
        async with self._database.transaction(principal, read_only=True) as transaction:
            return await _ingested(transaction, record_id, sha256, why, existed=True)


async def _with_bytes(transaction: Transaction, sha256: str, besides: Collection[UUID]) -> UUID | None:
    rows = await transaction.fetch_dicts(_WITH_BYTES, {"sha256": sha256, "besides": list(besides)})
    return rows[0]["id"] if rows else None


async def _refuse_known(writing: Writing, sha256: str, idempotency_key: str | None, besides: Collection[UUID]) -> None:
    """Take the organization's turn to write, and end here if the document is there."""
    await writing.transaction.execute(_TAKE_TURN)
    if idempotency_key and (made := await writing.made_with("document", idempotency_key)):
        raise _ThereAlreadyError(made.id, made.warnings[0])
    known = await _with_bytes(writing.transaction, sha256, besides)
    if known is not None:
        raise _ThereAlreadyError(known, THERE_ALREADY)


async def _continuation(transaction: Transaction, ready: Prepared) -> Continuation:
    versions = await versions_of(transaction, ready.document_number) if ready.document_number else []
    if not versions:
        return first_version(ready.document_number, ready.said_revision)
    same = with_text(versions, ready.content_sha256)
    if same is not None:
        raise _ThereAlreadyError(same.id, f"Its text is that of {same.label}: nothing was written.")
    return next_version(versions, ready.said_revision)


def _fields(
    ready: Prepared, chosen: Continuation, principal: Principal, more: Mapping[str, Any] | None
) -> dict[str, Any]:
    fields = {
        "author_id": principal.user_id,
        **ready.own_fields(),
        **chosen.fields,
        **ready.content_fields(),
        **(more or {}),
        **ready.given,
        "revision": chosen.fields["revision"],
    }
    if ready.document_number:
        fields["document_number"] = chosen.fields.get("document_number", ready.document_number)
    return fields


async def _ingested(
    transaction: Transaction, record_id: UUID, sha256: str, *warnings: str, existed: bool | None = None
) -> Ingested:
    written = (await transaction.fetch_dicts(_WRITTEN, {"record_id": record_id}))[0]
    kept = (await transaction.fetch_dicts(_KEPT, {"record_id": record_id}))[0]
    said = list(warnings)
    if existed and written["state"] == "cancelled":
        said.append("It was cancelled.")
    number, revision = kept["document_number"], kept["revision"]
    citation = f"{number} v{revision or 1}" if number else f"{written['number']} v{written['version']}"
    return Ingested.model_validate(
        {**written, **kept, "sha256": sha256, "citation": citation, "existed": existed, "warnings": said}
    )
