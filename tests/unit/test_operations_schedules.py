"""When scheduled jobs are due, in the time zone of an organization, and what a limit of an alert means."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from qms_mcp.errors import InvalidInputError, NotFoundError
from qms_mcp.services.operations.cron import check_cron, last_due, next_due
from qms_mcp.services.operations.rules import METRICS, SHIPPED, Measured, checked, in_words, rules_of
from qms_mcp.services.operations.schedules import SHIPPED as JOBS
from qms_mcp.services.operations.schedules import known

BERLIN = "Europe/Berlin"
UTC_CLOCK = ZoneInfo("UTC")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def ticks(cron: str, zone: str, since: str, until: str) -> list[str]:
    """Return the ticks that somebody who looks every minute sees, in UTC."""
    seen = list[str]()
    moment = at(since)
    while moment < at(until):
        tick = last_due(cron, ZoneInfo(zone), moment)
        if tick is not None and tick >= at(since) and tick.isoformat()[:16] not in seen:
            seen.append(tick.isoformat()[:16])
        moment += timedelta(minutes=1)
    return seen


def test_a_time_is_that_of_the_organization() -> None:
    assert last_due("17 2 * * *", ZoneInfo(BERLIN), at("2026-07-10T12:00")) == at("2026-07-10T00:17")
    assert last_due("17 2 * * *", ZoneInfo(BERLIN), at("2026-01-10T12:00")) == at("2026-01-10T01:17")
    assert last_due("17 2 * * *", UTC_CLOCK, at("2026-01-10T02:16")) == at("2026-01-09T02:17")
    assert last_due("17 2 * * *", UTC_CLOCK, at("2026-01-10T02:17")) == at("2026-01-10T02:17")


def test_a_time_that_does_not_exist_comes_once_an_hour_later() -> None:
    # Clocks went from 02:00 to 03:00 on 2026-03-29.
    assert ticks("17 2 * * *", BERLIN, "2026-03-28T12:00", "2026-03-29T12:00") == ["2026-03-29T01:17"]


def test_a_time_that_is_there_twice_comes_once() -> None:
    # Clocks went from 03:00 back to 02:00 on 2026-10-25.
    assert ticks("17 2 * * *", BERLIN, "2026-10-24T12:00", "2026-10-25T12:00") == ["2026-10-25T00:17"]


@pytest.mark.parametrize(("cron", "each"), [("*/5 * * * *", 5), ("7 * * * *", 60), ("*/30 * * * *", 30)])
@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_a_job_of_every_hour_runs_evenly_when_the_clock_is_put(cron: str, each: int, day: str) -> None:
    seen = [at(one) for one in ticks(cron, BERLIN, f"{day}T00:00", f"{day}T05:00")]
    assert {later - earlier for earlier, later in pairwise(seen)} == {timedelta(minutes=each)}
    assert len(seen) == 300 // each


def test_of_missed_ticks_there_is_the_latest() -> None:
    assert last_due("11 4 * * 0", UTC_CLOCK, at("2026-11-23T10:00")) == at("2026-11-22T04:11")


@pytest.mark.parametrize("cron", ["", "* * *", "61 * * * *", "every day", "* * * * * *", "@daily", "0 0 30 2 *"])
def test_what_is_no_schedule_is_refused(cron: str) -> None:
    with pytest.raises(InvalidInputError, match="cron expression"):
        check_cron(cron)


def test_the_next_time_is_after_now_and_a_missed_one_before_it() -> None:
    # Clocks went forward: 02:17 comes at 03:17, which is 01:17 in UTC.
    now = at("2026-03-29T01:17")
    assert last_due("17 2 * * *", ZoneInfo(BERLIN), now) == now
    assert last_due("17 2 * * *", ZoneInfo(BERLIN), at("2026-03-29T01:16")) == at("2026-03-28T01:17")
    assert next_due("17 2 * * *", ZoneInfo(BERLIN), now) == at("2026-03-30T00:17")


def test_shipped_schedules_can_be_used_and_others_are_not_known() -> None:
    assert all(check_cron(one.cron) == one.cron for one in JOBS.values())
    with pytest.raises(NotFoundError, match="no scheduled job"):
        known("reboot")


def test_shipped_limits_are_the_six_and_clear_inside() -> None:
    assert set(SHIPPED) == set(METRICS)
    for rule in SHIPPED.values():
        assert checked(rule) == rule
        assert abs(rule.clears_at / rule.threshold - 1) == pytest.approx(0.2)
    assert {rule.metric for rule in SHIPPED.values() if rule.level == "critical"} == {"error_rate", "feedback_average"}


def test_the_newest_limits_of_an_organization_count() -> None:
    own = {
        "metric": "latency_s", "threshold": 5.0, "clears_at": 4.0, "level": "critical", "window_minutes": 60,
        "minimum_n": 3, "enabled": False,
    }  # fmt: skip
    found = rules_of([own])
    assert (found["latency_s"].threshold, found["latency_s"].enabled) == (5.0, False)
    assert found["drift"] == SHIPPED["drift"]


@pytest.mark.parametrize(("metric", "clears_at"), [("latency_s", 31.0), ("feedback_average", 0.5)])
def test_an_alert_does_not_clear_on_the_bad_side(metric: str, clears_at: float) -> None:
    rule = next(one for one in SHIPPED.values() if one.metric == metric)
    with pytest.raises(InvalidInputError, match="can't clear"):
        checked(replace(rule, clears_at=clears_at))


def test_an_error_rate_is_said_with_its_exact_interval() -> None:
    said = in_words(SHIPPED["error_rate"], Measured("qa", 3 / 20, 20, 3))
    # Clopper and Pearson, 3 of 20: 0.0321 to 0.3789.
    assert said.startswith("3 of 20 runs of qa went wrong: 15.0% (95 % interval 3.2% to 37.9%)")
