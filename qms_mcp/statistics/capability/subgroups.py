"""Values in the order they were made, alone or in subgroups made under the same conditions.

by_label(values, ["a", "a", "b", "b"])      # rows of one label, wherever they stand
by_size(values, 5)                          # every five rows after another
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.flags import Flag

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Subgrouped:
    """Values with the subgroup of each.

    Attributes:
        series: As they were made, missing ones as nan.
        values: The same without the missing ones.
        codes: The number of the subgroup of each of `values`, from 0; empty for individuals.
        sizes: How many values each subgroup has; empty for individuals.
        flags: What was seen.
    """

    series: "NDArray[np.float64]"
    values: "NDArray[np.float64]"
    codes: "NDArray[np.int64]"
    sizes: "NDArray[np.int64]"
    flags: tuple[Flag, ...] = ()

    @property
    def individuals(self) -> bool:
        """Return whether there are no subgroups."""
        return self.sizes.size == 0

    @property
    def equal(self) -> bool:
        """Return whether all subgroups have one size."""
        return bool(self.sizes.size) and int(self.sizes.min()) == int(self.sizes.max())


def individuals(series: "NDArray[np.float64]") -> Subgrouped:
    """Return values that stand alone."""
    import numpy as np  # noqa: PLC0415

    nothing = np.empty(0, dtype=np.int64)
    return Subgrouped(series, series[~np.isnan(series)], nothing, nothing, _missing(series))


def by_size(series: "NDArray[np.float64]", size: int) -> Subgrouped:
    """Return values in subgroups of `size` rows after another; what is left over at the end is a smaller one.

    Raises:
        InvalidInputError: The size is below 1, or leaves fewer than two subgroups.
    """
    import numpy as np  # noqa: PLC0415

    if size < 1:
        raise InvalidInputError(f"A subgroup holds at least one value; given: {size}.", hint="1 means individuals.")
    return individuals(series) if size == 1 else _grouped(series, np.arange(series.size) // size)


def by_label(series: "NDArray[np.float64]", labels: Sequence[Hashable]) -> Subgrouped:
    """Return values in subgroups by their label, in the order the labels first appear; a missing label is refused.

    Raises:
        InvalidInputError: A label is missing, or all rows have the same one.
    """
    import numpy as np  # noqa: PLC0415

    numbers: dict[Hashable, int] = {}
    codes = np.empty(len(labels), dtype=np.int64)
    for at, label in enumerate(labels):
        if label is None or label == "":
            raise InvalidInputError(
                f"Row {at + 1} has no subgroup.", hint="Give every row one, or leave those rows out with a filter."
            )
        codes[at] = numbers.setdefault(label, len(numbers))
    if len(numbers) == len(labels):
        return individuals(series)
    return _grouped(series, codes)


def _grouped(series: "NDArray[np.float64]", codes: "NDArray[np.int64]") -> Subgrouped:
    import numpy as np  # noqa: PLC0415

    there = ~np.isnan(series)
    values, kept = series[there], codes[there]
    _, kept, sizes = np.unique(kept, return_inverse=True, return_counts=True)
    if sizes.size < 2:  # noqa: PLR2004
        raise InvalidInputError(
            f"All {values.size} values are in one subgroup, so it can't be seen how they vary from one to the next.",
            hint="Leave the subgroup out to treat them as individuals, or name another column.",
        )
    flags = list(_missing(series))
    if int(sizes.min()) != int(sizes.max()):
        flags.append(
            Flag(
                "unequal_sizes",
                f"Subgroups hold {int(sizes.min())} to {int(sizes.max())} values ({sizes.size} of them).",
            )
        )
    return Subgrouped(series, values, kept.astype(np.int64), sizes.astype(np.int64), tuple(flags))


def _missing(series: "NDArray[np.float64]") -> tuple[Flag, ...]:
    import numpy as np  # noqa: PLC0415

    count = int(np.isnan(series).sum())
    if not count:
        return ()
    return (Flag("missing", f"{count} of {series.size} values are missing and were left out.", "Find out why."),)
