"""Operations of an organization: alerts, usage, and the jobs that run on a schedule."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from qms_mcp.services.operations.alerts import Alerts
from qms_mcp.services.operations.schedules import known
from qms_mcp.services.operations.ticking import KIND, Ticker
from qms_mcp.services.operations.usage import Usage
from qms_mcp.services.operations.works import Works

if TYPE_CHECKING:
    from qms_mcp.auth.principal import Principal
    from qms_mcp.db.database import Database
    from qms_mcp.services.jobs.models import JobPage, JobRow
    from qms_mcp.services.jobs.service import Jobs
    from qms_mcp.services.learning.loop import Learning
    from qms_mcp.services.workflow.service import Workflow
    from qms_mcp.settings import Settings


class Operations:
    """What keeps watch.

    Args:
        database: Where everything is.
        settings: What the environment says.
        jobs: Where scheduled jobs are opened.
        learning: The improvement loop, parts of which run on a schedule.
        workflow: Of records.

    Attributes:
        alerts: Opened, acknowledged, closed, told.
        usage: Tokens, money, time, errors.
        ticker: Opens what is due.
        schedules: When jobs run.
    """

    def __init__(
        self, database: "Database", settings: "Settings", jobs: "Jobs", learning: "Learning", workflow: "Workflow"
    ) -> None:
        self.alerts = Alerts(database, settings)
        self.usage = Usage(database)
        self.ticker = Ticker(jobs, database)
        self.schedules = self.ticker.schedules
        self._jobs = jobs
        jobs.register(KIND, Works(database, settings, self.alerts, learning, workflow).do)

    async def run_now(self, principal: "Principal", job: str, now: datetime | None = None) -> "JobRow":
        """Do a scheduled job here and now, beside its schedule, and return how it ended; twice in a second it is one.

        Raises:
            NotFoundError: There is no such job.
            NotAllowedError: The caller only reads.
        """
        moment = now or datetime.now(UTC)
        spec = {"job": known(job).job, "by_hand": True}
        key = f"{job}/by-hand/{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        opened = await self._jobs.open(principal, KIND, key, spec, start=False)
        return await self._jobs.run_here(principal, opened.id)

    async def history(
        self, principal: "Principal", job: str | None = None, *, limit: int = 20, cursor: str = ""
    ) -> "JobPage":
        """Return what ran, the newest first; of one scheduled job or all jobs there are.

        Raises:
            NotFoundError: There is no such scheduled job.
        """
        if job is None:
            return await self._jobs.page(principal, limit=limit, cursor=cursor)
        return await self._jobs.page(principal, kind=KIND, prefix=f"{known(job).job}/", limit=limit, cursor=cursor)
