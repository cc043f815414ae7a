"""The rows of a table in order, and what belongs together: a row, or several, become a point of a chart."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from qms_mcp.errors import InvalidInputError
from qms_mcp.services.analysis.methods.spc_options import SpcOptions
from qms_mcp.services.analysis.methods.spc_order import by_time
from qms_mcp.services.analysis.table import Table
from qms_mcp.statistics.flags import Flag

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from qms_mcp.statistics.spc.rules import Values


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows in order, before they are put together to points.

    Attributes:
        values: A number a row, or a row of numbers.
        sizes: Units a row.
        labels: What a row is called.
        stages: The stage of a row; empty without.
        groups: What each row belongs to; None without.
        spreads: Ranges or standard deviations, where the values are means.
    """

    values: "Values"
    sizes: "Values | None"
    labels: list[str]
    stages: list[str]
    groups: list[str] | None
    flags: tuple[Flag, ...]
    spreads: "Values | None" = None


def rows_of(table: Table, names: tuple[str, ...], options: SpcOptions) -> Rows:
    """Return the rows of a table in the order of time.

    Raises:
        InvalidInputError: A column is not there or holds no numbers, or the options do not go together.
    """
    import numpy as np  # noqa: PLC0415

    columns = [table.numbers(name) for name in names]
    values = columns[0] if len(columns) == 1 else np.stack(columns, axis=1)
    if len(names) > 1 and (options.subgroup or options.subgroup_size):
        raise InvalidInputError(
            "Several columns are charted, so each row is a subgroup already.",
            hint="Leave out subgroup, or name one column.",
        )
    if len(names) > 1 and options.size is not None:
        raise InvalidInputError(
            "Several columns make measured subgroups; a size belongs to counts.",
            hint="Leave size out, or name one column.",
        )
    sizes = None
    if isinstance(options.size, str):
        sizes = table.numbers(options.size)
    elif options.size is not None:
        sizes = np.full(table.rows, float(options.size))
    labels = _labels(table, options)
    stages = text_of(table, options.stage) if options.stage else []
    beside = options.ranges or options.deviations
    spreads = table.numbers(beside) if beside else None
    if spreads is not None and sizes is None:
        sizes = np.full(table.rows, float(options.subgroup_size or 0))
    groups = None if beside else _groups(table, options)
    made = Rows(values, sizes, labels, stages, groups, (), spreads)
    if options.time is None:
        return made
    order = by_time(table.column(options.time), options.time, repeats=groups is not None)
    if not any("out_of_order" in flag.code for flag in order.flags):
        return replace(made, flags=order.flags)
    rows = np.asarray(order.rows)
    return Rows(
        values[rows],
        None if sizes is None else sizes[rows],
        [labels[row] for row in order.rows],
        [stages[row] for row in order.rows] if stages else [],
        [groups[row] for row in order.rows] if groups and options.subgroup else groups,
        order.flags,
        None if spreads is None else spreads[rows],
    )


def _labels(table: Table, options: SpcOptions) -> list[str]:
    named = options.subgroup or options.time
    return text_of(table, named) if named else [str(row + 1) for row in range(table.rows)]


def text_of(table: Table, name: str) -> list[str]:
    """Return a column as labels: 1, not 1.0."""
    return [
        f"{value:.15g}" if isinstance(value, float) else "" if value is None else str(value)
        for value in table.column(name)
    ]


def _groups(table: Table, options: SpcOptions) -> list[str] | None:
    if options.subgroup:
        groups = text_of(table, options.subgroup)
        if "" in groups:
            raise InvalidInputError(
                f"Row {groups.index('') + 1} has no {options.subgroup}, so it is not known what it belongs to.",
                hint="Give it one, or leave the row out.",
            )
        return groups
    if options.subgroup_size and options.subgroup_size > 1:
        return [str(row // options.subgroup_size + 1) for row in range(table.rows)]
    return None


def points_of(rows: Rows, *, counts: bool) -> Rows:
    """Put rows that belong together to points: counts are added up, measurements become a subgroup."""
    if rows.groups is None:
        return rows
    import numpy as np  # noqa: PLC0415

    members: dict[str, list[int]] = {}
    for row, group in enumerate(rows.groups):
        members.setdefault(group, []).append(row)
    flags = _scattered(rows.groups, len(members))
    firsts = [places[0] for places in members.values()]
    values: NDArray[np.float64]
    sizes = rows.sizes
    if counts:
        values = np.array([rows.values[places].sum() for places in members.values()])
        sizes = None if sizes is None else np.array([sizes[places].sum() for places in members.values()])
        if np.isnan(values).all() or (sizes is not None and np.isnan(sizes).all()):
            raise InvalidInputError(
                "In every subgroup a count or a size is missing, so none can be added up.", hint="Fill them in."
            )
    elif len(members) == len(rows.groups):
        values = rows.values
    else:
        values = np.full((len(members), max(map(len, members.values()))), np.nan)
        for at, places in enumerate(members.values()):
            values[at, : len(places)] = rows.values[places]
    stages = _stages(rows, list(members.values()))
    return Rows(values, sizes, [rows.groups[first] for first in firsts], stages, None, (*rows.flags, *flags))


def _stages(rows: Rows, members: list[list[int]]) -> list[str]:
    if not rows.stages:
        return []
    for places in members:
        if len({rows.stages[place] for place in places}) > 1:
            raise InvalidInputError(
                f"The subgroup of row {places[0] + 1} lies in two stages.", hint="Begin a stage with a subgroup."
            )
    return [rows.stages[places[0]] for places in members]


def _scattered(groups: list[str], count: int) -> list[Flag]:
    runs = 1 + sum(groups[at] != groups[at - 1] for at in range(1, len(groups)))
    if runs == count:
        return []
    return [
        Flag(
            "scattered",
            f"The rows of {count} subgroups stand in {runs} stretches: subgroups are mixed in time.",
            "A subgroup is made of what was produced close together; a machine or a shift is a chart of its own.",
        )
    ]


def completed(points: Rows) -> tuple[Rows, list[Flag]]:
    """Leave out a last subgroup that is not complete while all others are, and say so."""
    import numpy as np  # noqa: PLC0415

    there = (~np.isnan(points.values)).sum(axis=1)
    if there.size < 3 or there[-1] >= there[0] or (there[:-1] != there[0]).any():  # noqa: PLR2004 - others to compare
        return points, []
    flag = Flag(
        "incomplete",
        f"The last subgroup has {there[-1]} of {there[0]} values and was left out.",
        "Complete it; or give the subgroups in a column to have it charted with limits of its own.",
    )
    return replace(
        points,
        values=points.values[:-1],
        sizes=None if points.sizes is None else points.sizes[:-1],
        labels=points.labels[:-1],
        stages=points.stages[:-1],
    ), [flag]
