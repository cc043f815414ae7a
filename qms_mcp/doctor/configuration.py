"""The settings: which are set, which are wrong, which are misspelt; and what the ones left out turn off."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

import anyio
from pydantic import SecretStr

from qms_mcp.doctor.findings import Finding
from qms_mcp.errors import InvalidInputError
from qms_mcp.settings import Settings

_PART = "settings"
_SECONDS = 2.0


def read_settings(environment: Mapping[str, str]) -> tuple[Settings | None, list[Finding]]:
    """Return the settings, or None when some are wrong, and what was found about them."""
    found = list(_misspelt(environment))
    try:
        settings = Settings.from_environment(environment)
    except InvalidInputError as error:
        return None, [Finding(_PART, "values", "broken", error.message, error.hint), *found]
    shown = [_shown(name, settings) for name in sorted(settings.model_fields_set)]
    return settings, [Finding(_PART, "values", "ok", ", ".join(shown) or "all left at their defaults"), *found]


def _shown(name: str, settings: Settings) -> str:
    value = getattr(settings, name)
    return f"{name.upper()} {'set' if isinstance(value, SecretStr) else f'= {value}'}"


def _misspelt(environment: Mapping[str, str]) -> Iterator[Finding]:
    known = [name.upper() for name in Settings.model_fields]
    for name in sorted(environment):
        if name.startswith("QMS_") and name not in known:
            close = get_close_matches(name, known, n=1)
            hint = f"Did you mean {close[0]}?" if close else "Unset it."
            yield Finding(_PART, name, "warning", "is no setting and has no effect", hint)


async def look_outside(settings: Settings) -> Iterator[Finding]:
    """Look at what is reached over the network, if it is configured."""
    return iter([_claude(settings), await _langfuse(settings), _sign_in(settings)])


def _claude(settings: Settings) -> Finding:
    if settings.anthropic_api_key is None:
        return Finding("outside", "Claude API", "missing", "ANTHROPIC_API_KEY is not set",
                       "generate_sql returns the context of a question; your client writes the SQL.")  # fmt: skip
    return Finding("outside", "Claude API", "ok", f"key set; generate_sql writes SQL with {settings.qms_model}")


async def _langfuse(settings: Settings) -> Finding:
    if not settings.langfuse_configured:
        return Finding("outside", "Langfuse", "missing", "no keys set",
                       "Calls are recorded in the database only.")  # fmt: skip
    host = settings.langfuse_host
    try:
        with anyio.fail_after(_SECONDS):
            stream = await anyio.connect_tcp(host.host or "", host.port or 443)
            await stream.aclose()
    except (OSError, TimeoutError):
        return Finding("outside", "Langfuse", "warning", f"{host} does not answer within {_SECONDS:.0f} s",
                       "Spans wait in the outbox and are sent later; calls are not slower.")  # fmt: skip
    return Finding("outside", "Langfuse", "ok", f"keys set, {host} answers")


def _sign_in(settings: Settings) -> Finding:
    url = settings.supabase_url or settings.qms_jwt_jwks_url
    if url is None and settings.qms_jwt_secret is None:
        return Finding("outside", "sign-in", "missing", "neither SUPABASE_URL nor QMS_JWT_SECRET is set",
                       "No access token can be checked; only the local owner can work here.")  # fmt: skip
    local = url is None or url.host in {"localhost", "127.0.0.1", "::1", "[::1]"}
    if url is not None and url.scheme == "http" and not local:
        return Finding("outside", "sign-in", "warning", f"keys come from {url} without TLS",
                       "Anyone on the way could exchange them. Use https.")  # fmt: skip
    return Finding("outside", "sign-in", "ok", f"keys from {url}" if url else "tokens signed with QMS_JWT_SECRET")
