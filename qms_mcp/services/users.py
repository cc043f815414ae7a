"""The people: added, ended, given a password. Only for the command line: no tool reaches this.

It acts as the owner of the database in the role that may see the people of all organizations.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal
from uuid import UUID, uuid4

from qms_mcp.auth import passwords
from qms_mcp.db.queries import query
from qms_mcp.errors import ConflictError, InvalidInputError, NotAllowedError, NotFoundError

if TYPE_CHECKING:
    from qms_mcp.db.database import Database
    from qms_mcp.db.transaction import Transaction

ROLES = ("reporter", "owner", "reviewer", "approver", "qa_approver", "mrb", "regulatory", "auditor", "admin")

_ADMINISTER = query("local_owner.administer")
_BY_EMAIL = query("users.by_email")
_LISTED = query("users.listed")
_ORGANIZATIONS = query("users.organizations")
_ADD_USER = query("users.add_user")
_ADD_PERSON = query("users.add_person")
_BEGIN = query("users.begin_membership")
_END = query("users.end_membership")
_CHECK = query("users.check")
_PARAMETERS = query("users.parameters")
_HAS_PASSWORD = query("users.has_password")
_NOTE = query("users.note")
_DEACTIVATE = query("users.deactivate")
_WAY = query("users.way_of_signing")
_END_SESSIONS = query("users.end_sessions")
_SET_PASSWORD = query("users.set_password")


@dataclass(frozen=True, slots=True)
class Person:
    """A person who can act."""

    user_id: UUID
    email: str
    printed_name: str
    has_password: bool
    deactivated: bool = False


@dataclass(frozen=True, slots=True)
class ListedMember:
    """A membership, as the list shows it."""

    email: str
    printed_name: str
    organization: str
    roles: list[str]
    valid_from: datetime
    valid_to: datetime | None
    has_password: bool


@dataclass(frozen=True, slots=True)
class _Organization:
    id: UUID
    slug: str


class Users:
    """People, their memberships and their passwords."""

    def __init__(self, database: "Database") -> None:
        self._database = database

    async def listed(self, organization: str | None = None) -> list[ListedMember]:
        """Return who belongs where."""
        async with self._administering() as transaction:
            return await transaction.fetch_all(_LISTED, {"organization": organization}, row=ListedMember)

    async def find(self, email: str) -> Person:
        """Return a person.

        Raises:
            NotFoundError: Nobody has this address.
        """
        async with self._administering() as transaction:
            return await _person(transaction, email)

    async def add(self, email: str, *, name: str, roles: list[str], organization: str | None) -> Person:
        """Add a person to an organization, or give one who is there other roles from now on.

        Raises:
            ConflictError: The person was deactivated.
            InvalidInputError: The address, the name or a role can't be used.
            NotFoundError: There is no such organization, or several and none was named.
        """
        _check(email, name, roles)
        async with self._administering() as transaction:
            chosen = await _organization(transaction, organization)
            found = await transaction.fetch_one(_BY_EMAIL, {"email": email}, row=Person)
            _check_active(found)
            params = {
                "user_id": found.user_id if found else uuid4(),
                "email": email,
                "printed_name": name,
                "organization_id": chosen.id,
                "roles": sorted(set(roles)),
            }
            if found is None:
                await transaction.execute(_ADD_USER, params)
            await transaction.execute(_ADD_PERSON, params)
            await transaction.execute(_END, params)
            await transaction.execute(_BEGIN, params)
            return await _person(transaction, email)

    async def end(self, email: str, *, organization: str | None = None) -> int:
        """End the memberships of a person, in one organization or in all; return how many.

        Raises:
            ConflictError: The person has none.
        """
        async with self._administering() as transaction:
            person = await _person(transaction, email)
            chosen = await _organization(transaction, organization) if organization else None
            params = {"user_id": person.user_id, "organization_id": chosen.id if chosen else None}
            ended = await transaction.execute(_END, params)
        if not ended:
            raise ConflictError(f"{email} has no current membership to end.")
        return ended

    async def change_roles(self, email: str, roles: list[str], *, organization: str | None = None) -> list[str]:
        """Give a member other roles from now on, and return them; what they were stays recorded.

        Raises:
            ConflictError: The person does not belong to the organization, or was deactivated.
            InvalidInputError: A role can't be used.
            NotFoundError: There is no such person or organization.
        """
        check_roles(roles)
        async with self._administering() as transaction:
            person = await _person(transaction, email)
            _check_active(person)
            chosen = await _organization(transaction, organization)
            wanted = sorted(set(roles))
            params = {"user_id": person.user_id, "organization_id": chosen.id, "roles": wanted}
            if not await transaction.execute(_END, params):
                raise ConflictError(
                    f"{email} does not belong to {chosen.slug}.", hint="`qms-mcp users add` adds a person."
                )
            await transaction.execute(_BEGIN, params)
        return wanted

    async def deactivate(self, email: str) -> int:
        """End everything a person may do, everywhere and at once; return how many memberships ended.

        Nothing is deleted, and the user id is never given to anybody else.

        Raises:
            ConflictError: The person was deactivated before.
            NotFoundError: Nobody has this address.
        """
        async with self._administering() as transaction:
            person = await _person(transaction, email)
            _check_active(person)
            params = {"user_id": person.user_id, "organization_id": None, "action": "deactivated"}
            await transaction.execute(_END_SESSIONS, params)
            await transaction.execute(_NOTE, params)
            await transaction.execute(_DEACTIVATE, params)
            return await transaction.execute(_END, params)

    async def sign_with(self, way: Literal["password", "recorded"], *, organization: str | None = None) -> str:
        """Set how approvals of records are signed in an organization, and return its slug.

        `recorded` is for organizations whose rules ask for no electronic signature: approvals keep name, time and
        meaning without a password, and say so wherever they are shown. The change stands in the trail.

        Raises:
            NotFoundError: There is no such organization, or several and none was named.
        """
        async with self._administering() as transaction:
            chosen = await _organization(transaction, organization)
            await transaction.execute(_WAY, {"way": way, "organization_id": chosen.id})
        return chosen.slug

    async def set_password(self, person: Person, password: str, *, old: str | None) -> None:
        """Set a password; one that exists is only replaced by who knows it.

        Raises:
            ConflictError: Somebody set one meanwhile, or the person was deactivated.
            InvalidInputError: The new password is too weak.
            NotAllowedError: The old one is wrong or missing.
        """
        _check_active(person)
        passwords.check_new(password)
        if person.has_password or old is not None:
            await self.verify(person, old or "")
        params = {
            "user_id": person.user_id,
            "password_hash": passwords.hash_password(password),
            "action": "password_set",
        }
        async with self._administering() as transaction:
            if old is None and await transaction.fetch_dicts(_HAS_PASSWORD, params):
                raise ConflictError("A password was set meanwhile.", hint="Start again with the one that is set.")
            await transaction.execute(_SET_PASSWORD, params)
            # Whoever is signed in with the old one has to know the new one.
            await transaction.execute(_END_SESSIONS, params)
            await transaction.execute(_NOTE, params)

    async def verify(self, person: Person, password: str) -> None:
        """Check a password. Wrong tries are counted and recorded; the fifth locks for 15 minutes.

        Raises:
            NotAllowedError: It is wrong, none is set, or there were too many tries.
        """
        params: dict[str, object] = {"user_id": person.user_id}
        async with self._administering() as transaction:
            parameters = (await transaction.fetch_dicts(_PARAMETERS, params))[0]["parameters"]
            params["derived"] = passwords.derive(parameters, password)
            # The database locks the row while it compares and counts, so tries side by side count one by one.
            outcome = (await transaction.fetch_dicts(_CHECK, params))[0]["outcome"]
        if outcome == "right":
            return
        if outcome == "unknown":
            raise NotAllowedError(
                f"{person.email} has no password.", hint=f"Set one: qms-mcp users passwd {person.email}"
            )
        if outcome == "locked":
            raise NotAllowedError("Too many wrong passwords.", hint="Try again in 15 minutes.")
        raise NotAllowedError("The password is wrong.", hint="Five wrong ones lock it for 15 minutes.")

    @asynccontextmanager
    async def _administering(self) -> "AsyncGenerator[Transaction]":
        async with self._database.owner_transaction() as transaction:
            await transaction.execute(_ADMINISTER)
            yield transaction


async def _person(transaction: "Transaction", email: str) -> Person:
    found = await transaction.fetch_one(_BY_EMAIL, {"email": email}, row=Person)
    if found is None:
        raise NotFoundError(f"Nobody has the address {email}.", hint="`qms-mcp users list` shows who is there.")
    return found


async def _organization(transaction: "Transaction", slug: str | None) -> _Organization:
    everyone = await transaction.fetch_all(_ORGANIZATIONS, row=_Organization)
    fitting = [one for one in everyone if slug is None or slug in {one.slug, str(one.id)}]
    if len(fitting) == 1:
        return fitting[0]
    known = ", ".join(one.slug for one in everyone) or "none yet"
    raise NotFoundError(
        f"There is no organization {slug!r}." if slug else "Say which organization.",
        hint=f"--organization takes one of: {known}.",
    )


def check_roles(roles: list[str]) -> None:
    """Refuse what is no role.

    Raises:
        InvalidInputError: One of them is none, or there is not one.
    """
    wrong = [role for role in roles if role not in ROLES]
    if wrong or not roles:
        raise InvalidInputError(f"{', '.join(wrong) or 'Nothing'} is no role.", hint=f"Roles: {', '.join(ROLES)}.")


def _check_active(person: Person | None) -> None:
    if person is not None and person.deactivated:
        raise ConflictError(f"{person.email} was deactivated.", hint="A user id is never used again; add another one.")


def _check(email: str, name: str, roles: list[str]) -> None:
    if "@" not in email or email != email.strip():
        raise InvalidInputError(f"{email!r} is no e-mail address.")
    if not name.strip():
        raise InvalidInputError("A name is needed: it stands on records.", hint="--name 'Ada Lovelace'")
    check_roles(roles)
