"""How a tool asks the person in front of the client, in one code path for both eras of the protocol.

A tool that needs a person takes two parameters no model can fill: `prepared`, the draft and the approval it waits
for, and `answer`, what the person said. In the protocol of 2026-07-28 the call arrives once more with the answer and
both are made again, so preparing the same thing twice gives the same draft, the same approval and the same question.

A client that can't ask people leaves the approval pending: it can still be decided on a terminal.
"""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Final, Generic, Literal, TypeAlias, TypeVar
from uuid import UUID

import anyio
from mcp.server.elicitation import AcceptedElicitation, DeclinedElicitation, ElicitationResult
from mcp.server.mcpserver.resolve import Elicit
from mcp_types.version import is_version_at_least
from pydantic import BaseModel, Field

from qms_mcp.context import Ctx, caller, current_call, services
from qms_mcp.errors import ConflictError, NotAllowedError, QmsError
from qms_mcp.services.approvals import Approval
from qms_mcp.services.outcomes import question
from qms_mcp.services.records.models import Written

D = TypeVar("D")
W = TypeVar("W", bound="Written")
_OFFER_SECONDS: Final = 30.0
_NO_QUESTIONS_SINCE: Final = "2026-07-28"
Standing: TypeAlias = Literal["approved", "pending", "rejected"]


class Confirm(BaseModel):
    """What the person answers."""

    approve: bool = Field(title="Approve", description="Yes: run exactly this, once. No: reject it.")


@dataclass(frozen=True, slots=True)
class Prepared(Generic[D]):
    """A draft and the approval it waits for, or why there is none."""

    draft: D | None = None
    approval: Approval | None = None
    error: QmsError | None = None

    def ready(self) -> tuple[D, Approval]:
        """Return both.

        Raises:
            QmsError: Why there is none.
        """
        if self.error is not None:
            raise self.error
        if self.draft is None or self.approval is None:
            raise NotAllowedError("There is nothing to approve.")
        return self.draft, self.approval


@dataclass(frozen=True, slots=True)
class Unasked:
    """Nobody was asked, because nobody can be or need be."""


async def prepared(work: Awaitable[tuple[D, Approval]]) -> Prepared[D]:
    """Do the preparing work and keep its error for the tool, which can put it in words."""
    try:
        draft, approval = await work
    except QmsError as error:
        return Prepared(error=error)
    return Prepared(draft, approval)


async def ask_person(ctx: Ctx, prepared: Prepared[D]) -> "Elicit[Confirm] | Unasked":
    """Return the question to ask, or Unasked when the client or the person can't be asked."""
    approval = prepared.approval
    if approval is None or approval.state != "pending" or not _client_asks(ctx):
        return Unasked()
    try:
        if not await services(ctx).approvals.can_be_asked(caller(ctx)):
            return Unasked()
    except QmsError:
        return Unasked()
    return Elicit(question(approval), Confirm)


async def settle(ctx: Ctx, approval: Approval, answer: ElicitationResult[Confirm]) -> Standing:
    """Record what the person answered and return where the approval stands.

    Raises:
        ConflictError: It was used already.
        NotAllowedError: The person may not decide it.
    """
    if approval.state == "used":
        raise ConflictError("It was applied already.")
    if approval.state != "pending":
        return approval.state
    verdict = _verdict(answer)
    if verdict == "pending":
        return "pending"
    await services(ctx).approvals.confirm(caller(ctx), approval.id, verdict)
    return verdict


async def offer_link(ctx: Ctx, approval_id: UUID) -> str:
    """Offer the person the page of an approval, where the client opens links, and return what to tell the user.

    What is returned holds a link of its own, so it works whatever the person did with the offered one. In the protocol
    of 2026-07-28 a server can't ask on its own while a call runs; there the answer of the tool carries the link alone.

    Raises:
        NotAllowedError: There is no such approval to decide.
    """
    signing = services(ctx).signing
    if _client_opens_links(ctx) and (link := await signing.link(approval_id)) is not None:
        # Whether it is opened now, later or never is the person's business: the approval stays pending.
        with anyio.move_on_after(_OFFER_SECONDS):
            await ctx.elicit_url("Something waits for your decision on the approval page.", link, str(approval_id))
    return await signing.how_to_decide(approval_id)


async def offered(ctx: Ctx, answer: W) -> W:
    """Offer the person the page when the answer says that a step waits there, and return the answer."""
    if answer.pending is not None:
        await offer_link(ctx, answer.pending.approval_id)
    return answer


def client_name(ctx: Ctx) -> str | None:
    """Return which client asks."""
    return current_call(ctx).client_name


def check_approval_id(approval: Approval, approval_id: object) -> None:
    """Refuse an approval id that belongs to something else.

    Raises:
        NotAllowedError: It does.
    """
    if approval_id is not None and approval_id != approval.id:
        raise NotAllowedError(
            "This approval is not for this draft.", hint=f"Leave approval_id out, or pass {approval.id}."
        )


def _verdict(answer: ElicitationResult[Confirm]) -> Standing:
    if isinstance(answer, DeclinedElicitation):
        return "rejected"
    # When nobody was asked, the SDK passes on what the resolver returned instead of an answer.
    said: Confirm | Unasked = answer.data if isinstance(answer, AcceptedElicitation) else Unasked()
    if isinstance(said, Confirm):
        return "approved" if said.approve else "rejected"
    return "pending"


def _client_asks(ctx: Ctx) -> bool:
    capabilities = ctx.client_capabilities
    elicitation = capabilities.elicitation if capabilities is not None else None
    return elicitation is not None and (elicitation.form is not None or elicitation.url is None)


def _client_opens_links(ctx: Ctx) -> bool:
    capabilities = ctx.client_capabilities
    elicitation = capabilities.elicitation if capabilities is not None else None
    asks_back = not is_version_at_least(ctx.protocol_version or "", _NO_QUESTIONS_SINCE)
    return elicitation is not None and elicitation.url is not None and asks_back
