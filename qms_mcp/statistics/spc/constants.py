"""The factors of control charts for subgroups of n observations from a normal distribution.

`PUBLISHED` gives them as the usual tables print them (ASTM E2587, AIAG SPC 2nd ed. appendix E, Montgomery appendix VI):
three decimals, four for c4. Published limits are computed with those. `EXACT` computes them:

    d2 = E[R]/sigma, d3 = sd(R)/sigma    by integrating the distribution of the range (Harter 1960)
    c4 = sqrt(2/(n-1)) gamma(n/2)/gamma((n-1)/2)

Beyond the tables (n > 25) both are computed.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal, Protocol, TypeAlias

from qms_mcp.errors import InvalidInputError

Convention: TypeAlias = Literal["published", "exact"]
LARGEST_RANGE: Final = 100
_FROM, _TO = 2, 25

_D2: Final = (
    *(1.128, 1.693, 2.059, 2.326, 2.534, 2.704, 2.847, 2.970, 3.078, 3.173, 3.258, 3.336),
    *(3.407, 3.472, 3.532, 3.588, 3.640, 3.689, 3.735, 3.778, 3.819, 3.858, 3.895, 3.931),
)
_D3: Final = (
    *(0.853, 0.888, 0.880, 0.864, 0.848, 0.833, 0.820, 0.808, 0.797, 0.787, 0.778, 0.770),
    *(0.763, 0.756, 0.750, 0.744, 0.739, 0.734, 0.729, 0.724, 0.720, 0.716, 0.712, 0.708),
)
_C4: Final = (
    *(0.7979, 0.8862, 0.9213, 0.9400, 0.9515, 0.9594, 0.9650, 0.9693, 0.9727, 0.9754, 0.9776, 0.9794),
    *(0.9810, 0.9823, 0.9835, 0.9845, 0.9854, 0.9862, 0.9869, 0.9876, 0.9882, 0.9887, 0.9892, 0.9896),
)
_A2: Final = (
    *(1.880, 1.023, 0.729, 0.577, 0.483, 0.419, 0.373, 0.337, 0.308, 0.285, 0.266, 0.249),
    *(0.235, 0.223, 0.212, 0.203, 0.194, 0.187, 0.180, 0.173, 0.167, 0.162, 0.157, 0.153),
)
_A3: Final = (
    *(2.659, 1.954, 1.628, 1.427, 1.287, 1.182, 1.099, 1.032, 0.975, 0.927, 0.886, 0.850),
    *(0.817, 0.789, 0.763, 0.739, 0.718, 0.698, 0.680, 0.663, 0.647, 0.633, 0.619, 0.606),
)
_RANGE_LOW: Final = (
    *(0.0, 0.0, 0.0, 0.0, 0.0, 0.076, 0.136, 0.184, 0.223, 0.256, 0.283, 0.307),
    *(0.328, 0.347, 0.363, 0.378, 0.391, 0.403, 0.415, 0.425, 0.434, 0.443, 0.451, 0.459),
)
_RANGE_HIGH: Final = (
    *(3.267, 2.574, 2.282, 2.114, 2.004, 1.924, 1.864, 1.816, 1.777, 1.744, 1.717, 1.693),
    *(1.672, 1.653, 1.637, 1.622, 1.608, 1.597, 1.585, 1.575, 1.566, 1.557, 1.548, 1.541),
)
_SD_LOW: Final = (
    *(0.0, 0.0, 0.0, 0.0, 0.030, 0.118, 0.185, 0.239, 0.284, 0.321, 0.354, 0.382),
    *(0.406, 0.428, 0.448, 0.466, 0.482, 0.497, 0.510, 0.523, 0.534, 0.545, 0.555, 0.565),
)
_SD_HIGH: Final = (
    *(3.267, 2.568, 2.266, 2.089, 1.970, 1.882, 1.815, 1.761, 1.716, 1.679, 1.646, 1.618),
    *(1.594, 1.572, 1.552, 1.534, 1.518, 1.503, 1.490, 1.477, 1.466, 1.455, 1.445, 1.435),
)
# The median of the range of two normal observations, as Wheeler prints it; exact: sqrt(2) z(0.75).
_MEDIAN_RANGE_OF_TWO: Final = 0.954


@dataclass(frozen=True, slots=True)
class Constants:
    """The factors by one convention.

    Attributes:
        convention: `published` as the tables print them, `exact` as computed.
    """

    convention: Convention = "published"

    def d2(self, n: int) -> float:
        """Return the mean of the range of n observations, in sigma."""
        return self._printed(_D2, n, exact_d2)

    def d3(self, n: int) -> float:
        """Return the standard deviation of the range of n observations, in sigma."""
        return self._printed(_D3, n, exact_d3)

    def c4(self, n: int) -> float:
        """Return the mean of the standard deviation of n observations, in sigma."""
        return self._printed(_C4, n, exact_c4)

    def median_range(self) -> float:
        """Return the median of the range of two observations, in sigma (called d4 in some books)."""
        return _MEDIAN_RANGE_OF_TWO if self.convention == "published" else _median_range_of_two()

    def mean_factor_range(self, n: int, limits_at: float = 3.0) -> float:
        """Return A2: how far the limits of X-bar stand from the centre, in R-bar."""
        return self._three_sigma(_A2, n, limits_at, limits_at / (self.d2(n) * math.sqrt(n)))

    def mean_factor_sd(self, n: int, limits_at: float = 3.0) -> float:
        """Return A3: how far the limits of X-bar stand from the centre, in S-bar."""
        return self._three_sigma(_A3, n, limits_at, limits_at / (self.c4(n) * math.sqrt(n)))

    def range_factors(self, n: int, limits_at: float = 3.0) -> tuple[float, float]:
        """Return D3 and D4: the limits of R, in R-bar."""
        part = limits_at * self.d3(n) / self.d2(n)
        return (
            self._three_sigma(_RANGE_LOW, n, limits_at, max(0.0, 1 - part)),
            self._three_sigma(_RANGE_HIGH, n, limits_at, 1 + part),
        )

    def sd_factors(self, n: int, limits_at: float = 3.0) -> tuple[float, float]:
        """Return B3 and B4: the limits of S, in S-bar."""
        c4 = self.c4(n)
        part = limits_at * math.sqrt(1 - c4 * c4) / c4
        return (
            self._three_sigma(_SD_LOW, n, limits_at, max(0.0, 1 - part)),
            self._three_sigma(_SD_HIGH, n, limits_at, 1 + part),
        )

    def range_of_known_sigma(self, n: int, limits_at: float = 3.0) -> tuple[float, float]:
        """Return D1 and D2: the limits of R in a known sigma; to three decimals where published."""
        d2, part = exact_d2(n), limits_at * exact_d3(n)
        return self._rounded(max(0.0, d2 - part)), self._rounded(d2 + part)

    def sd_of_known_sigma(self, n: int, limits_at: float = 3.0) -> tuple[float, float]:
        """Return B5 and B6: the limits of S in a known sigma; to three decimals where published."""
        c4 = exact_c4(n)
        part = limits_at * math.sqrt(1 - c4 * c4)
        return self._rounded(max(0.0, c4 - part)), self._rounded(c4 + part)

    def _printed(self, table: Sequence[float], n: int, exact: "_Exact") -> float:
        if self.convention == "published" and _FROM <= n <= _TO:
            return table[n - _FROM]
        return exact(n)

    def _three_sigma(self, table: Sequence[float], n: int, limits_at: float, otherwise: float) -> float:
        printed = self.convention == "published" and limits_at == 3 and _FROM <= n <= _TO  # noqa: PLR2004 - of the tables
        return table[n - _FROM] if printed else otherwise

    def _rounded(self, value: float) -> float:
        return round(value, 3) if self.convention == "published" else value


class _Exact(Protocol):
    def __call__(self, n: int, /) -> float: ...


@cache
def exact_c4(n: int) -> float:
    """Return c4 for n >= 2: sqrt(2/(n-1)) gamma(n/2)/gamma((n-1)/2)."""
    _refuse_below_two(n)
    return math.sqrt(2 / (n - 1)) * math.exp(math.lgamma(n / 2) - math.lgamma((n - 1) / 2))


@cache
def exact_d2(n: int) -> float:
    """Return d2 for 2 <= n <= 100: the mean of the range of n standard normal observations."""
    return _range_moments(n)[0]


@cache
def exact_d3(n: int) -> float:
    """Return d3 for 2 <= n <= 100: the standard deviation of that range."""
    return _range_moments(n)[1]


@cache
def _range_moments(n: int) -> tuple[float, float]:
    """Return mean and standard deviation of the range W of n normal observations.

    E[W] = int 1 - Phi(x)^n - (1 - Phi(x))^n dx, and E[W^2] = 2 int w P(W > w) dw with
    P(W > w) = 1 - n int phi(x) (Phi(x + w) - Phi(x))^(n-1) dx, by Gauss-Legendre on [-9, 9] and [0, 17].
    """
    import numpy as np  # noqa: PLC0415
    from scipy.special import ndtr  # noqa: PLC0415

    _refuse_below_two(n)
    if n > LARGEST_RANGE:
        raise InvalidInputError(
            f"A range of {n} observations says little about their spread: it uses two of them.",
            hint="Chart the standard deviation instead (X-bar/S).",
        )
    nodes, weights = np.polynomial.legendre.leggauss(200)
    x, w = 9.0 * nodes, 8.5 * (nodes + 1)
    density = np.exp(-x * x / 2) / math.sqrt(2 * math.pi) * 9.0 * weights
    between = np.clip(ndtr(x[None, :] + w[:, None]) - ndtr(x)[None, :], 0.0, 1.0)
    larger = 1 - n * (between ** (n - 1)) @ density
    below = ndtr(x)
    mean = float(9.0 * weights @ (1 - below**n - ndtr(-x) ** n))
    square = float(2 * 8.5 * weights @ (w * larger))
    return mean, math.sqrt(square - mean * mean)


@cache
def _median_range_of_two() -> float:
    from statistics import NormalDist  # noqa: PLC0415

    return math.sqrt(2) * NormalDist().inv_cdf(0.75)


def _refuse_below_two(n: int) -> None:
    if n < _FROM:
        raise InvalidInputError(
            f"A subgroup of {n} has no spread within.", hint="Use subgroups of at least two, or a chart of individuals."
        )


PUBLISHED: Final = Constants("published")
EXACT: Final = Constants("exact")


def constants_of(convention: Convention) -> Constants:
    """Return the factors by their convention."""
    return EXACT if convention == "exact" else PUBLISHED
