"""Comparing proportions: exact tests, and how large the difference is with an interval that holds for small counts."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.comparing.means import Outcome
from qms_mcp.statistics.comparing.tails import chi2_above, normal_above, normal_quantile, root
from qms_mcp.statistics.intervals import wilson

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_DRAWS = 20_000
_SEED = 19_350_101
_HAIR = 1e-6


@dataclass(frozen=True, slots=True)
class Share:
    """So many events of so many."""

    name: str
    events: int
    n: int

    @property
    def proportion(self) -> float:
        """Return events by n."""
        return self.events / self.n


@dataclass(frozen=True, slots=True)
class Gap:
    """First minus second, with its interval."""

    value: float
    low: float
    high: float


def checked(shares: Sequence[Share]) -> None:
    """Refuse what is no proportion.

    Raises:
        InvalidInputError: There are fewer than two groups, or a group has no trials or more events than trials.
    """
    if len(shares) < 2:  # noqa: PLR2004
        raise InvalidInputError(f"A comparison needs two groups; there are {len(shares)}.", hint="Check the group.")
    for share in shares:
        if share.n < 1 or not 0 <= share.events <= share.n:
            raise InvalidInputError(
                f"Group {share.name!r}: {share.events} of {share.n} is no proportion.",
                hint="Give how many were looked at (at least one) and how many of those had the event.",
            )


def fisher(a: Share, b: Share) -> tuple[float, float, float]:
    """Return Fisher's exact test of two proportions: p two-sided, p that `a` is higher, p that `a` is lower.

    Two-sided sums all tables no likelier than the one seen, as most programs do (Agresti, Categorical Data Analysis,
    3rd ed., 3.5.1).
    """
    from scipy import stats  # noqa: PLC0415

    table = [[a.events, a.n - a.events], [b.events, b.n - b.events]]

    def p(side: str) -> float:
        return min(1.0, float(cast("Any", stats).fisher_exact(table, alternative=side)[1]))

    return p("two-sided"), p("greater"), p("less")


def odds_ratio(a: Share, b: Share, level: float = 0.95) -> tuple[float | None, float, float | None]:
    """Return the odds ratio (conditional maximum likelihood) with its exact interval; None where it has no end."""
    from scipy import stats  # noqa: PLC0415

    table = [[a.events, a.n - a.events], [b.events, b.n - b.events]]
    found = cast("Any", stats).contingency.odds_ratio(table, kind="conditional")
    interval = found.confidence_interval(level)
    value, low, high = (float(number) for number in (found.statistic, interval.low, interval.high))
    return _finite(value), low if math.isfinite(low) else 0.0, _finite(high)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def newcombe(a: Share, b: Share, level: float = 0.95) -> Gap:
    """Return the difference of two proportions with the interval of Newcombe (1998, method 10: from Wilson's)."""
    first, second = wilson(a.events, a.n, level), wilson(b.events, b.n, level)
    p, q = a.proportion, b.proportion
    value = p - q
    return Gap(
        value,
        max(-1.0, value - math.hypot(p - first.low, second.high - q)),
        min(1.0, value + math.hypot(first.high - p, q - second.low)),
    )


def miettinen_nurminen(a: Share, b: Share, level: float = 0.95) -> Gap:
    """Return the difference with the score interval of Miettinen and Nurminen (Statistics in Medicine 4, 1985)."""
    value, z = a.proportion - b.proportion, normal_quantile((1 + level) / 2)

    def far(delta: float) -> float:
        p = _restricted(a, b, delta)
        q = p - delta
        n = a.n + b.n
        variance = (p * (1 - p) / a.n + q * (1 - q) / b.n) * n / (n - 1)
        return (value - delta) ** 2 - z * z * max(variance, 0.0)

    # From a hair beside the value seen: at 0 of 10 against 0 of 20 its own variance would be none.
    low = -1.0 if value == -1 else root(far, value - _HAIR, -1 + 1e-12)
    high = 1.0 if value == 1 else root(far, value + _HAIR, 1 - 1e-12)
    return Gap(value, low, high)


def _restricted(a: Share, b: Share, delta: float) -> float:
    """Return the likeliest first proportion if the difference is `delta` (the root of a cubic in closed form)."""
    n = a.n + b.n
    # With q the second proportion and p = q + d: n q^3 + l2 q^2 + l1 q + l0 = 0 (Farrington and Manning 1990).
    l2 = (a.n + 2 * b.n) * delta - n - a.events - b.events
    l1 = (b.n * delta - n - 2 * b.events) * delta + a.events + b.events
    l0 = b.events * delta * (1 - delta)
    v = l2**3 / (3 * n) ** 3 - l1 * l2 / (6 * n * n) + l0 / (2 * n)
    u = math.copysign(math.sqrt(max(0.0, l2 * l2 / (3 * n) ** 2 - l1 / (3 * n))), v)
    w = (math.pi + math.acos(max(-1.0, min(1.0, v / u**3)))) / 3 if u else math.pi / 3
    return min(1.0, max(0.0, 2 * u * math.cos(w) - l2 / (3 * n) + delta))


def chi_square(counts: "NDArray[np.float64]") -> tuple[Outcome, float]:
    """Return the chi-square test of a table (groups by outcomes) and the smallest expected count.

    Where an expected count is below five (Cochran 1954), p is that of the exact distribution with these margins, by
    20,000 tables drawn with a fixed seed.
    """
    import numpy as np  # noqa: PLC0415

    table = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    rows, columns, n = table.sum(axis=1), table.sum(axis=0), table.sum()
    if len(columns) < 2:  # noqa: PLR2004
        return Outcome("chi-square", 0.0, 0, None, 1.0), float(n)
    expected = np.outer(rows, columns) / n
    statistic = float(((table - expected) ** 2 / expected).sum())
    df = (len(rows) - 1) * (len(columns) - 1)
    least = float(expected.min())
    if least >= 5:  # noqa: PLR2004
        return Outcome("chi-square", statistic, df, None, chi2_above(statistic, df)), least
    draws = int(max(500, min(_DRAWS, 20_000_000 // table.size)))
    drawn = _drawn(rows.astype(int), columns.astype(int), draws)
    seen = ((drawn - expected) ** 2 / expected).sum(axis=(1, 2))
    p = (1 + int((seen >= statistic * (1 - 1e-12)).sum())) / (draws + 1)
    return Outcome(f"chi-square, simulated ({draws} tables, seed {_SEED})", statistic, df, None, p), least


def _drawn(rows: "NDArray[np.int64]", columns: "NDArray[np.int64]", draws: int) -> "NDArray[np.int64]":
    """Return random tables with these margins."""
    import numpy as np  # noqa: PLC0415

    random = np.random.default_rng(_SEED)
    made, left = np.empty((draws, len(rows), len(columns)), dtype=np.int64), np.tile(columns, (draws, 1))
    for row, size in enumerate(rows):
        rest, needed = left.sum(axis=1), np.full(draws, size)
        for column in range(len(columns)):
            rest = rest - left[:, column]
            took = random.hypergeometric(left[:, column], rest, needed)
            made[:, row, column], needed = took, needed - took
        left = left - made[:, row, :]
    return made


def cramers_v(statistic: float, counts: "NDArray[np.float64]") -> float:
    """Return how strongly two categories go together, 0 to 1, without bias (Bergsma 2013)."""
    rows, columns = (int((counts.sum(axis=axis) > 0).sum()) for axis in (1, 0))
    n = float(counts.sum())
    over = max(0.0, statistic / n - (rows - 1) * (columns - 1) / (n - 1))
    r, c = rows - (rows - 1) ** 2 / (n - 1), columns - (columns - 1) ** 2 / (n - 1)
    return math.sqrt(over / min(r - 1, c - 1)) if min(r, c) > 1 else 0.0


def mcnemar(first_only: int, second_only: int) -> float:
    """Return McNemar's exact test for pairs: two-sided, of the pairs in which just one had the event (1947)."""
    from qms_mcp.statistics.comparing.tails import binomial_at_most  # noqa: PLC0415

    n = first_only + second_only
    return min(1.0, 2 * binomial_at_most(min(first_only, second_only), n, 0.5)) if n else 1.0


def standardized(p: float, q: float) -> float:
    """Return Cohen's h: the difference of two proportions on a scale where it can be called small or large (1988)."""
    return 2 * math.asin(math.sqrt(p)) - 2 * math.asin(math.sqrt(q))


def score_z(a: Share, b: Share) -> Outcome:
    """Return the usual z test of two proportions with the pooled one (NIST e-Handbook 7.3.3), two-sided."""
    pooled = (a.events + b.events) / (a.n + b.n)
    error = math.sqrt(pooled * (1 - pooled) * (1 / a.n + 1 / b.n))
    z = (a.proportion - b.proportion) / error if error else 0.0
    return Outcome("z test (pooled)", z, None, None, 2 * normal_above(abs(z)))
