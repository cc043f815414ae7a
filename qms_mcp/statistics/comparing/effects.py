"""How large a difference is, in units that can be compared: standard deviations, or shares of the variation."""

import math
from dataclasses import dataclass

from qms_mcp.statistics.comparing.means import Anova
from qms_mcp.statistics.comparing.samples import Sample
from qms_mcp.statistics.comparing.tails import noncentral_f_below, noncentral_t_below, normal_quantile, root

SMALL, MEDIUM, LARGE = 0.2, 0.5, 0.8
_SURE = 1e4


@dataclass(frozen=True, slots=True)
class Effect:
    """An effect size with its interval."""

    name: str
    value: float
    low: float
    high: float


def standardized(a: Sample, b: Sample) -> float | None:
    """Return the difference in pooled standard deviations, corrected for small samples; None if neither varies.

    Hedges, Journal of Educational Statistics 6 (1981), with the exact correction.
    """
    df = a.n + b.n - 2
    if df < 1 or a.variance + b.variance == 0:
        return None
    sd = math.sqrt(((a.n - 1) * a.variance + (b.n - 1) * b.variance) / df)
    return (a.centre - b.centre) / sd * small_sample(df)


def small_sample(df: int) -> float:
    """Return the factor that takes the bias of a standardized difference away."""
    if df < 2:  # noqa: PLR2004
        return 1.0
    return math.exp(math.lgamma(df / 2) - math.lgamma((df - 1) / 2)) / math.sqrt(df / 2)


def hedges_g(a: Sample, b: Sample, level: float = 0.95) -> Effect | None:
    """Return `standardized` with its interval.

    The interval is from the noncentral t (Steiger and Fouladi 1997), for enormous differences from the normal
    approximation of Hedges and Olkin (1985).
    """
    g = standardized(a, b)
    if g is None:
        return None
    df = a.n + b.n - 2
    factor, size = small_sample(df), math.sqrt(a.n * b.n / (a.n + b.n))
    low, high = _noncentral_t(g / factor * size, df, level)
    return Effect("Hedges g", g, low / size * factor, high / size * factor)


def _noncentral_t(t: float, df: int, level: float) -> tuple[float, float]:
    tail = (1 - level) / 2
    if abs(t) > _SURE:
        reach = normal_quantile(1 - tail) * math.sqrt(1 + t * t / (2 * df))
        return t - reach, t + reach
    span = 6 + abs(t) * (1 + 6 / math.sqrt(df))
    return (
        root(lambda shift: noncentral_t_below(t, df, shift) - (1 - tail), t - span, t + span),
        root(lambda shift: noncentral_t_below(t, df, shift) - tail, t - span, t + span),
    )


def omega_squared(table: Anova) -> float:
    """Return the share of the variation that lies between groups, without the bias of eta squared (Hays 1963)."""
    over = table.between_ss - table.between_df * table.within_ms
    return max(0.0, over / (table.between_ss + table.within_ss + table.within_ms))


def eta_squared(table: Anova, level: float = 0.90) -> Effect:
    """Return the share of the variation that lies between groups, with its interval (Steiger 2004).

    The interval is one of 90 % by custom: its lower end leaves zero exactly when the F test is significant at 5 %.
    """
    n, tail = table.between_df + table.within_df + 1, (1 - level) / 2

    def share(below: float) -> float:
        def far(shift: float) -> float:
            return noncentral_f_below(table.f, table.between_df, table.within_df, shift) - below

        if far(0.0) <= 0:
            return 0.0
        shift = root(far, 0.0, max(10.0, 2 * table.f * table.between_df))
        return shift / (shift + n)

    return Effect("eta squared", table.r_squared, share(1 - tail), share(tail))


def in_words(standardized: float) -> str:
    """Return a word for a difference in standard deviations (Cohen 1988)."""
    size = abs(standardized)
    if size < SMALL:
        return "very small"
    if size < MEDIUM:
        return "small"
    return "medium" if size < LARGE else "large"
