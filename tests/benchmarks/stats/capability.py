"""How often the intervals of capability indices hold the true index, and how often a stable process is turned away."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from qms_mcp.statistics.capability.indices import indices, nearest_bound, nearest_interval, spread_interval
from qms_mcp.statistics.capability.percentiles import POINTS
from qms_mcp.statistics.capability.specification import Specification
from qms_mcp.statistics.capability.stability import stability
from qms_mcp.statistics.capability.study import StudySettings, study
from qms_mcp.statistics.capability.subgroups import Subgrouped, by_size, individuals
from qms_mcp.statistics.capability.within import within_sigma
from qms_mcp.statistics.intervals import clopper_pearson
from qms_mcp.statistics.normality import anderson_darling
from tests.benchmarks.stats import Row

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Values = NDArray[np.float64]

# The mean is 0 and sigma 1; the nearer limit is the upper one, as on most real processes.
OFF_CENTRE = Specification(-6.0, 4.0)
CENTRED = Specification(-4.0, 4.0)
ONE_SIDED = Specification(usl=4.0)
TRUE_CPK = 4.0 / 3.0
_SLOW_SHARE = 20


def simulate(seed: int, quick: bool) -> list[Row]:
    """Return coverage of intervals and bounds, and false refusals."""
    import numpy as np

    rng = np.random.default_rng(seed)
    repeats = 1_000 if quick else 20_000
    rows = [_pp(rng, repeats)]
    for n in (30, 100):
        rows += [_ppk(rng, repeats, n, limits, name) for limits, name in _SPECIFICATIONS]
        rows += [_bound(rng, repeats, n, limits, name) for limits, name in _SPECIFICATIONS]
    rows += [_cpk_within(rng, repeats, name, group) for name, group in _GROUPS]
    rows.append(_percentiles(rng, max(50, repeats // _SLOW_SHARE)))
    rows += [_refused(rng, max(200, repeats // 4), name, n, group) for name, n, group in _STABLE]
    rows += [_normality(rng, repeats, n) for n in (10, 50, 300)]
    return rows


_SPECIFICATIONS = ((OFF_CENTRE, "off centre"), (CENTRED, "centred"), (ONE_SIDED, "one limit"))
_GROUPS: tuple[tuple[str, Callable[["Values"], Subgrouped]], ...] = (
    ("R-bar/d2, 25 subgroups of 5", lambda values: by_size(values, 5)),
    ("moving range, 125 individuals", individuals),
)
_STABLE: tuple[tuple[str, int, Callable[["Values"], Subgrouped]], ...] = (
    ("25 subgroups of 5", 125, lambda values: by_size(values, 5)),
    ("25 individuals", 25, individuals),
    ("100 individuals", 100, individuals),
    ("1,000 individuals", 1_000, individuals),
)


def _pp(rng: "np.random.Generator", repeats: int) -> Row:
    hits = 0
    for _ in range(repeats):
        sd = float(rng.normal(size=30).std(ddof=1))
        low, high = spread_interval(8.0 / (6.0 * sd), 29, 0.95)
        hits += low <= TRUE_CPK <= high
    return _row("Pp, chi-square", "n 30, 95 % interval", hits, repeats, 0.95, 0.005)


def _ppk(rng: "np.random.Generator", repeats: int, n: int, limits: Specification, name: str) -> Row:
    hits = 0
    for _ in range(repeats):
        values = rng.normal(size=n)
        found = indices(float(values.mean()), float(values.std(ddof=1)), limits).nearest
        low, high = nearest_interval(found, n, n - 1, 0.95)
        hits += low <= TRUE_CPK <= high
    return _row("Ppk, Bissell", f"n {n}, {name}, 95 % interval", hits, repeats, 0.95, 0.015)


def _bound(rng: "np.random.Generator", repeats: int, n: int, limits: Specification, name: str) -> Row:
    hits = 0
    for _ in range(repeats):
        values = rng.normal(size=n)
        found = indices(float(values.mean()), float(values.std(ddof=1)), limits).nearest
        hits += nearest_bound(found, n, n - 1, 0.95) <= TRUE_CPK
    return _row("Ppk, lower bound", f"n {n}, {name}, 95 % one-sided", hits, repeats, 0.95, 0.015, above=True)


def _cpk_within(rng: "np.random.Generator", repeats: int, name: str, group: Callable[["Values"], Subgrouped]) -> Row:
    hits, tried = 0, repeats // 4
    for _ in range(tried):
        values = rng.normal(size=125)
        sigma = within_sigma(group(values), None, "exact")
        assert sigma.df is not None
        found = indices(float(values.mean()), sigma.sigma, OFF_CENTRE).nearest
        low, high = nearest_interval(found, 125, sigma.df, 0.95)
        hits += low <= TRUE_CPK <= high
    return _row("Cpk, Bissell with equivalent df", f"{name}, 95 % interval", hits, tried, 0.95, 0.015)


def _percentiles(rng: "np.random.Generator", repeats: int) -> Row:
    import scipy.stats

    process = cast("Any", scipy.stats).gamma(2.0)
    low, middle, high = (float(process.ppf(point)) for point in POINTS)
    assert low < middle < high
    limit, hits = 10.0, 0
    true = (limit - middle) / (high - middle)
    for at in range(repeats):
        values = rng.gamma(2.0, 1.0, 100)
        made = study(
            individuals(values), Specification(usl=limit), StudySettings(distribution="gamma", seed=at)
        ).overall.nearest_interval
        assert made is not None
        hits += made.low <= true <= made.high
    return _row("Ppk by percentiles, bootstrap", "gamma, n 100, 95 % interval", hits, repeats, 0.95, 0.02)


def _refused(
    rng: "np.random.Generator", repeats: int, name: str, n: int, group: Callable[["Values"], Subgrouped]
) -> Row:
    hits = 0
    for _ in range(repeats):
        values = rng.normal(size=n)
        hits += stability(group(values), values).stable is False
    return _row("stability, false refusals", f"stable normal process, {name}", hits, repeats, 0.0, None)


def _normality(rng: "np.random.Generator", repeats: int, n: int) -> Row:
    hits = sum(anderson_darling(rng.normal(size=n)).p < 0.05 for _ in range(repeats))
    return _row("Anderson-Darling, level", f"normal, n {n}, 5 %", hits, repeats, 0.05, 0.01)


def _row(
    detector: str, case: str, hits: int, repeats: int, nominal: float, slack: float | None, *, above: bool = False
) -> Row:
    """Return the share with its interval; as expected when within `slack`, or (above) at least that near from below."""
    share = hits / repeats
    low, high = clopper_pearson(hits, repeats)
    if slack is None:
        return Row(detector, case, share, low, high, "", repeats)
    wide = slack + 3.0 * math.sqrt(nominal * (1.0 - nominal) / repeats)
    within = share >= nominal - wide if above else abs(share - nominal) <= wide
    expected = f">= {nominal - slack:g}" if above else f"{nominal:g} ({slack:g})"
    return Row(detector, case, share, low, high, expected, repeats, within)
