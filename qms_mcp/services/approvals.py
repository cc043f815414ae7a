"""What a person decides: asked for by tools, decided by people, spent once.

`Approvals` is the side of the tools: it can ask and can pass on what the person in front of the client answered.
`ApprovalDesk` is the side of the person at a terminal, who has proved with a password who it is.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal
from uuid import UUID

from qms_mcp.auth.principal import Principal
from qms_mcp.db.queries import query
from qms_mcp.errors import InvalidInputError, NotAllowedError, NotFoundError

if TYPE_CHECKING:
    from qms_mcp.db.database import Database
    from qms_mcp.services.users import Person

MAY_APPROVE = frozenset({"approver", "qa_approver", "admin"})

_REQUEST = query("approvals.request")
_REQUEST_SPENDING = query("approvals.request_spending")
_SPEND = query("approvals.spend")
_CONFIRM = query("approvals.confirm")
_CONFIRMED_IN_CLIENT = query("approvals.confirmed_in_client")
_ADMINISTER = query("local_owner.administer")
_OPEN = query("approvals.open")
_SHOW = query("approvals.show")
_DECIDE = query("approvals.decide")


@dataclass(frozen=True, slots=True)
class Approval:
    """An approval as the tools see it.

    Attributes:
        content: Exactly what will run; `content_sha256` is its hash.
        summary: What it does, in words.
    """

    id: UUID
    organization_id: UUID
    tool: str
    subject_id: UUID
    content_sha256: str
    summary: str
    content: str
    reason: str
    client_name: str | None
    state: Literal["pending", "approved", "rejected", "used"]
    expires_at: datetime
    decision_reason: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for."""

    tool: Literal["apply_migration", "transform_data"]
    subject_id: UUID
    summary: str
    content: str
    reason: str


@dataclass(frozen=True, slots=True)
class Spending:
    """What agents are estimated to cost, as a person is asked about it; there is no draft behind it."""

    summary: str
    content: str
    reason: str


@dataclass(frozen=True, slots=True)
class _Allowed:
    allowed: bool


class Approvals:
    """Approvals, as far as tools go: to ask, and to pass on the answer of the person in front of the client."""

    def __init__(self, database: "Database") -> None:
        self._database = database

    async def request(self, principal: Principal, wanted: Request, *, client_name: str | None = None) -> Approval:
        """Return the approval this draft waits for, made now if there is none; asked twice it is the same.

        Raises:
            NotAllowedError: There is no such draft (any more) in the organization.
        """
        params = {
            "tool": wanted.tool,
            "subject_id": wanted.subject_id,
            "summary": wanted.summary,
            "content": wanted.content,
            "reason": wanted.reason,
            "client_name": client_name,
        }
        async with self._database.transaction(principal) as transaction:
            approval = await transaction.fetch_one(_REQUEST, params, row=Approval)
        if approval is None:
            raise NotAllowedError("There is no such draft to approve.")
        return approval

    async def request_spending(
        self, principal: Principal, wanted: Spending, *, client_name: str | None = None
    ) -> Approval:
        """Return the approval a costly dispatch waits for; asked twice it is the same until it is used.

        Raises:
            NotAllowedError: The person may not send agents.
        """
        params = {
            "summary": wanted.summary,
            "content": wanted.content,
            "reason": wanted.reason,
            "client_name": client_name,
        }
        async with self._database.transaction(principal) as transaction:
            approval = await transaction.fetch_one(_REQUEST_SPENDING, params, row=Approval)
        if approval is None:
            raise NotAllowedError("There is nothing to approve.")
        return approval

    async def spend(self, principal: Principal, approval: Approval) -> None:
        """Use an approval, once, for exactly what was approved.

        Raises:
            QmsError: It is not approved, was used, or has expired.
        """
        params = {
            "approval_id": approval.id,
            "subject_id": approval.subject_id,
            "sha256": approval.content_sha256,
        }
        async with self._database.transaction(principal) as transaction:
            await transaction.fetch_dicts(_SPEND, params)

    async def confirm(
        self, principal: Principal, approval_id: UUID, verdict: Literal["approved", "rejected"]
    ) -> Approval:
        """Record what the person in front of the client answered.

        Raises:
            NotAllowedError: The person may not decide it, or it is decided already.
        """
        params = {"approval_id": approval_id, "verdict": verdict}
        async with self._database.transaction(principal) as transaction:
            approval = await transaction.fetch_one(_CONFIRM, params, row=Approval)
        if approval is None:
            raise NotAllowedError("There is no such approval to decide.")
        return approval

    async def can_be_asked(self, principal: Principal) -> bool:
        """Say whether the person may decide in the client at all."""
        if not principal.roles & MAY_APPROVE:
            return False
        async with self._database.transaction(principal, read_only=True) as transaction:
            found = await transaction.fetch_one(_CONFIRMED_IN_CLIENT, row=_Allowed)
        return found is not None and found.allowed


@dataclass(frozen=True, slots=True)
class OpenApproval:
    """An approval in a list."""

    id: UUID
    organization: str
    tool: str
    summary: str
    requested_by: str
    client_name: str | None
    reason: str
    state: str
    expires_at: datetime
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ShownApproval:
    """An approval with everything that is decided by it."""

    id: UUID
    organization_id: UUID
    organization: str
    tool: str
    subject_id: UUID
    content_sha256: str
    summary: str
    content: str
    requested_by: str
    requested_kind: str
    client_name: str | None
    reason: str
    state: str
    expires_at: datetime
    decision_reason: str | None
    channel: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class _Decision:
    state: str


class ApprovalDesk:
    """Approvals, as a person at a terminal sees and decides them. No tool reaches this."""

    def __init__(self, database: "Database") -> None:
        self._database = database

    async def listed(self, *, organization: str | None = None, everything: bool = False) -> list[OpenApproval]:
        """Return what waits, or also what was decided."""
        params = {"organization": organization, "everything": everything}
        async with self._database.owner_transaction() as transaction:
            await transaction.execute(_ADMINISTER)
            return await transaction.fetch_all(_OPEN, params, row=OpenApproval)

    async def show(self, approval_id: UUID) -> ShownApproval:
        """Return one approval.

        Raises:
            NotFoundError: There is none with this id.
        """
        async with self._database.owner_transaction() as transaction:
            await transaction.execute(_ADMINISTER)
            found = await transaction.fetch_one(_SHOW, {"approval_id": approval_id}, row=ShownApproval)
        if found is None:
            raise NotFoundError("There is no such approval.", hint="`qms-mcp approvals list` shows what waits.")
        return found

    async def decide(
        self, approval_id: UUID, person: "Person", verdict: Literal["approved", "rejected"], reason: str
    ) -> str:
        """Decide as a person who has just proved who it is.

        Raises:
            InvalidInputError: A rejection without a reason.
            NotAllowedError: The person may not decide it, or it is decided or expired.
        """
        if verdict == "rejected" and not reason.strip():
            raise InvalidInputError("A rejection needs a reason.", hint="The one who asked reads it.")
        params = {"approval_id": approval_id, "user_id": person.user_id, "verdict": verdict, "reason": reason.strip()}
        async with self._database.owner_transaction() as transaction:
            decided = await transaction.fetch_one(_DECIDE, params, row=_Decision)
        return decided.state if decided else verdict
