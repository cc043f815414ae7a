"""Comparing groups of a table: by the shape of the column, numbers, proportions, rates or categories."""

from collections.abc import Sequence
from typing import Any

from qms_mcp.errors import InvalidInputError
from qms_mcp.services.analysis.method import Computed, Method
from qms_mcp.services.analysis.methods.compare_groups_categories import compare_categories
from qms_mcp.services.analysis.methods.compare_groups_means import compare_means
from qms_mcp.services.analysis.methods.compare_groups_model import CompareAnswer, CompareOptions, Kind
from qms_mcp.services.analysis.methods.compare_groups_pairs import compare_pairs
from qms_mcp.services.analysis.methods.compare_groups_proportions import compare_paired_proportions, compare_proportions
from qms_mcp.services.analysis.methods.compare_groups_rates import compare_rates
from qms_mcp.services.analysis.table import Table
from qms_mcp.statistics.anomalies.times import limit_of, seconds
from qms_mcp.statistics.flags import Flag
from qms_mcp.statistics.numbers import as_number

_ROWS = "rows"


def compute(table: Table, options: CompareOptions) -> Computed[CompareAnswer]:
    """Return how the groups compare."""
    table, options = _long(table, options)
    groups = _groups(table, options)
    options = options.model_copy(update={"value": _value(table, options)})
    flags = _copies(table, options)
    kind = _kind(table, options)
    if options.margin and kind not in {"mean", "proportion"}:
        raise InvalidInputError(
            "A margin of equivalence is for means and proportions.", hint="Leave it out, or compare one of those."
        )
    if options.pair:
        compare = compare_paired_proportions if kind == "proportion" else compare_pairs
        return compare(table, groups, table.text(options.pair), options, flags)
    if kind in {"mean", "ranks"}:
        return compare_means(table, groups, options.model_copy(update={"kind": kind}), flags)
    by_kind = {"proportion": compare_proportions, "rate": compare_rates, "categories": compare_categories}
    return by_kind[kind](table, groups, options, flags)


def _long(table: Table, options: CompareOptions) -> tuple[Table, CompareOptions]:
    """Return a table in which columns side by side became groups below each other."""
    if not isinstance(options.value, list) or len(options.value) == 1:
        one = options.value[0] if isinstance(options.value, list) else options.value
        return table, options.model_copy(update={"value": one})
    if options.group or options.time:
        raise InvalidInputError("Several columns are groups by themselves.", hint="Leave `group` and `time` out.")
    names, units = options.value, {table.unit(name) for name in options.value}
    if len(units) > 1:
        raise InvalidInputError(
            f"The columns have different units: {', '.join(sorted(unit or 'none' for unit in units))}.",
            hint="Convert them to one unit first; nothing is converted here.",
        )
    if options.pair not in {None, _ROWS}:
        raise InvalidInputError("Columns side by side are paired by their rows.", hint='Give pair="rows".')
    columns: dict[str, list[Any]] = {"group": [], "value": [], _ROWS: []}
    for name in names:
        columns["group"] += [name] * table.rows
        columns["value"] += list(table.column(name))
        columns[_ROWS] += [str(row) for row in range(1, table.rows + 1)]
    unit = next(iter(units))
    long = Table(columns, {"value": unit} if unit else {}, table.says, table.notes)
    return long, options.model_copy(update={"value": "value", "group": "group"})


def _groups(table: Table, options: CompareOptions) -> list[str]:
    """Return the group of each row; by the moment, if it is before and after."""
    if options.group and not options.split:
        return table.text(options.group)
    if options.time and options.split:
        import numpy as np  # noqa: PLC0415

        if options.group:
            raise InvalidInputError("Both a group and a split in time were given.", hint="Compare by one of them.")
        times = seconds(table.column(options.time), options.time)
        limit = limit_of(options.split, times, options.time)
        return ["" if np.isnan(time) else "before" if time < limit else "after" for time in times]
    raise InvalidInputError(
        "It is not said what the groups are.",
        hint="Give `group` (a column), several columns in `value`, or `time` with `split`.",
    )


def _value(table: Table, options: CompareOptions) -> str:
    if isinstance(options.value, str):
        return options.value
    used = [name for name in (options.group, options.time, options.pair, options.trials, options.exposure) if name]
    rest = [name for name in table.columns if name not in used]
    return rest[0] if len(rest) == 1 else table.only_numeric(but=used)


def _kind(table: Table, options: CompareOptions) -> Kind:
    """Return what kind of comparison it is."""
    kind = options.kind
    if options.trials and options.exposure:
        raise InvalidInputError(
            "Both trials and an exposure were given.", hint="Give one: shares of a number, or rates."
        )
    wanted: Kind | None = "proportion" if options.trials or options.event else "rate" if options.exposure else None
    if wanted and kind not in {"auto", wanted}:
        raise InvalidInputError(f"A comparison of kind {kind} takes no {wanted} columns.", hint="Leave kind out.")
    if wanted or kind != "auto":
        return wanted or kind
    assert isinstance(options.value, str)  # noqa: S101 - settled before
    return _by_shape(table.column(options.value))


def _by_shape(values: Sequence[Any]) -> Kind:
    known = [value for value in values if value is not None and str(value).strip()]
    if all(isinstance(value, bool) for value in known):
        return "proportion"
    if any(isinstance(value, int | float) or as_number(value) is not None for value in known):
        numbers = {as_number(value) for value in known}
        return "proportion" if numbers <= {0.0, 1.0} and len(known) > 3 else "mean"  # noqa: PLR2004
    several = {str(value).strip().casefold() for value in known}
    return "proportion" if len(several) <= 2 else "categories"  # noqa: PLR2004


def _copies(table: Table, options: CompareOptions) -> list[Flag]:
    """Say whether whole rows are there twice, where a table has more columns than are compared."""
    used = {name for name in (options.value, options.group, options.time) if isinstance(name, str)}
    if len(table.columns) <= len(used) or table.rows < 2:  # noqa: PLR2004
        return []
    rows = list(zip(*(map(str, column) for column in table.columns.values()), strict=True))
    copies = len(rows) - len(set(rows))
    if not copies:
        return []
    says = f"{copies} of {len(rows)} rows repeat another one in every column."
    return [Flag("duplicates", says, "If they were entered twice, remove them: n and p are wrong with them.")]


COMPARE_GROUPS = Method("compare_groups", "1", CompareOptions, compute)
