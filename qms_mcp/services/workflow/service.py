"""Moving records, asking people, and the state machines.

The database decides what is possible; here is found out which way a step goes. What needs no person is done at once.
What a person signs becomes a request bound to exactly this version of the record, and the answer carries the link.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from qms_mcp.auth.principal import Principal
from qms_mcp.db.queries import query
from qms_mcp.errors import InvalidInputError, NotFoundError
from qms_mcp.services.records.models import Pending, Written, written
from qms_mcp.services.records.references import find_record
from qms_mcp.services.records.refusals import noting_refusals
from qms_mcp.services.records.writing import check_reason
from qms_mcp.services.workflow.diagrams import state_diagram
from qms_mcp.services.workflow.models import Definition, Proposal

if TYPE_CHECKING:
    from qms_mcp.db.database import Database
    from qms_mcp.services.signing.service import Signing

_NEXT_STEPS = query("records.next_steps")
_WRITTEN = query("records.written")
_TRANSITION = query("workflow.transition")
_REQUEST = query("workflow.request")
_DEFINITION = query("workflow.definition")
_CATEGORIES = query("workflow.categories")
_PROBLEMS = query("workflow.problems")
_PROPOSE = query("workflow.propose")
_ESCALATE = query("workflow.escalate")
_WRITES_ONE = "`qms-mcp workflow show TYPE --json` writes one to start from."


class Workflow:
    """The workflow of records."""

    def __init__(self, database: "Database", signing: "Signing") -> None:
        self._database = database
        self._signing = signing

    async def transition(
        self, principal: Principal, reference: UUID | str, version: int, to_state: str, because: str
    ) -> Written:
        """Move a record, or ask a person to when the step is a person's.

        Raises:
            ConflictError: It has another version by now, there is no such step, or something blocks it.
            NotAllowedError: The step is somebody else's.
        """
        check_reason(because)
        tried = {"tried": "transition", "to_state": to_state, "version": version}
        async with noting_refusals(self._database, principal, reference, tried):
            return await self._move(principal, reference, version, to_state, because)

    async def request_signature(
        self, principal: Principal, reference: UUID | str, version: int, meaning: str, because: str
    ) -> Written:
        """Ask a person to sign a record as it is.

        Raises:
            ConflictError: It has another version by now.
        """
        check_reason(because)
        tried = {"tried": "request_signature", "meaning": meaning, "version": version}
        async with noting_refusals(self._database, principal, reference, tried):
            return await self._ask(principal, reference, version, None, meaning, because)

    async def definition(self, principal: Principal, category: str) -> Definition:
        """Return the state machine new records of a type run on.

        Raises:
            NotFoundError: There is no such type.
        """
        async with self._database.transaction(principal, read_only=True) as transaction:
            rows = await transaction.fetch_dicts(_DEFINITION, {"category": category})
            if rows:
                return Definition.model_validate(rows[0])
            known = [row["category"] for row in await transaction.fetch_dicts(_CATEGORIES)]
        raise NotFoundError(f"There is no workflow for {category[:60]!r}.", hint=f"Types: {', '.join(known)}.")

    async def diagram(self, principal: Principal, category: str) -> str:
        """Return the state machine of a type as a Mermaid diagram.

        Raises:
            NotFoundError: There is no such type.
        """
        return state_diagram((await self.definition(principal, category)).body)

    async def problems(self, principal: Principal, category: str, body: Mapping[str, Any]) -> list[str]:
        """Return why a state machine could not be used; none when it could."""
        await self.definition(principal, category)
        params = {"category": category, "body": json.dumps(body)}
        async with self._database.transaction(principal, read_only=True) as transaction:
            return (await transaction.fetch_dicts(_PROBLEMS, params))[0]["problems"]

    async def propose(self, principal: Principal, category: str, body: Mapping[str, Any], because: str) -> Proposal:
        """Propose a state machine for the organization; a person who did not draft it decides.

        Raises:
            InvalidInputError: It is broken or guards less than the shipped one.
            NotAllowedError: Only administrators draft workflows.
        """
        check_reason(because)
        await self.definition(principal, category)
        params = {"category": category, "body": json.dumps(body), "reason": because}
        async with self._database.transaction(principal, because=because) as transaction:
            row = (await transaction.fetch_dicts(_PROPOSE, params))[0]
        message = await self._signing.how_to_decide(row["approval_id"])
        return Proposal(approval_id=row["approval_id"], summary=row["summary"], message=message)

    async def escalate(self, principal: Principal) -> int:
        """Escalate what is overdue, as its workflow says; return how many escalations are new.

        The trail names the system: nobody decided it, a clock ran out.
        """
        clock = replace(principal, actor_kind="system")
        made = 0
        while True:  # the database does some at a time, so that others can write in between
            async with self._database.transaction(clock, because="what is overdue is escalated") as transaction:
                fresh = int((await transaction.fetch_dicts(_ESCALATE))[0]["escalated"])
            if not fresh:
                return made
            made += fresh

    async def _move(
        self, principal: Principal, reference: UUID | str, version: int, to_state: str, because: str
    ) -> Written:
        async with self._database.transaction(principal, because=because) as transaction:
            record_id = await find_record(transaction, reference)
            steps = await transaction.fetch_dicts(_NEXT_STEPS, {"record_id": record_id})
            step = next((one for one in steps if to_state in {one["to_state"], one["name"]}), None)
            if step is None or not step["person"]:
                params = {
                    "record_id": record_id,
                    "version": version,
                    "to_state": step["to_state"] if step else to_state,
                    "reason": because,
                }
                await transaction.fetch_dicts(_TRANSITION, params)
                return written((await transaction.fetch_dicts(_WRITTEN, {"record_id": record_id}))[0])
        return await self._ask(principal, record_id, version, step["to_state"], None, because, roles=step["roles"])

    async def _ask(
        self,
        principal: Principal,
        reference: UUID | str,
        version: int,
        to_state: str | None,
        meaning: str | None,
        because: str,
        *,
        roles: tuple[str, ...] | list[str] = (),
    ) -> Written:
        async with self._database.transaction(principal, because=because) as transaction:
            record_id = await find_record(transaction, reference)
            params = {
                "record_id": record_id,
                "version": version,
                "to_state": to_state,
                "meaning": meaning,
                "reason": because,
            }
            asked = (await transaction.fetch_dicts(_REQUEST, params))[0]
            row = (await transaction.fetch_dicts(_WRITTEN, {"record_id": record_id}))[0]
        return written(row, pending=await self._pending(asked, roles))

    async def _pending(self, asked: Mapping[str, Any], roles: tuple[str, ...] | list[str]) -> Pending:
        link = await self._signing.link(asked["approval_id"])
        who = f" by somebody with the role {' or '.join(roles)}" if roles else ""
        where = f"at {link} (it opens once)" if link else "on the approval page (`qms-mcp page`)"
        return Pending(
            approval_id=asked["approval_id"],
            link=link or "",
            message=(
                f"Nothing has changed yet. It has to be signed ({asked['meaning']}){who} {where}, "
                f"before {asked['expires_at']:%Y-%m-%d %H:%M} UTC. You can't do it."
            ),
        )


def read_body(text: str) -> dict[str, Any]:
    """Return the state machine in a JSON text.

    Raises:
        InvalidInputError: It is not JSON, or no object with states and transitions.
    """
    try:
        body = json.loads(text)
    except ValueError as wrong:
        raise InvalidInputError(
            "The file is not JSON.", hint="`qms-mcp workflow show TYPE --json` writes one."
        ) from wrong
    if not isinstance(body, dict) or not {"initial", "states", "transitions"} <= body.keys():
        raise InvalidInputError(
            "The file is no workflow: it needs initial, states and transitions.",
            hint=_WRITES_ONE,
        )
    return body  # pyright: ignore[reportUnknownVariableType] - JSON
