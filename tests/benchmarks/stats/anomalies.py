"""Searches for anomalies under simulation: false alarms in 1,000 points, and how often what is there is found.

The level is 0.05: of tables in which nothing is unusual, at most five of a hundred may have a false alarm.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from qms_mcp.statistics.anomalies.control import called
from qms_mcp.statistics.anomalies.rare import surges
from qms_mcp.statistics.anomalies.rates import judge_rates
from qms_mcp.statistics.anomalies.robust import scale_of
from qms_mcp.statistics.anomalies.seasonal import seasonal
from qms_mcp.statistics.anomalies.texts import novelty
from qms_mcp.statistics.intervals import poisson_rate, wilson
from tests.benchmarks.stats import Row

if TYPE_CHECKING:
    import numpy as np

    Values = np.ndarray
    Draw = Callable[["np.random.Generator", int], np.ndarray]
    Judge = Callable[[Values], Values]

ALPHA = 0.05


def simulate(seed: int, quick: bool = False) -> list[Row]:
    """Return false alarms and power of each kind of search."""
    import numpy as np

    random = np.random.default_rng(seed)
    many = 200 if quick else 3_000
    rows = [
        row for name, draw in _shapes().items() for n in (20, 100, 1_000) for row in _false(random, name, draw, n, many)
    ]
    rows += [_power(random, n, size, many) for n in (20, 100, 1_000) for size in (4.0, 5.0, 6.0)]
    rows += _seasons(random, many // 4)
    rows += _counts(random, many)
    rows += _categories(random, many // 2)
    rows.append(_texts(random, max(20, many // 30)))
    return rows


def _shapes() -> dict[str, "Draw"]:
    return {
        "normal": lambda random, n: random.normal(0, 1, n),
        "lognormal, sigma 1": lambda random, n: random.lognormal(0, 1, n),
        "Student's t, 4 df": lambda random, n: random.standard_t(4, n),
        "gamma, shape 3": lambda random, n: random.gamma(3, 1, n),
        "uniform": lambda random, n: random.uniform(0, 1, n),
    }


def _by_scale(values: "Values") -> "Values":
    return scale_of(values).chance(values)


def _false(random: "np.random.Generator", name: str, draw: "Draw", n: int, many: int) -> list[Row]:
    """Return the share of tables with a false alarm, and how many there are in 1,000 points."""
    tables = alarms = 0
    times = max(40, many if n < 1_000 else many // 4)
    for _ in range(times):
        found = called(_by_scale(draw(random, n)), ALPHA).at.size
        tables, alarms = tables + bool(found), alarms + found
    interval, rate = wilson(tables, times), poisson_rate(alarms, times * n / 1_000)
    # Normal values must hold the level; for others it is told how far it is missed.
    limit = 0.06 if name in {"normal", "uniform"} else None
    expected = f"0.05 (at most {limit:g})" if limit else ""
    within = interval.low <= limit if limit else None
    per_1000 = alarms / (times * n / 1_000)
    return [
        Row(
            "find_anomalies: value, tables with a false alarm",
            f"{name}, n {n}",
            tables / times,
            *interval,
            expected,
            times,
            within,
        ),
        Row(
            "find_anomalies: value, false alarms in 1,000 points",
            f"{name}, n {n}",
            per_1000,
            rate.low,
            rate.high,
            "",
            times,
        ),
    ]


def _power(random: "np.random.Generator", n: int, size: float, many: int) -> Row:
    found, times = 0, max(40, many if n < 1_000 else many // 4)
    for _ in range(times):
        values = random.normal(0, 1, n)
        values[0] = size
        found += 0 in called(_by_scale(values), ALPHA).at
    interval = wilson(found, times)
    return Row("find_anomalies: value, found", f"one of {n} at {size:g} sd", found / times, *interval, "", times)


def _seasons(random: "np.random.Generator", many: int) -> list[Row]:
    import numpy as np

    rows = list[Row]()
    for season, seasons in ((12, 4), (12, 10), (7, 52)):
        n, tables, found = season * seasons, 0, 0
        usual = 3 * np.sin(2 * np.pi * np.arange(n) / season) + 0.02 * np.arange(n)
        for _ in range(many):
            values = usual + random.normal(0, 1, n)
            made = seasonal(values, season)
            tables += bool(called(made.scale.chance(made.left), ALPHA).at.size)
            values[n // 2] += 6
            made = seasonal(values, season)
            found += n // 2 in called(made.scale.chance(made.left), ALPHA).at
        false, power = wilson(tables, many), wilson(found, many)
        case = f"season {season}, {seasons} of them"
        within = false.low <= 0.08
        rows += [
            Row(
                "find_anomalies: seasonal, tables with a false alarm",
                case,
                tables / many,
                *false,
                "0.05 (at most 0.08)",
                many,
                within,
            ),
            Row("find_anomalies: seasonal, found", f"{case}, one at 6 sd", found / many, *power, "", many),
        ]
    return rows


def _counts(random: "np.random.Generator", many: int) -> list[Row]:
    import numpy as np

    rows = list[Row]()
    for mean, n, excess in ((3, 12, 1.0), (20, 24, 1.0), (20, 100, 1.0), (20, 100, 4.0)):
        tables = found = 0
        exposure = random.uniform(0.5, 2.0, n)
        for _ in range(many):
            expected = mean * exposure
            if excess > 1:
                counts = random.negative_binomial(expected / (excess - 1), 1 / excess).astype(np.float64)
            else:
                counts = random.poisson(expected).astype(np.float64)
            tables += bool(called(judge_rates(counts, exposure).p, ALPHA).at.size)
            counts[0] += 5 * np.sqrt(excess * expected[0])
            counts[0] = np.floor(counts[0])
            found += 0 in called(judge_rates(counts, exposure).p, ALPHA).at
        law = "Poisson" if excess == 1 else f"variance {excess:g} times Poisson's"
        case = f"{n} counts of about {mean}, {law}"
        false, power = wilson(tables, many), wilson(found, many)
        limit = 0.06 if excess == 1 else 0.10
        within = false.low <= limit
        rows += [
            Row(
                "find_anomalies: rate, tables with a false alarm",
                case,
                tables / many,
                *false,
                f"0.05 (at most {limit:g})",
                many,
                within,
            ),
            Row("find_anomalies: rate, found", f"{case}, one 5 sd up", found / many, *power, "", many),
        ]
    return rows


def _categories(random: "np.random.Generator", many: int) -> list[Row]:
    import numpy as np

    n, last = 1_000, 100
    later = np.arange(n) >= n - last
    share = 1 / np.arange(1, 201) ** 1.2
    share /= share.sum()
    tables = found = 0
    for _ in range(many):
        names = [f"k{at}" for at in random.choice(200, n, p=share)]
        tables += _any(names, later)
        for row in random.choice(np.arange(n - last, n), 6, replace=False):
            names[int(row)] = "new"
        made = surges(names, later)
        p = np.array([one.p for one in made.surges] + [1.0] * (made.categories - len(made.surges)))
        found += any(made.surges[at].category == "new" for at in called(p, ALPHA).places())
    false, power = wilson(tables, many), wilson(found, many)
    return [
        Row(
            "find_anomalies: category, tables with a false alarm",
            "200 categories by a power law, 100 of 1,000 rows new",
            tables / many,
            *false,
            "<= 0.05",
            many,
            false.low <= 0.05,
        ),
        Row("find_anomalies: category, found", "a new one in 6 of the last 100 rows", found / many, *power, "", many),
    ]


def _any(names: list[str], later: "Values") -> bool:
    import numpy as np

    made = surges(names, later)
    p = np.array([one.p for one in made.surges] + [1.0] * (made.categories - len(made.surges)))
    return bool(called(p, ALPHA).at.size)


def _texts(random: "np.random.Generator", many: int) -> Row:
    """Return the share of tables in which a subject is called new though none is."""
    import numpy as np

    vocabulary = [f"word{at}" for at in range(400)]
    subjects = [random.choice(400, 6, replace=False) for _ in range(40)]
    tables, later = 0, np.arange(600) >= 500
    for _ in range(many):
        texts = [
            " ".join(vocabulary[int(at)] for at in [*subjects[int(random.integers(40))], *random.integers(400, size=3)])
            for _ in range(600)
        ]
        made = novelty(texts, later)
        p = np.array([one.p for one in made.clusters] + [1.0] * (made.tested - len(made.clusters)))
        tables += bool(called(p, ALPHA).at.size)
    false = wilson(tables, many)
    case = "600 texts of 40 subjects, 100 of them new"
    return Row(
        "find_anomalies: text, tables with a false alarm",
        case,
        tables / many,
        *false,
        "<= 0.05",
        many,
        false.low <= 0.05,
    )
