"""What a review answers."""

from typing import Literal

from pydantic import Field

from qms_mcp.services.answer import Answer


class Finding(Answer):
    """Something a rule, or PostgreSQL, objects to."""

    severity: Literal["error", "warning", "advice"]
    rule: str
    line: int
    message: str = Field(description="What is wrong, and why.")
    fix: str = ""
    also_in_lines: list[int] = []


class Review(Answer):
    """The findings, the gravest first."""

    verdict: Literal["clean", "advice", "warnings", "errors"]
    findings: list[Finding]
    errors: int
    warnings: int
    advice: int
    statements: int
    notes: list[str] = []
