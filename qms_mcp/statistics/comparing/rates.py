"""Comparing rates: events by exposure (units, hours, lots), exactly, and whether counts vary as Poisson's do."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.comparing.means import Outcome
from qms_mcp.statistics.comparing.tails import chi2_above, t_beyond, t_quantile
from qms_mcp.statistics.intervals import RateDifference, RateRatio, poisson_difference, poisson_ratio

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_DRAWS = 20_000
_SEED = 19_400_101


@dataclass(frozen=True, slots=True)
class Rate:
    """Events of a group in its exposure."""

    name: str
    events: int
    exposure: float

    @property
    def rate(self) -> float:
        """Return events by exposure."""
        return self.events / self.exposure


def checked(rates: Sequence[Rate]) -> None:
    """Refuse what is no rate.

    Raises:
        InvalidInputError: Fewer than two groups, an exposure that is not positive, or no event at all.
    """
    if len(rates) < 2:  # noqa: PLR2004
        raise InvalidInputError(f"A comparison needs two groups; there are {len(rates)}.", hint="Check the group.")
    for rate in rates:
        if not rate.exposure > 0 or rate.events < 0:
            raise InvalidInputError(
                f"Group {rate.name!r}: {rate.events} events in an exposure of {rate.exposure:g} is no rate.",
                hint="The exposure is what could have had events: units made, hours run, lots inspected.",
            )


def ratio(a: Rate, b: Rate, level: float = 0.95) -> RateRatio:
    """Return how many times as high the first rate is, with the exact interval and test."""
    return poisson_ratio(a.events, a.exposure, b.events, b.exposure, level)


def likelier(a: Rate, b: Rate) -> Outcome:
    """Return the exact conditional test that sums all outcomes no likelier than the one seen (R's poisson.test)."""
    from scipy import stats  # noqa: PLC0415

    n = a.events + b.events
    share = a.exposure / (a.exposure + b.exposure)
    p = float(cast("Any", stats).binomtest(a.events, n, share).pvalue) if n else 1.0
    return Outcome("exact conditional (likelier tables)", float(a.events), None, None, min(1.0, p))


def gap(a: Rate, b: Rate, level: float = 0.95) -> RateDifference:
    """Return first minus second, with its interval."""
    return poisson_difference(a.events, a.exposure, b.events, b.exposure, level)


def equal_rates(rates: Sequence[Rate]) -> Outcome:
    """Return the test of equal rates: chi-square of the counts, given their sum, against the shares of exposure.

    Where a group is expected to have fewer than five events, p is that of the multinomial distribution, by 20,000
    draws with a fixed seed. Without any event there is nothing to test and p is 1.
    """
    import numpy as np  # noqa: PLC0415

    counts = np.array([rate.events for rate in rates], dtype=np.float64)
    exposure = np.array([rate.exposure for rate in rates])
    share, n = exposure / exposure.sum(), counts.sum()
    df = len(rates) - 1
    if n == 0:
        return Outcome("chi-square of counts", 0.0, df, None, 1.0)
    statistic = float(((counts - n * share) ** 2 / (n * share)).sum())
    if (n * share).min() >= 5:  # noqa: PLR2004
        return Outcome("chi-square of counts", statistic, df, None, chi2_above(statistic, df))
    draws = max(500, min(_DRAWS, 10_000_000 // len(rates)))
    drawn = np.random.default_rng(_SEED).multinomial(int(n), share, size=draws)
    seen = ((drawn - n * share) ** 2 / (n * share)).sum(axis=1)
    p = (1 + int((seen >= statistic * (1 - 1e-12)).sum())) / (draws + 1)
    return Outcome(f"chi-square of counts, simulated ({draws} draws, seed {_SEED})", statistic, df, None, p)


def dispersion(counts: "Floats", exposure: "Floats", groups: "NDArray[np.intp]") -> Outcome | None:
    """Return whether rows vary about the rate of their group more than Poisson counts do; None if that can't be seen.

    Pearson's chi-square by its degrees of freedom (McCullagh and Nelder 1989, 4.5): the statistic is the factor by
    which variances are larger. Groups expected to have fewer than one event a row are left out.
    """
    import numpy as np  # noqa: PLC0415

    total, exposed = np.bincount(groups, weights=counts), np.bincount(groups, weights=exposure)
    expected = exposure * (total / exposed)[groups]
    kept = expected >= 1
    df = int(kept.sum()) - len(set(groups[kept].tolist()))
    if df < 1:
        return None
    statistic = float(((counts[kept] - expected[kept]) ** 2 / expected[kept]).sum())
    return Outcome("dispersion", statistic / df, df, None, chi2_above(statistic, df))


def quasi_poisson(a: Rate, b: Rate, factor: float, df: float, level: float = 0.95) -> RateRatio:
    """Return the ratio of two rates whose counts vary `factor` times as much as Poisson counts: by logarithms.

    Raises:
        InvalidInputError: A group has no event: its logarithm is infinite.
    """
    if not (a.events and b.events):
        raise InvalidInputError("A group has no event.", hint="Use the exact Poisson ratio.")
    error = math.sqrt(factor * (1 / a.events + 1 / b.events))
    value = math.log(a.rate / b.rate)
    reach = t_quantile((1 + level) / 2, df) * error
    return RateRatio(math.exp(value), math.exp(value - reach), math.exp(value + reach), t_beyond(value / error, df))
