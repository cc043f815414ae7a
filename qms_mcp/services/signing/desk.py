"""The desk at which a person decides. The page uses it, and nothing a model can reach.

Every call names the session by its token; the database finds out whose it is, checks the password, and decides what
that person may. No transaction here acts for anybody: a person is `human` only inside the deciding function of the
database, and only as long as it runs.
"""

import logging
from typing import TYPE_CHECKING, Any
from uuid import UUID

import anyio
import anyio.to_thread

from qms_mcp.auth.passwords import MAX_LENGTH, derive
from qms_mcp.db.queries import Query, query
from qms_mcp.errors import NotAllowedError, NotAuthenticatedError, NotFoundError, QmsError
from qms_mcp.services.signing.models import (
    Decided,
    Decision,
    SecurityReport,
    Session,
    ShownApproval,
    WaitingApproval,
)

if TYPE_CHECKING:
    from qms_mcp.db.database import Database

_log = logging.getLogger(__name__)
_PARAMETERS = query("signing.parameters")
_SIGN_IN = query("signing.sign_in")
_SESSION = query("signing.session")
_SIGN_OUT = query("signing.sign_out")
_MAKE_LINK = query("signing.make_link")
_FOLLOW_LINK = query("signing.follow_link")
_WAITING = query("signing.waiting")
_APPROVAL = query("signing.approval")
_DECIDE = query("signing.decide")
_NOTE_REFUSAL = query("signing.note_refusal")
_REPORTS = query("signing.reports")
_ACKNOWLEDGE = query("signing.acknowledge")

_LONGEST_USER_ID = 320
# A derivation takes 64 MiB and all of a core: more at once would be an attack.
_DERIVATIONS_AT_ONCE = 2
_NOT_RIGHT = NotAllowedError(
    "The user id or the password is not right, or there were too many wrong tries.",
    hint="Five wrong passwords lock a person out for 15 minutes.",
)


class SigningDesk:
    """Sign-in, what waits, and deciding."""

    def __init__(self, database: "Database") -> None:
        self._database = database
        self._deriving = anyio.CapacityLimiter(_DERIVATIONS_AT_ONCE)

    async def sign_in(self, user_id: str, password: str, zone: str = "") -> str:
        """Return the token of a new session.

        Raises:
            NotAllowedError: The user id or the password is not right, or there were too many tries. Which, is not said.
        """
        derived = await self._derived(user_id, password)
        found = await self._row(_SIGN_IN, {"user_ref": user_id, "derived": derived, "zone": zone})
        self._report(found["outcome"])
        if found["token"] is None:
            raise _not_right()
        return str(found["token"])

    async def session(self, token: str | None) -> Session | None:
        """Return whose session this is; none when it has ended."""
        if not token:
            return None
        async with self._database.plumbing() as transaction:
            return await transaction.fetch_one(_SESSION, {"token": token}, row=Session)

    async def sign_out(self, token: str) -> None:
        """End a session."""
        await self._row(_SIGN_OUT, {"token": token})

    async def make_link_token(self, approval_id: UUID) -> str:
        """Return a token that leads to an approval, once.

        Raises:
            NotAllowedError: There is no such approval to decide.
        """
        return str((await self._row(_MAKE_LINK, {"approval_id": approval_id}))["token"])

    async def follow_link(self, token: str) -> UUID | None:
        """Return the approval a link leads to; none when it was followed before or is too old."""
        return (await self._row(_FOLLOW_LINK, {"token": token}))["approval_id"]

    async def waiting(self, token: str) -> list[WaitingApproval]:
        """Return what waits for the person of a session."""
        async with self._database.plumbing() as transaction:
            return await transaction.fetch_all(_WAITING, {"token": token}, row=WaitingApproval)

    async def approval(self, token: str, approval_id: UUID) -> ShownApproval:
        """Return one approval with all that is decided by it.

        Raises:
            NotFoundError: There is none with this id in the organizations of the person.
        """
        shown = (await self._row(_APPROVAL, {"token": token, "approval_id": approval_id}))["shown"]
        if shown is None:
            raise NotFoundError("There is no such approval for you.", hint="The list shows what waits.")
        return ShownApproval.model_validate(shown)

    async def decide(self, token: str, decision: Decision) -> Decided:
        """Decide as the person of a session.

        Raises:
            ConflictError: It is decided or expired, the record changed, or something blocks the step.
            InvalidInputError: A rejection without a reason, or the user id is missing.
            NotAllowedError: The password is not right, or this person may not decide it.
            NotAuthenticatedError: The session has ended.
        """
        session = await self.session(token)
        if session is None:
            raise _signed_out()
        given = decision.user_id.strip() if decision.user_id else None
        params = {
            "token": token,
            "user_ref": given,
            "derived": await self._derived(given or str(session.user_id), decision.password),
            "approval_id": decision.approval_id,
            "verdict": decision.verdict,
            "why": decision.why.strip(),
            "shown_sha256": decision.shown_sha256,
        }
        try:
            decided: dict[str, Any] = (await self._row(_DECIDE, params))["decided"]
        except QmsError as refused:
            noted = {"token": token, "approval_id": decision.approval_id, "why": refused.message}
            await self._row(_NOTE_REFUSAL, noted)
            raise
        self._report(decided["outcome"])
        if decided["outcome"] == "signed_out":
            raise _signed_out()
        if decided["outcome"] != "decided":
            raise _not_right()
        return Decided.model_validate(decided)

    async def reports(self, token: str) -> list[SecurityReport]:
        """Return the security reports nobody has acknowledged, for those who answer for access."""
        async with self._database.plumbing() as transaction:
            return await transaction.fetch_all(_REPORTS, {"token": token}, row=SecurityReport)

    async def acknowledge(self, token: str, report_id: UUID) -> bool:
        """Note that a report was seen; false when there was nothing to acknowledge for this person."""
        return bool((await self._row(_ACKNOWLEDGE, {"token": token, "report_id": report_id}))["done"])

    async def _derived(self, user_id: str, password: str) -> str | None:
        """Return what the database compares; nobody with an impossible user id or password costs us the work."""
        if not password or len(password) > MAX_LENGTH or not 0 < len(user_id) <= _LONGEST_USER_ID or "\0" in user_id:
            return None
        parameters = str((await self._row(_PARAMETERS, {"user_ref": user_id}))["parameters"])
        return await anyio.to_thread.run_sync(derive, parameters, password, limiter=self._deriving)

    async def _row(self, wanted: Query, params: dict[str, Any]) -> dict[str, Any]:
        async with self._database.plumbing() as transaction:
            return (await transaction.fetch_dicts(wanted, params))[0]

    @staticmethod
    def _report(outcome: str) -> None:
        if outcome == "locks":
            _log.warning("a person is locked out of the approval page after five wrong passwords; see the audit trail")
        elif outcome == "unknown":
            _log.warning("a sign-in at the approval page with a user id that does not exist or has no password")


def _not_right() -> NotAllowedError:
    """Return the same words for everything that can be wrong with a password."""
    return NotAllowedError(_NOT_RIGHT.message, hint=_NOT_RIGHT.hint)


def _signed_out() -> NotAuthenticatedError:
    return NotAuthenticatedError("The session has ended.", hint="Sign in again; nothing was decided.")
