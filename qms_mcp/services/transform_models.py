"""A drafted change of rows: as the database keeps it, and what it looks like before and after."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from qms_mcp.services.answer import Answer
from qms_mcp.services.approvals import Request


class RowChange(Answer):
    """One row: its key, and what changes in it."""

    key: dict[str, Any] = Field(default_factory=dict[str, Any])
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None


class Preview(Answer):
    """What a statement would change. It was rolled back."""

    target: str
    rows: int
    columns: list[str] = Field(default_factory=list[str])
    sample: list[RowChange] = Field(default_factory=list[RowChange])
    also: list[str] = Field(default_factory=list[str])


@dataclass(frozen=True, slots=True)
class TransformDraft:
    """A drafted change as the database keeps it.

    Attributes:
        content: Statement and parameters as one text: what is approved.
        rows_expected: How many rows the preview changed.
    """

    id: UUID
    statement: str
    parameters: list[Any]
    content: str
    sha256: str
    target: str
    rows_expected: int
    preview: dict[str, Any]
    reason: str
    state: Literal["draft", "applied"]
    rows_changed: int | None
    created_at: datetime

    @property
    def shown(self) -> Preview:
        """The preview."""
        return Preview.model_validate(self.preview)

    def request(self) -> Request:
        """Return the approval it needs."""
        return Request("transform_data", self.id, _summary(self.shown), self.content, self.reason)


def _summary(preview: Preview) -> str:
    lines = [f"Change {preview.rows:,} row{'s' if preview.rows != 1 else ''} of {preview.target}."]
    if preview.columns:
        lines.append(f"Columns: {', '.join(preview.columns)}.")
    if preview.also:
        lines.append(f"Triggers also write {'; '.join(preview.also)}.")
    lines += [
        f"- {_worded(change.key)}: {_worded(change.before) or 'new'} -> {_worded(change.after) or 'gone'}"
        for change in preview.sample[:3]
    ]
    return "\n".join(lines)


def _worded(values: dict[str, Any] | None) -> str:
    return ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in (values or {}).items())
