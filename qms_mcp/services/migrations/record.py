"""A drafted schema change as the database keeps it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from qms_mcp.services.approvals import Request
from qms_mcp.services.migrations.models import Report

_NAMED = 12


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft.

    Attributes:
        report: What its rehearsal found.
        version: The one it was applied as.
    """

    id: UUID
    name: str
    script: str
    reverse_script: str | None
    sha256: str
    report: dict[str, Any]
    reason: str
    state: Literal["draft", "applied"]
    version: str | None
    created_at: datetime
    applied_at: datetime | None

    @property
    def tested(self) -> Report:
        """What its rehearsal found."""
        return Report.model_validate(self.report)

    def request(self) -> Request:
        """Return the approval it needs."""
        return Request("apply_migration", self.id, self._summary(), self.script, self.reason)

    def _summary(self) -> str:
        report = self.tested
        lines = [f"Apply the migration {self.name}: {report.statements} statements on the schema."]
        for words, items in (("Creates", report.created), ("Changes", report.changed), ("Drops", report.dropped),
                             ("Rewrites", report.rewritten)):  # fmt: skip
            if items:
                lines.append(f"{words}: {', '.join(items[:_NAMED])}{', ...' if len(items) > _NAMED else ''}.")
        lines += [f"Locks {lock.relation} ({lock.mode}): blocks {lock.blocks}." for lock in report.locks[:6]]
        lines += [f"{one.severity.title()}, line {one.line}: {one.message}" for one in report.findings[:8]]
        lines.append("A tested script takes it back." if report.reverse and report.reverse.tested else
                     "Nothing takes it back by itself.")  # fmt: skip
        return "\n".join(lines)
