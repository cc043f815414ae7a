"""Intervals for proportions, rates, means and standard deviations; exact where there is an exact one.

    clopper_pearson(0, 60)          # Interval(low=0.0, high=0.0596...): no defective of 60
    poisson_rate(0, 1.0)            # Interval(low=0.0, high=3.688879...)
    mean_interval(values)           # Student's t

"Exact" means that the chance to cover the true value is at least `level` whatever it is; because counts are whole it is
mostly somewhat more. All are two-sided with equal tails: for a one-sided bound at 95 % take the end of level 0.90.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.moments import Moments, moments
from qms_mcp.statistics.numbers import LARGEST, clean
from qms_mcp.statistics.quantiles import (
    beta_quantile,
    binomial_probability,
    chi2_quantile,
    gamma_quantile,
    normal_quantile,
    t_quantile,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LEVEL = 0.95
_TWO = 2


class Interval(NamedTuple):
    """From `low` to `high`, both in the unit of what is estimated."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class RateRatio:
    """How many times as high one rate is as another.

    Attributes:
        ratio: First by second; None when the second had no event.
        low: Of the exact interval.
        high: None when there is no upper end, because the second had no event.
        p: Two-sided, of the exact test that both rates are equal (twice the smaller tail).
    """

    ratio: float | None
    low: float
    high: float | None
    p: float


@dataclass(frozen=True, slots=True)
class RateDifference:
    """How much higher one rate is than another, per unit of exposure."""

    difference: float
    low: float
    high: float


def clopper_pearson(k: int, n: int, level: float = LEVEL) -> Interval:
    """Return the exact interval of a proportion, k of n.

    Source: Clopper and Pearson, Biometrika 26 (1934), as quantiles of the beta distribution.

    Raises:
        InvalidInputError: n is not positive, k is not within 0..n, or the level is not between 0 and 1.
    """
    tail = _tail(level)
    _count(k, "k")
    _trials(k, n)
    low = 0.0 if k == 0 else beta_quantile(tail, k, n - k + 1)
    # From the other side: 1 - quantile loses digits where the proportion is near 1, not where it is near 0.
    high = (
        1.0
        if k == n
        else 1.0 - beta_quantile(tail, n - k, k + 1)
        if 2 * k > n
        else beta_quantile(1 - tail, k + 1, n - k)
    )
    return Interval(low, high)


def wilson(k: int, n: int, level: float = LEVEL) -> Interval:
    """Return Wilson's score interval of a proportion: shorter than the exact one, right on the average.

    Source: Wilson, JASA 22 (1927); NIST e-Handbook 7.2.4.1.

    Raises:
        InvalidInputError: As `clopper_pearson`.
    """
    z = normal_quantile(1.0 - _tail(level))
    _count(k, "k")
    _trials(k, n)
    p, square = k / n, z * z
    centre, half = p + square / (2 * n), z * math.sqrt(p * (1 - p) / n + square / (4 * n * n))
    scale = 1 + square / n
    return Interval(0.0 if k == 0 else (centre - half) / scale, 1.0 if k == n else (centre + half) / scale)


def poisson_rate(k: int, exposure: float, level: float = LEVEL) -> Interval:
    """Return the exact interval of a rate, k events in `exposure` units (hours, lots, units shipped).

    Source: Garwood, Biometrika 28 (1936), as quantiles of the gamma distribution.

    Raises:
        InvalidInputError: k is no count, the exposure is not positive, or the level is not between 0 and 1.
    """
    tail = _tail(level)
    _count(k, "the number of events")
    _exposure(exposure)
    low = 0.0 if k == 0 else gamma_quantile(tail, k)
    return Interval(low / exposure, gamma_quantile(1.0 - tail, k + 1) / exposure)


def poisson_ratio(k1: int, exposure1: float, k2: int, exposure2: float, level: float = LEVEL) -> RateRatio:
    """Return the ratio of two rates with its exact conditional interval and test.

    Given k1 + k2, the first count is binomial; its exact interval is carried over to the ratio.
    Source: Przyborowski and Wilenski, Biometrika 31 (1940); Lehmann and Romano, Testing Statistical Hypotheses, 4.5.

    Raises:
        InvalidInputError: As `poisson_rate`; or neither had an event, which tells nothing of the ratio.
    """
    _tail(level)
    for count, exposure in ((k1, exposure1), (k2, exposure2)):
        _count(count, "the number of events")
        _exposure(exposure)
    total, scale = k1 + k2, exposure2 / exposure1
    if not total:
        raise InvalidInputError(
            "There were no events in either, so nothing is known of the ratio of their rates.",
            hint="Give the upper limit of each rate instead, or wait for events.",
        )
    share = clopper_pearson(k1, total, level)
    equal = exposure1 / (exposure1 + exposure2)
    lower = binomial_probability(k1, total, equal)
    upper = 1.0 if k1 == 0 else binomial_probability(total - k1, total, 1.0 - equal)
    return RateRatio(
        ratio=k1 / k2 * scale if k2 else None,
        low=share.low / (1.0 - share.low) * scale,
        high=share.high / (1.0 - share.high) * scale if k2 else None,
        p=min(1.0, 2.0 * min(lower, upper)),
    )


def poisson_difference(k1: int, exposure1: float, k2: int, exposure2: float, level: float = LEVEL) -> RateDifference:
    """Return the difference of two rates, first less second, with an interval recovered from the two exact ones.

    Not exact itself: the exact limits of both rates are combined (the MOVER of Zou and Donner, Statistics in Medicine
    27 (2008); for Poisson rates Li, Tang and Wong, Computational Statistics 29 (2014)). `poisson_ratio` has the exact
    test of whether the rates differ.

    Raises:
        InvalidInputError: As `poisson_rate`.
    """
    one, two = poisson_rate(k1, exposure1, level), poisson_rate(k2, exposure2, level)
    rate1, rate2 = k1 / exposure1, k2 / exposure2
    return RateDifference(
        difference=rate1 - rate2,
        low=rate1 - rate2 - math.hypot(rate1 - one.low, two.high - rate2),
        high=rate1 - rate2 + math.hypot(one.high - rate1, rate2 - two.low),
    )


def mean_interval(x: "Sequence[Any] | NDArray[np.float64]", level: float = LEVEL) -> Interval:
    """Return Student's interval of the mean of independent values.

    Source: NIST e-Handbook 1.3.5.2.

    Raises:
        InvalidInputError: Fewer than two values, all equal, one that is missing or no number, or no level in 0..1.
    """
    mean, sd, n = _moments(x)
    return mean_interval_of(mean, sd, n, level)


def mean_interval_of(mean: float, sd: float, n: int, level: float = LEVEL) -> Interval:
    """Return Student's interval of a mean, from the mean, the standard deviation and their number.

    Raises:
        InvalidInputError: n is below 2, sd is negative, or the level is not between 0 and 1.
    """
    half = t_quantile(1.0 - _tail(level), _degrees(sd, n)) * sd / math.sqrt(n)
    return Interval(mean - half, mean + half)


def sd_interval(x: "Sequence[Any] | NDArray[np.float64]", level: float = LEVEL) -> Interval:
    """Return the chi-square interval of the standard deviation of independent normal values.

    Source: NIST e-Handbook 7.2.3.1. It is sensitive to departures from the normal distribution, whatever n is.

    Raises:
        InvalidInputError: As `mean_interval`.
    """
    _, sd, n = _moments(x)
    return sd_interval_of(sd, n, level)


def sd_interval_of(sd: float, n: int, level: float = LEVEL) -> Interval:
    """Return the chi-square interval of a standard deviation, from it and the number of values.

    Raises:
        InvalidInputError: n is below 2, sd is negative, or the level is not between 0 and 1.
    """
    tail, df = _tail(level), _degrees(sd, n)
    return Interval(sd * math.sqrt(df / chi2_quantile(1.0 - tail, df)), sd * math.sqrt(df / chi2_quantile(tail, df)))


def _moments(x: "Sequence[Any] | NDArray[np.float64]") -> Moments:
    found = moments(clean(x, "the values", missing=False))
    if found.n < _TWO:
        raise InvalidInputError("An interval needs at least two values; there is one.", hint="Collect more.")
    if not found.sd:
        raise InvalidInputError(
            f"All {found.n} values are {found.mean:g}: nothing is known of how they vary.",
            hint="Check the resolution of the measurement, and whether the right column was read.",
        )
    return found


def _tail(level: float) -> float:
    if not 0.0 < level < 1.0:
        raise InvalidInputError(
            f"A confidence level lies between 0 and 1; given: {level:g}.", hint="95 % is written as 0.95."
        )
    return (1.0 - level) / 2.0


def _count(k: float, name: str) -> None:
    if k < 0 or k != int(k):
        raise InvalidInputError(f"{name} is a count: whole and not negative; given: {k:g}.", hint="Count events.")


def _trials(k: int, n: int) -> None:
    _count(n, "n")
    if n < 1 or k > n:
        raise InvalidInputError(f"{k} of {n} is no proportion.", hint="n is at least 1, and k is at most n.")


def _exposure(exposure: float) -> None:
    if not 0.0 < exposure <= LARGEST:
        raise InvalidInputError(
            f"The exposure must be positive and finite; given: {exposure:g}.",
            hint="Give the units, hours or lots seen.",
        )


def _degrees(sd: float, n: int) -> int:
    if n < _TWO or n != int(n):
        raise InvalidInputError(f"An interval needs at least two values; given: n = {n:g}.", hint="Collect more.")
    if not 0.0 <= sd <= LARGEST:
        raise InvalidInputError(f"A standard deviation is not negative and finite; given: {sd:g}.", hint="Check it.")
    return int(n) - 1
