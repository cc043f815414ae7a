"""The one who acts.

A call over MCP is made by an agent on behalf of a person: `user_id` is the person, `actor_kind` says that a model
held the pen. Only out of band, on a terminal or on the approval page, does a person act as `human`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, TypeAlias
from uuid import UUID

from qms_mcp.errors import NotAuthenticatedError

ActorKind: TypeAlias = Literal["human", "agent", "system"]


@dataclass(frozen=True, slots=True)
class Principal:
    """Who acts, for which organization, with which roles.

    Attributes:
        user_id: The person, or the person on whose behalf an agent acts.
        organization_id: The only organization whose rows are reached.
        roles: From the membership that is valid now (`reporter`, `owner`, `reviewer`, `approver`, `qa_approver`,
            `mrb`, `regulatory`, `auditor`, `admin`).
        actor_kind: `agent` for everything that arrives over MCP.
        email: For people to read; no decision is based on it.
        expires_at: When the access token stops to count; none for the local owner.
    """

    user_id: UUID
    organization_id: UUID
    roles: frozenset[str]
    actor_kind: ActorKind = "agent"
    email: str | None = None
    expires_at: datetime | None = None

    def check_current(self) -> None:
        """Refuse to act once the access token has run out, however long the session goes on.

        Raises:
            NotAuthenticatedError: It has.
        """
        if self.expires_at is not None and self.expires_at <= datetime.now(UTC):
            raise token_expired(self.expires_at)


def token_expired(since: datetime) -> NotAuthenticatedError:
    """Return the error for an access token that has run out."""
    return NotAuthenticatedError(
        f"The access token expired at {since.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC.",
        hint="Sign in again, set QMS_ACCESS_TOKEN to the new access token and start the server again.",
    )
