"""Why the model could not be asked, in words, and whether another try may help."""

import json
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from time import time
from typing import Any

from qms_mcp.errors import QmsError

_TRANSIENT_STATUS = (408, 409, 429)
_SERVER_ERROR = 500
# A stream that has begun says what went wrong in an event: its status is 200.
_TRANSIENT_KINDS = ("overloaded_error", "api_error", "rate_limit_error", "timeout_error")
_MOST_WORDS = 300


class CutStreamError(Exception):
    """A stream ended before the message did."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A request that failed.

    Attributes:
        message: What happened, in a sentence.
        hint: What to do about it.
        transient: Whether another try may get over it.
        retry_after: How many seconds the API asks to wait.
    """

    message: str
    hint: str = ""
    transient: bool = False
    retry_after: float | None = None

    def prose(self) -> str:
        """Return message and hint."""
        return f"{self.message} {self.hint}".strip()


class ModelFailedError(Exception):
    """The model could not be asked, however often it was tried."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def failure_of(error: Exception) -> Failure:
    """Return what an exception means."""
    import anthropic  # noqa: PLC0415 - not at start
    import httpx2  # noqa: PLC0415 - the same

    if isinstance(error, QmsError):
        return Failure(error.message, error.hint)
    if isinstance(error, anthropic.APIStatusError):
        return _status(error)
    if isinstance(error, anthropic.APITimeoutError | httpx2.TimeoutException):
        return Failure("The model was silent for too long.", transient=True)
    if isinstance(error, anthropic.APIConnectionError):
        return Failure("The Claude API can't be reached.", "Is ANTHROPIC_BASE_URL right?", transient=True)
    if isinstance(error, CutStreamError | httpx2.HTTPError | json.JSONDecodeError):
        return Failure("The reply of the model was cut off on its way.", transient=True)
    return Failure(
        f"The model could not be asked ({type(error).__name__}).", "The settings of the Claude API may be wrong."
    )


def _status(error: Any) -> Failure:
    status, kind = error.response.status_code, error.type or ""
    words = (error.api_message or "")[:_MOST_WORDS]
    message = f"The Claude API says {kind or 'error'} ({status}): {words}".rstrip(": ") + "."
    transient = status in _TRANSIENT_STATUS or status >= _SERVER_ERROR or kind in _TRANSIENT_KINDS
    return Failure(message, _hint(status), transient=transient, retry_after=_retry_after(error.response.headers))


def _hint(status: int) -> str:
    match status:
        case 401 | 403:
            return "Check ANTHROPIC_API_KEY or ANTHROPIC_AUTH_TOKEN, and what it is allowed."
        case 404:
            return "Check QMS_MODEL_STRONG, QMS_MODEL_BALANCED, QMS_MODEL_FAST and ANTHROPIC_BASE_URL."
        case 402:
            return "The account has no credit left."
        case 413:
            return "Ask for less at once."
        case _:
            return ""


def _retry_after(headers: Any) -> float | None:
    for name, unit in (("retry-after-ms", 1_000.0), ("retry-after", 1.0)):
        try:
            return max(0.0, float(headers[name]) / unit)
        except (KeyError, ValueError):
            continue
    try:
        return max(0.0, parsedate_to_datetime(headers["retry-after"]).timestamp() - time())
    except (KeyError, ValueError, TypeError):
        return None
