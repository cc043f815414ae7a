"""The shadow: after people have their answer, another version is asked the same, and the two are compared.

It is asked as a case: it reads, drafts nothing, counts nowhere, and nobody waits for it. Whatever goes wrong with it
goes wrong for nobody.
"""

import json
from typing import TYPE_CHECKING

from pydantic import ValidationError

from qms_mcp.agents.outputs import AgentOutput
from qms_mcp.db.queries import query
from qms_mcp.services.dispatch.cases import CaseTask
from qms_mcp.services.learning.rollout.agreement import agreement

if TYPE_CHECKING:
    from qms_mcp.auth.principal import Principal
    from qms_mcp.db.database import Database
    from qms_mcp.services.dispatch.service import Dispatches
    from qms_mcp.services.learning.after_runs import EndedRun

_TO_SHADOW, _SHADOWED = query("learning_rollout.to_shadow"), query("learning_rollout.shadowed")
_KEEP = query("learning_rollout.keep_agreement")
SHADOW = "shadow"


class Shadows:
    """Asks a shadow what people asked, and compares.

    Args:
        database: Where everything is.
        dispatches: Which run agents.
    """

    def __init__(self, database: "Database", dispatches: "Dispatches") -> None:
        self._database = database
        self._dispatches = dispatches

    async def run_ended(self, principal: "Principal", run: "EndedRun") -> None:
        """Ask the shadow after a run for people; compare after one of its own."""
        if run.lane == SHADOW:
            await self._compare(principal, run)
        elif not run.measures:
            await self._ask(principal, run)

    async def _ask(self, principal: "Principal", run: "EndedRun") -> None:
        async with self._database.transaction(principal, read_only=True) as transaction:
            found = await transaction.fetch_dicts(_TO_SHADOW, {"run_id": run.run_id})
        if not found:
            return
        row = found[0]
        case = CaseTask(
            key=str(run.run_id),
            agent=row["agent"],
            request=row["request"],
            version_id=row["version_id"],
            subject=row["subject"],
            inputs=row["inputs"],
        )
        # A version that comes back to the shadow later is asked again, so the roll-out is part of the name.
        name = f"shadow/{row['rollout_id']}/{run.run_id}"
        await self._dispatches.open_cases(principal, [case], purpose=SHADOW, run_key=name)

    async def _compare(self, principal: "Principal", run: "EndedRun") -> None:
        async with self._database.transaction(principal) as transaction:
            found = await transaction.fetch_dicts(_SHADOWED, {"run_id": run.run_id})
            if not found:
                return
            row = found[0]
            shadow, answered = _read(row["shadow"]), _read(row["answered"])
            score, details = (0.0, {"no_answer": True}) if not shadow or not answered else agreement(answered, shadow)
            params = {
                "version_id": row["version_id"],
                "score": score,
                "details": json.dumps({**details, "rollout_id": str(row["rollout_id"])}),
                "case_key": str(row["run_id"]),
                "run_id": run.run_id,
            }
            await transaction.execute(_KEEP, params)


def _read(output: object) -> AgentOutput | None:
    try:
        return AgentOutput.model_validate(output) if output else None
    except ValidationError:
        return None
