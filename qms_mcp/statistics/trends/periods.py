"""Rows counted, added up or averaged by day, week, month, quarter or year.

A period without rows counts as zero when rows are counted or added up, and is a gap when they are averaged. The last
period is left out when the rows do not reach its last day: it would look like a fall.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Literal

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.anomalies.times import Period, after, moment, name_of, refuse_mixed_zones, start_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Values = NDArray[np.float64]

Aggregate = Literal["count", "sum", "mean", "median"]
MOST_PERIODS = 3_000
_FIRST_WEEKDAY_OF_1970 = 3
SEASONS = {"day": 7, "week": 52, "month": 12, "quarter": 4, "year": 0}


@dataclass(frozen=True, slots=True)
class Periods:
    """The periods that a table covers.

    Attributes:
        starts: First days, without a gap.
        at: For each row the number of its period; -1 for a row without a time or in the period left out.
        left_out: The name of the last period, when it was left out as incomplete.
        untimed: How many rows have no time.
        latest: The last day there is a row of.
    """

    starts: tuple[date, ...]
    at: tuple[int, ...]
    left_out: str
    untimed: int
    latest: date


def days_of(values: Sequence[Any], name: str) -> list[date | None]:
    """Return the days of moments; None where there is none.

    Raises:
        InvalidInputError: A value is no moment.
    """
    days = list[date | None]()
    wrong = list[str]()
    refuse_mixed_zones(values, name)
    for at, value in enumerate(values):
        blank = value is None or not str(value).strip()
        found = None if blank else moment(value)
        if found is None and not blank:
            wrong.append(f"row {at + 1} ({str(value)[:30]!r})")
        days.append(found.date() if found else None)
    if wrong:
        raise InvalidInputError(
            f"{len(wrong)} values of {name} are no time: {', '.join(wrong[:5])}.",
            hint="Write times as ISO 8601: 2026-03-31.",
        )
    return days


def periods_of(days: Sequence[date | None], period: Period, complete_to: date | None = None) -> Periods:
    """Return the periods that rows fall into.

    Args:
        days: Of the rows.
        period: How long one is.
        complete_to: Up to which day rows are known to be complete; that of the last row if left out.

    Raises:
        InvalidInputError: No row has a time, or there are more than 3,000 periods.
    """
    known = [day for day in days if day]
    if not known:
        raise InvalidInputError("No row has a time.", hint="Check the column and the filter.")
    first, latest = min(known), max(known)
    until = max(latest, complete_to) if complete_to else latest
    starts = [start_of(first, period)]
    while (following := after(starts[-1], period)) <= until:
        starts.append(following)
        if len(starts) > MOST_PERIODS:
            raise InvalidInputError(
                f"From {first} to {until} there are more than {MOST_PERIODS} {period}s.", hint="Take longer periods."
            )
    left_out = ""
    if len(starts) > 1 and until < after(starts[-1], period) - timedelta(days=1):
        left_out = name_of(starts.pop(), period)
    number = {start: at for at, start in enumerate(starts)}
    at = tuple(number.get(start_of(day, period), -1) if day else -1 for day in days)
    return Periods(tuple(starts), at, left_out, len(days) - len(known), latest)


def aggregated(at: Sequence[int], values: "Values | None", periods: int, how: Aggregate) -> "Values":
    """Return one value a period.

    Args:
        at: The period of each row; negative ones do not count.
        values: Of the rows; None when rows are counted. A missing one (nan) does not count.
        periods: How many there are.
        how: Count, sum, mean or median.
    """
    import numpy as np  # noqa: PLC0415

    place = np.asarray(at, dtype=np.intp)
    there = place >= 0
    if values is not None:
        there &= ~np.isnan(values)
    counts = np.bincount(place[there], minlength=periods).astype(np.float64)
    if how == "count" or values is None:
        return counts
    if how == "median":
        made = np.full(periods, np.nan)
        for number in np.flatnonzero(counts):
            made[number] = np.median(values[there & (place == number)])
        return made
    middle = float(values[there].mean()) if how == "mean" and there.any() else 0.0
    sums = np.bincount(place[there], weights=values[there] - middle, minlength=periods)
    if how == "sum":
        return np.asarray(sums, dtype=np.float64)
    return np.where(counts > 0, middle + sums / np.maximum(counts, 1), np.nan)


def place_in_season(start: date, period: Period) -> int:
    """Return the place in the season: the weekday, the week or month of the year, the quarter; from 0."""
    if period == "day":
        return start.weekday()
    if period == "week":
        return (start.isocalendar().week - 1) % 52
    return start.month - 1 if period == "month" else (start.month - 1) // 3
