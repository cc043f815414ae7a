"""The order of rows by a column of times, and events as the times between them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.flags import Flag
from qms_mcp.statistics.numbers import as_number

_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Order:
    """Rows in the order of time.

    Attributes:
        rows: Places of the rows, the earliest first; equal times stay as they were given.
        moments: The times in that order: numbers as they are, dates in days.
        flags: What was seen.
    """

    rows: tuple[int, ...]
    moments: tuple[float, ...]
    flags: tuple[Flag, ...]


def by_time(values: Sequence[Any], name: str, *, repeats: bool) -> Order:
    """Return the order of rows by a column of times.

    Args:
        values: ISO 8601 dates or moments, or numbers.
        name: What the column is called.
        repeats: Whether equal times are nothing to speak of, as within subgroups.

    Raises:
        InvalidInputError: A time is missing, is neither a number nor a date, or some have a time zone and some not.
    """
    moments = moments_of(values, name)
    rows = sorted(range(len(moments)), key=moments.__getitem__)
    ordered = tuple(moments[row] for row in rows)
    flags = list[Flag]()
    moved = sum(moments[at] < moments[at - 1] for at in range(1, len(moments)))
    if moved:
        flags.append(
            Flag(
                "out_of_order",
                f"Going by {name}, {moved} rows stand after a later one; they were sorted.",
                "Check the times.",
            )
        )
    same = sum(ordered[at] == ordered[at - 1] for at in range(1, len(ordered)))
    if same and not repeats:
        flags.append(
            Flag(
                "duplicates",
                f"{same} of the {name} are there more than once; among equal ones the order given was kept.",
                "If they are the same measurement, leave one out; if they belong together, make them a subgroup.",
            )
        )
    return Order(tuple(rows), ordered, tuple(flags))


def moments_of(values: Sequence[Any], name: str) -> list[float]:
    """Return times as numbers: numbers as they are, dates and moments in days.

    Raises:
        InvalidInputError: As `by_time` says.
    """
    numbers = [as_number(value) for value in values]
    missing = [at + 1 for at, number in enumerate(numbers) if number is not None and math.isnan(number)]
    if missing:
        raise InvalidInputError(
            f"{len(missing)} rows have no {name}, the first is row {missing[0]}; so their order is not known.",
            hint="Give the times, leave the rows out, or leave out time when the rows are in order.",
        )
    if all(number is not None for number in numbers):
        return [float(number) for number in numbers if number is not None]
    dates = [moment(value) for value in values]
    wrong = [at for at, date in enumerate(dates) if date is None]
    if wrong:
        raise InvalidInputError(
            f"{len(wrong)} values of {name} are no times: row {wrong[0] + 1} has {str(values[wrong[0]])[:30]!r}.",
            hint="Use ISO 8601 (2026-03-01, 2026-03-01T08:30:00Z) or numbers.",
        )
    there = [date for date in dates if date is not None]
    if len({date.tzinfo is None for date in there}) > 1:
        raise InvalidInputError(
            f"Some values of {name} have a time zone and some have none, so their order is not known.",
            hint="Give all of them one, or none.",
        )
    return [_days(date) for date in there]


def moment(value: Any) -> datetime | None:
    """Return a value as a moment; None if it is none."""
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        return None
    try:
        return datetime.fromisoformat(value.strip())
    except ValueError:
        return None


def are_moments(values: Sequence[Any]) -> bool:
    """Return whether all values that are there are dates or moments, and none a plain number."""
    there = [value for value in values if value not in (None, "")]
    return bool(there) and all(as_number(value) is None and moment(value) is not None for value in there)


def _days(date: datetime) -> float:
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() / _DAY
