"""Tests of means: Welch's, which takes no equal variances for granted, and the classical analysis of variance."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.comparing.samples import Sample
from qms_mcp.statistics.comparing.tails import f_above, t_beyond, t_quantile


@dataclass(frozen=True, slots=True)
class Outcome:
    """A test as it is reported: `df2` is None where there is one number of degrees of freedom, `df` where none."""

    name: str
    statistic: float
    df: float | None
    df2: float | None
    p: float


@dataclass(frozen=True, slots=True)
class Anova:
    """The table of a one-way analysis of variance (NIST e-Handbook 7.4.3.3)."""

    between_df: int
    between_ss: float
    between_ms: float
    within_df: int
    within_ss: float
    within_ms: float
    f: float
    p: float

    @property
    def residual_sd(self) -> float:
        """Return the standard deviation within groups."""
        return math.sqrt(self.within_ms)

    @property
    def r_squared(self) -> float:
        """Return the share of the variation that lies between groups (eta squared)."""
        return self.between_ss / (self.between_ss + self.within_ss)


@dataclass(frozen=True, slots=True)
class Difference:
    """First minus second, with its interval and test."""

    value: float
    low: float
    high: float
    t: float
    df: float
    p: float


def anova(samples: Sequence[Sample]) -> Anova:
    """Return the one-way analysis of variance, which takes equal variances for granted.

    Raises:
        InvalidInputError: Every group has one value only, or no value varies within its group.
    """
    n, k = sum(sample.n for sample in samples), len(samples)
    if n <= k:
        raise InvalidInputError(
            f"There are {n} values in {k} groups: nothing shows how much values vary within a group.",
            hint="Give at least two values in one of the groups.",
        )
    within = math.fsum(sample.variance * (sample.n - 1) for sample in samples)
    if within == 0:
        raise InvalidInputError(
            "The values do not vary within any group.", hint="Check the resolution, or whether values were copied."
        )
    grand = math.fsum(sample.n * sample.centre for sample in samples) / n
    between = math.fsum(sample.n * (sample.centre - grand) ** 2 for sample in samples)
    between_ms, within_ms = between / (k - 1), within / (n - k)
    f = between_ms / within_ms
    return Anova(k - 1, between, between_ms, n - k, within, within_ms, f, f_above(f, k - 1, n - k))


def welch(samples: Sequence[Sample]) -> Outcome | None:
    """Return Welch's test of equal means (Biometrika 38, 1951); for two groups it is the square of his t.

    None where a group has one value or does not vary: its weight would be unknown or infinite.
    """
    if any(sample.variance == 0 for sample in samples):
        return None
    k = len(samples)
    weights = [sample.n / sample.variance for sample in samples]
    total = math.fsum(weights)
    centre = math.fsum(w * sample.centre for w, sample in zip(weights, samples, strict=True)) / total
    lack = math.fsum((1 - w / total) ** 2 / (sample.n - 1) for w, sample in zip(weights, samples, strict=True))
    between = math.fsum(w * (sample.centre - centre) ** 2 for w, sample in zip(weights, samples, strict=True))
    statistic = between / (k - 1) / (1 + 2 * (k - 2) / (k * k - 1) * lack)
    df2 = (k * k - 1) / (3 * lack)
    return Outcome("Welch ANOVA", statistic, k - 1, df2, f_above(statistic, k - 1, df2))


def standard_error(a: Sample, b: Sample) -> tuple[float, float]:
    """Return the standard error of a difference of means, and its degrees of freedom (Welch 1947, Satterthwaite).

    Raises:
        InvalidInputError: A group has one value, or neither varies.
    """
    for sample in (a, b):
        if sample.n < 2:  # noqa: PLR2004
            raise InvalidInputError(
                f"Group {sample.name!r} has one value: how it varies is unknown.", hint="Give at least two."
            )
    first, second = a.variance / a.n, b.variance / b.n
    if first + second == 0:
        raise InvalidInputError(
            f"Neither {a.name!r} nor {b.name!r} varies.", hint="Check the resolution, or whether values were copied."
        )
    # By shares, so that variances of 1e-200 do not vanish when squared.
    share = first / (first + second)
    return math.sqrt(first + second), 1 / (share**2 / (a.n - 1) + (1 - share) ** 2 / (b.n - 1))


def difference(a: Sample, b: Sample, level: float = 0.95) -> Difference:
    """Return how much larger the mean of `a` is, by Welch's t (NIST e-Handbook 7.3.1)."""
    error, df = standard_error(a, b)
    return _difference(a.centre - b.centre, error, df, level)


def pooled_difference(a: Sample, b: Sample, level: float = 0.95) -> Difference:
    """Return the same by Student's t, which takes equal variances for granted."""
    standard_error(a, b)  # for its refusals
    df = a.n + b.n - 2
    variance = ((a.n - 1) * a.variance + (b.n - 1) * b.variance) / df
    return _difference(a.centre - b.centre, math.sqrt(variance * (1 / a.n + 1 / b.n)), df, level)


def _difference(value: float, error: float, df: float, level: float) -> Difference:
    reach = t_quantile((1 + level) / 2, df) * error
    t = value / error
    return Difference(value, value - reach, value + reach, t, df, t_beyond(t, df))
