"""What is asked for, shown, decided and signed."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeAlias
from uuid import UUID

from pydantic import BaseModel, ConfigDict

Verdict: TypeAlias = Literal["approved", "rejected"]
Way: TypeAlias = Literal["signature", "recorded", "password"]


@dataclass(frozen=True, slots=True)
class SignatureStatus:
    """A signature of a record, checked now.

    Attributes:
        status: `valid`: the record still is what was signed. `content_changed`: it is not. `broken`: the signature
            itself was altered.
        changed: Where the record differs from what was signed.
        words: The signature as it has to stand wherever the record is shown.
    """

    id: UUID
    approval_id: UUID
    record_version: int
    printed_name: str
    meaning: str
    verdict: Literal["signed", "rejected"]
    reason: str
    signed_at: datetime
    zone: str
    components: int
    status: Literal["valid", "content_changed", "broken"]
    changed: list[str]
    words: str


@dataclass(frozen=True, slots=True)
class Session:
    """A person at the approval page.

    Attributes:
        has_signed: Has signed in this session, so the next signature needs the password alone.
    """

    user_id: UUID
    email: str
    printed_name: str
    zone: str
    has_signed: bool
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class WaitingApproval:
    """An approval in the list of a person.

    Attributes:
        blocked: Why this person can't decide it now.
    """

    id: UUID
    organization: str
    tool: str
    summary: str
    number: str | None
    title: str | None
    to_state: str | None
    meaning: str | None
    requested_by: str
    requested_kind: str
    client_name: str | None
    created_at: datetime
    expires_at: datetime
    blocked: list[str]


@dataclass(frozen=True, slots=True)
class SecurityReport:
    """Something those who answer for access have to see."""

    id: UUID
    organization: str
    kind: str
    person: str
    details: dict[str, Any]
    created_at: datetime


class _Shown(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class ShownSignature(_Shown):
    """A signature on the page."""

    words: str
    status: Literal["valid", "content_changed", "broken"]
    record_version: int
    changed: list[str]


class ShownRecord(_Shown):
    """The record a decision is about, whole.

    Attributes:
        content: Exactly what is signed.
        signed_content: What was signed last, in version `signed_version`.
        last_changes: Entries of the trail that made the present version.
        people: Names for the ids of people.
    """

    id: UUID
    number: str
    category: str
    title: str
    version: int
    state: str
    drafted_by_kind: str | None
    adopted: bool
    content: dict[str, Any]
    signed_version: int | None
    signed_content: dict[str, Any] | None
    signatures: list[ShownSignature] | None
    last_changes: list[dict[str, Any]] | None
    people: dict[str, str] | None


class ShownApproval(_Shown):
    """An approval as the page shows it.

    Attributes:
        sha256: Of what is shown; the decision is bound to it.
        way: `signature`: user id and password. `recorded`: without a password, as the organization set it.
            `password`: no record is signed, but a password is asked for.
        blocked: Why this person can't decide it now.
    """

    id: UUID
    tool: str
    summary: str
    content: str
    reason: str
    requested_by: str
    requested_kind: str
    client_name: str | None
    organization: str
    created_at: datetime
    expires_at: datetime
    meaning: str | None
    to_state: str | None
    state: Literal["pending", "approved", "rejected", "used", "expired"]
    decided_by: str | None
    decided_at: datetime | None
    decision_reason: str | None
    sha256: str
    way: Way
    blocked: list[str]
    record: ShownRecord | None


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person says about an approval.

    Attributes:
        shown_sha256: Of what the person was shown.
        user_id: The typed user id; the first signature of a session needs it.
        password: The typed password; a recorded approval needs none.
    """

    approval_id: UUID
    verdict: Verdict
    shown_sha256: str
    why: str = ""
    user_id: str | None = None
    password: str = field(default="", repr=False)


class Decided(_Shown):
    """What became of a decision.

    Attributes:
        words: The signature as it reads; empty where no record was signed.
        state: In which state the record is now.
    """

    verdict: Verdict
    words: str = ""
    state: str | None = None
    signature_id: UUID | None = None
