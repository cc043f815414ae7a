"""What a review answers."""

from typing import Literal

from qms_mcp.services.answer import Answer


class Finding(Answer):
    """Something a rule, or PostgreSQL, objects to."""

    severity: Literal["error", "warning", "advice"]
    rule: str
    line: int
    message: str
    fix: str = ""
    also_in_lines: tuple[int, ...] = ()


class Review(Answer):
    """The findings, the gravest first."""

    verdict: Literal["clean", "advice", "warnings", "errors"]
    findings: tuple[Finding, ...]
    errors: int
    warnings: int
    advice: int
    notes: tuple[str, ...] = ()
