"""What a comparison could have seen: the smallest difference it finds with a stated probability.

It depends on the number of values and their variation alone, not on the difference that was found: "observed power" is
the p-value in other words (Hoenig and Heisey, The American Statistician 55, 2001) and is not offered.
"""

import math
from collections.abc import Sequence

from qms_mcp.statistics.comparing.means import standard_error
from qms_mcp.statistics.comparing.samples import Sample
from qms_mcp.statistics.comparing.tails import (
    f_quantile,
    noncentral_f_below,
    normal_above,
    normal_quantile,
    root,
    t_quantile,
)

POWER = 0.80


def smallest_difference(a: Sample, b: Sample, alpha: float = 0.05, power: float = POWER) -> float:
    """Return the difference of two means that Welch's t finds with the probability `power`.

    By the noncentral F with one degree of freedom (the square of the noncentral t: both sides of the test).
    """
    error, df = standard_error(a, b)
    return detectable(error, df, alpha, power)


def detectable(error: float, df: float, alpha: float = 0.05, power: float = POWER) -> float:
    """Return the same for any difference with a standard error and its degrees of freedom."""
    limit = t_quantile(1 - alpha / 2, df) ** 2
    shift = root(lambda nc: noncentral_f_below(limit, 1, df, nc) - (1 - power), 1e-9, 20.0, digits=1e-9)
    return math.sqrt(shift) * error


def smallest_range(samples: Sequence[Sample], alpha: float = 0.05, power: float = POWER) -> float:
    """Return how far apart two group means must be, all others half-way between, for the F test to find it.

    The least favourable pattern of means with that range (Montgomery, Design and Analysis of Experiments, 3.7), taken
    for the two smallest groups with two values or more.
    """
    k, n = len(samples), sum(sample.n for sample in samples)
    within = math.fsum(sample.variance * (sample.n - 1) for sample in samples) / (n - k)
    first, second = sorted(sample.n for sample in samples)[:2]
    limit = f_quantile(1 - alpha, k - 1, n - k)
    shift = root(lambda nc: noncentral_f_below(limit, k - 1, n - k, nc) - (1 - power), 1e-9, 20.0, digits=1e-9)
    return math.sqrt(shift * within * (1 / first + 1 / second))


def power_of_proportions(p1: float, n1: int, p2: float, n2: int, alpha: float = 0.05) -> float:
    """Return the chance to find that two proportions differ (normal approximation, Fleiss 1981, 3.2)."""
    pooled = (p1 * n1 + p2 * n2) / (n1 + n2)
    null = math.sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n2))
    spread = math.sqrt(p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2)
    if spread == 0:
        return 1.0 if p1 != p2 else 0.0
    return normal_above((normal_quantile(1 - alpha / 2) * null - abs(p1 - p2)) / spread)


def smallest_proportion(base: float, n1: int, n2: int, alpha: float = 0.05, power: float = POWER) -> float | None:
    """Return the smallest proportion above `base` in the second group that is found; None if not even 1 would be."""
    if power_of_proportions(base, n1, 1.0, n2, alpha) < power:
        return None
    return root(lambda p: power_of_proportions(base, n1, p, n2, alpha) - power, base + 1e-9, 1.0, digits=1e-9)


def smallest_rate_ratio(events: float, share: float, alpha: float = 0.05, power: float = POWER) -> float | None:
    """Return by how many times a rate must be higher to be found, given so many events in all if rates were equal.

    By the square roots of Poisson counts, whose variance is 1/4 (Thode 1997); None without events.

    Args:
        events: Expected in both groups together at equal rates.
        share: The share of the exposure the first group has.
        alpha: Of the test.
        power: The chance to find it.
    """
    if events <= 0:
        return None
    first, second = events * share, events * (1 - share)
    need = normal_quantile(1 - alpha / 2) + normal_quantile(power)

    def far(ratio: float) -> float:
        spread = math.sqrt(0.25 / first + 0.25 / second)
        return (math.sqrt(ratio) - 1) / spread - need

    return root(far, 1.0, 4.0, digits=1e-9)
