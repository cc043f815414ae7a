"""Comparisons of groups under simulation: the level of the tests where nothing differs, coverage, and power.

The tests of groups must hold their level where variances and sizes are unequal, which the classical analysis of
variance does not; it is measured beside them to show that.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from qms_mcp.statistics.comparing import means, posthoc, power, proportions, ranks, rates
from qms_mcp.statistics.comparing.effects import hedges_g
from qms_mcp.statistics.comparing.proportions import Share
from qms_mcp.statistics.comparing.rates import Rate
from qms_mcp.statistics.comparing.samples import Sample, sample_of
from qms_mcp.statistics.intervals import wilson
from tests.benchmarks.stats import Row

if TYPE_CHECKING:
    import numpy as np

    Draw = Callable[["np.random.Generator", int, float], np.ndarray]

LEVEL = 0.05
_CASES: dict[str, tuple[tuple[int, float], ...]] = {
    "2 groups, n 10 and 30, sd 3 and 1": ((10, 3.0), (30, 1.0)),
    "2 groups, n 30 and 10, sd 3 and 1": ((30, 3.0), (10, 1.0)),
    "4 groups, n 10, equal sd": ((10, 1.0),) * 4,
    "4 groups, n 8 to 32, sd 4 to 1": ((8, 4.0), (16, 3.0), (24, 2.0), (32, 1.0)),
}


def simulate(seed: int, quick: bool = False) -> list[Row]:
    """Return levels, coverages and power of the comparisons."""
    import numpy as np

    random = np.random.default_rng(seed)
    many = 400 if quick else 10_000
    rows = [row for case, groups in _CASES.items() for row in _levels(random, case, groups, many)]
    rows += _shapes(random, many)
    rows += [_power_of_welch(random, many), _interval_of_g(random, many // 4)]
    rows += _proportions(random, many // 4)
    rows.append(_rates(random, many))
    return rows


def _drawn(random: "np.random.Generator", groups: tuple[tuple[int, float], ...], draw: "Draw") -> list[Sample]:
    made = [draw(random, n, sd) for n, sd in groups]
    return [sample_of(str(at), values, values, 0.0) for at, values in enumerate(made)]


def _normal(random: "np.random.Generator", n: int, sd: float) -> "np.ndarray":
    return random.normal(0.0, sd, n)


def _levels(random: "np.random.Generator", case: str, groups: tuple[tuple[int, float], ...], many: int) -> list[Row]:
    """Return how often each test finds a difference where there is none."""
    found = {"Welch": 0, "classical analysis of variance": 0, "any pair (Games-Howell, Holm)": 0}
    after = many // 4
    for at in range(many):
        samples = _drawn(random, groups, _normal)
        whole = means.welch(samples)
        found["Welch"] += whole is not None and whole.p < LEVEL
        found["classical analysis of variance"] += means.anova(samples).p < LEVEL
        if at < after:
            found["any pair (Games-Howell, Holm)"] += posthoc.post_hoc(samples).pairs[0].p < LEVEL
    rows = list[Row]()
    for name, count in found.items():
        n = after if name.startswith("any") else many
        limit = None if name.startswith("classical") else 0.065
        rows.append(_share(f"compare_groups: {name}", case, count, n, limit))
    return rows


def _shapes(random: "np.random.Generator", many: int) -> list[Row]:
    """Return the level where values are far from normal: Welch with large groups, ranks with small ones."""

    def lognormal(of: "np.random.Generator", n: int, sd: float) -> "np.ndarray":
        return of.lognormal(0.0, sd, n)

    large = small = 0
    for _ in range(many):
        whole = means.welch(_drawn(random, ((60, 0.8), (60, 0.8)), lognormal))
        rank = ranks.mann_whitney(*_drawn(random, ((12, 1.0), (12, 1.0)), lognormal))
        large += whole is not None and whole.p < LEVEL
        small += rank is not None and rank.p < LEVEL
    return [
        _share("compare_groups: Welch", "2 groups, n 60, lognormal", large, many, 0.065),
        _share("compare_groups: Mann-Whitney", "2 groups, n 12, lognormal", small, many, 0.055),
    ]


def _power_of_welch(random: "np.random.Generator", many: int) -> Row:
    """Return how often a difference of the size that is called detectable is found."""
    import numpy as np

    flat = np.arange(15.0)
    flat = (flat - flat.mean()) / flat.std(ddof=1)
    a, b = (sample_of("", flat * sd, flat * sd, 0.0) for sd in (1.0, 2.0))
    least = power.smallest_difference(a, b, LEVEL)
    found = 0
    for _ in range(many):
        x, y = random.normal(least, 1.0, 15), random.normal(0.0, 2.0, 15)
        found += means.difference(sample_of("", x, x, 0.0), sample_of("", y, y, 0.0)).p < LEVEL
    interval = wilson(found, many)
    case = "a difference of the size called detectable, n 15, sd 1 and 2"
    within = interval.low <= 0.80 + 0.02 and interval.high >= 0.80 - 0.02
    return Row("compare_groups: power", case, found / many, interval.low, interval.high, "0.80 +- 0.02", many, within)


def _interval_of_g(random: "np.random.Generator", many: int) -> Row:
    held = 0
    for _ in range(many):
        x, y = random.normal(0.8, 1.0, 12), random.normal(0.0, 1.0, 20)
        g = hedges_g(sample_of("", x, x, 0.0), sample_of("", y, y, 0.0))
        held += g is not None and g.low <= 0.8 <= g.high
    interval = wilson(held, many)
    within = interval.low <= 0.96 and interval.high >= 0.94
    case = "n 12 and 20, true 0.8"
    return Row("compare_groups: interval of Hedges g", case, held / many, *interval, "0.95", many, within)


def _proportions(random: "np.random.Generator", many: int) -> list[Row]:
    """Return the level of Fisher's test and the coverage of both intervals of a difference."""
    rows = list[Row]()
    for n, p, q in ((20, 0.1, 0.1), (40, 0.3, 0.3), (30, 0.02, 0.1)):
        wrong = hybrid = score = 0
        for _ in range(many):
            a = Share("a", int(random.binomial(n, p)), n)
            b = Share("b", int(random.binomial(2 * n, q)), 2 * n)
            wrong += proportions.fisher(a, b)[0] < LEVEL
            one, other = proportions.newcombe(a, b), proportions.miettinen_nurminen(a, b)
            hybrid += one.low <= p - q <= one.high
            score += other.low <= p - q <= other.high
        case = f"n {n} and {2 * n}, {p:g} against {q:g}"
        if p == q:
            rows.append(_share("compare_groups: Fisher", case, wrong, many, 0.055))
        for name, held in (("Newcombe", hybrid), ("Miettinen-Nurminen", score)):
            interval = wilson(held, many)
            within = interval.high >= 0.93
            detector = f"compare_groups: interval of {name}"
            rows.append(Row(detector, case, held / many, *interval, ">= 0.93", many, within))
    return rows


def _rates(random: "np.random.Generator", many: int) -> Row:
    wrong = 0
    for _ in range(many):
        a, b = Rate("a", int(random.poisson(6)), 100.0), Rate("b", int(random.poisson(18)), 300.0)
        wrong += rates.ratio(a, b).p < LEVEL if a.events + b.events else 0
    return _share("compare_groups: exact Poisson", "6 and 18 events expected", wrong, many, 0.055)


def _share(detector: str, case: str, count: int, n: int, limit: float | None) -> Row:
    interval = wilson(count, n)
    expected = "" if limit is None else f"0.05 (at most {limit:g})"
    within = None if limit is None else interval.low <= limit
    return Row(detector, case, count / n, interval.low, interval.high, expected, n, within)
