"""Asking a person for the next step of a record, where the record is ready for it.

Nothing here decides. When something about the record blocks the step, the reasons are returned and nobody is asked.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from qms_mcp.db.queries import query
from qms_mcp.services.records.models import Pending, Written
from qms_mcp.services.records.writing import Writing

if TYPE_CHECKING:
    from qms_mcp.services.signing.service import Signing

_STEPS = query("events.steps")
_REQUEST = query("events.request_decision")
_MOVE = query("events.move")


@dataclass(frozen=True, slots=True)
class Step:
    """A step that is possible in the present state of a record.

    Attributes:
        blocked: What about the record is in its way.
        not_you: Why it is not for the caller.
    """

    name: str
    to_state: str
    person: bool
    roles: list[str]
    blocked: list[str]
    not_you: list[str]


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of asking: an approval that waits for a person, or why there is none."""

    approval_id: UUID | None = None
    meaning: str = ""
    expires_at: datetime | None = None
    roles: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()


async def ask_person(writing: Writing, written: Written, to_states: Iterable[str], because: str) -> Asked:
    """Ask a person to take the first possible step to one of some states, if nothing about the record blocks it."""
    steps = await _steps(writing, written)
    step = next((step for state in to_states for step in steps if step.to_state == state and step.person), None)
    if step is None:
        onward = " or ".join(f'"{step.name}" (to {step.to_state})' for step in steps if not step.person)
        return Asked(blocked=(f"{written.number} is {written.state}; the step before is {onward or 'a decision'}",))
    if step.blocked:
        return Asked(blocked=tuple(step.blocked))
    params = {"record_id": written.id, "to_state": step.to_state, "reason": because}
    asked = (await writing.transaction.fetch_dicts(_REQUEST, params))[0]
    return Asked(asked["id"], asked["meaning"], asked["expires_at"], tuple(step.roles))


async def move_on(writing: Writing, written: Written, to_state: str, because: str) -> tuple[str, ...]:
    """Take a step that needs no person, if it is possible now; return what is in its way, if anything is."""
    steps = await _steps(writing, written)
    step = next((step for step in steps if step.to_state == to_state and not step.person), None)
    if step is None:
        return (f"{written.number} is {written.state}; it can't go to {to_state} from there",)
    if step.blocked or step.not_you:
        return (*step.blocked, *step.not_you)
    await writing.transaction.fetch_dicts(_MOVE, {"record_id": written.id, "to_state": to_state, "reason": because})
    return ()


async def _steps(writing: Writing, written: Written) -> list[Step]:
    return await writing.transaction.fetch_all(_STEPS, {"record_id": written.id}, row=Step)


class PersonAsked:
    """Turns what was asked into words and a link for the user.

    Args:
        signing: Where links come from; none where no page can be served.
    """

    def __init__(self, signing: "Signing | None" = None) -> None:
        self._signing = signing

    async def pending(self, asked: Asked) -> Pending | None:
        """Return what waits for a person; none when nobody was asked."""
        if asked.approval_id is None or asked.expires_at is None:
            return None
        link = await self._signing.link(asked.approval_id) if self._signing is not None else None
        where = f"at {link} (it opens once)" if link else "on the approval page (`qms-mcp page`)"
        return Pending(
            approval_id=asked.approval_id,
            link=link or "",
            message=(
                f"Nothing is decided yet. Somebody with the role {' or '.join(asked.roles)} decides and signs "
                f"({asked.meaning}) {where}, before {asked.expires_at:%Y-%m-%d %H:%M} UTC. You can't do it."
            ),
        )
