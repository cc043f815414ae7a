"""The command that binds a transaction of the application: who acts, why, by which call and through which client."""

import json
from typing import Any

from qms_mcp import __version__
from qms_mcp.auth.acting import current_acting
from qms_mcp.auth.principal import Principal
from qms_mcp.db.exchange import Command, command
from qms_mcp.db.queries import query

_ASSUME = query("identity.assume")
_ROLE = "qms_app"


def assuming(principal: Principal, because: str | None) -> Command:
    """Return what binds the transaction it begins to a person and a reason.

    Raises:
        NotAuthenticatedError: The access token of the person has run out.
    """
    return command(_ASSUME, {**_identity(principal), **_circumstances(because)})


def _identity(principal: Principal) -> dict[str, Any]:
    principal.check_current()
    claims = {"sub": str(principal.user_id), "role": "authenticated", "organization": str(principal.organization_id)}
    return {
        "user_id": principal.user_id,
        "organization_id": principal.organization_id,
        "actor_kind": principal.actor_kind,
        "claims": json.dumps(claims),
        "role": _ROLE,
    }


def _circumstances(because: str | None) -> dict[str, str]:
    """Return what the trail keeps beside the identity."""
    call = current_acting()
    return {
        "reason": _storable(because or "").strip(),
        "tool_call_id": str(call.call_id or ""),
        "client": _storable(call.client),
        "app_version": __version__,
    }


def _storable(text: str) -> str:
    """Return a text without what PostgreSQL can't keep: NUL characters and halves of surrogate pairs."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
