"""Due times in the days of the site, zones and changing clocks included; and what is done when one passes."""

import json
from collections.abc import Generator
from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qms_mcp.db.embedded import EmbeddedPostgres
from tests.support.site import Site, refused, superuser_of_a_copy

_ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Pacific/Kiritimati",
    "America/Havana",
    "Africa/Cairo",
)
_PROPERTY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def connection(embedded: EmbeddedPostgres, template: str) -> Generator[psycopg.Connection]:
    with superuser_of_a_copy(embedded, template) as opened:
        yield opened


@pytest.fixture(scope="module")
def sites(connection: psycopg.Connection) -> dict[str, Site]:
    return {zone: Site(connection, zone=zone) for zone in _ZONES}


def _due(site: Site, since: datetime, days: int, kind: str = "business") -> datetime:
    rows = site.run("SELECT qms.due_after(%s, %s, %s, %s) AS due", site.organization_id, since, days, kind)
    return rows[0]["due"]


def _set_calendar(site: Site, calendar: str) -> None:
    site.run("UPDATE qms.organizations SET site_calendar = %s WHERE id = %s", calendar, site.organization_id)


def test_business_days_leave_out_weekends_and_holidays(connection: psycopg.Connection) -> None:
    site = Site(connection, zone="Europe/Berlin", calendar={"workdays": [1, 2, 3, 4, 5], "holidays": ["2026-12-25"]})
    thursday = datetime(2026, 12, 24, 10, tzinfo=ZoneInfo("Europe/Berlin"))
    expected = datetime(2026, 12, 28, 23, 59, 59, 999999, tzinfo=ZoneInfo("Europe/Berlin"))
    assert _due(site, thursday, 1) == expected
    assert _due(site, thursday, 1, "calendar") == expected - timedelta(days=3)
    assert _due(site, thursday + timedelta(days=1), 0) == expected
    between = "SELECT qms.business_days_between(%s, '2026-12-24', '2026-12-31') AS days"
    assert site.run(between, site.organization_id) == [{"days": 4}]


@pytest.mark.parametrize(
    "calendar",
    [
        "{}",
        '{"workdays": []}',
        '{"workdays": [0, 8, "1"]}',
        '{"workdays": "Monday", "holidays": 5}',
        '{"workdays": null, "holidays": ["2026-02-30", 7, "soon"]}',
        "[]",
    ],
)
def test_a_calendar_that_says_nothing_valid_is_monday_to_friday(connection: psycopg.Connection, calendar: str) -> None:
    site = Site(connection)
    _set_calendar(site, calendar)
    friday = datetime(2026, 11, 20, 12, tzinfo=UTC)
    assert _due(site, friday, 1) == datetime(2026, 11, 23, 23, 59, 59, 999999, tzinfo=UTC)


def test_the_day_is_that_of_the_site(sites: dict[str, Site]) -> None:
    late = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)  # Saturday already in Kolkata
    assert _due(sites["UTC"], late, 0).astimezone(UTC).date() == date(2026, 11, 20)
    assert _due(sites["Asia/Kolkata"], late, 0).astimezone(ZoneInfo("Asia/Kolkata")).date() == date(2026, 11, 23)


def test_a_day_of_23_or_25_hours_ends_at_its_midnight(sites: dict[str, Site]) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    for day, hours in ((date(2026, 3, 29), 23), (date(2026, 10, 25), 25)):
        start = datetime(day.year, day.month, day.day, tzinfo=berlin)
        end = _due(sites["Europe/Berlin"], start, 0, "calendar")
        assert end.astimezone(UTC) - start.astimezone(UTC) == timedelta(hours=hours) - timedelta(microseconds=1)


def test_a_kind_of_days_that_does_not_exist_is_refused(sites: dict[str, Site]) -> None:
    with refused("QM024", "business or calendar"):
        _due(sites["UTC"], datetime(2026, 1, 1, tzinfo=UTC), 1, "lunar")


@_PROPERTY
@given(
    zone=st.sampled_from(_ZONES),
    seconds=st.integers(0, 6 * 365 * 86_400),
    days=st.integers(0, 40),
    kind=st.sampled_from(["business", "calendar"]),
)
def test_a_due_time_is_the_last_moment_of_a_day_that_counts(
    sites: dict[str, Site], zone: str, seconds: int, days: int, kind: str
) -> None:
    here, moment = ZoneInfo(zone), datetime(2025, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    due = _due(sites[zone], moment, days, kind)
    first, last = moment.astimezone(here).date(), due.astimezone(here).date()
    assert (due.astimezone(UTC) + timedelta(microseconds=1)).astimezone(here).date() > last
    assert due >= moment
    if kind == "calendar":
        assert last == first + timedelta(days=days)
        return
    assert last.isoweekday() <= 5
    counted = [first + timedelta(days=n) for n in range(1, (last - first).days + 1)]
    passed = sum(day.isoweekday() <= 5 for day in counted)
    assert passed == (days or (first.isoweekday() > 5))
    rows = sites[zone].run(
        "SELECT qms.business_days_between(%s, %s, %s) AS n", sites[zone].organization_id, first, last
    )
    assert rows == [{"n": passed}]


@_PROPERTY
@given(
    workdays=st.sets(st.integers(1, 7), min_size=1),
    holidays=st.sets(st.dates(date(2026, 1, 1), date(2026, 3, 1)), max_size=20),
    start=st.dates(date(2026, 1, 1), date(2026, 2, 1)),
    days=st.integers(1, 15),
)
def test_every_calendar_counts_its_own_days(
    sites: dict[str, Site], workdays: set[int], holidays: set[date], start: date, days: int
) -> None:
    site = sites["UTC"]
    calendar = {"workdays": sorted(workdays), "holidays": sorted(day.isoformat() for day in holidays)}
    _set_calendar(site, json.dumps(calendar))
    try:
        due = _due(site, datetime(start.year, start.month, start.day, 12, tzinfo=UTC), days).astimezone(UTC).date()
    finally:
        _set_calendar(site, "{}")
    expected, remaining = start, days
    while remaining:
        expected += timedelta(days=1)
        remaining -= expected.isoweekday() in workdays and expected not in holidays
    assert due == expected


# Escalation


_SO_LONG_AGO = """
SELECT min(d.day)::text AS day FROM generate_series(current_date - 60, current_date, interval '1 day') AS d (day)
WHERE qms.business_days_between(%s, d.day::date, current_date) = %s
"""


def _business_days_ago(site: Site, days: int) -> str:
    return site.run(_SO_LONG_AGO, site.organization_id, days)[0]["day"]


def _overdue(site: Site, owner: UUID, business_days: int) -> UUID:
    """Add a nonconformance that was due so many business days ago."""
    record = site.add(owner, "nonconformance")
    site.change(owner, record, due_date=_business_days_ago(site, business_days))
    return record


def _escalate(site: Site, person: UUID) -> int:
    with site.acting(person):
        return site.run("SELECT qms.escalate_due() AS made")[0]["made"]


def _escalations(site: Site, record: UUID) -> list[tuple[int, str]]:
    rows = site.run(
        "SELECT e.level, e.to_role FROM qms.escalations AS e WHERE e.record_id = %s ORDER BY e.level", record
    )
    return [(row["level"], row["to_role"]) for row in rows]


def test_what_is_overdue_is_escalated_by_its_rules_once(connection: psycopg.Connection) -> None:
    site = Site(connection)
    owner = site.person("owner")
    record, long_ago, fine = _overdue(site, owner, 1), _overdue(site, owner, 7), site.add(owner, "nonconformance")
    version = site.read(record)["version"]
    assert _escalate(site, owner) == 3
    assert _escalate(site, owner) == 0
    assert _escalations(site, record) == [(1, "owner")]
    assert _escalations(site, long_ago) == [(1, "owner"), (2, "qa_approver")]
    assert _escalations(site, fine) == []
    row = site.read(record)
    assert (row["escalation_level"], row["version"]) == (1, version)
    entries = site.run(
        "SELECT a.reason, a.changes FROM qms.audit_logs AS a WHERE a.record_id = %s ORDER BY a.seq DESC", record
    )
    assert entries[0]["changes"] == {"escalation_level": {"old": 0, "new": 1}}
    assert "due time has passed" in entries[0]["reason"]


def test_the_next_state_and_a_moved_date_count_anew(connection: psycopg.Connection) -> None:
    site = Site(connection)
    owner = site.person("owner")
    record = _overdue(site, owner, 2)
    assert _escalate(site, owner) == 1
    site.change(owner, record, due_date=_business_days_ago(site, 1))
    assert _escalate(site, owner) == 1
    site.change(owner, record, containment="Cage 4", contained_on=site.today())
    site.move(owner, record, "contained")
    assert site.read(record)["escalation_level"] == 0
    assert _escalate(site, owner) == 0


def test_nobody_escalates_for_another_organization_and_no_auditor_at_all(connection: psycopg.Connection) -> None:
    ours, theirs = Site(connection), Site(connection)
    owner, auditor, other = ours.person("owner"), ours.person("auditor"), theirs.person("owner")
    record = _overdue(ours, owner, 3)
    assert _escalate(theirs, other) == 0
    with refused("QM022", "auditor"):
        _escalate(ours, auditor)
    assert _escalations(ours, record) == []
    assert _escalate(ours, owner) == 1
    with theirs.acting(other):
        assert theirs.run("SELECT e.id FROM qms.escalations AS e") == []


def test_escalations_stay_as_they_were_made(connection: psycopg.Connection) -> None:
    site = Site(connection)
    owner = site.person("owner")
    _overdue(site, owner, 3)
    _escalate(site, owner)
    for statement in (
        "UPDATE qms.escalations SET level = 2",
        "DELETE FROM qms.escalations",
        "TRUNCATE qms.escalations",
    ):
        with pytest.raises(psycopg.DatabaseError), site.acting(owner):
            site.run(statement)
        with refused("QM003"):
            site.run(statement)
