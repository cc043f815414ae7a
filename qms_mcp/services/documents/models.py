"""What bringing documents in answers: one document, or a folder of them."""

from typing import Annotated, Literal, TypeAlias
from uuid import UUID

from pydantic import Field, WithJsonSchema

from qms_mcp.services.answer import Answer
from qms_mcp.services.records.models import QUOTED

Outcome: TypeAlias = Literal["added", "revised", "there already", "refused"]


class Ingested(Answer):
    """A document that was brought in, or is there already.

    Attributes:
        citation: `SOP-014 v3`; of a document without a number, that of its record.
        title: As the file says it; quoted.
        revises: The version it continues: `SOP-014 v2`.
        sections: With a heading.
        requirements: Sentences with shall or must.
        pieces: In the search index.
        sha256: Of the original.
        existed: The same bytes were a document before; nothing was written.
    """

    id: UUID
    number: str
    version: int
    state: str
    audit_seq: int
    citation: str
    title: str
    document_number: str | None = None
    revision: int | None = None
    revises: str = ""
    sections: int
    pages: int | None = None
    requirements: int | None = None
    language: str | None = None
    pieces: int
    sha256: str
    existed: bool | None = None
    warnings: list[str] = Field(default_factory=list[str])

    @property
    def outcome(self) -> Outcome:
        """What became of the file."""
        if self.existed:
            return "there already"
        return "revised" if self.revises else "added"


class Revised(Answer):
    """A new version of a document, in short."""

    id: UUID
    number: str
    version: int
    state: str
    audit_seq: int
    citation: str
    revises: str
    sections: int
    pieces: int
    warnings: list[str] = Field(default_factory=list[str])

    @classmethod
    def of(cls, ingested: Ingested) -> "Revised":
        """Return the answer for a version that was written."""
        return cls.model_validate({name: getattr(ingested, name) for name in cls.model_fields})


class FileOutcome(Answer):
    """What became of one file of a folder.

    Attributes:
        file: Its path in the folder.
        document: How the document is cited; nothing for one that was refused.
        number: Of its record.
        code: One word for programs: encrypted, broken, too_large, ...
        why: Why it was refused, and what to do.
    """

    file: str
    outcome: Outcome
    document: str = ""
    number: str = ""
    version: int | None = None
    audit_seq: int | None = None
    code: str = ""
    why: str = ""
    warnings: list[str] = Field(default_factory=list[str])


class FolderIngested(Answer):
    """What became of the files of a folder, in their order.

    Attributes:
        left: Files that were not looked at; the same call goes on with them.
        stopped: Why it ended early.
    """

    files: list[FileOutcome]
    total: int
    left: int = 0
    stopped: str = ""

    def count(self, outcome: Outcome) -> int:
        """Return how many files had an outcome."""
        return sum(1 for file in self.files if file.outcome == outcome)

    @property
    def counts(self) -> dict[str, int]:
        """How many files had each outcome."""
        outcomes: tuple[Outcome, ...] = ("added", "revised", "there already", "refused")
        return {outcome: self.count(outcome) for outcome in outcomes}

    @property
    def numberless(self) -> str:
        """What to say of new documents without a number; empty when each has one."""
        count = sum(1 for file in self.files if file.outcome == "added" and file.document.startswith(file.number))
        if not count:
            return ""
        return f"{count} have no document number of their own; update_record sets one (fields: document_number)."


_FILES = {"type": "array", "items": {"type": "object"}, "description": "file, outcome, number, why, ..."}
_MOST_FILES = 200


class IngestAnswer(Answer):
    """One document, or of a folder how its files fared."""

    id: UUID | None = None
    number: str = ""
    version: int | None = None
    state: str = ""
    audit_seq: int | None = None
    citation: str = ""
    title: str = ""
    revises: str = ""
    sections: int | None = None
    pages: int | None = None
    requirements: int | None = None
    language: str | None = None
    pieces: int | None = None
    sha256: str = ""
    existed: bool | None = None
    counts: dict[str, int] | None = None
    files: Annotated[list[FileOutcome], WithJsonSchema(_FILES)] = Field(default_factory=list[FileOutcome])
    warnings: list[str] = Field(default_factory=list[str])
    note: str = QUOTED

    @classmethod
    def of(cls, ingested: Ingested) -> "IngestAnswer":
        """Return the answer for one document."""
        return cls.model_validate(
            {name: getattr(ingested, name) for name in type(ingested).model_fields if name in cls.model_fields}
        )

    @classmethod
    def of_folder(cls, folder: FolderIngested) -> "IngestAnswer":
        """Return the answer for a folder; of a large one, without the files that were there already."""
        shown = folder.files
        if len(shown) > _MOST_FILES:
            shown = [file for file in shown if file.outcome != "there already"]
        warnings = [said for said in (folder.stopped, folder.numberless) if said]
        if folder.left:
            warnings.append(f"{folder.left} files are left: the same call goes on with them.")
        if len(shown) > _MOST_FILES:
            warnings.append(f"files holds the first {_MOST_FILES} of {len(shown)}.")
        return cls(counts=folder.counts, files=shown[:_MOST_FILES], warnings=warnings)
