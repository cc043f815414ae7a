"""Dispositions of nonconforming product: proposed by quantity, decided by the material review board.

What is given is the whole proposal. An open proposal that is not in it any more is withdrawn with the reason; what the
board decided stays and counts. Given twice, it is one proposal.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

from qms_mcp.auth.principal import Principal
from qms_mcp.db.queries import query
from qms_mcp.errors import InvalidInputError
from qms_mcp.services.domain.dispositions import Disposition, Quantities, add_up, check_disposition
from qms_mcp.services.events.deciding import PersonAsked, ask_person
from qms_mcp.services.events.models import DispositionProposed, ProposedDisposition
from qms_mcp.services.events.records import RecordSeen, record_of
from qms_mcp.services.records.refusals import noting_refusals
from qms_mcp.services.records.writing import RecordWriter, Writing

if TYPE_CHECKING:
    from qms_mcp.db.database import Database

_QUANTITIES = query("events.quantities")
_DISPOSITIONS = query("events.dispositions")
_DECIDED = "dispositioned"


@dataclass(frozen=True, slots=True)
class _Standing:
    id: UUID
    disposition: Disposition
    quantity: Decimal
    justification: str | None
    decided: bool

    def same_as(self, proposed: ProposedDisposition) -> bool:
        return (self.disposition, self.quantity, self.justification or "") == (
            proposed.disposition,
            proposed.quantity,
            proposed.justification.strip(),
        )


class Dispositions:
    """Proposes dispositions and asks the material review board."""

    def __init__(self, database: "Database", writer: RecordWriter, asked: PersonAsked) -> None:
        self._database = database
        self._writer = writer
        self._asked = asked

    async def propose(
        self, principal: Principal, reference: str, proposed: Sequence[ProposedDisposition], because: str
    ) -> DispositionProposed:
        """Keep a proposal and ask the board, if the record is ready for its decision.

        Raises:
            InvalidInputError: A concession without justification, or the affected quantity is not known.
            ConflictError: More is dispositioned than is affected, or the state locks it.
            NotFoundError: There is no such nonconformance.
        """
        async with (
            noting_refusals(self._database, principal, reference, {"tried": "disposition_nonconformance"}),
            self._writer.open(principal, because=because) as writing,
        ):
            record = await record_of(writing, reference, "nonconformance")
            standing = await writing.transaction.fetch_all(_DISPOSITIONS, {"record_id": record.id}, row=_Standing)
            quantities = await _checked(writing, record, standing, proposed)
            await _settle(writing, record, standing, proposed, because)
            made = await writing.written(record.id)
            asked = await ask_person(writing, made, (_DECIDED,), because)
        return DispositionProposed(
            **dict(made.model_copy(update={"pending": await self._asked.pending(asked)})),
            quantities=quantities.words(),
            blocked=list(asked.blocked),
        )


async def _checked(
    writing: Writing, record: RecordSeen, standing: Sequence[_Standing], proposed: Sequence[ProposedDisposition]
) -> Quantities:
    rows = await writing.transaction.fetch_dicts(_QUANTITIES, {"record_id": record.id})
    affected = rows[0]["quantity_affected"] if rows else None
    if affected is None:
        raise InvalidInputError(
            f"The affected quantity of {record.number} is not known.",
            hint="Set quantity_affected and unit with update_record first.",
        )
    now = add_up(affected, [row.quantity for row in standing if row.decided], unit=rows[0]["unit"] or "")
    for one in proposed:
        now = check_disposition(now, one.quantity, kind=one.disposition, justification=one.justification)
    return now


async def _settle(
    writing: Writing,
    record: RecordSeen,
    standing: Sequence[_Standing],
    proposed: Sequence[ProposedDisposition],
    because: str,
) -> None:
    """Withdraw open proposals that are not made any more, and add those that are new."""
    new = list(proposed)
    for row in standing:
        if row.decided:
            continue
        same = next((one for one in new if row.same_as(one)), None)
        if same is not None:
            new.remove(same)
        else:
            await writing.change_part("dispositions", row.id, {"withdrawn_reason": because})
    for one in new:
        fields = {
            "disposition": one.disposition,
            "quantity": str(one.quantity),
            "justification": one.justification.strip(),
        }
        await writing.add_part(record.id, "dispositions", {name: value for name, value in fields.items() if value})
