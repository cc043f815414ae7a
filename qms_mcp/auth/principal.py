"""The one who acts.

A call over MCP is made by an agent on behalf of a person: `user_id` is the person, `actor_kind` says that a model
held the pen. Only out of band, on a terminal or on the approval page, does a person act as `human`.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias
from uuid import UUID

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
    """

    user_id: UUID
    organization_id: UUID
    roles: frozenset[str]
    actor_kind: ActorKind = "agent"
    email: str | None = None
