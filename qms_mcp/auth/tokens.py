"""Access tokens: who a Supabase JWT says its bearer is, and until when.

PyJWT verifies; what is decided here is what it may accept. The algorithm follows from the key and never from the
token alone: HS256 only with the configured secret, ES256 only with an elliptic key and RS256 only with an RSA key of
the project's key set. A token has to have an audience, a subject, a time of issue and an expiry; clocks may differ by
half a minute. It has to belong to a person: keys of the project (`anon`, `service_role`) and anonymous sign-ins are
refused. Errors name what is wrong and never quote the token.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from uuid import UUID

import anyio.to_thread
import jwt

from qms_mcp.auth.principal import token_expired
from qms_mcp.errors import NotAuthenticatedError, UnavailableError
from qms_mcp.settings import Settings

if TYPE_CHECKING:
    from jwt.algorithms import AllowedPublicKeys

Key: TypeAlias = "AllowedPublicKeys | str"
LEEWAY: Final = timedelta(seconds=30)
_REQUIRED: Final = ["exp", "iat", "aud", "sub"]
_KEY_TYPES: Final = {"ES256": "EC", "RS256": "RSA"}
_NOT_PEOPLE: Final = frozenset({"anon", "service_role", "supabase_admin"})
_SHORTEST_SECRET: Final = 32
_JWKS_TIMEOUT: Final = 5.0
_SIGN_IN: Final = "Sign in again, set QMS_ACCESS_TOKEN to the new access token and start the server again."
_LARGEST_TOKEN: Final = 16_384


@dataclass(frozen=True, slots=True)
class VerifiedToken:
    """What a token proved.

    Attributes:
        user_id: The person.
        expires_at: From then on the token counts for nothing (the difference of clocks is in it).
    """

    user_id: UUID
    expires_at: datetime


async def verify_token(token: str, settings: Settings) -> VerifiedToken:
    """Return whose token this is and until when it holds.

    Raises:
        NotAuthenticatedError: It does not hold; the message says why.
        UnavailableError: The keys to check it with can't be had now.
    """
    algorithm, key_id = _header(token)
    if algorithm == "HS256":
        key: Key = _secret(settings)
    elif algorithm in _KEY_TYPES:
        key = await _public_key(algorithm, key_id, settings)
    else:
        raise _refused("is signed with an algorithm that is not accepted (accepted: ES256, RS256, HS256)")
    return _person(_claims(token, key, algorithm, settings))


def _header(token: str) -> tuple[str, str | None]:
    if len(token) > _LARGEST_TOKEN:
        raise _refused("is too long to be one")
    try:
        header = jwt.get_unverified_header(token)
    except jwt.PyJWTError:
        raise _refused("is not a JWT") from None
    key_id = header.get("kid")
    return str(header.get("alg")), key_id if isinstance(key_id, str) else None


def _secret(settings: Settings) -> str:
    if settings.qms_jwt_secret is None:
        raise NotAuthenticatedError(
            "The access token is signed with HS256, and no secret is configured to check it with.",
            hint="Set QMS_JWT_SECRET to the JWT secret of the project, or sign in with a project that uses ES256.",
        )
    secret = settings.qms_jwt_secret.get_secret_value()
    if len(secret.encode()) < _SHORTEST_SECRET:
        raise NotAuthenticatedError(
            "QMS_JWT_SECRET is too short to be safe for HS256.",
            hint=f"It needs at least {_SHORTEST_SECRET} bytes; a Supabase project's secret has more.",
        )
    return secret


async def _public_key(algorithm: str, key_id: str | None, settings: Settings) -> "AllowedPublicKeys":
    url = jwks_url(settings)
    if url is None:
        raise NotAuthenticatedError(
            f"The access token is signed with {algorithm}, and it is not known where the keys are.",
            hint="Set SUPABASE_URL to the address of the project, or QMS_JWT_JWKS_URL to its key set.",
        )
    if key_id is None:
        raise _refused("does not say which key it is signed with")
    found = await anyio.to_thread.run_sync(_fetch_key, url, key_id, abandon_on_cancel=True)
    if found.key_type != _KEY_TYPES[algorithm]:
        raise _refused(f"claims {algorithm}, and its key is of another kind")
    return found.key


def jwks_url(settings: Settings) -> str | None:
    """Return where the public keys are, if that is configured."""
    if settings.qms_jwt_jwks_url is not None:
        return str(settings.qms_jwt_jwks_url)
    return f"{_issuer(settings)}/.well-known/jwks.json" if settings.supabase_url else None


def _issuer(settings: Settings) -> str | None:
    return f"{str(settings.supabase_url).rstrip('/')}/auth/v1" if settings.supabase_url else None


def _fetch_key(url: str, key_id: str) -> jwt.PyJWK:
    try:
        return key_set_at(url).get_signing_key(key_id)
    except (jwt.PyJWKClientConnectionError, OSError, ValueError):
        raise UnavailableError(
            "The keys to check the access token with can't be fetched.",
            hint=f"Is {url} reachable from here? `qms-mcp doctor` tries it.",
        ) from None
    except (jwt.PyJWKClientError, jwt.PyJWKSetError, jwt.PyJWKError):
        raise _refused("is signed with a key the project does not know") from None


@lru_cache(maxsize=8)
def key_set_at(url: str) -> jwt.PyJWKClient:
    """Return the key set at `url`; kept for five minutes, and fetched anew for a key it does not know."""
    return jwt.PyJWKClient(url, cache_jwk_set=True, lifespan=300, timeout=_JWKS_TIMEOUT, cooldown_duration=5)


def _claims(token: str, key: Key, algorithm: str, settings: Settings) -> dict[str, Any]:
    def decode(*, check_expiry: bool) -> dict[str, Any]:
        return jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            audience=settings.qms_jwt_audience,
            issuer=_issuer(settings),
            leeway=LEEWAY,
            options={"require": [*_REQUIRED, *(["iss"] if settings.supabase_url else [])], "verify_exp": check_expiry},
        )

    try:
        return decode(check_expiry=True)
    except jwt.ExpiredSignatureError:
        since = datetime.fromtimestamp(float(decode(check_expiry=False)["exp"]), UTC)
        raise token_expired(since) from None
    except jwt.MissingRequiredClaimError as error:
        raise _refused(f"lacks the claim {error.claim!r}") from None
    except jwt.InvalidAudienceError:
        raise _refused(f"is for another audience; expected {settings.qms_jwt_audience!r}") from None
    except jwt.InvalidIssuerError:
        raise _refused("comes from another project than SUPABASE_URL") from None
    except jwt.ImmatureSignatureError:
        raise _refused("is not valid yet; is the clock of this machine right?") from None
    except jwt.InvalidSignatureError:
        raise _refused("has a signature that does not fit its key") from None
    except jwt.PyJWTError:
        raise _refused("has claims that can't be used") from None


def _person(claims: dict[str, Any]) -> VerifiedToken:
    if claims.get("role") in _NOT_PEOPLE or claims.get("is_anonymous") is True:
        raise _refused("belongs to no person: it is a key of the project or an anonymous sign-in")
    try:
        user_id = UUID(str(claims["sub"]))
        expires_at = datetime.fromtimestamp(float(claims["exp"]), UTC) + LEEWAY
    except (ValueError, OverflowError, OSError):
        raise _refused("names no user") from None
    return VerifiedToken(user_id, expires_at)


def _refused(why: str) -> NotAuthenticatedError:
    return NotAuthenticatedError(f"The access token {why}.", hint=_SIGN_IN)
