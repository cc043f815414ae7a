"""Anomalies among values: far from the median of their group, or from what their place in the season lets expect."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from qms_mcp.errors import InvalidInputError
from qms_mcp.pictures.model import Level, Mark, Panel, Series
from qms_mcp.services.analysis.method import significant
from qms_mcp.services.analysis.methods.find_anomalies_model import (
    MOST_POINTS,
    MOST_ROWS,
    AnomalyOptions,
    Found,
    moments_of,
)
from qms_mcp.services.analysis.table import Table
from qms_mcp.statistics.anomalies.control import Called, called
from qms_mcp.statistics.anomalies.robust import LEAST, Scale, scale_of
from qms_mcp.statistics.anomalies.seasonal import Seasonal, seasonal
from qms_mcp.statistics.comparing.samples import NONE
from qms_mcp.statistics.comparing.wording import listed, one_in, p_value, spoken, with_unit
from qms_mcp.statistics.flags import Flag

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

HEADER = ["row", "where", "value", "expected_low", "expected_high", "z", "p", "why"]
_STEPS = {"day": 7, "week": 52, "month": 12, "quarter": 4}
_DAY = 86_400.0


def find_values(table: Table, options: AnomalyOptions) -> Found:
    """Return the values that are far from the others of their group."""
    import numpy as np  # noqa: PLC0415

    assert isinstance(options.value, str)  # noqa: S101 - settled by the caller
    values = table.numbers(options.value)
    groups = np.array(
        [name.strip() or NONE for name in table.text(options.group)] if options.group else [""] * len(values)
    )
    p, flags = np.full(len(values), np.nan), list[Flag]()
    if np.isnan(values).any():
        flags.append(Flag("missing", f"{int(np.isnan(values).sum())} of {len(values)} values are missing."))
    scales = dict[str, Scale]()
    left_out = list[str]()
    for name in sorted(set(groups.tolist())):
        at = np.flatnonzero((groups == name) & ~np.isnan(values))
        try:
            scales[name] = scale_of(values[at])
        except InvalidInputError:
            if not options.group:
                raise
            left_out.append(f"{name} ({at.size})")
            continue
        p[at] = scales[name].chance(values[at])
        flags += [
            Flag(flag.code, f"{name}: {flag.says}" if name else flag.says, flag.instead) for flag in scales[name].flags
        ]
    if not scales:
        raise InvalidInputError(
            f"No group has {LEAST} values that vary: {listed(left_out)}.", hint="Leave `group` out, or collect more."
        )
    if left_out:
        flags.append(
            Flag("few", f"Groups with fewer than {LEAST} values, or all equal, are not judged: {listed(left_out)}.")
        )
    order = _order(table, options, len(values))
    flags += _order_flags(values[order]) if options.time and not options.group else []
    result, unit = called(p, options.alpha), table.unit(options.value)
    rows = [
        _row(table, options, int(at), values, scales[str(groups[at])], float(p[at]), result, unit)
        for at in result.places(MOST_ROWS)
    ]
    panel = _panel(values, order, result, table, options)
    if len(scales) == 1:
        levels = _levels(next(iter(scales.values())), result.threshold, float(np.nanmedian(values)))
        panel = panel.model_copy(update={"levels": levels})
    of = f"values of {options.value}" + (f" in {len(scales)} groups of {options.group}" if options.group else "")
    return Found(
        rows,
        HEADER,
        result.tested,
        result.expected_false,
        result.threshold,
        of,
        (panel,),
        int((~np.isnan(values)).sum()),
        f"{options.value}: values far from the others",
        flags=tuple(flags[:12]),
    )


def _levels(scale: Scale, threshold: float, centre: float) -> tuple[Level, ...]:
    low, high = scale.expected(threshold)
    return (
        Level(values=(high,), kind="warning", label="expected below"),
        Level(values=(centre,), kind="center", label="median"),
        Level(values=(low,), kind="warning", label="expected above"),
    )


def find_seasonal(table: Table, options: AnomalyOptions) -> Found:
    """Return the values that are far from what trend and season let expect."""
    import numpy as np  # noqa: PLC0415

    assert isinstance(options.value, str)  # noqa: S101 - settled by the caller
    order = _order(table, options, table.rows)
    values, flags = table.numbers(options.value)[order], list[Flag]()
    season, why = _season(table, options, order)
    flags += why
    made: Seasonal = seasonal(values, season)
    p = np.full(len(values), np.nan)
    kept = ~np.isnan(made.left)
    p[kept] = made.scale.chance(made.left[kept])
    result, unit = called(p, options.alpha), table.unit(options.value)
    low, high = made.scale.expected(result.threshold)
    rows = list[list[Any]]()
    for at in result.places(MOST_ROWS):
        from_, to = float(made.expected[at]) + low, float(made.expected[at]) + high
        z, chance = float(made.scale.z(made.left[at : at + 1])[0]), float(p[at])
        why_said = (
            f"{with_unit(float(values[at]), unit)} is {spoken(abs(z), 3)} robust sd {'above' if z > 0 else 'below'} "
            f"the {with_unit(float(made.expected[at]), unit)} that trend and season let expect "
            f"({spoken(from_)} to {spoken(to)}); by chance {one_in(chance)}"
        )
        row = int(order[at])
        numbers = [significant(number) for number in (float(values[at]), from_, to)]
        rows.append(
            [row + 1, _where(table, options, row), *numbers, significant(z, 4), significant(chance, 4), why_said]
        )
    says = f"A season has {season} values and explains {made.strength:.0%} of the variation about the trend."
    instead = "There may be no season: judge the values without it." if made.strength < 0.2 else ""  # noqa: PLR2004
    flags.append(Flag("season", says, instead))
    if np.isnan(values).any():
        flags.append(Flag("missing", f"{int(np.isnan(values).sum())} of {len(values)} values are missing."))
    at_once = Called(result.at, result.adjusted, result.threshold, result.tested, result.expected_false)
    panel = _panel(values, np.arange(len(values)), at_once, table, options, expected=made.expected)
    return Found(
        rows,
        HEADER,
        result.tested,
        result.expected_false,
        result.threshold,
        f"values of {options.value} against trend and season",
        (panel,),
        int(kept.sum()),
        f"{options.value}: values their season does not explain",
        flags=(*flags, *made.flags),
    )


def _row(
    table: Table,
    options: AnomalyOptions,
    at: int,
    values: "Floats",
    scale: Scale,
    p: float,
    result: Called,
    unit: str,
) -> list[Any]:
    value, z = float(values[at]), float(scale.z(values[at : at + 1])[0])
    low, high = scale.expected(result.threshold)
    by = "robust sd" if scale.power == 1 else "robust sd (of a scale that is not skewed)"
    why = (
        f"{with_unit(value, unit)} is {spoken(abs(z), 3)} {by} {'above' if z > 0 else 'below'} the median; "
        f"{spoken(low)} to {spoken(high)} is to be expected; by chance {one_in(p)}"
    )
    numbers = [significant(number) for number in (value, low, high)]
    return [at + 1, _where(table, options, at), *numbers, significant(z, 4), significant(p, 4), why]


def _where(table: Table, options: AnomalyOptions, at: int) -> str:
    parts = [str(table.column(name)[at]) for name in (options.group, options.time) if name]
    return ", ".join(parts)


def _order(table: Table, options: AnomalyOptions, n: int) -> "NDArray[np.intp]":
    import numpy as np  # noqa: PLC0415

    times = moments_of(table, options)
    return np.arange(n) if times is None else np.argsort(times, kind="stable")


def _order_flags(values: "Floats") -> list[Flag]:
    """Say whether neighbours are alike: then a drift looks like many anomalies, and p is not what it says."""
    import numpy as np  # noqa: PLC0415

    from qms_mcp.statistics.trends.autocorrelation import lag1  # noqa: PLC0415

    kept = values[~np.isnan(values)]
    if len(kept) < 20 or kept.min() == kept.max():  # noqa: PLR2004
        return []
    found = lag1(kept)
    if found.p >= 0.01 or found.r1 <= 0:  # noqa: PLR2004
        return []
    says = f"Neighbours in time are alike (lag-1 autocorrelation {found.r1:.2f}, {p_value(found.p)})."
    return [Flag("autocorrelated", says, "Look for a trend first (detect_trends), or judge within a season.")]


def _season(table: Table, options: AnomalyOptions, order: "NDArray[np.intp]") -> tuple[int, list[Flag]]:
    """Return how many values make a season; by the distance of the times if it was not said.

    Raises:
        InvalidInputError: It was not said, and the times do not tell.
    """
    import numpy as np  # noqa: PLC0415

    times = moments_of(table, options)
    flags, step = list[Flag](), 0.0
    if times is not None:
        apart = np.diff(times[order])
        apart = apart[~np.isnan(apart)]
        step = float(np.median(apart)) if apart.size else 0.0
        # A month has 28 to 31 days: up to 15 % of unevenness is the calendar's.
        uneven = int((np.abs(apart - step) > 0.15 * abs(step)).sum())
        if uneven:
            says = (
                f"{uneven} of {apart.size} distances in time differ from the usual one; places in the season may shift."
            )
            flags.append(Flag("uneven", says, "Fill the gaps with missing values."))
    if options.season:
        return options.season, flags
    by_step = {1 / 24: 24, 1.0: 7, 7.0: 52, 30.4: 12, 91.3: 4}
    for days, season in by_step.items():
        if step and abs(step / _DAY - days) <= 0.05 * days:
            flags.append(Flag("season_chosen", f"Values lie {days:g} days apart: a season of {season} is taken."))
            return season, flags
    raise InvalidInputError(
        "It is not said how many values make a season.", hint="Give season: 12 for months, 7 for days of a week."
    )


def _panel(
    values: "Floats",
    order: "NDArray[np.intp]",
    result: Called,
    table: Table,
    options: AnomalyOptions,
    expected: "Floats | None" = None,
) -> Panel:
    import numpy as np  # noqa: PLC0415

    shown = values[order]
    rank = np.empty(len(order), dtype=np.intp)
    rank[order] = np.arange(len(order))
    marked = rank[result.at]
    kept = thinned(shown, marked)
    series = [
        Series(
            y=_gaps(shown[kept]),
            x=tuple(float(at + 1) for at in kept),
            style="line_points" if options.time and not options.group else "points",
            name=str(options.value),
        )
    ]
    if expected is not None:
        usual = thinned(expected, marked)
        x = tuple(float(at + 1) for at in usual)
        series.append(Series(y=_gaps(expected[usual]), x=x, style="line", name="expected", role="second"))
    marks = tuple(
        Mark(x=float(at + 1), y=float(shown[at]), label=spoken(float(shown[at])) if rank_ < 10 else "")  # noqa: PLR2004
        for rank_, at in enumerate(marked[:MOST_ROWS])
    )
    unit = table.unit(str(options.value))
    return Panel(
        series=tuple(series),
        marks=marks,
        x_label=f"in the order of {options.time}" if options.time else "row",
        y_label=f"{options.value} ({unit})" if unit else str(options.value),
    )


def _gaps(values: "Floats") -> tuple[float | None, ...]:
    return tuple(None if value != value else value for value in values.tolist())  # noqa: PLR0124 - nan


def thinned(values: "Floats", keep: "NDArray[np.intp] | Sequence[int]", most: int = MOST_POINTS) -> "NDArray[np.intp]":
    """Return the places of at most so many values: the least and the largest of each stretch, and those to keep."""
    import numpy as np  # noqa: PLC0415

    n = len(values)
    if n <= most:
        return np.arange(n)
    width = -(-n // (most // 2))
    grid = np.concatenate([values, np.full(-n % width, np.nan)]).reshape(-1, width)
    known = ~np.isnan(grid).all(axis=1)
    start = np.flatnonzero(known) * width
    low = start + np.nanargmin(grid[known], axis=1)
    high = start + np.nanargmax(grid[known], axis=1)
    return np.unique(np.concatenate([low, high, np.asarray(keep, dtype=np.intp)[:most]]))
