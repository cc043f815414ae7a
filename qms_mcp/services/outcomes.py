"""What a tool that needs a person answers, and what that person is shown."""

import unicodedata
from typing import Annotated, Literal
from uuid import UUID

from pydantic import WithJsonSchema

from qms_mcp.services.answer import Answer
from qms_mcp.services.approvals import Approval
from qms_mcp.services.transform_models import Preview

_SHOWN = 6_000


class Outcome(Answer):
    """Where a change stands: done, waiting for a person, or refused by one."""

    status: Literal["applied", "pending", "rejected"]
    draft_id: UUID
    approval_id: UUID
    sha256: str
    how_to_approve: str = ""
    reason: str = ""


class MigrationOutcome(Outcome):
    """Where a schema change stands."""

    version: str | None = None


class TransformOutcome(Outcome):
    """Where a change of rows stands."""

    rows_changed: int | None = None
    preview: Annotated[
        Preview | None, WithJsonSchema({"type": "object", "description": "target, rows, columns, sample, also"})
    ] = None


def how_to_approve(approval: Approval) -> str:
    """Return what to tell the user of an approval that waits."""
    return (
        f"A person with the role approver, qa_approver or admin runs `qms-mcp approvals approve {approval.id}` in a "
        f"terminal, before {approval.expires_at:%Y-%m-%d %H:%M %Z}. Then call this tool again with the same draft_id."
    )


def question(approval: Approval) -> str:
    """Return what the person in front of the client is asked: what it does, and exactly what will run."""
    content = visible(approval.content)
    if len(content) > _SHOWN:
        content = (
            f"{content[:_SHOWN]}\n... {len(content) - _SHOWN:,} characters more: qms-mcp approvals show {approval.id}"
        )
    return (
        f"{visible(approval.summary)}\n\nReason given: {visible(approval.reason)}\n\nExactly this will run, once:\n\n"
        f"{content}\n\nsha256 {approval.content_sha256}\napproval {approval.id}"
    )


def visible(text: str) -> str:
    """Return the text with everything spelled out that a screen would obey or hide instead of showing."""
    return "".join(
        character if character in "\n\t" or not _hides(character) else f"\\u{ord(character):04x}" for character in text
    )


def _hides(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}
