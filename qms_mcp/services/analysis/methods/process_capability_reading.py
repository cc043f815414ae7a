"""From a table and options to values in the order they were made, in their subgroups."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from qms_mcp.errors import InvalidInputError
from qms_mcp.services.analysis.methods.spc_order import Order, by_time
from qms_mcp.services.analysis.table import Table
from qms_mcp.statistics.capability.subgroups import Subgrouped, by_label, by_size, individuals

if TYPE_CHECKING:
    from qms_mcp.services.analysis.methods.process_capability import CapabilityOptions

_UNIT_COLUMNS: Final = ("unit", "units", "uom")
_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class Read:
    """What capability is computed of.

    Attributes:
        grouped: The values.
        name: What they are called.
        unit: Their unit; empty if none is known.
    """

    grouped: Subgrouped
    name: str
    unit: str


def read(table: Table, options: "CapabilityOptions") -> Read:
    """Return the values of one column, or of several side by side: then each row is a subgroup.

    Raises:
        InvalidInputError: A column is not there or holds what can't be computed with; or units are mixed; or it is
            not clear which column is meant, or what the subgroups are.
    """
    names = _names(table, options)
    _refuse_mixed_units(table, names)
    order = None if options.time is None else by_time(table.column(options.time), options.time, repeats=True)
    grouped = _one(table, names[0], options, order) if len(names) == 1 else _several(table, names, options, order)
    if order is not None:
        grouped = replace(grouped, flags=(*order.flags, *grouped.flags))
    name = ", ".join(names) if len(names) <= _NAMED else f"{names[0]} to {names[-1]}"
    return Read(grouped, name, table.unit(names[0]))


def _names(table: Table, options: "CapabilityOptions") -> tuple[str, ...]:
    if isinstance(options.value, tuple):
        if not options.value:
            raise InvalidInputError("No column was named.", hint=f"The table has {', '.join(table.columns)}.")
        return options.value
    if options.value is not None:
        return (options.value,)
    used = [name for name in (options.subgroup, options.time) if isinstance(name, str)]
    # A column that counts the rows is no measurement.
    used += [name for name, column in table.columns.items() if _counts_rows(column)]
    return (table.only_numeric([name for name in used if name not in _only_one_left(table, used)]),)


def _only_one_left(table: Table, used: list[str]) -> tuple[str, ...]:
    """Return the one column there is when it is all there is, though it counts: 1, 2, 3 can be values."""
    return tuple(table.columns) if len(table.columns) == 1 and used else ()


def _counts_rows(values: Sequence[Any]) -> bool:
    return len(values) > _NAMED and list(values) == list(range(1, len(values) + 1))


def _one(table: Table, name: str, options: "CapabilityOptions", order: Order | None) -> Subgrouped:
    import numpy as np  # noqa: PLC0415

    series = table.numbers(name)
    labels = None if not isinstance(options.subgroup, str) else table.text(options.subgroup)
    if order is not None:
        series = series[np.asarray(order.rows)]
        labels = None if labels is None else [labels[row] for row in order.rows]
    if labels is not None:
        return by_label(series, labels)
    return by_size(series, options.subgroup) if isinstance(options.subgroup, int) else individuals(series)


def _several(table: Table, names: tuple[str, ...], options: "CapabilityOptions", order: Order | None) -> Subgrouped:
    import numpy as np  # noqa: PLC0415

    if options.subgroup is not None:
        raise InvalidInputError(
            "Several columns were named, so each row is a subgroup already.", hint="Leave subgroup out."
        )
    rows = np.stack([table.numbers(name) for name in names], axis=1)
    if order is not None:
        rows = rows[np.asarray(order.rows)]
    return by_size(rows.ravel(), len(names))


def _refuse_mixed_units(table: Table, names: tuple[str, ...]) -> None:
    for column in table.columns:
        if column.strip().lower() not in _UNIT_COLUMNS:
            continue
        units = sorted({text.strip() for text in table.text(column)} - {""})
        if len(units) > 1:
            raise InvalidInputError(
                f"The column {column!r} names several units: {', '.join(units)}.",
                hint="Convert the values to one unit, or filter by unit; nothing is converted here.",
            )
    units = sorted({table.unit(name) for name in names} - {""})
    if len(units) > 1:
        raise InvalidInputError(
            f"The columns have different units: {', '.join(units)}.", hint="Convert them to one unit first."
        )
