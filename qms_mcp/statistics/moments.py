"""Mean and standard deviation that keep their digits: far from zero, very small, or very large."""

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Moments(NamedTuple):
    """Of a sample: `sd` with n - 1, which is 0.0 exactly when all values are equal, and for one value."""

    mean: float
    sd: float
    n: int


def moments(values: "NDArray[np.float64]") -> Moments:
    """Return mean, standard deviation and number of values that are finite and at least one.

    Two passes: the mean is corrected by the mean of what is left over, and deviations are scaled before they are
    squared, so that neither a large offset nor values of 1e-200 cost digits. Certified: NIST StRD, univariate.
    """
    import numpy as np  # noqa: PLC0415

    n, lowest = int(values.size), float(values.min())
    if lowest == float(values.max()):
        return Moments(lowest, 0.0, n)
    mean = float(values.mean())
    mean += float((values - mean).mean())
    deviations = values - mean
    scale = float(np.abs(deviations).max())
    sd = scale * math.sqrt(float(np.square(deviations / scale).sum()) / (n - 1))
    return Moments(mean, sd, n)
