"""What a persona gets from a table: rights, policies and tries put together.

A right has to be there, row-level security has to let the row through, and whatever a try on the real table reached
counts even when no policy explains it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from uuid import UUID

from qms_mcp.services.rls.models import Access
from qms_mcp.services.rls.personas import OTHER, Persona

if TYPE_CHECKING:
    from qms_mcp.db.impersonation import Impersonation

Command: TypeAlias = Literal["r", "a", "w", "d"]
_VERBS: dict[Command, str] = {"a": "insert", "w": "update", "d": "delete"}


@dataclass(frozen=True)
class Relation:
    """A table or a view under check."""

    oid: int
    schema: str
    name: str
    kind: str
    secured: bool
    forced: bool
    tenant: str | None
    people: list[str]
    flags: list[str]

    @property
    def full_name(self) -> str:
        """Schema and name."""
        return f"{self.schema}.{self.name}"

    @property
    def rls(self) -> str:
        """The state of its row-level security, in a word."""
        if self.kind in {"v", "m"}:
            return "view" if self.kind == "v" else "materialized view"
        return ("forced" if self.forced else "on") if self.secured else "off"


@dataclass(frozen=True)
class Rights:
    """What a role may do with a relation at all."""

    role: str
    relation: int
    selects: bool
    deletes: bool
    truncates: bool
    unbound: bool
    inserts: list[str]
    updates: list[str]

    def grants(self, command: Command) -> bool:
        """Whether the role has the right to a command."""
        return {"r": self.selects, "a": bool(self.inserts), "w": bool(self.updates), "d": self.deletes}[command]


@dataclass(frozen=True)
class PolicyRow:
    """A policy as the catalogue prints it."""

    relation: int
    table_name: str
    name: str
    permissive: bool
    command: str
    using_expression: str | None
    check_expression: str | None
    applies_to: list[str]

    def expression(self, *, check: bool) -> str:
        """Return the condition on rows that are there (using) or that are to be written (check)."""
        chosen = self.check_expression if check and self.check_expression is not None else self.using_expression
        return chosen if chosen is not None else "true"


@dataclass(frozen=True, slots=True)
class Scope:
    """Which rows a command reaches, and how that is known."""

    own: bool
    foreign: bool
    how: Literal["statement", "policy", "rights"]


class Examiner:
    """Examines one relation after another as one persona."""

    def __init__(
        self, impersonation: "Impersonation", persona: Persona, *, user_id: UUID, organization_id: UUID
    ) -> None:
        self._act = impersonation
        self._persona = persona
        # For somebody of another organization, the caller's rows are the foreign ones.
        self._stranger = persona.identity == "other"
        self._me, self._someone = _turned(str(user_id), str(OTHER), turn=self._stranger)
        self._home, self._abroad = _turned(str(organization_id), str(OTHER), turn=self._stranger)

    async def examine(self, relation: Relation, rights: Rights | None, policies: Sequence[PolicyRow]) -> Access:
        """Return what the persona gets from the relation."""
        if rights is None:
            return Access(self._persona.label, "none", "", "rights")
        reading = await self._scope(relation, rights, policies, "r")
        changes: list[str] = []
        for command, verb in _VERBS.items():
            scope = await self._scope(relation, rights, policies, command)
            if scope.foreign or (scope.own and not self._stranger):
                changes.append(f"{verb} {'all' if scope.foreign else 'own'}")
        if rights.truncates:
            changes.append("truncate all")
        return Access(
            role=self._persona.label,
            sees="all" if reading.foreign else "own" if reading.own and not self._stranger else "none",
            changes=", ".join(changes),
            how=reading.how,
        )

    async def _scope(
        self, relation: Relation, rights: Rights, policies: Sequence[PolicyRow], command: Command
    ) -> Scope:
        if not rights.grants(command):
            return Scope(own=False, foreign=False, how="rights")
        if relation.kind in {"v", "m"}:
            return await self._view(relation, command)
        tried = await self._try(relation, rights, command)
        if not relation.secured or rights.unbound:
            return Scope(own=True, foreign=True, how="statement" if tried else "rights")
        own, foreign = await self._by_policy(relation, policies, command)
        return Scope(own=own, foreign=foreign or tried is True, how="statement" if tried else "policy")

    async def _view(self, relation: Relation, command: Command) -> Scope:
        place = (relation.schema, relation.name)
        if command != "r" or relation.tenant is None:
            return Scope(own=False, foreign=False, how="rights")
        own = await self._act.sees(place, relation.tenant, self._home, foreign=False)
        foreign = await self._act.sees(place, relation.tenant, self._home, foreign=True)
        return Scope(own=own is True, foreign=foreign is True, how="statement")

    async def _try(self, relation: Relation, rights: Rights, command: Command) -> bool | None:
        """Try the command on the real table: whether it reached what it must not."""
        place, tenant = (relation.schema, relation.name), relation.tenant
        if tenant is None:
            strangers = self._persona.identity in {"none", "other"} and not relation.people
            return await self._act.sees_any(place) if command == "r" and strangers else None
        if command == "r":
            return await self._act.sees(place, tenant, self._home, foreign=True)
        if command == "a":
            if relation.kind == "p":
                return None
            return await self._act.adds(place, rights.inserts, {tenant: self._abroad})
        if not rights.selects:
            return None
        return await self._act.changes(place, tenant, self._home, column=rights.updates[0] if command == "w" else None)

    async def _by_policy(
        self, relation: Relation, policies: Sequence[PolicyRow], command: Command
    ) -> tuple[bool, bool]:
        using = _condition(self._applying(policies, command), check=False)
        check = _condition(self._applying(policies, command), check=True)
        place, likely = (relation.schema, relation.name), likely_values(policies, self._me)
        home = self._rows(relation, self._home, likely)
        abroad = self._rows(relation, self._abroad, likely, abroad=True)
        known = bool(relation.tenant or relation.people)
        if command != "w":
            condition = check if command == "a" else using
            own = await self._act.admits(place, condition, home) is True
            return own, known and await self._act.admits(place, condition, abroad) is True
        reaches = await self._act.admits(place, using, home) is True
        takes = await self._act.admits(place, using, abroad) is True
        gives = reaches and await self._act.admits(place, check, abroad) is True
        return reaches, known and (takes or gives)

    def _applying(self, policies: Sequence[PolicyRow], command: Command) -> list[PolicyRow]:
        return [
            policy
            for policy in policies
            if policy.command in {command, "*"} and self._persona.role in policy.applies_to
        ]

    def _rows(
        self, relation: Relation, organization: str, likely: Mapping[str, Any], *, abroad: bool = False
    ) -> list[Mapping[str, Any]]:
        """Return made-up rows of an organization: bare, naming the persona, with every flag up, as policies ask."""
        base: dict[str, Any] = {relation.tenant: organization} if relation.tenant else {}
        mine = dict.fromkeys(relation.people, self._someone if abroad and not relation.tenant else self._me)
        flags = dict.fromkeys(relation.flags, True)
        asked = {column: value for column, value in likely.items() if column not in mine and column != relation.tenant}
        return [
            base,
            {**mine, **base},
            {**mine, **flags, **base},
            {**asked, **mine, **base},
            {**asked, **mine, **flags, **base},
        ]


_CONSTANT = re.compile(r"\b(\w+) = (?:ANY \(ARRAY\[)?'((?:[^']|'')*)'::text")
_CALLER = re.compile(r"\b(\w+) = \( SELECT qms\.current_(user_id|actor_kind)\(\)")


def likely_values(policies: Sequence[PolicyRow], user_id: str) -> dict[str, Any]:
    """Return the values policies ask of columns, so that a made-up row can pass where a real one could."""
    found: dict[str, Any] = {}
    for policy in policies:
        text = f"{policy.using_expression or ''} {policy.check_expression or ''}"
        found |= {column: value.replace("''", "'") for column, value in _CONSTANT.findall(text)}
        found |= {column: user_id if asked == "user_id" else "agent" for column, asked in _CALLER.findall(text)}
    return found


def _turned(one: str, other: str, *, turn: bool) -> tuple[str, str]:
    return (other, one) if turn else (one, other)


def _condition(policies: Sequence[PolicyRow], *, check: bool) -> str:
    """Return what row-level security makes of the policies: any permissive one, and all restrictive ones."""
    permissive = [f"({policy.expression(check=check)})" for policy in policies if policy.permissive]
    restrictive = [f"({policy.expression(check=check)})" for policy in policies if not policy.permissive]
    if not permissive:
        return "false"
    return " AND ".join([f"({' OR '.join(permissive)})", *restrictive])
