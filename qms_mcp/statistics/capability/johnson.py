"""Johnson's system: the one of three curves that brings values closest to a normal distribution.

Four percentiles that stand evenly (-3z, -z, z, 3z) tell by their distances which curve it is and its parameters; z runs
from 0.25 to 1.25 and the curve that leaves the highest p of Anderson-Darling is taken. Sources: Slifker and Shapiro,
Technometrics 22 (1980); the search over z: Chou, Polansky and Mason, JQT 30 (1998).

    SU  gamma + eta asinh((x - epsilon)/lambda)                    unbounded
    SB  gamma + eta ln((x - epsilon)/(lambda + epsilon - x))       between two bounds
    SL  gamma + eta ln(x - epsilon)                                above a bound
"""

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.capability.transforms import Transformation
from qms_mcp.statistics.normality import anderson_darling
from qms_mcp.statistics.quantiles import normal_probability

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_STEPS = 101
_ONE = 0.02
_LEAST_N = 20
_JUDGED = 20_000


def johnson(values: "NDArray[np.float64]") -> Transformation:
    """Return the Johnson curve that leaves the values most normal.

    Raises:
        InvalidInputError: There are fewer than 20 values, or none of the curves holds them all.
    """
    import numpy as np  # noqa: PLC0415

    if values.size < _LEAST_N:
        raise InvalidInputError(
            f"{values.size} values are too few to find a Johnson curve by their percentiles.", hint="It needs 20."
        )
    best: tuple[float, Transformation] | None = None
    ordered = np.sort(values)
    # Of very many values an even choice tells the curves apart as well.
    judged = ordered[:: max(1, ordered.size // _JUDGED)]
    for candidate in _candidates(ordered):
        made = candidate.apply(judged)
        if float(made.min()) == float(made.max()):
            continue
        found = anderson_darling(made).statistic
        if best is None or found < best[0]:
            best = (found, candidate)
    if best is None:
        raise InvalidInputError(
            "No Johnson curve holds all the values.", hint="Use distribution empirical, or look for several processes."
        )
    return best[1]


def _candidates(ordered: "NDArray[np.float64]") -> "Iterator[Transformation]":
    import numpy as np  # noqa: PLC0415

    lowest, highest = float(ordered[0]), float(ordered[-1])
    ranks = np.arange(ordered.size)
    for z in np.linspace(0.25, 1.25, _STEPS):
        shares = np.array([normal_probability(factor * float(z)) for factor in (-3.0, -1.0, 1.0, 3.0)])
        places = np.interp(shares * ordered.size - 0.5, ranks, ordered)
        below, at_low, at_high, above = (float(place) for place in places)
        m, n, p = above - at_high, at_low - below, at_high - at_low
        if min(m, n, p) <= 0.0:
            continue
        made = _curve(m / p, n / p, p, (at_low + at_high) / 2.0, float(z))
        if made is not None and made.lowest < lowest and highest < made.highest:
            yield made


def _curve(m: float, n: float, p: float, middle: float, z: float) -> Transformation | None:
    """Return the curve of m/p, n/p, p, the middle of the inner percentiles and z, after Slifker and Shapiro."""
    product = m * n
    if product > 1.0 + _ONE:
        return _unbounded(m, n, p, middle, z)
    if product < 1.0 - _ONE:
        return _bounded(m, n, p, middle, z)
    return _lognormal(m, p, middle, z)


def _unbounded(m: float, n: float, p: float, middle: float, z: float) -> Transformation:
    import numpy as np  # noqa: PLC0415

    root = math.sqrt(m * n - 1.0)
    eta = 2.0 * z / math.acosh((m + n) / 2.0)
    gamma = eta * math.asinh((n - m) / (2.0 * root))
    lam = 2.0 * p * root / ((m + n - 2.0) * math.sqrt(m + n + 2.0))
    epsilon = middle + p * (n - m) / (2.0 * (m + n - 2.0))
    return Transformation(
        f"Johnson SU (gamma {gamma:.4g}, eta {eta:.4g}, lambda {lam:.4g}, epsilon {epsilon:.6g})",
        lambda given: gamma + eta * np.arcsinh((given - epsilon) / lam),
    )


def _bounded(m: float, n: float, p: float, middle: float, z: float) -> Transformation:

    m, n = 1.0 / m, 1.0 / n
    root = math.sqrt((1.0 + m) * (1.0 + n))
    eta = z / math.acosh(root / 2.0)
    over = m * n - 1.0
    gamma = eta * math.asinh((n - m) * math.sqrt((root * root) - 4.0) / (2.0 * over))
    lam = p * math.sqrt((root * root - 2.0) ** 2 - 4.0) / over
    epsilon = middle - lam / 2.0 + p * (n - m) / (2.0 * over)
    return Transformation(
        f"Johnson SB (gamma {gamma:.4g}, eta {eta:.4g}, from {epsilon:.6g} to {epsilon + lam:.6g})",
        _bounded_curve(gamma, eta, epsilon, lam),
        lowest=epsilon,
        highest=epsilon + lam,
    )


def _bounded_curve(
    gamma: float, eta: float, epsilon: float, lam: float
) -> "Callable[[NDArray[np.float64]], NDArray[np.float64]]":
    import numpy as np  # noqa: PLC0415

    return lambda given: gamma + eta * np.log((given - epsilon) / (epsilon + lam - given))


def _lognormal(m: float, p: float, middle: float, z: float) -> Transformation | None:
    import numpy as np  # noqa: PLC0415

    if m <= 1.0:
        return None
    eta = 2.0 * z / math.log(m)
    gamma = eta * math.log((m - 1.0) / (p * math.sqrt(m)))
    epsilon = middle - p * (m + 1.0) / (2.0 * (m - 1.0))
    return Transformation(
        f"Johnson SL (gamma {gamma:.4g}, eta {eta:.4g}, above {epsilon:.6g})",
        lambda given: gamma + eta * np.log(given - epsilon),
        lowest=epsilon,
    )
