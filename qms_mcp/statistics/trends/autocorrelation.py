"""How much a value tells of those after it.

The autocorrelation is that of the NIST StRD certified values: products of deviations from the mean of all values,
divided by the sum of all squared deviations (Box and Jenkins). A gap (nan) breaks a pair and nothing else.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qms_mcp.errors import InvalidInputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Values = NDArray[np.float64]

FEWEST = 3


@dataclass(frozen=True, slots=True)
class Autocorrelation:
    """The autocorrelation at lag 1.

    Attributes:
        r1: The estimate, between -1 and 1.
        low: Lower end of its 95 % interval.
        high: Upper end.
        p: Two-sided, against independence (mean -1/n, variance of Kendall and Ord for white noise).
        n: How many values it rests on.
    """

    r1: float
    low: float
    high: float
    p: float
    n: int


@dataclass(frozen=True, slots=True)
class LjungBox:
    """A test of the first lags together: Q, its p by chi-square, the lags and n."""

    statistic: float
    p: float
    lags: int
    n: int


def acf(values: "Values", lags: int) -> "Values":
    """Return the autocorrelations at lags 0 to `lags`; shape (lags + 1,).

    Args:
        values: In order; nan for a gap.
        lags: How many.

    Raises:
        InvalidInputError: There are fewer than three values, all are equal, or there are more lags than values.

    Source: NIST e-Handbook 1.3.3.1; Box, Jenkins and Reinsel, Time Series Analysis, 2.1.6.
    """
    import numpy as np  # noqa: PLC0415

    array = np.asarray(values, dtype=np.float64)
    there = ~np.isnan(array)
    n = int(there.sum())
    if n < FEWEST or lags >= n:
        raise InvalidInputError(
            f"{n} values are too few for the autocorrelation up to lag {lags}.",
            hint="It takes three, and more than lags.",
        )
    mean = float(array[there].mean())
    mean += float((array[there] - mean).mean())  # the second pass brings back what a large offset lost
    deviations = np.where(there, array - mean, 0.0)
    if float(array[there].min()) == float(array[there].max()):
        raise InvalidInputError("All values are equal, so there is no autocorrelation.", hint="Look at the resolution.")
    deviations /= np.abs(deviations).max()  # squares of very small ones would vanish
    total = float(deviations @ deviations)
    return np.array([1.0, *(float(deviations[lag:] @ deviations[:-lag]) / total for lag in range(1, lags + 1))])


def lag1(values: "Values") -> Autocorrelation:
    """Return the autocorrelation at lag 1 with its interval.

    Raises:
        InvalidInputError: There are fewer than three values, or all are equal.

    Source: Kendall and Ord, Time Series, 6.2: for white noise E(r1) = -1/n and var(r1) = (n - 2)^2 / (n^2 (n - 1)); the
    interval is that of Bartlett for a process of order one, (1 - r^2) / n, kept within -1 and 1.
    """
    import numpy as np  # noqa: PLC0415

    from qms_mcp.statistics.quantiles import normal_probability  # noqa: PLC0415

    n = int((~np.isnan(np.asarray(values, dtype=np.float64))).sum())
    r1 = float(acf(values, 1)[1])
    z = (r1 + 1 / n) / ((n - 2) / (n * (n - 1) ** 0.5))
    half = 1.959963984540054 * (max(1 - r1**2, 0.0) / n) ** 0.5
    return Autocorrelation(r1, max(-1.0, r1 - half), min(1.0, r1 + half), min(1.0, 2 * normal_probability(-abs(z))), n)


def ljung_box(values: "Values", lags: int | None = None) -> LjungBox:
    """Return the Ljung-Box test of independence.

    Args:
        values: In order; nan for a gap.
        lags: How many are tested together; min(10, n / 5) if left out (Hyndman and Athanasopoulos).

    Raises:
        InvalidInputError: There are too few values, or all are equal.

    Source: Ljung and Box, Biometrika 65 (1978), 297-303.
    """
    import numpy as np  # noqa: PLC0415
    from scipy import special  # noqa: PLC0415

    n = int((~np.isnan(np.asarray(values, dtype=np.float64))).sum())
    tested = max(1, min(10, n // 5)) if lags is None else lags
    found = acf(values, tested)[1:]
    statistic = n * (n + 2) * float(np.sum(found**2 / (n - np.arange(1, tested + 1))))
    return LjungBox(statistic, float(special.chdtrc(tested, statistic)), tested, n)


def effective_n(values: "Values") -> float:
    """Return how many independent values tell as much of the mean, by a process of order one: n (1 - r) / (1 + r).

    Raises:
        InvalidInputError: There are too few values, or all are equal.

    Source: Bayley and Hammersley, JRSS Supplement 8 (1946), 184-197, for a first-order process.
    """
    found = lag1(values)
    r = min(max(found.r1, 0.0), 0.999)
    return found.n * (1 - r) / (1 + r)
