"""Ticks: what is due becomes a job, once over all processes.

Every process asks now and then. What makes a tick happen once is the key of its job, `<job>/<minute in UTC>`, which is
unique in the database: whoever records it first has it worked on. Of ticks nobody was there for only the latest is
made up for.
"""

from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID
from zoneinfo import ZoneInfo

from qms_mcp.db.queries import query
from qms_mcp.errors import ConflictError, NotAllowedError
from qms_mcp.services.operations.cron import last_due
from qms_mcp.services.operations.schedules import Schedule, Schedules

if TYPE_CHECKING:
    from qms_mcp.auth.principal import Principal
    from qms_mcp.db.database import Database
    from qms_mcp.services.jobs.models import JobRow
    from qms_mcp.services.jobs.service import Jobs

KIND = "scheduled"
_TICKED = query("operations.ticked")


class Ticker:
    """Opens the jobs that are due.

    Args:
        jobs: Where they are opened.
        database: Where schedules are.
    """

    def __init__(self, jobs: "Jobs", database: "Database") -> None:
        self._jobs = jobs
        self._database = database
        self.schedules = Schedules(database)
        # When an organization was last looked at: within a minute nothing new can be due.
        self._looked = dict[UUID, datetime]()

    async def tick(self, principal: "Principal", now: datetime | None = None) -> int:
        """Open what is due and not there yet, on behalf of somebody, and return how many jobs are new.

        Args:
            principal: For whom the jobs act; for somebody who only reads nothing is opened.
            now: With a zone; this moment if left out.
        """
        moment = (now or datetime.now(UTC)).astimezone(UTC).replace(second=0, microsecond=0)
        if self._looked.get(principal.organization_id) == moment:
            return 0
        due = await self._due(principal, moment)
        opened = 0
        try:
            for schedule, tick in due:
                with suppress(ConflictError):  # another process opened it a moment ago, with other options
                    await self.open(principal, schedule, tick)
                    opened += 1
        except NotAllowedError:
            return 0
        self._looked[principal.organization_id] = moment
        return opened

    async def open(self, principal: "Principal", schedule: Schedule, tick: datetime, *, start: bool = True) -> "JobRow":
        """Open the job of a tick, or find it."""
        spec = {"job": schedule.job, "tick": _written(tick), "options": dict(schedule.options)}
        return await self._jobs.open(principal, KIND, f"{schedule.job}/{_written(tick)}", spec, start=start)

    async def _due(self, principal: "Principal", moment: datetime) -> list[tuple[Schedule, datetime]]:
        table = await self.schedules.timetable(principal)
        found = dict[str, tuple[Schedule, datetime]]()
        for schedule in table.schedules:
            tick = last_due(schedule.cron, ZoneInfo(table.zone), moment) if schedule.enabled else None
            if tick is not None and (schedule.since is None or tick >= schedule.since):
                found[f"{schedule.job}/{_written(tick)}"] = (schedule, tick)
        async with self._database.transaction(principal, read_only=True) as transaction:
            there = {row["key"] for row in await transaction.fetch_dicts(_TICKED, {"keys": list(found)})}
        return [due for key, due in found.items() if key not in there]


def _written(tick: datetime) -> str:
    return tick.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")
