"""Scheduled jobs on a real database: opened once per tick, moved and turned off by an organization, and done."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid4

import anyio
import pytest
from psycopg.conninfo import conninfo_to_dict

from qms_mcp.auth.principal import Principal
from qms_mcp.db.database import Database
from qms_mcp.db.embedded import EmbeddedPostgres
from qms_mcp.dispatch.jobs import JobWorker
from qms_mcp.errors import InvalidInputError, NotAllowedError, NotFoundError
from qms_mcp.services.container import Services
from qms_mcp.services.operations.schedules import SHIPPED
from qms_mcp.services.operations.works import UNDELIVERED_DAYS
from qms_mcp.settings import Settings
from tests.conftest import add_person
from tests.support.dispatching import Rows

pytestmark = pytest.mark.anyio
WHY = "The plant works at night."


@dataclass
class Site:
    """An organization of its own, and the services of a process that acts in it."""

    database: Database
    rows: Rows
    principal: Principal
    services: Services

    @property
    def jobs(self) -> list[str]:
        found = self.rows.fetch(
            "SELECT key FROM agents.jobs WHERE organization_id = %(o)s AND kind = 'scheduled' ORDER BY key",
            o=self.principal.organization_id,
        )
        return [row["key"] for row in found]

    async def schedule(self, job: str, cron: str | None = None, *, enabled: bool | None = None) -> None:
        await self.services.operations.schedules.set(self.principal, job, cron=cron, enabled=enabled, reason=WHY)

    def another_process(self) -> Services:
        return Services.over(self.database, Settings.from_environment({}))


@pytest.fixture(scope="module")
def rows(embedded: EmbeddedPostgres, shared_database: Database) -> Rows:
    name = conninfo_to_dict(shared_database.wiring.server)["dbname"]
    return Rows(embedded.conninfo(str(name), "postgres"))


@pytest.fixture
async def site(shared_database: Database, rows: Rows) -> Site:
    principal = await add_person(shared_database, uuid4(), f"site-{uuid4().hex[:8]}", "admin")
    return Site(shared_database, rows, principal, Services.over(shared_database, Settings.from_environment({})))


def later(days: int, clock: str) -> datetime:
    """Return a time of day (UTC) some days from today."""
    day = (datetime.now(UTC) + timedelta(days=days)).date()
    return datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=UTC)


# Ticks ---------------------------------------------------------------------------------------------------------------


async def test_a_tick_opens_what_is_due_and_again_opens_nothing(site: Site) -> None:
    now = later(8, "12:03")  # more than a week on, so that the weekly one is due too
    ticker = site.services.operations.ticker
    assert await ticker.tick(site.principal, now) == len(SHIPPED)
    assert await ticker.tick(site.principal, now + timedelta(seconds=30)) == 0
    assert await site.another_process().operations.ticker.tick(site.principal, now) == 0
    assert len(site.jobs) == len(SHIPPED)
    assert f"drift/{now:%Y-%m-%d}T02:17Z" in site.jobs
    assert f"alerts/{now:%Y-%m-%d}T12:00Z" in site.jobs


async def test_processes_that_tick_at_once_open_each_job_once(site: Site) -> None:
    now = later(1, "12:03")
    several = [site.another_process().operations.ticker for _ in range(5)]
    async with anyio.create_task_group() as tasks:
        for ticker in several:
            tasks.start_soon(ticker.tick, site.principal, now)
    assert len(site.jobs) == len(set(site.jobs))
    assert sum(key.startswith("alerts/") for key in site.jobs) == 1


async def test_of_missed_ticks_only_the_latest_is_made_up_for(site: Site) -> None:
    ticker = site.services.operations.ticker
    await ticker.tick(site.principal, later(1, "12:00"))
    await ticker.tick(site.principal, later(5, "12:00"))
    assert sum(key.startswith("drift/") for key in site.jobs) == 2


async def test_nothing_is_made_up_for_from_before_an_organization_was_there(site: Site) -> None:
    assert await site.services.operations.ticker.tick(site.principal, datetime.now(UTC) - timedelta(hours=1)) == 0
    assert site.jobs == []


async def test_a_job_runs_when_the_organization_wants_and_in_its_time_zone(site: Site) -> None:
    site.rows.execute(
        "UPDATE qms.organizations SET time_zone = 'Asia/Tokyo' WHERE id = %(o)s", o=site.principal.organization_id
    )
    for job in SHIPPED:
        await site.schedule(job, enabled=job == "drift")
    await site.schedule("drift", "30 6 * * *")
    now = later(2, "12:00")
    assert await site.services.operations.ticker.tick(site.principal, now) == 1
    assert site.jobs == [f"drift/{later(1, '21:30'):%Y-%m-%dT%H:%MZ}"]  # 06:30 in Tokyo


async def test_a_schedule_that_is_none_is_refused(site: Site) -> None:
    with pytest.raises(InvalidInputError):
        await site.schedule("drift", "at night")
    with pytest.raises(NotFoundError):
        await site.schedule("reboot", "0 3 * * *")


async def test_an_auditor_opens_and_changes_nothing_and_reads_the_history(site: Site) -> None:
    auditor = await add_person(site.database, site.principal.organization_id, "x", "auditor")
    operations = site.services.operations
    assert await operations.ticker.tick(auditor, later(1, "12:00")) == 0
    with pytest.raises(NotAllowedError):
        await operations.schedules.set(auditor, "drift", cron="0 3 * * *", enabled=None, reason=WHY)
    with pytest.raises(NotAllowedError):
        await operations.run_now(auditor, "alerts")
    assert await operations.ticker.tick(site.principal, later(1, "12:00")) > 0
    assert (await operations.history(auditor, "drift")).total == 1


async def test_another_organization_has_ticks_of_its_own(site: Site) -> None:
    stranger = await add_person(site.database, uuid4(), f"other-{uuid4().hex[:8]}", "admin")
    now = later(1, "12:00")
    ticker = site.services.operations.ticker
    mine = await ticker.tick(site.principal, now)
    assert await ticker.tick(stranger, now) == mine > 0
    assert (await site.services.operations.history(stranger)).total == mine


async def test_a_worker_goes_on_for_the_person_of_each_organization_who_is_still_there(site: Site) -> None:
    """Whoever a job was opened for last, and who may still begin work, is whom the next is opened for."""
    second = await add_person(site.database, site.principal.organization_id, "second", "owner")
    stranger = await add_person(site.database, uuid4(), f"other-{uuid4().hex[:8]}", "admin")
    worker = site.another_process().jobs.rows

    async def keepers() -> dict[UUID, UUID]:
        ours = {site.principal.organization_id, stranger.organization_id}
        return {one.organization_id: one.user_id for one in await worker.keepers() if one.organization_id in ours}

    assert await keepers() == {}
    for person, job in ((site.principal, "alerts"), (stranger, "alerts"), (second, "score-sweep")):
        assert (await site.another_process().operations.run_now(person, job)).state == "completed"
    kept = await keepers()
    assert kept == {site.principal.organization_id: second.user_id, stranger.organization_id: stranger.user_id}
    site.rows.execute("UPDATE qms.memberships SET valid_to = clock_timestamp() WHERE user_id = %(u)s", u=second.user_id)
    kept = await keepers()
    assert kept[site.principal.organization_id] == site.principal.user_id


async def test_a_worker_opens_what_is_due_for_all_it_keeps_time_for(site: Site) -> None:
    worker = JobWorker(cast("Any", None), site.another_process())
    await worker.tick(None, later(8, "12:03"))
    assert site.jobs == []
    await site.services.operations.run_now(site.principal, "alerts")
    worker = JobWorker(cast("Any", None), site.another_process())
    await worker.tick(None, later(8, "12:03"))
    await worker.tick(None, later(8, "12:04"))
    assert len(site.jobs) == len(SHIPPED) + 1


# Done ----------------------------------------------------------------------------------------------------------------


async def done(site: Site, job: str, services: Services | None = None) -> dict[str, Any]:
    ended = await (services or site.services).operations.run_now(site.principal, job)
    assert ended.state == "completed", ended.error
    assert ended.result is not None
    return dict(ended.result)


@pytest.mark.parametrize("job", [name for name in SHIPPED if name != "re-embed"])
async def test_every_scheduled_job_has_its_work_and_nothing_to_do_is_no_failure(site: Site, job: str) -> None:
    await done(site, job)
    page = await site.services.operations.history(site.principal, job)
    assert (page.total, page.items[0].stage) == (1, job)


async def test_a_job_of_a_tick_is_done_with_what_it_was_opened_for(site: Site) -> None:
    services = site.services
    await services.operations.ticker.tick(site.principal, later(1, "12:03"))
    (opened,) = (await services.operations.history(site.principal, "score-sweep")).items
    ended = await services.jobs.run_here(site.principal, opened.id)
    assert (ended.state, ended.result) == ("completed", {"scored": 0})
    assert ended.spec["job"] == "score-sweep"


async def test_the_head_of_the_trail_is_written_down_where_it_is_set_and_else_it_is_said(
    site: Site, tmp_path: Path
) -> None:
    assert "QMS_AUDIT_ANCHOR" in (await done(site, "audit-anchor"))["said"]
    file = tmp_path / "heads.jsonl"
    services = Services.over(site.database, Settings.from_environment({"QMS_AUDIT_ANCHOR": str(file)}))
    kept = await services.operations.run_now(site.principal, "audit-anchor", datetime.now(UTC) + timedelta(hours=1))
    assert kept.state == "completed", kept.error
    assert kept.result is not None
    assert kept.result["row_hash"] in file.read_text(encoding="utf-8")


async def test_retention_takes_away_old_undelivered_copies_of_this_organization_alone(site: Site) -> None:
    stranger = await add_person(site.database, uuid4(), f"other-{uuid4().hex[:8]}", "admin")
    for organization_id in (site.principal.organization_id, stranger.organization_id):
        for days in (UNDELIVERED_DAYS + 1, UNDELIVERED_DAYS - 1):
            site.rows.execute(
                "INSERT INTO agents.otlp_outbox (organization_id, path, payload, given_up_at) "
                "VALUES (%(o)s, '/x', '{}', now() - make_interval(days => %(days)s))",
                o=organization_id, days=days,
            )  # fmt: skip
    assert (await done(site, "retention"))["undelivered_copies"] == 1
    left = "SELECT count(*) FROM agents.otlp_outbox WHERE organization_id = %(o)s"
    assert site.rows.value(left, o=site.principal.organization_id) == 1
    assert site.rows.value(left, o=stranger.organization_id) == 2


async def test_a_job_no_version_knows_fails_and_says_so(site: Site) -> None:
    jobs = site.services.jobs
    opened = await jobs.open(site.principal, "scheduled", "reboot/2026", {"job": "reboot"}, start=False)
    ended = await jobs.run_here(site.principal, opened.id)
    assert ended.state == "failed"
    assert "no scheduled job 'reboot'" in str(ended.error)
