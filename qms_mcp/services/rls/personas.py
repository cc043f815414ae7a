"""Who is impersonated: the roles there are, each with an identity it might have."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias
from uuid import UUID

from qms_mcp.auth.principal import Principal
from qms_mcp.services.rls.templates import ROLES

Identity: TypeAlias = Literal["own", "auditor", "other", "none", "forged"]
OTHER = UUID("00000000-0000-4000-8000-00000000feed")


@dataclass(frozen=True, slots=True)
class Persona:
    """A role with an identity.

    Attributes:
        label: How the report names it.
        role: The database role.
        identity: own: of the caller's organization, with every role. auditor: the same, only auditor. other: of an
            organization that is not there. forged: the caller's, signed by nobody. none: nothing at all.
        may: What it is meant to get at most: read, write or nothing.
    """

    label: str
    role: str
    identity: Identity
    may: Literal["write", "read", "nothing"] = "nothing"


PERSONAS = (
    Persona("qms_app", "qms_app", "own", "write"),
    Persona("qms_app as auditor", "qms_app", "auditor", "read"),
    Persona("qms_app of another organization", "qms_app", "other"),
    Persona("qms_app with a forged identity", "qms_app", "forged"),
    Persona("qms_app without identity", "qms_app", "none"),
    Persona("qms_sql", "qms_sql", "own", "read"),
    Persona("qms_sql of another organization", "qms_sql", "other"),
    Persona("qms_sql with a forged identity", "qms_sql", "forged"),
    Persona("qms_probe", "qms_probe", "own"),
    Persona("authenticated", "authenticated", "forged"),
    Persona("anon", "anon", "forged"),
)
DATABASE_ROLES = tuple(dict.fromkeys(persona.role for persona in PERSONAS))


def claims(principal: Principal, identity: Identity) -> Mapping[str, Any]:
    """Return the claims that are signed for an identity."""
    other = identity == "other"
    return {
        "sub": str(OTHER if other else principal.user_id),
        "org": str(OTHER if other else principal.organization_id),
        "kind": "agent",
        "roles": ["auditor"] if identity == "auditor" else list(ROLES),
    }


def settings(principal: Principal, identity: Identity) -> Mapping[str, Any]:
    """Return the claims that any SQL can set, as Supabase would set them."""
    if identity in {"none", "other"}:
        return {}
    organization = str(principal.organization_id)
    return {
        "sub": str(principal.user_id),
        "role": "authenticated",
        "organization": organization,
        "organization_id": organization,
        "org_id": organization,
        "app_metadata": {"organization_id": organization, "org_id": organization},
    }
