"""Moments as they stand in a table (ISO 8601), as numbers that can be ordered, and the periods they fall into."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from qms_mcp.errors import InvalidInputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Period = Literal["day", "week", "month", "quarter", "year"]
_MONTH = re.compile(r"(\d{4})-(\d{2})")
_QUARTER = re.compile(r"(\d{4})-?[Qq]([1-4])")
_YEAR = re.compile(r"\d{4}")
_DAY = 86_400.0
_MOST_NAMED = 5
_ZONE = re.compile(r"T.*(?:Z|[+-]\d\d(?::?\d\d)?)$| \d\d:\d\d.*(?:Z|[+-]\d\d(?::?\d\d)?)$")


def moment(value: Any) -> datetime | None:
    """Return a moment in UTC (one without a zone is taken to be in it); None where it is none."""
    if isinstance(value, datetime):
        read = value
    elif isinstance(value, date):
        read = datetime(value.year, value.month, value.day, tzinfo=UTC)
    else:
        text = str(value).strip()
        if found := _QUARTER.fullmatch(text):
            text = f"{found[1]}-{3 * int(found[2]) - 2:02}-01"
        elif _MONTH.fullmatch(text):
            text += "-01"
        elif _YEAR.fullmatch(text):
            text += "-01-01"
        try:
            read = datetime.fromisoformat(text)
        except ValueError:
            return None
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)


def seconds(values: Sequence[Any], name: str) -> "NDArray[np.float64]":
    """Return moments as seconds since 1970; nan where one is missing.

    Plain numbers (1, 2, 3, ...; a serial number) are taken as they are, when all values are numbers.

    Raises:
        InvalidInputError: A value is no moment.
    """
    import numpy as np  # noqa: PLC0415

    if all(value is None or (isinstance(value, int | float) and not isinstance(value, bool)) for value in values):
        return np.array([np.nan if value is None else float(value) for value in values])
    refuse_mixed_zones(values, name)
    made, wrong = np.full(len(values), np.nan), list[str]()
    for at, value in enumerate(values):
        if value is None or not str(value).strip():
            continue
        read = moment(value)
        if read is None:
            wrong.append(f"row {at + 1} ({str(value)[:30]!r})")
        else:
            made[at] = read.timestamp()
    if wrong:
        raise InvalidInputError(
            f"{len(wrong)} values of {name} are no time: {', '.join(wrong[:_MOST_NAMED])}.",
            hint="Write times as ISO 8601: 2026-03-31 or 2026-03-31T14:00:00+02:00.",
        )
    return made


def limit_of(value: str, times: "NDArray[np.float64]", name: str) -> float:
    """Return a moment a caller named, on the scale of `times`.

    Raises:
        InvalidInputError: It is no moment, or nothing lies before or after it.
    """
    import numpy as np  # noqa: PLC0415

    read = moment(value)
    limit = read.timestamp() if read else np.nan
    known = times[~np.isnan(times)]
    if known.size and float(np.abs(known).max()) < _DAY * 30 and re.fullmatch(r"-?\d+(\.\d+)?", value.strip()):
        limit = float(value)  # a serial number rather than a moment
    if np.isnan(limit):
        raise InvalidInputError(f"{value!r} is no time.", hint="Write it as ISO 8601: 2026-03-31.")
    before, after = int((known < limit).sum()), int((known >= limit).sum())
    if not before or not after:
        raise InvalidInputError(
            f"Of {known.size} rows {before} lie before {value} ({name}) and {after} on it or later.",
            hint="Choose a moment that has rows on both sides.",
        )
    return limit


def start_of(day: date, period: Period) -> date:
    """Return the first day of the period a day lies in; weeks begin on Monday (ISO 8601)."""
    if period == "day":
        return day
    if period == "week":
        return day - timedelta(days=day.weekday())
    if period == "month":
        return day.replace(day=1)
    return day.replace(day=1, month=3 * ((day.month - 1) // 3) + 1 if period == "quarter" else 1)


def after(start: date, period: Period) -> date:
    """Return the first day of the next period."""
    if period == "day":
        return start + timedelta(days=1)
    if period == "week":
        return start + timedelta(days=7)
    months = {"month": 1, "quarter": 3, "year": 12}[period]
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return date(year, month + 1, 1)


def name_of(start: date, period: Period) -> str:
    """Return the name of the period that begins on a day: 2026-03, 2026-Q1, 2026-W14."""
    if period == "day":
        return start.isoformat()
    if period == "week":
        year, week, _ = start.isocalendar()
        return f"{year}-W{week:02}"
    if period == "month":
        return f"{start:%Y-%m}"
    return f"{start.year}-Q{(start.month + 2) // 3}" if period == "quarter" else str(start.year)


def refuse_mixed_zones(values: Sequence[Any], name: str) -> None:
    """Refuse moments of which some have a time zone and some have none.

    Raises:
        InvalidInputError: It is so; which came first is then not known.
    """
    zoned = {bool(_ZONE.search(value.strip())) for value in values if isinstance(value, str) and moment(value)}
    if len(zoned) > 1:
        raise InvalidInputError(
            f"Some values of {name} have a time zone and some have none, so their order is not known.",
            hint="Give all of them one, or none.",
        )
