"""What is asked of a report, and what is answered."""

from typing import Annotated, Any, Literal, TypeAlias
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from qms_mcp.services.analysis.method import FlagAnswer
from qms_mcp.services.analysis.source import Source
from qms_mcp.services.answer import Answer
from qms_mcp.services.records.models import QUOTED

Kind: TypeAlias = Literal["monthly", "management_review", "supplier", "capa_board"]
DraftedBy: TypeAlias = Literal["template", "model"]


class ReportAsked(BaseModel):
    """What is wanted.

    Attributes:
        kind: Which report.
        period: `2026-10`, `2026-Q3`, `2026-H2` or `2026`; the last whole one of the kind's usual length if left out.
        supplier: One supplier, by number, id or name; all of them if left out.
        volumes: What was made, delivered or received, for rates; columns as the metrics name them: units, inspected and
            passed, supplier and received, with a date or month.
        costs: What quality cost: category, amount, perhaps currency and date.
        drafted_by: Who words it.
        preview: Compute and return, and store nothing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    period: str | None = None
    supplier: str | None = None
    volumes: Source | None = None
    costs: Source | None = None
    drafted_by: DraftedBy = "template"
    preview: bool = False


class SectionAnswer(Answer):
    """A section in short.

    Attributes:
        headline: In a sentence.
        numbers: The key numbers by name.
        missing: What the section would need and the records do not hold.
    """

    title: str
    headline: str
    numbers: dict[str, Any] = Field(default_factory=dict[str, Any])
    missing: list[str] = Field(default_factory=list[str])


_SECTIONS = {"type": "array", "items": {"type": "object"}, "description": "title, headline, numbers, missing"}
_FLAGS = {"type": "array", "items": {"type": "object"}, "description": "says, instead"}
_FILES = {"type": "object", "description": "by form: uri, sha256"}


class QualityReport(Answer):
    """A report that was made.

    Attributes:
        document: `QR-2026-10 v1`; empty for a preview.
        number: Of its record.
        files: Where each form of it can be had, with its sha256.
        unchanged: The numbers are those of the version before.
        drafted_by: `template`, or the model that worded it; a person has not approved it.
        calculations: How many calculations its numbers come from; each number in it names its own.
        markdown: The whole text, of a preview only.
    """

    headline: str
    document: str = ""
    id: UUID | None = None
    number: str = ""
    state: str = ""
    files: Annotated[dict[str, dict[str, str]], WithJsonSchema(_FILES)] = Field(
        default_factory=dict[str, dict[str, str]]
    )
    unchanged: bool | None = None
    drafted_by: str = "template"
    period: str = ""
    sections: Annotated[list[SectionAnswer], WithJsonSchema(_SECTIONS)] = Field(default_factory=list[SectionAnswer])
    flags: Annotated[list[FlagAnswer], WithJsonSchema(_FLAGS)] = Field(default_factory=list[FlagAnswer])
    calculations: int | None = None
    markdown: str = ""
    warnings: list[str] = Field(default_factory=list[str])
    note: str = QUOTED
