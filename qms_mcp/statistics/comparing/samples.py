"""Groups of measured values, each with its n, mean and standard deviation, computed without losing digits.

A difference of 1e-12 upon 1e9 must survive: values are first measured from the first of them. Where the spread is tiny
against the size, that subtraction is made in decimals as they were written (a double prints the shortest decimal that
means it), because 1000000000000.4 as a double is already wrong in its seventeenth digit.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.flags import Flag

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

NONE = "(none)"
MOST_GROUPS = 1_000
_OFFSET = 1e4
_MOST_DECIMALS = 500_000


@dataclass(frozen=True, slots=True)
class Sample:
    """The values of a group.

    Attributes:
        name: Of the group.
        values: As they were given, without missing ones.
        deviations: The same, measured from a base that all groups share.
        n: How many.
        mean: Arithmetic.
        centre: The mean of the deviations: differences of means are taken from these.
        variance: With n - 1; 0 for a single value.
    """

    name: str
    values: "Floats"
    deviations: "Floats"
    n: int
    mean: float
    centre: float
    variance: float

    @property
    def sd(self) -> float:
        """Return the standard deviation."""
        return math.sqrt(self.variance)


def sample_of(name: str, values: "Floats", deviations: "Floats", base: float) -> Sample:
    """Return a sample with its moments (two passes, with the correction of Chan, Golub and LeVeque 1983)."""
    n = int(values.size)
    centre = math.fsum(deviations) / n
    rest = deviations - centre
    squares = max(0.0, math.fsum(rest * rest) - math.fsum(rest) ** 2 / n)
    return Sample(name, values, deviations, n, base + centre, centre, squares / (n - 1) if n > 1 else 0.0)


def measured_from_first(values: "Floats") -> "tuple[Floats, float]":
    """Return values minus the first one, and that one; no digit that was written is lost."""
    base = float(values[0])
    deviations = values - base
    spread = float(abs(deviations).max())
    if spread == 0 or abs(base) <= _OFFSET * spread or values.size > _MOST_DECIMALS:
        return deviations, base
    import numpy as np  # noqa: PLC0415

    written = Decimal(repr(base))
    return np.array([float(Decimal(repr(value)) - written) for value in values.tolist()]), base


def samples_of(groups: Sequence[str], values: "Floats") -> tuple[list[Sample], list[Flag]]:
    """Return the samples by group, in the natural order of their names; missing values are left out and told.

    Args:
        groups: One a row; empty text is a missing one and becomes `(none)`.
        values: One a row; nan is missing.

    Raises:
        InvalidInputError: There are fewer than two groups with values, or so many that it is no grouping.
    """
    import numpy as np  # noqa: PLC0415

    flags = list[Flag]()
    named = np.asarray([group.strip() or NONE for group in groups], dtype=object)
    kept = ~np.isnan(values)
    every = set(named.tolist())
    if not kept.all():
        lacking = ", ".join(f"{name} {int((~kept & (named == name)).sum())}" for name in _first(set(named[~kept])))
        flags.append(Flag("missing", f"{int((~kept).sum())} rows have no value and are left out: {lacking}."))
    found = set(named[kept].tolist())
    if every - found:
        empty = ", ".join(map(repr, _first(every - found)))
        flags.append(Flag("empty_groups", f"{len(every - found)} groups have no value at all: {empty}."))
    if len(found) < 2:  # noqa: PLR2004
        only = f"only {next(iter(found))!r}" if found else "none"
        raise InvalidInputError(
            f"A comparison needs at least two groups with values; there is {only}.", hint="Check the group column."
        )
    if len(found) > MOST_GROUPS:
        raise InvalidInputError(
            f"There are {len(found)} groups: that is an identifier rather than a grouping.",
            hint=f"Group by something with at most {MOST_GROUPS} values.",
        )
    if NONE in found:
        flags.append(Flag("no_group", f"{int((named[kept] == NONE).sum())} rows have no group; they are {NONE}."))
    deviations, base = measured_from_first(values[kept])
    names, place = np.unique(named[kept], return_inverse=True)
    order = np.argsort(place, kind="stable")
    ends = np.cumsum(np.bincount(place))[:-1]
    made = [
        sample_of(str(name), raw, deviated, base)
        for name, raw, deviated in zip(
            names, np.split(values[kept][order], ends), np.split(deviations[order], ends), strict=True
        )
    ]
    return sorted(made, key=lambda sample: natural(sample.name)), flags


def natural(name: str) -> tuple[bool, bool, float, str]:
    """Return a key that sorts numbers as numbers, text as text, and what is missing last."""
    try:
        number = float(name)
    except ValueError:
        return name == NONE, True, 0.0, name
    return False, not math.isfinite(number), number if math.isfinite(number) else 0.0, name


def _first(names: set[str], most: int = 5) -> list[str]:
    ordered = sorted(names, key=natural)
    return ordered[:most] + (["..."] if len(ordered) > most else [])
