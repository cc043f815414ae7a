"""Which of many are called anomalies: so that the share of false ones among those called stays below a level.

Where nothing is unusual at all, the chance of a single false call in the whole table is at most that level too. Both by
the procedure of Benjamini and Hochberg (Journal of the Royal Statistical Society B 57, 1995).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qms_mcp.statistics.comparing.posthoc import benjamini_hochberg

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Called:
    """What is called an anomaly.

    Attributes:
        at: Places of the called ones, the most surprising first.
        adjusted: The p-value of every one, adjusted for their number.
        threshold: The chance below which one was called.
        tested: How many were looked at.
        expected_false: How many false ones are to be expected: the level times those called; if none was called, the
            level itself (false calls where nothing is unusual).
    """

    at: "NDArray[np.intp]"
    adjusted: "Floats"
    threshold: float
    tested: int
    expected_false: float

    def places(self, most: int | None = None) -> list[int]:
        """Return the places of the called ones, or of the most surprising of them."""
        return [int(at) for at in self.at[:most].tolist()]


def called(p: "Floats", alpha: float) -> Called:
    """Return which are called, given the chance of each; a chance that is nan was not tested.

    Args:
        p: The chance of so unusual a one, or a more unusual one, where all is as usual.
        alpha: The share of false ones among those called.
    """
    import numpy as np  # noqa: PLC0415

    tested = np.flatnonzero(~np.isnan(p))
    adjusted = np.full(len(p), np.nan)
    if not tested.size:
        return Called(tested, adjusted, alpha, 0, 0.0)
    adjusted[tested] = benjamini_hochberg(p[tested])
    # Not `<=`: a p-value that is exactly the level after adjustment comes of a simulated one at its floor.
    found = tested[adjusted[tested] < alpha]
    found = found[np.lexsort((found, p[found]))]
    return Called(found, adjusted, alpha * max(1, found.size) / tested.size, tested.size, alpha * max(1, found.size))
