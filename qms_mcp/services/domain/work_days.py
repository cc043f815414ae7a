"""Days that count for a clock: calendar days, and work days as 21 CFR 803.3 has them.

A work day is Monday to Friday without the Federal holidays of the United States. The day something happened is day 0;
the first day that counts is the one after it.
"""

from collections.abc import Container
from datetime import date, timedelta
from functools import cache

_MONDAY, _THURSDAY = 0, 3
_SATURDAY, _SUNDAY = 5, 6
_JUNETEENTH_SINCE = 2021


def add_calendar_days(start: date, days: int) -> date:
    """Return the day `days` calendar days after `start`."""
    return start + timedelta(days=days)


def add_work_days(start: date, days: int, *, closed: Container[date] = ()) -> date:
    """Return the `days`-th work day after `start`.

    Args:
        start: Day 0; it may fall on any day of the week.
        days: How many work days.
        closed: More days that do not count. Never pass days a site is merely closed on for a regulatory clock.
    """
    day = start
    while days > 0:
        day += timedelta(days=1)
        if is_work_day(day) and day not in closed:
            days -= 1
    return day


def is_work_day(day: date) -> bool:
    """Return whether it is Monday to Friday and no Federal holiday."""
    return day.weekday() < _SATURDAY and day not in federal_holidays(day.year)


@cache
def federal_holidays(year: int) -> frozenset[date]:
    """Return the days on which the Federal holidays of a year are observed (5 U.S.C. 6103).

    One that falls on Saturday is observed on the Friday before, on Sunday on the Monday after; New Year's Day of the
    next year can so be observed in this one.
    """
    fixed = [date(year, 1, 1), date(year, 7, 4), date(year, 11, 11), date(year, 12, 25), date(year + 1, 1, 1)]
    if year >= _JUNETEENTH_SINCE:
        fixed.append(date(year, 6, 19))
    floating = [
        _nth(year, 1, _MONDAY, 3),
        _nth(year, 2, _MONDAY, 3),
        _nth(year, 6, _MONDAY, 1) - timedelta(days=7),  # the last Monday of May
        _nth(year, 9, _MONDAY, 1),
        _nth(year, 10, _MONDAY, 2),
        _nth(year, 11, _THURSDAY, 4),
    ]
    return frozenset(day for day in [*(_observed(day) for day in fixed), *floating] if day.year == year)


def _observed(day: date) -> date:
    return day + timedelta(days={_SATURDAY: -1, _SUNDAY: 1}.get(day.weekday(), 0))


def _nth(year: int, month: int, weekday: int, which: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (which - 1))
