"""From a table to series: in the order of time, or aggregated to periods."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from qms_mcp.errors import InvalidInputError, LimitExceededError
from qms_mcp.services.analysis.methods.detect_trends_model import MOST_SERIES, TrendOptions
from qms_mcp.services.analysis.table import Table
from qms_mcp.statistics.anomalies.times import Period, name_of, seconds
from qms_mcp.statistics.flags import Flag
from qms_mcp.statistics.trends.periods import (
    SEASONS,
    Aggregate,
    aggregated,
    days_of,
    periods_of,
    place_in_season,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Values = NDArray[np.float64]
    Places = NDArray[np.intp]

_DAY = 86_400.0
_UNITS: tuple[tuple[float, str, float], ...] = (
    (0.9, "day", 1.0),
    (6.0, "day", 1.0),
    (20.0, "week", 7.0),
    (60.0, "month", 30.436875),
    (200.0, "quarter", 91.310625),
    (float("inf"), "year", 365.2425),
)
_SPACINGS: tuple[tuple[float, float, Period], ...] = (
    (0.99, 1.01, "day"),
    (6.9, 7.1, "week"),
    (28.0, 31.1, "month"),
    (89.0, 92.1, "quarter"),
)
MOST_POINTS = 1_500


@dataclass(frozen=True, slots=True)
class Line:
    """A series.

    Attributes:
        name: Of its group; of the value when there is one series.
        values: In order; nan where a period has none.
        times: In the unit of `per`.
        labels: Of the points.
        places: In the season, of each point; empty without a season.
        season: How many places there are; 0 without.
    """

    name: str
    values: "Values"
    times: "Values"
    labels: tuple[str, ...]
    places: "Places | None"
    season: int


@dataclass(frozen=True, slots=True)
class Read:
    """What was read: the series, what a step of time is called, what the values are, and what to know."""

    lines: tuple[Line, ...]
    per: str
    value: str
    unit: str
    counts: bool
    rows: int
    flags: tuple[Flag, ...]


def read(table: Table, options: TrendOptions) -> Read:
    """Return the series of a table.

    Raises:
        InvalidInputError: A column is missing or holds what can't be read, or nothing says how to count.
        LimitExceededError: There are more than 1,000 groups.
    """
    if not table.rows:
        raise InvalidInputError("The table has no rows.", hint="Check the filter.")
    groups = _groups(table, options)
    if options.period:
        return _by_period(table, options, options.period, groups)
    if options.value is None:
        raise InvalidInputError(
            "Neither a value nor a period was named.", hint="Name the column of values, or a period to count rows by."
        )
    return _by_row(table, options, options.value, groups)


def _groups(table: Table, options: TrendOptions) -> dict[str, list[int]]:
    if options.group is None:
        return {options.value or "rows": list(range(table.rows))}
    found: dict[str, list[int]] = {}
    for at, name in enumerate(table.text(options.group)):
        found.setdefault(name or "(none)", []).append(at)
    if len(found) > MOST_SERIES:
        raise LimitExceededError(
            f"{options.group} has {len(found)} groups; at most {MOST_SERIES} series are tested at once.",
            hint="Filter, or group more coarsely.",
        )
    return found


def _by_period(table: Table, options: TrendOptions, period: Period, groups: dict[str, list[int]]) -> Read:
    import numpy as np  # noqa: PLC0415

    if options.time is None:
        raise InvalidInputError("A period was given, but no column of times.", hint="Name it as `time`.")
    covered = periods_of(days_of(table.column(options.time), options.time), period, options.complete_to)
    how: Aggregate = options.aggregate or ("mean" if options.value else "count")
    if how != "count" and options.value is None:
        raise InvalidInputError(f"There is no value to take the {how} of.", hint="Name the column.")
    values = table.numbers(options.value) if options.value else None
    n = len(covered.starts)
    labels = tuple(name_of(start, period) for start in covered.starts)
    season = SEASONS[period] if options.season is None else options.season
    places = _places(covered.starts, period, season, natural=season == SEASONS[period])
    lines = list[Line]()
    for name, rows in groups.items():
        at = [covered.at[row] for row in rows]
        made = aggregated(at, None if values is None else values[rows], n, how)
        lines.append(Line(name, made, np.arange(n, dtype=np.float64), labels, places, season))
    flags = list[Flag]()
    if covered.left_out:
        says = f"{covered.left_out} is left out as incomplete: the last row is of {covered.latest}."
        flags.append(Flag("incomplete_period", says, "Give complete_to if it is complete."))
    if covered.untimed:
        flags.append(Flag("missing", f"{covered.untimed} rows have no {options.time} and are left out."))
    words = f"{how} of {options.value}" if options.value else "rows"
    unit = "" if how == "count" or options.value is None else table.unit(options.value)
    return Read(tuple(lines), period, f"{words} a {period}", unit, how == "count", table.rows, tuple(flags))


def _by_row(table: Table, options: TrendOptions, value: str, groups: dict[str, list[int]]) -> Read:
    import numpy as np  # noqa: PLC0415

    numbers = table.numbers(value)
    times, labels, per, spacing = _times(table, options, groups)
    flags, lines = list[Flag](), list[Line]()
    if np.isnan(times).any():
        flags.append(Flag("missing", f"{int(np.isnan(times).sum())} rows have no {options.time} and are left out."))
    if np.isnan(numbers).any():
        flags.append(Flag("missing", f"{int(np.isnan(numbers).sum())} of {table.rows} values of {value} are missing."))
    uneven = same = unordered = 0
    for name, rows in groups.items():
        there = np.array([row for row in rows if not np.isnan(times[row])], dtype=np.intp)
        order: Places = there[np.argsort(times[there], kind="stable")]
        unordered += int(not np.array_equal(order, there))
        steps: Values = np.diff(times[order])
        same += int((steps == 0).sum())
        uneven += _uneven(steps)
        season, places = _season_of_rows(table, options, order, spacing)
        called = tuple(labels[int(row)] for row in order.tolist())
        line = Line(name, numbers[order], times[order], called, places, season)
        lines.append(_thinned(line, flags))
    if unordered:
        flags.append(Flag("out_of_order", f"The rows of {unordered} series were not in the order of time; sorted."))
    if same:
        flags.append(Flag("duplicates", f"{same} values stand at the time of the one before.", "Give a period."))
    if uneven:
        says = f"{uneven} series are unevenly spaced: slopes use the time, autocorrelation goes by the order."
        flags.append(Flag("uneven", says, "Give a period for even steps."))
    known = numbers[~np.isnan(numbers)]
    counts = bool((known >= 0).all() and (known == np.floor(known)).all())
    return Read(tuple(lines), per, value, table.unit(value), counts, table.rows, tuple(flags))


def _uneven(steps: "Values") -> int:
    import numpy as np  # noqa: PLC0415

    usual = float(np.median(steps)) if steps.size else 0.0
    return int(usual <= 0 or float(np.abs(steps - usual).max()) > 0.5 * usual) if steps.size else 0


def _times(
    table: Table, options: TrendOptions, groups: dict[str, list[int]]
) -> tuple["Values", list[str], str, Period | None]:
    """Return times in a fitting unit, labels, what the unit is called, and the calendar step if there is one."""
    import numpy as np  # noqa: PLC0415

    if options.time is None:
        made = np.zeros(table.rows)
        for rows in groups.values():
            made[rows] = np.arange(1, len(rows) + 1)
        return made, [f"{number:.0f}" for number in made], "observation", None
    column = table.column(options.time)
    labels = table.text(options.time)
    if all(isinstance(value, int | float | None) and not isinstance(value, bool) for value in column):
        return table.numbers(options.time), labels, f"unit of {options.time}", None
    days = seconds(column, options.time) / _DAY
    known = np.unique(days[~np.isnan(days)])
    usual = float(np.median(np.diff(known))) if known.size > 1 else 1.0
    per, length = next((name, length) for limit, name, length in _UNITS if usual < limit)
    spacing: Period | None = next((period for low, high, period in _SPACINGS if low <= usual <= high), None)
    return (days - np.nanmin(days)) / length, labels, per, spacing


def _season_of_rows(
    table: Table, options: TrendOptions, order: "Places", spacing: Period | None
) -> "tuple[int, Places | None]":
    import numpy as np  # noqa: PLC0415

    if options.season is not None:
        season = options.season
        return season, np.arange(order.size) % season if season > 1 else None
    if spacing is None or options.time is None:
        return 0, None
    column = table.column(options.time)
    days = [day for day in days_of([column[row] for row in order], options.time) if day]
    return SEASONS[spacing], _places(days, spacing, SEASONS[spacing], natural=True)


def _places(starts: Sequence[date], period: Period, season: int, *, natural: bool) -> "Places | None":
    import numpy as np  # noqa: PLC0415

    if season < 2:  # noqa: PLR2004
        return None
    return np.array(
        [place_in_season(start, period) if natural else at % season for at, start in enumerate(starts)], dtype=np.intp
    )


def _thinned(line: Line, flags: list[Flag]) -> Line:
    """Return a series as it is, or as means of so many values one after the other when it is very long."""
    import numpy as np  # noqa: PLC0415

    there = ~np.isnan(line.values)
    n = int(there.sum())
    if n <= MOST_POINTS:
        return line
    step = -(-n // MOST_POINTS)
    cuts = np.arange(0, n, step)
    sizes = np.diff(np.append(cuts, n))
    middle = float(line.values[there].mean())
    values = middle + np.add.reduceat(line.values[there] - middle, cuts) / sizes
    times = np.add.reduceat(line.times[there], cuts) / sizes
    labels = tuple(np.array(line.labels, dtype=object)[there][cuts].tolist())
    says = f"{line.name} has {n} values; means of {step} in a row are tested."
    flags.append(Flag("thinned", says, "Give a period to choose how they are averaged."))
    return Line(line.name, values, times, labels, None, 0)
