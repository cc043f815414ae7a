"""A table as an analysis reads it: named columns of one length, each with its unit if one is known."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.numbers import clean

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
WITH_UNIT = re.compile(rf"({NUMBER})\s*([^\W\d_]|[%°µμ])([\w%°/·²³^.-]*)")


def unit_of(value: Any) -> "re.Match[str] | None":
    """Return a number and its unit as they stand in a text; None for anything else."""
    return WITH_UNIT.fullmatch(value.strip()) if isinstance(value, str) else None


@dataclass(frozen=True, slots=True)
class Table:
    """Columns by name.

    Attributes:
        columns: Values as they were read: numbers, text, None; times are ISO 8601 text.
        units: By column, where one is known.
        says: Where it comes from, in words.
        notes: What was seen in reading it (rows left out, a unit that was stripped).
    """

    columns: Mapping[str, Sequence[Any]]
    units: Mapping[str, str] = field(default_factory=dict[str, str])
    says: str = ""
    notes: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """Return how many rows there are."""
        return len(next(iter(self.columns.values()), ()))

    def column(self, name: str) -> Sequence[Any]:
        """Return the values of a column.

        Raises:
            InvalidInputError: There is none of this name.
        """
        if name not in self.columns:
            close = get_close_matches(name, self.columns, n=1)
            meant = f"Did you mean {close[0]!r}? " if close else ""
            raise InvalidInputError(
                f"The table has no column {name!r}.", hint=f"{meant}It has: {', '.join(map(repr, self.columns))}."
            )
        return self.columns[name]

    def numbers(self, name: str, *, missing: bool = True) -> "NDArray[np.float64]":
        """Return a column as numbers; a missing value is nan.

        Raises:
            InvalidInputError: There is no such column, or a value of it is no number one may compute with.
        """
        values, units = self.column(name), self._units_of(name)
        if len(units) > 1:
            raise InvalidInputError(
                f"The values of {name} have mixed units: {', '.join(sorted(units))}.",
                hint="Convert them to one unit first; nothing is converted here.",
            )
        if units:
            values = [match[1] if (match := unit_of(value)) else value for value in values]
        return clean(values, name, missing=missing)

    def text(self, name: str) -> list[str]:
        """Return a column as text; a missing value is empty."""
        return ["" if value is None else str(value) for value in self.column(name)]

    def unit(self, name: str) -> str:
        """Return the unit of a column; empty when none is known."""
        if name in self.units or name not in self.columns:
            return self.units.get(name, "")
        return next(iter(self._units_of(name)), "")

    def _units_of(self, name: str) -> set[str]:
        """Return the units that stand behind numbers in a column ("12.5 mm")."""
        units = {match[2] + match[3] for value in self.column(name) if (match := unit_of(value))}
        return units | {self.units[name]} if units and name in self.units else units

    def only_numeric(self, but: Sequence[str] = ()) -> str:
        """Return the one column whose values are numbers, for when no column was named.

        Raises:
            InvalidInputError: There are several, or none.
        """
        found = [
            name
            for name, values in self.columns.items()
            if name not in but
            and any(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
        ]
        others = [name for name in self.columns if name not in but]
        if not found and len(others) == 1:
            return others[0]  # whoever reads its values says what is wrong with them
        if len(found) != 1:
            seen = ", ".join(map(repr, found)) or "none"
            raise InvalidInputError(
                f"It is not clear which column to compute with: numeric are {seen}.",
                hint=f"Name it. The table has: {', '.join(map(repr, self.columns))}.",
            )
        return found[0]
