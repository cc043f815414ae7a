"""Days, weeks, months, quarters and years, and the windows of time a report runs over."""

import re
from calendar import monthrange
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Literal, TypeAlias

from qms_mcp.errors import InvalidInputError

Period: TypeAlias = Literal["day", "week", "month", "quarter", "year"]
_MOST = 120
_MONTHS = {"month": 1, "quarter": 3, "year": 12}


def begin_of(day: date, period: Period) -> date:
    """Return the first day of the period a day lies in; a week begins on Monday (ISO 8601)."""
    if period == "day":
        return day
    if period == "week":
        return day - timedelta(days=day.weekday())
    months = _MONTHS[period]
    return date(day.year, (day.month - 1) // months * months + 1, 1)


def end_of(begin: date, period: Period) -> date:
    """Return the last day of the period that begins on a day."""
    if period in {"day", "week"}:
        return begin + timedelta(days=0 if period == "day" else 6)
    month = begin.month + _MONTHS[period] - 1
    return date(begin.year, month, monthrange(begin.year, month)[1])


def name_of(begin: date, period: Period) -> str:
    """Return how a period is called: 2026-W07, 2026-02, 2026-Q1, 2026."""
    names = {
        "day": begin.isoformat(),
        "week": f"{begin:%G-W%V}",
        "month": f"{begin:%Y-%m}",
        "quarter": f"{begin:%Y}-Q{(begin.month + 2) // 3}",
        "year": f"{begin:%Y}",
    }
    return names[period]


def periods(since: date, until: date, period: Period) -> Iterator[tuple[str, date, date]]:
    """Return the name, first and last day of each period from one day to another.

    Raises:
        InvalidInputError: There are more than 120 of them.
    """
    begin, count = begin_of(since, period), 0
    while begin <= until:
        count += 1
        if count > _MOST:
            raise InvalidInputError(
                f"From {since} to {until} are more than {_MOST} periods of a {period}.",
                hint="Take longer periods or a shorter window.",
            )
        end = end_of(begin, period)
        yield name_of(begin, period), begin, end
        begin = end + timedelta(days=1)


_NAMED = re.compile(r"(\d{4})(?:-(?:W(\d{2})|Q([1-4])|(\d{2})(?:-(\d{2})(?:[T ].*)?)?))?")


def days_of(text: str) -> tuple[date, date] | None:
    """Return the first and last day of what `name_of` writes, or of a day or a moment (ISO 8601); None if neither."""
    match = _NAMED.fullmatch(text)
    if match is None:
        return None
    year, week, quarter, month, day = match.groups()
    try:
        if week:
            begin, period = date.fromisocalendar(int(year), int(week), 1), "week"
        elif day:
            begin, period = date(int(year), int(month), int(day)), "day"
        else:
            first = int(month) if month else 3 * int(quarter) - 2 if quarter else 1
            begin, period = date(int(year), first, 1), "month" if month else "quarter" if quarter else "year"
    except ValueError:
        return None
    return begin, end_of(begin, period)
