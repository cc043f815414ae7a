"""Means of subgroups with their ranges or standard deviations (X-bar/R, X-bar/S), also of unequal sizes.

Sources: Montgomery, ch. 6.2 and 6.3 (6.3.2 for unequal sizes); AIAG SPC 2nd ed.; NIST e-Handbook 6.3.2.1. With
subgroups of n observations each:

    r_bar     sigma = R-bar / d2        X-bar: centre +- A2 R-bar     R: D3 R-bar ... D4 R-bar
    s_bar     sigma = S-bar / c4        X-bar: centre +- A3 S-bar     S: B3 S-bar ... B4 S-bar
    pooled    sigma = s_p / c4(1 + sum(n - 1)), s_p the pooled standard deviation
    weighted  sigma = sum(f v / d) / sum(f), v each range or standard deviation, d its d2 or c4, f = d^2 / var
              (minimum variance; Burr 1969)

Of unequal sizes r_bar means weighted, and s_bar takes the pooled standard deviation for S-bar, as textbooks do
(Montgomery example 6.4); every point then has limits of its own. A sigma given as a standard makes the limits of the
factors for a known sigma: 3 / sqrt(n), D1 and D2, B5 and B6.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.spc.constants import LARGEST_RANGE
from qms_mcp.statistics.spc.model import Estimate, Made, Observations, Panel, Settings
from qms_mcp.statistics.spc.rule_sets import applicable
from qms_mcp.statistics.spc.rules import Plotted, evaluate
from qms_mcp.statistics.spc.sums import mean, refuse_no_variation, refuse_too_few

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from qms_mcp.statistics.spc.rules import PerPoint, Values

Spread: TypeAlias = Literal["R", "S"]


@dataclass(frozen=True, slots=True)
class Subgroups:
    """Subgroups by what is charted of them.

    Attributes:
        means: A mean each; nan for one without a value.
        spreads: A range or standard deviation each; nan for one of fewer than two.
        sizes: How many values each has.
        size: The size all have; None if they differ.
    """

    means: "Values"
    spreads: "Values"
    sizes: "NDArray[np.intp]"
    size: int | None

    def per_size(self, factor: "Callable[[int], float]") -> "PerPoint":
        """Return a factor for each subgroup, or the one for all; nan where a subgroup is too small for it."""
        import numpy as np  # noqa: PLC0415

        if self.size is not None:
            return factor(self.size)
        made = np.full(self.sizes.shape, np.nan)
        for size in np.unique(self.sizes):
            if size >= 2:  # noqa: PLR2004 - a spread needs two
                made[self.sizes == size] = factor(int(size))
        return made

    def root(self) -> "PerPoint":
        """Return the square root of the sizes."""
        import numpy as np  # noqa: PLC0415

        if self.size is not None:
            return float(np.sqrt(self.size))
        return np.where(self.sizes > 0, np.sqrt(np.maximum(self.sizes, 1)), np.nan)


def grouped(observations: Observations, spread: Spread) -> Subgroups:
    """Return the subgroups of observations, also of those known by their means and spreads only.

    Raises:
        InvalidInputError: A spread that was given is negative, or a size is no whole number.
    """
    import numpy as np  # noqa: PLC0415

    if observations.spreads is None or observations.sizes is None:
        return summarized(observations.values, spread)
    missing = np.isnan(observations.values) | np.isnan(observations.spreads) | np.isnan(observations.sizes)
    sizes = np.where(missing, 0.0, observations.sizes)
    if (observations.spreads < 0).any() or (np.floor(sizes) != sizes).any() or (sizes[~missing] < 2).any():  # noqa: PLR2004
        raise InvalidInputError(
            "Subgroups have a range or standard deviation of 0 or more, and a size that is a whole number from 2 on.",
            hint="Look at the column of spreads and at the size.",
        )
    means = np.where(missing, np.nan, observations.values)
    kept = np.unique(sizes[~missing])
    size = int(kept[0]) if kept.size == 1 else None
    return Subgroups(means, np.where(missing, np.nan, observations.spreads), sizes.astype(np.intp), size)


def summarized(values: "Values", spread: Spread) -> Subgroups:
    """Return means and ranges or standard deviations of rows of values; nan is a value that is not there."""
    import numpy as np  # noqa: PLC0415

    points, width = values.shape
    means = _row_means(values)
    if not np.isnan(np.add.reduce(means)) and width > 1:
        sizes = np.broadcast_to(np.intp(width), (points,))
        return Subgroups(means, _row_ranges(values) if spread == "R" else _row_sds(values, means), sizes, width)
    return _with_gaps(values, spread)


def _row_means(values: "Values") -> "Values":
    # From the first value of each row, so that an offset costs no digits; column by column, as rows are short.
    width = values.shape[1]
    first = values[:, 0]
    rest = values[:, 1] - first if width > 1 else first - first
    for column in range(2, width):
        rest += values[:, column] - first
    rest /= width
    rest += first
    return rest


def _row_ranges(values: "Values") -> "Values":
    import numpy as np  # noqa: PLC0415

    high, low = values[:, 0].copy(), values[:, 0].copy()
    for column in range(1, values.shape[1]):
        np.maximum(high, values[:, column], out=high)
        np.minimum(low, values[:, column], out=low)
    high -= low
    return high


def _row_sds(values: "Values", means: "Values") -> "Values":
    import numpy as np  # noqa: PLC0415

    left = values - means[:, None]
    return np.sqrt(np.einsum("ij,ij->i", left, left) / (values.shape[1] - 1))


def _with_gaps(values: "Values", spread: Spread) -> Subgroups:
    import numpy as np  # noqa: PLC0415

    there = ~np.isnan(values)
    sizes = there.sum(axis=1)
    first = np.where(sizes > 0, values[np.arange(values.shape[0]), there.argmax(axis=1)], np.nan)
    left = np.where(there, values - first[:, None], 0.0)
    count = np.maximum(sizes, 1)
    moved = left.sum(axis=1) / count
    if spread == "R":
        high = np.where(there, left, -np.inf).max(axis=1, initial=-np.inf)
        found = high - np.where(there, left, np.inf).min(axis=1, initial=np.inf)
    else:
        squares = np.where(there, left - moved[:, None], 0.0) ** 2
        found = np.sqrt(squares.sum(axis=1) / np.maximum(sizes - 1, 1))
    kept = np.unique(sizes[sizes > 0])
    size = int(kept[0]) if kept.size == 1 and kept[0] > 1 else None
    return Subgroups(first + moved, np.where(sizes > 1, found, np.nan), sizes, size)


def subgroups(observations: Observations, settings: Settings, spread: Spread) -> Made:
    """Return the panels X-bar and R (or S).

    Raises:
        InvalidInputError: There are fewer than two subgroups to estimate from, or nothing varies within, or they are
            too large for ranges.
    """
    groups = grouped(observations, spread)
    _refuse_large(groups, spread)
    estimate = estimate_subgroups(observations, groups, settings, spread)
    lines = _lines(groups, estimate, settings, spread)
    sigma = lines.away / settings.limits_at
    high, low = estimate.center + lines.away, estimate.center - lines.away
    main = Plotted(groups.means, estimate.center, low, high, sigma)
    side = Plotted(groups.spreads, lines.center, lines.low, lines.high)
    return Made(
        (
            Panel(
                "X-bar",
                groups.means,
                estimate.center,
                low,
                high,
                sigma,
                evaluate(main, applicable(settings.rules, "normal")),
            ),
            Panel(
                spread,
                groups.spreads,
                lines.center,
                lines.low,
                lines.high,
                None,
                evaluate(side, applicable(settings.rules, "dispersion")),
            ),
        ),
        estimate,
    )


@dataclass(frozen=True, slots=True)
class _Lines:
    """How far the limits of the means stand away, and the lines of the spreads."""

    away: "PerPoint"
    center: "PerPoint"
    low: "PerPoint"
    high: "PerPoint"


def _lines(groups: Subgroups, estimate: Estimate, settings: Settings, spread: Spread) -> _Lines:
    constants, at = settings.constants, settings.limits_at
    unit = constants.d2 if spread == "R" else constants.c4
    if settings.known.sigma is not None and not settings.known.frozen:
        known = constants.range_of_known_sigma if spread == "R" else constants.sd_of_known_sigma
        return _Lines(
            at * estimate.sigma / groups.root(),
            groups.per_size(unit) * estimate.sigma,
            groups.per_size(lambda n: known(n, at)[0]) * estimate.sigma,
            groups.per_size(lambda n: known(n, at)[1]) * estimate.sigma,
        )
    mean_factor = constants.mean_factor_range if spread == "R" else constants.mean_factor_sd
    factors = constants.range_factors if spread == "R" else constants.sd_factors
    center = groups.per_size(unit) * estimate.sigma
    if estimate.sd_center is not None:
        center = groups.per_size(lambda _: 1.0) * estimate.sd_center
    away = groups.per_size(lambda n: mean_factor(n, at)) * center
    low = groups.per_size(lambda n: factors(n, at)[0]) * center
    high = groups.per_size(lambda n: factors(n, at)[1]) * center
    return _Lines(_of_single(away, groups, at * estimate.sigma), center, low, high)


def _of_single(away: "PerPoint", groups: Subgroups, sigmas: float) -> "PerPoint":
    """Return the distances with those of subgroups of a single value, which no factor is printed for."""
    import numpy as np  # noqa: PLC0415

    return away if groups.size is not None else np.where(groups.sizes == 1, sigmas, away)


def estimate_subgroups(observations: Observations, groups: Subgroups, settings: Settings, spread: Spread) -> Estimate:
    """Return centre and sigma within, as far as they are not known.

    Raises:
        InvalidInputError: There are fewer than two subgroups to estimate from, or nothing varies within.
    """
    import numpy as np  # noqa: PLC0415

    known = settings.known
    if known.center is not None and known.sigma is not None:
        return Estimate(known.center, known.sigma, "known before", sd_center=known.sd_center, known=True)
    counted = observations.counted() & (groups.sizes > 0)
    sizes = groups.sizes[counted].astype(np.float64)
    center = known.center if known.center is not None else _weighted_mean(groups, counted, sizes)
    if known.sigma is not None:
        return Estimate(center, known.sigma, "sigma given")
    within = counted & (groups.sizes > 1)
    refuse_too_few(int(within.sum()), "subgroup")
    made = _sigma(groups.spreads[within], groups.sizes[within], settings, spread)
    refuse_no_variation(made.sigma, int(within.sum()), "subgroup")
    return Estimate(center, made.sigma, made.method, sd_center=made.sd_center)


def _weighted_mean(groups: Subgroups, counted: "NDArray[np.bool_]", sizes: "Values") -> float:
    import numpy as np  # noqa: PLC0415

    means = groups.means[counted]
    refuse_too_few(means.size + 1, "subgroup")
    if groups.size is not None:
        return mean(means)
    first = mean(means)
    return first + float(np.add.reduce(sizes * (means - first)) / np.add.reduce(sizes))


def _sigma(spreads: "Values", sizes: "NDArray[np.intp]", settings: Settings, spread: Spread) -> Estimate:
    import numpy as np  # noqa: PLC0415

    constants = settings.constants
    method = settings.sigma_method or ("r_bar" if spread == "R" else "s_bar")
    _refuse_method(method, spread)
    smallest, largest = int(sizes.min()), int(sizes.max())
    if method == "weighted" or (method == "r_bar" and smallest != largest):
        return Estimate(0.0, _minimum_variance(spreads, sizes, settings, spread), "weighted mean of the spreads")
    if method == "r_bar":
        d2 = constants.d2(largest)
        return Estimate(0.0, mean(spreads) / d2, f"R-bar / {d2:.6g}")
    freedom = sizes - 1
    pooled = float(np.sqrt(np.add.reduce(freedom * spreads * spreads) / np.add.reduce(freedom)))
    if method == "pooled":
        degrees = int(np.add.reduce(freedom))
        return Estimate(0.0, pooled / constants.c4(degrees + 1), f"pooled standard deviation / c4({degrees} + 1)")
    if smallest != largest:
        return Estimate(0.0, pooled, "S-bar as the pooled standard deviation of unequal subgroups", sd_center=pooled)
    c4 = constants.c4(largest)
    return Estimate(0.0, mean(spreads) / c4, f"S-bar / {c4:.6g}")


def _minimum_variance(spreads: "Values", sizes: "NDArray[np.intp]", settings: Settings, spread: Spread) -> float:
    import numpy as np  # noqa: PLC0415

    constants, units, weights = settings.constants, np.empty(spreads.shape), np.empty(spreads.shape)
    for size in np.unique(sizes):
        n = int(size)
        unit = constants.d2(n) if spread == "R" else constants.c4(n)
        variance = constants.d3(n) ** 2 if spread == "R" else 1 - unit * unit
        units[sizes == size], weights[sizes == size] = unit, unit * unit / variance
    return float(np.add.reduce(weights * spreads / units) / np.add.reduce(weights))


def _refuse_method(method: str, spread: Spread) -> None:
    allowed = ("r_bar", "weighted") if spread == "R" else ("s_bar", "pooled", "weighted")
    if method not in allowed:
        raise InvalidInputError(
            f"{method} does not go with X-bar/{spread}.", hint=f"With it go {', '.join(allowed)}; pooled needs X-bar/S."
        )


def _refuse_large(groups: Subgroups, spread: Spread) -> None:
    largest = int(groups.sizes.max()) if groups.sizes.size else 0
    if largest < 2:  # noqa: PLR2004 - a spread needs two
        raise InvalidInputError(
            "Every subgroup has a single value, so nothing varies within.",
            hint="Chart individual values (I-MR), or say which values belong together.",
        )
    if spread == "R" and largest > LARGEST_RANGE:
        raise InvalidInputError(
            f"A range of {largest} values says little about their spread: it uses two of them.",
            hint="Chart X-bar/S.",
        )
