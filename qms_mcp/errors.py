"""The one small tree of errors this project raises on purpose.

Every error has a `code` a program can branch on, a message that says what is wrong and a hint that says what to
do next. All three reach the model that called, so none ever holds a secret or a row of another organization.
"""

from typing import ClassVar


class QmsError(Exception):
    """Something was refused or failed in a way the caller can act on.

    Args:
        message: What is wrong, in a sentence.
        hint: What to do next; empty when the message says it all.
    """

    code: ClassVar[str] = "error"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def prose(self) -> str:
        """Return the error as a model reads it: message, hint and code."""
        advice = f" {self.hint}" if self.hint else ""
        return f"{self.message}{advice} [{self.code}]"


class InvalidInputError(QmsError):
    """An argument or a setting has a value that can't be used."""

    code = "invalid_input"


class NotFoundError(QmsError):
    """The thing asked for does not exist, or the caller may not see it."""

    code = "not_found"


class ConflictError(QmsError):
    """The state of the thing does not allow this, or it changed meanwhile."""

    code = "conflict"


class NotAuthenticatedError(QmsError):
    """It is not known who is calling: no token, or one that does not hold."""

    code = "not_authenticated"


class NotAllowedError(QmsError):
    """The caller is known and may not do this."""

    code = "not_allowed"


class RefusedStatementError(QmsError):
    """A SQL statement would do more than read."""

    code = "refused_statement"


class StatementError(QmsError):
    """PostgreSQL could not run a statement: it says why."""

    code = "statement_failed"


class LimitExceededError(QmsError):
    """A limit on time, rows, bytes or size was reached."""

    code = "limit_exceeded"


class RateLimitedError(QmsError):
    """Too many calls in a short time."""

    code = "rate_limited"


class UnavailableError(QmsError):
    """Something this depends on, mostly the database, can't be reached now."""

    code = "unavailable"


class TakenOverError(QmsError):
    """Another process works on this by now, or it was cancelled: what this one still writes is refused."""

    code = "taken_over"


class ApprovalRequiredError(QmsError):
    """A person has to approve first, and has not."""

    code = "approval_required"


class InternalError(QmsError):
    """A fault of this program: its log says more, the caller gets a reference."""

    code = "internal"
