"""The usual corrections of Mann-Kendall's test for autocorrelation, as they were published.

They are here to be compared with: in short autocorrelated series they find too many trends, or, as pre-whitening does,
take part of the trend away with the autocorrelation (see docs/statistics-measurements.md). Therefore
`order_one` is the default.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from qms_mcp.statistics.quantiles import normal_probability, normal_quantile
from qms_mcp.statistics.trends.autocorrelation import acf
from qms_mcp.statistics.trends.mann_kendall import mann_kendall, pair_slopes, z_of
from qms_mcp.statistics.trends.ranks import ranks

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Values = NDArray[np.float64]

Published = Literal["hamed_rao", "yue_wang", "prewhitening", "tfpw"]


@dataclass(frozen=True, slots=True)
class Corrected:
    """A corrected test: S, its variance, z and the two-sided p by the normal distribution."""

    s: float
    variance: float
    z: float
    p: float


def corrected(values: "Values", how: Published) -> Corrected:
    """Return a published correction of Mann-Kendall's test.

    Args:
        values: In order, without gaps, at least four, not all equal.
        how: `hamed_rao` (1998: variance, by significant autocorrelations of the ranks of detrended values), `yue_wang`
            (2004: variance, by all autocorrelations of detrended values), `prewhitening` (von Storch 1995) or `tfpw`
            (Yue, Pilon, Phinney and Cavadias 2002: trend-free pre-whitening).
    """
    if how == "hamed_rao":
        return _variance(values, _hamed_rao(values))
    if how == "yue_wang":
        return _variance(values, _yue_wang(values))
    return _whitened(values, keep_trend=how == "tfpw")


def _variance(values: "Values", factor: float) -> Corrected:
    plain = mann_kendall(values)
    variance = max(plain.variance * factor, 0.0)
    z = z_of(plain.s, variance)
    return Corrected(plain.s, variance, z, _p(z))


def _detrended(values: "Values") -> "tuple[Values, float]":
    import numpy as np  # noqa: PLC0415

    at = np.arange(1.0, values.size + 1)
    slope = float(np.median(pair_slopes(values, at)))
    return values - slope * at, slope


def _correlations(values: "Values", lags: int) -> "Values":
    """Return the autocorrelations, or zeros where nothing varies."""
    import numpy as np  # noqa: PLC0415

    if np.ptp(values) <= 1e-12 * max(float(np.abs(values).max()), 1e-300):
        return np.zeros(lags + 1)
    return acf(values, lags)


def _hamed_rao(values: "Values") -> float:
    """Return n / n* by equation 9 of Hamed and Rao 1998, over the lags outside of the 95 % limits."""
    import numpy as np  # noqa: PLC0415

    n = values.size
    ranked = ranks(_detrended(values)[0])
    lags = np.arange(1, n)
    found = _correlations(ranked, n - 1)[1:]
    kept = np.abs(found) > normal_quantile(0.975) / n**0.5
    terms = (n - lags) * (n - lags - 1.0) * (n - lags - 2.0) * found
    return 1 + 2 / (n * (n - 1.0) * (n - 2.0)) * float(terms[kept].sum())


def _yue_wang(values: "Values") -> float:
    """Return n / n* by Yue and Wang 2004."""
    import numpy as np  # noqa: PLC0415

    n = values.size
    lags = np.arange(1, n)
    return 1 + 2 * float(((1 - lags / n) * _correlations(_detrended(values)[0], n - 1)[1:]).sum())


def _whitened(values: "Values", *, keep_trend: bool) -> Corrected:
    import numpy as np  # noqa: PLC0415

    left, slope = _detrended(values) if keep_trend else (values, 0.0)
    r1 = float(_correlations(left, 1)[1])
    white = left[1:] - r1 * left[:-1] + slope * np.arange(1.0, values.size)
    found = mann_kendall(white)
    return Corrected(found.s, found.variance, found.z, found.p_normal)


def _p(z: float) -> float:
    return min(1.0, 2 * normal_probability(-abs(z)))
