"""Letting versions go to people, and taking them back.

Everything that decides is in the database: what may be asked for, who may sign, what the watch does. Here a request is
put together, with a plan for the watch, and told in words.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from qms_mcp.db.queries import query
from qms_mcp.errors import InvalidInputError, NotFoundError
from qms_mcp.services.learning.rollout.experimenting import experiment_plan
from qms_mcp.services.learning.rollout.models import Moved, Step, StickyBy
from qms_mcp.services.learning.rollout.watching import CANARY_RUNS, PRODUCTION_RUNS, watch_plan
from qms_mcp.services.learning.versions import SHIPPED, VersionRow, shipped_agent

if TYPE_CHECKING:
    from qms_mcp.auth.principal import Principal
    from qms_mcp.db.database import Database
    from qms_mcp.services.learning.after_runs import EndedRun
    from qms_mcp.services.learning.versions import Versions
    from qms_mcp.services.signing.service import Signing

_REQUEST, _SHADOW = query("learning_rollout.request"), query("learning_rollout.start_shadow")
_WITHDRAW, _NOMINATE = query("learning_rollout.withdraw"), query("learning_rollout.nominate")
_WATCH, _BASELINE = query("learning_rollout.watch"), query("learning_rollout.baseline")
_RUNNING, _BEFORE = query("learning_rollout.running"), query("learning_rollout.before_production")
_SHARES: Mapping[str, float] = {"shadow": 10.0, "canary": 5.0, "experiment": 50.0, "production": 100.0}
_LOOKED_AT = 500
_MOST = 20
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """What a watch did or found.

    Attributes:
        event: `rolled_back`, `ready` to be promoted, or `completed`.
        reason: Why, in words.
    """

    rollout_id: UUID
    agent: str
    kind: str
    version: str
    event: str
    reason: str


class Rollouts:
    """How versions go to people.

    Args:
        database: Where everything is.
        versions: Of agents.
        signing: Where people sign.
    """

    def __init__(self, database: "Database", versions: "Versions", signing: "Signing") -> None:
        self._database = database
        self._versions = versions
        self._signing = signing

    async def promote(  # noqa: PLR0913 - they are what is asked for
        self,
        principal: "Principal",
        agent: str,
        version: str,
        *,
        to: Step = "canary",
        reason: str,
        percent: float | None = None,
        sticky_by: StickyBy = "dispatch",
        without_canary: str = "",
        client: str | None = None,
    ) -> Moved:
        """Let a version answer more: in the shadow at once, anything else once a person has signed.

        Args:
            principal: Who asks; they will not be the one to sign.
            agent: Whose version.
            version: Its id, name or alias.
            to: How far.
            reason: Why.
            percent: Of requests; of a canary 5, an experiment 50, a shadow 10 if left out.
            sticky_by: What keeps its version: a dispatch, or a person.
            without_canary: Why it goes to production without one; the signer reads it.
            client: Through which client.

        Raises:
            ConflictError: The gates are not passed against what answers now, another version is on trial, or it has
                not come through a canary.
            NotFoundError: There is no such version.
        """
        chosen = await self._version(principal, agent, version)
        share = _SHARES[to] if percent is None else percent
        if not 0 < share <= 100:  # noqa: PLR2004 - of a hundred
            raise InvalidInputError(f"{share} is no percentage.", hint="Above 0 and up to 100.")
        if to == "shadow":
            return await self._start_shadow(principal, chosen, share, reason)
        plan = await self._plan(principal, agent, to, share)
        if without_canary.strip():
            plan["without_canary"] = without_canary.strip()
        return await self._ask(
            principal, chosen, to, reason, share=share, sticky_by=sticky_by, plan=plan, client=client
        )

    async def rollback(
        self, principal: "Principal", agent: str, *, to: str | None = None, reason: str, client: str | None = None
    ) -> Moved:
        """Go back: end what is on trial at once, or ask a person to put an earlier version in production.

        Args:
            principal: Who asks.
            agent: Of which agent.
            to: The version to go back to (`shipped`, an id or a name), or None: end the canary or experiment, else
                the shadow, that runs; when there is none, what was in production before.
            reason: Why.
            client: Through which client.

        Raises:
            ConflictError: That version was never in production, or answers already.
            NotFoundError: There is nothing to go back to.
        """
        shipped_agent(agent)
        if to is None or not to.strip():
            trials = [one for one in await self._running(principal, agent) if one["kind"] != "production"]
            trials.sort(key=lambda one: one["kind"] == "shadow")
            if trials:
                return await self._withdraw(principal, trials[0], reason)
            to = await self._before(principal, agent)
        chosen = await self._version(principal, agent, to)
        return await self._ask(principal, chosen, "roll_back", reason, client=client)

    async def withdraw(self, principal: "Principal", rollout_id: UUID, reason: str) -> str:
        """End a shadow, canary or experiment at once; return its state.

        Raises:
            NotAllowedError: It is in production: a person takes that back.
            NotFoundError: There is no such roll-out.
        """
        params = {"rollout_id": rollout_id, "reason": reason}
        async with self._database.transaction(principal, because=reason) as transaction:
            return str((await transaction.fetch_dicts(_WITHDRAW, params))[0]["state"])

    async def nominate(self, principal: "Principal", agent: str, version_id: UUID, reason: str) -> None:
        """Let `candidate` stand for a version; it answers nobody by that.

        Raises:
            NotFoundError: There is no such version.
        """
        params = {"agent": agent, "version_id": version_id, "reason": reason}
        async with self._database.transaction(principal, because=reason) as transaction:
            await transaction.fetch_dicts(_NOMINATE, params)

    async def watch(self, principal: "Principal", agent: str | None = None) -> list[WatchEvent]:
        """Look at the roll-outs of an agent, or of all: take back what went wrong, say what has come through.

        The trail names the system: nobody decided it, a sum reached its limit.
        """
        system = replace(principal, actor_kind="system")
        because = "the watch of a roll-out looked at its runs"
        async with self._database.transaction(system, because=because) as transaction:
            events = await transaction.fetch_all(_WATCH, {"agent": agent}, row=WatchEvent)
        for event in events:
            level = logging.WARNING if event.event == "rolled_back" else logging.INFO
            _log.log(level, "%s of %s: %s. %s", event.kind, event.version, event.event, event.reason)
        return events

    async def run_ended(self, principal: "Principal", run: "EndedRun") -> None:
        """Look at the roll-outs of the agent whose run has ended."""
        if not run.measures:
            await self.watch(principal, run.agent)

    async def _version(self, principal: "Principal", agent: str, named: str) -> VersionRow:
        # What it is compared with has to be stored, whether or not it has ever answered.
        shipped = await self._versions.find(principal, agent, SHIPPED)
        return shipped if named == SHIPPED else await self._versions.find(principal, agent, named)

    async def _plan(self, principal: "Principal", agent: str, to: Step, share: float) -> dict[str, Any]:
        async with self._database.transaction(principal, read_only=True) as transaction:
            as_told = ["human"] if to == "production" else ["human", "agent"]  # as ml_loop.watched counts
            rows = await transaction.fetch_dicts(_BASELINE, {"agent": agent, "most": _LOOKED_AT, "as_told": as_told})
        n, bad = (rows[0]["n"], rows[0]["bad"]) if rows else (0, 0)
        if to == "experiment":
            design = experiment_plan(n, bad, share)
            return {**watch_plan(n, bad, runs=design["runs"]), "experiment": design}
        return watch_plan(n, bad, runs=CANARY_RUNS if to == "canary" else PRODUCTION_RUNS)

    async def _ask(
        self,
        principal: "Principal",
        chosen: VersionRow,
        step: str,
        reason: str,
        *,
        share: float = 100.0,
        sticky_by: str = "dispatch",
        plan: Mapping[str, Any] | None = None,
        client: str | None = None,
    ) -> Moved:
        params = {
            "agent": chosen.agent,
            "step": step,
            "version_id": chosen.id,
            "percent": share,
            "sticky_by": sticky_by,
            "plan": json.dumps(plan or {}),
            "reason": reason,
            "client": client,
        }
        async with self._database.transaction(principal, because=reason) as transaction:
            asked = (await transaction.fetch_dicts(_REQUEST, params))[0]
        how = await self._signing.how_to_decide(asked["approval_id"])
        return Moved(
            headline=(
                f"Nothing has changed yet: {asked['summary']} {how} Neither who asked nor who made the version may "
                f"sign, before {asked['expires_at']:%Y-%m-%d %H:%M} UTC. You can't do it."
            ),
            status="waiting",
            agent=chosen.agent,
            version=chosen.version,
            approval_id=asked["approval_id"],
            content=asked["content"],
        )

    async def _start_shadow(self, principal: "Principal", chosen: VersionRow, share: float, reason: str) -> Moved:
        params = {"agent": chosen.agent, "version_id": chosen.id, "percent": share, "reason": reason}
        async with self._database.transaction(principal, because=reason) as transaction:
            started = (await transaction.fetch_dicts(_SHADOW, params))[0]
        return Moved(
            headline=(
                f"{chosen.version} answers {started['percent']:g} % of the requests to {chosen.agent} too, for nobody: "
                "people keep what they have. list_models shows how far it agrees."
            ),
            status="done",
            agent=chosen.agent,
            version=chosen.version,
            rollout_id=started["id"],
        )

    async def _withdraw(self, principal: "Principal", trial: Mapping[str, Any], reason: str) -> Moved:
        await self.withdraw(principal, trial["id"], reason)
        return Moved(
            headline=f"The {trial['kind']} of {trial['version']} has ended: {trial['baseline']} answers everybody.",
            status="done",
            agent=trial["agent"],
            version=trial["version"],
            rollout_id=trial["id"],
        )

    async def _running(self, principal: "Principal", agent: str) -> list[dict[str, Any]]:
        params = {"agent": agent, "ended": False, "max_rows": _MOST}
        async with self._database.transaction(principal, read_only=True) as transaction:
            return await transaction.fetch_dicts(_RUNNING, params)

    async def _before(self, principal: "Principal", agent: str) -> str:
        async with self._database.transaction(principal, read_only=True) as transaction:
            rows = await transaction.fetch_dicts(_BEFORE, {"agent": agent})
        if not rows:
            raise NotFoundError(
                f"Nothing of {agent} is on trial, and nothing was ever promoted.", hint="The shipped version answers."
            )
        return str(rows[0]["id"]) if rows[0]["id"] else SHIPPED
