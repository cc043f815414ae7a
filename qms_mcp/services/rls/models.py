"""What the tools for row-level security answer with."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from qms_mcp.services.answer import Answer

Severity: TypeAlias = Literal["error", "warning", "info"]
Sees: TypeAlias = Literal["none", "own", "all"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")


class RowSecurityScript(Answer):
    """The policies of a table, and the test that proves them."""

    table: str
    planned: bool
    script: str
    test: str
    decisions: dict[str, str]
    warnings: list[str]
    next_step: str


@dataclass(frozen=True, slots=True)
class Access:
    """What one role, with one identity, gets from a table.

    Attributes:
        role: Role and identity, as the report names them.
        sees: Which rows.
        changes: For example: insert own, update own.
        how: How it is known: statement, policy or rights.
    """

    role: str
    sees: Sees
    changes: str
    how: str

    def __str__(self) -> str:
        """Return it in words."""
        got = ", ".join(part for part in (f"sees {self.sees}" if self.sees != "none" else "", self.changes) if part)
        return got or "nothing"


class TableAccess(Answer):
    """Who gets what from a table."""

    table: str
    rls: str
    access: dict[str, str]


class Finding(Answer):
    """Something to look at, and the SQL that puts it right."""

    severity: Severity
    lint: str
    object: str
    problem: str
    fix: str = ""


class RowSecurityReport(Answer):
    """Who can see or change what, and what is wrong with it."""

    tables: list[TableAccess]
    total_tables: int
    next_cursor: str | None = None
    findings: list[Finding]
    found: dict[str, int]
    tested: list[str]
    untested: list[str]
    method: str
