"""The next version of a controlled document: a new draft beside the version that counts.

The new version has the number of the document and the next revision, and takes over title, type, owner, training and
review. The version before it stays as it is; it is superseded by the release of the new one, by itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qms_mcp.auth.principal import Principal
from qms_mcp.db.transaction import Transaction
from qms_mcp.errors import ConflictError, InvalidInputError
from qms_mcp.services.documents.continuing import Continuation, KnownVersion, next_version, versions_of
from qms_mcp.services.documents.fetching import Fetched
from qms_mcp.services.documents.ingesting import Ingesting
from qms_mcp.services.documents.models import Ingested
from qms_mcp.services.documents.preparing import Prepared, whole
from qms_mcp.services.documents.versions import DocumentVersion, find_version
from qms_mcp.services.records.refusals import noting_refusals
from qms_mcp.services.records.writing import check_reason

if TYPE_CHECKING:
    from qms_mcp.db.database import Database


@dataclass(frozen=True, slots=True)
class Revision:
    """What a new version is to be.

    Attributes:
        document: As people call it: `SOP-014`, `SOP-014 v2`, or its record.
        change_summary: What is different; readers and trainees see it.
        change: The change request it comes from.
        fields: That shall differ from the version before.
    """

    document: str
    change_summary: str
    change: str | None = None
    fields: Mapping[str, Any] | None = None


class Revising:
    """Writes new versions."""

    def __init__(self, database: "Database", ingesting: Ingesting) -> None:
        self._database = database
        self._ingesting = ingesting

    async def revise(
        self,
        principal: Principal,
        revision: Revision,
        fetched: Fetched,
        because: str,
        *,
        idempotency_key: str | None = None,
    ) -> Ingested:
        """Write the next version of a document as a draft.

        Raises:
            ConflictError: A new version is open already, the text is the same, or the file is another document.
            InvalidInputError: The document has no number, or the file can't be read.
            NotFoundError: There is no such document.
        """
        check_reason(because)
        async with self._database.transaction(principal, read_only=True) as transaction:
            document = await find_version(transaction, revision.document, newest=True)
            number = _number_of(document)
            versions = await versions_of(transaction, number)
        given = {**(revision.fields or {}), "document_number": number}
        tried = {"tried": "revise_document"}
        async with noting_refusals(self._database, principal, document.id, tried):
            if not idempotency_key:  # what was written with a key before is returned, whatever came after
                next_version(versions, None)
            own = [version.id for version in versions]
            ready = await self._ingesting.prepare(principal, fetched, given, besides=own)
            if isinstance(ready, Ingested):
                raise _another(ready)

            async def plan(transaction: Transaction) -> Continuation:
                return _next(await versions_of(transaction, number), ready)

            return await self._ingesting.write(
                principal,
                ready,
                plan,
                because,
                idempotency_key=idempotency_key,
                more={"change_summary": revision.change_summary},
                implements=revision.change,
                besides=own,
            )


def _number_of(document: DocumentVersion) -> str:
    if document.document_number is None:
        raise InvalidInputError(
            f"{document.number} has no document number, so it has no versions.",
            hint="Give it one with update_record (fields: document_number, revision), then revise it.",
        )
    return document.document_number


def _next(versions: list[KnownVersion], ready: Prepared) -> Continuation:
    chosen = next_version(versions, whole(ready.given.get("revision")))
    if chosen.former is not None and chosen.former.content_sha256 == ready.content_sha256:
        raise ConflictError(f"The text is that of {chosen.former.label}: there is nothing to revise.")
    return chosen


def _another(there: Ingested) -> ConflictError:
    return ConflictError(
        f"This very file is {there.citation} ({there.number}), another document.",
        hint="Name that document, or give the text of this one.",
    )
