"""The way to Claude: one client for the process, made when it is first needed.

The SDK is asked not to try again by itself: a stream that is cut in the middle is beyond its retries, and a wait the
API asks for is not held against how long the agent may take. `asking` does both.
"""

import asyncio
import random
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import anyio.to_thread

from qms_mcp.agents.claude.prices import Prices
from qms_mcp.agents.definition import Tier
from qms_mcp.errors import UnavailableError

if TYPE_CHECKING:
    from qms_mcp.settings import Settings

_CONNECT_SECONDS = 10.0
_LONGEST_WAIT = 8.0
_CLOUDS = {"bedrock": "AsyncAnthropicBedrock", "vertex": "AsyncAnthropicVertex"}
_EXTRAS = {"bedrock": "boto3", "vertex": "google.auth"}


class ClaudeAccess:
    """Which models there are, what they cost, and the client to ask them.

    Args:
        settings: Where and how Claude is reached.
        retries: How often a request is tried again.
        first_wait: Seconds before the first of these tries, when the API names none; doubled each time.
    """

    def __init__(self, settings: "Settings", *, retries: int = 3, first_wait: float = 0.5) -> None:
        self._settings = settings
        self.retries = retries
        self._first_wait = first_wait
        self.prices = Prices(settings.qms_model_prices)
        # A client belongs to the event loop it was first used in.
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, Any] = WeakKeyDictionary()

    @classmethod
    def from_settings(cls, settings: "Settings", *, retries: int = 3, first_wait: float = 0.5) -> "ClaudeAccess | None":
        """Return the access, or None when no key is set and no cloud is named."""
        keys = (settings.anthropic_api_key, settings.anthropic_auth_token)
        if settings.qms_claude_via == "api" and keys == (None, None):
            return None
        return cls(settings, retries=retries, first_wait=first_wait)

    def model(self, tier: Tier) -> str:
        """Return the model of a tier."""
        match tier:
            case "opus":
                return self._settings.qms_model_strong
            case "sonnet":
                return self._settings.qms_model_balanced
            case "haiku":
                return self._settings.qms_model_fast

    def effort(self, tier: Tier, wanted: str | None = None) -> str | None:
        """Return the effort to ask for, the one wanted before that of the settings; the fast models know none."""
        return None if tier == "haiku" else wanted or self._settings.qms_model_effort

    def pause(self, attempt: int, asked_for: float | None) -> float:
        """Return how many seconds to wait after a try that failed.

        Args:
            attempt: Which one; the first is 1.
            asked_for: What the API said.
        """
        if asked_for is not None:
            return asked_for
        # Not all agents at once: they failed at once.
        spread = 1 - 0.25 * random.random()  # noqa: S311 - no secret
        return min(self._first_wait * 2 ** (attempt - 1), _LONGEST_WAIT) * spread

    async def client(self) -> Any:
        """Return the client.

        Raises:
            UnavailableError: A package or a setting it needs is missing.
        """
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            # To import it and to read the certificates takes over a second: in a thread, so that other calls go on.
            made = await anyio.to_thread.run_sync(self._connect)
            if self._clients.setdefault(loop, made) is not made:
                await made.close()
        return self._clients[loop]

    async def aclose(self) -> None:
        """Close the client of this event loop."""
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.close()

    def _connect(self) -> Any:
        import anthropic  # noqa: PLC0415 - not at start

        settings, via = self._settings, self._settings.qms_claude_via
        seconds = settings.qms_model_timeout_seconds
        options: dict[str, Any] = {
            "timeout": anthropic.Timeout(seconds, connect=_CONNECT_SECONDS),
            "max_retries": 0,
            "base_url": str(settings.anthropic_base_url).rstrip("/") if settings.anthropic_base_url else None,
        }
        if via == "api":
            return anthropic.AsyncAnthropic(**self._credentials(), **options)
        if not _is_installed(_EXTRAS[via]):
            raise UnavailableError(
                f"QMS_CLAUDE_VIA is {via}, and {_EXTRAS[via]} is not installed.",
                hint=f"pip install 'anthropic[{via}]'",
            )
        make: Any = getattr(anthropic, _CLOUDS[via])
        try:
            return make(**options)
        except ValueError as wrong:
            raise UnavailableError(
                f"Claude can't be reached via {via}: {wrong}", hint="Set the region and credentials of that cloud."
            ) from wrong

    def _credentials(self) -> dict[str, str]:
        key, token = self._settings.anthropic_api_key, self._settings.anthropic_auth_token
        if key is not None:
            return {"api_key": key.get_secret_value()}
        return {"auth_token": token.get_secret_value()} if token is not None else {}


def _is_installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:
        return False
