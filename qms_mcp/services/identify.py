"""From a token, or from owning the embedded database, to a principal."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.queries import query
from qms_mcp.errors import NotAuthenticatedError
from qms_mcp.settings import Settings

_MEMBERSHIPS = query("identity.memberships")


@dataclass(frozen=True, slots=True)
class Membership:
    """A membership as the database reports it."""

    organization_id: UUID
    roles: list[str]
    slug: str
    organization_name: str
    email: str | None


async def identify(database: Database, settings: Settings) -> Principal:
    """Return on whose behalf this server works.

    Raises:
        NotAuthenticatedError: There is no token where one is needed, it does not hold, or its person belongs to no
            organization (or to several, and none was chosen).
    """
    expires_at: datetime | None = None
    if settings.qms_access_token is not None:
        from qms_mcp.auth.tokens import verify_token  # noqa: PLC0415 - PyJWT is only needed with a token

        verified = await verify_token(settings.qms_access_token.get_secret_value(), settings)
        user_id, expires_at = verified.user_id, verified.expires_at
    elif settings.embedded:
        from qms_mcp.db.local_owner import LOCAL_OWNER_ID  # noqa: PLC0415

        user_id = LOCAL_OWNER_ID
    else:
        raise NotAuthenticatedError(
            "It is not known on whose behalf to work.",
            hint="Set QMS_ACCESS_TOKEN to the access token of a person.",
        )
    async with database.plumbing() as transaction:
        memberships = await transaction.fetch_all(_MEMBERSHIPS, {"user_id": user_id}, row=Membership)
    chosen = choose(memberships, settings.qms_organization)
    return Principal(
        user_id=user_id,
        organization_id=chosen.organization_id,
        roles=frozenset(chosen.roles),
        actor_kind="agent",
        email=chosen.email,
        expires_at=expires_at,
    )


def choose(memberships: list[Membership], wanted: str | None) -> Membership:
    """Return the membership to act under.

    Raises:
        NotAuthenticatedError: None fits, or several do and none was chosen.
    """
    fitting = [m for m in memberships if wanted is None or wanted in {m.slug, str(m.organization_id)}]
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        raise NotAuthenticatedError(
            "You belong to no such organization." if wanted else "You belong to no organization.",
            hint="Ask an administrator for a membership (`qms-mcp users add`).",
        )
    raise NotAuthenticatedError(
        "You belong to several organizations.",
        hint=f"Set QMS_ORGANIZATION to one of: {', '.join(sorted(m.slug for m in fitting))}.",
    )
