"""From a table and options to observations in order: what belongs together, how points are called, their stages."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from qms_mcp.errors import InvalidInputError
from qms_mcp.services.analysis.methods.spc_options import SpcOptions, chart_kind
from qms_mcp.services.analysis.methods.spc_order import are_moments, by_time
from qms_mcp.services.analysis.methods.spc_rows import Rows, completed, points_of, rows_of, text_of
from qms_mcp.services.analysis.table import Table
from qms_mcp.statistics.flags import Flag
from qms_mcp.statistics.spc.choosing import Choice, Shape, choose
from qms_mcp.statistics.spc.model import ATTRIBUTES, ChartKind, Observations
from qms_mcp.statistics.spc.stages import Span, spans

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from qms_mcp.statistics.spc.rules import Values

_NEED_SUBGROUPS = ("X-bar/R", "X-bar/S")
_SINGLE = ("I-MR", "g", "t")


@dataclass(frozen=True, slots=True)
class Read:
    """What a chart is made of.

    Attributes:
        kind: Which chart.
        why: Why this one.
        observations: In order.
        labels: What each point is called.
        stages: Where limits begin anew; empty for one.
        value: What is charted.
        unit: Its unit; empty if none is known.
        n: How many observations there are.
        flags: What was seen in reading.
    """

    kind: ChartKind
    why: str
    observations: Observations
    labels: tuple[str, ...]
    stages: tuple[Span, ...]
    value: str
    unit: str
    n: int
    flags: tuple[Flag, ...] = ()


def read(table: Table, options: SpcOptions) -> Read:
    """Return what a chart is made of.

    Raises:
        InvalidInputError: A column is not there or holds what can't be charted, or the options do not go together.
    """
    names = _names(table, options)
    wanted = _wanted(options)
    if len(names) == 1 and are_moments(table.column(names[0])):
        return _events(table, names[0], options, wanted)
    rows = rows_of(table, names, options)
    if rows.spreads is not None:
        return _of_means(rows, names[0], _unit(table, names), options, wanted)
    unit = _unit(table, names)
    value = ", ".join(names) if len(names) <= 3 else f"{names[0]} to {names[-1]}"  # noqa: PLR2004 - fits a title
    shape = Shape(value, rows.values, None, rows.sizes, options.size if isinstance(options.size, str) else "")
    counts = rows.sizes is not None if wanted is None else wanted in ATTRIBUTES
    if wanted is None and rows.sizes is None and rows.values.ndim == 1 and rows.groups is None:
        wanted_choice = choose(shape)
        counts = wanted_choice.kind in ATTRIBUTES
    points, more = points_of(rows, counts=counts), list[Flag]()
    if options.subgroup_size and points.values.ndim > 1:
        points, more = completed(points)
    choice = Choice(wanted, "As asked for." if not options.baseline else "As the baseline is.") if wanted else None
    if choice is None:
        sizes = (~_isnan(points.values)).sum(axis=1) if points.values.ndim > 1 else None
        choice = choose(replace(shape, values=points.values, subgroup_sizes=sizes, sizes=points.sizes))
    _refuse_misfit(points, choice.kind)
    observations = Observations(points.values, points.sizes if choice.kind in ATTRIBUTES else None)
    flags = (*rows.flags, *more, *_missing(points.values, observations.sizes), *_unequal(observations, choice.kind))
    stages = spans(points.stages) if points.stages else ()
    n = int((~_isnan(points.values)).sum())
    return Read(choice.kind, choice.why, observations, tuple(points.labels), stages, value, unit, n, flags)


def _names(table: Table, options: SpcOptions) -> tuple[str, ...]:
    if isinstance(options.value, tuple):
        return options.value
    if options.value is not None:
        return (options.value,)
    beside = (options.subgroup, options.size, options.stage, options.ranges, options.deviations)
    used = [name for name in beside if isinstance(name, str)]
    # A column that counts the rows is no measurement.
    counters = [name for name in table.columns if _countsrows_of(table.column(name))]
    others = [name for name in table.columns if name not in (*used, options.time)]
    if not others and options.time is not None:
        return (options.time,)
    used += [options.time] if options.time else []
    return (table.only_numeric([*used, *(counters if set(others) - set(counters) else [])]),)


def _countsrows_of(values: Sequence[Any]) -> bool:
    return len(values) > 2 and list(values) == list(range(1, len(values) + 1))  # noqa: PLR2004 - 1, 2 could be values


def _wanted(options: SpcOptions) -> ChartKind | None:
    wanted = chart_kind(options.chart) if options.chart else None
    if options.baseline is None:
        return wanted
    frozen = chart_kind(options.baseline.chart)
    if wanted not in (None, frozen):
        raise InvalidInputError(
            f"The baseline is of a chart {frozen}, not {wanted}.", hint="Leave chart out, or freeze one of this chart."
        )
    return frozen


def _of_means(rows: Rows, name: str, unit: str, options: SpcOptions, wanted: ChartKind | None) -> Read:
    """Return subgroups of which the means and the ranges or standard deviations are known."""
    import numpy as np  # noqa: PLC0415

    usual: ChartKind = "X-bar/R" if options.ranges else "X-bar/S"
    if rows.values.ndim > 1 or wanted not in (None, usual, "EWMA", "CUSUM"):
        raise InvalidInputError(
            f"Means of subgroups with {'ranges' if options.ranges else 'standard deviations'} make a chart {usual}.",
            hint="Name the one column of means as value, and leave chart out.",
        )
    sizes = np.where(np.isnan(rows.values), 0, np.nan_to_num(rows.sizes if rows.sizes is not None else rows.values))
    observations = Observations(rows.values, rows.sizes, spreads=rows.spreads)
    flags = (*rows.flags, *_missing(rows.values), *_unequal(observations, usual))
    why = (
        "As asked for."
        if wanted
        else f"{name!r} are means of subgroups, given with their {options.ranges or options.deviations}."
    )
    stages = spans(rows.stages) if rows.stages else ()
    return Read(wanted or usual, why, observations, tuple(rows.labels), stages, name, unit, int(sizes.sum()), flags)


def _refuse_misfit(points: Rows, kind: ChartKind) -> None:
    if kind in _NEED_SUBGROUPS and points.values.ndim == 1:
        raise InvalidInputError(
            f"{kind} needs subgroups, and here every point is a single value.",
            hint="Say which values belong together (subgroup, subgroup_size, or several columns), or use I-MR.",
        )
    if (kind in _SINGLE or kind in ATTRIBUTES) and points.values.ndim > 1:
        raise InvalidInputError(
            f"{kind} needs one value a point, and here are subgroups of up to {points.values.shape[1]}.",
            hint="Leave the subgroups out, or use X-bar/R or X-bar/S.",
        )


def _missing(values: "Values", sizes: "Values | None" = None) -> list[Flag]:
    import numpy as np  # noqa: PLC0415

    there = (~np.isnan(values)).reshape(values.shape[0], -1).sum(axis=1)
    if sizes is not None:
        there = np.where(np.isnan(sizes), 0, there)
    at = (np.flatnonzero(there == 0) + 1).tolist()
    if not at:
        return []
    named = ", ".join(map(str, at[:10])) + (" ..." if len(at) > 10 else "")  # noqa: PLR2004 - as many as are read
    return [
        Flag(
            "missing",
            f"{len(at)} of {there.size} points {'has' if len(at) == 1 else 'have'} no value (point {named}); no range "
            "or run reaches across a gap.",
            "Find out why they are missing.",
        )
    ]


def _unequal(observations: Observations, kind: ChartKind) -> list[Flag]:
    if observations.values.ndim > 1:
        sizes = (~_isnan(observations.values)).sum(axis=1).astype(float)
    elif observations.sizes is not None and (kind in ATTRIBUTES or observations.grouped):
        sizes = observations.sizes[~_isnan(observations.sizes)]
    else:
        return []
    sizes = sizes[sizes > 0]
    if not sizes.size or (sizes == sizes[0]).all():
        return []
    return [
        Flag("unequal_sizes", f"Sizes are {sizes.min():g} to {sizes.max():g}, so each point has limits of its own.")
    ]


def _unit(table: Table, names: tuple[str, ...]) -> str:
    units = {table.unit(name) for name in names}
    if len(units) > 1:
        each = ", ".join(f"{name} in {table.unit(name) or 'none'}" for name in names)
        raise InvalidInputError(
            f"The columns have different units: {each}.",
            hint="Convert them first; units are never converted here.",
        )
    return units.pop()


def _events(table: Table, name: str, options: SpcOptions, wanted: ChartKind | None) -> Read:
    """Return the days between events; the first event only begins the clock."""
    import numpy as np  # noqa: PLC0415

    if wanted not in (None, "t", "g", "I-MR", "EWMA", "CUSUM"):
        raise InvalidInputError(
            f"{name} holds moments of events; a chart {wanted} needs numbers.",
            hint="t or g chart what lies between events.",
        )
    order = by_time([value for value in table.column(name) if value not in (None, "")], name, repeats=True)
    between = np.diff(np.array(order.moments))
    labels = [text for text in table.text(name) if text]
    names = [labels[row] for row in order.rows][1:]
    if not between.size:
        raise InvalidInputError("One event has nothing between it and another.", hint="Give more events.")
    same = int((between == 0).sum())
    flags = [Flag("duplicates", f"{same} events have the time of another, so 0 days lie between.")] if same else []
    kind = wanted or "t"
    if kind == "g":
        between = np.floor(between)
    why = "As asked for." if wanted else choose(Shape(name, between, times=True)).why
    stages = _later(text_of(table, options.stage), order.rows) if options.stage else ()
    return Read(
        kind, why, Observations(between), tuple(names), stages, f"days between {name}", "d", between.size,
        (*order.flags, *flags),
    )  # fmt: skip


def _later(stages: list[str], rows: tuple[int, ...]) -> tuple[Span, ...]:
    return spans([stages[row] for row in rows][1:])


def _isnan(values: "Values") -> "NDArray[np.bool_]":
    import numpy as np  # noqa: PLC0415

    return np.isnan(values)
