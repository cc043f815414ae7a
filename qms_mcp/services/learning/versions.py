"""Versions of agents, as they are stored: found by id, name or alias, and made into agents again."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from uuid import UUID

from qms_mcp.agents.definition import AgentDefinition
from qms_mcp.agents.roster import roster
from qms_mcp.agents.versioning import definition_from
from qms_mcp.db.queries import query
from qms_mcp.errors import InvalidInputError, NotFoundError

if TYPE_CHECKING:
    from qms_mcp.auth.principal import Principal
    from qms_mcp.db.database import Database

_STORE, _FIND = query("versions.store"), query("versions.find")
SHIPPED, PRODUCTION = "shipped", "production"
Origin: TypeAlias = Literal["shipped", "trained", "trial", "written"]


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A stored version.

    Attributes:
        agent: Whose it is.
        version: `qa@3f2a9c41d0e7`.
        content: All that shapes what it does, as canonical JSON; `version` is made of its hash.
        origin: `shipped` with the program, `trained` by a job, `trial` of an optimiser, or `written` by hand.
        parent_id: The version it was made from.
        dataset_version_id: What it was made with.
        job_id: Which job made it.
    """

    id: UUID
    agent: str
    version: str
    content: str
    origin: Origin
    parent_id: UUID | None
    dataset_version_id: UUID | None
    job_id: UUID | None
    notes: str
    created_at: datetime
    created_by: UUID | None
    created_kind: str | None

    @property
    def definition(self) -> AgentDefinition:
        """The agent it describes; never more than the shipped one of its name may do."""
        return definition_from(json.loads(self.content), shipped_agent(self.agent))


def shipped_agent(agent: str) -> AgentDefinition:
    """Return an agent as it is shipped.

    Raises:
        InvalidInputError: There is none of this name.
    """
    definition = roster().get(agent)
    if definition is None:
        raise InvalidInputError(f"There is no agent {agent[:40]!r}.", hint=f"There is: {', '.join(roster())}.")
    return definition


class Versions:
    """The versions of an organization's agents."""

    def __init__(self, database: "Database") -> None:
        self._database = database

    async def register(
        self,
        principal: "Principal",
        definition: AgentDefinition,
        *,
        origin: Origin,
        parent_id: UUID | None = None,
        dataset_version_id: UUID | None = None,
        job_id: UUID | None = None,
        notes: str = "",
    ) -> VersionRow:
        """Store a version, or find the one that has the same content.

        Raises:
            NotAllowedError: The caller only reads.
        """
        made: dict[str, Any] = {
            "version": definition.version,
            "content": definition.content,
            "origin": origin,
            "parent_id": str(parent_id) if parent_id else None,
            "dataset_version_id": str(dataset_version_id) if dataset_version_id else None,
            "job_id": str(job_id) if job_id else None,
            "notes": notes,
        }
        async with self._database.transaction(principal) as transaction:
            params = {"agent": definition.name, "made": json.dumps(made, ensure_ascii=False)}
            await transaction.fetch_dicts(_STORE, params)
            return await _one(transaction, definition.name, definition.version)

    async def find(self, principal: "Principal", agent: str, named: str = PRODUCTION) -> VersionRow:
        """Return a version by id, `qa@3f2a9c41d0e7`, or `production`, `candidate`, `shadow`, `shipped`.

        Without an alias, production is the shipped version.

        Raises:
            InvalidInputError: There is no such agent.
            NotFoundError: There is no such version of it.
        """
        shipped = shipped_agent(agent)
        name = named.strip()
        if name not in {SHIPPED, PRODUCTION}:
            async with self._database.transaction(principal, read_only=True) as transaction:
                return await _one(transaction, agent, name)
        if name == PRODUCTION:
            async with self._database.transaction(principal, read_only=True) as transaction:
                found = await transaction.fetch_one(_FIND, {"agent": agent, "named": name}, row=VersionRow)
            if found is not None:
                return found
        return await self.register(principal, shipped, origin="shipped")


async def _one(transaction: Any, agent: str, named: str) -> VersionRow:
    found = await transaction.fetch_one(_FIND, {"agent": agent, "named": named}, row=VersionRow)
    if found is None:
        raise NotFoundError(
            f"There is no version {named[:60]!r} of the agent {agent}.", hint="list_models shows what there is."
        )
    return found
