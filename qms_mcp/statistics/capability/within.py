"""Sigma within: how much values vary when nothing changes from one subgroup to the next.

Each estimate has a relative variance; the degrees of freedom it is worth are those of the pooled standard deviation
with the same relative variance (Patnaik, Biometrika 37 (1950); for ranges Duncan's d2* is made the same way).
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.capability.subgroups import Subgrouped
from qms_mcp.statistics.spc.constants import Convention, constants_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WithinMethod: TypeAlias = Literal[
    "range", "sd", "pooled", "pooled_unadjusted", "moving_range", "median_moving_range", "given"
]
_OF_INDIVIDUALS: Final = ("moving_range", "median_moving_range")
_LARGEST_BY_RANGE = 10
_LARGEST_RANGE = 25
_NARROW = 1e-4
# Relative variance of the median moving range against the average one: 1.92 to 1.99 for 30 to 400 values, simulated.
_MEDIAN_COSTS = 2.0


@dataclass(frozen=True, slots=True)
class WithinSigma:
    """An estimate of sigma within.

    Attributes:
        sigma: In the unit of the values.
        method: How it was estimated.
        says: The same in words, with the constant used.
        df: The degrees of freedom it is worth; None when sigma was given.
    """

    sigma: float
    method: WithinMethod
    says: str
    df: float | None


def within_sigma(
    grouped: Subgrouped, method: WithinMethod | None = None, convention: Convention = "published"
) -> WithinSigma:
    """Return sigma within subgroups, or of individuals from what lies between one and the next.

    Without a method: R-bar/d2 for equal subgroups of up to 10, S-bar/c4 for larger ones, pooled for unequal ones; the
    average moving range of two by d2 for individuals. Sources: Montgomery, Introduction to Statistical Quality Control,
    6.2, 6.3, 6.4; ASTM E2587. Unequal subgroups are weighted by the precision each one has (Burr, JQT 1 (1969)).

    Raises:
        InvalidInputError: The method needs subgroups or individuals and has the other; or no subgroup has two values;
            or nothing varies within.
    """
    chosen = method or _usual(grouped)
    if (chosen in _OF_INDIVIDUALS) is not grouped.individuals:
        raise InvalidInputError(
            f"{chosen} needs {'individuals' if chosen in _OF_INDIVIDUALS else 'subgroups'}.",
            hint="Leave sigma_method out, or name subgroups." if grouped.individuals else "Leave sigma_method out.",
        )
    made = (
        _of_individuals(grouped, chosen, convention) if grouped.individuals else _of_groups(grouped, chosen, convention)
    )
    if not made.sigma > 0.0:
        raise InvalidInputError(
            "Nothing varies within subgroups: all values of each are equal."
            if not grouped.individuals
            else "The moving ranges are zero: values hardly change from one to the next.",
            hint="The measurement may be too coarse, or the same value was written down again and again.",
        )
    return made


def equivalent_df(relative_variance: float) -> float:
    """Return the degrees of freedom of a standard deviation, unbiased by c4, that has this relative variance."""
    if relative_variance < _NARROW:
        return 1.0 / (2.0 * relative_variance) + 0.25
    low, high = 1e-3, 1e5
    for _ in range(200):
        middle = math.sqrt(low * high)
        low, high = (low, middle) if _relative_variance(middle) < relative_variance else (middle, high)
    return low


def _relative_variance(df: float) -> float:
    c4 = math.sqrt(2.0 / df) * math.exp(math.lgamma((df + 1.0) / 2.0) - math.lgamma(df / 2.0))
    return 1.0 / (c4 * c4) - 1.0


def _usual(grouped: Subgrouped) -> WithinMethod:
    if grouped.individuals:
        return "moving_range"
    if not grouped.equal:
        return "pooled"
    return "range" if int(grouped.sizes[0]) <= _LARGEST_BY_RANGE else "sd"


def _of_individuals(grouped: Subgrouped, method: WithinMethod, convention: Convention) -> WithinSigma:
    import numpy as np  # noqa: PLC0415

    constants = constants_of(convention)
    moving = np.abs(np.diff(grouped.series))
    moving = moving[~np.isnan(moving)]
    count = int(moving.size)
    if not count:
        raise InvalidInputError(
            "No two values follow each other, so there is no moving range.", hint="Give values without gaps."
        )
    if method == "moving_range":
        d2 = constants.d2(2)
        return WithinSigma(
            float(moving.mean()) / d2, method, f"average moving range / d2 ({d2:.6g})", equivalent_df(_of_moving(count))
        )
    d4 = constants.median_range()
    df = equivalent_df(_of_moving(count) * _MEDIAN_COSTS)
    return WithinSigma(float(np.median(moving)) / d4, method, f"median moving range / {d4:.6g}", df)


def _of_moving(count: int) -> float:
    """Return the relative variance of the mean of `count` moving ranges of two of independent normal values.

    Neighbours share a value: their covariance is that of two absolute normal values with correlation -1/2.
    """
    variance = 2.0 - 4.0 / math.pi
    covariance = 4.0 / math.pi * (math.sqrt(0.75) + math.pi / 12.0 - 1.0)
    return (count * variance + 2 * (count - 1) * covariance) / (count * count * 4.0 / math.pi)


def _of_groups(grouped: Subgrouped, method: WithinMethod, convention: Convention) -> WithinSigma:
    import numpy as np  # noqa: PLC0415

    order = np.argsort(grouped.codes, kind="stable")
    values, sizes = grouped.values[order], grouped.sizes
    starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
    several = sizes > 1
    if not several.any():
        raise InvalidInputError(
            "No subgroup has two values, so nothing is seen within them.", hint="Leave the subgroup out: individuals."
        )
    if method == "range":
        ranges = np.maximum.reduceat(values, starts) - np.minimum.reduceat(values, starts)
        return _of_ranges(ranges[several], sizes[several], convention)
    means = np.add.reduceat(values, starts) / sizes
    deviations = values - np.repeat(means, sizes)
    scale = float(np.abs(deviations).max()) or 1.0
    squares = np.add.reduceat(np.square(deviations / scale), starts)
    if method == "sd":
        sds = scale * np.sqrt(squares[several] / (sizes[several] - 1))
        return _of_sds(sds, sizes[several], convention)
    df = int((sizes - 1).sum())
    pooled = scale * math.sqrt(float(squares.sum()) / df)
    if method == "pooled_unadjusted":
        return WithinSigma(pooled, method, "pooled standard deviation", float(df))
    c4 = constants_of("exact").c4(df + 1)
    return WithinSigma(pooled / c4, "pooled", f"pooled standard deviation / c4 ({c4:.6g}, {df + 1} values)", float(df))


def _of_ranges(ranges: "NDArray[np.float64]", sizes: "NDArray[np.int64]", convention: Convention) -> WithinSigma:
    import numpy as np  # noqa: PLC0415

    if int(sizes.max()) > _LARGEST_RANGE:
        raise InvalidInputError(
            f"The range of {int(sizes.max())} values says little of how they vary.",
            hint="Use sigma_method sd or pooled for subgroups of more than 25.",
        )
    constants = constants_of(convention)
    d2 = {int(n): constants.d2(int(n)) for n in np.unique(sizes)}
    worth = {n: (factor / constants.d3(n)) ** 2 for n, factor in d2.items()}
    sigma, relative = _weighted(ranges, sizes, d2, worth)
    words = f"R-bar / d2 ({d2[int(sizes[0])]:.6g})" if len(d2) == 1 else "ranges / d2, weighted"
    return WithinSigma(sigma, "range", words, equivalent_df(relative))


def _of_sds(sds: "NDArray[np.float64]", sizes: "NDArray[np.int64]", convention: Convention) -> WithinSigma:
    import numpy as np  # noqa: PLC0415

    constants = constants_of(convention)
    c4 = {int(n): constants.c4(int(n)) for n in np.unique(sizes)}
    worth = {n: factor**2 / (1.0 - factor**2) for n, factor in c4.items()}
    sigma, relative = _weighted(sds, sizes, c4, worth)
    words = f"S-bar / c4 ({c4[int(sizes[0])]:.6g})" if len(c4) == 1 else "standard deviations / c4, weighted"
    return WithinSigma(sigma, "sd", words, equivalent_df(relative))


def _weighted(
    spreads: "NDArray[np.float64]", sizes: "NDArray[np.int64]", factor: dict[int, float], worth: dict[int, float]
) -> tuple[float, float]:
    """Return the mean of spread / factor weighted by worth, and its relative variance."""
    import numpy as np  # noqa: PLC0415

    if len(factor) == 1:
        ((n, divisor),) = factor.items()
        return float(spreads.mean()) / divisor, 1.0 / (worth[n] * spreads.size)
    factors = np.array([factor[int(n)] for n in sizes])
    weights = np.array([worth[int(n)] for n in sizes])
    return float((weights * spreads / factors).sum() / weights.sum()), 1.0 / float(weights.sum())
