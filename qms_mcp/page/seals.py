"""What the page seals with a key of its own: visits and form tokens.

A visit is a cookie somebody has before signing in. It holds nothing but a random word and the approval, or the answer
to review, that a link led to, so that signing in leads there and nowhere else. A form token binds a form to a visit or
a session and to the form itself. The key lives as long as the process: after a restart a form has to be opened anew.
"""

import hmac
import secrets
from dataclasses import dataclass
from hashlib import sha256
from typing import Final
from uuid import UUID

_REVIEW: Final = "review:"


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody who came by and has not signed in yet.

    Attributes:
        subject: The approval a link led to, or the run to review.
        to_review: Which of the two.
    """

    word: str
    subject: UUID | None
    to_review: bool = False

    @property
    def approval_id(self) -> UUID | None:
        """The approval a link led to."""
        return None if self.to_review else self.subject

    @property
    def leads_to(self) -> str:
        """Where signing in leads."""
        if self.subject is None:
            return "/"
        return f"/review/{self.subject}" if self.to_review else f"/a/{self.subject}"


class Seals:
    """Makes and checks what is sealed."""

    def __init__(self, key: bytes | None = None) -> None:
        self._key = key or secrets.token_bytes(32)

    def visit(self, subject: UUID | None = None, *, to_review: bool = False) -> tuple[Visit, str]:
        """Return a new visit and the cookie for it."""
        visit = Visit(secrets.token_urlsafe(18), subject, to_review)
        content = f"{visit.word}.{_REVIEW if to_review and subject else ''}{subject or ''}"
        return visit, f"{content}.{self._seal('visit', content)}"

    def opened_visit(self, cookie: str | None) -> Visit | None:
        """Return the visit of a cookie; none when it is not one of ours."""
        content, _, seal = (cookie or "").rpartition(".")
        if not content or not hmac.compare_digest(seal.encode(), self._seal("visit", content).encode()):
            return None
        word, _, subject = content.partition(".")
        named = subject.removeprefix(_REVIEW)
        return Visit(word, UUID(named) if named else None, to_review=named != subject)

    def form_token(self, holder: str, form: str) -> str:
        """Return the token of a form for a holder: the word of a visit or the token of a session."""
        return self._seal("form", f"{holder}\n{form}")

    def is_token(self, given: str, holder: str, form: str) -> bool:
        """Say whether a form came from us, for this holder."""
        return hmac.compare_digest(given.encode(), self.form_token(holder, form).encode())

    def _seal(self, use: str, content: str) -> str:
        return hmac.new(self._key, f"{use}\n{content}".encode(), sha256).hexdigest()
