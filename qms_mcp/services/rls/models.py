"""What the tools for row-level security answer with."""

from typing import Literal, TypeAlias

from pydantic import Field

from qms_mcp.services.answer import Answer

Severity: TypeAlias = Literal["error", "warning", "info"]
Sees: TypeAlias = Literal["none", "own", "all"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")


class Reason(Answer):
    """A choice, and its reason."""

    what: str
    why: str


class RowSecurityScript(Answer):
    """The policies of a table, and the test that proves them."""

    table: str
    planned: bool = Field(description="The table does not exist yet.")
    script: str
    test: str = Field(description="Raises an error when the policies do not hold; changes nothing.")
    decisions: list[Reason]
    warnings: list[str]
    next_step: str


class Access(Answer):
    """What one role, with one identity, gets from a table."""

    role: str
    sees: Sees
    changes: str = Field(default="", description="For example: insert own, update own.")
    how: str = Field(default="", description="statement: tried on the table. policy: evaluated on made-up rows.")


class TableAccess(Answer):
    """Who gets what from a table."""

    table: str
    rls: str
    access: list[Access]
    nothing_for: list[str] = Field(description="Roles that see and change nothing.")


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
    found: dict[str, int] = Field(description="Findings by severity, before limits.")
    untested: list[str] = Field(description="Roles the owner may not act as here.")
    method: str
