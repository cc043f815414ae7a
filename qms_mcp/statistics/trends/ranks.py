"""Ranks by row, ties with their mean."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Values = NDArray[np.float64]


def ranks(values: "Values") -> "Values":
    """Return the ranks of a series from 1, ties with their mean."""
    import numpy as np  # noqa: PLC0415

    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[place], dtype=np.float64)


def ranks_by_row(series: "Values") -> "Values":
    """Return the ranks in each row of a table, without regard to ties: for simulated values, which have none."""
    import numpy as np  # noqa: PLC0415

    made = np.empty(series.shape)
    np.put_along_axis(made, np.argsort(series, axis=1), np.arange(1.0, series.shape[1] + 1)[None, :], axis=1)
    return made
