"""State machines as they are shown and proposed."""

from typing import Any
from uuid import UUID

from qms_mcp.services.answer import Answer


class Definition(Answer):
    """A state machine.

    Attributes:
        own: It is the organization's own; otherwise it is the one that is shipped.
        body: States and transitions, as the database runs them.
    """

    category: str
    version: int
    own: bool
    sha256: str
    body: dict[str, Any]


class Proposal(Answer):
    """A change of a state machine that waits for a person."""

    approval_id: UUID
    summary: str
    message: str
