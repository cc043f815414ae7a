"""People with passwords, and their decisions, without a browser.

The passwords are hashed with the cheapest parameters there are: a test waits for the database, not for argon2.
"""

import base64
import secrets
from typing import Literal
from uuid import UUID

from argon2.low_level import Type, hash_secret

from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.queries import Query, query
from qms_mcp.services.signing.desk import SigningDesk
from qms_mcp.services.signing.models import Decided, Decision
from tests.conftest import add_person

_ADMINISTER = query("local_owner.administer")
_SET_PASSWORD = query("users.set_password")
_SHA256 = Query(
    "test",
    "SELECT coalesce(a.record_sha256, a.content_sha256) AS sha256 FROM qms.approvals AS a WHERE a.id = %(approval_id)s",
)


def new_password() -> str:
    """Return a password nobody else has."""
    return "a password " + base64.b32encode(secrets.token_bytes(6)).decode().lower()


def cheap_hash(password: str) -> str:
    """Return the encoded hash of a password."""
    return hash_secret(
        password.encode(), secrets.token_bytes(16), time_cost=1, memory_cost=8, parallelism=1, hash_len=32, type=Type.ID
    ).decode()


async def set_password(database: Database, user_id: UUID, password: str) -> None:
    """Give a person a password, as the owner of the database."""
    encoded = cheap_hash(password)
    async with database.owner_transaction() as transaction:
        await transaction.execute(_ADMINISTER)
        await transaction.execute(_SET_PASSWORD, {"user_id": user_id, "password_hash": encoded})


async def person_with_password(
    database: Database, organization_id: UUID, slug: str, *roles: str
) -> tuple[Principal, str]:
    """Add a person who can sign, and return the person (as an agent's principal) and the password."""
    person = await add_person(database, organization_id, slug, *roles)
    password = new_password()
    await set_password(database, person.user_id, password)
    return person, password


async def sign(
    database: Database,
    approval_id: UUID,
    person: Principal,
    password: str,
    verdict: Literal["approved", "rejected"] = "approved",
    why: str = "",
    *,
    shown_sha256: str | None = None,
) -> Decided:
    """Decide an approval as a person would on the page, in a session of its own; errors are the page's.

    `shown_sha256` is what the page would show: left out, it is what the approval was asked for.
    """
    desk = SigningDesk(database)
    token = await desk.sign_in(str(person.user_id), password)
    try:
        if shown_sha256 is None:
            async with database.owner_transaction() as transaction:
                await transaction.execute(_ADMINISTER)
                found = await transaction.fetch_dicts(_SHA256, {"approval_id": approval_id})
            assert found, "there is no such approval"
            shown_sha256 = str(found[0]["sha256"])
        return await desk.decide(
            token,
            Decision(
                approval_id=approval_id,
                verdict=verdict,
                shown_sha256=shown_sha256,
                why=why,
                user_id=str(person.user_id),
                password=password,
            ),
        )
    finally:
        await desk.sign_out(token)
