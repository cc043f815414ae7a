"""What the migration tools answer."""

from datetime import datetime
from typing import Annotated, Literal, TypeAlias
from uuid import UUID

from pydantic import Field, WithJsonSchema

from qms_mcp.services.answer import Answer

Severity: TypeAlias = Literal["error", "warning", "note"]


class Finding(Answer):
    """Something about a script that a reviewer should know."""

    rule: str
    severity: Severity
    line: int
    message: str
    fix: str = ""


class Lock(Answer):
    """A lock the script holds until it ends."""

    relation: str
    mode: str
    blocks: str


class TouchedRows(Answer):
    """Rows written in a table."""

    table: str
    inserted: int = 0
    updated: int = 0
    deleted: int = 0


class Reverse(Answer):
    """A script that takes the change back.

    Attributes:
        tested: It ran after the script in the rehearsal, and the catalogue was as before.
    """

    script: str
    derived: bool
    tested: bool


class Report(Answer):
    """What the rehearsal found. Everything in it was rolled back."""

    statements: int
    duration_ms: int
    created: list[str] = Field(default_factory=list[str])
    changed: list[str] = Field(default_factory=list[str])
    dropped: list[str] = Field(default_factory=list[str])
    locks: list[Lock] = Field(default_factory=list[Lock])
    rewritten: list[str] = Field(default_factory=list[str])
    rows: list[TouchedRows] = Field(default_factory=list[TouchedRows])
    findings: list[Finding] = Field(default_factory=list[Finding])
    reverse: Reverse | None = None


# Every client reads the schema of every answer, so what explains itself in the answer is not described twice.
_Shown: TypeAlias = Annotated[
    Report,
    WithJsonSchema(
        {"type": "object", "description": "created, changed, dropped, locks, rewritten, rows, findings, reverse"}
    ),
]


class MigrationDraft(Answer):
    """A draft and what its rehearsal found."""

    draft_id: UUID
    name: str
    sha256: str
    state: Literal["draft", "applied"]
    known: bool = Field(description="The same script was drafted before; this is that draft.")
    report: _Shown
    reverse: str = Field(description="'tested', 'given, does not restore everything', or 'none'.")
    next: str


class ListedMigration(Answer):
    """A migration that came with this version, or a draft."""

    version: str | None = None
    name: str
    state: str
    source: Literal["shipped", "draft"]
    draft_id: UUID | None = None
    sha256: str | None = None
    reason: str | None = None
    created_at: datetime | None = None
    applied_at: datetime | None = None
    script: str | None = None
    findings: list[str] = Field(default_factory=list[str])


class MigrationList(Answer):
    """A page of migrations."""

    migrations: list[ListedMigration]
    total: int
    next_cursor: str | None = None
