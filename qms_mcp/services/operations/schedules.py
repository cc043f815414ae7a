"""When jobs run: shipped schedules, each of which an organization may change or turn off; in its own time zone."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from qms_mcp.db.queries import query
from qms_mcp.errors import NotFoundError
from qms_mcp.services.operations.cron import check_cron

if TYPE_CHECKING:
    from qms_mcp.auth.principal import Principal
    from qms_mcp.db.database import Database

_SCHEDULES, _SET = query("operations.schedules"), query("operations.set_schedule")
_ZONE = query("operations.zone")


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a job runs.

    Attributes:
        cron: Five fields, in the organization's time zone.
        does: What it does, in words.
        options: What its work is given.
        since: A tick before this is none of it; None where it was always so.
    """

    job: str
    cron: str
    does: str
    enabled: bool = True
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Timetable:
    """The schedules of an organization.

    Attributes:
        zone: IANA name of its time zone.
    """

    zone: str
    schedules: tuple[Schedule, ...]


SHIPPED: Mapping[str, Schedule] = {
    schedule.job: schedule
    for schedule in (
        Schedule("alerts", "*/5 * * * *", "Measures what there is a limit for, opens and closes alerts, tells them."),
        Schedule("drift", "17 2 * * *", "Compares what agents do with how it was when all was well."),
        Schedule("escalation", "7 * * * *", "Raises what is overdue to whom its workflow names."),
        Schedule("audit-anchor", "23 1 * * *", "Writes the head of the audit trail down outside of the database."),
        Schedule("score-sweep", "*/10 * * * *", "Scores runs whose automatic score was lost."),
        Schedule("rollout-watch", "*/5 * * * *", "Looks at roll-outs, and takes back what goes wrong."),
        Schedule("retrain-check", "41 3 * * *", "Begins a training of agents that are in need of one."),
        Schedule("re-embed", "*/30 * * * *", "Makes the vectors that wait."),
        Schedule("retention", "11 4 * * 0", "Takes away what may go: copies for Langfuse given up long ago."),
    )
}


class Schedules:
    """When the jobs of organizations run.

    Args:
        database: Where they are.
    """

    def __init__(self, database: "Database") -> None:
        self._database = database

    async def timetable(self, principal: "Principal") -> Timetable:
        """Return when everything runs: as shipped, or as the organization set it last."""
        async with self._database.transaction(principal, read_only=True) as transaction:
            rows = {row["job"]: row for row in await transaction.fetch_dicts(_SCHEDULES)}
            place = (await transaction.fetch_dicts(_ZONE))[0]
        found = list[Schedule]()
        for job, shipped in SHIPPED.items():
            row = rows.get(job)
            if row is None:
                found.append(replace(shipped, since=place["created_at"]))
                continue
            found.append(
                replace(shipped, cron=row["cron"], enabled=row["enabled"], options=row["options"], since=row["set_at"])
            )
        return Timetable(place["zone"], tuple(found))

    async def set(
        self, principal: "Principal", job: str, *, cron: str | None, enabled: bool | None, reason: str
    ) -> Schedule:
        """Change when a job runs; what is None stays as it is.

        Raises:
            NotFoundError: There is no such job.
            InvalidInputError: The expression is none.
            NotAllowedError: The caller only reads.
        """
        known(job)
        now = next(one for one in (await self.timetable(principal)).schedules if one.job == job)
        wanted = replace(
            now,
            cron=check_cron(cron) if cron is not None else now.cron,
            enabled=now.enabled if enabled is None else enabled,
        )
        params = {
            "job": job,
            "cron": wanted.cron,
            "enabled": wanted.enabled,
            "options": json.dumps(dict(wanted.options)),
            "reason": reason,
        }
        async with self._database.transaction(principal, because=reason) as transaction:
            await transaction.fetch_dicts(_SET, params)
        return wanted


def known(job: str) -> Schedule:
    """Return the shipped schedule of a job.

    Raises:
        NotFoundError: There is no such job.
    """
    if job not in SHIPPED:
        raise NotFoundError(f"There is no scheduled job {job[:60]!r}.", hint=f"There are {', '.join(SHIPPED)}.")
    return SHIPPED[job]
