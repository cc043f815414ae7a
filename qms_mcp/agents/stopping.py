"""Why a run ends before its agent is done."""

from typing import Literal, TypeAlias

from qms_mcp.errors import QmsError

StopReason: TypeAlias = Literal[
    "cancelled", "timeout", "turn_limit", "tool_call_limit", "budget", "taken_over", "looping", "refused"
]


class AgentStoppedError(QmsError):
    """A run may not go on.

    Args:
        reason: Why.
        message: The same in a sentence.
    """

    code = "agent_stopped"

    def __init__(self, reason: StopReason, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.reason: StopReason = reason
