"""What each scheduled job does. Every one may be done again: killed half-way, it is done from its beginning.

A part that fails fails its job, which says so in `qms-mcp jobs history`; the next tick tries again.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from qms_mcp.agents.roster import roster
from qms_mcp.db.queries import query
from qms_mcp.errors import InvalidInputError, QmsError

if TYPE_CHECKING:
    from qms_mcp.auth.principal import Principal
    from qms_mcp.db.database import Database
    from qms_mcp.services.jobs.models import RunningJob
    from qms_mcp.services.learning.loop import Learning
    from qms_mcp.services.operations.alerts import Alerts
    from qms_mcp.services.workflow.service import Workflow
    from qms_mcp.settings import Settings

Outcome: TypeAlias = Mapping[str, Any]
_FORGET = query("operations.forget_undelivered")
# Long enough that somebody notices that a host refuses what it is sent.
UNDELIVERED_DAYS = 90


class Works:
    """The work of scheduled jobs.

    Args:
        database: Where everything is.
        settings: What the environment says.
        alerts: That are watched.
        learning: The improvement loop.
        workflow: Of records, whose overdue ones are raised.
    """

    def __init__(
        self, database: "Database", settings: "Settings", alerts: "Alerts", learning: "Learning", workflow: "Workflow"
    ) -> None:
        self._database = database
        self._settings = settings
        self._alerts = alerts
        self._learning = learning
        self._workflow = workflow
        self._works: dict[str, Callable[[Principal], Awaitable[Outcome]]] = {
            "alerts": self._watch_limits,
            "drift": self._detect_drift,
            "escalation": self._escalate,
            "audit-anchor": self._anchor,
            "score-sweep": self._score,
            "rollout-watch": self._watch_rollouts,
            "retrain-check": self._retrain,
            "re-embed": self._embed,
            "retention": self._forget,
        }

    @property
    def names(self) -> list[str]:
        """The jobs there is work for."""
        return list(self._works)

    async def do(self, job: "RunningJob") -> Outcome:
        """Do what the job of a tick is there for.

        Raises:
            InvalidInputError: It is of a version that knew other jobs.
        """
        name = str(job.spec.get("job", ""))
        work = self._works.get(name)
        if work is None:
            raise InvalidInputError(f"This version knows no scheduled job {name[:60]!r}.")
        await job.note(name)
        return await work(job.principal)

    async def _watch_limits(self, principal: "Principal") -> Outcome:
        settled = await self._alerts.evaluate(principal)
        told = await self._alerts.tell(principal)
        events = [one.event for one in settled]
        return {
            "measured": len(settled),
            "opened": events.count("opened"),
            "closed": events.count("closed"),
            "told": told,
        }

    async def _detect_drift(self, principal: "Principal") -> Outcome:
        said = dict[str, str]()
        for agent in roster():
            try:
                said[agent] = (await self._learning.drift.detect(principal, agent)).headline
            except QmsError as error:  # one that can't be compared keeps no other from it
                said[agent] = error.message
        return {"said": said}

    async def _escalate(self, principal: "Principal") -> Outcome:
        return {"escalated": await self._workflow.escalate(principal)}

    async def _anchor(self, principal: "Principal") -> Outcome:
        target = self._settings.qms_audit_anchor
        if not target:
            return {"said": "Nothing was written down: QMS_AUDIT_ANCHOR names no place outside of the database."}
        from qms_mcp.services.trail.anchoring import anchor_to, place_of  # noqa: PLC0415 - only where one is set

        place = place_of(target)
        kept = await anchor_to(self._database, principal, place)
        return {"entry": kept.seq, "row_hash": kept.row_hash, "place": place.name}

    async def _score(self, principal: "Principal") -> Outcome:
        return {"scored": await self._learning.feedback.score_unscored(principal)}

    async def _watch_rollouts(self, principal: "Principal") -> Outcome:
        events = await self._learning.rollouts.watch(principal)
        return {"events": [f"{one.version}: {one.event}. {one.reason}" for one in events]}

    async def _retrain(self, principal: "Principal") -> Outcome:
        return {"said": await self._learning.training.retrain_if_due(principal)}

    async def _embed(self, principal: "Principal") -> Outcome:
        from qms_mcp.services.embedding.provider import Embedders  # noqa: PLC0415 - heavy
        from qms_mcp.services.embedding.queue import queue_of  # noqa: PLC0415
        from qms_mcp.services.embedding.worker import Worker, worker_name  # noqa: PLC0415

        # A worker of its own: the one of the server may be at work, and hands back by its name.
        embedders = Embedders(self._settings)
        try:
            done = await Worker(queue_of(self._database, principal, worker_name()), embedders).drain()
        finally:
            await embedders.aclose()
        return {"embedded": done.embedded, "failed": done.failed, "postponed": dict(done.postponed)}

    async def _forget(self, principal: "Principal") -> Outcome:
        params = {"days": UNDELIVERED_DAYS}
        async with self._database.transaction(principal, because="retention of undelivered copies") as transaction:
            gone = int((await transaction.fetch_dicts(_FORGET, params))[0]["gone"])
        return {
            "undelivered_copies": gone,
            "said": "Records, runs, calls and the trail are never taken away; the database refuses it.",
        }
