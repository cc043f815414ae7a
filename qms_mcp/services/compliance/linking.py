"""Linking evidence to clauses, and proposing that a clause does not apply.

A link is a statement by somebody: this record, at the version it has now, or this place outside, is evidence for that
clause. It never changes; linking the same thing again withdraws the former link. That a clause does not apply is a
proposal until another person adopts it; that it applies after all counts at once.
"""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Literal
from uuid import UUID

from qms_mcp.auth.principal import Principal
from qms_mcp.db.queries import query
from qms_mcp.errors import InvalidInputError, NotAllowedError, NotFoundError
from qms_mcp.services.compliance.finding import find_clause, find_framework
from qms_mcp.services.compliance.models import CitedRecord, Clause, Linked
from qms_mcp.services.signing.service import Signing

if TYPE_CHECKING:
    from qms_mcp.db.database import Database
    from qms_mcp.db.transaction import Transaction

_RECORD = query("compliance.record")
_WITHDRAW_LINK = query("compliance.withdraw_link")
_ADD_LINK = query("compliance.add_link")
_PROPOSE_EXCLUSION = query("compliance.propose_exclusion")
_WITHDRAW_EXCLUSION = query("compliance.withdraw_exclusion")
_TRAIL_SEQ = query("compliance.trail_seq")
_ANOTHER = "It takes another person than the one who proposed it. Until then the clause applies."


Action = Literal["link", "withdraw", "exclude", "include"]


@dataclass(frozen=True, slots=True)
class EvidenceToLink:
    """What is said about a clause.

    Attributes:
        reason: Why; for a clause that does not apply, the justification.
        action: Link or withdraw a record or a place; or propose that the clause does not apply (`exclude`), or say that
            it does after all (`include`).
    """

    framework: str
    clause: str
    reason: str
    record: str | None = None
    uri: str | None = None
    observed_on: date | None = None
    valid_until: date | None = None
    action: Action = "link"


@dataclass(frozen=True, slots=True)
class _Id:
    id: UUID


@dataclass(frozen=True, slots=True)
class _Seq:
    seq: int


@dataclass(frozen=True, slots=True)
class _Proposal:
    id: UUID
    approval_id: UUID | None
    adopted: bool


class EvidenceLinks:
    """Links of evidence and proposals, written."""

    def __init__(self, database: "Database", signing: Signing) -> None:
        self._database = database
        self._signing = signing

    async def link(self, principal: Principal, wanted: EvidenceToLink) -> Linked:
        """Link, withdraw or propose.

        Raises:
            InvalidInputError: It is not said what the evidence is, or the clause holds no requirement.
            NotAllowedError: The person may only read.
            NotFoundError: There is no such framework, clause or record, or nothing to withdraw.
        """
        named = (wanted.record is not None) + (wanted.uri is not None)
        if named != (1 if wanted.action in {"link", "withdraw"} else 0):
            raise InvalidInputError(
                "Say what the evidence is.",
                hint="link and withdraw take exactly one of record and uri; exclude and include take neither.",
            )
        if not principal.roles - {"auditor"}:
            raise NotAllowedError("An auditor reads and changes nothing.")
        async with self._database.transaction(principal, because=wanted.reason) as transaction:
            framework = await find_framework(transaction, wanted.framework)
            clause = await find_clause(transaction, framework, wanted.clause)
            title = f"{framework.name} {clause.number} {clause.title}"
            if clause.kind == "reference":
                raise InvalidInputError(f"{title} holds no requirement.", hint="Name the clause that does.")
            write = _exclude if wanted.action in {"exclude", "include"} else _link
            linked = await write(transaction, clause, title, wanted)
        if linked.approval_id is None:
            return linked
        how = f"{await self._signing.how_to_decide(linked.approval_id)} {_ANOTHER}"
        return linked.model_copy(update={"how_to_approve": how})


async def _link(transaction: "Transaction", clause: Clause, title: str, wanted: EvidenceToLink) -> Linked:
    record = await _record(transaction, wanted.record)
    withdraw = wanted.action == "withdraw"
    if record is not None and record.status in {"cancelled", "rejected"} and not withdraw:
        raise InvalidInputError(f"{record.number} is {record.status}: it is evidence for nothing.")
    params = {
        "clause_id": clause.id,
        "record_id": record.id if record else None,
        "uri": wanted.uri.strip() if wanted.uri is not None else None,
        "note": wanted.reason,
        "observed_on": wanted.observed_on,
        "valid_until": wanted.valid_until,
    }
    made = await transaction.fetch_one(_WITHDRAW_LINK, params, row=_Id)
    if withdraw and made is None:
        raise NotFoundError(f"Nothing of the kind is linked to {title}.", hint="check_compliance shows what is linked.")
    if not withdraw:
        made = await transaction.fetch_one(_ADD_LINK, params, row=_Id)
    if made is None:
        raise NotFoundError("The link was not made.")
    return Linked(
        id=made.id,
        clause=title,
        state="withdrawn" if withdraw else "linked",
        evidence=f"{record.number} v{record.version}" if record else str(params["uri"]),
        version=record.version if record else None,
        audit_seq=await _seq(transaction),
    )


async def _record(transaction: "Transaction", reference: str | None) -> CitedRecord | None:
    if reference is None:
        return None
    found = await transaction.fetch_one(_RECORD, {"reference": reference}, row=CitedRecord)
    if found is None:
        raise NotFoundError(f"There is no record {reference!r}.", hint="list_records finds it.")
    return found


async def _exclude(transaction: "Transaction", clause: Clause, title: str, wanted: EvidenceToLink) -> Linked:
    if wanted.action == "include":
        taken = await transaction.fetch_one(_WITHDRAW_EXCLUSION, {"clause_id": clause.id}, row=_Id)
        row_id = taken.id if taken else clause.id
        return Linked(id=row_id, clause=title, state="applicable", audit_seq=await _seq(transaction))
    params = {"clause_id": clause.id, "why": wanted.reason}
    proposal = await transaction.fetch_one(_PROPOSE_EXCLUSION, params, row=_Proposal)
    if proposal is None:
        raise NotFoundError("The proposal was not made.")
    return Linked(
        id=proposal.id,
        clause=title,
        state="not applicable" if proposal.adopted else "proposed, not adopted",
        audit_seq=await _seq(transaction),
        approval_id=proposal.approval_id,
    )


async def _seq(transaction: "Transaction") -> int:
    head = await transaction.fetch_one(_TRAIL_SEQ, row=_Seq)
    return head.seq if head else 0
