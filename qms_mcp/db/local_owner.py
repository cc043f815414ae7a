"""The one person of an embedded database: whoever owns the account it runs under.

Embedded, there is nobody to sign in, so the first start records a local organization and its owner under fixed ids.
"""

from uuid import UUID, uuid5

from qms_mcp.db.database import Database
from qms_mcp.db.queries import query

_NAMESPACE = UUID("6f1c1f0e-6f0b-5b0f-9a52-6c2c3d1b7a11")
LOCAL_ORGANIZATION_ID = uuid5(_NAMESPACE, "organization")
LOCAL_OWNER_ID = uuid5(_NAMESPACE, "owner")
_ROLES = ["reporter", "owner", "reviewer", "approver", "qa_approver", "mrb", "regulatory", "admin"]
_ADMINISTER = query("local_owner.administer")
_MEMBERSHIPS = query("identity.memberships")
_EXISTS = query("local_owner.exists")
_STEPS = [query(f"local_owner.{step}") for step in ("user", "organization", "person", "membership")]


async def has_local_owner(database: Database) -> bool:
    """Return whether the local owner is recorded and may act."""
    async with database.plumbing() as transaction:
        return bool(await transaction.fetch_dicts(_MEMBERSHIPS, {"user_id": LOCAL_OWNER_ID}))


async def ensure_local_owner(database: Database) -> None:
    """Record the local organization and its owner, once."""
    params = {
        "organization_id": LOCAL_ORGANIZATION_ID,
        "user_id": LOCAL_OWNER_ID,
        "email": "owner@localhost",
        "printed_name": "Local owner",
        "organization_name": "Local organization",
        "slug": "local",
        "roles": _ROLES,
    }
    async with database.owner_transaction() as transaction:
        await transaction.execute(_ADMINISTER)
        if await transaction.fetch_dicts(_EXISTS, params):
            return
        for step in _STEPS:
            await transaction.execute(step, params)
