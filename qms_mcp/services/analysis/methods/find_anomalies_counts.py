"""Anomalies among counts: periods or groups whose rate does not fit that of the others."""

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from qms_mcp.errors import InvalidInputError
from qms_mcp.pictures.model import Level, Mark, Panel, Series
from qms_mcp.services.analysis.method import significant
from qms_mcp.services.analysis.methods.find_anomalies_model import MOST_ROWS, AnomalyOptions, Found, moments_of
from qms_mcp.services.analysis.table import Table
from qms_mcp.statistics.anomalies.control import called
from qms_mcp.statistics.anomalies.rates import RateJudged, judge_rates
from qms_mcp.statistics.anomalies.times import Period, after, name_of, start_of
from qms_mcp.statistics.comparing.samples import NONE, natural
from qms_mcp.statistics.comparing.wording import listed, one_in, spoken
from qms_mcp.statistics.flags import Flag

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

HEADER = ["where", "count", "exposure", "expected", "expected_low", "expected_high", "p", "why"]
_MOST_CELLS = 20_000
_ROUNDS = 5


class _Cells:
    """Counts by series (group) and place (period, row), as they are judged."""

    def __init__(self) -> None:
        self.names = list[str]()
        self.counts = list[float]()
        self.exposure = list[float]()
        self.series = list[str]()

    def add(self, series: str, name: str, count: float, exposure: float) -> None:
        self.series.append(series)
        self.names.append(name)
        self.counts.append(count)
        self.exposure.append(exposure)


def find_rates(table: Table, options: AnomalyOptions) -> Found:
    """Return the periods or groups with an unusual rate."""
    import numpy as np  # noqa: PLC0415

    if options.exposure and options.trials:
        raise InvalidInputError("Both trials and an exposure were given.", hint="Give one of them.")
    cells, flags, unit = _cells(table, options)
    if len(cells.counts) > _MOST_CELLS:
        raise InvalidInputError(
            f"There are {len(cells.counts)} counts to look at.", hint="Choose longer periods or fewer groups."
        )
    counts, exposure = np.array(cells.counts), np.array(cells.exposure)
    p, judged = np.full(len(counts), np.nan), dict[str, "tuple[RateJudged, NDArray[np.intp]]"]()
    left_out = list[str]()
    for name in sorted(set(cells.series), key=natural):
        at = np.flatnonzero(np.array(cells.series, dtype=object) == name)
        try:
            made = _judged(counts[at], exposure[at], options)
        except InvalidInputError:
            if len(set(cells.series)) == 1:
                raise
            left_out.append(name)
            continue
        judged[name] = (made, at)
        p[at] = made.p
        flags += [Flag(flag.code, f"{name}: {flag.says}" if name else flag.says, flag.instead) for flag in made.flags]
    if not judged:
        raise InvalidInputError("No group has three periods and an event.", hint="Choose shorter periods, or no group.")
    if left_out:
        flags.append(Flag("few", f"Groups without events or with too few periods: {listed(left_out)}."))
    result = called(p, options.alpha)
    rows = list[list[Any]]()
    for at in result.places(MOST_ROWS):
        made, places = judged[cells.series[at]]
        rows.append(
            _row(cells, int(at), made, int(np.flatnonzero(places == at)[0]), result.threshold, float(p[at]), unit)
        )
    of = f"{'periods' if options.period else 'counts'} of {_counted(options)}"
    panel = _panel(cells, judged, result.places(), result.threshold, options)
    return Found(
        rows,
        HEADER,
        result.tested,
        result.expected_false,
        result.threshold,
        of,
        (panel,) if panel else (),
        int(counts.sum()),
        f"{_counted(options)}: rates that do not fit the others",
        flags=tuple(flags[:12]),
    )


def _judged(counts: "Floats", exposure: "Floats", options: AnomalyOptions) -> RateJudged:
    """Return the counts judged by those that are not unusual themselves (a peak would make all others look low)."""
    import numpy as np  # noqa: PLC0415

    made = judge_rates(counts, exposure, trials=bool(options.trials))
    apart = np.zeros(len(counts), dtype=bool)
    for _ in range(_ROUNDS):
        found = called(made.p, options.alpha).at
        if found.size > len(counts) // 3 or not found.size or apart[found].all():
            break
        apart[found] = True
        made = judge_rates(counts, exposure, trials=bool(options.trials), apart=apart)
    return made


def _counted(options: AnomalyOptions) -> str:
    return str(options.value) if options.value else "rows"


def _cells(table: Table, options: AnomalyOptions) -> tuple[_Cells, list[Flag], str]:
    """Return the counts, what to know about them, and the unit of their exposure."""
    if options.period and not options.time:
        raise InvalidInputError("A period needs a column of times.", hint="Name it as `time`.")
    groups = [name.strip() or NONE for name in table.text(options.group)] if options.group else [""] * table.rows
    counts = _numbers(table, str(options.value)) if options.value else [1.0] * table.rows
    column = options.trials or options.exposure
    exposed = _numbers(table, column) if column else None
    cells, flags = _Cells(), list[Flag]()
    kept = [
        at for at in range(table.rows) if counts[at] == counts[at] and (exposed is None or exposed[at] == exposed[at])
    ]
    if len(kept) < table.rows:
        flags.append(Flag("missing", f"{table.rows - len(kept)} rows lack a count or an exposure; left out."))
    if options.period:
        _by_period(table, options, groups, counts, exposed, kept, cells, flags)
        return cells, flags, column or "day"
    if options.group:
        for name in sorted(set(groups), key=natural):
            own = [at for at in kept if groups[at] == name]
            if own:
                size = sum(exposed[at] for at in own) if exposed else 1.0
                cells.add("", name, sum(counts[at] for at in own), size)
        if not exposed:
            says = "No exposure was named: every group is taken to have had the same."
            flags.append(Flag("no_exposure", says, "Name a column of units, hours or lots."))
        return cells, flags, column or "group"
    if not options.value:
        raise InvalidInputError("There is nothing to count by.", hint="Name a group, or a time and a period.")
    for at in kept:
        where = str(table.column(options.time)[at]) if options.time else f"row {at + 1}"
        cells.add("", where, counts[at], exposed[at] if exposed else 1.0)
    return cells, flags, column or "row"


def _numbers(table: Table, column: str) -> list[float]:
    return table.numbers(column).tolist()


def _by_period(
    table: Table,
    options: AnomalyOptions,
    groups: list[str],
    counts: list[float],
    exposed: list[float] | None,
    kept: list[int],
    cells: _Cells,
    flags: list[Flag],
) -> None:
    """Count by periods from the first to the last, those without a row too; their exposure is their days."""
    times, period = moments_of(table, options), options.period
    if times is None or period is None:
        raise InvalidInputError("A period needs a column of times.", hint="Name it as `time`.")
    starts = [_start(times[at], period) for at in kept]
    known = [start for start in starts if start]
    if not known:
        raise InvalidInputError("No row has a time.", hint="Check the column of times.")
    if len(known) < len(starts):
        flags.append(Flag("missing", f"{len(starts) - len(known)} rows have no time and are left out."))
    whole = _periods(min(known), max(known), period)
    _fill(cells, (groups, counts, exposed), kept, starts, whole, period)
    if exposed is None and len(whole) > 1:
        says = f"Periods from {name_of(whole[0], period)} to {name_of(whole[-1], period)} count whole"
        flags.append(Flag("whole_periods", f"{says}; the first and the last may not be.", "Filter to whole periods."))


def _fill(
    cells: _Cells,
    columns: tuple[list[str], list[float], list[float] | None],
    kept: list[int],
    starts: list[date | None],
    whole: list[date],
    period: Period,
) -> None:
    groups, counts, exposed = columns
    summed: dict[tuple[str, date], list[float]] = {}
    for at, begin in zip(kept, starts, strict=True):
        if begin:
            cell = summed.setdefault((groups[at], begin), [0.0, 0.0])
            cell[0] += counts[at]
            cell[1] += exposed[at] if exposed else 0.0
    for group in sorted({groups[at] for at in kept}, key=natural):
        for begin in whole:
            count, size = summed.get((group, begin), [0.0, 0.0])
            if exposed is None:
                cells.add(group, name_of(begin, period), count, float((after(begin, period) - begin).days))
            elif size > 0:
                cells.add(group, name_of(begin, period), count, size)


def _periods(first: date, last: date, period: Period) -> list[date]:
    whole, start = list[date](), first
    while start <= last and len(whole) <= _MOST_CELLS:
        whole.append(start)
        start = after(start, period)
    return whole


def _start(seconds: float, period: Period) -> date | None:
    return start_of(datetime.fromtimestamp(seconds, UTC).date(), period) if seconds == seconds else None  # noqa: PLR0124


def _row(cells: _Cells, at: int, made: RateJudged, place: int, threshold: float, p: float, unit: str) -> list[Any]:
    low, high = made.range_of(place, threshold)
    count, size, expected = cells.counts[at], cells.exposure[at], float(made.expected[place])
    where = ", ".join(part for part in (cells.series[at], cells.names[at]) if part)
    times = f"{spoken(count / expected, 3)} times the {spoken(expected)}" if expected else "where none"
    why = (
        f"{count:,.0f} events are {times} expected by the rate of the others ({spoken(made.rate)} per {unit}); "
        f"{low:,.0f} to {high:,.0f} is usual; by chance {one_in(p)} ({made.law})"
    )
    numbers = [significant(number) for number in (count, size, expected)]
    return [where, *numbers, low, high, significant(p, 4), why]


def _panel(
    cells: _Cells,
    judged: "dict[str, tuple[RateJudged, NDArray[np.intp]]]",
    found: list[int],
    threshold: float,
    options: AnomalyOptions,
) -> Panel | None:
    """Return the rates of the first series, with the range they would lie in; of several, the one most was found in."""
    if not judged:
        return None
    by_series = {name: sum(cells.series[at] == name for at in found) for name in judged}
    shown = max(by_series, key=lambda name: by_series[name])
    made, places = judged[shown]
    shown_at: list[int] = places[:500].tolist()
    x = tuple(float(at + 1) for at in range(len(shown_at)))
    rate = tuple(cells.counts[at] / cells.exposure[at] for at in shown_at)
    ranges = [made.range_of(at, threshold) for at in range(len(shown_at))]
    low = tuple(one[0] / cells.exposure[at] for one, at in zip(ranges, shown_at, strict=True))
    high = tuple(one[1] / cells.exposure[at] for one, at in zip(ranges, shown_at, strict=True))
    marks = tuple(
        Mark(x=float(rank + 1), y=rate[rank], label=cells.names[at]) for rank, at in enumerate(shown_at) if at in found
    )
    unit = options.trials or options.exposure or ("day" if options.period else "count")
    return Panel(
        series=(
            Series(y=rate, x=x, style="line_points" if options.period else "points", name="rate"),
            Series(y=high, x=x, style="steps", name="usual range", role="muted"),
            Series(y=low, x=x, style="steps", role="muted"),
        ),
        levels=(Level(values=(made.rate,), kind="center", label="all together"),),
        marks=marks,
        title=shown,
        y_label=f"{_counted(options)} per {unit}",
        x_label=options.period or options.group or options.time or "row",
        categories=tuple(cells.names[at] for at in shown_at),
    )
