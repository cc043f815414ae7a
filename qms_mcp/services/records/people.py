"""Who is meant: an e-mail address, the name on records, an id or `me` becomes a person of the caller's organization.

A name counts in any case and spelling of its spaces, but whole: to guess at people would put work on the wrong desk.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any
from uuid import UUID

from qms_mcp.auth.principal import Principal
from qms_mcp.db.queries import query
from qms_mcp.db.transaction import Transaction
from qms_mcp.errors import InvalidInputError, NotFoundError

if TYPE_CHECKING:
    from qms_mcp.db.database import Database

_MEMBERS = query("people.members")
_CALLED = query("people.called")
PERSON_FIELDS = frozenset(
    {
        "owner_id",
        "assigned_to",
        "author_id",
        "area_responsible",
        "lead_auditor",
        "trainee_id",
        "trainer_id",
        "signer_id",
    }
)
_MOST_NAMES = 5


@dataclass(frozen=True, slots=True)
class Member:
    """A person of the organization, as things are now."""

    user_id: UUID
    printed_name: str
    roles: list[str]

    @property
    def label(self) -> str:
        """How to tell the person from another of the same name."""
        return f"{self.printed_name} ({self.user_id})"


class People:
    """Finds the people of an organization by what others call them."""

    def __init__(self, database: "Database") -> None:
        self._database = database

    async def resolve(self, principal: Principal, reference: str, *, field: str = "person") -> UUID:
        """Return the id of the person who is meant.

        Args:
            principal: Who asks.
            reference: An e-mail address, the name on records, an id, or `me`.
            field: What the person is wanted for; errors name it.

        Raises:
            NotFoundError: Nobody of the organization is called so.
            InvalidInputError: Several people are.
        """
        async with self._database.transaction(principal, read_only=True) as transaction:
            return await find_person(transaction, reference, field=field)

    async def resolve_fields(self, principal: Principal, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields of a record with ids in the place of people; nobody (null) stays nobody.

        Raises:
            NotFoundError: Nobody of the organization is called so.
            InvalidInputError: Several people are.
        """
        named = {field: value for field, value in fields.items() if field in PERSON_FIELDS and value is not None}
        if not named:
            return dict(fields)
        async with self._database.transaction(principal, read_only=True) as transaction:
            people = {field: await find_person(transaction, str(value), field=field) for field, value in named.items()}
        return {**fields, **people}


async def find_person(transaction: Transaction, reference: str, *, field: str = "person") -> UUID:
    """Return the id of the person who is meant; see `People.resolve`.

    Raises:
        NotFoundError: Nobody of the organization is called so.
        InvalidInputError: Several people are.
    """
    wanted = reference.strip()
    found: UUID | None = (await transaction.fetch_dicts(_CALLED, {"reference": wanted}))[0]["id"]
    if found is not None:
        return found
    members = await transaction.fetch_all(_MEMBERS, row=Member)
    same = [member for member in members if _plain(member.printed_name) == _plain(wanted)]
    if len(same) == 1:
        return same[0].user_id
    if same:
        raise InvalidInputError(
            f"{field}: {len(same)} people are called {wanted!r}.",
            hint=f"Say which, by e-mail or id: {'; '.join(member.label for member in same[:_MOST_NAMES])}.",
        )
    raise NotFoundError(f"{field}: nobody in this organization is {wanted[:60]!r}.", hint=_who_else(wanted, members))


def _plain(name: str) -> str:
    return " ".join(name.casefold().split())


def _who_else(wanted: str, members: list[Member]) -> str:
    names = {_plain(member.printed_name): member.printed_name for member in members if member.printed_name}
    close = get_close_matches(_plain(wanted), names, n=3, cutoff=0.5)
    if close:
        return f"Did you mean {' or '.join(repr(names[name]) for name in close)}?"
    return "Give the e-mail address, the name as it stands on records, or the id."
