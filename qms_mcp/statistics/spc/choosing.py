"""Which chart goes with the data, and why, in words.

By the shape of the data: what belongs together (subgroups), whether counts were taken of so many units, whether the
values are counts at all, or times of events. Nothing is guessed that can't be seen: what a column is called counts as
evidence between nonconforming units and nonconformities, and the answer says so.
"""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from qms_mcp.statistics.spc.model import ChartKind

if TYPE_CHECKING:
    from qms_mcp.statistics.spc.rules import Values

_NONCONFORMITIES: Final = re.compile(
    r"\b(defects|nonconformities|flaws|errors|faults|blemishes|complaints|incidents|failures|events|accidents|scratches"
    r"|counts?|deviations|findings|nonconformances)\b"
)
_AREAS: Final = re.compile(r"\b(areas?|hours|length|opportunit\w*|exposure|m2|sq|days|volume|inspection units)\b")
_BETWEEN: Final = re.compile(r"\b(between|since)\b")
_LARGEST_FOR_RANGES: Final = 10
_LARGEST_MEAN_OF_COUNTS: Final = 30
_SURE: Final = 4.0


@dataclass(frozen=True, slots=True)
class Shape:
    """What is known of the data before a chart is chosen.

    Attributes:
        name: What the values are called.
        values: The values, of subgroups too.
        subgroup_sizes: How many values each subgroup has; None without subgroups.
        sizes: Units or areas by point; None if there are none.
        size_name: What those are called.
        times: The values are moments of events.
    """

    name: str
    values: "Values"
    subgroup_sizes: "Values | None" = None
    sizes: "Values | None" = None
    size_name: str = ""
    times: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """A chart with its reason."""

    kind: ChartKind
    why: str


def choose(shape: Shape) -> Choice:
    """Return the chart that goes with the data."""
    if shape.times:
        return Choice("t", f"{shape.name} holds moments of events, so the time between them is charted.")
    if shape.sizes is not None:
        return _of_counts(shape, shape.sizes)
    if shape.subgroup_sizes is not None:
        return _of_subgroups(shape.subgroup_sizes)
    return _of_single(shape)


def _of_subgroups(sizes: "Values") -> Choice:
    present = sizes[sizes > 0]
    low, high = int(present.min()), int(present.max())
    if high == 1:
        return Choice(
            "I-MR", "Every subgroup has one value, so individual values are charted with their moving ranges."
        )
    if low != high:
        return Choice(
            "X-bar/S", f"Subgroups of {low} to {high} values: means with standard deviations, for unequal sizes."
        )
    if high <= _LARGEST_FOR_RANGES:
        return Choice("X-bar/R", f"Subgroups of {high} values: means with ranges, which serve well up to 10.")
    return Choice("X-bar/S", f"Subgroups of {high} values: means with standard deviations, as ranges waste so many.")


def _of_counts(shape: Shape, sizes: "Values") -> Choice:
    import numpy as np  # noqa: PLC0415

    there = sizes[~np.isnan(sizes)]
    equal = there.size > 0 and bool((there == there[0]).all())
    more = bool((shape.values > sizes).any()) or bool((np.floor(there) != there).any())
    called = bool(_NONCONFORMITIES.search(_words(shape.name)) or _AREAS.search(_words(shape.size_name)))
    if more or called:
        seen = "more than one can be found on a unit" if more else f"as {shape.name!r} per {shape.size_name!r} says"
        if equal and float(there[0]) == 1:
            return Choice("c", f"Nonconformities ({seen}), each in the same area: their number is charted.")
        return Choice(
            "u", f"Nonconformities ({seen}): their number per unit of {shape.size_name or 'size'} is charted."
        )
    if equal:
        return Choice("np", f"Nonconforming units of always {there[0]:g}: their number is charted.")
    return Choice("p", f"Nonconforming units of {there.min():g} to {there.max():g}: their proportion is charted.")


def _of_single(shape: Shape) -> Choice:
    import numpy as np  # noqa: PLC0415

    values = shape.values[~np.isnan(shape.values)]
    whole = bool((values >= 0).all() and (np.floor(values) == values).all())
    if _BETWEEN.search(_words(shape.name)) and bool((values >= 0).all()):
        if whole:
            return Choice("g", f"{shape.name!r} counts what lies between events, which is geometric: g chart.")
        return Choice("t", f"{shape.name!r} is time between events, which is about exponential: t chart.")
    if whole and _NONCONFORMITIES.search(_words(shape.name)):
        return Choice(
            "c", f"{shape.name!r} are counts without a size, so the same opportunity is taken for each: c chart."
        )
    if whole and _varies_as_counts(values):
        return Choice("c", "Whole numbers from 0 on whose variance is about their mean, as counts have it: c chart.")
    return Choice("I-MR", "One value at a time, no subgroups: individual values with their moving ranges.")


def _varies_as_counts(values: "Values") -> bool:
    """Return whether values look Poisson: small, and sum((x - mean)^2)/mean within 4 sigma of n - 1."""
    import numpy as np  # noqa: PLC0415

    center = float(values.mean())
    if not 0 < center <= _LARGEST_MEAN_OF_COUNTS or np.unique(values).size < 3:  # noqa: PLR2004 - yes and no are no counts
        return False
    spread, freedom = float(((values - center) ** 2).sum()) / center, values.size - 1
    return abs(spread - freedom) <= _SURE * float(np.sqrt(2 * freedom)) and values.size >= 10  # noqa: PLR2004 - too few


def _words(name: str) -> str:
    return re.sub(r"[_\W]+", " ", name.lower())
